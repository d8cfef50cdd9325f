"""Sets `bridge/state` right where somebody else set it (contract): not more often than every few seconds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

AFTER = 0.5
"""Seconds until it is set right: a broker that stops sends the last wills first, and this daemon's own is nobody's
doing; the connection ends right after it."""

APART = 5.0
"""Seconds between two times: who sets it again each time is not fought with for all that a link carries."""

LASTING = 600.0
"""Seconds after which it is said again."""


class StateKeeper:
    """`publish` puts ours on the broker once more."""

    def __init__(self, topic: str, publish: Callable[[], None], logger: logging.Logger) -> None:
        self._topic = topic
        self._publish = publish
        self._log = logger
        self._loop = asyncio.get_running_loop()
        self._again_at = self._say_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._stopped = False

    def was_set(self) -> None:
        """Somebody else set it."""
        if self._timer is None and not self._stopped:
            self._timer = self._loop.call_at(max(self._loop.time() + AFTER, self._again_at), self._set_right)

    def disconnected(self) -> None:
        """The connection ended: ours is put there with the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Leave it as it is from now on."""
        self._stopped = True
        self.disconnected()

    def _set_right(self) -> None:
        self._timer = None
        now = self._loop.time()
        self._again_at = now + APART
        if now >= self._say_at:
            self._log.warning("Somebody else set %s, which is this daemon's: it says online again", self._topic)
            self._say_at = now + LASTING
        self._publish()
