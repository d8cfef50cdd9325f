"""The journal: what the daemon must not forget. The only way in for the rest of the program."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.core.clock import Anchor, SteadyTime
from shomare_mqtt.core.ids import new_id
from shomare_mqtt.core.records import (
    Answered,
    Arrival,
    ArrivalKind,
    ArrivalResult,
    Batch,
    Condition,
    Counted,
    Ids,
    JournalIdentity,
    Names,
    OutboxRow,
    PendingCommand,
    PlaceSuccess,
    Posting,
    Press,
    Record,
    SpendFacts,
    Stretch,
)
from shomare_mqtt.core.render import dumps
from shomare_mqtt.errors import JournalFullError
from shomare_mqtt.journal import commands, counting, orders, progress
from shomare_mqtt.journal.database import Database
from shomare_mqtt.journal.jobs import Need
from shomare_mqtt.journal.unsent import Unsent
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, OrderState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from shomare_mqtt.core.clock import MachineClock
    from shomare_mqtt.model import Message, Transaction

T = TypeVar("T")

OUTBOX_MOST = 10_000
OUTBOX_AGE = 86400.0
PluginCall = tuple[str, str, str, str, str | None, float, int]
"""id, plugin, hook, order, SMS (or None), time in steady seconds, attempts."""
_ANCHOR = "anchor"
_MOVES = "moves"


class _NotNewError(Exception):
    """What came is answered with what it repeats, or is refused: that has to be on disk at once."""


class Journal:
    """Everything on disk. Every method raises JournalError where the file fails.

    On a full disk what must be written waits for room; see `commit` and `arrive` for what does not.
    """

    def __init__(self, directory: Path, clock: MachineClock) -> None:
        self._database = Database(directory, clock.boot_id)
        self._clock = clock
        self.time = SteadyTime(clock, None)
        self.identity: JournalIdentity
        self.sequence = 0
        self.on_advanced: Callable[[], object] = lambda: None
        self.on_posted: Callable[[Message], object] = lambda _: None
        """Told of each message that is put into the outbox, in their order, once it is on disk."""
        self._heard: set[int] = set()
        self._sent: set[int] = set()
        self._unsent = Unsent()
        self._emptied: set[str] = set()
        """Rows and topics that the file has otherwise yet: that rides with what is written next."""

    async def open(self) -> None:
        """Open the file and take up its time. Raises InstanceConflictError, JournalError."""
        await self._database.open()
        self.time = SteadyTime(self._clock, await self._database.read(_anchor))
        name = new_id(self._clock.now())
        self.identity = await self._anchored(lambda c: _begin(c, name))
        self.sequence = self.identity.sequence

    async def close(self) -> None:
        """Close the file after what was asked for before."""
        await self._database.close()

    # --- whether it works -------------------------------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether what must be written waits for room on the disk."""
        return self._database.is_full

    def stood(self) -> float:
        """Seconds since its thread got on, while there is something to do; asked of no file, and not awaited."""
        return self._database.stood()

    # --- writing ----------------------------------------------------------------------------------------------------

    async def commit(self, batch: Batch, condition: Condition | None = None) -> int:
        """Write all of a batch, durably, or nothing of it; the count of known money movements after it.

        With a purchase that is about to be asked for, room is kept for all that comes of it. Raises JournalFullError
        where there is none, and what the condition raises.
        """
        now = self.time.now()
        counts = bool(batch.records or batch.sms)
        buys = any(record.order.state is OrderState.BUYING for record in batch.records)

        def write(connection: sqlite3.Connection) -> tuple[tuple[int, list[OutboxRow]], bool]:
            if condition is not None:
                condition.check(orders.facts(connection, now - condition.today, now, condition.lifetime, condition.but))
            return _write(connection, batch, now), counts

        need, told = Need.INTENT if buys else Need.WAITS, self._posted if batch.postings else None
        moves, _ = await self._counted(write, need, told=told)
        return moves

    def _posted(self, written: tuple[int, list[OutboxRow]]) -> None:
        _, rows = written
        self._unsent.written(rows)
        for row in rows:
            self.on_posted(row.message)

    async def arrive(self, arrivals: list[Arrival], remember: float) -> list[ArrivalResult]:
        """Take commands down, in order, before the broker gets its PUBACK. `remember`: seconds.

        On a full disk none is taken but those that were before.
        """
        since, heard = self.time.now() - remember, frozenset(self._heard)
        written = arrivals[0].written if len(arrivals) == 1 else None
        if written is not None:
            with suppress(JournalFullError, _NotNewError):
                return await self._arrive_soon(arrivals[0], since, heard, written)
            written()
        size = sum(map(_size, arrivals))

        def told(results: list[ArrivalResult]) -> None:
            postings = [posting for a, r in zip(arrivals, results, strict=True) for posting in _posted_with(a, r)]
            if postings:
                self._unsent.changed()
            for posting in postings:
                self.on_posted(posting.message)

        try:
            return await self._counted(lambda c: _arrive(c, arrivals, since, heard), Need.SPARE, size, told)
        except JournalFullError:
            return await self._database.read(lambda c: [commands.not_taken(c, a, heard) for a in arrivals])

    async def _arrive_soon(
        self, arrival: Arrival, since: float, heard: frozenset[int], written: Callable[[], object]
    ) -> list[ArrivalResult]:
        """Take down a command that need not be on disk at once. Raises _NotNewError, JournalFullError."""

        def new(connection: sqlite3.Connection) -> tuple[list[ArrivalResult], bool]:
            results, is_new = _arrive(connection, [arrival], since, heard)
            if not is_new:
                raise _NotNewError
            return results, is_new

        return await self._counted(new, Need.SOON, _size(arrival), lambda _: written())

    async def write(self) -> None:
        """Have on disk what was to be there with what is written next."""
        await self._database.run(lambda _: None)

    def note_ids(self, record: Record, ids: Ids) -> None:
        """An order's ids are these from now on; written with what is written next, unless they changed by then."""
        self._database.ride(lambda c: orders.note_ids(c, record, ids), lambda: None)

    def note_end(self, record: Record, noted: Record) -> None:
        """An order ends when `noted` says from now on; written with what is written next, as ids are."""
        self._database.ride(lambda c: orders.note_end(c, record, noted), lambda: None)

    def note_value(self, key: str, value: str | None) -> None:
        """A single value is this from now on; None: there is none. Written with what is written next."""
        self._database.ride(lambda c: _put_meta(c, key, value), lambda: None)

    async def keep_time(self) -> None:
        """Write down that the wall clock was set, where it was: a reboot would take that for time gone by."""
        if self.time.was_set():
            await self._anchored(lambda _: None)

    async def _counted(
        self,
        work: Callable[[sqlite3.Connection], tuple[T, bool]],
        need: Need,
        size: int = 0,
        told: Callable[[T], object] | None = None,
    ) -> T:
        """Do some work that tells whether it counts in `sequence`, which is never ahead of what is on disk."""

        def counted(connection: sqlite3.Connection) -> tuple[T, int]:
            result, counts = work(connection)
            if counts:
                progress.advance(connection)
            return result, progress.sequence(connection)

        def on_disk(outcome: tuple[T, int]) -> None:
            result, sequence = outcome
            if sequence > self.sequence:
                self.sequence = sequence
                self.on_advanced()
            if told is not None:
                told(result)

        result, _ = await self._anchored(counted, need, size, on_disk)
        return result

    async def _anchored(
        self,
        work: Callable[[sqlite3.Connection], T],
        need: Need = Need.WAITS,
        size: int = 0,
        told: Callable[[T], object] | None = None,
    ) -> T:
        """Do some work, and write this moment down with it."""
        anchor = self.time.anchor().to_text()

        def anchored(connection: sqlite3.Connection) -> T:
            _put_meta(connection, _ANCHOR, anchor)
            return work(connection)

        return await self._database.run(anchored, need, size, told)

    def heard(self, row: int) -> None:
        """The broker is known to have read the PUBACK of the command in a row; written with what is written next."""
        self._ride(self._heard, [row], commands.heard)

    def _ride(self, unwritten: set[T], some: list[T], write: Callable[[sqlite3.Connection, list[T]], None]) -> None:
        """Write something of some rows or topics, which are among the unwritten until it is on disk."""
        unwritten.update(some)
        self._database.ride(lambda c: write(c, some), lambda: unwritten.difference_update(some))

    async def forget(self, remember: float) -> int:
        """Drop commands past remembering, and what is too old or too much in the outbox; the latter's number."""
        now, sent = self.time.now(), list(self._sent)

        def work(connection: sqlite3.Connection) -> int:
            commands.sent(connection, sent)
            commands.forget(connection, now - max(remember, OUTBOX_AGE))
            return commands.drop_old(connection, now - OUTBOX_AGE, OUTBOX_MOST)

        return await self._change_outbox(work)

    # --- orders -----------------------------------------------------------------------------------------------------

    async def find(self, order: str) -> Record | None:
        """An order by its id."""
        return await self._database.read(lambda c: orders.find(c, order))

    async def find_purchase(self, purchase: str) -> Record | None:
        """The newest order that holds a purchase."""
        return await self._database.read(lambda c: orders.find_purchase(c, purchase))

    async def find_adopted(self, transaction: Transaction, seconds: float) -> Record | None:
        """The order of a transaction that another journal made: an open one, or one not older than so many seconds."""
        since = self.time.now() - seconds
        return await self._database.read(lambda c: orders.find_adopted(c, transaction, since))

    async def has_adopted(self, seconds: float) -> bool:
        """Whether there is such an order of any transaction."""
        since = self.time.now() - seconds
        return await self._database.read(lambda c: orders.has_adopted(c, since))

    async def newest_first(self, state: str, limit: int) -> list[Record]:
        """Orders that are `open`, `closed` or `all`."""
        return await self._database.read(lambda c: orders.newest_first(c, state, limit))

    async def open_and_late(self, keep_closed: float) -> list[Record]:
        """Every open order and every one that closed less than so many seconds ago, newest first."""
        since = self.time.now() - keep_closed
        return await self._database.read(lambda c: orders.open_and_late(c, since))

    async def coded(self, keep_closed: float) -> list[str]:
        """Of the same orders those that got a code, the one that got the newest last."""
        since = self.time.now() - keep_closed
        return await self._database.read(lambda c: orders.coded(c, since))

    async def facts(self, today: float, lifetime: float, but: str | None = None) -> SpendFacts:
        """What the limits count, less an order; the day began `today` seconds ago."""
        now = self.time.now()
        return await self._database.read(lambda c: orders.facts(c, now - today, now, lifetime, but))

    async def counted(self, since: float, ends: Sequence[float], by: tuple[str, ...]) -> Stretch | None:
        """The next orders that were made since a steady moment, all before the same of `ends`; None: there are none.

        `ends`: rising. `by`: which of country, operator and application they are told apart by.
        """
        return await self._database.read(lambda c: counting.counted(c, since, ends, by))

    async def names(self, orders: list[int]) -> dict[int, Names]:
        """What country, operator and application of the orders in some rows were called when those were made."""
        return await self._database.read(lambda c: counting.names(c, orders))

    async def success_by_place(self, application: str, days: float = 90) -> dict[tuple[str, str], PlaceSuccess]:
        """How it went with an application in the last so many days, by country and operator."""
        since, rows = self.time.now() - days * 86400, list[Counted]()
        count = partial(counting.counted, ends=(), by=("country", "operator"), application=application)
        while (found := await self._database.read(partial(count, since=since))) is not None:
            rows += found.alike
            since = found.until
        return counting.success_by_place(rows)

    # --- commands and outbox ----------------------------------------------------------------------------------------

    async def pending(self) -> list[PendingCommand]:
        """Commands that an earlier process took and did not answer, oldest first."""
        return await self._database.read(commands.pending)

    async def presses(self, seconds: float) -> list[Press]:
        """`buy` commands of the last so many seconds that were answered, and not refused before there was an order."""
        since = self.time.now() - seconds
        return await self._database.read(lambda c: commands.presses(c, since))

    async def answered(self, seconds: float, most: int) -> list[Answered]:
        """The newest so many commands that came within the last so many seconds, as they were answered; oldest first.

        Not those that repeated another.
        """
        since = self.time.now() - seconds
        return await self._database.read(lambda c: commands.answered(c, since, most))

    async def answer_of(self, row: int) -> bytes | None:
        """The stored answer to a command."""
        return await self._database.read(lambda c: commands.answer_of(c, row))

    async def outbox(self, after: int, limit: int) -> list[OutboxRow]:
        """Messages to send that stand behind a row, oldest first."""
        if (held := self._unsent.first(after, limit)) is not None:
            return held
        # As of now: once they are off the disk they are no more among the sent, and what is read may be from before.
        sent, mark = frozenset(self._sent), self._unsent.mark()
        found = await self._database.read(lambda c: commands.outbox(c, after, limit + len(sent)))
        rows = [row for row in found if row.row not in sent]
        if not after and len(found) < limit + len(sent):
            self._unsent.read(mark, rows)
        return rows[:limit]

    async def outbox_length(self) -> int:
        """How many messages wait to be sent."""
        sent = len(self._sent)
        return max(0, await self._database.read(commands.outbox_length) - sent)

    async def sent(self, rows: list[int]) -> None:
        """The broker acknowledged these messages: they are never read again, but by a process after a crash.

        That is written with what is written next: at least once is what is promised, and a commit for each message
        would cost more than all else.
        """
        self._unsent.sent(rows)
        self._ride(self._sent, rows, commands.sent)

    async def replace_answer(self, row: int, payload: bytes) -> None:
        """Another payload for a message that waits."""
        await self._change_outbox(lambda c: commands.replace_payload(c, row, payload))

    async def set_aside(self, row: int, *, keep: bool = False) -> None:
        """A message cannot be sent: an SMS, and what is to be kept, stays for later."""
        await self._change_outbox(lambda c: commands.set_aside(c, row, keep=keep))

    async def take_back_aside(self) -> int:
        """Let what was set aside be tried again; how many."""
        return await self._change_outbox(commands.take_back_aside)

    async def _change_outbox(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Change what waits: it is read from the file after that."""
        try:
            return await self._database.run(work)
        finally:
            self._unsent.changed()

    # --- the rest ---------------------------------------------------------------------------------------------------

    async def meta(self) -> dict[str, str]:
        """All single values: defaults, the switch, the learnt dialect, ids made once."""
        return await self._database.read(lambda c: dict(c.execute("SELECT key, value FROM meta").fetchall()))

    async def put_meta(self, values: Mapping[str, str | None]) -> None:
        """Set single values; None removes one."""
        await self.commit(Batch(meta=dict(values)))

    async def catalogs(self) -> dict[CatalogKind, tuple[Catalog, datetime]]:
        """The lists as the provider gave them last, and when."""
        rows = await self._database.read(
            lambda c: c.execute("SELECT kind, entries, updated_at FROM catalogs").fetchall()
        )
        return dict(_readable(rows))

    async def put_catalog(
        self, catalog: Catalog, updated_at: datetime, values: Mapping[str, str | None] = MappingProxyType({})
    ) -> None:
        """Keep one list, and with it single values that speak of its ids; all or nothing.

        Raises JournalFullError where the disk has no room to spare: a list can be asked for again.
        """
        entries = dumps([[e.id, e.name, e.names, dict(e.extra)] for e in catalog.entries])
        row = (catalog.kind.value, entries, updated_at.isoformat())

        def put(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT OR REPLACE INTO catalogs VALUES (?, ?, ?)", row)
            for key, value in values.items():
                _put_meta(connection, key, value)

        await self._database.run(put, Need.SPARE, len(entries))

    async def retained(self) -> set[str]:
        """Whole topics that hold a retained message of ours."""
        rows = await self._database.read(lambda c: c.execute("SELECT topic FROM retained").fetchall())
        return {topic for (topic,) in rows}

    async def remember_retained(self, topics: list[str]) -> None:
        """Before these topics are published retained for the first time, unless a batch named them (`retained`)."""
        self._emptied.difference_update(topics)  # on a full disk that may be written later than this
        await self._database.run(lambda c: _remember(c, topics))

    async def forget_retained(self, topics: list[str]) -> None:
        """After these topics were emptied; written with what is written next, since to empty one twice is no harm."""

        def forget(connection: sqlite3.Connection, topics: list[str]) -> None:
            values = [(topic,) for topic in topics if topic in self._emptied]
            connection.executemany("DELETE FROM retained WHERE topic = ?", values)

        self._ride(self._emptied, topics, forget)

    async def plugin_calls(self) -> list[PluginCall]:
        """Calls of plugins' hooks that are to be made yet, oldest first."""
        return await self._database.read(
            lambda c: c.execute("SELECT * FROM plugin_calls ORDER BY created, id").fetchall()
        )

    async def save_plugin_call(self, call: PluginCall) -> None:
        """Keep one such call, or put it in the place of the one with its id."""
        await self._database.run(
            lambda c: c.execute("INSERT OR REPLACE INTO plugin_calls VALUES (?, ?, ?, ?, ?, ?, ?)", call) and None
        )

    async def delete_plugin_call(self, call_id: str) -> None:
        """It succeeded, or was given up."""
        await self._database.run(lambda c: c.execute("DELETE FROM plugin_calls WHERE id = ?", (call_id,)) and None)


def _begin(connection: sqlite3.Connection, new_name: str) -> JournalIdentity:
    commands.take_back_aside(connection)
    return progress.identity(connection, new_name)


def _posted_with(arrival: Arrival, result: ArrivalResult) -> tuple[Posting, ...]:
    """What was put into the outbox as a command arrived."""
    if result.kind is ArrivalKind.CONFLICT:
        return arrival.on_conflict
    return arrival.postings if result.kind is ArrivalKind.NEW else ()


def _size(arrival: Arrival) -> int:
    """Bytes that it takes at least."""
    return len(arrival.incoming.payload) + sum(len(p.message.payload) for p in arrival.postings)


def _arrive(
    connection: sqlite3.Connection, arrivals: list[Arrival], since: float, heard: frozenset[int]
) -> tuple[list[ArrivalResult], bool]:
    results = [commands.arrive(connection, a, since, heard) for a in arrivals]
    return results, any(r.kind is ArrivalKind.NEW for r in results)


def _write(connection: sqlite3.Connection, batch: Batch, now: float) -> tuple[int, list[OutboxRow]]:
    """The count of known money movements after it, and what waits to be sent."""
    for record in batch.records:
        orders.save(connection, record)
    for sms in batch.sms:
        orders.save_sms(connection, sms)
    for order in {*(r.order.order for r in batch.records if not r.order.is_open), *(new.order for new in batch.sms)}:
        counting.keep(connection, order)
    rows = [commands.post(connection, posting, now) for posting in batch.postings]
    for done in batch.done:
        commands.finish(connection, done)
    for key, value in batch.meta.items():
        _put_meta(connection, key, value)
    _remember(connection, batch.retained)
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_MOVES,)).fetchone()
    moves = (int(row[0]) if row else 0) + batch.moves
    if batch.moves:
        _put_meta(connection, _MOVES, str(moves))
    return moves, rows


