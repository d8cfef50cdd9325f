"""Notices to the operator (contract, Events: `event/bridge`) that stand by themselves, beside no other change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.records import Batch, bridge_posting

if TYPE_CHECKING:
    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.core.ports import Journal, Outbox


class Notices:
    """Puts each into the outbox; fulfils core.ports.Say with `say`."""

    def __init__(self, journal: Journal, outbox: Outbox) -> None:
        self._journal = journal
        self._outbox = outbox

    async def say(self, event: BridgeEvent, message: str, **more: Any) -> None:
        """Publish one. Raises JournalError."""
        await self._journal.commit(Batch(postings=[bridge_posting(event, message, **more)]))
        self._outbox.wake()
