"""How many messages may be on their way at once (MQTT 5, section 4.9, flow control)."""

from __future__ import annotations

import asyncio
from collections import deque


class Window:
    """`size` places; who waits for one gets it in the order of asking. Ends with the connection it belongs to."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._error: Exception | None = None

    async def enter(self) -> None:
        """Take a place, waiting for one if need be. Raises the error that the window was closed with."""
        if self._error is not None:
            raise self._error
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.leave()  # the place was given in the same moment, and nobody takes it
            raise

    def leave(self) -> None:
        """Give a place back: the first who waits has it at once, so that nobody overtakes."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def close(self, error: Exception) -> None:
        """Nobody gets a place any more: `error` is raised by all who wait and all who come."""
        self._error = error
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(error)
