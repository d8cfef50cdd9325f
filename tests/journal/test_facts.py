"""What the limits count is what the orders come to, one by one: however their prices are written, whatever the hour."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Batch, NewSms, Record, SpendFacts
from shomare_mqtt.journal import orders
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import OPEN_STATES, Order, OrderState, Product, Sms

if TYPE_CHECKING:
    from pathlib import Path

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
MIDNIGHT, LIFETIME = 10_000.0, 1200.0
MADE = (0.0, 9_999.9, 10_000.0, 10_000.1, 12_399.9, 12_400.0, 13_600.0, 14_800.0, 50_000.0)
"""Before, at and after midnight, an hour ago, a lifetime ago; and later than now, by a clock that was set back."""
PRICES = (None, *map(Decimal, ("5", "5.0", "5.00", "0", "0.1", "0.10", "2200", "-2", "1E+3", "12345678901234567890.5")))


def order_of(rng: random.Random, number: int) -> Record:
    state = rng.choice(list(OrderState))
    closed = None if state in OPEN_STATES else WHEN
    order = Order(
        order=f"o{number}",
        state=state,
        product=Product("7", "1", "3"),
        purchase=rng.choice((None, f"p{number}")),
        created_at=WHEN,
        updated_at=WHEN,
        price=rng.choice(PRICES),
        charged=rng.choice(PRICES),
        refunded=rng.choice((None, True, False)),
        closed_at=closed,
        sms=rng.choice(((), (Sms(f"s{number}", "1", "1", None, WHEN),))),
    )
    return Record(order, made=rng.choice(MADE), closed=None if closed is None else 50_000.0)


def is_never_bought(order: Order) -> bool:
    """One that was cancelled before it had a number cost nothing either."""
    return order.state is OrderState.FAILED or (order.state is OrderState.CANCELLED and order.purchase is None)


def counted(records: list[Record], now: float) -> SpendFacts:
    bought = [r for r in records if not is_never_bought(r.order)]
    paid = [r.order for r in bought if r.made >= MIDNIGHT and not r.order.refunded]
    costs = [o.price if o.charged is None else o.charged for o in paid]
    unused = [r for r in bought if r.order.state in {OrderState.CANCELLED, OrderState.EXPIRED} and not r.order.sms]
    still = [r for r in records if r.order.is_open]
    return SpendFacts(
        sum((cost for cost in costs if cost is not None), Decimal(0)),
        sum(r.made >= now - 3600 for r in bought),
        sum(r.order.state is not OrderState.UNKNOWN or r.made >= now - LIFETIME for r in still),
        sum(r.made >= MIDNIGHT for r in unused),
    )


@pytest.mark.parametrize("now", [10_000.0, 12_000.0, 13_600.0, 16_000.0])
async def test_what_the_limits_count_is_what_orders_come_to_one_by_one(tmp_path: Path, now: float) -> None:
    """In the first hour of a day the last hour begins before it."""
    rng = random.Random(now)
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    records = list[Record]()
    try:
        for number in range(150):
            records.append(order_of(rng, number))
            sms = [NewSms(records[-1].order.order, each) for each in records[-1].order.sms]
            await journal.commit(Batch(records=records[-1:], sms=sms))
            told = await journal._database.read(lambda c: orders.facts(c, MIDNIGHT, now, LIFETIME))
            assert told == counted(records, now)
            others = [each for each in records if each is not records[number // 2]]
            but = records[number // 2].order.order
            less = await journal._database.read(
                partial(orders.facts, midnight=MIDNIGHT, now=now, lifetime=LIFETIME, but=but)
            )
            assert less == counted(others, now)
    finally:
        await journal.close()
