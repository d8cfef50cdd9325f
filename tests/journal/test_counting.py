"""What the figures count is what the orders come to, one by one: whatever became of them, however they are cut up."""

from __future__ import annotations

import random
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Batch, Counted, NewSms, Outcome, PlaceSuccess, Record
from shomare_mqtt.journal import counting, orders
from shomare_mqtt.journal.opening import schema_files
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import OPEN_STATES, Order, OrderState, Product, Sms

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
PRICES = (None, *map(Decimal, ("5", "5.0", "0.1", "2200", "12345678901234567890.5")))
Key = tuple[str, str, str, Outcome, bool, Decimal, float | None]


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[Journal]:
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    yield journal
    await journal.close()


def order_of(rng: random.Random, number: int, made: float) -> Record:
    state = rng.choice(list(OrderState))
    has_sms = state in (OrderState.RECEIVED, OrderState.FINISHED) or rng.random() < 0.2
    sms = [Sms(f"s{number}-{i}", "1", "1", None, WHEN + timedelta(seconds=rng.randrange(-5, 300))) for i in range(2)]
    order = Order(
        order=f"o{number}",
        state=state,
        product=Product(rng.choice("12"), rng.choice("12"), rng.choice("12"), "Country"),
        created_at=WHEN,
        updated_at=WHEN,
        purchase=rng.choice((None, f"p{number}")) if state is OrderState.CANCELLED else f"p{number}",
        price=rng.choice(PRICES),
        charged=rng.choice(PRICES),
        refunded=rng.choice((None, True, False)),
        closed_at=None if state in OPEN_STATES else WHEN,
        sms=tuple(sms) if has_sms else (),
    )
    return Record(order, made=made, closed=None if state in OPEN_STATES else made)


def one_by_one(records: Iterable[Record]) -> Counter[Key]:
    counts = Counter[Key]()
    for order in (record.order for record in records):
        if order.state is OrderState.BUYING or (order.state is OrderState.CANCELLED and order.purchase is None):
            continue
        outcome = Outcome.OPEN if order.is_open else Outcome.UNUSED
        if order.sms:
            outcome = Outcome.RECEIVED
        if order.state in (OrderState.FAILED, OrderState.UNKNOWN):
            outcome = Outcome(order.state.value)
        known = order.charged if outcome is Outcome.UNKNOWN or order.charged is not None else order.price
        seconds = (order.sms[0].received_at - order.created_at).total_seconds() if order.sms else None
        of = order.product
        counts[
            of.country, of.operator, of.application, outcome, order.refunded is True, known or Decimal(0), seconds
        ] += 1
    return counts


def told(rows: Iterable[Counted]) -> Counter[Key]:
    counts = Counter[Key]()
    for row in rows:
        country, operator, application = row.key
        counts[country, operator, application, row.outcome, row.refunded, row.cost, row.seconds] += row.orders
    return counts


async def all_of(journal: Journal, since: float, ends: tuple[float, ...]) -> list[Counted]:
    rows = list[Counted]()
    while (stretch := await journal.counted(since, ends, ("country", "operator", "application"))) is not None:
        assert all(not stretch.first < end < stretch.until for end in ends), "none reaches over an end"
        rows += stretch.alike
        since = stretch.until
    return rows


async def commit(journal: Journal, *records: Record) -> None:
    sms = [NewSms(record.order.order, each) for record in records for each in record.order.sms]
    await journal.commit(Batch(records=list(records), sms=sms))


