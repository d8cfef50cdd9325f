"""`docs/commands.md`: the command line, from the commands' own declarations."""

from __future__ import annotations

from typing import Any

import typer

from shomare_mqtt.cli.app import EXIT_STATUS, app

PROGRAM = "shomare-mqtt"
EXAMPLES: dict[str, tuple[str, ...]] = {
    "run": ("shomare-mqtt run --config /etc/shomare-mqtt/config.toml",),
    "check": ("shomare-mqtt check",),
    "doctor": ("shomare-mqtt doctor", "shomare-mqtt doctor --report report.json"),
    "init": ("shomare-mqtt init",),
    "demo": ("shomare-mqtt demo --once",),
    "simulate": ("shomare-mqtt simulate --port 8765",),
    "buy": (
        "shomare-mqtt buy --country Russia --operator 1 --application Telegram --max-price 3000",
        "shomare-mqtt buy --country 7 --operator 1 --application 3 --transaction monday --json",
        "shomare-mqtt buy --country Russia --country 22 --operator 1 --application 3 --choose cheapest",
    ),
    "cancel": ("shomare-mqtt cancel current",),
    "query": (
        "shomare-mqtt query profile",
        "shomare-mqtt query prices 7 1",
        "shomare-mqtt query orders --state all --limit 5",
        "shomare-mqtt query countries --quiet",
    ),
    "offers": (
        "shomare-mqtt offers Telegram --country Russia --country Indonesia",
        "shomare-mqtt offers 3 --max-price 5000 --limit 5 --json",
    ),
    "statistics": ("shomare-mqtt statistics", "shomare-mqtt statistics --days 90 --by country --by operator"),
    "watch": ("shomare-mqtt watch --json",),
    "resolve": ("shomare-mqtt resolve --not-bought", "shomare-mqtt resolve --bought 74001 +79313226657"),
    "buying": ("shomare-mqtt buying", "shomare-mqtt buying off", "shomare-mqtt buying on"),
    "defaults": (
        "shomare-mqtt defaults country Russia",
        "shomare-mqtt defaults operator 1",
        "shomare-mqtt defaults application Telegram",
        "shomare-mqtt defaults",
    ),
}
"""Of each command. A test types all that end by themselves, in this order, beside a running daemon."""

_PAGE = f"""\
# Every command

Made from the code with `make docs`; a test compares.

`shomare-mqtt COMMAND --help` (or `-h`) says the same. What commands have in common, and what they print with `--json`
and `--quiet`, is the [contract](contract.md#command-line)'s matter.

{EXIT_STATUS}
"""


def group() -> Any:
    """The program, as click has it."""
    return typer.main.get_command(app)


def page() -> str:
    """`docs/commands.md`."""
    whole = group()
    head = typer.Context(whole, info_name=PROGRAM)
    names = whole.list_commands(head)
    links = "\n".join(f"- [`{name}`](#{PROGRAM}-{name}): {whole.commands[name].get_short_help_str()}" for name in names)
    return "\n".join([_PAGE, links, "", *(_section(head, whole.commands[name]) for name in names)])


def _section(head: Any, command: Any) -> str:
    context = typer.Context(command, info_name=command.name, parent=head)
    usage = " ".join([PROGRAM, command.name, *command.collect_usage_pieces(context)])
    lines = [f"## `{PROGRAM} {command.name}`", "", *_paragraphs(command.help), f"Usage: `{usage}`", ""]
    if rows := [_row(each) for each in command.get_params(context) if not getattr(each, "hidden", False)]:
        lines += ["| | |", "| --- | --- |", *rows, ""]
    return "\n".join([*lines, "```sh", *EXAMPLES[command.name], "```", ""])


def _paragraphs(text: str | None) -> list[str]:
    found = [" ".join(each.split()) for each in (text or "").split("\n\n")]
    return [line for each in found for line in (each, "")]


def _row(parameter: Any) -> str:
    is_argument = parameter.param_type_name == "argument"
    names = [parameter.metavar or parameter.name.upper()] if is_argument else sorted(parameter.opts, key=len)
    shown = ", ".join(f"`{name}`" for name in names)
    value = "" if is_argument or parameter.is_flag else f" `{parameter.metavar}`"
    return f"| {shown}{value} | {_cell(parameter.help or '')} |".replace("on|off", "on\\|off")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")
