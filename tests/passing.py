"""A way to a broker that a test has in its hand: what goes up and down passes through it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self


class Passing:
    """Passes bytes on between `port` and a broker's, each connection until one side ends it."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._end_all()

    async def _end_all(self) -> None:
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
            with contextlib.suppress(asyncio.CancelledError):  # asyncio logs it else, as a server's fault
                await self._pass_up(reader, broker_writer)
        finally:
            down.cancel()
            broker_writer.close()
            writer.close()

    async def _pass_up(self, reader: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        """What the client sends; the connection ends when this returns."""
        await _pass_on(reader, broker)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()
