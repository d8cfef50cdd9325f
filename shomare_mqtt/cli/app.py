"""Every command but `run`, declared for typer; what they do stands in the modules beside this one."""

from __future__ import annotations

import asyncio
import math
import os
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shomare_mqtt import __version__, config
from shomare_mqtt.cli import buying, commands, watching
from shomare_mqtt.cli.checking import load_all, print_settings
from shomare_mqtt.cli.commands import Manner
from shomare_mqtt.cli.demo_broker import Kind  # noqa: TC001 - typer reads the annotation
from shomare_mqtt.cli.status import CommandFailedError, plain_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from shomare_mqtt.config import Mqtt

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Bridges the SMS-number provider shomare.online to MQTT and Home Assistant.",
    epilog="Exit status: 0 done, 1 failed, 2 usage, 78 settings, state directory, or base topic in use.",
)


def _seconds(value: float) -> float:
    if not (value > 0 and math.isfinite(value)):
        raise typer.BadParameter("must be more than 0 seconds")
    return value


def _money(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise typer.BadParameter("must be a number") from None
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter("must be a number from 0")
    return amount


def _new(path: Path | None) -> Path | None:
    if path is not None and os.path.lexists(path):
        raise typer.BadParameter(f"{path} is there already, and is not overwritten")
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {path.parent}")
    return path


# Whether the file can be read is for the settings to say: an error of theirs, and none of usage.
Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", readable=False, help="The settings file (or SHOMARE_CONFIG)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print what came as it came, one line each.")]
Timeout = Annotated[float, typer.Option("--timeout", metavar="SECONDS", callback=_seconds, help="For the answer.")]
IdOrName = Annotated[str | None, typer.Option(metavar="ID|NAME")]


class What(StrEnum):
    """What can be queried."""

    PROFILE = "profile"
    COUNTRIES = "countries"
    OPERATORS = "operators"
    APPLICATIONS = "applications"
    PRICES = "prices"
    PRICE = "price"
    CHECK = "check"
    ORDERS = "orders"


_IDS = {What.PRICES: (0, 2), What.PRICE: (0, 3), What.CHECK: (1,)}
"""How many ids each query takes; the others take none."""


class Which(StrEnum):
    """Which orders are listed."""

    OPEN = "open"
    CLOSED = "closed"
    ALL = "all"


def _with_broker(file: Path | None, command: Callable[[Mqtt], Coroutine[Any, Any, None]]) -> None:
    with plain_failures():
        try:
            asyncio.run(command(config.load_mqtt(config.find_file(file))))
        except KeyboardInterrupt:
            raise CommandFailedError("interrupted; what was sent already is carried out all the same") from None


@app.callback(invoke_without_command=True)
def options(
    context: typer.Context, *, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Bridges the SMS-number provider shomare.online to MQTT and Home Assistant."""
    if version:
        typer.echo(f"shomare-mqtt {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        raise typer.BadParameter("a command is missing; see --help")


@app.command()
def run(file: Config = None) -> None:
    """Run the daemon; it stops cleanly on SIGTERM and SIGINT, and reads the file again on SIGHUP."""
    from shomare_mqtt.cli.run import run as run_in_this_process  # noqa: PLC0415 - the other commands need no daemon

    raise typer.Exit(run_in_this_process(["--config", str(file)] if file else []))


@app.command()
def check(file: Config = None) -> None:
    """Read the settings; say what is wrong, or print them with secrets masked."""
    with plain_failures():
        print_settings(config.find_file(file))


@app.command()
def doctor(
    *,
    file: Config = None,
    json: Annotated[bool, typer.Option("--json", help="Print all findings as one line of JSON.")] = False,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Write a report without secrets, for a new FILE.", callback=_new),
    ] = None,
) -> None:
    """Reach broker and provider with calls that only read; say what works and how each field was understood.

    It never buys, and runs beside a running daemon. A line a finding: good, bad or unknown, what was seen, what to do.
    """
    from shomare_mqtt.cli.doctoring import doctor as look  # noqa: PLC0415 - the other commands need no HTTP

    with plain_failures():
        found = config.find_file(file)
        settings = load_all(found)
        try:
            is_well = asyncio.run(look(settings, found, json_=json, report_to=report))
        except KeyboardInterrupt:
            raise CommandFailedError("interrupted; nothing was changed") from None
    if not is_well:
        raise typer.Exit(1)


@app.command()
def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="End when the code has arrived.")] = False,
    broker: Annotated[
        Kind | None, typer.Option("--broker", help="Use this broker; else mosquitto where it is installed.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", metavar="N", min=0, max=65535, help="The broker's port; else 1883 where it is free."),
    ] = None,
    sms_delay: Annotated[
        float, typer.Option("--sms-delay", metavar="SECONDS", min=0, max=600, help="How long the simulated SMS takes.")
    ] = 4.0,
) -> None:
    """Run a whole system on loopback: broker, simulated provider, daemon. No money is spent."""
    from shomare_mqtt.cli import demo as whole_system  # noqa: PLC0415 - only here a provider and a daemon are needed

    with plain_failures():
        asyncio.run(whole_system.demo(whole_system.Wishes(once, broker, port, sms_delay)))


@app.command(context_settings={"ignore_unknown_options": True, "allow_extra_args": True}, add_help_option=False)
def simulate(context: typer.Context) -> None:
    """Run the simulated provider alone; `simulate --help` lists its options."""
    from shomare_mqtt.simulator import __main__ as simulator  # noqa: PLC0415 - nor a web server

    raise typer.Exit(simulator.main(context.args, "shomare-mqtt simulate"))


@app.command()
def buy(
    *,
    country: IdOrName = None,
    operator: IdOrName = None,
    application: IdOrName = None,
    max_price: Annotated[Decimal | None, typer.Option(parser=_money, metavar="N", help="Refuse a dearer one.")] = None,
    transaction: Annotated[
        str | None, typer.Option(metavar="T", help="Sent again with the same one, it buys nothing again.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the code is there.")] = False,
    file: Config = None,
    json: Json = False,
    timeout: Timeout = 30,
) -> None:
    """Buy one number through a running daemon. What is left out comes from the defaults."""
    fields = {"country": country, "operator": operator, "application": application, "transaction": transaction}
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    if max_price is not None:
        given["max_price"] = int(max_price) if max_price == max_price.to_integral_value() else float(max_price)
    _with_broker(file, lambda mqtt: buying.buy(mqtt, given, Manner(timeout, json), wait=wait))


@app.command()
def cancel(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="An order, `current`, or a purchase.")],
    *,
    file: Config = None,
    json: Json = False,
    timeout: Timeout = 30,
) -> None:
    """Cancel a number, so that the money goes back."""
    _with_broker(file, lambda mqtt: commands.cancel(mqtt, order, Manner(timeout, json)))


@app.command()
def query(
    what: What,
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="As in `query prices 7 1`.")] = None,
    *,
    state: Annotated[Which | None, typer.Option(help="Of `orders`: which.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=500, help="Of `orders`: how many.")] = None,
    file: Config = None,
    json: Json = False,
    timeout: Timeout = 30,
) -> None:
    """Ask a running daemon: `query profile`, `query prices 7 1`, `query check ORDER`, `query orders --state all`."""
    if what is not What.ORDERS and (state is not None or limit is not None):
        raise typer.BadParameter("--state and --limit belong to `query orders`")
    if len(ids or ()) not in (allowed := _IDS.get(what, (0,))):
        raise typer.BadParameter(f"`query {what}` takes {' or '.join(map(str, allowed))} ids, not {len(ids or ())}")
    given = {"state": state and state.value, "limit": limit}
    fields = {name: value for name, value in given.items() if value is not None}
    _with_broker(file, lambda mqtt: commands.query(mqtt, what.value, ids or [], fields, Manner(timeout, json)))


@app.command()
def watch(*, file: Config = None, json: Json = False, timeout: Timeout = 30) -> None:
    """Show orders and SMS as they come, until Ctrl-C."""
    _with_broker(file, lambda mqtt: watching.watch(mqtt, Manner(timeout, json)))
