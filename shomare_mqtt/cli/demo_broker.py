"""The demo's broker: amqtt behind a server socket of our own, so that it can take any free port."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_LISTENER = "default"
_CONFIG = {
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """A broker on loopback, for whoever connects; gives its port."""
    inner = Broker(_CONFIG)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await inner.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)

    await inner.start()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await inner.shutdown()
