"""What the balance proves of a purchase whose answer was lost, and what spoils the proof (contract, State, Unknown)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import PurchaseState
from tests.core.provider import LOST, MALFORMED, NOT_FOUND, TIMEOUT, TOO_EARLY, UNREACHABLE, Acting, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import Command, World

OTHER = {**PRODUCT, "application": "2"}
REFUSED = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "it cannot be cancelled", Upstream(400, 400))


async def lost(world: World, outcome: Any = LOST, **more: Any) -> str:
    """A `buy` whose answer is lost; the order's id."""
    world.provider.script("buy", outcome)
    answer = await world.ask("buy", {**PRODUCT, **more})
    assert answer["status"] == "unknown", answer
    order: str = answer["data"]["order"]
    return order


async def answered(world: World, command: Command, *, crash: bool) -> str:
    """The order of a `buy` whose answer is lost; `crash`: with the process, while it is on its way and carried out."""
    if crash:
        world.provider._buy()
        await world.restart(crash=True)
    order: str = (await world.answer(command))["data"]["order"]
    return order


async def after(world: World, order: str, seconds: float = 61.0) -> tuple[str, Any]:
    """State and `charged` once both readings are made."""
    await world.sleep(seconds)
    shown = world.order(order)
    return shown["state"], shown["charged"]


# --- the balance from before ------------------------------------------------------------------------------------------


async def test_a_cancellation_on_the_site_before_the_purchase_hides_nothing(world: World) -> None:
    """The balance was read minutes ago, and has risen since by what the purchase takes."""
    await world.sleep(200)
    world.provider.move(2200)
    order = await lost(world, Acting(LOST))
    assert await after(world, order) == ("unknown", 2200)


async def test_the_words_say_no_more_than_is_known(world: World) -> None:
    order = await lost(world)
    assert await after(world, order) == ("failed", None)
    message = world.order(order)["error"]["message"]
    assert "the balance stayed at 100,000 IRT: nothing was paid for" in message
    assert "nothing was bought" not in message


@pytest.mark.parametrize("crash", [False, True])
async def test_a_wait_for_its_turn_counts(world: World, crash: bool) -> None:
    """It is renewed once the purchase has its turn; the journal holds the new one as the request leaves."""
    world.provider.queue = 60.0
    world.provider.script("buy", Late(None) if crash else Acting(LOST))
    command = world.send("buy", PRODUCT)
    await world.sleep(50)
    world.provider.move(2200)
    await world.sleep(11)
    order = await answered(world, command, crash=crash)
    assert await after(world, order) == ("unknown", 2200)


@pytest.mark.parametrize("profile", [UNREACHABLE, Late(None), Late(4.9)], ids=["away", "hangs", "slow"])
async def test_one_that_cannot_be_renewed_is_none(world: World, profile: Any) -> None:
    world.provider.queue = 60.0
    world.provider.script("buy", Acting(LOST))
    command = world.send("buy", PRODUCT)
    await world.sleep(50)
    world.provider.move(2200)
    world.provider.script("profile", profile)
    order = (await world.answer(command))["data"]["order"]
    slow = isinstance(profile, Late) and profile.seconds is not None
    assert await after(world, order) == ("unknown", 2200 if slow else None)


@pytest.mark.parametrize("crash", [False, True])
async def test_a_connection_that_takes_its_time_counts(world: World, crash: bool) -> None:
    """What is too old as the request leaves is no evidence; a crash does not make it one again."""
    world.provider.connecting = 15.0
    world.provider.script("buy", Late(None) if crash else Acting(LOST))
    command = world.send("buy", PRODUCT)
    await world.sleep(12)
    world.provider.move(2200)
    await world.sleep(4)
    order = await answered(world, command, crash=crash)
    assert await after(world, order) == ("unknown", None)


