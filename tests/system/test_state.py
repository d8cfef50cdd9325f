"""The retained topics: what they hold, and that they are there again after a loss."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt.retained import SHORT
from tests.mosquitto import Mosquitto
from tests.system.house import PRICE, PRODUCT, TOKEN, House
from tests.system.shapes import is_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.mosquitto

EVENTS = ("response/", "event/", "code")


async def test_every_retained_topic(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    prices = [{"country": "Russia", "operator": 1}, {"country": 57, "operator": "any", "application": "Telegram"}]
    await house.start({"prices": prices, "defaults": {"country": "Russia", "operator": 1, "application": "telegram"}})
    order = await house.buy()
    await house.probe.holds("quote", lambda q: q["price"] == PRICE)
    for topic in ("prices/7/1", "prices/57/any", "bridge/health"):
        await house.probe.message(topic)
    await house.probe.text("defaults/application/name", "Telegram")
    held = house.probe.retained()
    info = json.loads(held["bridge/info"])
    assert info["base_topic"] == house.base
    assert info["protocol"] == "5"
    assert {"version", "started_at", "plugins", "capabilities", "settings"} <= set(info)
    assert is_time(info["started_at"])
    assert info["settings"]["provider"]["token"] == "***"
    assert TOKEN not in held["bridge/info"].decode()
    health = json.loads(held["bridge/health"])
    assert {"uptime", "commands", "answers", "open_orders", "outbox", "memory"} <= set(health)
    state = json.loads(held["provider/state"])
    assert (state["state"], state["error"], state["fields"]) == ("online", None, [])
    assert is_time(state["since"])
    assert held["bridge/state"] == b"online"
    assert held["buying"] == b"on"
    assert (held["defaults/country"], held["defaults/country/name"]) == (b"7", b"Russia")
    assert (held["defaults/operator"], held["defaults/operator/name"]) == (b"1", b"MTS")
    assert "defaults/max_price" not in held
    quote = json.loads(held["quote"])
    assert list(quote) == ["country", "operator", "application", "price", "count", "updated_at"]
    there = json.loads(held["prices/57/any"])
    assert there["prices"][0]["application_name"] == "Telegram"
    assert order["order"] in json.loads(held["orders"])[0]["order"]
    for seen in house.probe.seen:
        if seen.topic.startswith(EVENTS):
            assert not seen.retain, seen
        elif seen.topic.startswith(("bridge/", "orders", "current", "profile", "prices/", "defaults/", "quote")):
            assert seen.retain or seen.topic.endswith("/set"), seen
            assert seen.qos == 1


async def test_prices_that_change_are_told(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    watched = [{"country": 7, "operator": 1, "application": 3}]
    await house.start({"prices": watched, "refresh": {"prices": 0.3}})
    await house.probe.message("prices/7/1")
    entry = house.sim._desk.catalog.applications["3"]
    house.sim._desk.catalog.applications["3"] = type(entry)(entry.id, entry.name, entry.persian, 2500)
    changed = await house.probe.message("event/bridge", 0, lambda s: s.json["event_type"] == "price_changed")
    assert "2,500 IRT now" in changed.json["message"]
    await house.probe.holds("prices/7/1", lambda p: p["prices"][0]["price"] == 2500)


async def test_a_broker_that_lost_everything_gets_it_again(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, House(tmp_path, broker.port, "own", {}) as house:
        await house.start()
        order = await house.buy()
        await house.order(order["order"], "waiting")
        held = set(house.probe.retained())
        await broker.kill()
        house.sim.deliver_sms(order["purchase"], code="20304")
        await house.sim.wait_until(lambda: house.sim._desk.ledger.purchases["74001"].sms[-1].shown)
        house.daemons[0].process.send_signal(signal.SIGSTOP)  # until the probe listens again: else it misses events
        await broker.start()
        await house.probe.until(lambda: house.probe.subscribed == 2)
        house.daemons[0].process.send_signal(signal.SIGCONT)
        async with house.another_probe() as probe:
            await probe.text("bridge/state", "online")
            await probe.until(lambda: held <= set(probe.retained()), what="all retained topics")
            await probe.holds("current", lambda o: o["state"] == "received")
        assert (await house.probe.message("code")).text == "20304"
        assert (await house.probe.message("event/sms")).json["code"] == "20304"
        assert len(house.probe.all("event/sms")) == 1


async def test_a_long_list_of_open_orders_says_the_newest_also_at_the_end(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    """What changes while it rests comes later; an SMS is told at once all the same, and an end waits for the list."""
    house = await open_house()
    daemon = await house.start({"limits": {"max_open_orders": 60}})
    buys = (house.probe.ok("buy", PRODUCT | {"transaction": number}) for number in range(40))
    bought = {order["order"] for order in await asyncio.gather(*buys)}
    listed = await house.probe.holds("orders", lambda orders: [o["state"] for o in orders] == ["waiting"] * 40)
    assert len(house.probe.retained()["orders"]) > SHORT
    assert bought == {o["order"] for o in listed}
    assert [o["order"] for o in listed] == [o["order"] for o in await house.probe.ok("query/orders")]

    newest = listed[0]
    house.sim.deliver_sms(newest["purchase"], code="20304")
    assert (await house.probe.ok("query/check", {"order": newest["order"]}))["sms"][0]["code"] == "20304"
    assert (await house.probe.message("event/sms")).json["order"] == newest["order"]
    for topic in (f"orders/{newest['order']}", "current"):
        await house.probe.holds(topic, lambda order: order["state"] == "received")
    await house.probe.holds("orders", lambda orders: orders[0]["state"] == "received")

    gone = [o["order"] for o in listed[-5:]]
    await asyncio.gather(*(house.probe.ok("cancel", {"order": order}) for order in gone))
    assert await daemon.stop() == 0
    await house.probe.text("bridge/state", "offline")
    held = {topic: json.loads(payload) for topic, payload in house.probe.retained().items() if "orders" in topic}
    assert [o["order"] for o in held["orders"]] == [o["order"] for o in listed[:-5]]
    assert held["orders"] == [held[f"orders/{o['order']}"] for o in listed[:-5]]
    assert {held[f"orders/{order}"]["state"] for order in gone} == {"cancelled"}


async def test_the_end_of_the_daemon_is_seen(house: House) -> None:
    await house.daemons[0].stop()
    await house.probe.text("bridge/state", "offline")
    killed = await house.again()
    killed.process.kill()
    await house.probe.until(lambda: len(house.probe.all("bridge/state")) >= 4 and house.probe.last("bridge/state"))
    await house.probe.text("bridge/state", "offline")


async def test_leftovers_of_other_settings_are_emptied(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    prices = [{"country": 7, "operator": 1}, {"country": 57, "operator": 2, "application": 3}]
    before = {"prices": prices, "defaults": {"country": 7, "operator": 1, "application": 3, "max_price": 2500}}
    await house.start(before)
    for topic in ("prices/7/1", "prices/57/2", "quote"):
        await house.probe.message(topic)
    await house.probe.text("defaults/max_price", "2500")
    await house.again({"prices": prices[:1], "homeassistant": {"enabled": False}})
    for topic in ("prices/57/2", "quote", "defaults/country", "defaults/country/name", "defaults/max_price"):
        await house.probe.text(topic, "")
    config = next(s.topic for s in house.probe.seen if s.topic.endswith("/config"))
    await house.probe.text(config, "")
    assert "prices/7/1" in house.probe.retained()
