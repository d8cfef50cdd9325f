"""What Home Assistant is to be told of this daemon now, put together from all its parts."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from typing import TYPE_CHECKING

from shomare_mqtt import __version__
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.faults import outlived
from shomare_mqtt.homeassistant.context import DiscoveryContext, WatchedProduct
from shomare_mqtt.homeassistant.discovery import refused_extra
from shomare_mqtt.homeassistant.selects import unmatched
from shomare_mqtt.model import CatalogKind

if TYPE_CHECKING:
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.bridge import Bridge
    from shomare_mqtt.core.ports import Say
    from shomare_mqtt.homeassistant.announcer import Announcer
    from shomare_mqtt.plugin.host import PluginHost

LOG = logging.getLogger("shomare_mqtt.homeassistant")


class DeviceUpdates:
    """Keeps the announcer's picture of the device true."""

    def __init__(
        self,
        settings: InForce,
        instance: str,
        bridge: Bridge,
        plugins: PluginHost,
        say: Say,
        announcer: Announcer,
    ) -> None:
        self._settings = settings
        self._instance = instance
        self._market = bridge.market
        self._ledger = bridge.orders.ledger
        self._plugins = plugins
        self._say = say
        self._announcer = announcer
        self._one_at_a_time = asyncio.Lock()
        self._said: set[str] = set()

    def say_again(self) -> None:
        """What cannot be shown is said once more."""
        self._said.clear()

    async def update(self) -> None:
        """Tell how things are now; one at a time, so that the newest is told last."""
        async with self._one_at_a_time:
            await outlived(self._update(), "Home Assistant is not told of the lists", LOG)

    async def _update(self) -> None:
        context = await self._context()
        self._announcer.update(context)
        await self._say_left_out(context)

    async def _context(self) -> DiscoveryContext:
        market = self._market
        catalogs = {kind: found for kind in CatalogKind if (found := market.catalogs.get(kind))}
        defaults = {kind.field: value for kind in CatalogKind if (value := market.defaults.get(kind.field))}
        current = self._ledger.current()
        return DiscoveryContext(
            instance=self._instance,
            version=__version__,
            settings=self._settings.now,
            catalogs=catalogs,
            defaults=defaults,
            watched=tuple(self._watched()),
            extra=await self._plugins.discovery(current.order if current else None),
            complete=len(market.prices.settled) == len(self._settings.now.prices),
        )

    def _watched(self) -> list[WatchedProduct]:
        label = self._market.catalogs.label
        watched = sorted(self._market.prices.watched.items())  # in one order at each start
        products = [(c, o, a) for _, (c, o, a) in watched if a is not None]
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
        home = self._settings.now.homeassistant
        for kind, catalog in context.catalogs.items():
            for name in unmatched(catalog, getattr(home, kind.value)):
                near = self._market.catalogs.nearest(kind, name)
                text = f"homeassistant.{kind.value}: the provider's list holds no {name!r}{near}; it is left out"
                await self._say_once(text)
        self._plugins.components_refused(refused_extra(context))

    async def _say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            LOG.warning("%s", text)
            await self._say(BridgeEvent.NAME_UNKNOWN, text)
