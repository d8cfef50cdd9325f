"""Reading `pricebycountry` and `pricebyproduct`: rows wherever they lie, and a vote on whose price each row is.

A row's application can stand in a field of the row, in an object inside it, in its key, or in what lies around it; so
can its operator and its country. Each such place is a *column*; columns are matched with what is known already.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import ProviderFailedError
from shomare_mqtt.model import CatalogKind, Endpoint, Price, PriceList
from shomare_mqtt.provider.reading.amounts import amount_of, stocked
from shomare_mqtt.provider.reading.by_hand import ByHand
from shomare_mqtt.provider.reading.columns import Columns
from shomare_mqtt.provider.reading.found import missing, read_at
from shomare_mqtt.provider.reading.names import CONTENTS, glued, wordset
from shomare_mqtt.provider.reading.price_doubts import doubts_of, doubts_of_equals, doubts_of_several
from shomare_mqtt.provider.reading.price_places import SHOWN, places_of_price, places_of_prices
from shomare_mqtt.provider.reading.prices_by_hand import PricesByHand, count_by_hand, price_by_hand
from shomare_mqtt.provider.reading.rows import MOST_ROWS, Row, weight_of
from shomare_mqtt.provider.reading.shapes import NEXT_PAGES, Leaf, has_next_page, role_of
from shomare_mqtt.provider.reading.tables import Tables
from shomare_mqtt.provider.reading.units import unit_beside
from shomare_mqtt.provider.reading.values import money
from shomare_mqtt.provider.reading.verdict import accepted, is_amount, malformed, unwrapped
from shomare_mqtt.provider.reading.vocabulary import vocabularies

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer

_ASIDE = wordset("links link meta page paging pageinfo paginator pagination user")
"""Names of what stands beside a list, and is none of it."""
_NOTHING_SET = ByHand()


def read_prices(country: str, operator: str, answer: RawAnswer, context: Context) -> PriceList:
    """Price and stock of every application of a country and an operator; an empty list is one.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no price is in it).
    """
    value, marks = accepted(answer, Endpoint.PRICES)
    hand = PricesByHand(context.by_hand, context.unit)
    columns = _columns(value, context.known, country, operator, None, hand)
    if columns is None:
        raise malformed(answer, marks, Endpoint.PRICES, hand.lacking_list)
    rows = columns.rows
    if not (rows or hand.sets_list or _says_empty(value)):
        raise malformed(answer, marks, Endpoint.PRICES, hand.lacking("price"))
    found: dict[str, list[Row]] = {}
    homeless = False
    for row in columns.asked_for():
        application = columns.application(row)
        if application is None:
            homeless = homeless or not columns.is_around_others(row)
        else:
            found.setdefault(application, []).append(row)
    prices = tuple(_price(application, own, columns, context.unit) for application, own in found.items())
    if rows and not prices:
        raise malformed(answer, marks, Endpoint.PRICES, f"{hand.lacking('application')} of any price")
    unread = dict.fromkeys(
        [name for price in prices for name in price.unread]
        + [hand.lacking("application")] * homeless
        + [NEXT_PAGES] * has_next_page(unwrapped(value))
        + [f"what follows {MOST_ROWS} prices"] * (len(rows) == MOST_ROWS)
    )
    shown = {app: _best(own, columns, context.unit) for app, own in islice(found.items(), SHOWN)}
    where = places_of_prices(value, shown, columns, context.unit)
    doubts = (*(text for price in prices for text in price.doubtful), *columns.doubts(), *doubts_of_equals(where))
    return PriceList(country, operator, prices, tuple(unread), where, tuple(dict.fromkeys(doubts)), _called(columns))


def _called(columns: Columns) -> dict[CatalogKind, tuple[str, ...]]:
    """What the rows themselves call the entries of the lists, whatever the lists' ids are."""
    return {kind: found for kind in CatalogKind if (found := columns.said(kind.field))}


def names_any_price(endpoint: Endpoint, answer: RawAnswer, context: Context) -> bool:
    """Whether there is any price in an answer to a price call, of whatever it is.

    Raises ProviderRefusedError, ProviderFailedError.
    """
    value, _ = accepted(answer, endpoint)
    known, unit, hand = context.known, context.unit, context.by_hand
    if endpoint is Endpoint.PRICE and hand.sets("price.price"):
        return (price_by_hand(hand, value, unit) or 0) > 0
    own = hand if endpoint is Endpoint.PRICES else _NOTHING_SET
    columns = _columns(value, known, known.country, known.operator, known.application, PricesByHand(own, unit))
    amounts = [] if columns is None else [amount_of(row, columns, unit) for row in columns.rows]
    return any(amount is not None and amount > 0 for amount in amounts) or _bare(value, unit) is not None


def read_price(application: str, answer: RawAnswer, context: Context) -> Price:
    """Price and stock of one product.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where its price and stock are not in it).
    """
    hand, set_fields = context.by_hand, ("price.price", "price.count")
    if not hand.sets(*set_fields):
        return _read_price(application, answer, context)
    value, marks = accepted(answer, Endpoint.PRICE)
    try:
        read = _read_price(application, answer, context)
    except ProviderFailedError:
        read = Price(application, None, None, _name_of(application, context.known), ("price", "count"))
    price, understood, count = read.price, "count" not in read.unread, read.count
    if hand.sets("price.price"):
        price = price_by_hand(hand, value, context.unit)
    if hand.sets("price.count"):
        understood, count = count_by_hand(hand, value)
    lacks = {"price.price": price is None, "price.count": not understood}
    if all(lacks.values()):
        raise malformed(answer, marks, Endpoint.PRICE, " and ".join(_said(hand, field) for field in set_fields))
    by_hand = {field: hand.found(field, is_there=not lacks[field]) for field in set_fields if hand.sets(field)}
    taken = {one.place for one in by_hand.values()}
    found = {one.field: one._replace(others=tuple(o for o in one.others if o not in taken)) for one in read.found}
    found |= by_hand
    unread = tuple(_said(hand, field) for field in set_fields if lacks[field])
    doubtful = tuple(d for d in read.doubtful if not hand.sets(f"price.{d.partition(':')[0]}"))
    return replace(read, price=price, count=count, unread=unread, found=tuple(found.values()), doubtful=doubtful)


