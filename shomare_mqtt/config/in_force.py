"""The settings that hold now: whoever works with one that may change as the daemon runs asks for it here each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.config.held import Settings


class InForce:
    """Holds them. `now`: all of them, of one reading of the file."""

    def __init__(self, settings: Settings) -> None:
        self.now = settings
        self.listeners: list[Callable[[Settings], None]] = []
        """Told once others hold, in the order in which they came; given those from before."""
        self._is_held_back = False
        self._next: Settings | None = None

    @property
    def newest(self) -> Settings:
        """Those that were taken last, though they may be held back."""
        return self._next or self.now

    def take(self, settings: Settings) -> None:
        """Put others in their place."""
        if self._is_held_back:
            self._next = settings
            return
        before, self.now = self.now, settings
        for listener in self.listeners:
            listener(before)

    def hold_back(self) -> None:
        """Until `let_go`, what is taken waits: a daemon that begins is not told of changes by halves."""
        self._is_held_back = True

    def let_go(self) -> None:
        """Take what waited, and what comes from now on."""
        self._is_held_back = False
        if self._next is not None:
            taken, self._next = self._next, None
            self.take(taken)
