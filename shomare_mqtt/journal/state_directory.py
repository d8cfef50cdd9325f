"""The state directory: held by one daemon, and entered by no other way than its own files.

Whoever could write into it before it was closed to others may have left links, pipes or files of his own in it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.errors import InstanceConflictError, JournalError, JournalUnusableError
from shomare_mqtt.journal.denied import what_to_do
from shomare_mqtt.users import user

if TYPE_CHECKING:
    from pathlib import Path

_LOCK = "lock"
_LONGEST_NOTE = 512
_NONE = -1
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_OPEN = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_PASSES = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EINTR}
)
"""What may be over by itself: all else needs a person."""


def hold(path: Path) -> StateDirectory:
    """A state directory: made where it is missing, closed to others, and locked.

    Raises InstanceConflictError where another process holds it, JournalUnusableError for one that belongs to another
    user or holds what is no file of ours, JournalError for what may be over by itself.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        directory = StateDirectory(path, os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        raise cannot("opened", path, error) from None
    try:
        directory.lock()
    except OSError as error:
        directory.release()
        raise cannot("locked", path, error) from None
    except BaseException:
        directory.release()
        raise
    return directory


class StateDirectory:
    """An open state directory; `path` is where it was found. See `hold`."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self._directory = descriptor
        self._lock = _NONE

    def lock(self) -> None:
        """See `hold`. Raises OSError, too."""
        self._close_to_others()
        self._lock = self.open(_LOCK, make=True)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InstanceConflictError(f"another daemon uses the state directory {self.path}") from None

    def _close_to_others(self) -> None:
        found = os.fstat(self._directory)
        if found.st_uid != os.geteuid():
            raise JournalUnusableError(
                f"the state directory {self.path} belongs to another user, {user(found.st_uid)}, and this runs as "
                f"{user()}: run the daemon as that user, or set state.directory to one of its own; nothing was changed"
            )
        if found.st_mode & stat.S_ISVTX:
            raise JournalUnusableError(
                f"the state directory {self.path} is one that several users share: make state.directory another one; "
                "nothing was changed"
            )
        if found.st_mode & _OTHERS:
            os.fchmod(self._directory, 0o700)

    def release(self) -> None:
        """Let go of it."""
        if self._lock != _NONE:
            os.close(self._lock)
        os.close(self._directory)

    def open(self, name: str, *, make: bool = False) -> int:
        """A file of its own, for reading and writing, closed to others.

        Raises JournalUnusableError for what is no plain file of this user's alone; nothing of it is changed, and a pipe
        holds nobody up. Raises OSError, FileNotFoundError among them.
        """
        try:
            descriptor = os.open(name, _OPEN | (os.O_CREAT if make else 0), 0o600, dir_fd=self._directory)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise self._strange(name, "is a symbolic link") from None
        try:
            self._check(name, os.fstat(descriptor))
            if os.fstat(descriptor).st_mode & _OTHERS:
                os.fchmod(descriptor, 0o600)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _check(self, name: str, found: os.stat_result) -> None:
        if not stat.S_ISREG(found.st_mode):
            raise self._strange(name, "is no file")
        if found.st_uid != os.geteuid():
            raise self._strange(name, "belongs to another user")
        if found.st_nlink != 1:
            raise self._strange(name, "has another name elsewhere (a hard link)")

    def _strange(self, name: str, what: str) -> JournalUnusableError:
        return JournalUnusableError(
            f"{self.path / name} {what}: this program did not make it so, and left it as it is; move it away, or make "
            "state.directory another one"
        )

    def remove(self, name: str) -> None:
        """Remove a file that may be missing. Raises OSError."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._directory)

    def rename(self, name: str, to: str) -> None:
        """Give a file another name, durably. Raises OSError."""
        os.rename(name, to, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        self.sync()

    def sync(self) -> None:
        """Make durable which files there are. Raises OSError."""
        os.fsync(self._directory)

    def is_there(self, name: str, descriptor: int) -> bool:
        """Whether a name still leads to the open file, from the directory's own path."""
        try:
            return os.path.samestat((self.path / name).lstat(), os.fstat(descriptor))
        except OSError:
            return False

    def is_held(self) -> bool:
        """Whether the lock that is held is the one that another daemon would find."""
        return self.is_there(_LOCK, self._lock)

    def note(self) -> bytes:
        """What `put_note` wrote last, here or in an earlier process; empty where there is nothing."""
        return os.pread(self._lock, _LONGEST_NOTE, 0)

    def put_note(self, text: bytes) -> None:
        """Write a few words into the lock file, durably. Raises OSError."""
        os.pwrite(self._lock, text.ljust(_LONGEST_NOTE), 0)
        os.fsync(self._lock)


def cannot(what: str, directory: Path, error: Exception) -> JournalError:
    """What a user is told of an error of the system's or of SQLite's."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    text = f"the journal in {directory} cannot be {what}: {reason}; nothing is bought without a journal"
    if isinstance(error, OSError) and error.errno not in _PASSES:
        return JournalUnusableError(f"{text}. {what_to_do(directory, error)}")
    return JournalError(text)
