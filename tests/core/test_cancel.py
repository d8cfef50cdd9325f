"""`cancel`: whom it means, what the provider decides, answers that are lost (contract, section Commands)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderFailedError
from shomare_mqtt.model import Cancellation, PurchaseState
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    LOST,
    NOT_FOUND,
    TIMEOUT,
    TOO_EARLY,
    UNREACHABLE,
    Acting,
    Late,
    Number,
    reading,
    sms,
)
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World


@pytest.mark.parametrize("by", ["order", "purchase", "bare order", "bare purchase", "current", "bare current"])
async def test_whom_it_means(world: World, by: str) -> None:
    other = await world.buy()
    order = await world.buy(application="2")
    payload: Any = {
        "order": {"order": order["order"]},
        "purchase": {"purchase": "p2"},
        "bare order": order["order"],
        "bare purchase": "p2",
        "current": {"order": "current"},
        "bare current": "current",
    }[by]
    cancelled = await world.data("cancel", payload)
    assert (cancelled["order"], cancelled["state"], cancelled["refunded"]) == (order["order"], "cancelled", True)
    assert world.order(order["order"])["closed_at"] is not None
    assert world.order(other["order"])["state"] == "waiting"
    await world.settle()
    await world.sleep(3)
    assert world.json("profile")["balance"] == 100_000 - 2200, "the balance is looked at after money has moved"


async def test_nobody_is_meant(world: World) -> None:
    assert await world.error("cancel", {"order": "current"}) == "order_not_found"
    assert await world.error("cancel", {"order": "01KAR"}) == "order_not_found"
    assert world.provider.count("cancel") == 0


async def test_a_purchase_that_is_not_ours_is_passed_on(world: World) -> None:
    world.provider.numbers["74001"] = Number("74001", 500)  # type: ignore[arg-type]
    assert await world.data("cancel", {"purchase": 74001}) == {"purchase": "74001", "refunded": True}
    assert await world.error("cancel", "74002") == "not_found"


async def test_an_order_with_sms_may_be_cancelled_too(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received")
    world.provider.script("cancel", Cancellation(None))
    cancelled = await world.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["refunded"], cancelled["sms"][0]["code"]) == ("cancelled", None, "48213")


async def test_a_refused_cancel_changes_nothing_and_is_followed_by_a_check(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    world.provider.script("cancel", TOO_EARLY)
    answer = await world.ask("cancel", {"order": order["order"], "transaction": 5})
    paid = "which has an SMS: the number was of use, and its price stays paid."
    assert answer["error"] == {
        "code": "not_cancellable",
        "message": f"the provider refused to cancel order {order['order']}, {paid} too early to cancel",
        "retryable": False,
        "upstream": {"http": 400, "code": 400},
    }
    assert world.provider.times("check") == pytest.approx([0])
    assert world.order(order["order"])["state"] == "received"
    [said] = world.bridge_events("command_refused")
    assert (said["code"], said["message"][-len(paid) :]) == ("not_cancellable", paid), "no word of the provider's"
    assert (await world.state(order["order"], "finished"))["error"]["code"] == "not_cancellable"
    assert (await world.ask("cancel", {"order": order["order"], "transaction": 5}))["replayed"] is True


async def test_a_cancel_refused_of_an_order_that_had_its_sms_already(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received")
    world.provider.script("cancel", TOO_EARLY)
    world.provider.script("check", FAILED)
    answer = await world.ask("cancel", {"order": order["order"]})
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("not_cancellable", False)


@pytest.mark.parametrize(
    ("error", "code"), [(NOT_FOUND, "not_found"), (INVALID_TOKEN, "invalid_token"), (FAILED, "provider_error")]
)
async def test_what_has_another_reason_than_the_sms_keeps_it(world: World, error: ProviderError, code: str) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received")
    world.provider.always["cancel"] = error
    assert await world.error("cancel", {"order": order["order"]}) == code


@pytest.mark.parametrize("ours", [True, False])
async def test_nothing_is_said_to_stay_paid_of_a_number_that_was_cancelled_elsewhere(world: World, ours: bool) -> None:
    """The refusal's reason is that it is gone: its price may have come back, SMS or not."""
    target: dict[str, Any] = {"purchase": 74001}
    if ours:
        target = {"order": (await world.buy())["order"]}
    else:
        world.provider.numbers["74001"] = Number("74001", 500)  # type: ignore[arg-type]
    number = "p1" if ours else "74001"
    world.provider.gets(number, sms())
    if ours:
        await world.state(target["order"], "received")
    world.provider.give_back(world.provider.numbers[number], PurchaseState.CANCELLED)
    world.provider.script("cancel", TOO_EARLY)
    answer = await world.ask("cancel", target)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("not_cancellable", False)
    assert "shows it as cancelled already" in answer["error"]["message"]
    assert "stays paid" not in answer["error"]["message"]


