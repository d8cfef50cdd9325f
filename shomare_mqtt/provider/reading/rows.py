"""Where the rows of a price list lie: every object that names a price or a stock, with all that lies around it."""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, words, wordset
from shomare_mqtt.provider.reading.shapes import MARKS, is_flat, keyed, of_money, role_of
from shomare_mqtt.provider.reading.tables import Table
from shomare_mqtt.provider.reading.units import UNIT
from shomare_mqtt.provider.reading.values import CONTAINERS, count, integer, is_figure, is_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.provider.reading.tables import Tables

    Shows = Callable[[Mapping[str, Any]], bool]
    """Whether an object is a row."""

PRICE = Field(
    alias(
        w110="finalprice discountedprice pricediscounted payableprice payable priceafterdiscount pricewithdiscount",
        w105="pricetoman tomanprice priceirt",
        w100="price sellprice priceamount unitprice قیمت",
        w95="pricerial rialprice priceirr",
        w90="cost userprice sellingprice saleprice yourprice gheymat qeymat mablagh مبلغ",
        w75="amount sum value fee tariff minprice defaultprice cheapestprice",
        w65="toman irt",
        w60="money rial irr rate maxprice listprice",
    ),
    parts=alias(w70="price gheymat qeymat قیمت", w60="cost mablagh مبلغ"),
    spoilers=wordset(
        "old base original retail buy purchase wholesale discount off percent id usd dollar currency "
        "unit before count list map "
        "per at date updated code free call voice rent rental forward renew extend"
    ),
)
STOCK = Field(
    alias(
        w100="count counts stock stocks quantity quantities "
        "qty instock countnumbers numberscount availablecount stockcount tedad mojodi "
        "mojoodi تعداد موجودی",
        w92="remaining remain remaincount remainingcount remainedcount available countavailable",
        w90="numbers availability inventory totalcount physicalcount onhand quantityonhand",
        w85="total",
        w70="number num online amountavailable volume units pieces isavailable active enabled balance state status",
    ),
    parts=alias(w75="count stock qty quantity tedad تعداد موجودی", w60="available"),
    spoilers=wordset("id price cost country code name page old sold rate sms success"),
)
INSIDE_PRICE = Field(
    alias(
        w100="final finalprice discounted discountedprice payable payableprice afterdiscount",
        w95="toman irt pricetoman",
        w90="amount value price current now net sum cost",
        w85="sms activation",
        w80="sale sell user rial irr total",
    ),
    parts=alias(w70="price amount"),
    spoilers=PRICE.spoilers,
)
"""Names inside an object that is the price: of several amounts the one to pay."""
_FLAGS = wordset("active enabled isactive isavailable state status balance number")
SWITCHES = wordset("active enabled isactive isavailable state status")
"""Names under which 1 and 0 say yes and no, and other numbers nothing of a stock."""
_PAGER = wordset("page perpage currentpage lastpage pagesize limit offset next")
"""Beside these a `total` counts entries and is no stock, and `pages` costs nothing."""
_ACCOUNTS = wordset("user account profile customer wallet")
_NESTING = 10
MOST_ROWS = 6000
"""More than any list has, and each takes memory while it is read; those after them are passed over."""
_FIELDS = 40
"""No row has more fields that matter; an object with more is a collection, or hostile."""
_LONGEST_NAMES = 1000
"""Characters of all names of an object of which is kept what they tell; those of usual rows have a tenth."""


class Level(NamedTuple):
    """An object on the way to a row: its fields, its key where it was keyed, and the name of what it lay in."""

    fields: Mapping[str, Any]
    key: str | None
    place: str | None


class Vote(NamedTuple):
    """A figure of a row: how strongly it speaks for a price or a stock, and the names that lead to it.

    `place`: the field's name and, within an object, its own; `distance`: how far outside the row it lies.
    """

    weight: int
    order: int
    figure: Any
    place: tuple[str, ...]
    distance: int = 0


