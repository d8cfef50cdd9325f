"""The way to a broker, which a test cuts and mends: the broker publishes the last will of whoever used it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.passing import Passing

if TYPE_CHECKING:
    import asyncio


class Cutting(Passing):
    """While cut, it takes connections and ends them at once."""

    def __init__(self, broker_port: int) -> None:
        super().__init__(broker_port)
        self._is_cut = False

    async def cut(self) -> None:
        self._is_cut = True
        await self._end_all()

    def mend(self) -> None:
        self._is_cut = False

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.close()
            return
        await super()._serve(reader, writer)
