"""By which id of its answer the provider knows a purchase: a check tells, and nothing that acts is tried (contract)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import (
    AnotherPurchaseError,
    ErrorCode,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    Upstream,
)
from shomare_mqtt.model import Candidate, CheckReading, Priority, Purchase, PurchaseState
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    MALFORMED,
    NOT_FOUND,
    PRICE,
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
    from collections.abc import Callable

    from tests.core.conftest import Opening
    from tests.core.world import World

FIRST, RIGHT, THIRD = "data.id", "data.order_id", "data.ref"
ANOTHERS = AnotherPurchaseError(ErrorCode.MALFORMED_ANSWER, "about another purchase or number", Upstream(200))
UNPROCESSABLE = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "the selected id is invalid", Upstream(422, 422))
BAD_REQUEST = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "no such order", Upstream(400, 400))
TOO_MANY = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "too many", Upstream(429))
IN_WORDS = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "there is none", Upstream(200))
NO_ROUTE = ProviderRefusedError(ErrorCode.UNKNOWN_ENDPOINT, "no query results", Upstream(404))


def doubled(own: str) -> dict[str | None, str]:
    """The provider knows the purchase by the second of three ids."""
    return {FIRST: f"row-{own}", RIGHT: own, THIRD: f"ref-{own}"}


@pytest.fixture
def doubtful(world: World) -> World:
    world.provider.ids = doubled
    return world


def asked(world: World, call: str = "check") -> list[Any]:
    return [what for name, _, what in world.provider.calls if name == call]


def refuses(*ids: str, by: ProviderError = NOT_FOUND) -> Callable[[str], Any]:
    """What checks come to where the provider answers some ids so, and all others as usual."""
    return lambda purchase: by if purchase in ids else None


def problems(world: World) -> list[str]:
    return [event["message"] for event in world.bridge_events("order_problem")]


# --- the first is right -----------------------------------------------------------------------------------------------


async def test_a_check_comes_right_after_the_purchase(world: World) -> None:
    world.provider.ids = lambda own: {FIRST: own, RIGHT: f"number-{own}"}
    order = await world.buy()
    await world.settle()
    assert (asked(world), world.provider.chosen) == (["p1"], {"buy.purchase": FIRST})
    record = world.bridge.orders.ledger.get(order["order"])
    assert record is not None
    assert record.ids is not None
    assert record.ids.is_confirmed
    await world.sleep(5)
    assert asked(world) == ["p1", "p1"], "and then in the watch's rhythm"


async def test_the_next_purchase_is_in_no_hurry(world: World) -> None:
    world.provider.ids = lambda own: {FIRST: own, RIGHT: f"number-{own}"}
    await world.buy()
    await world.sleep(1)
    await world.buy(application="2")
    await world.sleep(3)
    assert asked(world) == ["p1"]
    await world.sleep(3)
    assert asked(world)[1:] == ["p1", "p2"]
    assert asked(world, "choose") == [("buy.purchase", FIRST)] * 2


async def test_the_only_id_is_learnt_as_well(world: World) -> None:
    world.provider.ids = lambda own: {FIRST: own}
    await world.buy()
    await world.settle()
    assert world.provider.chosen == {"buy.purchase": FIRST}


@pytest.mark.parametrize("check", [reading(None), UNREACHABLE, MALFORMED], ids=str)
async def test_what_tells_nothing_confirms_nothing(doubtful: World, check: Any) -> None:
    doubtful.provider.always["check"] = check
    await doubtful.buy()
    await doubtful.sleep(30)
    assert doubtful.provider.chosen == {}
    assert set(asked(doubtful)) == {"row-p1"}


async def test_the_doubt_is_said_until_it_is_settled(doubtful: World) -> None:
    doubtful.provider.always["check"] = UNREACHABLE
    await doubtful.buy()
    await doubtful.settle()
    assert doubtful.json("provider/state")["fields"] == [f"buy: purchase is doubtful: {FIRST} or {RIGHT}"]
    del doubtful.provider.always["check"]
    await doubtful.sleep(60)
    assert doubtful.json("provider/state")["fields"] == []


# --- another is right -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "no", [NOT_FOUND, UNPROCESSABLE, BAD_REQUEST, ANOTHERS, IN_WORDS, NO_ROUTE], ids=lambda e: e.message
)
async def test_another_id_is_asked_for(doubtful: World, no: ProviderError) -> None:
    doubtful.provider.always["check"] = refuses("row-p1", by=no)
    order = await doubtful.buy()
    assert order["purchase"] == "row-p1", "nothing is awaited between the answer and the order"
    await doubtful.settle()
    assert asked(doubtful) == ["row-p1", "p1"]
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert (await doubtful.full(order["order"]))["purchase"] == "p1"
    assert doubtful.provider.chosen == {"buy.purchase": RIGHT}
    assert (doubtful.provider.count("buy"), doubtful.provider.count("cancel"), problems(doubtful)) == (1, 0, [])


async def test_its_sms_are_taken_at_once(doubtful: World) -> None:
    doubtful.provider.script("check", lambda _: doubtful.provider.gets("p1", sms()))
    order = await doubtful.buy()
    await doubtful.state(order["order"], "received", 1)
    await doubtful.settle()  # the event is sent after the state
    assert [(e["purchase"], e["code"]) for e in doubtful.events("sms")] == [("p1", "48213")]


async def test_the_log_and_the_state_name_places_and_no_ids(doubtful: World, caplog: pytest.LogCaptureFixture) -> None:
    await doubtful.buy()
    await doubtful.settle()
    assert "holds under data.order_id" in caplog.text
    assert "row-p1" not in caplog.text + json.dumps(doubtful.json("provider/state"))


@pytest.mark.parametrize("state", [PurchaseState.CANCELLED, PurchaseState.EXPIRED, PurchaseState.FINISHED, None])
async def test_another_that_does_not_live_is_not_believed(doubtful: World, state: PurchaseState | None) -> None:
    doubtful.provider.script("check", NOT_FOUND, reading(state, *([sms()] if state is PurchaseState.FINISHED else [])))
    order = await doubtful.buy()
    await doubtful.settle()
    assert asked(doubtful) == ["row-p1", "p1", "ref-p1"]
    assert doubtful.order(order["order"])["purchase"] == "row-p1"
    assert doubtful.events("sms") == []


async def test_one_of_another_order_is_neither_asked_for_nor_believed(doubtful: World) -> None:
    first = await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.chosen.clear()
    doubtful.provider.ids = lambda own: {FIRST: f"row-{own}", RIGHT: "p1", THIRD: own}
    second = await doubtful.buy(application="2")
    await doubtful.settle()
    assert [doubtful.order(o["order"])["purchase"] for o in (first, second)] == ["p1", "p2"]
    assert asked(doubtful) == ["row-p1", "p1", "row-p2", "p2"]


async def test_nor_one_of_an_order_that_is_closed(opened: Opening) -> None:
    world = await opened(orders={"keep_closed": 0})
    world.provider.ids = doubled
    order = await world.buy()
    await world.settle()
    await world.data("cancel", {"order": order["order"]})
    await world.sleep(1)
    world.provider.chosen.clear()
    world.provider.numbers["p1"].state = PurchaseState.WAITING
    world.provider.ids = lambda own: {FIRST: f"row-{own}", RIGHT: "p1"}
    second = await world.buy(application="2")
    await world.sleep(30)
    assert world.order(second["order"])["purchase"] == "row-p2"


@pytest.mark.parametrize("claimed", [False, True])
async def test_two_at_once_take_no_id_from_each_other(doubtful: World, claimed: bool) -> None:
    """The second's answer names an id that a check of the first's is just finding alive; `claimed`: has just found."""
    doubtful.provider.script("check", NOT_FOUND, Late(5.0))
    first = await doubtful.buy()
    await doubtful.settle()
    number = doubtful.provider.numbers["p1"]
    doubtful.provider.script("buy", Purchase("p1", "+79310000002"))
    if claimed:
        taken = doubtful.bridge.orders.ledger.claim("p1", "another")
        assert taken is None
    else:
        answer = await doubtful.ask("buy", {**PRODUCT, "application": "2"})
        assert (answer["status"], answer["data"]["purchase"]) == ("ok", "p1")
    await doubtful.sleep(30)
    assert doubtful.order(first["order"])["purchase"] == "row-p1"
    assert number.state is PurchaseState.WAITING


async def test_an_id_that_was_only_asked_for_is_free_for_others(doubtful: World) -> None:
    doubtful.provider.always["check"] = NOT_FOUND
    await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.script("buy", Purchase("ref-p1", "+79310000002"))
    assert (await doubtful.buy(application="2"))["purchase"] == "ref-p1"


async def test_a_first_that_has_ended_is_perhaps_another_purchase(doubtful: World) -> None:
    """Its row's id is that of an old purchase: nothing of that is ours."""
    ended = reading(PurchaseState.FINISHED, sms("Your code is 99999"))
    doubtful.provider.always["check"] = lambda own: ended if own == "row-p1" else None
    order = await doubtful.buy()
    await doubtful.sleep(20)
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert doubtful.order(order["order"])["state"] == "waiting"
    assert doubtful.events("sms") == []


