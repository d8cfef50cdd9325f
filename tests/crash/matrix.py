"""Lives a scenario again and again, dies at another point each time, lives on, and holds the promises against it."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.crash.broker import BrokerLog, answered
from tests.crash.plan import Command, Loss, Plan
from tests.crash.points import ABORTED, OUTSIDE, Point, points_in
from tests.crash.promises import Findings, Lost

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.crash.scenario import Scenario

ATTEMPTS = 3
MOST_MISSED = 2
"""Places of work that is only sometimes in progress, and may be missed in every attempt."""
AT_ONCE = 4
"""Most of what a life does is wait (for a provider that hangs, for the next attempt)."""


class Zygotes:
    """Processes that fork lives, each one at a time."""

    def __init__(self) -> None:
        self._free: asyncio.Queue[asyncio.subprocess.Process] = asyncio.Queue()
        self._all: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> Self:
        environment = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        for _ in range(AT_ONCE):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.crash.zygote", env=environment,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            self._all.append(process)
            self._free.put_nowait(process)
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in self._all:
            assert process.stdin is not None
            process.stdin.close()
            await process.wait()

    async def live(self, plan: Plan) -> int:
        """Live by a plan in a process of its own; whether it died at its point (0 or ABORTED)."""
        process = await self._free.get()
        # Where the test that waits for it is over, a life goes on, and its process is free once it ended.
        status = await asyncio.shield(asyncio.ensure_future(self._lived(process, plan)))
        assert status in (0, ABORTED), f"after dying at {plan.died_at}: all is not quiet\n{_output(plan)}"
        return status

    async def _lived(self, process: asyncio.subprocess.Process, plan: Plan) -> int:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(plan.to_line().encode() + b"\n")
        try:
            return int(await process.stdout.readline())
        finally:
            self._free.put_nowait(process)


class Matrix:
    """All lives of one scenario. `first`: where a life before them died.

    `died`, `states` and `broken`: the places of death, how orders ended, and the broken promises.
    """

    def __init__(self, scenario: Scenario, zygotes: Zygotes, folder: Path) -> None:
        self._scenario = scenario
        self._zygotes = zygotes
        self._folder = folder
        self._turn = asyncio.Semaphore(AT_ONCE)
        self.first: Point | None = None
        self.died: list[str] = []
        self.states: Counter[str] = Counter()
        self.broken: list[str] = []

    async def start(self) -> None:
        """A state directory with the three lists in it: what every later life starts from."""
        folder = self._folder / "template"
        folder.mkdir()
        queries = tuple(Command(f"query/{kind}", {}) for kind in ("countries", "operators", "applications"))
        async with Simulator(SimulatorOptions()) as simulator:
            plan = self._scenario.plan(folder, simulator.base_url)
            await self._zygotes.live(Plan(str(folder), simulator.base_url, queries, boot=plan.boot))

    async def live_whole(self) -> list[Point]:
        """The points of a life in which nothing dies; the promises hold there as well."""
        folder = self._begin("whole")
        async with self._provider() as simulator:
            plan = self._scenario.plan(folder, simulator.base_url)
            await self._zygotes.live(plan)
            broken = Findings(plan, folder, BrokerLog(folder / "broker"), simulator.purchases).broken
        assert not broken, f"{broken}\n{_output(plan)}"
        return points_in(folder / "points")

    async def live_again_whole(self, died_at: Point) -> list[Point]:
        """The points of a life that takes up what a death left."""
        folder = self._begin("again")
        async with self._provider() as simulator:
            plan = self._scenario.plan(folder, simulator.base_url)
            await self._zygotes.live(replace(plan, die_at=died_at))
            (folder / "points").unlink()
            await self._zygotes.live(replace(plan, deadly_from_start=True, died_at=died_at))
        return points_in(folder / "points")

    async def die_at_each(self, points: list[Point]) -> None:
        """Die at each point, each time in a life of its own."""
        async with asyncio.TaskGroup() as group:
            for number, point in enumerate(points):
                group.create_task(self._die_and_live_again(point, str(number)))

    async def die_where_none_did(self, places: set[str]) -> set[str]:
        """What runs at the same time comes in another order each time: some places need another attempt.

        The places that were missed in every attempt.
        """
        for _ in range(ATTEMPTS):
            await self.die_at_each([(place, 1) for place in sorted(places - set(self.died))])
        return places - set(self.died)

    async def keeps_its_promises(self, least: int) -> None:
        """Die at each point that the scenario chooses, at least so often, and where anything leaves the process."""
        await self.start()
        points = await self.live_whole()
        await self.die_at_each(self._scenario.choice.of(points))
        missed = await self.die_where_none_did({place for place, _ in points if place.startswith(OUTSIDE)})
        print(f"{self._scenario.name}: {len(points)} points, {len(self.died)} deaths, {self.states}")
        assert not self.broken, "\n".join(self.broken)
        assert len(missed) <= MOST_MISSED
        assert len(self.died) >= least

    async def _die_and_live_again(self, die_at: Point, name: str) -> None:
        async with self._turn, self._provider() as simulator:
            folder = self._begin(name)
            plan = self._scenario.plan(folder, simulator.base_url)
            if self._scenario.before:
                await self._zygotes.live(replace(plan, commands=plan.commands[: self._scenario.before]))
            if self.first is not None:
                await self._zygotes.live(replace(plan, die_at=self.first))
                await _carried_out(simulator)
                plan = replace(plan, deadly_from_start=True, died_at=self.first)
            if await self._zygotes.live(replace(plan, die_at=die_at)) == ABORTED:
                self.died.append(die_at[0])
            await _carried_out(simulator)
            simulator.clear_faults()
            plan, lost = self._lose_journal(plan, BrokerLog(folder / "broker"))
            await self._zygotes.live(self._scenario.plan_after(plan, die_at))
            findings = Findings(plan, folder, BrokerLog(folder / "broker"), simulator.purchases, lost)
        self.states.update(findings.states or ["no order"])
        self.broken += [f"died at {die_at[0]}, time {die_at[1]}: {what}" for what in findings.broken]
        shutil.rmtree(folder)

    def _lose_journal(self, plan: Plan, log: BrokerLog) -> tuple[Plan, Lost]:
        """What is known of what the scenario does to the journal, and the plan for the life after that."""
        loss, state = self._scenario.loss, Path(plan.folder, "state")
        if loss is Loss.NONE:
            return plan, Lost()
        shutil.rmtree(state)
        if loss is Loss.RESTORED:
            shutil.copytree(self._folder / "template" / "state", state)
        taken = {packet - 1 for packet in log.packets("puback")}
        forgotten = tuple(sorted(taken - answered(log, plan.commands)))
        return replace(plan, forgotten=forgotten), Lost(loss, log.retained())

    def _begin(self, name: str) -> Path:
        folder = self._folder / name
        shutil.copytree(self._folder / "template" / "state", folder / "state")
        return folder

    @asynccontextmanager
    async def _provider(self) -> AsyncIterator[Simulator]:
        options = SimulatorOptions(sms_delay=0, sms_count=int(self._scenario.sms))
        async with Simulator(options) as simulator:
            for country, operator in self._scenario.sold_out:
                simulator.set_stock(country, operator)
            for endpoint, kind in self._scenario.faults:
                simulator.fault(endpoint, kind)
            yield simulator


def _output(plan: Plan) -> str:
    return Path(plan.folder, "output").read_text()


async def _carried_out(simulator: Simulator) -> None:
    """Returns once the provider has done what it was asked for by a process that is gone."""
    for _ in range(20):
        await asyncio.sleep(0.001)
    await simulator._front.finish()
