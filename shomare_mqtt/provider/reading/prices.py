"""Reading `pricebycountry` and `pricebyproduct`: rows wherever they lie, and a vote on whose price each row is.

A row's application can stand in a field of the row, in an object inside it, in its key, or in what lies around it; so
can its operator and its country. Each such place is a *column*; columns are matched with what is known already.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Endpoint, Price, PriceList
from shomare_mqtt.provider.reading.columns import Columns
from shomare_mqtt.provider.reading.names import CONTENTS, glued, wordset
from shomare_mqtt.provider.reading.rows import (
    INSIDE_PRICE,
    MOST_ROWS,
    STOCK,
    SWITCHES,
    Row,
    is_price_object,
    rows_of,
    stock_of,
    telling,
    weight_of,
)
from shomare_mqtt.provider.reading.shapes import NEXT_PAGES, as_records, has_next_page, role_of
from shomare_mqtt.provider.reading.tables import Tables
from shomare_mqtt.provider.reading.units import unit_beside, unit_in_name
from shomare_mqtt.provider.reading.values import is_plain, is_scalar, money
from shomare_mqtt.provider.reading.verdict import accepted, is_amount, malformed, unwrapped
from shomare_mqtt.provider.reading.vocabulary import vocabularies

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer


_FIELDS = 40
"""No row has more fields that matter; an object with more is a collection, or hostile."""


_PLAIN_PRICE = 90
"""From this weight on a name is a price and nothing near it."""
_BESIDE = wordset("meta metadata info details extra stats inventory availability stock data additional")
"""Names of an object in a row that may say what is left of it."""
_ASIDE = wordset("links link meta page paging pageinfo paginator pagination user")
"""Names of what stands beside a list, and is none of it."""


def read_prices(country: str, operator: str, answer: RawAnswer, context: Context) -> PriceList:
    """Price and stock of every application of a country and an operator; an empty list is one.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no price is in it).
    """
    value, marks = accepted(answer, Endpoint.PRICES)
    columns = _columns(value, context.known, country, operator, None)
    rows = columns.rows
    if not rows and not _says_empty(value):
        raise malformed(answer, marks, Endpoint.PRICES, "price")
    found: dict[str, list[Row]] = {}
    homeless = False
    for row in columns.asked_for():
        application = columns.application(row)
        if application is None:
            homeless = True
        else:
            found.setdefault(application, []).append(row)
    prices = tuple(_price(application, own, columns, context.unit) for application, own in found.items())
    if rows and not prices:
        raise malformed(answer, marks, Endpoint.PRICES, "application of any price")
    unread = dict.fromkeys(
        [name for price in prices for name in price.unread]
        + ["application"] * homeless
        + [NEXT_PAGES] * has_next_page(unwrapped(value))
        + [f"what follows {MOST_ROWS} prices"] * (len(rows) == MOST_ROWS)
    )
    return PriceList(country, operator, prices, tuple(unread))


def read_price(application: str, answer: RawAnswer, context: Context) -> Price:
    """Price and stock of one product.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where its price and stock are not in it).
    """
    value, marks = accepted(answer, Endpoint.PRICE)
    known = context.known
    columns = _columns(value, known, known.country, known.operator, application)
    bare = None if columns.rows else _bare(value, context.unit)
    if bare is not None:
        return Price(application, bare, None, columns.name_of(application), ("count",))
    named = {id(r): columns.application(r) for r in columns.asked_for()}
    rows = [r for r in columns.asked_for() if named[id(r)] == application]
    rows = rows or [r for r in columns.asked_for() if named[id(r)] is None]
    if not rows and len(columns.rows) == 1 and not columns.names_other(columns.rows[0], application):
        rows = columns.rows
    if not rows:
        raise malformed(answer, marks, Endpoint.PRICE, "price of this application")
    read = _price(application, rows, columns, context.unit)
    if read.price is None and read.count is None and "count" in read.unread:
        raise malformed(answer, marks, Endpoint.PRICE, "price")
    return read


def _says_empty(value: Any) -> bool:
    """Whether the answer holds a list, and it is empty."""
    if isinstance(value, list):
        return not value
    named = value.items() if isinstance(value, dict) else ()
    inner = [
        v
        for n, v in named
        if isinstance(v, list | dict) and not (glued(n) in _ASIDE or (isinstance(v, dict) and role_of(n)))
    ]
    return bool(inner) and all(not v or _says_empty(v) for v in inner)


def _columns(value: Any, known: Known, country: str | None, operator: str | None, application: str | None) -> Columns:
    lists = vocabularies(known, country, operator, application)
    return Columns(rows_of(as_records(unwrapped(value)), Tables(lists, known.price)), lists, known.price)


def _bare(value: Any, unit: str | None) -> Decimal | None:
    """A price that is all that the answer holds: `{"status": true, "data": 2200}`."""
    top = unwrapped(value)
    fields = top if isinstance(top, dict) else {}
    found = [v for n, v in fields.items() if glued(n) in CONTENTS and is_amount(n, v)]
    beside = unit_beside(fields) or unit
    amount = money(found[0], beside) if len(found) == 1 else None
    return amount if amount is not None and amount > 0 else None


def _rank(row: Row, columns: Columns, unit: str | None) -> tuple[int, bool, bool, int, Any]:
    """Of the prices of one application: the one asked for, one in stock, the best told, the cheapest."""
    price, (_, stock) = _amount(row, columns.price, unit), _stock(row, columns, columns.application(row))
    return (columns.strangeness(row), stock == 0, price is None, -weight_of(row), price or 0)


def _price(application: str, rows: list[Row], columns: Columns, unit: str | None) -> Price:
    """The price that counts, of the rows of one application; its stock may be told apart, in a row without a price."""
    row = min(rows, key=lambda r: _rank(r, columns, unit)) if len(rows) > 1 else rows[0]
    price = _amount(row, columns.price, unit)
    understood, stock = _stock(row, columns, application)
    if not understood:
        apart = [_stock(r, columns, application) for r in rows if _amount(r, columns.price, unit) is None]
        understood, stock = next((s for s in apart if s[0]), (False, None))
    unread = tuple(name for name, bad in (("price", price is None), ("count", not understood)) if bad)
    return Price(application, price, stock, columns.application_name(row, application), unread)


def _amount(row: Row, known: Decimal | None, unit: str | None) -> Decimal | None:
    """The price that a row names, or one that plainly stands around it; `unit`: where the answer names none."""
    votes: list[tuple[int, int, Decimal]] = []
    for distance, level in enumerate(row.levels[:2]):
        for name, weight in telling(level.fields).price:
            if distance and weight < _PLAIN_PRICE:
                continue  # what a list costs at least, say
            for inside, value, said in _priced(name, weight, level.fields[name]):
                amount = money(value, None if is_plain(value) else said or _unit_around(row) or unit)
                if amount is not None and amount >= 0:
                    agrees = 15 if known is not None and amount == known else 0
                    votes.append((inside + agrees - 40 * distance, -len(votes), amount))
    return max(votes)[2] if votes else None


def _priced(name: str, weight: int, value: Any) -> Iterable[tuple[int, Any, str | None]]:
    """What a field says of the price, its weight and its unit; of an object that wraps a price each of its fields."""
    if is_price_object(name, value):
        for inner, v in value.items():
            if inside := INSIDE_PRICE.weight(inner):
                yield inside, v, unit_in_name(inner) or unit_beside(value) or unit_in_name(name)
    elif weight and not isinstance(value, dict | list):
        yield weight, value, unit_in_name(name)


def _unit_around(row: Row) -> str | None:
    """The unit that the row names, or else the nearest object around it."""
    for level in row.levels:
        if (names := telling(level.fields).unit) and (said := unit_beside({n: level.fields[n] for n in names})):
            return said
    return None


def _stock(row: Row, columns: Columns, application: str | None) -> tuple[bool, int | None]:
    votes: list[tuple[int, int, int | None]] = []
    for name, weight, value in _stocked(row.own, columns, application):
        understood, number = stock_of(name, value)
        if understood:
            # A number says more than a word, and a word more than a flag.
            doubt = (15 if number is None else 0) + (25 if isinstance(value, bool) else 0)
            votes.append((weight - doubt, -len(votes), number))
    return (True, max(votes, key=lambda v: v[:2])[2]) if votes else (False, None)


def _stocked(fields: Mapping[str, Any], columns: Columns, application: str | None) -> Iterable[tuple[str, int, Any]]:
    """What a row says of its stock, with its weight; of an object that wraps a stock each of its fields."""
    told = telling(fields).stock
    for name, weight in told:
        value = fields[name]
        if isinstance(value, dict):
            yield from ((n, w, v) for n, v in value.items() if (w := STOCK.weight(n)) and is_scalar(v))
        elif is_scalar(value):
            yield name, weight, value
    for inner in (v for n, v in fields.items() if isinstance(v, dict) and glued(n) in _BESIDE):
        yield from ((n, w - 5, inner[n]) for n, w in telling(inner).stock if is_scalar(inner[n]))
    if application is not None and all(glued(n) in SWITCHES for n, _ in told):
        # The application's own name, beside its price: `{"tg": 28, "price": 12}`.
        own = (n for n, v in islice(fields.items(), _FIELDS) if is_scalar(v) and columns.speaks_of(n, application))
        yield from ((n, 60, fields[n]) for n in own)
