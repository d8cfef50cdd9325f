"""Retained topics: the newest payload of each, published again after each reconnect, emptied when it is no more."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.failures import DisconnectedError, LinkError, PublishRefusedError, TooLargeError
from shomare_mqtt.mqtt.publisher import DROPS, WAIT_AFTER_REFUSAL

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.mqtt.publisher import Sender

AT_ONCE = 20


class RetainedStore(Protocol):
    """The names of our retained topics in the journal, so that none is left behind on the broker."""

    async def retained(self) -> set[str]:
        """Whole topics that hold a message of ours."""
        ...

    async def remember_retained(self, topics: list[str]) -> None:
        """Before they are published for the first time."""
        ...

    async def forget_retained(self, topics: list[str]) -> None:
        """After they were emptied."""
        ...


class RetainedPublisher:
    """Holds what each retained topic is to say; fulfils core.ports.Retained.

    A topic under which the link drops each time (a broker of 3.1.1 does not say how much it takes, and hangs up) is
    found out as the outbox finds its own: it goes alone, once `others_sent`, and is given up after DROPS times, where
    the link carries others. While it carries nothing no topic is to blame.
    """

    def __init__(
        self,
        base_topic: str,
        store: RetainedStore,
        sender: Sender,
        others_sent: Callable[[], Awaitable[None]],
        sleep: Callable[[float], Awaitable[None]],
        logger: logging.Logger,
    ) -> None:
        self._base = base_topic
        self._store = store
        self._sender = sender
        self._logger = logger
        self._wanted: dict[str, bytes] = {}
        self._dirty: dict[str, None] = {}
        self._remembered: set[str] = set()
        self._news = asyncio.Event()
        self._empty = asyncio.Event()
        self._refused: set[str] = set()
        self._others_sent = others_sent
        self._sleep = sleep
        self._over_quota = False
        self._drops: Counter[str] = Counter()
        self._carries = False
        self._given_up: dict[str, int] = {}

    def put(self, topic: str, payload: bytes) -> None:
        """Want a topic under the base topic to hold a payload; an empty one empties it."""
        self.put_absolute(f"{self._base}/{topic}", payload)

    def put_absolute(self, topic: str, payload: bytes) -> None:
        """Want a whole topic to hold a payload."""
        if self._wanted.get(topic) == payload and topic not in self._dirty:
            return
        self._wanted[topic] = payload
        self._want(topic)

    def put_again(self, topic: str) -> None:
        """Publish a whole topic once more, though it says the same; one that was emptied, or never put, as empty."""
        self._wanted.setdefault(topic, b"")
        self._want(topic)

    def _want(self, topic: str) -> None:
        if len(self._wanted[topic]) >= self._given_up.get(topic, math.inf):
            return
        self._given_up.pop(topic, None)
        self._dirty[topic] = None
        self._empty.clear()
        self._news.set()

    def connected(self) -> None:
        """After each connecting: the broker may have lost everything."""
        # What was emptied stays empty on a broker that lost everything, and an empty message is news to others.
        lost = (t for t, payload in self._wanted.items() if payload and t not in self._given_up)
        self._dirty = {**dict.fromkeys(lost), **self._dirty}
        self._empty.clear()
        self._news.set()

    async def load(self) -> None:
        """Take up which topics an earlier process left on the broker; to be called once, before anything is put."""
        self._remembered = await self._store.retained()

    def forget_leftovers(self, is_left: Callable[[str], bool]) -> None:
        """Empty what an earlier process left, and nobody has put since, where `is_left` says so of the whole topic."""
        for topic in self._remembered - set(self._wanted):
            if is_left(topic):
                self.put_absolute(topic, b"")

    async def drained(self) -> None:
        """Returns once nothing waits any more."""
        await self._empty.wait()

    async def run(self) -> None:
        """Publish for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            await self._sender.wait_connected()
            while self._dirty:
                if not await self._publish(await self._next()):
                    self._news.set()
                    break
            else:
                self._empty.set()

    async def _next(self) -> list[str]:
        """Topics to publish at once; those that the link dropped under come last and alone."""
        if innocent := [topic for topic in self._dirty if not self._drops[topic]]:
            return innocent[:AT_ONCE]
        await self._others_sent()
        return [min(self._dirty, key=self._drops.__getitem__)]

    async def _publish(self, topics: list[str]) -> bool:
        """Publish some topics; whether the connection held, and the broker took what it does not refuse for good."""
        payloads = {topic: self._wanted[topic] for topic in topics}
        for topic in topics:
            del self._dirty[topic]
        new = [t for t, payload in payloads.items() if payload and t not in self._remembered]
        if new:
            await self._store.remember_retained(new)
            self._remembered.update(new)
        sending = (self._send(topic, payload) for topic, payload in payloads.items())
        held = all(await asyncio.gather(*sending))
        if self._over_quota:
            self._over_quota = False
            await self._sleep(WAIT_AFTER_REFUSAL)
        done = [t for t, p in payloads.items() if not p and t not in self._dirty and t not in self._given_up]
        emptied = [t for t in done if t in self._remembered]
        if emptied:
            await self._store.forget_retained(emptied)
            self._remembered.difference_update(emptied)
            for topic in emptied:
                if topic not in self._dirty:  # each order has its topic: over the years they would add up
                    del self._wanted[topic]
        return held

    async def _send(self, topic: str, payload: bytes) -> bool:
        try:
            await self._sender.publish(Message(topic, payload, retain=True, absolute=True))
        except (TooLargeError, PublishRefusedError) as error:
            if isinstance(error, PublishRefusedError) and error.is_over_quota:
                self._over_quota = True
                self._dirty.setdefault(topic, None)
                return False
            if topic not in self._refused:
                self._refused.add(topic)
                self._logger.error("the topic %s cannot be published: %s", topic, error)  # noqa: TRY400 - no traceback
        except LinkError as error:
            self._drops[topic] += isinstance(error, DisconnectedError)
            if self._drops[topic] >= DROPS and self._carries:
                self._give_up(topic, len(payload))
            else:
                self._dirty.setdefault(topic, None)
            self._carries = False
            return False
        self._drops.pop(topic, None)
        self._carries = True
        return True

    def _give_up(self, topic: str, size: int) -> None:
        drops = self._drops.pop(topic)
        self._given_up[topic] = size
        self._logger.error(
            "the topic %s cannot be published: the connection ended %d times while its %d bytes were sent; tried again "
            "once it holds less, or at the next start",
            *(topic, drops, size),
        )
