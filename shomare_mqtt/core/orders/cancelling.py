"""Giving numbers back: `cancel` on command, and for the money at the end (contract, Commands and State)."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shomare_mqtt.core.market.discretion import in_short
from shomare_mqtt.core.orders.identifying import is_of_all, is_unknown_there
from shomare_mqtt.core.orders.targets import find_target
from shomare_mqtt.core.problem_words import NOBODY_KNOWS
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
    WATCHED_STATES,
    Cancel,
    Cancellation,
    Endpoint,
    ErrorInfo,
    Known,
    OrderState,
    Priority,
    PurchaseState,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.orders.stopping import Stopping
    from shomare_mqtt.model import CheckReading

_ASKED_AGAIN = 3
_BETWEEN = 1.0
"""Seconds between a lost answer and the next asking."""


class Canceller:
    """Gives numbers back."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        checker: Checker,
        stopping: Stopping,
        logger: logging.Logger,
    ) -> None:
        self._clock = clock
        self._ledger = ledger
        self._provider = market.provider
        self._checker = checker
        self._stopping = stopping
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
        order = record.order.order
        is_stopped = self._stopping.cancel(order)
        record = await self._bought(record)
        if (is_stopped or ticket.resumed) and _was_never_bought(record):
            return Outcome(Answer.ok(order_json(record.order, codes=True), order))
        async with self._asking.alone(order):
            # Looked at only now: another cancel may have been on its way.
            record = self._cancellable(await self._ledger.find(order) or record)
            return await self._cancel_open(ticket, record)

    def _cancellable(self, record: Record) -> Record:
        """The order, where it can be cancelled. Raises CommandRefusedError."""
        order = record.order
        if not order.is_open:
            raise CommandRefusedError(
                ErrorCode.ORDER_CLOSED, f"order {order.order} is closed ({order.state.value})", order=order.order
            )
        if order.state is OrderState.UNKNOWN:
            raise CommandRefusedError(
                ErrorCode.NOT_CANCELLABLE,
                f"{NOBODY_KNOWS} order {order.order} was bought; settle it with resolve",
                order=order.order,
            )
        return record

    async def _cancel_open(self, ticket: Ticket, record: Record) -> Outcome:
        order = record.order.order
        try:
            record = self._cancellable(await self._identified(record))
        except ProviderError as unknown:
            return Outcome(Answer.failed(unknown, order))
        async with self._checker.ending(order):
            try:
                cancellation = await self._ask_for(record, lost=ticket.resumed)
            except ProviderError as error:
                refusal = error
            else:
                return await self._cancelled(ticket, record, cancellation)
        if isinstance(refusal, ProviderRefusedError):
            await self._ledger.note(record, refusal=refusal_info(refusal))
            shown = await self._check_once(record)
            refusal = await self._for_good(order, refusal, shown)
        self._logger.warning("order %s was not cancelled: %s", order, refusal_info(refusal).message)
        return Outcome(Answer.failed(refusal, order))

    async def _for_good(
        self, order: str, refusal: ProviderRefusedError, shown: PurchaseState | None
    ) -> ProviderRefusedError:
        """The refusal as it is by what the check found: with an SMS there, asking again cannot help."""
        record = self._ledger.get(order)
        if record is None or not record.order.sms or refusal.code is not ErrorCode.PROVIDER_ERROR:
            return refusal
        final = _refused_for_sms(refusal, f"order {order}", shown)
        if record.order.is_open:
            await self._ledger.note(record, refusal=refusal_info(final))
        return final

    async def _identified(self, record: Record) -> Record:
        """The order once a check told by which of several ids the provider knows it, as far as one tells.

        Raises ProviderError where the provider knows none of them, so that there is nothing to cancel, and where it
        answers nobody for now: a guess may be another number, and the cancel can be sent again.
        """
        if not (record.has_rivals and record.is_unsure) or record.cancel_sent:
            return record
        try:
            return await self._checker.check(record, Priority.MONEY)
        except ProviderError as error:
            if is_unknown_there(error) or is_of_all(error):
                raise
            self._logger.info("order %s: no check tells its purchase's id: %s", record.order.order, error.message)
            return record

    async def _ask_for(self, record: Record, *, lost: bool = False) -> Cancellation:
        """Ask the provider to cancel an order's purchase, and where it does not know that one, the right one, once.

        Which one that is a check tells. Raises ProviderError.
        """
        asked = record.order.purchase
        try:
            return await self.ask(asked or "", record, lost=lost)
        except ProviderRefusedError as error:
            if error.code is not ErrorCode.NOT_FOUND:
                raise
            record = await self._known_otherwise(record)
            if record.order.purchase == asked or record.order.state not in WATCHED_STATES:
                raise
        return await self.ask(record.order.purchase or "", record)

    async def _known_otherwise(self, record: Record) -> Record:
        """The order as it is after a look for another id that the provider knows it by."""
        record = self._ledger.get(record.order.order) or record
        if record.has_rivals:
            with suppress(ProviderError):
                return await self._checker.check(record, Priority.MONEY)
        return record

    async def _cancelled(self, ticket: Ticket, record: Record, cancellation: Cancellation) -> Outcome:
        """The outcome of a cancel that was carried out; of an order that closed meanwhile, the order as it is."""
        order = record.order.order
        async with self._ledger.changing(order):
            record = self._ledger.get(order) or record
            batch = self._maybe_refunded()
            if record.order.is_open:
                changes = {"state": OrderState.CANCELLED, "refunded": cancellation.refunded}
                record = self._ledger.changed(batch, record, **changes)
                self._logger.info("order %s: cancelled, refunded: %s", order, cancellation.refunded)
            answer = Answer.ok(order_json(record.order, codes=True), order)
            ticket.close(batch, answer)
            await self._ledger.commit(batch)
        self._account.money_moved()
        return Outcome(answer, None, lambda: self._provider.tell(Endpoint.CANCEL, cancellation))

    async def _check_once(self, record: Record) -> PurchaseState | None:
        """An SMS may be the reason for the refusal. How the provider shows the number; None where nobody can tell."""
        try:
            _, reading = await self._checker.look(record, Priority.MONEY)
        except ProviderError as error:
            self._logger.info(
                "order %s: the check after the refused cancel failed: %s", record.order.order, error.message
            )
            return None
        return reading.state

    async def ask(self, purchase: str, record: Record | None, *, lost: bool = False) -> Cancellation:
        """Ask the provider to cancel; a lost answer is asked for again. Raises ProviderError.

        `lost`: an answer may have been lost before. `refunded` is None where only a `not_found`, or a check that shows
        it cancelled, tells after a lost answer that it was.
        """
        problems: list[ProviderError] = []
        self._ledger.refunds_in_flight += 1
        try:
            if record is not None:
                record = await self._ledger.find(record.order.order) or record
                lost = lost or record.cancel_sent
            await self._about_to_ask(record)
            return await self._until_told(purchase, record, problems, lost=lost)
        except ProviderError as error:
            if problems:
                # It may have been carried out: what the balance says from now on is no evidence for other orders.
                await self._ledger.commit(self._maybe_refunded())
            elif record is not None and not lost and _changed_nothing(error):
                await self._ledger.note(record, cancel_sent=False)
            raise
        finally:
            self._ledger.refunds_in_flight -= 1

    async def _about_to_ask(self, record: Record | None) -> None:
        """Write down that money may come back, before it is asked for: a crash must not hide that it did.

        An order of ours keeps in doubt by itself until it is known what became of its cancel.
        """
        if record is None:
            await self._ledger.commit(self._maybe_refunded())
        elif not record.cancel_sent:
            batch = Batch()
            self._ledger.may_be_refunded(batch)
            await self._ledger.note(record, batch=batch, cancel_sent=True)

    def _maybe_refunded(self) -> Batch:
        batch = Batch(moves=1)
        self._ledger.may_be_refunded(batch)
        return batch

    async def _until_told(
        self, purchase: str, record: Record | None, problems: list[ProviderError], *, lost: bool
    ) -> Cancellation:
        """Ask, four times at most; into `problems` goes each failure after which it may have been carried out."""
        known = self._known(purchase, record)
        for attempt in range(_ASKED_AGAIN + 1):
            if attempt:
                await self._clock.sleep(_BETWEEN)
            try:
                return await self._provider.cancel(purchase, known=known)
            except ProviderRefusedError as error:
                if problems and error.code is ErrorCode.NOT_FOUND and not _is_guess(record):
                    return Cancellation(refunded=None)
                if (lost or problems) and await self._was_ours(purchase, record, error):
                    return Cancellation(refunded=None)
                raise
            except ProviderError as error:
                if isinstance(error, ProviderUnreachableError) and not problems:
                    raise
                problems.append(error)
                if error.retry_after is not None:
                    raise
        raise problems[-1]

    async def _was_ours(self, purchase: str, record: Record | None, refusal: ProviderRefusedError) -> bool:
        """Whether a refusal after a lost answer means that it was carried out: the number is gone, or cancelled.

        Where the answer was lost a while ago, one that is not found may live: some say so of a number with an SMS.
        """
        is_gone = refusal.code is ErrorCode.NOT_FOUND and not _is_guess(record)
        try:
            if record is not None:
                _, reading = await self._checker.look(record, Priority.MONEY)
            else:
                reading = await self._provider.check(
                    purchase, known=self._known(purchase, None), priority=Priority.MONEY
                )
                await self._provider.tell(Endpoint.CHECK, reading)
        except ProviderError as error:
            self._logger.info("the check that would tell what became of a lost cancel failed: %s", error.code)
            return is_gone
        if reading.state in (PurchaseState.WAITING, PurchaseState.RECEIVED):
            if record is not None:
                await self._ledger.note(record, cancel_sent=False)
            return False
        return is_gone or reading.state is PurchaseState.CANCELLED

    def _known(self, purchase: str, record: Record | None) -> Known:
        if record is None:
            return replace(self._prices.known(), purchase=purchase)
        order = record.order
        known = self._prices.known(order.product, order.price)
        return replace(known, purchase=purchase, phone=record.told_phone, also_ours=record.also_ours - {purchase})

    async def _foreign(self, ticket: Ticket, purchase: str) -> Outcome:
        """A purchase that the journal does not know."""
        try:
            cancellation = await self.ask(purchase, None, lost=ticket.resumed)
        except ProviderRefusedError as refusal:
            reading = await self._look_at(purchase) if refusal.code is ErrorCode.PROVIDER_ERROR else None
            if reading is not None and reading.sms:
                raise _refused_for_sms(refusal, f"purchase {purchase}", reading.state) from None
            raise
        self._account.money_moved()
        answer = Answer.ok({"purchase": purchase, "refunded": cancellation.refunded})
        return Outcome(answer, self._maybe_refunded(), lambda: self._provider.tell(Endpoint.CANCEL, cancellation))

    async def _look_at(self, purchase: str) -> CheckReading | None:
        """What the provider shows of a purchase that the journal does not know; None where nobody can tell."""
        known = self._known(purchase, None)
        try:
            reading = await self._provider.check(purchase, known=known, priority=Priority.MONEY)
        except ProviderError as error:
            self._logger.info("the check after the refused cancel of a purchase failed: %s", error.code)
            return None
        await self._provider.tell(Endpoint.CHECK, reading)
        return reading

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
        async with self._asking.alone(order):
            if (current := self._ledger.get(order)) is None or not current.order.is_open:
                return
            current = await self._identified(current)
            if not current.order.is_open or current.order.sms:
                return
            async with self._checker.ending(order):
                cancellation = await self._ask_for(current)
                await close(cancellation)
        await self._provider.tell(Endpoint.CANCEL, cancellation)


