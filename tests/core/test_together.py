"""Purchases that come together: each within what is allowed, and the disk is waited for as seldom as can be."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import Priority, PurchaseState
from tests.commits import commits
from tests.core.provider import Late, reading
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World


async def at_once(world: World, number: int) -> list[Any]:
    """The answers to so many purchases that come at the same moment."""
    sent = [world.send("buy", {**PRODUCT, "transaction": str(each)}) for each in range(number)]
    return [await world.answer(each) for each in sent]


def balances(world: World) -> int:
    """How often the balance was asked for because of a purchase that was to be."""
    return [what for call, _, what in world.provider.calls if call == "profile"].count(Priority.MONEY)


async def test_a_purchase_alone_waits_for_the_disk_twice(world: World) -> None:
    """It was taken and may be on its way; what came of it. What was sent of it, and its topic, cost nothing more.

    Nor does what the first check tells of its id, which a later process finds written down.
    """
    world.provider.ids = lambda own: {"data.id": own, "data.order_id": f"number-{own}"}
    await world.sleep(1)  # the start writes as well
    for number in range(3):
        before = commits(world.directory)
        order = await world.buy(transaction=str(number))
        await world.sleep(6)
        assert world.provider.count("check") > number
        assert commits(world.directory) == before + 2
        assert f"shomare/orders/{order['order']}" in await world.journal.retained()
        assert f"shomare/orders/{order['order']}" in world.retained.written_down
        assert await world.journal.outbox_length() == 0
    await world.restart()
    ids = [record.ids for record in world.bridge.orders.ledger.open()]
    assert [each is not None and each.is_confirmed for each in ids] == [True] * 3


@pytest.mark.parametrize("lifetime", [300.0, 1800.0])
async def test_another_end_waits_for_no_disk(world: World, lifetime: float) -> None:
    """It is shown at once, and the next check would tell it again; what is written next takes it along."""
    world.provider.script("check", reading(PurchaseState.WAITING, lifetime=lifetime))
    order = await world.buy()
    before, end = commits(world.directory), world.clock.now() + timedelta(seconds=5 + lifetime)
    await world.sleep(6)
    assert world.provider.count("check") == 1
    assert commits(world.directory) == before
    shown = world.order(order["order"])
    assert datetime.fromisoformat(shown["expires_at"]) == pytest.approx(end, abs=timedelta(seconds=1))
    assert world.json("orders") == [shown]
    await world.restart(crash=True)
    (record,) = world.bridge.orders.ledger.open()
    assert record.deadline == pytest.approx(record.made + 5 + lifetime, abs=1)
    assert datetime.fromisoformat(world.order(order["order"])["expires_at"]) == record.order.expires_at


async def test_sixteen_at_once_wait_together(world: World) -> None:
    await world.buy()
    await world.settle()
    world.provider.always |= {"profile": Late(0.1), "buy": Late(1.0)}  # all are on their way before one is bought
    before, read = commits(world.directory), balances(world)
    answers = await at_once(world, 16)
    assert [a["status"] for a in answers] == ["ok"] * 16
    assert world.provider.count("buy") == 17
    assert commits(world.directory) - before <= 24
    assert balances(world) == read + 1, "one balance is from before each of them"


async def test_of_those_that_come_at_once_none_takes_what_another_took(opened: Opening) -> None:
    world = await opened(limits={"max_open_orders": 3})
    answers = await at_once(world, 8)
    assert sorted(a["status"] for a in answers) == ["error"] * 5 + ["ok"] * 3
    assert {a["error"]["code"] for a in answers if a["status"] == "error"} == {"limit_reached"}
    assert world.provider.count("buy") == 3
    refused = next(a for a in answers if a["status"] == "error")
    assert "3 orders open, 3 are allowed; nothing was bought" in refused["error"]["message"]
    assert not world.bridge.orders.ledger.intents


async def test_of_those_that_come_at_once_none_spends_what_another_spends(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 5000})
    answers = await at_once(world, 4)
    assert sorted(a["status"] for a in answers) == ["error"] * 2 + ["ok"] * 2
    assert world.provider.count("buy") == 2


async def test_of_those_that_come_at_once_none_takes_what_is_to_be_left_of_the_balance(opened: Opening) -> None:
    world = await opened(limits={"min_balance": 94_000})
    answers = await at_once(world, 4)
    assert sorted(a["status"] for a in answers) == ["error"] * 2 + ["ok"] * 2
    assert world.provider.count("buy") == 2
    assert {a["error"]["code"] for a in answers if a["status"] == "error"} == {"limit_reached"}


async def test_a_balance_that_hangs_holds_up_none_who_came_with_the_first(opened: Opening) -> None:
    """It is asked for once more, and each has an answer in time to buy."""
    world = await opened(limits={"min_balance": 1})
    await world.settle()  # the start has read it
    world.provider.script("profile", Late(None))
    answers = await at_once(world, 4)
    assert [a["status"] for a in answers] == ["ok"] * 4
    assert world.provider.count("buy") == 4
