"""SMS that are larger than the broker takes come cut, and none of many is dropped (contract, Events)."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import LONGEST_TEXT
from shomare_mqtt.mqtt import suspects
from tests.denying import ByChance, Denying
from tests.mosquitto import Mosquitto
from tests.old_broker import old_broker
from tests.system.house import PRODUCT, House
from tests.system.probe import Probe
from tests.system.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.system.probe import Seen

HUGE = "Your code is 48213. " + "x" * 3_000_000
RETAINING = {"privacy": {"retain_codes": True}}


async def comes_cut(house: House, longest: int) -> None:
    """One SMS of three megabytes and one as people send them: both come, and all that shows the order."""
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], text=HUGE, code="48213")
    event = (await house.probe.message("event/sms")).json
    assert (event["code"], event["truncated"]) == ("48213", True)
    assert HUGE.startswith(event["text"].rstrip("…"))
    assert len(event["text"]) <= longest
    house.sim.deliver_sms(order["purchase"], text="Your code is 11122", code="11122")
    plain = await house.probe.message("event/sms", 0, lambda s: s.json["code"] == "11122")
    assert "truncated" not in plain.json
    for topic in (f"orders/{order['order']}", "current"):
        shown = await house.probe.holds(topic, lambda o: o["sms_count"] == 2)
        assert [(s["code"], s.get("truncated")) for s in shown["sms"]] == [("48213", True), ("11122", None)]
    checked = await house.probe.ok("query/check/current")
    assert [(s["code"], s.get("truncated")) for s in checked["sms"]] == [("48213", True), ("11122", None)]


@pytest.mark.mosquitto
@pytest.mark.parametrize(
    ("protocol", "lines", "longest"),
    [
        ("5", [], LONGEST_TEXT),
        ("3.1.1", [], LONGEST_TEXT),
        ("5", ["max_packet_size 20000"], 20_000),  # which CONNACK names
        ("5", ["message_size_limit 20000"], 20_000),  # of which only the PUBACK tells
    ],
)
async def test_on_mosquitto(tmp_path: Path, protocol: str, lines: list[str], longest: int) -> None:
    async with (
        Mosquitto(tmp_path, lines=lines) as broker,
        House(tmp_path, broker.port, "large", {}) as house,
        serving(house, {**RETAINING, "mqtt": {"protocol": protocol}}),
    ):
        await house.until_up()
        await comes_cut(house, longest)
        if protocol == "5":
            reply = "elsewhere"
            async with Probe(house.port, reply) as elsewhere:
                since = await house.probe.publish("query/check/current", reply=f"{reply}/answer")
                there = await elsewhere.message("answer")
                assert there.json == await house.probe.answer("query/check/current", since)


@pytest.mark.mosquitto
async def test_on_a_broker_that_hangs_up_on_what_is_large(tmp_path: Path) -> None:
    """As mosquitto does over 3.1.1."""
    async with (
        Mosquitto(tmp_path, lines=["max_packet_size 20000"]) as broker,
        House(tmp_path, broker.port, "large", {}) as house,
        serving(house, {"mqtt": {"protocol": "3.1.1"}, "homeassistant": {"enabled": False}}),
    ):
        await house.probe.text("bridge/state", "online")
        order = await house.buy()
        house.sim.deliver_sms(order["purchase"], text=HUGE, code="48213")
        event = (await house.probe.message("event/sms")).json
        assert (event["code"], event["truncated"]) == ("48213", True)
        answer = await asked_until_answered(house.probe, "query/check/current")
        assert [(sms["code"], sms["truncated"]) for sms in answer["data"]["sms"]] == [("48213", True)]
        since = len(house.probe.seen)
        assert await house.probe.ask("query/check/current") == answer
        assert not [s for s in house.probe.all("bridge/state", since) if s.text == "offline"]  # now it is known


async def asked_until_answered(probe: Probe, topic: str) -> Any:
    """Ask again whenever the connection was lost under the answer, as often as it takes to know why."""

    def answered_or_back() -> bool:
        states = [s.text for s in probe.all("bridge/state", since)]
        return bool(probe.all(f"response/{topic}", since)) or "offline" in states[:-1]

    for _ in range(suspects.STRIKES):
        since = await probe.publish(topic)
        await probe.until(answered_or_back)
        if answers := probe.all(f"response/{topic}", since):
            return answers[0].json
    return await probe.answer(topic, since)


async def test_on_amqtt(tmp_path: Path) -> None:
    async with old_broker("tcp") as (port,):
        house = House(tmp_path, port, "old", {})
        house.probe = house.another_probe(protocol=4)
        async with house:
            await house.start(RETAINING)
            await comes_cut(house, LONGEST_TEXT)
            assert await house.daemons[0].stop() == 0


@pytest.mark.mosquitto
async def test_of_six_hundred_at_once_each_comes_once(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start()
    order = await house.buy()
    for number in range(600):
        house.sim.deliver_sms(order["purchase"], text=f"Your code is {100_000 + number}", code=f"{100_000 + number}")
    await house.probe.until(lambda: len(house.probe.all("event/sms")) == 600)
    await house.called("check", 2)
    events = [s.json for s in house.probe.all("event/sms")]
    assert [e["code"] for e in events] == [f"{100_000 + number}" for number in range(600)]
    assert len({e["sms"] for e in events}) == 600
    shown = await house.probe.holds(f"orders/{order['order']}", lambda o: o["sms_count"] == 600)
    assert len(json.dumps(shown)) < 100_000
    assert len((await house.probe.ok("query/check/current"))["sms"]) == 600


def is_of(state: str, seen: Seen) -> bool:
    return bool(seen.json["event_type"] == state)


@pytest.mark.mosquitto
@pytest.mark.parametrize("topic", ["event/sms", "event/order", "response/buy", "code"])
async def test_nothing_is_lost_where_the_link_drops_three_times_under_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    """By chance, which nobody can tell from a broker that denies the topic."""
    monkeypatch.setattr("shomare_mqtt.mqtt.publisher.AGAIN_AFTER", 0.5)
    chance = ByChance(f"chance/{topic}", suspects.STRIKES)
    async with (
        Mosquitto(tmp_path) as broker,
        Denying(broker.port, chance) as front,
        House(tmp_path, broker.port, "chance", {}) as house,
        serving(house, {"mqtt": {"port": front.port}}),
    ):
        await house.until_up()
        order = await house.probe.ok("buy", PRODUCT)
        house.sim.deliver_sms(order["purchase"], text="Your code is 48213", code="48213")
        event = (await house.probe.message("event/sms")).json
        assert (event["text"], event["code"]) == ("Your code is 48213", "48213")
        assert (await house.probe.message("code")).text == "48213"
        for state in ("buying", "waiting", "received"):
            await house.probe.message("event/order", 0, partial(is_of, state))
        assert chance.left == 0
