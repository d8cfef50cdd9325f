"""Watching open orders: polling, the last check, the cancel for the money, the end (contract, section State)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core.market.provider_state import AWAY, OF_THE_TOKEN
from shomare_mqtt.core.orders.cancelling import refusal_info
from shomare_mqtt.core.orders.checking import LAST_CHECK
from shomare_mqtt.core.records import Batch, Record
from shomare_mqtt.core.render import error_info
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError
from shomare_mqtt.model import WATCHED_STATES, ErrorInfo, OrderState, Priority, PurchaseState

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.cancelling import Canceller
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Spawn

UNREACHABLE_FOR = 3600.0
REFUSED_FOR = 300.0
_LONGEST_BACKOFF = 300.0
_RETRY, _LONGEST_RETRY = 5.0, 60.0
_URGENT = 2
"""Checks in a row that fail before one more waits behind what somebody asks for."""
_CALM = 6
"""A number that the provider calls done is asked after so many times more seldom: a second SMS is rare."""


class Watch:
    """One task for each order that may still get an SMS."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        checker: Checker,
        canceller: Canceller,
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings.orders
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._checker = checker
        self._canceller = canceller
        self._account = market.account
        self._provider_state = market.provider_state
        self._spawn = spawn
        self._logger = logger
        self._wakes: dict[str, asyncio.Event] = {}
        self._unanswered: set[str] = set()
        self._over: dict[str, ErrorInfo | None] = {}

    def start(self) -> None:
        """Go on with what an earlier process watched, and with every order that is bought from now on."""
        self._ledger.listeners.append(self._changed)
        self._checker.found_over = self._found_over
        for record in self._ledger.open():
            if record.order.state in WATCHED_STATES:
                self._begin(record, at_once=True)

    def provider_is_back(self) -> None:
        """The provider answers again: no order waits out its backoff."""
        for wake in self._wakes.values():
            wake.set()

    def _found_over(self, order: str, why: ErrorInfo | None) -> bool:
        """The provider says that a number is over without an SMS: whether its watch cancels it, once, and closes it."""
        if order not in self._wakes or not self._settings.cancel_on_expiry:
            return False
        self._over.setdefault(order, why)
        self._wakes[order].set()
        return True

    def _is_answered(self, order: str) -> None:
        """A check is answered again that was not before: those that were not either are asked at once, too."""
        if order in self._unanswered:
            self._unanswered.remove(order)
            for other in self._unanswered:
                self._wakes[other].set()
            self._unanswered.clear()

    def _changed(self, record: Record, previous: Record | None) -> None:
        order, before = record.order, previous.order.state if previous else None
        if order.order in self._wakes:
            if order.state not in WATCHED_STATES or (previous and previous.deadline != record.deadline):
                self._wakes[order.order].set()
        elif order.state in WATCHED_STATES:
            # What a check is to tell of the purchase's id is asked for while all that it is for lies ahead.
            self._begin(record, at_once=before is OrderState.UNKNOWN or record.is_unsure)
        if not order.is_open and before in WATCHED_STATES:
            self._account.money_moved()

    def _begin(self, record: Record, *, at_once: bool) -> None:
        order = record.order.order
        self._wakes[order] = asyncio.Event()
        self._spawn(self._watch(order, at_once=at_once), f"watch {order}")

    async def _watch(self, order: str, *, at_once: bool) -> None:
        try:
            await self._poll_until_end(order, 0.0 if at_once else self._settings.poll_interval)
        finally:
            del self._wakes[order]
            self._unanswered.discard(order)
            self._over.pop(order, None)
            self._checker.forget(order)

    def _record(self, order: str) -> Record | None:
        """The order, as long as it is watched."""
        record = self._ledger.get(order)
        return record if record is not None and record.order.state in WATCHED_STATES else None

    def _left(self, record: Record) -> float:
        """Seconds until the last check."""
        deadline = record.deadline if record.deadline is not None else record.made + self._settings.lifetime
        return deadline - LAST_CHECK - self._time.now()

    async def _poll_until_end(self, order: str, delay: float) -> None:
        failures, wake = 0, self._wakes[order]
        while (record := self._record(order)) is not None:
            left = self._left(record)
            if order in self._over and self._is_to_give_back(record):
                await self._give_back(order)
                continue
            if left <= 0:
                await self._end(order)
                continue
            wake.clear()
            woken = await pause(self._clock, min(delay, left), wake)
            if woken or delay >= left:
                delay = min(delay, self._settings.poll_interval)
                if not woken or self._record(order) is None or order in self._over or delay >= left:
                    continue
            failures, delay = await self._poll(order, failures)

    async def _poll(self, order: str, failures: int) -> tuple[int, float]:
        """Ask once, but for no longer than until the last check is due; failures in a row, and seconds to wait."""
        record = self._record(order)
        if record is None or not self._provider_state.authorized.is_set():
            return failures, self._settings.poll_interval
        # While it is not known by which id the code is to be asked for, the first checks are as urgent as a purchase.
        urgent = record.has_rivals and failures < _URGENT
        priority = Priority.MONEY if urgent else Priority.QUERY if record.is_unsure else Priority.POLL
        asking = asyncio.ensure_future(self._checker.look(record, priority))
        asked = asyncio.Event()
        asking.add_done_callback(lambda _: asked.set())
        try:
            if not await pause(self._clock, self._left(record), asked):
                await self._end(order)
                return 0, 0.0
            _, reading = asking.result()
        except ProviderError as error:
            if error.code in AWAY:
                self._unanswered.add(order)
            backoff = min(self._settings.poll_interval * 2 ** (failures + 1), _LONGEST_BACKOFF)
            self._logger.debug("order %s: the check failed: %s", order, error.message)
            return min(failures + 1, 16), max(backoff, error.retry_after or 0.0)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        self._is_answered(order)
        return 0, self._settings.poll_interval * (_CALM if reading.state is PurchaseState.FINISHED else 1)

    def _says_nothing(self, error: ProviderError) -> bool:
        """Whether a failure says nothing of the number, and may pass: the order stays as it is for up to an hour.

        A refused token does where it is refused everywhere, else it is this order's own matter.
        """
        return error.code in AWAY or (error.code in OF_THE_TOKEN and not self._provider_state.authorized.is_set())

    def _may_wait(self, record: Record, error: ProviderError, delay: float) -> bool:
        """Whether a last check that was refused for the token's sake is made once more, when it is known what of it.

        Where there is money to come back the cancel is in a hurry.
        """
        hurried = not record.order.sms and self._settings.cancel_on_expiry
        return error.code in OF_THE_TOKEN and delay == _RETRY and not hurried

    # --- the end ----------------------------------------------------------------------------------------------------

    async def _end(self, order: str) -> None:
        """The last check, then the cancel for the money where there is no SMS; the order closes."""
        problem = await self._last_check(order)
        record = self._record(order)
        if record is None:
            return
        if problem is not None:
            await self._close(order, problem)
        elif self._left(record) > 0 and order not in self._over:
            return  # the provider says that it lives longer than was known
        elif record.order.sms or not self._settings.cancel_on_expiry:
            # One with an SMS, or that is not cancelled, lives until its time is over.
            await self._rest(order, self._left(record) + LAST_CHECK)
            await self._close(order, None)
        else:
            await self._give_back(order)

    async def _last_check(self, order: str) -> ErrorInfo | None:
        """Check once more; what is wrong where the provider cannot be reached for an hour."""
        delay, began = _RETRY, self._clock.monotonic()
        while (record := self._record(order)) is not None:
            try:
                await self._checker.check(record, Priority.MONEY)
            except ProviderError as error:
                if not self._says_nothing(error) and not self._may_wait(record, error, delay):
                    self._logger.info("order %s: the last check failed: %s", order, error.message)
                    return None
                if self._clock.monotonic() - began + delay > UNREACHABLE_FOR:
                    return error_info(error)
                await self._rest(order, delay)
                delay = min(delay * 2, _LONGEST_RETRY)
            else:
                return None
        return None

    async def _rest(self, order: str, delay: float) -> None:
        wake = self._wakes[order]
        wake.clear()
        await pause(self._clock, delay, wake)

    async def _give_back(self, order: str) -> None:
        """Cancel for the money and close, for up to five minutes (an hour where nobody answers).

        It stays open where an SMS comes meanwhile, or the provider says that it lives longer. A number that is over by
        the provider's own word is cancelled once: whatever is answered, the order closes.
        """
        delay, began = _RETRY, self._clock.monotonic()
        while (record := self._record(order)) is not None and self._is_to_give_back(record):
            try:
                await self._canceller.give_back(
                    record, lambda c: self._close(order, None, refunded=c.refunded, moves=1)
                )
            except ProviderError as error:
                away = self._says_nothing(error)
                waited = self._clock.monotonic() - began
                patience = UNREACHABLE_FOR if away else 0.0 if order in self._over else REFUSED_FOR
                if waited + delay > patience:
                    refunded = None if away or not self._is_no(order, error) else False
                    nothing_left = order in self._over and not away
                    await self._close(order, None if nothing_left else refusal_info(error), refunded=refunded)
                    return
                if not away:
                    await self._check_quietly(record)
                await self._rest(order, delay)
                delay = min(delay * 2, _LONGEST_RETRY)
            else:
                return

    def _is_to_give_back(self, record: Record) -> bool:
        """Whether it is over, as far as is known, and no SMS came."""
        return not record.order.sms and (record.order.order in self._over or self._left(record) <= 0)

    def _is_no(self, order: str, error: ProviderError) -> bool:
        """Whether no money came back with a failed cancel: an earlier one, its answer lost, may have brought it."""
        record = self._record(order)
        in_doubt = record is not None and record.cancel_sent
        return isinstance(error, ProviderRefusedError) and error.code is not ErrorCode.NOT_FOUND and not in_doubt

    async def _check_quietly(self, record: Record) -> None:
        """An SMS may be why the cancel was refused."""
        try:
            await self._checker.check(record, Priority.MONEY)
        except ProviderError as error:
            self._logger.debug("order %s: the check failed: %s", record.order.order, error.message)

    async def _close(
        self, order: str, error: ErrorInfo | None, *, refunded: bool | None = None, moves: int = 0
    ) -> None:
        """Close an order whose time is over: `finished` with an SMS, else `expired`."""
        async with self._ledger.changing(order):
            record = self._record(order)
            if record is None:
                return
            # The provider may give the money for a number without SMS back by itself.
            batch = Batch(moves=moves if record.order.sms else 1)
            if record.order.sms:
                # An SMS that came while the cancel was on its way: the money may be back all the same.
                changes = {"state": OrderState.FINISHED, "error": record.refusal}
            else:
                changes = {"state": OrderState.EXPIRED, "error": error or self._over.get(order) or record.refusal}
            record = self._ledger.changed(batch, record, refunded=refunded, **changes)
            if batch.moves:
                self._ledger.may_be_refunded(batch)
            await self._ledger.commit(batch)
        why = f" ({error.message})" if error else ""
        self._logger.info("order %s: %s, refunded: %s%s", order, record.order.state.value, record.order.refunded, why)
