"""Commands that come by no broker: the same way as the others, and answered to whoever gave them alone (contract)."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clearance import Clearance, refused
from shomare_mqtt.core.desk.answering import Repeat
from shomare_mqtt.core.desk.intake import Delivery
from shomare_mqtt.core.records import HERE
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Envelope, Incoming, OrderState, Unparsed
from shomare_mqtt.mqtt.commands import CommandParser
from tests.commits import commits
from tests.core.provider import NO_NUMBERS, Late
from tests.core.world import PRODUCT
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.conftest import Opening
    from tests.core.world import World

KEYED = {**PRODUCT, "transaction": "t-1"}


@dataclass(eq=False)
class Asked:
    """One command of somebody here, and what was answered."""

    world: World
    answers: list[Any] = field(default_factory=list)
    on_disk: list[int] = field(default_factory=list)

    def __call__(self, answer: bytes, /) -> None:
        self.answers.append(json.loads(answer))
        self.on_disk.append(commits(self.world.directory))
        self.world.broker.news.set()

    async def answer(self) -> Any:
        await self.world.until(lambda: bool(self.answers))
        return self.answers[0]


def ask(world: World, topic: str, payload: Any = b"", clearance: Clearance | None = None) -> Asked:
    asked = Asked(world)
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    incoming = Incoming(f"shomare/{topic}", body, asker=asked)
    world.bridge.desk.deliver(Delivery(incoming, HERE, lambda _heard=None: None, clearance or world.clearance))
    return asked


def answered_aloud(world: World) -> list[str]:
    """Topics of answers that everybody heard."""
    return [m.topic for m in world.broker.sent() if m.topic.startswith("response/") or m.absolute]


async def begun(world: World) -> Asked:
    """A `buy` that is worked on, before its intent."""
    await world.sleep(20)
    world.provider.script("profile", Late(5.0))
    asked = ask(world, "buy", KEYED)
    await world.sleep(1)
    assert world.provider.count("buy") == 0
    return asked


async def taken(world: World, topic: str = "buy", payload: Any = None) -> Asked:
    """A command that is in the journal and on which no work was begun."""

    async def nothing(*_: object) -> None:
        await asyncio.Event().wait()

    world.bridge.desk.intake._begin = nothing  # type: ignore[method-assign,assignment]
    asked = ask(world, topic, payload or KEYED)
    await world.sleep(1)
    return asked


async def test_the_answer_comes_here_alone_and_the_events_everywhere(world: World) -> None:
    answer = await ask(world, "buy", KEYED).answer()
    assert (answer["status"], answer["transaction"], answer["data"]["state"]) == ("ok", "t-1", "waiting")
    refused_ = await ask(world, "cancel", {"order": "nothing"}).answer()
    assert refused_["error"]["code"] == "order_not_found"
    await world.settle()
    assert not answered_aloud(world)
    assert world.moves(answer["data"]["order"]) == ["buying", "waiting"]
    assert [e["command"] for e in world.bridge_events("command_refused")] == ["cancel"]


async def test_it_is_on_disk_before_it_is_carried_out_and_its_answer_before_it_is_told(world: World) -> None:
    await world.sleep(20)
    before = commits(world.directory)
    world.provider.script("buy", Late(5.0))
    asked = ask(world, "buy", KEYED)
    await world.until(lambda: world.provider.count("buy") == 1)
    assert commits(world.directory) > before, "the command, and its intent"
    while_asked = commits(world.directory)
    assert not asked.answers
    await asked.answer()
    assert asked.on_disk[0] > while_asked


@pytest.mark.parametrize(
    ("topic", "payload", "code"),
    [("buy", b"{", "invalid_command"), ("query/nothing", {}, "unknown_command"), ("query", {}, "unknown_command")],
)
async def test_what_is_no_command_is_refused_here(world: World, topic: str, payload: Any, code: str) -> None:
    assert (await ask(world, topic, payload).answer())["error"]["code"] == code
    await world.settle()
    assert not answered_aloud(world)
    assert [e["code"] for e in world.bridge_events("command_refused")] == [code]


async def test_a_transaction_is_one_for_both_ways(world: World) -> None:
    bought = await world.ask("buy", KEYED)
    again = await ask(world, "buy", KEYED).answer()
    assert (again["data"]["order"], again["replayed"]) == (bought["data"]["order"], True)
    other = await ask(world, "buy", {**KEYED, "application": "2"}).answer()
    assert other["error"]["code"] == "transaction_conflict"
    assert world.provider.count("buy") == 1


async def test_whoever_asks_again_meanwhile_waits_for_the_same_answer(world: World) -> None:
    world.provider.script("buy", Late(5.0))
    first, second, aloud = ask(world, "buy", KEYED), ask(world, "buy", KEYED), world.send("buy", KEYED)
    order = (await first.answer())["data"]["order"]
    for answer in (await second.answer(), await world.answer(aloud)):
        assert (answer["data"]["order"], answer["replayed"]) == (order, True)
    assert len(answered_aloud(world)) == 2, "the third's own answer, on both of its topics"
    assert world.provider.count("buy") == 1


async def test_a_repeat_that_comes_too_late_for_a_refusal(world: World) -> None:
    asked = Asked(world)
    await world.bridge.desk.answering.repeat(Repeat(99, Envelope("buy", "t", asker=asked)), 98, None)
    assert asked.answers[0]["error"]["code"] == "busy"


async def test_two_presses_that_were_meant_as_one(opened: Opening) -> None:
    world = await opened(limits={"double_press": 3})
    first, second = ask(world, "buy", PRODUCT), ask(world, "buy", PRODUCT)
    assert (await first.answer())["status"] == "ok"
    assert (await second.answer())["error"]["code"] == "duplicate_command"


async def test_a_query_needs_no_broker_and_leaves_no_trace(world: World) -> None:
    await world.sleep(20)
    before = commits(world.directory)
    world.broker.away = True
    world.provider.script("profile", Late(2.0))
    asked = ask(world, "query/profile")
    await world.settle()
    world.bridge.desk.disconnected()
    assert (await asked.answer())["status"] == "ok"
    assert commits(world.directory) == before
    world.broker.away = False
    await world.settle()
    assert not answered_aloud(world)


@pytest.mark.parametrize("is_begun", [True, False])
async def test_after_a_crash_it_is_carried_out_once_and_its_answer_kept(world: World, is_begun: bool) -> None:
    asked = await begun(world) if is_begun else await taken(world)
    await world.restart(crash=True)
    again = await ask(world, "buy", KEYED).answer()
    assert (again["status"], again["replayed"], world.provider.count("buy")) == ("ok", True, 1)
    assert not asked.answers
    await world.settle()
    assert not answered_aloud(world), "whoever asked is gone, and nobody else did"


async def test_after_a_crash_in_the_middle_of_the_purchase_nobody_knows(world: World) -> None:
    world.provider.script("buy", Late(50.0))
    ask(world, "buy", KEYED)
    await world.until(lambda: world.provider.count("buy") == 1)
    await world.restart(crash=True)
    again = await ask(world, "buy", KEYED).answer()
    assert (again["status"], again["data"]["state"], again["replayed"]) == ("unknown", OrderState.UNKNOWN, True)
    assert (world.provider.count("buy"), answered_aloud(world)) == (1, [])


def unread(_: CommandParser, incoming: Incoming) -> Unparsed:
    error = CommandRefusedError(ErrorCode.INVALID_COMMAND, "not understood")
    return Unparsed(Envelope("buy", "t-1", asker=incoming.asker), error)


async def test_one_that_is_not_understood_any_more_after_a_restart_is_refused_to_nobody(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program is another one by then: the command's own content stands in no table of that."""
    await taken(world)
    monkeypatch.setattr(CommandParser, "parse", unread)
    await world.restart(crash=True)
    await world.settle()
    assert [e["code"] for e in world.bridge_events("command_refused")] == ["invalid_command"]
    assert not answered_aloud(world)
    monkeypatch.undo()
    await world.restart()
    assert (await ask(world, "buy", KEYED).answer())["status"] == "ok"


