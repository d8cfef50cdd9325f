"""SQL of the commands that were taken, and of the outbox: functions on a connection, run in the journal's thread."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import (
    HERE,
    Answered,
    Arrival,
    ArrivalKind,
    ArrivalResult,
    Done,
    MessageKind,
    OutboxRow,
    PendingCommand,
    Posting,
    Press,
    content_digest,
)
from shomare_mqtt.journal.orders import key_of
from shomare_mqtt.model import Incoming, Message, Reply, nobody

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection


def arrive(
    connection: sqlite3.Connection, arrival: Arrival, remember_since: float, heard: Collection[int]
) -> ArrivalResult:
    """Take one command down, or find that it was taken before (contract, section Commands).

    `heard`: rows whose PUBACK the broker read, which may not be written down yet.
    """
    if (earlier := _delivered_before(connection, arrival, heard)) is not None:
        return earlier
    first = _keyed_before(connection, arrival, remember_since)
    conflict = first is not None and first[1] != content_digest(arrival.content)
    postings = arrival.on_conflict if conflict else arrival.postings
    row = _insert(connection, arrival, first[0] if first else None, postings)
    for posting in postings:
        post(connection, posting, arrival.received)
    if first is None:
        return ArrivalResult(ArrivalKind.NEW, row)
    if conflict:
        return ArrivalResult(ArrivalKind.CONFLICT, row, first[0])
    return ArrivalResult(ArrivalKind.REPEATED, row, first[0], first[2])


def not_taken(connection: sqlite3.Connection, arrival: Arrival, heard: Collection[int]) -> ArrivalResult:
    """What is said of a command that there is no room for: only that it was taken before, where it was."""
    return _delivered_before(connection, arrival, heard) or ArrivalResult(ArrivalKind.NO_ROOM, 0)


def _delivered_before(connection: sqlite3.Connection, arrival: Arrival, heard: Collection[int]) -> ArrivalResult | None:
    """The first delivery of what may be brought a second time; None for what is new.

    DUP alone says that the broker sent it before, not that it came (MQTT 5 and 3.1.1, section 3.3.1.1). Brokers bring
    again what they hold for unacknowledged, in the same session, with the same packet id and content (4.4), and use
    an id anew only once they read the PUBACK (2.2.1 of MQTT 5, 2.3.1 of 3.1.1). So it is a second delivery of the
    newest command with this id, unless the broker is known to have read the PUBACK of that one (`heard`, which takes
    the id off it): then it is new, and its first delivery was lost. Where that is not known, it is taken for a second
    delivery, which buys nothing twice, and answered as the first was, so that whoever sent a new one is not left
    without a word.
    """
    incoming = arrival.incoming
    if not incoming.dup:
        return None
    row = connection.execute(
        "SELECT c.seq, c.digest, coalesce(c.answer, f.answer) FROM commands c"
        " LEFT JOIN commands f ON f.seq = c.first"
        " WHERE c.session = ? AND c.packet_id = ? AND c.packet_id != 0 ORDER BY c.seq DESC LIMIT 1",
        (arrival.session, incoming.packet_id),
    ).fetchone()
    if row is None or row[0] in heard or row[1] != _digest(incoming):
        return None
    return ArrivalResult(ArrivalKind.REDELIVERED, row[0], answer=row[2])


def heard(connection: sqlite3.Connection, rows: list[int]) -> None:
    """The broker read the PUBACK of these: their packet ids are free, and mean another message when they come again."""
    connection.executemany("UPDATE commands SET packet_id = 0 WHERE seq = ?", [(row,) for row in rows])


def _keyed_before(
    connection: sqlite3.Connection, arrival: Arrival, remember_since: float
) -> tuple[int, str, bytes | None] | None:
    """The first command of the same transaction: its row, what it asked for, what was answered."""
    if arrival.keyed is None:
        return None
    # What is worked on yet is not past remembering: its sender asks again because no answer came.
    row = connection.execute(
        "SELECT seq, content, answer FROM commands WHERE command = ? AND key = ? AND (received >= ? OR done = 0)"
        " ORDER BY seq LIMIT 1",
        (arrival.command, key_of(arrival.keyed), remember_since),
    ).fetchone()
    return None if row is None else (row[0], row[1], row[2])


def _insert(connection: sqlite3.Connection, arrival: Arrival, first: int | None, postings: tuple[Posting, ...]) -> int:
    """One row. Only the first of a transaction carries its key; what is answered already is done."""
    incoming = arrival.incoming
    answers = (posting.message.payload for posting in postings if posting.kind is MessageKind.ANSWER)
    reply = incoming.reply
    connection.execute(
        "UPDATE commands SET packet_id = 0 WHERE session = ? AND packet_id = ? AND packet_id != 0",
        (arrival.session, incoming.packet_id),
    )
    cursor = connection.execute(
        "INSERT INTO commands (topic, payload, reply_topic, correlation, expiry, command, content, session, packet_id,"
        " digest, key, first, done, answer, received_at, received)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            incoming.topic,
            None if postings else incoming.payload,
            reply.topic if reply else None,
            reply.correlation if reply else None,
            incoming.expiry,
            arrival.command,
            content_digest(arrival.content),
            arrival.session,
            incoming.packet_id,
            _digest(incoming),
            None if first or postings else key_of(arrival.keyed),
            first,
            bool(postings),
            next(answers, arrival.refusal),
            arrival.received_at.isoformat(),
            arrival.received,
        ),
    )
    return int(cursor.lastrowid or 0)


def finish(connection: sqlite3.Connection, done: Done) -> None:
    """A command was answered."""
    connection.execute(
        "UPDATE commands SET done = 1, payload = NULL, answer = ?, order_id = ?,"
        " key = CASE WHEN ? THEN NULL ELSE key END WHERE seq = ?",
        (done.answer, done.order, done.is_free, done.row),
    )


def pending(connection: sqlite3.Connection) -> list[PendingCommand]:
    """Commands that were taken and not answered, oldest first."""
    rows = connection.execute(
        "SELECT seq, topic, payload, packet_id, reply_topic, correlation, expiry, received_at, received, first,"
        " session"
        " FROM commands WHERE done = 0 ORDER BY seq"
    ).fetchall()
    return [
        PendingCommand(
            row,
            Incoming(
                topic,
                payload,
                packet_id=packet_id,
                reply=Reply(reply, correlation) if reply else None,
                expiry=expiry,
                asker=nobody if session == HERE else None,
            ),
            datetime.fromisoformat(received_at),
            received,
            first,
        )
        for row, topic, payload, packet_id, reply, correlation, expiry, received_at, received, first, session in rows
    ]


def presses(connection: sqlite3.Connection, since: float) -> list[Press]:
    """`buy` commands from after a steady time that were answered with an order; the latest of the same comes last."""
    rows = connection.execute(
        "SELECT seq, content, received FROM commands WHERE received > ? AND command = 'buy' AND order_id IS NOT NULL"
        " ORDER BY seq",
        (since,),
    )
    return [Press(*row) for row in rows]


def answered(connection: sqlite3.Connection, since: float, most: int) -> list[Answered]:
    """The newest so many commands from after a steady time that have an answer of their own, oldest first."""
    rows = connection.execute(
        "SELECT seq, command, answer, order_id, received_at, received FROM commands"
        " WHERE received > ? AND done = 1 AND answer IS NOT NULL ORDER BY seq DESC LIMIT ?",
        (since, most),
    ).fetchall()
    return [
        Answered(row, command, answer, order, datetime.fromisoformat(received_at), received)
        for row, command, answer, order, received_at, received in reversed(rows)
    ]


def answer_of(connection: sqlite3.Connection, row: int) -> bytes | None:
    """The stored answer to a command that its transaction still names, None while there is none."""
    found = connection.execute("SELECT answer FROM commands WHERE seq = ? AND key IS NOT NULL", (row,)).fetchone()
    return None if found is None else found[0]


def forget(connection: sqlite3.Connection, before: float) -> int:
    """Delete answered commands from before a steady time; how many."""
    return connection.execute("DELETE FROM commands WHERE done = 1 AND received < ?", (before,)).rowcount


# --- the outbox -----------------------------------------------------------------------------------------------------


def post(connection: sqlite3.Connection, posting: Posting, now: float) -> OutboxRow:
    """Put one message at the outbox's end."""
    message = posting.message
    cursor = connection.execute(
        "INSERT INTO outbox (kind, topic, absolute, payload, correlation, posted) VALUES (?, ?, ?, ?, ?, ?)",
        (posting.kind.value, message.topic, message.absolute, message.payload, message.correlation, now),
    )
    return OutboxRow(int(cursor.lastrowid or 0), posting.kind, message)


