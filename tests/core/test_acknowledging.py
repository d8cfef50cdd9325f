"""When a command is on disk, and when its PUBACK goes out: a `buy` that comes alone waits for its intent."""

from __future__ import annotations

import asyncio
import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clearance import Clearance
from shomare_mqtt.core.desk.acknowledging import LONGEST, MOST
from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.model import Incoming, OrderState
from tests.commits import commits
from tests.core.provider import Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.conftest import Opening
    from tests.core.world import Command, World


@pytest.fixture
async def slow(world: World) -> World:
    """The balance, which is asked for before each purchase, takes a second."""
    await world.buy()
    await world.sleep(10)
    world.provider.always["profile"] = Late(1.0)
    return world


def again(command: Command) -> Command:
    """The same message as the broker brings it again."""
    return replace(command, incoming=replace(command.incoming, dup=True), acked=0)


async def test_a_buy_alone_is_on_disk_and_acknowledged_with_its_intent(slow: World) -> None:
    before = commits(slow.directory)
    command = slow.send("buy", PRODUCT)
    await slow.sleep(0.9)
    assert (commits(slow.directory), command.acked, slow.provider.count("buy")) == (before, 0, 1)
    slow.provider.script("buy", Late(5.0))
    await slow.sleep(0.2)
    assert (commits(slow.directory), command.acked, slow.provider.count("buy")) == (before + 1, 1, 2)
    assert (await slow.answer(command))["status"] == "ok"


async def test_one_that_is_refused_is_on_disk_with_its_answer(slow: World) -> None:
    before = commits(slow.directory)
    command = slow.send("buy", {**PRODUCT, "country": "Atlantis"})
    assert (await slow.answer(command))["error"]["code"] == "unknown_name"
    assert (commits(slow.directory), command.acked) == (before + 1, 1)


async def test_a_balance_that_hangs_holds_up_no_acknowledgement_for_long(slow: World) -> None:
    slow.provider.script("profile", Late(4.0))
    before = commits(slow.directory)
    command = slow.send("buy", PRODUCT)
    await slow.sleep(LONGEST - 0.1)
    assert (commits(slow.directory), command.acked) == (before, 0)
    await slow.sleep(0.2)
    assert (commits(slow.directory), command.acked) == (before + 1, 1)
    assert (await slow.answer(command))["status"] == "ok"
    assert commits(slow.directory) == before + 3


@pytest.mark.parametrize("queries", [MOST - 2, MOST - 1])
async def test_what_comes_behind_it_is_acknowledged_behind_it(slow: World, queries: int) -> None:
    """It is answered at once; and brokers hold messages back where too many wait for a PUBACK."""
    buying = slow.send("buy", PRODUCT)
    await slow.settle()
    asked = [slow.send("query/orders", b"") for _ in range(queries)]
    assert [len((await slow.answer(each))["data"]) for each in asked] == [1] * queries
    sent = [buying, *asked]
    assert [each.acked for each in sent] == [int(queries == MOST - 1)] * len(sent)
    await slow.answer(buying)
    assert [each.acked for each in sent] == [1] * len(sent)


async def test_acknowledgements_keep_the_order_in_which_messages_came(slow: World) -> None:
    acked: list[str] = []

    def deliver(number: int, topic: str, payload: bytes) -> None:
        incoming = Incoming(f"shomare/{topic}", payload, packet_id=number)
        slow.bridge.desk.deliver(Delivery(incoming, "session", lambda _=None: acked.append(topic)))

    deliver(1, "buy", json.dumps(PRODUCT).encode())
    await slow.settle()
    deliver(2, "query/orders", b"")
    await slow.settle()
    assert acked == []
    deliver(3, "cancel", b"p7")  # is not to wait, and takes all along
    await slow.settle()
    assert acked == ["buy", "query/orders", "cancel"]


async def test_a_death_before_that_leaves_nothing_and_it_is_brought_again(slow: World, tmp_path: Path) -> None:
    command = slow.send("buy", PRODUCT)
    await slow.sleep(0.5)
    shutil.copytree(slow.directory, tmp_path / "as it died")
    assert command.acked == 0
    await slow.crash()
    shutil.rmtree(slow.directory)
    (tmp_path / "as it died").rename(slow.directory)
    slow.clock.new_process()
    await slow.start()
    assert await slow.journal.pending() == []
    slow.deliver(again(command))
    assert (await slow.answer(command))["status"] == "ok"
    assert slow.provider.count("buy") == 2


async def test_it_is_acted_on_once_though_it_is_brought_again_before_it_is_on_disk(slow: World) -> None:
    first = slow.send("buy", PRODUCT)
    await slow.sleep(0.5)
    second = slow.deliver(again(first))
    await slow.settle()
    assert (first.acked, second.acked) == (1, 1)
    await slow.answer(first)
    await slow.sleep(5)
    assert slow.provider.count("buy") == 2


