"""The page's doors: each request passes them before anything answers it (contract, Web page, from "Closed" on).

First whether it is meant for us at all (421), then whether another site sends it (403), then who asks (401, or the
form to sign in), then whether that one may (403).
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web

from shomare_mqtt.web.attempts import Attempts
from shomare_mqtt.web.cookies import cookie_of
from shomare_mqtt.web.forms import Forms
from shomare_mqtt.web.headers import headers_told
from shomare_mqtt.web.login import language_of, login_page
from shomare_mqtt.web.origins import asked_for, forwarded_host, is_known, is_of_another_site
from shomare_mqtt.web.peers import came_by_tls, peer_of, plain_address
from shomare_mqtt.web.permissions import API, Who, needed
from shomare_mqtt.web.sessions import UNUSED, Sessions
from shomare_mqtt.web.visits import VISIT, Visit, visit_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from shomare_mqtt.config import held
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.web.doctoring import Doctoring
    from shomare_mqtt.web.sessions import Session

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_MOST_WAITING = 50
"""Who wait for their passwords to be looked at, which takes half a second each."""
_SIGN_IN = "Sign in first."
_OWNER_ONLY = "A viewer only looks: sign in with the owner's password to do this. Nothing was done."
_MISDIRECTED = (
    "This page is not reached by this name. If it is yours, put it into web.allowed_hosts of the settings; the address "
    "in numbers always works."
)
_ANOTHER_SITE = (
    "Another site sent this. Nothing was done. If it came from this page through a reverse proxy, have that pass on "
    "the header Host, or put the page's name into web.allowed_hosts."
)
_FAULT = "A fault of this program; its log says more.\n"
_HOME_ASSISTANT_ONLY = "Only Home Assistant is let in here."
_TOO_MANY = "Too many sign in at once; try again in a few seconds."


def admits(peer: str | None, settings: held.Web) -> bool:
    """Whether a connection to the ingress comes from Home Assistant. No header tells that."""
    address = plain_address(peer)
    return address is not None and address == plain_address(settings.ingress_peer)


class Doors:
    """Those of the page and of the ingress: shut until `open` was awaited.

    `settings`: `[web]` as it holds now; `directory`: where who is signed in is kept; `tell`: told of faults of ours.
    """

    def __init__(
        self,
        settings: Callable[[], held.Web],
        directory: Path,
        clock: Clock,
        doctoring: Doctoring,
        tell: Callable[[BaseException], object],
    ) -> None:
        self._settings = settings
        self._sessions = Sessions(directory, clock)
        self._attempts = Attempts(clock.monotonic)
        self._forms = Forms()
        self._looking = asyncio.Lock()
        self._waiting = 0
        self._doctoring = doctoring
        self._tell = tell

    @property
    def on_ended(self) -> list[Callable[[Session], object]]:
        """Told of each session that ends: what it listens to has to end with it."""
        return self._sessions.on_ended

    async def open(self) -> None:
        """Hash the passwords, and take up who was signed in; takes a second or two."""
        await self._sessions.load(self._settings())

    def guard(self, app: web.Application, *, is_ingress: bool = False) -> None:
        """Put the doors before an application that has no routes yet, and answer what is theirs."""
        app.middlewares.insert(0, self._ingress_door if is_ingress else self._door)
        app.on_response_prepare.append(headers_told(is_ingress=is_ingress))
        app.router.add_get("/login", self._login_page)
        app.router.add_post("/login", self._login)
        app.router.add_post("/logout", self._logout)
        app.router.add_post("/api/doctor", self._doctor)

    async def in_use(self, request: web.Request) -> None:
        """What listens for long says so now and then, so that its session is not taken for one that nobody uses."""
        session = visit_of(request).session
        if session is not None:
            await self._sessions.use(session)

    # --- the doors --------------------------------------------------------------------------------------------------

    @web.middleware
    async def _door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self._without_faults(self._from_outside(request, handler))

    @web.middleware
    async def _ingress_door(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        return await self._without_faults(self._from_home_assistant(request, handler))

    async def _without_faults(self, answer: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        """What goes wrong here lets nobody in."""
        try:
            return await answer
        except web.HTTPException:
            raise
        except Exception as error:  # noqa: BLE001 - the one place for faults of ours: the daemon goes on
            self._tell(error)
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR, text=_FAULT)

    async def _from_outside(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host, settings = asked_for(request), self._settings()
        if not is_known(host, settings):
            return _refused(request, HTTPStatus.MISDIRECTED_REQUEST, _MISDIRECTED)
        if is_of_another_site(request, settings, [host]):
            return _refused(request, HTTPStatus.FORBIDDEN, _ANOTHER_SITE)
        return await _let_in(request, handler, await self._visit(request))

    async def _from_home_assistant(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Home Assistant signed in who asks; that it is Home Assistant, the connection alone tells."""
        settings = self._settings()
        if not admits(request.remote, settings):
            return _refused(request, HTTPStatus.FORBIDDEN, _HOME_ASSISTANT_ONLY)
        if is_of_another_site(request, settings, [asked_for(request), forwarded_host(request)]):
            return _refused(request, HTTPStatus.FORBIDDEN, _ANOTHER_SITE)
        return await _let_in(request, handler, Visit(Who.OWNER))

    async def _visit(self, request: web.Request) -> Visit:
        if not self._sessions.passwords.are_needed:
            return Visit(Who.OWNER)
        cookie = cookie_of(request, self._cookie)
        session = self._sessions.find(cookie)
        if session is not None:
            await self._sessions.use(session)
            session = self._sessions.find(cookie)  # somebody may have signed out meanwhile
        return Visit(Who.ANYBODY) if session is None else Visit(session.who, session)

    # --- signing in and out -----------------------------------------------------------------------------------------

    @property
    def _cookie(self) -> str:
        """Cookies know no ports: two daemons on one machine must not sign each other out."""
        return f"shomare_session_{self._settings().port}"

    async def _login_page(self, request: web.Request) -> web.Response:
        return self._form(request) if visit_of(request).who is Who.ANYBODY else _see("./")

    async def _login(self, request: web.Request) -> web.Response:
        visit = visit_of(request)
        if visit.session is None and visit.who is Who.OWNER:
            return _see("./")  # nobody has to sign in
        password = await self._forms.password_in(request)
        if self._waiting >= _MOST_WAITING:
            return _refused(request, HTTPStatus.SERVICE_UNAVAILABLE, _TOO_MANY, {"Retry-After": "5"})
        self._waiting += 1
        try:
            return await self._tried(request, password)
        finally:
            self._waiting -= 1

    async def _tried(self, request: web.Request, password: str) -> web.Response:
        """One at a time, so that the sixth of six at once finds five wrong ones before it."""
        address = peer_of(request)
        if wait := self._attempts.wait_of(address):
            return self._form(request, status=HTTPStatus.TOO_MANY_REQUESTS, wait=wait)
        async with self._looking:
            if wait := self._attempts.wait_of(address):
                return self._form(request, status=HTTPStatus.TOO_MANY_REQUESTS, wait=wait)
            who = await self._sessions.passwords.whose(password)
            if who is None:
                self._attempts.wrong(address)
        if who is None:
            return self._form(request, status=HTTPStatus.UNAUTHORIZED)
        return await self._signed_in(request, who)

    async def _signed_in(self, request: web.Request, who: Who) -> web.Response:
        await self._sessions.end(cookie_of(request, self._cookie))
        answer = _see("./")
        answer.set_cookie(self._cookie, await self._sessions.begin(who), max_age=int(UNUSED), **self._marks(request))
        return answer

    async def _logout(self, request: web.Request) -> web.Response:
        await self._sessions.end(cookie_of(request, self._cookie))
        answer = _see("login")
        answer.set_cookie(self._cookie, "", max_age=0, **self._marks(request))
        return answer

    def _marks(self, request: web.Request) -> dict[str, Any]:
        """Without a path a browser takes that of the address it asked, as it is behind a proxy's prefix."""
        url = self._settings().url or ""
        secure = url.lower().startswith("https:") or came_by_tls(request)
        return {"path": "", "httponly": True, "samesite": "Strict", "secure": secure}

    def _form(self, request: web.Request, *, status: int = 200, wait: int = 0) -> web.Response:
        chosen = request.query.get("language", "")
        language = language_of(self._settings().language, chosen, request.headers.get("Accept-Language", ""))
        is_wrong = status == HTTPStatus.UNAUTHORIZED
        text = login_page(language, is_wrong=is_wrong, wait=wait, chosen=chosen == language)
        headers = {"Cache-Control": "no-store", "Vary": "Accept-Language"}
        if wait:
            headers["Retry-After"] = str(wait)
        return web.Response(status=status, text=text, content_type="text/html", headers=headers)

    # --- doctor -----------------------------------------------------------------------------------------------------

    async def _doctor(self, _: web.Request) -> web.Response:
        return web.json_response(await self._doctoring.findings())


async def _let_in(request: web.Request, handler: Handler, visit: Visit) -> web.StreamResponse:
    request[VISIT] = visit
    wanted = needed(request)
    if visit.who >= wanted:
        return await handler(request)
    if visit.who is not Who.ANYBODY:
        return _refused(request, HTTPStatus.FORBIDDEN, _OWNER_ONLY)
    is_page = request.path == "/" and request.method in ("GET", "HEAD")
    return _see("login") if is_page else _refused(request, HTTPStatus.UNAUTHORIZED, _SIGN_IN)


def _refused(
    request: web.Request, status: HTTPStatus, text: str, headers: dict[str, str] | None = None
) -> web.Response:
    """An answer in a sentence. What a client still sends is not waited for."""
    told = {"Cache-Control": "no-store", **(headers or {})}
    if request.path.startswith(API):
        return web.json_response({"error": {"message": text}}, status=status, headers=told)
    return web.Response(status=status, text=f"{text}\n", headers=told)


def _see(address: str) -> web.Response:
    """Have the browser look there, relative to where it is: only it knows the prefix of a proxy."""
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": address, "Cache-Control": "no-store"})
