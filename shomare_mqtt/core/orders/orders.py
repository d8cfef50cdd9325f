"""The orders room: its parts, made and started together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.orders.adopting import Adopting
from shomare_mqtt.core.orders.alternatives import Alternatives
from shomare_mqtt.core.orders.balance import BalanceTrial
from shomare_mqtt.core.orders.buying import Buyer
from shomare_mqtt.core.orders.cancelling import Canceller
from shomare_mqtt.core.orders.checking import Checker
from shomare_mqtt.core.orders.guard import Guard
from shomare_mqtt.core.orders.ledger import Ledger
from shomare_mqtt.core.orders.old_journal import OldJournal
from shomare_mqtt.core.orders.order_problems import OrderProblems
from shomare_mqtt.core.orders.resolving import Resolver
from shomare_mqtt.core.orders.settling import Settler
from shomare_mqtt.core.orders.statistics import Statistics
from shomare_mqtt.core.orders.stopping import Stopping
from shomare_mqtt.core.orders.wanted import Wanted
from shomare_mqtt.core.orders.watch import Watch

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.ports import Ports, Spawn
    from shomare_mqtt.core.problems import Problems
    from shomare_mqtt.core.records import Record


class Orders:
    """What is bought, and what becomes of it. Life: `load`, then `settle`, then `watch`."""

    def __init__(
        self,
        settings: InForce,
        ports: Ports,
        market: Market,
        problems: Problems,
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        clock, extensions = ports.clock, ports.extensions
        self._market = market
        self._spawn = spawn
        self.ledger = ledger = Ledger(settings, clock, ports.journal, ports.retained, ports.outbox, extensions)
        self._clearance = ports.clearance
        self._problems = OrderProblems(ledger, ports.journal, problems, market.account.said)
        self.checker = Checker(clock, ledger, market, extensions, logger)
        self.settler = Settler(settings, clock, ledger, market.account, self.checker, spawn, logger)
        adopting = Adopting(ledger, ports.retained)
        self.old_journal = OldJournal(clock, ports.journal, ledger, adopting, ports.retained, logger)
        problems.sources.append(self.old_journal.problems)
        self.settler.held_up = lambda: self._clearance().contested or self.old_journal.why_paused()
        self.old_journal.held_up = lambda: self._clearance().contested or self.settler.why_paused()
        self.guard = Guard(
            settings, ports.journal, lambda: market.defaults.buying, self._why_paused, market.account.said
        )
        self.statistics = Statistics(settings, clock, ports.journal, market.catalogs, ports.retained)
        ledger.on_committed = self.statistics.changed
        wanted = Wanted(ledger.time, market)
        self.buyer = Buyer(settings, clock, ledger, market, self.guard, wanted, extensions, logger)
        self.stopping = Stopping()
        self.alternatives = Alternatives(ledger, market, self.guard, wanted, self.buyer, self.stopping, logger)
        self.canceller = Canceller(clock, ledger, market, self.checker, self.stopping, logger)
        self.resolver = Resolver(settings, clock, ledger, logger)
        self._trial = BalanceTrial(settings, ledger, market, spawn, logger)
        self._watch = Watch(settings, clock, ledger, market, self.checker, self.canceller, spawn, logger)
        self.watch_stood = self._watch.stood

    def _why_paused(self, here: bool) -> str | None:  # noqa: FBT001 - the guard's port
        of_journal = self.old_journal.why_paused(here=here)
        return self._clearance().contested or of_journal or self.settler.why_paused()

    async def load(self) -> None:
        """Take up what the journal holds. Raises JournalError."""
        await self.ledger.load()
        await self._problems.load()

    def settle(self) -> None:
        """Go on with the evidence for orders that may have been bought; nothing is asked about the others yet."""
        self.settler.start()
        self.ledger.listeners.append(self._look_at_balance)
        self._market.provider_state.on_recovered = self._watch.provider_is_back

    def watch(self) -> None:
        """Watch open orders, once it is said again what a command that was cut off did.

        Earlier, what a cancel that is asked for again did before would look like the provider's own doing.
        """
        self._watch.start()
        self._spawn(self.ledger.run(), "ledger")
        self._spawn(self.statistics.run(), "statistics")
        self._spawn(self.old_journal.run(), "journal's progress")

    def _look_at_balance(self, record: Record, previous: Record | None) -> None:
        """An order that has just got its purchase has cost money."""
        if previous is not None and previous.order.purchase is None and record.order.purchase is not None:
            self._market.account.money_moved()
