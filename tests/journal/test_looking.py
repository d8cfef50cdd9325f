"""A thorough look at a journal, beside whoever has it open: what is in the log counts, and nothing changes."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.journal import looking
from shomare_mqtt.journal.files import JOURNAL, WAL
from shomare_mqtt.journal.looking import look, newest_version
from shomare_mqtt.journal.store import Journal
from tests.journal.test_peeking import listing

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


async def opened(folder: Path) -> Journal:
    journal = Journal(folder, SystemClock())
    await journal.open()
    return journal


def spoil(file: Path, at: int, data: bytes) -> None:
    with file.open("r+b") as out:
        out.seek(at)
        out.write(data)


async def closed(folder: Path) -> Path:
    journal = await opened(folder)
    await journal.close()
    return folder / JOURNAL


async def test_what_stands_in_the_log_alone_is_seen_and_nothing_changes(tmp_path: Path) -> None:
    journal = await opened(tmp_path)
    await journal.put_meta({"note": "x" * 30_000})  # it makes the journal longer
    before = listing(tmp_path)
    seen = look(tmp_path)
    assert listing(tmp_path) == before
    assert seen is not None
    assert (seen.why_not, seen.damage, seen.is_ours, seen.version) == ("", "", True, newest_version())
    assert seen.meta["note"] == "x" * 30_000
    assert (seen.orders, seen.open, seen.newest) == (0, (), "")
    await journal.put_meta({"note": "y"})
    await journal.close()
    again = look(tmp_path)
    assert again is not None
    assert again.meta["note"] == "y"


def test_no_journal(tmp_path: Path) -> None:
    assert look(tmp_path) is None
    assert look(tmp_path / "missing") is None


async def test_a_page_that_is_damaged(tmp_path: Path) -> None:
    file = await closed(tmp_path)
    spoil(file, 4096 * 2, b"\xff" * 4096)
    seen = look(tmp_path)
    assert seen is not None
    assert seen.damage


async def test_a_journal_without_its_head(tmp_path: Path) -> None:
    file = await closed(tmp_path)
    file.write_bytes(os.urandom(8192))
    seen = look(tmp_path)
    assert seen is not None
    assert "not a database" in seen.damage


async def test_a_log_that_is_damaged(tmp_path: Path) -> None:
    journal = await opened(tmp_path)
    for number in range(5):
        await journal.put_meta({"note": str(number)})
    log = (tmp_path / WAL).read_bytes()
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / JOURNAL).write_bytes((tmp_path / JOURNAL).read_bytes())
    (copy / WAL).write_bytes(log)
    spoil(copy / WAL, 32 + 100, b"\xff" * 8)
    seen = look(copy)
    await journal.close()
    assert seen is not None
    assert seen.damage.startswith(f"{WAL}: entry 1 is damaged")


async def test_a_database_of_another_program(tmp_path: Path) -> None:
    file = await closed(tmp_path)
    spoil(file, 68, b"\0\0\0\1")  # the application's id (fileformat2.html, section 1.3)
    seen = look(tmp_path)
    assert seen is not None
    assert not seen.is_ours


async def test_what_cannot_be_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = await closed(tmp_path / "a")
    monkeypatch.setattr(looking, "LARGEST", 10)
    seen = look(tmp_path / "a")
    assert seen is not None
    assert "too much" in seen.why_not
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / JOURNAL).symlink_to(file)
    seen = look(tmp_path / "b")
    assert seen is not None
    assert seen.why_not == "it is no plain file"
    (tmp_path / "c").touch()
    seen = look(tmp_path / "c")
    assert seen is not None
    assert "cannot be read" in seen.why_not


async def test_a_log_that_begins_anew_each_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await closed(tmp_path)
    headers = iter(bytes([0x37, 0x7F, 0x06, 0x82]) + bytes(12) + bytes([number] * 8) + bytes(8) for number in range(6))
    monkeypatch.setattr(looking, "_bytes", lambda _: next(headers))
    seen = look(tmp_path)
    assert seen is not None
    assert seen.why_not == "it changed each time that it was read"


async def test_one_of_a_newer_program_is_not_damaged(tmp_path: Path) -> None:
    file = await closed(tmp_path)
    with closing(sqlite3.connect(file)) as newer:
        newer.execute("ALTER TABLE orders RENAME TO purchases")
        newer.execute(f"PRAGMA user_version = {newest_version() + 1}")
    seen = look(tmp_path)
    assert seen is not None
    assert (seen.damage, seen.version) == ("", newest_version() + 1)


async def test_a_long_log_is_not_read_either(tmp_path: Path) -> None:
    await closed(tmp_path)
    (tmp_path / WAL).touch()
    os.truncate(tmp_path / WAL, looking.LARGEST)
    seen = look(tmp_path)
    assert seen is not None
    assert "too much to be looked at" in seen.why_not
