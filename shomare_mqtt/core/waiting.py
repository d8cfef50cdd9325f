"""Waiting for an event or a moment, and asking once for what several want at the same moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Hashable

    from shomare_mqtt.core.clock import Clock


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


async def _sleep(clock: Clock, seconds: float) -> bool:
    await clock.sleep(seconds)
    return True


class Shared:
    """One request for all who ask for the same at the same moment."""

    def __init__(self) -> None:
        self._running: dict[Hashable, tuple[asyncio.Future[Any], list[None]]] = {}

    async def get(self, key: Hashable, ask: Callable[[], Awaitable[Any]]) -> Any:
        """What `ask` gives; asked once however many wait. It is given up only when nobody waits any more."""
        if key not in self._running:
            future: asyncio.Future[Any] = asyncio.ensure_future(ask())
            self._running[key] = (future, [])
            future.add_done_callback(lambda _: self._running.pop(key, None))
        future, waiting = self._running[key]
        waiting.append(None)
        try:
            return await asyncio.shield(future)
        finally:
            waiting.pop()
            if not waiting and not future.done():
                future.cancel()
                self._running.pop(key, None)
                await asyncio.gather(future, return_exceptions=True)


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
