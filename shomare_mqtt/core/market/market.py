"""The market room: its parts, made and started together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.faults import lasting
from shomare_mqtt.core.market.account import Account
from shomare_mqtt.core.market.catalogs import Catalogs
from shomare_mqtt.core.market.defaults import Defaults
from shomare_mqtt.core.market.offer_reading import AT_ONCE, OfferReader
from shomare_mqtt.core.market.offers import Offers
from shomare_mqtt.core.market.price_book import PriceBook
from shomare_mqtt.core.market.prices import Prices
from shomare_mqtt.core.market.provider_problem import ProviderProblem
from shomare_mqtt.core.market.provider_state import ObservedProvider, ProviderState
from shomare_mqtt.core.market.trying import Trying
from shomare_mqtt.model import CatalogKind

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Iterable

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Ports, Say, Spawn
    from shomare_mqtt.core.problems import Problems


class Market:
    """What can be had, and how the provider stands. `provider` is to be asked through this one alone."""

    def __init__(self, settings: InForce, ports: Ports, mask: Mask, problems: Problems, logger: logging.Logger) -> None:
        self._settings = settings
        self._logger = logger
        clock, journal, retained, extensions = ports.clock, ports.journal, ports.retained, ports.extensions
        say, currency = _logged(ports.say, logger), settings.now.provider.currency
        self._clock = clock
        self.provider_state = ProviderState(clock, retained, ports.say, mask, logger, settings.now.shown_base_url)
        self._problem = ProviderProblem(self.provider_state, journal, problems)
        self.provider = ObservedProvider(ports.provider, self.provider_state, logger)
        self.account = Account(clock, journal, self.provider, retained, extensions, currency)
        self.catalogs = Catalogs(clock, journal, self.provider, retained, logger)
        self.prices = Prices(clock, journal, self.provider, retained, extensions, self.catalogs, self.account, say)
        self.defaults = Defaults(settings, clock, journal, retained, self.catalogs, self.prices, say)
        reader = OfferReader(clock, journal.time, PriceBook(), self.prices, ports.outbox)
        self.offers = Offers(settings, journal, self.catalogs, self.defaults, reader, say)
        self.trying = Trying(clock, self.provider, self.catalogs, self.prices, self.defaults, logger)
        self.provider_state.on_lost = self.account.provider_lost
        self.provider_state.on_doubt = self.account.doubted

    async def load(self) -> None:
        """Take up what the journal holds. Raises JournalError."""
        await self._problem.load()
        await self.catalogs.load()
        await self.prices.load(self._settings.now.prices)
        await self.defaults.load()

    def start(self, spawn: Spawn) -> None:
        """Keep all of it renewed."""
        keep = partial(self._keep, spawn)
        keep(partial(self.account.run, lambda: self._settings.now.refresh.profile), "account")
        for kind in CatalogKind:
            keep(partial(self.catalogs.run, kind, lambda: self._settings.now.refresh.catalog), kind.value)
        keep(partial(self.defaults.run, self._prices_interval), "defaults")
        keep(self.trying.run, "trying")
        for number in range(AT_ONCE):
            keep(self.offers.reader.run, f"offers {number}")
        self._watch(spawn, self.prices.numbers)
        self._settings.listeners.append(partial(self._settings_changed, spawn))

    def _settings_changed(self, spawn: Spawn, before: Settings) -> None:
        """Look again by the new intervals, and at what is to be watched by now."""
        refresh = self._settings.now.refresh
        if refresh.profile < before.refresh.profile:
            self.account.look_within(refresh.profile)
        self.catalogs.interval_changed()
        self._watch(spawn, self.prices.watch(self._settings.now.prices))

    def _watch(self, spawn: Spawn, numbers: Iterable[int]) -> None:
        for number in numbers:
            self._keep(spawn, partial(self.prices.run, number, self._prices_interval), f"prices {number}")

    def _prices_interval(self) -> float:
        return self._settings.now.refresh.prices

    def _keep(self, spawn: Spawn, work: Callable[[], Awaitable[None]], name: str) -> None:
        """Begin what goes on for ever: no fault of this program in it ends the daemon."""
        spawn(lasting(work, name, self._clock, self._logger), name)


def _logged(say: Say, logger: logging.Logger) -> Say:
    """Names in the settings that no list holds stand in the log as well: a newcomer sees no `event/bridge`."""

    async def both(event: BridgeEvent, message: str, **more: Any) -> None:
        if event is BridgeEvent.NAME_UNKNOWN:
            logger.warning("%s", message)
        await say(event, message, **more)

    return both
