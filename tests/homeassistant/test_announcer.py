"""When the discovery is published, and how components and devices are taken back."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.homeassistant import Announcer, status_topic
from shomare_mqtt.homeassistant.announcer import LONGEST_DELAY, SETTLE
from tests.homeassistant.contexts import CATALOGS, TELEGRAM, context

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shomare_mqtt.homeassistant import DiscoveryContext
    from shomare_mqtt.model import Message

TOPIC = "homeassistant/device/shomare_k3v9x2/config"


class Wire:
    """What reached the broker and the journal, in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.remembered: str | None = None
        self.done: asyncio.Queue[str] = asyncio.Queue()
        self.slept: list[float] = []
        self.cut = False

    def put(self, topic: str, payload: bytes) -> None:
        self.sent.append(("put", topic, payload))

    async def deliver(self, message: Message) -> None:
        if self.cut:
            raise ConnectionError
        self.sent.append(("deliver", message.topic, message.payload))

    async def remember(self, text: str) -> None:
        self.remembered = text

    def repeat_states(self, *, online: bool) -> None:
        self.done.put_nowait("repeated with the code" if online else "repeated")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def how(self) -> list[tuple[str, str]]:
        return [(way, topic) for way, topic, _ in self.sent]

    def keys(self, number: int) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.sent[number][2])["components"]
        return found


@contextlib.asynccontextmanager
async def running(wire: Wire) -> AsyncIterator[Announcer]:
    announcer = Announcer(wire, wire.remembered, sleep=wire.sleep, uniform=lambda low, high: (low + high) / 2)
    task = asyncio.create_task(announcer.run())
    try:
        yield announcer
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def announce(wire: Wire, given: DiscoveryContext) -> None:
    """A whole life of the daemon with one context."""
    async with running(wire) as announcer:
        announcer.update(given)
        await wire.done.get()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_published_at_start_and_then_only_when_it_changed() -> None:
    wire = Wire()
    async with running(wire) as announcer:
        announcer.update(context(catalogs={}))
        await wire.done.get()
        announcer.update(context(catalogs={}))
        await settle()
        assert wire.how() == [("put", TOPIC)]
        announcer.update(context())
        await wire.done.get()
    assert wire.how() == [("put", TOPIC)] * 2
    assert wire.slept == [SETTLE, SETTLE]


async def test_changes_in_quick_succession_are_one_message_after_the_first_settled() -> None:
    wire = Wire()
    async with running(wire) as announcer:
        announcer.update(context(catalogs={}))
        await asyncio.sleep(0)
        for _ in range(3):
            announcer.update(context(defaults={"country": "7"}))
        announcer.update(context())
        await wire.done.get()
        await wire.done.get()
    assert wire.how() == [("put", TOPIC)] * 2
    assert wire.keys(1)["country"]["options"] == ["Russia", "ایران", "Turkey"]


async def test_sent_again_a_moment_after_home_assistant_says_online_and_states_after_it() -> None:
    wire = Wire()
    async with running(wire) as announcer:
        announcer.update(context())
        assert await wire.done.get() == "repeated"
        announcer.heard(b"offline")
        await settle()
        assert len(wire.sent) == 1
        announcer.heard(b"online")
        assert await wire.done.get() == "repeated with the code"
    assert wire.how() == [("put", TOPIC), ("deliver", TOPIC)]
    assert wire.sent[0][2] == wire.sent[1][2]
    assert wire.slept == [SETTLE, LONGEST_DELAY / 2, SETTLE]


async def test_component_that_is_no_more_is_removed_and_left_out_right_after() -> None:
    wire = Wire()
    async with running(wire) as announcer:
        announcer.update(context(watched=(TELEGRAM,)))
        await wire.done.get()
        announcer.update(context())
        await wire.done.get()
    assert wire.how() == [("put", TOPIC), ("deliver", TOPIC), ("put", TOPIC)]
    assert wire.keys(1)["price_7_1_3"] == {"platform": "sensor"}
    assert wire.keys(1)["balance"] == wire.keys(2)["balance"]
    assert "price_7_1_3" not in wire.keys(2)