class Row(NamedTuple):
    """A row: its own level first, then that of each object around it."""

    levels: tuple[Level, ...]

    @property
    def own(self) -> Mapping[str, Any]:
        """The row's own fields."""
        return self.levels[0].fields


def rows_of(value: Any, tables: Tables, shows: Shows | None = None) -> list[Row]:
    """The rows of an answer, in its order; `shows`: which objects are one, `is_row` if left out."""
    return list(islice(_rows(value, (), _Place(None, None), _Looking(tables, shows or is_row)), MOST_ROWS))


class _Looking(NamedTuple):
    """What rows are told by."""

    tables: Tables
    is_row: Shows


class _Place(NamedTuple):
    """Where an object lies: its key, the name of what it lies in, and whether a price stands around it."""

    key: str | None
    name: str | None
    priced: bool = False


def _rows(node: Any, around: tuple[Level, ...], at: _Place, by: _Looking) -> Iterator[Row]:
    if len(around) > _NESTING:
        return
    if isinstance(node, list):
        for item in node:
            yield from _rows(item, around, at, by)
        return
    if not isinstance(node, dict):
        return
    priced = by.is_row(node)
    plain = {} if priced else _plain_table(node)
    if plain:
        # A table inside a row that names its price says what others paid, not what this costs.
        yield from () if at.priced else _of_table(plain, Level(node, at.key, at.name), around, by.tables)
        return
    levels = (Level(node, at.key, at.name), *around)
    if priced:
        yield Row(levels)
    if is_flat(node):
        return
    holding = [(name, inner) for name, inner in node.items() if isinstance(inner, CONTAINERS)]
    by_key = keyed(node)
    for name, inner in holding:
        if not _attached(name, inner) and not _is_account(name, inner):
            own_key = by_key or _names_itself(name, node) or (isinstance(inner, dict) and _is_known(name, by.tables))
            inside = at.name if at.key is None else None  # what lies in an entry lies no more in the entry's place
            place = _Place(name, inside, at.priced or priced) if own_key else _Place(None, name, at.priced or priced)
            yield from _rows(inner, levels, place, by)


def _is_account(name: str, inner: Any) -> bool:
    """Whether an object beside the prices says what the buyer has."""
    return isinstance(inner, dict) and not _ACCOUNTS.isdisjoint(words(name))


def _names_itself(name: str, node: dict[str, Any]) -> bool:
    """A lone object beside plain fields may still be keyed: by a digit, or by `any`."""
    return name.isdigit() or (name == "any" and isinstance(node[name], dict))


def _is_known(name: str, tables: Tables) -> bool:
    """Whether an object beside plain fields stands under the id or the name of an entry of the provider's lists."""
    own_word = is_envelope(name) or role_of(name) or PRICE.weight(name) or STOCK.weight(name)
    return not own_word and tables.knows(name)


def stock_of(name: str, value: Any) -> tuple[bool, int | None]:
    """What a field says of the stock: whether it was understood, and the number."""
    if glued(name) not in SWITCHES or isinstance(value, bool):
        return count(value)
    number = integer(value)
    if number is None:
        return count(value)
    return count(number == 1) if number in (0, 1) else (False, None)


class Telling(NamedTuple):
    """Which of an object's fields speak of a price or a stock, by their names: `(name, weight)`; and of a unit."""

    price: tuple[tuple[str, int], ...]
    stock: tuple[tuple[str, int], ...]
    unit: tuple[str, ...]
    is_page: bool


def telling(fields: Mapping[str, Any]) -> Telling:
    """What the names of an object's fields tell; the rows of a list have the same names, and are looked at once."""
    names = tuple(fields) if len(fields) <= _FIELDS else tuple(islice(fields, _FIELDS))
    return _telling(names) if len("".join(names)) <= _LONGEST_NAMES else _told(names)


