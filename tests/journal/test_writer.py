"""What becomes of those who wait for the journal where it cannot do its work: they are told, or the daemon ends."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import shutil
import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import JournalError, JournalFullError, JournalUnusableError
from shomare_mqtt.journal import room, writer
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.files import JOURNAL, WAL
from shomare_mqtt.journal.jobs import Need
from tests.patience import PATIENCE
from tests.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path


async def write(database: Database, key: str, value: str = "x", need: Need = Need.WAITS) -> None:
    await database.run(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (key, value)) and None, need)


async def read(database: Database) -> set[str]:
    return await database.run(lambda c: {key for (key,) in c.execute("SELECT key FROM meta").fetchall()})


async def opened(directory: Path) -> Database:
    database = Database(directory)
    await database.open()
    return database


async def kept(directory: Path) -> set[str]:
    """What the next process finds."""
    database = await opened(directory)
    found = await read(database)
    await database.close()
    return found


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    made = await opened(tmp_path / "state")
    await write(made, "before")
    yield made
    await made.close()


# --- files that vanish ----------------------------------------------------------------------------------------------


def journal_gone(state: Path) -> None:
    (state / JOURNAL).unlink()


def journal_replaced(state: Path) -> None:
    shutil.copy(state / JOURNAL, state / "new")
    (state / "new").replace(state / JOURNAL)


def log_gone(state: Path) -> None:
    (state / WAL).unlink()


def log_replaced(state: Path) -> None:
    (state / WAL).unlink()
    (state / WAL).write_bytes(b"another journal's")


def lock_gone(state: Path) -> None:
    (state / "lock").unlink()


def all_gone(state: Path) -> None:
    shutil.rmtree(state)


def moved(state: Path) -> None:
    state.rename(state.with_name("elsewhere"))


def restored_under_it(state: Path) -> None:
    shutil.copytree(state, state.with_name("copy"))
    moved(state)
    state.with_name("copy").rename(state)


def journal_emptied(state: Path) -> None:
    os.truncate(state / JOURNAL, 0)


def log_emptied(state: Path) -> None:
    os.truncate(state / WAL, 0)


def log_filled_with_zeros(state: Path) -> None:
    size = (state / WAL).stat().st_size
    os.truncate(state / WAL, 0)
    os.truncate(state / WAL, size)


@pytest.mark.parametrize(
    "vanish", [journal_gone, journal_replaced, log_gone, log_replaced, lock_gone, all_gone, moved, restored_under_it]
)
async def test_no_purchase_is_begun_where_the_files_are_gone(
    tmp_path: Path, database: Database, vanish: Callable[[Path], None]
) -> None:
    await write(database, "bought", need=Need.INTENT)
    vanish(tmp_path / "state")
    await write(database, "its end")  # what is on its way may end
    for need in (Need.INTENT, Need.WAITS):
        with pytest.raises(JournalError, match="removed, moved or replaced while the daemon ran"):
            await write(database, "next", need=need)


@pytest.mark.parametrize("vanish", [log_gone, lock_gone, log_replaced])
async def test_what_only_the_log_held_is_kept_where_the_journal_is_there(
    tmp_path: Path, vanish: Callable[[Path], None]
) -> None:
    database = await opened(tmp_path)
    await write(database, "before")
    vanish(tmp_path)
    await write(database, "after")
    with pytest.raises(JournalError):
        await write(database, "next", need=Need.INTENT)
    await database.close()
    if vanish is log_replaced:  # not ours to remove
        assert (tmp_path / WAL).read_bytes() == b"another journal's"
        (tmp_path / WAL).unlink()
    assert await kept(tmp_path) == {"before", "after"}


@pytest.mark.parametrize("cut", [journal_emptied, log_emptied, log_filled_with_zeros])
async def test_no_purchase_is_begun_where_a_file_was_emptied(
    tmp_path: Path, database: Database, cut: Callable[[Path], None]
) -> None:
    await write(database, "bought", need=Need.INTENT)
    cut(tmp_path / "state")
    before = (tmp_path / "state" / JOURNAL).read_bytes()
    with pytest.raises(JournalError, match=r"emptied|cut off"):
        await write(database, "next", need=Need.INTENT)
    await database.close()
    if hasattr(sqlite3.Connection, "setconfig"):  # before Python 3.12 nobody can tell SQLite
        assert (tmp_path / "state" / JOURNAL).read_bytes() == before  # nothing is taken out of a log that is spoilt
    with pytest.raises(JournalUnusableError, match=r"is empty|removed or emptied|destroyed|cut off|replaced"):
        await opened(tmp_path / "state")


@pytest.mark.parametrize("what", ["", JOURNAL, WAL, "lock"])
async def test_what_was_moved_away_may_be_put_back(tmp_path: Path, what: str) -> None:
    """The daemon says so when it ends."""
    state, away = tmp_path / "state", tmp_path / "away"
    database = await opened(state)
    await write(database, "before")
    (state / what).rename(away)
    await write(database, "after")
    with pytest.raises(JournalError, match="Put the files back"):
        await write(database, "next", need=Need.INTENT)
    await database.close()
    away.rename(state / what)
    assert await kept(state) == {"before", "after"}


@pytest.mark.parametrize("vanish", [journal_gone, journal_replaced])
async def test_a_log_without_its_journal_is_no_empty_journal(tmp_path: Path, vanish: Callable[[Path], None]) -> None:
    database = await opened(tmp_path)
    await write(database, "before")
    vanish(tmp_path)
    await database.close()
    with pytest.raises(JournalUnusableError, match=r"is gone|was replaced"):
        await opened(tmp_path)


async def test_a_directory_that_was_moved_holds_all_of_it(tmp_path: Path) -> None:
    database = await opened(tmp_path / "state")
    await write(database, "before")
    restored_under_it(tmp_path / "state")
    await write(database, "after")
    beside = (tmp_path / "state" / WAL).read_bytes()
    await database.close()
    assert (tmp_path / "state" / WAL).read_bytes() == beside
    assert await kept(tmp_path / "state") == {"before"}
    with closing(sqlite3.connect(tmp_path / "elsewhere" / JOURNAL)) as connection:
        assert connection.execute("SELECT count(*) FROM meta").fetchone()[0] == 2


# --- a thread that fails --------------------------------------------------------------------------------------------


class Faulty(sqlite3.Connection):
    """Raises something at one statement."""

    statement = ""
    error: BaseException = MemoryError()

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == Faulty.statement:
            raise Faulty.error
        return super().execute(sql, *parameters)


@pytest.mark.parametrize("statement", ["BEGIN IMMEDIATE", "SAVEPOINT job", "RELEASE job", "COMMIT", "ROLLBACK TO job"])
@pytest.mark.parametrize(
    "error",
    [MemoryError(), RecursionError(), SystemError(), KeyboardInterrupt(), SystemExit(), sqlite3.DatabaseError()],
)
async def test_whatever_the_thread_raises_is_told_to_all_who_wait(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    statement: str,
    error: BaseException,
) -> None:
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: real(*args, **more, factory=Faulty))
    database = await opened(tmp_path)
    await write(database, "before")
    monkeypatch.setattr(Faulty, "error", error)
    monkeypatch.setattr(Faulty, "statement", statement)

    def faulty(connection: sqlite3.Connection) -> None:
        raise ValueError(connection)

    async with asyncio.timeout(PATIENCE):
        work = (faulty, read_keys, read_keys)
        results = await asyncio.gather(*(database.run(w) for w in work), return_exceptions=True)
        assert [type(r) for r in results[1:]] == [JournalError] * 2
        with pytest.raises(JournalError):
            await write(database, "later")
    if not isinstance(error, sqlite3.Error):
        assert f"the journal's thread failed: {type(error).__name__}" in caplog.text
    monkeypatch.setattr(Faulty, "statement", "")
    await database.close()
    monkeypatch.undo()
    assert "before" in await kept(tmp_path)


def read_keys(connection: sqlite3.Connection) -> list[Any]:
    return connection.execute("SELECT key FROM meta").fetchall()


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt(), SystemExit()])
async def test_what_is_raised_while_jobs_are_taken_is_told_too(
    database: Database, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(writer.Writer, "_carry_out", fail)
    async with asyncio.timeout(PATIENCE):
        for key in ("now", "later"):
            with pytest.raises(JournalError, match="thread failed"):
                await write(database, key)
    monkeypatch.undo()


async def test_where_nothing_can_be_told_any_more_the_process_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ended = threading.Event()
    statuses: list[int] = []

    def end(status: int) -> None:
        statuses.append(status)
        ended.set()

    def fail(*_: object) -> None:
        raise MemoryError

    database = await opened(tmp_path)
    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr(writer.Writer, "_carry_out", fail)
    monkeypatch.setattr(writer.Writer, "_end_all", fail)
    waiting = asyncio.create_task(write(database, "x"))
    assert await asyncio.to_thread(ended.wait, PATIENCE)
    assert statuses == [1]
    assert "the journal's thread cannot go on" in capfd.readouterr().err
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    monkeypatch.undo()
    await database.close()


@pytest.mark.parametrize("error", [RuntimeError("can't start new thread"), MemoryError()])
async def test_a_thread_that_cannot_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(threading.Thread, "start", fail)
    with pytest.raises(JournalError, match="cannot be opened"):
        await Database(tmp_path).open()
    monkeypatch.undo()
    await (await opened(tmp_path)).close()


# --- a disk that is full --------------------------------------------------------------------------------------------


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", "4m") as made:
        yield made


@pytest.mark.parametrize("again", [0.0, 0.05])
async def test_what_must_be_written_waits_for_room_and_reading_goes_on(
    disk: SmallDisk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, again: float
) -> None:
    monkeypatch.setattr(writer, "_TRY_AGAIN", again)
    caplog.set_level("INFO")
    database = await opened(disk.path)
    await write(database, "before")
    disk.fill()
    big = asyncio.create_task(write(database, "big", "x" * 1_500_000))
    while "waits in memory" not in caplog.text:
        assert await read(database) == {"before"}
    await write(database, "small")
    assert await read(database) == {"before", "small"}
    assert not big.done()
    disk.make_room()
    async with asyncio.timeout(PATIENCE):
        while not big.done():  # nor does it starve by that
            await read(database)
    assert caplog.text.count("waits in memory") == 1
    assert "the disk has room again" in caplog.text
    await database.close()
    assert await kept(disk.path) == {"before", "small", "big"}


async def test_a_journal_that_cannot_grow_is_closed_and_opened_again(disk: SmallDisk) -> None:
    database = await opened(disk.path)
    disk.fill()
    written = {str(number) for number in range(1000)}
    for number in range(1000):
        try:
            await write(database, str(number), "x" * 20_000, Need.SPARE)
        except JournalFullError:
            written = set(map(str, range(number)))
            break
    assert 10 < len(written) < 1000
    await database.close()
    assert (disk.path / WAL).stat().st_size
    assert await kept(disk.path) == written
    disk.make_room()
    assert await kept(disk.path) == written


@pytest.mark.parametrize("times", [1, 2])
async def test_room_is_kept_while_nothing_runs(disk: SmallDisk, times: int) -> None:
    for _ in range(times):
        database = await opened(disk.path)
        await write(database, f"before {_}")
        await database.close()
    disk.fill()
    database = await opened(disk.path)
    await write(database, "bought", need=Need.INTENT)
    await write(database, "its end", "x" * 100_000)
    await database.close()
    disk.fill()
    assert await kept(disk.path) >= {"before 0", "bought", "its end"}


async def test_room_that_is_left_beside_a_log_is_given_back(tmp_path: Path) -> None:
    await (await opened(tmp_path)).close()
    room_left = tmp_path / f"{JOURNAL}-room"
    (tmp_path / WAL).touch()
    assert room_left.stat().st_size > 100_000
    database = await opened(tmp_path)
    assert not room_left.exists()
    await database.close()


async def test_a_file_that_may_not_grow_is_a_full_disk(database: Database) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, before[1]))
    try:
        big = asyncio.create_task(write(database, "big", "x" * 1_500_000))
        assert await read(database) == {"before"}
        with pytest.raises(JournalFullError):
            await write(database, "bought", "x" * 1_500_000, Need.INTENT)
        assert not big.done()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    async with asyncio.timeout(PATIENCE):
        await big


async def test_what_waits_when_the_journal_is_closed_is_told(disk: SmallDisk) -> None:
    database = await opened(disk.path)
    disk.fill()
    big = asyncio.create_task(write(database, "big", "x" * 1_500_000))
    refused = asyncio.create_task(write(database, "also big", "x" * 1_500_000, Need.SPARE))
    with pytest.raises(JournalFullError, match="full"):
        await refused
    await database.close()
    with pytest.raises(JournalFullError, match="full"):
        await big
    assert await kept(disk.path) == set()
    disk.make_room()


async def test_what_waits_is_told_when_the_disk_breaks(disk: SmallDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    database = await opened(disk.path)
    disk.fill()
    big = asyncio.create_task(write(database, "big", "x" * 1_500_000))
    await read(database)

    def broken(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with pytest.raises(JournalError, match="disk I/O error"):
        await database.run(broken)
    with pytest.raises(JournalError, match="disk I/O error"):
        await big
    await database.close()


async def test_the_log_is_taken_in_again_and_again(database: Database, tmp_path: Path) -> None:
    for number in range(300):
        await write(database, str(number), "x" * 20_000)
    assert (tmp_path / "state" / WAL).stat().st_size < 1300 * 4120
    assert len(await read(database)) == 301


async def test_a_reader_in_the_way_of_taking_the_log_in(database: Database, tmp_path: Path) -> None:
    reading: list[sqlite3.Cursor] = []
    await database.run(lambda c: reading.append(c.execute("SELECT key FROM meta UNION ALL SELECT id FROM orders")))
    await database.run(lambda _: next(reading[0], None))
    for number in range(300):
        await write(database, str(number), "x" * 20_000, Need.SPARE)
    assert len(await read(database)) == 301
    await database.close()
    assert len(await kept(tmp_path / "state")) == 301


@pytest.mark.parametrize("cannot", [AttributeError(), OSError(errno.EOPNOTSUPP, "not supported")])
async def test_a_file_system_that_allocates_nothing_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cannot: Exception
) -> None:
    def fail(*_: object) -> None:
        raise cannot

    monkeypatch.setattr(os, "posix_fallocate", fail)
    database = await opened(tmp_path)
    await write(database, "bought", need=Need.INTENT)
    log = (tmp_path / WAL).stat()
    assert log.st_blocks * 512 >= log.st_size > (room.AT_REST + room.FOR_ORDER) * 4120
    await database.close()


async def test_a_disk_that_fails_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    with pytest.raises(JournalError, match="cannot be opened: Input/output error"):
        await opened(tmp_path)
    monkeypatch.undo()
    assert await kept(tmp_path) == set()


async def test_a_disk_that_fails_while_room_is_made(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "posix_fallocate", fail)
    monkeypatch.setattr(writer, "FOR_ORDER", 10_000)
    with pytest.raises(JournalError, match="Input/output error"):
        await write(database, "bought", need=Need.INTENT)
