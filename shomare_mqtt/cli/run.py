"""`shomare-mqtt run`: the daemon in this process. No command-line or terminal library is imported on the way here."""

from __future__ import annotations

import argparse
import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt import config, logs
from shomare_mqtt.cli.status import DONE, FAILED, plain_failures
from shomare_mqtt.core.faults import ENDS_ALL
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.daemon.running import run_daemon

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOG = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Runs the daemon until a signal ends it; SIGHUP reads the file again.

    Returns the exit status; raises SystemExit for what ends it at once.
    """
    named: Path | None = _parser().parse_args(arguments).config
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="shomare-mqtt run",
        description="The daemon. Stops cleanly on SIGTERM and SIGINT, reads the file again on SIGHUP.",
        epilog="Exit status: 0 stopped, 1 failed, 2 usage, 78 settings, state directory, or base topic in use.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help="the settings file (or SHOMARE_CONFIG)")
    return parser
