"""docs/several.md's bridge between two brokers, as it stands there, on two real ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import Mosquitto
from tests.readme import blocks
from tests.system.house import PRODUCT, House
from tests.system.probe import Probe
from tests.test_docs import TOP

if TYPE_CHECKING:
    from pathlib import Path

(BRIDGE,) = [block.text for block in blocks(TOP / "docs" / "several.md") if block.kind == "text"]
CODE = "481516"
pytestmark = pytest.mark.mosquitto


def placed(port: int) -> list[str]:
    """The page's lines for a broker on this machine that asks nobody for anything; it is tried again after a second."""
    lines = BRIDGE.replace("broker.there:8883", f"127.0.0.1:{port}").splitlines()
    return [*(line for line in lines if not line.startswith(("bridge_cafile", "remote_"))), "restart_timeout 1"]


class Bridged(Mosquitto):
    """A mosquitto with a bridge to another one, whose lines follow all others."""

    def __init__(self, folder: Path, there: Mosquitto) -> None:
        super().__init__(folder)
        self._there = there

    def _config(self) -> list[str]:
        return [*super()._config(), *placed(self._there.port)]


async def test_a_house_elsewhere_buys_and_reads_the_code(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    async with (
        Mosquitto(tmp_path / "there") as there,
        Bridged(tmp_path, there) as here,
        House(tmp_path, here.port, "shomare", {"sms_delay": 0, "code": CODE}) as house,
        Probe(there.port, "shomare") as elsewhere,
    ):
        await house.start()
        await elsewhere.text("bridge/state", "online")
        order = (await elsewhere.ok("buy", {**PRODUCT, "transaction": "there"}))["order"]
        await elsewhere.text("code", CODE)
        await elsewhere.holds(f"orders/{order}", lambda held: held["state"] == "received")
        await house.buy(application="1")
        await house.all_taken()
        assert [seen.topic for seen in house.probe.seen].count("buy") == 2, "each arrived once"
        assert [seen.topic for seen in elsewhere.seen].count("buy") == 1, "that of here stayed here"
        assert len(house.bought()) == 2