async def test_a_refused_cancel_without_an_sms_may_be_tried_again(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TOO_EARLY)
    answer = await world.ask("cancel", {"order": order["order"]})
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("provider_error", True)
    assert world.order(order["order"])["state"] == "waiting"


async def test_a_refused_cancel_of_a_purchase_that_is_not_ours(world: World) -> None:
    world.provider.numbers["74001"] = Number("74001", 500)  # type: ignore[arg-type]
    world.provider.script("cancel", TOO_EARLY, TOO_EARLY, TOO_EARLY)
    world.provider.script("check", None, FAILED)
    assert await world.error("cancel", {"purchase": 74001}) == "provider_error"
    assert await world.error("cancel", {"purchase": 74001}) == "provider_error"
    world.provider.gets("74001", sms())
    answer = await world.ask("cancel", {"purchase": 74001})
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("not_cancellable", False)
    assert "purchase 74001" in answer["error"]["message"]


async def test_the_check_after_a_refused_cancel_fails(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TOO_EARLY)
    world.provider.script("check", FAILED)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_error"
    assert world.order(order["order"])["state"] == "waiting"


@pytest.mark.parametrize("lost", [1, 2, 3])
async def test_a_lost_answer_is_asked_for_again(world: World, lost: int) -> None:
    order = await world.buy()
    world.provider.script("cancel", *[Acting(TIMEOUT)] * lost)
    world.provider.numbers["p1"].state = PurchaseState.WAITING
    world.provider.script("cancel", Cancellation(True))
    world.provider._cancel = lambda purchase: Cancellation(True)  # type: ignore[method-assign]
    assert (await world.data("cancel", {"order": order["order"]}))["refunded"] is True
    assert world.provider.count("cancel") == lost + 1


async def test_not_found_after_a_lost_answer_means_cancelled(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Acting(FAILED))
    cancelled = await world.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["refunded"], world.provider.count("cancel")) == ("cancelled", None, 2)


async def test_four_lost_answers(world: World) -> None:
    order = await world.buy()
    world.provider.always["cancel"] = TIMEOUT
    assert await world.error("cancel", {"order": order["order"]}) == "provider_timeout"
    assert world.provider.count("cancel") == 4
    assert world.order(order["order"])["state"] == "waiting"


async def test_refused_in_other_words_after_a_lost_answer(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TIMEOUT, TOO_EARLY)
    assert await world.error("cancel", {"order": order["order"]}) == "provider_error"


async def test_out_of_reach_after_a_lost_answer_is_asked_again(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TIMEOUT, UNREACHABLE)
    assert (await world.data("cancel", {"order": order["order"]}))["refunded"] is True


@pytest.mark.parametrize(
    "error", [UNREACHABLE, ProviderFailedError(ErrorCode.PROVIDER_ERROR, "429", retry_after=30.0)], ids=str
)
async def test_what_is_not_asked_again(world: World, error: ProviderFailedError) -> None:
    order = await world.buy()
    world.provider.script("cancel", error)
    assert await world.error("cancel", {"order": order["order"]}) == error.code
    assert world.provider.count("cancel") == 1


