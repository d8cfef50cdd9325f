"""Settling by hand: `resolve` (contract, Commands and State)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.orders.targets import IN_DOUBT, find_target, the_one_in_doubt
from shomare_mqtt.core.records import Batch
from shomare_mqtt.core.render import Answer, order_json
from shomare_mqtt.core.tickets import Outcome
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import ErrorInfo, OrderState, Target

if TYPE_CHECKING:
    import logging

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Resolve

_LEAST_AFTER_RESOLVE = 60.0


class Resolver:
    """The operator's word on an order in state `unknown`."""

    def __init__(self, settings: InForce, clock: Clock, ledger: Ledger, logger: logging.Logger) -> None:
        self._settings = settings
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._logger = logger

    async def resolve(self, ticket: Ticket, request: Resolve) -> Outcome:
        """Carry out one `resolve`. Raises CommandRefusedError."""
        order = await self._meant(ticket, request)
        async with self._ledger.changing(order):
            record = await self._ledger.find(order)
            if record is None or not record.order.is_open:
                raise CommandRefusedError(ErrorCode.ORDER_CLOSED, f"order {order} is closed", order=order)
            if (state := record.order.state) is not OrderState.UNKNOWN:
                raise CommandRefusedError(
                    ErrorCode.INVALID_COMMAND,
                    f"order {order} is {state.value}: there is nothing to settle",
                    order=order,
                )
            batch = Batch(moves=int(request.bought))  # what it took is no evidence for other orders
            changed = await self._bought(batch, record, request) if request.bought else self._not_bought(batch, record)
            answer = Answer.ok(order_json(changed.order, codes=True), order)
            ticket.close(batch, answer)
            await self._ledger.commit(batch)
        self._logger.info("order %s: the operator says it is %s", order, changed.order.state.value)
        return Outcome(answer, None)

    async def _meant(self, ticket: Ticket, request: Resolve) -> str:
        """The order that is to be settled. Raises CommandRefusedError."""
        if request.order == IN_DOUBT:
            return the_one_in_doubt(self._ledger, ticket)
        record, _ = await find_target(self._ledger, Target(order=request.order), ticket)
        return record.order.order if record is not None else request.order

    async def _bought(self, batch: Batch, record: Record, request: Resolve) -> Record:
        order, purchase = record.order.order, request.purchase or ""
        held = await self._ledger.find_purchase(purchase)
        if holder := held.order.order if held is not None else self._ledger.claim(purchase, order):
            raise CommandRefusedError(
                ErrorCode.INVALID_COMMAND, f"purchase {purchase} belongs to order {holder}", order=order
            )
        now = self._time.mark()
        deadline = max(record.made + self._settings.now.orders.lifetime, now + _LEAST_AFTER_RESOLVE)
        return self._ledger.changed(
            batch,
            replace(record, deadline=deadline, settled=True, by_hand=True),
            state=OrderState.WAITING,
            purchase=request.purchase,
            phone=request.phone,
            expires_at=self._clock.now() + timedelta(seconds=deadline - now),
            error=None,
        )

    def _not_bought(self, batch: Batch, record: Record) -> Record:
        error = ErrorInfo(ErrorCode.OUTCOME_UNKNOWN, "the operator says that nothing was bought")
        return self._ledger.changed(
            batch, replace(record, settled=True, by_hand=True), state=OrderState.FAILED, error=error, charged=None
        )
