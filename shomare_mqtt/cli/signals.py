"""Ctrl-C and SIGTERM, for the commands that wait for somebody else."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.cli.status import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import Coroutine

_ENDING = (signal.SIGINT, signal.SIGTERM)


async def until_signal(command: Coroutine[Any, Any, None]) -> None:
    """Carries a command out; a signal cancels it, and what it raises then tells what that means.

    Raises what the command raises, and CommandFailedError where that says nothing of the signal.
    """
    loop, task = asyncio.get_running_loop(), asyncio.create_task(command)
    for number in _ENDING:
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        raise CommandFailedError("interrupted; what was sent already is carried out all the same") from None
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)
