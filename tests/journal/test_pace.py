"""Whether the journal's thread gets on: what `healthz` and systemd's watchdog know of it."""

from __future__ import annotations

import asyncio
import math
import threading
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.journal import writer
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.jobs import Job, Need
from shomare_mqtt.journal.store import Journal
from tests.patience import PATIENCE
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "state")
    await made.open()
    yield made
    await made.close()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - a thread that stands tells nobody
            await asyncio.sleep(0)


async def test_a_thread_that_is_held_up_stands(database: Database) -> None:
    gate = threading.Event()
    held = asyncio.create_task(database.run(lambda _: gate.wait(PATIENCE)))
    await until(lambda: database.stood() > 0.01)
    waits = asyncio.create_task(database.run(lambda _: None))
    await until(lambda: database.stood() > 0.02)
    gate.set()
    await asyncio.gather(held, waits)
    await until(lambda: database.stood() == 0)


@pytest.mark.parametrize("need", [Need.SOON, Need.RIDES])
async def test_one_that_waits_for_the_next_job_does_not(database: Database, need: Need) -> None:
    """What stays open or rides along waits for a moment that is set."""
    if need is Need.RIDES:
        database.ride(lambda _: None, lambda: None)
    else:
        await database.run(lambda _: None, need)
    await until(lambda: database.stood() == 0)
    await asyncio.sleep(0.02)
    assert database.stood() == 0


async def test_a_dead_thread_stands_where_somebody_waits(database: Database) -> None:
    thread = database._thread
    assert thread is not None
    database._jobs.put(None)
    thread.join()
    assert database.stood() == 0
    database._jobs.put(Job(lambda _: None, Need.WAITS))
    assert database.stood() == math.inf
    database._jobs.get()


async def test_it_is_told_where_the_disk_has_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TRY_AGAIN", 0.0)
    with small_disk(tmp_path / "disk", "4m") as disk:
        journal = Journal(disk.path, SystemClock())
        assert not journal.is_full
        assert journal.stood() == 0
        await journal.open()
        disk.fill()
        big = asyncio.create_task(journal.put_meta({"big": "x" * 1_500_000}))
        await until(lambda: journal.is_full)
        disk.make_room()
        await big
        await until(lambda: not journal.is_full)
        await journal.close()