async def test_it_is_read_anew_where_money_moved_while_it_waited(world: World) -> None:
    world.provider.queue = 3.0
    world.provider.script("buy", None, Acting(LOST))
    first = world.send("buy", OTHER)
    await world.sleep(1)
    second = world.send("buy", PRODUCT)
    assert (await world.answer(first))["status"] == "ok"
    order = (await world.answer(second))["data"]["order"]
    assert await after(world, order) == ("unknown", 2200)


# --- what gives money back -------------------------------------------------------------------------------------------


async def test_a_cancel_that_was_killed_before_its_answer(world: World) -> None:
    """It was carried out; asked for again it is refused, and no check tells what became of the number."""
    other = await world.buy(application="2")
    await world.sleep(40)
    order = await lost(world, Acting(LOST))
    world.provider.script("cancel", Late(1.0, Acting(TIMEOUT)))
    world.send("cancel", {"order": other["order"]})
    await world.sleep(0.5)
    world.provider._cancel("p1")
    world.provider.always |= {"cancel": REFUSED, "check": MALFORMED}
    await world.restart(crash=True)
    assert await after(world, order) == ("unknown", None)


async def test_one_of_a_number_that_is_not_ours_as_well(world: World) -> None:
    order = await lost(world, Acting(LOST))
    world.provider.script("cancel", Late(None))
    world.send("cancel", {"purchase": "bought-elsewhere"})
    await world.sleep(0.5)
    world.provider.move(2200)
    world.provider.always |= {"cancel": REFUSED, "check": MALFORMED}
    await world.restart(crash=True)
    assert await after(world, order) == ("unknown", None)


@pytest.mark.parametrize("late", [5.0, 25.0])
async def test_nor_is_it_forgotten_by_what_is_bought_after_the_kill(world: World, late: float) -> None:
    """The money comes a little later, and the purchase was made in between."""
    world.provider.books_late = late
    order = await world.buy(application="2")
    await world.sleep(100)
    world.provider.script("cancel", Late(0.5, Acting(TIMEOUT)))
    world.send("cancel", {"order": order["order"]})
    await world.sleep(0.6)
    world.provider.always |= {"cancel": REFUSED, "check": MALFORMED}
    await world.restart(crash=True)
    order = await lost(world, Acting(LOST))
    assert await after(world, order) == ("unknown", None)


async def test_nor_one_that_was_answered_just_before_the_kill(opened: Opening) -> None:
    world = await opened(orders={"keep_closed": 0})
    world.provider.books_late = 20.0
    first = await world.buy(application="2")
    await world.data("cancel", {"order": first["order"]})
    await world.restart(crash=True)
    await world.sleep(5)
    order = await lost(world, Acting(LOST))
    assert await after(world, order) == ("unknown", None)


@pytest.mark.parametrize("seen", ["at once", "after both readings", "never"])
async def test_a_number_of_ours_that_is_given_back_on_the_site(world: World, seen: str) -> None:
    await world.buy(application="2")
    await world.sleep(40)
    order = await lost(world, Acting(LOST))
    if seen != "at once":
        world.provider.always["check"] = MALFORMED
    world.provider.give_back(world.provider.numbers["p1"], PurchaseState.CANCELLED)
    await world.sleep(59.5)
    if seen == "after both readings":
        del world.provider.always["check"]
    assert await after(world, order, 30) == ("unknown", None)


@pytest.mark.parametrize("found", [Acting(LOST), LOST], ids=["bought", "not bought"])
async def test_a_number_that_lives_says_that_nothing_came_back(world: World, found: Any) -> None:
    await world.buy(application="2")
    world.provider.gets("p1", sms())
    await world.sleep(40)
    order = await lost(world, found)
    assert await after(world, order) == (("unknown", 2200) if found is not LOST else ("failed", None))


async def test_a_number_that_is_done_brings_nothing_back(world: World) -> None:
    await world.buy(application="2")
    world.provider.gets("p1", sms())
    world.provider.numbers["p1"].state = PurchaseState.FINISHED
    await world.sleep(40)
    order = await lost(world)
    assert await after(world, order) == ("failed", None)


