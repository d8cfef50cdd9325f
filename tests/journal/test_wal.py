"""A write-ahead log as its bytes tell."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from shomare_mqtt.journal.wal import FRAME_HEADER, HEADER, read_wal

if TYPE_CHECKING:
    from pathlib import Path


def test_a_damaged_page_in_front_of_another_of_its_transaction_is_no_kill(tmp_path: Path) -> None:
    """What was killed as it wrote the one had not begun the next."""
    file = tmp_path / "journal.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE t (x)")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.execute("INSERT INTO t VALUES (zeroblob(20000))")
        connection.commit()
        data = bytearray(tmp_path.joinpath("journal.db-wal").read_bytes())
    assert read_wal(memoryview(data), power_held=True).damage is None
    data[HEADER + FRAME_HEADER + 100] ^= 1
    found = read_wal(memoryview(data), power_held=True)
    assert found.damage is not None
    assert found.damage.startswith("entry 1 is damaged")
