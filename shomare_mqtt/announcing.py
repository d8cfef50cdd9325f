"""What Home Assistant is told of this daemon, put together from all its parts."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import Counter
from typing import TYPE_CHECKING

from shomare_mqtt import __version__
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.homeassistant.announcer import Announcer
from shomare_mqtt.homeassistant.context import DiscoveryContext, WatchedProduct
from shomare_mqtt.homeassistant.discovery import refused_extra
from shomare_mqtt.homeassistant.selects import unmatched
from shomare_mqtt.model import CatalogKind
from shomare_mqtt.mqtt.failures import LinkError, PublishRefusedError, TooLargeError

if TYPE_CHECKING:
    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.bridge import Bridge
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Message
    from shomare_mqtt.mqtt.retained import RetainedPublisher
    from shomare_mqtt.mqtt.session import Session
    from shomare_mqtt.plugin.host import PluginHost

LOG = logging.getLogger("shomare_mqtt.homeassistant")
DISCOVERY = "discovery"
_WAIT = 1.0
"""Seconds before a message that was not delivered is tried again."""


class Announcing:
    """Keeps the discovery true; fulfils homeassistant.announcer.Link."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        instance: str,
        remembered: str | None,
        *,
        bridge: Bridge,
        journal: Journal,
        session: Session,
        retained: RetainedPublisher,
        plugins: PluginHost,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._instance = instance
        self._bridge = bridge
        self._journal = journal
        self._session = session
        self._retained = retained
        self._plugins = plugins
        self._one_at_a_time = asyncio.Lock()
        self._said: set[str] = set()
        uniform = random.Random().uniform  # noqa: S311 - jitter, no secret
        self._announcer = Announcer(self, remembered, sleep=clock.sleep, uniform=uniform)

    async def run(self) -> None:
        """Announce for ever."""
        await self._announcer.run()

    def heard(self, payload: bytes) -> None:
        """Home Assistant said how it is."""
        self._announcer.heard(payload)

    async def update(self) -> None:
        """Tell how things are now; one at a time, so that the newest is told last."""
        async with self._one_at_a_time:
            context = await self._context()
            self._announcer.update(context)
            await self._say_left_out(context)

    async def _context(self) -> DiscoveryContext:
        catalogs = {kind: found for kind in CatalogKind if (found := self._bridge.market.catalogs.get(kind))}
        defaults = {
            kind.field: value for kind in CatalogKind if (value := self._bridge.market.defaults.get(kind.field))
        }
        current = self._bridge.orders.ledger.current()
        return DiscoveryContext(
            instance=self._instance,
            version=__version__,
            settings=self._settings,
            catalogs=catalogs,
            defaults=defaults,
            watched=tuple(self._watched()),
            extra=await self._plugins.discovery(current.order if current else None),
            complete=len(self._bridge.market.prices.settled) == len(self._settings.prices),
        )

    def _watched(self) -> list[WatchedProduct]:
        label = self._bridge.market.catalogs.label
        products = [(c, o, a) for c, o, a in self._bridge.market.prices.watched.values() if a is not None]
        pairs = Counter((c, a) for c, _, a in products)
        found = []
        for country, operator, application in dict.fromkeys(products):
            words = [label(CatalogKind.APPLICATIONS, application), label(CatalogKind.COUNTRIES, country)]
            if pairs[country, application] > 1:
                words.append(label(CatalogKind.OPERATORS, operator))
            found.append(WatchedProduct(country, operator, application, " ".join(words)))
        return found

    async def _say_left_out(self, context: DiscoveryContext) -> None:
        """Say what the settings or a plugin name for Home Assistant and cannot be shown."""
        home = self._settings.homeassistant
        for kind, catalog in context.catalogs.items():
            for name in unmatched(catalog, getattr(home, kind.value)):
                text = f"homeassistant.{kind.value}: the provider's list holds no {name!r}; it is left out"
                await self._say_once(text)
        self._plugins.components_refused(refused_extra(context))

    async def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            LOG.warning("%s", text)
            await self._bridge.say(BridgeEvent.NAME_UNKNOWN, text)

    def put(self, topic: str, payload: bytes) -> None:
        """Want a whole retained topic to hold the payload."""
        self._retained.put_absolute(topic, payload)

    async def deliver(self, message: Message) -> None:
        """Publish once, and return when the broker has it, or will never take it, which is said."""
        while True:
            await self._session.wait_connected()
            try:
                return await self._session.publish(message)
            except LinkError as error:
                if _is_final(error):
                    LOG.error("Home Assistant is not told of the device: %s", error)  # noqa: TRY400 - no traceback
                    return None
                await self._clock.sleep(_WAIT)

    async def remember(self, text: str) -> None:
        """Keep what Home Assistant was told."""
        await self._journal.put_meta({DISCOVERY: text})

    def repeat_states(self, *, online: bool) -> None:
        """The device was announced: what Home Assistant may have missed is published again."""
        if online:
            self._bridge.orders.ledger.publish_code_again()
        base = self._settings.mqtt.base_topic
        for kind in CatalogKind:
            self._retained.put_again(f"{base}/defaults/{kind.field}/name")
        # Brokers keep no empty message: without it the number of a default that is not set stays unknown.
        self._retained.put_again(f"{base}/defaults/max_price")


def _is_final(error: LinkError) -> bool:
    """Whether to publish the same again cannot help: too large, or refused for another reason than too much at once."""
    refused = isinstance(error, PublishRefusedError) and not error.is_over_quota
    return refused or isinstance(error, TooLargeError)
