"""How a plugin does: running, failed or left out; a failure is said at once, and not without end."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shomare_mqtt.plugin.rate_limit import RateLimit

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable

    from shomare_mqtt.core.clock import Clock

_REPEAT = 600.0
"""Seconds after which a failure that goes on is said again."""


class PluginHealth:
    """What `bridge/info` shows of one plugin; usable in every thread.

    `tell` is called with a message for the operator, or with None where only the state changed.
    """

    def __init__(self, clock: Clock, tell: Callable[[str | None], None]) -> None:
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._errors: dict[str, tuple[str, float]] = {}
        self._said = RateLimit(clock, per_second=0.1, burst=5)
        self._left_out: str | None = None

    @property
    def left_out(self) -> str | None:
        """Why the plugin is called no more until the restart; None while it is called."""
        return self._left_out

    @property
    def state(self) -> str:
        """`running`, `failed` (and still called) or `left_out`."""
        return "left_out" if self._left_out else "failed" if self._errors else "running"

    @property
    def error(self) -> str | None:
        """The newest thing that is wrong."""
        with self._lock:
            return self._left_out or next((message for message, _ in reversed(self._errors.values())), None)

    def failed(self, what: str, message: str) -> None:
        """Something of the plugin failed; said at once, again after a while, at most a few times a minute."""
        with self._lock:
            now = self._clock.monotonic()
            last = self._errors.pop(what, None)
            due = (last is None or now - last[1] > _REPEAT) and self._said.take()
            self._errors[what] = (message, now if due or last is None else last[1])
        if due:
            self._tell(message)
        elif last is None:
            self._tell(None)

    def succeeded(self, what: str) -> None:
        """What failed before works again."""
        with self._lock:
            known = self._errors.pop(what, None)
        if known is not None:
            self._tell(None)

    def leave_out(self, message: str) -> None:
        """Calls the plugin no more; the first reason counts, and is always said."""
        with self._lock:
            first = self._left_out is None
            self._left_out = self._left_out or message
        if first:
            self._tell(f"{message}; it is left out until the daemon is restarted")


class FailureReports:
    """What becomes of a plugin's failures; all on the event loop.

    `on_failed` gets a plugin's name and a sentence for `event/bridge`; `on_change` is called where
    `PluginHost.describe` has something new.
    """

    def __init__(
        self, logger: logging.Logger, on_failed: Callable[[str, str], None], on_change: Callable[[], None]
    ) -> None:
        self._logger = logger
        self._on_failed = on_failed
        self._on_change = on_change

    def tell(self, name: str, message: str | None) -> None:
        """How a plugin does has changed; `message` is what an operator should know of it."""
        if message is not None:
            self._logger.warning("%s", message)
            self._on_failed(name, message)
        self._on_change()
