"""What is true, as JSON for `GET /_sim/state`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shomare_mqtt.simulator.endpoints import Desk
    from shomare_mqtt.simulator.front import Front
    from shomare_mqtt.simulator.ledger import Message, Purchase
    from shomare_mqtt.simulator.timebase import TimeBase

_IDS = ("purchase", "country", "operator", "application")


def describe(front: Front) -> dict[str, Any]:
    """Balance, ledger, calls, requests and faults. Money is Decimal, times are ISO 8601 in UTC."""
    desk = front.desk
    return {
        "balance": desk.ledger.balance,
        "shown_balance": desk.ledger.shown_balance(),
        "blocked": desk.ledger.blocked,
        "dialect": desk.dialect.name,
        "purchases": [describe_purchase(bought, desk) for bought in desk.purchases()],
        "calls": dict(front.calls),
        "faults_done": dict(front.faults.done),
        "requests": list(front.requests),
    }


def describe_purchase(bought: Purchase, desk: Desk) -> dict[str, Any]:
    """One purchase. `sms` are those that came; `shown`: a `check` handed it out completely.

    `wanted`: the ids that the endpoints take in this dialect, where the rest are the simulator's own.
    """
    time = desk.time
    return {
        "purchase": bought.purchase,
        "country": bought.country,
        "operator": bought.operator,
        "application": bought.application,
        "phone": f"+{bought.phone}",
        "price": bought.price,
        "state": bought.state.value,
        "created_at": time.wall(bought.created).isoformat(),
        "expires_at": time.wall(bought.expires).isoformat(),
        "ended_at": None if bought.ended is None else time.wall(bought.ended).isoformat(),
        "refunded": bought.refunded,
        "by_hand": bought.by_hand,
        "ended_by_hand": bought.ended_by_hand,
        "wanted": {kind: desk.dialect.id_of(kind, getattr(bought, kind)) for kind in _IDS},
        "sms": [_message(message, time) for message in bought.sms],
    }


def _message(message: Message, time: TimeBase) -> dict[str, Any]:
    return {
        "id": message.id,
        "code": message.code,
        "text": message.text,
        "at": time.wall(message.at).isoformat(),
        "shown": message.shown,
    }
