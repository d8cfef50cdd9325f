"""The filters of a placeholder. None goes through each of them unchanged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.dialects.shape import (
    TEHRAN,
    clock_face,
    iso,
    milliseconds,
    persian_digits,
    tehran,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Apply = Callable[[Any], Any]

_FIGURE = re.compile(r"[-+]?\d+(\.\d+)?", re.ASCII)
_NOWRUZ = (1400, date(2021, 3, 21))
"""A Jalali year, and the day on which it began."""


class Kind(Enum):
    """What a value is, as far as filters care."""

    PLAIN = auto()
    MOMENT = auto()
    SECONDS = auto()


@dataclass(frozen=True, slots=True)
class Filter:
    """`takes`: the kinds of value that it is for. `make` gets the argument, None where there is none."""

    takes: frozenset[Kind]
    make: Callable[[str | None], Apply]


def shown(value: Any) -> str:
    """A value as text, as it stands among other characters; None is nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return iso(value)
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def _figure(value: Any) -> Decimal | None:
    """The value as a number, where it is one or a text of digits."""
    text = shown(value)
    return Decimal(text) if _FIGURE.fullmatch(text) else None


def _tidy(number: Decimal) -> Decimal | int:
    return int(number) if number == number.to_integral_value() else number


def _of_figures(change: Callable[[Decimal], Any]) -> Apply:
    """Changes numbers, also those that are text, and leaves all else as it is."""

    def apply(value: Any) -> Any:
        number = _figure(value)
        return value if number is None else change(number)

    return apply


def _dotted(number: Decimal) -> str:
    return f"{number:,f}".translate({ord(","): ".", ord("."): ","})


def jalali(at: datetime) -> str:
    """`1405/09/03 06:55:33`: Tehran's."""
    local = at.astimezone(TEHRAN)
    year, first = _NOWRUZ
    while local.date() >= (following := first + timedelta(days=_days(year))):
        year, first = year + 1, following
    while local.date() < first:
        year -= 1
        first -= timedelta(days=_days(year))
    month, day = _month_and_day((local.date() - first).days)
    return f"{year}/{month:02d}/{day:02d} {local:%H:%M:%S}"


def _days(year: int) -> int:
    """Of a Jalali year: eight in 33 have one more."""
    return 366 if (25 * year + 11) % 33 < 8 else 365  # noqa: PLR2004 - see above


def _month_and_day(day_of_year: int) -> tuple[int, int]:
    """Six months of 31 days, then months of 30; both are counted from 1, the day of the year from 0."""
    if day_of_year < 6 * 31:
        return day_of_year // 31 + 1, day_of_year % 31 + 1
    return (day_of_year - 186) // 30 + 7, (day_of_year - 186) % 30 + 1


def _plain(apply: Apply) -> Filter:
    return Filter(frozenset({Kind.PLAIN, Kind.SECONDS}), _without_argument(apply))


def _of_text(apply: Callable[[str], Any]) -> Filter:
    return Filter(frozenset(Kind), _without_argument(lambda value: apply(shown(value))))


def _of_moment(apply: Callable[[datetime], Any]) -> Filter:
    return Filter(frozenset({Kind.MOMENT}), _without_argument(apply))


def _of_seconds(apply: Callable[[int], Any]) -> Filter:
    return Filter(frozenset({Kind.SECONDS}), _without_argument(apply))


def _without_argument(apply: Apply) -> Callable[[str | None], Apply]:
    def make(argument: str | None) -> Apply:
        if argument is not None:
            raise ValueError("takes no argument")
        return apply

    return make


def _reckoned(reckon: Callable[[Decimal, Decimal], Decimal]) -> Filter:
    def make(argument: str | None) -> Apply:
        by = _figure(argument)
        if not by:
            raise ValueError("needs a number other than 0 after a colon")
        return _of_figures(lambda number: _tidy(reckon(number, by)))

    return Filter(frozenset({Kind.PLAIN, Kind.SECONDS}), make)


def _cut(cut: Callable[[str, int], str]) -> Filter:
    def make(argument: str | None) -> Apply:
        if argument is None or not re.fullmatch(r"[0-9]+", argument):
            raise ValueError("needs a whole number after a colon")
        return lambda value: cut(shown(value), int(argument))

    return Filter(frozenset(Kind), make)


FILTERS: Mapping[str, Filter] = {
    "text": _of_text(str),
    "number": _plain(_of_figures(_tidy)),
    "comma": _plain(_of_figures(lambda number: f"{number:,f}")),
    "dots": _plain(_of_figures(_dotted)),
    "persian": _of_text(persian_digits),
    "times": _reckoned(lambda number, by: number * by),
    "divided": _reckoned(lambda number, by: number / by),
    "upper": _of_text(str.upper),
    "lower": _of_text(str.lower),
    "first": _cut(lambda text, length: text[:length]),
    "last": _cut(lambda text, length: text[max(0, len(text) - length) :]),
    "iso": _of_moment(iso),
    "tehran": _of_moment(tehran),
    "epoch": _of_moment(lambda at: int(at.timestamp())),
    "milliseconds": _of_moment(milliseconds),
    "jalali": _of_moment(jalali),
    "clock": _of_seconds(clock_face),
    "minutes": _of_seconds(lambda seconds: -(-seconds // 60)),
    "minutes_gone": _of_seconds(lambda seconds: seconds // 60),
}


def filtered(written: list[str], kind: Kind) -> Apply:
    """One function of several filters, each as it is written: `name` or `name:argument`. Raises ValueError."""
    steps = []
    for each in written:
        name, colon, argument = (part.strip() for part in each.partition(":"))
        found = FILTERS.get(name)
        if found is None:
            raise ValueError(f"there is no filter {name!r}; there are {', '.join(FILTERS)}")
        if kind not in found.takes:
            raise ValueError(f"the filter {name!r} is not for this value")
        try:
            steps.append(found.make(argument if colon else None))
        except ValueError as error:
            raise ValueError(f"the filter {name!r} {error}") from None
        kind = Kind.PLAIN

    def apply(value: Any) -> Any:
        for step in steps:
            value = None if value is None else step(value)
        return iso(value) if isinstance(value, datetime) else value

    return apply
