"""A provider whose answers mislead: what a check and a purchase tell is found out by the daemon itself, and kept."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.house import PRICE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

PLAIN = Path(__file__).parent.parent / "contact" / "dialects" / "plain.json"
MISLEADING = {
    "profile": {"status": True, "data": {"balance": 7, "remain": "{balance}"}},
    "buy": {
        "status": True,
        "data": {
            "order": {"id": "{purchase.decoy}", "phone": "+{purchase.phone}", "price": "{purchase.price}"},
            "activationCode": "{purchase.code}",
        },
    },
}


@pytest.fixture
async def house(open_house: Callable[..., Awaitable[House]], tmp_path: Path) -> House:
    """A provider that names a row's id where a purchase's is looked for, and points where the balance is."""
    dialect: dict[str, Any] = json.loads(PLAIN.read_text())
    dialect["answers"] |= MISLEADING
    dialect["answers"]["check"]["result"]["order_id"] = "{purchase.code}"
    dialect["wants"] = {"purchase": "code"}
    file = tmp_path / "misleading.json"
    file.write_text(json.dumps(dialect))
    return await open_house(dialect=str(file))


def real_id(house: House, number: int = 0) -> str:
    """What the provider takes a purchase by."""
    return f"SH-{list(house.sim.purchases)[number]}"


async def test_the_right_id_is_found_by_a_check_and_learnt(house: House) -> None:
    await house.start()
    order = await house.buy()
    assert order["purchase"] not in (real_id(house), None)
    shown = await house.probe.holds(f"orders/{order['order']}", lambda o: o["purchase"] == real_id(house))
    assert shown["state"] == "waiting"
    house.sim.deliver_sms(next(iter(house.sim.purchases)), code="708090")
    assert (await house.probe.message("event/sms")).json["code"] == "708090"
    await house.again()
    second = await house.buy()
    assert second["purchase"] == real_id(house, 1)
    cancelled = await house.probe.ok("cancel", {"order": second["order"]})
    assert (cancelled["state"], len(house.bought())) == ("cancelled", 2)


async def test_after_a_kill_before_the_check_was_answered(house: House) -> None:
    await house.start()
    house.sim.fault("check", "hold")
    order = await house.buy()
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    await house.again(number=signal.SIGKILL)
    await house.probe.holds(f"orders/{order['order']}", lambda o: o["purchase"] == real_id(house))
    assert len(house.bought()) == 1
    assert house.sim.calls["cancel"] == 0


async def test_the_balance_is_the_figure_that_a_purchase_takes_from(house: House) -> None:
    await house.start({"orders": {"settle_delay": 1}})
    await house.probe.text("profile/balance", "7")
    await house.buy()
    await house.probe.text("profile/balance", str(1_000_000 - PRICE))
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "online")
    assert not [field for field in state["fields"] if "doubtful" in field]
    await house.daemons[-1].said("the balance is read under data.remain from now on")
