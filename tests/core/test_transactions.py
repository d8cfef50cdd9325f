"""Commands that come again: transactions, double presses, deliveries, times that are over (contract, Commands)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.desk.answering import Repeat
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalError
from shomare_mqtt.model import Envelope, Reply
from tests.core.provider import LOST, NO_NUMBERS, TOO_EARLY, Late, sms
from tests.core.world import PRODUCT, Command

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World


def without(answer: Any, *fields: str) -> Any:
    return {k: v for k, v in answer.items() if k not in fields}


# --- transactions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restart", [False, True])
async def test_a_repeat_gets_the_stored_answer_as_it_was_then(world: World, restart: bool) -> None:
    buy = {**PRODUCT, "transaction": "t-17"}
    first = await world.ask("buy", buy)
    await world.data("cancel", {"order": first["data"]["order"]})
    if restart:
        await world.restart()
    again = await world.ask("buy", buy)
    assert again["replayed"] is True
    assert without(again, "replayed") == first
    assert world.provider.count("buy") == 1


@pytest.mark.parametrize("outcome", [LOST, NO_NUMBERS], ids=["unknown", "failed"])
async def test_what_ended_badly_is_repeated_too(world: World, outcome: Exception) -> None:
    buy = {**PRODUCT, "transaction": "t"}
    world.provider.script("buy", outcome)
    first = await world.ask("buy", buy)
    again = await world.ask("buy", buy)
    assert (without(again, "replayed"), again["replayed"]) == (first, True)
    assert world.provider.count("buy") == 1


async def test_a_refusal_before_an_order_exists_is_not_stored(world: World) -> None:
    buy = {**PRODUCT, "transaction": "t"}
    world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "not today")
    assert await world.error("buy", buy) == "vetoed"
    world.extensions.veto = None
    assert (await world.ask("buy", buy))["status"] == "ok"
    assert (await world.ask("buy", buy))["replayed"] is True


async def test_a_refused_cancel_is_stored_for_it_is_about_an_order(world: World) -> None:
    order = await world.buy()
    world.provider.script("cancel", TOO_EARLY)
    cancel = {"order": order["order"], "transaction": "c"}
    first = await world.ask("cancel", cancel)
    assert without(await world.ask("cancel", cancel), "replayed") == first
    assert (await world.data("cancel", {**cancel, "transaction": "d"}))["state"] == "cancelled"


async def test_another_content_is_a_conflict(world: World) -> None:
    await world.buy(transaction="t")
    answer = await world.ask("buy", {**PRODUCT, "application": "2", "transaction": "t"})
    assert answer["error"]["code"] == "transaction_conflict"
    assert answer["transaction"] == "t"
    assert [e["code"] for e in world.bridge_events("command_refused")] == ["transaction_conflict"]
    later = {**PRODUCT, "transaction": "t", "expires_at": world.expires(world.clock.now() + timedelta(hours=1))}
    assert (await world.ask("buy", later))["replayed"] is True, "expires_at is no content"


async def test_a_transaction_belongs_to_its_command_and_its_type(world: World) -> None:
    order = await world.buy(transaction=17)
    assert (await world.data("cancel", {"order": order["order"], "transaction": 17}))["state"] == "cancelled"
    other = await world.buy(transaction="17")
    assert (other["order"] != order["order"], other["transaction"], order["transaction"]) == (True, "17", 17)
    number = await world.ask("buy", {**PRODUCT, "transaction": 17.0})
    assert number["replayed"] is True


async def test_no_transaction_and_an_empty_one(world: World) -> None:
    orders = [await world.buy(transaction="") for _ in range(2)]
    assert orders[0]["order"] != orders[1]["order"]
    assert orders[0]["transaction"] is None


async def test_queries_echo_it_and_are_asked_again(world: World) -> None:
    before = world.provider.count("profile")
    answers = [await world.ask("query/profile", {"transaction": 1}) for _ in range(2)]
    assert [a["transaction"] for a in answers] == [1, 1]
    assert "replayed" not in answers[1]
    assert world.provider.count("profile") == before + 2


async def test_a_repeat_while_the_first_is_worked_on(world: World) -> None:
    world.provider.script("buy", Late(5.0))
    buy = {**PRODUCT, "transaction": "t"}
    commands = [world.send("buy", buy)]
    await world.sleep(1)
    commands += [world.send("buy", buy) for _ in range(2)]
    conflict = world.send("buy", {**buy, "application": "2"})
    assert (await world.answer(conflict))["error"]["code"] == "transaction_conflict"
    await world.sleep(1)
    assert world.answers(commands[1]) == []
    answers = [await world.answer(c) for c in commands]
    assert [a.get("replayed", False) for a in answers] == [False, True, True]
    assert {a["data"]["order"] for a in answers} == {answers[0]["data"]["order"]}
    assert world.provider.count("buy") == 1


async def test_a_repeat_of_one_that_is_refused_meanwhile(opened: Opening) -> None:
    world = await opened(limits={"max_price": 100})
    world.provider.script("price", Late(5.0))
    buy = {**PRODUCT, "transaction": "t"}
    commands = [world.send("buy", buy), world.send("buy", buy)]
    answers = [await world.answer(c) for c in commands]
    assert [a["error"]["code"] for a in answers] == ["price_too_high"] * 2
    assert len(world.bridge_events("command_refused")) == 1


@pytest.mark.parametrize("stored", [True, False])
async def test_a_repeat_in_the_moment_when_the_answer_is_written(world: World, stored: bool) -> None:
    """It is journalled before the answer, and looked at after the answer was put together.

    It does not come alone: what does is looked at first, and journalled a moment later where it repeats something.
    """
    if not stored:
        world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "no")
    buy = {**PRODUCT, "transaction": "t"}
    first: list[Command] = []
    repeats: list[Command] = []
    real = world.journal.commit

    async def commit(batch: Any, condition: Any = None) -> int:
        if batch.done and not repeats:
            repeats.append(world.send("buy", buy))
            world.send("buying/set", "on")
            for _ in range(3):
                await asyncio.sleep(0)
        return await real(batch, condition)

    world.journal.commit = commit  # type: ignore[method-assign]
    first.append(world.send("buy", buy))
    answers = [await world.answer(first[0]), await world.answer(repeats[0])]
    assert answers[1]["replayed"] is True
    assert without(answers[1], "replayed") == answers[0]


async def test_a_repeat_that_comes_too_late_for_a_refusal(world: World) -> None:
    """Behind another repeat that is still answered, the first one's refusal is gone: the sender may try again."""
    answering = world.bridge.desk.answering
    await answering.repeat(Repeat(99, Envelope("buy", "t", reply=Reply("reply/x"))), 98, None)
    await world.settle()
    assert world.bridge_events("command_refused")[-1]["code"] == "busy"


