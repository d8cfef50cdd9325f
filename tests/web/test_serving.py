"""The HTTP server of the daemon's own, over real connections: nobody can use it up, and nothing of it fills the log."""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from shomare_mqtt.web.healthz import healthz
from shomare_mqtt.web.serving import MOST_CONNECTIONS, RETRY, guarded, listening, serve
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.provider.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

FAULTS: list[str] = []


async def broken(_: web.Request) -> web.Response:
    raise RuntimeError("in a handler")


def application(told: list[BaseException] | None = None) -> web.Application:
    app = web.Application()
    app.router.add_get("/healthz", healthz(lambda: FAULTS))
    app.router.add_get("/broken", guarded(broken, ([] if told is None else told).append))
    return app


@pytest.fixture
async def port() -> AsyncIterator[int]:
    FAULTS.clear()
    port = free_port()
    async with listening(application(), "127.0.0.1", port):
        yield port


async def answer(port: int, request: bytes) -> bytes:
    """Everything that comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    async with asyncio.timeout(PATIENCE):
        found = await reader.read()
    writer.close()
    return found


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0)


async def get(port: int, path: str, method: str = "GET") -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.request(method, f"http://127.0.0.1:{port}/{path}") as got:
        return got.status, await got.text()


async def test_healthz_says_what_does_not_work(port: int) -> None:
    assert await get(port, "healthz") == (200, '{"status": "ok"}')
    FAULTS.append("the journal is full")
    assert await get(port, "healthz") == (503, '{"status": "fault", "faults": ["the journal is full"]}')
    assert (await get(port, "healthz", "HEAD"))[0] == 503


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_other_methods_and_paths_are_refused(port: int, method: str) -> None:
    assert (await get(port, "healthz", method))[0] == 405
    assert (await get(port, "metrics/../etc/passwd", method))[0] == 404


@pytest.mark.parametrize(
    "request_",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nContent-Length: nonsense\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["TLS", "no length", "long address", "long header"],
)
async def test_what_is_no_request_leaves_no_word_in_the_log(
    port: int, request_: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        assert b" 200 " not in await answer(port, request_)
    assert not caplog.records
    assert (await get(port, "healthz"))[0] == 200


async def test_who_only_connects_keeps_nobody_out(port: int) -> None:
    async with AsyncExitStack() as stack:
        readers = []
        for _ in range(3 * MOST_CONNECTIONS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            stack.callback(writer.close)
            readers.append(reader)
        assert await get(port, "healthz") == (200, '{"status": "ok"}')
        async with asyncio.timeout(PATIENCE):
            for reader in readers[: 2 * MOST_CONNECTIONS]:
                assert not await reader.read()


async def test_who_connects_in_bursts_leaves_files_for_the_journal(port: int) -> None:
    """The loop takes all who wait at the door in one go, before it counts one of them."""
    with ExitStack() as stack:
        others = list[socket.socket]()
        for _ in range(6):
            burst = [socket.create_connection(("127.0.0.1", port)) for _ in range(MOST_CONNECTIONS)]
            others += map(stack.enter_context, burst)
            await get(port, "healthz")
        assert await get(port, "healthz") == (200, '{"status": "ok"}')
        for each in others:
            each.setblocking(False)
        assert sum(not is_cut(each) for each in others) <= 2 * MOST_CONNECTIONS


async def test_who_connect_all_at_once_are_as_few() -> None:
    app = application()
    port = free_port()
    async with listening(app, "127.0.0.1", port), AsyncExitStack() as stack:
        ends = []
        for _ in range(3 * MOST_CONNECTIONS):  # the server is not run meanwhile: it finds all of them waiting
            one = stack.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            ends.append(one)
        before = asyncio.get_running_loop().time()
        while sum(map(is_cut, ends)) < 2 * MOST_CONNECTIONS:
            assert asyncio.get_running_loop().time() - before < PATIENCE, "more are let in than may be"
            await asyncio.sleep(0)
        assert await get(port, "healthz") == (200, '{"status": "ok"}')


def is_cut(end: socket.socket) -> bool:
    """Whether the other side ended it."""
    try:
        return end.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def test_a_fault_in_a_handler_is_told_and_answered() -> None:
    told: list[BaseException] = []
    port = free_port()
    async with listening(application(told), "127.0.0.1", port):
        status, text = await get(port, "broken")
    assert (status, "in a handler" in text, str(told[0])) == (500, False, "in a handler")


async def test_who_keeps_a_connection_holds_up_no_end() -> None:
    port = free_port()
    async with asyncio.timeout(PATIENCE), listening(application(), "127.0.0.1", port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        await reader.readuntil(b"}")
    assert not await reader.read()
    writer.close()


async def test_a_port_that_cannot_be_had_is_tried_again_and_said_once(caplog: pytest.LogCaptureFixture) -> None:
    port, clock = free_port(), FakeClock()
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    with caplog.at_level(logging.INFO, "shomare_mqtt.web"):
        serving = asyncio.create_task(serve(application, "metrics", "127.0.0.1", port, clock))
        for _ in range(2):
            await until(lambda: clock.sleeping > 0)
            await clock.advance(RETRY)
        await until(lambda: clock.sleeping > 0)
        taken.close()
        await taken.wait_closed()
        await clock.advance(RETRY)
        await until(lambda: "listening on" in caplog.text)
    assert (await get(port, "healthz"))[0] == 200
    (said,) = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert f"metrics: port {port} of 127.0.0.1 cannot be listened on" in said
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await get(port, "healthz")
