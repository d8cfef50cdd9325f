"""Server-sent events over real connections: the state first, then what is new, as fast as each page reads."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from shomare_mqtt.web import stream
from shomare_mqtt.web.serving import listening
from shomare_mqtt.web.stream import Stream
from tests.mosquitto import free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    import pytest


def everything(_topic: str, payload: bytes) -> bytes | None:
    return payload


def less(topic: str, payload: bytes) -> bytes | None:
    """A viewer: `code` and `orders` not at all, of the rest as much as there is."""
    return None if topic in ("code", "orders") else payload.replace(b"secret", b"***")


class State(dict[str, bytes]):
    """Topics and what they hold."""

    made = 0

    def topics(self) -> list[str]:
        return [topic for topic, payload in self.items() if payload]

    def payload(self, topic: str) -> bytes:
        self.made += 1
        return self.get(topic, b"")


class Hall:
    """The stream, and what listens to it."""

    def __init__(self, **state: bytes) -> None:
        self.state = State({topic.replace("_", "/"): payload for topic, payload in state.items()})
        self.used: list[web.Request] = []
        self.stream = Stream(self.state, self._in_use)
        self.port = free_port()
        self.deaf_ones: list[asyncio.StreamWriter] = []

    async def _in_use(self, request: web.Request) -> None:
        self.used.append(request)

    def put(self, topic: str, payload: bytes) -> None:
        self.state[topic] = payload
        self.stream.changed(topic)

    def application(self) -> web.Application:
        async def events(request: web.Request) -> web.StreamResponse:
            return await self.stream.serve(request, less if "less" in request.query else everything)

        async def end(_: web.Application) -> None:
            self.stream.end()

        app = web.Application()
        app.router.add_get("/", events)
        app.on_shutdown.append(end)
        return app

    async def deaf(self) -> asyncio.StreamWriter:
        """A page that reads nothing."""
        before = self.stream.count
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        self.deaf_ones.append(writer)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: self.stream.count == before + 1)
        return writer


class Ear:
    """A page that reads."""

    def __init__(self, session: aiohttp.ClientSession, port: int, query: str = "") -> None:
        self.told: list[Any] = []
        self.comments: list[str] = []
        self.ended = False
        self.news = asyncio.Event()
        self._task = asyncio.create_task(self._listen(session, f"http://127.0.0.1:{port}/{query}"))

    async def _listen(self, session: aiohttp.ClientSession, url: str) -> None:
        async with session.get(url) as got:
            self.status, self.headers = got.status, got.headers
            async for line in got.content:
                text = line.decode().rstrip("\n")
                if text.startswith("data: "):
                    self.told.append(json.loads(text[6:]))
                elif text:
                    self.comments.append(text)
                self.news.set()
        self.ended = True
        self.news.set()

    async def until(self, so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not so():
                self.news.clear()
                await self.news.wait()

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def hall(**state: bytes) -> AsyncIterator[tuple[Hall, Callable[..., Ear]]]:
    made = Hall(**state)
    ears: list[Ear] = []
    endless = aiohttp.ClientTimeout(None)
    async with (
        listening(made.application(), "127.0.0.1", made.port),
        aiohttp.ClientSession(timeout=endless, read_bufsize=1 << 22) as session,
    ):

        def ear(query: str = "") -> Ear:
            ears.append(Ear(session, made.port, query))
            return ears[-1]

        yield made, ear
        for each in ears:
            await each.close()
        for writer in made.deaf_ones:
            writer.transport.abort()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.001)


def told(topic: str, payload: Any, *, retained: bool = True) -> dict[str, Any]:
    return {"topic": topic, "payload": payload, "retained": retained}


async def test_state_first_then_changes_and_events_in_their_order() -> None:
    async with hall(bridge_state=b"online", current=b'{"state":"none"}', gone=b"") as (made, ear):
        page = ear()
        await page.until(lambda: len(page.told) == 2)
        assert page.told == [told("bridge/state", "online"), told("current", {"state": "none"})]
        assert page.comments == ["retry: 2000"]
        assert page.headers["Content-Type"].startswith("text/event-stream")
        made.put("buying", b"off")
        made.stream.happened("event/order", b'{"event_type":"waiting"}')
        made.put("current", b"")
        made.stream.happened("code", b"123456")
        await page.until(lambda: len(page.told) == 6)
        assert page.told[2:] == [
            told("buying", "off"),
            told("event/order", {"event_type": "waiting"}, retained=False),
            told("current", None),
            told("code", "123456", retained=False),
        ]


async def test_of_a_topic_the_newest_of_events_each() -> None:
    async with hall(buying=b"on") as (made, ear):
        page = ear()
        await page.until(lambda: len(page.told) == 1)
        for number in range(100):
            made.put("profile/balance", str(number).encode())
            made.stream.happened("event/bridge", b'{"n":%d}' % number)
        await page.until(lambda: len(page.told) >= 102)
        assert [each["payload"]["n"] for each in page.told if not each["retained"]] == list(range(100))
        assert [each["payload"] for each in page.told if each["topic"] == "profile/balance"] == ["99"]


async def test_each_sees_what_it_may() -> None:
    async with hall(profile=b'{"a":"secret"}', orders=b"[]") as (made, ear):
        owner, viewer = ear(), ear("?less")
        await owner.until(lambda: len(owner.told) == 2)
        made.stream.happened("code", b"123456")
        made.put("orders", b'["secret"]')
        made.stream.happened("event/bridge", b'{"message":"secret"}')
        await owner.until(lambda: len(owner.told) == 5)
        await viewer.until(lambda: len(viewer.told) == 2)
        assert viewer.told == [told("profile", {"a": "***"}), told("event/bridge", {"message": "***"}, retained=False)]
        assert owner.told[1:4] == [
            told("orders", []),
            told("code", "123456", retained=False),
            told("orders", ["secret"]),
        ]


async def test_what_was_made_for_one_page_is_made_once_and_never_old() -> None:
    """Also for one that comes after everybody else has gone, and something changed meanwhile."""
    async with hall(orders=b'["first"]') as (made, ear):
        pages = [ear() for _ in range(5)]
        for page in pages:
            await page.until(lambda page=page: len(page.told) == 1)  # type: ignore[misc]
        assert made.state.made == 1
        for page in pages:
            await page.close()
        await until(lambda: made.stream._gone_are_forgotten(everything) and made.stream.count == 0)
        made.put("orders", b'["second"]')
        late = ear()
        await late.until(lambda: len(late.told) == 1)
        assert late.told == [told("orders", ["second"])]


async def test_a_long_topic_rests_and_its_last_word_is_told() -> None:
    async with hall(orders=b"[]") as (made, ear):
        page = ear()
        await page.until(lambda: len(page.told) == 1)
        for number in range(50):
            made.put("orders", json.dumps([number, "x" * 200_000]).encode())
            await asyncio.sleep(0.001)
        await page.until(lambda: page.told[-1]["payload"][:1] == [49])
        assert len(page.told) < 30


async def test_a_comment_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "COMMENT_EVERY", 0.01)
    async with hall(buying=b"on") as (made, ear):
        page = ear()
        await page.until(lambda: page.comments.count(": ") == 3)
        assert len(made.used) >= 2, "whoever listens uses its session"


async def test_one_that_reads_nothing_is_cut_off_once_too_much_waits_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STALLED", 10 * PATIENCE)
    async with hall(orders=json.dumps(["x" * 6_000_000]).encode()) as (made, ear):
        await made.deaf()
        page = ear()
        await page.until(lambda: len(page.told) == 1)
        event = json.dumps({"message": "x" * 10_000}).encode()
        for number in range(60):
            made.stream.happened("event/bridge", event)
            await page.until(lambda n=number: len(page.told) == 2 + n)  # type: ignore[misc]
        await until(lambda: made.stream.count == 1)
        made.put("buying", b"on")
        await page.until(lambda: page.told[-1] == told("buying", "on"))


async def test_one_that_reads_is_not_cut_off_however_much_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest between two sendings, which grows with the pages that are open, ends where much waits."""
    monkeypatch.setattr(stream, "_APART", 10 * PATIENCE)
    async with hall(buying=b"on") as (made, ear):
        page = ear()
        await page.until(lambda: len(page.told) == 1)
        for number in range(100):
            made.stream.happened("event/bridge", json.dumps({"n": number, "message": "x" * 10_000}).encode())
            await page.until(lambda n=number: page.ended or len(page.told) > n - 7)  # type: ignore[misc]
            assert not page.ended
        told_of = [each["payload"]["n"] for each in page.told[1:]]
        assert told_of == list(range(len(told_of)))
        assert len(told_of) > 90


