"""`bridge/state` that somebody else sets (contract, Settings: it is set right)."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt import state_keeper
from shomare_mqtt.mqtt.state_keeper import StateKeeper
from tests.patience import let_pass, stand_still
from tests.system.house import PRODUCT
from tests.system.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House
    from tests.system.probe import Seen

pytestmark = pytest.mark.mosquitto


def _holds(payload: bytes, seen: Seen) -> bool:
    return seen.payload == payload


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_it_says_online_again(
    open_house: Callable[..., Awaitable[House]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    protocol: str,
) -> None:
    monkeypatch.setattr(state_keeper, "APART", 0.05)
    monkeypatch.setattr(state_keeper, "AFTER", 0.0)
    house = await open_house()
    async with serving(house, {"mqtt": {"protocol": protocol}}):
        await house.until_up()
        for payload in (b"offline", b"", b"\xff{rubbish", b"x" * 100_000):
            for retain in (True, False):
                since = await house.probe.publish("bridge/state", payload, retain=retain)
                await house.probe.message("bridge/state", since, partial(_holds, payload))
                await house.probe.message("bridge/state", since, lambda s: s.payload == b"online")
        assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"
        assert caplog.text.count("Somebody else set") == 1
    last = house.probe.all("bridge/state")[-1]
    assert last.payload == b"offline", "its own, at the end, is left"


async def test_it_does_not_fight(caplog: pytest.LogCaptureFixture) -> None:
    stand_still()
    said: list[int] = []
    keeper = StateKeeper("shomare/bridge/state", lambda: said.append(1), logging.getLogger("keeper"))

    async def turns() -> None:
        for _ in range(3):
            await asyncio.sleep(0)

    keeper.was_set()
    keeper.was_set()
    let_pass(state_keeper.AFTER)
    await turns()
    assert len(said) == 1
    for _ in range(10):
        keeper.was_set()
    await turns()
    assert len(said) == 1, "the next comes a while later"
    let_pass(state_keeper.APART)
    await turns()
    assert len(said) == 2
    assert len(caplog.records) == 1
    keeper.was_set()
    keeper.stop()
    keeper.was_set()
    let_pass(state_keeper.APART)
    await turns()
    assert len(said) == 2


async def test_the_last_will_that_a_broker_sends_as_it_stops_is_nobodys_doing(caplog: pytest.LogCaptureFixture) -> None:
    said: list[int] = []
    keeper = StateKeeper("shomare/bridge/state", lambda: said.append(1), logging.getLogger("keeper"))
    keeper.was_set()
    await asyncio.sleep(0)
    keeper.disconnected()
    let_pass(state_keeper.AFTER)
    await asyncio.sleep(0)
    assert (said, caplog.records) == ([], [])
    keeper.was_set()
    let_pass(state_keeper.AFTER)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert said == [1]
