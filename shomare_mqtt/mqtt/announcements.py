"""What daemons of one base topic tell each other, as text on the topic of a query that all of them hear.

It is the `transaction` of a plain `query/orders`, so that a daemon that knows no announcements answers it as it answers
everybody, and is found by that.
"""

from __future__ import annotations

import json
import re
import secrets
from enum import StrEnum
from typing import NamedTuple

TOPIC = "query/orders"
ANSWER_TOPIC = "response/query/orders"

_LONGEST = 64 * 1024
"""Bytes of the longest payload that is looked at: an old daemon's answer holds an order."""
_MARK = b"daemon:"
_TEXT = re.compile(
    "daemon:(here|leave|left):([0-9a-z]{1,40}):([0-9a-f]{16}):([0-9]{1,15}):([0-9a-f]{16}):([0-9a-f]{16}|)"
)
_LOOK = re.compile("daemon:look:[0-9a-f]{16}")


class Says(StrEnum):
    """`here`: I am here, who else is? `leave`: you started later, `to` whom it is said. `left`: I take nothing more."""

    HERE = "here"
    LEAVE = "leave"
    LEFT = "left"


class Announcement(NamedTuple):
    """`journal` outlives the process, `daemon` is the process's own; `running`: seconds since it started.

    Wall clocks are not compared: they differ. `token` names this announcement; `to` is the token that a `here`
    answers, the daemon that a `leave` is for, else empty.
    """

    says: Says
    journal: str
    daemon: str
    running: float
    token: str
    to: str = ""

    def payload(self) -> bytes:
        """As it is published."""
        parts = "daemon", self.says, self.journal, self.daemon, str(round(self.running * 1000)), self.token, self.to
        return json.dumps({"transaction": ":".join(parts), "limit": 1}).encode()


def new_name() -> str:
    """A name for a process or an announcement that nobody else has."""
    return secrets.token_hex(8)


def look() -> tuple[str, bytes]:
    """The question of one that is not here yet: its transaction, which an answer repeats, and its payload."""
    transaction = f"daemon:look:{new_name()}"
    return transaction, json.dumps({"transaction": transaction, "limit": 1}).encode()


def look_in(payload: bytes) -> str | None:
    """The transaction of such a question; None for whatever else a query may be."""
    transaction = _transaction(payload)
    return transaction if transaction is not None and _LOOK.fullmatch(transaction) else None


def announcement_in(payload: bytes) -> Announcement | None:
    """The announcement that a query, or an old daemon's answer to one, names; None for whatever else it may be."""
    transaction = _transaction(payload)
    found = None if transaction is None else _TEXT.fullmatch(transaction)
    if found is None:
        return None
    says, journal, daemon, running, token, to = found.groups()
    return Announcement(Says(says), journal, daemon, int(running) / 1000, token, to)


def _transaction(payload: bytes) -> str | None:
    """The transaction of what may be one of ours; None of all else."""
    if _MARK not in payload or len(payload) > _LONGEST:
        return None
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    transaction = body.get("transaction") if isinstance(body, dict) else None
    return transaction if isinstance(transaction, str) else None