async def test_remembered_for_as_long_as_the_settings_say(opened: Opening) -> None:
    world = await opened(orders={"remember": 7200})
    buy = {**PRODUCT, "transaction": "t"}
    first = await world.ask("buy", buy)
    await world.sleep(7100)
    assert (await world.ask("buy", buy))["replayed"] is True
    await world.sleep(200)
    second = await world.ask("buy", buy)
    assert "replayed" not in second
    assert second["data"]["order"] != first["data"]["order"]


async def test_what_is_worked_on_yet_is_not_forgotten(opened: Opening) -> None:
    """Whoever got no answer in time asks again, and must not buy a second one."""
    world = await opened(orders={"remember": 5})
    buy = {**PRODUCT, "transaction": "t"}
    world.provider.script("buy", Late(20))
    first = world.send("buy", buy)
    await world.sleep(15)
    second = world.send("buy", buy)
    answer = await world.answer(first)
    assert (await world.answer(second))["data"]["order"] == answer["data"]["order"]
    assert world.provider.count("buy") == 1


async def test_what_is_forgotten_leaves_the_journal(world: World) -> None:
    await world.buy(transaction="t")
    await world.sleep(3 * 86400)
    rows = await world.journal._database.run(lambda c: c.execute("SELECT count(*) FROM commands").fetchone())
    assert rows == (0,)
    assert (await world.data("query/orders", {"state": "all"}))[0]["transaction"] == "t"


