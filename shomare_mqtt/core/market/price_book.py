"""Prices of every place that was read, in little memory: a million of them in ten megabytes.

As objects they would take twenty times as much. Each place holds three columns of machine numbers, as narrow as its
figures allow: which application, what it costs, how many there are.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from shomare_mqtt.model import Price

MOST = 2_000_000
"""Prices that are held; beyond it the places that were read first are dropped."""
_MOST_APPLICATIONS = 0xFFFF
"""Ids of applications that one book tells apart. A provider that makes up more than that begins it anew."""
_MOST_DIGITS, _LARGEST = 6, Decimal(10) ** 12
"""Digits behind the point, and the amount below which a price fits in a column of whole numbers."""
_MOST_COUNTED = 2**32 - 2
_WIDTHS = (("B", 1 << 8), ("H", 1 << 16), ("I", 1 << 32))
"""Kinds of `array` by the first number that does not fit in."""

Place = tuple[str, str]
"""A country's id and an operator's."""


class Offer(NamedTuple):
    """What one place asks for an application; `stock` None where it says only that there are some, or nothing."""

    price: Decimal
    stock: int | None


class _Page(NamedTuple):
    """One place. `applications`, sorted, are numbers of the book's; `counts` are one more than told, 0 for None.

    `prices` are whole numbers of which each stands for `unit`, or, where some do not fit, the amounts themselves.
    """

    read_at: float
    updated_at: datetime
    applications: array[int]
    prices: Sequence[int] | Sequence[Decimal]
    unit: Decimal
    counts: array[int]


class PriceBook:
    """What each place asks for each application, as it was read last; without what has no price."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._pages: dict[Place, _Page] = {}
        self._numbers: dict[str, int] = {}
        self._entries = 0

    def __len__(self) -> int:
        """How many prices are held."""
        return self._entries

    def put(self, place: Place, prices: Iterable[Price], read_at: float, updated_at: datetime) -> None:
        """A place was read, `read_at` in steady seconds: what it told before is forgotten."""
        priced = {p.application: Offer(p.price, p.count) for p in prices if p.price is not None}
        if len(self._numbers) + len(priced) > _MOST_APPLICATIONS:
            self.clear()
        rows = sorted((self._number(application), offer) for application, offer in priced.items())
        amounts, unit = _in_units([offer.price for _, offer in rows])
        numbers, counts = [number for number, _ in rows], [_as_counted(offer.stock) for _, offer in rows]
        self._drop(place)
        self._pages[place] = _Page(read_at, updated_at, _packed(numbers), amounts, unit, _packed(counts))
        self._entries += len(rows)
        while self._entries > self._most and len(self._pages) > 1:
            self._drop(next(iter(self._pages)))

    def _number(self, application: str) -> int:
        return self._numbers.setdefault(application, len(self._numbers))

    def _drop(self, place: Place) -> None:
        page = self._pages.pop(place, None)
        if page is not None:
            self._entries -= len(page.applications)

    def clear(self) -> None:
        """Forget all of it: ids have come to stand for other things, say."""
        self._pages.clear()
        self._numbers.clear()
        self._entries = 0

    def read_at(self, place: Place) -> float | None:
        """The steady second at which a place was read; None where it never was, or is forgotten."""
        page = self._pages.get(place)
        return None if page is None else page.read_at

    def updated_at(self, place: Place) -> datetime:
        """The same by the clock on the wall, of a place that was read. Raises KeyError."""
        return self._pages[place].updated_at

    def offer(self, place: Place, application: str) -> Offer | None:
        """What a place asks for an application; None where it has none, or tells no price."""
        page, number = self._pages.get(place), self._numbers.get(application)
        if page is None or number is None:
            return None
        row = bisect_left(page.applications, number)
        if row == len(page.applications) or page.applications[row] != number:
            return None
        amount = page.prices[row]
        price = amount if isinstance(amount, Decimal) else amount * page.unit
        return Offer(price, page.counts[row] - 1 if page.counts[row] else None)


def _in_units(prices: Sequence[Decimal]) -> tuple[Sequence[int] | Sequence[Decimal], Decimal]:
    """Prices as whole numbers, and what one of it stands for; as they are where one is out of the ordinary."""
    if not all(0 <= price < _LARGEST for price in prices):
        return tuple(prices), Decimal(1)
    digits = max((_digits(price) for price in prices), default=0)
    if digits > _MOST_DIGITS:
        return tuple(prices), Decimal(1)
    return _packed([int(price.scaleb(digits)) for price in prices]), Decimal(1).scaleb(-digits)


def _digits(price: Decimal) -> int:
    """Digits behind the point."""
    exponent = price.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _as_counted(count: int | None) -> int:
    return 0 if count is None else min(max(count, 0), _MOST_COUNTED) + 1


def _packed(numbers: list[int]) -> array[int]:
    """Whole numbers from 0 as narrow as the largest of them allows."""
    largest = max(numbers, default=0)
    return array(next((kind for kind, beyond in _WIDTHS if largest < beyond), "Q"), numbers)
