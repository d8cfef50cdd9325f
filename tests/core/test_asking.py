"""Queries: answered in memory, without a trace on the disk (contract, Commands)."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.desk.asking import MOST_ASKED
from shomare_mqtt.model import CatalogKind, Incoming, Reply
from tests.core.provider import Late, sms
from tests.core.world import PRODUCT, Command

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.world import World

QUERIES: list[tuple[str, Any]] = [
    ("query/profile", ""),
    *((f"query/{kind}", {}) for kind in CatalogKind),
    ("query/prices/2/1", ""),
    ("query/price/2/1/1", {"transaction": "t"}),
    ("query/check", {"order": "current"}),
    ("query/orders", {"state": "all"}),
    ("query/weather", ""),
    ("query/price", "no json"),
]


def contents(folder: Path) -> dict[str, bytes]:
    """All that the state directory holds, but for the index of its log, in which readers mark how far they are."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and not p.name.endswith("-shm")}


async def settled(world: World) -> None:
    """Nothing of the start is left to be written."""
    await world.buy()
    await world.sleep(1)


@pytest.mark.parametrize(("topic", "payload"), QUERIES, ids=[topic for topic, _ in QUERIES])
async def test_a_query_leaves_no_trace_on_the_disk(world: World, topic: str, payload: Any) -> None:
    await settled(world)
    before = contents(world.directory)
    command = world.send(topic, payload)
    assert command.acked == 1, "there is nothing to wait for"
    assert (await world.answer(command))["status"] in ("ok", "error")
    assert contents(world.directory) == before


async def test_an_sms_that_it_finds_is_stored_like_every_other(world: World) -> None:
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    world.provider.gets("p1", sms(code="48213"))
    assert (await world.data("query/check", {"order": order["order"]}))["sms"][0]["code"] == "48213"
    await world.restart(crash=True)
    assert (await world.full(order["order"]))["sms"][0]["code"] == "48213"
    assert len(world.events("sms")) == 1


async def test_acknowledged_in_the_order_in_which_they_came(world: World) -> None:
    real, held = world.journal.arrive, asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        await held.wait()
        return await real(*arguments)

    world.journal.arrive = slow  # type: ignore[method-assign,assignment]
    sent = [world.send(topic, payload) for topic, payload in (("buying/set", "on"), ("query/orders", {}))]
    await world.settle()
    sent += [world.send("query/orders"), world.send("buying/set", "off"), world.send("query/orders")]
    await world.settle()
    assert [c.acked for c in sent] == [0] * 5
    held.set()
    assert [(await world.answer(c))["status"] for c in sent] == ["ok"] * 5
    assert [c.acked for c in sent] == [1] * 5


# --- what cuts one off ----------------------------------------------------------------------------------------------


def again(command: Command) -> Command:
    return replace(command, incoming=replace(command.incoming, dup=True), acked=0)


async def test_one_that_a_crash_cuts_off_is_not_answered_and_leaves_nothing_behind(world: World) -> None:
    world.provider.script("profile", Late(None))
    await world.sleep(1)
    command = world.send("query/profile")
    await world.settle()
    await world.restart(crash=True)
    await world.sleep(60)
    assert world.answers(command) == []
    world.deliver(again(command))
    assert (await world.answer(command))["status"] == "ok", "asked again, it is answered"


async def test_one_that_a_lost_connection_cuts_off_is_not_answered(world: World) -> None:
    """Else the broker's second delivery of it would be answered with other words."""
    await world.sleep(1)
    world.provider.script("profile", Late(5.0))
    command = world.send("query/profile")
    await world.sleep(1)
    world.bridge.desk.disconnected()
    await world.sleep(10)
    assert world.answers(command) == []
    world.deliver(again(command))
    assert (await world.answer(command))["status"] == "ok"
    await world.sleep(60)
    assert len(world.answers(command)) == 1


async def test_an_sms_that_is_found_meanwhile_is_not_lost_with_it(world: World) -> None:
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    world.provider.gets("p1", sms(code="48213"))
    world.provider.script("check", Late(5.0))
    command = world.send("query/check", {"order": order["order"]})
    await world.sleep(1)
    world.bridge.desk.disconnected()
    await world.until(lambda: world.codes() == ["48213"])
    assert world.answers(command) == []


