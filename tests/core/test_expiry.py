"""The end of a number that got no SMS: the last check, the cancel for the money (contract, section State)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError, ProviderRefusedError
from shomare_mqtt.model import Cancellation, PurchaseState
from tests.core.provider import (
    FAILED,
    MALFORMED,
    NOT_FOUND,
    TIMEOUT,
    TOO_EARLY,
    UNREACHABLE,
    Acting,
    Late,
    reading,
    sms,
)

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

END = 1200.0


async def test_last_check_and_cancel_two_seconds_before_the_end(world: World) -> None:
    order = await world.buy()
    ended = await world.state(order["order"], "expired", 1210)
    assert world.provider.times("check")[-1] == pytest.approx(END - 2)
    assert world.provider.times("cancel") == pytest.approx([END - 2])
    assert (ended["refunded"], ended["error"]) == (True, None)
    assert world.provider.balance == 100_000
    assert world.moves(order["order"]) == ["buying", "waiting", "expired"]


async def test_the_last_check_finds_an_sms(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.gets("p1", sms())
    ended = await world.state(order["order"], "finished", 10)
    assert world.moves(order["order"]) == ["buying", "waiting", "received", "finished"]
    assert ended["closed_at"] == ended["expires_at"], "it lives until its time is over"
    assert world.provider.count("cancel") == 0


async def test_no_cancel_where_the_owner_wants_none(opened: Opening) -> None:
    world = await opened(orders={"cancel_on_expiry": False})
    order = await world.buy()
    ended = await world.state(order["order"], "expired", 1210)
    assert (ended["closed_at"], ended["refunded"]) == (ended["expires_at"], None)
    assert world.provider.count("cancel") == 0


async def test_a_refused_cancel_is_tried_for_five_minutes(world: World) -> None:
    order = await world.buy()
    world.provider.always["cancel"] = TOO_EARLY
    ended = await world.state(order["order"], "expired", 1600)
    tries = world.provider.times("cancel")
    assert tries[0] == pytest.approx(END - 2)
    assert 240 < tries[-1] - tries[0] <= 300
    assert (ended["refunded"], ended["error"]["code"]) == (False, "provider_error")
    assert ended["error"]["upstream"] == {"http": 400, "code": 400}
    checks = [t for t in world.provider.times("check") if t > END - 1]
    assert len(checks) == len(tries) - 2, "an SMS may be why a cancel is refused"


async def test_a_cancel_that_is_taken_at_the_third_try(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TOO_EARLY, TOO_EARLY)
    ended = await world.state(order["order"], "expired", 1300)
    assert (ended["refunded"], world.provider.count("cancel")) == (True, 3)


async def test_an_sms_while_the_cancel_is_refused(world: World) -> None:
    order = await world.buy()
    world.provider.always["cancel"] = TOO_EARLY
    await world.sleep(1199)
    world.provider.gets("p1", sms())
    await world.state(order["order"], "finished", 60)
    assert world.codes() == ["48213"]


async def test_a_check_that_fails_after_a_refused_cancel_is_no_news(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", TOO_EARLY)
    world.provider.script("check", None, FAILED)
    await world.state(order["order"], "expired", 60)


@pytest.mark.parametrize("call", ["check", "cancel"])
@pytest.mark.parametrize("error", [UNREACHABLE, TIMEOUT], ids=str)
async def test_out_of_reach_for_more_than_an_hour(world: World, call: str, error: Exception) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always[call] = error
    await world.sleep(3400)
    assert world.order(order["order"])["state"] == "waiting"
    ended = await world.state(order["order"], "expired", 400)
    assert (ended["refunded"], ended["error"]["code"]) == (None, getattr(error, "code", ""))


@pytest.mark.parametrize("call", ["check", "cancel"])
async def test_back_within_the_hour(world: World, call: str) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always[call] = UNREACHABLE
    await world.sleep(1800)
    del world.provider.always[call]
    ended = await world.state(order["order"], "expired", 120)
    assert (ended["refunded"], ended["error"]) == (True, None)


async def test_a_last_check_that_is_not_understood_does_not_stop_the_cancel(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always["check"] = MALFORMED
    assert (await world.state(order["order"], "expired", 10))["refunded"] is True


@pytest.mark.parametrize(
    ("outcome", "refunded"), [(Cancellation(None), None), (Cancellation(False), False), (Cancellation(True), True)]
)
async def test_refunded_as_the_provider_says(world: World, outcome: Cancellation, refunded: bool | None) -> None:
    order = await world.buy()
    world.provider.script("cancel", outcome)
    assert (await world.state(order["order"], "expired", 1210))["refunded"] is refunded


async def test_a_lost_cancel_is_asked_for_again(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", Acting(TIMEOUT))
    ended = await world.state(order["order"], "expired", 1210)
    assert (ended["refunded"], world.provider.count("cancel")) == (None, 2)


async def test_the_provider_ends_it_before_the_cancel(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    ended = await world.state(order["order"], "expired", 10)
    assert (world.provider.count("cancel"), ended["refunded"]) == (1, True)


async def test_an_end_that_our_own_cancel_brought_is_not_the_providers(world: World) -> None:
    """Our cancel is on its way, and a check shows the number cancelled: that is us."""
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", lambda _: Late(5.0, Cancellation(True)))
    await world.sleep(2)
    world.provider.script("check", reading(PurchaseState.CANCELLED))
    await world.data("query/check", {"order": order["order"]})
    ended = await world.state(order["order"], "expired", 10)
    assert (ended["refunded"], ended["error"]) == (True, None)


async def test_an_sms_that_comes_while_our_cancel_succeeds(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", Late(5.0, Cancellation(True)))
    await world.sleep(2)
    world.provider.script("check", reading(PurchaseState.RECEIVED, sms()))
    await world.data("query/check", {"order": order["order"]})
    ended = await world.state(order["order"], "finished", 10)
    assert ended["refunded"] is True, "the money came back all the same"


@pytest.mark.parametrize("known", [NOT_FOUND, ProviderFailedError(ErrorCode.PROVIDER_ERROR, "502")], ids=str)
async def test_what_five_minutes_of_other_failures_come_to(world: World, known: Any) -> None:
    order = await world.buy()
    world.provider.always["cancel"] = known
    ended = await world.state(order["order"], "expired", 1700)
    refused = isinstance(known, ProviderRefusedError) and known.code is not ErrorCode.NOT_FOUND
    assert ended["refunded"] is (False if refused else None)


async def test_closed_orders_stay_closed(world: World) -> None:
    order = await world.buy()
    await world.state(order["order"], "expired", 1210)
    world.provider.gets("p1", sms())
    checked = await world.data("query/check", {"order": order["order"]})
    assert (checked["state"], checked["sms_count"]) == ("expired", 1)
    await world.settle()
    assert world.codes() == ["48213"], "an SMS found there is stored and published"
    await world.sleep(100)
    assert world.order(order["order"])["state"] == "expired"
    assert await world.error("cancel", {"order": order["order"]}) == "order_closed"


async def test_the_deadline_moves_while_it_is_cancelled(world: World) -> None:
    """The watch is woken by a new lifetime, and the end is later."""
    order = await world.buy()
    await world.sleep(600)
    world.provider.numbers["p1"].lifetime = 2000.0
    await world.sleep(6)
    world.provider.numbers["p1"].lifetime = None
    await world.sleep(1000)
    assert world.order(order["order"])["state"] == "waiting"
    await world.state(order["order"], "expired", 1010)


async def test_a_cancel_from_outside_while_the_end_is_near(world: World) -> None:
    """The owner cancels while the daemon cancels: one of them does it, the order closes once."""
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", Late(5.0))
    await world.sleep(2)
    answer = await world.ask("cancel", {"order": order["order"]})
    assert answer["error"]["code"] == "order_closed"
    ended = world.order(order["order"])
    assert (ended["state"], ended["refunded"], world.provider.count("cancel")) == ("expired", True, 1)


async def test_cancelled_by_the_owner_in_the_last_two_seconds(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.sleep(1198.5)
    world.provider.script("cancel", Cancellation(True))
    assert (await world.data("cancel", {"order": order["order"]}))["state"] == "cancelled"
    await world.sleep(100)
    assert world.moves(order["order"])[-1] == "cancelled"


async def test_cancelled_by_the_owner_while_the_provider_is_out_of_reach(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always["check"] = UNREACHABLE
    await world.sleep(600)
    assert (await world.data("cancel", {"order": order["order"]}))["refunded"] is True
    await world.sleep(3600)
    assert world.moves(order["order"]) == ["buying", "waiting", "cancelled"]


async def test_the_last_check_says_that_it_lives_longer(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.script("check", reading(PurchaseState.WAITING, lifetime=300.0))
    await world.sleep(10)
    assert world.provider.count("cancel") == 0
    world.provider.gets("p1", sms())
    await world.state(order["order"], "finished", 400)


async def test_cancelled_on_command_while_the_end_is_refused(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.script("cancel", TOO_EARLY)
    await world.sleep(3)
    assert (await world.data("cancel", {"order": order["order"]}))["state"] == "cancelled"
    await world.sleep(400)
    assert world.moves(order["order"]) == ["buying", "waiting", "cancelled"]
    assert world.provider.count("cancel") == 2


async def test_cancelled_on_command_while_the_end_waits_its_turn(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("cancel", Late(4.0))
    assert (await world.data("cancel", {"order": order["order"]}))["state"] == "cancelled"
    await world.sleep(400)
    assert world.moves(order["order"]) == ["buying", "waiting", "cancelled"]
    assert world.provider.count("cancel") == 1


async def test_it_lives_longer_says_the_check_after_a_refused_cancel(world: World) -> None:
    """It is watched on, and given back at its new end."""
    order = await world.buy()
    await world.sleep(1196)
    world.provider.script("check", None, reading(PurchaseState.WAITING, lifetime=900.0))
    world.provider.script("cancel", TOO_EARLY)
    await world.sleep(800)
    assert world.order(order["order"])["state"] == "waiting"
    assert world.provider.times("cancel") == pytest.approx([1198])
    ended = await world.state(order["order"], "expired", 110)
    assert (ended["refunded"], ended["error"]) == (True, None)
    assert world.provider.times("cancel") == pytest.approx([1198, 2096])
