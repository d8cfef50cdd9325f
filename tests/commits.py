"""How often a journal waited for the disk: its log tells, one entry that ends a transaction for each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.journal.files import WAL
from shomare_mqtt.journal.wal import FRAME, HEADER

if TYPE_CHECKING:
    from pathlib import Path


def commits(state: Path) -> int:
    """Transactions in the log of a journal that is open, since the log began anew."""
    log = (state / WAL).read_bytes()
    heads = (log[start : start + 24] for start in range(HEADER, len(log), FRAME))
    return sum(head[8:16] == log[16:24] and any(head[4:8]) for head in heads)
