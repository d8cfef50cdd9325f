"""An event loop whose time passes only while nothing happens, and a clock that follows it.

Everything that runs on it (`asyncio.sleep`, `asyncio.timeout`, `call_later`) takes no real time: when no callback is
ready and no other thread owes an answer, time jumps to the next timer. So a test waits an hour by sleeping an hour.
"""

from __future__ import annotations

import asyncio
import selectors
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Any

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class _Selector(selectors.DefaultSelector):  # whichever the machine has
    """Waits really only while another thread owes an answer."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.loop.owed:
            return self._answered()
        if timeout is None:
            raise AssertionError("nothing is ready, nothing is scheduled: whoever waits, waits for ever")
        self.loop.skip()
        return []

    def _answered(self) -> Any:
        """Wait for what wakes the loop. It stands still for ever where an answer is owed that is not under way."""
        until = monotonic() + PATIENCE
        while not (ready := super().select(until - monotonic())):  # empty also after a signal
            if monotonic() >= until:
                raise AssertionError("another thread owes an answer that does not come: whoever waits, waits for ever")
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`owed`: how many answers other threads owe; time stands still until they are there."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self) -> None:
        self._now = 0.0
        self.owed = 0
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self._now

    def skip(self) -> None:
        self._now = max(self._now, self._scheduled[0].when())

    @contextmanager
    def owing(self) -> Iterator[None]:
        self.owed += 1
        try:
            yield
        finally:
            self.owed -= 1

    async def shutdown_default_executor(self, *args: Any, **more: Any) -> None:
        with self.owing():
            await super().shutdown_default_executor(*args, **more)


def owing(work: Callable[..., Any]) -> Callable[..., Any]:
    """A coroutine function that waits for another thread, so that time stands still meanwhile."""

    async def wrapped(*args: Any, **more: Any) -> Any:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        with loop.owing():
            return await work(*args, **more)

    return wrapped


class FakeClock:
    """The machine's clocks on virtual time; `jump` turns the wall clock alone, `reboot` makes a new boot.

    `synchronised`: what the kernel says of the wall clock.
    """

    def __init__(self) -> None:
        self.boot_id = "boot-1"
        self.synchronised = True
        self._wall = START
        self._booted = -1000.0
        self._process = 0.0

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return self._wall + timedelta(seconds=self._time())

    def monotonic(self) -> float:
        return self._time() + self._process

    def boot_time(self) -> float:
        return self._time() - self._booted

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))

    def is_synchronised(self) -> bool:
        return self.synchronised

    def jump(self, **by: float) -> None:
        self._wall += timedelta(**by)

    def suspend(self, seconds: float) -> None:
        """The machine sleeps: monotonic time stands, boot time and the wall clock go on."""
        self._booted -= seconds
        self.jump(seconds=seconds)

    def new_process(self) -> None:
        """Each process has a monotonic clock of its own."""
        self._process += 12345.0

    def reboot(self) -> None:
        self.new_process()
        self.boot_id = f"boot-{int(self.boot_id.split('-')[1]) + 1}"
        self._booted = self._time() - 20.0
