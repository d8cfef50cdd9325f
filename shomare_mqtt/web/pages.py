"""The page's server put together: what is asked for where (contract, Web page)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from shomare_mqtt.web.commands import MOST_BYTES, PREFIX, Commands
from shomare_mqtt.web.files import Files
from shomare_mqtt.web.payloads import state_json
from shomare_mqtt.web.serving import guarded

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator

    from aiohttp.typedefs import Middleware

    from shomare_mqtt.web.files import File
    from shomare_mqtt.web.lately import Lately
    from shomare_mqtt.web.stream import State, Stream

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Pages:
    """What the page shows and does. `sees`: what of a topic whoever makes a request may see.

    `tell`: told of a fault of this program's in an answer.
    """

    state: State
    stream: Stream
    lately: Lately
    commands: Commands
    healthz: Callable[[web.Request], Awaitable[web.Response]]
    files: dict[str, File]
    sees: Callable[[web.Request], Callable[[str, bytes], bytes | None]]
    tell: Callable[[BaseException], object]

    def application(self, middlewares: Iterable[Middleware] = ()) -> web.Application:
        """The application, for one listener. `middlewares` stand before all of it, the first outermost."""
        app = web.Application(middlewares=tuple(middlewares), client_max_size=MOST_BYTES + 1)
        app.router.add_routes(self._routes())
        app.on_shutdown.append(self._end)
        return app

    def _routes(self) -> Iterator[web.RouteDef]:
        files = Files(self.files)
        yield web.get("/", self._guarded(files.index))
        yield web.get("/healthz", self._guarded(self.healthz))
        yield web.get("/api/state", self._guarded(self._state))
        yield web.get("/api/events", self._guarded(self._events))
        yield web.get("/api/lately", self._guarded(self._lately))
        yield web.post(PREFIX + "{topic:.*}", self._guarded(self.commands.handle))
        yield web.get("/{file:.+}", self._guarded(files.handle))

    def _guarded(self, handler: Handler) -> Handler:
        return guarded(handler, self.tell)

    async def _end(self, _app: web.Application) -> None:
        """The listener closes: whoever waits here would hold that up."""
        self.stream.end()
        self.commands.end()

    async def _state(self, request: web.Request) -> web.Response:
        return _json(state_json(self._seen(self.sees(request))))

    def _seen(self, sees: Callable[[str, bytes], bytes | None]) -> Iterator[tuple[str, bytes]]:
        for topic in self.state.topics():
            if (payload := sees(topic, self.state.payload(topic))) is not None:
                yield topic, payload

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self.stream.serve(request, self.sees(request))

    async def _lately(self, request: web.Request) -> web.Response:
        return _json(self.lately.body(self.sees(request)))


def _json(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
