"""The daemon's page as a browser asks for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from yarl import URL

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable


class Page:
    """Asks the page; `heard` is what a stream of events told, once `listen` was called."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.heard: list[Any] = []
        self.comments = 0
        self._news = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(PATIENCE))
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)
        await self._session.close()

    def url(self, path: str) -> URL:
        """Exactly as it is given."""
        return URL(f"http://127.0.0.1:{self.port}/{path}", encoded=True)

    async def ask(self, path: str, method: str = "GET", body: bytes = b"") -> tuple[int, str]:
        async with self._session.request(method, self.url(path), data=body) as got:
            return got.status, await got.text()

    async def up(self) -> Self:
        """Returns once it answers."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    await self.ask("healthz")
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)  # a port tells nobody that it is listened on
                else:
                    return self

    async def state(self) -> Any:
        status, text = await self.ask("api/state")
        assert status == 200, text
        return json.loads(text)

    async def command(self, topic: str, payload: Any = b"") -> Any:
        """The answer to a command."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        status, text = await self.ask(f"api/command/{topic}", "POST", body)
        assert status == 200, (status, text)
        return json.loads(text)

    async def listen(self) -> Self:
        """Hear what is told from now on; returns once something is."""
        self._listening = asyncio.create_task(self._listen())
        await self.until(lambda: bool(self.heard))
        return self

    async def _listen(self) -> None:
        endless = aiohttp.ClientTimeout(None)
        async with self._session.get(self.url("api/events"), timeout=endless, read_bufsize=1 << 22) as got:
            assert got.content_type == "text/event-stream"
            async for line in got.content:
                if line.startswith(b"data: "):
                    self.heard.append(json.loads(line[6:]))
                self.comments += line.startswith(b":")
                self._news.set()
        self.heard.append(None)
        self._news.set()

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not so():
                self._news.clear()
                await self._news.wait()

    async def hears(self, wanted: Callable[[Any], bool]) -> Any:
        """The first that is told and wanted."""
        await self.until(lambda: any(each is not None and wanted(each) for each in self.heard))
        return next(each for each in self.heard if each is not None and wanted(each))

    @property
    def ended(self) -> bool:
        """Whether the stream came to its end."""
        return self.heard[-1:] == [None]

    def events(self) -> list[tuple[str, Any]]:
        """Topics and payloads of what is not retained."""
        return [(each["topic"], each["payload"]) for each in self.heard if each and not each["retained"]]

    def held(self) -> dict[str, Any]:
        """Topics and what they hold, as all that was told leaves them."""
        held: dict[str, Any] = {}
        for each in self.heard:
            if each and each["retained"]:
                held[each["topic"]] = each["payload"]
        return {topic: payload for topic, payload in held.items() if payload is not None}
