"""Pieces of work for the journal's thread, and who waits for them."""

from __future__ import annotations

import asyncio
import sqlite3
from enum import Enum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Need(Enum):
    """What a piece of work needs of a disk that is full."""

    WAITS = "waits"
    """It uses what room was kept, and waits where there is none: what it writes must not be lost."""
    SPARE = "spare"
    """It leaves what was kept to others, or is refused: whoever asked may ask again."""
    INTENT = "intent"
    """As SPARE; and room is kept for all that may come of it."""


class Job:
    """One piece of work, which writes at least so many bytes."""

    def __init__(self, work: Callable[[sqlite3.Connection], object], need: Need, size: int) -> None:
        self.need = need
        self.size = size
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._result: object = None
        self._error: Exception | None = None
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def carry_out(self, connection: sqlite3.Connection) -> None:
        """Run the work in a savepoint. Raises sqlite3.Error, which spoils the whole transaction."""
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

    def refuse(self, error: Exception) -> None:
        """It is not carried out."""
        self._error = error

    def report(self, failed: Exception | None) -> None:
        """Hand the outcome to the event loop, unless that is gone."""
        tell(self._loop, self.future, self._result, failed or self._error)


def tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    """Settle a future from another thread."""
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:  # the loop was closed: nobody waits any more
        return


def _settle(future: asyncio.Future[Any], result: object, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
        return
    future.set_exception(error)
    future.exception()  # seen here: the caller may have been cancelled
