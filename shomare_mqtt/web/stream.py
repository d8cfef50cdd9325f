"""Server-sent events: the state first, then what changes, to each page as fast as that reads (contract, Web page).

Nobody waits for a page. Of state a page gets what holds as it comes to read; events wait for it, in order, up to so
many bytes. One that does not read is cut off: it connects again, and has the state at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from aiohttp import web

from shomare_mqtt.web.payloads import frame

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

COMMENT_EVERY = 15.0
"""Seconds (contract)."""
RETRY = 2000
"""Milliseconds after which a page connects again."""
MOST_READERS = 100
"""Pages at a time that see the same, so that viewers take no owner's place. Each takes one of the files that journal
and provider need as well."""
MOST_WAITING = 256 * 1024
"""Bytes of events that may wait for one page. They are the same bytes for all pages that wait for them."""
STALLED = 60.0
"""Seconds after which a page is cut off that took nothing of what was sent."""
_CHUNK = 32 * 1024
"""Bytes that are handed to a connection at once, and that may wait in it: about that much for each page that stalls."""
_APART, _APART_EACH = 0.05, 0.005
"""Seconds between two sendings to one page, and more for each page there is: with fifty pages a storm of orders is told
three times a second, a hundred messages at once, and takes no time from the orders."""
_MUCH = 64 * 1024
"""Bytes of events that end that rest: a page that reads is not cut off because others are open."""
_SHORT = 16 * 1024
"""Bytes up to which what changes is told at once."""
_A_SECOND, _LONGEST_REST = 4_000_000, 1.0
"""Bytes of one longer topic that go out in a second, to all pages together, and seconds after which it is told again
whatever its length: as of mqtt.retained, whose lists of hundreds of orders are as long here."""
_KEPT_FOR = 1.0
"""Seconds for which what was made for one page is kept for the others."""


class State(Protocol):
    """The retained topics, named without the base topic."""

    def topics(self) -> list[str]:
        """Those that hold something."""
        ...

    def payload(self, topic: str) -> bytes:
        """What one holds now; empty where it holds nothing."""
        ...


class _Reader:
    """One page. `waiting`: names of topics that are to be told as they are by then, and events as they are sent."""

    def __init__(self, request: web.Request, sees: Callable[[str, bytes], bytes | None], state: list[str]) -> None:
        self.request = request
        self.sees = sees
        self.waiting: deque[str | bytes] = deque(state)
        self.named = set(state)
        self.size = 0
        self.news = asyncio.Event()
        self.much = asyncio.Event()
        """Whether more than _MUCH waits."""
        self.is_over = False

    @property
    def is_gone(self) -> bool:
        """Whether its connection is closed."""
        transport = self.request.transport
        return transport is None or transport.is_closing()

    def name(self, topic: str) -> None:
        """A topic is to be told."""
        if topic not in self.named:
            self.named.add(topic)
            self.waiting.append(topic)
            self.news.set()

    def add(self, event: bytes) -> None:
        """An event is to be told; who is too far behind is cut off."""
        self.size += len(event)
        if self.size > MOST_WAITING:
            self.cut_off()
            return
        if self.size > _MUCH:
            self.much.set()
        self.waiting.append(event)
        self.news.set()

    def take(self) -> str | bytes:
        """The next."""
        item = self.waiting.popleft()
        if isinstance(item, str):
            self.named.discard(item)
        else:
            self.size -= len(item)
            if self.size <= _MUCH:
                self.much.clear()
        return item

    def end(self) -> None:
        """Let what is being sent go, and send no more."""
        self.is_over = True
        self.news.set()

    def cut_off(self) -> None:
        """Send nothing more, and wait for nothing."""
        self.waiting.clear()
        self.named.clear()
        self.end()
        if self.request.transport is not None:
            self.request.transport.abort()


class Stream:
    """Tells all pages. `changed` and `happened` are told of what is new; nothing waits there.

    `in_use` is told now and then of a request that listens still.
    """

    def __init__(self, state: State, in_use: Callable[[web.Request], Awaitable[None]]) -> None:
        self._state = state
        self._in_use = in_use
        self._readers: set[_Reader] = set()
        self._frames: dict[str, dict[Callable[[str, bytes], bytes | None], bytes]] = {}
        self._forgets = False
        self._resting: dict[str, bool] = {}
        """Long topics that were told a moment ago, and whether they hold something else by now."""

    @property
    def count(self) -> int:
        """How many pages listen."""
        return len(self._readers)

    def changed(self, topic: str) -> None:
        """A retained topic holds something else."""
        if topic in self._resting:
            self._resting[topic] = True
            return
        self._frames.pop(topic, None)
        for reader in self._readers:
            reader.name(topic)

    def happened(self, topic: str, payload: bytes) -> None:
        """An event that is not retained, once it is on disk."""
        made: dict[Callable[[str, bytes], bytes | None], bytes] = {}
        for reader in tuple(self._readers):
            if reader.sees not in made:
                seen = reader.sees(topic, payload)
                made[reader.sees] = frame(topic, seen, retained=False) if seen else b""
            if made[reader.sees]:
                reader.add(made[reader.sees])

    def end(self, which: Callable[[web.Request], bool] = lambda _: True) -> None:
        """End the streams of some requests: somebody is signed out, or the daemon ends."""
        for reader in self._readers:
            if which(reader.request):
                reader.end()

    async def serve(self, request: web.Request, sees: Callable[[str, bytes], bytes | None]) -> web.StreamResponse:
        """Answer a request with all that happens, until it goes, is cut off, or `end` is called."""
        if self._count_of(sees) >= MOST_READERS and not self._gone_are_forgotten(sees):
            text = f"{MOST_READERS} pages are open already: close one, and this one connects by itself"
            headers = {"Retry-After": "10", "Cache-Control": "no-store"}
            return web.json_response({"error": {"message": text}}, status=503, headers=headers)
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream; charset=utf-8",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # nginx would hold it back
            }
        )
        reader = _Reader(request, sees, self._state.topics())
        self._readers.add(reader)
        try:
            with suppress(ConnectionError):
                await response.prepare(request)
                if request.transport is not None:
                    request.transport.set_write_buffer_limits(_CHUNK)
                await self._tell(reader, response)
        finally:
            self._readers.discard(reader)
        return response

    def _count_of(self, sees: Callable[[str, bytes], bytes | None]) -> int:
        return sum(reader.sees == sees for reader in self._readers)

    def _gone_are_forgotten(self, sees: Callable[[str, bytes], bytes | None]) -> bool:
        """Whether there is room once those are forgotten whose connections are closed."""
        for reader in [reader for reader in self._readers if reader.is_gone]:
            reader.cut_off()
            self._readers.discard(reader)
        return self._count_of(sees) < MOST_READERS

    async def _tell(self, reader: _Reader, response: web.StreamResponse) -> None:
        """Raises ConnectionError where the page is gone."""
        now = asyncio.get_running_loop().time
        await self._send(reader, response, f"retry: {RETRY}\n\n".encode())
        comment_at = now() + COMMENT_EVERY
        while not reader.is_over:
            if reader.waiting:
                await self._send(reader, response, b"".join(self._chunk(reader)))
                await self._pause(reader)
            else:
                reader.news.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, comment_at - now())):
                        await reader.news.wait()
            if now() >= comment_at:
                comment_at = now() + COMMENT_EVERY
                await self._send(reader, response, b": \n\n")
                await self._in_use(reader.request)

    async def _pause(self, reader: _Reader) -> None:
        """Between two sendings, until much waits."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_APART + _APART_EACH * self.count):
                await reader.much.wait()

    async def _send(self, reader: _Reader, response: web.StreamResponse, data: bytes) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await response.write(data)
        except TimeoutError:
            reader.cut_off()

    def _chunk(self, reader: _Reader) -> Iterator[bytes]:
        size = 0
        while reader.waiting and size < _CHUNK:
            item = reader.take()
            data = self._frame(item, reader.sees) if isinstance(item, str) else item
            size += len(data)
            yield data

    def _frame(self, topic: str, sees: Callable[[str, bytes], bytes | None]) -> bytes:
        """A topic as somebody may see it; empty where that is not at all."""
        made = self._frames.setdefault(topic, {})
        if sees not in made:
            payload = self._state.payload(topic)
            seen = sees(topic, payload) if payload else payload
            made[sees] = b"" if seen is None else frame(topic, seen, retained=True)
            self._rest(topic, len(made[sees]))
        return made[sees]

    def _rest(self, topic: str, size: int) -> None:
        loop = asyncio.get_running_loop()
        if not self._forgets:
            self._forgets = True
            loop.call_later(_KEPT_FOR, self._forget)
        if size > _SHORT and topic not in self._resting:
            self._resting[topic] = False
            rest = min(size * len(self._readers) / _A_SECOND, _LONGEST_REST)
            loop.call_later(rest, self._rested, topic)

    def _forget(self) -> None:
        self._forgets = False
        self._frames.clear()

    def _rested(self, topic: str) -> None:
        if self._resting.pop(topic):
            self.changed(topic)
