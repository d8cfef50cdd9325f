"""Watching open orders: polling, the last check, the cancel for the money, the end (contract, section State)."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from shomare_mqtt.core.market.provider_state import AWAY, OF_THE_TOKEN
from shomare_mqtt.core.orders.cancelling import refusal_info
from shomare_mqtt.core.orders.checking import LAST_CHECK
from shomare_mqtt.core.orders.slots import SLOW_AFTER, Slots
from shomare_mqtt.core.pace import Pace
from shomare_mqtt.core.records import Batch, Record
from shomare_mqtt.core.render import error_info
from shomare_mqtt.core.waiting import woken
from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError
from shomare_mqtt.model import WATCHED_STATES, ErrorInfo, OrderState, Priority, PurchaseState

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.cancelling import Canceller
    from shomare_mqtt.core.orders.checking import Checker
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.orders.slots import Slot
    from shomare_mqtt.core.ports import Spawn

UNREACHABLE_FOR = 3600.0
REFUSED_FOR = 300.0
_LONGEST_BACKOFF = 300.0
_RETRY, _LONGEST_RETRY = 5.0, 60.0
_URGENT = 2
"""Checks in a row that fail before one more waits behind what somebody asks for."""
_CALM = 6
"""A number that the provider calls done is asked after so many times more seldom: a second SMS is rare."""


@dataclass(slots=True, eq=False, repr=False)
class _Watched:
    """An order between two checks: seconds until the next one, checks that failed in a row.

    `is_told`: the provider said for how long. `timer`: while it waits; it `ends` where the last check comes first.
    `rest`: while its end waits for something.
    """

    delay: float
    failures: int = 0
    is_told: bool = False
    ends: bool = False
    timer: asyncio.TimerHandle | None = None
    rest: asyncio.Event | None = None


class Watch:
    """Checks each order that may still get an SMS, until its end; a task for each that is worked on."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        checker: Checker,
        canceller: Canceller,
        spawn: Spawn,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._checker = checker
        self._canceller = canceller
        self._account = market.account
        self._provider_state = market.provider_state
        self._spawn = spawn
        self._logger = logger
        self._watched: dict[str, _Watched] = {}
        self._due: dict[str, None] = {}
        """Orders to be checked as soon as there are fewer under way, the one that waits the longest first."""
        self._slots = Slots(self._next)
        self._running: asyncio.Task[None] | None = None
        self._rising = self._rise, copy_context()
        """What each timer calls, and in which context: made once, since there may be thousands."""
        self._pace = Pace(clock.monotonic)
        self._unanswered: set[str] = set()
        self._over: dict[str, ErrorInfo | None] = {}
        settings.listeners.append(self._settings_changed)

    def start(self) -> None:
        """Go on with what an earlier process watched, and with every order that is bought from now on."""
        self._ledger.listeners.append(self._changed)
        self._checker.found_over = self._found_over
        self._running = self._spawn(self._until_stopped(), "watch")
        for record in self._ledger.open():
            if record.order.state in WATCHED_STATES:
                self._begin(record, at_once=True)

    @property
    def _is_stopped(self) -> bool:
        """From the moment on at which the end is asked for: a task that has not begun by then never runs to say so."""
        return self._running is not None and self._running.cancelling() > 0

    async def _until_stopped(self) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for watched in self._watched.values():
                if watched.timer is not None:
                    watched.timer.cancel()

    def stood(self) -> float:
        """Seconds since anything came of any order; 0 while all of them wait until it is time."""
        is_due = bool(self._due) or any(each.timer is None and each.rest is None for each in self._watched.values())
        return self._pace.stood() if is_due else 0.0

    def _settings_changed(self, before: Settings) -> None:
        """With a shorter interval no order waits out the longer one: what is left of it shrinks in the same measure.

        What the provider asked to wait stays as long.
        """
        measure = self._settings.now.orders.poll_interval / before.orders.poll_interval
        if measure >= 1:
            return
        for order, watched in self._watched.items():
            record = self._record(order)
            if watched.timer is None or watched.is_told or record is None or order in self._due:
                continue
            left = watched.timer.when() - asyncio.get_running_loop().time()
            watched.timer.cancel()
            waited_for = watched.delay if watched.ends else left
            watched.delay *= measure
            watched.ends = waited_for * measure >= self._left(record)
            self._ring(order, min(waited_for * measure, self._left(record)))

    def provider_is_back(self) -> None:
        """The provider answers again: no order waits out its backoff."""
        for order in list(self._watched):
            self._wake(order)

    def _found_over(self, order: str, why: ErrorInfo | None) -> bool:
        """The provider says that a number is over without an SMS: whether its watch cancels it, once, and closes it."""
        if order not in self._watched or not self._settings.now.orders.cancel_on_expiry:
            return False
        self._over.setdefault(order, why)
        self._wake(order)
        return True

    def _is_answered(self, order: str) -> None:
        """A check is answered again that was not before: those that were not either are asked at once, too."""
        if order in self._unanswered:
            self._unanswered.remove(order)
            for other in self._unanswered:
                self._wake(other)
            self._unanswered.clear()

    def _changed(self, record: Record, previous: Record | None) -> None:
        order, before = record.order, previous.order.state if previous else None
        if order.order in self._watched:
            if order.state not in WATCHED_STATES or (previous and previous.deadline != record.deadline):
                self._wake(order.order)
        elif order.state in WATCHED_STATES:
            # What a check is to tell of the purchase's id is asked for while all that it is for lies ahead.
            self._begin(record, at_once=before is OrderState.UNKNOWN or record.is_unsure)
        if not order.is_open and before in WATCHED_STATES:
            self._account.money_moved()

    def _begin(self, record: Record, *, at_once: bool) -> None:
        order = record.order.order
        self._watched[order] = _Watched(0.0 if at_once else self._settings.now.orders.poll_interval)
        self._sleep(order, record)

    def _forget(self, order: str) -> None:
        del self._watched[order]
        self._due.pop(order, None)
        self._unanswered.discard(order)
        self._over.pop(order, None)
        self._checker.forget(order)

    # --- waiting: without a task, since there may be thousands -------------------------------------------------------

    def _sleep(self, order: str, record: Record) -> None:
        """Until it is time for the next check or for the last one."""
        watched, left = self._watched[order], self._left(record)
        watched.ends = watched.delay >= left
        self._ring(order, min(watched.delay, left))

    def _ring(self, order: str, seconds: float) -> None:
        if not self._is_stopped:
            rise, context = self._rising
            loop = asyncio.get_running_loop()
            self._watched[order].timer = loop.call_later(max(seconds, 0.0), rise, order, context=context)

    def _wake(self, order: str) -> None:
        """Something about it changed: whoever waits looks at it anew, whoever works on it does so by itself."""
        watched = self._watched[order]
        if watched.timer is not None:
            self._rise(order, is_woken=True)
        elif watched.rest is not None:
            watched.rest.set()

    def _rise(self, order: str, *, is_woken: bool = False) -> None:
        """Its time has come, or it was woken: go on with it, unless it is to be checked while enough others are."""
        if self._is_stopped:
            return
        self._pace.gets_on()
        watched, record = self._watched[order], self._record(order)
        cast("asyncio.TimerHandle", watched.timer).cancel()  # whoever waits has one
        watched.timer = None
        if is_woken or watched.ends:
            watched.delay = min(watched.delay, self._settings.now.orders.poll_interval)
        comes_first = watched.delay < self._left(record) if is_woken and record else not watched.ends
        is_over = record is not None and order in self._over and self._is_to_give_back(record)
        checks = comes_first and not is_over
        if record is None or not checks or self._priority(record, watched) is not Priority.POLL:
            self._due.pop(order, None)
            self._spawn(self._go_on(order, checks=checks), f"watch {order}")
        elif self._slots.is_one_free:
            self._due.pop(order, None)
            self._spawn(self._go_on(order, checks=True, slot=self._slots.take()), f"watch {order}")
        else:
            self._due.setdefault(order)
            watched.ends = True
            self._ring(order, self._left(record))

    def _next(self) -> None:
        """It is the turn of who has waited for a slot the longest."""
        while self._due and self._slots.is_one_free and not self._is_stopped:
            order = next(iter(self._due))
            self._watched[order].ends = False
            self._rise(order)

    def _record(self, order: str) -> Record | None:
        """The order, as long as it is watched."""
        record = self._ledger.get(order)
        return record if record is not None and record.order.state in WATCHED_STATES else None

    def _left(self, record: Record) -> float:
        """Seconds until the last check."""
        deadline = record.deadline if record.deadline is not None else record.made + self._settings.now.orders.lifetime
        return deadline - LAST_CHECK - self._time.now()

    async def _go_on(self, order: str, *, checks: bool, slot: Slot | None = None) -> None:
        """Check it where that is due, and do what is to be done at its end; until it is to be waited again."""
        watched = self._watched[order]
        if checks:
            watched.failures, watched.delay = await self._poll(order, watched, slot)
            self._pace.gets_on()
        if slot is not None:
            slot.leave()
        while (record := self._record(order)) is not None:
            if order in self._over and self._is_to_give_back(record):
                await self._give_back(order)
            elif self._left(record) <= 0:
                await self._end(order)
            else:
                self._sleep(order, record)
                return
        self._forget(order)
        self._pace.gets_on()

    def _priority(self, record: Record, watched: _Watched) -> Priority:
        """While it is not known by which id the code is to be asked for, the first are as urgent as a purchase."""
        urgent = record.has_rivals and watched.failures < _URGENT
        return Priority.MONEY if urgent else Priority.QUERY if record.is_unsure else Priority.POLL

    async def _poll(self, order: str, watched: _Watched, slot: Slot | None) -> tuple[int, float]:
        """Ask once, but for no longer than until the last check is due; failures in a row, and seconds to wait."""
        record, failures, watched.is_told = self._record(order), watched.failures, False
        if record is None or not self._provider_state.authorized.is_set():
            return failures, self._settings.now.orders.poll_interval
        asking = asyncio.ensure_future(self._checker.look(record, self._priority(record, watched)))
        try:
            if not await self._answered(asking, record, slot):
                await self._end(order)  # before it is given up: an SMS may be being written
                return 0, 0.0
            _, reading = asking.result()
        except ProviderError as error:
            if error.code in AWAY:
                self._unanswered.add(order)
            backoff = min(self._settings.now.orders.poll_interval * 2 ** (failures + 1), _LONGEST_BACKOFF)
            self._logger.debug("order %s: the check failed: %s", order, error.message)
            told = error.retry_after or 0.0
            watched.is_told = told > backoff
            return min(failures + 1, 16), max(backoff, told)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        self._is_answered(order)
        return 0, self._settings.now.orders.poll_interval * (_CALM if reading.state is PurchaseState.FINISHED else 1)

    async def _answered(self, asking: asyncio.Future[Any], record: Record, slot: Slot | None) -> bool:
        """Wait for a check until the last one is due; whether it ended by then. Its slot is soon another's."""
        ended, _ = await asyncio.wait((asking,), timeout=max(0.0, min(self._left(record), SLOW_AFTER)))
        if not ended:
            if slot is not None:
                slot.slow()
            ended, _ = await asyncio.wait((asking,), timeout=max(0.0, self._left(record)))
        if not ended and slot is not None:
            slot.leave()
        return bool(ended)

    def _says_nothing(self, error: ProviderError) -> bool:
        """Whether a failure says nothing of the number, and may pass: the order stays as it is for up to an hour.

        A refused token does where it is refused everywhere, else it is this order's own matter.
        """
        return error.code in AWAY or (error.code in OF_THE_TOKEN and not self._provider_state.authorized.is_set())

    def _may_wait(self, record: Record, error: ProviderError, delay: float) -> bool:
        """Whether a last check that was refused for the token's sake is made once more, when it is known what of it.

        Where there is money to come back the cancel is in a hurry.
        """
        hurried = not record.order.sms and self._settings.now.orders.cancel_on_expiry
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
        elif record.order.sms or not self._settings.now.orders.cancel_on_expiry:
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
        watched = self._watched[order]
        watched.rest = asyncio.Event()
        await woken(watched.rest, delay)
        watched.rest = None
        self._pace.gets_on()

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
