"""Retained topics on a link that drops under one of them: the culprit is found, all others go out."""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from shomare_mqtt.mqtt.failures import DisconnectedError
from shomare_mqtt.mqtt.publisher import DROPS
from shomare_mqtt.mqtt.retained import RetainedPublisher
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest

    from shomare_mqtt.model import Message


class Store:
    """Keeps nothing: what lies on the broker from earlier is no matter here."""

    async def retained(self) -> set[str]:
        return set()

    async def remember_retained(self, topics: list[str]) -> None:
        pass

    async def forget_retained(self, topics: list[str]) -> None:
        pass


class HangingUp:
    """A broker that ends the connection under each message of more than so many bytes, and all that go with it."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.together: list[set[str]] = []
        self.taken: dict[str, bytes] = {}
        self.hung_up = asyncio.Event()
        self._waiting: dict[str, Message] = {}

    async def wait_connected(self) -> None:
        pass

    async def publish(self, message: Message) -> None:
        self._waiting[message.topic] = message
        await asyncio.sleep(0)  # until all that go at once are here
        going = dict(self._waiting)
        await asyncio.sleep(0)
        if going and self._waiting:
            self.together.append(set(going))
            self._waiting.clear()
        if any(len(each.payload) > self.most for each in going.values()):
            self.hung_up.set()
            raise DisconnectedError("it hung up")
        self.taken[message.topic] = message.payload


@asynccontextmanager
async def publishing(broker: HangingUp, others_sent: asyncio.Event) -> AsyncIterator[RetainedPublisher]:
    async def wait() -> None:
        await others_sent.wait()

    retained = RetainedPublisher("b", Store(), broker, wait, asyncio.sleep, logging.getLogger("test"))
    running = asyncio.create_task(retained.run())
    try:
        yield retained
    finally:
        running.cancel()


async def test_what_the_link_drops_under_each_time_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    broker, others_sent = HangingUp(10), asyncio.Event()
    others_sent.set()
    async with publishing(broker, others_sent) as retained:
        retained.put("small", b"1")
        retained.put("large", b"x" * 11)
        retained.put("late", b"2")
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert broker.taken == {"b/small": b"1", "b/late": b"2"}
        assert broker.together.count({"b/large"}) == DROPS - 1
        assert [line.split(" cannot")[0] for line in caplog.messages] == ["the topic b/large"]

        broker.together.clear()
        retained.connected()  # nor after any other loss of the link, nor where it holds as much again
        retained.put("large", b"y" * 11)
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert not any("b/large" in each for each in broker.together)

        retained.put("large", b"less")
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert broker.taken["b/large"] == b"less"


async def test_what_is_suspected_waits_for_the_outbox() -> None:
    """Else a message there would share the drops of a topic here, and be set aside with it."""
    broker, others_sent = HangingUp(10), asyncio.Event()
    async with publishing(broker, others_sent) as retained:
        retained.put("large", b"x" * 11)
        retained.put("small", b"1")
        await asyncio.wait_for(broker.hung_up.wait(), PATIENCE)
        for _ in range(20):
            await asyncio.sleep(0)
        assert broker.together == [{"b/large", "b/small"}]
        others_sent.set()
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert broker.together == [{"b/large", "b/small"}, {"b/large"}, {"b/small"}, *[{"b/large"}] * (DROPS - 2)]


async def test_nothing_is_given_up_while_the_broker_takes_nothing_at_all(caplog: pytest.LogCaptureFixture) -> None:
    """Else it would all be gone until the next start, `bridge/state` first, though the broker is well again."""
    broker, others_sent = HangingUp(-1), asyncio.Event()
    others_sent.set()
    async with publishing(broker, others_sent) as retained:
        retained.put("state", b"1")
        retained.put("other", b"2")
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(broker.together) > 2 * DROPS
        broker.most = 10
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert broker.taken == {"b/state": b"1", "b/other": b"2"}
        assert not caplog.messages


async def test_what_was_emptied_is_published_as_empty_again() -> None:
    """Brokers keep no empty message: only another one tells Home Assistant, once it is back, that nothing is set."""
    broker, others_sent = HangingUp(10), asyncio.Event()
    async with publishing(broker, others_sent) as retained:
        for payload in (b"100", b""):
            retained.put("limit", payload)
            await asyncio.wait_for(retained.drained(), PATIENCE)
        broker.taken.clear()
        retained.put_again("b/limit")
        await asyncio.wait_for(retained.drained(), PATIENCE)
        assert broker.taken == {"b/limit": b""}
