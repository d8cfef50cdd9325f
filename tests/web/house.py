"""The page's doors before a house with nothing in it, over real connections."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
from aiohttp import web
from yarl import URL

from shomare_mqtt import config
from shomare_mqtt.web.doctoring import Doctoring
from shomare_mqtt.web.doors import Doors
from shomare_mqtt.web.headers import told_always
from shomare_mqtt.web.serving import Rules, listening
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.provider.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

OWNER, VIEWER = "the owner's گذرواژه", "the viewer's"
PASSWORDS: dict[str, Any] = {"password": OWNER, "viewer_password": VIEWER}
INSIDE = "inside"
"""What everything behind the doors answers."""


class Got(NamedTuple):
    """An answer."""

    status: int
    text: str
    headers: Mapping[str, str]
    cookie: str

    @property
    def set_cookie(self) -> str:
        return self.headers.get("Set-Cookie", "")


class House:
    """One that somebody may try to enter."""

    def __init__(self, doors: Doors, port: int, settings: dict[str, Any]) -> None:
        self.doors = doors
        self.port = port
        self.settings = settings

    async def ask(self, path: str, method: str = "GET", cookie: str = "", **rest: Any) -> Got:
        """One request, exactly as it is given: no cookie is kept, no redirect followed."""
        headers = {**rest.pop("headers", {}), **({"Cookie": cookie} if cookie else {})}
        url = URL(f"http://127.0.0.1:{self.port}{path}", encoded=True)
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, url, headers=headers, allow_redirects=False, **rest) as got,
        ):
            given = got.headers.get("Set-Cookie", "").partition(";")[0]
            return Got(got.status, await got.text(), dict(got.headers), given)

    async def send(self, request: bytes) -> bytes:
        """What is written as it stands; everything that comes until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            found = await reader.read()
        writer.close()
        return found

    async def post(self, path: str, cookie: str = "", **rest: Any) -> Got:
        return await self.ask(path, "POST", cookie, **rest)

    async def sign_in(self, password: str = OWNER, **headers: str) -> Got:
        return await self.post("/login", data={"password": password}, headers=headers)


async def _inside(_: web.Request) -> web.Response:
    return web.Response(text=INSIDE)


async def _broken(_: web.Request) -> web.Response:
    raise RuntimeError("in a handler")


def application(doors: Doors, *, is_ingress: bool = False) -> web.Application:
    app = web.Application()
    doors.guard(app, is_ingress=is_ingress)
    app.router.add_get("/api/unlisted", _inside)  # no permission names it
    for path in ("/", "/healthz", "/api/state", "/api/events", "/api/lately", "/{file:.+}"):
        app.router.add_get(path, _inside)
    app.router.add_post("/api/command/{topic:.*}", _inside)
    app.router.add_post("/broken", _broken)
    return app


class _Settings:
    """`[web]`, as a reload may change it."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def __call__(self) -> config.Web:
        return config.GivenSettings.model_validate({"web": {"enabled": True, **self.given}}).web


@asynccontextmanager
async def house(
    directory: Path,
    clock: FakeClock | None = None,
    *,
    doctoring: Doctoring | None = None,
    told: list[BaseException] | None = None,
    is_ingress: bool = False,
    **settings: Any,
) -> AsyncIterator[House]:
    """A house that is open to those of the settings."""
    doors = Doors(
        _Settings(settings),
        directory,
        clock or FakeClock(),
        doctoring or Doctoring(None, str),
        ([] if told is None else told).append,
    )
    await doors.open()
    port = free_port()
    rules = Rules(told=told_always(is_ingress=is_ingress))
    async with listening(application(doors, is_ingress=is_ingress), "127.0.0.1", port, rules):
        yield House(doors, port, settings)


def every_request() -> Iterator[tuple[str, str]]:
    """Methods and paths behind the doors, and what is nowhere."""
    yield from (("GET", path) for path in ("/", "/app.js", "/login.css/../app.js", "/views/buy.js", "/index.html"))
    yield from (("GET", path) for path in ("/api/state", "/api/events", "/api/lately", "/api", "/api/", "/api/nothing"))
    yield from (("GET", path) for path in ("//api/state", "/%61pi/state", "/login/", "/login.css%2f..%2fapp.js"))
    yield from (("HEAD", path) for path in ("/app.js", "/api/state"))
    yield from (("POST", path) for path in ("/api/command/buy", "/api/command/query/profile", "/api/doctor", "/broken"))
    yield from (("POST", path) for path in ("/", "/healthz", "/app.js"))
    yield from ((method, "/api/state") for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"))
