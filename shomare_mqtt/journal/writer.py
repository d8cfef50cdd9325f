"""What runs in the journal's thread: all that touches SQLite, and what becomes of work that finds the disk full.

Nobody may wait for an answer that never comes: whatever is raised here is told to all who wait, and ends the daemon.
"""

from __future__ import annotations

import logging
import os
import queue
import sqlite3
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.pace import Pace
from shomare_mqtt.errors import JournalError, JournalFullError
from shomare_mqtt.journal.files import Files
from shomare_mqtt.journal.jobs import Job, Need, report, report_open, tell
from shomare_mqtt.journal.opening import open_journal
from shomare_mqtt.journal.room import AT_REST, FAR_AHEAD, FOR_ORDER, Room
from shomare_mqtt.journal.state_directory import cannot
from shomare_mqtt.journal.wal import PAGE

if TYPE_CHECKING:
    import asyncio

    from shomare_mqtt.journal.state_directory import StateDirectory

LOG = logging.getLogger("shomare_mqtt.journal")
_MOST_TOGETHER = 256
_CHECKPOINT = 500
"""Frames in the log at which they are taken into the journal's file."""
_SOME_MORE = 100
"""Frames after which that is tried again where the disk had no room for it."""
_TRY_AGAIN = 2.0
"""Seconds after which what found no room is tried again."""
_RIDES = 8.0
"""Seconds after which what rides along is written by itself. A crash within them has messages of that time sent again.
Where nothing happens nothing rides: so this is one wait for the disk for each thing that does happen, and none where
others follow sooner. What the first check tells, five seconds after a purchase, goes with what was sent of it."""
_MOST_RIDING = 256
_NO_CHECKPOINT_ON_CLOSE = 1006
"""SQLite's number for it; `setconfig` came with Python 3.12."""
_LOST = b"shomare-mqtt: the journal's thread cannot go on, not even to tell why: the daemon ends\n"