def _remember(connection: sqlite3.Connection, topics: list[str]) -> None:
    connection.executemany("INSERT OR IGNORE INTO retained VALUES (?)", [(topic,) for topic in topics])


def _put_meta(connection: sqlite3.Connection, key: str, value: str | None) -> None:
    if value is None:
        connection.execute("DELETE FROM meta WHERE key = ?", (key,))
        return
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _anchor(connection: sqlite3.Connection) -> Anchor | None:
    """The last moment that was written down."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (_ANCHOR,)).fetchone()
    return Anchor.from_text(row[0]) if row else None


def _readable(rows: list[tuple[str, bytes, str]]) -> Iterator[tuple[CatalogKind, tuple[Catalog, datetime]]]:
    """The stored lists, less those that make no sense: they are asked for anew."""
    for name, entries, updated_at in rows:
        with suppress(ValueError, TypeError, RecursionError):
            at = datetime.fromisoformat(updated_at)
            yield CatalogKind(name), (_catalog(CatalogKind(name), entries), at.astimezone(UTC))


def _catalog(kind: CatalogKind, entries: bytes) -> Catalog:
    rows = json.loads(entries, parse_float=Decimal)
    return Catalog(kind, tuple(CatalogEntry(i, name, tuple(names), extra) for i, name, names, extra in rows))
