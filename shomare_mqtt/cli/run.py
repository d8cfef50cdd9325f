"""`shomare-mqtt run`: the daemon in this process. No command-line or terminal library is imported on the way here."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING

from shomare_mqtt import logs
from shomare_mqtt.cli.status import DONE, FAILED, plain_failures
from shomare_mqtt.core.faults import ENDS_ALL
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.daemon.running import run_daemon
from shomare_mqtt.daemon.settings_answer import settings_of
from shomare_mqtt.daemon.settings_process import spawned

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.daemon.settings_process import SettingsProcess

_LOG = logging.getLogger(__name__)

NEW_OBJECTS = 5000
"""So many may there be before it is looked for garbage among them: sixteen queries at once make more than Python's 700,
and leave none."""


def run(named: Path | None = None, begun: SettingsProcess | None = None) -> int:
    """Runs the daemon until a signal ends it; SIGHUP reads the settings again. `named`: the file that was asked for.

    `begun`: a process that reads it already. Returns the exit status; raises SystemExit for what ends it at once.
    """
    # What was imported stays to the end: whoever looks for garbage need not go through all of it again and again.
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    with plain_failures():
        try:
            asyncio.run(
                run_daemon(
                    _reading(named, begun),
                    lambda settings: logs.set_up(settings.log, settings.tokens(), whole=settings.secrets()),
                )
            )
        except ENDS_ALL:
            raise
        except Exception as error:  # noqa: BLE001 - the one place for what nobody expected
            # The exception's own words may repeat an SMS.
            _LOG.critical("the daemon ends, by a fault of this program: %s", trace_of(error))
            return FAILED
    return DONE


def _reading(named: Path | None, begun: SettingsProcess | None) -> Callable[[], Awaitable[Settings]]:
    """What reads the settings each time that it is called, at first from the process that has begun to."""

    def read() -> Awaitable[Settings]:
        nonlocal begun
        process, begun = begun or spawned(named), None
        return settings_of(process)

    return read
