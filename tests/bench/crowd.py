"""Fifty open pages, twenty of which read nothing, during storms of orders: whether one comes later, and what stays."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.buying import buy, cancel
from tests.bench.houses import NODELAY, PATIENCE, Broker, Daemon, Script, Stub, free_port
from tests.bench.load import Plan
from tests.bench.starting import first_answer
from tests.bench.stub import FIRST_PURCHASE
from tests.bench.table import Figure, Row, figure, within
from tests.bench.wire import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.load import Result
    from tests.bench.table import Effort

OURS = "shomare"
MANY = 16
MEGABYTE = 1024 * 1024
LATER, LATEST = 1.25, 1.5
"""How many times as long an order may take with the pages as without: half of them, and the last of a hundred."""
MORE = 2.0
"""MB that may stay when the pages are gone."""
LISTENING = 6.0
"""MB for which there is a page that nobody looks at."""
BACK_AT_REST = 4.0
"""Seconds after which nothing of closed orders is shown any more, nor kept for pages."""
_SETTINGS = {"orders": {"keep_closed": 1, "poll_interval": 1}}


@dataclass(frozen=True)
class Size:
    """Orders of a storm, and pages that read and that do not."""

    orders: int = 200
    reading: int = 30
    deaf: int = 20


@dataclass(frozen=True)
class Storm:
    """What one was like, in seconds.

    `cpu`: of the daemon's processor time, for each order bought. `sms`: from when the provider shows an SMS of each
    order until all are told over MQTT; `pages`: after that, until all pages that read are told as well. `memory`: MB
    that the daemon holds once all is over and the pages are gone.
    """

    bought: Result
    cancelled: Result
    sms: float
    pages: float
    cpu: float
    memory: float


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return [*measured(effort.rounds, Size(orders=50) if effort.quick else Size()), *_listening(effort)]


def measured(rounds: int, size: Size) -> list[Row]:
    """Storms by turns without pages and with them, after one that counts nowhere: the first of all needs memory."""
    with ExitStack() as stack:
        shop = Shop(stack, size)
        shop.storm()
        storms = [(shop.storm(), shop.looked_on()) for _ in range(rounds)]
    without, looked_on = ([both[which] for both in storms] for which in (0, 1))
    return _rows(without, looked_on, f"{size.orders} orders under {size.reading + size.deaf} pages")


def _rows(without: list[Storm], looked_on: list[Storm], name: str) -> list[Row]:
    def row(what: str, unit: str, of: Callable[[Storm], float], most: float | None = None) -> Row:
        ours, alone = figure(map(of, looked_on)), figure(map(of, without))
        target = f"≤ {most:g} × limit" if most else ""
        return Row(f"{name}: {what}", unit, ours, None, alone, target, within(ours, most, alone) if most else None)

    every = [result for storm in (*without, *looked_on) for result in (storm.bought, storm.cancelled)]
    lost = Figure((sum(result.errors + result.unanswered for result in every),))
    kept = row("memory once they are gone", "MB", lambda storm: storm.memory)
    return [
        row(f"buy p50, {MANY} in flight", "ms", lambda storm: storm.bought.p50 * 1000, LATER),
        row(f"buy p99, {MANY} in flight", "ms", lambda storm: storm.bought.p99 * 1000, LATEST),
        row(f"cancel p50, {MANY} in flight", "ms", lambda storm: storm.cancelled.p50 * 1000, LATER),
        row("CPU an order", "ms", lambda storm: storm.cpu * 1000, LATER),
        row("an SMS for each told after", "s", lambda storm: storm.sms),
        Row(f"{name}: and to the pages later by", "s", figure(storm.pages for storm in looked_on)),
        Row(f"{name}: refused or not answered", "", lost, target="0", met=not lost.median),
        _no_more(kept, MORE),
    ]


def _no_more(row: Row, most: float) -> Row:
    """Its target is so many MB more than the limit."""
    assert row.ours is not None
    assert row.limit is not None
    return replace(row, target=f"≤ limit + {most:g}", met=row.ours.median <= row.limit.median + most)


def _listening(effort: Effort) -> list[Row]:
    """Of two daemons that run side by side for the second time, one of which has a page."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker, stub = stack.enter_context(Broker(folder, NODELAY)), stack.enter_context(Stub())
        settings = {"web": {"enabled": True, "port": free_port()}}
        both = [
            stack.enter_context(Daemon(folder, broker, stub, base=base, settings=each))
            for base, each in (("page", settings), ("none", {}))
        ]
        for daemon in both:
            daemon.stop()
            first_answer(daemon, broker.port, daemon.base)
        time.sleep(1 if effort.quick else 10)
        ours, without = (Figure((daemon.costs().rss / MEGABYTE,)) for daemon in both)
    return [_no_more(Row("memory at rest, with a page", "MB", ours, None, without), LISTENING)]


class Shop:
    """A daemon that has a page and nothing else to do."""

    def __init__(self, stack: ExitStack, size: Size) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self._size = size
        self._web = free_port()
        self._broker = stack.enter_context(Broker(folder, NODELAY))
        self._stub = stack.enter_context(Stub())
        settings = {**_SETTINGS, "web": {"enabled": True, "port": self._web}}
        self._daemon = stack.enter_context(Daemon(folder, self._broker, self._stub, settings=settings))
        self._next = 1

    def storm(self) -> Storm:
        """While nobody looks on."""
        return self._storm(lambda: None)

    def looked_on(self) -> Storm:
        """While pages are open; they go before memory is read."""
        with Script("onlookers", self._web, self._size.reading, self._size.deaf, "--each", self._size.orders) as pages:
            return self._storm(pages.first_line, pages.stop)

    def _storm(self, all_know: Callable[[], object], end: Callable[[], object] = lambda: None) -> Storm:
        count, first = self._size.orders, self._next
        self._next += count
        plan = Plan(self._broker.port, OURS, qos=1, window=MANY, count=count)
        before = self._daemon.costs().cpu
        bought = buy(plan, first)
        cpu = (self._daemon.costs().cpu - before) / count
        sms, told = self._until_all_have_an_sms(all_know)
        cancelled = cancel(plan, FIRST_PURCHASE + first - 1)
        end()
        self._stub.show_sms(shown=False)
        time.sleep(BACK_AT_REST)
        memory = self._daemon.costs().rss / MEGABYTE
        return Storm(bought, cancelled, sms, told - sms, cpu, memory)

    def _until_all_have_an_sms(self, all_know: Callable[[], object]) -> tuple[float, float]:
        """Seconds until that is told over MQTT, and until all pages know as well."""
        with Listener(self._broker.port, f"{OURS}/event/sms", patience=PATIENCE) as listener:
            began = time.perf_counter()
            self._stub.show_sms(shown=True)
            for count, _ in enumerate(listener.messages(), 1):
                if count == self._size.orders:
                    break
            told = time.perf_counter() - began
        all_know()
        return told, time.perf_counter() - began
