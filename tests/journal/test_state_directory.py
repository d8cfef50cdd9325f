"""The state directory: one daemon's, one user's, and nothing in it leads elsewhere or holds anybody up."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import InstanceConflictError, JournalError, JournalUnusableError
from shomare_mqtt.journal.database import Database
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NAMES = (
    "lock",
    "journal.sqlite3",
    "journal.sqlite3-room",
    "journal.sqlite3-wal",
    "journal.sqlite3-journal",
    "journal.sqlite3-shm",
)


async def opened(directory: Path) -> Database:
    database = Database(directory)
    async with asyncio.timeout(PATIENCE):  # a pipe without a reader would be waited for
        await database.open()
    return database


async def made(directory: Path) -> Path:
    await (await opened(directory)).close()
    return directory


def link(place: Path, foreign: Path) -> None:
    place.symlink_to(foreign)


def hard_link(place: Path, foreign: Path) -> None:
    place.hardlink_to(foreign)


def pipe(place: Path, _: Path) -> None:
    os.mkfifo(place, 0o644)


def link_to_nowhere(place: Path, foreign: Path) -> None:
    place.symlink_to(foreign.with_name("nowhere"))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("plant", [link, hard_link, pipe, link_to_nowhere])
async def test_what_somebody_planted_is_neither_followed_nor_changed(
    tmp_path: Path, name: str, plant: Callable[[Path, Path], None]
) -> None:
    state, foreign = await made(tmp_path / "state"), tmp_path / "foreign"
    foreign.write_bytes(b"")
    foreign.chmod(0o644)
    (state / name).unlink(missing_ok=True)
    plant(state / name, foreign)
    kind = (state / name).lstat().st_mode
    for _ in range(2):
        with pytest.raises(JournalUnusableError, match=f"{name} (is a symbolic link|is no file|has another name)"):
            await opened(state)
    assert (state / name).lstat().st_mode == kind
    assert (foreign.stat().st_mode & 0o777, foreign.read_bytes()) == (0o644, b"")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("name", NAMES)
async def test_a_directory_in_a_files_place(tmp_path: Path, name: str) -> None:
    state = await made(tmp_path / "state")
    (state / name).unlink(missing_ok=True)
    (state / name).mkdir()
    with pytest.raises(JournalUnusableError, match="Is a directory"):
        await opened(state)


async def test_a_device_in_a_files_place(tmp_path: Path) -> None:
    state = await made(tmp_path / "state")
    (state / "journal.sqlite3").unlink()
    try:
        os.mknod(state / "journal.sqlite3", 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("root alone makes devices")
    with pytest.raises(JournalUnusableError, match="is no file"):
        await opened(state)


async def test_the_directory_itself_may_be_a_link(tmp_path: Path) -> None:
    """As systemd makes it for a user that exists while the service runs."""
    await made(tmp_path / "private")
    (tmp_path / "state").symlink_to("private")
    await made(tmp_path / "state")


async def test_a_directory_that_all_users_share(tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o1777)  # noqa: PTH101
    with pytest.raises(JournalUnusableError, match="several users share"):
        await opened(tmp_path)
    assert stat.S_IMODE(os.stat(tmp_path).st_mode) == 0o1777  # noqa: PTH116


@pytest.mark.parametrize("what", ["state directory", "lock", "journal.sqlite3"])
async def test_what_belongs_to_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Root as well: what it writes there, that user could not read, and could have put in its way."""
    state = await made(tmp_path / "state")
    place = state if what == "state directory" else state / what
    if os.getuid() == 0:
        os.chown(place, 1234, 1234)
        place.chmod(0o755)
    else:
        real, mine = os.fstat, place.stat().st_ino

        def another(descriptor: int) -> os.stat_result:
            found = real(descriptor)
            values = list(found)
            values[4] += found.st_ino == mine
            return os.stat_result(values)

        monkeypatch.setattr(os, "fstat", another)
    mode = place.stat().st_mode
    with pytest.raises(JournalUnusableError, match=f"{what}.* belongs to another user"):
        await opened(state)
    assert place.stat().st_mode == mode


async def test_a_lock_that_cannot_be_taken_for_another_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", no_locks)
    with pytest.raises(JournalError, match="cannot be locked: No locks available"):
        await opened(tmp_path)


async def test_a_disk_that_is_full_may_have_room_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no reason to be looked at by a person before the next start."""

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.open", full)
    with pytest.raises(JournalError, match="No space left on device") as caught:
        await opened(tmp_path)
    assert not isinstance(caught.value, JournalUnusableError)


START = """
import asyncio, sys
from pathlib import Path
from shomare_mqtt.journal.database import Database
asyncio.run(Database(Path(sys.argv[1])).open())
"""


async def test_of_many_that_start_at_once_one_gets_it(tmp_path: Path) -> None:
    first = await opened(tmp_path)
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", START, str(tmp_path), stderr=-1) for _ in "abc"
    ]
    said = [(await other.communicate())[1] for other in others]
    assert all(b"another daemon uses the state directory" in each for each in said)
    with pytest.raises(InstanceConflictError):
        await opened(tmp_path)
    await first.close()
