"""What may be on disk with what is written next is told before it, and is there no later than it is asked for."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Arrival, ArrivalKind, MessageKind, Posting
from shomare_mqtt.errors import JournalError, JournalFullError
from shomare_mqtt.journal import writer
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.files import JOURNAL
from shomare_mqtt.journal.jobs import Need, report
from shomare_mqtt.journal.room import AT_REST, Room
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.journal.wal import FRAME, HEADER, PAGE
from shomare_mqtt.model import Incoming, Message
from tests.commits import commits
from tests.patience import PATIENCE
from tests.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


class Soon:
    """One that may be on disk with what is written next: a key of `meta`. `is_written` is set once it is."""

    def __init__(self, database: Database, key: str, value: str = "x") -> None:
        self.is_written = asyncio.Event()
        self._database, self._key, self._value = database, key, value

    async def take(self) -> str:
        def work(connection: sqlite3.Connection) -> str:
            connection.execute("INSERT INTO meta VALUES (?, ?)", (self._key, self._value))
            return self._key

        return await self._database.run(work, Need.SOON, len(self._value), lambda _: self.is_written.set())

    async def written(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.is_written.wait()


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = Database(tmp_path / "state")
    await made.open()
    await write(made, "first")
    yield made
    await made.close()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "4m") as made:
        yield made


async def write(database: Database, key: str, value: str = "x", need: Need = Need.WAITS) -> None:
    await database.run(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (key, value)) and None, need, len(value))


async def keys(database: Database) -> set[str]:
    return await database.read(lambda c: {key for (key,) in c.execute("SELECT key FROM meta")})


async def after_a_crash(directory: Path) -> set[str]:
    """What the next process would find if this one died now."""
    copy = directory.parent / "copy"
    shutil.copytree(directory, copy)
    other = Database(copy)
    await other.open()
    found = await keys(other)
    await other.close()
    shutil.rmtree(copy)
    return found


async def test_it_is_told_before_it_is_on_disk_and_is_there_with_what_is_written_next(
    database: Database, tmp_path: Path
) -> None:
    state, soon = tmp_path / "state", Soon(database, "soon")
    before = commits(state)
    assert await soon.take() == "soon"
    assert await keys(database) == {"first", "soon"}
    assert (commits(state), await after_a_crash(state)) == (before, {"first"})
    assert not soon.is_written.is_set()
    await write(database, "next")
    assert soon.is_written.is_set(), "who waits for it is told first"
    assert (commits(state), await after_a_crash(state)) == (before + 1, {"first", "soon", "next"})


async def test_what_rides_goes_with_both(database: Database, tmp_path: Path) -> None:
    before, soon, rode = commits(tmp_path / "state"), Soon(database, "soon"), asyncio.Event()
    database.ride(lambda c: c.execute("INSERT INTO meta VALUES ('ride', 'x')"), rode.set)
    await soon.take()
    assert not rode.is_set()
    await write(database, "next")
    async with asyncio.timeout(PATIENCE):
        await rode.wait()
    assert commits(tmp_path / "state") == before + 1


async def test_it_is_written_with_what_rides_where_that_has_waited(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_RIDES", 0.01)
    soon = Soon(database, "soon")
    await soon.take()
    database.ride(lambda c: c.execute("INSERT INTO meta VALUES ('ride', 'x')"), lambda: None)
    await soon.written()


async def test_a_second_one_waits_for_the_disk_with_the_first(database: Database, tmp_path: Path) -> None:
    first, second = Soon(database, "soon"), Soon(database, "later")
    await first.take()
    await second.take()
    assert first.is_written.is_set()
    await second.written()
    assert await after_a_crash(tmp_path / "state") == {"first", "soon", "later"}


async def test_it_is_written_at_the_end(database: Database, tmp_path: Path) -> None:
    soon = Soon(database, "soon")
    await soon.take()
    await database.close()
    await soon.written()
    assert await after_a_crash(tmp_path / "state") == {"first", "soon"}


async def test_it_is_never_called_written_where_the_journal_fails(database: Database, tmp_path: Path) -> None:
    soon = Soon(database, "soon")
    await soon.take()
    with pytest.raises(JournalError, match="no such table"):
        await database.run(lambda c: c.execute("INSERT INTO missing VALUES (1)"))
    await database.close()
    await asyncio.sleep(0)
    assert not soon.is_written.is_set()
    assert await after_a_crash(tmp_path / "state") == {"first"}


async def test_nor_where_the_thread_fails(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    soon = Soon(database, "soon")
    await soon.take()
    monkeypatch.setattr("shomare_mqtt.journal.writer.report", failing_once(report))
    with pytest.raises(JournalError, match="the journal's thread failed"):
        await write(database, "next")
    await database.close()
    await asyncio.sleep(0)
    assert not soon.is_written.is_set()


def failing_once(real: Callable[..., None]) -> Callable[..., None]:
    failed: list[object] = []

    def fails(*values: Any) -> None:
        if not failed:
            failed.append(values)
            raise MemoryError
        real(*values)

    return fails


async def test_the_log_is_taken_in_though_it_is_open(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_CHECKPOINT", 1)
    for number in range(5):
        soon = Soon(database, f"soon {number}")
        await soon.take()
        await write(database, f"next {number}")
        await soon.written()
    assert len(await keys(database)) == 11


# --- a disk that is full --------------------------------------------------------------------------------------------


async def test_what_was_told_stands_though_what_came_with_it_finds_no_room(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_TRY_AGAIN", 0.01)
    database = Database(disk.path / "state")
    await database.open()
    disk.fill()
    soon = Soon(database, "soon")
    await soon.take()
    large = asyncio.create_task(write(database, "large", "x" * 1_500_000))
    await soon.written()
    assert await after_a_crash_elsewhere(disk) == {"soon"}
    disk.make_room()
    await large
    assert await keys(database) == {"soon", "large"}
    await database.close()


async def after_a_crash_elsewhere(disk: SmallDisk) -> set[str]:
    """As `after_a_crash`, with the copy on another disk."""
    copy = disk.path.parent / "copied" / "state"
    shutil.copytree(disk.path / "state", copy)
    return await after_a_crash(copy)


async def test_it_is_written_before_the_log_is_taken_in_to_make_room(disk: SmallDisk) -> None:
    database = Database(disk.path / "state")
    await database.open()
    disk.fill()
    soon = Soon(database, "soon")
    await soon.take()
    with pytest.raises(JournalFullError):
        await write(database, "large", "x" * 3_000_000, Need.SPARE)
    await soon.written()
    assert await keys(database) == {"soon"}
    await database.close()


async def test_without_room_it_is_refused_and_says_so_at_once(disk: SmallDisk) -> None:
    journal = Journal(disk.path / "state", SystemClock())
    await journal.open()
    disk.fill()
    written = asyncio.Event()
    incoming = Incoming("shomare/buy", b"x" * 2_000_000, packet_id=1)
    arrival = Arrival(incoming, "buy", "", "session", datetime.now(UTC), 0.0, written=written.set)
    (result,) = await journal.arrive([arrival], 60.0)
    assert result.kind is ArrivalKind.NO_ROOM
    assert written.is_set()
    await journal.close()


async def test_what_it_takes_itself_is_no_room_for_a_purchase(disk: SmallDisk) -> None:
    """The intent is refused where there would be none left for what comes of it, once both are written."""
    database = Database(disk.path / "state")
    await database.open()
    await write(database, "first")
    pages = left(disk)
    soon = Soon(database, "soon", "x" * (pages - AT_REST - 10) * PAGE)
    disk.fill()
    await soon.take()
    with pytest.raises(JournalFullError):
        await write(database, "intent", need=Need.INTENT)
    await database.close()


def left(disk: SmallDisk) -> int:
    """Frames for which the log has room yet."""
    log = disk.path / "state" / f"{JOURNAL}-wal"
    with log.open("rb") as file:
        return (log.stat().st_size - HEADER) // FRAME - Room(file.fileno()).used()


# --- a command ------------------------------------------------------------------------------------------------------


async def test_what_conflicts_is_answered_once_that_is_on_disk(tmp_path: Path) -> None:
    """Also where the outbox is read in the same moment."""
    journal, written = Journal(tmp_path / "state", SystemClock()), asyncio.Event()
    await journal.open()
    answer = Posting(MessageKind.ANSWER, Message("response/buy", b"no"))
    first = Arrival(
        Incoming("shomare/buy", b"{}", packet_id=1), "buy", "a", "s", datetime.now(UTC), journal.time.now(), keyed="t"
    )
    await journal.arrive([first], 60.0)
    second = first._replace(content="b", on_conflict=(answer,), written=written.set)
    before = commits(tmp_path / "state")
    (result,) = await journal.arrive([second], 60.0)
    assert result.kind is ArrivalKind.CONFLICT
    assert (commits(tmp_path / "state"), written.is_set()) == (before + 1, True)
    assert [row.message for row in await journal.outbox(0, 10)] == [answer.message]
    await journal.close()


async def test_how_far_the_journal_has_come_is_told_once_it_is_on_disk(tmp_path: Path) -> None:
    journal, written = Journal(tmp_path / "state", SystemClock()), asyncio.Event()
    await journal.open()
    advanced: list[int] = []
    journal.on_advanced = lambda: advanced.append(journal.sequence)
    arrival = Arrival(Incoming("shomare/buy", b"{}", packet_id=1), "buy", "", "s", datetime.now(UTC), 0.0)
    for each in (arrival, arrival._replace(written=written.set)):
        (result,) = await journal.arrive([each], 60.0)
        assert result.kind is ArrivalKind.NEW
    assert (advanced, journal.sequence, written.is_set()) == ([1], 1, False)
    await journal.write()
    assert (advanced, journal.sequence, written.is_set()) == ([1, 2], 2, True)
    await journal.close()
