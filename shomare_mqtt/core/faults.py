"""Faults of this program in what goes on for ever: said in the log, and no reason to end.

What others send (lists above all) is read, searched and shown by code that nobody has tried with all of it. A fault in
that which ended the daemon would end it again at each start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.errors import (
    InstanceConflictError,
    JournalError,
    SettingsError,
    SettingsUnreadError,
    TakenOverError,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.clock import Clock

ENDS_ALL = (JournalError, InstanceConflictError, SettingsError, SettingsUnreadError, TakenOverError)
"""What ends the daemon by design."""
CALM = 60.0
"""Seconds before work that ended in a fault is begun anew."""


async def outlived(work: Awaitable[None], what: str, logger: logging.Logger) -> bool:
    """Whether the work came to its end; a fault of this program in it is logged. Raises what ends the daemon."""
    try:
        await work
    except ENDS_ALL:
        raise
    except Exception as error:  # noqa: BLE001 - the one place for faults in what nobody waits for
        # The exception's own words may repeat what others sent.
        logger.error("a fault of this program (%s): %s", what, trace_of(error))  # noqa: TRY400
        return False
    return True


async def lasting(work: Callable[[], Awaitable[None]], what: str, clock: Clock, logger: logging.Logger) -> None:
    """Do the work; after a fault of this program in it a minute's rest, and from the beginning.

    Raises what ends the daemon.
    """
    while not await outlived(work(), what, logger):
        await clock.sleep(CALM)
