"""What makes a command safe to send again, and what is too late, retained, or sent twice."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.patience import PATIENCE
from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


def moment(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_a_repeat_repeats_the_answer(house: House) -> None:
    command = {**PRODUCT, "transaction": 17}
    first = await house.probe.ask("buy", command)
    assert "replayed" not in first
    await house.probe.ok("cancel", {"order": first["data"]["order"], "transaction": 17})
    for again in (command, {**command, "expires_at": moment(60)}, dict(reversed(command.items()))):
        answer = await house.probe.ask("buy", again)
        assert answer.pop("replayed") is True
        assert answer == first
    cancelled = await house.probe.ask("cancel", {"order": first["data"]["order"], "transaction": 17})
    assert (cancelled["replayed"], cancelled["data"]["state"]) == (True, "cancelled")
    assert len(house.bought()) == 1
    assert house.sim.calls["cancel"] == 1
    await house.again()
    answer = await house.probe.ask("buy", command)
    assert (answer["replayed"], answer["data"]) == (True, first["data"])
    other = await house.probe.ask("buy", {**PRODUCT, "transaction": "17"})
    assert other["data"]["order"] != first["data"]["order"]
    assert len(house.bought()) == 2


async def test_the_same_with_other_content_is_refused(house: House) -> None:
    await house.probe.ok("buy", {**PRODUCT, "transaction": "a"})
    for other in ({"application": 1}, {"max_price": 9000}, {"country": 7}):
        error = await house.probe.refused("buy", {**PRODUCT, **other, "transaction": "a"})
        assert (error["code"], error["retryable"]) == ("transaction_conflict", False)
    assert len(house.bought()) == 1
    assert (await house.probe.ok("cancel", {"order": "current", "transaction": "a"}))["state"] == "cancelled"


async def test_a_repeat_while_the_first_is_worked_on(house: House) -> None:
    house.sim.fault("buy", "hold")
    command = {**PRODUCT, "transaction": "once"}
    since = await house.probe.publish("buy", command)
    await house.probe.publish("buy", command)
    await house.probe.publish("buy", command, reply=f"{house.base}-else/x", correlation=b"c")
    await house.all_taken()
    house.sim.clear_faults()
    answers = await house.probe.until(
        lambda: house.probe.all("response/buy", since)[2:] and house.probe.all("response/buy")
    )
    assert len({a.json["data"]["order"] for a in answers}) == 1
    assert [a.json.get("replayed") for a in answers] == [None, True, True]
    there = await house.probe.message(f"/{house.base}-else/x")
    assert (there.json["replayed"], there.correlation) == (True, b"c")
    assert len(house.bought()) == 1


async def test_a_refusal_before_an_order_is_not_stored(house: House) -> None:
    command = {**PRODUCT, "transaction": "again", "country": "Rusia"}
    assert (await house.probe.refused("buy", command))["code"] == "unknown_name"
    assert (await house.probe.refused("buy", {**command, "country": ""}))["code"] == "invalid_command"
    assert (await house.probe.ok("buy", {**PRODUCT, "transaction": "again"}))["state"] == "waiting"


async def test_what_the_provider_refused_is_stored(house: House) -> None:
    house.sim.set_balance(0)
    command = {**PRODUCT, "transaction": "poor"}
    first = await house.probe.ask("buy", command)
    assert first["error"]["code"] == "insufficient_balance"
    house.sim.set_balance(100_000)
    again = await house.probe.ask("buy", command)
    assert again.pop("replayed") is True
    assert again == first
    assert house.bought() == []


async def test_remember_is_how_long(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"orders": {"remember": 1}})
    first = await house.probe.ok("buy", {**PRODUCT, "transaction": "t"})
    async with asyncio.timeout(PATIENCE):
        while "replayed" in (answer := await house.probe.ask("buy", {**PRODUCT, "transaction": "t"})):
            await house.all_taken()
    assert answer["data"]["order"] != first["order"]


async def test_expired_commands(house: House) -> None:
    for command in ("buy", "cancel", "query/profile", "resolve"):
        payload = {"buy": PRODUCT, "resolve": {"order": "x", "outcome": "not_bought"}, "cancel": {"order": "x"}}
        error = await house.probe.refused(command, {**payload.get(command, {}), "expires_at": moment(-5)})
        assert (error["code"], error["retryable"]) == ("expired_command", False)
    assert (await house.probe.ok("buy", {**PRODUCT, "expires_at": moment(60)}))["state"] == "waiting"
    assert (await house.probe.ok("buy", {**PRODUCT, "expires_at": "2099-01-01T03:30:00+03:30"}))["state"] == "waiting"
    assert (await house.probe.refused("buy", {**PRODUCT, "expires_at": "2099-01-01T00:00:00"}))[
        "code"
    ] == "invalid_command"
    assert (await house.probe.ok("buy", {**PRODUCT, "expires_at": ""}))["state"] == "waiting"
    assert len(house.bought()) == 3


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_retained_commands_are_never_acted_on(open_house: Callable[..., Awaitable[House]], protocol: str) -> None:
    house = await open_house()
    await house.probe.publish("buy", {**PRODUCT, "transaction": "old"}, retain=True)
    await house.probe.publish("cancel", "current", retain=True)
    await house.start({"mqtt": {"protocol": protocol}})
    for topic in ("buy", "cancel"):
        answer = (await house.probe.message(f"response/{topic}")).json
        assert answer["error"]["code"] == "retained_command"
    assert house.probe.last("response/buy").json["transaction"] == "old"  # type: ignore[union-attr]
    assert house.bought() == []
    if protocol == "5":
        since = await house.probe.publish("buy", {**PRODUCT, "transaction": "new"}, retain=True)
        answer = await house.probe.answer("buy", since)
        assert (answer["error"]["code"], answer["transaction"]) == ("retained_command", "new")
        for topic in ("defaults/country/set", "buying/set"):
            since = await house.probe.publish(topic, "7" if "country" in topic else "off", retain=True)
            assert (await house.probe.answer(topic, since))["error"]["code"] == "retained_command"
        assert house.bought() == []
        await house.probe.text("buying", "on")
    info = await house.probe.holds("bridge/info", lambda i: i["protocol"] is not None)
    assert info["protocol"] == protocol


async def test_commands_that_wait_at_the_broker(house: House) -> None:
    await house.daemons[0].stop()
    kept = await house.probe.publish("buy", {**PRODUCT, "transaction": "kept"}, expiry=600)
    await house.probe.publish("buy", {**PRODUCT, "application": 1, "transaction": "late"}, expiry=1)
    late = {**PRODUCT, "application": 2, "transaction": "over", "expires_at": moment(0.2)}
    await house.probe.publish("buy", late)
    await asyncio.sleep(2.1)  # the broker counts the expiry in whole seconds: there is nothing to wait for
    await house.again()
    wanted = {"kept": "ok", "over": "error"}
    for transaction, status in wanted.items():
        answer = await house.probe.message("response/buy", kept, lambda s, t=transaction: s.json["transaction"] == t)  # type: ignore[misc]
        assert answer.json["status"] == status
    await house.probe.ok("query/profile", {})
    assert house.bought() == [("7", "1", "3")]


async def test_nothing_comes_out_of_last_weeks_queue_over_3_1_1(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    daemon = await house.start({"mqtt": {"protocol": "3.1.1"}})
    daemon.process.kill()
    await daemon.ended()
    await house.probe.publish("buy", {**PRODUCT, "transaction": "last week"})
    await house.again()
    await house.probe.ok("query/orders", {})
    assert house.bought() == []
