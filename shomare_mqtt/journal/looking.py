"""A thorough look at a journal that leaves no trace and holds nobody up: read as plain bytes, looked at in memory.

SQLite itself would lock it, or make files beside it, and a daemon that has it open lets nobody in. So the journal and
its log are read, the log's whole transactions are put into the copy, and that copy is SQLite's to check.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shomare_mqtt.journal.files import JOURNAL, WAL
from shomare_mqtt.journal.opening import APPLICATION_ID, schema_files
from shomare_mqtt.journal.wal import FRAME_HEADER, HEADER, read_wal, salts_of

if TYPE_CHECKING:
    from pathlib import Path

LARGEST = 128 * 1024 * 1024
"""Bytes of a journal that is copied; one of a home has some hundred kilobytes."""
_TRIES = 3
_MODES = slice(18, 20)
"""Where the header says whether there is a log (fileformat2.html, section 1.3): a copy in memory has none."""
_NO_LOG = b"\x01\x01"
_CHANGED = "it changed each time that it was read"


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """An order that is not closed. `made`: when, as ISO 8601."""

    order: str
    state: str
    made: str


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen.

    `why_not`: why nothing could be; `is_closed`: this user may not; `damage`: SQLite's words for it; sizes in bytes.
    `newest`: the newest time in it, ISO 8601, empty where there is none.
    """

    why_not: str = ""
    damage: str = ""
    is_closed: bool = False
    is_ours: bool = True
    version: int = 0
    size: int = 0
    newest: str = ""
    orders: int = 0
    open: tuple[OpenOrder, ...] = field(default=())
    meta: dict[str, str] = field(default_factory=dict)


def newest_version() -> int:
    """The version of the journals that this program makes."""
    return schema_files()[-1][0]


def look(directory: Path) -> Looked | None:
    """Look at the journal of a state directory; None where there is none."""
    try:
        found = _read(directory)
    except OSError as error:
        return Looked(why_not=f"it cannot be read ({error.strerror})", is_closed=isinstance(error, PermissionError))
    if found is None or isinstance(found, Looked):
        return found
    whole, log = found
    wal = read_wal(memoryview(log), power_held=False)
    if wal.damage:
        return Looked(damage=f"{WAL}: {wal.damage}", size=len(whole))
    return _looked(_put_in(whole, log, wal.frames))


def _read(directory: Path) -> tuple[bytearray, bytes] | Looked | None:
    """The journal's bytes and its log's, which belong together. Raises OSError."""
    path, log = directory / JOURNAL, directory / WAL
    for _ in range(_TRIES):
        try:
            kind = os.lstat(path)
        except FileNotFoundError:
            return None
        if not stat.S_ISREG(kind.st_mode):
            return Looked(why_not="it is no plain file")
        size = kind.st_size + _size(log)
        if size > LARGEST:
            return Looked(why_not=f"it has {size:,} bytes, which is too much to be looked at", size=size)
        # A log that began anew meanwhile no longer holds what the copy lacks.
        before = salts_of(_bytes(log)[:HEADER])
        whole, later = bytearray(path.read_bytes()), _bytes(log)
        if salts_of(later[:HEADER]) == before:
            return whole, later
    return Looked(why_not=_CHANGED)


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except FileNotFoundError:
        return 0


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _put_in(whole: bytearray, log: bytes, frames: int) -> bytes:
    """The journal with so many of the log's pages put where they belong."""
    page = int.from_bytes(log[8:12])
    for number in range(frames):
        start = HEADER + number * (page + FRAME_HEADER)
        at, pages = (int.from_bytes(log[start + o : start + o + 4]) for o in (0, 4))
        end = at * page
        whole.extend(bytes(max(0, end - len(whole))))
        whole[end - page : end] = log[start + FRAME_HEADER : start + FRAME_HEADER + page]
        if pages:  # a transaction ends here, and says how large it left the journal
            del whole[pages * page :]
    whole[_MODES] = _NO_LOG
    return bytes(whole)


def _looked(content: bytes) -> Looked:
    size = len(content)
    try:
        with closing(sqlite3.connect(":memory:")) as copy:
            copy.deserialize(content)
            if copy.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
                return Looked(is_ours=False, size=size)
            version = copy.execute("PRAGMA user_version").fetchone()[0]
            if version > newest_version():
                return Looked(version=version, size=size)
            problem = copy.execute("PRAGMA quick_check(1)").fetchone()[0]
            if problem != "ok":
                return Looked(damage=problem, version=version, size=size)
            return _read_orders(copy, version, size)
    except sqlite3.Error as error:
        return Looked(damage=str(error), size=size)


def _read_orders(copy: sqlite3.Connection, version: int, size: int) -> Looked:
    newest, orders = copy.execute("SELECT coalesce(max(updated_at), ''), count(*) FROM orders").fetchone()
    rows = copy.execute("SELECT id, state, created_at FROM orders WHERE closed_at IS NULL ORDER BY seq DESC")
    return Looked(
        version=version,
        size=size,
        newest=newest,
        orders=orders,
        open=tuple(OpenOrder(*row) for row in rows),
        meta=dict(copy.execute("SELECT key, value FROM meta").fetchall()),
    )
