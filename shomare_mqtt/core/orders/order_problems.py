"""What of the orders needs a person's eyes: those in doubt, and those that ended with money gone (contract, State)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.problems import LASTS, Gravity, Noted, Problem
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import OrderState

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from decimal import Decimal

    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.problems import Problems
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.model import Order

_OVER_WITHOUT_SMS = frozenset({OrderState.CANCELLED, OrderState.EXPIRED})


class OrderProblems:
    """Tells `problems` of them. `money` writes an amount for people."""

    def __init__(self, ledger: Ledger, problems: Problems, money: Callable[[Decimal], str]) -> None:
        self._ledger = ledger
        self._time = ledger.time
        self._problems = problems
        self._money = money
        problems.sources.append(self._in_doubt)
        ledger.listeners.append(self._changed)

    async def load(self) -> None:
        """Take up those that ended within the last hour."""
        for record in reversed(await self._ledger.lately(LASTS)):
            self._ended(record)

    def _in_doubt(self) -> Iterator[Problem]:
        for record in self._ledger.open():
            if record.order.state is OrderState.UNKNOWN:
                yield self._unknown(record)

    def _unknown(self, record: Record) -> Problem:
        order = record.order
        charged = None if order.charged is None else self._money(order.charged)
        message = words.unknown(described(order), self._price(order), charged, is_settled=record.settled)
        return Problem(
            Gravity.ORDER,
            BridgeEvent.OUTCOME_UNKNOWN,
            message,
            order.created_at,
            ErrorCode.OUTCOME_UNKNOWN,
            order.order,
            order.transaction,
        )

    def _changed(self, record: Record, previous: Record | None) -> None:
        state, before = record.order.state, previous and previous.order.state
        if state is not before and not record.order.is_open:
            self._ended(record)
        if OrderState.UNKNOWN in (state, before):
            self._problems.show()

    def _ended(self, record: Record) -> None:
        """Note what is wrong with the end of an order, where something is."""
        order = record.order
        message = self._wrong_end(record)
        if message is not None and order.closed_at is not None and record.closed is not None:
            code = None if order.error is None else order.error.code
            problem = Problem(
                Gravity.COMMAND,
                BridgeEvent.ORDER_PROBLEM,
                message,
                order.closed_at,
                code,
                order.order,
                order.transaction,
            )
            is_failed = order.state is OrderState.FAILED
            kind, row = ("buy", record.command) if is_failed else ("", None)
            self._problems.note(Noted(problem, kind, row, record.closed + LASTS))

    def _wrong_end(self, record: Record) -> str | None:
        order = record.order
        code = None if order.error is None else order.error.code
        if order.state is OrderState.FAILED:
            # Its answer told of every other failure; what its owner settled needs no eyes any more.
            in_doubt = code is ErrorCode.OUTCOME_UNKNOWN and not record.by_hand
            return words.nothing_paid(described(order)) if in_doubt else None
        if order.state in _OVER_WITHOUT_SMS and code is not None and not order.refunded and order.purchase is not None:
            return words.not_refunded(described(order), self._price(order), is_refused=order.refunded is False)
        return None

    def _price(self, order: Order) -> str | None:
        return None if order.price is None else self._money(order.price)


def described(order: Order) -> str:
    """What was asked for, in short: `Telegram (Russia)`."""
    product = order.product
    return f"{product.application_name or product.application} ({product.country_name or product.country})"
