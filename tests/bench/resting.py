"""What the daemon costs while nobody asks for anything: memory, processor time, wake-ups, bytes to disk."""

from __future__ import annotations

import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from tests.bench import load, reference
from tests.bench.houses import PATIENCE, Broker, Daemon, Process, Script, Stub
from tests.bench.load import Plan
from tests.bench.starting import BARE, first_answer
from tests.bench.table import Figure, Row
from tests.bench.wire import Listener

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.bench.costs import Costs
    from tests.bench.table import Effort

T = TypeVar("T")

MEGABYTE = 1024 * 1024
MORE = 5.0
"""MB that the daemon may hold beyond the imports alone."""
MINUTE = 60.0
IDLE_CPU, IDLE_WAKES, WATCH_WRITTEN = 0.01, 0.5, 2048
"""What an idle minute may cost at most, somewhat more than it did; and bytes in one with an open order."""
OURS, SCRIPT = "shomare", "script"
"""Base topics."""
PRODUCT = b'{"country":"7","operator":"1","application":"3","transaction":"resting"}'


@dataclass(frozen=True)
class Length:
    """How long things take here: seconds to settle and to be watched while idle, requests before memory is read."""

    settle: float
    idle: float
    requests: int


@dataclass(frozen=True)
class Seen:
    """What one process had used up: at rest, after some idling, after its requests and another rest."""

    rest: Costs
    idle: Costs
    busy: Costs


@dataclass(frozen=True)
class Minute:
    """What a minute cost: seconds of processor time, wake-ups a second, bytes to disk."""

    cpu: float
    wakes: float
    written: float


def minute(before: Costs, after: Costs, seconds: float) -> Minute:
    """What lies between two moments, made a minute of."""
    share = MINUTE / seconds
    wakes = (after.switches - before.switches) / seconds
    return Minute((after.cpu - before.cpu) * share, wakes, (after.written - before.written) * share)


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return measured(Length(1, 4, 1000) if effort.quick else Length(10, MINUTE, 10_000))


def measured(lasts: Length) -> list[Row]:
    """Of a daemon that was started a second time, and of the script and the imports alone beside it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker, stub = stack.enter_context(Broker(folder)), stack.enter_context(Stub())
        daemon = stack.enter_context(Daemon(folder, broker, stub))
        daemon.stop()
        first_answer(daemon, broker.port, daemon.base)
        everybody: list[Process] = [daemon, stack.enter_context(_imports_alone())]
        if reference.is_there():
            script = Script("reference", broker.port, SCRIPT, stub.url, log=folder / "script.log")
            everybody.append(stack.enter_context(script))
        ours, bare, *others = _seen(everybody, broker.port, lasts)
        watch = _watch(daemon, broker.port, lasts)
    script_seen = others[0] if others else None
    return [*_memory(ours, script_seen, bare, lasts), *_idleness(ours, script_seen, lasts), *_watching(watch)]


def _imports_alone() -> Process:
    return Process([sys.executable, "-c", f"{BARE}; print(1, flush=True); import time; time.sleep(1e6)"])


def _seen(everybody: list[Process], port: int, lasts: Length) -> list[Seen]:
    """Of each; all are idle at the same time."""
    time.sleep(lasts.settle)
    rest = [each.costs() for each in everybody]
    time.sleep(lasts.idle)
    idle = [each.costs() for each in everybody]
    for base in (OURS, SCRIPT) if len(everybody) > 2 else (OURS,):
        load.run(Plan(port, base, qos=1, window=16, count=lasts.requests, seconds=1e6))
    time.sleep(lasts.settle)
    busy = [each.costs() for each in everybody]
    return [Seen(*each) for each in zip(rest, idle, busy, strict=True)]


def _watch(daemon: Daemon, port: int, lasts: Length) -> Minute:
    """One open order, asked after as often as the settings have it unless they are set."""
    with Listener(port, f"{OURS}/response/buy", patience=PATIENCE) as listener:
        listener.send(f"{OURS}/buy", PRODUCT)
        answer = next(listener.messages())
    if b'"waiting"' not in answer.payload:
        raise RuntimeError(f"nothing was bought: {answer.payload.decode()}")
    time.sleep(lasts.settle)
    before = daemon.costs()
    time.sleep(lasts.idle)
    return minute(before, daemon.costs(), lasts.idle)


def _memory(ours: Seen, script: Seen | None, bare: Seen, lasts: Length) -> list[Row]:
    def row(name: str, of: Callable[[Seen], int]) -> Row:
        mine, its, least = (_figure(each, lambda seen: of(seen) / MEGABYTE) for each in (ours, script, bare))
        met = mine.median <= least.median + MORE if mine and least else None
        return Row(name, "MB", mine, its, least, f"≤ limit + {MORE:g}", met)

    shared = row("memory at rest, what is shared counted in parts (PSS)", lambda seen: seen.rest.pss)
    return [
        row("memory at rest", lambda seen: seen.rest.rss),
        row(f"memory after {lasts.requests:,} requests", lambda seen: seen.busy.rss),
        replace(shared, target="", met=None),
    ]


def _idleness(ours: Seen, script: Seen | None, lasts: Length) -> list[Row]:
    minutes = [minute(each.rest, each.idle, lasts.idle) if each else None for each in (ours, script)]

    def row(name: str, unit: str, of: Callable[[Minute], float], most: float) -> Row:
        mine, its = (_figure(each, of) for each in minutes)
        return Row(name, unit, mine, its, None, f"≤ {most:g}", mine.median <= most if mine else None)

    return [
        row("CPU in an idle minute", "s", lambda m: m.cpu, IDLE_CPU),
        row("wake-ups a second while idle", "1/s", lambda m: m.wakes, IDLE_WAKES),
        row("written to disk in an idle minute", "bytes", lambda m: m.written, 0),
    ]


def _watching(watch: Minute) -> list[Row]:
    met = watch.written <= WATCH_WRITTEN
    return [
        Row(
            "one open order: written to disk in a minute", "bytes", Figure((watch.written,)), None, None, "≤ 2,048", met
        ),
        Row("one open order: CPU in a minute", "s", Figure((watch.cpu,))),
    ]


def _figure(seen: T | None, of: Callable[[T], float]) -> Figure | None:
    return None if seen is None else Figure((of(seen),))
