"""A `buy` that may be carried out in several places: one after the other, at most one of them (contract, Alternatives).

The next pair of a country and an operator is tried only where nothing can have been bought with the one before. Every
doubt ends it, and so does a crash: an order that is still `buying` then is `unknown`, whichever pair it stands at.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from shomare_mqtt.core.faults import ENDS_ALL
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.core.orders.buying import Attempt, Refused, UnfitError, described
from shomare_mqtt.core.orders.stopping import CANCELLED, StoppedError
from shomare_mqtt.core.records import Batch
from shomare_mqtt.core.render import Answer, error_info, internal_error
from shomare_mqtt.core.tickets import Outcome
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, ProviderError, ProviderRefusedError, ShomareError
from shomare_mqtt.model import OrderState, Priority, Product, Try

if TYPE_CHECKING:
    import logging
    from decimal import Decimal

    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.buying import Buyer, Ready
    from shomare_mqtt.core.orders.guard import Guard
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.orders.stopping import Stop, Stopping
    from shomare_mqtt.core.orders.wanted import Wanted
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Buy

_ELSEWHERE = frozenset({ErrorCode.NO_NUMBERS, ErrorCode.NOT_FOUND})
"""What the provider says of one place in its own words."""
_FOR_ITS_PRICE = frozenset({ErrorCode.PRICE_TOO_HIGH, ErrorCode.PRICE_TOO_LOW})
_READ_AT_ONCE = 5
"""Prices that are asked for at the same moment."""


@dataclass(slots=True, eq=False, repr=False)
class _Run:
    """One `buy` on its way. `edition`: that of the ids of its products; `stop`: what may end it from outside.

    `record`: its order, from the first pair that was asked for on. `last`: the error of the pair before.
    """

    ticket: Ticket
    request: Buy
    edition: int
    stop: Stop
    record: Record | None = None
    tries: list[Try] = field(default_factory=list)
    last: ShomareError | None = None

    def went_wrong(self, product: Product, price: Decimal | None, error: ShomareError) -> None:
        """Nothing was bought with a pair."""
        self.tries.append(Try(product.country, product.operator, price, error_info(error)))
        self.last = error
        if self.record is not None:
            self.record = replace(self.record, order=replace(self.record.order, tries=tuple(self.tries)))


class Alternatives:
    """Tries one pair after the other."""

    def __init__(
        self,
        ledger: Ledger,
        market: Market,
        guard: Guard,
        wanted: Wanted,
        buyer: Buyer,
        stopping: Stopping,
        logger: logging.Logger,
    ) -> None:
        self._ledger = ledger
        self._prices = market.prices
        self._guard = guard
        self._wanted = wanted
        self._buyer = buyer
        self._stopping = stopping
        self._logger = logger

    async def buy(self, ticket: Ticket, request: Buy, known: int) -> Outcome:
        """Carry out one `buy`; `known`: the lists' edition when it came. Raises CommandRefusedError, ProviderError.

        Then nothing was bought, and no order made. For the rest see Buyer.buy.
        """
        self._guard.check_paused(here=ticket.is_asked_here)
        products, edition = await self._wanted.several(request, known)
        if request.among is not None and request.among.cheapest:
            products, edition = await self._by_price(ticket, products, edition)
        with self._stopping.one() as stop:
            return await self._try_all(_Run(ticket, request, edition, stop), products)

    async def _by_price(self, ticket: Ticket, products: list[Product], edition: int) -> tuple[list[Product], int]:
        """The cheapest first, one without a price that can be read last; in ids of the edition that is returned."""
        _, now = await self._wanted.settled(ticket, products[0], edition)
        products = [self._wanted.as_of_now(product, edition) for product in products]
        turns = asyncio.Semaphore(_READ_AT_ONCE)

        async def price_of(product: Product) -> Decimal | None:
            async with turns:
                return (await self._prices.read_price(product, Priority.QUERY)).price

        read = await asyncio.gather(*map(price_of, products), return_exceptions=True)
        prices: dict[Product, Decimal] = {}
        for product, price in zip(products, read, strict=True):
            if isinstance(price, BaseException):
                if not isinstance(price, ProviderError):
                    raise price
            elif price is not None and price > 0:
                prices[product] = price
        return sorted(products, key=lambda each: (each not in prices, prices.get(each, 0))), now

    # --- one pair after the other -----------------------------------------------------------------------------------

    async def _try_all(self, run: _Run, products: list[Product]) -> Outcome:
        for product in products:
            if (outcome := await self._try_one(run, product)) is not None:
                return outcome
        return self._over(run, run.last or _fault())

    async def _try_one(self, run: _Run, product: Product) -> Outcome | None:
        """What the command comes to with a pair; None where the next may be tried."""
        try:
            attempt, ready = await run.stop.unless(partial(self._ready, run, product))
            record = await self._buyer.intend(attempt, ready, run.record)
        except UnfitError as unfit:
            run.went_wrong(product, unfit.price, unfit.error)
            self._logger.info("%s is passed over: %s", described(product), unfit.error.message)
            return None
        except ShomareError as error:
            return self._refused(run, product, error)
        except ENDS_ALL:
            raise
        except Exception as error:
            if run.record is None:
                raise
            return self._faulty(run, error)
        run.record, run.stop.order = record, record.order.order
        return await self._asked(run, await self._buyer.ask(attempt, ready, record))

    async def _ready(self, run: _Run, product: Product) -> tuple[Attempt, Ready]:
        """A pair that may be written down: all that says no is asked anew for each. Raises as Buyer.ready does."""
        self._guard.check_paused(here=run.ticket.is_asked_here)
        product, edition = await self._wanted.settled(run.ticket, product, run.edition)
        attempt = Attempt(run.ticket, run.request, product, edition, tuple(run.tries), run.stop.check_cancelled)
        return attempt, await self._buyer.ready(attempt, run.record)

    async def _asked(self, run: _Run, asked: Outcome | Refused) -> Outcome | None:
        """As `_try_one`, once the provider was asked, or what was written down was held back."""
        if not isinstance(asked, Refused):
            return asked
        run.record, error = asked
        order = run.record.order
        if not _is_elsewhere(error) or run.stop.is_cancelled:
            outcome = self._refused(run, order.product, error, order.price)
            outcome.after = self._buyer.telling(error)
            return outcome
        run.went_wrong(order.product, order.price, error)
        self._logger.info("order %s: nothing was bought, %s: %s", order.order, described(order.product), error.message)
        try:
            if (tell := self._buyer.telling(error)) is not None:
                await tell()
        except ENDS_ALL:
            raise
        except Exception as fault:  # noqa: BLE001 - nothing was bought, and the order must say so
            return self._faulty(run, fault)
        return None

    def _refused(self, run: _Run, product: Product, error: ShomareError, price: Decimal | None = None) -> Outcome:
        """It ends with a pair that was refused, or before that one was tried. Raises the error without an order."""
        if not isinstance(error, StoppedError):
            run.went_wrong(product, price, error)
        return self._over(run, error)

    def _faulty(self, run: _Run, fault: Exception) -> Outcome:
        """It ends with a fault of ours between two pairs, and nothing was bought."""
        # Without a traceback: the exception's own words may repeat what the provider said.
        self._logger.error("a fault of this program between two places: %s", trace_of(fault))
        return self._over(run, _fault())

    def _over(self, run: _Run, error: ShomareError) -> Outcome:
        """It ends, and nothing was bought. Raises the error where there is no order."""
        if run.record is None:
            raise error
        if run.stop.is_cancelled:
            return self._cancelled(run.record)
        return self._buyer.failed(run.record, error)

    def _cancelled(self, record: Record) -> Outcome:
        order, batch = record.order.order, Batch()
        self._ledger.changed(batch, replace(record, settled=True), state=OrderState.CANCELLED)
        self._logger.info("order %s: cancelled before a number was to be had", order)
        return Outcome(Answer.failed(StoppedError(ErrorCode.CANCELLED, CANCELLED), order), batch)


def _is_elsewhere(error: ShomareError) -> bool:
    """Whether a refusal is of one place or its price: with another one it may be otherwise."""
    if isinstance(error, CommandRefusedError):
        return error.code in _FOR_ITS_PRICE
    return isinstance(error, ProviderRefusedError) and error.code in _ELSEWHERE


def _fault() -> ShomareError:
    return ShomareError(ErrorCode.INTERNAL_ERROR, internal_error().message)