async def test_one_that_has_ended_ends_its_order_where_no_other_lives(doubtful: World) -> None:
    doubtful.provider.always["check"] = lambda own: reading(PurchaseState.CANCELLED) if own == "row-p1" else NOT_FOUND
    order = await doubtful.buy()
    await doubtful.state(order["order"], "cancelled", 30)
    assert doubtful.provider.chosen == {}


@pytest.mark.parametrize("state", [PurchaseState.CANCELLED, PurchaseState.EXPIRED, PurchaseState.FINISHED])
async def test_a_new_one_is_not_over_because_the_provider_does_not_know_it_yet(
    world: World, state: PurchaseState
) -> None:
    world.provider.ids = lambda own: {FIRST: own}
    world.provider.script("check", reading(state), reading(state))
    order = await world.buy()
    await world.sleep(9)
    assert (world.order(order["order"])["state"], world.provider.count("cancel")) == ("waiting", 0)
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 60)


async def test_one_that_we_cancelled_is_over_at_once(world: World) -> None:
    world.provider.ids = lambda own: {FIRST: own, RIGHT: f"row-{own}"}
    world.provider.script("check", FAILED, FAILED)
    order = await world.buy()
    await world.settle()
    world.provider.script("cancel", Acting(TIMEOUT))
    assert (await world.data("cancel", {"order": order["order"]}))["state"] == "cancelled"


