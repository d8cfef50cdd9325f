"""The commands that talk to a running daemon, declared for typer; what they do stands in the modules beside this one.

Those are imported by the command that needs them: a shell that completes a word waits for what stands here alone.
"""

from __future__ import annotations

import asyncio
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shomare_mqtt.cli.declaring import Config, Json, Loud, Timeout, among, one_of, quietly, some_of
from shomare_mqtt.cli.status import CommandFailedError, plain_failures

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from shomare_mqtt.config import Mqtt

SECTION = "Commands to a running daemon"
QUERIES = {
    "profile": "",
    "countries": "",
    "operators": "",
    "applications": "",
    "prices": "COUNTRY OPERATOR",
    "price": "COUNTRY OPERATOR APPLICATION",
    "check": "ORDER",
    "orders": "",
    "statistics": "",
}
"""What can be asked for, and the ids that it takes."""
_OF_DEFAULTS = ("prices", "price")
"""Those whose ids may all be left out."""
CHOICES = ("listed", "cheapest")
STATES = ("open", "closed", "all")
GROUPS = ("application", "country", "operator", "day")
DEFAULTS = ("country", "operator", "application", "max_price")


def _money(value: str) -> Decimal:
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise typer.BadParameter("must be a number alone, such as 5000") from None
    if not amount.is_finite() or amount < 0:
        raise typer.BadParameter("must be a number from 0")
    return amount


def _as_json(amount: Decimal | None) -> float | None:
    if amount is None:
        return None
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _one_or_all(values: list[str] | None) -> str | list[str] | None:
    """What was given once is no list: the daemon then tries nothing else."""
    return values[0] if values and len(values) == 1 else values or None


def _with_broker(file: Path | None, command: Callable[[Mqtt], Coroutine[Any, Any, None]]) -> None:
    """Runs a command until it is done or a signal comes. Raises SystemExit with the status of what went wrong."""
    from shomare_mqtt import config
    from shomare_mqtt.cli.signals import until_signal
    from shomare_mqtt.cli.typed import to_be_typed

    with plain_failures():
        try:
            asyncio.run(until_signal(command(config.load_mqtt(config.find_file(file)))))
        except CommandFailedError as error:
            raise CommandFailedError(to_be_typed(str(error), file)) from None


def buy(
    *,
    country: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COUNTRY", help="Buy a number of this country, by its id or name; of several, where there is one."
        ),
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(metavar="OPERATOR", help="Buy it from this operator, by its id or name; or from one of several."),
    ] = None,
    application: Annotated[
        str | None, typer.Option(metavar="APPLICATION", help="Buy it for this application, by its id or name.")
    ] = None,
    max_price: Annotated[
        Decimal | None, typer.Option(parser=_money, metavar="PRICE", help="Refuse a number that costs more.")
    ] = None,
    min_price: Annotated[
        Decimal | None, typer.Option(parser=_money, metavar="PRICE", help="Refuse a number that costs less.")
    ] = None,
    choose: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="Of several: try them as they are listed (the default), or the cheapest first.",
            **one_of(*CHOICES),
        ),
    ] = None,
    transaction: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name this purchase: sent again under the same name, it buys nothing again."),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Stay until the code is there, and print it.")] = False,
    quiet: Annotated[bool, quietly(": the number; with --wait the code, too, on a line of its own")] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Buy one number.

    What is left out comes from the defaults (`shomare-mqtt defaults`). --country and --operator may be given several
    times: each pair is tried, all operators of the first country first, until one has a number; never is more than one
    bought. After Ctrl-C during --wait the number stays
    bought, and what is said then tells how to cancel it.
    """
    from shomare_mqtt.cli import buying
    from shomare_mqtt.cli.commands import Manner

    places = {"country": _one_or_all(country), "operator": _one_or_all(operator), "application": application}
    prices = {"max_price": _as_json(max_price), "min_price": _as_json(min_price)}
    fields = {**places, **prices, "choose": choose, "transaction": transaction}
    given: dict[str, Any] = {name: value for name, value in fields.items() if value is not None}
    _with_broker(file, lambda mqtt: buying.buy(mqtt, given, Manner(timeout, json, quiet), wait=wait))


def cancel(
    order: Annotated[
        str,
        typer.Argument(
            metavar="ORDER", help="An order's id, `current` for the newest open one, or a purchase.", **among("current")
        ),
    ],
    *,
    quiet: Loud = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Give a number back, so that its money returns."""
    from shomare_mqtt.cli import commands

    _with_broker(file, lambda mqtt: commands.cancel(mqtt, order, commands.Manner(timeout, json, quiet)))


