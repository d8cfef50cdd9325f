"""What was bought, what came of it and what it cost, counted by the journal (contract, `query/statistics`)."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import Counter, defaultdict
from datetime import UTC
from decimal import Context, Decimal
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shomare_mqtt.core import render
from shomare_mqtt.core.orders.days import last_days
from shomare_mqtt.core.records import LONGEST_LIFE, Outcome
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.model import CatalogKind, QueryStatistics

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.catalogs import Catalogs
    from shomare_mqtt.core.orders.days import Days
    from shomare_mqtt.core.ports import Journal, Retained
    from shomare_mqtt.core.records import Counted, Stretch

TOPIC = "statistics"
_AT_MOST_EACH = 1.0
"""Seconds between two countings for the topic: with many orders at once one tells of all of them."""
_REST = 50.0
"""How many times as long as a counting took nothing is counted for the topic: the journal's thread has other work."""
_LOOK_AT_CLOCK = 600.0
"""Seconds after which the wall clock is looked at again: it may have been set, and the day be over sooner."""
_KINDS = {kind.field: kind for kind in CatalogKind}
_FOR_PEOPLE = Context(prec=12)


class _Sum:
    """F of the contract's `statistics`, as it is added up."""

    def __init__(self) -> None:
        self._counts = Counter[Outcome]()
        self._waits = Counter[float]()
        """How many first SMS took so many seconds."""
        self.spent = Decimal(0)
        self._refunded = Decimal(0)
        self.newest = 0
        """The row of the newest of these orders."""

    @property
    def orders(self) -> int:
        """Purchases made."""
        return sum(count for outcome, count in self._counts.items() if outcome.is_purchase)

    def add(self, row: Counted) -> None:
        """Some more orders."""
        self.newest = max(self.newest, row.newest)
        self._counts[row.outcome] += row.orders
        if row.seconds is not None and 0 <= row.seconds <= LONGEST_LIFE:  # else a clock was set meanwhile
            self._waits[row.seconds] += row.orders
        if row.outcome is Outcome.FAILED:
            return
        if row.refunded:
            self._refunded += row.cost * row.orders
        else:
            self.spent += row.cost * row.orders

    def merge(self, other: _Sum) -> None:
        """The orders of another sum, too."""
        self._counts.update(other._counts)
        self._waits.update(other._waits)
        self.spent += other.spent
        self._refunded += other._refunded

    def as_json(self) -> dict[str, Any]:
        """The contract's fields."""
        received, unused = self._counts[Outcome.RECEIVED], self._counts[Outcome.UNUSED]
        return {
            "orders": self.orders,
            "received": received,
            "unused": unused,
            "failed": self._counts[Outcome.FAILED],
            "unknown": self._counts[Outcome.UNKNOWN],
            "success": received / (received + unused) if received + unused else None,
            "seconds_to_sms": _median(self._waits),
            "spent": self.spent,
            "refunded": self._refunded,
            "cost_per_code": _FOR_PEOPLE.divide(self.spent, Decimal(received)) if received else None,
        }


class _Figures:
    """Sums of each group, and of today."""

    def __init__(self, by: tuple[str, ...], days: Days) -> None:
        self._by = by
        self._days = days
        self._today = _Sum()
        self._groups: defaultdict[tuple[str, ...], _Sum] = defaultdict(_Sum)
        self.ids = tuple(field for field in by if field in _KINDS)

    def add(self, stretch: Stretch) -> None:
        """Some more orders, all of one day where days are told apart, and all of today or none."""
        is_today = stretch.first >= self._days.starts[-1]
        day = self._days.dates[bisect_right(self._days.starts, stretch.first) - 1].isoformat()
        for row in stretch.alike:
            self._groups[self._key(row.key, day)].add(row)
            if is_today:
                self._today.add(row)

    def _key(self, ids: tuple[str, ...], day: str) -> tuple[str, ...]:
        if len(ids) == len(self._by):
            return ids
        place = self._by.index("day")
        return (*ids[:place], day, *ids[place:])

    def newest(self) -> dict[tuple[str, str], int]:
        """The row of the newest order with an id, by field and id."""
        found: dict[tuple[str, str], int] = {}
        for key, group in self._groups.items():
            for field, value in zip(self._by, key, strict=True):
                if field in _KINDS:
                    found[field, value] = max(found.get((field, value), 0), group.newest)
        return found

    def as_json(self, names: Mapping[tuple[str, str], str | None]) -> dict[str, Any]:
        """`total` and `groups`: day by day, then those with the most purchases first."""
        total = _Sum()
        for group in self._groups.values():
            total.merge(group)
        day = self._by.index("day") if "day" in self._by else None
        groups = sorted(
            self._groups.items(), key=lambda item: ("" if day is None else item[0][day], -item[1].orders, item[0])
        )
        return {
            "total": {**total.as_json(), "spent_today": self._today.spent},
            "groups": [{**self._named(key, names), **group.as_json()} for key, group in groups if key],
        }

    def _named(self, key: tuple[str, ...], names: Mapping[tuple[str, str], str | None]) -> dict[str, str | None]:
        """What a group is of, each id with its name."""
        fields: dict[str, str | None] = {}
        for field, value in zip(self._by, key, strict=True):
            fields[field] = value
            if field in _KINDS:
                fields[f"{field}_name"] = names[field, value]
        return fields


