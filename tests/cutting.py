"""The way to a broker, which a test cuts and mends: the broker publishes the last will of whoever used it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Cutting:
    """Passes bytes on between `port` and a broker's. While cut, it takes connections and ends them at once."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_cut = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self.cut()

    async def cut(self) -> None:
        self._is_cut = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def mend(self) -> None:
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.close()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        broker_reader, broker_writer = await asyncio.open_connection("127.0.0.1", self._broker_port)
        down = asyncio.create_task(_pass_on(broker_reader, writer))
        try:
            with contextlib.suppress(asyncio.CancelledError):  # asyncio logs it else, as a server's fault
                await _pass_on(reader, broker_writer)
        finally:
            down.cancel()
            writer.close()
            broker_writer.close()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
