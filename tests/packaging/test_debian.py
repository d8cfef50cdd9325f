"""What goes into the Debian package, as far as it can be seen without building it. `make deb-check` tries it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer

from shomare_mqtt import __version__
from shomare_mqtt.cli.app import app
from tests.programs import LEFT_OUT

if TYPE_CHECKING:
    from types import ModuleType

TOP = Path(__file__).parents[2]
DEBIAN = TOP / "packaging" / "debian"
UNIT = TOP / "systemd" / "shomare-mqtt.service"
PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
RELEASED = datetime(2026, 12, 1, 12, tzinfo=UTC)
PROGRAM: Any = typer.main.get_command(app)
ELSEWHERE = {"tzdata": "tzdata", "apprise": "apprise"}
"""What Debian calls by another name than python3-NAME."""
NOT_FOR_USERS = {"dev", "bench"}
NOT_IN_DEBIAN = {"demo"}
"""Its broker, amqtt; `demo` takes mosquitto."""


def _generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DEBIAN / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


GENERATE = _generator()


# --- the unit -------------------------------------------------------------------------------------------------------


def _settings(unit: str) -> list[tuple[str, str]]:
    """Each setting of a unit, below the section that it stands in; without comments."""
    found, section = [], ""
    for line in unit.splitlines():
        if line.startswith("["):
            section = line
        elif line.strip() and not line.startswith(("#", ";")):
            found.append((section, line))
    return found


def test_the_packages_unit_is_ours_but_for_where_the_program_lies() -> None:
    ours = UNIT.read_text()
    sed = ["sed", "-f", str(DEBIAN / "service.sed"), str(UNIT)]
    theirs = subprocess.run(sed, capture_output=True, text=True, check=True).stdout
    one, other = _settings(ours), _settings(theirs)
    assert [each for each in one if each not in other] == [
        ("[Service]", "Environment=PATH=/opt/shomare-mqtt/bin:/usr/local/bin:/usr/bin:/bin"),
        ("[Service]", "ExecStart=/usr/bin/env shomare-mqtt run --config /etc/shomare-mqtt/config.toml"),
    ]
    added = [each for each in other if each not in one]
    assert ("[Service]", "ExecStart=/usr/bin/shomare-mqtt run --config /etc/shomare-mqtt/config.toml") in added
    assert [key.partition("=")[0] for _, key in added] == ["Documentation", "ExecStart"]
    assert "/opt" not in theirs
    assert "Install: see" not in theirs


def test_without_a_token_the_service_waits() -> None:
    assert ("[Unit]", "ConditionFileNotEmpty=/etc/shomare-mqtt/token") in _settings(UNIT.read_text())


# --- manual and completions -----------------------------------------------------------------------------------------


def _plain(page: str) -> str:
    """A page of man(7) without its markup."""
    text = re.sub(r"\\f[BIR]", "", page)
    for escape, meant in (("\\-", "-"), ("\\(ga", "`"), ("\\(ti", "~"), ("\\&", ""), ("\\e", "\\")):
        text = text.replace(escape, meant)
    return text


@pytest.mark.parametrize("name", sorted(PROGRAM.commands))
def test_the_manual_has_every_command_with_all_that_it_takes(name: str) -> None:
    page = _plain(GENERATE.manual(RELEASED))
    (section,) = re.findall(rf'^\.SS "({name}(?: .*)?"\n.*?)(?=^\.S[SH] )', page, re.DOTALL | re.MULTILINE)
    command = PROGRAM.commands[name]
    assert " ".join(command.help.split("\n\n")[0].split()) in section
    assert command.params
    for parameter in command.params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.metavar]
        assert all(each in section for each in names)
        assert f"\n{parameter.help}\n" in section


def test_the_manual_says_the_version_and_the_day() -> None:
    first = GENERATE.manual(RELEASED).splitlines()[0]
    assert first == f'.TH SHOMARE-MQTT 1 "2026-12-01" "shomare-mqtt {__version__}" "User Commands"'


def test_the_manual_is_well_formed(tmp_path: Path) -> None:
    page = tmp_path / "shomare-mqtt.1"
    page.write_text(GENERATE.manual(RELEASED))
    environment = os.environ | {"MANROFFSEQ": "", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    man = shutil.which("man") or pytest.skip(f"{LEFT_OUT}man")
    done = subprocess.run(
        [man, "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_made_twice_is_the_same(tmp_path: Path) -> None:
    for folder in ("once", "twice"):
        GENERATE.main(tmp_path / folder, RELEASED)
    once, twice = (
        {str(file.relative_to(tmp_path / folder)): file.read_text() for file in (tmp_path / folder).rglob("*.*")}
        for folder in ("once", "twice")
    )
    assert once == twice


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_completion_in_its_place(shell: str, tmp_path: Path) -> None:
    GENERATE.main(tmp_path, RELEASED)
    name = GENERATE.COMPLETIONS[shell]
    script = (tmp_path / shell / name).read_text()
    assert f"_SHOMARE_MQTT_COMPLETE=complete_{shell}" in script
    assert f"made/{shell}/{name} " in (DEBIAN / "install").read_text()


def test_bash_completes_with_it(tmp_path: Path) -> None:
    GENERATE.main(tmp_path, RELEASED)
    stand_in = tmp_path / "shomare-mqtt"
    stand_in.write_text('#!/bin/sh\necho "$_SHOMARE_MQTT_COMPLETE $COMP_CWORD $COMP_WORDS"\n')
    stand_in.chmod(0o755)
    script = (
        f". {tmp_path}/bash/shomare-mqtt; complete -p shomare-mqtt >/dev/null\n"
        "COMP_WORDS=(shomare-mqtt bu) COMP_CWORD=1\n"
        f'_shomare_mqtt_completion {stand_in}; echo "${{COMPREPLY[*]}}"'
    )
    done = subprocess.run(["bash", "-ec", script], capture_output=True, text=True, check=True)
    assert done.stdout == "complete_bash 1 shomare-mqtt bu\n"


# --- versions and dependencies --------------------------------------------------------------------------------------


def test_the_changelogs_version_is_the_programs() -> None:
    entry = GENERATE.changelog(RELEASED)
    assert entry.startswith(f"shomare-mqtt ({GENERATE.debian_version(__version__)}) ")
    assert entry.endswith("  Tue, 01 Dec 2026 12:00:00 +0000\n")
    assert not (DEBIAN / "changelog").exists(), "the version stands in one place"


@pytest.mark.parametrize(
    ("version", "debian"),
    [("1.0.0", "1.0.0"), ("1.0.0rc1", "1.0.0~rc1"), ("1.1.0.dev3", "1.1.0~dev3"), ("2.0b2", "2.0~b2")],
)
def test_versions_are_sorted_as_python_sorts_them(version: str, debian: str) -> None:
    assert GENERATE.debian_version(version) == debian


def _control(field: str) -> dict[str, str]:
    """The packages of a field of `control`, and the least version of each."""
    text = (DEBIAN / "control").read_text().split("\nPackage: ", 1)[1]
    (value,) = re.findall(rf"^{field}:((?:\n .*)+)", text, re.MULTILINE)
    found = re.findall(r"^ ([a-z0-9-]+)(?: \(>= (.*?)\))?,?$", value, re.MULTILINE)
    return dict(found)


def _asked_for(requirements: list[str]) -> dict[str, str]:
    """Requirements of pyproject.toml, by the names and in the versions that Debian has."""
    found = {}
    for each in requirements:
        match = re.match(r"([a-z0-9-]+)>=([\d.]+)", each)
        assert match is not None, each
        name, least = match.groups()
        if name == "tzdata":  # 2024.1 there is 2024a here
            year, number = least.split(".")
            least = f"{year}{chr(ord('a') + int(number) - 1)}"
        found[ELSEWHERE.get(name, f"python3-{name}")] = least
    return found


def test_what_it_depends_on_is_what_pyproject_asks_for() -> None:
    depends = _control("Depends")
    if "ExecReload=/bin/kill " in UNIT.read_text():
        del depends["procps"]  # not every Debian has it
    assert depends == _asked_for(PYPROJECT["project"]["dependencies"])
    python = PYPROJECT["project"]["requires-python"].removeprefix(">=")
    assert f"\nX-Python3-Version: >= {python}\n" in (DEBIAN / "control").read_text()


def test_what_users_may_add_is_recommended_or_suggested() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    wanted = [each for name in set(extras) - NOT_FOR_USERS - NOT_IN_DEBIAN for each in extras[name]]
    offered = _control("Recommends") | _control("Suggests")
    assert _asked_for(wanted).items() <= offered.items()
    assert "mosquitto" in offered


def test_what_is_installed_is_there_or_made(tmp_path: Path) -> None:
    GENERATE.main(tmp_path / "made", RELEASED)
    for name in ("install", "docs", "examples", "manpages"):
        for line in (DEBIAN / name).read_text().splitlines():
            source = line.split()[0]
            if source not in {"python/*", "bin/shomare-mqtt", "NEWS.md"}:  # build.sh lays these out
                assert list(TOP.glob(source)) or list(tmp_path.glob(source)), line


def test_what_others_wrote_stands_with_its_licences_in_the_copyright() -> None:
    vendor = TOP / "shomare_mqtt" / "web" / "page" / "vendor"
    paragraphs = (DEBIAN / "copyright").read_text(encoding="utf-8").split("\n\n")
    (theirs,) = (each for each in paragraphs if each.startswith("Files: */web/page/vendor/*\n"))
    names = "Jason Miller", "Google LLC"
    notices = (vendor / "LICENSES.txt").read_text(encoding="utf-8")
    assert all(name in theirs and name in notices for name in names)
    (terms,) = re.findall(r"^License: (.+)$", theirs, re.MULTILINE)
    given = {each.splitlines()[0] for each in paragraphs if each.startswith("License: ")}
    assert given == {f"License: {each}" for each in terms.split(" and ")}
    assert all(each.name in notices and each.name in theirs for each in vendor.glob("*.js"))


def test_no_page_takes_the_place_of_another_of_its_name() -> None:
    pages = [path.name for line in (DEBIAN / "docs").read_text().split() for path in TOP.glob(line)]
    assert len(pages) == len(set(pages))
    manual_of_the_unit = re.findall(r"/usr/share/doc/shomare-mqtt/(\S+)\.gz", (DEBIAN / "service.sed").read_text())
    assert manual_of_the_unit == pages == ["README.md"]
    assert (TOP / "README.md").stat().st_size > 4096, "smaller ones are not compressed, and have another name then"


def test_whoever_has_the_source_distribution_can_build_the_package_and_test_it() -> None:
    # What else lies at the top is a tool's own, or makes no difference to what is built.
    tracked = {path.name for path in TOP.iterdir() if not path.name.startswith((".venv", "."))} - {"dist", "build"}
    included = {name.removeprefix("/") for name in PYPROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]}
    assert tracked - {"pyproject.toml", "PKG-INFO"} <= included
    assert {".ci", ".github", ".dockerignore"} <= included


# --- what runs at installation and removal --------------------------------------------------------------------------


def _run_script(name: str, verb: str, folder: Path) -> str:
    """Run a maintainer script on folders of the test's own; what it prints."""
    script = (DEBIAN / name).read_text()
    for place in ("/etc/", "/var/lib/"):
        script = script.replace(place, f"{folder}{place}")
    done = subprocess.run(["sh", "-eu", "-c", script, name, verb], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout


def test_a_token_file_is_made_once_for_root_alone_and_never_touched(tmp_path: Path) -> None:
    token = tmp_path / "etc/shomare-mqtt/token"
    assert "waits for the token" in _run_script("postinst", "configure", tmp_path)
    assert (stat.S_IMODE(token.stat().st_mode), token.read_text()) == (0o600, "")
    token.write_text("secret\n")
    assert _run_script("postinst", "configure", tmp_path) == ""
    assert token.read_text() == "secret\n"
    assert "token" not in (DEBIAN / "install").read_text(), "dpkg would ask about it, and show it"


def test_what_outranks_the_package_is_told_of(tmp_path: Path) -> None:
    unit = tmp_path / "etc/systemd/system/shomare-mqtt.service"
    unit.parent.mkdir(parents=True)
    unit.write_text(UNIT.read_text())
    assert f"sudo rm {unit}" in _run_script("postinst", "configure", tmp_path)


def test_removal_keeps_everything_and_purge_nothing(tmp_path: Path) -> None:
    kept = [tmp_path / "etc/shomare-mqtt", tmp_path / "var/lib/private/shomare-mqtt"]
    for each in kept:
        each.mkdir(parents=True)
        (each / "something").touch()
    (tmp_path / "var/lib/shomare-mqtt").symlink_to(kept[1])
    _run_script("postrm", "remove", tmp_path)
    assert all((each / "something").exists() for each in kept)
    _run_script("postrm", "purge", tmp_path)
    assert not list(tmp_path.rglob("*shomare*"))


@pytest.mark.parametrize("name", ["build.sh", "try.sh", "postinst", "postrm"])
def test_scripts_are_scripts(name: str) -> None:
    subprocess.run(["sh", "-n", DEBIAN / name], check=True)
