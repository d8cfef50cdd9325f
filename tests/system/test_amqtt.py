"""The whole way on a broker that speaks MQTT 3.1.1 alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.old_broker import old_broker
from tests.system.house import House

if TYPE_CHECKING:
    from pathlib import Path


async def test_from_buy_to_the_code(tmp_path: Path) -> None:
    async with old_broker("tcp") as (port,):
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
