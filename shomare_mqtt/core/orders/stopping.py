"""Ending a `buy` with alternatives between two of its pairs: on a `cancel`, and as this program ends."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.errors import CommandRefusedError, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

CANCELLED = "it was cancelled before a number was to be had; nothing was bought"
_ENDS = "this program ends, and not all that was listed was tried; nothing was bought: send it again"


class StoppedError(CommandRefusedError):
    """Not the pair is refused, but all that was left to try."""


class Stop:
    """What may end one such `buy`; `order`: its order, once there is one.

    Before that nothing need: an order that is not there cannot be cancelled, and an end leaves the command to the next
    process.
    """

    def __init__(self) -> None:
        self.order: str | None = None
        self.is_cancelled = False
        self._error: StoppedError | None = None
        self._waiting: asyncio.Timeout | None = None

    def cancel(self) -> None:
        """A `cancel` came: what was not sent is not sent."""
        self.is_cancelled = True
        self._ask(StoppedError(ErrorCode.CANCELLED, CANCELLED))

    def end(self) -> None:
        """This program ends: the pair that is written down may be sent yet, and no other is."""
        self._ask(StoppedError(ErrorCode.BUSY, _ENDS))

    def _ask(self, error: StoppedError) -> None:
        self._error = error
        if self._waiting is not None and not self._waiting.expired():  # else it is given up already, and takes a moment
            self._waiting.reschedule(asyncio.get_running_loop().time())

    def check_cancelled(self) -> None:
        """Raise StoppedError (`cancelled`) where a `cancel` came."""
        if self.is_cancelled:
            raise StoppedError(ErrorCode.CANCELLED, CANCELLED)

    async def unless(self, work: Callable[[], Awaitable[T]]) -> T:
        """What the work comes to, which is given up where there is an order and it must not go on.

        Raises StoppedError for that (`cancelled`, `busy`), and what the work raises.
        """
        if self.order is None:
            return await work()
        if self._error is not None:
            raise self._error
        try:
            async with asyncio.timeout(None) as self._waiting:
                return await work()
        except TimeoutError:
            if self._error is None:
                raise  # it is the work's own
            raise self._error from None
        finally:
            self._waiting = None


class Stopping:
    """All such commands that are on their way."""

    def __init__(self) -> None:
        self._stops: list[Stop] = []

    @contextmanager
    def one(self) -> Iterator[Stop]:
        """One begins; until it is over it may be ended."""
        stop = Stop()
        self._stops.append(stop)
        try:
            yield stop
        finally:
            self._stops.remove(stop)

    def cancel(self, order: str) -> bool:
        """Have an order try nothing more that was not sent yet; whether it is such a one."""
        found = [stop for stop in self._stops if stop.order == order]
        for stop in found:
            stop.cancel()
        return bool(found)

    def end(self) -> None:
        """Have none try another pair."""
        for stop in self._stops:
            stop.end()
