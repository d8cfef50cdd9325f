"""A look at the journal that leaves no trace, also beside a daemon that has it open."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.journal.peeking import peeked_meta
from shomare_mqtt.journal.store import Journal

if TYPE_CHECKING:
    from pathlib import Path


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    return {entry.name: (entry.stat().st_mtime_ns, entry.stat().st_size) for entry in os.scandir(folder)}


async def test_what_is_kept_is_read_and_nothing_changes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "a%20#b", SystemClock())
    await journal.open()
    await journal.put_meta({"dialect": "{}"})
    await journal.close()
    before = listing(tmp_path / "a%20#b")
    meta = peeked_meta(tmp_path / "a%20#b")
    assert meta is not None
    assert meta["dialect"] == "{}"
    assert listing(tmp_path / "a%20#b") == before


async def test_beside_a_daemon(tmp_path: Path) -> None:
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    await journal.put_meta({"dialect": "{}"})
    before = listing(tmp_path)
    peeked_meta(tmp_path)
    assert listing(tmp_path) == before
    await journal.put_meta({"dialect": "[]"})
    await journal.close()
    meta = peeked_meta(tmp_path)
    assert meta is not None
    assert meta["dialect"] == "[]"


def test_where_there_is_none(tmp_path: Path) -> None:
    assert peeked_meta(tmp_path) is None
    (tmp_path / "journal.sqlite3").write_bytes(b"nonsense" * 1000)
    assert peeked_meta(tmp_path) is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "journal.sqlite3").symlink_to(tmp_path / "pipe")
    assert peeked_meta(tmp_path) is None
