"""What stays of a cancel that was refused, and what is said of commands that were (contract, State and Events)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import PurchaseState
from tests.core.provider import FAILED, LOST, TIMEOUT, TOO_EARLY, UNREACHABLE, Late, reading, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

SECRET = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "number +79310000001 got code 48213", Upstream(400, 400))


async def refused(world: World) -> Any:
    order = await world.buy()
    world.provider.script("cancel", SECRET)
    assert await world.error("cancel", {"order": order["order"], "transaction": 7}) == "provider_error"
    return order


async def test_the_order_stays_as_it_was(world: World) -> None:
    order = await refused(world)
    assert world.order(order["order"]) == order


@pytest.mark.parametrize("crash", [False, True], ids=["one life", "over a crash"])
@pytest.mark.parametrize(
    ("end", "messages", "state"),
    [
        (None, [], "expired"),
        (None, [sms()], "finished"),
        (PurchaseState.EXPIRED, [], "expired"),
        (PurchaseState.EXPIRED, [sms()], "finished"),
        (PurchaseState.CANCELLED, [sms()], "finished"),
    ],
    ids=["in time", "with an SMS", "by the provider", "by the provider with an SMS", "banned with an SMS"],
)
async def test_its_end_keeps_the_refusal(world: World, end: Any, messages: Any, state: str, crash: bool) -> None:
    order = await refused(world)
    if crash:
        await world.restart(crash=True)
    if end is not None:
        world.provider.script("check", reading(end, *messages))
    elif messages:
        world.provider.gets("p1", *messages)
    ended = await world.state(order["order"], state)
    assert ended["error"] == {
        "code": "provider_error",
        "message": "the provider refused the cancel (provider_error, HTTP 400)",
        "retryable": True,
        "upstream": {"http": 400, "code": 400},
    }
    assert b"48213 " not in world.retained.now["current"], "the provider's own words are for the sender alone"


async def test_an_end_of_the_providers_own_outranks_it(world: World) -> None:
    order = await refused(world)
    world.provider.script("check", reading(PurchaseState.CANCELLED))
    ended = await world.state(order["order"], "cancelled", 10)
    assert ended["error"]["message"] == "the provider cancelled the number"


async def test_a_later_cancel_that_works_leaves_nothing_of_it(world: World) -> None:
    order = await refused(world)
    cancelled = await world.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["error"], cancelled["refunded"]) == ("cancelled", None, True)


async def test_no_answer_is_no_refusal(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", UNREACHABLE)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_unreachable"
    assert (await world.state(order["order"], "expired"))["error"] is None


async def test_it_is_asked_about_at_once(world: World) -> None:
    order = await world.buy()
    await world.sleep(1)
    world.provider.script("cancel", TOO_EARLY)
    world.provider.gets("p1", sms())
    assert await world.error("cancel", {"order": order["order"]}) == "not_cancellable"
    assert world.provider.times("check") == pytest.approx([1])


# --- command_refused ------------------------------------------------------------------------------------------------


def said(world: World) -> list[tuple[str, str, Any, str | None]]:
    events = world.bridge_events("command_refused")
    return [(e["command"], e["code"], e["transaction"], e.get("order")) for e in events]


async def test_a_cancel_that_the_provider_refused_is_said(world: World) -> None:
    order = await refused(world)
    assert said(world) == [("cancel", "provider_error", 7, order["order"])]
    assert "48213" not in world.bridge_events("command_refused")[0]["message"]


@pytest.mark.parametrize("lost", [FAILED, TIMEOUT], ids=["another's answer", "no answer"])
async def test_a_cancel_in_doubt_is_said(world: World, lost: Exception) -> None:
    order = await world.buy()
    world.provider.always["cancel"] = lost
    code = await world.error("cancel", {"order": order["order"]})
    assert said(world) == [("cancel", code, None, order["order"])]


async def test_what_an_orders_state_refuses_is_said(world: World) -> None:
    order = (await world.buy())["order"]
    asked: list[tuple[str, Any]] = [
        ("resolve", {"order": order, "outcome": "not_bought"}),
        ("cancel", {"order": order}),
        ("cancel", {"order": order}),
        ("resolve", {"order": order, "outcome": "not_bought"}),
        ("cancel", {"order": "01KAR"}),
    ]
    for topic, payload in asked:
        await world.ask(topic, payload)
    world.provider.script("buy", LOST)
    unknown = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.ask("cancel", unknown)
    await world.ask("resolve", {"order": unknown, "outcome": "bought", "purchase": "p1", "phone": "+79310000001"})
    assert said(world) == [
        ("resolve", "invalid_command", None, order),
        ("cancel", "order_closed", None, order),
        ("resolve", "order_closed", None, order),
        ("cancel", "order_not_found", None, None),
        ("cancel", "not_cancellable", None, unknown),
        ("resolve", "invalid_command", None, unknown),
    ]


async def test_a_query_without_an_answer_is_not_said(opened: Opening) -> None:
    world = await opened()
    world.provider.script("profile", UNREACHABLE)
    await world.sleep(1)
    world.provider.always["price"] = FAILED
    assert await world.error("query/price", PRODUCT) == "provider_error"
    assert said(world) == []
    assert await world.error("query/price", {**PRODUCT, "country": "Atlantis"}) == "unknown_name"
    assert await world.error("query/check", {"order": "01KAR"}) == "order_not_found"
    assert await world.error("query/prices", "no JSON") == "invalid_command"
    assert [code for _, code, _, _ in said(world)] == ["unknown_name", "order_not_found", "invalid_command"]


async def test_what_was_carried_out_late_is_not_said(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Late(3.0))
    await world.data("cancel", {"order": order["order"]})
    assert said(world) == []
