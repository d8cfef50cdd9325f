"""What may be bought while another daemon may have got the same commands (contract, Settings)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clearance import Clearance, given
from shomare_mqtt.core.desk.dispatch import LONGEST
from tests.core.provider import Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from shomare_mqtt.core.records import Arrival, ArrivalResult
    from tests.core.conftest import Opening
    from tests.core.world import World

REASON = "another daemon is there"


def left_open(world: World) -> Clearance:
    """It is not settled who is there, from now on."""
    world.clearance = Clearance()
    return world.clearance


async def test_a_buy_waits_until_it_is_settled_and_all_else_goes_on(world: World) -> None:
    clearance = left_open(world)
    waiting = world.send("buy", PRODUCT)
    assert await world.data("query/orders", {}) == []
    await world.settle()
    assert waiting.acked == 1, "it is in the journal"
    assert world.answers(waiting) == []
    clearance.give()
    assert (await world.answer(waiting))["status"] == "ok"


async def test_what_came_while_it_was_open_is_refused_though_it_is_over(world: World) -> None:
    clearance = left_open(world)
    waiting = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.settle()
    clearance.refuse(REASON)
    world.clearance = given()
    answer = await world.answer(waiting)
    assert (answer["error"]["code"], answer["error"]["retryable"]) == ("buying_paused", True)
    assert REASON in answer["error"]["message"]
    assert (await world.ask("buy", {**PRODUCT, "transaction": "u"}))["status"] == "ok"
    assert world.provider.count("buy") == 1


async def test_a_repeat_of_what_another_may_have_carried_out_buys_nothing(world: World) -> None:
    left_open(world).refuse(REASON)
    command = {**PRODUCT, "transaction": "t"}
    assert await world.error("buy", command) == "buying_paused"
    world.clearance = given()
    for crash in (False, True):
        answer = await world.ask("buy", command)
        assert (answer["error"]["code"], answer["replayed"]) == ("buying_paused", True)
        await world.restart(crash=crash)
    assert (await world.ask("buy", command))["replayed"] is True
    assert world.provider.count("buy") == 0


async def test_what_comes_while_another_is_there_is_refused_at_once(world: World) -> None:
    left_open(world).refuse(REASON)
    assert await world.error("buy", PRODUCT) == "buying_paused"
    assert await world.data("query/orders", {}) == []
    health = await world.bridge.health()
    assert (health["buying_paused"], health["buying_paused_reason"]) == (True, REASON)


async def test_one_that_is_on_its_way_stops_before_the_request(opened: Opening) -> None:
    world = await opened(limits={"max_price": 9000})
    world.provider.script("price", Late(5))
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    left_open(world).refuse(REASON)
    assert (await world.answer(command))["error"]["code"] == "buying_paused"
    assert world.provider.count("buy") == 0


async def test_it_does_not_wait_for_ever(world: World) -> None:
    clearance = left_open(world)
    command = world.send("buy", PRODUCT)
    await world.sleep(LONGEST - 1)
    assert world.answers(command) == []
    await world.sleep(1)
    assert (await world.answer(command))["error"]["code"] == "buying_paused"
    clearance.give()
    await world.settle()
    assert world.provider.count("buy") == 0


@pytest.mark.parametrize("alone", [True, False])
async def test_what_an_earlier_process_took_waits_too(world: World, alone: bool) -> None:
    left_open(world)
    command = world.send("buy", PRODUCT)
    await world.settle()
    clearance = left_open(world)
    await world.restart(crash=True)
    await world.settle()
    assert world.answers(command) == []
    if alone:
        clearance.give()
    else:
        clearance.refuse(REASON)
    assert (await world.answer(command))["status"] == ("ok" if alone else "error")
    assert world.provider.count("buy") == alone


async def started_anew(world: World) -> None:
    """The same daemon again, after the one that went on in its place was stopped."""
    world.clearance = given()
    world.clock.new_process()
    await world.start()


async def test_what_was_held_when_another_goes_on_in_our_place_is_not_bought_at_the_next_start(world: World) -> None:
    clearance = left_open(world)
    command = world.send("buy", PRODUCT)
    query = world.send("query/orders", {})
    await world.settle()
    clearance.refuse(REASON)
    await world.stop()
    await started_anew(world)
    assert (await world.answer(command))["error"]["code"] == "buying_paused"
    assert (await world.answer(query))["status"] == "ok"
    assert world.provider.count("buy") == 0


async def test_nor_is_what_was_just_being_taken_down(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    clearance, arrive, ending = left_open(world), world.journal.arrive, list[asyncio.Task[None]]()

    async def slowly(arrivals: list[Arrival], remember: float) -> list[ArrivalResult]:
        results = await arrive(arrivals, remember)
        clearance.refuse(REASON)
        ending.append(asyncio.create_task(world.stop()))
        await asyncio.sleep(1)
        return results

    monkeypatch.setattr(world.journal, "arrive", slowly)
    command = world.send("buy", PRODUCT)
    await world.settle()
    await ending[0]
    await started_anew(world)
    assert (await world.answer(command))["error"]["code"] == "buying_paused"
    assert world.provider.count("buy") == 0


async def test_what_takes_too_long_to_be_taken_down_is_left_to_the_next_start(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrive = world.journal.arrive

    async def slowly(arrivals: list[Arrival], remember: float) -> list[ArrivalResult]:
        results = await arrive(arrivals, remember)
        await asyncio.sleep(100)
        return results

    monkeypatch.setattr(world.journal, "arrive", slowly)
    command = world.send("buy", PRODUCT)
    await world.settle()
    await world.restart()
    assert (await world.answer(command))["status"] == "ok"
    assert world.provider.count("buy") == 1