def _said(hand: ByHand, field: str) -> str:
    return hand.lacking(field) if hand.sets(field) else field.rpartition(".")[2]


def _name_of(application: str, known: Known) -> str | None:
    return next((entry.name for entry in known.applications if entry.id == application), None)


def _read_price(application: str, answer: RawAnswer, context: Context) -> Price:
    value, marks = accepted(answer, Endpoint.PRICE)
    known, hand = context.known, PricesByHand(_NOTHING_SET, context.unit)
    columns = _columns(value, known, known.country, known.operator, application, hand)
    if columns is None:  # no list was set whose place could be lacking
        raise malformed(answer, marks, Endpoint.PRICE, "price")
    bare = None if columns.rows else _bare(value, context.unit)
    if bare is not None:
        amount, leaf = bare
        where = (read_at("price.price", value, leaf, why="the only amount"), missing("price.count"))
        return Price(application, amount, None, columns.name_of(application), ("count",), where)
    named = [(row, columns.application(row)) for row in columns.asked_for()]
    rows = [row for row, own in named if own == application] or [row for row, own in named if own is None]
    if not rows and len(columns.rows) == 1 and not columns.names_other(columns.rows[0], application):
        rows = columns.rows
    if not rows:
        raise malformed(answer, marks, Endpoint.PRICE, "price of this application")
    read = _price(application, rows, columns, context.unit)
    if read.price is None and read.count is None and "count" in read.unread:
        raise malformed(answer, marks, Endpoint.PRICE, "price")
    shown = {application: _best(rows, columns, context.unit)}
    places = places_of_price(value, shown, columns, context.unit)
    doubts = (*read.doubtful, *doubts_of_equals(places))
    told = tuple(dict.fromkeys(doubts))
    return Price(application, read.price, read.count, read.application_name, read.unread, places, told)


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


def _columns(
    value: Any, known: Known, country: str | None, operator: str | None, application: str | None, hand: PricesByHand
) -> Columns | None:
    """The rows of an answer with what is known; None where it lacks the list whose place is set by hand."""
    lists = vocabularies(known, country, operator, application)
    rows = hand.rows(value, Tables(lists, known.price))
    return None if rows is None else Columns(rows, lists, known.price, hand)


def _bare(value: Any, unit: str | None) -> tuple[Decimal, Leaf] | None:
    """A price that is all that the answer holds: `{"status": true, "data": 2200}`."""
    top = unwrapped(value)
    fields = top if isinstance(top, dict) else {}
    found = [Leaf(n, v, ()) for n, v in fields.items() if glued(n) in CONTENTS and is_amount(n, v)]
    beside = unit_beside(fields) or unit
    amount = money(found[0].value, beside) if len(found) == 1 else None
    return (amount, found[0]) if amount is not None and amount > 0 else None


def _rank(row: Row, columns: Columns, unit: str | None) -> tuple[int, bool, bool, int, Any]:
    """Of the prices of one application: the one asked for, one in stock, the best told, the cheapest."""
    price, (_, stock) = amount_of(row, columns, unit), stocked(row, columns, columns.application(row))
    return (columns.strangeness(row), stock == 0, price is None, -weight_of(row), price or 0)


def _best(rows: list[Row], columns: Columns, unit: str | None) -> Row:
    return min(rows, key=lambda r: _rank(r, columns, unit)) if len(rows) > 1 else rows[0]


def _price(application: str, rows: list[Row], columns: Columns, unit: str | None) -> Price:
    """The price that counts, of the rows of one application; its stock may be told apart, in a row without a price."""
    row = _best(rows, columns, unit)
    price = amount_of(row, columns, unit)
    understood, stock = stocked(row, columns, application)
    if not understood:
        apart = [stocked(r, columns, application) for r in rows if amount_of(r, columns, unit) is None]
        understood, stock = next((s for s in apart if s[0]), (False, None))
    lacking = columns.by_hand.lacking
    unread: tuple[str, ...] = () if price is not None else (lacking("price"),)
    if not understood:
        unread += (lacking("count"),)
    doubtful = _doubts(application, row, rows, columns, unit)
    return Price(application, price, stock, columns.application_name(row, application), unread, doubtful=doubtful)


def _doubts(application: str, row: Row, rows: list[Row], columns: Columns, unit: str | None) -> tuple[str, ...]:
    """What is doubtful of the row that counts, and of its being that one; nothing of what is set by hand."""
    found = doubts_of(row, lambda name: columns.speaks_of(name, application))
    equals = [r for r in rows if columns.strangeness(r) == columns.strangeness(row)] if len(rows) > 1 else []
    if len({amount_of(r, columns, unit) for r in equals}) > 1:
        found += doubts_of_several(equals)
    return tuple(one for one in found if not columns.by_hand.sets(one.partition(":")[0]))
