"""Every way in which the simulated provider can speak, found out by the daemon itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.simulator import DIALECTS
from tests.system.house import PRICE
from tests.system.shapes import check_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


@pytest.mark.parametrize("dialect", list(DIALECTS))
async def test_a_dialect(open_house: Callable[..., Awaitable[House]], dialect: str) -> None:
    house = await open_house(dialect=dialect)
    await house.start({"prices": [{"country": "Russia", "operator": "MTS"}]})
    await house.probe.text("profile/balance", "1000000")
    prices = (await house.probe.message("prices/7/1")).json
    assert {p["application"]: p["price"] for p in prices["prices"]}["1"] == 3100
    assert (await house.probe.ok("query/price/7/1/3"))["price"] == PRICE
    order = check_order(await house.buy(country="russia", operator="mts", application="telegram"))
    real = house.sim.purchases[order["purchase"]]
    assert (order["state"], order["phone"], order["price"]) == ("waiting", f"+{real.phone}", PRICE)
    other = await house.buy(application="WhatsApp", operator="any")
    house.sim.deliver_sms(order["purchase"], text="Telegram code 70-8090", code="708090")
    assert (await house.probe.message("event/sms")).json["code"] == "708090"
    received = await house.order(order["order"], "received")
    assert received["sms_count"] == 1
    cancelled = await house.probe.ok("cancel", {"order": other["order"]})
    assert cancelled["state"] == "cancelled"
    data = await house.probe.ok("query/profile")
    assert data["balance"] == 1_000_000 - PRICE
    assert house.bought() == [("7", "1", "3"), ("7", "any", "1")]
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "online")
    assert state["fields"] == []
    await house.again()
    house.sim.deliver_sms(order["purchase"], text="Telegram code 11-2233", code="112233")
    await house.probe.message("code", 0, lambda s: s.text == "112233")


async def test_a_dialect_that_changes_is_learnt_anew(house: House) -> None:
    assert (await house.probe.ok("query/price/7/1/3"))["price"] == PRICE
    first = await house.buy()
    house.sim.option(dialect="query-form")
    assert (await house.probe.ok("query/price/7/1/3"))["price"] == PRICE
    order = await house.buy()
    house.sim.deliver_sms(first["purchase"], code="101010")
    assert (await house.probe.message("code")).text == "101010"
    assert order["state"] == "waiting"
    assert len(house.bought()) == 2