async def test_component_taken_out_while_the_daemon_was_down_is_removed_at_start() -> None:
    wire = Wire()
    await announce(wire, context(watched=(TELEGRAM,)))
    await announce(wire, context())
    assert wire.keys(1)["price_7_1_3"] == {"platform": "sensor"}
    await announce(wire, context())
    assert wire.how() == [("put", TOPIC), ("deliver", TOPIC), ("put", TOPIC), ("put", TOPIC)]


async def test_nothing_is_removed_before_all_is_looked_up() -> None:
    wire = Wire()
    await announce(wire, context(watched=(TELEGRAM,)))
    async with running(wire) as announcer:
        announcer.update(context(catalogs={}, complete=False))
        await wire.done.get()
        announcer.update(context(watched=(TELEGRAM,)))
        await wire.done.get()
    assert wire.how() == [("put", TOPIC)] * 3
    await announce(wire, context(complete=False))
    await announce(wire, context())
    assert wire.how()[3:] == [("put", TOPIC), ("deliver", TOPIC), ("put", TOPIC)]
    assert wire.keys(4)["price_7_1_3"] == {"platform": "sensor"}


async def test_component_of_another_platform_takes_the_place_of_the_old_one() -> None:
    wire = Wire()
    await announce(wire, context(extra={"lamp": {"platform": "sensor", "name": "Lamp", "state_topic": "a"}}))
    await announce(wire, context(extra={"lamp": {"platform": "switch", "name": "Lamp", "command_topic": "a"}}))
    assert wire.keys(1)["lamp"] == {"platform": "sensor"}
    assert wire.keys(2)["lamp"]["platform"] == "switch"


async def test_removal_that_did_not_reach_the_broker_is_made_by_the_next_start() -> None:
    wire = Wire()
    await announce(wire, context(watched=(TELEGRAM,)))
    wire.cut = True
    announcer = Announcer(wire, wire.remembered, sleep=wire.sleep, uniform=lambda low, _: low)
    announcer.update(context())
    with pytest.raises(ConnectionError):
        await announcer.run()
    wire.cut = False
    await announce(wire, context())
    assert wire.keys(1)["price_7_1_3"] == {"platform": "sensor"}
    assert "price_7_1_3" not in wire.keys(2)


async def test_switched_off_empties_the_topic_once() -> None:
    wire = Wire()
    off = context(homeassistant={"enabled": False})
    await announce(wire, context())
    for _ in range(2):
        async with running(wire) as announcer:
            announcer.update(off)
            announcer.heard(b"online")
            await settle()
    assert wire.sent[1:] == [("put", TOPIC, b"")]
    await announce(wire, context())
    assert wire.how()[-1] == ("put", TOPIC)
    assert wire.sent[-1][2]


async def test_never_switched_on_publishes_nothing() -> None:
    wire = Wire()
    async with running(wire) as announcer:
        announcer.update(context(homeassistant={"enabled": False}))
        await settle()
    assert not wire.sent
    assert wire.remembered is None


async def test_other_prefix_empties_the_old_topic_and_removes_nothing_on_the_new() -> None:
    wire = Wire()
    await announce(wire, context(watched=(TELEGRAM,)))
    await announce(wire, context(homeassistant={"discovery_prefix": "ha"}))
    new = "ha/device/shomare_k3v9x2/config"
    assert wire.how()[1:] == [("put", TOPIC), ("put", new)]
    assert wire.sent[1][2] == b""
    assert status_topic("ha") == "ha/status"


async def test_nothing_is_written_while_nothing_changes() -> None:
    wire = Wire()
    await announce(wire, context())
    before, wire.remembered = wire.remembered, None
    async with running(Wire()) as announcer:
        del announcer
    wire.remembered = before
    writes: list[str] = []

    async def remember(text: str) -> None:
        writes.append(text)

    wire.remember = remember  # type: ignore[method-assign]
    await announce(wire, context(catalogs=CATALOGS, defaults={"country": "7"}))
    assert not writes
