"""Whether a loop gets on: it leaves a mark whenever it does, and says where it waits for what may take long.

Who reads the marks is `daemon.health`, with an allowance for each loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Pace:
    """The marks of one loop, whose thread writes them and any other may read them. `now`: seconds that never jump."""

    __slots__ = ("_now", "_since")

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._since: float | None = None

    def gets_on(self) -> None:
        """It did something, and there is more to do."""
        self._since = self._now()

    def waits(self) -> None:
        """It waits lawfully: for something new, for the broker, for a moment that is set."""
        self._since = None

    def stood(self) -> float:
        """Seconds since it last got on; 0 while it waits lawfully."""
        since = self._since  # read once: another thread may write it
        return 0.0 if since is None else max(0.0, self._now() - since)
