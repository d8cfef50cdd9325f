"""The way from a daemon to the broker, which can be cut while both go on."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from tests.mosquitto import free_port


class Wire:
    """Listens on `port` and passes bytes on to the broker, unless it is cut."""

    def __init__(self, broker: int) -> None:
        self.port = free_port()
        self._broker = broker
        self._cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def cut(self) -> None:
        """End what is connected, and whoever connects from now on."""
        self._cut = True
        for end in self._ends:
            end.transport.abort()

    def mend(self) -> None:
        self._cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        with contextlib.suppress(OSError):
            if not self._cut:
                from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker)
                await self._pass_on(reader, writer, from_broker, to_broker)
        writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, from_broker: asyncio.StreamReader,
        to_broker: asyncio.StreamWriter,
    ) -> None:  # fmt: skip
        ends = {writer, to_broker}
        self._ends |= ends
        try:
            await asyncio.gather(_pass(reader, to_broker), _pass(from_broker, writer))
        finally:
            self._ends -= ends
            to_broker.transport.abort()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.close()
