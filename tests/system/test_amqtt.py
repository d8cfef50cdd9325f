"""The whole way on a broker that speaks MQTT 3.1.1 alone."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import free_port
from tests.system.house import House

if TYPE_CHECKING:
    from pathlib import Path


async def test_from_buy_to_the_code(tmp_path: Path) -> None:
    amqtt = pytest.importorskip("amqtt.broker", reason="the extra demo brings amqtt")
    logging.getLogger("amqtt").setLevel(logging.CRITICAL)
    port = free_port()
    broker = amqtt.Broker({
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    })  # fmt: skip
    await broker.start()
    try:
        house = House(tmp_path, port, "old", {})
        house.probe = house.another_probe(protocol=4)
        async with house:
            await house.start()
            info = await house.probe.holds("bridge/info", lambda i: i["protocol"] is not None)
            assert info["protocol"] == "3.1.1"
            order = await house.buy()
            house.sim.deliver_sms(order["purchase"], text="Code: 24-6802", code="246802")
            assert (await house.probe.message("code")).text == "246802"
            assert (await house.probe.ok("query/check/current"))["state"] == "received"
            assert await house.daemons[0].stop() == 0
            await house.probe.text("bridge/state", "offline")
    finally:
        await broker.shutdown()
