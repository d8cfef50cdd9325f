"""The simulator's time: one monotonic clock, and the wall clock as it was when it started."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class TimeBase:
    """Seconds that never jump (`monotonic`), and what they are on the wall. Tests hand in a clock of their own."""

    monotonic: Callable[[], float] = time.monotonic
    wall_at_start: datetime = field(default_factory=lambda: datetime.now(UTC))
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.monotonic()

    def wall(self, at: float) -> datetime:
        """A moment of the monotonic clock, in UTC."""
        return datetime.fromtimestamp(self.epoch(at), UTC)

    def epoch(self, at: float) -> float:
        """The same in seconds since 1970: what may be kept across a restart."""
        return self.wall_at_start.timestamp() + at - self.started

    def back(self, epoch: float) -> float:
        """Seconds since 1970 as a moment of the monotonic clock."""
        return epoch - self.wall_at_start.timestamp() + self.started
