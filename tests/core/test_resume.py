"""What an earlier process took and did not answer (contract, Commands; failures of the architecture)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.mqtt.commands import CommandParser
from tests.core.provider import Late
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.world import Command, World


async def taken(world: World, topic: str, payload: Any, **flags: Any) -> Command:
    """A command that is in the journal and on which no work was begun."""

    async def nothing(*_: object) -> None:
        await asyncio.Event().wait()

    world.bridge.desk.intake._begin = nothing  # type: ignore[method-assign,assignment]
    command = world.send(topic, payload, **flags)
    await world.until(lambda: command.acked == 1)
    return command


async def test_a_buy_that_was_not_begun_is_carried_out(world: World) -> None:
    command = await taken(world, "buy", PRODUCT)
    await world.restart(crash=True, down=30)
    assert (await world.answer(command))["status"] == "ok"
    assert world.provider.count("buy") == 1


@pytest.mark.parametrize(
    ("down", "flags", "more", "code"),
    [
        (61, {}, {}, "expired_command"),
        (30, {"expiry": 20.0}, {}, "expired_command"),
        (30, {}, {"expires_at": 20}, "expired_command"),
        (30, {"expiry": 40.0}, {"expires_at": 40}, None),
    ],
    ids=["long ago", "expiry", "expires_at", "in time"],
)
async def test_a_buy_does_not_come_out_of_the_blue(
    world: World, down: float, flags: dict[str, Any], more: dict[str, Any], code: str | None
) -> None:
    if "expires_at" in more:
        more = {"expires_at": world.expires(world.clock.now() + timedelta(seconds=more["expires_at"]))}
    command = await taken(world, "buy", {**PRODUCT, **more}, **flags)
    await world.restart(crash=True, down=down)
    answer = await world.answer(command)
    assert (answer.get("error") or {}).get("code") == code
    assert world.provider.count("buy") == (code is None)


@pytest.mark.parametrize("synchronised", [True, False])
async def test_a_buy_while_nobody_can_tell_how_long_it_was_off(world: World, synchronised: bool) -> None:
    command = await taken(world, "buy", PRODUCT)
    await world.crash()
    world.clock.jump(days=-400)
    world.clock.reboot()
    world.clock.synchronised = synchronised
    await world.start()
    assert (await world.answer(command))["error"]["code"] == "expired_command"


async def test_a_buy_by_a_clock_that_is_behind_is_not_carried_out(world: World) -> None:
    command = await taken(world, "buy", PRODUCT)
    world.clock.jump(days=-400)
    world.clock.synchronised = False
    await world.restart(crash=True)
    assert (await world.answer(command))["error"]["code"] == "expired_command"


@pytest.mark.parametrize("ahead", [0, 3 * 86400, -3595], ids=["right", "days ahead", "as it was switched off"])
async def test_a_buy_from_before_an_hour_off_while_nobody_vouches_for_the_clock(world: World, ahead: int) -> None:
    command = await taken(world, "buy", PRODUCT)
    await world.crash()
    await asyncio.sleep(3600)
    world.clock.jump(seconds=ahead)
    world.clock.reboot()
    world.clock.synchronised = False
    await world.start()
    error = (await world.answer(command))["error"]
    assert error["code"] == "expired_command"
    assert "nobody can tell how long the machine was off" in error["message"]


async def test_a_buy_that_may_be_on_its_way_is_unknown(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.sleep(10)
    world.provider.script("buy", Late(None))
    command = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.sleep(1)
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert (answer["status"], answer["error"]["code"], answer["data"]["state"]) == (
        "unknown",
        "outcome_unknown",
        "unknown",
    )
    assert world.moves(answer["data"]["order"]) == ["buying", "unknown"]
    assert "to the topic resolve" in caplog.text, "whoever reads the log at night knows what to do"
    again = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert again["replayed"] is True
    assert await world.error("buy", PRODUCT) == "buying_paused"
    await world.sleep(70)
    assert world.order(answer["data"]["order"])["state"] == "failed"
    assert world.provider.count("buy") == 1


async def test_a_purchase_made_before_the_crash_shows_in_the_balance(world: World) -> None:
    await world.sleep(10)
    world.provider.script("buy", Late(5.0))
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    await world.crash()
    world.provider._buy()
    await world.start()
    order = (await world.answer(command))["data"]["order"]
    await world.sleep(70)
    assert (world.order(order)["state"], world.order(order)["charged"]) == ("unknown", 2200)


async def test_an_order_whose_command_is_gone_is_unknown_all_the_same(world: World) -> None:
    world.provider.script("buy", Late(None))
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    order = world.bridge.orders.ledger.open()[0]
    assert order.command is not None
    row = order.command
    await world.journal._database.run(
        lambda c: c.execute("UPDATE commands SET done = 1 WHERE seq = ?", (row,)) and None
    )
    await world.restart(crash=True)
    assert world.order(order.order.order)["state"] == "unknown"
    assert world.answers(command) == []


async def test_an_order_whose_command_is_no_longer_understood_is_unknown(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base topic was changed before the next start, say: the purchase may have been made all the same."""
    world.provider.script("buy", Late(None))
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    monkeypatch.setattr("tests.core.world.CommandParser", lambda *_: CommandParser("elsewhere", "homeassistant"))
    await world.restart(crash=True)
    answer = await world.answer(command)
    assert (answer["status"], answer["error"]["code"]) == ("unknown", "outcome_unknown"), "not that nothing was done"
    assert world.order(answer["data"]["order"])["state"] == "unknown"
    assert [e["order"] for e in world.bridge_events("outcome_unknown")] == [answer["data"]["order"]]
    assert await world.journal.pending() == []


