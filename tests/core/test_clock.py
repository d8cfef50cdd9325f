"""Clocks that jump: a Raspberry Pi has no clock battery (nothing expires by it, nothing is forgotten)."""

from __future__ import annotations

import asyncio
import ctypes
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core import clock as clock_module
from shomare_mqtt.core.clock import Anchor, SteadyTime, SystemClock
from tests.core.provider import LOST, UNREACHABLE, Acting, sms
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
    provider_says(world)
    await world.state(order["order"], "expired", 5)


async def test_a_kernel_that_takes_a_wrong_clock_for_right_brings_no_end_forward(world: World) -> None:
    order = await world.buy()
    await world.crash()
    world.clock.reboot()
    world.clock.jump(days=3)
    await world.start()
    assert world.order(order["order"])["state"] == "waiting"
    provider_says(world)
    await world.sleep(120)
    assert world.order(order["order"])["state"] == "waiting"
    world.clock.jump(days=-3)
    await world.sleep(900)
    assert world.order(order["order"])["state"] == "waiting"


async def test_a_providers_clock_that_is_minutes_off_takes_nothing_from_the_kernels_word(world: World) -> None:
    order = await world.buy()
    await world.crash()
    await asyncio.sleep(1300)
    world.clock.reboot()
    await world.start()
    provider_says(world, minutes=-20)
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
    await world.journal.put_meta({"seen": "yes"})  # what was sent until now is written with it
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


# --- a clock that was ahead once ------------------------------------------------------------------------------------


async def ahead_once(world: World, days: float = 2) -> None:
    """The clock was ahead while a number was bought, and is right again; nobody vouches for it."""
    world.clock.synchronised = False
    world.clock.jump(days=days)
    await world.buy()
    world.clock.jump(days=-days)


async def in_time(world: World) -> Any:
    """The answer to a `buy` that comes in time."""
    soon = world.expires(world.clock.now() + timedelta(seconds=60))
    return await world.ask("buy", {**PRODUCT, "expires_at": soon})


def provider_says(world: World, **ahead: float) -> None:
    """An answer came whose `Date` is so much ahead of the true time."""
    true = START + timedelta(seconds=asyncio.get_running_loop().time())
    world.journal.time.on_date(true + timedelta(**ahead))


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize("by", ["the kernel", "the provider", "ten minutes"])
async def test_a_clock_that_is_vouched_for_heals(world: World, by: str, restarted: bool) -> None:
    await ahead_once(world)
    if restarted:
        await world.restart()
    assert (await in_time(world))["error"]["code"] == "expired_command"
    if by == "the kernel":
        world.clock.synchronised = True
    elif by == "the provider":
        provider_says(world, seconds=59)
    else:
        await world.sleep(590)
        assert (await in_time(world))["error"]["code"] == "expired_command"
        await world.sleep(15)
    assert (await in_time(world))["status"] == "ok"
    world.clock.synchronised = False
    await world.restart()
    assert (await in_time(world))["status"] == "ok", "the newest time is taken back to it"


async def test_the_providers_time_from_before_the_clock_was_put_right(world: World) -> None:
    """It goes on with the machine's boot time: nobody has to ask it again."""
    world.clock.synchronised = False
    world.clock.jump(days=2)
    await world.restart()
    provider_says(world)
    await world.sleep(3000)
    await world.buy()
    assert (await in_time(world))["status"] == "ok", "the clock is ahead, and was never further"
    world.clock.jump(days=-2)
    assert (await in_time(world))["status"] == "ok"


@pytest.mark.parametrize("ahead", [{"seconds": 61}, {"seconds": -61}, {"days": 2}], ids=str)
async def test_another_time_at_the_providers_vouches_for_nothing(world: World, ahead: dict[str, float]) -> None:
    await ahead_once(world)
    provider_says(world, **ahead)
    assert (await in_time(world))["error"]["code"] == "expired_command"


async def test_ten_minutes_are_counted_from_the_last_time_that_the_clock_was_set(world: World) -> None:
    world.clock.synchronised = False
    await world.sleep(5000)
    await ahead_once(world)
    assert (await in_time(world))["error"]["code"] == "expired_command"


async def test_an_order_of_a_clock_that_was_ahead_counts_today_and_on_no_other_day(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 3000, "max_unused_per_day": 1})
    await ahead_once(world)
    world.clock.synchronised = True
    await world.sleep(3600)
    assert (await world.journal.facts(8 * 3600, 1200)).unused_today == 1
    assert await world.error("buy", PRODUCT) == "limit_reached"
    for _ in range(4):  # the day that it was by that clock is one of them
        await world.sleep(86400)
        facts = await world.bridge.orders.guard.facts()
        assert facts.spent_today == facts.unused_today == facts.bought_last_hour == 0