def _was_never_bought(record: Record) -> bool:
    """Whether an order was cancelled while it had no number yet; an earlier process may have done that."""
    return record.order.state is OrderState.CANCELLED and record.order.purchase is None


def _is_guess(record: Record | None) -> bool:
    """Whether nobody knows yet if the provider knows an order's purchase by its id: a `not_found` may be for that."""
    return record is not None and record.has_rivals


def _changed_nothing(error: ProviderError) -> bool:
    return isinstance(error, ProviderRefusedError | ProviderUnreachableError)


def _refused_for_sms(refusal: ProviderRefusedError, what: str, shown: PurchaseState | None) -> ProviderRefusedError:
    """The refusal of a number that has an SMS: such a number is used, and no second cancel gives its price back.

    `shown`: as what the provider shows it by now. One that was cancelled elsewhere may have its price back.
    """
    why = "the number was of use, and its price stays paid"
    if shown is PurchaseState.CANCELLED:
        why = "the provider shows it as cancelled already, and asking again changes nothing"
    text = f"the provider refused to cancel {what}, which has an SMS: {why}"
    final = ProviderRefusedError(ErrorCode.NOT_CANCELLABLE, f"{text}.", refusal.upstream)
    said = (refusal.told or refusal).message
    final.told = ProviderError(ErrorCode.NOT_CANCELLABLE, f"{text}. {said}", (refusal.told or refusal).upstream)
    return final


def refusal_info(error: ProviderError) -> ErrorInfo:
    """What an order keeps of a cancel that failed: what came of it, and not where to read more."""
    info = error_info(error)
    if error.code is ErrorCode.NOT_CANCELLABLE:
        return info
    return info if info.upstream is None else replace(info, message=in_short(error, Endpoint.CANCEL))
