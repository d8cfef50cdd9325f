"""What a `check` shows, taken into an order: each SMS once, and the ends that the provider brings about."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.masking import masked_phone
from shomare_mqtt.core.orders.identifying import Identifying, Told
from shomare_mqtt.core.orders.sameness import Manner, Shown, new_among
from shomare_mqtt.core.orders.sms_ids import sms_id, told_apart_by
from shomare_mqtt.core.records import LONGEST_LIFE, Batch, Record
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import (
    LONGEST_TEXT,
    CheckReading,
    Endpoint,
    ErrorInfo,
    Order,
    OrderState,
    Priority,
    PurchaseState,
    Sms,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Extensions

_SOONER, _LATER, _LATER_NEAR_IT = 1.0, 90.0, 10.0
"""Seconds by which the provider's idea of an order's end may differ from ours without a word in the journal.

The soonest that it names is nearest to the truth: what is left is counted from an answer that was under way a while.
Whole minutes name an end up to one sooner, and later ones again until the minute is over: what that comes to counts
near the end.
"""
_STANDS = 70.0
"""Seconds after which a figure that did not become less is not what is left of a life, but the whole of it."""
LAST_CHECK = 2.0
"""Seconds before its end at which an order is checked and cancelled for the last time, so that we come first."""

_WRITING = 30.0
"""Seconds that a check which is given up waits for the disk: a full one may hold that up."""

_ENDS = frozenset({PurchaseState.CANCELLED, PurchaseState.EXPIRED, PurchaseState.FINISHED})
_CANCELLED = ErrorInfo(ErrorCode.PROVIDER_ERROR, "the provider cancelled the number")
_CLOSED = ErrorInfo(ErrorCode.PROVIDER_ERROR, "the provider closed the number, and showed no SMS")


class Checker:
    """Asks for SMS, and is the one place that takes them into an order."""

    def __init__(
        self,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        extensions: Extensions,
        logger: logging.Logger,
    ) -> None:
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._provider = market.provider
        self._identifying = Identifying(ledger, market, logger)
        self._extensions = extensions
        self._logger = logger
        self._ending: set[str] = set()
        self._ids: dict[str, frozenset[str]] = {}
        self._lifetimes: dict[str, tuple[float, float]] = {}
        self.found_over: Callable[[str, ErrorInfo | None], bool] = lambda *_: False
        """Told of a number that the provider says is over without an SMS: whether it will be cancelled, and closed."""

    async def check(self, record: Record, priority: Priority) -> Record:
        """Ask the provider, and take what it shows; the order after it. Raises ProviderError."""
        return (await self.look(record, priority))[0]

    async def look(self, record: Record, priority: Priority) -> tuple[Record, CheckReading]:
        """The same, and what the answer says. Raises ProviderError."""
        record = self._ledger.get(record.order.order) or record
        told = await self._identifying.look(record, priority)
        reading = told.reading
        async with self._provider.taking(Endpoint.CHECK):
            changed = await self._take(record, told, self._time.now())
        await self._identifying.learn(record, changed)
        shown = replace(reading, unread=(), doubtful=()) if self._is_late(changed) else reading
        await self._provider.tell(Endpoint.CHECK, shown)
        return changed, reading

    def _is_late(self, record: Record) -> bool:
        """Whether the order was cancelled while it was asked about: in what is left of it there is nothing to read."""
        return record.order.order in self._ending or record.order.state is OrderState.CANCELLED

    @asynccontextmanager
    async def ending(self, order: str) -> AsyncIterator[None]:
        """While the daemon itself ends an order, once at a time: an end that the provider shows then is our doing."""
        self._ending.add(order)
        try:
            yield
        finally:
            self._ending.remove(order)

    async def _take(self, record: Record, answer: Told, came: float) -> Record:
        """Take an answer that came at a moment (steady seconds) into its order."""
        reading = answer.reading
        shown = await self._shown(record.order, reading)
        async with self._ledger.changing(record.order.order):
            batch = Batch()
            record = self._identifying.take(batch, await self._ledger.find(record.order.order) or record, answer)
            if record.order.purchase != answer.purchase:
                return record  # meanwhile another id was found to be its purchase's
            record = self._add_sms(batch, record, shown)
            if record.order.is_open:
                record = self._follow(batch, record, reading, came)
            if batch.records:
                await self._commit(batch)
        if not record.order.is_open:
            self.forget(record.order.order)
        return record

    async def _commit(self, batch: Batch) -> None:
        """Write it, also where whoever asked is cancelled meanwhile: who asks next must not find the SMS once more."""
        writing = asyncio.ensure_future(self._ledger.commit(batch))
        try:
            await asyncio.shield(writing)
        except asyncio.CancelledError:
            with suppress(TimeoutError):
                await asyncio.wait_for(writing, _WRITING)
            raise

    def forget(self, order: str) -> None:
        """An order is watched no more."""
        self._ids.pop(order, None)
        self._lifetimes.pop(order, None)
        self._identifying.forget(order)

    async def _shown(self, order: Order, reading: CheckReading) -> list[Shown]:
        """The SMS of an answer, each with its code.

        A code is looked for in a text once, as each check shows it again: a plugin's reading outranks ours.
        """
        known = {s.text: s.code for s in reversed(order.sms) if s.text}
        shown = []
        for sms in (each.within(LONGEST_TEXT) for each in reading.sms):
            if sms.text and not sms.code and sms.text not in known:
                known[sms.text] = await self._extensions.extract_code(sms.text) or code_in(sms.text)
            shown.append(Shown(sms, sms.code or known.get(sms.text or "")))
        return shown

    def _add_sms(self, batch: Batch, record: Record, shown: list[Shown]) -> Record:
        order = record.order
        record, manner = self._learn(batch, record, shown)
        by_id = {sms.sms: sms for sms in order.sms}
        sms: list[Sms] = []
        alike = Counter(map(told_apart_by, order.sms))
        for one in new_among(shown, order.sms, manner):
            same = told_apart_by(one.sms)
            name = sms_id(self._ledger.sms_key, order.order, one.sms, alike[same])
            alike[same] += 1
            sms.append(self._stored(name, one, by_id.get(name)))
        if not sms:
            return record
        by_id |= {new.sms: new for new in sms}
        state = OrderState.RECEIVED if order.state is OrderState.WAITING else order.state
        record = self._ledger.changed(batch, record, sms=tuple(by_id.values()), state=state)
        for new in sms:
            self._ledger.add_sms(batch, record.order, new)
            what = "with a code" if new.code else "without a code"
            self._logger.info("order %s: SMS %s on %s", order.order, what, masked_phone(order.phone))
        return record

    def _learn(self, batch: Batch, record: Record, shown: list[Shown]) -> tuple[Record, Manner]:
        """How the provider shows this order's SMS, as far as one more answer tells; what is new is written down."""
        order, known = record.order, Manner(record.ids_stay, record.shows_all)
        manner = known.after(shown, order.sms, self._ids.get(order.order, frozenset()))
        self._ids[order.order] = frozenset(one.id for one in shown if one.id)
        if manner != known:
            record = replace(record, ids_stay=manner.ids_stay, shows_all=manner.shows_all)
            batch.records.append(record)
        return record, manner

    def _stored(self, sms: str, shown: Shown, before: Sms | None) -> Sms:
        """`before`: the same SMS, of which no more than the id was known."""
        seen = shown.sms
        received_at = seen.received_at or (before.received_at if before else self._clock.now())
        return Sms(sms, shown.code, seen.text, seen.sender, received_at, seen.provider_id)

    def _follow(self, batch: Batch, record: Record, reading: CheckReading, came: float) -> Record:
        """The number, the time and the end that the provider names.

        An end that it calls a good one (`finished`) is none beside an SMS, unless no time is left by its own word: a
        second one may come.
        """
        order = record.order
        if order.phone is None and reading.phone is not None:
            record = self._ledger.changed(batch, record, phone=reading.phone)
        done = reading.state is PurchaseState.FINISHED and order.sms and reading.lifetime != 0
        ended = reading.state if reading.state in _ENDS and not done else None
        if ended is not None and order.order not in self._ending:
            return self._end(batch, record, ended)
        if reading.lifetime is not None and ended is None and self._goes_down(order.order, reading.lifetime, came):
            return self._new_deadline(batch, record, reading.lifetime, came)
        return record

    def _end(self, batch: Batch, record: Record, said: PurchaseState) -> Record:
        """The order, ended as the provider says; one that may still bring money is left to who gives numbers back."""
        cancelled = said is PurchaseState.CANCELLED
        ours, over = cancelled and record.cancel_sent, self._is_over(record)
        if ours and not over:
            return self._ended(batch, record, OrderState.CANCELLED, "cancelled by us, though no answer said so")
        if record.order.sms:
            if cancelled:  # as by somebody on the provider's site
                batch.moves += 1
                self._ledger.may_be_refunded(batch)
            return self._ledger.changed(batch, record, state=OrderState.FINISHED, error=record.refusal)
        if ours:
            return self._ended(batch, record, OrderState.EXPIRED, "given back, though no answer said so")
        if cancelled:
            return self._ended(batch, record, OrderState.CANCELLED, _CANCELLED.message, _CANCELLED)
        why = _CLOSED if said is PurchaseState.FINISHED else None
        if self.found_over(record.order.order, why):
            return record
        said_so = why.message if why else "its time is over, says the provider"
        return self._ended(batch, record, OrderState.EXPIRED, said_so, why or record.refusal)

    def _ended(
        self, batch: Batch, record: Record, state: OrderState, why: str, error: ErrorInfo | None = None
    ) -> Record:
        """An order that ended at the provider's: the money may have come back with it."""
        batch.moves += 1
        self._logger.info("order %s: %s", record.order.order, why)
        return self._ledger.changed(batch, record, state=state, error=error)

    def _is_over(self, record: Record) -> bool:
        """Whether its last check is due: what was cancelled then was given back for the money."""
        return record.deadline is not None and record.deadline - LAST_CHECK <= self._time.now()

    def _goes_down(self, order: str, lifetime: float, came: float) -> bool:
        """Whether a figure may be what is left; one that stands still would put the end off for ever."""
        told, since = self._lifetimes.get(order, (None, came))
        since = since if told == lifetime else came
        self._lifetimes[order] = lifetime, since
        return came - since < _STANDS

    def _new_deadline(self, batch: Batch, record: Record, lifetime: float, came: float) -> Record:
        deadline, known = came + lifetime, record.deadline
        later = _LATER_NEAR_IT if known is not None and known - came <= _LATER else _LATER
        if not 0 < lifetime <= LONGEST_LIFE or (known is not None and -_SOONER < deadline - known <= later):
            return record
        expires_at = self._clock.now() + timedelta(seconds=deadline - self._time.now())
        if batch.records:
            return self._ledger.changed(batch, replace(record, deadline=deadline), expires_at=expires_at)
        return self._ledger.lives_until(record, deadline, expires_at)


def code_in(text: str) -> str | None:
    """The code in an SMS text, where neither the provider nor a plugin gives one."""
    # Its table of languages takes time and memory, and most providers make it unneeded.
    from shomare_mqtt.core.codes import extract_code  # noqa: PLC0415

    return extract_code(text)
