"""amqtt, a broker that has only MQTT 3.1.1; needs the extra demo."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@asynccontextmanager
async def old_broker(*kinds: str) -> AsyncIterator[list[int]]:
    """The ports of its listeners; each of `kinds` is `tcp` or `ws`."""
    amqtt = pytest.importorskip("amqtt.broker", reason="the extra demo brings amqtt")
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    ports = [free_port() for _ in kinds]
    listeners = {
        "default" if number == 0 else kind: {"type": kind, "bind": f"127.0.0.1:{port}"}
        for number, (kind, port) in enumerate(zip(kinds, ports, strict=True))
    }
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}

    class Closing(amqtt.Broker):  # type: ignore[name-defined,misc]
        async def stream_connected(
            self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
        ) -> None:
            """Else connections that began with another version are left to the garbage collector."""
            try:
                await super().stream_connected(reader, writer, listener_name)
            finally:
                writer.close()

    broker = Closing({"listeners": listeners, "plugins": plugins})
    await broker.start()
    try:
        yield ports
    finally:
        for server in broker._servers.values():
            if isinstance(server.instance, asyncio.Server):
                # Else it waits until each connection has ended, and may have one that nobody ends.
                server.instance.close()
                server.instance = None
        await broker.shutdown()
