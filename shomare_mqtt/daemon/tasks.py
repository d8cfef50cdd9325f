"""The daemon's tasks, in one group: a fault in one of them ends all."""

from __future__ import annotations

import asyncio
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
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self, *, but: Container[str] = ()) -> None:
        """End all but those of some names."""
        for task in self._running:
            if task.get_name() not in but:
                task.cancel()
