"""systemd's watchdog (sd_watchdog_enabled(3)): fed for as long as none of the daemon's loops stands."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Self

from shomare_mqtt.daemon.health import CHANGE

if TYPE_CHECKING:
    from shomare_mqtt.daemon.health import Health
    from shomare_mqtt.systemd import Notifier

LOG = logging.getLogger("shomare_mqtt")
_FEEDS = 3
"""How often it is fed in the time that it waits: two may be late."""


class Watchdog:
    """A timer from `with` to its end; none where systemd expects nothing. `health`: what it is fed by, once known."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier
        self._timer: asyncio.TimerHandle | None = None
        self._hungry = False
        self._began = 0.0
        self.health: Health | None = None

    def __enter__(self) -> Self:
        self._began = asyncio.get_running_loop().time()
        if self._notifier.watchdog is not None:
            self._feed(self._notifier.watchdog)
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _feed(self, within: float) -> None:
        loop, pause = asyncio.get_running_loop(), within / _FEEDS
        if self.health is not None and self._timer is not None and loop.time() - self._timer.when() > pause:
            self.health.stood_still()
        self._timer = loop.call_later(pause, self._feed, within)
        stands = self._stands()
        if not stands:
            self._notifier.alive(within)
        self._say(stands, within)

    def _stands(self) -> tuple[str, ...]:
        if self.health is not None:
            return self.health.stands()
        opening = asyncio.get_running_loop().time() - self._began
        return (f"the journal has not been opened for {opening:.0f} seconds",) if opening > CHANGE else ()

    def _say(self, stands: tuple[str, ...], within: float) -> None:
        """Once, while there is somebody to say it."""
        if bool(stands) is self._hungry:
            return
        self._hungry = bool(stands)
        if stands:
            LOG.error(
                "%s. Unless it goes on, systemd restarts the daemon within %.0f seconds. Every purchase is in the "
                "journal, and watched again after that; one that is on its way ends first, or becomes `unknown`",
                *("; ".join(stands), within),
            )
        else:
            LOG.warning("what stood goes on: systemd does not restart the daemon")
