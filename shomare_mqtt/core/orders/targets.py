"""Which order a command means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import OrderState

if TYPE_CHECKING:
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Target

CURRENT = "current"
IN_DOUBT = "unknown"
"""To `resolve`: the one order in that state."""


async def find_target(ledger: Ledger, target: Target, ticket: Ticket | None = None) -> tuple[Record | None, str]:
    """The order that a command means; else None and the purchase. Raises CommandRefusedError (`order_not_found`).

    To a command that an earlier process took, `current` is no order that was made after it came.
    """
    order = target.order or target.either
    if order == CURRENT:
        until = ticket.received if ticket is not None and ticket.resumed else float("inf")
        if (newest := next((r for r in ledger.open() if r.was_there <= until), None)) is not None:
            return newest, ""
        raise CommandRefusedError(ErrorCode.ORDER_NOT_FOUND, "no order is open")
    if order is not None and (record := await ledger.find(order)) is not None:
        return record, ""
    if target.order is not None:
        raise CommandRefusedError(ErrorCode.ORDER_NOT_FOUND, f"there is no order {target.order}")
    purchase = target.purchase or target.either or ""
    return await ledger.find_purchase(purchase), purchase


def the_one_in_doubt(ledger: Ledger, ticket: Ticket) -> str:
    """The one order in state `unknown`. Raises CommandRefusedError where there is none, and where there are several.

    To a command that an earlier process took, it is no order that was made after that came: its sender did not mean it.
    """
    until = ticket.received if ticket.resumed else float("inf")
    in_doubt = [r for r in ledger.open() if r.order.state is OrderState.UNKNOWN and r.was_there <= until]
    if not in_doubt:
        raise CommandRefusedError(ErrorCode.ORDER_NOT_FOUND, "no order is in doubt: there is nothing to settle")
    if len(in_doubt) > 1:
        several = ", ".join(r.order.order for r in in_doubt)
        message = f"{len(in_doubt)} orders are in doubt: name the one to settle in order ({several}); nothing was done"
        raise CommandRefusedError(ErrorCode.INVALID_COMMAND, message)
    return in_doubt[0].order.order
