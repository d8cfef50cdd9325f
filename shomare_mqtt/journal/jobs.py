"""Pieces of work for the journal's thread, and who waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Need(Enum):
    """What a piece of work needs of a disk that is full."""

    READS = "reads"
    """It writes nothing."""
    RIDES = "rides"
    """It is written with what is written next, a while later at the latest, and when the journal is closed. A crash
    before that undoes it."""
    WAITS = "waits"
    """It uses what room was kept, and waits where there is none: what it writes must not be lost."""
    SPARE = "spare"
    """It leaves what was kept to others, or is refused: whoever asked may ask again."""
    SOON = "soon"
    """As SPARE. Where nothing else is to be written, its outcome is told while the transaction is open yet, which ends
    with what is written next: so that two that follow each other wait for the disk once."""
    INTENT = "intent"
    """As SPARE; and room is kept for all that may come of it."""


class Job:
    """One piece of work, which writes at least so many bytes.

    `future`: its outcome; `on_disk`: the same once that is on disk, which with Need.SOON may be later.
    """

    def __init__(self, work: Callable[[sqlite3.Connection], object], need: Need, size: int = 0) -> None:
        self.need = need
        self.size = size
        self._work = work
        self._result: object = None
        self._error: Exception | None = None
        loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = loop.create_future()
        self.on_disk: asyncio.Future[Any] = loop.create_future() if need is Need.SOON else self.future

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Run the work in a savepoint. Raises sqlite3.Error, which spoils the whole transaction."""
        if self.need is Need.READS:
            self._read(connection)
            return
        self._result = self._error = None
        connection.execute("SAVEPOINT job")
        try:
            self._result = self._work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - the waiting caller gets it
            connection.execute("ROLLBACK TO job")
            self._error = error
        connection.execute("RELEASE job")

    def _read(self, connection: sqlite3.Connection) -> None:
        """Run the work where there is nothing to undo."""
        try:
            self._result = self._work(connection)
        except sqlite3.Error:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._error = error

    def refuse(self, error: Exception) -> None:
        """It is not carried out."""
        self._error = error

    def tell(self) -> None:
        """Hand the outcome to who waits for it alone; to be called in the event loop."""
        settle(self.future, self._result, self._error)

    def settle(self, failed: Exception | None) -> None:
        """Hand the outcome to who waits, which is on disk; to be called in the event loop."""
        settle(self.future, self._result, failed or self._error)
        settle(self.on_disk, self._result, failed or self._error)


def report(loop: asyncio.AbstractEventLoop, jobs: list[Job], failed: Exception | None) -> None:
    """Hand outcomes to the event loop from another thread, all at once: each call wakes it anew."""
    _call(loop, _settle_all, jobs, failed)


def report_open(loop: asyncio.AbstractEventLoop, job: Job) -> None:
    """Hand an outcome to the event loop that is not on disk yet."""
    _call(loop, job.tell)


def tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], error: Exception | None) -> None:
    """Settle a future that has no result from another thread."""
    _call(loop, settle, future, None, error)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *values: object) -> None:
    with suppress(RuntimeError):  # the loop was closed: nobody waits any more
        loop.call_soon_threadsafe(function, *values)


def _settle_all(jobs: list[Job], failed: Exception | None) -> None:
    for job in jobs:
        job.settle(failed)


def settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    """Settle a future, unless who waited gave up."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
        return
    future.set_exception(error)
    future.exception()  # seen here: the caller may have been cancelled
