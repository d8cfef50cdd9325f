"""Time on a machine whose wall clock cannot be trusted: a Raspberry Pi has no clock battery."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shomare_mqtt.core.ports import Clock

_TOLERANCE = 1.0
"""Seconds that a wall clock may go back, as time servers make it, without being called wrong."""


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
    """One moment in steady seconds and in a machine's boot time, as kept in the journal."""

    boot_id: str
    boot_time: float
    steady: float

    def to_text(self) -> str:
        """As stored."""
        return json.dumps([self.boot_id, self.boot_time, self.steady])

    @classmethod
    def from_text(cls, text: str) -> Anchor:
        """As it was stored."""
        boot_id, boot_time, steady = json.loads(text)
        return cls(str(boot_id), float(boot_time), float(steady))


class SteadyTime:
    """Seconds that go on evenly, over jumps of the wall clock and over restarts.

    Within one boot they follow the machine's boot time, whatever the wall clock does. Over a reboot they take up where
    the wall clock is, but never earlier than the newest moment in the journal: a clock that woke up in the past delays
    deadlines, and brings none forward.
    """

    def __init__(self, clock: Clock, anchor: Anchor | None, newest: float, newest_wall: datetime | None) -> None:
        self._clock = clock
        self._newest_wall = newest_wall
        if anchor is not None and anchor.boot_id and anchor.boot_id == clock.boot_id:
            began = max(newest, anchor.steady + clock.boot_time() - anchor.boot_time)
        else:
            began = max(newest, clock.now().timestamp())
        self._offset = began - clock.monotonic()

    def now(self) -> float:
        """Steady seconds."""
        return self._clock.monotonic() + self._offset

    def wall(self) -> datetime:
        """The wall clock, remembered as the newest time that the journal may hold."""
        now = self._clock.now()
        if self._newest_wall is None or now > self._newest_wall:
            self._newest_wall = now
        return now

    def wall_is_behind(self) -> bool:
        """Whether the wall clock is earlier than the newest time in the journal: nobody can tell what is late."""
        newest = self._newest_wall
        return newest is not None and (newest - self._clock.now()).total_seconds() > _TOLERANCE

    def anchor(self) -> Anchor:
        """This moment, to be kept for the next start."""
        return Anchor(self._clock.boot_id, self._clock.boot_time(), self.now())