@pytest.mark.parametrize("hours", [12, -12])
async def test_the_day_is_the_providers_where_nobody_vouches_for_the_clock(opened: Opening, hours: int) -> None:
    """15:30 in Tehran; by a clock that is set by half a day it is another day, or three hours past midnight."""
    world = await opened(limits={"max_spend_per_day": 3000}, orders={"cancel_on_expiry": False})
    await world.buy()
    await world.sleep(4 * 3600)
    world.clock.synchronised = False
    world.clock.jump(hours=hours)
    provider_says(world)
    assert await world.error("buy", PRODUCT) == "limit_reached"
    await world.sleep(4.5 * 3600 + 10)
    assert (await world.buy())["state"] == "waiting"


async def test_a_boot_with_the_clock_days_ahead(opened: Opening) -> None:
    """It is put right after: no number dies of it, nothing is bought twice, no limit is freed."""
    world = await opened(limits={"max_buys_per_hour": 1})
    order = await world.buy(transaction="t")
    await world.sleep(5)
    await world.crash()
    world.clock.reboot()
    world.clock.synchronised = False
    world.clock.jump(days=3)
    await world.start()
    await world.sleep(60)
    assert (await world.ask("buy", {**PRODUCT, "transaction": "t"}))["replayed"] is True
    assert await world.error("buy", PRODUCT) == "limit_reached"
    world.clock.jump(days=-3)
    world.clock.synchronised = True
    await world.sleep(60)
    assert await world.error("buy", PRODUCT) == "limit_reached"
    assert world.order(order["order"])["state"] == "waiting"
    await world.state(order["order"], "expired", 1200)
    assert asyncio.get_running_loop().time() == pytest.approx(1198, abs=10)


@pytest.mark.parametrize("behind", [0.0, 1300.0], ids=["right", "as it was switched off"])
async def test_time_off_counts_once_somebody_vouches_for_the_clock(world: World, behind: float) -> None:
    order = await world.buy()
    await world.crash()
    await asyncio.sleep(1300)
    world.clock.reboot()
    world.clock.synchronised = False
    world.clock.jump(seconds=-behind)
    await world.start()
    await world.sleep(30)
    assert world.order(order["order"])["state"] == "waiting"
    world.clock.jump(seconds=behind)
    provider_says(world)
    await world.state(order["order"], "expired", 10)
    await world.crash()
    world.clock.reboot()
    await world.start()
    assert world.journal.time.now() == pytest.approx(START.timestamp() + asyncio.get_running_loop().time(), abs=5)


async def test_that_somebody_vouches_for_the_clock_is_written_down(world: World) -> None:
    """Also while nothing else is to be written: else the next boot would not count the time off."""

    async def vouched() -> bool:
        return Anchor.from_text((await world.journal.meta())["anchor"]).vouched

    world.clock.synchronised = False
    await world.restart()
    await world.sleep(130)
    assert not await vouched()
    provider_says(world)
    await world.sleep(70)
    assert await vouched()


async def test_a_clock_that_nobody_vouched_for_tells_nothing_of_the_time_off(world: World) -> None:
    """A Pi starts five hours behind, buys, is switched off, and knows the time at its next start."""
    world.clock.synchronised = False
    world.clock.jump(hours=-5)
    await world.restart()
    order = await world.buy()
    await world.crash()
    world.clock.reboot()
    world.clock.jump(hours=5)
    world.clock.synchronised = True
    await world.start()
    await world.sleep(60)
    assert world.order(order["order"])["state"] == "waiting"


async def booted_in_the_past(world: World) -> None:
    """Eight hours without power; the clock stands where it stood, and nobody vouches for it."""
    await world.crash()
    await asyncio.sleep(8 * 3600)
    world.clock.reboot()
    world.clock.synchronised = False
    world.clock.jump(hours=-8)
    await world.start()
    await world.sleep(10)


async def set_right(world: World) -> None:
    world.clock.jump(hours=8)
    world.clock.synchronised = True
    await world.journal.keep_time()


async def test_time_off_is_no_time_that_a_number_lived_which_was_bought_since(opened: Opening) -> None:
    world = await opened(limits={"max_buys_per_hour": 1})
    await booted_in_the_past(world)
    order = await world.buy()
    await world.sleep(30)
    await set_right(world)
    await world.sleep(60)
    assert world.order(order["order"])["state"] == "waiting"
    assert await world.error("buy", PRODUCT) == "limit_reached"
    await world.restart(crash=True)
    began = asyncio.get_running_loop().time()
    await world.state(order["order"], "expired")
    assert asyncio.get_running_loop().time() - began == pytest.approx(1198 - 90, abs=5)


