"""Which journal this is, and how far it has come (contract, An old journal): written with what is counted."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import JOURNAL, JOURNAL_PAUSE, JOURNALS_KNOWN, PAUSED_AT, JournalIdentity

if TYPE_CHECKING:
    import sqlite3

_SEQUENCE = "sequence"
_SMS_KEY = "sms_key"


def identity(connection: sqlite3.Connection, new_name: str) -> JournalIdentity:
    """The journal's; one that has none yet, as it is new or of an older version, is given it."""
    made = [(JOURNAL, new_name), (_SEQUENCE, "0"), (_SMS_KEY, secrets.token_hex(32))]
    connection.executemany("INSERT OR IGNORE INTO meta VALUES (?, ?)", made)
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    pause = meta.get(JOURNAL_PAUSE)
    return JournalIdentity(
        meta[JOURNAL],
        int(meta[_SEQUENCE]),
        bytes.fromhex(meta[_SMS_KEY]),
        json.loads(meta.get(JOURNALS_KNOWN, "{}")),
        None if pause is None else int(pause),
        datetime.fromisoformat(meta[PAUSED_AT]) if PAUSED_AT in meta else None,
    )


def advance(connection: sqlite3.Connection) -> None:
    """Count one more transaction that changes orders or takes a command."""
    connection.execute("UPDATE meta SET value = value + 1 WHERE key = ?", (_SEQUENCE,))


def sequence(connection: sqlite3.Connection) -> int:
    """How far it has come."""
    return int(connection.execute("SELECT value FROM meta WHERE key = ?", (_SEQUENCE,)).fetchone()[0])
