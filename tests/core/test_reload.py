"""The settings are read again while the core works: each key holds at once, and nothing is lost or doubled by it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.config.in_force import InForce
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from tests.core.provider import LOST, UNREACHABLE, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import Command, World

WATCHED = {"country": "2", "operator": "1"}


async def under_way(world: World, where: str, **fields: Any) -> Command:
    """A `buy` that waits for the provider's answer to something."""
    before = world.provider.count(where)
    command = world.send("buy", {**PRODUCT, **fields})
    await world.until(lambda: world.provider.count(where) == before + 1)
    return command


# --- the holder -----------------------------------------------------------------------------------------------------


def test_what_is_taken_while_a_daemon_begins_waits() -> None:
    one, two, three = (GivenSettings(refresh={"profile": n}) for n in (1, 2, 3))
    in_force, told = InForce(one), list[object]()
    in_force.listeners.append(told.append)
    in_force.hold_back()
    in_force.take(two)
    in_force.take(three)
    assert (in_force.now, in_force.newest, told) == (one, three, [])
    in_force.let_go()
    assert (in_force.now, in_force.newest, told) == (three, three, [one])
    in_force.hold_back()
    in_force.let_go()
    assert (in_force.now, told) == (three, [one])


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"max_open_orders": 1}, "limit_reached"),
        ({"max_buys_per_hour": 1}, "limit_reached"),
        ({"max_price": 2199}, "price_too_high"),
        ({"max_spend_per_day": 4399}, "limit_reached"),
        ({"min_balance": 999_999}, "limit_reached"),
    ],
)
async def test_a_stricter_limit_counts_for_the_next_buy(world: World, limits: dict[str, int], code: str) -> None:
    await world.buy()
    world.reload(limits=limits)
    assert await world.error("buy", PRODUCT) == code
    world.reload(limits=dict.fromkeys(limits))
    await world.buy()


async def test_one_double_press_more(world: World) -> None:
    world.reload(limits={"double_press": 3})
    await world.buy()
    assert await world.error("buy", PRODUCT) == "duplicate_command"
    world.reload(limits={"double_press": 0})
    await world.buy()


@pytest.mark.parametrize("limits", [{"max_price": 2199}, {"min_balance": 999_999}, {"max_open_orders": 1}])
async def test_a_stricter_limit_counts_before_the_intent(opened: Opening, limits: dict[str, int]) -> None:
    """Also one that needs what was not asked for: the price is read then."""
    world = await opened(limits={"max_spend_per_day": 50_000})
    await world.buy()
    world.provider.answers["price"].append(Late(5))
    command = await under_way(world, "price")
    world.reload(limits=limits)
    assert (await world.answer(command))["status"] == "error"
    assert world.provider.count("buy") == 1


async def test_another_limit_has_the_rest_looked_at_again(opened: Opening) -> None:
    """The first look needed no price; the second one does."""
    world = await opened()
    world.clock.suspend(60)
    world.provider.answers["profile"].append(Late(3))
    command = await under_way(world, "profile")
    world.reload(limits={"max_price": 2200})
    assert (await world.answer(command))["data"]["price"] == 2200
    assert (world.provider.count("price"), world.provider.count("buy")) == (1, 1)
    assert len(world.extensions.authorized) == 2


UNSENT = [
    ({"max_open_orders": 1}, "limit_reached"),
    ({"max_buys_per_hour": 1}, "limit_reached"),
    ({"max_spend_per_day": 4399}, "limit_reached"),
    ({"min_balance": 999_999}, "limit_reached"),
    ({"max_price": 2199}, "price_too_high"),
]


@pytest.mark.parametrize(("limits", "code"), UNSENT)
async def test_a_stricter_limit_holds_back_what_was_not_sent(
    opened: Opening, limits: dict[str, int], code: str
) -> None:
    """It is written down, and waits for its turn: it fails, and nothing was bought."""
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    world.provider.before_leaving = lambda: world.reload(limits=limits)
    answer = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert answer["error"]["code"] == code, answer
    assert world.order(answer["error"]["order"])["state"] == "failed"
    assert world.provider.count("sent") == 1
    world.provider.before_leaving = None
    world.reload(limits=dict.fromkeys(limits))
    assert (await world.ask("buy", {**PRODUCT, "transaction": "t"}))["error"]["code"] == code, "its first answer"
    await world.buy()


@pytest.mark.parametrize("key", ["max_price", "max_spend_per_day", "min_balance"])
async def test_a_limit_that_needs_a_price_that_was_not_asked_for(world: World, key: str) -> None:
    world.provider.before_leaving = lambda: world.reload(limits={key: 5000})
    assert await world.error("buy", PRODUCT) == "limit_reached"
    assert world.provider.count("sent") == 0


@pytest.mark.parametrize(
    "limits", [{"max_open_orders": 2}, {"max_spend_per_day": 4400}, {"max_price": 2200}, {"max_buys_per_hour": 2}]
)
async def test_what_other_limits_allow_is_sent(opened: Opening, limits: dict[str, int]) -> None:
    """It does not count against itself."""
    world = await opened(limits={"max_price": 9000})
    await world.buy()
    world.provider.before_leaving = lambda: world.reload(limits=limits)
    await world.buy()
    assert world.provider.count("sent") == 2


async def test_a_limit_that_needs_a_balance_that_nobody_knows(opened: Opening) -> None:
    world = await opened(limits={"max_price": 9000}, orders={"settle_delay": 1})
    world.provider.always["profile"] = UNREACHABLE
    await world.restart()
    world.provider.before_leaving = lambda: world.reload(limits={"min_balance": 1})
    assert await world.error("buy", PRODUCT) == "malformed_answer"
    assert world.provider.count("sent") == 0


async def test_a_buy_that_is_on_its_way_ends_as_it_does(world: World) -> None:
    world.provider.answers["buy"].append(Late(5))
    command = await under_way(world, "buy", transaction="t")
    world.reload(limits={"max_price": 1, "max_open_orders": 1}, orders={"lifetime": 600})
    answer = await world.answer(command)
    assert answer["data"]["state"] == "waiting"
    assert world.provider.count("buy") == 1
    again = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert again["data"]["order"] == answer["data"]["order"]


async def test_a_buy_that_is_lost_is_settled_as_it_began(opened: Opening) -> None:
    """Buying pauses for as long as its evidence takes, whatever the settings say meanwhile."""
    world = await opened(orders={"settle_delay": 30})
    world.provider.answers["buy"].append(LOST)
    answer = await world.ask("buy", PRODUCT)
    assert answer["status"] == "unknown"
    world.reload(orders={"settle_delay": 300})
    assert await world.error("buy", PRODUCT) == "buying_paused"
    await world.state(answer["data"]["order"], "failed", 61)
    await world.buy()
