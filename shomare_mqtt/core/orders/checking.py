"""What a `check` shows, taken into an order: each SMS once, and the ends that the provider brings about."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.masking import masked_phone
from shomare_mqtt.core.records import Batch, Record
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import (
    CheckReading,
    Endpoint,
    ErrorInfo,
    OrderState,
    Priority,
    PurchaseState,
    Sms,
    SmsReading,
)

if TYPE_CHECKING:
    import logging
    from collections.abc import AsyncIterator

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Extensions

_SAME_DEADLINE = 10.0
"""Seconds by which the provider's idea of an order's end may differ from ours without a word in the journal."""
_LONGEST = 86400.0

_PROVIDER_ENDED = {
    PurchaseState.CANCELLED: (OrderState.CANCELLED, "the provider cancelled the number"),
    PurchaseState.EXPIRED: (OrderState.EXPIRED, None),
    PurchaseState.FINISHED: (OrderState.EXPIRED, "the provider closed the number, and showed no SMS"),
}


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
        self._prices = market.prices
        self._extensions = extensions
        self._logger = logger
        self._ending: set[str] = set()

    async def check(self, record: Record, priority: Priority) -> Record:
        """Ask the provider, and take what it shows; the order after it. Raises ProviderError."""
        order = record.order
        known = replace(self._prices.known(order.product, order.price), purchase=order.purchase, phone=order.phone)
        reading = await self._provider.check(order.purchase or "", known=known, priority=priority)
        changed = await self._take(record, reading)
        await self._provider.tell(Endpoint.CHECK, replace(reading, unread=()) if self._is_late(changed) else reading)
        return changed

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

    async def _take(self, record: Record, reading: CheckReading) -> Record:
        codes = [s.code or (await self._code(s.text, record.order.sms) if s.text else None) for s in reading.sms]
        async with self._ledger.changing(record.order.order):
            record = await self._ledger.find(record.order.order) or record
            batch = Batch()
            record = self._add_sms(batch, record, reading, codes)
            if record.order.is_open:
                record = self._follow(batch, record, reading)
            if batch.records:
                await self._ledger.commit(batch)
        return record

    async def _code(self, text: str, stored: tuple[Sms, ...]) -> str | None:
        """The code in a text, looked for once, as each check shows it again: a plugin's reading outranks ours."""
        if (known := next((s for s in stored if s.text == text), None)) is not None:
            return known.code
        return await self._extensions.extract_code(text) or code_in(text)

    def _add_sms(self, batch: Batch, record: Record, reading: CheckReading, codes: list[str | None]) -> Record:
        order = record.order
        new: list[tuple[Sms, str | None]] = []
        for shown, code in zip(reading.sms, codes, strict=True):
            if any(_same(shown, code, s) for s in (*order.sms, *(n for n, _ in new))):
                continue
            number = len(order.sms) + len(new) + 1
            received_at = shown.received_at or self._clock.now()
            new.append((Sms(f"{order.order}-{number}", code, shown.text, shown.sender, received_at), shown.provider_id))
        if not new:
            return record
        sms = (*order.sms, *(s for s, _ in new))
        state = OrderState.RECEIVED if order.state is OrderState.WAITING else order.state
        record = self._ledger.changed(batch, record, sms=sms, state=state)
        for one, provider_id in new:
            self._ledger.add_sms(batch, record.order, one, provider_id)
            what = "with a code" if one.code else "without a code"
            self._logger.info("order %s: SMS %s on %s", order.order, what, masked_phone(order.phone))
        return record

    def _follow(self, batch: Batch, record: Record, reading: CheckReading) -> Record:
        """The number, the time and the end that the provider names."""
        if record.order.phone is None and reading.phone is not None:
            record = self._ledger.changed(batch, record, phone=reading.phone)
        ended = _PROVIDER_ENDED.get(reading.state) if reading.state else None
        if ended is not None and record.order.order not in self._ending:
            return self._end(batch, record, *ended)
        if reading.lifetime is not None and ended is None:
            return self._new_deadline(batch, record, reading.lifetime)
        return record

    def _end(self, batch: Batch, record: Record, state: OrderState, why: str | None) -> Record:
        if record.order.sms:
            return self._ledger.changed(batch, record, state=OrderState.FINISHED)
        error = ErrorInfo(ErrorCode.PROVIDER_ERROR, why) if why else None
        batch.moves += 1
        self._logger.info("order %s: %s", record.order.order, why or "its time is over, says the provider")
        return self._ledger.changed(batch, record, state=state, error=error)

    def _new_deadline(self, batch: Batch, record: Record, lifetime: float) -> Record:
        deadline = self._time.now() + lifetime
        known = record.deadline
        if not 0 < lifetime <= _LONGEST or (known is not None and abs(known - deadline) <= _SAME_DEADLINE):
            return record
        expires_at = self._clock.now() + timedelta(seconds=lifetime)
        return self._ledger.changed(batch, replace(record, deadline=deadline), expires_at=expires_at)


def code_in(text: str) -> str | None:
    """The code in an SMS text, where neither the provider nor a plugin gives one."""
    # Its table of languages takes time and memory, and most providers make it unneeded.
    from shomare_mqtt.core.codes import extract_code  # noqa: PLC0415

    return extract_code(text)


def _same(shown: SmsReading, code: str | None, stored: Sms) -> bool:
    """Whether an SMS is one that is stored: by what it says. The same id with another code is another SMS."""
    if shown.text is not None and stored.text is not None:
        # A code may stand with the newest SMS alone; one found in the text has no say: a plugin may fail the next time.
        return shown.text == stored.text and shown.code in (None, stored.code)
    return code == stored.code and (code is not None or shown.text == stored.text)