class Statistics:
    """Answers `query/statistics`, and keeps the retained topic."""

    def __init__(
        self, settings: InForce, clock: Clock, journal: Journal, catalogs: Catalogs, retained: Retained
    ) -> None:
        self._zone = ZoneInfo(settings.now.provider.timezone)
        self._clock = clock
        self._journal = journal
        self._catalogs = catalogs
        self._retained = retained
        self._changed = asyncio.Event()
        self._shown = b""

    def changed(self) -> None:
        """Orders changed, or an SMS came."""
        self._changed.set()

    async def told(self, query: QueryStatistics) -> dict[str, Any]:
        """What a query is answered. Raises JournalError."""
        days = last_days(self._journal.time, self._zone, query.days)
        figures = _Figures(query.by, days)
        ends = days.starts[1:] if "day" in query.by else days.starts[-1:]
        since = days.starts[0]
        while (stretch := await self._journal.counted(since, ends, figures.ids)) is not None:
            figures.add(stretch)
            since = stretch.until
        return {
            "since": render.timestamp(days.since.astimezone(UTC)),
            "until": render.timestamp(days.until.astimezone(UTC)),
            **figures.as_json(await self._names(figures.newest())),
        }

    async def _names(self, newest: dict[tuple[str, str], int]) -> dict[tuple[str, str], str | None]:
        """What ids are called: as the list has it, else as the newest order has it. By field and id."""
        listed = {(field, value): self._catalogs.name(_KINDS[field], value) for field, value in newest}
        missing = {key: newest[key] for key, name in listed.items() if name is None}
        orders = await self._journal.names(sorted(set(missing.values()))) if missing else {}
        return listed | {key: getattr(orders[order], key[0]) for key, order in missing.items()}

    # --- the retained topic -----------------------------------------------------------------------------------------

    async def renew(self) -> None:
        """Have the topic say what holds now, where that is something else. Raises JournalError."""
        self._changed.clear()
        payload = render.dumps(await self.told(QueryStatistics()))
        if payload != self._shown:
            self._shown = payload
            self._retained.put(TOPIC, payload)

    async def run(self) -> None:
        """Renew the topic when orders changed and when a day begins, for ever."""
        days = self._today()
        while True:
            left = (days.until - self._journal.time.civil()).total_seconds()
            is_changed = await pause(self._clock, min(max(left, 0.0), _LOOK_AT_CLOCK), self._changed)
            before, days = days, self._today()
            if is_changed or days.dates != before.dates:
                began = self._clock.monotonic()
                await self.renew()
                await self._clock.sleep(max(_AT_MOST_EACH, _REST * (self._clock.monotonic() - began)))

    def _today(self) -> Days:
        return last_days(self._journal.time, self._zone, 1)


def _median(counts: Counter[float]) -> float | None:
    """The middle of many values; of an even number, the middle of the two."""
    if not counts:
        return None
    values = sorted(counts)
    ends = list(accumulate(counts[value] for value in values))
    low, high = (values[bisect_right(ends, place)] for place in ((ends[-1] - 1) // 2, ends[-1] // 2))
    return round((low + high) / 2, 1)