async def test_an_end_tells_those_whose_commands_nobody_has(world: World) -> None:
    """A purchase that is on its way ends first, and is told; what waits in the line is not taken; nor what comes."""
    world.provider.script("buy", Late(5.0))
    buying = ask(world, "buy", KEYED)
    await world.until(lambda: world.provider.count("buy") == 1)
    world.provider.always["profile"] = Late(50.0)
    asked = ask(world, "query/profile")
    await world.settle()
    real, held = world.journal.arrive, asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        await held.wait()
        return await real(*arguments)

    world.journal.arrive = slow  # type: ignore[method-assign,assignment]
    taking = ask(world, "defaults/country/set", b"1")
    await world.settle()
    lined_up, by_broker = ask(world, "buying/set", b"off"), world.send("buying/set", "on")
    ending = asyncio.create_task(world.bridge.desk.stop(25.0))
    await world.settle()
    held.set()
    late = [ask(world, "buy", PRODUCT), ask(world, "query/orders")]
    await ending
    assert buying.answers[0]["data"]["state"] == "waiting"
    for each in (lined_up, asked, *late):
        assert [a["error"]["code"] for a in each.answers] == ["busy"]
    assert not taking.answers, "it is written down"
    await world.until(lambda: by_broker.acked == 1)
    world.provider.always.clear()
    await world.restart()
    await world.until(lambda: world.text("defaults/country") == "1")
    assert world.text("buying") == "on"
    assert world.provider.count("buy") == 1


