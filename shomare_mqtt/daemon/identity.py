"""Names that outlive the process: of this daemon, and of the broker's session with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.ids import new_id
from shomare_mqtt.journal.memories import INSTANCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.journal.store import Journal

_SESSION = "session"


class Identity:
    """`instance` is Home Assistant's id of this daemon; within one `session`, packet ids name deliveries."""

    def __init__(self, journal: Journal, meta: Mapping[str, str], clock: Clock) -> None:
        self._journal = journal
        self._clock = clock
        self._connections = 0
        self.session = meta.get(_SESSION) or new_id(clock.now())
        self.instance = meta.get(INSTANCE) or new_id(clock.now()).lower()

    async def keep(self) -> None:
        """Write both down. Raises JournalError."""
        await self._journal.put_meta({INSTANCE: self.instance, _SESSION: self.session})

    def connected(self, session: int) -> bool:
        """Connected, in the so-manieth session since the start; whether it is another, to be kept."""
        if session == self._connections:
            return False
        # Packet ids of another session mean other messages.
        self._connections = session
        self.session = new_id(self._clock.now())
        return True
