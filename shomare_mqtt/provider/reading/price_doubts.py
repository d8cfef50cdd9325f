"""What is doubtful about the rows of a price list.

A weak name beside a number that no name speaks for is, and which of several rows counts that no column tells apart.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Sureness
from shomare_mqtt.provider.reading.doubts import doubt
from shomare_mqtt.provider.reading.names import is_nameless
from shomare_mqtt.provider.reading.rows import is_price_object, telling
from shomare_mqtt.provider.reading.shapes import unwrapped_value
from shomare_mqtt.provider.reading.values import figure, integer, is_figure, is_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from shomare_mqtt.model import Found
    from shomare_mqtt.provider.reading.rows import Row

_FIELDS = 40
"""No row has more fields that matter; an object with more is a collection, or hostile."""
_DOUBTED = ("price", "count")
_SURE_PRICE, _SURE_STOCK = 74, 91
"""From these weights on a name is the price's or the stock's, whatever stands beside it."""


def doubts_of(row: Row, is_its_own: Callable[[str], bool]) -> tuple[str, ...]:
    """The doubts of one row's price and stock; `is_its_own`: whether a name is that of the row's application."""
    told = telling(row.own)
    prices = [(n, w) for n, w in told.price if is_price_object(n, row.own[n]) or is_figure(row.own[n])]
    stocks = [(n, w) for n, w in told.stock if is_scalar(row.own[n])]
    found = (
        ()
        if _is_sure(prices, _SURE_PRICE)
        else doubt("price", _places(prices, _strange(row.own, is_its_own, whole=False)))
    )
    if not _is_sure(stocks, _SURE_STOCK):
        found += doubt("count", _places(stocks, _strange(row.own, is_its_own, whole=True)))
    return found


def doubts_of_equals(found: Iterable[Found]) -> tuple[str, ...]:
    """The doubts of a price or a stock that was read at one of several places with as much for them."""
    alike = (one for one in found if one.sureness is Sureness.DOUBTFUL and one.place is not None and one.others)
    fields = ((one.field.rpartition(".")[2], one) for one in alike)
    return tuple(
        text for name, one in fields if name in _DOUBTED for text in doubt(name, (one.place or "", *one.others))
    )


def doubts_of_several(rows: Sequence[Row]) -> tuple[str, ...]:
    """The doubt which of several rows counts, where a field that says nothing tells them apart."""
    names = [name for name in islice(rows[0].own, _FIELDS) if is_nameless(name)]
    apart = [name for name in names if len({str(row.own.get(name)) for row in rows}) > 1]
    places = [f"rows that {name} tells apart" for name in apart]
    return (*doubt("price", places), *doubt("count", places))


def _is_sure(named: Sequence[tuple[str, int]], weight: int) -> bool:
    return max((w for _, w in named), default=0) >= weight


def _places(named: Sequence[tuple[str, int]], strange: Iterable[str]) -> list[str]:
    """The best named place and the strange ones; none where there are not both."""
    rest = list(strange)
    best = sorted(named, key=lambda pair: -pair[1])[:1]
    return [*(name for name, _ in best), *rest] if rest and best else []


def _strange(fields: Mapping[str, Any], is_known: Callable[[str], bool], *, whole: bool) -> Iterator[str]:
    """The fields of numbers under names that say nothing."""
    for name, value in islice(fields.items(), _FIELDS):
        bare = value if is_scalar(value) else _only_number(value)
        number = None if isinstance(bare, bool) else integer(bare) if whole else figure(bare)
        if is_nameless(name) and number is not None and number >= 0 and not is_known(name):
            yield name


def _only_number(value: Any) -> Any:
    """The plain value that is all that an object or a list holds, by whatever name."""
    if isinstance(value, dict) and len(value) == 1:
        value = next(iter(value.values()))
        return value if is_scalar(value) else None
    return unwrapped_value(value)
