"""How many connections the page has, over real ones: none that works is cut off for a new one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from shomare_mqtt.web import crowd
from shomare_mqtt.web.crowd import Crowd
from shomare_mqtt.web.serving import Rules, listening
from tests.mosquitto import free_port
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ASKED = b"GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n"
Visitor = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class House:
    """Answers `/` at once, and `/long` once it is let go."""

    def __init__(self) -> None:
        self.port = free_port()
        self.crowd = Crowd()
        self.go_on = asyncio.Event()
        self.at_work = asyncio.Semaphore(0)
        self.visitors: list[Visitor] = []

    def application(self) -> web.Application:
        async def short(_: web.Request) -> web.Response:
            return web.Response(text="short")

        async def long(_: web.Request) -> web.Response:
            self.at_work.release()
            await self.go_on.wait()
            return web.Response(text="long")

        app = web.Application(middlewares=[self.crowd.counted])
        app.router.add_get("/", short)
        app.router.add_get("/long", long)
        return app

    async def visitor(self, path: bytes = b"") -> Visitor:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.visitors.append((reader, writer))
        if path:
            writer.write(ASKED % path)
        if path == b"/long":
            await self.at_work.acquire()
        elif path:
            await answered(reader, b"short")
        return reader, writer

    async def close(self) -> None:
        for _, writer in self.visitors:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


async def answered(reader: asyncio.StreamReader, text: bytes) -> None:
    async with asyncio.timeout(PATIENCE):
        await reader.readuntil(text)


async def is_cut_off(visitor: Visitor) -> bool:
    """Waits for the end of the connection."""
    async with asyncio.timeout(PATIENCE):
        try:
            return await visitor[0].read() == b""
        except ConnectionError:
            return True


@pytest.fixture
async def house(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setattr(crowd, "MOST_CONNECTIONS", 3)
    house = House()
    async with listening(house.application(), "127.0.0.1", house.port, Rules(house.crowd.make_room)):
        yield house
        house.go_on.set()
        await house.close()


async def test_who_does_nothing_goes_longest_there_first(house: House) -> None:
    working = await house.visitor(b"/long")
    idle, half = await house.visitor(b"/"), await house.visitor()
    half[1].write(b"GET / HT")
    new = await house.visitor(b"/long")
    assert await is_cut_off(idle)
    newer = await house.visitor(b"/")
    assert await is_cut_off(half)
    house.go_on.set()
    for each in (working, new):
        await answered(each[0], b"long")
    newer[1].write(ASKED % b"/")
    await answered(newer[0], b"short")


async def test_where_all_are_at_work_the_newcomer_goes(house: House) -> None:
    working = [await house.visitor(b"/long") for _ in range(3)]
    assert await is_cut_off(await house.visitor())
    house.go_on.set()
    for reader, _ in working:
        await answered(reader, b"long")
    assert not house.crowd._at_work
    await house.visitor(b"/")


async def test_some_are_not_let_in_at_all() -> None:
    house = House()
    rules = Rules(house.crowd.make_room, lambda peer: peer != "127.0.0.1")
    async with listening(house.application(), "127.0.0.1", house.port, rules):
        assert await is_cut_off(await house.visitor())
        await house.close()