class Writer:
    """Opens the journal in a held directory, and carries out the jobs until there is a None.

    `pace`: of each transaction, and of what else waits for the disk by itself.
    """

    _loop: asyncio.AbstractEventLoop
    _connection: sqlite3.Connection
    _room: Room

    def __init__(self, directory: StateDirectory, boot: str, jobs: queue.SimpleQueue[Job | None]) -> None:
        self._directory = directory
        self._files = Files(directory, boot)
        self._jobs = jobs
        self._taken: list[Job] = []
        self._waiting: list[Job] = []
        self._riding: list[Job] = []
        self._begun: list[Job] = []
        """The one that is carried out and told, in a transaction that is open yet."""
        self._failed: JournalError | None = None
        # Made while there is memory for it.
        self._fault = JournalError(
            "the journal's thread failed; the daemon ends, and goes on where it was once restarted"
        )
        self._noted = -1
        self._looked_at = 0
        self._in_vain = 0
        self._again = 0.0
        self._ride_by = 0.0
        self._said_full = False
        self.pace = Pace(time.monotonic)

    @property
    def is_full(self) -> bool:
        """Whether the disk has no room for what waits to be written."""
        return self._said_full

    def work(self, loop: asyncio.AbstractEventLoop, opened: asyncio.Future[None]) -> None:
        """Run in the thread."""
        self._loop = loop
        try:
            if self._open(opened):
                self._serve()
        except BaseException:  # noqa: BLE001 - no memory to tell anybody: the end of the process is understood by all
            os.write(2, _LOST)
            os._exit(1)

    def _open(self, opened: asyncio.Future[None]) -> bool:
        error: Exception | None = None
        try:
            self._connection = open_journal(self._directory, self._files)
        except Exception as found:  # noqa: BLE001 - whatever it is: who waits for the file must not wait for ever
            error = found
            self._files.close()
        else:
            error = self._make_room()
        tell(self._loop, opened, error)
        return error is None

    def _make_room(self) -> Exception | None:
        """Make room for a first purchase, while there is some; what went wrong."""
        try:
            self._room = Room(self._files.wal)
            self._room.has(AT_REST + FOR_ORDER)
            self._extend()
        except (OSError, sqlite3.Error) as error:
            self._close()
            return cannot("opened", self._directory.path, error)
        return None

    def _serve(self) -> None:
        try:
            while self._next():
                self._carry_out()
            self._give_up()
        except BaseException as error:  # noqa: BLE001 - a MemoryError, say
            self._end_all(error)
        finally:
            self.pace.waits()  # nobody waits for it any more
            self._close()

    def _next(self) -> bool:
        """Take all that came, and once it is time what found no room before; False where there is only the end."""
        self.pace.waits()
        with suppress(queue.Empty):
            job = self._jobs.get(timeout=self._left())
            while job is not None:
                self._sort_in(job)
                if len(self._taken) == _MOST_TOGETHER:
                    break
                job = self._jobs.get(block=False)
            else:
                if not self._taken:
                    return False
                self._jobs.put(None)
        self.pace.gets_on()
        if time.monotonic() >= self._again:
            self._taken, self._waiting = [*self._waiting, *self._taken], []
        return True

    def _left(self) -> float | None:
        """Seconds until there is something to do though nothing comes; None: there is not."""
        ends = ([self._again] if self._waiting else []) + ([self._ride_by] if self._riding else [])
        return max(min(ends) - time.monotonic(), 0.0) if ends else None

    def _sort_in(self, job: Job) -> None:
        if job.need is not Need.RIDES:
            self._taken.append(job)
            return
        if not self._riding:
            self._ride_by = time.monotonic() + _RIDES
        self._riding.append(job)

    def _carry_out(self, *, ends: bool = False) -> None:
        """Carry out what was taken. `ends`: with all that rides along, and nothing stays open."""
        if self._failed is None:
            try:
                self._write(self._with_room(), ends=ends)
            except JournalError as error:
                self._failed = error
            except (sqlite3.Error, OSError) as error:
                self._failed = cannot("written", self._directory.path, error)
        if self._failed is not None:
            self._taken += self._begun + self._waiting + self._riding
            self._begun, self._waiting, self._riding = [], [], []
        self._say_full()
        if self._taken:
            report(self._loop, self._taken, self._failed)
        self._taken = []

    # --- writing ----------------------------------------------------------------------------------------------------

    def _with_room(self) -> list[Job]:
        """The jobs that may be tried: what need not be written is refused where the room is kept for what must be."""
        needs = [job.need for job in self._taken]
        intents = needs.count(Need.INTENT)
        if intents:
            self._files.check_there()
        if intents + needs.count(Need.SPARE) + needs.count(Need.SOON) == 0:
            return list(self._taken)
        orders = self._connection.execute("SELECT count(*) FROM orders WHERE closed_at IS NULL").fetchone()[0]
        return [job for job in self._taken if self._is_room(job, orders, intents)]

    def _is_room(self, job: Job, orders: int, intents: int) -> bool:
        if job.need in (Need.WAITS, Need.READS):
            return True
        size = job.size + sum(begun.size for begun in self._begun)
        frames = AT_REST + FOR_ORDER * (orders + (intents if job.need is Need.INTENT else 0)) + size // PAGE
        if self._room.has(frames, FAR_AHEAD) or (self._checkpoint() and self._room.has(frames, FAR_AHEAD)):
            return True
        job.refuse(self._full())
        return False

    def _write(self, jobs: list[Job], *, ends: bool = False) -> None:
        try:
            self._transact(jobs, self._riding, ends=ends)
        except sqlite3.Error as error:
            self._undo(error)
            self._checkpoint()
            self._transact(self._begun, [], ends=True)  # what was told stands, or nothing more is written
            for job in jobs:
                self._write_alone(job)
            self._ride_by = time.monotonic() + _TRY_AGAIN
        if not self._begun and self._connection.total_changes != self._looked_at:
            self._look_at_log()

    def _look_at_log(self) -> None:
        """After writing: take the log in where it is long, and note what the files are."""
        self._looked_at = self._connection.total_changes
        if self._room.used() >= max(_CHECKPOINT, self._in_vain):
            self._checkpoint()
        if self._noted != self._room.end and self._room.used():  # before the first entry, nothing tells the log
            with suppress(OSError):  # less would be noticed at the next start, no more
                self._files.note()
            self._noted = self._room.end

    def _transact(self, jobs: list[Job], riding: list[Job], *, ends: bool) -> None:
        """Carry jobs out; before them what rides along, where something is to be written or it is time.

        `ends`: none may leave the transaction open.
        """
        ends = ends or self._is_to_end(jobs, riding)
        soon = [job for job in jobs if job.need is Need.SOON]
        if not ends:
            riding = []
        if (ends or soon) and not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        for job in (*riding, *jobs):
            job.carry_out(self._connection)
            self.pace.gets_on()
        if ends:
            self._connection.execute("COMMIT")
            self.pace.gets_on()
            self._taken = [*self._begun, *self._taken, *riding]
            self._begun = []
            self._riding = [] if riding else self._riding
        elif soon:
            self._begun = soon
            self._taken.remove(soon[0])
            report_open(self._loop, soon[0])

    def _is_to_end(self, jobs: list[Job], riding: list[Job]) -> bool:
        """Whether a transaction with these is to be on disk before anything is told."""
        soon = sum(job.need is Need.SOON for job in (*self._begun, *jobs))
        if soon > 1 or any(job.need not in (Need.READS, Need.SOON) for job in jobs):
            return True
        return bool(riding) and (time.monotonic() >= self._ride_by or len(riding) >= _MOST_RIDING)

    def _write_alone(self, job: Job) -> None:
        try:
            self._transact([job], [], ends=True)
        except sqlite3.Error as error:
            self._undo(error)
            if job.need is Need.WAITS:
                self._taken.remove(job)
                self._waiting.append(job)
                self._again = time.monotonic() + _TRY_AGAIN
            else:
                job.refuse(self._full())

    def _undo(self, error: sqlite3.Error) -> None:
        """Undo what was begun, where the disk is full. Raises the error where it is something else."""
        kind = getattr(error, "sqlite_errorcode", 0) & 0xFF
        full = kind == sqlite3.SQLITE_FULL or (kind == sqlite3.SQLITE_IOERR and self._room.is_full())
        if not full:
            # Closing undoes what was begun; to undo it here may fail as well, and then nobody would be told.
            raise error
        self._roll_back()

    def _roll_back(self) -> None:
        with suppress(sqlite3.Error):  # SQLite may have done it
            self._connection.execute("ROLLBACK")

    def _checkpoint(self) -> bool:
        """Take the log into the journal's file, so that it begins anew; False where the disk has no room for it."""
        if self._connection.in_transaction:
            self._write([], ends=True)
        used = self._room.used()
        if used < self._in_vain:
            return False
        try:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")  # all of it: nobody else reads
        except sqlite3.Error as error:
            self._undo(error)
            self._in_vain = used + _SOME_MORE
            return False
        self._in_vain = 0
        self.pace.gets_on()
        self._room.checkpointed()
        self._extend()
        self.pace.gets_on()
        return True

    def _extend(self) -> None:
        pages, size = (self._connection.execute(f"PRAGMA {each}").fetchone()[0] for each in ("page_count", "page_size"))
        self._files.extend(pages * size)

    def _full(self) -> JournalFullError:
        return JournalFullError(
            f"the disk that holds {self._directory.path} is full: what comes of it could not be written down; make "
            "room, and try again"
        )

    def _say_full(self) -> None:
        if bool(self._waiting) == self._said_full:
            return
        self._said_full = not self._said_full
        if self._said_full:
            LOG.error(
                "the disk that holds %s is full: what came last waits in memory, and is lost if this process is "
                "killed. Make room, and it is written",
                self._directory.path,
            )
        elif self._failed is None:
            LOG.info("the disk has room again: all that waited is written")

    # --- the end ----------------------------------------------------------------------------------------------------

    def _give_up(self) -> None:
        """The journal is closed: what waits for room is tried once more, and what rides along without it as well."""
        self._taken, self._waiting = self._waiting, []
        for _ in range(2):
            if self._taken or self._riding or self._begun:
                self._carry_out(ends=True)
        report(self._loop, [*self._waiting, *self._riding], self._full())

    def _end_all(self, error: BaseException) -> None:
        """Tell all who wait and all who will that nothing is written any more."""
        report(self._loop, [*self._begun, *self._taken, *self._waiting, *self._riding], self._fault)
        LOG.critical("the journal's thread failed: %s", trace_of(error))
        while (late := self._jobs.get()) is not None:
            report(self._loop, [late], self._fault)

    def _close(self) -> None:
        self._roll_back()
        with suppress(sqlite3.Error, OSError, AttributeError):
            if self._files.cut_off():  # what is missing in the log would be written over what the journal has
                connection: Any = self._connection
                connection.setconfig(_NO_CHECKPOINT_ON_CLOSE)
            else:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
                self._files.end()
        with self._files.sheltered():
            self._connection.close()
        self._files.close()
