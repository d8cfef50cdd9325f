"""Which of our PUBACKs the broker is known to have read.

A PUBACK is answered by nothing, so that one that was on its way when a connection ended may have come or not. But what
a connection carries arrives in order: where the broker acknowledges a message of ours, it has read each PUBACK that we
had sent before that message (MQTT 5 and 3.1.1, section 4.2: an ordered, lossless stream). And a packet id that comes
anew, with a message that is not brought again, was freed by a PUBACK.
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

    def arrived(self, packet: int, *, dup: bool) -> None:
        """A message with a packet id came: what is found out later of an earlier use of it is of no more use.

        What is not brought again is another message, and an id is used anew only once the PUBACK of the earlier use was
        read (MQTT 5, section 2.2.1; 3.1.1, section 2.3.1).
        """
        _, heard = self._unknown.pop(packet, (0, None))
        if heard is not None and not dup:
            heard()

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
