"""The demo's broker: amqtt behind a server socket of our own, so that it can take any free port."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_LISTENER = "default"
_CONFIG = {
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}


class _Subscriptions(dict[str, list[Any]]):
    """Gone through as they are at that moment.

    amqtt awaits in the midst of going through its subscriptions; one that comes meanwhile would end a connection that
    is being made, or the sending to everybody.
    """

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(super().keys()))

    def items(self) -> Any:
        """Pairs of a filter and who has subscribed to it."""
        return [(each, list(sessions)) for each, sessions in super().items()]


@asynccontextmanager
async def broker() -> AsyncIterator[int]:
    """A broker on loopback, for whoever connects; gives its port."""
    # It logs as an error that a client left without a word, as each does whose process ended.
    logging.getLogger("amqtt").propagate = False
    logging.getLogger("amqtt").addHandler(logging.NullHandler())
    inner = Broker(_CONFIG)
    inner._subscriptions = _Subscriptions()  # noqa: SLF001 - amqtt has no other door for it

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await inner.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), _LISTENER)

    await inner.start()
    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await inner.shutdown()
