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
        for task in self._passing:
            task.cancel()

    def mend(self) -> None:
        self._cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        task.add_done_callback(self._passing.discard)
        with contextlib.closing(writer), contextlib.suppress(OSError):
            if self._cut:
                return
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._broker)
            with contextlib.closing(to_broker):
                ways = [asyncio.create_task(_pass(reader, to_broker)), asyncio.create_task(_pass(from_broker, writer))]
                try:
                    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for way in ways:
                        way.cancel()
                    await asyncio.gather(*ways, return_exceptions=True)


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