@pytest.mark.parametrize("no", [UNREACHABLE, TIMEOUT, TOO_MANY, INVALID_TOKEN], ids=lambda e: e.message)
async def test_what_is_of_every_call_decides_nothing(doubtful: World, no: ProviderError) -> None:
    doubtful.provider.script("check", NOT_FOUND, no)
    order = await doubtful.buy()
    await doubtful.settle()
    assert asked(doubtful) == ["row-p1", "p1"], "the third is not asked for now"
    await doubtful.sleep(60)
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert problems(doubtful) == []


async def test_one_that_the_provider_stumbles_over_holds_up_no_other(doubtful: World) -> None:
    doubtful.provider.ids = lambda own: {FIRST: f"row-{own}", RIGHT: f"text-{own}", THIRD: own}
    doubtful.provider.always["check"] = refuses("text-p1", by=FAILED)
    order = await doubtful.buy()
    await doubtful.settle()
    assert doubtful.order(order["order"])["purchase"] == "p1"


async def test_a_query_finds_it_as_well(doubtful: World) -> None:
    doubtful.provider.script("check", UNREACHABLE)
    order = await doubtful.buy()
    await doubtful.settle()
    assert (await doubtful.data("query/check", {"purchase": "row-p1"}))["purchase"] == "p1"
    assert doubtful.order(order["order"])["purchase"] == "p1"


@pytest.mark.parametrize("state", [PurchaseState.RECEIVED, PurchaseState.CANCELLED])
async def test_answers_to_what_was_asked_before_it_was_found_are_none(doubtful: World, state: PurchaseState) -> None:
    """The watch's check of the first id is answered late, as that of another purchase."""
    doubtful.provider.script("check", Late(3.0, reading(state, sms("Your code is 99999"))), NOT_FOUND)
    order = await doubtful.buy()
    await doubtful.data("query/check", {"order": order["order"]})
    await doubtful.sleep(10)
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert doubtful.order(order["order"])["state"] == "waiting"
    assert doubtful.events("sms") == []


async def test_the_old_id_still_names_the_order(doubtful: World) -> None:
    order = await doubtful.buy()
    await doubtful.settle()
    assert (await doubtful.data("query/check/row-p1"))["order"] == order["order"]
    assert (await doubtful.data("cancel", {"purchase": "row-p1"}))["order"] == order["order"]
    assert asked(doubtful, "cancel") == ["p1"]


async def test_what_else_its_answer_held_does_not(doubtful: World) -> None:
    """Somebody's own purchase may have that id: it is passed on as it is."""
    await doubtful.buy()
    await doubtful.settle()
    assert await doubtful.error("cancel", {"purchase": "ref-p1"}) == "not_found"
    assert asked(doubtful, "cancel") == ["ref-p1"]