def outbox(connection: sqlite3.Connection, after: int, limit: int) -> list[OutboxRow]:
    """Messages that wait behind a row, oldest first, those set aside left out."""
    rows = connection.execute(
        "SELECT seq, kind, topic, absolute, payload, correlation FROM outbox WHERE seq > ? AND aside = 0"
        " ORDER BY seq LIMIT ?",
        (after, limit),
    )
    return [
        OutboxRow(seq, MessageKind(kind), Message(topic, payload, absolute=bool(absolute), correlation=correlation))
        for seq, kind, topic, absolute, payload, correlation in rows
    ]


def outbox_length(connection: sqlite3.Connection) -> int:
    """How many messages wait."""
    return int(connection.execute("SELECT count(*) FROM outbox WHERE aside = 0").fetchone()[0])


def sent(connection: sqlite3.Connection, rows: list[int]) -> None:
    """The broker acknowledged these."""
    connection.executemany("DELETE FROM outbox WHERE seq = ?", [(row,) for row in rows])


def replace_payload(connection: sqlite3.Connection, row: int, payload: bytes) -> None:
    """Another payload for a message that waits."""
    connection.execute("UPDATE outbox SET payload = ? WHERE seq = ?", (payload, row))


def set_aside(connection: sqlite3.Connection, row: int, *, keep: bool) -> None:
    """A message that cannot be sent: an SMS stays to be tried again later, all else is given up unless to be kept."""
    if not keep:
        connection.execute("DELETE FROM outbox WHERE seq = ? AND kind != 'sms'", (row,))
    connection.execute("UPDATE outbox SET aside = 1 WHERE seq = ?", (row,))


def take_back_aside(connection: sqlite3.Connection) -> int:
    """Let what was set aside be tried again; how many."""
    return connection.execute("UPDATE outbox SET aside = 0 WHERE aside = 1").rowcount


def drop_old(connection: sqlite3.Connection, before: float, most: int) -> int:
    """Drop answers and events that are older than a steady time or beyond a number; how many. Never an SMS."""
    old = connection.execute("DELETE FROM outbox WHERE kind != 'sms' AND posted < ?", (before,)).rowcount
    beyond = connection.execute(
        "DELETE FROM outbox WHERE kind != 'sms' AND seq <= (SELECT seq FROM outbox ORDER BY seq DESC LIMIT 1 OFFSET ?)",
        (most,),
    ).rowcount
    return old + beyond


def _digest(incoming: Incoming) -> str:
    return hashlib.sha256(incoming.topic.encode() + b"\0" + incoming.payload).hexdigest()
