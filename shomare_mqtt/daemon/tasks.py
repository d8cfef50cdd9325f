"""The daemon's tasks, in one group: a fault in one of them ends all, and so does an end that nobody asked for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container, Coroutine
    from typing import Any


class Tasks:
    """Starts tasks within `group`, and ends them by their names."""

    def __init__(self) -> None:
        self.group = asyncio.TaskGroup()
        self._running: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Start one; fulfils core.ports.Spawn."""
        task = self.group.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    def names(self) -> set[str]:
        """Of those that run."""
        return {task.get_name() for task in self._running}

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A group takes a task that something cancelled from within for one that was to end: nobody would miss it."""
        self._running.discard(task)
        if task.cancelled() and not task.cancelling():
            with suppress(RuntimeError):  # the group is ending already
                self.group.create_task(_fail(task.get_name()))

    def cancel(self, *, but: Container[str] = ()) -> None:
        """End all but those of some names."""
        for task in self._running:
            if task.get_name() not in but:
                task.cancel()


async def _fail(name: str) -> None:
    raise RuntimeError(f"the task {name!r} ended, and nobody had ended it")
