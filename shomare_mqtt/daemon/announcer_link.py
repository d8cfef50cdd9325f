"""How the announcer's messages reach the broker, and what it told outlives the process."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.mqtt.failures import LinkError, PublishRefusedError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.daemon.broker import Broker
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Message

LOG = logging.getLogger("shomare_mqtt.homeassistant")
DISCOVERY = "discovery"
_WAIT = 1.0
"""Seconds before a message that was not delivered is tried again."""


class AnnouncerLink:
    """Fulfils homeassistant.announcer.Link."""

    def __init__(
        self,
        base_topic: str,
        broker: Broker,
        journal: Journal,
        ledger: Ledger,
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._base = base_topic
        self._broker = broker
        self._journal = journal
        self._ledger = ledger
        self._sleep = sleep

    def put(self, topic: str, payload: bytes) -> None:
        """Want a whole retained topic to hold the payload."""
        self._broker.retained.put_absolute(topic, payload)

    async def deliver(self, message: Message) -> None:
        """Publish once, and return when the broker has it, or will never take it, which is said."""
        while True:
            await self._broker.session.wait_connected()
            try:
                return await self._broker.session.publish(message)
            except LinkError as error:
                if _is_final(error):
                    LOG.error("Home Assistant is not told of the device: %s", error)  # noqa: TRY400 - no traceback
                    return None
                await self._sleep(_WAIT)

    async def remember(self, text: str) -> None:
        """Keep what Home Assistant was told."""
        await self._journal.put_meta({DISCOVERY: text})

    def repeat_states(self, *, online: bool) -> None:
        """The device was announced: what Home Assistant may have missed is published again."""
        if online:
            self._ledger.publish_code_again()
        for kind in CatalogKind:
            self._broker.retained.put_again(f"{self._base}/defaults/{kind.field}/name")
        # Brokers keep no empty message: without it the number of a default that is not set stays unknown.
        self._broker.retained.put_again(f"{self._base}/defaults/max_price")


def _is_final(error: LinkError) -> bool:
    """Whether to publish the same again cannot help: too large, or refused for another reason than too much at once."""
    refused = isinstance(error, PublishRefusedError) and not error.is_over_quota
    return refused or isinstance(error, TooLargeError)
