"""What one row of a price list says of its price and its stock."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import glued, wordset
from shomare_mqtt.provider.reading.rows import (
    INSIDE_PRICE,
    STOCK,
    SWITCHES,
    Row,
    Vote,
    is_price_object,
    stock_of,
    telling,
)
from shomare_mqtt.provider.reading.shapes import is_flat, of_money
from shomare_mqtt.provider.reading.units import unit_beside, unit_in_name
from shomare_mqtt.provider.reading.values import is_plain, is_scalar, money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from shomare_mqtt.provider.reading.columns import Columns

_FIELDS = 40
"""No row has more fields that matter; an object with more is a collection, or hostile."""
_FEW = 100
"""Of so many rows at most votes are kept; those of thousands would take a megabyte."""
_PLAIN_PRICE = 90
"""From this weight on a name is a price and nothing near it."""
_BESIDE = wordset("meta metadata info details extra stats inventory availability stock data additional")
"""Names of an object in a row that may say what is left of it."""


def amount_of(row: Row, columns: Columns, unit: str | None) -> Decimal | None:
    """The price that a row names, or one that plainly stands around it; `unit`: where the answer names none."""
    if columns.by_hand.sets("price"):
        return columns.by_hand.price(row)
    votes = amounts(row, columns, unit)
    return max(votes).figure if votes else None


def amounts(row: Row, columns: Columns, unit: str | None) -> list[Vote]:
    """Every figure of a row that may be its price."""
    key = ("price", id(row), unit)
    return columns.votes.get(key) or _kept(columns, key, _amounts(row, columns, unit))


def _kept(columns: Columns, key: tuple[str, int, str | None], votes: list[Vote]) -> list[Vote]:
    """Votes, which of few rows are kept: the price and its place are both read by them."""
    if len(columns.rows) <= _FEW:
        columns.votes[key] = votes
    return votes


def _amounts(row: Row, columns: Columns, unit: str | None) -> list[Vote]:
    known = columns.price
    votes: list[Vote] = []
    for distance, level in enumerate(row.levels[:2]):
        for name, weight in telling(level.fields).price:
            if distance and weight < _PLAIN_PRICE:
                continue  # what a list costs at least, say
            for inside, value, said, place in _priced(name, weight, level.fields[name]):
                amount = money(value, None if is_plain(value) else said or _unit_around(row) or unit)
                if amount is not None and amount >= 0:
                    agrees = 15 if known is not None and amount == known else 0
                    votes.append(Vote(inside + agrees - 40 * distance, -len(votes), amount, place, distance))
    return votes


def _priced(name: str, weight: int, value: Any) -> Iterable[tuple[int, Any, str | None, tuple[str, ...]]]:
    """What a field says of the price, its weight and its unit; of an object that wraps a price each of its fields."""
    if is_scalar(value):
        return ((weight, value, unit_in_name(name), (name,)),) if weight else ()
    if weight and (whole := of_money(value)) is not None:
        return ((weight, whole, unit_beside(value), (name,)),)
    if not is_price_object(name, value):
        return ()
    return [
        (inside, v, unit_in_name(inner) or unit_beside(value) or unit_in_name(name), (name, inner))
        for inner, v in value.items()
        if (inside := INSIDE_PRICE.weight(inner))
    ]


def _unit_around(row: Row) -> str | None:
    """The unit that the row names, or else the nearest object around it."""
    for level in row.levels:
        if (names := telling(level.fields).unit) and (said := unit_beside({n: level.fields[n] for n in names})):
            return said
    return None


def stocked(row: Row, columns: Columns, application: str | None) -> tuple[bool, int | None]:
    """The stock of a row, as `rows.stock_of`."""
    if columns.by_hand.sets("count"):
        return columns.by_hand.count(row)
    votes = stocks(row, columns, application)
    return (True, max(votes, key=_strength).figure) if votes else (False, None)


def stocks(row: Row, columns: Columns, application: str | None) -> list[Vote]:
    """Every figure of a row that may be its stock."""
    key = ("count", id(row), application)
    return columns.votes.get(key) or _kept(columns, key, _stocks(row, columns, application))


def _stocks(row: Row, columns: Columns, application: str | None) -> list[Vote]:
    votes: list[Vote] = []
    for place, weight, value in _counted(row.own, columns, application):
        understood, number = stock_of(place[-1], value)
        if understood:
            # A number says more than a word, and a word more than a flag.
            doubt = (15 if number is None else 0) + (25 if isinstance(value, bool) else 0)
            votes.append(Vote(weight - doubt, -len(votes), number, place))
    return votes


def _strength(vote: Vote) -> tuple[int, int]:
    return vote[:2]


def best_first(votes: list[Vote]) -> list[Vote]:
    """Votes, the strongest first."""
    return sorted(votes, key=_strength, reverse=True)


def _counted(
    fields: Mapping[str, Any], columns: Columns, application: str | None
) -> Iterable[tuple[tuple[str, ...], int, Any]]:
    """What a row says of its stock, with its weight; of an object that wraps a stock each of its fields."""
    told = telling(fields).stock
    for name, weight in told:
        value = fields[name]
        if isinstance(value, dict):
            yield from (((name, n), w, v) for n, v in value.items() if (w := STOCK.weight(n)) and is_scalar(v))
        elif is_scalar(value):
            yield (name,), weight, value
    for name, inner in fields.items() if not is_flat(fields) else ():
        if isinstance(inner, dict) and glued(name) in _BESIDE:
            yield from (((name, n), w - 5, inner[n]) for n, w in telling(inner).stock if is_scalar(inner[n]))
    if application is not None and SWITCHES.issuperset([glued(n) for n, _ in told]):
        # The application's own name, beside its price: `{"tg": 28, "price": 12}`.
        own = (n for n, v in islice(fields.items(), _FIELDS) if is_scalar(v) and columns.speaks_of(n, application))
        yield from (((n,), 60, fields[n]) for n in own)
