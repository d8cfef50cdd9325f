"""A broker whose access list hangs up: stands before a real one, and ends whoever publishes to a denied topic.

Mosquitto answers a denied PUBLISH with a PUBACK; EMQX (`deny_action = disconnect`), HiveMQ and AWS IoT end the
connection, over MQTT 3.1.1 without a word.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from tests.passing import Passing

if TYPE_CHECKING:
    from collections.abc import Callable

PUBLISH, SUBSCRIBE = 3, 8


class Denying(Passing):
    """`denies(topic)` says which; `hung_up` lists the topics that ended a connection, `publishing` all others.

    `subscriptions`: filters that nobody may subscribe to.
    """

    def __init__(self, broker_port: int, denies: Callable[[str], bool], *, subscriptions: tuple[str, ...] = ()) -> None:
        super().__init__(broker_port)
        self._subscriptions = subscriptions
        self.denies = denies
        self.hung_up: list[str] = []
        self.publishing: list[str] = []

    async def _pass_up(self, reader: asyncio.StreamReader, broker: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head, body = await _packet(reader)
                if head[0] >> 4 == PUBLISH:
                    topic = body[2 : 2 + int.from_bytes(body[:2], "big")].decode()
                    if self.denies(topic):
                        self.hung_up.append(topic)
                        return
                    self.publishing.append(topic)
                if head[0] >> 4 == SUBSCRIBE:
                    found = [each for each in self._subscriptions if each.encode() in body]
                    self.hung_up += found
                    if found:
                        return
                broker.write(head + body)


async def _packet(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    head = await reader.readexactly(2)
    while head[-1] & 0x80:
        head += await reader.readexactly(1)
    size = sum((digit & 0x7F) << 7 * place for place, digit in enumerate(head[1:]))
    return head, await reader.readexactly(size)


class ByChance:
    """What to hand to Denying: the link drops under one topic so often that the topic is to blame, and then holds."""

    def __init__(self, topic: str, times: int) -> None:
        self._topic = topic
        self.left = times

    def __call__(self, published: str) -> bool:
        if published != self._topic or not self.left:
            return False
        self.left -= 1
        return True
