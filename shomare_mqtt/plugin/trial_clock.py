"""The time of a plugin on trial: it stands still until it is moved."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class TrialClock:
    """Time that stands still until it is moved."""

    boot_id = "trial"

    def __init__(self) -> None:
        self._seconds = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The wall clock."""
        return BEGINNING + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Seconds since the trial began."""
        return self._seconds

    def boot_time(self) -> float:
        """The same."""
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        """Waits until the time was moved so far."""
        if seconds > 0:
            sleeper = asyncio.get_running_loop().create_future()
            self._sleepers.append((self._seconds + seconds, sleeper))
            await sleeper

    async def move(self, seconds: float) -> None:
        """Moves the time and wakes who slept until then."""
        self._seconds += seconds
        due = [sleeper for until, sleeper in self._sleepers if until <= self._seconds]
        self._sleepers = [entry for entry in self._sleepers if entry[0] > self._seconds]
        for sleeper in due:
            if not sleeper.done():
                sleeper.set_result(None)
        for _ in range(5):  # those woken put their calls into the queue
            await asyncio.sleep(0)