async def test_one_that_takes_nothing_for_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "STALLED", 0.05)
    async with hall(orders=json.dumps(["x" * 6_000_000]).encode()) as (made, _):
        await made.deaf()
        await until(lambda: made.stream.count == 0)


async def test_more_than_so_many_are_told_to_come_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are gone count no more, and none that listens is put out for a new one."""
    monkeypatch.setattr(stream, "MOST_READERS", 2)
    async with hall(buying=b"on") as (made, ear):
        first, gone = ear(), ear()
        for page in (first, gone):
            await page.until(lambda page=page: len(page.told) == 1)  # type: ignore[misc]
        third = ear()
        await third.until(lambda: third.ended)
        assert (third.status, third.headers["Retry-After"]) == (503, "10")
        await gone.close()
        await until(lambda: any(reader.is_gone for reader in made.stream._readers) or made.stream.count == 1)
        fourth = ear()
        await fourth.until(lambda: len(fourth.told) == 1)
        made.put("buying", b"off")
        await first.until(lambda: first.told[-1] == told("buying", "off"))


async def test_viewers_take_no_owners_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MOST_READERS", 1)
    async with hall(buying=b"on") as (_, ear):
        for page in (ear(), ear("?less")):
            await page.until(lambda page=page: len(page.told) == 1)  # type: ignore[misc]
        late = ear("?less")
        await late.until(lambda: late.ended)
        assert late.status == 503


async def test_it_ends_for_those_who_are_signed_out_and_for_all_at_the_end() -> None:
    async with hall(buying=b"on") as (made, ear):
        stays, goes = ear(), ear("?less")
        for page in (stays, goes):
            await page.until(lambda page=page: len(page.told) == 1)  # type: ignore[misc]
        made.stream.end(lambda request: "less" in request.query)
        await goes.until(lambda: goes.ended)
        assert not stays.ended
        made.stream.end()
        await stays.until(lambda: stays.ended)
        assert made.stream.count == 0
