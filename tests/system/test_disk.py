"""Whole daemons whose disk fills up, whose journal vanishes, or whose files somebody spoilt."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.small_disk import SmallDisk, small_disk
from tests.system.house import PRODUCT, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.mosquitto


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", of_this_process=False) as made:
        yield made


@pytest.fixture
async def cramped(disk: SmallDisk, open_house: Callable[..., Awaitable[House]]) -> House:
    """A house whose daemon's state lies on a small disk."""
    house = await open_house()
    await house.start({"state": {"directory": str(disk.path / "state")}})
    house.clock.stop()
    return house


async def all_of(house: House) -> dict[str, Any]:
    """The orders as the daemon knows them, by purchase."""
    orders = await house.probe.ok("query/orders", {"state": "all", "limit": 500})
    return {order["purchase"]: order for order in orders}


async def test_a_disk_that_fills_up_between_the_intent_and_the_answer(cramped: House, disk: SmallDisk) -> None:
    house = cramped
    house.sim.fault("buy", "hold")
    buying = asyncio.create_task(house.buy())
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    disk.fill()
    house.sim.clear_faults()
    bought = await buying
    await house.again(number=signal.SIGKILL)
    disk.fill()
    purchase = bought["purchase"]
    assert list(house.sim.purchases) == [purchase]
    kept = await house.order(bought["order"], "waiting")
    assert (kept["purchase"], kept["phone"]) == (purchase, bought["phone"])
    house.sim.deliver_sms(purchase, code="482133")
    sms = await house.probe.message("event/sms")
    assert sms.json["code"] == "482133"
    await house.again(number=signal.SIGKILL)
    disk.make_room()
    await house.again()
    assert (await all_of(house))[purchase]["sms"][0]["code"] == "482133"
    assert len(house.probe.all("event/sms")) >= 1


async def test_a_full_disk_refuses_to_buy_and_the_daemon_lives_on(cramped: House, disk: SmallDisk) -> None:
    house = cramped
    order = await house.buy()
    disk.fill()
    house.sim.deliver_sms(order["purchase"], code="111222")
    assert (await house.probe.message("code")).text == "111222"
    answers = []
    for _ in range(40):
        answers.append(await house.probe.ask("buy", PRODUCT))
        if answers[-1]["status"] == "error":
            break
    error = answers[-1]["error"]
    assert error["code"] in ("buying_paused", "limit_reached"), error
    assert "nothing was" in error["message"]
    assert len(house.sim.purchases) == len(answers)
    disk.make_room()
    assert await house.daemons[-1].stop() == 0


async def test_a_journal_that_vanishes_ends_the_daemon_before_it_buys(house: House) -> None:
    await house.buy()
    state = house.folder / "state"
    shutil.rmtree(state)
    await house.probe.publish("buy", PRODUCT)
    assert await house.daemons[-1].ended() == 1
    assert len(house.sim.purchases) == 1
    assert "removed, moved or replaced while the daemon ran" in house.daemons[-1].log


@pytest.mark.parametrize("spoil", ["emptied", "log removed", "log damaged", "a directory", "another program's"])
async def test_a_spoilt_journal_is_not_started_with(house: House, spoil: str) -> None:
    order = await house.buy()
    await house.daemons[-1].stop(signal.SIGKILL)
    state = house.folder / "state"
    journal, log = state / "journal.sqlite3", state / "journal.sqlite3-wal"
    if spoil == "emptied":
        os.truncate(journal, 0)
    elif spoil == "log removed":
        log.unlink()
    elif spoil == "log damaged":
        log.write_bytes(log.read_bytes()[:5000] + b"\xff" * 10 + log.read_bytes()[5010:])
    else:
        journal.unlink()
        log.unlink()
        if spoil == "a directory":
            journal.mkdir()
        else:
            journal.write_bytes(b"something else, and long enough to be looked at" * 100)
    daemon = await house.launch()
    assert await daemon.ended() == 78
    assert daemon.log.count("\n") <= 2, daemon.log
    assert order["phone"] not in daemon.log
