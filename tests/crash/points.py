"""Where a process can die: each resumption of each task, each COMMIT (before and after), each word with the broker.

Nothing is listed by hand: a task factory wraps every coroutine, and a connection's `execute` is wrapped. A point is a
place and how often it was reached since arming; at the chosen one the process is gone, with nothing cleaned up.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import Counter
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from shomare_mqtt.journal import opening

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator
    from contextlib import AbstractContextManager
    from pathlib import Path

ABORTED = 99
"""Exit status of a process that died at its point."""
OUTSIDE = ("before ", "after ")
"""What places begin with at which something is told to the journal's file or to the broker."""
Point = tuple[str, int]
"""A place, and which time that it is reached."""


def points_in(file: Path) -> list[Point]:
    """Every point that a life went through, in order."""
    reached: Counter[str] = Counter()
    found = []
    for place in file.read_text().splitlines():
        reached[place] += 1
        found.append((place, reached[place]))
    return found


class Points:
    """Counts points, and dies at one of them; `file` gets a line for each: the place."""

    def __init__(self, die_at: Point | None, file: Path) -> None:
        self._die_at = die_at
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._turn = threading.Lock()
        self._reached: Counter[str] = Counter()
        self.armed = False

    def arm(self) -> None:
        """From now on points count."""
        self.armed = True

    def reached(self, place: str) -> None:
        """One more point; the last thing that happens in this process where it is the chosen one."""
        if not self.armed:
            return
        with self._turn:
            self._reached[place] += 1
            os.write(self._file, f"{place}\n".encode())
            if self._die_at == (place, self._reached[place]):
                os._exit(ABORTED)

    def watch_tasks(self, loop: asyncio.AbstractEventLoop) -> None:
        """Count the resumptions of every task that is made from now on."""

        def make(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> asyncio.Task[Any]:
            return asyncio.Task(_Counted(work, self), loop=loop, **more)

        loop.set_task_factory(make)

    def watching_commits(self) -> AbstractContextManager[object]:
        """Count the moments before and after each COMMIT of a journal that is opened meanwhile."""
        connect = opening._connect
        return patch.object(opening, "_connect", lambda path, files: _Connection(connect(path, files), self))


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine; each of its steps is a point."""

    def __init__(self, work: Coroutine[Any, Any, Any], points: Points) -> None:
        self._work = work
        self._points = points

    def send(self, value: Any) -> Any:
        self._reach()
        return self._work.send(value)

    def throw(self, *error: Any) -> Any:
        self._reach()
        return self._work.throw(*error)

    def close(self) -> None:
        self._work.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._work.__await__()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._work, name)

    def _reach(self) -> None:
        if self._points.armed:
            self._points.reached(_where(self._work))


def _where(work: Any) -> str:
    """The innermost line of ours at which a coroutine waits, and what its task began with."""
    found = first = getattr(work, "__qualname__", "?")
    step: Any = work
    while step is not None:
        frame = getattr(step, "cr_frame", None)
        if frame is not None and "shomare_mqtt" in frame.f_code.co_filename:
            file = frame.f_code.co_filename.rpartition("shomare_mqtt/")[2]
            found = f"{file}:{frame.f_lineno} {frame.f_code.co_qualname}"
        step = getattr(step, "cr_await", None)
    return f"{found} [{first}]"


class _Connection:
    """A SQLite connection whose COMMITs are points."""

    def __init__(self, connection: sqlite3.Connection, points: Points) -> None:
        self._connection = connection
        self._points = points

    def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
        if sql != "COMMIT":
            return self._connection.execute(sql, *values)
        self._points.reached("before COMMIT")
        cursor = self._connection.execute(sql)
        self._points.reached("after COMMIT")
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)
