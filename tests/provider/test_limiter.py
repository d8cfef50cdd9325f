"""The request limiter: never too many, the right one first, nothing left behind."""

from __future__ import annotations

import asyncio
import logging
import math
from functools import partial
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shomare_mqtt.core.waiting import Shared
from shomare_mqtt.model import Priority
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter

from .fakes import FakeClock, settle
from .servers import says, serving
from .servers import settings as provider_at
from .test_client import SUCCESS, Memory

MONEY, QUERY, POLL = Priority.MONEY, Priority.QUERY, Priority.POLL


async def _served(
    limiter: Limiter, clock: FakeClock, log: list[tuple[float, Priority, int]], p: Priority, n: int
) -> None:
    await limiter.slot(p)
    log.append((clock.monotonic(), p, n))


@settings(max_examples=60, deadline=None)
@given(
    per_minute=st.floats(min_value=0.5, max_value=400),
    arrivals=st.lists(st.tuples(st.floats(0, 40), st.sampled_from(Priority)), max_size=60),
)
def test_never_more_than_per_minute_in_any_minute(per_minute: float, arrivals: list[tuple[float, Priority]]) -> None:
    async def run() -> None:
        clock = FakeClock()
        limiter = Limiter(per_minute, clock)
        log: list[tuple[float, Priority, int]] = []
        async with asyncio.TaskGroup() as group:
            for n, (pause, priority) in enumerate(arrivals):
                await clock.advance(pause)
                group.create_task(_served(limiter, clock, log, priority, n))
            await clock.advance(60 * (len(arrivals) + 2) / min(per_minute, 1))
        times = [t for t, _, _ in log]
        assert len(times) == len(arrivals)
        most = max((sum(t <= u < t + 60 - 1e-6 for u in times) for t in times), default=0)
        assert most <= math.ceil(per_minute)
        assert clock.sleeping == 0

    asyncio.run(run())


@given(order=st.lists(st.sampled_from(Priority), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_waiting_ones_are_served_by_priority_then_in_order(order: list[Priority]) -> None:
    async def run() -> None:
        clock = FakeClock()
        limiter = Limiter(60, clock)
        log: list[tuple[float, Priority, int]] = []
        for _ in range(limiter.burst):
            await limiter.slot(MONEY)
        async with asyncio.TaskGroup() as group:
            for n, priority in enumerate(order):
                group.create_task(_served(limiter, clock, log, priority, n))
            await clock.advance(600)
        assert [(p, n) for _, p, n in log] == sorted((p, n) for n, p in enumerate(order))

    asyncio.run(run())


async def test_money_finds_a_reserve_when_polls_have_used_up_the_burst() -> None:
    clock = FakeClock()
    limiter = Limiter(60, clock)
    log: list[tuple[float, Priority, int]] = []
    async with asyncio.TaskGroup() as group:
        for n in range(30):
            group.create_task(_served(limiter, clock, log, POLL, n))
        await settle()
        assert len(log) == limiter.burst - limiter.reserve
        for n in range(limiter.reserve):
            group.create_task(_served(limiter, clock, log, MONEY, n))
        await settle()
        assert [p for _, p, _ in log[-limiter.reserve :]] == [MONEY] * limiter.reserve
        assert clock.monotonic() == 0
        await clock.advance(120)


async def test_steady_polls_are_spread_evenly() -> None:
    clock = FakeClock()
    limiter = Limiter(6, clock)
    log: list[tuple[float, Priority, int]] = []
    async with asyncio.TaskGroup() as group:
        for n in range(5):
            group.create_task(_served(limiter, clock, log, POLL, n))
        await clock.advance(100)
    gaps = [b - a for (a, _, _), (b, _, _) in pairwise(log)]
    assert gaps == pytest.approx([10] * 4)


async def test_zero_is_no_limit() -> None:
    clock = FakeClock()
    limiter = Limiter(0, clock)
    for _ in range(1000):
        await limiter.slot(POLL)
    assert clock.sleeping == 0


@pytest.mark.parametrize("victim", [0, 1, 2])
async def test_a_cancelled_caller_takes_no_slot_and_holds_up_nobody(victim: int) -> None:
    clock = FakeClock()
    limiter = Limiter(6, clock)
    await limiter.slot(QUERY)
    log: list[tuple[float, Priority, int]] = []
    tasks = [asyncio.create_task(_served(limiter, clock, log, QUERY, n)) for n in range(3)]
    await settle()
    tasks[victim].cancel()
    await clock.advance(20.001)
    await asyncio.gather(*tasks, return_exceptions=True)
    assert [n for _, _, n in log] == [n for n in range(3) if n != victim]
    assert [t for t, _, _ in log] == pytest.approx([10, 20])
    assert limiter.waiting == 0


async def test_no_timer_runs_while_nobody_waits() -> None:
    clock = FakeClock()
    limiter = Limiter(60, clock)
    await limiter.slot(QUERY)
    await clock.advance(3600)
    assert clock.sleeping == 0
    assert limiter.waiting == 0


async def test_what_a_client_asks_for_is_not_out_before_its_turn() -> None:
    """So it is joined, however long that takes (contract, Commands)."""
    clock = FakeClock()
    limiter, shared, log = Limiter(1, clock), Shared(clock), logging.getLogger("test.provider")
    await limiter.slot(QUERY)
    async with serving(says(200, SUCCESS["profile"])) as server:
        to = provider_at(server.url)
        async with Client(to, "s3cret-token", clock=clock, limiter=limiter, memory=Memory(), logger=log) as client:
            ask = partial(shared.get, "profile", partial(client.profile, priority=QUERY))
            first = asyncio.create_task(ask())
            await clock.advance(30)
            second = asyncio.create_task(ask())
            await settle()
            assert limiter.waiting == 1
            await clock.advance(30)
            assert await first is await second
        assert server.endpoints() == ["profile"]
