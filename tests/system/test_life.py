"""The life of an order: SMS, several of them, its end, and what is shown of it meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.system.house import PRICE
from tests.system.shapes import check_order, is_time

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


async def test_from_buy_to_the_code(house: House) -> None:
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], text="Telegram code: 48151. Do not share", code="48151")
    sms = await house.probe.message("event/sms")
    assert list(sms.json) == [
        "event_type", "sms", "order", "purchase", "phone", "country", "country_name", "application",
        "application_name", "code", "text", "sender", "received_at",
    ]  # fmt: skip
    assert sms.json["event_type"] == "sms_received"
    assert {k: sms.json[k] for k in ("order", "purchase", "phone", "country", "country_name", "application")} == {
        k: order[k] for k in ("order", "purchase", "phone", "country", "country_name", "application")
    }
    assert (sms.json["code"], sms.json["text"]) == ("48151", "Telegram code: 48151. Do not share")
    assert is_time(sms.json["received_at"])
    assert isinstance(sms.json["sms"], str)
    code = await house.probe.message("code")
    assert (code.text, code.retain, sms.retain, code.qos, sms.qos) == ("48151", False, False, 1, 1)
    received = check_order(await house.order(order["order"], "received"))
    assert received["sms"] == [{"sms": sms.json["sms"], "received_at": sms.json["received_at"]}]
    events = [e.json for e in house.probe.all("event/order")]
    assert [(e["previous"], e["event_type"]) for e in events] == [
        (None, "buying"), ("buying", "waiting"), ("waiting", "received")
    ]  # fmt: skip
    for event in events:
        assert set(event) == {"event_type", "previous", "order"}
        assert check_order(event["order"])["state"] == event["event_type"]
    assert events[0]["order"]["purchase"] is None
    assert await house.probe.holds("current", lambda o: o["state"] == "received") == received
    assert await house.probe.holds("orders", lambda o: o and o[0]["state"] == "received") == [received]
    assert not any(b"48151" in payload for payload in house.probe.retained().values())


async def test_several_sms_each_once(house: House) -> None:
    order = await house.buy()
    texts = [("Code: 1111", "1111"), ("Welcome!", None), ("Code: 2222", "2222"), ("Ihr Code lautet 33 44 55", None)]
    for number, (text, code) in enumerate(texts, 1):
        house.sim.deliver_sms(order["purchase"], text=text, code=code)
        await house.probe.until(lambda n=number: len(house.probe.all("event/sms")) == n)  # type: ignore[misc]
    await house.called("check", 3)
    events = [e.json for e in house.probe.all("event/sms")]
    assert [e["text"] for e in events] == [t for t, _ in texts]
    assert [e["code"] for e in events] == ["1111", None, "2222", "334455"]
    assert len({e["sms"] for e in events}) == 4
    assert [c.text for c in house.probe.all("code")] == ["1111", "2222", "334455"]
    assert len([e for e in house.probe.all("event/order") if e.json["event_type"] == "received"]) == 1
    full = await house.probe.ok("query/check/current")
    assert [s["text"] for s in full["sms"]] == [t for t, _ in texts]


async def test_a_number_that_expires_is_given_back_while_it_lives(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=8)
    await house.start({"orders": {"poll_interval": 0.5}})
    house.clock.stop()
    order = await house.buy()
    expired = check_order(await house.order(order["order"], "expired"))
    assert (expired["refunded"], expired["error"], expired["sms"]) == (True, None, [])
    assert house.sim.balance == 1_000_000
    assert house.sim.calls["cancel"] == 1
    last = [r for r in house.sim.requests if r["endpoint"] in ("check", "cancel")][-2:]
    assert [r["endpoint"] for r in last] == ["check", "cancel"]
    assert house.sim.purchases[order["purchase"]].state == "cancelled"
    assert (await house.probe.holds("current", lambda o: o["state"] == "expired"))["order"] == order["order"]
    await house.probe.holds("profile", lambda p: p["balance"] == 1_000_000)


@pytest.mark.parametrize(("offset", "dialect"), [(5, "path"), (-5, "path"), (3600, "path-optional"), (-120, "query")])
async def test_so_it_is_where_the_providers_clock_is_another(
    open_house: Callable[..., Awaitable[House]], offset: float, dialect: str
) -> None:
    """Ahead of ours by five seconds, every number without an SMS was lost."""
    house = await open_house(lifetime=10, clock_offset=offset, dialect=dialect)
    await house.start()
    house.clock.stop()
    order = await house.buy()
    expired = await house.order(order["order"], "expired")
    assert (expired["refunded"], house.sim.calls["cancel"]) == (True, 1)
    assert house.sim.balance == 1_000_000


@pytest.mark.parametrize(
    ("dialect", "codes"), [("path", ["11111", "11111", "22222", "11111"]), ("body-form", ["11111", "22222", "11111"])]
)
async def test_the_same_sms_again_is_another_one(
    open_house: Callable[..., Awaitable[House]], dialect: str, codes: list[str]
) -> None:
    """By its id, in a list of all; after another, where the newest alone is shown without one."""
    house = await open_house(dialect=dialect)
    await house.start()
    order = await house.buy()
    for code in codes:
        since = len(house.probe.seen)
        house.sim.deliver_sms(order["purchase"], text=f"Your code is {code}", code=code)
        assert (await house.probe.message("code", since)).text == code
    await house.called("check", 3)
    await house.again()
    await house.called("check", 3)
    assert [c.text for c in house.probe.all("code")] == codes
    assert len({s.json["sms"] for s in house.probe.all("event/sms")}) == len(codes)


async def test_a_number_that_is_done_gets_a_second_sms(house: House) -> None:
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], code="11111")
    await house.order(order["order"], "received")
    house.sim.end(order["purchase"], "finished")
    await house.called("check", 2)
    assert (await house.order(order["order"], "received"))["closed_at"] is None
    house.sim.deliver_sms(order["purchase"], code="22222")
    assert (await house.probe.message("code", 0, lambda s: s.text == "22222")).text == "22222"


async def test_a_number_with_an_sms_is_watched_to_its_end(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=8, sms_delay=0, code="12345")
    await house.start()
    order = await house.buy()
    await house.probe.message("event/order", 0, lambda s: s.json["event_type"] == "received")
    finished = check_order(await house.order(order["order"], "finished"))
    assert (finished["refunded"], finished["error"], finished["sms_count"]) == (None, None, 1)
    assert house.sim.calls["cancel"] == 0
    house.sim.deliver_sms(order["purchase"], text="Late: 777888", code="777888")
    checked = await house.probe.ok(f"query/check/{order['order']}")
    assert (checked["state"], checked["sms_count"]) == ("finished", 2)
    late = await house.probe.message("event/sms", 0, lambda s: s.json["code"] == "777888")
    assert late.json["order"] == order["order"]
    assert (await house.probe.message("code", 0, lambda s: s.text == "777888")).retain is False
    assert (await house.probe.holds(f"orders/{order['order']}", lambda o: o["sms_count"] == 2))["state"] == "finished"
    assert (await house.probe.refused("cancel", order["order"]))["code"] == "order_closed"


async def test_no_cancel_where_the_settings_say_so(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=3)
    await house.start({"orders": {"cancel_on_expiry": False}})
    order = await house.buy()
    expired = await house.order(order["order"], "expired")
    assert (expired["refunded"], house.sim.calls["cancel"]) == (None, 0)
    assert house.sim.balance == 1_000_000 - PRICE


async def test_a_late_sms_of_an_expired_order_changes_nothing_but_is_told(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    house = await open_house(lifetime=3)
    await house.start({"orders": {"cancel_on_expiry": False}})
    order = await house.buy()
    await house.order(order["order"], "expired")
    house.sim.deliver_sms(order["purchase"], code="246810")
    assert (await house.probe.ok("query/check", {"purchase": order["purchase"]}))["state"] == "expired"
    assert (await house.probe.message("event/sms")).json["code"] == "246810"


async def test_closed_orders_go_after_keep_closed(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"orders": {"keep_closed": 1}})
    await house.probe.holds("current", lambda o: o == {"state": "none"})
    first, second = await house.buy(), await house.buy(application=1)
    current = await house.probe.holds("current", lambda o: o.get("order") == second["order"])
    assert current["application"] == "1"
    await house.probe.ok("cancel", {"order": "current"})
    await house.probe.holds("current", lambda o: o.get("order") == first["order"])
    assert [o["order"] for o in await house.probe.holds("orders", lambda o: len(o) == 1)] == [first["order"]]
    await house.probe.ok("cancel", "current")
    shown = await house.probe.holds("current", lambda o: o["state"] == "cancelled")
    assert shown["order"] == first["order"]
    await house.probe.text(f"orders/{second['order']}", "")
    await house.probe.text(f"orders/{first['order']}", "")
    await house.probe.holds("current", lambda o: o == {"state": "none"})
    assert len(await house.probe.ok("query/orders", {"state": "closed"})) == 2


async def test_the_code_comes_again_for_home_assistant(house: House) -> None:
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], code="13579")
    await house.probe.message("code")
    since = await house.probe.publish(f"/{house.base}-ha/status", "online")
    assert (await house.probe.message("code", since)).text == "13579"


async def test_codes_are_retained_where_the_settings_say_so(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"privacy": {"retain_codes": True}})
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], text="Code 97531", code="97531")
    received = await house.order(order["order"], "received")
    assert (received["sms"][0]["code"], received["sms"][0]["text"]) == ("97531", "Code 97531")


async def test_a_provider_that_is_away_for_a_while(house: House) -> None:
    order = await house.buy()
    port = house.sim.port
    await house.sim.stop()
    await house.probe.holds("provider/state", lambda s: s["state"] == "unreachable")
    house.sim.deliver_sms(order["purchase"], code="86420")
    await house.sim.start(port=port)
    assert (await house.probe.message("code")).text == "86420"
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "online")
    assert (state["error"], set(state)) == (None, {"state", "since", "error", "fields"})

    def told() -> list[str]:
        events = [e.json for e in house.probe.all("event/bridge")]
        return [e["state"] for e in events if e["event_type"] == "provider_state"]

    await house.probe.until(lambda: told() == ["unreachable", "online"])
