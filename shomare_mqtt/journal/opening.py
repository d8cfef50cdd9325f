"""Opening the journal: made, or checked, and brought to the newest version."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.errors import JournalUnusableError
from shomare_mqtt.journal.files import JOURNAL, WAY_OUT
from shomare_mqtt.journal.state_directory import cannot

if TYPE_CHECKING:
    from shomare_mqtt.journal.files import Files
    from shomare_mqtt.journal.state_directory import StateDirectory

APPLICATION_ID = 0x53484D51  # "SHMQ"
_NEW = f"{JOURNAL}.new"
_SCHEMA = Path(__file__).with_name("schema")
_WHOLE_CHECK = 2000
"""Pages up to which all of a journal is checked at each start: a tenth of a second, and some hundred orders a page."""
_TABLES = ("meta", "commands", "outbox", "catalogs", "retained", "plugin_calls")
"""Those of which little is kept, and all of which is needed; of the others the open orders are read at each start."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


def open_journal(directory: StateDirectory, files: Files) -> sqlite3.Connection:
    """The journal, open, checked and of the newest version; the files are held.

    Raises JournalUnusableError for what a person has to look at, which is left as it is, else JournalError.
    """
    try:
        if not files.look():
            _make(directory, files)
        files.take_room()
        return _connect(directory.path / JOURNAL, files)
    except OSError as error:
        raise cannot("opened", directory.path, error) from None
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED:
            raise _damaged(directory.path / JOURNAL, str(error)) from None
        raise cannot("opened", directory.path, error) from None


def _make(directory: StateDirectory, files: Files) -> None:
    """Make it under another name first: what bears the right name and is empty was not made so by us."""
    for name in (_NEW, f"{_NEW}-journal", f"{_NEW}-wal"):
        directory.remove(name)
    connection = sqlite3.connect(directory.path / _NEW, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA journal_mode = WAL")
        _migrate(connection, directory.path / JOURNAL)
    finally:
        connection.close()
    files.put(_NEW)


def _connect(path: Path, files: Files) -> sqlite3.Connection:
    # Exclusive locking: nobody else may write, and the WAL index stays in memory instead of a file.
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=True)
    try:
        for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # ours, so that it is known how far the log goes
        connection.execute("PRAGMA cache_size = -1024")
        _check(connection, path)
        files.forget_note()
        _migrate(connection, path)
        files.hold()
    except BaseException:
        with files.sheltered():  # what cannot be used stays as it is
            connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise JournalUnusableError for a file that is damaged or of another program."""
    mine = connection.execute("PRAGMA application_id").fetchone()[0]
    if mine != APPLICATION_ID:
        raise JournalUnusableError(f"{path} is a database of another program; it was left as it is")
    whole = connection.execute("PRAGMA page_count").fetchone()[0] <= _WHOLE_CHECK
    for check in ("1",) if whole else _TABLES:
        problem = connection.execute(f"PRAGMA quick_check({check})").fetchone()[0]
        if problem != "ok":
            raise _damaged(path, problem)


def _damaged(path: Path, problem: str) -> JournalUnusableError:
    return JournalUnusableError(
        f"the journal {path} is damaged ({problem}); it was left as it is, and nothing is bought without it. {WAY_OUT}"
    )


def schema_files() -> list[tuple[int, str]]:
    """Every schema version and its SQL, in order: `schema/0001.sql` makes version 1 of nothing, and so on."""
    return [(int(file.stem), file.read_text(encoding="utf-8")) for file in sorted(_SCHEMA.glob("*.sql"))]


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest version, in one transaction."""
    files = schema_files()
    have, newest = connection.execute("PRAGMA user_version").fetchone()[0], files[-1][0]
    if have > newest:
        raise JournalUnusableError(
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