async def test_nor_of_one_that_the_operator_says_was_bought(world: World) -> None:
    world.provider.script("buy", Acting(LOST))
    order = (await world.ask("buy", PRODUCT))["data"]["order"]
    await booted_in_the_past(world)
    await world.data("resolve", {"order": order, "outcome": "bought", "purchase": "p1", "phone": "+79310000001"})
    await world.sleep(30)
    await set_right(world)
    await world.sleep(60)
    assert world.order(order)["state"] == "waiting"


async def test_time_off_is_no_hour_in_which_the_provider_was_away(world: World) -> None:
    order = await world.buy()
    await booted_in_the_past(world)
    world.provider.always |= {"check": UNREACHABLE, "cancel": UNREACHABLE}
    await world.sleep(1250)
    await set_right(world)
    await world.sleep(120)
    assert world.order(order["order"])["state"] == "waiting"
    world.provider.always.clear()
    assert (await world.state(order["order"], "expired", 70))["refunded"] is True


async def test_a_number_lives_on_while_the_machine_sleeps(world: World) -> None:
    """Else it would be given back when it is over already."""
    order = await world.buy()
    await world.sleep(100)
    world.clock.suspend(600)
    ended = await world.state(order["order"], "expired", 505)
    assert world.provider.times("cancel") == pytest.approx([598], abs=1)
    assert ended["refunded"] is True


@pytest.mark.parametrize("restarted", [False, True])
async def test_the_newest_code_is_that_which_came_last_whatever_the_clock_said(world: World, restarted: bool) -> None:
    world.clock.jump(days=3)
    await world.buy()
    second = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.until(lambda: world.codes() == ["11111"])
    world.clock.jump(days=-3)
    world.provider.gets("p2", sms("Your code is 22222"))
    await world.until(lambda: world.codes() == ["11111", "22222"])
    if restarted:
        await world.restart(crash=True)
    world.bridge.orders.ledger.publish_code_again()
    assert world.broker.volatile[-1].payload == b"22222"
    await world.state(second["order"], "finished", 1300)
    await world.sleep(3700)
    assert world.bridge.orders.ledger.newest_code() is None


@pytest.mark.parametrize("days", [3, -3])
async def test_when_an_order_expires_follows_the_clock(world: World, days: int) -> None:
    world.clock.jump(days=days)
    order = await world.buy()
    world.clock.jump(days=-days)
    await world.sleep(70)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:20:00.000Z"
    assert world.moves(order["order"]) == ["buying", "waiting"]
    await world.data("cancel", {"order": order["order"]})
    world.clock.jump(days=days)
    await world.sleep(70)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:20:00.000Z"


async def test_a_buy_before_a_night_off_on_a_machine_that_starts_where_it_was_switched_off(world: World) -> None:
    """The clock says that some seconds passed: a purchase must not come out of the blue."""
    world.bridge.desk.intake._begin = lambda *_: asyncio.sleep(99)  # type: ignore[method-assign]
    command = world.send("buy", PRODUCT)
    await world.settle()
    await booted_in_the_past(world)
    answer = await world.answer(command)
    assert (answer["error"]["code"], "nobody can tell" in answer["error"]["message"]) == ("expired_command", True)
    assert world.provider.count("buy") == 0


async def test_a_buy_by_a_clock_that_was_ahead_by_as_much_as_the_machine_was_off_after_it(world: World) -> None:
    world.clock.synchronised = False
    world.clock.jump(hours=8)
    await world.restart()
    world.bridge.desk.intake._begin = lambda *_: asyncio.sleep(99)  # type: ignore[method-assign]
    command = world.send("buy", PRODUCT)
    await world.settle()
    await world.crash()
    await asyncio.sleep(8 * 3600)
    world.clock.reboot()
    world.clock.jump(hours=-8)
    world.clock.synchronised = True
    await world.start()
    assert (await world.answer(command))["error"]["code"] == "expired_command"


async def test_a_clock_that_starts_right_after_midnight_frees_no_limit(opened: Opening) -> None:
    """15:30 in Tehran, as anybody knows but a machine that starts at 00:10, and hears no other time."""
    world = await opened(limits={"max_unused_per_day": 1})
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    world.clock.synchronised = False
    await world.sleep(3600)
    await world.data("defaults/operator/set", "MCI")  # with which the time is written down
    await world.crash()
    world.clock.reboot()
    world.clock.jump(hours=-16, minutes=-20)
    await world.start()
    assert await world.error("buy", PRODUCT) == "limit_reached"
    await world.sleep(600)
    assert (await world.buy())["state"] == "waiting", "a clock that ran for ten minutes is taken as it is"


# --- steady time alone ----------------------------------------------------------------------------------------------


class Still(FakeClock):
    """A clock that stands."""

    def _time(self) -> float:
        return 0.0


