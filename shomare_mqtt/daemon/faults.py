"""What is raised on the event loop and in no task, which asyncio only logs: the daemon would go on, deaf."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from shomare_mqtt.core.masking import trace_of

LOG = logging.getLogger("shomare_mqtt")


class Faults:
    """Ends the task that makes it by what a callback of the loop raised; `first` is that."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._task = asyncio.current_task(loop)
        self.first: BaseException | None = None
        loop.set_exception_handler(self._heard)

    def _heard(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        # Its own words, and those of what it was about, may repeat an SMS.
        LOG.error("a fault outside of all tasks: %s", "none raised" if error is None else trace_of(error))
        if "handle" in context and error is not None and self.first is None and self._task is not None:
            self.first = error
            self._task.cancel()
