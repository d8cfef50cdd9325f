"""How far a message is to be cut that the broker did not take for its size, as far as anybody can tell."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core.fitting import fitted
from shomare_mqtt.mqtt.failures import HangsUpError, PublishRefusedError, TooLargeError

if TYPE_CHECKING:
    from shomare_mqtt.mqtt.failures import LinkError

SMALL = 8192
"""Bytes of a payload that no broker hangs up on for its size; the longest SMS that people send are half of it."""

WHOLE_AGAIN = 3600.0
"""Seconds after which a message that is larger than what was taken comes whole again."""


def room_for(payload: bytes, error: LinkError) -> int | None:
    """Bytes of payload that may go, as far as anybody can tell; None where to cut it is of no use.

    A broker that names no bound is tried with half, and one that hangs up with few.
    """
    match error:
        case TooLargeError(is_for_topic=False):
            return len(payload) - (error.size - error.limit)
        case PublishRefusedError(is_for_size=True):
            return len(payload) // 2
        case HangsUpError(closed=0.0) if len(payload) > SMALL:
            return SMALL
    return None


class Learnt:
    """Bytes of payload to which SMS are cut at once, since more was too much a while ago.

    To find this out anew may take a connection each time; but it may have been chance, or no longer be so.
    """

    def __init__(self) -> None:
        self._largest: int | None = None
        self._until = 0.0

    def too_much(self, room: int, error: LinkError) -> None:
        """Only so many bytes may go, as far as anybody can tell."""
        if isinstance(error, TooLargeError):
            return  # that is found out anew before a byte is sent
        self._largest = room if self._largest is None else min(self._largest, room)
        self._until = asyncio.get_running_loop().time() + WHOLE_AGAIN

    def cut(self, payload: bytes, *, gently: bool = False) -> bytes:
        """The payload with its SMS cut, where that is known to be needed, and can be."""
        if self._largest is None or len(payload) <= self._largest:
            return payload
        if asyncio.get_running_loop().time() >= self._until:
            self._largest = None
            return payload
        return fitted(payload, self._largest, gently=gently) or payload
