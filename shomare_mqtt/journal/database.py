"""The SQLite file: one thread that reads and writes, commits that wait together go together.

SQLite's calls block and an fsync on an SD card takes tens of milliseconds, so they have a thread of their own.
"""

from __future__ import annotations

import asyncio
import math
import queue
import threading
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.errors import JournalError
from shomare_mqtt.journal.jobs import Job, Need
from shomare_mqtt.journal.state_directory import cannot, hold
from shomare_mqtt.journal.writer import Writer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    from shomare_mqtt.journal.state_directory import StateDirectory

T = TypeVar("T")


class Database:
    """One open journal file. Every failure of SQLite's is a JournalError, after which nothing more is written.

    A full disk is none: what must be written waits for room, all else is refused with a JournalFullError.
    """

    def __init__(self, directory: Path, boot: str = "") -> None:
        self._directory = directory
        self._boot = boot
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        """No more is taken, from the moment on at which the end is asked for: the thread may never come to it."""
        self._held: StateDirectory | None = None
        self._writer: Writer | None = None

    async def open(self) -> None:
        """Open, check and migrate the file, and hold the directory.

        Raises InstanceConflictError where another process holds it, JournalUnusableError for a file or a directory that
        a person has to look at and that is left as it is, else JournalError.
        """
        loop = asyncio.get_running_loop()
        opened: asyncio.Future[None] = loop.create_future()
        self._held = hold(self._directory)
        self._is_closed = False
        try:
            self._writer = writer = Writer(self._held, self._boot, self._jobs)
            thread = threading.Thread(target=writer.work, args=(loop, opened), name="journal", daemon=True)
            thread.start()
            self._thread = thread
            await opened
        except (RuntimeError, MemoryError) as error:  # no thread is to be had
            await self.close()
            raise cannot("opened", self._directory, error) from None
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """End the thread after what was asked for before, and let go of the directory."""
        self._is_closed = True
        if self._thread is not None:
            self._jobs.put(None)
            await asyncio.get_running_loop().run_in_executor(None, self._thread.join)
            self._thread = None
        if self._held is not None:
            self._held.release()
            self._held = None

    @property
    def is_full(self) -> bool:
        """Whether what must be written waits for room on the disk."""
        return self._writer is not None and self._writer.is_full

    def stood(self) -> float:
        """Seconds since the thread got on with what it has to do; infinite where it is dead, and somebody waits."""
        if self._thread is None or self._writer is None:
            return 0.0
        is_dead = not self._thread.is_alive() and not self._jobs.empty()
        return math.inf if is_dead else self._writer.pace.stood()

    async def run(
        self,
        work: Callable[[sqlite3.Connection], T],
        need: Need = Need.WAITS,
        size: int = 0,
        told: Callable[[T], object] | None = None,
    ) -> T:
        """What `work` returns, after its transaction is on disk; with Need.SOON before that.

        `work` runs in the journal's thread, in a transaction shared with what waits at the same moment; where it raises
        something of its own, only its own part is undone, and the exception comes out here. On a full disk it may be
        run again. `size`: bytes that it writes, where they may be many and the need is a spare one. `told`: called with
        the result once it is on disk, before anybody goes on that waits for it or for what was asked for later, also
        where the caller gave up. Raises JournalError, JournalFullError as `need` says.
        """
        if self._thread is None or self._is_closed:
            raise JournalError("the journal is closed")
        job = Job(work, need, size)
        if told is not None:
            job.on_disk.add_done_callback(lambda future: _tell(told, future))
        self._jobs.put(job)
        # A caller that gives up keeps nothing from being written.
        result: T = await (job.future if told is None else asyncio.shield(job.future))
        return result

    async def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` returns, which writes nothing and sees all that was asked for before. Raises JournalError."""
        return await self.run(work, Need.READS)

    def ride(self, work: Callable[[sqlite3.Connection], object], done: Callable[[], object]) -> None:
        """Have `work` done at no cost of its own (Need.RIDES); `done` is called once that is on disk, or never will be.

        Once the end was asked for nothing is done.
        """
        if self._thread is None or self._is_closed:
            return
        job = Job(work, Need.RIDES)
        job.future.add_done_callback(lambda _: done())
        self._jobs.put(job)


def _tell(told: Callable[[T], object], future: asyncio.Future[T]) -> None:
    if not future.cancelled() and future.exception() is None:
        told(future.result())
