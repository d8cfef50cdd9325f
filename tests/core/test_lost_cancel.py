"""A cancel that was carried out and whose answer never came is ours, whatever comes later (contract, Commands)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import PurchaseState
from tests.core.provider import FAILED, NOT_FOUND, TIMEOUT, TOO_EARLY, UNREACHABLE, Acting, Late, Number, reading, sms

if TYPE_CHECKING:
    from tests.core.world import World

GONE = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "this number was cancelled before", Upstream(400, 400))


@pytest.mark.parametrize("lost", [TIMEOUT, FAILED], ids=["no answer", "another's answer"])
async def test_refused_after_it_was_carried_out(world: World, lost: Exception) -> None:
    order = await world.buy()
    world.provider.script("cancel", Acting(lost), GONE)
    cancelled = await world.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["refunded"], cancelled["error"]) == ("cancelled", None, None)
    assert world.provider.count("cancel") == 2
    await world.sleep(30)
    assert world.moves(order["order"]) == ["buying", "waiting", "cancelled"]
    assert world.bridge_events("command_refused") == []


async def test_refused_and_not_carried_out(world: World) -> None:
    """The first never arrived, and the second came too early: the number lives, and its end is its own."""
    order = await world.buy()
    world.provider.script("cancel", TIMEOUT, TOO_EARLY)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_error"
    assert world.order(order["order"])["state"] == "waiting"
    world.provider.numbers["p1"].state = PurchaseState.CANCELLED
    ended = await world.state(order["order"], "cancelled", 10)
    assert ended["error"]["message"] == "the provider cancelled the number"


async def test_the_check_that_would_tell_fails(world: World) -> None:
    """Nobody knows yet, and the sender hears the refusal; a later check that shows it cancelled shows our doing."""
    order = await world.buy()
    world.provider.script("cancel", Acting(TIMEOUT), GONE)
    world.provider.script("check", FAILED, FAILED)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_error"
    ended = await world.state(order["order"], "cancelled", 30)
    assert (ended["refunded"], ended["error"]) == (None, None)


async def test_four_lost_answers_and_then_it_shows_as_cancelled(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Acting(TIMEOUT), TIMEOUT, TIMEOUT, TIMEOUT)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    ended = await world.state(order["order"], "cancelled", 30)
    assert (ended["refunded"], ended["error"]) == (None, None)


async def test_one_with_an_sms_shows_as_cancelled(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received")
    world.provider.always["cancel"] = TIMEOUT
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    world.provider.numbers["p1"].state = PurchaseState.CANCELLED
    ended = await world.state(order["order"], "cancelled", 30)
    assert (ended["refunded"], ended["error"]) == (None, None)


@pytest.mark.parametrize("call", ["the command", "at its end"])
async def test_a_later_not_found_of_a_number_that_lives(world: World, call: str) -> None:
    """None of the four was carried out, and what the provider does not find later has an SMS: that is no `ok`."""
    order = await world.buy()
    world.provider.script("cancel", TIMEOUT, TIMEOUT, TIMEOUT, TIMEOUT)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    world.provider.always["cancel"] = NOT_FOUND
    if call == "the command":
        world.provider.gets("p1", sms())
        await world.state(order["order"], "received", 30)
        assert await world.error("cancel", {"order": order["order"]}) == "not_found"
        assert world.order(order["order"])["state"] == "received"
        assert (await world.state(order["order"], "finished"))["error"]["code"] == "not_found"
    else:
        ended = await world.state(order["order"], "expired")
        assert (ended["refunded"], ended["error"]["code"]) == (None, "not_found")


@pytest.mark.parametrize("shown", [NOT_FOUND, FAILED, reading(PurchaseState.CANCELLED)], ids=["gone", "failed", "told"])
async def test_a_later_not_found_of_a_number_that_is_gone(world: World, shown: Any) -> None:
    order = await world.buy()
    world.provider.script("cancel", Acting(TIMEOUT), TIMEOUT, TIMEOUT, TIMEOUT)
    world.provider.always["check"] = FAILED
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    world.provider.always["check"] = shown
    cancelled = await world.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["refunded"], cancelled["error"]) == ("cancelled", None, None)


async def test_whether_the_money_is_back_stays_in_doubt(world: World) -> None:
    """A cancel at its end that is refused says nothing of the one before, whose answers were lost."""
    order = await world.buy()
    world.provider.script("cancel", Acting(TIMEOUT), TIMEOUT, TIMEOUT, TIMEOUT)
    world.provider.always["check"] = reading(PurchaseState.EXPIRED)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    world.provider.always["cancel"] = GONE
    assert (await world.state(order["order"], "expired", 30))["refunded"] is None


async def test_an_end_that_came_before_any_cancel_is_the_providers(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", UNREACHABLE)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_unreachable"
    world.provider.numbers["p1"].state = PurchaseState.CANCELLED
    ended = await world.state(order["order"], "cancelled", 30)
    assert ended["error"]["message"] == "the provider cancelled the number"


async def test_over_a_crash(world: World) -> None:
    """It was carried out, the process died before the answer came, and the provider refuses the second asking."""
    order = await world.buy()
    world.provider.script("cancel", Late(2.0, Acting(TIMEOUT)), GONE)
    command = world.send("cancel", {"order": order["order"]})
    await world.sleep(1)
    world.provider._cancel("p1")
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert (answer["status"], answer["data"]["state"], answer["data"]["refunded"]) == ("ok", "cancelled", None)
    await world.sleep(30)
    assert world.order(order["order"])["error"] is None


async def test_a_number_given_back_at_its_end_over_a_crash(world: World) -> None:
    """No command asks again: that it was cancelled by us stands in the journal."""
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", lambda purchase: Late(5.0, world.provider._cancel(purchase)))
    await world.sleep(2)
    await world.restart(crash=True)
    ended = await world.state(order["order"], "expired", 30)
    assert (ended["refunded"], ended["error"]) == (None, None)


async def test_a_number_given_back_at_its_end_whose_answer_was_lost(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", Acting(TIMEOUT), GONE)
    ended = await world.state(order["order"], "expired", 30)
    assert (ended["refunded"], ended["error"]) == (None, None)
    assert world.provider.count("cancel") == 2


@pytest.mark.parametrize(
    ("shown", "status"),
    [(reading(PurchaseState.CANCELLED), "ok"), (reading(PurchaseState.WAITING), "error"), (NOT_FOUND, "error")],
    ids=["cancelled", "alive", "unknown"],
)
async def test_a_purchase_that_is_not_ours(world: World, shown: Any, status: str) -> None:
    world.provider.numbers["74001"] = Number("74001", 500)  # type: ignore[arg-type]
    world.provider.script("cancel", Acting(TIMEOUT), GONE)
    world.provider.script("check", shown)
    answer = await world.ask("cancel", {"purchase": "74001"})
    assert answer["status"] == status
    if status == "ok":
        assert answer["data"] == {"purchase": "74001", "refunded": None}
