"""A process that stood still for longer than a time limit: what came meanwhile lies in its socket, and is read."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE
from tests.provider.servers import Server, serving
from tests.provider.standstill import LIMIT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.provider.servers import Asked

ROOT = Path(__file__).parents[2]
ANSWER = b'{"status": true, "data": {"id": 74001, "number": "+79313226657"}}'
LARGE = b"x" * 500_000
"""More than a socket need hold: the rest comes while it is read."""
EACH = pytest.mark.parametrize("endpoint", ["buy", "cancel", "check", "profile"])


class Stopped:
    """A process that asks a server for something, stopped once its request is there."""

    def __init__(self, process: asyncio.subprocess.Process, ahead: Path) -> None:
        self.process = process
        self._ahead = ahead

    def let_pass(self, seconds: float) -> None:
        """So much of its time goes by while it stands still."""
        self._ahead.write_bytes(struct.pack("d", seconds))

    async def goes_on(self) -> str:
        """It goes on; what it has to say in the end."""
        self.process.send_signal(signal.SIGCONT)
        async with asyncio.timeout(PATIENCE):
            said, _ = await self.process.communicate()
        return said.decode()


class Held:
    """A server that answers when its test says so."""

    def __init__(self) -> None:
        self.came = asyncio.Event()
        self.writer: asyncio.StreamWriter

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        del asked
        self.writer = writer
        self.came.set()
        await asyncio.Event().wait()

    def answer(self, body: bytes) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)


@asynccontextmanager
async def stopped(endpoint: str, folder: Path, grace: float = 0.0) -> AsyncIterator[tuple[Stopped, Held, Server]]:
    ahead = folder / "ahead"
    ahead.write_bytes(struct.pack("d", 0.0))
    held = Held()
    async with serving(held) as server:
        arguments = [server.url, endpoint, str(ahead), str(grace)]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.provider.standstill", *arguments, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await held.came.wait()
            process.send_signal(signal.SIGSTOP)
            await asyncio.to_thread(os.waitid, os.P_PID, process.pid, os.WSTOPPED)
            yield Stopped(process, ahead), held, server
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@EACH
@pytest.mark.parametrize("body", [ANSWER, LARGE], ids=["small", "large"])
async def test_an_answer_that_came_while_it_stood_still_is_read(endpoint: str, body: bytes, tmp_path: Path) -> None:
    async with stopped(endpoint, tmp_path, grace=PATIENCE if body is LARGE else 0.0) as (process, held, _):
        held.answer(body)
        process.let_pass(2 * LIMIT)
        assert await process.goes_on() == body.decode()


@EACH
async def test_one_that_is_on_its_way_has_a_moment(endpoint: str, tmp_path: Path) -> None:
    """The other side stood still as well, perhaps: a machine that was suspended."""
    async with stopped(endpoint, tmp_path, grace=PATIENCE) as (process, held, _):
        process.let_pass(2 * LIMIT)
        going_on = asyncio.create_task(process.goes_on())
        await asyncio.sleep(0)
        held.answer(ANSWER)
        assert await going_on == ANSWER.decode()


@EACH
async def test_where_none_came_it_is_lost(endpoint: str, tmp_path: Path) -> None:
    async with stopped(endpoint, tmp_path) as (process, _, server):
        process.let_pass(2 * LIMIT)
        said = await process.goes_on()
        assert said.split(" ")[0] == ("outcome_unknown" if endpoint == "buy" else "provider_timeout")
        assert "no answer came within 1000 s" in said
        assert server.endpoints() == [endpoint], "it is not sent again"
