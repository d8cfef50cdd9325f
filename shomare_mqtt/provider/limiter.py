"""`requests_per_minute`: who may call the provider when (contract, table Settings, `[provider]`).

A token bucket whose burst and refill together never let more than `requests_per_minute` through in any 60 seconds.
Waiting callers are served by priority, then in the order they came. A part of the burst is kept for buying and
cancelling, so that they do not wait behind queries and polls, and all of it for what is no reading of offers. There is
no task and no timer of its own: the caller at the head of the queue sleeps until its turn, the others wait for the head
to leave.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core.waiting import in_line
from shomare_mqtt.model import Priority

if TYPE_CHECKING:
    from shomare_mqtt.core.clock import Clock

MOST_AT_ONCE = 20
ROUNDING = 1e-9


class _Waiter(NamedTuple):
    """In the order in which they are served; no two have one number. `head` is set once it may be at the head."""

    priority: Priority
    number: int
    head: asyncio.Event


class Limiter:
    """Slots for requests. `per_minute` 0 is no limit; below one it spaces requests more than a minute apart."""

    def __init__(self, per_minute: float, clock: Clock) -> None:
        self._clock = clock
        self.burst = max(1, min(MOST_AT_ONCE, int(per_minute / 4)))
        """How many requests may go at once after a pause."""
        self.reserve = self.burst // 4
        """How many of them only buying and cancelling may take."""
        self._spared = {Priority.MONEY: 0, Priority.OFFERS: self.burst - 1}
        """What a priority leaves of the burst to those before it; the others leave the reserve.

        Offers are read while nothing of the burst is missing, which takes no longer: buys that come together find it
        whole, but for one request."""
        # With n sent in a half-open window of 60 s, n < burst + 60 * rate; this rate makes that n <= per_minute.
        self._rate = (per_minute - self.burst + 1) / 60 if per_minute else 0.0
        self._tokens = float(self.burst)
        self._counted_at = clock.monotonic()
        self._queue: list[_Waiter] = []
        self._number = 0

    @property
    def waiting(self) -> int:
        """How many callers wait for a slot."""
        return len(self._queue)

    async def slot(self, priority: Priority) -> None:
        """Return when a request of this priority may be sent. A caller that is cancelled takes no slot."""
        if not self._rate:
            return
        waiter = self._enqueue(priority)
        try:
            with in_line(self._clock):
                await self._until_served(waiter)
        finally:
            self._leave(waiter)

    def _enqueue(self, priority: Priority) -> _Waiter:
        self._number += 1
        waiter = _Waiter(priority, self._number, asyncio.Event())
        insort(self._queue, waiter)
        return waiter

    async def _until_served(self, waiter: _Waiter) -> None:
        while True:
            if self._queue[0] is not waiter:
                waiter.head.clear()
                await waiter.head.wait()
            elif (wait := self._delay(waiter.priority)) > 0:
                await self._clock.sleep(wait)
            else:
                self._tokens -= 1
                return

    def _leave(self, waiter: _Waiter) -> None:
        self._queue.remove(waiter)
        if self._queue:
            self._queue[0].head.set()

    def _delay(self, priority: Priority) -> float:
        """Seconds until the bucket holds what this priority needs."""
        now = self._clock.monotonic()
        self._tokens = min(float(self.burst), self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now
        missing = 1 + self._spared.get(priority, self.reserve) - self._tokens
        return missing / self._rate if missing > ROUNDING else 0.0
