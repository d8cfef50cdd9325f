"""Whether the watch gets on: it stands where a check is due and nothing comes of any, and never while it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.pace import Pace
from tests.core.provider import UNREACHABLE, Late

if TYPE_CHECKING:
    import pytest

    from tests.core.conftest import Opening
    from tests.core.world import World

LONGEST_REST = 60.0
HUNG = 300.0


def test_a_loop_stands_from_its_last_mark_on_and_while_it_does_not_say_that_it_waits() -> None:
    now = 5.0
    pace = Pace(lambda: now)
    now = 100.0
    assert pace.stood() == 0
    pace.gets_on()
    now = 130.0
    assert pace.stood() == 30
    now = 90.0
    assert pace.stood() == 0
    pace.waits()
    now = 1000.0
    assert pace.stood() == 0


async def test_waiting_for_the_next_check_is_no_standing(world: World) -> None:
    assert world.bridge.orders.watch_stood() == 0
    await world.buy()
    for _ in range(100):
        await world.sleep(7)
        assert world.bridge.orders.watch_stood() == 0


async def test_a_check_of_which_nothing_comes_is(world: World) -> None:
    await world.buy()
    world.provider.always["check"] = Late(None)
    await world.sleep(HUNG)
    assert HUNG - 10 < world.bridge.orders.watch_stood() <= HUNG


async def test_it_gets_on_while_anything_comes_of_any_order(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.AT_ONCE", 1)
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.MOST_SLOW", 1)
    world = await opened()
    for number in range(5):
        await world.buy(transaction=number)
    world.provider.always["check"] = Late(20.0)
    for _ in range(100):
        await world.sleep(5)
        assert world.bridge.orders.watch_stood() < 25


async def test_one_that_waits_for_a_slot_that_nobody_leaves_stands(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.buy()
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.AT_ONCE", 0)
    await world.sleep(HUNG)
    assert HUNG - 10 < world.bridge.orders.watch_stood() <= HUNG


async def test_a_provider_that_is_away_for_an_hour_has_nothing_stand(world: World) -> None:
    await world.buy()
    world.provider.always["check"] = world.provider.always["cancel"] = UNREACHABLE
    for _ in range(5000):
        await world.sleep(1)
        assert world.bridge.orders.watch_stood() < LONGEST_REST
    assert not world.bridge.orders.ledger.open_count