def resolve(
    context: typer.Context,
    order: Annotated[
        str,
        typer.Argument(
            metavar="ORDER", help="The order's id; left out, the only one in state unknown.", **among("unknown")
        ),
    ] = "unknown",
    *,
    bought: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="PURCHASE PHONE", help="It was bought: as this purchase, with this number, on the provider's site."
        ),
    ] = None,
    not_bought: Annotated[bool, typer.Option("--not-bought", help="Nothing was bought.")] = False,
    quiet: Loud = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Settle an order of which nobody knows whether it was bought.

    Look at your numbers on the provider's site first. One that was bought is watched for its SMS from then on. Exactly
    one of --bought and --not-bought must be given.
    """
    from shomare_mqtt.cli import steering
    from shomare_mqtt.cli.commands import Manner

    if (bought is None) != not_bought:
        context.fail("Exactly one of --bought and --not-bought must be given.")
    if bought and (bought[0].strip().startswith("+") or not any(map(str.isdecimal, bought[1]))):
        context.fail("--bought takes the purchase first, then its number: --bought 74001 +79313226657, say.")
    _with_broker(file, lambda mqtt: steering.resolve(mqtt, order, bought, Manner(timeout, json, quiet)))


def query(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="WHAT", help=f"One of {', '.join(QUERIES)}.", **one_of(*QUERIES))],
    ids: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="ID", help="As in `prices COUNTRY OPERATOR`, `price COUNTRY OPERATOR APPLICATION`, `check ORDER`."
        ),
    ] = None,
    *,
    state: Annotated[
        str | None,
        typer.Option(
            metavar="STATE",
            help="Of orders: list those that are open, closed, or all.",
            **one_of(*STATES),
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=500, metavar="N", help="Of orders: list at most N, from 1 to 500.")
    ] = None,
    long: Annotated[bool, typer.Option("--long", help="Show a line for each field instead of a table.")] = False,
    quiet: Annotated[
        bool, quietly(": a balance, a price, codes, ids of orders, or a row a line with tabs between")
    ] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Ask for the account, the lists, prices or orders.

    Examples: `query profile`, `query prices 7 1`, `query check ORDER` (asks for its SMS now), `query orders --state
    all`.
    """
    from shomare_mqtt.cli import commands

    if what != "orders" and (state is not None or limit is not None):
        context.fail("--state and --limit belong to `query orders`.")
    wanted = len(QUERIES[what].split())
    if len(ids or ()) != wanted and (ids or what not in _OF_DEFAULTS):
        what_else = ", or no id for what the defaults name" if what in _OF_DEFAULTS else ""
        context.fail(f"`query {what}` takes {QUERIES[what] or 'no ids'}{what_else}.")
    fields = {name: value for name, value in (("state", state), ("limit", limit)) if value is not None}
    _with_broker(
        file, lambda mqtt: commands.query(mqtt, what, ids or [], fields, commands.Manner(timeout, json, quiet, long))
    )


