"""Which of several ids in the answer to a `buy` is the purchase's: a check tells (contract, section Answers).

Nothing but `check` is tried: an id that may be another number's is never cancelled.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.market.provider_state import AWAY, OF_THE_TOKEN
from shomare_mqtt.core.records import Batch, Ids, Record, bridge_posting
from shomare_mqtt.errors import AnotherPurchaseError, ErrorCode, ProviderError
from shomare_mqtt.model import Candidate, CheckReading, OrderState, Priority, PurchaseState

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.ledger import Ledger

PURCHASE = "buy.purchase"
_LIVE = frozenset({PurchaseState.WAITING, PurchaseState.RECEIVED})
_ENDED = frozenset({PurchaseState.FINISHED, PurchaseState.CANCELLED, PurchaseState.EXPIRED})
_UNKNOWN_THERE = frozenset({400, 404, 410, 422})
"""HTTP statuses of a provider's own no to an id; the documented one is 404."""
_TOO_MANY = 429
_BRIEF = 10.0
"""Seconds after a purchase at which an end without an SMS is not believed, where no earlier one showed its id right."""
_ROUNDS, _MOMENT = 2, 20.0
"""So often, and so many seconds after the purchase, the provider must know none of the ids before that is said.

A new purchase may take it a moment.
"""


class Told(NamedTuple):
    """What a check told, of which purchase; `right`: the id by which the provider knows it, where that is told now."""

    reading: CheckReading
    purchase: str | None
    right: Candidate | None = None


