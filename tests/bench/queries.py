"""Queries: how soon they are answered, how many a second, what they cost, and what becomes of too many.

The daemon, the script and the bare echo are asked in turn at the same broker and the same stub, so that whatever else
the machine does hits all three.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import load, reference
from tests.bench.houses import NODELAY, PATIENCE, STOCK, Broker, Daemon, Script, Stub
from tests.bench.limit import http_calls
from tests.bench.load import Plan, Result
from tests.bench.table import Figure, Row, at_least, at_most, figure, reaches, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.bench.table import Effort

OURS, SCRIPT, LIMIT = "shomare", "script", "echo"
"""Who is asked; also the base topic of each."""
BURST = 5000
HANGS = 5.0
"""Seconds that one call of the profile takes while others are asked for."""
OTHERS, APART = 20, 0.1
DRAINED = 5.0
"""Seconds without an answer after which none will come."""


@dataclass(frozen=True)
class Case:
    """One way of asking. `delay`: milliseconds that the API takes."""

    name: str
    broker: str
    qos: int
    window: int = 1
    delay: int = 0


CASES = (
    Case("nodelay 0", NODELAY, 0),
    Case("nodelay 1", NODELAY, 1),
    Case("window 16", NODELAY, 1, 16),
    Case("window 128", NODELAY, 1, 128),
    Case("window 16, 20 ms", NODELAY, 0, 16, 20),
    Case("stock 0", STOCK, 0),
    Case("stock 0, 20 ms", STOCK, 0, 1, 20),
)


@dataclass
class Found:
    """Every result: by case and who was asked, one for each round."""

    results: dict[tuple[str, str], list[Result]] = field(default_factory=dict)

    def add(self, case: str, who: str, result: Result) -> None:
        self.results.setdefault((case, who), []).append(result)

    def figure(self, case: str, who: str, of: Callable[[Result], float]) -> Figure | None:
        return figure(of(result) for result in self.results.get((case, who), ()))

    def row(self, case: str, name: str, unit: str, of: Callable[[Result], float]) -> Row:
        """Without a target; what went wrong stands in its note."""
        ours, script, limit = (self.figure(case, who, of) for who in (OURS, SCRIPT, LIMIT))
        return Row(name, unit, ours, script, limit, note=self._note(case))

    def _note(self, case: str) -> str:
        said = []
        for who in (OURS, SCRIPT):
            results = self.results.get((case, who), [])
            refused = sum(result.errors for result in results)
            if refused:
                said.append(f"{refused} of {sum(r.answers for r in results)} answers of {who} were refusals")
        return "; ".join(said)


class Street:
    """A broker of one kind with everybody at it who can be asked, and the stub that they ask in turn."""

    def __init__(self, stack: ExitStack, kind: str) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        self.broker = stack.enter_context(Broker(self.folder, kind))
        self.stub = stack.enter_context(Stub())
        self.pids = {OURS: stack.enter_context(Daemon(self.folder, self.broker, self.stub, base=OURS)).pid}
        port = self.broker.port
        if reference.is_there():
            log = self.folder / "script.log"
            script = stack.enter_context(Script("reference", port, SCRIPT, self.stub.url, log=log))
            self.pids[SCRIPT] = script.pid
        self.pids[LIMIT] = stack.enter_context(Script("limit", port, LIMIT)).pid

    def ask(self, who: str, plan: Plan) -> Result:
        """A load against one of them."""
        return load.run(replace(plan, port=self.broker.port, base=who, watch=self.pids[who]))

    def measure(self, case: Case, who: str, seconds: float) -> Result:
        self.stub.delay(case.delay)
        plan = Plan(qos=case.qos, window=case.window, seconds=seconds, warm=max(20, 2 * case.window))
        result = self.ask(who, plan)
        return self._with_http(case, result, seconds / 4) if who == LIMIT else result

    def _with_http(self, case: Case, echo: Result, seconds: float) -> Result:
        """The bare call on top of the bare echo, where one question follows the other or the API takes its time."""
        if case.window > 1 and not case.delay:
            return echo
        times = http_calls(self.stub.port, seconds)
        p50 = echo.p50 + times[len(times) // 2]
        return replace(echo, p50=p50, p99=echo.p99 + times[len(times) * 99 // 100], rate=case.window / p50)

    def hanging(self, who: str) -> Result:
        """One call of the profile hangs; twenty others are asked for after it, a tenth of a second apart."""
        self.stub.delay(0)
        self.stub.hang("profile", HANGS)
        plan = Plan(query="profile", every=APART, leave_out=1, count=OTHERS, silence=HANGS + 5, seconds=PATIENCE)
        return self.ask(who, plan)

    def burst(self, who: str) -> Result:
        """All at once: whatever is not answered by then, the broker has dropped."""
        self.stub.delay(0)
        return self.ask(who, Plan(qos=1, window=BURST, count=BURST, silence=DRAINED, seconds=3 * PATIENCE))


def measured(effort: Effort, cases: Iterable[Case] = CASES) -> Found:
    """All results. Many short turns tell more than a few long ones: what else the machine does then hits all alike."""
    rounds, seconds = (effort.rounds, effort.seconds) if effort.quick else (3 * effort.rounds, effort.seconds / 3)
    found = Found()
    every = tuple(cases)
    for kind in (NODELAY, STOCK):
        with ExitStack() as stack:
            street = Street(stack, kind)
            for number in range(rounds):
                print(f"queries: {kind} broker, round {number + 1} of {rounds}", file=sys.stderr)
                for case in every:
                    if case.broker == kind:
                        for who in street.pids:
                            found.add(case.name, who, street.measure(case, who, seconds))
            _few(street, kind, effort, found)
    return found


def _few(street: Street, kind: str, effort: Effort, found: Found) -> None:
    """What takes long each time, or upsets the house."""
    askable = [who for who in street.pids if who != LIMIT]
    for _ in range(1 if effort.quick else 2):
        for who in askable:
            if kind == NODELAY:
                found.add("hanging", who, street.hanging(who))
            else:
                found.add("burst", who, street.burst(who))


def rows(effort: Effort) -> list[Row]:
    """The part of the table."""
    return table(measured(effort))


def table(found: Found) -> list[Row]:
    """What was found, beside the targets."""
    return [*_latencies(found), *_throughputs(found), *_under_stress(found)]


def _p50(result: Result) -> float:
    return result.p50 * 1000


def _p99(result: Result) -> float:
    return result.p99 * 1000


def _rate(result: Result) -> float:
    return result.rate


def _latencies(found: Found) -> list[Row]:
    result = []
    for case, name in (
        ("nodelay 0", "query p50, nodelay broker, QoS 0"),
        ("nodelay 1", "query p50, nodelay broker, QoS 1"),
        ("stock 0", "query p50, stock broker, QoS 0"),
    ):
        row = found.row(case, name, "ms", _p50)
        result.append(replace(row, target="≤ 1.3 × script", met=within(row.ours, 1.3, row.reference)))
        if case != "stock 0":
            late = found.row(case, name.replace("p50", "p99"), "ms", _p99)
            result.append(replace(late, target="≤ 3 × its p50", met=within(late.ours, 3, row.ours), note=""))
    slow = found.row("stock 0, 20 ms", "query p50, API 20 ms, stock broker, QoS 0", "ms", _p50)
    return [*result, replace(slow, target="≤ 22", met=at_most(slow.ours, 22))]


def _throughputs(found: Found) -> list[Row]:
    result = []
    for case, name, factor in (
        ("window 16", "answers/s, window 16, QoS 1", 1.0),
        ("window 128", "answers/s, window 128, QoS 1", 1.0),
        ("nodelay 0", "answers/s, window 1, QoS 0", 0.75),
    ):
        row = found.row(case, name, "1/s", _rate)
        target = "≥ script" if factor == 1 else f"≥ {factor} × script"
        result.append(replace(row, target=target, met=reaches(row.ours, factor, row.reference)))
    slow = found.row("window 16, 20 ms", "answers/s, API 20 ms, window 16, QoS 0", "1/s", _rate)
    result.append(replace(slow, target="≥ 700", met=at_least(slow.ours, 700)))
    cpu = found.row("window 16", "CPU a query, window 16", "µs", lambda r: r.cpu * 1e6)
    result.append(replace(cpu, target="≤ 1.15 × script", met=within(cpu.ours, 1.15, cpu.reference)))
    return result


def _under_stress(found: Found) -> list[Row]:
    name = f"a profile call hangs {HANGS:g} s: {OTHERS} others"
    p50 = found.row("hanging", f"{name}, p50", "s", lambda r: r.p50)
    p99 = found.row("hanging", f"{name}, p99", "s", lambda r: r.p99)
    lost = found.row("burst", f"{BURST:,} at once, QoS 1, stock broker: never answered", "", lambda r: r.unanswered)
    return [
        replace(p50, target="≤ 0.6", met=at_most(p50.ours, 0.6)),
        p99,
        replace(lost, target="≤ script", met=at_most(lost.ours, lost.reference.median) if lost.reference else None),
    ]
