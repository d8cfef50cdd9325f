"""What becomes of a command that was not carried out: the one place where a fault of ours becomes an answer."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.render import Answer
from shomare_mqtt.errors import CommandRefusedError, JournalError, ShomareError

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable

T = TypeVar("T")


async def told(work: Awaitable[T], command: str, logger: logging.Logger) -> T | Answer:
    """What a command comes to, or the answer that says why it comes to nothing. Raises JournalError."""
    try:
        return await work
    except ShomareError as error:
        about = error.order if isinstance(error, CommandRefusedError) else None
        return replace(Answer.failed(error), about=about)
    except JournalError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place for faults of ours: the sender is told, we go on
        logger.error(  # noqa: TRY400 - the exception's own words may repeat an SMS
            "%s: a fault of this program: %s", command, trace_of(error)
        )
        return Answer.faulty()
