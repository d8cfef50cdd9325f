"""The one place where orders change: a batch goes to the journal, and everybody who shows orders is told after it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.core.records import Batch, MessageKind, NewSms, Posting, Record
from shomare_mqtt.core.waiting import Turns, pause
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalFullError
from shomare_mqtt.model import LEGAL_MOVES, Message, Order, OrderState, Sms

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from shomare_mqtt.config.held import Settings
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock, SteadyTime
    from shomare_mqtt.core.ports import Extensions, Journal, Outbox, Retained
    from shomare_mqtt.core.records import Condition, Ids, Notice
    from shomare_mqtt.model import Transaction


_REFUND_AT = "refund_at"
_GIVEN_BACK = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})
"""States in which the money may have come back, whether or not the provider said so."""
_NONE = render.dumps({"state": "none"})
"""What `current` says where there is no order."""
_SET_BY = 60.0
"""Seconds by which a wall clock is set, and not only held in step."""


class Ledger:
    """Open orders and those that closed lately, as they are in the journal; retained topics follow them."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        journal: Journal,
        retained: Retained,
        outbox: Outbox,
        extensions: Extensions,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._journal = journal
        self._retained = retained
        self._outbox = outbox
        self._extensions = extensions
        self._records: dict[str, Record] = {}
        self._open: dict[str, Record] = {}
        """Those of them that are open: each purchase looks at these several times, and may have closed thousands."""
        self._shown: dict[str, bytes] = {}
        """Payloads of the orders' topics."""
        self._list_is_new = True
        """Whether `orders` is to say something else than it was put to say last."""
        self._closing = asyncio.Event()
        self._turns = Turns()
        self._has_adopted = True
        """Whether the journal may hold an order that another one made, and that counts yet."""
        self.listeners: list[Callable[[Record, Record | None], None]] = []
        self.on_committed: Callable[[], object] = lambda: None
        """Told of each batch that changed orders or brought an SMS."""
        self.on_notice: Callable[[Notice], object] = lambda _: None
        """Told of each that a batch brought."""
        self.moves = 0
        self.last_move = float("-inf")
        self.last_refund = float("-inf")
        """Steady seconds at which money may have come back last, also in an earlier process."""
        self.refunds_in_flight = 0
        self.sms_count = 0
        self._claims: dict[str, str] = {}
        self._coded: dict[str, None] = {}
        """Orders with a code, the one that got the newest last; times tell nothing, they may be of a wrong clock."""
        self.intents: set[int | None] = set()
        """Rows of the commands whose purchase may be on its way, from before the intent is written."""
        settings.listeners.append(self._settings_changed)

    @property
    def time(self) -> SteadyTime:
        """The time that deadlines and money are reckoned in."""
        return self._journal.time

    @property
    def sms_key(self) -> bytes:
        """What ids of SMS are made with."""
        return self._journal.identity.sms_key

    async def load(self) -> None:
        """Take up what the journal holds; to be called once, before anything else."""
        keep = self._settings.now.orders.keep_closed
        for record in reversed(await self._journal.open_and_late(keep)):
            self._hold(record)
        self.last_refund = float((await self._journal.meta()).get(_REFUND_AT) or "-inf")
        self._coded = dict.fromkeys(order for order in await self._journal.coded(keep) if order in self._records)
        self._has_adopted = await self._journal.has_adopted(self._settings.now.orders.remember)
        self.moves = await self._journal.commit(Batch())
        for record in self._records.values():
            self._show(record)
        self._show_lists()

    def _settings_changed(self, before: Settings) -> None:
        """Codes that are not to be retained any more are taken away; how long topics are kept is looked at anew."""
        if before.privacy.retain_codes and not self._settings.now.privacy.retain_codes:
            for record in self._records.values():
                self._show(record)
            self._show_lists()
        if self._settings.now.orders.remember > before.orders.remember:
            self._has_adopted = True  # of a longer time there may be one
        self._closing.set()

    # --- reading ----------------------------------------------------------------------------------------------------

    def get(self, order: str) -> Record | None:
        """An order that is open or closed lately."""
        return self._records.get(order)

    def open(self) -> list[Record]:
        """Open orders, newest first."""
        return list(reversed(self._open.values()))

    @property
    def open_count(self) -> int:
        """How many are open."""
        return len(self._open)

    def current(self) -> Record | None:
        """The newest open order; where none is open, the one that closed last and still has its topic."""
        if self._open:
            return next(reversed(self._open.values()))
        return max(self._records.values(), key=lambda r: r.closed or 0.0, default=None)

    def newest_code(self) -> str | None:
        """The code that came last, of the orders that still have their topic."""
        held = (r.order.newest_with_code for r in map(self._records.get, reversed(self._coded)) if r is not None)
        return next((sms.code for sms in held if sms is not None), None)

    def claim(self, purchase: str, order: str) -> str | None:
        """Take a purchase for an order until it is written with it; else the open order that has it already."""
        holder = self.holder(purchase)
        if holder is None:
            self._claims[purchase] = order
        return holder

    def holder(self, purchase: str) -> str | None:
        """The open order that has a purchase, or is about to."""
        holder = next((r.order.order for r in reversed(self._open.values()) if r.order.purchase == purchase), None)
        return holder or self._claims.get(purchase)

    async def note(self, record: Record, *, batch: Batch | None = None, **changes: Any) -> Record:
        """Write down what only we need to know of an order, with a batch; it stays as it is. The record after it."""
        batch = batch or Batch()
        async with self.changing(record.order.order):
            noted = replace(await self.find(record.order.order) or record, **changes)
            batch.records.append(noted)
            await self.commit(batch)
        return noted

    async def find(self, order: str) -> Record | None:
        """Any order by its id."""
        return self._records.get(order) or await self._journal.find(order)

    async def find_purchase(self, purchase: str) -> Record | None:
        """The newest order that holds a purchase, or was shown with it before a check told what its purchase is."""
        held = next((r for r in reversed(self._records.values()) if r.order.purchase == purchase), None)
        held = held or await self._journal.find_purchase(purchase)
        return held or next((r for r in reversed(self._records.values()) if r.shown_first == purchase), None)

    async def find_adopted(self, transaction: Transaction) -> Record | None:
        """The order of a transaction that another journal made, for as long as transactions are remembered."""
        if not self._has_adopted:
            return None
        return await self._journal.find_adopted(transaction, self._settings.now.orders.remember)

    async def lately(self, seconds: float) -> list[Record]:
        """Every open order and every one that closed less than so many seconds ago, newest first."""
        return await self._journal.open_and_late(seconds)

    # --- changing ---------------------------------------------------------------------------------------------------

    def changed(self, batch: Batch, record: Record, **changes: Any) -> Record:
        """Put a changed order into a batch, with its event where the state is another; the changed record.

        Raises ValueError for a move that the contract's table does not allow: that is a fault of ours.
        """
        previous = record.order
        now = self._journal.time.wall()
        order = replace(previous, updated_at=now, **changes)
        if order.state != previous.state:
            if order.state not in LEGAL_MOVES[previous.state]:
                raise ValueError(f"an order cannot go from {previous.state} to {order.state}")
            closes = previous.is_open and not order.is_open
            if closes:
                order = replace(order, closed_at=now)
                record = replace(record, closed=self._journal.time.now())
            if order.state in _GIVEN_BACK and order.purchase is not None:
                self.may_be_refunded(batch)
            self._post_event(batch, order, previous)
        changed = replace(record, order=order)
        batch.records.append(changed)
        return changed

    def created(self, batch: Batch, record: Record) -> None:
        """Put a new order into a batch, with its event and the name of its topic."""
        batch.records.append(record)
        batch.retained.append(self._retained.whole(topics.order(record.order.order)))
        self.intents.add(record.command)
        self._post_event(batch, record.order, None)

    def adopted(self, batch: Batch, record: Record, previous: Order | None) -> None:
        """Put an order into a batch as another journal left it; its own events told of it where it is new here."""
        batch.records.append(record)
        self._has_adopted = True
        if previous is not None and previous.state is not record.order.state:
            self._post_event(batch, record.order, previous)

    def identified(self, record: Record, ids: Ids) -> Record:
        """Note that an order's purchase is the one that it is shown with; the record after it.

        That waits for no disk: after a crash the next check tells it again.
        """
        self._journal.note_ids(record, ids)
        noted = replace(record, ids=ids)
        self._take(noted)
        return noted

    def lives_until(self, record: Record, deadline: float, expires_at: datetime) -> Record:
        """Note that an order ends at another moment (steady seconds, wall clock); the record after it.

        That waits for no disk, as with `identified`.
        """
        order = replace(record.order, expires_at=expires_at, updated_at=self._journal.time.wall())
        noted = replace(record, order=order, deadline=deadline)
        self._journal.note_end(record, noted)
        self._take(noted)
        self._show_lists()
        return noted

    def add_sms(self, batch: Batch, order: Order, new: Sms) -> None:
        """Put an SMS into a batch, with its event and its code's; `order` is the order as it is with it."""
        batch.sms.append(NewSms(order.order, new))
        event = render.dumps(render.sms_event(order, new))
        batch.postings.append(Posting(MessageKind.SMS, Message("event/sms", event)))
        if new.code and order.order in self._records:
            batch.postings.append(Posting(MessageKind.EVENT, Message("code", new.code.encode())))

    def changing(self, order: str) -> AbstractAsyncContextManager[None]:
        """Alone with one order, from reading it to the commit: whoever changes an order that others may change too."""
        return self._turns.alone(order)

    async def commit(self, batch: Batch, condition: Condition | None = None) -> None:
        """Write a batch, and only then show it and tell plugins.

        Raises CommandRefusedError where a purchase is to be written down and the condition says no, or the disk has no
        room for what comes of it (`buying_paused`); JournalError.
        """
        try:
            moves = await self._journal.commit(batch, condition)
        except (CommandRefusedError, JournalFullError) as error:
            self.intents.difference_update(r.command for r in batch.records if r.order.order not in self._records)
            if isinstance(error, CommandRefusedError):
                raise
            raise CommandRefusedError(ErrorCode.BUYING_PAUSED, f"{error}; nothing was bought") from None
        if batch.moves:
            self.moves = moves
            self.last_move = self._journal.time.now()
        self._retained.remembered(batch.retained)
        for record in batch.records:
            self._take(record)
        if batch.records:
            self._show_lists()
        if batch.records or batch.sms:
            self.on_committed()
        for notice in batch.notices:
            self.on_notice(notice)
        self._tell_of_sms(batch)
        if batch.postings:
            self._outbox.wake()
        for answer in batch.answers:
            answer()

    async def follow_clock(self) -> None:
        """Say anew when open orders expire, where the wall clock was set since: how long they live stays as it is."""
        for order in [r.order.order for r in self.open()]:
            async with self.changing(order):
                record = self._records.get(order)
                if record is not None and (end := self._right_end(record)) is not None:
                    batch = Batch()
                    self.changed(batch, record, expires_at=end)
                    await self.commit(batch)

    def _right_end(self, record: Record) -> datetime | None:
        """When an open order expires by the wall clock as it is now; None where it says so."""
        shown = record.order.expires_at
        if shown is None or record.deadline is None or not record.order.is_open:
            return None
        end = self._clock.now() + timedelta(seconds=record.deadline - self._journal.time.now())
        return end if abs((shown - end).total_seconds()) > _SET_BY else None

    def may_be_refunded(self, batch: Batch) -> None:
        """Money may come back about now: a balance read meanwhile tells little of other orders, after a crash too."""
        self.last_refund = self._journal.time.now()
        batch.meta[_REFUND_AT] = repr(self.last_refund)

    def publish_code_again(self) -> None:
        """The newest code once more, for a Home Assistant that has just started."""
        if code := self.newest_code():
            self._outbox.send_volatile(Message("code", code.encode()))

    def _post_event(self, batch: Batch, order: Order, previous: Order | None) -> None:
        payload = render.dumps(render.order_event(order, previous))
        batch.postings.append(Posting(MessageKind.EVENT, Message("event/order", payload)))

    def _take(self, record: Record) -> None:
        order = record.order
        previous = self._records.get(order.order)
        if previous is None and not order.is_open:
            return  # its topic was emptied: an SMS that a late check found is no reason to fill it again
        self._hold(record)
        if order.purchase is not None:
            self._claims.pop(order.purchase, None)
        if order.state is not OrderState.BUYING:
            self.intents.discard(record.command)
        self._show(record)
        if not order.is_open:
            self._closing.set()
        for listener in self.listeners:
            listener(record, previous)
        if previous is None or previous.order.state != order.state:
            self._extensions.order_changed(order, previous.order if previous else None)

    def _hold(self, record: Record) -> None:
        order = record.order
        self._records[order.order] = record
        if order.is_open:
            self._open[order.order] = record
        elif self._open.pop(order.order, None):
            self._list_is_new = True

    def _tell_of_sms(self, batch: Batch) -> None:
        orders = {r.order.order: r.order for r in batch.records}
        for new in (n for n in batch.sms if not n.told):
            self.sms_count += 1
            if new.sms.code and new.order in self._records:
                self._coded.pop(new.order, None)
                self._coded[new.order] = None
            self._extensions.sms_received(orders[new.order], new.sms)

    # --- showing ----------------------------------------------------------------------------------------------------

    def _show(self, record: Record) -> None:
        order = record.order
        payload = render.dumps(render.order_json(order, codes=self._settings.now.privacy.retain_codes))
        if order.is_open and payload != self._shown.get(order.order):
            self._list_is_new = True
        self._shown[order.order] = payload
        self._retained.put(topics.order(order.order), payload)

    def _show_lists(self) -> None:
        current = self.current()
        if self._list_is_new:
            self._list_is_new = False
            self._retained.put_made("orders", self._list)
        self._retained.put("current", self._shown[current.order.order] if current else _NONE)

    def _list(self) -> bytes:
        """What `orders` is to say now."""
        return render.dumped_list(map(self._shown.__getitem__, reversed(self._open)))

    async def run(self) -> None:
        """Empty the topics of orders that closed `keep_closed` seconds ago, for ever."""
        while True:
            now, keep = self._journal.time.now(), self._settings.now.orders.keep_closed
            closed = {r.order.order: (r.closed or 0.0) + keep for r in self._records.values() if not r.order.is_open}
            over = [order for order, end in closed.items() if end <= now]
            for order in over:
                del self._records[order], self._shown[order]
                self._coded.pop(order, None)
                self._retained.put(topics.order(order), b"")
            if over:
                self._show_lists()
                continue
            self._closing.clear()
            until = min(closed.values(), default=None)
            await pause(self._clock, None if until is None else until - now, self._closing)
