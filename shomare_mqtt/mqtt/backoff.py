"""How long to wait before the next attempt at the broker (architecture, failures: full jitter to a minute)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LONGEST_PAUSE = 60.0
"""Seconds between two attempts at most, and always where the broker refuses the password (contract, Settings)."""

_FIRST_BOUND = 1.0
_SHORT_BOUND = 0.2


class Backoff:
    """Full jitter: anything from nothing to a bound that doubles, so that many clients do not come in step."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._failures = 0

    def grown(self) -> float:
        """Seconds to wait after one more failure."""
        bound = min(LONGEST_PAUSE, _FIRST_BOUND * 2.0**self._failures)
        self._failures = min(self._failures + 1, 10)
        return self._rng.uniform(0, bound)

    def short(self) -> float:
        """Seconds to wait where nothing speaks against the next attempt."""
        return self._rng.uniform(0, _SHORT_BOUND)

    def reset(self) -> None:
        """It works again."""
        self._failures = 0
