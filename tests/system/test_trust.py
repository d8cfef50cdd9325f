"""What is believed of whom: one call of all, a page of the provider, a clock of the journal (contract, Answers)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.system.house import PRODUCT, TOKEN

if TYPE_CHECKING:
    from tests.system.house import House

WATCHED = [
    {"country": "Russia", "operator": "MTS", "application": "Telegram"},
    {"country": "7", "operator": "1", "application": "1"},
]


async def test_a_token_that_is_refused_for_a_moment(house: House) -> None:
    """Nobody asks for anything meanwhile: the daemon finds out by itself, in seconds."""
    order = await house.buy()
    house.sim.option(token="another")
    await house.probe.holds("provider/state", lambda s: s["state"] == "unauthorized")
    house.sim.option(token=TOKEN)
    house.sim.deliver_sms(order["purchase"], code="343434")
    assert (await house.probe.message("code")).text == "343434"
    await house.probe.holds("provider/state", lambda s: s["state"] == "online")


@pytest.mark.parametrize("status", [200, 403, 404, 503])
async def test_a_filter_that_comes_in_between(house: House, status: int) -> None:
    order = await house.buy()
    house.sim.fault("*", "html", times=None, status=status)
    assert (await house.probe.holds("provider/state", lambda s: s["state"] == "misunderstood"))["error"]
    house.sim.clear_faults()
    house.sim.deliver_sms(order["purchase"], code="343434")
    assert (await house.probe.message("code")).text == "343434"
    await house.probe.holds("provider/state", lambda s: s["state"] == "online")


async def test_a_clock_that_was_ahead_once(house: House) -> None:
    """The provider's `Date` vouches for it where the kernel does not."""
    await house.daemons[-1].stop()
    with closing(sqlite3.connect(house.folder / "state" / "journal.sqlite3")) as journal, journal:
        (text,) = journal.execute("SELECT value FROM meta WHERE key = 'anchor'").fetchone()
        anchor = json.loads(text)
        anchor[4] = (datetime.now(UTC) + timedelta(days=2)).isoformat()
        journal.execute("UPDATE meta SET value = ? WHERE key = 'anchor'", (json.dumps(anchor),))
    since = len(house.probe.seen)
    await house.launch(house.settings)
    await house.probe.message("profile", since)
    await house.probe.ok("query/profile", {})
    soon = (datetime.now(UTC) + timedelta(minutes=5)).isoformat().replace("+00:00", "Z")
    assert (await house.probe.ok("buy", {**PRODUCT, "expires_at": soon}))["state"] == "waiting"


@pytest.mark.parametrize("provider", ["there", "away"])
async def test_the_discovery_at_a_start_is_that_of_before(house: House, provider: str) -> None:
    await house.daemons[-1].stop()
    since = len(house.probe.seen)
    await house.launch({"prices": WATCHED})
    house.settings = {"prices": WATCHED}
    await house.probe.message("prices/7/1", since)
    (topic,) = {s.topic for s in house.probe.seen if s.topic.startswith(f"/{house.base}-ha/device/")}
    complete = await house.probe.message(topic, since, lambda s: s.text.count('"price_7_1_') >= 2)
    if provider == "away":
        await house.daemons[-1].stop()
        await house.sim.stop()
    since = len(house.probe.seen)
    await house.again()
    await house.probe.message(topic, since)
    assert {s.payload for s in house.probe.all(topic, since)} == {complete.payload}
