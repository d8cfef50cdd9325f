"""So much at once, and so much in the long run: what a plugin may publish, log and complain of."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shomare_mqtt.core.clock import Clock


class RateLimit:
    """A token bucket: lets through `burst` at once and `per_second` in the long run. Not locked by itself."""

    def __init__(self, clock: Clock, per_second: float, burst: float) -> None:
        self._clock = clock
        self._rate = per_second
        self._burst = burst
        self._level = burst
        self._seen = clock.monotonic()

    def take(self) -> bool:
        """Whether one more may pass now."""
        now = self._clock.monotonic()
        self._level = min(self._burst, self._level + (now - self._seen) * self._rate)
        self._seen = now
        if self._level < 1:
            return False
        self._level -= 1
        return True