async def test_an_id_that_two_answers_hold_is_neithers(doubtful: World) -> None:
    doubtful.provider.numbers["pool"] = Number("pool", PRICE)
    doubtful.provider.ids = lambda own: {FIRST: f"row-{own}", RIGHT: "pool", THIRD: own}
    doubtful.provider.always["check"] = FAILED
    orders = [await doubtful.buy(), await doubtful.buy(application="2")]
    del doubtful.provider.always["check"]
    await doubtful.sleep(60)
    assert [doubtful.order(order["order"])["purchase"] for order in orders] == ["p2", "p3"]


async def test_no_order_in_doubt_is_settled_with_it(doubtful: World) -> None:
    await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.script("buy", MALFORMED)
    unknown = (await doubtful.ask("buy", {**PRODUCT, "application": "2"}))["data"]["order"]
    settle = {"order": unknown, "outcome": "bought", "purchase": "row-p1", "phone": "+79310000009"}
    assert await doubtful.error("resolve", settle) == "invalid_command"


# --- none is known ----------------------------------------------------------------------------------------------------


async def test_that_none_is_known_is_said_once(doubtful: World) -> None:
    doubtful.provider.always["check"] = NOT_FOUND
    order = await doubtful.buy()
    await doubtful.settle()
    assert problems(doubtful) == [], "a new purchase may take the provider a moment"
    await doubtful.sleep(600)
    [said] = problems(doubtful)
    assert f"order {order['order']}: the number is paid for" in said
    assert f"{FIRST}, {RIGHT}, {THIRD}" in said
    assert '"buy.purchase" in [provider.fields]' in said
    assert "p1" not in said.replace(order["order"], "")
    shown = doubtful.order(order["order"])
    assert (shown["purchase"], shown["state"]) == ("row-p1", "waiting")
    await doubtful.restart()
    await doubtful.sleep(300)
    assert len(problems(doubtful)) == 1, "nor by another process"
    del doubtful.provider.always["check"]
    await doubtful.sleep(301)
    assert doubtful.order(order["order"])["purchase"] == "p1", "and it is found all the same"


@pytest.mark.parametrize("others", [MALFORMED, FAILED, IN_WORDS, reading(None)], ids=str)
async def test_where_one_may_be_known_it_is_not_said(doubtful: World, others: Any) -> None:
    doubtful.provider.always["check"] = lambda own: NOT_FOUND if own == "row-p1" else others
    await doubtful.buy()
    await doubtful.sleep(600)
    assert problems(doubtful) == []


async def test_one_whose_name_is_the_id_is_named_so(world: World) -> None:
    world.provider.ids = lambda own: {None: f"row-{own}"}
    world.provider.always["check"] = NOT_FOUND
    await world.buy()
    await world.sleep(30)
    [said] = problems(world)
    assert "holds under a name that is an id" in said


async def test_one_without_a_place_is_taken_and_not_learnt(doubtful: World) -> None:
    doubtful.provider.ids = lambda own: {FIRST: f"row-{own}", None: own}
    order = await doubtful.buy()
    await doubtful.settle()
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert doubtful.provider.chosen == {"buy.purchase": None}


# --- what was learnt --------------------------------------------------------------------------------------------------


