"""A broker whose access list hangs up: stands before a real one, and ends whoever publishes to a denied topic.

Mosquitto answers a denied PUBLISH with a PUBACK; EMQX (`deny_action = disconnect`), HiveMQ and AWS IoT end the
connection, over MQTT 3.1.1 without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLISH, SUBSCRIBE = 3, 8


class Denying:
    """`denies(topic)` says which; `hung_up` lists the topics that ended a connection, `publishing` all others.

    `subscriptions`: filters that nobody may subscribe to.
    """

    def __init__(self, broker_port: int, denies: Callable[[str], bool], *, subscriptions: tuple[str, ...] = ()) -> None:
        self._subscriptions = subscriptions
        self.denies = denies
        self.hung_up: list[str] = []
        self.publishing: list[str] = []
        self._broker_port = broker_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        down = asyncio.create_task(_pass_on(broker_reader, writer))
        try:
            await self._pass_up(reader, broker_writer)
        finally:
            down.cancel()
            broker_writer.close()
            writer.close()

    async def _pass_up(self, reader: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head, body = await _packet(reader)
                if head[0] >> 4 == PUBLISH:
                    topic = body[2 : 2 + int.from_bytes(body[:2], "big")].decode()
                    if self.denies(topic):
                        self.hung_up.append(topic)
                        return
                    self.publishing.append(topic)
                if head[0] >> 4 == SUBSCRIBE:
                    found = [each for each in self._subscriptions if each.encode() in body]
                    self.hung_up += found
                    if found:
                        return
                broker.write(head + body)


async def _packet(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    size = sum((digit & 0x7F) << 7 * place for place, digit in enumerate(head[1:]))
    return head, await reader.readexactly(size)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
