"""The page of a running daemon, tried from outside: closed unless told, a viewer, other sites, ingress.

Each sentence of the contract's section "Web page" from "Closed unless told" on, over real connections.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

pytestmark = pytest.mark.mosquitto

OWNER, VIEWER = "the owner's own words", "whoever may look"
CODE, TEXT = "482913", "Your Telegram code is 482913"


class Visitor:
    """Somebody at a daemon's page. `cookie` is kept as a browser keeps it; nothing else is."""

    def __init__(self, port: int, address: str = "127.0.0.1", come_from: str = "127.0.0.1") -> None:
        self.url = f"http://{address}:{port}"
        self.cookie = ""
        self._come_from = come_from

    @asynccontextmanager
    async def asking(self, path: str, method: str = "GET", **more: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        headers = {**more.pop("headers", {}), **({"Cookie": self.cookie} if self.cookie else {})}
        connector = aiohttp.TCPConnector(local_addr=(self._come_from, 0))
        async with (
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(method, f"{self.url}/{path}", headers=headers, allow_redirects=False, **more) as got,
        ):
            yield got

    async def status(self, path: str, method: str = "GET", **more: Any) -> int:
        async with self.asking(path, method, **more) as got:
            return got.status

    async def json(self, path: str, method: str = "GET", **more: Any) -> Any:
        async with self.asking(path, method, **more) as got:
            assert got.status == 200, await got.text()
            return json.loads(await got.read())

    async def command(self, topic: str, payload: Mapping[str, Any]) -> Any:
        return await self.json(f"api/command/{topic}", "POST", data=json.dumps(payload).encode())

    async def sign_in(self, password: str) -> int:
        async with self.asking("login", "POST", data={"password": password}) as got:
            self.cookie = got.headers.get("Set-Cookie", self.cookie).partition(";")[0]
            return got.status

    async def listens(self) -> None:
        """Returns once somebody does at the port."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    await self.status("healthz")
                    return
                await asyncio.sleep(0.05)


class Listening:
    """What a visitor hears."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response
        self.heard: list[dict[str, Any]] = []
        self.whole = ""

    async def holds(self, topic: str, what: Callable[[Any], bool]) -> Any:
        """A state, whether it was heard by now or comes: it may come before or after the events of the same moment."""
        told = [event["payload"] for event in self.heard if event["topic"] == topic]
        return told[-1] if told and what(told[-1]) else await self.until(topic, what)

    async def until(self, topic: str, what: Callable[[Any], bool] = lambda _: True) -> Any:
        async with asyncio.timeout(PATIENCE):
            async for line in self._response.content:
                self.whole += line.decode()
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    self.heard.append(event)
                    if event["topic"] == topic and what(event["payload"]):
                        return event["payload"]
        raise AssertionError(f"the stream ended before {topic}")

    async def end(self) -> None:
        """Returns once it has ended, from the other side."""
        async with asyncio.timeout(PATIENCE):
            with suppress(aiohttp.ClientConnectionError):
                while line := await self._response.content.readline():
                    self.whole += line.decode()


class Open:
    """A house with a page."""

    def __init__(self, house: House, **web: Any) -> None:
        self.house, self.port = house, free_port()
        self.settings = {"web": {"enabled": True, "port": self.port, **web}}

    async def start(self) -> None:
        await self.house.start(self.settings)
        await self.visitor().listens()

    def visitor(self) -> Visitor:
        return Visitor(self.port)

    async def signed_in(self, password: str) -> Visitor:
        visitor = self.visitor()
        assert await visitor.sign_in(password) == 303
        return visitor


@pytest.fixture
async def page(open_house: Callable[..., Awaitable[House]]) -> Open:
    page = Open(await open_house(), password=OWNER, viewer_password=VIEWER)
    await page.start()
    return page


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
async def test_no_page_for_others_without_a_password(open_house: Callable[..., Awaitable[House]], host: str) -> None:
    house = await open_house()
    daemon = await house.launch({"web": {"enabled": True, "host": host}})
    assert await daemon.ended() == 78
    assert "web.password: is missing" in daemon.log
    daemon = await house.launch({"web": {"viewer_password": VIEWER}})
    assert await daemon.ended() == 78
    assert "web.viewer_password: needs web.password" in daemon.log
    assert VIEWER not in daemon.log


async def test_a_stranger_gets_nothing(page: Open) -> None:
    stranger = page.visitor()
    await page.house.buy()
    async with stranger.asking("") as got:
        assert (got.status, got.headers["Location"]) == (303, "login")
    for path in ("api/state", "api/events", "api/lately", "api/nothing", "index.html", "app.js", "style.css", "x"):
        async with stranger.asking(path) as got:
            assert got.status == 401
            assert len(await got.read()) < 200
    for path in ("api/command/buy", "api/command/query/orders", "api/doctor", "x"):
        assert await stranger.status(path, "POST", data=json.dumps(PRODUCT)) == 401
    for path in ("login", "login.css", "icon.svg", "healthz"):
        assert await stranger.status(path) == 200
    async with stranger.asking("", "STEAL") as got:  # no such method: no application hears of it
        assert (got.status, "frame-ancestors 'none'" in got.headers["Content-Security-Policy"]) == (400, True)
    assert len(page.house.bought()) == 1


async def test_the_owner_buys_and_a_viewer_only_looks(page: Open) -> None:
    owner, viewer = await page.signed_in(OWNER), await page.signed_in(VIEWER)
    async with viewer.asking("api/events") as got, owner.asking("api/events") as owners:
        hears, owner_hears = Listening(got), Listening(owners)
        await hears.until("bridge/state")
        await owner_hears.until("bridge/state")
        assert await viewer.status("api/command/buy", "POST", data=json.dumps(PRODUCT)) == 403
        assert await viewer.status("api/command/query/orders", "POST", data="{}") == 403
        assert await viewer.status("api/doctor", "POST") == 403
        assert page.house.bought() == []
        answer = await owner.command("buy", {**PRODUCT, "transaction": "t-1"})
        order = answer["data"]
        phone = order["phone"]
        page.house.sim.deliver_sms(order["purchase"], text=TEXT, code=CODE)
        sms = await hears.until("event/sms")
        assert (sms["code"], sms["text"], sms["phone"][-2:]) == ("***", "***", phone[-2:])
        assert (await owner_hears.until("event/sms"))["code"] == CODE
        await hears.holds("current", lambda current: current["sms_count"] == 1)
        await viewer.status("api/state")
    state = await viewer.json("api/state")
    assert state["current"]["phone"].lstrip("+*") == phone[-2:]
    assert (await owner.json("api/state"))["current"]["phone"] == phone
    assert (await owner.command("query/orders", {}))["data"][0]["sms"][0]["code"] == CODE
    lately = await viewer.json("api/lately")
    for told in (json.dumps(state), hears.whole, json.dumps(lately)):
        for secret in (CODE, TEXT, phone, phone[1:], phone[-7:]):
            assert secret not in told
    assert not [event for event in hears.heard if event["topic"] == "code"]


async def test_nobody_hears_on_after_signing_out(page: Open) -> None:
    first, second = await page.signed_in(OWNER), await page.signed_in(OWNER)
    async with first.asking("api/events") as got, second.asking("api/events") as others:
        hears, goes_on = Listening(got), Listening(others)
        await hears.until("bridge/state")
        await goes_on.until("bridge/state")
        assert await first.status("logout", "POST") == 303
        await hears.end()
        order = await page.house.buy()
        await goes_on.holds("current", lambda current: current.get("order") == order["order"])
        assert order["order"] not in hears.whole
    assert await first.status("api/state") == 401
    assert await second.status("api/state") == 200


async def test_a_session_outlives_a_restart_and_no_other_password(page: Open) -> None:
    owner, viewer = await page.signed_in(OWNER), await page.signed_in(VIEWER)
    await page.house.again(number=signal.SIGKILL)
    await owner.listens()
    assert await owner.status("api/state") == 200
    assert await viewer.status("api/state") == 200
    daemon = page.house.daemons[-1]
    async with owner.asking("api/events") as got:
        hears = Listening(got)
        await hears.until("bridge/state")
        changed = {"web": {**page.settings["web"], "password": "another one"}}
        page.house.file(changed)
        daemon.process.send_signal(signal.SIGHUP)
        await hears.end()
    await daemon.said("web.password is another now; the daemon connects anew")
    await owner.listens()
    assert await owner.status("api/state") == 401
    assert await viewer.status("api/state") == 200
    assert await page.visitor().sign_in(OWNER) == 401
    assert await page.visitor().sign_in("another one") == 303
    for secret in (OWNER, VIEWER, "another one", owner.cookie.partition("=")[2]):
        assert secret not in daemon.log
    state = page.house.folder / "state"
    for file in state.iterdir():
        for secret in (OWNER, "another one", owner.cookie.partition("=")[2]):
            assert not file.is_file() or secret.encode() not in file.read_bytes()


async def test_five_wrong_passwords(page: Open) -> None:
    inside, outside = await page.signed_in(OWNER), page.visitor()
    assert [await outside.sign_in("a guess") for _ in range(5)] == [401] * 5
    async with outside.asking("login", "POST", data={"password": OWNER}) as got:
        assert got.status == 429
        assert 0 < int(got.headers["Retry-After"]) <= 60
        assert "Set-Cookie" not in got.headers
    assert await inside.status("api/state") == 200
    proxied = {"X-Forwarded-For": "203.0.113.9"}
    assert await outside.status("login", "POST", data={"password": OWNER}, headers=proxied) == 303


async def test_other_sites_cannot_use_it(open_house: Callable[..., Awaitable[House]]) -> None:
    page = Open(await open_house(), allowed_hosts=["page.example"])
    await page.start()
    anyone, data = page.visitor(), json.dumps(PRODUCT)
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{page.port}"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ):
        assert await anyone.status("api/command/buy", "POST", data=data, headers=headers) == 403
    for host in ("evil.example", f"evil.example:{page.port}"):
        assert await anyone.status("api/state", headers={"Host": host}) == 421
        assert await anyone.status("api/command/buy", "POST", data=data, headers={"Host": host}) == 421
    assert page.house.bought() == []
    for named in (f"127.0.0.1:{page.port}", "page.example", socket.gethostname(), "192.0.2.7", "localhost"):
        ours = {"Host": named, "Origin": f"http://{named}", "Sec-Fetch-Site": "same-origin"}
        assert await anyone.status("api/command/query/orders", "POST", data="{}", headers=ours) == 200
    async with anyone.asking("", headers={"Origin": "https://evil.example"}) as got:
        headers = dict(got.headers)
    assert not [name for name in headers if name.startswith("Access-Control-")]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_only_home_assistant_comes_in_at_the_ingress(open_house: Callable[..., Awaitable[House]]) -> None:
    ingress = free_port()
    page = Open(await open_house(), password=OWNER, ingress_port=ingress, ingress_peer="127.0.0.2")
    await page.start()
    peer = Visitor(ingress, come_from="127.0.0.2")
    await peer.listens()
    async with peer.asking("", headers={"Host": "ha.example:8123"}) as got:
        assert got.status == 200
        assert "frame-ancestors 'self'" in got.headers["Content-Security-Policy"]
    async with peer.asking("", "STEAL") as got:
        assert (got.status, "frame-ancestors 'self'" in got.headers["Content-Security-Policy"]) == (400, True)
    assert (await peer.command("buy", PRODUCT))["status"] == "ok"
    forged = {"X-Forwarded-For": "127.0.0.2", "X-Real-IP": "127.0.0.2", "X-Remote-User-Id": "admin"}
    for other in (Visitor(ingress), Visitor(ingress, come_from="127.0.0.3")):
        with pytest.raises(aiohttp.ClientConnectionError):
            await other.status("", headers=forged)
    assert await page.visitor().status("api/state", headers=forged) == 401
    assert len(page.house.bought()) == 1


async def test_doctor_looks_and_shows_no_secret(page: Open) -> None:
    owner = await page.signed_in(OWNER)
    found = await owner.json("api/doctor", "POST")
    assert {"web page", "broker", "provider", "daemon"} <= {finding["name"] for finding in found["findings"]}
    assert isinstance(found["ok"], bool)
    for secret in (OWNER, VIEWER, owner.cookie.partition("=")[2]):
        assert secret not in json.dumps(found)
