"""The journal's file: what cannot be used is said and left alone, what is written is all there or not at all."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import stat
import sys
import tempfile
import threading
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import InstanceConflictError, JournalError
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.opening import APPLICATION_ID, schema_files
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


async def write(database: Database, key: str, value: str) -> None:
    await database.run(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (key, value)) and None)


async def read(database: Database) -> dict[str, str]:
    return await database.run(lambda c: dict(c.execute("SELECT key, value FROM meta").fetchall()))


@asynccontextmanager
async def waiting(database: Database) -> AsyncIterator[None]:
    """What is given to the database in the block waits until its end: it is taken all at once."""
    begun, going_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        begun.set()
        going_on.wait(PATIENCE)

    held = asyncio.create_task(database.run(hold))
    await asyncio.to_thread(begun.wait, PATIENCE)  # it has been taken, alone
    try:
        yield
        await asyncio.sleep(0)  # all that was begun in the block is given
    finally:
        going_on.set()
    await held


async def opened(directory: Path) -> Database:
    database = Database(directory)
    await database.open()
    return database


async def made(directory: Path) -> Path:
    """The file of a journal that holds something."""
    database = await opened(directory)
    await write(database, "kept", "yes")
    await database.close()
    return directory / "journal.sqlite3"


# --- files that cannot be used --------------------------------------------------------------------------------------


def damage_pages(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def damage_header(path: Path) -> None:
    path.write_bytes(b"this is no database" * 1000)


def make_newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 999")


def give_away(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA application_id = 1")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage_pages, "damaged"),
        (damage_header, "not a database"),
        (make_newer, "made by a newer shomare-mqtt"),
        (give_away, "of another program"),
    ],
)
async def test_a_file_that_cannot_be_used_is_said_and_left_as_it_is(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    path = await made(tmp_path)
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=words):
        await opened(tmp_path)
    assert path.read_bytes() == before
    with pytest.raises(JournalError, match=words):  # the lock was let go: it is the file that is wrong
        await opened(tmp_path)


async def test_a_directory_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(JournalError, match=r"cannot be opened: .*; nothing is bought without a journal"):
        await opened(tmp_path / "state")


async def test_a_journal_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").mkdir()
    with pytest.raises(JournalError, match="Is a directory"):
        await opened(tmp_path)


LOOK = """
import asyncio, os, sys
from pathlib import Path
from shomare_mqtt.errors import JournalError
from shomare_mqtt.journal.database import Database
if os.getuid() == 0:
    os.setuid(65534)  # root may write anywhere
try:
    asyncio.run(Database(Path(sys.argv[1])).open())
except JournalError as error:
    print(error)
