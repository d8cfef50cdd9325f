"""Calls that are kept: repeated with pauses, over an hour, over a restart, over a crash."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.model import OrderState, Profile
from shomare_mqtt.plugin import Retry
from shomare_mqtt.plugin import host as host_module
from shomare_mqtt.plugin.call_queue import pause
from shomare_mqtt.plugin.trial import PluginTrial, TrialMemory
from tests.patience import PATIENCE
from tests.plugin.conftest import QUICK, Hosting, an_order, an_sms, plugin


class Flaky:
    """A plugin that asks to be called again until it is told otherwise."""

    def __init__(self, after: float | None = None) -> None:
        self.after = after
        self.down = True
        self.asked = 0
        self.codes: list[str] = []
        self.states: list[tuple[str, Any]] = []

    async def shomare_code_received(self, order: Any, sms: Any, code: str) -> None:
        self._ask()
        self.codes.append(code)

    def shomare_order_changed(self, order: Any, previous: Any) -> None:
        self._ask()
        self.states.append((order.state.value, previous and previous.state.value))

    def shomare_balance_changed(self, profile: Any) -> None:
        self._ask()

    def _ask(self) -> None:
        self.asked += 1
        if self.down:
            raise Retry("the house is dark", after=self.after)


def test_a_call_is_repeated_until_it_succeeds() -> None:
    flaky = Flaky()
    with PluginTrial(flaky) as trial:
        trial.sms("code 12345", "12345")
        assert len(trial.memory.rows) == 1
        for seconds, asked in ((4, 1), (1, 2), (9, 2), (1, 3), (20, 4)):
            trial.advance(seconds)
            assert flaky.asked == asked
        assert trial.failures == ["plugin plugin: shomare_code_received the house is dark"]
        assert trial.state == "failed"
        flaky.down = False
        trial.advance(40)
        assert flaky.codes == ["12345"]
        assert trial.memory.rows == {}
        assert trial.state == "running"


def test_a_call_outlives_an_hour_and_a_restart() -> None:
    flaky = Flaky()
    with PluginTrial(flaky) as trial:
        trial.sms("code 12345", "12345")
        trial.order_changed(OrderState.FINISHED)
        for _ in range(6):
            trial.advance(300)
        trial.restart()
        for _ in range(6):
            trial.advance(300)
        flaky.down = False
        trial.advance(300)
        assert flaky.codes == ["12345"]
        assert flaky.states == [("finished", None)]
        assert trial.memory.rows == {}


def test_a_call_that_nobody_takes_is_given_up() -> None:
    flaky = Flaky(after=3600)
    with PluginTrial(flaky) as trial:
        trial.sms("code 12345", "12345")
        trial.advance(3600)
        trial.advance(3600)
        assert flaky.asked == 3
        assert trial.memory.rows == {}
        assert trial.failures[-1] == "plugin plugin: shomare_code_received was given up, as too old"


def test_the_pause_that_was_asked_for_is_made() -> None:
    flaky = Flaky(after=77)
    with PluginTrial(flaky) as trial:
        trial.balance_changed(5)
        trial.advance(76)
        assert flaky.asked == 1
        trial.advance(1)
        assert flaky.asked == 2
        assert trial.memory.rows == {}, "a balance is not worth a write to the disk"


@pytest.mark.parametrize("after", ["77", 77, Decimal(77)])
def test_a_pause_may_be_asked_for_as_a_header_names_it(after: Any) -> None:
    flaky = Flaky(after=after)
    with PluginTrial(flaky) as trial:
        trial.sms("code 12345", "12345")
        trial.advance(76)
        assert flaky.asked == 1
        flaky.down = False
        trial.advance(1)
        assert flaky.codes == ["12345"]


async def test_a_pause_that_is_no_number_is_the_plugins_own_fault(hosting: Hosting) -> None:
    def hook(code: str) -> None:
        raise Retry("busy", after="Wed, 21 Oct 2026 07:28:00 GMT")  # type: ignore[arg-type]

    async with hosting(plugin("late", code_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert not bench.running.done()
        assert "shomare_code_received raised ValueError in" in bench.failed[0][1]


async def test_a_code_is_noted_before_its_plugin_is_called(hosting: Hosting) -> None:
    """So that a crash while the plugin works, or while others wait, loses none."""
    began, free = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hook(code: str) -> None:
        loop.call_soon_threadsafe(began.set)
        free.wait(2 * PATIENCE)

    async with hosting(plugin("slow", code_received=hook)) as bench:
        bench.receive(1)
        async with asyncio.timeout(PATIENCE):
            await began.wait()
        assert [row[1:5] for row in bench.memory.rows.values()] == [
            ("slow", "shomare_code_received", "order-1", "sms-1")
        ]
        bench.receive(2)
        async with asyncio.timeout(PATIENCE):
            while len(bench.memory.rows) < 2:  # noqa: ASYNC110 - nothing tells of a row
                await asyncio.sleep(0.001)
        assert [row[4] for row in bench.memory.rows.values()] == ["sms-1", "sms-2"]
        free.set()
        await bench.host.settled()
        assert bench.memory.rows == {}


async def test_what_waits_when_the_daemon_stops_is_called_at_the_next_start(hosting: Hosting) -> None:
    free = threading.Event()
    memory = TrialMemory()
    orders = {}
    async with hosting(plugin("mine", order_changed=lambda order: free.wait(1) and None), memory=memory) as bench:
        for number in range(3):
            order = an_order(number, state=OrderState.FINISHED)
            orders[order.order] = order
            bench.host.order_changed(order, None)
    assert {row[3] for row in memory.rows.values()} >= {"order-1", "order-2"}
    seen: list[str] = []
    async with hosting(
        plugin("mine", order_changed=lambda order: seen.append(order.order)), memory=memory, orders=orders
    ) as bench:
        await bench.host.settled()
    assert {"order-1", "order-2"} <= set(seen)
    assert memory.rows == {}


async def test_no_call_is_begun_once_the_daemon_stops(hosting: Hosting) -> None:
    at_work, free = threading.Event(), threading.Event()
    done: list[str] = []

    def hook(order: Any) -> None:
        at_work.set()
        free.wait(PATIENCE)
        done.append(order.order)

    memory = TrialMemory()
    async with hosting(plugin("mine", order_changed=hook), memory=memory) as bench:
        for number in range(3):
            bench.host.order_changed(an_order(number, state=OrderState.FINISHED), None)
        await asyncio.to_thread(at_work.wait, PATIENCE)
        asyncio.get_running_loop().call_later(0.05, free.set)  # the host begins to stop in the turn of the loop before
    assert done == ["order-0"]
    assert [row[3] for row in memory.rows.values()] == ["order-1", "order-2"]


async def test_a_call_that_is_cut_off_is_made_again_at_the_next_start(
    hosting: Hosting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "_LAST_CALLS", 0.01)
    at_work = threading.Event()

    async def hook(order: Any) -> None:
        at_work.set()
        await asyncio.Event().wait()

    memory = TrialMemory()
    async with hosting(plugin("mine", order_changed=hook), memory=memory) as bench:
        bench.host.order_changed(an_order(0, state=OrderState.FINISHED), None)
        await asyncio.to_thread(at_work.wait, PATIENCE)
    assert [row[3] for row in memory.rows.values()] == ["order-0"]


async def test_rows_that_nobody_can_use_are_forgotten(hosting: Hosting) -> None:
    now = 4e9  # later than any clock: not too old
    order = an_order(1, sms=(replace(an_sms(), code=None),))
    memory = TrialMemory()
    for number, row in enumerate(
        [
            ("gone", "shomare_code_received", "order-1", "sms-1", now, 0),
            ("mine", "shomare_sms_received", "order-1", "sms-1", now, 0),
            ("mine", "shomare_code_received", "order-1", "sms-1", 0.0, 0),
            ("mine", "shomare_code_received", "order-9", "sms-1", now, 0),
            ("mine", "shomare_code_received", "order-1", "sms-9", now, 0),
            ("mine", "shomare_code_received", "order-1", "sms-1", now, 0),
        ]
    ):
        memory.rows[str(number)] = (str(number), *row)
    seen: list[str] = []
    mine = plugin("mine", code_received=lambda code: seen.append(code))  # noqa: PLW0108 - pluggy wants a function
    async with hosting(mine, memory=memory, orders={"order-1": order}) as bench:
        await bench.host.settled()
    assert seen == []
    assert memory.rows == {}


async def test_a_call_that_hangs_is_not_made_again_after_the_restart(hosting: Hosting) -> None:
    free = threading.Event()
    hangs = plugin("hangs", code_received=lambda code: free.wait(PATIENCE) and None)
    async with hosting(hangs, limits=QUICK) as bench:
        bench.receive()
        await bench.host.settled()
        assert bench.memory.rows == {}
        free.set()


async def test_a_failing_memory_ends_the_host(hosting: Hosting) -> None:
    class Broken(TrialMemory):
        async def save(self, row: Any) -> None:
            raise OSError("disk full")

    async def daemon() -> None:
        async with hosting(plugin("mine", code_received=lambda code: None), memory=Broken()) as bench:
            bench.receive()
            await asyncio.wait([bench.running])

    with pytest.raises(ExceptionGroup) as caught:
        await daemon()
    assert caught.group_contains(OSError, match="disk full")


async def test_no_plugin_can_change_what_the_next_one_sees(hosting: Hosting) -> None:
    seen: list[Any] = []
    first = plugin("first", balance_changed=lambda profile: profile.extra.update(evil=1))
    second = plugin("second", balance_changed=lambda profile: seen.append(dict(profile.extra)))
    async with hosting(first, second) as bench:
        bench.host.balance_changed(Profile(Decimal(1), extra={"name": "me"}), None)
        await bench.host.settled()
        assert seen == [{"name": "me"}]


@given(st.integers(1, 100_000), st.none() | st.floats())
def test_a_pause_is_never_too_short_and_never_endless(attempts: int, after: float | None) -> None:
    seconds = pause(attempts, after)
    assert seconds >= 1
    if after is None:
        assert seconds <= 300