@pytest.mark.parametrize("most", [1, 3, 5000])
async def test_figures_are_what_orders_come_to_one_by_one(
    journal: Journal, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Many are made at the same moment; how many are counted at once changes nothing."""
    monkeypatch.setattr(counting, "MOST", most)
    rng = random.Random(most)
    records = [order_of(rng, number, rng.choice((0.0, 10.0, 10.5, 20.0, 30.0))) for number in range(200)]
    await commit(journal, *records)
    assert told(await all_of(journal, 0.0, (10.0, 20.0))) == one_by_one(records)
    later = [record for record in records if record.made >= 10.5]
    assert told(await all_of(journal, 10.5, ())) == one_by_one(later)
    assert await all_of(journal, 31.0, ()) == []


async def test_a_closed_order_that_changes_is_counted_as_it_is(journal: Journal) -> None:
    """It closes, its money comes back, and a check finds an SMS after all."""
    record = order_of(random.Random(), 1, 5.0)
    changes: tuple[dict[str, Any], ...] = (
        {"state": OrderState.WAITING, "closed_at": None, "refunded": None, "sms": (), "purchase": "p1"},
        {"state": OrderState.EXPIRED, "closed_at": WHEN},
        {"refunded": True},
        {"sms": (Sms("s1", None, "late", None, WHEN + timedelta(seconds=90)),)},
    )
    for changed in changes:
        record = replace(record, order=replace(record.order, **changed))
        await commit(journal, record)
        assert told(await all_of(journal, 0.0, ())) == one_by_one([record])


async def test_how_it_went_in_each_place(journal: Journal) -> None:
    now = journal.time.now()
    rng = random.Random(5)
    records = [order_of(rng, number, now - rng.choice((1, 89 * 86400, 91 * 86400))) for number in range(300)]
    await commit(journal, *records)
    wanted = Counter[tuple[tuple[str, str], Outcome]]()
    for (country, operator, application, outcome, *_), count in one_by_one(
        r for r in records if r.made > now - 90 * 86400
    ).items():
        if application == "1" and outcome.is_purchase:
            wanted[(country, operator), outcome] += count
    found = await journal.success_by_place("1")
    assert {place: (each.received, each.unused) for place, each in found.items()} == {
        place: (wanted[place, Outcome.RECEIVED], wanted[place, Outcome.UNUSED]) for place, _ in wanted
    }
    assert sum(each.orders for each in found.values()) == wanted.total()
    assert await journal.success_by_place("none") == {}


@pytest.mark.parametrize(
    ("place", "success"),
    [
        (PlaceSuccess(2, 2, 0), None),
        (PlaceSuccess(3, 0, 0), None),
        (PlaceSuccess(3, 1, 1), 0.5),
        (PlaceSuccess(4, 3, 1), 0.75),
    ],
)
def test_below_three_orders_a_rate_tells_nothing(place: PlaceSuccess, success: float | None) -> None:
    assert place.success == success


async def test_names_of_orders(journal: Journal) -> None:
    await commit(journal, order_of(random.Random(1), 1, 5.0))
    assert await journal.names([1]) == {1: ("Country", None, None)}


def test_what_was_over_before_there_were_figures_is_among_them(tmp_path: Path) -> None:
    """The rows that a journal of before is given are those that it would have by now."""
    rng = random.Random(3)
    records = [order_of(rng, number, float(number)) for number in range(100)]
    with closing(sqlite3.connect(tmp_path / "before", isolation_level=None)) as connection:
        for version, sql in schema_files():
            if version == 7:
                write(connection, records, lambda *_: None)
            connection.executescript(sql)
        given = connection.execute("SELECT * FROM figures ORDER BY made").fetchall()
    with closing(sqlite3.connect(tmp_path / "now", isolation_level=None)) as connection:
        for _, sql in schema_files():
            connection.executescript(sql)
        write(connection, records, counting.keep)
        assert connection.execute("SELECT * FROM figures ORDER BY made").fetchall() == given
    assert len(given) > 30


def write(
    connection: sqlite3.Connection, records: list[Record], keep: Callable[[sqlite3.Connection, str], None]
) -> None:
    for record in records:
        orders.save(connection, record)
        for sms in record.order.sms:
            orders.save_sms(connection, NewSms(record.order.order, sms))
        keep(connection, record.order.order)


@pytest.mark.parametrize("sql", [counting._counted(("country",), one=False), counting._counted((), one=True)])
async def test_no_order_that_is_over_is_read(journal: Journal, sql: str) -> None:
    """Counted are small rows, and those few orders that are open: years of orders cost no more."""
    plan = await journal._database.read(
        lambda c: [
            row[3] for row in c.execute(f"EXPLAIN QUERY PLAN {sql}", {"first": 0, "until": 9, "application": "1"})
        ]
    )
    assert any("figures USING PRIMARY KEY" in step for step in plan), plan
    assert not any(step.startswith("SCAN") and "orders_open" not in step and "(" not in step for step in plan), plan
    assert not any("orders_made" in step for step in plan), plan
