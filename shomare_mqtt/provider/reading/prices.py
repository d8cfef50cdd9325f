"""Reading `pricebycountry` and `pricebyproduct`: rows wherever they lie, and a vote on whose price each row is.

A row's application can stand in a field of the row, in an object inside it, in its key, or in what lies around it; so
can its operator and its country. Each such place is a *column*; columns are matched with what is known already.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Endpoint, Price, PriceList
from shomare_mqtt.provider.reading.columns import Columns
from shomare_mqtt.provider.reading.names import glued
from shomare_mqtt.provider.reading.rows import INSIDE_PRICE, PRICE, STOCK, Row, is_price_object, rows_of
from shomare_mqtt.provider.reading.tables import Tables
from shomare_mqtt.provider.reading.values import count as read_count
from shomare_mqtt.provider.reading.values import money
from shomare_mqtt.provider.reading.verdict import accepted, malformed, unwrapped
from shomare_mqtt.provider.reading.vocabulary import vocabularies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer


_FIELDS = 40
"""No row has more fields that matter; an object with more is a collection, or hostile."""


def read_prices(country: str, operator: str, answer: RawAnswer, context: Context) -> PriceList:
    """Price and stock of every application of a country and an operator; an empty list is one.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no price is in it).
    """
    value, marks = accepted(answer, Endpoint.PRICES)
    columns = _columns(value, context.known, country, operator, None)
    rows = columns.rows
    if not rows and not _says_empty(value):
        raise malformed(answer, marks, Endpoint.PRICES, "price")
    best: dict[str, Row] = {}
    homeless = False
    for row in columns.asked_for():
        application = columns.application(row)
        if application is None:
            homeless = True
        elif application not in best or _better(row, best[application], columns):
            best[application] = row
    prices = tuple(_price(application, row, columns) for application, row in best.items())
    if rows and not prices:
        raise malformed(answer, marks, Endpoint.PRICES, "application of any price")
    unread = dict.fromkeys([name for price in prices for name in price.unread] + ["application"] * homeless)
    return PriceList(country, operator, prices, tuple(unread))


def read_price(application: str, answer: RawAnswer, context: Context) -> Price:
    """Price and stock of one product.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where its price and stock are not in it).
    """
    value, marks = accepted(answer, Endpoint.PRICE)
    known = context.known
    columns = _columns(value, known, known.country, known.operator, application)
    bare = None if columns.rows else _bare(value)
    if bare is not None:
        return Price(application, bare, None, columns.name_of(application), ("count",))
    rows = [r for r in columns.asked_for() if columns.application(r) in (None, application)]
    if not rows and len(columns.asked_for()) == 1 and not columns.names_other(columns.asked_for()[0], application):
        rows = columns.asked_for()
    if not rows:
        raise malformed(answer, marks, Endpoint.PRICE, "price of this application")
    best = rows[0]
    for row in rows[1:]:
        best = row if _better(row, best, columns) else best
    read = _price(application, best, columns)
    if read.price is None and read.count is None and "count" in read.unread:
        raise malformed(answer, marks, Endpoint.PRICE, "price")
    return read


def _says_empty(value: Any) -> bool:
    """Whether the answer holds a list, and it is empty."""
    if isinstance(value, list):
        return not value
    inner = [v for v in value.values() if isinstance(v, list | dict)] if isinstance(value, dict) else []
    return bool(inner) and all(not v or _says_empty(v) for v in inner)


def _columns(value: Any, known: Known, country: str | None, operator: str | None, application: str | None) -> Columns:
    lists = vocabularies(known, country, operator, application)
    return Columns(rows_of(value, Tables(lists, known.price)), lists, known.price)


def _bare(value: Any) -> Decimal | None:
    """A price that is all that the answer holds: `{"status": true, "data": 2200}`."""
    top = unwrapped(value)
    found = [v for n, v in top.items() if glued(n) in ("data", "payload")] if isinstance(top, dict) else []
    amount = money(found[0]) if len(found) == 1 else None
    return amount if amount is not None and amount > 0 else None


def _better(row: Row, other: Row, columns: Columns) -> bool:
    """Of two prices of one application: the one of the operator asked for, then one in stock, then the cheaper."""
    return _rank(row, columns) < _rank(other, columns)


def _rank(row: Row, columns: Columns) -> tuple[bool, bool, bool, Any]:
    price, (_, stock) = _amount(row, columns.price), _stock(row, columns, columns.application(row))
    return (not columns.operator_matches(row), stock == 0, price is None, price or 0)


def _price(application: str, row: Row, columns: Columns) -> Price:
    price = _amount(row, columns.price)
    understood, stock = _stock(row, columns, application)
    unread = tuple(name for name, bad in (("price", price is None), ("count", not understood)) if bad)
    return Price(application, price, stock, columns.application_name(row, application), unread)


def _amount(row: Row, known: Decimal | None) -> Decimal | None:
    votes: list[tuple[int, int, Decimal]] = []
    for distance, level in enumerate(row.levels[:2]):
        for name, value in islice(level.fields.items(), _FIELDS):
            for weight, inner in _priced(name, value):
                amount = money(inner)
                if amount is not None and amount >= 0:
                    agrees = 15 if known is not None and amount == known else 0
                    votes.append((weight + agrees - 40 * distance, -len(votes), amount))
    return max(votes)[2] if votes else None


def _priced(name: str, value: Any) -> Iterable[tuple[int, Any]]:
    """What a field says of the price, with its weight; of an object that wraps a price each of its fields."""
    if is_price_object(name, value):
        yield from ((weight, v) for inner, v in value.items() if (weight := INSIDE_PRICE.weight(inner)))
    elif not isinstance(value, dict | list) and (weight := PRICE.weight(name)):
        yield weight, value


def _stock(row: Row, columns: Columns, application: str | None) -> tuple[bool, int | None]:
    votes: list[tuple[int, int, int | None]] = []
    for name, value in islice(_plain(row.own), _FIELDS):
        weight = STOCK.weight(name)
        if not weight and application is not None and columns.speaks_of(name, application):
            weight = 60  # the application's own name, beside its price
        understood, number = read_count(value) if weight else (False, None)
        if understood:
            # A number says more than a word, and a word more than a flag.
            votes.append((weight - (0 if number else 15) - (25 if isinstance(value, bool) else 0), -len(votes), number))
    return (True, max(votes, key=lambda v: v[:2])[2]) if votes else (False, None)


def _plain(fields: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Plain values, and those of an object that only wraps a stock (`{"stock": {"count": 5}}`)."""
    for name, value in fields.items():
        if isinstance(value, dict):
            if STOCK.weight(name):
                yield from ((inner, v) for inner, v in value.items() if not isinstance(v, dict | list))
        elif not isinstance(value, list):
            yield name, value
