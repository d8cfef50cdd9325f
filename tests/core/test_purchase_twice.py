"""One purchase that is answered twice is one order alone (contract, State): nobody knows what the second bought."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.model import Purchase
from tests.core.provider import LOST, Acting, Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.world import World

AGAIN = Purchase("p1", "+79310000001")


async def test_of_an_open_order(world: World) -> None:
    first = await world.buy()
    await world.sleep(60)
    world.provider.script("buy", AGAIN)
    answer = await world.ask("buy", {**PRODUCT, "application": "2", "transaction": "t"})
    assert (answer["status"], answer["error"]["code"], answer["data"]["state"]) == (
        "unknown",
        "outcome_unknown",
        "unknown",
    )
    assert answer["data"]["purchase"] is None
    assert f"p1, which is that of order {first['order']}" in answer["error"]["message"]
    assert [e["order"] for e in world.bridge_events("outcome_unknown")] == [answer["data"]["order"]]
    assert world.order(first["order"])["state"] == "waiting"
    # The balance did not move: nothing was bought.
    failed = await world.state(answer["data"]["order"], "failed", 200)
    assert failed["charged"] is None
    assert world.provider.count("buy") == 2, "it is never sent again"


@pytest.mark.parametrize("crash", [False, True])
async def test_of_an_order_of_an_earlier_process(world: World, crash: bool) -> None:
    await world.buy()
    await world.restart(crash=crash)
    world.provider.script("buy", AGAIN)
    assert (await world.ask("buy", {**PRODUCT, "application": "2"}))["status"] == "unknown"


async def test_of_two_that_are_answered_at_once(world: World) -> None:
    """Neither is in the journal yet when the other's answer comes."""
    world.provider.script("buy", Late(5.0, AGAIN), Late(5.0, AGAIN))
    commands = [world.send("buy", {**PRODUCT, "application": a}) for a in ("1", "2")]
    answers = await asyncio.gather(*(world.answer(command) for command in commands))
    assert sorted(answer["status"] for answer in answers) == ["ok", "unknown"]
    assert {order["state"] for order in world.json("orders")} == {"waiting", "unknown"}


async def test_of_an_order_that_is_closed(world: World) -> None:
    """The provider may give an id again."""
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    world.provider.script("buy", AGAIN)
    assert (await world.buy(application="2"))["purchase"] == "p1"


async def test_of_one_that_the_operator_settled(world: World) -> None:
    world.provider.script("buy", LOST)
    unknown = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.data("resolve", {"order": unknown, "outcome": "bought", "purchase": "p1", "phone": "+79310000001"})
    await world.sleep(100)
    world.provider.script("buy", AGAIN)
    assert (await world.ask("buy", {**PRODUCT, "application": "2"}))["status"] == "unknown"


async def test_of_one_that_the_operator_settles_while_it_is_answered(world: World) -> None:
    """The answer is there, and not yet in the journal: the operator's word comes too late."""
    world.provider.script("buy", Acting(LOST))
    unknown = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.sleep(100)
    real = world.journal.find_purchase
    asked = world.send("buy", {**PRODUCT, "application": "2"})
    bought = asyncio.Event()

    async def held(purchase: str) -> object:
        found = await real(purchase)
        await bought.wait()
        return found

    world.journal.find_purchase = held  # type: ignore[method-assign,assignment]
    world.provider.script("buy", Late(1.0, AGAIN))
    settling = world.send("resolve", {"order": unknown, "outcome": "bought", "purchase": "p1", "phone": "+79310000001"})
    assert (await world.answer(asked))["status"] == "ok"
    bought.set()
    assert (await world.answer(settling))["error"]["code"] == "invalid_command"
    assert world.order(unknown)["state"] == "unknown"
