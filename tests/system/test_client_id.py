"""A client that is no daemon of ours and keeps taking our client id, at a broker that gives no reason."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.mqtt import backoff
from shomare_mqtt.mqtt.connection import open_link
from shomare_mqtt.mqtt.packets import Opening
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE
from tests.system.house import House
from tests.system.serving import serving, told

if TYPE_CHECKING:
    from pathlib import Path

    from shomare_mqtt.mqtt.packets import Version
    from tests.system.probe import Probe

pytestmark = pytest.mark.mosquitto


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_it_is_said_once_and_nothing_is_blamed_on_the_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, protocol: Version
) -> None:
    monkeypatch.setattr(backoff, "LONGEST_PAUSE", 0.5)
    seen_by_the_last, more = 0, 5

    async def take(broker: Mosquitto, probe: Probe) -> None:
        nonlocal seen_by_the_last, more
        opening = Opening(protocol, "shomare-mqtt-taken", clean=False)
        while more:
            link = await open_link(broker.settings(), opening, lambda *_: None)
            seen_by_the_last = len(probe.seen)
            more -= bool(told(house, "instance_suspected"))
            await asyncio.wait((link.ended,))
            await asyncio.sleep(0.3)  # the quickest of those in use wait a second

    async with (
        Mosquitto(tmp_path) as broker,
        House(tmp_path, broker.port, "taken", {}) as house,
        serving(house, {"mqtt": {"protocol": protocol}}),
    ):
        await house.until_up()
        async with asyncio.timeout(3 * PATIENCE):  # of a dozen takings, each of which may wait
            await take(broker, house.probe)
        await house.probe.message("bridge/state", seen_by_the_last, lambda s: s.text == "online")
        assert await house.probe.ok("query/orders", {}) == []
        assert len(told(house, "instance_suspected")) == 1
        assert told(house, "message_dropped") == []
        assert caplog.text.count("set another mqtt.client_id") == 1
