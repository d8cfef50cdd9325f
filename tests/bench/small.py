"""The daemon on a small machine: a tenth of one processor and 128 MB, which the kernel sees to where it lets us.

With control groups that this user may make, both bounds are the kernel's. Else the daemon is stopped for nine tenths of
the time by signals, and its memory is only looked at.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.bench import load
from tests.bench.buying import buy
from tests.bench.houses import NODELAY, PATIENCE, Broker, Daemon, Stub
from tests.bench.load import Plan
from tests.bench.starting import first_answer
from tests.bench.table import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.load import Result
    from tests.bench.table import Effort

SHARE = 0.1
"""Of one processor."""
MEMORY = 128 * 1024 * 1024
_PERIOD = 0.1
"""Seconds in which the daemon may run for its share; the kernel's own, unless set."""
_CGROUPS = Path("/sys/fs/cgroup")
OURS = "shomare"
SELDOM = 0.3
"""Seconds between two questions of a house where little happens; no multiple of the period."""


class Bounds(Protocol):
    """Holds processes down. `words` says how."""

    words: str

    def hold(self, pid: int) -> None:
        """Hold this process and what it starts from now on."""
        ...

    def close(self) -> None:
        """Let go of what has ended by then."""
        ...


class Version1:
    """Control groups of version 1: a hierarchy for each resource."""

    words = "held by control groups (version 1)"

    def __init__(self) -> None:
        name = f"shomare-bench-{os.getpid()}"
        self._cpu, self._memory = _CGROUPS / "cpu" / name, _CGROUPS / "memory" / name
        try:
            self._make()
        except OSError:
            self.close()
            raise

    def _make(self) -> None:
        for folder in (self._cpu, self._memory):
            folder.mkdir()
        period = round(_PERIOD * 1e6)
        (self._cpu / "cpu.cfs_period_us").write_text(str(period))
        (self._cpu / "cpu.cfs_quota_us").write_text(str(round(period * SHARE)))
        (self._memory / "memory.limit_in_bytes").write_text(str(MEMORY))

    def hold(self, pid: int) -> None:
        for folder in (self._cpu, self._memory):
            (folder / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        for folder in (self._cpu, self._memory):
            with suppress(OSError):
                folder.rmdir()


class Version2:
    """One control group of version 2, below the one that this process is in."""

    words = "held by a control group (version 2)"

    def __init__(self) -> None:
        own = Path("/proc/self/cgroup").read_text().strip().rpartition("::")[2]
        self._group = _CGROUPS / own.lstrip("/") / f"shomare-bench-{os.getpid()}"
        self._group.mkdir()
        try:
            period = round(_PERIOD * 1e6)
            (self._group / "cpu.max").write_text(f"{round(period * SHARE)} {period}")
            (self._group / "memory.max").write_text(str(MEMORY))
        except OSError:
            self.close()
            raise

    def hold(self, pid: int) -> None:
        (self._group / "cgroup.procs").write_text(str(pid))

    def close(self) -> None:
        with suppress(OSError):
            self._group.rmdir()


class Signals:
    """SIGSTOP and SIGCONT, in turn; the memory is not bounded."""

    words = "stopped and continued by signals, its memory not bounded: no control group may be made here"

    def __init__(self) -> None:
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []

    def hold(self, pid: int) -> None:
        thread = threading.Thread(target=self._hold, args=(pid,), daemon=True)
        self._threads.append(thread)
        thread.start()

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _hold(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            while not self._over.is_set():
                os.kill(pid, signal.SIGCONT)
                time.sleep(_PERIOD * SHARE)
                os.kill(pid, signal.SIGSTOP)
                self._over.wait(_PERIOD * (1 - SHARE))
            os.kill(pid, signal.SIGCONT)


WAYS: tuple[Callable[[], Bounds], ...] = (Version1, Version2, Signals)


def best_bounds() -> Bounds:
    """The first that works here."""
    for way in WAYS[:-1]:
        with suppress(OSError):
            return way()
    return Signals()


class Held(Daemon):
    """A daemon that is held down from its first moment on, once it has `bounds`."""

    bounds: Bounds | None = None

    def spawn(self) -> None:
        super().spawn()
        if self.bounds is not None:
            self.bounds.hold(self.pid)


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return measured(best_bounds(), 10 if effort.quick else 60)


def measured(bounds: Bounds, count: int) -> list[Row]:
    """So many questions, ten times as many at once and half as many purchases.

    The daemon alone is held down; broker, API and load are not.
    """
    with ExitStack() as stack:
        stack.callback(bounds.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker, stub = stack.enter_context(Broker(folder, NODELAY)), stack.enter_context(Stub())
        daemon = stack.enter_context(Held(folder, broker, stub))
        daemon.stop()
        daemon.bounds = bounds
        start = first_answer(daemon, broker.port, OURS)
        plan = Plan(broker.port, OURS, qos=1, silence=PATIENCE)
        seldom = load.run(replace(plan, every=SELDOM, count=count))
        busy = load.run(replace(plan, window=16, count=10 * count))
        bought = buy(replace(plan, count=count // 2), 1)
        return _rows(bounds.words, start.seconds, [seldom, busy, bought], daemon.costs().rss)


def _rows(how: str, start: float, results: list[Result], memory: int) -> list[Row]:
    seldom, busy, bought = results
    failed = sum(each.errors + each.unanswered for each in results)
    name = "a tenth of a core"
    return [
        Row(f"{name}: first answer after the start", "s", Figure((start,)), note=how),
        Row(f"{name}: query p50, one each {SELDOM} s", "ms", Figure((seldom.p50 * 1000,))),
        Row(f"{name}: query p99, one each {SELDOM} s", "ms", Figure((seldom.p99 * 1000,))),
        Row(f"{name}: answers/s, window 16", "1/s", Figure((busy.rate,))),
        Row(f"{name}: buy p50", "ms", Figure((bought.p50 * 1000,))),
        Row(f"{name}: not answered, or refused", "", Figure((failed,)), target="0", met=not failed),
        Row(f"{name}: memory", "MB", Figure((memory / 2**20,)), target=f"≤ {MEMORY >> 20}", met=memory <= MEMORY),
    ]