async def test_what_was_learnt_is_replaced_where_another_works(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    order = await doubtful.buy()
    await doubtful.sleep(6)
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert doubtful.provider.chosen == {"buy.purchase": RIGHT}
    assert (await doubtful.buy(application="2"))["purchase"] == "p2"


async def test_what_was_learnt_is_replaced_where_an_answer_lacks_it(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = "data.gone"
    await doubtful.buy()
    await doubtful.settle()
    assert doubtful.provider.chosen == {"buy.purchase": RIGHT}


async def test_what_was_learnt_is_dropped_where_nothing_works(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    doubtful.provider.always["check"] = NOT_FOUND
    await doubtful.buy()
    await doubtful.sleep(60)
    assert doubtful.provider.chosen == {"buy.purchase": None}


# --- cancelling -------------------------------------------------------------------------------------------------------


async def test_a_cancel_waits_for_a_check(doubtful: World) -> None:
    doubtful.provider.script("check", UNREACHABLE)
    order = await doubtful.buy()
    await doubtful.settle()
    cancelled = await doubtful.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["purchase"], cancelled["refunded"]) == ("cancelled", "p1", True)
    assert asked(doubtful, "cancel") == ["p1"]


async def test_a_guess_is_not_cancelled_while_nobody_answers(doubtful: World) -> None:
    doubtful.provider.always["check"] = UNREACHABLE
    order = await doubtful.buy()
    await doubtful.settle()
    assert await doubtful.error("cancel", {"order": order["order"]}) == "provider_unreachable"
    assert asked(doubtful, "cancel") == []
    del doubtful.provider.always["check"]
    cancelled = await doubtful.data("cancel", {"order": order["order"]})
    assert (cancelled["purchase"], asked(doubtful, "cancel")) == ("p1", ["p1"])


async def test_none_that_the_provider_does_not_know_is_cancelled(doubtful: World) -> None:
    doubtful.provider.always["check"] = NOT_FOUND
    order = await doubtful.buy()
    await doubtful.settle()
    assert await doubtful.error("cancel", {"order": order["order"]}) == "not_found"
    assert asked(doubtful, "cancel") == []
    assert doubtful.order(order["order"])["state"] == "waiting"


async def test_one_that_a_check_ends_is_closed(doubtful: World) -> None:
    doubtful.provider.always["check"] = FAILED
    order = await doubtful.buy()
    await doubtful.sleep(25)
    doubtful.provider.script("check", reading(PurchaseState.CANCELLED), NOT_FOUND, NOT_FOUND)
    assert await doubtful.error("cancel", {"order": order["order"]}) == "order_closed"
    assert asked(doubtful, "cancel") == []


async def test_where_no_check_tells_the_first_is_asked_for_and_then_the_right_one(doubtful: World) -> None:
    doubtful.provider.script("check", UNREACHABLE, FAILED)
    order = await doubtful.buy()
    await doubtful.settle()
    cancelled = await doubtful.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["purchase"]) == ("cancelled", "p1")
    assert asked(doubtful, "cancel") == ["row-p1", "p1"]


@pytest.mark.parametrize("check", [FAILED, NOT_FOUND], ids=str)
async def test_where_nothing_tells_after_the_refusal_it_is_the_answer(doubtful: World, check: ProviderError) -> None:
    doubtful.provider.script("check", UNREACHABLE, FAILED)
    order = await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.always["check"] = check
    assert await doubtful.error("cancel", {"order": order["order"]}) == "not_found"
    assert asked(doubtful, "cancel") == ["row-p1"]
    assert doubtful.order(order["order"])["state"] == "waiting"


async def test_one_whose_place_was_learnt_is_cancelled_at_once(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = RIGHT
    order = await doubtful.buy()
    await doubtful.data("cancel", {"order": order["order"]})
    assert (asked(doubtful), asked(doubtful, "cancel")) == ([], ["p1"])


async def test_one_whose_learnt_place_is_wrong_by_now_is_cancelled_by_the_right_one(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    order = await doubtful.buy()
    cancelled = await doubtful.data("cancel", {"order": order["order"]})
    assert (cancelled["purchase"], asked(doubtful, "cancel")) == ("p1", ["row-p1", "p1"])


async def test_another_refusal_than_not_found_is_the_answer(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    order = await doubtful.buy()
    doubtful.provider.script("cancel", TOO_EARLY)
    assert await doubtful.error("cancel", {"order": order["order"]}) == "provider_error"
    assert asked(doubtful, "cancel") == ["row-p1"]


async def test_a_not_found_after_a_lost_answer_does_not_mean_cancelled_where_the_id_is_a_guess(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    order = await doubtful.buy()
    doubtful.provider.script("cancel", TIMEOUT)
    cancelled = await doubtful.data("cancel", {"order": order["order"]})
    assert (cancelled["state"], cancelled["purchase"], cancelled["refunded"]) == ("cancelled", "p1", True)
    assert asked(doubtful, "cancel") == ["row-p1", "row-p1", "p1"]


async def test_nor_where_no_check_tells_what_became_of_it(doubtful: World) -> None:
    doubtful.provider.chosen["buy.purchase"] = FIRST
    order = await doubtful.buy()
    doubtful.provider.script("cancel", TIMEOUT)
    doubtful.provider.always["check"] = NOT_FOUND
    assert await doubtful.error("cancel", {"order": order["order"]}) == "not_found"
    assert doubtful.order(order["order"])["state"] == "waiting"


async def test_a_cancel_that_was_cut_off_goes_on_with_the_right_one(doubtful: World) -> None:
    doubtful.provider.always["check"] = FAILED
    order = await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.script("cancel", Late(None))
    command = doubtful.send("cancel", {"order": order["order"]})
    await doubtful.sleep(1)
    del doubtful.provider.always["check"]
    await doubtful.restart(crash=True)
    cancelled = (await doubtful.answer(command))["data"]
    assert (cancelled["state"], cancelled["purchase"]) == ("cancelled", "p1")
    assert asked(doubtful, "cancel") == ["row-p1", "row-p1", "p1"]


# --- the end of its time ----------------------------------------------------------------------------------------------


async def test_at_its_end_the_right_one_is_cancelled_once(doubtful: World) -> None:
    doubtful.provider.lifetime = 30.0
    doubtful.provider.always["check"] = FAILED
    order = await doubtful.buy()
    await doubtful.sleep(25)
    del doubtful.provider.always["check"]
    expired = await doubtful.state(order["order"], "expired", 60)
    assert (expired["purchase"], expired["refunded"]) == ("p1", True)
    assert asked(doubtful, "cancel") == ["p1"]


async def test_at_its_end_one_that_nobody_knows_is_not_cancelled(doubtful: World) -> None:
    doubtful.provider.lifetime = 30.0
    doubtful.provider.always["check"] = NOT_FOUND
    order = await doubtful.buy()
    expired = await doubtful.state(order["order"], "expired", 600)
    assert (expired["refunded"], expired["error"]["code"]) == (None, "not_found")
    assert asked(doubtful, "cancel") == []


async def test_at_its_end_an_sms_that_is_found_keeps_it(doubtful: World) -> None:
    doubtful.provider.lifetime = 30.0
    doubtful.provider.always["check"] = FAILED
    order = await doubtful.buy()
    await doubtful.sleep(27.5)
    doubtful.provider.gets("p1", sms())
    del doubtful.provider.always["check"]
    doubtful.provider.script("check", FAILED)
    finished = await doubtful.state(order["order"], "finished", 60)
    assert (finished["purchase"], finished["sms_count"]) == ("p1", 1)
    assert asked(doubtful, "cancel") == []


# --- a crash ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hangs", [1, 2], ids=["at the first", "at the second"])
async def test_a_crash_before_it_was_confirmed(doubtful: World, hangs: int) -> None:
    doubtful.provider.script("check", *[NOT_FOUND, Late(None)][-hangs:])
    order = await doubtful.buy()
    await doubtful.settle()
    await doubtful.restart(crash=True)
    await doubtful.settle()
    assert doubtful.order(order["order"])["purchase"] == "p1"
    assert doubtful.provider.chosen == {"buy.purchase": RIGHT}
    assert (doubtful.provider.count("buy"), doubtful.provider.count("cancel")) == (1, 0)


async def test_a_crash_after_it_was_written_and_not_learnt(doubtful: World) -> None:
    order = await doubtful.buy()
    await doubtful.settle()
    doubtful.provider.chosen.clear()
    await doubtful.restart(crash=True)
    await doubtful.sleep(10)
    assert doubtful.order(order["order"])["purchase"] == "p1"
    again = await doubtful.buy(application="2")
    await doubtful.settle()
    assert doubtful.order(again["order"])["purchase"] == "p2"


async def test_what_the_journal_keeps_is_what_was_told(doubtful: World) -> None:
    doubtful.provider.always["check"] = UNREACHABLE
    order = await doubtful.buy()
    await doubtful.restart(crash=True)
    record = doubtful.bridge.orders.ledger.get(order["order"])
    assert record is not None
    assert record.ids is not None
    assert record.ids.candidates == (
        Candidate(FIRST, "row-p1"), Candidate(RIGHT, "p1"), Candidate(THIRD, "ref-p1"),
    )  # fmt: skip
    assert record.also_ours == {"row-p1", "p1", "ref-p1"}


async def test_what_is_asked_names_all_its_ids(doubtful: World) -> None:
    """A record that the provider shows under its row's id is no other purchase's."""
    known, priorities = [], []
    real = doubtful.provider.check

    async def spied(purchase: str, **more: Any) -> CheckReading:
        known.append(more["known"])
        priorities.append(more["priority"])
        return await real(purchase, **more)

    doubtful.provider.check = spied  # type: ignore[method-assign]
    await doubtful.buy()
    await doubtful.sleep(6)
    assert [(k.purchase, k.also_ours) for k in known] == [
        ("row-p1", {"p1", "ref-p1"}), ("p1", {"row-p1", "ref-p1"}), ("p1", {"row-p1", "ref-p1"}),
    ]  # fmt: skip
    assert priorities == [Priority.MONEY, Priority.MONEY, Priority.POLL], "the watch's rhythm may wait"
