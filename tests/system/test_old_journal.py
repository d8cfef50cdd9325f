"""A journal that is older than what the broker knows of it, or another one (contract, State, An old journal)."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.house import PRODUCT, House

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.probe import Seen

pytestmark = pytest.mark.mosquitto


def is_of(kind: str) -> Callable[[Seen], bool]:
    return lambda seen: bool(seen.json["event_type"] == kind)


def said(house: House) -> list[str]:
    """What was said of journals."""
    kinds = [seen.json["event_type"] for seen in house.probe.all("event/bridge")]
    return [kind for kind in kinds if kind.startswith("journal_")]


async def paused(house: House, reason: str | None) -> None:
    await house.probe.holds("bridge/health", lambda h: h["buying_paused_reason"] == reason)


def mark(house: House) -> Any:
    seen = house.probe.last("bridge/journal")
    assert seen is not None
    return seen.json


async def is_shown(house: House) -> None:
    """Returns once the broker knows of a purchase that came after what it knew before."""
    known = mark(house)["sequence"]
    await house.buy()
    await house.probe.holds("bridge/journal", lambda j: j["sequence"] > known)


async def test_a_backup_is_put_back(house: House) -> None:
    old = await house.buy()
    state, copy, newer = (house.folder / name for name in ("state", "copy", "newer"))
    await house.daemons[0].stop()
    shutil.copytree(state, copy)
    await house.again()
    lost = await house.buy(transaction="t-2")
    house.sim.deliver_sms(lost["purchase"], code="11111")
    await house.order(lost["order"], "received")
    first = (await house.probe.message("event/sms")).json
    await house.daemons[-1].stop()
    state.rename(newer)
    copy.rename(state)

    since = len(house.probe.seen)
    await house.again()
    event = (await house.probe.message("event/bridge", since, is_of("journal_restored"))).json
    assert event["watched"] == [lost["order"]]
    assert "an older one" in house.daemons[-1].log
    await paused(house, "journal_restored")
    await house.probe.text("buying", "on")
    for fields in ({"transaction": "t-2"}, {"transaction": "t-3"}, {}):
        refused = (await house.probe.ask("buy", {**PRODUCT, **fields}))["error"]
        assert (refused["code"], refused["retryable"]) == ("buying_paused", True)
    assert len(house.bought()) == 2
    again = (await house.probe.message("event/sms", since)).json
    assert (again["sms"], again["code"]) == (first["sms"], "11111")
    house.sim.deliver_sms(lost["purchase"], code="22222")
    other = (await house.probe.message("event/sms", since, lambda s: s.json["code"] == "22222")).json
    house.sim.deliver_sms(old["purchase"], code="33333")
    third = (await house.probe.message("event/sms", since, lambda s: s.json["code"] == "33333")).json
    assert len({first["sms"], other["sms"], third["sms"]}) == 3

    assert await house.probe.ask("buying/set", "on") == {"status": "ok", "transaction": None, "data": {"buying": "on"}}
    await paused(house, None)
    await house.buy(transaction="t-3")
    await house.again()
    await house.buy()
    assert said(house) == ["journal_restored"], "once"
    assert len(house.bought()) == 4


async def test_the_journal_is_deleted(house: House) -> None:
    order, over = await house.buy(), await house.buy()
    await house.probe.ok("cancel", {"order": over["order"]})
    await house.daemons[0].stop()
    shutil.rmtree(house.folder / "state")
    since = len(house.probe.seen)
    await house.again()
    event = (await house.probe.message("event/bridge", since, is_of("journal_new"))).json
    assert event["watched"] == [order["order"]]
    await house.buy()
    house.sim.deliver_sms(order["purchase"], code="11111")
    assert (await house.probe.message("event/sms", since)).json["order"] == order["order"]
    await house.probe.holds(f"orders/{over['order']}", lambda text: text == "", plain=True)
    await paused(house, None)
    await house.again()
    await house.buy()
    assert said(house) == ["journal_new"], "once"


async def test_a_crash_is_no_backup(house: House) -> None:
    await is_shown(house)
    for number in range(3):
        if number:
            await is_shown(house)
        await house.again(number=signal.SIGKILL)
        await house.buy()
    assert said(house) == []


async def test_what_the_journal_lost_at_its_end_is_found(house: House) -> None:
    """SQLite takes a log of its own that was cut for one that ends there; what was noted of it is lost with it."""
    await house.buy()
    await house.again()
    await is_shown(house)
    lost = await house.probe.ok("query/orders", {})
    await house.order(lost[0]["order"], "waiting")  # the broker holds it
    await house.daemons[-1].stop(signal.SIGKILL)
    for name in ("journal.sqlite3-wal", "lock"):
        os.truncate(house.folder / "state" / name, 0)
    since = len(house.probe.seen)
    await house.again()
    event = (await house.probe.message("event/bridge", since, is_of("journal_restored"))).json
    assert event["watched"] == [lost[0]["order"]]
    await paused(house, "journal_restored")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_another_base_topic_knows_nothing(open_house: Callable[..., Awaitable[House]], protocol: str) -> None:
    house = await open_house()
    await house.start({"mqtt": {"protocol": protocol}})
    await house.buy()
    state, copy = house.folder / "state", house.folder / "copy"
    await house.daemons[0].stop()
    shutil.copytree(state, copy)
    await house.again()
    await house.buy()
    await house.daemons[-1].stop()
    shutil.rmtree(state)
    copy.rename(state)
    house.probe = elsewhere = house.another_probe()
    elsewhere.base = house.base = f"{house.base}-else"
    async with elsewhere:
        await house.start({"mqtt": {"protocol": protocol, "base_topic": house.base}})
        await house.buy()
        assert said(house) == []
        await house.daemons[-1].stop()
