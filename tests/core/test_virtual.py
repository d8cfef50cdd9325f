"""Virtual time itself: what would stand still for ever says so, and nothing of a process outlives its crash."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.core import virtual
from tests.core.virtual import VirtualLoop

if TYPE_CHECKING:
    from tests.core.world import World


def test_an_answer_that_another_thread_owes_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(virtual, "PATIENCE", 0.01)
    loop = VirtualLoop()

    async def never() -> None:
        with loop.owing():
            await loop.create_future()

    with pytest.raises(AssertionError, match="owes"):
        loop.run_until_complete(never())
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


async def test_nothing_that_is_begun_in_the_middle_of_a_crash_outlives_it(world: World) -> None:
    begun: list[asyncio.Task[None]] = []

    async def one() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            begun.append(world.spawn(another(), "begun at the end"))

    async def another() -> None:
        await asyncio.sleep(1)
        await world.journal.meta()

    world.spawn(one(), "one")
    await world.settle()
    await world.restart(crash=True)
    assert [task.cancelled() for task in begun] == [True]
    await world.sleep(2)
