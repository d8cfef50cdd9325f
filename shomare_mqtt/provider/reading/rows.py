"""Where the rows of a price list lie: every object that names a price or a stock, with all that lies around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, words, wordset
from shomare_mqtt.provider.reading.shapes import MARKS, keyed, role_of
from shomare_mqtt.provider.reading.values import count, is_scalar, money

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PRICE = Field(
    alias(
        w100="price finalprice sellprice priceamount unitprice pricetoman pricerial قیمت",
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
        w90="available numbers availability inventory totalcount physicalcount total remaining remain countavailable",
        w70="number amountavailable volume units pieces isavailable active enabled balance state status",
    ),
    parts=alias(w75="count stock qty quantity", w60="available"),
    spoilers=wordset("id price cost country code name page old sold rate sms success"),
)
_FLAGS = wordset("active enabled state status balance number")
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


def rows_of(value: Any) -> list[Row]:
    """Every row of an answer, in its order."""
    return list(_rows(value, (), None, None))


def _rows(node: Any, around: tuple[Level, ...], key: str | None, place: str | None) -> Iterator[Row]:
    if len(around) > _NESTING:
        return
    if isinstance(node, list):
        for item in node:
            yield from _rows(item, around, key, place)
        return
    if not isinstance(node, dict):
        return
    levels = (Level(node, key, place), *around)
    if _is_tariff(node):
        yield from _tariff(node, levels)
        return
    if _is_row(node):
        yield Row(levels)
    by_key = keyed(node)
    for name, inner in node.items():
        if isinstance(inner, dict | list) and not _attached(name, inner):
            own_key = by_key or _names_itself(name, node)
            yield from _rows(inner, levels, name if own_key else None, place if own_key else name)


def _names_itself(name: str, node: dict[str, Any]) -> bool:
    """A lone object beside plain fields may still be keyed: by a digit, or by `any`."""
    return name.isdigit() or (name == "any" and isinstance(node[name], dict))


def _is_row(node: Mapping[str, Any]) -> bool:
    """Whether the object itself names a price or a stock; a page's `total` is none of both."""
    for name, value in node.items():
        if isinstance(value, dict) and PRICE.weight(name) >= 90 and any(money(v) is not None for v in value.values()):  # noqa: PLR2004
            return all(PRICE.weight(k) or STOCK.weight(k) or is_scalar(v) for k, v in value.items())
        if is_scalar(value) and PRICE.weight(name) >= 60 and money(value) is not None:  # noqa: PLR2004 - not by a part alone
            return True
    holds_more = any(isinstance(v, list) or (isinstance(v, dict) and v) for v in node.values())
    return not holds_more and any(
        STOCK.weight(n) and glued(n) not in _FLAGS and count(v)[0] for n, v in node.items() if is_scalar(v)
    )


def _attached(name: str, inner: Any) -> bool:
    """Whether an inner object only says who the row's application, operator or country is, or wraps its price."""
    if not isinstance(inner, dict):
        return False
    if any(isinstance(v, dict | list) for v in inner.values()):
        return False
    role = role_of(words(name)[0] if words(name) else "") is not None and not _is_row(inner)
    return role or (PRICE.weight(name) >= 90 and glued(name) != "prices")  # noqa: PLR2004 - an object named `price`


def _is_tariff(node: Mapping[str, Any]) -> bool:
    """Whether an object is a plain table from names to prices: `{"telegram": 2200, "whatsapp": "3,000"}`."""
    plain = {k: v for k, v in node.items() if glued(k) not in MARKS}
    if not plain or any(PRICE.weight(k) or STOCK.weight(k) or is_envelope(k) for k in plain):
        return False
    named_ids = any(glued(k).endswith("id") or glued(k) in ("name", "title", "iso", "prefix") for k in plain)
    return not named_ids and all(money(v) is not None and not isinstance(v, bool) for v in plain.values())


def _tariff(node: Mapping[str, Any], around: tuple[Level, ...]) -> Iterator[Row]:
    for name, value in node.items():
        if glued(name) not in MARKS:
            yield Row((Level({"price": money(value)}, name, around[0].place), *around))
