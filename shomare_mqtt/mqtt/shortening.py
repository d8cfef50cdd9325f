"""How far a message is to be cut that the broker did not take for its size, as far as anybody can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.mqtt.failures import HangsUpError, PublishRefusedError, TooLargeError

if TYPE_CHECKING:
    from shomare_mqtt.mqtt.failures import LinkError

SMALL = 8192
"""Bytes of a payload that no broker hangs up on for its size; the longest SMS that people send are half of it."""


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