"""


async def test_a_read_only_directory() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o555)  # noqa: ASYNC240 - nothing else is to be done meanwhile
        looking = await asyncio.create_subprocess_exec(
            sys.executable, "-c", LOOK, f"{folder}/state", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await looking.communicate()
    assert b"cannot be opened: Permission denied; nothing is bought without a journal" in said


async def test_whatever_keeps_the_file_from_being_opened_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shomare_mqtt.journal.opening.schema_files", lambda: [1 / 0])
    with pytest.raises(ZeroDivisionError):
        await opened(tmp_path)


class Failing(sqlite3.Connection):
    """A disk that is gone: what is written cannot be kept, and not be undone either."""

    def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
        if sql == "COMMIT" and self.total_changes:
            raise sqlite3.OperationalError("disk I/O error")
        return super().execute(sql, *parameters)

    def rollback(self) -> None:
        raise sqlite3.OperationalError("disk I/O error")


async def test_a_disk_that_is_gone_is_said_to_all_who_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await made(tmp_path)
    real = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *args, **more: real(*args, **more, factory=Failing))
    database = await opened(tmp_path)
    for key in ("now", "later"):
        with pytest.raises(JournalError, match="disk I/O error; nothing is bought without a journal"):
            async with asyncio.timeout(PATIENCE):
                await write(database, key, "x")
    await database.close()
    monkeypatch.undo()
    again = await opened(tmp_path)
    assert await read(again) == {"kept": "yes"}
    await again.close()


# --- one writer -----------------------------------------------------------------------------------------------------


async def test_a_second_journal_in_the_same_directory_is_refused(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    with pytest.raises(InstanceConflictError, match="another daemon uses the state directory"):
        await opened(tmp_path)
    await write(first, "still", "writes")
    await first.close()
    await (await opened(tmp_path)).close()


async def test_a_directory_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    path = await made(tmp_path / "state")
    path.parent.chmod(0o755)
    path.chmod(0o644)
    (path.parent / "lock").chmod(0o644)
    await (await opened(path.parent)).close()
    assert [stat.S_IMODE(p.stat().st_mode) for p in (path.parent, path, path.parent / "lock")] == [0o700, 0o600, 0o600]


# --- what is written ------------------------------------------------------------------------------------------------


async def test_what_waits_together_is_written_together(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    statements: list[str] = []
    await database.run(lambda c: c.set_trace_callback(statements.append))
    async with waiting(database):
        writing = asyncio.gather(*(write(database, str(i), "x") for i in range(300)))
    await writing
    assert len(await read(database)) == 300
    assert statements.count("COMMIT") < 20
    await database.close()


async def test_a_fault_in_one_piece_of_work_spoils_no_other(tmp_path: Path) -> None:
    database = await opened(tmp_path)

    def faulty(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO meta VALUES ('half', 'done')")
        raise ValueError("a bug")

    results = await asyncio.gather(
        write(database, "a", "1"), database.run(faulty), write(database, "b", "2"), return_exceptions=True
    )
    assert [type(r) for r in results] == [type(None), ValueError, type(None)]
    assert await read(database) == {"a": "1", "b": "2"}
    await database.close()


async def test_who_gives_up_waiting_hurts_nobody(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    task = asyncio.create_task(write(database, "a", "1"))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await read(database) == {"a": "1"}
    await database.close()


async def test_after_closing_nothing_is_written(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    last = asyncio.create_task(write(database, "last", "word"))
    await asyncio.sleep(0)
    await database.close()
    await last
    with pytest.raises(JournalError, match="closed"):
        await write(database, "late", "word")
    await database.close()
    again = await opened(tmp_path)
    assert await read(again) == {"last": "word"}
    await again.close()


async def test_what_is_asked_for_while_it_is_closed_is_refused_and_not_forgotten(tmp_path: Path) -> None:
    """Its thread may have ended before it comes to that: nobody would ever be answered."""
    database = await opened(tmp_path)
    done: list[str] = []
    async with waiting(database):
        before = asyncio.create_task(write(database, "before", "the end"))
        await asyncio.sleep(0)
        closing_ = asyncio.create_task(database.close())
        await asyncio.sleep(0)
        database.ride(lambda c: c.execute("INSERT INTO meta VALUES ('riding', 'late')"), lambda: done.append("late"))
        with pytest.raises(JournalError, match="closed"):
            await asyncio.wait_for(write(database, "after", "the end"), PATIENCE)
    await asyncio.gather(before, closing_)
    assert not done
    again = await opened(tmp_path)
    assert await read(again) == {"before": "the end"}
    await again.close()


async def test_an_error_of_the_database_undoes_all_that_waited_with_it(tmp_path: Path) -> None:
    database = await opened(tmp_path)
    async with waiting(database):
        writing = asyncio.gather(
            write(database, "a", "1"), write(database, "a", "2"), write(database, "b", "3"), return_exceptions=True
        )
    results = await writing
    assert [type(r) for r in results] == [JournalError] * 3
    await database.close()
    again = await opened(tmp_path)
    assert await read(again) == {}
    await again.close()


async def test_who_gives_up_opening_leaves_nothing_held(tmp_path: Path) -> None:
    database = Database(tmp_path)
    task = asyncio.create_task(database.open())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    await (await opened(tmp_path)).close()


def test_what_was_given_is_written_though_the_loop_is_gone(tmp_path: Path) -> None:
    """A process that is torn down in the middle."""
    database, gone = Database(tmp_path), threading.Event()

    async def give() -> None:
        await database.open()
        asyncio.ensure_future(database.run(lambda _: gone.wait(PATIENCE)))  # noqa: RUF006 - nobody waits: that is the point
        asyncio.ensure_future(write(database, "last", "word"))  # noqa: RUF006
        await asyncio.sleep(0)

    asyncio.run(give())
    gone.set()
    database._jobs.put(None)
    assert database._thread is not None
    database._thread.join(PATIENCE)
    with closing(sqlite3.connect(tmp_path / "journal.sqlite3")) as connection:
        assert dict(connection.execute("SELECT key, value FROM meta").fetchall()) == {"last": "word"}


async def test_a_new_file_carries_the_programs_mark(tmp_path: Path) -> None:
    path = await made(tmp_path)
    with closing(sqlite3.connect(path)) as connection:
        marks: list[Any] = [connection.execute(f"PRAGMA {p}").fetchone()[0] for p in ("application_id", "journal_mode")]
    assert marks == [APPLICATION_ID, "wal"]


async def test_a_migration_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await made(tmp_path / "old")
    shutil.copytree(path.parent, tmp_path / "state")
    broken = [*schema_files(), (len(schema_files()) + 1, "CREATE TABLE fresh (x);\nCREATE TABLE meta (twice);")]
    monkeypatch.setattr("shomare_mqtt.journal.opening.schema_files", lambda: broken)
    with pytest.raises(JournalError, match="cannot be opened"):
        await opened(tmp_path / "state")
    monkeypatch.undo()
    database = await opened(tmp_path / "state")
    assert await read(database) == {"kept": "yes"}
    await database.close()