async def test_one_that_is_brought_again_is_asked_again(world: World) -> None:
    first = world.send("query/orders")
    await world.answer(first)
    order = await world.buy()
    world.deliver(again(first))
    await world.until(lambda: len(world.answers(first)) == 2)
    assert [[o["order"] for o in a["data"]] for a in world.answers(first)] == [[], [order["order"]]]


async def test_at_the_end_whoever_waits_is_told(world: World) -> None:
    await world.sleep(1)
    world.provider.always["profile"] = Late(None)
    command = world.send("query/profile", {"transaction": 5})
    await world.settle()
    await world.stop()
    answer = await world.answer(command)
    assert (answer["transaction"], answer["error"]["code"], answer["error"]["retryable"]) == (5, "busy", True)
    assert "ends" in answer["error"]["message"]


async def test_what_is_being_answered_at_the_end_is_not_refused_as_well(world: World) -> None:
    world.broker.taking = asyncio.Event()
    command = world.send("query/orders")
    await world.answer(command)
    await world.stop()
    assert [a["status"] for a in world.answers(command)] == ["ok"]


async def test_one_that_has_not_begun_at_the_end_is_told_too(world: World) -> None:
    await world.sleep(1)
    command = world.send("query/profile")
    await world.stop()
    assert [a["error"]["code"] for a in world.answers(command)] == ["busy"]


async def test_one_that_comes_out_of_the_line_during_the_end_is_told_too(world: World) -> None:
    """A purchase on its way holds the end up, and nobody works on what was lined up before."""
    await world.sleep(1)
    world.provider.script("buy", Late(10.0))
    world.send("buy", PRODUCT)
    await world.sleep(1)
    ending = asyncio.ensure_future(world.bridge.desk.stop(25.0))
    await world.sleep(1)
    command = Command(7000, Incoming("shomare/query/orders", b"", reply=Reply("reply/7000", b"7000")))
    world.bridge.desk.asking.take(command.incoming)
    await ending
    assert [a["error"]["code"] for a in world.answers(command)] == ["busy"]


async def test_what_the_broker_has_yet_to_take_is_waited_for_at_the_end(world: World) -> None:
    world.broker.taking = asyncio.Event()
    command = world.send("query/orders")
    await world.answer(command)
    ending = asyncio.ensure_future(world.bridge.desk.stop(25.0))
    await world.sleep(1)
    assert not ending.done(), "it would be cut off"
    world.broker.taking.set()
    await world.settle()
    assert ending.done()


async def test_nor_for_long(world: World) -> None:
    world.broker.taking = asyncio.Event()
    await world.answer(world.send("query/orders"))
    ending = asyncio.ensure_future(world.bridge.desk.stop(25.0))
    await world.sleep(10)
    assert ending.done()


@pytest.mark.parametrize("is_lost", [True, False])
async def test_of_a_lost_connection_nothing_is_refused_at_the_end(world: World, is_lost: bool) -> None:
    await world.sleep(1)
    world.provider.always["profile"] = Late(None)
    command = world.send("query/profile")
    await world.settle()
    if is_lost:
        world.bridge.desk.disconnected()
    await world.stop()
    assert len(world.answers(command)) == (not is_lost)


async def test_an_sms_that_is_being_written_at_the_end_is_known_of_after_it(world: World) -> None:
    """A purchase on its way holds the end up, and the watch goes on: it must not find the same SMS for a new one."""
    order = await world.buy()
    await world.sleep(1)
    world.provider.script("buy", Late(20.0))
    world.send("buy", {**PRODUCT, "application": "2"})
    await world.sleep(1)
    world.provider.gets("p1", sms(code="48213"))
    real = world.journal.commit

    async def slow(*arguments: Any) -> Any:
        moves = await real(*arguments)
        world.journal.commit = real  # type: ignore[method-assign]
        await asyncio.sleep(10)
        return moves

    world.journal.commit = slow  # type: ignore[method-assign,assignment]
    command = world.send("query/check", {"order": order["order"]})
    await world.settle()
    await world.stop()
    assert [a["error"]["code"] for a in world.answers(command)] == ["busy"]
    await world.start()
    assert [e["code"] for e in world.events("sms")] == ["48213"]
    assert world.codes() == ["48213"]


# --- how many -------------------------------------------------------------------------------------------------------