async def test_messages_that_wait_for_days_are_dropped_but_never_an_sms(world: World) -> None:
    order = await world.buy()
    world.broker.away = True
    world.provider.gets("p1", sms())
    await world.sleep(2 * 86400)
    world.broker.away = False
    world.outbox.wake()
    await world.settle()
    assert [e["order"] for e in world.events("sms")] == [order["order"]]
    assert world.bridge_events("message_dropped")
    assert "received" not in world.moves(order["order"])


async def test_an_sms_that_was_set_aside_is_tried_again_within_the_hour(world: World) -> None:
    order = await world.buy()
    world.broker.away = True
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received")
    for row in await world.journal.outbox(0, 100):
        await world.journal.set_aside(row.row)
    world.broker.away = False
    world.outbox.wake()
    await world.sleep(60)
    assert world.events("sms") == []
    await world.sleep(3600)
    assert [e["order"] for e in world.events("sms")] == [order["order"]]


async def test_an_answer_that_waited_two_days_for_a_start_is_sent(world: World) -> None:
    world.broker.away = True
    command = world.send("buy", PRODUCT)
    await world.until(lambda: world.provider.count("buy") == 1)
    await world.restart(crash=True, down=2 * 86400)
    await world.sleep(60)
    world.broker.away = False
    world.outbox.wake()
    assert (await world.answer(command))["status"] in ("ok", "unknown")


# --- two presses ----------------------------------------------------------------------------------------------------


@pytest.fixture
async def pressed(opened: Opening) -> World:
    return await opened(limits={"double_press": 3})


async def test_two_presses_are_one(pressed: World) -> None:
    world = pressed
    commands = [world.send("buy", PRODUCT) for _ in range(3)]
    answers = [await world.answer(c) for c in commands]
    assert [a["status"] for a in answers] == ["ok", "error", "error"]
    assert {a["error"]["code"] for a in answers[1:]} == {"duplicate_command"}
    await world.sleep(2.9)
    assert await world.error("buy", PRODUCT) == "duplicate_command"
    await world.sleep(0.2)
    assert (await world.buy())["state"] == "waiting"
    assert world.provider.count("buy") == 2


async def test_another_content_and_transactions_are_no_double_press(pressed: World) -> None:
    world = pressed
    for more in ({}, {"application": "2"}, {"transaction": 1}, {"transaction": 2}, {"max_price": 9000}):
        assert (await world.buy(**more))["state"] == "waiting"


async def test_a_press_that_was_refused_may_be_pressed_again(pressed: World) -> None:
    world = pressed
    world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "no")
    assert await world.error("buy", PRODUCT) == "vetoed"
    world.extensions.veto = None
    assert (await world.buy())["state"] == "waiting"
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", {**PRODUCT, "application": "2"}) == "no_numbers"
    assert await world.error("buy", {**PRODUCT, "application": "2"}) == "duplicate_command"


@pytest.mark.parametrize("buying", [False, True])
async def test_two_presses_are_one_over_a_crash_too(pressed: World, buying: bool) -> None:
    world = pressed
    if buying:
        world.provider.script("buy", Late(None))
        commands = [world.send("buy", PRODUCT)]
        await world.sleep(1)
        world.bridge.desk.intake._begin = lambda *_: asyncio.sleep(99)  # type: ignore[method-assign]
        commands.append(world.send("buy", PRODUCT))
    else:
        world.bridge.desk.intake._begin = lambda *_: asyncio.sleep(99)  # type: ignore[method-assign]
        commands = [world.send("buy", PRODUCT) for _ in range(2)]
    await world.settle()
    await world.restart(crash=True)
    answers = [await world.answer(c) for c in commands]
    assert [a["status"] for a in answers] == ["unknown" if buying else "ok", "error"]
    assert answers[1]["error"]["code"] == "duplicate_command"


