"""Damage of every kind, done to the files of a journal that was closed and of one whose process was killed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import JournalUnusableError
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.files import _ROOM as ROOM
from shomare_mqtt.journal.files import JOURNAL, WAL
from shomare_mqtt.journal.wal import FRAME, FRAME_HEADER, HEADER, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENTRIES = 30
LIVE = """
import asyncio, os, sys
from pathlib import Path
from shomare_mqtt.journal.database import Database

async def live():
    database = Database(Path(sys.argv[1]), "this boot")
    await database.open()
    await database.run(lambda c: None)
    for number in range(int(sys.argv[2])):
        key = f"{os.getpid()} {number}"
        await database.run(lambda c: c.execute("INSERT INTO meta VALUES (?, ?)", (key, "x" * 500)) and None)
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), 9)
    await database.close()

asyncio.run(live())
"""


async def lived(directory: Path, end: str, entries: int = ENTRIES) -> Path:
    """A state directory in which a process was killed, or came to its end."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", LIVE, str(directory), str(entries), end)
    assert await process.wait() == (-9 if end == "killed" else 0)
    return directory


async def entries(directory: Path, boot: str = "another boot") -> int:
    """What is in the journal at the next start."""
    database = Database(directory, boot)
    await database.open()
    await database.run(lambda _: None)  # nothing is written by it, and nothing can be noted yet
    try:
        return await database.run(lambda c: int(c.execute("SELECT count(*) FROM meta").fetchone()[0]))
    finally:
        await database.close()


def content(directory: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in directory.iterdir() if p.is_file()}


def write(path: Path, place: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


# --- after a kill ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("boot", ["this boot", "another boot"])
async def test_a_killed_process_loses_nothing(tmp_path: Path, boot: str) -> None:
    state = await lived(tmp_path / "state", "killed")
    assert await entries(state, boot) == ENTRIES
    assert await entries(state, boot) == ENTRIES


def emptied(state: Path) -> None:
    os.truncate(state / JOURNAL, 0)


def headless(state: Path) -> None:
    write(state / JOURNAL, 0, b"\xff" * 100)


def log_removed(state: Path) -> None:
    (state / WAL).unlink()


def log_emptied(state: Path) -> None:
    os.truncate(state / WAL, 0)


def log_cut(state: Path) -> None:
    os.truncate(state / WAL, HEADER + 10 * FRAME)


def log_cut_within_its_header(state: Path) -> None:
    os.truncate(state / WAL, 10)


def log_headless(state: Path) -> None:
    write(state / WAL, 0, bytes(HEADER))


def log_of_garbage(state: Path) -> None:
    size = (state / WAL).stat().st_size
    write(state / WAL, 0, b"\x37\x7f\x06\x82" + os.urandom(size - 4))


def log_damaged(state: Path) -> None:
    write(state / WAL, HEADER + 9 * FRAME + 1000, b"\xff" * 10)


def log_entry_overwritten(state: Path) -> None:
    write(state / WAL, HEADER + 9 * FRAME, bytes(FRAME))


def log_of_another(state: Path) -> None:
    write(state / WAL, 0, (state.parent / "other" / WAL).read_bytes())


def log_replaced(state: Path) -> None:
    shutil.copy(state.parent / "other" / WAL, state / "new")
    (state / "new").replace(state / WAL)


def journal_replaced(state: Path) -> None:
    shutil.copy(state.parent / "other" / JOURNAL, state / "new")
    (state / "new").replace(state / JOURNAL)


def journal_removed(state: Path) -> None:
    (state / JOURNAL).unlink()


def undoing(state: Path) -> None:
    (state / f"{JOURNAL}-journal").write_bytes(b"something")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (emptied, f"{JOURNAL} is empty"),
        (log_removed, "was removed or emptied"),
        (log_emptied, "was removed or emptied"),
        (log_cut, "was cut off"),
        (log_cut_within_its_header, "first bytes are destroyed"),
        (log_headless, "first bytes are destroyed"),
        (log_of_garbage, "first bytes are destroyed"),
        (log_damaged, "entry 10 is damaged"),
        (log_entry_overwritten, "entry 10 is damaged"),
        (log_of_another, "was replaced"),
        (log_replaced, "was replaced"),
        (journal_replaced, f"{JOURNAL} was replaced"),
        (journal_removed, f"{JOURNAL} is gone"),
        (undoing, "none of this program's"),
    ],
)
async def test_what_a_kill_left_and_somebody_spoilt_is_not_started_with(
    tmp_path: Path, spoil: Callable[[Path], None], words: str
) -> None:
    state = await lived(tmp_path / "state", "killed")
    await lived(tmp_path / "other", "killed", 5)
    spoil(state)
    before = content(state)
    for _ in range(2):
        with pytest.raises(JournalUnusableError, match=words):
            await entries(state)
    assert content(state) == before
    spoilt = (
        [JOURNAL, WAL] if spoil in (emptied, journal_removed) else [f"{JOURNAL}-journal" if spoil is undoing else WAL]
    )
    for name in ("lock", *spoilt):
        (state / name).unlink(missing_ok=True)
    assert await entries(state) <= ENTRIES  # the way out that the message names


async def test_a_page_that_the_log_holds_too_is_healed_by_it(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "killed")
    headless(state)
    assert await entries(state) == ENTRIES


