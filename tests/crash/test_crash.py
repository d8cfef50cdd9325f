"""Dies at every point of a `buy`, of an SMS and of a `cancel`, and lives again: the three promises hold."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.crash.broker import BrokerLog
from tests.crash.plan import Command, Plan
from tests.crash.points import ABORTED, OUTSIDE, Point, points_in
from tests.crash.promises import Findings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PRODUCT = {"country": 7, "operator": 1, "application": 3}
BUY = Command("buy", PRODUCT | {"transaction": "t-1"})
BARE_BUY = Command("buy", PRODUCT)
CANCEL = Command("cancel", {"order": "current", "transaction": "c-1"}, means="t-1")
ANOTHER_BUY = Command("buy", PRODUCT | {"application": 4, "transaction": "t-2"}, at_once=True)
ATTEMPTS = 3
LEAST_SECOND_DEATHS = 20
MOST_MISSED = 2
"""Places of work that is only sometimes in progress, and may be missed in every attempt."""


@dataclass(frozen=True)
class Scenario:
    """What is gone through. `each_word`: die at each COMMIT and each word with the broker, see `chosen`.

    `least`: fewer points say that counting is broken.
    """

    name: str
    commands: tuple[Command, ...]
    faults: tuple[tuple[str, str], ...] = ()
    each_word: bool = True
    least: int = 60
    sms: bool = False
    timeout: float = 20.0

    def plan(self, folder: Path, base_url: str) -> Plan:
        return Plan(
            folder=str(folder),
            base_url=base_url,
            commands=self.commands,
            deadly_from_answer=self.sms,
            wants_sms=self.sms,
            timeout=self.timeout,
            poll_interval=0.05 if self.sms else 600.0,
        )

    def chosen(self, points: list[Point]) -> list[Point]:
        """The points to die at.

        Journal, provider and broker are all that outlives a death. A COMMIT or a word with the broker changes what they
        hold: each is chosen. A task that only takes a step on the way leaves them as they were, and most steps are
        those of one loop, which publishes a retained topic each time: of each place the first and the last are chosen.
        """
        last = dict(points)
        return [
            (place, time)
            for place, time in points
            if time in (1, last[place]) or (self.each_word and place.startswith(OUTSIDE))
        ]


def _deadly(command: Command) -> Command:
    return replace(command, deadly=True)


def _with_fault(name: str, endpoint: str, kind: str, commands: tuple[Command, ...], timeout: float = 20.0) -> Scenario:
    return Scenario(name, commands, ((endpoint, kind),), each_word=False, timeout=timeout)


SCENARIOS = (
    Scenario("buy", (_deadly(BUY), BUY)),
    Scenario("buy without a transaction", (_deadly(BARE_BUY),)),
    Scenario("SMS", (BUY,), sms=True),
    Scenario("cancel", (BUY, _deadly(CANCEL), CANCEL)),
    _with_fault("buy, the answer hangs", "buy", "hang_after", (_deadly(BUY), BUY), timeout=1.5),
    _with_fault("buy, the connection breaks after it", "buy", "reset_after", (_deadly(BUY), BUY)),
    _with_fault("buy, the connection breaks before it", "buy", "reset_before", (_deadly(BARE_BUY),)),
    _with_fault("cancel, the answer is lost", "cancel", "reset_after", (BUY, _deadly(CANCEL))),
    _with_fault("cancel while another is bought", "cancel", "reset_after", (BUY, _deadly(CANCEL), ANOTHER_BUY)),
)


class Zygote:
    """A process that forks lives; one at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def live(self, plan: Plan) -> int:
        """Live by a plan; the exit status."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(plan.to_line().encode() + b"\n")
        return int(await self._process.stdout.readline())


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def free() -> AsyncIterator[asyncio.Queue[Zygote]]:
    """Four: most of what a life does is wait (for a provider that hangs, for the next attempt)."""
    zygotes: asyncio.Queue[Zygote] = asyncio.Queue()
    processes = []
    environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    for _ in range(4):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.crash.zygote", env=environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        processes.append(process)
        zygotes.put_nowait(Zygote(process))
    yield zygotes
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@dataclass
class Report:
    """What all lives of a scenario came to. `first`: where a life before them died."""

    turn: asyncio.Semaphore
    first: Point | None = None
    died: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
async def test_no_death_breaks_a_promise(scenario: Scenario, free: asyncio.Queue[Zygote], tmp_path: Path) -> None:
    await _first_start(tmp_path / "template", free)
    points = await _live_whole(scenario, free, tmp_path)
    assert len(points) >= scenario.least
    report = Report(asyncio.Semaphore(free.qsize()))
    await _die_at_each(scenario, scenario.chosen(points), free, tmp_path, report)
    places = {place for place, _ in points}
    # What runs at the same time comes in another order each time: a few places need another attempt.
    for _ in range(ATTEMPTS):
        missed = sorted(places - set(report.died))
        await _die_at_each(scenario, [(place, 1) for place in missed], free, tmp_path, report)
    print(f"{scenario.name}: {len(points)} points, {len(report.died)} deaths at {len(places)} places, {report.states}")
    assert not report.broken, "\n".join(report.broken)
    assert len(places - set(report.died)) <= MOST_MISSED


SECOND_DEATHS = (
    # The last place at which the first life ends, and in the midst of what it does.
    (SCENARIOS[1], "before the broker has our PUBACK"),
    (SCENARIOS[0], "provider/transport.py"),
    (SCENARIOS[0], "before the broker has response"),
    (SCENARIOS[2], "before the broker has event"),
    (SCENARIOS[3], "provider/transport.py"),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("scenario", "first"), SECOND_DEATHS, ids=lambda each: getattr(each, "name", each))
async def test_no_death_while_taking_up_work_breaks_a_promise(
    scenario: Scenario, first: str, free: asyncio.Queue[Zygote], tmp_path: Path
) -> None:
    """The life that follows a death dies as well, when it first reaches each place."""
    await _first_start(tmp_path / "template", free)
    whole = await _live_whole(scenario, free, tmp_path)
    died_at = [point for point in whole if point[0].startswith(first)][-1]
    points = await _live_again_whole(scenario, died_at, free, tmp_path)
    report = Report(asyncio.Semaphore(free.qsize()), first=died_at)
    await _die_at_each(scenario, [point for point in points if point[1] == 1], free, tmp_path, report)
    print(f"{scenario.name}, {died_at}: {len(points)} points, {len(report.died)} deaths, {report.states}")
    assert not report.broken, "\n".join(report.broken)
    assert len(report.died) >= LEAST_SECOND_DEATHS


async def _live_again_whole(
    scenario: Scenario, died_at: Point, free: asyncio.Queue[Zygote], tmp_path: Path
) -> list[Point]:
    """The points of a life that takes up what a death left."""
    folder = tmp_path / "again"
    shutil.copytree(tmp_path / "template" / "state", folder / "state")
    async with _provider(scenario) as simulator:
        plan = scenario.plan(folder, simulator.base_url)
        await _live(replace(plan, die_at=died_at), free)
        (folder / "points").unlink()
        await _live(replace(plan, deadly_from_start=True, died_at=died_at), free)
    return points_in(folder / "points")


async def _die_at_each(
    scenario: Scenario, points: list[Point], free: asyncio.Queue[Zygote], tmp_path: Path, report: Report
) -> None:
    async with asyncio.TaskGroup() as group:
        for number, point in enumerate(points):
            group.create_task(_die_and_live_again(scenario, point, free, tmp_path / str(number), report))


async def _first_start(folder: Path, free: asyncio.Queue[Zygote]) -> None:
    """A state directory with the three lists in it: what every later life starts from."""
    folder.mkdir()  # noqa: ASYNC240 - nothing else is to be done meanwhile
    queries = tuple(Command(f"query/{kind}", {}) for kind in ("countries", "operators", "applications"))
    async with Simulator(SimulatorOptions()) as simulator:
        await _live(Plan(str(folder), simulator.base_url, queries), free)


async def _live_whole(scenario: Scenario, free: asyncio.Queue[Zygote], tmp_path: Path) -> list[Point]:
    """The points of a life in which nothing dies; the promises hold there as well."""
    folder = tmp_path / "whole"
    shutil.copytree(tmp_path / "template" / "state", folder / "state")
    async with _provider(scenario) as simulator:
        plan = scenario.plan(folder, simulator.base_url)
        await _live(plan, free)
        broken = Findings(plan, folder, BrokerLog(folder / "broker"), simulator.purchases).broken
    assert not broken, _output(plan)
    return points_in(folder / "points")


async def _live(plan: Plan, free: asyncio.Queue[Zygote]) -> int:
    """Live by a plan in a process of its own; whether it died at its point."""
    zygote = await free.get()
    try:
        status = await zygote.live(plan)
    finally:
        free.put_nowait(zygote)
    assert status in (0, ABORTED), f"after dying at {plan.died_at}: all is not quiet\n{_output(plan)}"
    return status


def _output(plan: Plan) -> str:
    return Path(plan.folder, "output").read_text()


@asynccontextmanager
async def _provider(scenario: Scenario) -> AsyncIterator[Simulator]:
    async with Simulator(SimulatorOptions(sms_delay=0, sms_count=int(scenario.sms))) as simulator:
        for endpoint, kind in scenario.faults:
            simulator.fault(endpoint, kind)
        yield simulator


async def _die_and_live_again(
    scenario: Scenario, die_at: Point, free: asyncio.Queue[Zygote], folder: Path, report: Report
) -> None:
    async with report.turn, _provider(scenario) as simulator:
        plan = scenario.plan(folder, simulator.base_url)
        shutil.copytree(folder.parent / "template" / "state", folder / "state")
        if report.first is not None:
            await _live(replace(plan, die_at=report.first), free)
            await _carried_out(simulator)
            plan = replace(plan, deadly_from_start=True, died_at=report.first)
        if await _live(replace(plan, die_at=die_at), free) == ABORTED:
            report.died.append(die_at[0])
        await _carried_out(simulator)
        simulator.clear_faults()
        await _live(replace(plan, died_at=die_at), free)
        findings = Findings(plan, folder, BrokerLog(folder / "broker"), simulator.purchases)
    report.states.update(findings.states or ["no order"])
    report.broken += [f"died at {die_at[0]}, time {die_at[1]}: {what}" for what in findings.broken]
    shutil.rmtree(folder)


async def _carried_out(simulator: Simulator) -> None:
    """Returns once the provider has done what it was asked for by a process that is gone."""
    for _ in range(20):
        await asyncio.sleep(0.001)
    await simulator._front.finish()
