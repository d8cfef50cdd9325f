"""Clocks that jump: a Raspberry Pi has no clock battery (nothing expires by it, nothing is forgotten)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clock import Anchor, SteadyTime, SystemClock
from tests.core.provider import sms
from tests.core.virtual import START, FakeClock
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

YEARS = 3650


@pytest.mark.parametrize(
    ("when", "days"),
    [
        *(("running", days) for days in (YEARS, -YEARS, 1, -1)),
        *(("restarted", days) for days in (YEARS, -YEARS, 1, -1)),
        *(("rebooted", days) for days in (YEARS, -YEARS, -1)),
    ],
)
async def test_no_order_expires_by_a_jump(world: World, when: str, days: int) -> None:
    order = await world.buy(transaction="t")
    if when == "running":
        world.clock.jump(days=days)
    else:
        await world.crash()
        world.clock.jump(days=days)
        if when == "rebooted":
            world.clock.reboot()
        await world.start()
    await world.sleep(60)
    assert world.order(order["order"])["state"] == "waiting"
    again = await world.ask("buy", {**PRODUCT, "transaction": "t"})
    assert again["replayed"] is True, "the memory of transactions is kept"
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 10)
    await world.state(order["order"], "finished", 1300)
    assert asyncio.get_running_loop().time() == pytest.approx(1200, abs=30)


@pytest.mark.parametrize("days", [YEARS, -YEARS])
async def test_limits_are_not_freed_by_a_jump(opened: Opening, days: int) -> None:
    world = await opened(limits={"max_buys_per_hour": 1, "max_spend_per_day": 3000})
    await world.buy()
    world.clock.jump(days=days)
    assert await world.error("buy", PRODUCT) == "limit_reached"
    await world.restart()
    assert await world.error("buy", PRODUCT) == "limit_reached"


async def test_closed_orders_keep_their_time(world: World) -> None:
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    world.clock.jump(days=YEARS)
    await world.sleep(3500)
    assert world.order(order["order"])["state"] == "cancelled"
    await world.sleep(200)
    assert world.order(order["order"]) == {}


async def test_time_goes_on_while_the_machine_is_off(world: World) -> None:
    order = await world.buy()
    await world.crash()
    await asyncio.sleep(1300)
    world.clock.reboot()
    await world.start()
    await world.state(order["order"], "expired", 5)


async def test_a_clock_that_was_set_while_nothing_happened(world: World) -> None:
    """A Pi starts hours behind, is set by a time server, and is switched off before anything else is written."""
    order = await world.buy()
    world.clock.jump(hours=5)
    await world.sleep(70)
    await world.crash()
    world.clock.reboot()
    await world.start()
    await world.sleep(10)
    assert world.order(order["order"])["state"] == "waiting"


async def test_nothing_is_written_while_nothing_happens(world: World) -> None:
    await world.buy()
    await world.sleep(10)
    changes = await world.journal._database.run(lambda c: c.total_changes)
    await world.sleep(280)
    assert await world.journal._database.run(lambda c: c.total_changes) == changes


async def test_an_order_after_a_jump_back_lives_its_time(world: World) -> None:
    world.clock.jump(days=-YEARS)
    order = await world.buy()
    assert order["created_at"].startswith("2016-")
    await world.sleep(1100)
    assert world.order(order["order"])["state"] == "waiting"
    await world.state(order["order"], "expired", 110)


# --- steady time alone ----------------------------------------------------------------------------------------------


class Still(FakeClock):
    """A clock that stands."""

    def _time(self) -> float:
        return 0.0


def anchor(**changes: Any) -> Anchor:
    return Anchor(**{"boot_id": "boot-1", "boot_time": 0.0, "steady": 5.0, "wall": START, "newest": START, **changes})


def test_an_anchor_survives_being_stored() -> None:
    assert Anchor.from_text(anchor().to_text()) == anchor()


@pytest.mark.parametrize(
    ("before", "steady"),
    [
        (None, START.timestamp()),
        (anchor(), 1005.0),
        (anchor(boot_time=2000.0), 5.0),
        (anchor(boot_id="boot-0"), 5.0),
        (anchor(boot_id="boot-0", wall=START - timedelta(hours=1)), 3605.0),
        (anchor(boot_id="boot-0", wall=START + timedelta(hours=1)), 5.0),
        (anchor(boot_id="boot-0", wall=START - timedelta(days=31)), 5.0),
        (anchor(boot_id="", wall=START - timedelta(hours=1)), 3605.0),
    ],
    ids=["first", "same boot", "boot time back", "reboot", "reboot later", "reboot earlier", "years", "no boot id"],
)
def test_where_steady_time_goes_on(before: Anchor | None, steady: float) -> None:
    clock = Still()
    if before is not None and not before.boot_id:
        clock.boot_id = ""
    assert SteadyTime(clock, before).now() == steady


def test_whether_the_clock_is_behind() -> None:
    clock = Still()
    steady = SteadyTime(clock, anchor(newest=START + timedelta(seconds=0.5)))
    assert not steady.wall_is_behind(), "time servers set a clock back by moments"
    clock.jump(seconds=-10)
    assert steady.wall_is_behind()
    assert steady.was_set()
    assert steady.wall() == START - timedelta(seconds=10)
    assert steady.anchor().newest == START + timedelta(seconds=0.5)
    assert not steady.was_set()


# --- the machine's own clocks ---------------------------------------------------------------------------------------


def test_the_machines_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SystemClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)
    assert clock.monotonic() <= time.monotonic()
    assert clock.boot_time() > 0
    assert clock.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def broken(*_: object, **__: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", broken)
    assert SystemClock().boot_id == ""


async def test_the_machines_clock_sleeps() -> None:
    await SystemClock().sleep(5)
    await SystemClock().sleep(-5)
    assert asyncio.get_running_loop().time() == 5
