"""What many open orders and years of closed ones cost: each journal against an empty one, started in turn."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.bench.filling import fill
from tests.bench.houses import PATIENCE, Broker, Daemon, Stub
from tests.bench.starting import Start, best, first_answer
from tests.bench.table import Figure, Row
from tests.bench.wire import Listener

if TYPE_CHECKING:
    from tests.bench.table import Effort

MEGABYTE = 1024 * 1024
OPEN_MEMORY = 30.0
"""MB that 10,000 open orders may take."""
SECONDS_MORE, MEMORY_MORE = 0.2, 1.0
"""Seconds and MB that closed orders may cost; the latter are what two starts of the same daemon differ by."""
SUM_MOST = 1.0
_CALM = 0.1
"""Share of a processor below which a daemon is done with its start."""
_LOOK = 0.5
_STATISTICS = (
    "SELECT application, count(*), sum(CAST(price AS REAL)), sum(state = 'finished') FROM orders GROUP BY application"
)
_DEFAULT_LIMIT = {"provider": {"requests_per_minute": 60}}
"""Of requests, as a daemon has it that nobody told otherwise: open orders wait for their turn to be asked after."""


@dataclass(frozen=True)
class Sizes:
    open: int
    closed: int
    starts: int


class Life:
    """A daemon that knows the lists from an earlier life, with a journal that was filled since."""

    def __init__(self, *, open_orders: int = 0, closed_orders: int = 0) -> None:
        self._orders = {"open_orders": open_orders, "closed_orders": closed_orders}
        self.starts: list[Start] = []
        self.memory: list[int] = []
        self.calm_after = 0.0

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.broker, stub = stack.enter_context(Broker(self.folder)), stack.enter_context(Stub())
            self.daemon = stack.enter_context(Daemon(self.folder, self.broker, stub, settings=_DEFAULT_LIMIT))
            self.daemon.stop()
            asyncio.run(fill(self.daemon.state, **self._orders))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def start(self) -> None:
        """Until its first answer, then until it is calm; it goes on running."""
        self.daemon.stop()
        began = time.perf_counter()
        self.starts.append(first_answer(self.daemon, self.broker.port, self.daemon.base))
        self._until_calm()
        self.calm_after = time.perf_counter() - began
        self.memory.append(self.daemon.costs().rss)

    def _until_calm(self) -> None:
        deadline, before = time.perf_counter() + PATIENCE, self.daemon.costs().cpu
        while time.perf_counter() < deadline:
            time.sleep(_LOOK)
            now = self.daemon.costs().cpu
            if now - before < _CALM * _LOOK:
                return
            before = now

    def seconds(self) -> float:
        """Until the first answer, at best."""
        found = best(self.starts)
        assert found is not None
        return found.seconds

    def query(self, topic: str) -> float:
        """Seconds until a query is answered."""
        with Listener(self.broker.port, f"{self.daemon.base}/response/{topic}", patience=PATIENCE) as listener:
            began = time.perf_counter()
            listener.send(f"{self.daemon.base}/{topic}", b"{}")
            next(listener.messages())
            return time.perf_counter() - began

    def statistics(self) -> float:
        """Seconds that a sum over all orders takes, by SQL, of a journal that nobody has open."""
        self.daemon.stop()
        with closing(sqlite3.connect(self.daemon.state / "journal.sqlite3")) as connection:
            began = time.perf_counter()
            connection.execute(_STATISTICS).fetchall()
            return time.perf_counter() - began


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return measured(Sizes(1_000, 100_000, 2) if effort.quick else Sizes(10_000, 1_000_000, 3))


def measured(size: Sizes) -> list[Row]:
    """Seconds and MB that a journal costs more than an empty one."""
    with ExitStack() as stack:
        empty = stack.enter_context(Life())
        closed = stack.enter_context(Life(closed_orders=size.closed))
        for _ in range(size.starts):
            for each in (empty, closed):
                each.start()
        query = closed.query("query/orders")
        result = _closed(empty, closed, size, query, closed.statistics())
        opened = stack.enter_context(Life(open_orders=size.open))
        opened.start()
        return [*_open(empty, opened, size), *result]


def _more(life: Life, than: Life) -> float:
    """MB."""
    return (min(life.memory) - min(than.memory)) / MEGABYTE


def _open(empty: Life, life: Life, size: Sizes) -> list[Row]:
    name, most = f"{size.open:,} open orders", OPEN_MEMORY * size.open / 10_000
    memory, seconds = _more(life, empty), life.seconds() - empty.seconds()
    return [
        Row(f"{name}: memory more", "MB", Figure((memory,)), target=f"≤ {most:g}", met=memory <= most),
        Row(f"{name}: first answer later by", "s", Figure((seconds,))),
        Row(f"{name}: calm after", "s", Figure((life.calm_after,))),
    ]


def _closed(empty: Life, life: Life, size: Sizes, query: float, statistics: float) -> list[Row]:
    name = f"{size.closed:,} closed orders"
    memory, seconds = _more(life, empty), life.seconds() - empty.seconds()
    by_sql = "a sum by SQL over the table of orders: no command asks for statistics yet"
    return [
        Row(f"{name}: first answer later by", "s", Figure((seconds,)), target=f"≤ {SECONDS_MORE:g}",
            met=seconds <= SECONDS_MORE),
        Row(f"{name}: memory more", "MB", Figure((memory,)), target="0", met=memory <= MEMORY_MORE),
        Row(f"{name}: query/orders", "s", Figure((query,))),
        Row(f"{name}: statistics", "s", Figure((statistics,)), target=f"≤ {SUM_MOST:g}", met=statistics <= SUM_MOST,
            note=by_sql),
    ]  # fmt: skip
