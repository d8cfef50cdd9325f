"""`shomare-mqtt doctor` beside a running daemon: it shows what that saw of purchases, and disturbs nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.process import run
from tests.cli.test_doctor import lines

if TYPE_CHECKING:
    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

SECRETS = ("918273", "zebra-giraffe")


async def test_beside_a_running_daemon(house: House) -> None:
    daemon = house.daemons[-1]
    order = await house.buy()
    await house.probe.holds("bridge/info", lambda i: "buy" in i["learnt"]["answers"])
    house.sim.deliver_sms(order["purchase"], text="zebra-giraffe 918273", code="918273")
    await house.probe.message("event/sms")
    bought = house.sim.calls["buy"]
    settings = ("--config", str(house.folder / "settings.toml"))
    found = lines(done := await run("doctor", *settings))
    assert found["daemon"][0] == "good"
    assert found["what the daemon says (provider/state)"][0] == "good"
    assert (found["buy"][0], found["cancel"][0]) == ("good", "unknown")
    assert '"number"' in found["buy"][1]
    assert (house.sim.calls["buy"], house.sim.calls["cancel"]) == (bought, 0)
    secrets = (*SECRETS, order["phone"].removeprefix("+"), order["purchase"])
    for secret in secrets:
        assert secret not in done.out, secret
        for topic, payload in house.probe.retained().items():
            assert topic.startswith(("orders", "current")) or secret not in payload.decode(), (topic, secret)
    assert len(house.probe.retained()["bridge/info"]) < 20_000
    assert await daemon.stop() == 0
    after = lines(await run("doctor", *settings))
    assert after["daemon"][0] == "unknown"
    assert after["buy"] == found["buy"], "which the journal keeps"
    assert after["check with SMS"][0] == "good"


async def test_what_was_seen_outlives_a_restart(house: House) -> None:
    await house.buy()
    info = await house.probe.holds("bridge/info", lambda i: "buy" in i["learnt"]["answers"])
    await house.again()
    again = await house.probe.holds("bridge/info", lambda i: i["started_at"] != info["started_at"])
    assert again["learnt"]["answers"]["buy"] == info["learnt"]["answers"]["buy"]
    assert again["learnt"]["parameters"] == info["learnt"]["parameters"]