def offers(
    application: Annotated[
        str | None,
        typer.Argument(metavar="APPLICATION", help="Its id or name; left out, the default's."),
    ] = None,
    *,
    country: Annotated[
        list[str] | None,
        typer.Option(metavar="COUNTRY", help="Look in this country alone, by its id or name; as often as you like."),
    ] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(metavar="OPERATOR", help="Look at this operator alone, by its id or name; as often as you like."),
    ] = None,
    max_price: Annotated[
        Decimal | None, typer.Option(parser=_money, metavar="PRICE", help="Show nothing that costs more.")
    ] = None,
    min_price: Annotated[
        Decimal | None, typer.Option(parser=_money, metavar="PRICE", help="Show nothing that costs less.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, max=500, metavar="N", help="Show at most N, from 1 to 500 (default: 20).")
    ] = None,
    quiet: Annotated[bool, quietly(": country, operator, price and stock, a line each, with tabs between")] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Show where an application can be had, cheapest first.

    Prices that are older than an hour are read first, behind everything else that the daemon asks the provider: by the
    usual limit 46 places a minute. It reads on after Ctrl-C, too.
    """
    from shomare_mqtt.cli import offering
    from shomare_mqtt.cli.commands import Manner

    given = {"application": application, "country": country, "operator": operator, "limit": limit}
    amounts = {"max_price": max_price, "min_price": min_price}
    fields: dict[str, Any] = {name: value for name, value in given.items() if value}
    fields |= {name: _as_json(amount) for name, amount in amounts.items() if amount is not None}
    _with_broker(file, lambda mqtt: offering.offers(mqtt, fields, Manner(timeout, json, quiet)))


def statistics(
    *,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, metavar="N", help="Of the last N days, today one of them (default: 30)."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help=f"A line for each of these: {', '.join(GROUPS)}; as often as you like (default: application).",
            **some_of(*GROUPS),
        ),
    ] = None,
    quiet: Annotated[
        bool, quietly(": what each line is of, bought, with an SMS, money spent, with tabs between")
    ] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Show what was bought, what came of it and what it cost.

    Days begin at midnight in provider.timezone. An order in doubt costs what is known to be gone.
    """
    from shomare_mqtt.cli import commands

    given = {"days": days, "by": by}
    fields: dict[str, Any] = {name: value for name, value in given.items() if value}
    manner = commands.Manner(timeout, json, quiet)
    _with_broker(file, lambda mqtt: commands.query(mqtt, "statistics", (), fields, manner))


def watch(
    *,
    quiet: Annotated[bool, quietly(": what happens from now on")] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Show orders and SMS as they come, until Ctrl-C."""
    from shomare_mqtt.cli import watching
    from shomare_mqtt.cli.commands import Manner

    _with_broker(file, lambda mqtt: watching.watch(mqtt, Manner(timeout, json, quiet)))


def buying(
    to: Annotated[
        str | None,
        typer.Argument(metavar="on|off", help="Allow purchases again, or refuse them all.", **one_of("on", "off")),
    ] = None,
    *,
    quiet: Annotated[bool, quietly(": without an argument on or off, else nothing")] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Show or turn the safety switch for purchases.

    While it is off, every purchase is refused; that outlives restarts. Without an argument it is said, too, whether
    purchases pause for another reason.
    """
    from shomare_mqtt.cli import steering
    from shomare_mqtt.cli.commands import Manner

    manner = Manner(timeout, json, quiet, file=file)
    _with_broker(
        file,
        lambda mqtt: steering.show_buying(mqtt, manner) if to is None else steering.set_buying(mqtt, to, manner),
    )


def defaults(
    field: Annotated[
        str | None, typer.Argument(metavar="FIELD", help=f"One of {', '.join(DEFAULTS)}.", **one_of(*DEFAULTS))
    ] = None,
    value: Annotated[
        str | None,
        typer.Argument(metavar="VALUE", help='An id or a name, or a price; "" for what the settings file says.'),
    ] = None,
    *,
    quiet: Annotated[bool, quietly(": without a value the ids, else nothing")] = False,
    json: Json = False,
    timeout: Timeout = 30,
    file: Config = None,
) -> None:
    """Show or set what a purchase takes that leaves something out.

    What is set outranks [defaults] in the settings file, and outlives restarts.
    """
    from shomare_mqtt.cli import steering
    from shomare_mqtt.cli.commands import Manner

    manner = Manner(timeout, json, quiet)
    _with_broker(
        file,
        lambda mqtt: (
            steering.show_defaults(mqtt, field, manner)
            if field is None or value is None
            else steering.set_default(mqtt, field, value, manner)
        ),
    )