async def test_a_first_not_found_is_an_answer_like_any_other(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", NOT_FOUND)
    assert await world.error("cancel", {"order": order["order"]}) == "not_found"
    assert world.order(order["order"])["state"] == "waiting"


async def test_of_buying_it_waits_for_the_outcome(world: World) -> None:
    world.provider.script("buy", Late(5.0))
    buying = world.send("buy", PRODUCT)
    await world.sleep(1)
    cancelling = world.send("cancel", {"order": "current"})
    await world.sleep(1)
    assert world.answers(cancelling) == []
    assert (await world.answer(buying))["data"]["state"] == "waiting"
    assert (await world.answer(cancelling))["data"]["state"] == "cancelled"


@pytest.mark.parametrize("keep", [3600, 0])
async def test_of_buying_that_fails_it_is_closed(opened: Opening, keep: float) -> None:
    world = await opened(orders={"keep_closed": keep})
    world.provider.script("buy", Late(5.0, UNREACHABLE))
    world.send("buy", PRODUCT)
    await world.sleep(1)
    assert await world.error("cancel", {"order": "current"}) == "order_closed"


async def test_of_unknown_it_is_not_cancellable(world: World) -> None:
    world.provider.script("buy", LOST)
    assert (await world.ask("buy", PRODUCT))["status"] == "unknown"
    assert await world.error("cancel", {"order": "current"}) == "not_cancellable"


async def test_two_cancels_at_once_are_one(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Late(3.0))
    commands = [world.send("cancel", {"order": order["order"]}) for _ in range(3)]
    answers = [await world.answer(c) for c in commands]
    assert [a["status"] for a in answers] == ["ok", "error", "error"]
    assert {a["error"]["code"] for a in answers[1:]} == {"order_closed"}
    assert world.provider.count("cancel") == 1
    assert world.moves(order["order"]).count("cancelled") == 1


async def test_the_provider_ends_it_while_the_cancel_is_on_its_way(world: World) -> None:
    """A check that began before the cancel shows its end: that is our own doing, and no second end."""
    order = await world.buy()
    world.provider.script("check", Late(3.0, reading(PurchaseState.CANCELLED)))
    world.provider.script("cancel", Late(6.0))
    await world.sleep(4)
    answer = await world.data("cancel", {"order": order["order"]})
    assert (answer["state"], answer["error"]) == ("cancelled", None)
    await world.sleep(10)
    assert world.moves(order["order"]) == ["buying", "waiting", "cancelled"]


async def test_it_closed_while_the_cancel_was_on_its_way(world: World) -> None:
    """Its time ran out meanwhile, with an SMS: the money is back, and nothing closed opens again."""
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.sleep(1195)
    world.provider.script("cancel", Late(10.0, Cancellation(True)))
    answer = await world.data("cancel", {"order": order["order"]})
    assert answer["state"] == "finished"
    assert world.moves(order["order"])[-1] == "finished"


async def test_a_cancel_that_a_crash_cut_off_is_asked_again(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Late(2.0), NOT_FOUND)
    command = world.send("cancel", {"order": order["order"]})
    await world.sleep(1)
    world.provider._cancel("p1")
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert (answer["data"]["state"], answer["data"]["refunded"]) == ("cancelled", None)


async def test_current_still_means_the_same_order_after_a_crash(world: World) -> None:
    """`current` is looked up when the command is taken, and must not hit a newer order after a restart."""
    first = await world.buy()
    world.provider.script("cancel", Late(None))
    command = world.send("cancel", {"order": "current"})
    await world.sleep(1)
    second = await world.buy(application="2")
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert answer["data"]["order"] == first["order"]
    assert world.order(second["order"])["state"] == "waiting"


async def test_what_a_check_shows_of_a_number_that_is_being_cancelled_is_no_riddle(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", Late(2.0, reading(None, unread=("state",))))
    await world.sleep(4.5)
    world.provider.script("cancel", Late(3.0))
    command = world.send("cancel", {"order": order["order"]})
    await world.sleep(3)
    assert world.json("provider/state")["fields"] == []
    await world.answer(command)
    await world.sleep(10)
    assert world.json("provider/state")["fields"] == []
    world.provider.script("check", reading(None, unread=("state",)))
    await world.buy(application="2")
    await world.sleep(6)
    assert world.json("provider/state")["fields"] == ["check: state"]
