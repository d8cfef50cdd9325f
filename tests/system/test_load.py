"""More than fits: a full queue, answers that the broker does not take, many orders at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import Mosquitto
from tests.system.house import PRODUCT, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.system.probe import Seen

pytestmark = pytest.mark.mosquitto


async def test_a_full_queue(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"provider": {"timeout": 60}})
    house.sim.fault("profile", "hold", times=None)
    since = len(house.probe.seen)
    await asyncio.gather(*(house.probe.publish("query/profile", {"transaction": n}) for n in range(560)))
    await house.probe.message("response/query/profile", since)  # only what was refused is answered as yet
    house.sim.clear_faults()
    answers = await house.probe.until(
        lambda: found if len(found := house.probe.all("response/query/profile", since)) == 560 else None
    )
    errors = [a.json["error"] for a in answers if a.json["status"] == "error"]
    assert errors
    assert all((e["code"], e["retryable"]) == ("busy", True) for e in errors)
    assert sorted(a.json["transaction"] for a in answers) == list(range(560))
    assert (await house.buy())["state"] == "waiting"


async def test_an_answer_that_is_too_large(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path, lines=["max_packet_size 3000"]) as broker,
        House(tmp_path, broker.port, "small", {"applications": 100}) as house,
    ):
        since = len(house.probe.seen)
        await house.launch()
        await house.probe.message("bridge/state", since, lambda s: s.text == "online")
        error = await house.probe.refused("query/applications", {"transaction": "large"})
        assert (error["code"], error["retryable"]) == ("too_large", False)
        assert len(await house.probe.ok("query/operators", {})) == 5
        order = await house.buy()
        house.sim.deliver_sms(order["purchase"], text="4" * 5000, code="123123")
        assert (await house.probe.message("code")).text == "123123"
        sms = (await house.probe.message("event/sms")).json
        assert (sms["code"], sms["truncated"]) == ("123123", True)
        await house.probe.message("event/bridge", 0, dropped("-ha/device/"))


def dropped(topic: str) -> Callable[[Seen], bool]:
    def look(seen: Seen) -> bool:
        return seen.json["event_type"] == "message_dropped" and topic in seen.json["message"]

    return look


async def test_many_orders_at_once(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"limits": {"max_open_orders": 50}})
    orders = await asyncio.gather(*(house.probe.ok("buy", {**PRODUCT, "transaction": n}) for n in range(40)))
    assert len({o["order"] for o in orders}) == len({o["purchase"] for o in orders}) == 40
    codes = {o["purchase"]: str(100000 + n) for n, o in enumerate(orders)}
    for purchase, code in codes.items():
        house.sim.deliver_sms(purchase, code=code)
    await house.probe.until(lambda: len(house.probe.all("event/sms")) >= 40)
    heard = {s.json["purchase"]: s.json["code"] for s in house.probe.all("event/sms")}
    assert heard == codes
    assert len(await house.probe.holds("orders", lambda o: all(x["state"] == "received" for x in o))) == 40
    assert len(house.bought()) == 40
