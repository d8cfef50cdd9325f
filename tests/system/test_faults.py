"""Faults where nobody waits, in callbacks and in tasks that end by themselves: the daemon ends, and says why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.daemon.faults import Faults
from shomare_mqtt.daemon.tasks import Tasks
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable


def raising(error: BaseException) -> Callable[[], None]:
    def callback() -> None:
        raise error

    return callback


async def faulty(cause: Callable[[asyncio.AbstractEventLoop], object]) -> Faults:
    """A task that waits for ever; whether it is ended, and by what."""
    made: list[Faults] = []

    async def work() -> None:
        made.append(Faults(asyncio.get_running_loop()))
        cause(asyncio.get_running_loop())
        await asyncio.Event().wait()

    task = asyncio.create_task(work())
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([task])
    assert task.cancelled()
    asyncio.get_running_loop().set_exception_handler(None)
    return made[0]


@pytest.mark.parametrize(
    "error", [MemoryError(), RecursionError(), SystemError(), GeneratorExit(), ValueError("482133")]
)
async def test_what_a_callback_raises_ends_the_daemon(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    faults = await faulty(lambda loop: loop.call_soon(raising(error)))
    assert faults.first is error
    assert type(error).__name__ in caplog.text
    assert "482133" not in caplog.text


async def test_what_is_told_of_after_the_fact_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    def cause(loop: asyncio.AbstractEventLoop) -> None:
        loop.call_exception_handler({"message": "unclosed", "exception": ValueError("482133")})
        loop.call_exception_handler({"message": "something"})
        loop.call_soon(raising(MemoryError()))
        loop.call_soon(raising(ValueError()))

    assert isinstance((await faulty(cause)).first, MemoryError)
    assert caplog.text.count("a fault outside of all tasks") == 4
    assert "482133" not in caplog.text


async def test_a_task_that_is_cancelled_from_within_ends_all() -> None:
    async def work() -> None:
        raise asyncio.CancelledError

    async def run() -> None:
        tasks = Tasks()
        async with asyncio.timeout(PATIENCE), tasks.group:
            tasks.spawn(work(), "intake")
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert "'intake' ended" in str(caught.value.exceptions[0])


async def test_a_task_that_is_ended_ends_nothing_else() -> None:
    tasks = Tasks()
    async with tasks.group:
        waiting = tasks.spawn(asyncio.Event().wait(), "watch")  # type: ignore[arg-type]
        kept = tasks.spawn(asyncio.sleep(0.01), "mqtt")
        await asyncio.sleep(0)
        tasks.cancel(but=("mqtt",))
        await asyncio.wait([waiting])
        assert not kept.cancelled()


async def test_tasks_that_end_while_all_end() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise asyncio.CancelledError

    async def fail() -> None:
        raise ValueError

    async def run() -> None:
        tasks = Tasks()
        async with tasks.group:
            tasks.spawn(stubborn(), "stubborn")
            tasks.spawn(fail(), "fails")

    with pytest.raises(ExceptionGroup) as caught:
        await run()
    assert [type(e) for e in caught.value.exceptions] == [ValueError]
