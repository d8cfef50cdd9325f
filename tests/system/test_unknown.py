"""Outcomes that nobody knows: how they settle, and `resolve`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.system.house import PRICE, PRODUCT
from tests.system.shapes import check_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

FAULTS: list[tuple[str, dict[str, Any], bool]] = [
    ("reset_after", {}, True),
    ("html_after", {"status": 502}, True),
    ("framework_500_after", {}, True),
    ("empty", {}, True),
    ("truncated", {}, True),
    ("cut", {}, True),
    ("reset_before", {}, False),
    ("html", {"status": 403}, False),
    ("framework_500", {}, False),
    ("429", {}, False),
    ("redirect", {}, False),
]


async def lost(house: House, kind: str, *, holding: str | None = None, **options: Any) -> Any:
    """A `buy` whose answer is lost; the order. Calls of the endpoint `holding` hang from then on."""
    done = house.sim.faults.done
    before = done[f"buy:{kind}"]
    house.sim.fault("buy", kind, **options)
    since = await house.probe.publish("buy", {**PRODUCT, "transaction": f"lost-{before}-{kind}"})
    await house.sim.wait_until(lambda: done[f"buy:{kind}"] > before)
    if holding:
        house.sim.fault(holding, "hold", times=None)
    answer = await house.probe.answer("buy", since)
    assert answer["status"] == "unknown", answer
    assert set(answer) == {"status", "transaction", "data", "error"}
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("outcome_unknown", False)
    said = answer["error"]["message"]
    wanted = ("Nobody knows", "money may be gone", "To settle it", "resolve")
    assert [said.count(words) for words in wanted] == [1, 1, 1, 1], said
    assert ".." not in said
    order = answer["data"]
    assert order["state"] == "unknown"
    return order


@pytest.mark.parametrize("bought", [True, False])
async def test_the_balance_settles_it(house: House, bought: bool) -> None:
    await settles(house, [(kind, options) for kind, options, buys in FAULTS if buys is bought], bought)


async def test_the_balance_settles_what_was_never_answered(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"provider": {"timeout": 8}})  # it is waited for once, and no other call may take so long
    await settles(house, [("hang_after", {})], bought=True)


async def settles(house: House, faults: list[tuple[str, dict[str, Any]]], bought: bool) -> None:
    for kind, options in faults:
        since = len(house.probe.seen)
        order = check_order(await lost(house, kind, holding="profile", **options))
        refused = await house.probe.refused("buy", {**PRODUCT, "transaction": kind})
        assert (refused["code"], refused["retryable"]) == ("buying_paused", True)
        house.sim.clear_faults()
        if bought:
            settled = await house.probe.holds(f"orders/{order['order']}", lambda o: o["charged"] is not None)
            assert (settled["state"], settled["charged"]) == ("unknown", PRICE)
        else:
            settled = await house.order(order["order"], "failed")
            assert settled["charged"] is None
            assert settled["error"] is not None
        await house.probe.message("event/bridge", since, lambda s: s.json["event_type"] == "buying_resumed")
        types = [e.json["event_type"] for e in house.probe.all("event/bridge", since)]
        assert "buying_paused" in types
        assert types.count("command_refused") == 1
        assert (await house.probe.ok("buy", {**PRODUCT, "transaction": kind}))["state"] == "waiting"
    sent = [r for r in house.sim.requests if r["endpoint"] == "buy" and r["status"] != 404]
    assert len(sent) == 2 * len(faults)
    assert len(house.bought()) == len(faults) * (1 + bought)


@pytest.mark.parametrize("status", [404, 405])
async def test_a_framework_that_knows_no_such_address_bought_nothing(
    open_house: Callable[..., Awaitable[House]], status: int
) -> None:
    house = await open_house()
    await house.start({"provider": {"dialect": {"buy": "form"}}})
    house.sim.fault("buy", "html", status=status)
    answer = await house.probe.ask("buy", PRODUCT)
    assert answer["status"] == "error"
    assert answer["error"]["code"] == {404: "unknown_endpoint", 405: "method_not_allowed"}[status]
    assert house.bought() == []
    assert (await house.buy())["state"] == "waiting"


async def test_resolve_it_as_bought(house: House) -> None:
    order = await lost(house, "reset_after")
    assert (await house.probe.refused("cancel", {"order": order["order"]}))["code"] == "not_cancellable"
    assert (await house.probe.refused("cancel", "current"))["code"] == "not_cancellable"
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"order": order["order"]}, "outcome"),
        ({"order": order["order"], "outcome": "maybe"}, "outcome"),
        ({"order": order["order"], "outcome": "bought"}, "purchase"),
        ({"order": order["order"], "outcome": "bought", "purchase": "74001"}, "phone"),
        ({"order": order["order"], "outcome": "not_bought", "purchase": "1"}, "purchase"),
        ({"outcome": "not_bought"}, "order"),
        ({"order": order["order"], "outcome": None}, "outcome"),
    ]
    for payload, word in wrong:
        error = await house.probe.refused("resolve", payload)
        assert (error["code"], word in error["message"]) == ("invalid_command", True), error
    gone = {"order": "nobody", "outcome": "not_bought"}
    assert (await house.probe.refused("resolve", gone))["code"] == "order_not_found"
    house.sim.deliver_sms("74001", code="44556")
    said = {"order": order["order"], "outcome": "bought", "purchase": "74001", "phone": "+79990001122"}
    resolved = check_order(await house.probe.ok("resolve", {**said, "transaction": "r"}))
    assert (resolved["state"], resolved["purchase"], resolved["phone"]) == ("waiting", "74001", "+79990001122")
    assert (await house.probe.message("code")).text == "44556"
    await house.order(order["order"], "received")
    again = await house.probe.ask("resolve", {**said, "transaction": "r"})
    assert (again["replayed"], again["data"]["state"]) == (True, "waiting")
    assert (await house.probe.refused("resolve", said))["code"] == "invalid_command"


async def test_resolve_it_as_not_bought(house: House) -> None:
    order = await lost(house, "reset_before", holding="profile")  # else the balance may settle it first
    empty = {"purchase": "", "phone": ""}  # as a form with fields left blank sends it
    resolved = await house.probe.ok("resolve", {"order": "current", "outcome": "not_bought", **empty})
    assert (resolved["order"], resolved["state"]) == (order["order"], "failed")
    said = {"order": order["order"], "outcome": "not_bought"}
    assert (await house.probe.refused("resolve", said))["code"] == "order_closed"
    event = await house.probe.message("event/order", 0, lambda s: s.json["event_type"] == "failed")
    assert event.json["previous"] == "unknown"


async def test_a_purchase_belongs_to_one_order(house: House) -> None:
    mine = await house.buy()
    order = await lost(house, "reset_after")
    said = {"order": order["order"], "outcome": "bought", "purchase": mine["purchase"], "phone": "+7999"}
    assert (await house.probe.refused("resolve", said))["code"] == "invalid_command"


async def test_a_refund_hides_no_purchase(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"orders": {"settle_delay": 1}})
    first = await house.buy()
    order = await lost(house, "reset_after", holding="profile")
    await house.probe.ok("cancel", {"order": first["order"]})
    house.sim.clear_faults()
    await house.probe.message("event/bridge", 0, lambda s: s.json["event_type"] == "buying_resumed")
    assert (await house.order(order["order"], "unknown"))["state"] == "unknown"


async def test_an_open_unknown_order_is_shown_and_counted(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"limits": {"max_open_orders": 1}, "orders": {"settle_delay": 0.2}})
    order = await lost(house, "reset_after")
    assert [o["order"] for o in await house.probe.holds("orders", lambda o: o != [])] == [order["order"]]
    assert (await house.probe.ok("query/orders"))[0]["state"] == "unknown"
    await house.probe.message("event/bridge", 0, lambda s: s.json["event_type"] == "buying_resumed")
    assert (await house.probe.refused("buy", PRODUCT))["code"] == "limit_reached"
    assert (await house.probe.ok("query/check", {"order": order["order"]}))["state"] == "unknown"
