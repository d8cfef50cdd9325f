"""Space that is sure to be there: allocated within the write-ahead log, where nobody else can take it.

What is committed goes to the end of the log, so that a commit whose frames fit into what the log's file has already
needs nothing of a full disk. A file system that writes elsewhere than where it read (btrfs) can promise less.
"""

from __future__ import annotations

import errno
import os

from shomare_mqtt.journal.wal import FRAME, FRAME_HEADER, HEADER, salts_of

AT_REST = 48
"""Frames for what the daemon itself writes while the disk is full: what was sent, the time, answers."""
FOR_ORDER = 48
"""Frames for what comes of one open order: its end and its SMS, their events, the answer, all of them sent."""
_AHEAD = 128
"""Frames that are allocated at once where there is room, so that it is seldom done."""
FAR_AHEAD = 10 * FOR_ORDER
"""The same once something is bought: each time costs two waits for the disk."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_NO_ALLOCATING = frozenset({errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS})


class Room:
    """The room within an open log; `end` is where its file ends, in bytes."""

    def __init__(self, wal: int) -> None:
        self._wal = wal
        self._salts = b""
        self._used = 0
        self._done = (b"", 0)
        self.end = os.fstat(wal).st_size

    def used(self) -> int:
        """Frames that lie before the place where the next one is written; more where a transaction was undone."""
        salts = salts_of(os.pread(self._wal, HEADER, 0))
        if salts != self._salts:
            self._salts, self._used = salts, 0
        if salts:
            self._used = self._end(salts)
        return 0 if self._done == (salts, self._used) else self._used

    def _end(self, salts: bytes) -> int:
        """The first frame from there on without these salts: those that have them come first, all in a row."""
        step = 1
        while self._is_of(salts, self._used + step - 1):
            step *= 2
        low, high = self._used + step // 2, self._used + step - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if self._is_of(salts, middle) else (low, middle)
        return low

    def _is_of(self, salts: bytes, frame: int) -> bool:
        return os.pread(self._wal, FRAME_HEADER, HEADER + frame * FRAME)[8:16] == salts

    def checkpointed(self) -> None:
        """All of the log is in the journal's file: the next frame is its first."""
        self._done = self._salts, self._used

    def has(self, frames: int, ahead: int = _AHEAD) -> bool:
        """Whether so many more are sure to fit, after allocating some where need be. Raises OSError.

        Of those that need not be, a quarter of what there is by then, so that many orders do not wait for it often.
        """
        wanted = HEADER + (self.used() + frames) * FRAME
        self.end = os.fstat(self._wal).st_size
        return wanted <= self.end or self._grow(wanted + max(ahead * FRAME, wanted // 4)) or self._grow(wanted)

    def is_full(self) -> bool:
        """Whether the disk has no room for one more frame: why else writing may have failed. Raises OSError."""
        return not self._grow(self.end + FRAME)

    def _grow(self, end: int) -> bool:
        try:
            _allocate(self._wal, self.end, end)
            os.fsync(self._wal)
        except OSError as error:
            if error.errno not in _FULL:
                raise
            return False
        self.end = end
        return True


def _allocate(file: int, start: int, end: int) -> None:
    try:
        os.posix_fallocate(file, start, end - start)
    except (AttributeError, OSError) as error:  # not every system, nor every file system, knows how
        if isinstance(error, OSError) and error.errno not in _NO_ALLOCATING:
            raise
        _write_zeros(file, start, end)


def _write_zeros(file: int, start: int, end: int) -> None:
    while start < end:
        start += os.pwrite(file, bytes(min(end - start, 65536)), start)
