"""The time limit of one request, which drops no answer that has come: also where the process stood still meanwhile."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

PASSES = 100
"""Passes of the loop in which a request that is late may still read what has come: an answer outranks a timer."""
LATE, GRACE = 0.5, 1.0
"""A time limit that is noticed so many seconds late was run out by a process that stood still, and so was the other
side's chance to send on: it gets this much of real time."""


@asynccontextmanager
async def time_limit(seconds: float, was_sent: Callable[[], bool]) -> AsyncIterator[None]:
    """Raises TimeoutError after so many seconds, unless the answer has come by then.

    After the process stood still (stopped, a container that was frozen, a machine that swaps) the loop may learn of its
    timers before it learns of what lies in the sockets: what was sent may have been answered long ago, and to drop that
    would lose a purchase. What was not sent by then is not sent any more.
    """
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as limit:
        end = _End(loop, was_sent, limit, loop.time() + seconds)
        try:
            yield
        finally:
            end.cancel()


class _End:
    """Ends a request once its time is over and nothing of an answer is left to be read."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, was_sent: Callable[[], bool], limit: asyncio.Timeout, due: float
    ) -> None:
        self._loop = loop
        self._was_sent = was_sent
        self._limit = limit
        self._due = due
        self._handle: asyncio.Handle = loop.call_at(due, self._at_due)

    def cancel(self) -> None:
        """The request came to its end by itself."""
        self._handle.cancel()

    def _at_due(self) -> None:
        now = self._loop.time()
        self._read_on(PASSES, now + GRACE if now - self._due > LATE else now)

    def _read_on(self, passes: int, until: float) -> None:
        if self._was_sent() and passes:
            self._handle = self._loop.call_soon(self._read_on, passes - 1, until)
        elif self._was_sent() and self._loop.time() < until:
            self._handle = self._loop.call_at(until, self._now)
        else:
            self._now()

    def _now(self) -> None:
        self._limit.reschedule(self._loop.time())
