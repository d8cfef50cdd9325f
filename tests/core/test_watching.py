"""Many open orders: a few are checked at a time, each in its turn, and none misses its end for that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.core.provider import UNREACHABLE, Late, sms

if TYPE_CHECKING:
    import asyncio

    from tests.core.conftest import Opening
    from tests.core.world import World

END = 1200
FEW = 2
MANY = 5
APART = 20.0
"""Seconds between two purchases."""


@pytest.fixture
async def world(opened: Opening, monkeypatch: pytest.MonkeyPatch) -> World:
    """Five orders that were bought before this start; two may be checked at a time."""
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.AT_ONCE", FEW)
    world = await opened(limits={"max_open_orders": MANY})
    for application in range(1, MANY + 1):
        await world.buy(application=str(application % 3 + 1), transaction=application)
        await world.sleep(APART)
    return world


async def test_nothing_is_begun_once_the_end_has_come_though_it_comes_at_the_start(world: World) -> None:
    """The task that tells of the end has not begun to run, and every order is due at once."""
    await world.restart()
    begun: list[str] = []
    spawn = world.bridge.orders._watch._spawn

    def noted(work: Any, name: str, /) -> asyncio.Task[None]:
        begun.append(name)
        return spawn(work, name)

    world.bridge.orders._watch._spawn = noted
    checks = world.provider.count("check")
    await world.crash()
    await world.settle()
    assert (begun, world.provider.count("check")) == ([], checks)


async def test_each_is_checked_in_its_turn(world: World) -> None:
    world.provider.always["check"] = Late(1.0)
    await world.restart()
    began = len(world.provider.calls)

    await world.sleep(3.5)

    checked = [(at, purchase) for call, at, purchase in world.provider.calls[began:] if call == "check"]
    assert {purchase for _, purchase in checked} == {"p1", "p2", "p3", "p4", "p5"}
    first = checked[0][0]
    assert [round(at - first) for at, _ in checked] == [0, 0, 1, 1, 2]


async def test_one_that_waits_for_its_turn_is_checked_for_the_last_time_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.MOST_SLOW", 1)
    world.provider.always["check"] = Late(None)
    began = world.provider.count("check")
    await world.restart()
    await world.sleep(10)
    assert world.provider.count("check") == began + FEW
    del world.provider.always["check"]

    await world.sleep(END + MANY * APART)

    bought, cancelled = world.provider.times("buy"), world.provider.times("cancel")
    assert [round(gone - made) for made, gone in zip(bought, cancelled, strict=True)] == [END - 2] * MANY


async def test_one_that_is_cancelled_while_it_waits_is_not_checked_any_more(world: World) -> None:
    world.provider.always["check"] = Late(2.0)
    await world.restart()
    began = len(world.provider.calls)
    orders = await world.data("query/orders", {})
    await world.data("cancel", {"order": orders[-1]["order"]})

    await world.sleep(30)

    assert orders[-1]["purchase"] == "p1"
    assert "p1" not in {purchase for call, _, purchase in world.provider.calls[began:] if call == "check"}


async def test_those_that_wait_find_their_sms_once_the_provider_is_back(world: World) -> None:
    world.provider.always["check"] = UNREACHABLE
    await world.restart()
    await world.sleep(60)
    for number in range(1, MANY + 1):
        world.provider.gets(f"p{number}", sms(f"Your code is {number}{number}{number}{number}"))
    del world.provider.always["check"]

    await world.sleep(END / 2)

    assert sorted(world.codes()) == [f"{number}" * 4 for number in range(1, MANY + 1)]


async def test_checks_that_hang_hold_up_no_others_for_long(world: World) -> None:
    """A code that is found too late is a number paid for nothing."""
    hanging = {"p1", "p2"}
    world.provider.always["check"] = lambda purchase: Late(30.0, UNREACHABLE) if purchase in hanging else None
    await world.restart()
    began = len(world.provider.calls)

    await world.sleep(13)

    checked = [purchase for call, _, purchase in world.provider.calls[began:] if call == "check"]
    assert [checked.count(purchase) for purchase in ("p3", "p4", "p5")] == [3, 3, 3]


async def test_not_even_where_most_hang_but_so_many_at_most_are_under_way(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shomare_mqtt.core.orders.slots.MOST_SLOW", 1)
    world.provider.always["check"] = Late(50.0, UNREACHABLE)
    await world.restart()
    began = len(world.provider.calls)

    def checked() -> int:
        return len({purchase for call, _, purchase in world.provider.calls[began:] if call == "check"})

    await world.sleep(49)
    assert checked() == FEW
    await world.sleep(50)
    assert checked() == 2 * FEW, "once no slow one is left"
    await world.sleep(2)
    assert checked() == MANY


async def test_nothing_is_checked_once_it_has_ended(world: World) -> None:
    """Nor by what comes that late: the provider is back, an order is another."""
    orders = world.bridge.orders
    [record, *_] = orders.ledger.open()
    await world.stop()
    before = world.provider.count("check")
    world.bridge.market.provider_state.on_recovered()
    for listener in orders.ledger.listeners:
        listener(replace(record, order=replace(record.order, order="another")), None)
    await world.sleep(END)
    assert world.provider.count("check") == before
