"""The SQLite file: one thread that reads and writes, commits that wait together go together.

SQLite's calls block and an fsync on an SD card takes tens of milliseconds, so they have a thread of their own.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import queue
import sqlite3
import stat
import threading
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeVar

from shomare_mqtt.errors import InstanceConflictError, JournalError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")

APPLICATION_ID = 0x53484D51  # "SHMQ"
_MOST_TOGETHER = 256


class Database:
    """One open journal file. Every failure of SQLite's is a JournalError, after which nothing more is written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock: int | None = None
        self._failed: JournalError | None = None

    async def open(self) -> None:
        """Open, check and migrate the file, and hold the directory.

        Raises InstanceConflictError where another process holds it, JournalError for a file or a directory that cannot
        be used; such a file is left as it is.
        """
        opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lock = _hold(self._directory)
        self._thread = threading.Thread(target=self._work, args=(opened,), name="journal", daemon=True)
        self._thread.start()
        try:
            await opened
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the thread after what was asked for before, and let go of the directory."""
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, after its transaction is on disk.

        `work` runs in the journal's thread, in a transaction shared with what waits at the same moment; where it raises
        something of its own, only its own part is undone, and the exception comes out here. Raises JournalError.
        """
        if self._thread is None:
            raise JournalError("the journal is closed")
        job = _Job(work, asyncio.get_running_loop())
        self._jobs.put(job)
        # Shielded: a caller that gives up must not leave a future that the thread would resolve in vain.
        result: T = await asyncio.shield(job.future)
        return result

    def _work(self, opened: asyncio.Future[None]) -> None:
        loop = opened.get_loop()
        try:
            connection = _connect(self._directory / "journal.sqlite3")
        except (sqlite3.Error, OSError) as error:
            loop.call_soon_threadsafe(_settle, opened, None, _cannot("opened", self._directory, error))
            return
        except Exception as error:  # noqa: BLE001 - whatever it is: who waits for the file must not wait for ever
            loop.call_soon_threadsafe(_settle, opened, None, error)
            return
        loop.call_soon_threadsafe(_settle, opened, None, None)
        try:
            while jobs := self._next():
                self._carry_out(connection, jobs)
        finally:
            connection.close()

    def _next(self) -> list[_Job]:
        """All jobs that wait, at least one; none where the journal is to be closed."""
        first = self._jobs.get()
        if first is None:
            return []
        jobs = [first]
        while len(jobs) < _MOST_TOGETHER and not self._jobs.empty():
            job = self._jobs.get()
            if job is None:
                self._jobs.put(None)
                break
            jobs.append(job)
        return jobs

    def _carry_out(self, connection: sqlite3.Connection, jobs: list[_Job]) -> None:
        if self._failed is None:
            try:
                connection.execute("BEGIN IMMEDIATE")
                for job in jobs:
                    job.carry_out(connection)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                # Closing undoes what was begun; to undo it here may fail as well, and then nobody would be told.
                self._failed = _cannot("written", self._directory, error)
        for job in jobs:
            job.report(self._failed)


class _Job:
    """One piece of work and who waits for it."""

    def __init__(self, work: Callable[[sqlite3.Connection], object], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._result: object = None
        self._error: Exception | None = None
        self.future: asyncio.Future[Any] = loop.create_future()

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Run the work in a savepoint. Raises sqlite3.Error, which spoils the whole transaction."""
        connection.execute("SAVEPOINT job")
        try:
            self._result = self._work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - the waiting caller gets it
            connection.execute("ROLLBACK TO job")
            self._error = error
        connection.execute("RELEASE job")

    def report(self, failed: JournalError | None) -> None:
        """Hand the outcome to the event loop, unless that is gone."""
        try:
            self._loop.call_soon_threadsafe(_settle, self.future, self._result, failed or self._error)
        except RuntimeError:  # the loop was closed: nobody waits any more
            return


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
        return
    future.set_exception(error)
    future.exception()  # seen here: the caller may have been cancelled


def _hold(directory: Path) -> int:
    """The directory's lock file, held; the directory made, and closed to others."""
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if stat.S_IMODE(directory.stat().st_mode) & 0o077:
            directory.chmod(0o700)
        for path in (*directory.glob("journal.sqlite3*"), *directory.glob("lock")):
            path.chmod(0o600)
        lock = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _cannot("opened", directory, error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise InstanceConflictError(f"another daemon uses the state directory {directory}") from None
    return lock


def _connect(path: Path) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    # Exclusive locking: nobody else may write, and the WAL index stays in memory instead of a file.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=True)
    try:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA journal_size_limit = 1048576")
        connection.execute("PRAGMA cache_size = -1024")
        _check(connection, path)
        _migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise JournalError(
            f"the journal {path} is damaged ({problem}); it was left as it is: restore a copy or move it away"
        )
    mine = connection.execute("PRAGMA application_id").fetchone()[0]
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and mine != APPLICATION_ID:
        raise JournalError(f"{path} is a database of another program; it was left as it is")


def schema_files() -> list[tuple[int, str]]:
    """Every schema version and its SQL, in order: `schema/0001.sql` makes version 1 of nothing, and so on."""
    folder = resources.files("shomare_mqtt.journal") / "schema"
    names = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return [(int(name.removesuffix(".sql")), (folder / name).read_text(encoding="utf-8")) for name in names]


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest version, in one transaction."""
    files = schema_files()
    have, newest = connection.execute("PRAGMA user_version").fetchone()[0], files[-1][0]
    if have > newest:
        raise JournalError(
            f"the journal {path} has version {have}, made by a newer shomare-mqtt; this one knows {newest}: "
            "install the newer program again"
        )
    if have == newest:
        return
    connection.execute("BEGIN IMMEDIATE")
    for version, sql in files:
        if version > have:
            _execute_all(connection, sql)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {newest}")
    connection.execute("COMMIT")


def _execute_all(connection: sqlite3.Connection, sql: str) -> None:
    """Run a script statement by statement: executescript() would commit before it."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            connection.execute(statement)
            statement = ""


def _cannot(what: str, directory: Path, error: Exception) -> JournalError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return JournalError(f"the journal in {directory} cannot be {what}: {reason}; nothing is bought without a journal")
