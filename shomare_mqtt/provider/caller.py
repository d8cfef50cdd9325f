"""One request in its turn: a slot of the limiter, the exchange, the reading, the counters, a line in the debug log."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import Priority

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.model import Endpoint
    from shomare_mqtt.provider.dialect import Request
    from shomare_mqtt.provider.limiter import Limiter
    from shomare_mqtt.provider.reading import RawAnswer
    from shomare_mqtt.provider.transport import Transport

T = TypeVar("T")

PAUSES = (0.5, 1.0)
"""Seconds before each repetition of what only reads, half of it more or less by chance."""
GATEWAY = frozenset({502, 503, 504})
"""Statuses of something on the way that passes."""
WORKED = "ok"


def _unheard(_endpoint: Endpoint, _outcome: str, _seconds: float) -> None:
    """Nobody listens."""


class Caller:
    """Sends requests and has their answers read, the long ones in a thread; `counters` are those of `client.Client`.

    `on_request` is told of each request: its endpoint, `ok` or the error's code, and how many seconds it took.
    """

    def __init__(self, transport: Transport, limiter: Limiter, clock: Clock, log: logging.Logger) -> None:
        self.counters: Counter[str] = Counter()
        self.on_request: Callable[[Endpoint, str, float], None] = _unheard
        self._transport = transport
        self._limiter = limiter
        self._clock = clock
        self._log = log
        # One at a time, since each takes memory; the thread begins with the first answer that is long.
        self._aside = ThreadPoolExecutor(1, "reading")

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn."""
        return self._limiter.waiting

    async def once(
        self,
        request: Request,
        read: Callable[[RawAnswer], T],
        priority: Priority,
        permit: Permit | None = None,
    ) -> T:
        """One request, sent once. Raises what the transport and the reader raise.

        `permit` is asked after the wait for a turn, and when the request leaves; what it raises comes out.
        """
        await self._limiter.slot(priority)
        if permit is not None:
            await permit.turn()
        self.counters[request.endpoint.value] += 1
        began, http, outcome = self._clock.monotonic(), None, None
        try:
            answer = await self._transport.ask(request, permit)
            http = answer.http
            found = await self._read(read, answer)
            outcome = WORKED
        except ProviderError as error:
            self.counters[f"{request.endpoint.value}.errors"] += 1
            outcome = error.code.value
            raise
        finally:
            took = self._clock.monotonic() - began
            self._log.debug("%s: HTTP %s in %.0f ms", request.endpoint.value, http or "-", took * 1000)
            if outcome is not None:  # else it was called off here
                self.on_request(request.endpoint, outcome, took)
        return found

    async def _read(self, read: Callable[[RawAnswer], T], answer: RawAnswer) -> T:
        if not answer.is_long:
            return read(answer)
        return await asyncio.get_running_loop().run_in_executor(self._aside, read, answer)

    def close(self) -> None:
        """Read nothing more."""
        self._aside.shutdown(wait=False, cancel_futures=True)

    async def repeated(self, request: Request, read: Callable[[RawAnswer], T], priority: Priority) -> T:
        """One request that changes nothing, repeated after passing failures as long as one time limit allows.

        A poll is not repeated here: the watch asks again in its own rhythm.
        """
        give_up = self._clock.monotonic() + self._transport.seconds
        for pause in PAUSES if priority is not Priority.POLL else ():
            try:
                return await self.once(request, read, priority)
            except ProviderError as error:
                wait = pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, no secret
                if not _passes(error) or self._clock.monotonic() + wait >= give_up:
                    raise
            await self._clock.sleep(wait)
        return await self.once(request, read, priority)


def _passes(error: ProviderError) -> bool:
    """Whether a failure is of the connection or of a gateway, and nobody said how long to wait."""
    if error.upstream is not None and error.upstream.http in GATEWAY:
        return error.retry_after is None
    return error.code in (ErrorCode.PROVIDER_UNREACHABLE, ErrorCode.PROVIDER_TIMEOUT)
