"""A short-lived connection: random client id, clean, no last will, no session. What the command-line clients use."""

from __future__ import annotations

import asyncio
import math
import secrets
from enum import Enum, auto
from typing import TYPE_CHECKING, Self

from shomare_mqtt.mqtt.connection import ANSWER_TIMEOUT, Link, open_link
from shomare_mqtt.mqtt.failures import ConnectRefusedError, DisconnectedError, HungUpError
from shomare_mqtt.mqtt.packets import Opening, Publication

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from shomare_mqtt.config.held import Mqtt
    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.packets import Connack, Version

SILENCE = 3.0
"""Seconds without a CONNACK after which MQTT 3.1.1 is tried."""


class Client:
    """An MQTT client for a command or two.

    ```
    async with Client(settings) as client:
        await client.subscribe("response/query/profile")
        await client.publish("query/profile", b"{}", expiry=30)
        async for incoming in client: ...
    ```

    Entering connects, over MQTT 5 or, where the broker has only that, 3.1.1. It raises LinkError (a
    BrokerUnreachableError, HungUpError or ConnectRefusedError): its text goes on a sentence that begins with
    "the broker at …:". `on_retained` is told of retained messages as they come, by their topic under the base topic.
    """

    def __init__(
        self,
        settings: Mqtt,
        *,
        protocol: Version | None = None,
        on_retained: Callable[[str, bytes], None] = lambda *_: None,
    ) -> None:
        self._settings = settings
        self._on_retained = on_retained
        self._wanted: Version = protocol or settings.protocol
        self._link: Link | None = None
        self._messages: asyncio.Queue[tuple[Incoming, Ack] | None] = asyncio.Queue()

    @property
    def protocol(self) -> Version:
        """The version of MQTT that the broker and we speak."""
        return self._connected.protocol

    @property
    def facts(self) -> Connack:
        """What the broker said as it took the connection."""
        return self._connected.facts

    async def __aenter__(self) -> Self:
        self._link = await negotiate(self._connect, self._wanted)
        self._link.ended.add_done_callback(lambda _: self._messages.put_nowait(None))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._link is not None:
            await self._link.disconnect()

    async def subscribe(self, *filters: str) -> dict[str, str]:
        """Subscribe to filters under the base topic. Returns those that the broker refused, with the reason.

        Raises NotConnectedError or DisconnectedError.
        """
        refused = await self._connected.subscribe([self._whole(each) for each in filters])
        return {each: refused[self._whole(each)] for each in filters if self._whole(each) in refused}

    async def publish(self, topic: str, payload: bytes, *, expiry: float | None = None) -> None:
        """Publish under the base topic, and wait for the PUBACK; the broker keeps it `expiry` seconds (MQTT 5).

        Raises PublishError: NotConnectedError, DisconnectedError, PublishRefusedError or TooLargeError.
        """
        seconds = None if expiry is None else max(1, math.ceil(expiry))
        await self._connected.publish(Publication(self._whole(topic), payload, expiry=seconds))

    def relative(self, topic: str) -> str:
        """A whole topic, as messages have it, without the base topic."""
        return topic.removeprefix(f"{self._settings.base_topic}/")

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Incoming:
        """The next message; acknowledged when it is taken. Raises DisconnectedError once the connection ended."""
        item = await self._messages.get()
        if item is None:
            self._messages.put_nowait(None)
            raise DisconnectedError(f"the connection to the broker ended: {self._connected.ended.result().text}")
        incoming, ack = item
        ack()
        return incoming

    @property
    def _connected(self) -> Link:
        if self._link is None:
            raise RuntimeError("a Client is used inside `async with` alone")
        return self._link

    def _whole(self, topic: str) -> str:
        return f"{self._settings.base_topic}/{topic}"

    async def _connect(self, protocol: Version, answer_within: float) -> Link:
        # With our client id in front, which is what brokers that look at client ids may allow.
        client_id = f"{self._settings.effective_client_id}-{secrets.token_hex(4)}"
        opening = Opening(protocol, client_id, clean=True)
        return await open_link(self._settings, opening, self._take, answer_within)

    def _take(self, incoming: Incoming, ack: Ack) -> None:
        if incoming.retain:
            self._on_retained(self.relative(incoming.topic), incoming.payload)
        self._messages.put_nowait((incoming, ack))


async def negotiate(connect: Callable[[Version, float], Awaitable[Link]], wanted: Version) -> Link:
    """Connect with MQTT 5, or with 3.1.1 where the broker refuses 5. Raises what `connect(version, seconds)` raises.

    Brokers of 3.1.1 alone often say nothing, or close the connection, as a broker that is just starting (or a proxy
    before it) does too. So 3.1.1 is tried once 5 was hung up on twice or met silence, and believed only where 5 fares
    the same again right after 3.1.1 worked.
    """
    if wanted == "3.1.1":
        return await connect("3.1.1", ANSWER_TIMEOUT)
    newer = await _try_newer(connect, SILENCE)
    if newer is _No.HUNG_UP:
        newer = await _try_newer(connect, SILENCE)
    if isinstance(newer, Link):
        return newer
    clock = asyncio.get_running_loop().time
    began = clock()
    older = await connect("3.1.1", ANSWER_TIMEOUT)
    if newer is _No.REFUSED:
        return older
    return await _confirm(connect, older, max(SILENCE, 3 * (clock() - began)))


async def _confirm(connect: Callable[[Version, float], Awaitable[Link]], older: Link, seconds: float) -> Link:
    """A connection of 3.1.1 works: keep it only where one of 5 still does not."""
    try:
        newer = await _try_newer(connect, seconds)
    except BaseException:
        older.close()
        raise
    if not isinstance(newer, Link):
        return older
    await older.disconnect()
    return newer


class _No(Enum):
    """How a broker shows that it does not speak MQTT 5, from the surest sign to the least sure."""

    REFUSED = auto()
    HUNG_UP = auto()
    SILENT = auto()


async def _try_newer(connect: Callable[[Version, float], Awaitable[Link]], seconds: float) -> Link | _No:
    try:
        return await connect("5", seconds)
    except HungUpError as error:
        return _No.SILENT if error.silent else _No.HUNG_UP
    except ConnectRefusedError as error:
        if error.is_protocol:
            return _No.REFUSED
        raise
