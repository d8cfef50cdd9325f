"""Waiting for an event or a moment, and asking once for what several want at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterator, Sequence

    from shomare_mqtt.core.clock import Clock


JOINABLE = 0.5
"""Seconds for which others may join a call that is out."""
_FOR_EVER = float("inf")


async def pause(clock: Clock, seconds: float | None, wake: asyncio.Event) -> bool:
    """Wait so many seconds (None: for ever), or until `wake` is set; whether it was set."""
    if wake.is_set() or (seconds is not None and seconds <= 0):
        return wake.is_set()
    if seconds is None:
        await wake.wait()
        return True
    waits = (asyncio.ensure_future(wake.wait()), asyncio.ensure_future(_sleep(clock, seconds)))
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
    return wake.is_set()


async def woken(wake: asyncio.Event, seconds: float) -> bool:
    """Wait for an event for so many seconds; whether it was set. As `pause`, without two tasks for each who waits."""
    try:
        async with asyncio.timeout(max(0.0, seconds)):
            await wake.wait()
    except TimeoutError:
        pass
    return wake.is_set()


async def _sleep(clock: Clock, seconds: float) -> bool:
    await clock.sleep(seconds)
    return True


class _Call:
    """A call, who waits for it, and what asks anew for them once it has been out for too long.

    `rank`: that of who began it, the lowest goes first. `began` is when it went out, in the clock's steady seconds.
    `task`: what makes it; None: who began it does, and is none of those who wait.
    """

    __slots__ = ("anew", "began", "had_its_turn", "is_asked_anew", "is_out", "rank", "task", "waiters")

    def __init__(self, began: float, rank: int) -> None:
        self.task: asyncio.Future[Any] | None = None
        self.began = began
        self.rank = rank
        self.is_out = False
        self.had_its_turn = False
        self.waiters: list[asyncio.Future[Any]] = []
        self.anew: asyncio.Future[None] | None = None
        self.is_asked_anew = False

    def tell(self, ended: asyncio.Future[Any]) -> None:
        """Give all who wait what another future came to."""
        if ended.cancelled():
            self.cancel()
        elif (error := ended.exception()) is not None:
            self.fail(error)
        else:
            self.give(ended.result())

    def give(self, result: Any) -> None:
        """Give all who wait a result."""
        for waiter in self._waiting():
            waiter.set_result(result)

    def fail(self, error: BaseException) -> None:
        """Have all who wait raise an error."""
        for waiter in self._waiting():
            waiter.set_exception(error)

    def cancel(self) -> None:
        """Cancel all who wait."""
        for waiter in self._waiting():
            waiter.cancel()

    def _waiting(self) -> Sequence[asyncio.Future[Any]]:
        """Those who have not left: one that was cancelled at this very moment is still to take itself off."""
        return [waiter for waiter in self.waiters if not waiter.done()]


_MAKING: ContextVar[_Call | None] = ContextVar("the call that this task makes for all who wait for it", default=None)


@contextmanager
def in_line(clock: Clock) -> Iterator[None]:
    """While a request waits for its turn: the call that it is the first one of is not out before it had that.

    Else the calls that wait would become more, by two a second, while the provider takes one a second.
    """
    call = _MAKING.get()
    if call is None or call.had_its_turn:
        yield
        return
    call.is_out = False
    yield
    call.is_out = call.had_its_turn = True
    call.began = clock.monotonic()


class Shared:
    """One request for all who ask for the same at the same moment.

    Nobody joins a call that has been out for `seconds` (contract, Commands); None: it may always be joined. `anew`: for
    those who had joined it by then it is asked once more, and all of them, the first one too, get what comes first.
    One that is not out yet (see `in_line`) is joined by all who are not in a greater hurry.

    A call is made `aside`, in a task of its own that goes on without who asked first; else in that one's task, which
    spares a tenth of a query, and where it is cancelled while others wait, it is asked once more, for them. What is
    asked anew is made aside always.
    """

    def __init__(
        self, clock: Clock, seconds: float | None = JOINABLE, *, anew: bool = False, aside: bool = True
    ) -> None:
        self._clock = clock
        self._seconds = _FOR_EVER if seconds is None else seconds
        self._anew = anew and seconds is not None
        self._aside = aside or anew
        self._running: dict[Hashable, _Call] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]], rank: int = 0) -> Any:
        """What `ask` gives; asked once however many wait. It is given up only when nobody waits any more.

        `rank`: the place of `ask` in line, the lowest goes first.
        """
        call = self._joinable(key, rank)
        if call is None and not self._aside:
            return await self._make(key, ask, rank)
        if call is None:
            call = self._begin(key, ask, rank)
        elif self._anew and call.anew is None:
            call.anew = asyncio.ensure_future(self._ask_anew(key, call, ask, rank))
        return await self._wait(key, call)

    def _joinable(self, key: Hashable, rank: int) -> _Call | None:
        call = self._running.get(key)
        if call is None:
            return None
        may = self._clock.monotonic() - call.began < self._seconds if call.is_out else call.rank <= rank
        return call if may else None

    async def _make(self, key: Hashable, ask: Callable[[], Awaitable[Any]], rank: int) -> Any:
        """Make a call in the task of who asks."""
        call = self._running[key] = _Call(self._clock.monotonic(), rank)
        try:
            result = await _made(call, ask)
        except asyncio.CancelledError:
            if call.waiters and _is_cancelled():
                call.began, call.had_its_turn = self._clock.monotonic(), False  # what goes out is another request
                self._make_aside(key, call, ask)
            else:
                self._drop(key, call)
                call.cancel()
            raise
        except Exception as error:
            self._drop(key, call)
            call.fail(error)
            raise
        self._drop(key, call)
        call.give(result)
        return result

    def _begin(self, key: Hashable, ask: Callable[[], Awaitable[Any]], rank: int) -> _Call:
        call = self._running[key] = _Call(self._clock.monotonic(), rank)
        self._make_aside(key, call, ask)
        return call

    def _make_aside(self, key: Hashable, call: _Call, ask: Callable[[], Awaitable[Any]]) -> None:
        """Have a task of its own make a call."""
        call.task = asyncio.ensure_future(_made(call, ask))
        call.task.add_done_callback(partial(self._ended, key, call))

    def _ended(self, key: Hashable, call: _Call, task: asyncio.Future[Any]) -> None:
        self._drop(key, call)
        failed = task.cancelled() or task.exception() is not None
        if failed and call.is_asked_anew:
            return  # what was asked since then tells
        if call.anew is not None:
            call.anew.cancel()
        call.tell(task)

    def _drop(self, key: Hashable, call: _Call) -> None:
        if self._running.get(key) is call:
            del self._running[key]

    async def _wait(self, key: Hashable, call: _Call) -> Any:
        waiter: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        call.waiters.append(waiter)
        try:
            return await waiter
        finally:
            call.waiters.remove(waiter)
            left = () if call.waiters else self._give_up(key, call)
            if left and waiter.cancelled():  # who has an answer need not wait until the rest has ended
                await asyncio.gather(*left, return_exceptions=True)

    def _give_up(self, key: Hashable, call: _Call) -> Sequence[asyncio.Future[Any]]:
        """End what nobody waits for any more; what has not ended yet."""
        if call.task is None:
            return ()  # who began it waits for it
        self._drop(key, call)
        left = [task for task in (call.task, call.anew) if task is not None and not task.done()]
        for task in left:
            task.cancel()
        return left

    async def _ask_anew(self, key: Hashable, call: _Call, ask: Callable[[], Awaitable[Any]], rank: int) -> None:
        """Once a call that others joined has been out for too long, ask anew for all who wait, once."""
        while not call.is_out:
            await self._clock.sleep(self._seconds)
        await self._clock.sleep(call.began + self._seconds - self._clock.monotonic())
        call.is_asked_anew = True
        self._drop(key, call)
        try:
            with suppress(Exception):  # whatever it is: then the first call tells
                call.give(await self._wait(key, self._joinable(key, rank) or self._begin(key, ask, rank)))
        finally:  # also where what was asked anew was cancelled from within
            call.is_asked_anew = False
            if call.task is not None and call.task.done():  # it has perhaps failed meanwhile, and was not told
                call.tell(call.task)


async def _made(call: _Call, ask: Callable[[], Awaitable[Any]]) -> Any:
    making = _MAKING.set(call)
    call.is_out = True
    try:
        return await ask()
    finally:
        _MAKING.reset(making)


def _is_cancelled() -> bool:
    """Whether somebody cancelled the task that runs; else what it waited for ended itself."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class Turns:
    """One at a time for each key; nothing is kept of a key that nobody holds or waits for."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, asyncio.Lock] = {}
        self._wanted: Counter[Hashable] = Counter()

    @asynccontextmanager
    async def alone(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for one's turn, and hold it."""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._wanted[key] += 1
        try:
            async with lock:
                yield
        finally:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key], self._locks[key]