@pytest.mark.parametrize("crash", [False, True])
async def test_a_second_press_after_a_restart(pressed: World, crash: bool) -> None:
    world = pressed
    press = {**PRODUCT, "country": 2, "operator": 1, "application": 1, "max_price": 9000.5}
    assert (await world.data("buy", press))["state"] == "waiting"
    await world.restart(crash=crash, down=1)
    other_spelling = b'{"expires_at": "", "max_price": 9000.50, "application": 1, "operator": 1, "country": 2}'
    assert await world.error("buy", other_spelling) == "duplicate_command"
    assert (await world.data("buy", PRODUCT))["state"] == "waiting", "by names that are ids"
    await world.sleep(2)
    await world.restart(crash=crash, down=1)
    assert (await world.data("buy", press))["state"] == "waiting"
    assert world.provider.count("buy") == 3


async def test_what_was_refused_before_a_restart_may_be_pressed_again(pressed: World) -> None:
    world = pressed
    world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "no")
    assert await world.error("buy", PRODUCT) == "vetoed"
    world.extensions.veto = None
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", {**PRODUCT, "application": "2"}) == "no_numbers"
    await world.restart()
    assert (await world.buy())["state"] == "waiting"
    assert await world.error("buy", {**PRODUCT, "application": "2"}) == "duplicate_command"
    assert (await world.buy(transaction=1))["state"] == "waiting"


@pytest.mark.parametrize("days", [-1, 1])
async def test_a_second_press_after_a_boot_with_another_clock(pressed: World, days: int) -> None:
    world = pressed
    await world.buy()
    world.clock.synchronised = False
    await world.crash()
    world.clock.jump(days=days)
    world.clock.reboot()
    await world.start()
    assert await world.error("buy", PRODUCT) == "duplicate_command"
    await world.sleep(3)
    assert (await world.buy())["state"] == "waiting"


async def test_off(world: World) -> None:
    assert len({(await world.buy())["order"] for _ in range(3)}) == 3


# --- deliveries -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["at once", "answered", "restarted", "crashed"])
async def test_a_message_that_the_broker_delivers_twice(world: World, when: str) -> None:
    world.provider.script("buy", Late(2.0))
    first = world.send("buy", PRODUCT)
    if when != "at once":
        await world.sleep(1 if when == "crashed" else 3)
    if when in ("restarted", "crashed"):
        await world.restart(crash=when == "crashed")
    second = world.deliver(again(first))
    answer = await world.answer(first)
    await world.sleep(5)
    assert (first.acked, second.acked, world.provider.count("buy")) == (1, 1, 1)
    assert world.answers(first) == [answer] * (1 if when == "at once" else 2), "who sent a new one would wait in vain"


def again(command: Command) -> Command:
    """The same message as the broker brings it again."""
    return replace(command, incoming=replace(command.incoming, dup=True), acked=0)


async def test_a_new_message_with_an_id_that_was_used_before_and_whose_first_delivery_was_lost(world: World) -> None:
    first = world.send("buy", PRODUCT)
    await world.answer(first)
    assert first.heard is not None
    first.heard()
    for _ in range(2):
        second = world.deliver(again(first))
        await world.until(lambda: world.provider.count("buy") == 2)
    await world.sleep(5)
    assert (second.acked, world.provider.count("buy")) == (1, 2)
    assert len({a["data"]["order"] for a in world.answers(first)}) == 2


async def test_what_was_heard_is_known_to_the_next_process(world: World) -> None:
    first = world.send("buy", PRODUCT)
    await world.answer(first)
    assert first.heard is not None
    first.heard()
    await world.data("defaults/operator/set", "MCI")  # with which it is written down
    await world.restart(crash=True)
    world.deliver(again(first))
    await world.until(lambda: len(world.answers(first)) == 2)
    assert world.provider.count("buy") == 2


