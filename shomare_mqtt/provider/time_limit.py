"""The time limit of one request, which drops no answer that has come: also where the process stood still meanwhile."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

PASSES = 100
"""Passes of the loop in which a request that is late may still read what has come: an answer outranks a timer."""
LATE, GRACE = 0.5, 1.0
"""A time limit that is noticed so many seconds late was run out by a process that stood still, and so was the other
side's chance to send on: it gets this much of real time."""


class TimeLimit:
    """An async context manager that raises TimeoutError after so many seconds, unless the answer has come by then.

    After the process stood still (stopped, a container that was frozen, a machine that swaps) the loop may learn of its
    timers before it learns of what lies in the sockets: what was sent may have been answered long ago, and to drop that
    would lose a purchase. What was not sent by then is not sent any more.
    """

    __slots__ = ("_due", "_handle", "_limit", "_loop", "_was_sent")

    _handle: asyncio.Handle

    def __init__(self, seconds: float, was_sent: Callable[[], bool]) -> None:
        self._was_sent = was_sent
        self._limit = asyncio.timeout(None)
        self._loop = asyncio.get_running_loop()
        self._due = self._loop.time() + seconds

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()
        self._handle = self._loop.call_at(self._due, self._at_due)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """The request came to its end by itself, or was ended."""
        self._handle.cancel()
        await self._limit.__aexit__(kind, error, trace)

    def _at_due(self) -> None:
        now = self._loop.time()
        self._read_on(PASSES, now + GRACE if now - self._due > LATE else now)

    def _read_on(self, passes: int, until: float) -> None:
        """End the request once nothing of an answer is left to be read."""
        if self._was_sent() and passes:
            self._handle = self._loop.call_soon(self._read_on, passes - 1, until)
        elif self._was_sent() and self._loop.time() < until:
            self._handle = self._loop.call_at(until, self._now)
        else:
            self._now()

    def _now(self) -> None:
        self._limit.reschedule(self._loop.time())
