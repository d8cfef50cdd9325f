"""The journal's files: which they are, whether they are what the last process left, whether they are still there.

SQLite takes an emptied file for a new one, and a log that is damaged or gone for one with less in it. Each of them
would be a start with fewer orders than there are, so all of it is looked at before SQLite is.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.errors import JournalError, JournalUnusableError
from shomare_mqtt.journal.wal import FRAME_HEADER, HEADER, PAGE, Wal, read_wal, salts_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.journal.state_directory import StateDirectory

JOURNAL = "journal.sqlite3"
WAL = f"{JOURNAL}-wal"
_OTHERS = (f"{JOURNAL}-journal", f"{JOURNAL}-shm")
"""What SQLite makes in other modes, and would follow: undo by the one, write to the other."""
_ASIDE = f"{WAL}.aside"
_ROOM = f"{JOURNAL}-room"
"""The log while nothing runs, with nothing in it: a disk that fills up meanwhile would let nothing start."""
_BLANK = bytes(HEADER + FRAME_HEADER)
WAY_OUT = (
    "Put a copy of the whole directory back. Or move what is spoilt and the file `lock` out of it, to go on with what "
    "is left: numbers that are missing there are watched only where the broker still holds them, commands of before "
    "may be carried out again; look at the provider's page for what was bought"
)
_NONE = -1
_AHEAD = 64 * PAGE
_RESTARTS = 1 << 20
"""Beginnings of a log that may lie between two looks at it; another journal's log has any salt."""


class _Note(NamedTuple):
    """What the files are while a process has them open; after a clean end there is no log (`wal` 0).

    Inode numbers, the log's salt, its least length in bytes, and the machine's boot. A length of 0: all of the log is
    in the journal as well, and it may be missing.
    """

    journal: int
    wal: int = 0
    salt: int = 0
    size: int = 0
    boot: str = ""


