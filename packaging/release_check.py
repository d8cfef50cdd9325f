"""Builds the wheel and the sdist into dist/, and tries the wheel as a user would: with pipx, on each Python there is.

`make dist` builds alone, `make release-check` does all of it. The tools lie in an environment of their own,
.venv-release; whatever is installed has the versions of requirements.lock.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import NoReturn

TOP = Path(__file__).parent.parent
DIST = TOP / "dist"
TOOLS = TOP / ".venv-release"
WANTED = ("build==1.6.1", "hatchling==1.33.0", "pipx==1.18.4", "twine==7.0.0")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PATIENCE = 900
"""Seconds for one program, on a machine with much else to do."""
DATA = (
    "shomare_mqtt/py.typed",
    "shomare_mqtt/core/code_words.toml",
    "shomare_mqtt/shipped_plugins/webhook.py",
)
"""Files that are no module of the package, or lie elsewhere in a clone."""
SETTINGS = '[provider]\ntoken = "demo-token"\n[limits]\nmax_price = 5000\n'


def main() -> None:
    """Raises SystemExit where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only-build", action="store_true")
    arguments = parser.parse_args()
    make_tools()
    wheel, sdist = build()
    if arguments.only_build:
        return
    check_sdist(wheel, sdist)
    check_wheel(wheel)
    run(tool("twine"), "check", "--strict", wheel, sdist)
    check_versions()
    left_out = [number for number in PYTHONS if not try_on(number, wheel)]
    say("the wheel and the sdist are good")
    for number in left_out:
        say(f"LEFT OUT: Python {number}, which is not on this machine")


def say(text: str) -> None:
    """One line, at once."""
    sys.stdout.write(f"== {text}\n")
    sys.stdout.flush()


def fail(text: str) -> NoReturn:
    """Ends it all."""
    sys.exit(f"== WRONG: {text}")


def run(*command: str | Path, environment: dict[str, str] | None = None, folder: Path = TOP) -> str:
    """What a program says; where it fails, all ends with that."""
    done = subprocess.run(  # noqa: S603 - what stands here
        command,
        env=environment,
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def tool(name: str) -> Path:
    """One of the programs in the environment of the tools."""
    return TOOLS / "bin" / name


def make_tools() -> None:
    """Once, and again where other versions are wanted."""
    mark = TOOLS / ".ready"
    if mark.exists() and mark.read_text(encoding="utf-8") == "\n".join(WANTED):
        return
    say(f"making {TOOLS.name} with {', '.join(WANTED)}")
    venv.create(TOOLS, with_pip=True, clear=True)
    run(tool("python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *WANTED)
    mark.write_text("\n".join(WANTED), encoding="utf-8")


def build() -> tuple[Path, Path]:
    """Both from this clone."""
    for old in DIST.glob("shomare_mqtt-*"):
        old.unlink()
    run(tool("python"), "-m", "build", "--no-isolation", "--sdist", "--wheel", "--outdir", DIST, TOP)
    (wheel,), (sdist,) = DIST.glob("shomare_mqtt-*.whl"), DIST.glob("shomare_mqtt-*.tar.gz")
    for path in (wheel, sdist):
        say(f"{path.relative_to(TOP)}, {path.stat().st_size / 1000:.0f} kB")
    return wheel, sdist


def check_sdist(wheel: Path, sdist: Path) -> None:
    """The wheel that comes of the sdist is the same, byte for byte."""
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(sdist) as archive:
            archive.extractall(folder, filter="data")
        (source,) = Path(folder).iterdir()
        run(tool("python"), "-m", "build", "--no-isolation", "--wheel", "--outdir", folder, source)
        (again,) = Path(folder).glob("*.whl")
        if hashlib.sha256(again.read_bytes()).digest() != hashlib.sha256(wheel.read_bytes()).digest():
            fail("the sdist makes another wheel than the clone does")
    say("the sdist makes the same wheel")


def check_wheel(wheel: Path) -> None:
    """Each file of the package is in it, what is generated is not, and its metadata are this version's."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        (metadata,) = (name for name in names if name.endswith(".dist-info/METADATA"))
        told = message_from_bytes(archive.read(metadata))
    ours = {str(path.relative_to(TOP)) for path in (TOP / "shomare_mqtt").rglob("*") if path.is_file()}
    ours = {name for name in ours if "__pycache__" not in name}
    if missing := (ours | set(DATA)) - names:
        fail(f"the wheel lacks {', '.join(sorted(missing))}")
    if odd := {name for name in names if not name.startswith("shomare_mqtt") or name.endswith(".pyc")}:
        fail(f"the wheel holds {', '.join(sorted(odd))}")
    if told["Version"] != version():
        fail(f"the wheel is of version {told['Version']}, the code of {version()}")
    extras = told.get_all("Provides-Extra", [])
    if not {"demo", "apprise", "metrics"} <= set(extras):
        fail(f"the wheel has the extras {', '.join(extras)}")
    say(f"the wheel holds {len(names)} files, version {version()}, extras {', '.join(extras)}")


def version() -> str:
    """The one place."""
    text = (TOP / "shomare_mqtt" / "__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
    return found[1] if found else fail("shomare_mqtt/__init__.py names no version")


def check_versions() -> None:
    """What repeats the version says the same."""
    run(sys.executable, TOP / "packaging" / "stamp.py", "--check")


def python_of(number: str) -> str | None:
    """The interpreter of a version: on the path, or one that pyenv keeps."""
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for candidate in (f"python{number}", *map(str, sorted(root.glob(f"versions/{number}.*/bin/python")))):
        program = shutil.which(candidate)
        told = program and subprocess.run(  # noqa: S603 - what stands here
            [program, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            capture_output=True,
            text=True,
            check=False,
        )
        if told and told.stdout.strip() == number:
            return program
    return None


def try_on(number: str, wheel: Path) -> bool:
    """Whether there is that Python. Installs the wheel with pipx, reads settings, and buys a number to its code."""
    python = python_of(number)
    if python is None:
        return False
    with tempfile.TemporaryDirectory(prefix="shomare-release-") as home:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("SHOMARE_", "PYTHON"))}
        places = {
            "PIPX_HOME": f"{home}/pipx",
            "PIPX_BIN_DIR": f"{home}/bin",
            "PIPX_MAN_DIR": f"{home}/man",
            "HOME": home,
        }
        # pip's cache is the user's own: what was fetched once is not fetched again.
        caches = {"PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))}
        environment |= places | caches
        constraints = f"--pip-args=--constraint {TOP / 'requirements.lock'}"
        run(tool("pipx"), "install", "--python", python, constraints, spec(wheel), environment=environment)
        program = Path(home, "bin", "shomare-mqtt")
        say(f"Python {number}: {try_program(program, Path(home), environment)}")
    return True


def spec(wheel: Path) -> str:
    """What pipx is told to install: the demo brings a broker of its own where no mosquitto is."""
    has_broker = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    return str(wheel) if has_broker else f"{wheel}[demo]"


def try_program(program: Path, home: Path, environment: dict[str, str]) -> str:
    """What was tried, in words."""
    told = run(program, "--version", environment=environment, folder=home).strip()
    if version() not in told:
        fail(f"--version says {told}")
    (home / "shomare-mqtt.toml").write_text(SETTINGS, encoding="utf-8")
    if "limits.max_price = 5000" not in run(program, "check", environment=environment, folder=home):
        fail("check does not print what the settings file says")
    run(program, "demo", "--once", environment=environment, folder=home)
    return f"{told}; check reads a file, demo --once bought a number to its code"


if __name__ == "__main__":
    main()
