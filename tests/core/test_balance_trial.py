"""Which figure of the profile is the balance: the one that a purchase takes its price from (contract, Answers)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import Figure, Profile
from tests.core.provider import LOST, PRICE, UNREACHABLE, Acting, Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

USED, RIGHT, THIRD = "data.points", "data.credit", "data.bonus"
DELAY = 30.0


@pytest.fixture
async def wallet(opened: Opening) -> World:
    """A world whose profile is read at the wrong place; a first look at it was taken."""
    world = await opened(started=False, refresh={"profile": 20})
    world.provider.figures = {USED: Decimal(5), RIGHT: Decimal(100_000), THIRD: Decimal(7)}
    world.provider.takes = {RIGHT: Decimal(1)}
    await world.start()
    await world.sleep(1)
    return world


def chosen(world: World) -> str | None:
    return world.provider.chosen.get("profile.balance")


def doubts(world: World) -> list[str]:
    return [field for field in world.json("provider/state")["fields"] if field.startswith("profile: ")]


async def bought(world: World, **more: Any) -> None:
    await world.buy(max_price=3000, **more)
    await world.sleep(DELAY + 2)


async def test_the_one_that_a_purchase_took_its_price_from_is_it(
    wallet: World, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert wallet.text("profile/balance") == "5"
    await bought(wallet)
    assert chosen(wallet) == RIGHT
    assert f"the balance is read under {RIGHT} from now on, and not under {USED}" in caplog.text
    await wallet.sleep(1.1)
    assert wallet.text("profile/balance") == str(100_000 - PRICE)


async def test_the_one_in_use_is_confirmed(wallet: World) -> None:
    wallet.provider.takes = {USED: Decimal(1)}
    wallet.provider.figures[USED] = Decimal(50_000)
    await wallet.data("query/profile")
    await wallet.buy(max_price=3000)
    await wallet.sleep(1.1)
    assert chosen(wallet) == USED


async def test_it_is_confirmed_where_others_fell_as_well(wallet: World) -> None:
    wallet.provider.takes = {USED: Decimal(1), RIGHT: Decimal(1), THIRD: Decimal(1)}
    await bought(wallet)
    assert chosen(wallet) == USED


async def test_money_may_be_booked_late(wallet: World) -> None:
    """Another figure falls at once, a limit perhaps; the balance does a little later."""
    wallet.provider.takes = {THIRD: Decimal(1)}
    await wallet.buy(max_price=3000)
    await wallet.sleep(20)
    assert chosen(wallet) is None
    wallet.provider.figures[USED] -= PRICE
    await wallet.sleep(DELAY)
    assert chosen(wallet) == USED


async def test_of_two_that_fell_none_is_chosen(wallet: World) -> None:
    wallet.provider.takes = {RIGHT: Decimal(1), THIRD: Decimal(1)}
    await bought(wallet)
    assert chosen(wallet) is None
    assert doubts(wallet) == [
        f"profile: balance is doubtful: a purchase took its price from {RIGHT} and {THIRD}, and not from {USED}"
    ]


async def test_where_nothing_fell_nothing_is_said(wallet: World) -> None:
    wallet.provider.takes = {}
    await bought(wallet)
    assert (chosen(wallet), doubts(wallet)) == (None, [])


@pytest.mark.parametrize(("by", "said"), [("10", "10"), ("100", "100"), ("0.1", "0.1"), ("0.01", "0.01")])
async def test_a_fall_in_another_unit_says_nothing_by_itself(wallet: World, by: str, said: str) -> None:
    wallet.provider.takes = {USED: Decimal(by)}
    await bought(wallet)
    assert chosen(wallet) is None
    assert doubts(wallet) == [f"profile: balance is doubtful: {USED} fell by {said} times the price of a purchase"]


async def test_nor_does_that_of_another_figure(wallet: World) -> None:
    wallet.provider.takes = {RIGHT: Decimal(10)}
    await bought(wallet)
    assert (chosen(wallet), doubts(wallet)) == (None, [])


async def test_beside_one_that_fell_by_the_price_it_is_another_unit(wallet: World) -> None:
    wallet.provider.takes = {USED: Decimal(10), RIGHT: Decimal(1)}
    await bought(wallet)
    assert chosen(wallet) == RIGHT


async def test_a_fall_by_another_amount_is_doubtful(wallet: World) -> None:
    """A fee, or a discount: the figure in use may be the balance all the same."""
    wallet.provider.takes = {USED: Decimal("1.05"), THIRD: Decimal(1)}
    await bought(wallet)
    assert chosen(wallet) is None
    assert "by another amount than the price" in doubts(wallet)[0]


async def test_a_doubt_is_over_once_a_purchase_settles_it(wallet: World) -> None:
    wallet.provider.takes = {USED: Decimal(10)}
    await bought(wallet)
    assert doubts(wallet)
    wallet.provider.takes = {USED: Decimal(1)}
    await bought(wallet, application="2")
    assert (chosen(wallet), doubts(wallet)) == (USED, [])


async def test_where_no_balance_was_read_it_is_found(wallet: World) -> None:
    del wallet.provider.figures[USED]
    wallet.provider.reads_balance = False
    await wallet.sleep(20)
    assert wallet.json("profile")["balance"] is None
    await bought(wallet)
    assert chosen(wallet) == RIGHT


async def test_where_the_balance_has_no_place_nothing_is_compared(wallet: World) -> None:
    def nowhere(_: object) -> Profile:
        figures = wallet.provider.figures
        return Profile(figures[USED], candidates=tuple(Figure(each, figures[each]) for each in figures))

    wallet.provider.always["profile"] = nowhere
    await bought(wallet)
    assert chosen(wallet) is None


async def test_without_a_price_nothing_is_compared(wallet: World) -> None:
    await wallet.buy()
    await wallet.sleep(DELAY + 2)
    assert chosen(wallet) is None


async def test_the_price_that_the_purchase_names_will_do(wallet: World) -> None:
    wallet.provider.purchase_price = PRICE
    await wallet.buy()
    await wallet.sleep(DELAY + 2)
    assert chosen(wallet) == RIGHT


async def test_of_one_that_is_confirmed_already_nothing_is_said(
    wallet: World, caplog: pytest.LogCaptureFixture
) -> None:
    wallet.provider.chosen["profile.balance"] = RIGHT
    await wallet.sleep(20)
    caplog.set_level("INFO")
    await bought(wallet)
    assert wallet.provider.count("choose") == 1
    assert "the balance" not in caplog.text


async def test_a_figure_that_was_not_there_before_is_none(wallet: World) -> None:
    del wallet.provider.figures[THIRD]
    wallet.provider.takes = {}
    await wallet.sleep(20)
    wallet.provider.figures[THIRD] = Decimal(-2200)
    await bought(wallet)
    assert chosen(wallet) is None


@pytest.mark.parametrize("what", ["two", "refund", "doubt", "place"])
async def test_where_anything_else_may_have_moved_it_nothing_is_chosen(wallet: World, what: str) -> None:
    order = await wallet.buy(max_price=3000)
    if what == "two":
        await wallet.buy(max_price=3000, application="2")
    if what == "refund":
        await wallet.data("cancel", {"order": order["order"]})
    if what == "doubt":
        wallet.provider.script("buy", LOST)
        await wallet.ask("buy", {**PRODUCT, "application": "2"})
    if what == "place":
        del wallet.provider.figures[USED]
    await wallet.sleep(DELAY + 2)
    assert chosen(wallet) is None
    assert wallet.provider.count("choose") == 0


async def test_a_reading_while_one_is_bought_is_no_evidence(wallet: World) -> None:
    wallet.provider.script("buy", Late(25.0))
    command = wallet.send("buy", {**PRODUCT, "max_price": 3000})
    await wallet.sleep(24)
    assert (await wallet.answer(command))["status"] == "ok"
    await wallet.sleep(DELAY + 2)
    assert chosen(wallet) == RIGHT


async def test_while_a_cancel_is_on_its_way_nothing_is_compared(wallet: World) -> None:
    order = await wallet.buy(max_price=3000)
    wallet.provider.script("cancel", Late(60.0))
    wallet.send("cancel", {"order": order["order"]})
    await wallet.sleep(55)
    assert chosen(wallet) is None


async def test_a_purchase_that_the_operator_settled_is_none_of_a_known_price(
    wallet: World, caplog: pytest.LogCaptureFixture
) -> None:
    wallet.provider.script("buy", Acting(LOST))
    order = (await wallet.ask("buy", {**PRODUCT, "max_price": 3000}))["data"]["order"]
    settled = {"order": order, "outcome": "bought", "purchase": "p1", "phone": "+79310000001"}
    await wallet.data("resolve", settled)
    await wallet.sleep(DELAY + 25)
    assert chosen(wallet) is None
    assert "a fault of this program" not in caplog.text


async def test_what_was_chosen_is_replaced_where_it_no_longer_falls(wallet: World) -> None:
    wallet.provider.chosen["profile.balance"] = USED
    await wallet.sleep(20)
    await bought(wallet)
    assert chosen(wallet) == RIGHT


# --- an order in doubt ------------------------------------------------------------------------------------------------


async def test_a_balance_of_another_place_is_no_evidence(wallet: World) -> None:
    """Before the purchase it was read at one place, and after it at another where it happens to be less."""
    wallet.provider.figures[THIRD] = Decimal(3)
    await wallet.data("query/profile")
    wallet.provider.script("buy", LOST)
    order = (await wallet.ask("buy", PRODUCT))["data"]["order"]
    wallet.provider.chosen["profile.balance"] = THIRD
    await wallet.sleep(2 * DELAY + 2)
    shown = wallet.order(order)
    assert (shown["state"], shown["charged"]) == ("unknown", None)


@pytest.mark.parametrize("crash", [False, True])
async def test_one_of_the_same_place_is(wallet: World, crash: bool) -> None:
    wallet.provider.chosen["profile.balance"] = RIGHT
    await wallet.data("query/profile")
    wallet.provider.script("buy", Acting(LOST))
    order = (await wallet.ask("buy", PRODUCT))["data"]["order"]
    if crash:
        await wallet.restart(crash=True)
    await wallet.sleep(2 * DELAY + 2)
    assert wallet.order(order)["charged"] == PRICE


async def test_the_profiles_own_doubt_is_said(wallet: World) -> None:
    wallet.provider.figures_are_alike = True
    await wallet.data("query/profile")
    assert doubts(wallet) == [f"profile: balance is doubtful: {USED} or {RIGHT}"]
    await bought(wallet)
    await wallet.sleep(1.1)
    assert doubts(wallet) == []
    wallet.provider.always["profile"] = UNREACHABLE
    assert await wallet.error("query/profile") == "provider_unreachable"


# --- what is no evidence ----------------------------------------------------------------------------------------------


async def lost_though_paid(world: World) -> str:
    world.provider.script("buy", Acting(LOST))
    order: str = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.sleep(2 * DELAY + 2)
    return str(world.order(order)["state"])


async def test_a_doubtful_balance_that_stays_does_not_say_that_nothing_was_paid(wallet: World) -> None:
    wallet.provider.figures_are_alike = True
    assert await lost_though_paid(wallet) == "unknown"


async def test_nor_does_one_that_stayed_at_a_purchase_that_is_known(wallet: World) -> None:
    wallet.provider.takes = {RIGHT: Decimal(1), THIRD: Decimal(1)}
    await bought(wallet)
    assert await lost_though_paid(wallet) == "unknown"


@pytest.mark.parametrize("takes", [{USED: Decimal(10)}, {RIGHT: Decimal(1)}], ids=["it falls", "another is taken"])
async def test_what_falls_with_purchases_is_evidence_again(wallet: World, takes: dict[str, Decimal]) -> None:
    wallet.provider.takes = {}
    await bought(wallet)
    wallet.provider.takes = takes
    await bought(wallet, application="2")
    await wallet.sleep(5)
    wallet.provider.script("buy", LOST)
    order = (await wallet.ask("buy", PRODUCT))["data"]["order"]
    await wallet.sleep(2 * DELAY + 2)
    assert wallet.order(order)["state"] == "failed"


async def test_a_doubt_from_before_the_purchase_counts_as_well(wallet: World) -> None:
    wallet.provider.figures_are_alike = True
    await wallet.data("query/profile")
    assert await lost_though_paid(wallet) == "unknown"