@pytest.mark.parametrize("dup", [False, True])
async def test_only_the_newest_use_of_a_packet_id_can_come_again(world: World, dup: bool) -> None:
    first = world.send("buy", PRODUCT)
    await world.answer(first)
    other = world.send("buy", {**PRODUCT, "application": "2"}, packet_id=first.incoming.packet_id, dup=dup)
    await world.answer(other)
    assert other.heard is not None
    other.heard()
    world.deliver(again(first))
    await world.until(lambda: world.provider.count("buy") == 3)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [("buy", b"{}"), ("buying/set", b"off"), ("cancel", b"{not JSON"), ("buy", {**PRODUCT, "max_price": 1})],
)
async def test_what_was_refused_or_set_is_answered_as_before(world: World, topic: str, payload: Any) -> None:
    first = world.send(topic, payload)
    answer = await world.answer(first)
    await world.data("buying/set", b"on")
    world.deliver(again(first))
    await world.until(lambda: world.answers(first) == [answer] * 2)
    assert (world.text("buying"), world.provider.count("buy")) == ("on", 0)


async def test_a_repeat_that_comes_twice_gets_the_first_ones_answer(world: World) -> None:
    bought = await world.buy(transaction="t")
    repeat = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.answer(repeat)
    world.deliver(again(repeat))
    await world.until(lambda: len(world.answers(repeat)) == 2)
    assert {a["data"]["order"] for a in world.answers(repeat)} == {bought["order"]}


async def test_the_same_packet_id_without_dup_or_in_another_session_is_another_message(world: World) -> None:
    first = world.send("buy", PRODUCT)
    await world.answer(first)
    second = world.send("buy", PRODUCT, packet_id=first.incoming.packet_id)
    await world.answer(second)
    world.session = "session-2"
    third = world.send("buy", PRODUCT, dup=True, packet_id=first.incoming.packet_id)
    await world.answer(third)
    assert world.provider.count("buy") == 3


async def test_acknowledged_only_when_it_is_in_the_journal(world: World) -> None:
    real, acked = world.journal.arrive, []

    async def arrive(*args: Any) -> Any:
        acked.append(command.acked)
        return await real(*args)

    world.journal.arrive = arrive  # type: ignore[method-assign,assignment]
    command = world.send("buy", PRODUCT)
    await world.answer(command)
    assert (acked, command.acked) == ([0], 1)


# --- what is refused ------------------------------------------------------------------------------------------------


async def test_retained_commands_are_never_acted_on(world: World) -> None:
    assert await world.error("buy", PRODUCT, retain=True) == "retained_command"
    assert await world.error("buying/set", "off", retain=True) == "retained_command"
    assert await world.error("buy", "no json", retain=True) == "retained_command"
    assert (world.provider.count("buy"), world.text("buying")) == (0, "on")


async def test_no_command(world: World) -> None:
    answer = await world.ask("buy", {"transaction": "t", "country": "7", "colour": "red"})
    assert (answer["error"]["code"], answer["transaction"]) == ("invalid_command", "t")
    event = world.bridge_events("command_refused")[0]
    assert (event["command"], event["code"], event["transaction"]) == ("buy", "invalid_command", "t")
    assert await world.error("query/weather") == "unknown_command"
    answer = await world.ask("query/price/7", {"transaction": "t"})
    assert (answer["error"]["code"], answer["transaction"]) == ("unknown_command", "t")


@pytest.mark.parametrize("command", ["buy", "cancel", "query/profile"])
async def test_commands_past_their_time(world: World, command: str) -> None:
    payload = {"buy": PRODUCT, "cancel": {"order": "current"}, "query/profile": {}}[command]
    past = world.expires(world.clock.now() - timedelta(seconds=1))
    assert await world.error(command, {**payload, "expires_at": past}) == "expired_command"
    assert await world.error(command, payload, expiry=0.0) == "expired_command"


async def test_commands_before_their_time(world: World) -> None:
    soon = world.expires(world.clock.now() + timedelta(seconds=60))
    assert (await world.buy(expires_at=soon))["state"] == "waiting"
    assert (await world.data("buy", PRODUCT, expiry=10.0))["state"] == "waiting"


@pytest.mark.parametrize("how", ["expires_at", "expiry"])
async def test_a_buy_whose_time_passes_while_it_waits_is_not_sent(opened: Opening, how: str) -> None:
    world = await opened(limits={"max_price": 5000})
    world.provider.script("price", Late(5.0))
    if how == "expiry":
        command = world.send("buy", PRODUCT, expiry=3.0)
    else:
        command = world.send("buy", {**PRODUCT, "expires_at": world.expires(world.clock.now() + timedelta(seconds=3))})
    assert (await world.answer(command))["error"]["code"] == "expired_command"
    assert world.provider.count("buy") == 0


