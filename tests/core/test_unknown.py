"""Purchases of which nobody knows whether they happened: evidence, the pause, `resolve` (contract, State, Unknown)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import (
    ErrorCode,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    Upstream,
)
from shomare_mqtt.model import Cancellation, Profile
from tests.core.provider import FAILED, LOST, NO_NUMBERS, TIMEOUT, TOO_EARLY, UNREACHABLE, Acting, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

OTHER = {**PRODUCT, "application": "2"}
PUT_OFF = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "too many requests", Upstream(429), retry_after=30.0)


async def lost(world: World, outcome: Any = LOST, **more: Any) -> Any:
    """A `buy` whose answer is lost; the order."""
    world.provider.script("buy", outcome)
    answer = await world.ask("buy", {**PRODUCT, **more})
    assert answer["status"] == "unknown", answer
    assert answer["error"]["code"] == "outcome_unknown"
    assert answer["error"]["retryable"] is False
    return answer["data"]


async def settled(world: World, order: Any) -> Any:
    """The order after both readings of the balance."""
    await world.sleep(61)
    return world.order(order["order"])


# --- what becomes unknown, and what does not ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [LOST, FAILED, TIMEOUT, ProviderError(ErrorCode.MALFORMED_ANSWER, "?"), RuntimeError("bug")],
    ids=lambda e: type(e).__name__,
)
async def test_what_may_have_been_carried_out_is_unknown(world: World, error: Exception) -> None:
    order = await lost(world, error)
    assert world.moves(order["order"]) == ["buying", "unknown"]
    assert world.provider.count("buy") == 1
    assert "resolve" in order["error"]["message"]
    assert order["error"].get("upstream") == ({"http": 502, "code": None} if error is FAILED else None)
    assert [e["order"] for e in world.bridge_events("outcome_unknown")] == [order["order"]]
    assert len(world.bridge_events("buying_paused")) == 1
    await world.sleep(4000)
    assert world.provider.count("buy") == 1, "it is never sent again"


@pytest.mark.parametrize(
    ("error", "code", "retryable"),
    [
        (NO_NUMBERS, "no_numbers", True),
        (ProviderRefusedError(ErrorCode.INSUFFICIENT_BALANCE, "no", Upstream(402, 402)), "insufficient_balance", False),
        (UNREACHABLE, "provider_unreachable", True),
    ],
    ids=["refused", "too poor", "unreachable"],
)
async def test_what_was_surely_not_bought_has_failed(
    world: World, error: ProviderError, code: str, retryable: bool
) -> None:
    world.provider.script("buy", error)
    answer = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert (answer["status"], answer["error"]["code"], answer["error"]["retryable"]) == ("error", code, retryable)
    assert "data" not in answer
    order = world.json("current")
    assert (order["state"], order["error"]["code"], order["transaction"]) == ("failed", code, "t")
    assert world.moves(order["order"]) == ["buying", "failed"]
    event = world.bridge_events("command_refused")[0]
    assert (event["command"], event["code"], event["order"]) == ("buy", code, order["order"])
    assert (await world.buy())["state"] == "waiting", "buying does not pause"


# --- evidence -------------------------------------------------------------------------------------------------------


async def test_the_balance_is_read_twice(world: World) -> None:
    await world.sleep(10)
    order = await lost(world, Late(3.0, Acting(LOST)))
    begun = asyncio.get_running_loop().time()
    before = world.provider.count("profile")
    await settled(world, order)
    assert world.provider.times("profile")[before:][:2] == pytest.approx([begun + 30, begun + 60])


async def test_lower_it_was_probably_bought(world: World) -> None:
    order = await lost(world, Acting(LOST))
    unknown = await settled(world, order)
    assert (unknown["state"], unknown["charged"]) == ("unknown", 2200)
    assert "resolve" in world.bridge_events("outcome_unknown")[-1]["message"]
    assert len(world.bridge_events("buying_resumed")) == 1
    await world.sleep(4000)
    assert world.order(order["order"])["state"] == "unknown", "until resolve"
    assert [o["order"] for o in world.json("orders")] == [order["order"]]


async def test_lower_at_the_second_reading_alone(world: World) -> None:
    """A provider that books late."""
    order = await lost(world)
    await world.sleep(45)
    world.provider.move(-2200)
    unknown = await settled(world, order)
    assert (unknown["state"], unknown["charged"]) == ("unknown", 2200)


async def test_unchanged_both_times_nothing_was_bought(world: World) -> None:
    order = await lost(world)
    await world.sleep(59)
    assert world.order(order["order"])["state"] == "unknown"
    failed = await settled(world, order)
    assert (failed["state"], failed["error"]["code"], failed["charged"]) == ("failed", "outcome_unknown", None)
    assert len(world.bridge_events("order_problem")) == 1
    assert world.moves(order["order"]) == ["buying", "unknown", "failed"]


@pytest.mark.parametrize(
    "readings",
    [
        [Profile(Decimal(100_500)), Profile(Decimal(100_500))],
        [Profile(Decimal(97_800)), Profile(Decimal(100_000))],
        [Profile(None), Profile(None)],
        [Profile(Decimal(100_000)), Profile(None)],
        [UNREACHABLE, Profile(Decimal(97_800))],
        [Profile(Decimal(97_800)), Late(None)],
    ],
    ids=["rose", "fell-and-rose", "unreadable", "once-unreadable", "once-unreachable", "hangs"],
)
async def test_anything_else_is_no_evidence(world: World, readings: list[Any]) -> None:
    await world.sleep(10)
    order = await lost(world)
    world.provider.script("profile", *readings)
    await world.sleep(85)
    unknown = world.order(order["order"])
    assert (unknown["state"], unknown["charged"]) == ("unknown", None)
    assert (await world.buy())["state"] == "waiting"


async def test_no_balance_from_before_is_no_evidence(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["profile"] = UNREACHABLE
    await world.start()
    order = await lost(world)
    del world.provider.always["profile"]
    assert (await settled(world, order))["charged"] is None
    assert world.order(order["order"])["state"] == "unknown"


async def test_a_balance_from_before_that_hangs_does_not_hold_up_the_buy(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["profile"] = Late(None)
    await world.start()
    order = await world.buy()
    assert order["state"] == "waiting"
    assert world.provider.times("buy") == pytest.approx([5.0])


async def test_the_balance_before_is_asked_for_anew_after_a_purchase(world: World) -> None:
    await world.sleep(4)
    before = world.provider.count("profile")
    await world.buy()
    assert world.provider.count("profile") == before, "no money has moved since the last look"
    await world.sleep(0.1)
    order = await lost(world, Acting(LOST), application="2")
    assert world.provider.count("profile") == before + 1
    unknown = await settled(world, order)
    assert unknown["charged"] == 2200


async def test_a_refund_in_between_hides_no_purchase(world: World) -> None:
    other = await world.buy(application="3")
    await world.sleep(100)
    order = await lost(world, Acting(LOST))
    await world.data("cancel", {"order": other["order"]})
    unknown = await settled(world, order)
    assert (unknown["state"], unknown["charged"]) == ("unknown", None)


async def test_a_refund_on_its_way_hides_no_purchase(world: World) -> None:
    other = await world.buy(application="3")
    await world.sleep(100)
    world.provider.script("cancel", Late(120.0, Cancellation(True)))
    world.send("cancel", {"order": other["order"]})
    await world.sleep(1)
    order = await lost(world)
    assert (await settled(world, order))["state"] == "unknown"


async def test_a_cancel_whose_answer_was_lost_hides_no_purchase(world: World) -> None:
    other = await world.buy(application="3")
    await world.sleep(100)
    order = await lost(world)
    world.provider.always["cancel"] = TIMEOUT
    assert await world.error("cancel", {"order": other["order"]}) == "provider_timeout"
    assert (await settled(world, order))["state"] == "unknown"


@pytest.mark.parametrize("seconds", [10, 40])
async def test_a_refund_that_may_be_booked_late_hides_no_purchase(world: World, seconds: float) -> None:
    other = await world.buy(application="3")
    await world.data("cancel", {"order": other["order"]})
    await world.sleep(seconds)
    order = await lost(world)
    state = (await settled(world, order))["state"]
    assert state == ("unknown" if seconds < 30 else "failed")


async def test_a_cancel_that_was_put_off_after_a_lost_answer_hides_no_purchase(world: World) -> None:
    """The first request was carried out, and nobody heard: what the second is told says nothing of it."""
    order = await lost(world, Acting(LOST))
    world.provider.script("cancel", TIMEOUT, PUT_OFF)
    assert await world.error("cancel", {"purchase": "bought-elsewhere"}) == "provider_error"
    world.provider.move(2200)
    assert (await settled(world, order))["state"] == "unknown"


@pytest.mark.parametrize("seconds", [10, 40])
@pytest.mark.parametrize("answers", [[TIMEOUT] * 4, [TIMEOUT, TOO_EARLY], [Cancellation(True)]], ids=len)
async def test_nor_does_a_refund_that_no_order_tells_of(world: World, answers: list[Any], seconds: float) -> None:
    """Of a cancel that may have been carried out, or of a number that was bought elsewhere; booked late, perhaps."""
    world.provider.script("cancel", *answers)
    await world.ask("cancel", {"purchase": "bought-elsewhere"})
    await world.sleep(seconds)
    order = await lost(world)
    assert (await settled(world, order))["state"] == ("unknown" if seconds < 30 else "failed")


async def test_an_end_without_a_word_on_the_money_hides_no_purchase(opened: Opening) -> None:
    """A number that is not cancelled at its end is given back by the provider itself, perhaps."""
    world = await opened(orders={"cancel_on_expiry": False})
    await world.buy(application="3")
    await world.sleep(1190)
    order = await lost(world, Acting(LOST))
    await world.sleep(20)
    world.provider.move(2200)
    assert (await settled(world, order))["state"] == "unknown"


async def test_a_purchase_in_between_is_no_evidence(world: World) -> None:
    """One was on its way when the other became unknown, and went well."""
    world.provider.script("buy", Late(5.0))
    other = world.send("buy", OTHER)
    await world.sleep(1)
    order = await lost(world)
    assert (await world.answer(other))["status"] == "ok"
    assert (await settled(world, order))["charged"] is None
    assert world.order(order["order"])["state"] == "unknown"


async def test_several_in_doubt_at_once(world: World) -> None:
    """One of two was bought: the money that is gone says of neither that it was this one."""
    await world.sleep(10)
    world.provider.script("buy", Late(5.0, Acting(LOST)), Late(5.0, LOST))
    commands = [world.send("buy", PRODUCT), world.send("buy", OTHER)]
    orders = [(await world.answer(c))["data"]["order"] for c in commands]
    await world.sleep(70)
    assert [world.order(o)["state"] for o in orders] == ["unknown", "unknown"]
    assert [world.order(o)["charged"] for o in orders] == [None, None]
    assert len(world.bridge_events("buying_resumed")) == 1


async def test_several_in_doubt_and_nothing_bought(world: World) -> None:
    await world.sleep(10)
    world.provider.script("buy", Late(5.0, LOST), Late(5.0, LOST))
    commands = [world.send("buy", PRODUCT), world.send("buy", OTHER)]
    orders = [(await world.answer(c))["data"]["order"] for c in commands]
    await world.sleep(70)
    assert [world.order(o)["state"] for o in orders] == ["failed", "failed"]


# --- the pause ------------------------------------------------------------------------------------------------------


async def test_buying_pauses_and_resumes(world: World) -> None:
    await lost(world)
    answer = await world.ask("buy", OTHER)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("buying_paused", True)
    health = await world.bridge.health()
    assert (health["buying_paused"], "may have been bought" in str(health["buying_paused_reason"])) == (True, True)
    assert world.text("buying") == "on", "the owner's will alone"
    await world.sleep(61)
    (resumed,) = world.bridge_events("buying_resumed")
    assert "as far as the switch and the limits allow" in resumed["message"], "it may be off by then"
    assert (await world.buy())["state"] == "waiting"
    assert (await world.bridge.health())["buying_paused_reason"] is None


async def test_buying_resumes_at_the_latest_after_twice_the_delay_and_one_request(world: World) -> None:
    await world.sleep(10)
    await lost(world)
    world.provider.always["profile"] = Late(None)
    await world.sleep(2 * 30 + 20 - 1)
    assert await world.error("buy", PRODUCT) == "buying_paused"
    await world.sleep(1.5)
    assert world.bridge.orders.guard.why_paused() is None


async def test_a_buy_that_was_waiting_for_its_price_is_held_back_too(opened: Opening) -> None:
    """The switch, the limits and the pause refuse every `buy` that was not yet sent."""
    world = await opened(limits={"max_price": 5000})
    world.provider.script("buy", Late(1.0, LOST))
    world.provider.script("price", None, Late(5.0))
    first, second = world.send("buy", PRODUCT), world.send("buy", OTHER)
    assert (await world.answer(first))["status"] == "unknown"
    assert (await world.answer(second))["error"]["code"] == "buying_paused"
    assert world.provider.count("buy") == 1


async def test_evidence_is_taken_up_after_a_restart(world: World) -> None:
    order = await lost(world)
    await world.sleep(10)
    await world.restart(crash=True)
    assert await world.error("buy", PRODUCT) == "buying_paused"
    assert (await settled(world, order))["state"] == "failed"
    other = await lost(world, Acting(LOST))
    await settled(world, other)
    await world.restart()
    assert (await world.buy())["state"] == "waiting", "what was settled stays settled"


async def test_time_off_is_no_time_between_two_looks_at_the_balance(world: World) -> None:
    """What is booked late is found: else it would be bought once more. The clock is set after the answer was lost."""
    await world.crash()
    await asyncio.sleep(3600)
    world.clock.reboot()
    world.clock.synchronised = False
    world.clock.jump(hours=-1)
    await world.start()
    order = await lost(world)
    await world.sleep(3)
    world.clock.jump(hours=1)
    world.clock.synchronised = True
    await world.journal.keep_time()
    assert await world.error("buy", OTHER) == "buying_paused"
    await world.sleep(35)
    world.provider._buy()
    assert (await settled(world, order))["charged"] == 2200


async def test_an_unknown_order_counts_as_open_for_its_lifetime(opened: Opening) -> None:
    world = await opened(limits={"max_open_orders": 1})
    await lost(world, Acting(LOST))
    await world.sleep(100)
    assert await world.error("buy", PRODUCT) == "limit_reached"
    await world.sleep(1200)
    assert (await world.buy())["state"] == "waiting"
    assert len(world.json("orders")) == 2


# --- resolve --------------------------------------------------------------------------------------------------------


def bought(order: Any, purchase: str = "p1", phone: str = "+98912") -> dict[str, str]:
    return {"order": order["order"], "outcome": "bought", "purchase": purchase, "phone": phone}


async def test_resolve_bought(world: World) -> None:
    order = await lost(world, Acting(LOST))
    world.provider.gets("p1", sms())
    await world.sleep(100)
    resolved = await world.data("resolve", bought(order))
    assert (resolved["state"], resolved["purchase"], resolved["phone"]) == ("waiting", "p1", "+98912")
    assert (resolved["expires_at"], resolved["error"]) == ("2026-03-01T12:20:00.000Z", None)
    await world.state(order["order"], "received", 0.1)
    await world.state(order["order"], "finished", 1110)


async def test_resolve_late_gives_a_minute_at_least(world: World) -> None:
    order = await lost(world, Acting(LOST))
    await world.sleep(5000)
    resolved = await world.data("resolve", bought(order))
    assert resolved["expires_at"] == "2026-03-01T13:24:20.000Z"
    await world.sleep(50)
    assert world.order(order["order"])["state"] == "waiting"


async def test_resolve_not_bought(world: World) -> None:
    order = await lost(world)
    resolved = await world.data("resolve", {"order": order["order"], "outcome": "not_bought"})
    assert (resolved["state"], resolved["error"]["code"]) == ("failed", "outcome_unknown")
    assert (await world.buy())["state"] == "waiting", "buying resumes at once"
    await world.settle()
    assert len(world.bridge_events("buying_resumed")) == 1
    await world.sleep(70)
    assert len(world.bridge_events("buying_resumed")) == 1
    assert world.moves(order["order"]) == ["buying", "unknown", "failed"]


async def test_buying_does_not_wait_for_evidence_once_it_is_resolved(world: World) -> None:
    """Else it paused until every other number had been asked about."""
    await world.buy(application="2")
    order = await lost(world)
    world.provider.always["check"] = Late(5.0, UNREACHABLE)
    await world.data("resolve", {"order": order["order"], "outcome": "not_bought"})
    assert (await world.buy())["state"] == "waiting"


async def test_resolve_while_a_balance_is_being_read(world: World) -> None:
    order = await lost(world)
    world.provider.script("profile", Late(5.0))
    await world.sleep(32)
    await world.data("resolve", bought(order, "x9"))
    await world.sleep(60)
    assert world.moves(order["order"]) == ["buying", "unknown", "waiting"]


async def test_resolve_that_is_refused(world: World) -> None:
    open_order = await world.buy()
    closed = await world.buy(application="2")
    await world.data("cancel", {"order": closed["order"]})
    order = await lost(world)
    assert await world.error("resolve", bought({"order": "01KAR"})) == "order_not_found"
    assert await world.error("resolve", bought(closed)) == "order_closed"
    assert await world.error("resolve", bought(open_order)) == "invalid_command"
    assert await world.error("resolve", bought(order, open_order["purchase"])) == "invalid_command"
    assert world.order(order["order"])["state"] == "unknown"
    assert (await world.data("resolve", bought(order, "x9")))["state"] == "waiting"


async def test_resolve_of_current_and_twice(world: World) -> None:
    order = await lost(world)
    settle = {"order": "current", "outcome": "not_bought", "transaction": 1}
    assert (await world.data("resolve", settle))["order"] == order["order"]
    assert (await world.ask("resolve", settle))["replayed"] is True
    assert await world.error("resolve", {"order": order["order"], "outcome": "not_bought"}) == "order_closed"


async def test_resolve_of_an_order_that_left_its_topic(opened: Opening) -> None:
    world = await opened(orders={"keep_closed": 0})
    order = await lost(world)
    await settled(world, order)
    assert await world.error("resolve", bought(order)) == "order_closed"


async def test_charged_counts_against_the_day(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 5000})
    world.provider.charges = Decimal(3000)
    order = await lost(world, Acting(LOST))
    await settled(world, order)
    assert await world.error("buy", PRODUCT) == "limit_reached", "3000 charged, not 2200"
    await world.data("resolve", {"order": order["order"], "outcome": "not_bought"})
    assert world.order(order["order"])["charged"] is None
    assert (await world.buy())["state"] == "waiting"
