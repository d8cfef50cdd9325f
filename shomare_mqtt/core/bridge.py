"""The core put together: what the daemon decides, between the journal, the provider and the broker."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.desk.desk import Desk
from shomare_mqtt.core.desk.queries import Queries
from shomare_mqtt.core.market.account import Account
from shomare_mqtt.core.market.catalogs import Catalogs
from shomare_mqtt.core.market.defaults import Defaults
from shomare_mqtt.core.market.prices import Prices
from shomare_mqtt.core.market.provider_state import ObservedProvider, ProviderState
from shomare_mqtt.core.orders.buying import Buyer
from shomare_mqtt.core.orders.cancelling import Canceller, Resolver
from shomare_mqtt.core.orders.checking import Checker
from shomare_mqtt.core.orders.guard import Guard
from shomare_mqtt.core.orders.ledger import Ledger
from shomare_mqtt.core.orders.settling import Settler
from shomare_mqtt.core.orders.watch import Watch
from shomare_mqtt.core.render import Answer
from shomare_mqtt.core.tickets import Outcome, Ticket
from shomare_mqtt.model import Buy, Cancel, CatalogKind, QueryPrice, QueryPrices, Resolve, SetBuying, SetDefault

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Coroutine
    from typing import Any

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Extensions, Journal, Outbox, Provider, Retained
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.model import Incoming, Parsed, Unparsed

HEALTH_INTERVAL = 60.0
_FORGET_EVERY = 60
"""Reports between two looks at what the journal need not hold any more."""


class Bridge:
    """All parts of the core, made once for a process. Life: `load`, then `start`; `stop` before the tasks are ended."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock,
        journal: Journal,
        provider: Provider,
        retained: Retained,
        outbox: Outbox,
        extensions: Extensions,
        parse: Callable[[Incoming], Parsed | Unparsed],
        spawn: Callable[[Coroutine[Any, Any, None], str], asyncio.Task[None]],
        mask: Mask,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._retained = retained
        self._spawn = spawn
        self._setting = asyncio.Lock()
        self._switching = asyncio.Lock()
        self._never = asyncio.Event()
        self._began = clock.monotonic()
        self.ledger = Ledger(settings, clock, journal, retained, outbox, extensions)
        self.provider_state = ProviderState(clock, retained, self.ledger.say, mask, logger)
        observed = ObservedProvider(provider, self.provider_state, logger)
        currency = settings.provider.currency
        self.account = Account(clock, journal, observed, retained, extensions, mask, currency)
        self.catalogs = Catalogs(clock, journal, observed, retained)
        self.prices = Prices(clock, observed, retained, extensions, self.catalogs, self.account, self.ledger.say)
        self.defaults = Defaults(settings, clock, journal, retained, self.catalogs, self.prices, self.ledger.say)
        self._settler = Settler(settings, clock, journal, self.ledger, self.account, spawn, logger)
        self._guard = Guard(settings, clock, journal, lambda: self.defaults.buying, self._settler.why_paused)
        self._buyer = Buyer(
            settings,
            clock,
            journal,
            self.ledger,
            observed,
            self._guard,
            self.catalogs,
            self.prices,
            self.account,
            self.defaults,
            extensions,
            logger,
        )
        checker = Checker(clock, journal, self.ledger, observed, self.prices, extensions, logger)
        self._canceller = Canceller(clock, self.ledger, observed, checker, self.prices, self.account, logger)
        self._resolver = Resolver(settings, clock, journal, self.ledger, logger)
        self._queries = Queries(
            clock,
            journal,
            self.ledger,
            observed,
            self.account,
            self.catalogs,
            self.prices,
            self.defaults,
            checker,
        )
        self._watch = Watch(
            settings,
            clock,
            journal,
            self.ledger,
            checker,
            self._canceller,
            self.account,
            self.provider_state,
            spawn,
            logger,
        )
        self.desk = Desk(settings, clock, journal, self.ledger, outbox, parse, self._handle, spawn, logger)

    # --- life -------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up what the journal holds; retained topics are put. Raises JournalError."""
        await self.ledger.load()
        await self.catalogs.load()
        await self.defaults.load()

    async def start(self) -> None:
        """Begin to work: what was left unanswered, then watching, then what comes."""
        self._settler.start()
        self.ledger.listeners.append(self._look_at_balance)
        self.provider_state.on_recovered = self._watch.provider_is_back
        self.provider_state.on_lost = self.account.provider_lost
        await self.desk.resume()
        # After it: what a cancel that is asked for again did before must not look like the provider's own doing.
        self._watch.start()
        refresh = self._settings.refresh
        self._spawn(self.desk.run(), "desk")
        self._spawn(self.ledger.run(), "ledger")
        self._spawn(self.account.run(refresh.profile), "account")
        for kind in CatalogKind:
            self._spawn(self.catalogs.run(kind, refresh.catalog, self._never), kind.value)
        self._spawn(self.defaults.run(refresh.prices), "defaults")
        for number, watched in enumerate(self._settings.prices):
            self._spawn(self.prices.run(number, watched, refresh.prices, self._never), f"prices {number}")
        self._spawn(self._report_health(), "health")

    def _look_at_balance(self, record: Record, previous: Record | None) -> None:
        """An order that has just got its purchase has cost money."""
        if previous is not None and previous.order.purchase is None and record.order.purchase is not None:
            self.account.money_moved()

    # --- commands ---------------------------------------------------------------------------------------------------

    async def _handle(self, ticket: Ticket) -> Outcome:
        """Carry out one command. Raises CommandRefusedError, ProviderError for what is not carried out."""
        match ticket.request:
            case Buy() as request:
                async with self._setting, self._switching:  # what was set just before counts
                    pass
                return await self._buyer.buy(ticket, request)
            case Cancel() as request:
                return await self._canceller.cancel(ticket, request)
            case Resolve() as request:
                return await self._resolver.resolve(ticket, request)
            case SetDefault(field, value):
                async with self._setting:
                    return Outcome(Answer.ok({field: await self.defaults.set(field, value)}))
            case SetBuying(on):
                async with self._switching:  # of its own: a list that hangs must not keep the switch from turning
                    await self.defaults.set_buying(on=on)
                    return Outcome(Answer.ok({"buying": "on" if on else "off"}))
            case query:
                if isinstance(query, QueryPrice | QueryPrices):
                    async with self._setting:  # a default that was set just before counts
                        pass
                return await self._queries.answer(query)

    # --- health -----------------------------------------------------------------------------------------------------

    async def _report_health(self) -> None:
        minute = 0
        while True:
            self._retained.put("bridge/health", render.dumps(await self.health()))
            await self._journal.keep_time()
            if minute % _FORGET_EVERY == 0:
                await self.desk.forget()
            minute += 1
            await self._clock.sleep(HEALTH_INTERVAL)

    async def health(self) -> dict[str, object]:
        """What `bridge/health` says."""
        why = self._guard.why_paused()
        state = self.provider_state
        return {
            "uptime": round(self._clock.monotonic() - self._began),
            "commands": self.desk.commands,
            "answers": self.desk.answers,
            "api_calls": state.calls.total(),
            "api_calls_by_endpoint": dict(sorted(state.calls.items())),
            "errors": state.errors.total(),
            "errors_by_code": dict(sorted(state.errors.items())),
            "sms": self.ledger.sms_count,
            "open_orders": len(self.ledger.open()),
            "outbox": await self._journal.outbox_length(),
            "memory": _resident_bytes(),
            "buying_paused": why is not None,
            "buying_paused_reason": why,
            "updated_at": render.timestamp(self._clock.now()),
        }


def _resident_bytes() -> int | None:
    """What this process takes of the machine's memory."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
