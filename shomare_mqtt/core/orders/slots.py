"""How many checks are under way: thousands of open orders would take a request's memory each."""

from __future__ import annotations

from collections import Counter
from enum import Enum, auto
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

AT_ONCE = 50
"""Checks that are under way at most, slow ones aside."""
SLOW_AFTER = 2.0
"""Seconds after which a check is slow: numbers for which the provider hangs must not keep it from all others."""
MOST_SLOW = 500
"""With so many slow checks the others wait for them: a provider that hangs altogether has enough to do."""


class _Pace(Enum):
    QUICK = auto()
    SLOW = auto()


class Slot:
    """One check's place; to be left once, or more often."""

    __slots__ = ("_move", "_pace")

    def __init__(self, move: Callable[[_Pace | None, _Pace | None], None]) -> None:
        self._move = move
        self._pace: _Pace | None = None
        self._go(_Pace.QUICK)

    def slow(self) -> None:
        """The check takes long: another may begin beside it."""
        self._go(_Pace.SLOW)

    def leave(self) -> None:
        """The check has ended, or nobody waits for it any more."""
        self._go(None)

    def _go(self, pace: _Pace | None) -> None:
        before, self._pace = self._pace, pace
        self._move(before, pace)


class Slots:
    """Places for checks. `on_free` is called whenever there may be one more than before."""

    def __init__(self, on_free: Callable[[], None]) -> None:
        self._on_free = on_free
        self._taken: Counter[_Pace] = Counter()

    @property
    def is_one_free(self) -> bool:
        """Whether a check may begin."""
        return self._taken[_Pace.QUICK] < AT_ONCE and self._taken[_Pace.SLOW] < MOST_SLOW

    def take(self) -> Slot:
        """A place for a check that begins."""
        return Slot(self._move)

    def _move(self, before: _Pace | None, after: _Pace | None) -> None:
        if after is not None:
            self._taken[after] += 1
        if before is not None:
            self._taken[before] -= 1
            self._on_free()
