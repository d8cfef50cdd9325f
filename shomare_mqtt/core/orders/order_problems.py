"""What of the orders needs a person's eyes: those in doubt, and those with which money is gone (contract, State)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.orders.noticed import in_short, kept, key
from shomare_mqtt.core.problems import LASTS, Gravity, Noted, Problem
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import OrderState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from decimal import Decimal

    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Journal
    from shomare_mqtt.core.problems import Problems
    from shomare_mqtt.core.records import Notice, Record
    from shomare_mqtt.model import Order

_OVER_WITHOUT_SMS = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})


class OrderProblems:
    """Tells `problems` of them. `money` writes an amount for people."""

    def __init__(self, ledger: Ledger, journal: Journal, problems: Problems, money: Callable[[Decimal], str]) -> None:
        self._ledger = ledger
        self._journal = journal
        self._problems = problems
        self._money = money
        self._notices: dict[str, Notice] = {}
        problems.sources.append(self._lasting)
        ledger.listeners.append(self._changed)
        ledger.on_notice = self._noticed

    async def load(self) -> None:
        """Take up what is to be seen of open orders, and those that ended within the last hour. Raises JournalError."""
        for record in reversed(await self._ledger.lately(LASTS)):
            self._ended(record)
        for notice in kept(await self._journal.meta()):
            self._notices[notice.order] = notice
            held = self._ledger.get(notice.order)
            if held is None or not held.order.is_open:
                self._forget(notice.order)

    # --- what lasts -------------------------------------------------------------------------------------------------

    def _lasting(self) -> Iterator[Problem]:
        for record in self._ledger.open():
            if _is_in_doubt(record):
                yield self._unknown(record)
            elif _is_nobodys(record):
                message = words.no_id(in_short(record.order))
                yield _problem(record.order, BridgeEvent.ORDER_PROBLEM, message, record.order.created_at)
            if (notice := self._notices.get(record.order.order)) is not None:
                yield _problem(record.order, notice.event, notice.message, notice.at)

    def _unknown(self, record: Record) -> Problem:
        order = record.order
        charged = None if order.charged is None else self._money(order.charged)
        if (refused := self._problems.newest("resolve")) is not None and _is_of(refused, order):
            # What its owner has just tried: this one is told before that one.
            message = words.still_unknown(refused.message, in_short(order), self._price(order))
        else:
            message = words.unknown(in_short(order), self._price(order), charged, is_settled=record.settled)
        # When it was asked for: what became of it is written down anew each time that more is known.
        return _problem(order, BridgeEvent.OUTCOME_UNKNOWN, message, order.created_at, Gravity.ORDER)

    # --- what happens -----------------------------------------------------------------------------------------------

    def _noticed(self, notice: Notice) -> None:
        self._notices[notice.order] = notice
        self._problems.show()

    def _forget(self, order: str) -> None:
        """It closed: nothing of it is to be seen any more."""
        if self._notices.pop(order, None) is not None:
            self._journal.note_value(key(order), None)
            self._problems.show()

    def _changed(self, record: Record, previous: Record | None) -> None:
        if not record.order.is_open:
            self._forget(record.order.order)
            if previous is None or previous.order.is_open:
                self._ended(record)
                self._problems.closed(record.order.order)
        if previous is not None and _is_in_doubt(previous) and not _is_in_doubt(record):
            self._problems.settled(record.order.order)
        if any(each is not None and _needs_eyes(each) for each in (record, previous)):
            self._problems.show()

    def _ended(self, record: Record) -> None:
        """Note what is wrong with the end of an order, where something is."""
        order, message = record.order, self._wrong_end(record)
        if message is not None and order.closed_at is not None and record.closed is not None:
            problem = _problem(order, BridgeEvent.ORDER_PROBLEM, message, order.closed_at)
            kind, row = ("buy", record.command) if order.state is OrderState.FAILED else ("", None)
            self._problems.note(Noted(problem, kind, row, record.closed + LASTS))

    def _wrong_end(self, record: Record) -> str | None:
        order = record.order
        if order.error is None:
            return None
        if order.state is OrderState.FAILED:
            # Of every other failure its answer told; what its owner settled needs no eyes any more.
            in_doubt = order.error.code is ErrorCode.OUTCOME_UNKNOWN and not record.by_hand
            return words.nothing_paid(in_short(order)) if in_doubt else None
        if order.state in _OVER_WITHOUT_SMS and not order.refunded and not order.sms:
            return words.not_refunded(in_short(order), self._price(order), is_refused=order.refunded is False)
        return None

    def _price(self, order: Order) -> str | None:
        return None if order.price is None else self._money(order.price)


def _problem(
    order: Order, event: BridgeEvent, message: str, at: datetime, gravity: Gravity = Gravity.COMMAND
) -> Problem:
    code = None if order.error is None else order.error.code
    return Problem(gravity, event, message, at, code, order.order, order.transaction)


def _is_of(refused: Problem, order: Order) -> bool:
    """Whether a `resolve` that was refused was meant for an order in doubt.

    Not one from before there was that order, and none that found no order: its sentence says that nothing is in doubt.
    """
    is_since = refused.at >= order.created_at and refused.code is not ErrorCode.ORDER_NOT_FOUND
    return is_since and refused.order in (None, order.order)


def _is_in_doubt(record: Record) -> bool:
    return record.order.state is OrderState.UNKNOWN


def _needs_eyes(record: Record) -> bool:
    return _is_in_doubt(record) or _is_nobodys(record)


def _is_nobodys(record: Record) -> bool:
    """Whether the provider knows a number that is paid for by none of the ids that it gave."""
    ids = record.ids
    return record.order.is_open and ids is not None and ids.is_told and not ids.is_confirmed
