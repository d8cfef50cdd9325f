"""Purchases: how soon they are answered, how often each waits for the disk, what a restarted broker costs."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import load, syncing
from tests.bench.buying import Customer, buy
from tests.bench.houses import NODELAY, Broker, Daemon, Stub
from tests.bench.load import Plan
from tests.bench.syncing import Syncs
from tests.bench.table import Figure, Row, figure, within

if TYPE_CHECKING:
    from tests.bench.load import Result
    from tests.bench.table import Effort

OURS = "shomare"
MANY = 16
ALONE_MOST, MANY_MOST, BACK_MOST = 3.0, 1.5, 1.0
"""Waits for the disk for each purchase, and seconds until a purchase is answered again after the broker is back."""
A_SECOND = 50
_SETTLED = 0.5
"""Seconds after the last answer in which what is still to be written is."""
_SILENCE = 10.0


@dataclass
class Found:
    """What was measured, each round of it. Seconds, and calls for each purchase."""

    alone: list[Result]
    many: list[Result]
    query: list[Result]
    sync: list[float]


@dataclass(frozen=True)
class Restart:
    """What a restarted broker cost: commands without an answer, numbers bought and told to nobody, seconds."""

    lost: int
    untold: int
    back: float


class Shop:
    """A daemon of which nobody bought before. Its broker keeps sessions over a restart, as Debian's package has it."""

    def __init__(self, stack: ExitStack) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        lines = ("persistence true", f"persistence_location {self.folder}/")
        self.broker = stack.enter_context(Broker(self.folder, NODELAY, lines))
        self.stub = stack.enter_context(Stub())
        self.daemon = stack.enter_context(Daemon(self.folder, self.broker, self.stub))
        self._next = 1

    def buy(self, count: int, window: int) -> Result:
        """So many purchases, so many of them at a time."""
        first, self._next = self._next, self._next + count
        return buy(Plan(self.broker.port, OURS, qos=1, window=window, count=count, silence=_SILENCE), first)

    def ask(self, count: int) -> Result:
        return load.run(Plan(self.broker.port, OURS, qos=1, count=count))

    def syncs(self, count: int, window: int) -> float:
        """For each of so many purchases."""
        with Syncs(self.daemon.pid, self.folder) as syncs:
            answers = self.buy(count, window).answers
            time.sleep(_SETTLED)
        return syncs.count / answers


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    with ExitStack() as stack:
        restart = asyncio.run(restarted(Shop(stack), 0.6 if effort.quick else 5.0))
    return [*measured(effort.rounds, 20 if effort.quick else 200), *_restart(restart)]


def measured(rounds: int, count: int) -> list[Row]:
    """All with a broker that does not wait, at QoS 1, an API that answers at once, and no limits.

    Each round has a daemon of its own: the open orders of the one before are asked for all the time.
    """
    found = Found([], [], [], [])
    for _ in range(rounds):
        with ExitStack() as stack:
            shop = Shop(stack)
            shop.buy(10, 1)
            found.query.append(shop.ask(count))
            found.sync.append(syncing.duration(shop.folder))
            found.alone.append(shop.buy(count, 1))
            found.many.append(shop.buy(2 * count, MANY))
    alone = many = None
    if syncing.can_be_counted():
        with ExitStack() as stack:
            shop = Shop(stack)
            shop.buy(10, 1)
            alone, many = figure([shop.syncs(count, 1)]), figure([shop.syncs(4 * count, MANY)])
    return [*speeds(found, alone), *_syncs(alone, many)]


def speeds(found: Found, syncs: Figure | None) -> list[Row]:
    """Rows. `syncs`: waits for the disk for each purchase, where they were counted."""
    alone, many, query = (figure(r.p50 * 1000 for r in each) for each in (found.alone, found.many, found.query))
    commits = syncs.median * Figure(tuple(found.sync)).median * 1000 if syncs else None
    bound = Figure((query.median + commits,)) if query and commits is not None else None
    note = f"{syncs.median:.1f} waits for the disk of {commits / syncs.median:.2f} ms each" if syncs and commits else ""
    refused = sum(r.errors + r.unanswered for r in (*found.alone, *found.many))
    return [
        Row("buy p50, alone", "ms", alone, None, bound, "≤ query + its waits", within(alone, 1, bound), note),
        Row("the query beside it, p50", "ms", query),
        Row(f"buy p50, {MANY} in flight", "ms", many, note=f"{refused} refused or not answered" if refused else ""),
        Row(f"purchases a second, {MANY} in flight", "1/s", figure(r.rate for r in found.many)),
    ]


def _syncs(alone: Figure | None, many: Figure | None) -> list[Row]:
    note = "" if alone else "there is no strace here to count with"
    return [
        Row("fdatasync and fsync for one buy, alone", "", alone, target=f"≤ {ALONE_MOST:g}",
            met=alone.median <= ALONE_MOST if alone else None, note=note),
        Row(f"fdatasync and fsync for one buy, {MANY} in flight", "", many, target=f"≤ {MANY_MOST:g}",
            met=many.median <= MANY_MOST if many else None),
    ]  # fmt: skip


async def restarted(shop: Shop, seconds: float) -> Restart:
    """The broker ends after so many seconds and comes back, while fifty are bought each second for twice as long."""
    before = shop.stub.counts().get("buy", 0)
    customer = Customer(shop.broker.port, OURS)
    buying = asyncio.create_task(customer.buy(int(2 * seconds * A_SECOND), 1 / A_SECOND, _SILENCE))
    await asyncio.sleep(seconds)
    await asyncio.to_thread(shop.broker.stop)
    await asyncio.to_thread(shop.broker.start)
    back = time.perf_counter()
    await buying
    bought = (await asyncio.to_thread(shop.stub.counts))["buy"] - before
    lost = len(customer.sent) - len(customer.answers)
    again = min((at for at in customer.answers.values() if at >= back), default=float("inf"))
    return Restart(lost, max(bought - len(customer.answers), 0), again - back)


def _restart(found: Restart) -> list[Row]:
    name = f"broker restarted under {A_SECOND} buys/s"
    return [
        Row(f"{name}: lost", "", Figure((found.lost,)), target="0", met=not found.lost),
        Row(f"{name}: bought and never told", "", Figure((found.untold,)), target="0", met=not found.untold),
        Row(f"{name}: back after", "s", Figure((found.back,)), target=f"≤ {BACK_MOST:g}", met=found.back <= BACK_MOST),
    ]
