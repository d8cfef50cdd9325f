"""Days as the provider reckons them: they begin at midnight in `provider.timezone` (contract, Settings)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from shomare_mqtt.core.clock import SteadyTime


class Days(NamedTuple):
    """Some days, today the last of them. `starts`: when each began, in steady seconds; `since`, `until`: civil time."""

    dates: tuple[date, ...]
    starts: tuple[float, ...]
    since: datetime
    until: datetime


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """When a day begins."""
    return datetime.combine(day, time.min, zone)


def last_days(steady: SteadyTime, zone: ZoneInfo, count: int) -> Days:
    """So many days, as the clock tells them now: where it was wrong, an order's steady time tells its day all the same.

    Not as many times 24 hours: where the clocks change, a day is not what its hours say.
    """
    civil = steady.civil()
    ahead = civil.timestamp() - steady.now()
    today = civil.astimezone(zone).date()
    dates = tuple(today - timedelta(days=back) for back in range(count - 1, -1, -1))
    starts = tuple(midnight(day, zone).timestamp() - ahead for day in dates)
    return Days(dates, starts, midnight(dates[0], zone), midnight(today + timedelta(days=1), zone))
