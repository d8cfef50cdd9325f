"""The calls of one plugin's observing hooks: one at a time, kept while they ask to be repeated, over restarts too.

A call for an SMS is written down as soon as it comes, also while the ones before it take their time, the others once
they asked to be repeated. So a code reaches its plugin at least once, whatever ends the process; `sms.sms` tells a
repetition.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.plugin.hookspecs import NOTED_FIRST

if TYPE_CHECKING:
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.plugin.api import Retry
    from shomare_mqtt.plugin.call_journal import Call, CallJournal
    from shomare_mqtt.plugin.runner import Runner, TimeLimits

_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0


class CallQueue:
    """The calls that wait for one plugin."""

    def __init__(self, runner: Runner, journal: CallJournal, clock: Clock, limits: TimeLimits) -> None:
        self._runner = runner
        self._journal = journal
        self._clock = clock
        self._limits = limits
        self._queue: asyncio.Queue[Call] = asyncio.Queue(limits.waiting)
        self._fresh: asyncio.Queue[Call] = asyncio.Queue()
        self._later: set[asyncio.Task[None]] = set()
        self._idle = asyncio.Lock()
        self._cut_off: Call | None = None
        self._noting = asyncio.Lock()

    def put(self, call: Call) -> None:
        """Lets the call wait for its turn; beyond the bound it is dropped and that is said."""
        try:
            self._queue.put_nowait(call)
        except asyncio.QueueFull:
            self._dropped()
        else:
            self._fresh.put_nowait(call)

    async def run(self) -> None:
        """Makes the calls, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._note_fresh())
            while True:
                call = await self._queue.get()
                try:
                    async with self._idle:
                        await self._make(call, group)
                except asyncio.CancelledError:
                    self._cut_off = call
                    raise
                finally:
                    self._queue.task_done()

    async def settled(self) -> None:
        """Returns once nothing waits for its turn and nothing is at work; what waits to be repeated may remain."""
        await self._queue.join()

    async def come_to_rest(self) -> None:
        """Returns once no call is at work; none is begun any more."""
        await self._idle.acquire()

    async def note_rest(self) -> None:
        """Writes down what was not called to its end and can be later; to be called when `run` ended."""
        calls = [] if self._cut_off is None else [self._cut_off]
        while not self._queue.empty():
            calls.append(self._queue.get_nowait())
        for call in calls:
            if call.repeatable and not call.noted:
                await self._journal.note(self._runner.name, call)

    async def _make(self, call: Call, group: asyncio.TaskGroup) -> None:
        if not self._runner.health.left_out:
            await self._note_first(call)
            retry = await self._runner.observe(call.hook, call.given)
            if retry is not None and await self._again(call, retry, group):
                return
        await self._journal.forget(call)

    async def _note_fresh(self) -> None:
        while True:
            call = await self._fresh.get()
            if not self._runner.health.left_out:
                await self._note_first(call)

    async def _note_first(self, call: Call) -> None:
        async with self._noting:
            if call.hook in NOTED_FIRST and not call.noted:
                await self._journal.note(self._runner.name, call)

    async def _again(self, call: Call, retry: Retry, group: asyncio.TaskGroup) -> bool:
        """Plans a repetition; False where the call is too old, or too many wait."""
        call.attempts += 1
        left = call.created + self._limits.keep - self._journal.now()
        if left <= 0:
            self._runner.health.failed("retry", f"plugin {self._runner.name}: {call.hook} was given up, as too old")
            return False
        if len(self._later) >= self._limits.waiting:
            self._dropped()
            return False
        if call.repeatable:
            await self._journal.note(self._runner.name, call)
        task = group.create_task(self._put_later(call, min(pause(call.attempts, retry.after), left)))
        self._later.add(task)
        task.add_done_callback(self._later.discard)
        return True

    async def _put_later(self, call: Call, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._queue.put(call)

    def _dropped(self) -> None:
        self._runner.health.failed(
            "queue", f"plugin {self._runner.name}: {self._limits.waiting} calls wait already; newer ones are dropped"
        )


def pause(attempts: int, after: float | None) -> float:
    """Seconds until the next attempt: what the plugin asked for (at least one), else doubling from 5 to 300."""
    if after is not None and after == after:  # noqa: PLR0124 - not a NaN
        return max(1.0, after)
    return float(min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(attempts - 1, 10)))
