"""Which part carries a command out, and which commands wait for each other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core.render import Answer
from shomare_mqtt.core.tickets import Outcome
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Buy, Cancel, QueryOffers, QueryPrice, QueryPrices, Resolve, SetDefault

if TYPE_CHECKING:
    from shomare_mqtt.core.clearance import Clearance
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.desk.queries import Queries
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.orders import Orders
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Query

LONGEST = 60.0
"""Seconds that a `buy` waits to hear whether it may: the broker may have gone before that was settled, and a purchase
must not come out of the blue."""


class Dispatch:
    """Hands each command and query to the part that can."""

    def __init__(self, market: Market, orders: Orders, queries: Queries, clock: Clock) -> None:
        self._defaults = market.defaults
        self._catalogs = market.catalogs
        self._orders = orders
        self._queries = queries
        self._clock = clock
        self._setting = asyncio.Lock()
        self._switching = asyncio.Lock()

    async def handle(self, ticket: Ticket) -> Outcome:
        """Carry out one command. Raises CommandRefusedError, ProviderError for what is not carried out."""
        match ticket.request:
            case Buy() as request:
                return await self._buy(ticket, request)
            case Cancel() as request:
                return await self._orders.canceller.cancel(ticket, request)
            case Resolve() as request:
                return await self._orders.resolver.resolve(ticket, request)
            case SetDefault(field, value):
                async with self._setting:
                    return Outcome(Answer.ok({field: await self._defaults.set(field, value)}))
            case switch:
                return await self._set_buying(ticket, on=switch.on)

    async def _set_buying(self, ticket: Ticket, *, on: bool) -> Outcome:
        async with self._switching:  # of its own: a list that hangs must not keep the switch from turning
            await self._defaults.set_buying(on=on)
            if on:
                await self._orders.old_journal.accept(ticket.row)
            return Outcome(Answer.ok({"buying": "on" if on else "off"}))

    async def ask(self, query: Query, deadline: float | None) -> Answer:
        """Answer a query, one that waits for much by a steady second. Raises CommandRefusedError, ProviderError."""
        if isinstance(query, QueryPrice | QueryPrices | QueryOffers):
            async with self._setting:  # a default that was set just before counts, also one that waits for its turn
                pass
        return await self._queries.answer(query, deadline)

    async def _buy(self, ticket: Ticket, request: Buy) -> Outcome:
        edition = self._catalogs.edition  # that of the ids that the sender knows
        refusal = await self._refusal(ticket.clearance)
        async with self._setting, self._switching:  # what was set just before counts
            pass
        # Before any refusal: that nothing was bought would not be true. And as late as here: the `buy` may have been
        # taken before the order of its transaction was.
        if (known := await self._orders.old_journal.bought_before(ticket)) is not None:
            return known
        if refusal is not None:
            raise refusal
        buyer = self._orders.buyer if request.among is None else self._orders.alternatives
        return await buyer.buy(ticket, request, edition)

    async def _refusal(self, clearance: Clearance) -> CommandRefusedError | None:
        """Why a `buy` must not be carried out (`buying_paused`), once that is settled or was open for too long."""
        if not await pause(self._clock, LONGEST, clearance.decided):
            reason: str | None = (
                "the broker went away before it was settled whether another daemon is there; nothing was bought"
            )
        else:
            reason = clearance.contested
        return None if reason is None else CommandRefusedError(ErrorCode.BUYING_PAUSED, reason)
