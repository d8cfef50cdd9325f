"""Ending orders: `cancel` on command and for the money at the end, and `resolve` (contract, Commands and State)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.records import Batch, Record
from shomare_mqtt.core.render import Answer, error_info, order_json
from shomare_mqtt.core.tickets import Outcome, Ticket
from shomare_mqtt.core.waiting import Turns
from shomare_mqtt.errors import (
    CommandRefusedError,
    ErrorCode,
    ProviderError,
    ProviderRefusedError,
    ProviderUnreachableError,
)
from shomare_mqtt.model import (
    Cancel,
    Cancellation,
    Endpoint,
    ErrorInfo,
    Known,
    OrderState,
    Priority,
    Resolve,
    Target,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger

CURRENT = "current"
_ASKED_AGAIN = 3
_BETWEEN = 1.0
"""Seconds between a lost answer and the next asking."""
_LEAST_AFTER_RESOLVE = 60.0


class Canceller:
    """Gives numbers back."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        checker: Checker,
        logger: logging.Logger,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._provider = market.provider
        self._checker = checker
        self._prices = market.prices
        self._account = market.account
        self._logger = logger
        self._asking = Turns()
        self._decided = asyncio.Event()
        ledger.listeners.append(lambda *_: self._decided.set())

    async def cancel(self, ticket: Ticket, request: Cancel) -> Outcome:
        """Carry out one `cancel`. Raises CommandRefusedError, or ProviderError for a purchase that is not ours."""
        record, purchase = await find_target(self._ledger, request.target, ticket)
        if record is None:
            return await self._foreign(ticket, purchase)
        record = await self._bought(record)
        order = record.order.order
        async with self._asking.alone(order):
            # Looked at only now: another cancel may have been on its way.
            record = self._cancellable(await self._ledger.find(order) or record)
            return await self._cancel_open(ticket, record)

    def _cancellable(self, record: Record) -> Record:
        """The order, where it can be cancelled. Raises CommandRefusedError."""
        order = record.order
        if not order.is_open:
            raise CommandRefusedError(ErrorCode.ORDER_CLOSED, f"order {order.order} is closed ({order.state.value})")
        if order.state is OrderState.UNKNOWN:
            raise CommandRefusedError(
                ErrorCode.NOT_CANCELLABLE,
                f"nobody knows whether order {order.order} was bought; settle it with resolve",
            )
        return record

    async def _cancel_open(self, ticket: Ticket, record: Record) -> Outcome:
        order = record.order.order
        async with self._checker.ending(order):
            try:
                cancellation = await self.ask(record.order.purchase or "", record, lost=ticket.resumed)
            except ProviderError as error:
                refusal = error
            else:
                return await self._cancelled(ticket, record, cancellation)
        if isinstance(refusal, ProviderRefusedError):
            await self._check_once(record)
        self._logger.warning("order %s was not cancelled: %s", order, refusal.message)
        return Outcome(Answer.failed(error_info(refusal), order))

    async def _cancelled(self, ticket: Ticket, record: Record, cancellation: Cancellation) -> Outcome:
        """The outcome of a cancel that was carried out; of an order that closed meanwhile, the order as it is."""
        order = record.order.order
        async with self._ledger.changing(order):
            record = self._ledger.get(order) or record
            batch = Batch(moves=1)
            if record.order.is_open:
                changes = {"state": OrderState.CANCELLED, "refunded": cancellation.refunded}
                record = self._ledger.changed(batch, record, **changes)
                self._logger.info("order %s: cancelled, refunded: %s", order, cancellation.refunded)
            answer = Answer.ok(order_json(record.order, codes=True), order)
            ticket.close(batch, answer)
            await self._ledger.commit(batch)
        self._account.money_moved()
        return Outcome(answer, None, lambda: self._provider.tell(Endpoint.CANCEL, cancellation))

    async def _check_once(self, record: Record) -> None:
        """An SMS may be the reason for the refusal."""
        try:
            await self._checker.check(record, Priority.MONEY)
        except ProviderError as error:
            self._logger.info(
                "order %s: the check after the refused cancel failed: %s", record.order.order, error.message
            )

    async def ask(self, purchase: str, record: Record | None, *, lost: bool = False) -> Cancellation:
        """Ask the provider to cancel; a lost answer is asked for again. Raises ProviderError.

        `lost`: an answer may have been lost before. `refunded` is None where only a `not_found` after a lost answer
        tells that it was cancelled.
        """
        problems: list[ProviderError] = []
        self._ledger.refunds_in_flight += 1
        try:
            cancellation = await self._until_told(purchase, self._known(purchase, record), problems, lost=lost)
        except ProviderError:
            if problems:
                # It may have been carried out: what the balance says from now on is no evidence for other orders.
                self._ledger.may_be_refunded()
                await self._ledger.commit(Batch(moves=1))
            raise
        else:
            self._ledger.may_be_refunded()
            return cancellation
        finally:
            self._ledger.refunds_in_flight -= 1

    async def _until_told(
        self, purchase: str, known: Known, problems: list[ProviderError], *, lost: bool
    ) -> Cancellation:
        """Ask, four times at most; into `problems` goes each failure after which it may have been carried out."""
        for attempt in range(_ASKED_AGAIN + 1):
            if attempt:
                await self._clock.sleep(_BETWEEN)
            try:
                return await self._provider.cancel(purchase, known=known)
            except ProviderRefusedError as error:
                if error.code is ErrorCode.NOT_FOUND and (lost or problems):
                    return Cancellation(refunded=None)
                raise
            except ProviderError as error:
                if isinstance(error, ProviderUnreachableError) and not problems:
                    raise
                problems.append(error)
                if error.retry_after is not None:
                    raise
        raise problems[-1]

    def _known(self, purchase: str, record: Record | None) -> Known:
        if record is None:
            return replace(self._prices.known(), purchase=purchase)
        order = record.order
        return replace(self._prices.known(order.product, order.price), purchase=purchase, phone=order.phone)

    async def _foreign(self, ticket: Ticket, purchase: str) -> Outcome:
        """A purchase that the journal does not know."""
        cancellation = await self.ask(purchase, None, lost=ticket.resumed)
        self._account.money_moved()
        answer = Answer.ok({"purchase": purchase, "refunded": cancellation.refunded})
        return Outcome(answer, Batch(moves=1), lambda: self._provider.tell(Endpoint.CANCEL, cancellation))

    async def _bought(self, record: Record) -> Record:
        """The order once it is no more `buying`."""
        while record.order.state is OrderState.BUYING:
            self._decided.clear()
            await self._decided.wait()
            record = await self._ledger.find(record.order.order) or record
        return record

    async def give_back(self, record: Record, close: Callable[[Cancellation], Awaitable[None]]) -> None:
        """Cancel an order whose time is over, for the money, and close it. Raises ProviderError."""
        order = record.order.order
        async with self._asking.alone(order), self._checker.ending(order):
            if (current := self._ledger.get(order)) is None or not current.order.is_open:
                return
            cancellation = await self.ask(record.order.purchase or "", record)
            await close(cancellation)
        await self._provider.tell(Endpoint.CANCEL, cancellation)


