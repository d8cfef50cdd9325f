"""A start costs no more after years than after a day: what is read then is found by an index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.journal import orders
from shomare_mqtt.journal.store import Journal
from tests.bench.filling import fill

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

CLOSED, OPEN = 3000, 3
FEW = 2000
"""Of SQLite's steps, several of which it takes for each order that it looks at."""

READ: dict[str, Callable[[sqlite3.Connection, float], object]] = {
    "open and closed lately": lambda c, now: [r.order.order for r in orders.open_and_late(c, now - 3600)],
    "with a code": lambda c, now: orders.coded(c, now - 3600),
    "open": lambda c, now: [r.order.order for r in orders.newest_first(c, "open", 50)],
    "newest": lambda c, now: len(orders.newest_first(c, "all", 10)),
    "what the limits count": lambda c, now: orders.facts(c, now - 3600, now, 1200).open_orders,
}
FOUND = {"open and closed lately": OPEN, "with a code": 0, "open": OPEN}


@pytest.mark.parametrize("what", READ)
async def test_what_is_read_goes_not_through_all_that_there_was(tmp_path: Path, what: str) -> None:
    await fill(tmp_path, open_orders=OPEN, closed_orders=CLOSED)
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    def read(connection: sqlite3.Connection) -> object:
        connection.set_progress_handler(count, 10)
        try:
            return READ[what](connection, now)
        finally:
            connection.set_progress_handler(None, 0)

    now = journal.time.now()
    found = await journal._database.run(read)
    await journal.close()

    if isinstance(found, list):
        assert len(found) == FOUND[what]
    assert 0 < steps < FEW


async def test_codes_are_told_of_the_orders_that_are_shown_alone(tmp_path: Path) -> None:
    await fill(tmp_path, open_orders=0, closed_orders=10)
    journal = Journal(tmp_path, SystemClock())
    await journal.open()
    try:
        assert await journal.coded(3600) == []
        assert len(await journal.coded(10 * 365 * 86400)) == 10
        # The one that got the newest code comes last.
        assert await journal.coded(10 * 365 * 86400) == sorted(await journal.coded(10 * 365 * 86400))
    finally:
        await journal.close()
