"""The page's server put together: what is asked for where (contract, Web page)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from shomare_mqtt.web.commands import MOST_BYTES, PREFIX, Commands
from shomare_mqtt.web.files import Files
from shomare_mqtt.web.payloads import state_json
from shomare_mqtt.web.serving import OPENED, guarded
from shomare_mqtt.web.visits import sees

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from shomare_mqtt.web.crowd import Crowd
    from shomare_mqtt.web.files import File
    from shomare_mqtt.web.lately import Lately
    from shomare_mqtt.web.stream import State, Stream

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Pages:
    """What the page shows and does. `tell`: told of a fault of this program's in an answer."""

    state: State
    stream: Stream
    lately: Lately
    commands: Commands
    healthz: Callable[[web.Request], Awaitable[web.Response]]
    files: dict[str, File]
    crowd: Crowd
    tell: Callable[[BaseException], object]

    def application(self, guard: Callable[[web.Application], object]) -> web.Application:
        """The application, for one listener. `guard` puts the doors before it, while it has no routes yet."""
        app = web.Application(client_max_size=MOST_BYTES + 1)
        guard(app)
        app.middlewares.insert(0, self.crowd.counted)
        app.router.add_routes(self._routes())
        app.on_shutdown.append(self._end)
        return app

    def _routes(self) -> Iterator[web.RouteDef]:
        files = Files(self.files)
        yield web.get("/", self._guarded(files.index))
        yield web.get("/healthz", self._guarded(self.healthz))
        yield web.get("/api/state", self._guarded(self._state))
        yield web.get("/api/events", self._guarded(self._events), allow_head=False)
        yield web.get("/api/lately", self._guarded(self._lately))
        yield web.post(PREFIX + "{topic:.*}", self._guarded(self.commands.handle))
        yield web.get("/{file:.+}", self._guarded(files.handle))

    def _guarded(self, handler: Handler) -> Handler:
        return guarded(handler, self.tell)

    async def _end(self, app: web.Application) -> None:
        """The listener closes: whoever waits here would hold that up. One that never opened has nobody who waits."""
        if not app[OPENED].is_set():
            return
        self.stream.end()
        self.commands.end()

    async def _state(self, request: web.Request) -> web.Response:
        return _json(state_json(self._seen(sees(request))))

    def _seen(self, seen_by: Callable[[str, bytes], bytes | None]) -> Iterator[tuple[str, bytes]]:
        for topic in self.state.topics():
            if (payload := seen_by(topic, self.state.payload(topic))) is not None:
                yield topic, payload

    async def _events(self, request: web.Request) -> web.StreamResponse:
        return await self.stream.serve(request, sees(request))

    async def _lately(self, request: web.Request) -> web.Response:
        return _json(self.lately.body(sees(request)))


def _json(body: bytes) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(body=body, content_type="application/json", charset="utf-8", headers=headers)
