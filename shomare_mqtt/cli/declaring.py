"""How commands are declared: one style of help for all, the options that many share, choices that a shell completes.

Help is plain text: it reads the same in a pipe, without colour and in a narrow terminal.
"""

from __future__ import annotations

import math
import textwrap
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from shomare_mqtt.cli.status import FAILED, USAGE, CommandFailedError, end

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_Function = TypeVar("_Function", bound="Callable[..., Any]")
WIDEST = 100
"""Columns beyond which lines are too long to read, however wide the terminal is."""
_GAP = 2


class Command(TyperCommand):
    """One command. The first paragraph of its help, which is one sentence, is its line in the list of commands."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """What stands behind the command's name in its usage: `[OPTIONS] ORDER`."""
        arguments = [each for each in self.get_params(ctx) if each.param_type_name == "argument"]
        return [self.options_metavar or "", *map(_usage, arguments)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes what the command takes."""
        _write_parameters(self.get_params(ctx), formatter)

    def get_short_help_str(self, limit: int = 0) -> str:  # noqa: ARG002 - typer's; a summary is never cut off
        """The summary, whole."""
        return _one_line(self.help)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses what stands behind the command's name. Raises a usage error that knows whose it is, as all should."""
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            mistake: Any = error
            if getattr(mistake, "ctx", ctx) is None:
                mistake.ctx = ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        """Runs the command. Raises what it raises, and a usage error for options that exclude each other."""
        if ctx.params.get("quiet") and ctx.params.get("json"):
            ctx.fail("--quiet and --json cannot be given together.")
        return super().invoke(ctx)


class Group(TyperGroup):
    """The program itself: its commands in sections, named by their `rich_help_panel`."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Writes the program's own options, then the commands."""
        _write_parameters(self.get_params(ctx), formatter)
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, command in self.commands.items():
            panel = getattr(command, "rich_help_panel", None)
            sections.setdefault(panel if isinstance(panel, str) else "Commands", []).append(
                (name, command.get_short_help_str())
            )
        for heading, rows in sections.items():
            _write_rows(heading, rows, formatter)

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parses what stands before the command. Raises SystemExit where completion cannot be installed."""
        if not args and self.no_args_is_help and not ctx.resilient_parsing:
            typer.echo(ctx.get_help(), err=True)  # libraries of some age print it as if it had been asked for
            raise typer.Exit(USAGE)
        try:
            return super().parse_args(ctx, args)
        except OSError as error:
            if error.filename is None:
                raise  # it is about the output
            end(CommandFailedError(f"{error.filename} could not be written: {error.strerror}"), FAILED)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is named. Raises a usage error with the nearest one, which not every typer does."""
        if args and args[0] not in self.commands and not ctx.resilient_parsing:
            near = get_close_matches(args[0], self.commands, 1)
            ctx.fail(f"No such command {args[0]!r}." + (f" Did you mean {near[0]!r}?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command. Raises SystemExit for a Ctrl-C that came before it listens to signals, or after."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise SystemExit(FAILED) from None


class App(typer.Typer):
    """The program, whose commands all look alike."""

    def command(self, name: str | None = None, **settings: Any) -> Callable[[_Function], _Function]:
        """Declares a command, as typer does."""
        return super().command(name, **{"cls": Command, **settings})


def _write_parameters(parameters: Sequence[Any], formatter: Any) -> None:
    for heading, kind in (("Arguments", "argument"), ("Options", "option")):
        rows = [_row(each) for each in parameters if each.param_type_name == kind and not each.hidden]
        if rows:
            _write_rows(heading, rows, formatter)


def _write_rows(heading: str, rows: Sequence[tuple[str, str]], formatter: Any) -> None:
    """Names and what is said of them, side by side. An option's name, or a word to type, is never broken in two."""
    names = max(len(name) for name, _ in rows) + _GAP
    with formatter.section(heading):
        for name, said in rows:
            lines = textwrap.wrap(said, formatter.width - names - _GAP, break_on_hyphens=False) or [""]
            for number, line in enumerate(lines):
                formatter.write(f"{'':{_GAP}}{'' if number else name:{names}}{line}".rstrip() + "\n")


def _row(parameter: Any) -> tuple[str, str]:
    """How a parameter is called, and what it says of itself: neither types nor defaults, which its words tell."""
    if parameter.param_type_name == "argument":
        return parameter.metavar or parameter.name.upper(), parameter.help or ""
    names = ", ".join(sorted(parameter.opts, key=len))
    return names if parameter.is_flag else f"{names} {parameter.metavar}", parameter.help or ""


def _usage(argument: Any) -> str:
    name = (argument.metavar or argument.name.upper()) + (" ..." if argument.nargs < 0 else "")
    return name if argument.required else f"[{name}]"


def _one_line(text: str | None) -> str:
    """The first paragraph of a text."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def one_of(*choices: str) -> dict[str, Any]:
    """For an argument or an option: it must be one of these, which a shell completes; else the nearest is named."""

    def complete(incomplete: str) -> list[str]:
        return [each for each in choices if each.startswith(incomplete)]

    def check(value: str | None) -> str | None:
        if value is None or value.lower() in choices:
            return value if value is None else value.lower()
        near = get_close_matches(value.lower(), choices, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise typer.BadParameter(f"{value!r} is not one of {', '.join(choices)}.{hint}")

    return {"autocompletion": complete, "callback": check}


def some_of(*choices: str) -> dict[str, Any]:
    """For an option that may be given several times: each must be one of these."""
    one = one_of(*choices)

    def check(values: list[str] | None) -> list[str]:
        return [one["callback"](value) for value in values or ()]

    return {**one, "callback": check}


def among(*words: str) -> dict[str, Any]:
    """For an argument that may be anything: words among it that a shell completes."""

    def complete(incomplete: str) -> list[str]:
        return [each for each in words if each.startswith(incomplete)]

    return {"autocompletion": complete}


def _seconds(value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter("must be more than 0 seconds")
    return value


def quietly(prints: str) -> Any:
    """`-q`, which means the same everywhere. `prints`: what is asked for, and so printed all the same."""
    return typer.Option("--quiet", "-q", help=f"Print nothing but what was asked for{prints}.")


# Whether the file can be read is for the settings to say: an error of theirs, and none of usage.
Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        readable=False,
        help="Read the settings from FILE, not from SHOMARE_CONFIG or one of the usual places.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print what came as it came, as JSON, one line each.")]
Timeout = Annotated[
    float,
    typer.Option("--timeout", metavar="SECONDS", callback=_seconds, help="Wait so long for the answer (default: 30)."),
]
Loud = Annotated[bool, quietly(", which is nothing")]
"""`-q` of a command that is told to do something, and asked for nothing."""