class Identifying:
    """Asks for an order's purchase, and for what else may be its id where the provider does not know that one."""

    def __init__(self, ledger: Ledger, market: Market, logger: logging.Logger) -> None:
        self._ledger = ledger
        self._provider = market.provider
        self._prices = market.prices
        self._logger = logger
        self._rounds: Counter[str] = Counter()

    async def look(self, record: Record, priority: Priority) -> Told:
        """Ask. Raises ProviderError: that of the order's own purchase, unless another says more of the provider."""
        own, ids = record.order.purchase, record.ids
        try:
            reading = await self._check(record, own or "", priority)
        except ProviderError as error:
            if ids is None or ids.is_confirmed or not _may_be_wrong(error):
                raise
            found = await self._among_others(record, ids, priority, asked=error)
            if found is None:
                raise
            return found
        if ids is None or ids.is_confirmed:
            return Told(reading, own)
        return await self._compared(record, ids, priority, reading)

    async def _compared(self, record: Record, ids: Ids, priority: Priority, reading: CheckReading) -> Told:
        """What the answer of the order's own purchase comes to while nobody knows whether it is. Raises ProviderError.

        While another purchase is on its way, that one's answer may hold the id too: nothing is concluded yet.
        """
        own = record.order.purchase
        right = next((each for each in ids.candidates if each.value == own), None)
        if not self._shows_life(record, reading) or self._is_buying(record):
            right = None
        # What has ended a moment after it was bought is perhaps another purchase; so is what another answer holds.
        if reading.state in _ENDED or (right is not None and self._is_contested(right, record)):
            try:
                other = await self._among_others(record, ids, priority, asked=None)
            except ProviderError:
                if not reading.sms or self._is_new(record):
                    raise
                return Told(reading, own)  # a code is not lost over another id's answer
            return other or Told(self._believed(record, reading), own, right)
        return Told(reading, own, right)

    def _shows_life(self, record: Record, reading: CheckReading) -> bool:
        """Whether a purchase lives, or did its work: some providers are done with a number at its first SMS."""
        return reading.state in _LIVE or (bool(reading.sms) and not self._is_new(record))

    def _believed(self, record: Record, reading: CheckReading) -> CheckReading:
        """An answer without an end that the provider perhaps names because it does not know the new purchase yet."""
        is_early = record.is_unsure and self._ledger.time.now() - record.made < _BRIEF
        is_empty = reading.state in _ENDED and not reading.sms
        return replace(reading, state=None) if is_early and is_empty and not record.cancel_sent else reading

    def _is_new(self, record: Record) -> bool:
        return self._ledger.time.now() - record.made < _MOMENT

    async def _check(self, record: Record, purchase: str, priority: Priority) -> CheckReading:
        order = record.order
        known = replace(
            self._prices.known(order.product, order.price),
            purchase=purchase,
            phone=record.told_phone,
            age=self._ledger.time.now() - record.made,
            also_ours=record.also_ours - {purchase},
        )
        return await self._provider.check(purchase, known=known, priority=priority)

    async def _among_others(
        self, record: Record, ids: Ids, priority: Priority, *, asked: ProviderError | None
    ) -> Told | None:
        """The other id that lives and is no other order's; None where none does. `asked`: the answer to the first.

        Raises ProviderError where the provider is not to be asked any more for now: that decides nothing.
        """
        denied = asked is not None and is_unknown_there(asked)
        for other in ids.candidates[1:]:
            if await self._is_anothers(other, record):
                continue
            try:
                reading = await self._check(record, other.value, priority)
            except ProviderError as error:
                # Where the first was answered, a refusal for the token's sake is this id's alone.
                if is_of_all(error) and not (asked is None and error.code in OF_THE_TOKEN):
                    raise
                denied = denied and is_unknown_there(error)
                continue
            if reading.state in _LIVE and await self._takes(other, record):
                return Told(reading, other.value, other)
            denied = denied and reading.state in _ENDED
        if denied:
            await self._nobody_known(record, ids)
        return None

    def _others(self, record: Record) -> list[Record]:
        return [each for each in self._ledger.open() if each.order.order != record.order.order]

    def _is_buying(self, record: Record) -> bool:
        return any(other.order.state is OrderState.BUYING for other in self._others(record))

    def _is_contested(self, candidate: Candidate, record: Record) -> bool:
        """Whether another answer held an id as well: at the same place, or while it is open which is that one's."""
        return any(
            each.value == candidate.value and (each.place == candidate.place or not other.ids.is_confirmed)
            for other in self._others(record)
            if other.ids is not None
            for each in other.ids.candidates
        )

    async def _is_anothers(self, candidate: Candidate, record: Record) -> bool:
        """Whether another order has an id, or may have it."""
        if self._is_contested(candidate, record):
            return True
        held = await self._ledger.find_purchase(candidate.value)
        return held is not None and held.order.order != record.order.order and held.order.purchase == candidate.value

    async def _takes(self, candidate: Candidate, record: Record) -> bool:
        """Whether an id becomes this order's: none that another order has meanwhile. No other takes it from here on."""
        order = record.order.order
        return not await self._is_anothers(candidate, record) and self._ledger.claim(candidate.value, order) in (
            None,
            order,
        )

    async def _nobody_known(self, record: Record, ids: Ids) -> None:
        """The provider knows none of the ids: its owner is told, once; all of them are asked for again."""
        order = record.order.order
        self._rounds[order] += 1
        if ids.is_told or self._is_new(record) or self._rounds[order] < _ROUNDS:
            return
        places = ", ".join(dict.fromkeys(each.place or "a name that is an id" for each in ids.candidates))
        message = (
            f"order {order}: the number is paid for, and the provider knows none of the ids that its answer to buy "
            f"holds under {places}, so that no SMS can be asked for. They are asked for again; look at your purchases "
            'on its site, and set "buy.purchase" in [provider.fields] to the field that holds the right one'
        )
        async with self._ledger.changing(order):
            current = await self._ledger.find(order) or record
            if current.ids is None or current.ids.is_confirmed:
                return  # found by another check meanwhile
            self._logger.error("%s", message)
            batch = Batch(postings=[bridge_posting(BridgeEvent.ORDER_PROBLEM, message, order=order)])
            batch.records.append(replace(current, ids=current.ids._replace(is_told=True)))
            await self._ledger.commit(batch)
        if ids.is_tried:
            await self._provider.choose(PURCHASE, None)

    def take(self, batch: Batch, record: Record, told: Told) -> Record:
        """Put into a batch what was told of an order's id, where it is another than is shown; the order with it."""
        ids, right = record.ids, told.right
        if ids is None or ids.is_confirmed or right is None:
            return record
        confirmed = ids._replace(is_confirmed=True)
        if right.value == record.order.purchase:
            return self._ledger.identified(record, confirmed)
        self._logger.warning(
            "order %s: the provider knows its purchase as what its answer holds under %s",
            record.order.order,
            right.place or "a name that is an id",
        )
        return self._ledger.changed(batch, replace(record, ids=confirmed), purchase=right.value)

    async def learn(self, before: Record, after: Record) -> None:
        """Read the ids of later purchases where this one's was found, once that is in the journal."""
        if after.ids is None or not after.ids.is_confirmed or (before.ids is not None and before.ids.is_confirmed):
            return
        place = next((each.place for each in after.ids.candidates if each.value == after.order.purchase), None)
        if await self._provider.choose(PURCHASE, place) and place is not None:
            self._logger.info("a purchase's id stands under %s: the provider knows it by that", place)

    def forget(self, order: str) -> None:
        """An order is watched no more."""
        self._rounds.pop(order, None)


def is_unknown_there(error: ProviderError) -> bool:
    """Whether a check says that there is no such purchase, or that this is another one."""
    if error.code is ErrorCode.NOT_FOUND or isinstance(error, AnotherPurchaseError):
        return True
    return error.code is ErrorCode.PROVIDER_ERROR and _http(error) in _UNKNOWN_THERE


def _may_be_wrong(error: ProviderError) -> bool:
    """Whether a failure may be for a wrong id's sake: a no in other words under 2xx, or a framework's own 404."""
    in_other_words = error.code is ErrorCode.PROVIDER_ERROR and 200 <= _http(error) < 300  # noqa: PLR2004 - HTTP's successes
    return is_unknown_there(error) or in_other_words or error.code is ErrorCode.UNKNOWN_ENDPOINT


def is_of_all(error: ProviderError) -> bool:
    """Whether a failure is that of every call for now: nobody answers, or does not want to."""
    return error.code in AWAY or error.code in OF_THE_TOKEN or _http(error) == _TOO_MANY


def _http(error: ProviderError) -> int:
    return error.upstream.http if error.upstream is not None else 0
