"""`shomare-mqtt run`: the daemon in this process. No command-line or terminal library is imported on the way here."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import TYPE_CHECKING

from shomare_mqtt import config, logs
from shomare_mqtt.cli.status import DONE, FAILED, plain_failures
from shomare_mqtt.core.faults import ENDS_ALL
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.daemon.running import run_daemon

if TYPE_CHECKING:
    from pathlib import Path

_LOG = logging.getLogger(__name__)

NEW_OBJECTS = 5000
"""So many may there be before it is looked for garbage among them: sixteen queries at once make more than Python's 700,
and leave none."""


def run(named: Path | None = None) -> int:
    """Runs the daemon until a signal ends it; SIGHUP reads the settings again. `named`: the file that was asked for.

    Returns the exit status; raises SystemExit for what ends it at once.
    """
    # What was imported stays to the end: whoever looks for garbage need not go through all of it again and again.
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    with plain_failures():
        try:
            asyncio.run(
                run_daemon(
                    lambda: config.load(config.find_file(named)),
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