@pytest.mark.parametrize("how", ["at QoS 0", "two at once", "while another daemon may be there"])
async def test_others_are_on_disk_at_once(slow: World, how: str) -> None:
    before = commits(slow.directory)
    if how == "while another daemon may be there":
        slow.clearance = Clearance()
    flags: dict[str, Any] = {"packet_id": 0} if how == "at QoS 0" else {}
    sent = [slow.send("buy", {**PRODUCT, "transaction": str(n)}, **flags) for n in range(1 + (how == "two at once"))]
    await slow.settle()
    assert commits(slow.directory) == before + 1
    assert [each.acked for each in sent] == [1] * len(sent)
    slow.clearance.give()
    assert [(await slow.answer(each))["status"] for each in sent] == ["ok"] * len(sent)


async def test_a_conflict_is_answered_at_once_though_another_is_bought(slow: World) -> None:
    await slow.buy(transaction="t")
    buying = slow.send("buy", PRODUCT)
    await slow.sleep(0.5)
    conflict = slow.send("buy", {**PRODUCT, "application": "2", "transaction": "t"})
    await slow.settle()
    assert slow.answers(conflict)[0]["error"]["code"] == "transaction_conflict"
    assert (buying.acked, conflict.acked) == (1, 1)
    await slow.answer(buying)


async def test_a_conflict_alone_is_answered_at_once_while_another_is_on_its_way(slow: World) -> None:
    await slow.buy(transaction="t")
    slow.provider.script("buy", Late(5.0))
    buying = slow.send("buy", PRODUCT)
    await slow.sleep(2)
    conflict = slow.send("buy", {**PRODUCT, "application": "2", "transaction": "t"})
    await slow.settle()
    assert slow.answers(conflict)[0]["error"]["code"] == "transaction_conflict"
    assert conflict.acked == 1
    await slow.answer(buying)


async def test_a_stop_leaves_it_to_the_next_start(slow: World) -> None:
    command = slow.send("buy", PRODUCT)
    await slow.sleep(0.5)
    await slow.restart()
    assert slow.provider.count("buy") == 1
    slow.deliver(again(command))
    assert (await slow.answer(command))["status"] == "ok"
    await slow.sleep(5)
    assert slow.provider.count("buy") == 2


async def test_a_stop_acknowledges_what_it_held(slow: World) -> None:
    """Else the broker brings all of it again to the next process, which would answer a query a second time."""
    buying = slow.send("buy", PRODUCT)
    await slow.settle()
    asked = slow.send("query/orders", b"")
    await slow.answer(asked)
    assert (buying.acked, asked.acked) == (0, 0)
    await slow.bridge.desk.stop(25.0)
    assert (buying.acked, asked.acked) == (1, 1)
    await slow.restart()
    assert (await slow.answer(buying))["status"] == "ok"
    assert slow.provider.count("buy") == 2


async def test_what_comes_as_it_stops_is_on_disk_and_acknowledged_at_once(slow: World) -> None:
    """Its connection is gone before it might be written with anything else."""
    command = slow.send("buy", PRODUCT)
    await slow.bridge.desk.intake.close()
    await slow.settle()
    assert command.acked == 1


@pytest.mark.parametrize("again_", ["by its sender", "by the broker"])
async def test_what_came_before_is_acknowledged_at_once(slow: World, again_: str) -> None:
    """Nothing of it will be written with an intent."""
    product = {**PRODUCT, "transaction": "t"}
    slow.provider.script("profile", Late(30.0))
    first = slow.send("buy", product)
    await slow.sleep(LONGEST + 1)
    second = slow.send("buy", product) if again_ == "by its sender" else slow.deliver(again(first))
    await slow.settle()
    assert (first.acked, second.acked) == (1, 1)
    await slow.answer(first)
    assert slow.provider.count("buy") == 2


async def test_a_death_between_the_intent_and_the_call_is_unknown(opened: Opening) -> None:
    world = await opened(orders={"settle_delay": 1})
    real = world.provider.buy

    async def dies(*values: Any, **more: Any) -> Any:
        del values, more
        await asyncio.Event().wait()

    world.provider.buy = dies  # type: ignore[method-assign]
    command = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.until(lambda: bool(command.acked))
    world.provider.buy = real  # type: ignore[method-assign]
    await world.restart(crash=True)
    world.deliver(again(command))
    answer = await world.answer(command)
    assert answer["status"] == "unknown"
    assert world.provider.count("buy") == 0
    await world.state(answer["data"]["order"], OrderState.FAILED.value)
