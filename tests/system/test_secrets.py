"""Known secrets, sent through every path, stand in no log line and no retained topic."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import Mosquitto
from tests.system.house import PRODUCT, TOKEN, House

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.mosquitto

PASSWORD = "pw-9c1d7e55aa"
SECRETS = (TOKEN, PASSWORD, "918273", "zebra-giraffe", "665544", "proxy-pw-1")


@pytest.mark.parametrize("form", ["text", "json"])
async def test_secrets_stay_secret(tmp_path: Path, form: str) -> None:
    async with Mosquitto(tmp_path, users={"daemon": PASSWORD}) as broker:
        house = House(tmp_path, broker.port, "safe", {})
        house.probe._client.username_pw_set("daemon", PASSWORD)
        async with house:
            settings = {"mqtt": {"username": "daemon", "password": PASSWORD}, "log": {"level": "debug", "format": form}}
            await house.start(settings)
            order = await house.buy()
            house.sim.deliver_sms(order["purchase"], text="zebra-giraffe 918273", code="918273")
            await house.probe.message("event/sms")
            house.sim.deliver_sms(order["purchase"], text="Your zebra-giraffe code is 665544", code=None)
            await house.probe.message("code", 0, lambda s: s.text == "665544")
            await house.probe.ok("query/check/current")
            await house.probe.ok("query/orders", {"state": "all"})
            await house.probe.refused("cancel", {"order": order["order"]})
            await house.probe.refused("buy", {**PRODUCT, "country": TOKEN})
            await house.probe.refused("buy", f"{{{TOKEN}")
            await house.probe.refused("cancel", f"918273 {PASSWORD}")
            house.sim.fault("buy", "reset_after")
            await house.probe.ask("buy", PRODUCT)
            house.sim.fault("check", "truncated", times=2)
            await house.called("check", 3)
            await house.again()
            await house.probe.message("bridge/health")
            await house.probe.ok("query/check/current")
            phone = order["phone"]
            for daemon in house.daemons:
                await daemon.stop()
                for secret in (*SECRETS, phone, phone.removeprefix("+")):
                    assert secret not in daemon.log, secret
            for topic, payload in house.probe.retained().items():
                for secret in SECRETS:
                    assert secret not in payload.decode(), (topic, secret)
            for event in house.probe.all("event/order"):
                assert not re.search("918273|zebra|665544", event.text)