def last_entry(state: Path) -> int:
    """Where it begins."""
    log = (state / WAL).read_bytes()
    salts = log[16:24]
    last = max(n for n in range((len(log) - HEADER) // FRAME) if log[HEADER + n * FRAME :][8:16] == salts)
    return HEADER + last * FRAME


@pytest.mark.parametrize("boot", ["this boot", "another boot"])
@pytest.mark.parametrize("pieces", [0, 1])
async def test_a_kill_between_an_entrys_header_and_its_page(tmp_path: Path, boot: str, pieces: int) -> None:
    """SQLite writes one after the other, and the kernel takes a page piece by piece; it was no commit yet."""
    state = await lived(tmp_path / "state", "killed")
    page = last_entry(state) + FRAME_HEADER
    written = pieces * (-page % PAGE)
    write(state / WAL, page + written, bytes(PAGE - written))
    assert await entries(state, boot) == ENTRIES - 1


@pytest.mark.parametrize("boot", ["this boot", "another boot"])
async def test_such_a_kill_where_an_earlier_log_had_come_further(tmp_path: Path, boot: str) -> None:
    """What the page was to replace is one of the earlier log."""
    state = await lived(tmp_path / "state", "ended")
    earlier = (state / ROOM).read_bytes()
    state = await lived(state, "killed", 3)
    page = last_entry(state) + FRAME_HEADER
    assert any(earlier[page : page + PAGE])
    write(state / WAL, page, earlier[page : page + PAGE])
    assert await entries(state, boot) == ENTRIES + 3 - 1


async def test_an_entry_that_ends_the_file_is_not_cut_short(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "killed")
    page = last_entry(state) + FRAME_HEADER
    write(state / WAL, page, bytes(PAGE))
    os.truncate(state / WAL, page + PAGE)
    with pytest.raises(JournalUnusableError, match=r"is damaged|was cut off"):
        await entries(state, "this boot")


async def test_the_last_entry_may_be_torn_by_a_power_cut_and_by_nothing_else(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "killed")
    write(state / WAL, last_entry(state) + 1000, b"\xff" * 10)
    with pytest.raises(JournalUnusableError, match="is damaged"):
        await entries(state, "this boot")
    assert await entries(state, "another boot") == ENTRIES - 1


async def test_room_that_was_made_and_not_written_to_is_no_damage(tmp_path: Path) -> None:
    """The power was cut between the two."""
    state = await lived(tmp_path / "state", "ended")
    (state / WAL).write_bytes(bytes(100_000))
    assert await entries(state) == ENTRIES


async def test_a_whole_copy_is_as_good_as_what_it_was_made_of(tmp_path: Path) -> None:
    for end in ("killed", "ended"):
        state = await lived(tmp_path / end, end)
        shutil.copytree(state, tmp_path / f"{end} copied")
        assert await entries(tmp_path / f"{end} copied") == ENTRIES


async def test_a_process_that_was_killed_while_it_closed_the_files(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "killed")
    (state / WAL).rename(state / f"{WAL}.aside")
    assert await entries(state) == ENTRIES
    assert not (state / f"{WAL}.aside").exists()


async def test_files_of_a_program_that_noted_nothing(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "killed")
    os.truncate(state / "lock", 0)
    assert await entries(state) == ENTRIES


async def test_a_journal_that_was_moved_away_makes_place_for_a_new_one(tmp_path: Path) -> None:
    for end in ("killed", "ended"):
        state = await lived(tmp_path / end, end)
        for file in state.iterdir():
            file.unlink()
        assert await entries(state) == 0


# --- after a clean end ----------------------------------------------------------------------------------------------


async def test_a_log_that_was_put_beside_a_closed_journal(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "ended")
    await lived(tmp_path / "other", "killed", 5)
    assert not (state / WAL).exists()
    shutil.copy(tmp_path / "other" / WAL, state / WAL)
    before = content(state)
    with pytest.raises(JournalUnusableError, match="none of this journal"):
        await entries(state)
    assert content(state) == before


async def test_a_closed_journal_may_be_changed_by_hand_and_put_back(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "ended")
    with closing(sqlite3.connect(state / JOURNAL)) as connection, connection:
        connection.execute("DELETE FROM meta WHERE key LIKE '% 1'")
    assert await entries(state) == ENTRIES - 1
    shutil.copy(state / JOURNAL, tmp_path / "copy")
    (tmp_path / "copy").replace(state / JOURNAL)
    assert await entries(state) == ENTRIES - 1


@pytest.mark.parametrize(("size", "words"), [(0, "is empty"), (4096, "damaged"), (4096 * 3 + 100, "damaged")])
async def test_a_closed_journal_that_was_cut_off(tmp_path: Path, size: int, words: str) -> None:
    state = await lived(tmp_path / "state", "ended")
    os.truncate(state / JOURNAL, size)
    with pytest.raises(JournalUnusableError, match=words):
        await entries(state)
    assert (state / JOURNAL).stat().st_size == size


async def test_files_that_sqlite_makes_elsewhere_are_of_no_meaning(tmp_path: Path) -> None:
    state = await lived(tmp_path / "state", "ended")
    (state / f"{JOURNAL}-shm").write_bytes(b"garbage" * 10_000)
    (state / f"{JOURNAL}-journal").touch()
    (state / f"{JOURNAL}.new").write_bytes(b"the first start was cut off")
    assert await entries(state) == ENTRIES


async def test_a_first_start_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    (tmp_path / f"{JOURNAL}.new").write_bytes(b"half of it")
    assert await entries(tmp_path) == 0


async def test_a_large_journal_is_looked_at_where_little_is(tmp_path: Path) -> None:
    """All of it would take seconds; the newest orders are read at the start anyway."""
    state = await lived(tmp_path / "state", "ended")
    with closing(sqlite3.connect(state / JOURNAL)) as connection, connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " INSERT INTO sms (id, order_id, text, received_at) SELECT i, 'none', zeroblob(4000), '' FROM n"
        )
        meta = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'meta'").fetchone()[0]
    assert await entries(state) == ENTRIES
    write(state / JOURNAL, (meta - 1) * 4096, b"\xff" * 4096)
    with pytest.raises(JournalUnusableError, match="damaged"):
        await entries(state)
