"""Servers that answer byte by byte what a test says, and count what reached them."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr

from shomare_mqtt.config import Dialect, Provider
from tests.patience import PATIENCE, let_pass

from .fakes import settle

OVER = PATIENCE + 2
"""Seconds after which a time limit of PATIENCE is over; aiohttp rounds it up to whole seconds of the clock."""


@dataclass
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int

    @property
    def path(self) -> list[str]:
        return [unquote(part) for part in urlsplit(self.target).path.strip("/").split("/")]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        is_form = self.headers.get("content-type") == "application/x-www-form-urlencoded"
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True)) if is_form else {}

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.body)) if self.headers.get("content-type") == "application/json" else {}


Answer = Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Server:
    """A raw HTTP/1.1 server on a free port; `asked` are the whole requests that came."""

    answer: Answer
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api"

    def endpoints(self) -> list[str]:
        return [asked.path[1] for asked in self.asked]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = self.connections
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while await self._one(reader, writer, number):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {k.lower(): v.strip() for k, v in (line.split(":", 1) for line in lines if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.asked.append(Asked(method, target, headers, body, number))
        await self.answer(self.asked[-1], writer)
        return not writer.is_closing()

    async def drop_idle(self) -> None:
        """Closes every connection, as a server does with one that has been idle for too long."""
        for writer in self._writers:
            writer.close()
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await server.stop()


def http(status: int, body: bytes, headers: str = "", content_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


def says(status: int, value: object, headers: str = "") -> Answer:
    return raw(http(status, json.dumps(value).encode(), headers))


def raw(data: bytes) -> Answer:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def raw_then_close(data: bytes) -> Answer:
    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer


async def hang(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def outlast(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """Never answers; the client's time limit is over once the request is here, and not before."""
    let_pass(OVER)
    await hang(asked, writer)


def outlast_after(data: bytes) -> Answer:
    """Sends something, and then no more until the client's time limit is over."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        await raw(data)(asked, writer)
        await settle()  # the client takes it
        await outlast(asked, writer)

    return answer


async def reset(asked: Asked, writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def settings(
    url: str,
    *,
    timeout: float = PATIENCE,
    proxy: str | None = None,
    parameters: str = "auto",
    buy: str = "auto",
    **names: str,
) -> Provider:
    return Provider(
        base_url=url,
        timeout=timeout,
        proxy=SecretStr(proxy) if proxy else None,
        dialect=Dialect.model_validate({"parameters": parameters, "buy": buy, **names}),
    )
