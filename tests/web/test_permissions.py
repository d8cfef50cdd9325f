"""Who may do what: one table, of the routes that there are and of no others."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request

from shomare_mqtt.web import passwords
from shomare_mqtt.web.crowd import Crowd
from shomare_mqtt.web.files import FOLDER
from shomare_mqtt.web.pages import Pages
from shomare_mqtt.web.peers import came_by_tls, peer_of
from shomare_mqtt.web.permissions import OPEN_FILES, PERMISSIONS, Who
from shomare_mqtt.web.serving import listening
from tests.mosquitto import free_port
from tests.web.house import PASSWORDS, VIEWER, house

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web


async def test_the_table_is_of_the_routes_that_there_are(tmp_path: Path) -> None:
    async with house(tmp_path) as page:
        parts = dict.fromkeys(inspect.signature(Pages).parameters) | {"files": {}, "crowd": Crowd()}
        parts |= {"commands": _Commands(), "healthz": _Commands.handle}
        app = Pages(**parts).application(page.doors.guard)  # type: ignore[arg-type]  # nothing of it is asked
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    assert {route for route in routes if route[0] != "HEAD"} == PERMISSIONS.keys()


async def test_a_listener_that_cannot_be_opened_ends_nothing_of_the_other(tmp_path: Path) -> None:
    """The ingress' port may be another program's: it is tried again for ever, and who waits at the page's stays."""
    ended: list[str] = []
    async with house(tmp_path) as page:
        parts = dict.fromkeys(inspect.signature(Pages).parameters) | {"files": {}, "crowd": Crowd()}
        parts |= {"commands": _Commands(ended), "healthz": _Commands.handle, "stream": _Commands(ended)}
        pages = Pages(**parts)  # type: ignore[arg-type]  # nothing of it is asked
        with pytest.raises(OSError, match="in use"):
            async with listening(pages.application(page.doors.guard), "127.0.0.1", page.port):
                raise NotImplementedError
        assert not ended
        async with listening(pages.application(page.doors.guard), "127.0.0.1", free_port()):
            pass
        assert ended == ["ended", "ended"]


class _Commands:
    def __init__(self, ended: list[str] | None = None) -> None:
        self._ended = ended

    def end(self) -> None:
        assert self._ended is not None
        self._ended.append("ended")

    async def handle(self, _: web.Request) -> web.Response:
        raise NotImplementedError


def test_whoever_did_not_sign_in_may_this_and_nothing_else() -> None:
    anybody = {route for route, who in PERMISSIONS.items() if who is Who.ANYBODY}
    assert anybody == {("GET", "/healthz"), ("GET", "/login"), ("POST", "/login"), ("POST", "/logout")}
    assert {"login.css", "icon.svg"} == OPEN_FILES
    assert all((FOLDER / name).is_file() for name in OPEN_FILES)


def test_only_the_owner_sends() -> None:
    others = {route for route, who in PERMISSIONS.items() if who is not Who.OWNER}
    assert {route for route in others if route[0] != "GET"} == {("POST", "/login"), ("POST", "/logout")}


async def test_what_the_table_does_not_name_is_the_owners(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passwords.COST, "n", 2)
    unnamed = (("GET", "/api/unlisted", 200), ("POST", "/broken", 500), ("POST", "/nowhere", 405))
    async with house(tmp_path, **PASSWORDS) as page:
        owner, viewer = (await page.sign_in()).cookie, (await page.sign_in(VIEWER)).cookie
        for method, path, status in unnamed:
            assert (await page.ask(path, method, viewer)).status == 403
            assert (await page.ask(path, method, owner)).status == status


class _Transport:
    def __init__(self, peer: str | None) -> None:
        self._peer = peer

    def get_extra_info(self, name: str, default: object = None) -> object:
        return (self._peer, 4711) if name == "peername" and self._peer else default


@pytest.mark.parametrize(
    ("peer", "forwarded", "counted"),
    [
        ("203.0.113.5", [], "203.0.113.5"),
        ("203.0.113.5", ["198.51.100.1"], "203.0.113.5"),  # no proxy of ours: what it says counts nothing
        ("192.168.1.1", ["198.51.100.1"], "192.168.1.1"),
        ("::ffff:203.0.113.5", ["198.51.100.1"], "203.0.113.5"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("127.0.0.1", [], "127.0.0.1"),
        ("127.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("::1", ["198.51.100.1, 203.0.113.5"], "203.0.113.5"),
        ("127.0.0.1", ["198.51.100.1", "203.0.113.5"], "203.0.113.5"),
        ("::ffff:127.0.0.1", ["203.0.113.5, 127.0.0.1, ::1"], "203.0.113.5"),
        ("127.0.0.1", ["203.0.113.5, unknown"], "127.0.0.1"),
        ("127.0.0.1", ["203.0.113.5:80"], "127.0.0.1"),
        ("127.0.0.1", [""], "127.0.0.1"),
        (None, ["203.0.113.5"], "unknown"),
    ],
)
def test_whom_wrong_passwords_are_counted_of(peer: str | None, forwarded: list[str], counted: str) -> None:
    request = _request(peer, [("X-Forwarded-For", each) for each in forwarded])
    assert peer_of(request) == counted


@pytest.mark.parametrize(
    ("peer", "said", "by_tls"),
    [
        ("127.0.0.1", "https", True),
        ("::1", "HTTPS", True),
        ("203.0.113.5", "https", False),
        ("127.0.0.1", "http", False),
    ],
)
def test_only_a_proxy_on_this_machine_says_that_there_is_tls(peer: str, said: str, by_tls: bool) -> None:
    assert came_by_tls(_request(peer, [("X-Forwarded-Proto", said)])) is by_tls


def _request(peer: str | None, headers: list[tuple[str, str]]) -> web.Request:
    from multidict import CIMultiDict  # noqa: PLC0415 - aiohttp's own

    return make_mocked_request("GET", "/", CIMultiDict(headers), transport=_Transport(peer))
