"""Time on a machine whose wall clock cannot be trusted: a Raspberry Pi has no clock battery."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

_TOLERANCE = 1.0
"""Seconds that a wall clock may go back, as time servers make it, without being called wrong."""
_LONGEST_DOWN = 30 * 86400.0
"""Seconds between two boots beyond which the wall clock, and not the time, is taken to have jumped."""


class Clock(Protocol):
    """Time. `boot_time` goes on while the machine sleeps and begins anew with each `boot_id`."""

    boot_id: str

    def now(self) -> datetime:
        """The wall clock, in UTC; it may jump."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, within this process."""
        ...

    def boot_time(self) -> float:
        """Seconds since this machine booted; comparable between processes of one boot."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait; returns at once for zero or less."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.boot_id = _boot_id()
        self._boot_clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that never jump, within this process."""
        return time.monotonic()

    def boot_time(self) -> float:
        """Seconds since this machine booted."""
        return time.clock_gettime(self._boot_clock)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(max(0.0, seconds))


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Anchor:
    """One moment in steady seconds, in a machine's boot time and by its wall clock, as kept in the journal.

    `newest` is the newest time that the wall clock ever showed.
    """

    boot_id: str
    boot_time: float
    steady: float
    wall: datetime
    newest: datetime

    def to_text(self) -> str:
        """As stored."""
        return json.dumps([self.boot_id, self.boot_time, self.steady, self.wall.isoformat(), self.newest.isoformat()])

    @classmethod
    def from_text(cls, text: str) -> Anchor:
        """As it was stored."""
        boot_id, boot_time, steady, wall, newest = json.loads(text)
        moments = (datetime.fromisoformat(wall), datetime.fromisoformat(newest))
        return cls(str(boot_id), float(boot_time), float(steady), *moments)


class SteadyTime:
    """Seconds that go on evenly, over jumps of the wall clock and over restarts.

    Within one boot they follow the machine's boot time, whatever the wall clock does. Over a reboot they go on by as
    much as the wall clock did since the last writing, but never back, and not by what no daemon is down for: a clock
    that woke up in the past delays deadlines, and one that was wrong before brings none forward.
    """

    def __init__(self, clock: Clock, anchor: Anchor | None) -> None:
        self._clock = clock
        self._newest_wall = anchor.newest if anchor else clock.now()
        self._offset = _resumed(clock, anchor) - clock.monotonic()
        self._kept = self._difference()

    def now(self) -> float:
        """Steady seconds."""
        return self._clock.monotonic() + self._offset

    def wall(self) -> datetime:
        """The wall clock, remembered as the newest time that the journal may hold."""
        now = self._clock.now()
        self._newest_wall = max(self._newest_wall, now)
        return now

    def wall_is_behind(self) -> bool:
        """Whether the wall clock is earlier than the newest time in the journal: nobody can tell what is late."""
        return (self._newest_wall - self._clock.now()).total_seconds() > _TOLERANCE

    def was_set(self) -> bool:
        """Whether somebody set the wall clock since the last anchor."""
        return abs(self._difference() - self._kept) > _TOLERANCE

    def anchor(self) -> Anchor:
        """This moment, to be kept for the next start."""
        self._kept = self._difference()
        wall = self.wall()
        return Anchor(self._clock.boot_id, self._clock.boot_time(), self.now(), wall, self._newest_wall)

    def _difference(self) -> float:
        return self._clock.now().timestamp() - self.now()


def _resumed(clock: Clock, anchor: Anchor | None) -> float:
    """Steady seconds at the start of a process."""
    if anchor is None:
        return clock.now().timestamp()
    if anchor.boot_id and anchor.boot_id == clock.boot_id:
        return anchor.steady + max(0.0, clock.boot_time() - anchor.boot_time)
    down = (clock.now() - anchor.wall).total_seconds()
    return anchor.steady + (down if 0 < down <= _LONGEST_DOWN else 0.0)
