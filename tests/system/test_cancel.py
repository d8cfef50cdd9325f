"""`cancel`, and the ends that the provider brings about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession

from tests.system.shapes import check_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


async def test_every_form_of_cancel(house: House) -> None:
    forms = ("order", "purchase", "bare order", "bare purchase", "current", "bare current", "integer")
    for form in forms:
        order = await house.buy()
        payload = {
            "order": {"order": order["order"]},
            "purchase": {"purchase": order["purchase"]},
            "bare order": order["order"],
            "bare purchase": order["purchase"],
            "current": {"order": "current"},
            "bare current": "current",
            "integer": {"purchase": int(order["purchase"])},
        }[form]
        cancelled = check_order(await house.probe.ok("cancel", payload))
        assert (cancelled["order"], cancelled["state"], cancelled["refunded"]) == (order["order"], "cancelled", True)
        assert cancelled["error"] is None
    assert house.sim.balance == 1_000_000
    assert len(house.bought()) == len(forms)
    assert (await house.probe.refused("cancel", "current"))["code"] == "order_not_found"


async def test_what_cannot_be_cancelled(house: House) -> None:
    order = await house.buy()
    await house.probe.ok("cancel", {"order": order["order"]})
    assert (await house.probe.refused("cancel", {"order": order["order"]}))["code"] == "order_closed"
    assert (await house.probe.refused("cancel", order["order"]))["code"] == "order_closed"
    assert (await house.probe.refused("cancel", {"order": "nobody"}))["code"] == "order_not_found"
    assert (await house.probe.refused("cancel", {"order": "74001"}))["code"] == "order_not_found"
    assert (await house.probe.refused("cancel", {"purchase": "99"}))["code"] == "not_found"
    assert (await house.probe.refused("cancel", "99"))["code"] in ("not_found", "order_not_found")
    for wrong in ("", "  ", "a b", '"x"', "[]", "null", {}, {"order": 1}, {"order": "a", "purchase": "b"}, {"id": "a"}):
        assert (await house.probe.refused("cancel", wrong))["code"] == "invalid_command", wrong


async def buy_on_the_site(house: House) -> None:
    headers, form = {"token": house.sim.options.token}, {"country": "7", "operator": "1", "application": "3"}
    async with ClientSession(headers=headers) as site, site.post(f"{house.sim.base_url}/buy", data=form) as bought:
        assert bought.status == 200, await bought.text()


async def test_a_purchase_that_is_not_ours(house: House) -> None:
    await buy_on_the_site(house)
    await buy_on_the_site(house)
    house.sim.deliver_sms("74001", text="Your code is 4711-22", code=None)
    checked = await house.probe.ok("query/check", {"purchase": "74001"})
    assert set(checked) == {"purchase", "state", "sms"}
    assert checked["purchase"] == "74001"
    assert checked["sms"][0]["text"] == "Your code is 4711-22"
    assert await house.probe.ok("cancel", {"purchase": 74002}) == {"purchase": "74002", "refunded": True}
    assert house.probe.all("event/order") == []


async def test_a_refused_cancel_is_followed_by_one_check(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"orders": {"poll_interval": 600}})
    order = await house.buy()
    await house.sim.wait_until(lambda: house.sim.calls["check"] > 0)  # the one that confirms the purchase's id
    house.sim.deliver_sms(order["purchase"], text="Code: 1234", code="1234")
    checks = house.sim.calls["check"]
    error = await house.probe.refused("cancel", {"order": order["order"]})
    assert (error["code"], error["retryable"], error["upstream"]["http"]) == ("not_cancellable", False, 400)
    assert "which has an SMS: the number was of use, and its price stays paid. " in error["message"]
    assert house.sim.calls["check"] == checks + 1
    await house.order(order["order"], "received")
    assert (await house.probe.message("event/sms")).json["code"] == "1234"
    error = await house.probe.refused("cancel", {"order": order["order"]})
    assert (error["code"], error["retryable"]) == ("not_cancellable", False)
    assert house.sim.calls["cancel"] == 2
    assert (await house.order(order["order"], "received"))["closed_at"] is None


async def test_a_lost_answer_is_asked_for_again(house: House) -> None:
    order = await house.buy()
    house.sim.fault("cancel", "reset_after")
    cancelled = await house.probe.ok("cancel", {"order": order["order"]})
    assert cancelled["state"] == "cancelled"
    assert house.sim.calls["cancel"] == 2
    assert house.sim.balance == 1_000_000
    order = await house.buy()
    house.sim.fault("cancel", "reset_before", times=2)
    cancelled = await house.probe.ok("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["refunded"]) == ("cancelled", True)


ENDS = [
    ("cancelled", False, "cancelled"),
    ("banned", False, "cancelled"),
    ("expired", False, "expired"),
    ("cancelled", True, "finished"),
    ("expired", True, "finished"),
]


async def test_ends_that_the_provider_brings(house: House) -> None:
    for end, with_sms, state in ENDS:
        since = len(house.probe.seen)
        order = await house.buy()
        if with_sms:
            house.sim.deliver_sms(order["purchase"], code="55555")
            await house.order(order["order"], "received")
        house.sim.end(order["purchase"], end)
        closed = check_order(await house.order(order["order"], state))
        assert (closed["error"] is not None) == (state == "cancelled")
        event = (await house.probe.message("event/order", since, lambda s, w=state: s.json["event_type"] == w)).json  # type: ignore[misc]
        assert event["previous"] == ("received" if with_sms else "waiting")
        assert (await house.probe.holds("orders", lambda o: o == [])) == []
    assert house.sim.calls["cancel"] == 1, "what is found to be over without an SMS is given back once all the same"


@pytest.mark.parametrize("status", [400, 404, 409])
async def test_a_cancel_that_was_carried_out_and_then_refused_is_ours(house: House, status: int) -> None:
    order = await house.buy()
    house.sim.option(gone_status=status)
    house.sim.fault("cancel", "reset_after")
    cancelled = check_order(await house.probe.ok("cancel", {"order": order["order"]}))
    assert (cancelled["state"], cancelled["refunded"], cancelled["error"]) == ("cancelled", None, None)
    assert house.sim.balance == 1_000_000


async def test_a_refused_cancel_is_said_and_stays_with_the_order(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=6, cancel_min_age=3)
    await house.start()
    house.clock.stop()
    order = await house.buy()
    await house.probe.refused("cancel", {"order": order["order"], "transaction": "early"})
    event = (await house.probe.message("event/bridge", 0, lambda s: s.json["event_type"] == "command_refused")).json
    assert (event["command"], event["transaction"], event["order"]) == ("cancel", "early", order["order"])
    house.clock.advance(3)
    expired = check_order(await house.order(order["order"], "expired"))
    assert (expired["refunded"], expired["error"]["upstream"]["http"]) == (True, 400)


async def test_one_not_found_ends_nothing(house: House) -> None:
    order = await house.buy()
    kept = house.sim._desk.ledger.purchases.pop(order["purchase"])
    await house.called("check", 2)
    house.sim._desk.ledger.purchases[order["purchase"]] = kept
    house.sim.deliver_sms(order["purchase"], code="98765")
    assert (await house.probe.message("code")).text == "98765"
    assert (await house.order(order["order"], "received"))["error"] is None


async def test_a_cancel_while_buying_waits_for_the_outcome(house: House) -> None:
    house.sim.fault("buy", "hold")
    await house.probe.publish("buy", {"country": 7, "operator": 1, "application": 3})
    await house.probe.message("event/order", 0, lambda s: s.json["event_type"] == "buying")
    since = await house.probe.publish("cancel", {"order": "current", "transaction": "c"})
    await house.all_taken()
    assert not house.probe.all("response/cancel", since)
    house.sim.clear_faults()
    cancelled = (await house.probe.answer("cancel", since))["data"]
    assert cancelled["state"] == "cancelled"
    assert house.sim.balance == 1_000_000