def anchor(**changes: Any) -> Anchor:
    return Anchor(**{"boot_id": "boot-1", "boot_time": 0.0, "steady": 5.0, "wall": START, "newest": START, **changes})


@pytest.mark.parametrize("vouched", [True, False])
def test_an_anchor_survives_being_stored(vouched: bool) -> None:
    assert Anchor.from_text(anchor(vouched=vouched).to_text()) == anchor(vouched=vouched)


def test_an_anchor_of_an_earlier_version() -> None:
    moment = START.isoformat()
    assert Anchor.from_text(json.dumps(["boot-1", 0.0, 5.0, moment, moment])) == anchor()


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
    time = SteadyTime(clock, before)
    time.on_date(clock.now())
    assert time.now() == steady


def test_the_kernel_alone_is_believed_after_a_while() -> None:
    clock = Still()
    time = SteadyTime(clock, anchor(boot_id="boot-0", wall=START - timedelta(hours=1)))
    assert not time.was_set()
    assert time.now() == 5.0
    clock.suspend(60)
    assert time.was_set()
    assert time.now() == 3665.0


def test_whether_the_clock_is_behind() -> None:
    clock = Still()
    clock.synchronised = False
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
    assert datetime.now(UTC) <= clock.now() <= datetime.now(UTC)
    assert clock.monotonic() <= time.monotonic()
    assert clock.boot_time() > 0
    assert clock.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()

    def broken(*_: object, **__: object) -> str:
        raise OSError

    monkeypatch.setattr(Path, "read_text", broken)
    assert SystemClock().boot_id == ""


@pytest.mark.parametrize(
    ("kernel", "synchronised"), [(0, True), (1, True), (4, True), (5, False), (-1, False), (None, False)]
)
def test_whether_the_kernel_says_that_it_is_synchronised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kernel: int | None, synchronised: bool
) -> None:
    library = SimpleNamespace() if kernel is None else SimpleNamespace(adjtimex=lambda _: kernel)
    clock_module._state_of_clock.cache_clear()
    monkeypatch.setattr(ctypes, "PyDLL", lambda _: library)
    flag = tmp_path / "synchronized"
    monkeypatch.setattr(clock_module, "_SYNCHRONISED", flag)
    assert SystemClock().is_synchronised() is synchronised
    flag.touch()
    clock_module._state_of_clock.cache_clear()
    monkeypatch.setattr(ctypes, "PyDLL", lambda _: pytest.fail("systemd-timesyncd says so, and the kernel is asked"))
    assert SystemClock().is_synchronised()
    clock_module._state_of_clock.cache_clear()


def test_the_kernel_is_asked_once_a_second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each transaction asks."""
    state, moment = [0], [100.0]
    clock_module._state_of_clock.cache_clear()
    monkeypatch.setattr(ctypes, "PyDLL", lambda _: SimpleNamespace(adjtimex=lambda _: state[0]))
    monkeypatch.setattr(clock_module, "_SYNCHRONISED", tmp_path / "synchronized")
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])
    monkeypatch.setattr(time, "time", lambda: 1e9 + moment[0])
    clock = SystemClock()
    assert clock.is_synchronised()
    state[0], moment[0] = 5, 100.9
    assert clock.is_synchronised()
    moment[0] = 101.0
    assert not clock.is_synchronised()
    clock_module._state_of_clock.cache_clear()


@pytest.mark.parametrize("jump", [-86400.0, -2.0, 2.0, 86400.0])
def test_the_kernel_is_asked_again_at_once_where_somebody_set_the_clock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, jump: float
) -> None:
    """It vouched for the time that was shown before, and from then on it vouches for none."""
    state, wall = [0], [1e9]
    clock_module._state_of_clock.cache_clear()
    monkeypatch.setattr(ctypes, "PyDLL", lambda _: SimpleNamespace(adjtimex=lambda _: state[0]))
    monkeypatch.setattr(clock_module, "_SYNCHRONISED", tmp_path / "synchronized")
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    monkeypatch.setattr(time, "time", lambda: wall[0])
    clock = SystemClock()
    assert clock.is_synchronised()
    state[0], wall[0] = 5, wall[0] + jump
    assert not clock.is_synchronised()
    state[0] = 0
    assert not clock.is_synchronised(), "it is as it was said after that"
    clock_module._state_of_clock.cache_clear()


def test_a_machine_that_does_not_let_itself_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise OSError

    clock_module._state_of_clock.cache_clear()
    monkeypatch.setattr(ctypes, "PyDLL", forbidden)
    assert not SystemClock().is_synchronised()
    monkeypatch.undo()
    assert SystemClock().is_synchronised() in (True, False)


async def test_the_machines_clock_sleeps() -> None:
    await SystemClock().sleep(5)
    await SystemClock().sleep(-5)
    assert asyncio.get_running_loop().time() == 5
