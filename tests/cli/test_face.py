"""One face: help, usage errors and completion look and work alike for every command."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
import typer

from shomare_mqtt.__main__ import _plain_run
from shomare_mqtt.cli.app import app
from shomare_mqtt.cli.declaring import Command
from shomare_mqtt.cli.simulating import SETTINGS
from shomare_mqtt.simulator import DIALECTS, SimulatorOptions
from tests.cli.process import ROOT, environment, run
from tests.patience import PATIENCE
from tests.programs import LEFT_OUT

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Any = typer.main.get_command(app)
COMMANDS = sorted(PROGRAM.commands)
LEAKS = ("<", ">", "[[", "TEXT]", "INTEGER", "FLOAT", "PATH", "BOOLEAN]", "{", "[default:", "[required")
TYPER = tuple(int(part) for part in typer.__version__.split(".")[:2])
_WITHOUT_RICH = (0, 17)
"""Since then typer imports rich only where it is needed."""
LONGEST_SUMMARY = 60
"""Characters that stand on one line of the list of commands, and of what zsh and fish show, at 80 columns."""


# --- help -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [60, 80, 100])
@pytest.mark.parametrize("command", ["", *COMMANDS])
async def test_help_fits_the_terminal(command: str, columns: int) -> None:
    done = await run(*command.split(), "--help", COLUMNS=str(columns))
    short = await run(*command.split(), "-h", COLUMNS=str(columns))
    assert (done.status, done.err) == (0, "")
    assert short == done
    lines = done.out.splitlines()
    assert lines[0].startswith(f"Usage: shomare-mqtt {command}".rstrip())
    assert max(map(len, lines)) <= columns
    assert not any(line.endswith("...") for line in lines[1:])
    assert done.out.isascii(), "it reads the same in every terminal and pipe"
    for leak in LEAKS:
        assert leak not in done.out, leak


def _column(command: Command) -> int:
    """Where the summaries begin in the list that a command stands in."""
    panel = getattr(command, "rich_help_panel", None)
    return max(len(n) for n, c in PROGRAM.commands.items() if getattr(c, "rich_help_panel", None) == panel) + 4


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_summary_is_a_whole_sentence_in_the_list(name: str) -> None:
    command = PROGRAM.commands[name]
    assert isinstance(command, Command)
    summary = command.get_short_help_str()
    assert summary.endswith(".")
    assert not summary.endswith("..")
    assert len(summary) <= LONGEST_SUMMARY
    done = await run("--help", COLUMNS="80")
    assert f"  {name}".ljust(_column(command)) + summary in done.out.splitlines()


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_option_says_what_it_does(name: str) -> None:
    parameters = PROGRAM.commands[name].params
    done = await run(name, "--help")
    assert "--help" in done.out
    for parameter in parameters:
        assert parameter.help.endswith("."), parameter.name
        assert parameter.is_flag if "--quiet" in parameter.opts else True
        for option in parameter.opts:
            if option.startswith("-"):
                assert re.search(rf"{option}[, ]", done.out)
    quiet = [each for each in parameters if "-q" in each.opts]
    assert all("Print nothing but what was asked for" in each.help for each in quiet)
    assert bool(quiet) == (name not in ("run", "simulate", "init"))


def test_simulate_offers_each_setting_of_the_simulator() -> None:
    made: Any = SimulatorOptions
    settings = {field.name: field.default for field in fields(made)}
    assert SETTINGS.keys() == settings.keys()
    for name, default in settings.items():
        if default is not None:
            assert getattr(made(**{name: SETTINGS[name].default}), name) == default, name
    for dialect in DIALECTS:
        assert (
            f"{dialect}," in SETTINGS["dialect"].does
            or f"{dialect} or" in SETTINGS["dialect"].does
            or (f"or {dialect}" in SETTINGS["dialect"].does)
        )


# --- usage errors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("buuy", "Did you mean 'buy'"),
        ("simulat", "Did you mean 'simulate'?"),
        ("run --confg x", "--config"),
        ("run --config", "--config"),
        ("run again", "again"),
        ("simulate --ballance 5", "--balance"),
        ("buy --countri 7", "--country"),
        ("query profil", "Did you mean 'profile'?"),
        ("query orders --state opn", "Did you mean 'open'?"),
        ("query", "WHAT"),
        ("buying of", "Did you mean 'off'?"),
        ("defaults contry", "Did you mean 'country'?"),
        ("cancel", "ORDER"),
        ("resolve 01K", "Exactly one of --bought and --not-bought must be given."),
        ("resolve 01K --not-bought --bought 1 2", "Exactly one of --bought and --not-bought must be given."),
        ("resolve 01K --bought 1", "--bought"),
        ("resolve 01K --bought +79313226657 74001", "the purchase first, then its number"),
        ("resolve 01K --bought 74001 PHONE", "the purchase first, then its number"),
        ("query profile --limit 3", "belong to `query orders`"),
        *((f"{command} -q --json", "--quiet and --json cannot be given together.") for command in (
            "doctor", "buy", "cancel 1", "query profile", "watch", "resolve --not-bought", "buying", "defaults",
        )),
    ],
)  # fmt: skip
async def test_usage_errors_look_alike(arguments: str, says: str) -> None:
    command = arguments.split(maxsplit=1)[0]
    done = await run(*arguments.split(), COLUMNS="100")
    assert (done.status, done.out) == (2, "")
    usage, hint, empty, *error = done.err.splitlines()
    where = f"shomare-mqtt {command}" if command in COMMANDS else "shomare-mqtt"
    assert usage.startswith(f"Usage: {where} [OPTIONS]")
    assert hint == f"Try '{where} -h' for help."
    assert empty == ""
    assert error[0].startswith("Error: ")
    assert says in error[0]
    assert len(error) == 1


async def test_no_command_at_all_is_usage_with_the_whole_help() -> None:
    done = await run()
    assert (done.status, done.out) == (2, "")
    assert "Commands to a running daemon:" in done.err


@pytest.mark.parametrize(
    ("arguments", "file"),
    [
        ([], []),
        (["--config", "a b"], ["a b"]),
        (["--config=x"], ["x"]),
        (["--config"], None),
        (["--config", "--help"], None),
        (["--help"], None),
        (["-h"], None),
        (["x"], None),
        (["--config", "a", "--config", "b"], None),
    ],
)
def test_what_is_plain_runs_without_typer(arguments: list[str], file: list[str] | None) -> None:
    assert _plain_run(["run", *arguments]) == file


async def test_what_typer_had_to_understand_runs_all_the_same() -> None:
    done = await run("run", "--config", "/dev/null", "--config", "/nonexistent")
    assert done.status == 78
    assert "/nonexistent" in done.err


# --- completion -----------------------------------------------------------------------------------------------------


async def completed(line: str, **more: str) -> list[str]:
    """What bash is offered for the last word of a line; as its function asks for it."""
    words = line.split(" ")
    done = await run(COMP_WORDS=line, COMP_CWORD=str(len(words) - 1), _SHOMARE_MQTT_COMPLETE="complete_bash", **more)
    assert (done.status, done.err) == (0, "")
    return done.out.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("", COMMANDS),
        ("de", ["defaults", "demo"]),
        ("query p", ["price", "prices", "profile"]),
        ("query orders --state ", ["all", "closed", "open"]),
        ("defaults ", ["application", "country", "max_price", "operator"]),
        ("buying ", ["off", "on"]),
        ("cancel c", ["current"]),
        ("resolve u", ["unknown"]),
        ("buy --max", ["--max-price"]),
        ("simulate --sms-d", ["--sms-delay"]),
        ("run --conf", ["--config"]),
        ("query nonsense ", []),
        ("check --config ", []),  # bash itself then offers files
    ],
)
async def test_a_shell_completes_commands_options_and_choices(line: str, offered: list[str]) -> None:
    assert sorted(await completed(f"shomare-mqtt {line}")) == offered


async def test_completion_asks_neither_settings_nor_broker(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("[[[")
    broken = {"SHOMARE_CONFIG": str(tmp_path / "broken.toml"), "SHOMARE_MQTT__PORT": "nonsense"}
    assert await completed("shomare-mqtt buying ", **broken) == ["on", "off"]


def test_completion_imports_nothing_that_takes_long() -> None:
    script = "import sys, shomare_mqtt.cli.app\nprint(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    slow = {"aiohttp", "paho", "pydantic", "sqlite3"} | ({"rich"} if TYPER >= _WITHOUT_RICH else set())
    assert not slow & set(done.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
async def test_the_other_shells_are_offered_summaries_on_one_line_each(shell: str) -> None:
    done = await run(
        _SHOMARE_MQTT_COMPLETE=f"complete_{shell}", _TYPER_COMPLETE_ARGS="shomare-mqtt ",
        _TYPER_COMPLETE_FISH_ACTION="get-args", COLUMNS="80",
    )  # fmt: skip
    assert done.status == 0
    lines = done.out.splitlines()
    assert len(lines) == len(COMMANDS)
    for name, line in zip(PROGRAM.commands, lines, strict=True):
        assert name in line
        assert PROGRAM.commands[name].get_short_help_str() in line


def _shell(name: str) -> str:
    """Its path; a shell that nobody uses here is no part of what must be there."""
    return shutil.which(name) or pytest.skip(LEFT_OUT + name)


def _start_script(folder: Path) -> dict[str, str]:
    """`shomare-mqtt` on a PATH, and a home without anything in it, for a shell; the variables that say so."""
    (folder / "home").mkdir()
    script = folder / "shomare-mqtt"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m shomare_mqtt "$@"\n')
    script.chmod(0o755)
    path = f"{folder}:{os.environ.get('PATH', os.defpath)}"
    return {"PATH": path, "HOME": str(folder / "home"), "PYTHONPATH": str(ROOT), "TERM": "xterm"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_installs_itself_and_works(tmp_path: Path, shell: str) -> None:
    """In the shell itself, at a terminal: what a user types, TAB, and what then stands there."""
    path = _shell(shell)
    variables = environment(**_start_script(tmp_path))
    install = [path, "-c", "shomare-mqtt --install-completion; true"]
    done = subprocess.run(install, env=variables, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert f"{shell} completion installed in {tmp_path / 'home'}" in done.stdout
    shown = subprocess.run(
        [path, "-c", "shomare-mqtt --show-completion; true"], env=variables, capture_output=True, text=True, check=True
    )
    assert "_SHOMARE_MQTT_COMPLETE" in shown.stdout
    if shell == "fish":
        offered = subprocess.run(
            [path, "-c", "complete -C 'shomare-mqtt defaults '"],
            env=variables, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert sorted(offered.stdout.split()) == ["application", "country", "max_price", "operator"]
    else:
        assert "max_price" in _typed(path, variables, tmp_path)


def _typed(shell: str, variables: dict[str, str], folder: Path) -> str:
    """What an interactive shell shows after a TAB behind `shomare-mqtt defaults `, or all until patience ends."""
    terminal, its = pty.openpty()
    process = subprocess.Popen(
        [shell, "-i"], env=variables, cwd=folder, stdin=its, stdout=its, stderr=its, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one call into the kernel
    )  # fmt: skip
    os.close(its)
    try:
        os.write(terminal, b"echo rea''dy\n")
        _until(terminal, b"ready\r\n")
        os.write(terminal, b"shomare-mqtt defaults \t\t")
        return _until(terminal, b"max_price").decode(errors="replace")
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def _until(terminal: int, wanted: bytes) -> bytes:
    seen, deadline = b"", time.monotonic() + PATIENCE
    while wanted not in seen and time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        if ready:
            seen += os.read(terminal, 4096)
    return seen


def test_completion_that_cannot_be_installed_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    shell = _shell("bash")
    variables = environment(**_start_script(tmp_path)) | {"HOME": str(tmp_path / "file")}
    done = subprocess.run(
        [shell, "--norc", "-c", "shomare-mqtt --install-completion; exit $?"],
        env=variables, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith(f"shomare-mqtt: {tmp_path / 'file'}")
    assert "Traceback" not in done.stderr
