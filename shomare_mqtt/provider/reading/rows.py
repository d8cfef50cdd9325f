"""Where the rows of a price list lie: every object that names a price or a stock, with all that lies around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, words, wordset
from shomare_mqtt.provider.reading.shapes import MARKS, keyed, role_of
from shomare_mqtt.provider.reading.tables import Table
from shomare_mqtt.provider.reading.values import count, is_scalar, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shomare_mqtt.provider.reading.tables import Tables

PRICE = Field(
    alias(
        w110="finalprice discountedprice pricediscounted payableprice payable priceafterdiscount",
        w100="price sellprice priceamount unitprice pricetoman pricerial قیمت",
        w90="cost userprice sellingprice saleprice yourprice gheymat qeymat mablagh مبلغ",
        w75="amount sum value rate fee tariff minprice defaultprice cheapestprice",
        w60="money toman rial irt irr maxprice",
    ),
    parts=alias(w70="price", w60="cost"),
    spoilers=wordset(
        "old base original retail buy purchase wholesale discount off percent id usd dollar currency "
        "unit before count list map "
        "per at date updated code free"
    ),
)
STOCK = Field(
    alias(
        w100="count stock quantity qty instock countnumbers numberscount availablecount stockcount تعداد موجودی",
        w92="remaining remain available countavailable",
        w90="numbers availability inventory totalcount physicalcount",
        w85="total",
        w70="number online amountavailable volume units pieces isavailable active enabled balance state status",
    ),
    parts=alias(w75="count stock qty quantity", w60="available"),
    spoilers=wordset("id price cost country code name page old sold rate sms success"),
)
INSIDE_PRICE = Field(
    alias(
        w100="final finalprice discounted discountedprice payable payableprice afterdiscount",
        w95="toman irt pricetoman",
        w90="amount value price current now net sum cost",
        w80="sale sell user rial irr total",
    ),
    parts=alias(w70="price amount"),
    spoilers=PRICE.spoilers,
)
"""Names inside an object that is the price: of several amounts the one to pay."""
_FLAGS = wordset("active enabled state status balance number")
_PAGER = wordset("page perpage currentpage lastpage pagesize limit offset next")
"""Beside these a `total` counts entries and is no stock."""
_NESTING = 10


@dataclass(frozen=True, slots=True)
class Level:
    """An object on the way to a row: its fields, its key where it was keyed, and the name of what it lay in."""

    fields: Mapping[str, Any]
    key: str | None
    place: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its own level first, then that of each object around it."""

    levels: tuple[Level, ...]

    @property
    def own(self) -> Mapping[str, Any]:
        """The row's own fields."""
        return self.levels[0].fields


def rows_of(value: Any, tables: Tables) -> list[Row]:
    """Every row of an answer, in its order."""
    return list(_rows(value, (), _Place(None, None), tables))


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an object lies: its key, the name of what it lies in, and whether that has a price of its own."""

    key: str | None
    name: str | None
    priced: bool = False


def _rows(node: Any, around: tuple[Level, ...], at: _Place, tables: Tables) -> Iterator[Row]:
    if len(around) > _NESTING:
        return
    if isinstance(node, list):
        for item in node:
            yield from _rows(item, around, at, tables)
        return
    if not isinstance(node, dict):
        return
    plain = _plain_table(node)
    if plain:
        # A table inside a row that names its price says what others paid, not what this costs.
        yield from () if at.priced else _of_table(plain, Level(node, at.key, at.name), around, tables)
        return
    levels = (Level(node, at.key, at.name), *around)
    priced = _is_row(node)
    if priced:
        yield Row(levels)
    by_key = keyed(node)
    for name, inner in node.items():
        if isinstance(inner, dict | list) and not _attached(name, inner):
            own_key = by_key or _names_itself(name, node)
            place = _Place(name, at.name, priced) if own_key else _Place(None, name, priced)
            yield from _rows(inner, levels, place, tables)


def _names_itself(name: str, node: dict[str, Any]) -> bool:
    """A lone object beside plain fields may still be keyed: by a digit, or by `any`."""
    return name.isdigit() or (name == "any" and isinstance(node[name], dict))


def _is_row(node: Mapping[str, Any]) -> bool:
    """Whether the object itself names a price or a stock; a page's `total` is none of both."""
    for name, value in node.items():
        if is_price_object(name, value):
            return True
        if is_scalar(value) and PRICE.weight(name) >= 60 and money(value) is not None:  # noqa: PLR2004 - not by a part alone
            return True
    if _PAGER & set(map(glued, node)):
        return False
    holds_more = any(isinstance(v, list) or (isinstance(v, dict) and v) for v in node.values())
    return not holds_more and any(
        STOCK.weight(n) and glued(n) not in _FLAGS and count(v)[0] for n, v in node.items() if is_scalar(v)
    )


def is_price_object(name: str, value: Any) -> bool:
    """Whether a value is an object that only wraps a price: `{"price": {"amount": 5, "currency": "IRT"}}`."""
    if not isinstance(value, dict) or not (PRICE.weight(name) or glued(name) == "prices"):
        return False
    if any(not is_scalar(v) or (STOCK.weight(k) and not INSIDE_PRICE.weight(k)) for k, v in value.items()):
        return False
    return any(INSIDE_PRICE.weight(k) and money(v) is not None for k, v in value.items())


def _attached(name: str, inner: Any) -> bool:
    """Whether an inner object only says who the row's application, operator or country is, or wraps its price."""
    if not isinstance(inner, dict):
        return False
    if any(isinstance(v, dict | list) for v in inner.values()):
        return False
    role = role_of(words(name)[0] if words(name) else "") is not None and not _is_row(inner)
    return role or is_price_object(name, inner)


def _plain_table(node: Mapping[str, Any]) -> dict[str, Any]:
    """The object as a plain table of numbers; empty where it is none."""
    plain = {k: v for k, v in node.items() if glued(k) not in MARKS}
    if any(PRICE.weight(k) or STOCK.weight(k) or INSIDE_PRICE.weight(k) or is_envelope(k) for k in plain):
        return {}
    named_ids = any(glued(k).endswith("id") or glued(k) in ("name", "title", "iso", "prefix") for k in plain)
    if named_ids or not all(money(v) is not None for v in plain.values()):
        return {}
    return plain


def _of_table(plain: Mapping[str, Any], own: Level, around: tuple[Level, ...], tables: Tables) -> Iterator[Row]:
    # The table's own numbers are its rows, and no fields that lie around each of them.
    levels = (Level({}, own.key, own.place), *around)
    kind = tables.kind(plain, [level.key for level in levels], [level.fields for level in around])
    for name, value in plain.items():
        if kind is Table.PRICES:
            yield Row((Level({"price": money(value)}, name, own.place), *levels))
        elif kind is Table.COUNTS:
            yield Row((Level({"price": money(name), "count": money(value)}, own.key, own.place), *around))
