"""What `make` does before everything else: the virtual environment, made with stand-ins for Python."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.programs import program

TOP = Path(__file__).parent.parent

PYTHON = """#!/bin/sh
# A Python of version {version}. Its environments have a pip that does what `pip-does` beside the clone says.
here={here}
say() {{ echo "$@" >>"$here/done"; }}
case "$*" in
*"version_info < "*) exit {too_old} ;;
*"version_info[:2]"*) echo {version} ;;
*"import ensurepip"*) exit $(test ! -e "$here/no-ensurepip"; echo $?) ;;
"-m venv "*)
    say venv "$3"
    mkdir -p "$3/bin" "$3/lib/python{version}"
    cp "$0" "$3/bin/python"
    test ! -e "$here/venv-waits" || {{ echo >"$here/works"; exec sleep 1000; }}
    test ! -e "$here/venv-fails" || {{ echo "Error: it cannot be made" >&2; exit 1; }}
    echo "home = /usr/bin" >"$3/pyvenv.cfg" ;;
"-m pip --version") test -e "$(dirname "$0")/../pyvenv.cfg" ;;
"-m pip install "*)
    say pip {version} "$@"
    echo "Collecting aiohttp"
    echo "Requirement already satisfied: rich"
    . "$here/pip-does" ;;
*) echo "{version} ran $*" ;;
esac
"""
OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "GNUMAKEFLAGS", "PYTHON", "VENV", "ARGS")
"""Variables that the make which runs these tests hands on: a make that knows itself below another one says so."""
SHOMARE = '#!/bin/sh\\necho "the demo: $*"\\n'


def _hear_ctrl_c() -> None:
    """Whoever runs the tests in the background of a shell has them ignore SIGINT, and all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Clone:
    """A clone with nothing in it but what make reads; `python…` on the path are stand-ins."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin = folder / "clone", folder / "bin"
        self.venv = self.folder / ".venv"
        (self.folder / ".ci").mkdir(parents=True)
        self.bin.mkdir()
        for name in ("Makefile", ".ci/venv.sh", "pyproject.toml", "requirements.lock"):
            (self.folder / name).write_bytes((TOP / name).read_bytes())
        self.python("python3", "3.12")
        self.pip_does(f"printf '{SHOMARE}' >.venv/bin/shomare-mqtt; chmod 755 .venv/bin/shomare-mqtt")

    def python(self, name: str, version: str) -> None:
        too_old = int(tuple(map(int, version.split("."))) < (3, 11))
        path = self.bin / name
        path.write_text(PYTHON.format(version=version, too_old=too_old, here=self.folder.parent))
        path.chmod(0o755)

    def pip_does(self, script: str) -> None:
        (self.folder.parent / "pip-does").write_text(script)

    def put(self, name: str) -> None:
        (self.folder.parent / name).touch()

    def take(self, name: str) -> None:
        (self.folder.parent / name).unlink()

    @property
    def done(self) -> list[str]:
        """What the stand-ins did at length: making environments, and pip."""
        path = self.folder.parent / "done"
        return path.read_text().splitlines() if path.exists() else []

    def _started(self, *arguments: str) -> subprocess.Popen[str]:
        # Nothing else on the path than make's own tools: a python3 of this machine must not stand in for a missing one.
        tools = self.folder.parent / "tools"
        tools.mkdir(exist_ok=True)
        for name in ("make", "sh", "mkdir", "cp", "rm", "touch", "dirname", "chmod", "expr", "getconf", "sleep"):
            if not (tools / name).exists():
                (tools / name).symlink_to(program(name))
        clean = {k: v for k, v in os.environ.items() if k not in OF_MAKE}
        return subprocess.Popen(
            [tools / "make", *arguments], cwd=self.folder, env=clean | {"PATH": f"{self.bin}:{tools}", "LANG": "C"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - there are no other threads
        )  # fmt: skip

    def make(self, *arguments: str) -> tuple[int, str]:
        """Its exit status, and all that stands on the screen."""
        process = self._started(*arguments)
        out, _ = process.communicate(timeout=PATIENCE)
        return process.returncode, out

    def interrupted(self, number: int, *arguments: str) -> str:
        """What make says until a signal ends it and all that it started, as what `pip-does` or a venv waits for it."""
        os.mkfifo(self.folder.parent / "works")
        process = self._started(*arguments)
        with (self.folder.parent / "works").open() as works:
            works.readline()
        while True:  # a shell that is about to start the next program loses one that comes just then: so press again
            with suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=1)[0]


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_what_takes_long_is_said_and_done_once(clone: Clone) -> None:
    status, out = clone.make("demo", "ARGS=--once")
    assert status == 0, out
    assert "Making a virtual environment in .venv with Python 3.12 (a few seconds, once)." in out
    assert "about 20 seconds" in out
    assert "\n..\n" in out, "a dot for each package"
    assert "the demo: demo --once" in out
    assert clone.done == [
        "venv .venv", "pip 3.12 -m pip install --disable-pip-version-check -c requirements.lock -e .[demo]",
    ]  # fmt: skip
    status, out = clone.make("demo")
    assert (status, out) == (0, ".venv/bin/shomare-mqtt demo \nthe demo: demo\n")


def test_the_tests_need_more_and_with_it_the_demo_needs_nothing(clone: Clone) -> None:
    assert clone.make("venv")[0] == clone.make("demo")[0] == 0
    assert [line.rpartition(" ")[2] for line in clone.done] == [".venv", ".[dev]"]
    (clone.venv / ".ready").unlink()
    assert clone.make("venv")[0] == 0
    assert [line.rpartition(" ")[2] for line in clone.done] == [".venv", ".[dev]", ".[dev]"]


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.lock"])
def test_what_is_needed_has_changed(clone: Clone, name: str) -> None:
    clone.make("demo")
    os.utime(clone.venv / ".ready-demo", (1, 1))
    os.utime(clone.folder / ({"pyproject.toml", "requirements.lock"} - {name}).pop(), (0, 0))
    clone.make("demo")
    assert [line.split()[0] for line in clone.done] == ["venv", "pip", "pip"]


def test_debian_without_python3_venv(clone: Clone) -> None:
    clone.put("no-ensurepip")
    status, out = clone.make("demo")
    assert status != 0
    assert "sudo apt install python3-venv\n" in out
    assert not clone.venv.exists()
    clone.take("no-ensurepip")
    assert clone.make("demo")[0] == 0


def test_another_pythons_package(clone: Clone) -> None:
    clone.python("python3.13", "3.13")
    clone.put("no-ensurepip")
    assert "sudo apt install python3.13-venv\n" in clone.make("demo", "PYTHON=python3.13")[1]


def test_what_an_earlier_make_left_behind(clone: Clone) -> None:
    """An environment without pip: what `python3 -m venv` leaves where ensurepip is missing."""
    (clone.venv / "bin").mkdir(parents=True)
    (clone.venv / "lib" / "python3.12").mkdir(parents=True)
    (clone.venv / "pyvenv.cfg").touch()
    own = clone.venv / "bin" / "python"
    own.write_text("#!/bin/sh\ncase $* in *'info[:2]'*) echo 3.12 ;; '-m pip'*) exit 1 ;; esac\n")
    own.chmod(0o755)
    status, out = clone.make("demo")
    assert status == 0, out
    assert ".venv is made anew: it has no pip (its making failed)." in out


def test_an_environment_that_cannot_be_made(clone: Clone) -> None:
    clone.put("venv-fails")
    status, out = clone.make("demo")
    assert status != 0
    assert "Error: it cannot be made" in out
    assert "python3-venv" in out
    assert not clone.venv.exists()
    clone.take("venv-fails")
    assert clone.make("demo")[0] == 0


def test_pip_without_a_network(clone: Clone) -> None:
    demo = (clone.folder.parent / "pip-does").read_text()
    clone.pip_does("echo 'ERROR: No matching distribution found for aiohttp>=3.11' >&2; exit 1")
    status, out = clone.make("demo")
    assert status != 0
    assert "ERROR: No matching distribution" in out
    assert "look at the network" in out
    assert "HTTPS_PROXY" in out
    assert "the demo" not in out
    clone.pip_does(demo)
    status, out = clone.make("demo")
    assert status == 0, out
    assert [line.split()[0] for line in clone.done] == ["venv", "pip", "pip"], "the environment itself was sound"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_installation_begins_anew(clone: Clone, number: int) -> None:
    demo = (clone.folder.parent / "pip-does").read_text()
    clone.pip_does('echo >"$here/works"; exec sleep 1000')
    assert "about 20 seconds" in clone.interrupted(number, "demo")
    clone.pip_does(demo)
    status, out = clone.make("demo")
    assert status == 0, out
    assert ".venv is made anew: its installation was interrupted." in out
    assert clone.make("demo")[1] == ".venv/bin/shomare-mqtt demo \nthe demo: demo\n"


def test_an_interrupted_making_leaves_nothing(clone: Clone) -> None:
    clone.put("venv-waits")
    clone.interrupted(signal.SIGINT, "demo")
    assert not clone.venv.exists()
    clone.take("venv-waits")
    assert clone.make("demo")[0] == 0


def test_a_python_that_is_gone(clone: Clone) -> None:
    clone.make("demo")
    (clone.venv / "bin" / "python").unlink()
    (clone.venv / "bin" / "python").symlink_to("/nonexistent/python3")
    status, out = clone.make("demo")
    assert status == 0, out
    assert ".venv is made anew: its Python is gone" in out


def test_a_python_that_became_another(clone: Clone) -> None:
    """A newer Debian: /usr/bin/python3, to which the environment leads, is 3.13 by now."""
    clone.make("demo")
    clone.python("python3", "3.13")
    (clone.venv / "bin" / "python").write_bytes((clone.bin / "python3").read_bytes())
    status, out = clone.make("demo")
    assert status == 0, out
    assert ".venv is made anew: it was made for another Python than the 3.13 that it leads to by now." in out


@pytest.mark.parametrize("there", [False, True])
def test_a_python_that_is_too_old(clone: Clone, there: bool) -> None:
    clone.python("python3", "3.9")
    if there:
        (clone.venv / "bin").mkdir(parents=True)
        (clone.venv / "bin" / "python").write_bytes((clone.bin / "python3").read_bytes())
        (clone.venv / "bin" / "python").chmod(0o755)
        (clone.venv / "pyvenv.cfg").touch()
    status, out = clone.make("demo")
    assert status != 0
    assert "python3 is Python 3.9, and shomare-mqtt needs Python 3.11 or newer." in out
    assert "Debian 12" in out
    assert "make PYTHON=" in out
    assert clone.venv.exists() is there
    assert clone.done == []


def test_an_environment_of_an_old_python(clone: Clone) -> None:
    clone.python("python3", "3.9")
    (clone.venv / "bin").mkdir(parents=True)
    (clone.venv / "lib" / "python3.9").mkdir(parents=True)
    (clone.bin / "python3").rename(clone.venv / "bin" / "python")
    (clone.venv / "pyvenv.cfg").touch()
    clone.python("python3", "3.12")
    status, out = clone.make("demo")
    assert status == 0, out
    assert ".venv is made anew: its Python 3.9 is too old." in out


def test_no_python_at_all(clone: Clone) -> None:
    (clone.bin / "python3").unlink()
    status, out = clone.make("demo")
    assert status != 0
    assert "There is no python3 here" in out
    assert "sudo apt install python3 python3-venv\n" in out


def test_a_python_that_does_not_run(clone: Clone) -> None:
    clone.make("demo")
    (clone.bin / "python3.13").write_text("#!/bin/sh\nexit 127\n")
    (clone.bin / "python3.13").chmod(0o755)
    status, out = clone.make("demo", "PYTHON=python3.13")
    assert status != 0
    assert "python3.13 cannot be run" in out
    assert clone.make("demo")[1] == ".venv/bin/shomare-mqtt demo \nthe demo: demo\n", "nothing was removed"


def test_another_python_for_who_names_one_alone(clone: Clone) -> None:
    clone.make("demo")
    clone.python("python3.13", "3.13")
    clone.python("python3", "3.11")
    assert clone.make("demo")[1] == ".venv/bin/shomare-mqtt demo \nthe demo: demo\n"
    status, out = clone.make("demo", "PYTHON=python3.13")
    assert status == 0, out
    assert ".venv is made anew: it is of Python 3.12, and python3.13 is 3.13." in out


@pytest.mark.parametrize("kind", ["folder", "link"])
def test_what_is_no_environment_of_ours_is_left_alone(clone: Clone, kind: str) -> None:
    other = clone.folder.parent / "precious"
    other.mkdir()
    (other / "thesis").touch()
    if kind == "link":
        (other / "pyvenv.cfg").touch()
        clone.venv.symlink_to(other)
    else:
        other.rename(clone.venv)
    status, out = clone.make("demo")
    assert status != 0
    assert ".venv cannot be used" in out
    assert "make VENV=.venv-new" in out
    assert (clone.venv / "thesis").exists()