@lru_cache(maxsize=256)
def _telling(names: tuple[str, ...]) -> Telling:
    return _told(names)


def _told(names: tuple[str, ...]) -> Telling:
    return Telling(
        tuple((n, PRICE.weight(n)) for n in names if PRICE.weight(n) or glued(n) == "prices"),
        tuple((n, STOCK.weight(n)) for n in names if STOCK.weight(n)),
        tuple(n for n in names if UNIT.weight(n) or glued(n) == "meta"),
        not _PAGER.isdisjoint(map(glued, names)),
    )


def weight_of(row: Row) -> int:
    """How strongly a row's own fields speak for a price and a stock."""
    told = telling(row.own)
    return max((weight for _, weight in told.price), default=0) + (25 if told.stock else 0)


def is_row(node: Mapping[str, Any]) -> bool:
    """Whether the object itself names a price or a stock; a page's `total` is none of both."""
    told = telling(node)
    for name, weight in told.price:
        value = node[name]
        if isinstance(value, dict):
            if is_price_object(name, value):
                return True
        elif weight >= 60 and is_scalar(value) and is_figure(value):  # noqa: PLR2004 - not by a part alone
            return True
    counts = [n for n, _ in told.stock if glued(n) not in _FLAGS and is_scalar(node[n]) and count(node[n])[0]]
    if told.is_page or not counts:
        return False
    return not any(isinstance(v, list) or (isinstance(v, dict) and v) for v in node.values())


def is_price_object(name: str, value: Any) -> bool:
    """Whether a value is an object that only wraps a price: `{"price": {"amount": 5, "currency": "IRT"}}`."""
    if not isinstance(value, dict) or not (PRICE.weight(name) or glued(name) == "prices"):
        return False
    if of_money(value) is not None:
        return True
    if any(not is_scalar(v) or (STOCK.weight(k) and not INSIDE_PRICE.weight(k)) for k, v in value.items()):
        return False
    return any(INSIDE_PRICE.weight(k) and is_figure(v) for k, v in value.items())


def _attached(name: str, inner: Any) -> bool:
    """Whether an inner object only says who the row's application, operator or country is, or wraps its price."""
    if not isinstance(inner, dict):
        return False
    if not is_flat(inner):
        return False
    role = role_of(words(name)[0] if words(name) else "") is not None and not is_row(inner)
    return role or is_price_object(name, inner)


def _plain_table(node: Mapping[str, Any]) -> dict[str, Any]:
    """The object as a plain table of numbers; empty where it is none, or only tells of a list's pages."""
    if any(isinstance(v, CONTAINERS) and glued(k) not in MARKS for k, v in node.items()):
        return {}  # what holds others is no figure
    if len(node) > MOST_ROWS or not _PAGER.isdisjoint(map(glued, node)):
        return {}
    plain = {k: v for k, v in node.items() if glued(k) not in MARKS}
    if any(PRICE.weight(k) or STOCK.weight(k) or INSIDE_PRICE.weight(k) or is_envelope(k) or role_of(k) for k in plain):
        return {}
    named_ids = any(glued(k).endswith("id") or glued(k) in ("name", "title", "iso", "prefix") for k in plain)
    if named_ids or not all(map(is_figure, plain.values())):
        return {}
    return plain


def _of_table(plain: Mapping[str, Any], own: Level, around: tuple[Level, ...], tables: Tables) -> Iterator[Row]:
    # The table's own numbers are its rows, and no fields that lie around each of them.
    levels = (Level({}, own.key, own.place), *around)
    kind = tables.kind(plain, [level.key for level in levels], [level.fields for level in around])
    told = "count" if STOCK.weight(own.place or "") > PRICE.weight(own.place or "") else "price"
    for name, value in plain.items():
        if kind is Table.PRICES:
            yield Row((Level({told: value}, name, own.place), *levels))
        elif kind is Table.COUNTS:
            yield Row((Level({"price": name, "count": value}, own.key, own.place), *around))
