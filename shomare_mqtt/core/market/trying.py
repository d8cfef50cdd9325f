"""When to find out which ids the provider takes: after the lists were read, and before something is bought."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, ProviderError
from shomare_mqtt.model import CatalogKind, IdDoubt, Priority, Product

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.catalogs import Catalogs
    from shomare_mqtt.core.market.defaults import Defaults
    from shomare_mqtt.core.market.prices import Prices
    from shomare_mqtt.core.market.provider_state import ObservedProvider

LONGEST = 60.0
"""Seconds that a purchase waits at most; then it goes on with the ids as they are."""
OTHERS_FIRST = 1.0
"""Seconds after a list was read: the prices that are asked for anyway may tell."""
LOOK_AGAIN = 600.0
_NOT_READ = (
    "the provider takes other ids than those of the list at hand, and the list could not be read again; "
    "nothing was bought"
)


class Trying:
    """Has the provider's ids tried where they are in doubt. No failure in that decides anything."""

    def __init__(
        self,
        clock: Clock,
        provider: ObservedProvider,
        catalogs: Catalogs,
        prices: Prices,
        defaults: Defaults,
        logger: logging.Logger,
    ) -> None:
        self._clock = clock
        self._provider = provider
        self._catalogs = catalogs
        self._prices = prices
        self._defaults = defaults
        self._logger = logger
        self._lists_came = asyncio.Event()
        catalogs.listeners.append(lambda _: self._lists_came.set())

    async def before_purchase(self, product: Product, seconds: float | None) -> None:
        """Settle what is in doubt, for so many seconds at most. Lists may have other ids after that.

        Raises CommandRefusedError where a list's ids are known to be others, and it cannot be read again: some that it
        holds may be another entry's.
        """
        if all(self._provider.id_doubt(kind) in (IdDoubt.SETTLED, IdDoubt.UNTOLD) for kind in CatalogKind):
            return
        try:
            async with asyncio.timeout(LONGEST if seconds is None else min(seconds, LONGEST)):
                await self._read_unread(Priority.MONEY)
                await self._settle(product, Priority.MONEY)
        except TimeoutError:
            self._logger.warning("which ids the provider takes was not found out in time; those at hand are taken")
        if any(self._provider.id_doubt(kind) is IdDoubt.WRONG for kind in CatalogKind):
            raise CommandRefusedError(ErrorCode.BUSY, _NOT_READ)

    async def _read_unread(self, priority: Priority) -> None:
        """Read the journal's lists of which nothing is known: only their columns tell whether there is any doubt.

        One that was never read was just asked for, where what it holds was named.
        """
        for kind in CatalogKind:
            if self._provider.id_doubt(kind) is IdDoubt.UNREAD and self._catalogs.get(kind) is not None:
                with suppress(ProviderError):
                    await self._catalogs.read(kind, priority)

    async def run(self) -> None:
        """Find out in the background, for ever; how often is the provider's client's matter.

        What an earlier version kept of the lists is looked at as this starts: the first purchase is not to wait for it.
        """
        is_held = any(self._catalogs.get(kind) is not None for kind in CatalogKind)
        while True:
            if is_held or await pause(self._clock, LOOK_AGAIN, self._lists_came):
                await self._clock.sleep(OTHERS_FIRST)
            self._lists_came.clear()
            if is_held:
                await self._read_unread(Priority.POLL)
            is_held = False
            await self._settle(self._likely(), Priority.POLL)

    def _likely(self) -> Product | None:
        """What the owner is likely to buy, where the settings name it."""
        if (product := self._defaults.product) is not None:
            return product
        watched = (ids for ids in self._prices.watched.values() if ids[2] is not None)
        return next((Product(country, operator, own) for country, operator, own in watched if own is not None), None)

    async def _settle(self, product: Product | None, priority: Priority) -> None:
        if not any(self._provider.id_doubt(kind) in (IdDoubt.OPEN, IdDoubt.WRONG) for kind in CatalogKind):
            return
        with suppress(ProviderError):
            for kind in await self._provider.try_ids(product, known=self._prices.known(), priority=priority):
                await self._catalogs.read(kind, priority)
