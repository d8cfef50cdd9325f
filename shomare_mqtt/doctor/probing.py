"""Messages of doctor's own on a topic of its own, `<base>/doctor/<random>` and the like: what becomes of them.

Nothing listens there: not the daemon, not Home Assistant. What is retained is taken away again, and over MQTT 5 goes
by itself after a minute.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from shomare_mqtt.mqtt.connection import ANSWER_TIMEOUT, Link, open_link
from shomare_mqtt.mqtt.packets import Opening, Publication
from shomare_mqtt.mqtt.transport import Opened, open_stream

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from shomare_mqtt.config import Mqtt
    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.packets import Version

RETURNS_WITHIN = 3.0
"""Seconds until a message must have come back that the broker took."""
HELD_WITHIN = 2.0
"""Seconds until what is retained must have come: a broker sends it right after the subscription."""
OWN = "doctor"
PAYLOAD = b"{}"
_EXPIRY = 60


class Probe:
    """A connection for messages of doctor's own, by whole topics; `ordinary`: as clients are that set no TCP option.

    `cleared`: a topic from which the broker itself takes what is retained, where doctor is killed. Entering raises
    LinkError.
    """

    def __init__(
        self, settings: Mqtt, protocol: Version, *, ordinary: bool = False, cleared: str | None = None
    ) -> None:
        self._settings = settings
        will = Publication(cleared, b"", retain=True) if cleared else None
        client_id = f"{settings.effective_client_id}-{secrets.token_hex(4)}"
        self._opening = Opening(protocol, client_id, clean=True, will=will)
        self._ordinary = ordinary
        self._came: asyncio.Queue[Incoming] = asyncio.Queue()
        self.link: Link

    async def __aenter__(self) -> Self:
        if self._ordinary:
            self.link = await self._open_ordinary()
        else:
            self.link = await open_link(self._settings, self._opening, self._take)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.link.disconnect()

    async def _open_ordinary(self) -> Link:
        opened = await open_stream(self._settings)
        if opened.tcp is not None:
            opened.tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
        # Without the socket, so that it acknowledges when the kernel likes.
        link = Link(Opened(opened.stream, None), self._opening, self._take)
        try:
            await link.connect(self._settings, ANSWER_TIMEOUT)
        except BaseException:
            link.close()
            raise
        return link

    async def publish(self, topic: str, payload: bytes = PAYLOAD, *, retain: bool = False) -> None:
        """Publish with QoS 1. Raises PublishError."""
        await self.link.publish(Publication(topic, payload, retain=retain, expiry=_EXPIRY))

    async def received(self, topic: str, within: float | None = None) -> Incoming | None:
        """The next message on a topic, None where none came in time (RETURNS_WITHIN) or the connection ended."""
        with suppress(TimeoutError):
            async with asyncio.timeout(RETURNS_WITHIN if within is None else within):
                while (incoming := await self._next()) is not None:
                    if incoming.topic == topic:
                        return incoming
        return None

    async def held(self, own: str, enough: Callable[[str], bool]) -> dict[str, bytes]:
        """What is retained on all that is subscribed to, by its topic. Raises LinkError.

        `own`: a topic of ours among them; brokers mostly send what they hold before what is published later. Waits
        until that is back and one topic is `enough`, or for HELD_WITHIN.
        """
        found: dict[str, bytes] = {}
        await self.publish(own)
        with suppress(TimeoutError):
            async with asyncio.timeout(HELD_WITHIN):
                while (incoming := await self._next()) is not None:
                    found[incoming.topic] = incoming.payload
                    if own in found and any(map(enough, found)):
                        break
        return {topic: payload for topic, payload in found.items() if topic != own}

    async def _next(self) -> Incoming | None:
        coming = asyncio.ensure_future(self._came.get())
        try:
            await asyncio.wait((coming, self.link.ended), return_when=asyncio.FIRST_COMPLETED)
            return coming.result() if coming.done() else None
        finally:
            coming.cancel()

    def _take(self, incoming: Incoming, ack: Ack) -> None:
        self._came.put_nowait(incoming)
        ack()


def own_topic(above: str) -> str:
    """A topic that nobody else uses."""
    return f"{above}/{OWN}/{secrets.token_hex(6)}"
