"""`simulate`: the simulated provider alone, with an option for each of its settings."""

from __future__ import annotations

import asyncio
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from shomare_mqtt.cli.status import FAILED, USAGE, CommandFailedError, end

if TYPE_CHECKING:
    from shomare_mqtt.simulator import Simulator

_HIGHEST_PORT = 65535


class _Setting(NamedTuple):
    """A setting on the command line: what it takes, what it does, and what it is where nothing is said."""

    metavar: str
    does: str
    default: str


SETTINGS = {
    "token": _Setting("TOKEN", "Take this token and no other", "demo-token"),
    "balance": _Setting("MONEY", "Begin with this balance, in Toman", "1000000"),
    "dialect": _Setting(
        "DIALECT",
        "Speak path, path-optional, path-path, path-json, query, query-form, query-json, body-form or body-json, or as "
        "a file tells whose name ends in .json",
        "path",
    ),
    "sms_delay": _Setting("SECONDS", "Let the SMS come so long after the purchase", "2"),
    "sms_count": _Setting("N", "Let this many SMS come for each number", "1"),
    "sms_interval": _Setting("SECONDS", "Let two SMS be so far apart", "2"),
    "code": _Setting("CODE", "Send this code", "another one each time"),
    "seed": _Setting("N", "Draw the codes from this seed", "1"),
    "lifetime": _Setting("SECONDS", "Let a number live so long", "1200"),
    "latency": _Setting("SECONDS", "Take so long for each answer", "0"),
    "cancel_min_age": _Setting("SECONDS", "Refuse to cancel a number that is younger", "0"),
    "book_delay": _Setting("SECONDS", "Show purchases and refunds in the balance so late", "0"),
    "refund_delay": _Setting("SECONDS", "Show refunds so late, where that is later still", "0"),
    "refund_on_timeout": _Setting("BOOLEAN", "Pay back by itself what timed out without an SMS", "false"),
    "gone_status": _Setting("STATUS", "Answer a second cancel with this HTTP status, from 400 to 499", "404"),
    "clock_offset": _Setting("SECONDS", "Be ahead of this machine's clock by so much", "0"),
    "stock": _Setting("N", "Have this many numbers of each product", "500"),
    "countries": _Setting("N", "Have this many countries", "8"),
    "operators": _Setting("N", "Have this many operators", "5"),
    "applications": _Setting("N", "Have this many applications", "10"),
    "sold_out": _Setting("PERCENT", "Have nothing left in so many of the places", "0"),
    "state_file": _Setting("FILE", "Keep what was bought in FILE, over restarts", "in memory alone"),
}
"""Each field of SimulatorOptions, which checks the values, under its name."""


def _port(value: str) -> int:
    if not (value.isascii() and value.isdigit() and int(value) <= _HIGHEST_PORT):
        raise typer.BadParameter(f"must be a number from 0 to {_HIGHEST_PORT}")
    return int(value)


def _flag(name: str) -> str:
    return "--state" if name == "state_file" else f"--{name.replace('_', '-')}"


def _parameter(name: str, kind: Any, default: Any, setting: _Setting, **more: Any) -> inspect.Parameter:
    option = typer.Option(
        _flag(name), metavar=setting.metavar, help=f"{setting.does} (default: {setting.default}).", **more
    )
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option])


def simulate(**given: Any) -> None:
    """Run the simulated provider alone, until a signal.

    It prints the address that goes into provider.base_url. Nothing costs money, and no number is real. How a file
    tells a dialect of its own stands in docs/dialects.md.
    """
    from pydantic import ValidationError  # noqa: PLC0415 - the other commands need neither this

    from shomare_mqtt.simulator import SimulatorOptions, serve  # noqa: PLC0415 - nor a web server

    host, port = given.pop("host"), given.pop("port")
    try:
        options = SimulatorOptions(**{name: value for name, value in given.items() if value is not None})
        asyncio.run(serve(options, host, port, announce))
    except ValidationError as error:
        first = error.errors()[0]
        raise typer.BadParameter(first["msg"], param_hint=_flag(str(first["loc"][0]))) from None
    except ValueError as error:
        end(error, USAGE)
    except BrokenPipeError:
        raise  # whoever was to read the address has gone
    except OSError as error:
        end(CommandFailedError(f"cannot listen on {host}, port {port}: {error.strerror}"), FAILED)


# Typer makes an option of each parameter that it finds here.
simulate.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
    [
        _parameter("host", str, "127.0.0.1", _Setting("HOST", "Listen at this address", "127.0.0.1")),
        _parameter("port", int, "0", _Setting("PORT", "Listen at this port", "any that is free"), parser=_port),
        *(
            _parameter(name, Path | None if name == "state_file" else str | None, None, setting)
            for name, setting in SETTINGS.items()
        ),
    ]
)


def announce(sim: Simulator) -> None:
    """One line, at once: whoever started this process waits for it."""
    sys.stdout.write(f"listening on {sim.base_url}\n")
    sys.stdout.flush()