async def test_a_flood_is_refused_here(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shomare_mqtt.core.desk.intake.MOST_LINED_UP", 1)
    await world.sleep(1)
    some = [ask(world, "cancel", {"order": "nothing"}) for _ in range(3)]
    assert [each.answers[0]["error"]["code"] for each in some if each.answers] == ["busy"] * 2
    assert (await some[0].answer())["error"]["code"] == "order_not_found"
    assert not answered_aloud(world)


async def test_a_full_disk_is_said_here(tmp_path: Path) -> None:
    from tests.core.world import World as Made  # noqa: PLC0415 - a type elsewhere

    with small_disk(tmp_path / "disk") as disk:
        world = await Made(disk.path / "state").start()
        await world.sleep(5)
        disk.fill()
        number = 0
        while (answer := await ask(world, "defaults/country/set", b"2").answer())["status"] == "ok":
            number += 1
            await world.journal.put_meta({str(number): "x" * 100_000})
        assert answer["error"]["code"] == "busy"
        assert (await ask(world, "buy", PRODUCT).answer())["error"]["code"] == "buying_paused"
        assert (await ask(world, "cancel", b"{").answer())["error"]["code"] == "invalid_command"
        assert not answered_aloud(world)
        await world.crash()


# --- while the broker is away ----------------------------------------------------------------------------------------


async def test_it_buys_though_the_broker_was_not_reached_yet(opened: Opening) -> None:
    """What came from the broker before is another matter: it may have been carried out by a newer journal."""
    world = await opened()
    old = await begun(world)
    await world.crash()
    world.clock.new_process()
    await world.start(broker=False)
    assert (await ask(world, "buy", {**PRODUCT, "transaction": "new"}).answer())["status"] == "ok"
    assert world.provider.count("buy") == 1
    refused_ = [e["transaction"] for e in world.bridge_events("command_refused")]
    assert (refused_, old.answers) == (["t-1"], [])
    assert world.json("bridge/health")["buying_paused"] is True, "for what comes from elsewhere"


async def test_it_buys_in_several_places_too_though_the_broker_was_not_reached_yet(opened: Opening) -> None:
    world = await opened()
    await world.crash()
    world.clock.new_process()
    await world.start(broker=False)
    world.provider.script("buy", NO_NUMBERS)
    answer = await ask(world, "buy", {**PRODUCT, "operator": ["1", "2"], "transaction": "new"}).answer()
    assert (answer["status"], answer["data"]["operator"], world.provider.count("buy")) == ("ok", "2", 2)


async def test_a_backup_that_is_found_between_two_places_ends_it(world: World) -> None:
    await world.buy()
    world.retained.now["bridge/journal"] = json.dumps(
        {"journal": world.journal.identity.name, "sequence": 10_000}
    ).encode()
    await world.crash()
    world.clock.new_process()
    await world.start(broker=False)
    world.provider.script("buy", Late(5.0, NO_NUMBERS))
    between, before = ask(world, "buy", {**PRODUCT, "operator": ["1", "2"]}), world.provider.count("buy")
    await world.sleep(1)
    assert world.provider.count("buy") == before + 1
    await world.reach_broker()
    assert (await between.answer())["error"]["code"] == "buying_paused"
    assert world.provider.count("buy") == before + 1


async def test_a_backup_that_is_found_then_pauses_it_too(world: World) -> None:
    await world.buy()
    world.retained.now["bridge/journal"] = json.dumps(
        {"journal": world.journal.identity.name, "sequence": 10_000}
    ).encode()
    await world.crash()
    world.clock.new_process()
    await world.start(broker=False)
    assert (await ask(world, "buy", KEYED).answer())["status"] == "ok"
    world.provider.script("profile", Late(5.0))
    between = ask(world, "buy", {**PRODUCT, "transaction": "between"})
    await world.sleep(1)
    await world.reach_broker()
    assert (await between.answer())["error"]["code"] == "buying_paused"
    assert (await ask(world, "buy", {**PRODUCT, "transaction": "after"}).answer())["error"]["code"] == "buying_paused"
    assert (await ask(world, "buying/set", b"on").answer())["status"] == "ok"
    assert (await ask(world, "buy", {**PRODUCT, "transaction": "after"}).answer())["status"] == "ok"


async def test_it_does_not_buy_where_another_daemon_is_known(world: World) -> None:
    answer = await ask(world, "buy", KEYED, refused("another daemon is there")).answer()
    assert (answer["error"]["code"], answer["error"]["message"]) == ("buying_paused", "another daemon is there")
    assert (await ask(world, "query/profile", clearance=refused("another")).answer())["status"] == "ok"
    assert world.provider.count("buy") == 0
