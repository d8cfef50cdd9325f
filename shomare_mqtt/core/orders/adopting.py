"""Orders that a broker still holds, and that the journal knows worse or not at all (contract, An old journal).

Nothing of that can buy: what is taken up is an order that was made already, and no command.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shomare_mqtt import topics
from shomare_mqtt.core.orders.held import read_order
from shomare_mqtt.core.orders.settling import unknown_error
from shomare_mqtt.core.orders.stopping import CANCELLED
from shomare_mqtt.core.records import LONGEST_LIFE, Batch, NewSms, Record
from shomare_mqtt.core.render import Answer, Status, order_json
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import WATCHED_STATES, ErrorInfo, Order, OrderState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Retained

_IN_DOUBT = frozenset({OrderState.BUYING, OrderState.UNKNOWN})
_LOST = "the journal that knew of this purchase was lost"


class Adopting:
    """Takes them up."""

    def __init__(self, ledger: Ledger, retained: Retained) -> None:
        self._ledger = ledger
        self._time = ledger.time
        self._retained = retained

    async def take(self, batch: Batch, held: Mapping[str, bytes]) -> list[str]:
        """Put into a batch what is to be taken of the payloads under `orders/`; ids of those that are watched again."""
        watched, purchases = [], set[str]()
        for topic, payload in sorted(held.items()):
            order = read_order(topic, payload)
            if order is None or order.purchase in purchases:
                continue  # of two that name one number, the first has it
            if await self._take(batch, order):
                watched.append(topic)
                purchases.add(order.purchase or "")
        return watched

    def taken(self, held: Mapping[str, bytes]) -> None:
        """After the commit: empty the topics of orders that are over, and that nobody else will."""
        for topic, payload in held.items():
            if self._ledger.get(topic) is None and read_order(topic, payload) is not None:
                self._retained.put(topics.order(topic), b"")

    async def _take(self, batch: Batch, held: Order) -> bool:
        """Take one up; whether it is watched from now on, and was not before."""
        own = await self._ledger.find(held.order)
        if own is not None and (not own.order.is_open or not _knows_more(held, own.order)):
            return False
        holder = await self._ledger.find_purchase(held.purchase) if held.purchase else None
        if holder is not None and holder.order.is_open and holder.order.order != held.order:
            return False  # the journal has that purchase under another name
        order = _as_taken(held, own.order if own else None)
        self._ledger.adopted(batch, self._record(order, own), own.order if own else None)
        had = {sms.sms for sms in own.order.sms} if own else set()
        batch.sms.extend(NewSms(order.order, sms, told=True) for sms in order.sms if sms.sms not in had)
        return order.state in WATCHED_STATES and (own is None or own.order.state not in WATCHED_STATES)

    def _record(self, order: Order, own: Record | None) -> Record:
        now = self._time.mark()  # what the machine was off is no time that a number of these lived
        made = own.made if own else now - self._age(order.created_at)
        closed = None if order.is_open else now - self._age(order.closed_at or order.updated_at)
        record = own or Record(order, made)
        return replace(record, order=order, deadline=self._deadline(order), closed=closed, settled=True)

    def _age(self, moment: datetime) -> float:
        """Seconds since a moment; none while nobody vouches for the wall clock: what counts for an hour counts then."""
        return max(0.0, -(self._time.left_until(moment) or 0.0))

    def _deadline(self, order: Order) -> float | None:
        """When its time is over, in steady seconds; late, where nobody can tell: the provider knows better by then."""
        if order.expires_at is None:
            return None
        whole = (order.expires_at - order.created_at).total_seconds()
        left = self._time.left_until(order.expires_at)
        return self._time.now() + min(whole if left is None else left, LONGEST_LIFE)


def answer(order: Order) -> Answer:
    """How an order stands, as the answer to the `buy` that made it in another journal."""
    status, error = Status.OK, None
    if order.state is OrderState.UNKNOWN:
        status, error = Status.UNKNOWN, order.error or unknown_error(order.order, _LOST)
    elif order.state is OrderState.FAILED:
        status, error = Status.ERROR, order.error or unknown_error(order.order, _LOST)
    elif order.state is OrderState.CANCELLED and order.purchase is None:
        status, error = Status.ERROR, ErrorInfo(ErrorCode.CANCELLED, CANCELLED)
    data = None if status is Status.ERROR else order_json(order, codes=True)
    return Answer(status, data, error, order.order, replayed=True)


def _knows_more(held: Order, own: Order) -> bool:
    """Whether the broker's word of an order that is open here is of use: its purchase, its SMS, its end."""
    if held.state in _IN_DOUBT or (held.is_open and held.purchase is None):
        return False
    news = held.state != own.state or {s.sms for s in held.sms} > {s.sms for s in own.sms}
    return news and own.purchase in (None, held.purchase)


def _as_taken(held: Order, own: Order | None) -> Order:
    """As it goes on: with the SMS that are known here, and in doubt where it names no purchase."""
    had = own.sms if own else ()
    sms = (*had, *(s for s in held.sms if s.sms not in {h.sms for h in had}))
    order = replace(held, sms=sms, closed_at=None if held.is_open else held.closed_at or held.updated_at)
    if held.is_open and held.purchase is None:
        return replace(order, state=OrderState.UNKNOWN, error=unknown_error(order.order, _LOST))
    return replace(order, state=OrderState.RECEIVED if sms else OrderState.WAITING) if held.is_open else order