async def test_a_repeat_and_its_first_are_both_pending(world: World) -> None:
    buy = {**PRODUCT, "transaction": "t"}
    world.provider.script("buy", Late(None), Late(None))
    first = world.send("buy", buy)
    await world.sleep(1)
    second = world.send("buy", buy)
    await world.sleep(1)
    await world.restart(crash=True)
    answers = [await world.answer(c) for c in (first, second)]
    assert [a["status"] for a in answers] == ["unknown", "unknown"]
    assert answers[1]["replayed"] is True
    assert world.provider.count("buy") == 1


async def test_a_command_that_this_version_does_not_understand(world: World) -> None:
    """The journal is of an earlier version of the program, say."""
    command = await taken(world, "buying/set", "on")
    await world.crash()
    await world.journal.open()
    await world.journal._database.run(
        lambda c: c.execute("UPDATE commands SET topic = 'shomare/selling/set' WHERE done = 0") and None
    )
    await world.journal.close()
    await world.start()
    assert (await world.answer(command))["error"]["code"] == "unknown_command"
    assert await world.journal.pending() == []


async def test_stopping_lets_a_purchase_end(world: World) -> None:
    world.provider.script("buy", Late(5.0))
    buying, cancelling = world.send("buy", PRODUCT), world.send("cancel", {"purchase": "p7"})
    world.provider.always["cancel"] = Late(100.0)
    await world.sleep(1)
    await world.bridge.desk.stop(25.0)
    late = world.send("query/profile")
    await world.settle()
    assert (await world.answer(buying))["status"] == "ok"
    assert (world.answers(cancelling), late.acked) == ([], 0)
    del world.provider.always["cancel"]
    await world.restart()
    assert await world.answer(cancelling), "the rest is left to the next start"


async def test_stopping_with_nothing_to_do(world: World) -> None:
    began = asyncio.get_running_loop().time()
    await world.bridge.desk.stop(25.0)
    assert asyncio.get_running_loop().time() == began


async def test_stopping_does_not_wait_for_ever(world: World) -> None:
    world.provider.script("buy", Late(None))
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    await world.stop(25.0)
    assert asyncio.get_running_loop().time() == pytest.approx(26, abs=0.1)
    await world.start()
    assert (await world.answer(command))["status"] == "unknown"


async def test_answers_and_events_wait_for_the_broker_over_restarts(world: World) -> None:
    world.broker.away = True
    command = world.send("buy", PRODUCT)
    await world.sleep(1)
    await world.restart(crash=True)
    assert world.answers(command) == []
    world.broker.away = False
    world.outbox.wake()
    order = (await world.answer(command))["data"]["order"]
    assert world.moves(order) == ["buying", "waiting"]
    topics = [r.message.topic for _, r in sorted(world.broker.rows.items())]
    assert topics[:2] == ["event/order", "event/order"], "in order"


async def test_what_is_taken_while_stopping_is_left_to_the_next_start(world: World) -> None:
    real, held = world.journal.arrive, asyncio.Event()

    async def slow(*arguments: Any) -> Any:
        results = await real(*arguments)
        await held.wait()
        return results

    world.journal.arrive = slow  # type: ignore[assignment,method-assign]
    command = world.send("buy", PRODUCT)
    await world.settle()
    await world.bridge.desk.stop(25.0)
    held.set()
    await world.settle()
    assert (command.acked, world.provider.count("buy")) == (1, 0)
    await world.restart()
    assert (await world.answer(command))["status"] == "ok"
