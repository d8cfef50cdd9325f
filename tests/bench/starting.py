"""From the start to the first answer, against a process that only imports what cannot be done without.

Each figure is the best of several processes, which take turns: the machine's other work only ever adds.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import reference
from tests.bench.costs import cpu, cpu_of_children
from tests.bench.houses import PATIENCE, Broker, Daemon, Process, Script, Stub
from tests.bench.table import Figure, Row, within
from tests.bench.wire import Listener

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.bench.table import Effort

BARE = "import asyncio, sqlite3, aiohttp, paho.mqtt.client, pydantic"
"""The libraries that the daemon cannot do without."""
FACTOR = 1.4
_APART = 0.005
"""Seconds between two questions; so exact is what is measured."""
_QUESTION = "query/profile"


@dataclass(frozen=True)
class Start:
    """Seconds from the start of a process until it did what was asked, and processor time in them, of children too."""

    seconds: float
    cpu: float


def first_answer(process: Process, port: int, base: str) -> Start:
    """Start a process that nothing waits for, and ask until it answers. Raises RuntimeError where it never does."""
    answers = f"{base}/response/{_QUESTION}"
    with Listener(port, answers, patience=PATIENCE) as listener:
        listener.patience(_APART)
        began = time.perf_counter()
        process.spawn()
        while time.perf_counter() < began + PATIENCE and not process.has_ended():
            listener.send(f"{base}/{_QUESTION}", b'{"transaction":"1"}')
            try:
                next(listener.messages())
            except TimeoutError:
                continue
            return Start(time.perf_counter() - began, cpu(process.pid) + cpu_of_children(process.pid))
    process.stop()
    raise RuntimeError(f"nothing was answered on {answers}")


def life(script: str) -> tuple[Start, float]:
    """A process that runs a script and ends: what it took, and the most memory that it held, in MB."""
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", script], os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"this fails: {script}")
    return Start(time.perf_counter() - began, usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024


def best(starts: Iterable[Start]) -> Start | None:
    """The least of each; None of none."""
    every = list(starts)
    return Start(min(s.seconds for s in every), min(s.cpu for s in every)) if every else None


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return measured(2 if effort.quick else 7)


def measured(rounds: int) -> list[Row]:
    """Of a daemon that knows the lists from an earlier life, as in daily use."""
    ours, script, bare = [], [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker, stub = stack.enter_context(Broker(folder)), stack.enter_context(Stub())
        daemon = stack.enter_context(Daemon(folder, broker, stub))
        daemon.stop()
        for _ in range(rounds):
            bare.append(life(BARE)[0])
            ours.append(first_answer(daemon, broker.port, daemon.base))
            daemon.stop()
            if reference.is_there():
                other = Script("reference", broker.port, "script", stub.url, log=folder / "script.log")
                script.append(first_answer(other, broker.port, "script"))
                other.stop()
    return _rows(best(ours), best(script), best(bare))


def _rows(ours: Start | None, script: Start | None, bare: Start | None) -> list[Row]:
    return [
        _row("first answer after the start", [each.seconds if each else None for each in (ours, script, bare)]),
        _row("CPU until the first answer", [each.cpu if each else None for each in (ours, script, bare)]),
    ]


def _row(name: str, values: list[float | None]) -> Row:
    ours, script, bare = (None if value is None else Figure((value,)) for value in values)
    return Row(name, "s", ours, script, bare, f"≤ {FACTOR} × limit", within(ours, FACTOR, bare))
