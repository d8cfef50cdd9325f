"""An HTTP server on the daemon's own loop that nobody can use up: few connections, the oldest goes for a new one."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, cast

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from shomare_mqtt.core.clock import Clock

    Connection = web.RequestHandler

LOG = logging.getLogger("shomare_mqtt.web")
MOST_CONNECTIONS = 32
"""Open ones at a time: each takes one of the files that the journal and the provider need as well."""
RETRY = 10.0
"""Seconds between attempts at a port that another program has."""
_KEEPALIVE = 75.0
"""Seconds that a connection may be idle: Prometheus asks once a minute, or more often."""
_ENDING = 1.0
"""Seconds that answers have at an end."""
_NO_REQUEST = "This is no request that can be answered.\n"
_SILENT = logging.getLogger("shomare_mqtt.web.requests")
_SILENT.setLevel(logging.CRITICAL + 1)
"""For aiohttp, which logs a traceback for each request that is no HTTP: anybody could so fill the disk."""


def oldest_goes(inside: Sequence[Connection]) -> None:
    """Where there are too many, whoever has been there longest is cut off."""
    for each in inside[:-MOST_CONNECTIONS]:
        if each.transport is not None:
            each.transport.abort()


class Rules(NamedTuple):
    """Who is let in. `admits`: whether the connection from an address is.

    `make_room`: told who is inside after each that came, the newest last; it cuts off whoever is too many. `told`:
    headers for whoever sent what is no request.
    """

    make_room: Callable[[Sequence[Connection]], None] = oldest_goes
    admits: Callable[[str | None], bool] = lambda _: True
    told: Mapping[str, str] = MappingProxyType({})


_USUAL = Rules()
OPENED = web.AppKey("opened", asyncio.Event)
"""Of an application: set once somebody may have come in. Before that nothing of it is to be ended."""


@asynccontextmanager
async def listening(app: web.Application, host: str | None, port: int, rules: Rules = _USUAL) -> AsyncIterator[None]:
    """Answer at an address (None: all) for as long as the context lasts. Raises OSError where it cannot be had."""
    app[OPENED] = opened = asyncio.Event()
    runner = web.AppRunner(app, shutdown_timeout=_ENDING)
    await runner.setup()
    try:
        handlers = cast("web.Server", runner.server)  # there since the line before
        server = await asyncio.get_running_loop().create_server(lambda: _Visitor(handlers, rules), host, port)
        opened.set()
        try:
            yield
        finally:
            server.close()
    finally:
        await runner.cleanup()


class _Answering(web.RequestHandler):
    """One connection. What is no HTTP reaches no application, and so nothing that an application says of answers."""

    __slots__ = ("_told",)

    def __init__(self, handlers: web.Server, told: Mapping[str, str]) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(handlers, loop=loop, access_log=_SILENT, logger=_SILENT, keepalive_timeout=_KEEPALIVE)
        self._told = told

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to it: aiohttp's, without what that is made of and what was sent."""
        response = super().handle_error(request, status, exc, message)
        if isinstance(response, web.Response) and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            response.text = _NO_REQUEST
        response.headers.update({"Server": "shomare-mqtt", **self._told})
        return response


class _Visitor(asyncio.Protocol):
    """Somebody who is about to be let in.

    Only then is it known how many there are: a hundred that come at once are accepted before the first is counted.
    """

    def __init__(self, handlers: web.Server, rules: Rules) -> None:
        self._handlers = handlers
        self._rules = rules

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let aiohttp go on with it, unless the rules say no; where there are too many, they say who goes."""
        peer = transport.get_extra_info("peername")
        if not self._rules.admits(peer[0] if peer else None):
            cast("asyncio.Transport", transport).abort()
            return
        handler = _Answering(self._handlers, self._rules.told)
        cast("asyncio.Transport", transport).set_protocol(handler)
        handler.connection_made(transport)
        connections = self._handlers.connections
        self._rules.make_room([c for c in connections if c.transport is not None and not c.transport.is_closing()])


async def serve(
    app: Callable[[], web.Application],
    key: str,
    host: str | None,
    port: int,
    clock: Clock,
    rules: Rules = _USUAL,
) -> None:
    """Answer for ever. An address that cannot be had is tried again and again: buying goes on without it.

    `key` is that of the port in the settings, `app` makes an application, once for each attempt. `host` None: on all
    addresses.
    """
    what, where = key.partition(".")[0], host or "all addresses"
    said = False
    while True:
        try:
            async with listening(app(), host, port, rules):
                LOG.info("%s: listening on %s, port %d", what, where, port)
                await _for_ever()
        except OSError as error:
            if not said:
                said = True
                LOG.error(  # noqa: TRY400 - no traceback
                    "%s: port %d of %s cannot be listened on: %s. All else goes on, and it is tried again every %.0f "
                    "seconds; set another %s, or end the program that has this one",
                    what, port, where, error.strerror or error, RETRY, key,
                )  # fmt: skip
        await clock.sleep(RETRY)


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def guarded(
    answer: Callable[[web.Request], Awaitable[web.StreamResponse]], tell: Callable[[BaseException], object]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A handler whose faults are told, and answered with 500."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await answer(request)
        except Exception as error:  # noqa: BLE001 - the one place for faults of ours: the daemon goes on
            tell(error)
            return web.Response(status=500, text="a fault of this program; its log says more\n")

    return handle
