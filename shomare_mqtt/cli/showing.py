"""What the client commands print for people: tables and lines. Nothing that a stranger wrote can steer the terminal."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shomare_mqtt.normalization import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_ORDER_ROWS = (
    ("order", "Order"),
    ("purchase", "Purchase"),
    ("state", "State"),
    ("phone", "Number"),
    ("country", "Country"),
    ("operator", "Operator"),
    ("application", "Application"),
    ("price", "Price"),
    ("created_at", "Made"),
    ("expires_at", "Lives until"),
    ("closed_at", "Closed"),
    ("refunded", "Refunded"),
    ("charged", "Charged"),
)
_NAMED = ("country", "operator", "application")
_LONGEST_NUMBER = 30
"""Digits beyond which a number is no amount of anything."""
_UNBOUNDED = 10_000
"""Columns where no terminal sets a bound."""


class _Screen(Console):
    """Leaves it to the command what it means that nobody reads any more; rich would end the process at once."""

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError, always."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output, without rich's guesses at what a text means; a program that reads it gets whole lines."""
    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS") else _UNBOUNDED
    return _Screen(width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)


def plain(value: Any) -> Text:
    """A value as text for the terminal: control characters made visible, since SMS and names are others' words."""
    return Text(visible(_readable(value)))


def _readable(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool):
        return {None: "–", True: "yes", False: "no"}[value]
    if isinstance(value, int | float | Decimal):
        return _amount(value)
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except RecursionError:
        return "…"


def _amount(value: float | Decimal) -> str:
    """A number with its thousands apart; 1e999999 in full would have a million zeros."""
    small = not isinstance(value, Decimal) or abs(value.adjusted()) <= _LONGEST_NUMBER
    return f"{value:,}" if small else str(value)


def local_time(value: Any) -> str:
    """A time of the contract in this machine's zone; the text itself where it is none."""
    try:
        return datetime.fromisoformat(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (TypeError, ValueError, OverflowError):
        return _readable(value)


def named(order: Mapping[str, Any], field: str) -> str:
    """A product's part: its name, and the id in brackets."""
    name, identity = order.get(f"{field}_name"), order.get(field)
    return f"{_readable(name)} ({_readable_id(identity)})" if name and name != identity else _readable_id(identity)


def _readable_id(value: Any) -> str:
    """An id is no amount, whatever type it came in."""
    return str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else _readable(value)


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in what should be a list of them: nobody knows what sent it."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def reason(error: Any) -> Any:
    """The sentence of an `error`, whatever else came in its place."""
    return error.get("message") if isinstance(error, dict) else error


def order_table(order: Mapping[str, Any]) -> Table:
    """One order, a line for each thing that is known of it, and its SMS."""
    table = _pairs()
    for key, label in _ORDER_ROWS:
        if order.get(key) is not None:
            table.add_row(label, plain(_order_value(order, key)))
    for sms in objects(order.get("sms")):
        if "text" in sms:  # a retained order keeps codes and texts to itself
            table.add_row("Code", Text(plain(sms.get("code")).plain, style="bold green"))
            table.add_row("SMS", plain(sms["text"]))
    if error := order.get("error"):
        table.add_row("Why", plain(reason(error)))
    return table


def _order_value(order: Mapping[str, Any], key: str) -> Any:
    if key in _NAMED:
        return named(order, key)
    return local_time(order[key]) if key.endswith("_at") else order[key]


def orders_table(orders: Sequence[Mapping[str, Any]]) -> Table:
    """Orders, one a line."""
    table = _table("Order", "State", "Number", "Application", "Country", "Price", "Made", "Code")
    for order in orders:
        codes = [sms.get("code") for sms in objects(order.get("sms")) if sms.get("code")]
        cells = (order.get("order"), order.get("state"), order.get("phone"), named(order, "application"))
        more = (named(order, "country"), order.get("price"), local_time(order.get("created_at")))
        table.add_row(*map(plain, (*cells, *more, codes[-1] if codes else None)))
    return table


def show_orders(screen: Console, orders: Sequence[Mapping[str, Any]]) -> None:
    """Prints orders, one a line; where the terminal is too narrow for that, one below the other, as ids stay whole."""
    table = orders_table(orders)
    if screen.measure(table, options=screen.options.update(width=_UNBOUNDED)).maximum <= screen.width:
        screen.print(table)
        return
    for number, order in enumerate(orders):
        if number:
            screen.print()
        screen.print(order_table(order))


def _cell(field: str, value: Any) -> Text:
    """A field of which the name alone is known: a number is a sum or a count, unless it is an id."""
    if field == "id" or field.endswith("_id"):
        return plain(_readable_id(value))
    return plain(local_time(value) if field.endswith("_at") else value)


def rows_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Any list of objects: a column for each field that one of them has."""
    fields = list(dict.fromkeys(field for row in rows for field in row))
    table = _table(*fields)
    for row in rows:
        table.add_row(*(_cell(field, row.get(field)) for field in fields))
    return table


def pairs_table(data: Mapping[str, Any]) -> Table:
    """Any object: a line for each field."""
    table = _pairs()
    for field, value in data.items():
        table.add_row(plain(field), _cell(field, value))
    return table


def show(screen: Console, what: str, data: Any) -> None:
    """Prints the `data` of an answer in the form that suits it; what is not known is printed as JSON."""
    match data:
        case []:
            screen.print("Nothing there.")
        case {"order": str(), "state": str()}:
            screen.print(order_table(data))
        case {"prices": list() as prices}:
            screen.print(pairs_table({key: value for key, value in data.items() if key != "prices"}))
            screen.print(rows_table(objects(prices)))
        case [{}, *_] if len(rows := objects(data)) == len(data):
            if what == "orders" and all(isinstance(row.get("order"), str) for row in rows):
                show_orders(screen, rows)
            else:
                screen.print(rows_table(rows))
        case {}:
            screen.print(pairs_table(data))
        case _:
            screen.print(plain(data))


def _pairs() -> Table:
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in columns:
        table.add_column(plain(column), overflow="fold")
    return table
