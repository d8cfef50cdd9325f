"""`bridge/problem` of a real daemon on a real broker (contract, section State)."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.mosquitto import Mosquitto
from tests.system.house import PRODUCT, TOKEN, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.mosquitto

TOPIC = "bridge/problem"


def is_of(code: str, more: int = 0) -> Callable[[Any], bool]:
    def told(said: Any) -> bool:
        problem = said["problem"]
        return problem is not None and (problem["code"], problem["more"]) == (code, more)

    return told


def is_over(said: Any) -> bool:
    return said["problem"] is None


async def test_a_wrong_token_at_the_first_start_is_told_to_who_comes_later(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    house = await open_house()
    await house.launch({"provider": {"token": "another-token"}})
    await house.probe.holds(TOPIC, is_of("invalid_token"))
    async with house.another_probe() as late:
        said = await late.holds(TOPIC, is_of("invalid_token"))
    assert "Put the right one into the settings" in said["problem"]["message"]
    await house.again({})
    await house.probe.holds(TOPIC, is_over)


async def test_of_a_wallet_that_is_too_small_problem_and_balance_tell(house: House) -> None:
    house.sim.set_balance(100)
    error = await house.probe.refused("buy", {**PRODUCT, "transaction": "t-1"})
    assert error["code"] == "insufficient_balance"
    said = await house.probe.holds(TOPIC, is_of("insufficient_balance"))
    assert said["problem"]["transaction"] == "t-1"
    assert said["problem"]["order"] == (await house.probe.holds("current", lambda o: o["state"] == "failed"))["order"]
    await house.probe.text("profile/balance", "100")
    house.sim.set_balance(100_000)
    await house.buy()
    await house.probe.holds(TOPIC, is_over)


async def test_an_order_in_doubt_is_told_over_a_crash_and_settled_without_its_id(house: House) -> None:
    house.sim.fault("buy", "reset_after")
    assert (await house.probe.ask("buy", PRODUCT))["status"] == "unknown"
    await house.probe.refused("defaults/country/set", "Atlantis")
    await house.probe.holds(TOPIC, is_of("outcome_unknown", more=1))
    await house.again(number=signal.SIGKILL)
    said = await house.probe.holds(TOPIC, is_of("outcome_unknown", more=1))
    order = await house.probe.ok(
        "resolve", {"order": "unknown", "outcome": "bought", "purchase": "74001", "phone": "+7"}
    )
    assert order["order"] == said["problem"]["order"]
    await house.probe.holds(TOPIC, is_of("unknown_name"))


async def test_a_broker_that_lost_it_gets_it_again_and_at_the_end_it_stays(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, House(tmp_path, broker.port, "own", {}) as house:
        await house.start()
        await house.probe.refused("buy", {"country": 7})
        told = await house.probe.holds(TOPIC, is_of("invalid_command"))
        await broker.kill()
        await broker.start()
        async with house.another_probe() as probe:
            assert await probe.holds(TOPIC, is_of("invalid_command")) == told
        assert TOKEN not in str(told)
        await house.daemons[0].stop()
        async with house.another_probe() as probe:
            assert await probe.holds(TOPIC, is_of("invalid_command")) == told


async def test_the_first_word_after_a_restart_is_the_right_one(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start()
    await house.probe.refused("buy", {"country": 7})
    told = await house.probe.holds(TOPIC, is_of("invalid_command"))
    before = len(house.probe.all(TOPIC))
    await house.again()
    assert [each.json for each in house.probe.all(TOPIC)[before:] if each.json != told] == []
