"""The clocks of a machine that has booted, and does not know what time it is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.clock import SystemClock

if TYPE_CHECKING:
    from tests.crash.plan import Boot

UPTIME = 20.0
"""Seconds from the boot to the daemon's start."""


class BootedClock(SystemClock):
    """A machine's clocks after a boot: its wall clock may be wrong, until `put_right`."""

    def __init__(self, boot: Boot) -> None:
        super().__init__()
        self.boot_id = boot.name
        self._booted_at = super().boot_time() - UPTIME
        self._ahead = timedelta(seconds=boot.ahead)
        self._is_vouched = boot.is_vouched

    def now(self) -> datetime:
        return super().now() + self._ahead

    def boot_time(self) -> float:
        return super().boot_time() - self._booted_at

    def is_synchronised(self) -> bool:
        return self._is_vouched

    def put_right(self) -> None:
        """A time server answers."""
        self._ahead = timedelta()
        self._is_vouched = True
