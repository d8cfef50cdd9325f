"""Commands that the page sends: what is given to the desk, and what is answered where nobody has it."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from shomare_mqtt import topics
from shomare_mqtt.web import commands
from shomare_mqtt.web.commands import Commands, command_of
from shomare_mqtt.web.serving import listening
from tests.mosquitto import free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shomare_mqtt.model import Asker


@pytest.mark.parametrize(
    "topic", ["buy", "cancel", "resolve", "buying/set", "defaults/country/set", "query/prices/7/1"]
)
def test_every_command_has_its_address(topic: str) -> None:
    assert command_of(f"/api/command/{topic}") == topic
    assert any(topics.matches(each, topic) for each in topics.SUBSCRIPTIONS)


@pytest.mark.parametrize(
    ("path", "topic"),
    [
        ("%62uy", "buy"),
        ("query%2Fprofile", "query/profile"),
        ("query/check/a%252Fb", "query/check/a%2Fb"),
        ("query/check/%D8%A7", "query/check/ا"),
        ("query/check/a+b", None),
        ("query/%23", None),
        ("buy%00", None),
        ("query/%FF", None),
        ("buy/", None),
        ("Buy", None),
        ("api/command/buy", None),
        ("", None),
    ],
)
def test_the_path_is_decoded_once(path: str, topic: str | None) -> None:
    assert command_of(f"/api/command/{path}") == topic


class Desk:
    """Takes commands, and answers those that say so with what they are."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.askers: list[Asker] = []
        self.news = asyncio.Event()

    def __call__(self, topic: str, payload: bytes, asker: Asker) -> None:
        self.taken.append((topic, payload))
        self.askers.append(asker)
        if payload != b"later":
            asker(b'{"status":"ok"}')
        self.news.set()


@asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[tuple[Commands, int]]:
    made, port = Commands(desk), free_port()
    app = web.Application(client_max_size=commands.MOST_BYTES + 1)
    app.router.add_post("/api/command/{topic:.*}", made.handle)
    async with listening(app, "127.0.0.1", port):
        yield made, port


async def _in_parts(size: int) -> AsyncIterator[bytes]:
    """A body whose length nobody says before."""
    yield bytes(size)


async def ask(port: int, topic: str, body: bytes | AsyncIterator[bytes]) -> tuple[int, str]:
    url = f"http://127.0.0.1:{port}/api/command/{topic}"
    async with aiohttp.ClientSession() as session, session.post(url, data=body) as got:
        assert got.headers["Cache-Control"] == "no-store"
        assert got.content_type == "application/json"
        return got.status, await got.text()


async def test_it_is_given_as_it_came_and_answered_as_it_was(caplog: pytest.LogCaptureFixture) -> None:
    desk = Desk()
    async with served(desk) as (_, port):
        assert await ask(port, "buy", b"\xff\x00 anything") == (200, '{"status":"ok"}')
        assert (await ask(port, "nothing", b""))[0] == 404
        assert (await ask(port, "buy", bytes(65537)))[0] == 413
        assert (await ask(port, "buy", _in_parts(65537)))[0] == 413
    assert desk.taken == [("buy", b"\xff\x00 anything")]
    assert not caplog.records


async def test_who_waits_at_the_end_is_told_to_ask_again() -> None:
    desk = Desk()
    async with served(desk) as (made, port):
        asking = [asyncio.create_task(ask(port, "buy", b"later")) for _ in range(2)]
        async with asyncio.timeout(PATIENCE):
            while len(desk.askers) < 2:
                desk.news.clear()
                await desk.news.wait()
        desk.askers[0](b'{"status":"ok"}')
        made.end()
        desk.askers[0](b"a second answer")
        desk.askers[1](b"too late")
        answers = [await each for each in asking]
    assert sorted(status for status, _ in answers) == [200, 503]
    message = json.loads(next(text for status, text in answers if status == 503))["error"]["message"]
    assert "ask again with the same transaction" in message


async def test_a_command_that_does_not_come_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "BODY_WITHIN", 0.01)
    desk = Desk()
    async with served(desk) as (_, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/command/buy HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n{}")
        async with asyncio.timeout(PATIENCE):
            assert (await reader.readline()).split()[1] == b"408"
        writer.close()
        await writer.wait_closed()
    assert desk.taken == []