class Files:
    """The files in a held state directory. `boot` names the machine's boot; `wal` is the log's descriptor."""

    def __init__(self, directory: StateDirectory, boot: str) -> None:
        self._directory = directory
        self._boot = boot
        self._journal = _NONE
        self.wal = _NONE
        self._least = 0

    def close(self) -> None:
        """Close them; not before SQLite did, which would lose its locks."""
        for descriptor in (self._journal, self.wal):
            if descriptor != _NONE:
                os.close(descriptor)
        self._journal = self.wal = _NONE

    # --- before SQLite ----------------------------------------------------------------------------------------------

    def look(self) -> bool:
        """Whether there is a journal; where it is, it and its log are what the last process left.

        Raises JournalUnusableError where they are not, OSError.
        """
        path = self._directory.path
        if (path / _ASIDE).exists() and not (path / WAL).exists():  # the power was cut while the files were closed
            self._directory.rename(_ASIDE, WAL)
        self._journal, wal = self._open(JOURNAL), self._open(WAL)
        try:
            self._look_at_others()
            self._compare(wal)
        finally:
            if wal != _NONE:
                os.close(wal)
        return self._journal != _NONE

    def put(self, name: str) -> None:
        """Make a file that was prepared under another name the journal. Raises OSError."""
        self._directory.rename(name, JOURNAL)
        self._journal = self._directory.open(JOURNAL)

    def take_room(self) -> None:
        """Take the room that an earlier process left. Raises JournalUnusableError, OSError."""
        room = self._open(_ROOM)
        if room == _NONE:
            return
        os.pwrite(room, _BLANK, 0)
        os.fsync(room)
        os.close(room)
        if (self._directory.path / WAL).exists():
            self._directory.remove(_ROOM)
        else:
            self._directory.rename(_ROOM, WAL)

    def forget_note(self) -> None:
        """What was noted holds no more: from now on the files change. Raises OSError."""
        if self._note() is not None:
            self._directory.put_note(b"")

    def _open(self, name: str) -> int:
        try:
            return self._directory.open(name)
        except FileNotFoundError:
            return _NONE

    def _look_at_others(self) -> None:
        for name in _OTHERS:
            if (descriptor := self._open(name)) != _NONE:
                size = os.fstat(descriptor).st_size
                os.close(descriptor)
                if size and name == _OTHERS[0]:
                    raise self._wrong(f"{name} is there, which is none of this program's, and would be undone")

    def _compare(self, wal: int) -> None:
        size = 0 if wal == _NONE else os.fstat(wal).st_size
        if self._journal == _NONE:
            if size:
                raise self._wrong(f"{JOURNAL} is gone, and its {WAL} is there")
            return
        if not os.fstat(self._journal).st_size:
            raise self._wrong(f"{JOURNAL} is empty")
        note = self._note()
        mine = note is not None and note.journal == os.fstat(self._journal).st_ino
        found = self._read(wal, size, power_held=bool(mine and note and note.boot and note.boot == self._boot))
        if found.damage is not None:
            raise self._wrong(f"of {WAL}, in which the newest orders are, {found.damage}")
        if note is not None and (problem := _difference(note, wal, size, found, mine=mine)):
            raise self._wrong(problem)

    def _read(self, wal: int, size: int, *, power_held: bool) -> Wal:
        if not size:
            return Wal(0, 0)
        return read_wal(memoryview(os.pread(wal, size, 0)), power_held=power_held)

    def _note(self) -> _Note | None:
        try:
            return _Note(**json.loads(self._directory.note()))
        except (ValueError, TypeError):  # of an older program, or torn: it tells nothing
            return None

    def _wrong(self, what: str) -> JournalUnusableError:
        return JournalUnusableError(
            f"{what} (in {self._directory.path}): orders and SMS may be missing in what is left; nothing was started "
            f"and nothing changed. {WAY_OUT}"
        )

    # --- while SQLite has them --------------------------------------------------------------------------------------

    def hold(self) -> None:
        """Hold both, which are there by now. Raises OSError."""
        self.wal = self._directory.open(WAL)

    def extend(self, end: int) -> None:
        """Allocate some space behind the journal's `end` (bytes), where the log is taken to; nothing is promised of it.

        SQLite cuts it off each time that it took the log.
        """
        with suppress(OSError, AttributeError):
            missing = end + _AHEAD - os.fstat(self._journal).st_size
            os.posix_fallocate(self._journal, end + _AHEAD - missing, missing)

    def note(self) -> None:
        """Note what they are, to be compared at the next start. Raises OSError."""
        self._least = max(self._least, os.fstat(self.wal).st_size)
        self._note_open(self._least)

    def _note_open(self, least: int) -> None:
        salt = int.from_bytes(os.pread(self.wal, 4, 16))
        self._put(_Note(os.fstat(self._journal).st_ino, os.fstat(self.wal).st_ino, salt, least, self._boot))

    def end(self) -> None:
        """All of the log is in the journal: note it, and leave the log's room for the next start.

        A log that was moved, or whose journal was, is left as it is: both may be put back, and belong together then.
        Raises OSError.
        """
        if not (self._directory.is_there(JOURNAL, self._journal) and self._directory.is_there(WAL, self.wal)):
            self._note_open(0)
            return
        self.forget_note()
        os.pwrite(self.wal, _BLANK, 0)
        os.fsync(self.wal)
        self._directory.rename(WAL, _ROOM)
        self._put(_Note(os.fstat(self._journal).st_ino))

    def _put(self, note: _Note) -> None:
        self._directory.put_note(json.dumps(note._asdict()).encode())

    @contextmanager
    def sheltered(self) -> Iterator[None]:
        """While SQLite closes the files: it removes what bears the log's name, whatever is in it and whose it is."""
        path = self._directory.path / WAL
        with suppress(FileNotFoundError):
            path.rename(path.with_name(_ASIDE))
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                path.with_name(_ASIDE).rename(path)

    def cut_off(self) -> list[str]:
        """Those that somebody emptied or cut off since they were written to; each in words."""
        found = [] if os.fstat(self._journal).st_size else [f"{JOURNAL} (emptied)"]
        if self._least > os.fstat(self.wal).st_size or (self._least and not salts_of(os.pread(self.wal, HEADER, 0))):
            found.append(f"{WAL} (cut off)")
        return found

    def check_there(self) -> None:
        """Raise JournalError where what is written would be found by nobody."""
        files = ((JOURNAL, self._journal), (WAL, self.wal))
        gone = [name for name, descriptor in files if not self._directory.is_there(name, descriptor)]
        if not self._directory.is_held():
            gone.append("lock")
        if gone := [*gone, *self.cut_off()]:
            raise JournalError(
                f"{' and '.join(gone)} in {self._directory.path}: removed, moved or replaced while the daemon ran. It "
                "ends before it buys what nobody would know of. Put the files back before the next start: without them "
                "a new journal begins, which watches only those numbers that the broker still holds, and may repeat "
                "commands of before"
            )


def _difference(note: _Note, wal: int, size: int, found: Wal, *, mine: bool) -> str | None:
    """What is not as it was noted, in words; None where nothing is. `mine`: the note is of this very file."""
    inode = os.fstat(wal).st_ino if size else 0
    if not mine:
        return f"{JOURNAL} was replaced, and {WAL} is still that of the one before" if note.wal == inode != 0 else None
    if not note.wal:
        return f"{WAL} is none of this journal, which was closed in order without one" if found.frames else None
    if not inode:
        return None if not note.size else f"{WAL} was removed or emptied, in which the newest orders were"
    if inode != note.wal or (found.salt - note.salt) % (1 << 32) >= _RESTARTS:
        return f"{WAL} was replaced, in which the newest orders were"
    return f"{WAL} was cut off" if size < note.size else None