async def test_a_number_with_an_sms_that_is_given_back_on_the_site(world: World) -> None:
    await world.buy(application="2")
    world.provider.gets("p1", sms())
    await world.sleep(40)
    order = await lost(world, Acting(LOST))
    world.provider.give_back(world.provider.numbers["p1"], PurchaseState.CANCELLED)
    assert await after(world, order) == ("unknown", None)


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_number_of_an_order_in_doubt_that_is_given_back_on_the_site(world: World, restarted: bool) -> None:
    first = await lost(world, Acting(LOST), application="2")
    await world.sleep(100)
    assert world.order(first)["charged"] == 2200
    order = await lost(world, Acting(LOST))
    world.provider.give_back(world.provider.numbers["p1"], PurchaseState.CANCELLED)
    if restarted:
        await world.restart(crash=True)
    assert await after(world, order) == ("unknown", None)


async def test_an_order_in_doubt_that_the_operator_settled_stands_in_no_ones_way(world: World) -> None:
    first = await lost(world, application="2")
    world.provider.script("profile", UNREACHABLE)
    await world.sleep(100)
    assert world.order(first)["state"] == "unknown"
    await world.data("resolve", {"order": first, "outcome": "not_bought"})
    order = await lost(world)
    assert await after(world, order) == ("failed", None)


async def test_one_in_doubt_since_yesterday_neither(world: World) -> None:
    await lost(world, Acting(LOST), application="2")
    await world.sleep(86_500)
    order = await lost(world)
    assert await after(world, order) == ("failed", None)


@pytest.mark.parametrize("lives", [True, False])
async def test_a_number_that_closed_here_with_its_money_gone_may_live_there(opened: Opening, lives: bool) -> None:
    world = await opened(orders={"lifetime": 300})
    first = await world.buy(application="2")
    world.provider.always["cancel"] = TOO_EARLY
    await world.state(first["order"], "expired", 700)
    await world.sleep(60)
    order = await lost(world, LOST if lives else Acting(LOST))
    if not lives:
        world.provider.give_back(world.provider.numbers["p1"], PurchaseState.CANCELLED)
    assert await after(world, order) == ("failed" if lives else "unknown", None)


@pytest.mark.parametrize("decided", [True, False])
async def test_one_that_is_on_its_way_while_the_balance_is_read(world: World, decided: bool) -> None:
    """What it takes is in that balance, perhaps, and comes back when it is given back on the site."""
    world.provider.script("buy", Late(15.0 if decided else 300.0, LOST), Late(10.0, Acting(LOST)))
    commands = [world.send("buy", OTHER)]
    await world.sleep(6)
    world.provider._buy()
    commands.append(world.send("buy", PRODUCT))
    order = (await world.answer(commands[1]))["data"]["order"]
    world.provider.give_back(world.provider.numbers["p1"], PurchaseState.CANCELLED)
    assert await after(world, order) == ("unknown", None)


# --- what takes it ---------------------------------------------------------------------------------------------------


async def test_what_a_refund_made_less_is_not_what_was_charged(world: World) -> None:
    """The difference would count instead of the price."""
    world.provider.books_late = 20.0
    world.provider.charges = Decimal(3000)
    first = await world.buy(application="2")
    world.provider.charges = Decimal(5000)
    await world.sleep(100)
    await world.data("cancel", {"order": first["order"]})
    await world.sleep(5)
    order = await lost(world, Acting(LOST))
    assert await after(world, order) == ("unknown", None)


async def test_not_found_after_a_lost_answer_is_no_proof(world: World) -> None:
    other = await world.buy(application="2")
    await world.sleep(40)
    order = await lost(world, Acting(LOST))
    world.provider.script("cancel", Acting(TIMEOUT), NOT_FOUND)
    await world.data("cancel", {"order": other["order"]})
    assert await after(world, order) == ("unknown", None)