class Resolver:
    """The operator's word on an order in state `unknown`."""

    def __init__(self, settings: Settings, clock: Clock, ledger: Ledger, logger: logging.Logger) -> None:
        self._lifetime = settings.orders.lifetime
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._logger = logger

    async def resolve(self, ticket: Ticket, request: Resolve) -> Outcome:
        """Carry out one `resolve`. Raises CommandRefusedError."""
        record, _ = await find_target(self._ledger, Target(order=request.order), ticket)
        order = record.order.order if record is not None else request.order
        async with self._ledger.changing(order):
            record = await self._ledger.find(order)
            if record is None or not record.order.is_open:
                raise CommandRefusedError(ErrorCode.ORDER_CLOSED, f"order {order} is closed")
            if (state := record.order.state) is not OrderState.UNKNOWN:
                raise CommandRefusedError(
                    ErrorCode.INVALID_COMMAND, f"order {order} is {state.value}: there is nothing to settle"
                )
            batch = Batch(moves=int(request.bought))  # what it took is no evidence for other orders
            changed = await self._bought(batch, record, request) if request.bought else self._not_bought(batch, record)
            answer = Answer.ok(order_json(changed.order, codes=True), order)
            ticket.close(batch, answer)
            await self._ledger.commit(batch)
        self._logger.info("order %s: the operator says it is %s", order, changed.order.state.value)
        return Outcome(answer, None)

    async def _bought(self, batch: Batch, record: Record, request: Resolve) -> Record:
        holder = await self._ledger.find_purchase(request.purchase or "")
        if holder is not None and holder.order.order != record.order.order:
            raise CommandRefusedError(
                ErrorCode.INVALID_COMMAND, f"purchase {request.purchase} belongs to order {holder.order.order}"
            )
        now = self._time.now()
        deadline = max(record.made + self._lifetime, now + _LEAST_AFTER_RESOLVE)
        return self._ledger.changed(
            batch,
            replace(record, deadline=deadline, settled=True),
            state=OrderState.WAITING,
            purchase=request.purchase,
            phone=request.phone,
            expires_at=self._clock.now() + timedelta(seconds=deadline - now),
            error=None,
        )

    def _not_bought(self, batch: Batch, record: Record) -> Record:
        error = ErrorInfo(ErrorCode.OUTCOME_UNKNOWN, "the operator says that nothing was bought")
        return self._ledger.changed(
            batch, replace(record, settled=True), state=OrderState.FAILED, error=error, charged=None
        )


async def find_target(ledger: Ledger, target: Target, ticket: Ticket | None = None) -> tuple[Record | None, str]:
    """The order that a command means; else None and the purchase. Raises CommandRefusedError (`order_not_found`).

    To a command that an earlier process took, `current` is no order that was made after it came.
    """
    order = target.order or target.either
    if order == CURRENT:
        until = ticket.received if ticket is not None and ticket.resumed else float("inf")
        if (newest := next((r for r in ledger.open() if r.made <= until), None)) is not None:
            return newest, ""
        raise CommandRefusedError(ErrorCode.ORDER_NOT_FOUND, "no order is open")
    if order is not None and (record := await ledger.find(order)) is not None:
        return record, ""
    if target.order is not None:
        raise CommandRefusedError(ErrorCode.ORDER_NOT_FOUND, f"there is no order {target.order}")
    purchase = target.purchase or target.either or ""
    return await ledger.find_purchase(purchase), purchase
