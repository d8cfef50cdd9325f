"""A look at a journal that leaves no trace: nothing is made, locked, migrated or taken out of its log."""

from __future__ import annotations

import os
import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from shomare_mqtt.journal.files import JOURNAL

if TYPE_CHECKING:
    from pathlib import Path


def peeked_meta(directory: Path) -> dict[str, str] | None:
    """What the journal in a state directory keeps for other parts; None where there is none, or it cannot be read.

    As it was when its log was last taken over: SQLite reads a log only where it may write beside it (wal.html, section
    Read-Only Databases). A daemon that writes at this moment does not notice.
    """
    path = directory / JOURNAL
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return None
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True)) as connection:
            return dict(connection.execute("SELECT key, value FROM meta").fetchall())
    except (OSError, sqlite3.Error):
        return None
