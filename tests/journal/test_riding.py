"""What need not be on disk at once: it goes with what is written next, and costs no wait for the disk of its own."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import threading
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Batch, Condition, Ids, MessageKind, Posting, Record, SpendFacts
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalError, JournalFullError
from shomare_mqtt.journal import writer
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import Candidate, Message, Order, OrderState, Product
from tests.commits import commits
from tests.patience import PATIENCE
from tests.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


NOW = datetime.now(UTC)


async def opened(directory: Path) -> Journal:
    journal = Journal(directory, SystemClock())
    await journal.open()
    return journal


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    """With two messages in its outbox, the rows 1 and 2."""
    made = await opened(tmp_path / "state")
    posting = Posting(MessageKind.EVENT, Message("event/order", b"{}"))
    await made.commit(Batch(postings=[posting, posting]))
    yield made
    await made.close()


async def waiting(journal: Journal) -> list[int]:
    """Rows that are to be sent."""
    rows = [row.row for row in await journal.outbox(0, 100)]
    assert len(rows) == await journal.outbox_length()
    return rows


async def after_a_crash(tmp_path: Path) -> list[int]:
    """Rows that the next process would send if this one died now."""
    shutil.copytree(tmp_path / "state", tmp_path / "copy", dirs_exist_ok=True)
    journal = await opened(tmp_path / "copy")
    rows = await waiting(journal)
    await journal.close()
    shutil.rmtree(tmp_path / "copy")
    return rows


async def written(journal: Journal) -> None:
    """Returns once nothing rides any more."""
    async with asyncio.timeout(PATIENCE):
        while journal._sent:  # noqa: ASYNC110 - a set tells nobody
            await asyncio.sleep(0.001)


@asynccontextmanager
async def together(journal: Journal) -> AsyncIterator[None]:
    """What the journal is asked for in the block is carried out at its end, all at once."""
    begun, going_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        going_on.wait(PATIENCE)

    held = asyncio.create_task(journal._database.read(hold))
    await asyncio.to_thread(begun.wait, PATIENCE)
    try:
        yield
        await asyncio.sleep(0)
    finally:
        going_on.set()
    await held


async def test_what_was_sent_waits_for_no_disk_and_is_not_read_again(journal: Journal, tmp_path: Path) -> None:
    before = commits(tmp_path / "state")
    await journal.sent([1])
    assert await waiting(journal) == [2]
    await journal.sent([2])
    assert await waiting(journal) == []
    assert commits(tmp_path / "state") == before
    assert await after_a_crash(tmp_path) == [1, 2], "at least once"


async def test_it_is_written_with_what_is_written_next(journal: Journal, tmp_path: Path) -> None:
    before = commits(tmp_path / "state")
    await journal.sent([1])
    await journal.put_meta({"next": "x"})
    assert commits(tmp_path / "state") == before + 1
    assert await after_a_crash(tmp_path) == [2]


async def test_it_is_written_at_the_end(journal: Journal, tmp_path: Path) -> None:
    await journal.sent([1])
    await journal.close()
    await journal.sent([2])  # too late: the process that comes next sends it again
    again = await opened(tmp_path / "state")
    assert await waiting(again) == [2]
    await again.close()


async def test_it_is_written_by_itself_a_while_later(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_RIDES", 0.01)
    before = commits(tmp_path / "state")
    await journal.sent([1])
    await written(journal)
    assert commits(tmp_path / "state") == before + 1
    assert await after_a_crash(tmp_path) == [2]


async def test_it_is_written_by_itself_where_it_is_much(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_MOST_RIDING", 2)
    await journal.sent([1])
    assert await after_a_crash(tmp_path) == [1, 2]
    await journal.sent([2])
    await written(journal)
    assert await after_a_crash(tmp_path) == []


async def test_what_is_read_while_it_is_written_is_not_sent_again(journal: Journal) -> None:
    await journal.sent([1])
    async with together(journal):
        reading = asyncio.create_task(journal.outbox(0, 100))
        writing = asyncio.create_task(journal.put_meta({"next": "x"}))
    assert [row.row for row in await reading] == [2]
    await writing
    assert not journal._sent


async def test_what_was_sent_is_not_counted_as_dropped(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shomare_mqtt.journal.store.OUTBOX_MOST", 0)
    await journal.sent([1])
    assert await journal.forget(86400) == 1
    assert await waiting(journal) == []


@pytest.mark.parametrize("changed", [False, True])
async def test_what_is_told_of_an_orders_ids_replaces_nothing_newer(
    journal: Journal, tmp_path: Path, changed: bool
) -> None:
    order = Order("01KJMMA2G0HGFZPET2PGJ03D0T", OrderState.WAITING, Product("1", "1", "1"), NOW, NOW)
    record = Record(order, made=0.0, ids=Ids((Candidate("id", "p1"),)))
    told, newer = Ids((Candidate("id", "p1"),), is_confirmed=True), Ids((Candidate("id", "p2"),))
    await journal.commit(Batch(records=[record]))
    if changed:
        await journal.commit(Batch(records=[replace(record, ids=newer)]))
    before = commits(tmp_path / "state")
    journal.note_ids(record, told)
    assert commits(tmp_path / "state") == before
    await journal.put_meta({"next": "x"})
    found = await journal.find(order.order)
    assert found is not None
    assert found.ids == (newer if changed else told)


@pytest.mark.parametrize("changed", [False, True])
async def test_what_is_told_of_an_orders_end_replaces_nothing_newer(
    journal: Journal, tmp_path: Path, changed: bool
) -> None:
    order = Order("01KJMMA2G0HGFZPET2PGJ03D0T", OrderState.WAITING, Product("1", "1", "1"), NOW, NOW)
    record = Record(order, made=0.0, deadline=1200.0)
    later = NOW + timedelta(seconds=60)
    told = replace(record, deadline=900.0, order=replace(order, expires_at=later, updated_at=later))
    newer = replace(record, deadline=600.0)
    await journal.commit(Batch(records=[record]))
    if changed:
        await journal.commit(Batch(records=[newer]))
    before = commits(tmp_path / "state")
    journal.note_end(record, told)
    assert commits(tmp_path / "state") == before
    await journal.put_meta({"next": "x"})
    assert await journal.find(order.order) == (newer if changed else told)


async def test_a_fault_in_what_is_read_comes_out(journal: Journal) -> None:
    def faulty(_: sqlite3.Connection) -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await journal._database.read(faulty)
    assert await waiting(journal) == [1, 2]


async def test_a_file_that_cannot_be_read_is_said(journal: Journal) -> None:
    with pytest.raises(JournalError, match="no such table"):
        await journal._database.read(lambda c: c.execute("SELECT * FROM missing"))
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(JournalError, match="no such table"):
            await journal.put_meta({"next": "x"})


# --- a disk that is full --------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "4m") as made:
        yield made


def big(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO meta VALUES ('big', ?)", ("x" * 1_500_000,))


async def keys(database: Database) -> set[str]:
    return await database.read(lambda c: {key for (key,) in c.execute("SELECT key FROM meta")})


async def write(database: Database, key: str) -> None:
    await database.run(lambda c: c.execute("INSERT INTO meta VALUES (?, 'x')", (key,)) and None)


async def test_what_finds_no_room_to_ride_holds_nothing_up(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TRY_AGAIN", 0.01)
    database, done = Database(disk.path), asyncio.Event()
    await database.open()
    disk.fill()
    database.ride(big, done.set)
    for number in range(3):
        await write(database, str(number))
    assert await keys(database) == {"0", "1", "2"}
    assert not done.is_set()
    disk.make_room()
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    assert await keys(database) == {"0", "1", "2", "big"}
    await database.close()


async def test_what_rides_when_the_journal_is_closed_on_a_full_disk_is_not_written(disk: SmallDisk) -> None:
    database, done = Database(disk.path), asyncio.Event()
    await database.open()
    disk.fill()
    database.ride(big, done.set)
    await write(database, "written")
    await database.close()
    async with asyncio.timeout(PATIENCE):
        await done.wait()
    disk.make_room()
    await database.open()
    assert await keys(database) == {"written"}
    await database.close()


async def test_what_rides_is_written_at_the_end_though_something_larger_finds_no_room(disk: SmallDisk) -> None:
    database = Database(disk.path)
    await database.open()
    disk.fill()
    waiting = asyncio.create_task(database.run(big))
    await asyncio.sleep(0)
    database.ride(lambda c: c.execute("INSERT INTO meta VALUES ('small', 'x')"), lambda: None)
    await database.close()
    with pytest.raises(JournalFullError):
        await waiting
    disk.make_room()
    await database.open()
    assert await keys(database) == {"small"}
    await database.close()


async def test_a_topic_that_is_published_again_stays_written_down(disk: SmallDisk) -> None:
    """Also where the disk has room for that alone, and it is emptied in the journal after it."""
    journal = await opened(disk.path / "state")
    await journal.remember_retained(["emptied", "again"])
    disk.fill()
    waiting = asyncio.create_task(journal._database.run(big))
    await journal.forget_retained(["emptied", "again"])
    await journal.remember_retained(["again"])
    disk.make_room()
    await waiting
    await journal.close()
    journal = await opened(disk.path / "state")
    assert await journal.retained() == {"again"}
    await journal.close()


async def test_what_rides_when_the_journal_fails_is_given_up(journal: Journal) -> None:
    def broken(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    await journal.sent([1])
    with pytest.raises(JournalError, match="disk I/O error"):
        await journal._database.run(broken)
    await written(journal)
    with pytest.raises(JournalError, match="disk I/O error"):
        await waiting(journal)


# --- conditions -----------------------------------------------------------------------------------------------------


async def test_nothing_is_written_where_its_condition_does_not_hold(journal: Journal, tmp_path: Path) -> None:
    seen: list[SpendFacts] = []

    def check(facts: SpendFacts) -> None:
        seen.append(facts)
        raise CommandRefusedError(ErrorCode.LIMIT_REACHED, "one is enough")

    before = commits(tmp_path / "state")
    async with together(journal):
        batch: Any = Batch(meta={"refused": "x"})
        refused = asyncio.create_task(journal.commit(batch, Condition(check, 60.0, 60.0)))
        other = asyncio.create_task(journal.put_meta({"other": "x"}))
    with pytest.raises(CommandRefusedError, match="one is enough"):
        await refused
    await other
    assert len(seen) == 1
    assert commits(tmp_path / "state") == before + 1
    meta = await journal.meta()
    assert ("refused" in meta, "other" in meta) == (False, True)
