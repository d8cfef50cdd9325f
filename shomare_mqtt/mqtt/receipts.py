"""Which of our PUBACKs the broker is known to have read.

A PUBACK is answered by nothing, so that one that was on its way when a connection ended may have come or not. But what
a connection carries arrives in order: where the broker acknowledges a message of ours, it has read each PUBACK that we
had sent before that message (MQTT 5 and 3.1.1, section 4.2: an ordered, lossless stream).
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Receipts:
    """Of one connection. What is still unknown at its end stays so."""

    def __init__(self) -> None:
        self._published = 0
        self._unknown: dict[int, tuple[int, Callable[[], None]]] = {}

    def arrived(self, packet: int) -> None:
        """A message with a packet id came: what is found out from now on of an earlier use of it is of no more use."""
        self._unknown.pop(packet, None)

    def acknowledged(self, packet: int, heard: Callable[[], None]) -> None:
        """Our PUBACK for a packet id went out; `heard` is called once the broker is known to have read it."""
        self._unknown.pop(packet, None)
        self._unknown[packet] = self._published, heard

    def published(self) -> int:
        """A message of ours goes out; its number."""
        self._published += 1
        return self._published

    def answered(self, number: int) -> None:
        """The broker acknowledged the message of ours with this number."""
        # They stand in the order in which they went out.
        read = list(takewhile(lambda packet: self._unknown[packet][0] < number, self._unknown))
        for heard in [self._unknown.pop(packet)[1] for packet in read]:
            heard()