async def test_beyond_so_many_they_are_refused_and_the_log_says_it_once(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await world.sleep(1)
    caplog.set_level(logging.WARNING)
    for _ in range(2):
        caplog.clear()
        world.provider.always["profile"] = Late(0.25)
        commands = [world.send("query/profile") for _ in range(MOST_ASKED + 200)]
        answers = [await world.answer(c) for c in commands]
        assert [a["status"] for a in answers] == ["ok"] * MOST_ASKED + ["error"] * 200
        assert {(a["error"]["code"], a["error"]["retryable"]) for a in answers[MOST_ASKED:]} == {("busy", True)}
        assert [r.getMessage() for r in caplog.records] == [
            f"query/profile refused: busy: {MOST_ASKED} queries are being worked on; nothing was done"
        ]
        await world.settle()
        await world.data("query/orders")  # there is room again, and its end is said anew
        await world.settle()
    assert world.bridge_events("command_refused") == []


async def test_those_whose_answers_the_broker_did_not_take_yet_count(world: World) -> None:
    world.broker.taking = asyncio.Event()
    for command in [world.send("query/orders") for _ in range(MOST_ASKED)]:
        assert (await world.answer(command))["status"] == "ok"
    assert await world.error("query/orders") == "busy"
    world.broker.taking.set()
    await world.settle()
    assert await world.data("query/orders") == []


async def test_they_take_no_room_from_commands_nor_these_from_them(world: World) -> None:
    await world.sleep(1)
    world.provider.always["profile"] = Late(50.0)
    asked = [world.send("query/profile") for _ in range(MOST_ASKED)]
    await world.settle()
    assert await world.data("buying/set", "on") == {"buying": "on"}
    world.provider.always["price"] = Late(50.0)
    bought = [world.send("buy", {**PRODUCT, "max_price": 5000}) for _ in range(500)]
    assert {(await world.answer(c))["status"] for c in asked} == {"ok"}
    await world.settle()
    assert await world.data("query/orders") == []
    assert {(await world.answer(c)).get("error", {}).get("code") for c in bought} <= {None, "limit_reached"}


async def test_what_is_wrong_with_one_is_an_event_too(world: World) -> None:
    await world.error("query/price/7", {"transaction": "t"})
    [event] = world.bridge_events("command_refused")
    assert (event["command"], event["code"], event["transaction"]) == ("query/price/7", "unknown_command", "t")
    assert "event/bridge" in [m.topic for m in world.broker.volatile], "beside the outbox"


async def test_a_flood_beside_the_window_is_not_lined_up_for_ever(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing but its PUBACK holds a sender back, and with QoS 0 there is none: not even while the disk hangs."""
    monkeypatch.setattr("shomare_mqtt.core.desk.intake.MOST_LINED_UP", 3)
    await world.sleep(1)
    real, held = world.journal.arrive, asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        await held.wait()
        return await real(*arguments)

    world.journal.arrive = slow  # type: ignore[method-assign,assignment]
    first = world.send("buying/set", "on")
    await world.settle()
    lined_up = [world.send("query/orders", packet_id=0) for _ in range(3)]
    beyond = [world.send(topic, "{}", packet_id=0) for topic in ("query/orders", "buy", "defaults/country/set")]
    kept = [world.send("query/orders"), world.send("buying/set", "off", packet_id=0)]
    await world.settle()
    assert [[a["error"]["code"] for a in world.answers(c)] for c in beyond] == [["busy"]] * 3
    assert len([r for r in caplog.records if "lined up" in r.getMessage()]) == 1
    held.set()
    assert [(await world.answer(c))["status"] for c in (first, *lined_up, *kept)] == ["ok"] * 6
    assert {c.acked for c in (first, *lined_up, *kept)} == {1}
    assert world.text("buying") == "off"


async def test_many_that_come_together_leave_gaps(world: World) -> None:
    """Whatever else is due has its turn between a hundred of them and the next."""
    await world.sleep(1)
    turns: list[int] = []
    world.send("buying/set", "on")
    commands = [world.send("query/nothing") for _ in range(1000)]

    async def look() -> None:
        while not commands[-1].acked:
            turns.append(sum(c.acked for c in commands))
            await asyncio.sleep(0)

    await look()
    assert len(set(turns)) > 5
