"""That the other parts of `make bench` can measure: each is carried out once, with as little as will do."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.bench import crowd, journals, purchases, resting, small, starting, syncing
from tests.bench.crowd import Size
from tests.bench.journals import Sizes
from tests.bench.load import Result
from tests.bench.purchases import Found, Shop
from tests.bench.resting import Length
from tests.bench.small import Signals
from tests.bench.table import Figure, Row
from tests.patience import PATIENCE
from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import Iterator

FEW = 4


@pytest.fixture(scope="module")
def shop() -> Iterator[Shop]:
    program("mosquitto")
    with ExitStack() as stack:
        yield Shop(stack)


def told(rows: list[Row]) -> dict[str, float]:
    """The figures of ours; each row has one."""
    return {row.name: row.ours.median for row in rows if row.ours}


@pytest.mark.mosquitto
def test_purchases_are_counted(shop: Shop) -> None:
    before = shop.stub.counts().get("buy", 0)

    one, many = shop.buy(FEW, 1), shop.buy(FEW, FEW)

    assert [(r.answers, r.errors, r.unanswered) for r in (one, many)] == [(FEW, 0, 0)] * 2
    assert shop.stub.counts()["buy"] == before + 2 * FEW


@pytest.mark.mosquitto
def test_waits_for_the_disk_are_counted(shop: Shop) -> None:
    program("strace")
    assert shop.syncs(FEW, 1) >= 1


@pytest.mark.mosquitto
def test_a_restarted_broker_loses_nothing() -> None:
    with ExitStack() as stack:
        found = asyncio.run(purchases.restarted(Shop(stack), 0.2))
    assert (found.lost, found.untold) == (0, 0)
    assert found.back > 0


def test_a_wait_for_the_disk_takes_some_time(tmp_path: Path) -> None:
    assert syncing.duration(tmp_path, times=3) > 0
    assert list(tmp_path.iterdir()) == []


def test_a_purchase_may_take_as_long_as_a_query_and_its_waits() -> None:
    def bound(p50: float) -> Row:
        bought, asked = (Result(1, 0, 0, seconds, seconds, 1 / seconds, 0.001, 0.1) for seconds in (p50, 0.001))
        found = Found([bought], [bought], [asked], [0.0005])
        return purchases.speeds(found, Figure((3.0,)))[0]

    assert (bound(0.0024).met, bound(0.0026).met) == (True, False)


@pytest.mark.mosquitto
@pytest.mark.slow
def test_starts() -> None:
    seconds, cpu = starting.measured(1)
    assert all(figure and figure.median > 0 for row in (seconds, cpu) for figure in (row.ours, row.limit))


@pytest.mark.mosquitto
@pytest.mark.slow
def test_rest() -> None:
    found = told(resting.measured(Length(0.1, 0.2, 10)))
    assert found["memory at rest"] > 10
    assert found["memory after 10 requests"] >= found["memory at rest"] * 0.9


@pytest.mark.mosquitto
@pytest.mark.slow
def test_journals() -> None:
    found = told(journals.measured(Sizes(20, 30, 1)))
    assert {"20 open orders: memory more", "30 closed orders: first answer later by"} <= set(found)
    assert found["30 closed orders: statistics"] > 0


@pytest.mark.mosquitto
@pytest.mark.slow
def test_pages_that_look_on() -> None:
    found = told(crowd.measured(1, Size(orders=FEW, reading=2, deaf=1)))
    name = f"{FEW} orders under 3 pages"
    assert found[f"{name}: refused or not answered"] == 0
    assert found[f"{name}: and to the pages later by"] >= 0
    assert found[f"{name}: memory once they are gone"] > 10


@pytest.mark.mosquitto
@pytest.mark.slow
def test_a_small_machine() -> None:
    found = told(small.measured(small.best_bounds(), 4))
    assert found["a tenth of a core: not answered, or refused"] == 0


def test_a_process_that_is_held_by_signals_gets_its_share_alone() -> None:
    busy = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    bounds = Signals()
    try:
        bounds.hold(busy.pid)
        until_stopped(busy.pid)
    finally:
        bounds.close()
        assert "T" not in state(busy.pid)
        busy.kill()
        busy.wait()


def until_stopped(pid: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while "T" not in state(pid):
        assert time.monotonic() < deadline
        time.sleep(0.001)


def state(pid: int) -> str:
    """One letter: `T` for a process that is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