async def test_while_the_clock_is_behind_nobody_can_tell(world: World) -> None:
    await world.buy()
    world.clock.synchronised = False
    world.clock.jump(days=-4000)
    soon = world.expires(world.clock.now() + timedelta(seconds=60))
    assert await world.error("buy", {**PRODUCT, "expires_at": soon}) == "expired_command"
    await world.restart()
    assert await world.error("buy", {**PRODUCT, "expires_at": soon}) == "expired_command"
    assert (await world.data("query/profile", {"expires_at": soon}))["balance"] > 0
    assert (await world.buy())["state"] == "waiting"
    world.clock.jump(days=4000)
    soon = world.expires(world.clock.now() + timedelta(seconds=60))
    assert (await world.buy(expires_at=soon))["state"] == "waiting"


async def test_the_queue_of_commands_is_full(world: World) -> None:
    world.provider.always["price"] = Late(50.0)
    commands = [world.send("buy", {**PRODUCT, "max_price": 1}) for _ in range(700)]
    answers = [await world.answer(c) for c in commands]
    busy = [a for a in answers if a["error"]["code"] == "busy"]
    assert all(a["error"]["retryable"] for a in busy)
    assert len(busy) == 200


async def test_the_queue_holds_no_more_however_they_come_together(world: World) -> None:
    world.provider.always["price"] = Late(50.0)
    commands = []
    for together in (450, 100):
        commands += [world.send("buy", {**PRODUCT, "max_price": 1}) for _ in range(together)]
        await world.settle()
    answers = [await world.answer(c) for c in commands]
    assert [a["error"]["code"] for a in answers] == ["price_too_high"] * 500 + ["busy"] * 50


async def test_the_switch_turns_however_full_the_queue_is(world: World) -> None:
    """It is what stops an automation that runs wild: all that were waiting then buy nothing."""
    world.provider.always["price"] = Late(50.0)
    commands = [world.send("buy", {**PRODUCT, "max_price": 5000}) for _ in range(600)]
    assert await world.data("buying/set", "off") == {"buying": "off"}
    answers = [await world.answer(c) for c in commands]
    assert {a["error"]["code"] for a in answers} == {"busy", "buying_paused"}
    assert world.provider.count("buy") == 0


async def test_a_fault_of_ours_is_told(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.bridge.desk.queries.answer = None  # type: ignore[assignment,method-assign]
    answer = await world.ask("query/profile")
    assert answer["error"]["code"] == "internal_error"
    assert "TypeError" in caplog.text
    assert (await world.buy())["state"] == "waiting"


async def test_a_journal_that_fails_under_a_command_ends_the_process(world: World) -> None:
    async def fail(*_: Any) -> Any:
        raise JournalError("the disk is full")

    world.bridge.desk.queries.answer = fail  # type: ignore[assignment,method-assign]
    command = world.send("query/profile")
    with pytest.raises(JournalError):
        await world.sleep(1)
    world.faults.clear()
    assert world.answers(command) == []


async def test_a_command_without_a_response_topic_is_answered_on_its_own_topic(world: World) -> None:
    command = world.send("query/profile", {"transaction": "t-1"})
    command.incoming = replace(command.incoming, reply=None, packet_id=99)
    world.deliver(command)
    await world.until(lambda: sum(m.topic == "response/query/profile" for m in world.broker.sent()) == 2)
    assert sum(m.absolute for m in world.broker.sent()) == 1


@pytest.mark.parametrize("transaction", ["t-1", "17", 17, 2.5, -1, 10**15])
async def test_an_order_shows_its_transaction_as_it_was_sent(world: World, transaction: Any) -> None:
    order = await world.buy(transaction=transaction)
    await world.restart()
    assert world.order(order["order"])["transaction"] == transaction
    assert type(world.order(order["order"])["transaction"]) is type(transaction)
