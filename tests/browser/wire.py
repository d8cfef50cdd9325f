"""Between a browser and the daemon: a reverse proxy under a prefix, which a test cuts or has lose an answer."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from aiohttp import ClientSession, ClientTimeout, web

if TYPE_CHECKING:
    from collections.abc import Callable

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "te", "trailer"})


@dataclass(frozen=True)
class Passed:
    """A request that reached the daemon."""

    method: str
    path: str
    body: str


class Wire:
    """A proxy on loopback that takes `prefix` off each path, and knows nothing of what it passes on.

    It closes each connection after one answer: a browser sends again by itself what was lost on one that it used
    before, and then nobody could tell what the page does about it.
    """

    def __init__(self, port: int, prefix: str = "") -> None:
        self.passed: list[Passed] = []
        self.strays: list[str] = []
        """Paths outside the prefix that a browser asked for."""
        self._port, self._prefix = port, prefix
        self._cut = False
        self._lost: list[str] = []
        self._shut: dict[str, int] = {}
        self._open = set[asyncio.Transport]()
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None
        self._session: ClientSession | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._session = ClientSession(auto_decompress=False, timeout=ClientTimeout(None))
        app = web.Application()
        app.router.add_route("*", "/{tail:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{self._prefix}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        assert self._session is not None
        self.cut()
        await self._runner.cleanup()
        await self._session.close()

    def cut(self) -> None:
        """Every connection is reset, and each new one too."""
        self._cut = True
        for transport in self._open:
            transport.abort()

    def mend(self) -> None:
        """As it was."""
        self._cut = False

    def lose_answer(self, ending: str) -> None:
        """The next request to a path that ends so is carried out, and its answer goes nowhere."""
        self._lost.append(ending)

    def shut(self, ending: str, *, after: int) -> None:
        """One request to a path that ends so is answered 403 on the way, once so many were carried out."""
        self._shut[ending] = len(self.to(ending)) + after

    def to(self, ending: str) -> list[Passed]:
        """Requests that reached the daemon on a path that ends so."""
        return [passed for passed in self.passed if passed.path.endswith(ending)]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Returns once a condition holds; it is looked at after each answer."""
        async with self._changed:
            await self._changed.wait_for(condition)

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        path = request.rel_url.raw_path
        if self._cut:
            request.transport.abort()
            return web.Response()
        if not path.startswith(f"{self._prefix}/"):
            self.strays.append(path)
            return web.Response(status=404)
        self._open.add(request.transport)
        try:
            return await self._asked(request, path.removeprefix(self._prefix))
        finally:
            self._open.discard(request.transport)
            async with self._changed:
                self._changed.notify_all()

    async def _asked(self, request: web.Request, path: str) -> web.StreamResponse:
        assert self._session is not None
        assert request.transport is not None
        body = await request.read()
        shut = next((end for end, most in self._shut.items() if path.endswith(end) and len(self.to(end)) == most), None)
        if shut is not None:
            del self._shut[shut]
            return web.Response(status=403)
        self.passed.append(Passed(request.method, path, body.decode("utf-8", "replace")))
        query = f"?{request.query_string}" if request.query_string else ""
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        headers["X-Forwarded-For"] = request.remote or ""
        async with self._session.request(
            request.method,
            f"http://127.0.0.1:{self._port}{path}{query}",
            data=body,
            headers=headers,
            allow_redirects=False,
        ) as answer:
            if lost := next((ending for ending in self._lost if path.endswith(ending)), None):
                self._lost.remove(lost)
                await answer.read()
                request.transport.abort()
                return web.Response()
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers.add(name, value)
            response.force_close()
            await response.prepare(request)
            with contextlib.suppress(ConnectionError):
                async for piece in answer.content.iter_any():
                    await response.write(piece)
                await response.write_eof()
            return response
