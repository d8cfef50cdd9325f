"""Plugins that raise, hang, flood or exit, beside one that works: every code still reaches that one."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Product, Profile
from shomare_mqtt.plugin import PluginError, Veto, worker
from tests.patience import PATIENCE, let_pass
from tests.plugin.conftest import PATIENT, QUICK, Hosting, plugin

PRODUCT = Product("7", "1", "3")


def raising(error: BaseException) -> Any:
    def hook(sms: Any) -> None:
        raise error

    return hook


def raising_later(error: BaseException) -> Any:
    async def hook(sms: Any) -> None:
        await asyncio.sleep(0)
        raise error

    return hook


def sleeps(sms: Any = None) -> None:
    """In a thread that the end of the process does not wait for."""
    time.sleep(PATIENCE)


def loops(sms: Any) -> None:
    while True:
        pass


async def loops_in_a_coroutine(sms: Any) -> None:
    while True:
        pass


async def waits_for_ever(sms: Any) -> None:
    await asyncio.get_running_loop().create_future()


async def refuses_to_be_cancelled(sms: Any) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            await asyncio.sleep(PATIENCE)
        except asyncio.CancelledError:
            continue


async def loses_its_loop(sms: Any) -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(0.01)


async def leaves_a_task_that_exits(sms: Any) -> None:
    async def exits() -> None:
        raise SystemExit(4)

    leaves_a_task_that_exits.task = asyncio.create_task(exits())  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)


HANGING = ("sleeps", "loops", "loops_in_a_coroutine", "waits_for_ever", "refuses_to_be_cancelled")
BAD = {
    "raises": (raising(ValueError("482913")), "failed"),
    "exits": (raising(SystemExit(3)), "failed"),
    "interrupts": (raising(KeyboardInterrupt()), "failed"),
    "cancels": (raising(asyncio.CancelledError()), "failed"),
    "generator_exit": (raising(GeneratorExit()), "failed"),
    "exits_later": (raising_later(SystemExit(3)), "failed"),
    "cancels_later": (raising_later(asyncio.CancelledError()), "failed"),
    "times_out_itself": (raising_later(TimeoutError()), "failed"),
    "sleeps": (sleeps, "left_out"),
    "loops": (loops, "left_out"),
    "loops_in_a_coroutine": (loops_in_a_coroutine, "left_out"),
    "waits_for_ever": (waits_for_ever, "failed"),
    "refuses_to_be_cancelled": (refuses_to_be_cancelled, "left_out"),
    "exiting_task": (leaves_a_task_that_exits, "failed"),
    "loses_its_loop": (loses_its_loop, "running"),
}


@pytest.mark.parametrize("name", BAD)
async def test_a_bad_plugin_harms_nobody_else(
    hosting: Hosting, name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook, state = BAD[name]
    if name == "waits_for_ever":
        monkeypatch.setattr(worker, "_GRACE", PATIENCE)  # it can be cut off, be that late
    codes: list[str] = []
    bad = plugin(name, sms_received=hook)
    good = plugin("good", code_received=lambda code: codes.append(code))  # noqa: PLW0108 - pluggy wants a function
    async with hosting(bad, good, limits=QUICK if name in HANGING else PATIENT) as bench:
        bench.host._runners[1]._limits = PATIENT
        for number in range(5):
            bench.receive(number, f"48291{number}")
        async with asyncio.timeout(PATIENCE):
            await bench.host.settled()
        await asyncio.sleep(0)
        assert codes == [f"48291{number}" for number in range(5)]
        assert bench.states() == {name: state, "good": "running"}
        if state != "running":
            assert {who for who, _ in bench.failed} == {name}
            assert name in caplog.text
            assert bench.changes
        assert not bench.memory.rows
        said = caplog.text + json.dumps(bench.failed) + json.dumps(bench.host.describe())
        assert "48291" not in said


@pytest.mark.parametrize("hook", [loops, loops_in_a_coroutine])
async def test_a_busy_loop_is_ended(hosting: Hosting, hook: Any) -> None:
    async with hosting(plugin("busy", sms_received=hook), limits=QUICK) as bench:
        bench.receive()
        await bench.host.settled()
        thread = next((t for t in threading.enumerate() if t.name == "plugin-busy"), None)
        if thread is not None:
            await asyncio.to_thread(thread.join, PATIENCE)
            assert not thread.is_alive()


async def test_a_slow_plugin_delays_nobody_elses_codes(hosting: Hosting) -> None:
    """A new SMS goes to the others while one plugin still hangs on the one before."""
    free = threading.Event()
    codes: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()
    slow = plugin("slow", code_received=lambda code: free.wait(2 * PATIENCE) and None)
    good = plugin("good", code_received=lambda code: loop.call_soon_threadsafe(codes.put_nowait, code))
    async with hosting(slow, good) as bench:
        bench.receive(1, "1111")
        bench.receive(2, "2222")
        async with asyncio.timeout(PATIENCE):
            assert [await codes.get(), await codes.get()] == ["1111", "2222"]
        free.set()


async def test_a_flood_of_messages_is_cut(hosting: Hosting) -> None:
    taken: list[bool] = []

    def starts(api: Any) -> None:
        hook.api = api  # type: ignore[attr-defined]

    def hook(sms: Any) -> None:
        taken.extend(hook.api.publish(f"x/{n}", b"x", retain=True) for n in range(103))  # type: ignore[attr-defined]

    async with hosting(plugin("flood", startup=starts, sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert taken.count(True) == len(bench.published) == 100
        assert bench.published[0] == ("plugin/flood/x/0", b"x", True)
        assert [name for name, _ in bench.failed] == ["flood"]
        assert bench.states() == {"flood": "failed"}


@pytest.mark.parametrize("topic", ["", "/x", "x/", "a/+", "#", "a\0", "a/\ud800"])
async def test_what_is_no_topic_is_the_plugins_own_fault(hosting: Hosting, topic: str) -> None:
    def starts(api: Any) -> None:
        hook.api = api  # type: ignore[attr-defined]

    def hook(sms: Any) -> None:
        hook.api.publish(topic, b"x", retain=True)  # type: ignore[attr-defined]

    async with hosting(plugin("mine", startup=starts, sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert bench.published == []
        assert "shomare_sms_received raised" in bench.failed[0][1]


async def test_a_flood_without_end_stops_with_the_plugin(hosting: Hosting) -> None:
    """A loop that only ever calls us is not in its own code when it is looked at: our own calls end it."""
    held: dict[str, Any] = {}

    def hook(sms: Any) -> None:
        for number in itertools.count():
            held["api"].logger.warning("line %d", number)

    flood = plugin("flood", startup=lambda api: held.update(api=api), sms_received=hook)
    async with hosting(flood, limits=QUICK) as bench:
        bench.receive()
        await bench.host.settled()
        assert bench.states() == {"flood": "left_out"}
        thread = next((t for t in threading.enumerate() if t.name == "plugin-flood"), None)
        if thread is not None:
            await asyncio.to_thread(thread.join, PATIENCE)
            assert not thread.is_alive()


async def test_a_flood_of_tasks_is_refused(hosting: Hosting) -> None:
    held: dict[str, Any] = {}

    async def hook(sms: Any) -> None:
        while True:
            held["api"].create_task(asyncio.sleep(60))

    async with hosting(plugin("flood", startup=lambda api: held.update(api=api), sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert bench.failed == [("flood", "plugin flood: shomare_sms_received too many tasks run already")]


async def test_a_failing_task_is_named(hosting: Hosting) -> None:
    held: dict[str, Any] = {}

    async def task() -> None:
        raise SystemExit(2)

    async def hook(sms: Any) -> None:
        held["api"].create_task(task())
        await asyncio.sleep(0.01)

    async with hosting(plugin("tasks", startup=lambda api: held.update(api=api), sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert [name for name, _ in bench.failed] == ["tasks"]
        assert "SystemExit" in bench.failed[0][1]


async def test_a_thread_that_a_plugin_started_is_named_and_its_text_is_not_printed(
    hosting: Hosting, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python itself would print the traceback with the text of the error, into the daemon's log."""

    def fails() -> None:
        raise ValueError("482913")

    def exits() -> None:
        raise SystemExit(3)

    def hook(sms: Any) -> None:
        for target in (fails, exits):
            thread = threading.Thread(target=target)
            thread.start()
            thread.join()

    before = threading.excepthook
    async with hosting(plugin("threads", sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        await asyncio.sleep(0)
        assert [name for name, _ in bench.failed] == ["threads"]
        assert "raised ValueError in" in bench.failed[0][1]
    assert threading.excepthook is before
    assert "482913" not in "".join(capfd.readouterr()) + json.dumps(bench.failed)


async def test_threads_of_nobody_are_left_to_python(hosting: Hosting, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.ExceptHookArgs] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)
    async with hosting(plugin("threads", sms_received=sleeps)) as bench:
        thread = threading.Thread(target=json.loads, args=("{",))
        thread.start()
        await asyncio.to_thread(thread.join, PATIENCE)
        await asyncio.sleep(0)
        assert [failure.exc_type for failure in seen] == [json.JSONDecodeError]
        assert bench.failed == []


async def test_the_daemon_goes_on_beside_a_busy_loop(hosting: Hosting) -> None:
    """With Python's own 5 ms for each turn of a thread, each step of the loop would take as long."""
    began, loop = asyncio.Event(), asyncio.get_running_loop()

    def hook(sms: Any) -> None:
        loop.call_soon_threadsafe(began.set)
        loops(sms)

    async with hosting(plugin("busy", sms_received=hook), limits=QUICK) as bench:
        bench.receive()
        await began.wait()
        assert sys.getswitchinterval() < 0.001


async def test_a_plugin_whose_startup_fails_is_left_out_and_denies(hosting: Hosting) -> None:
    seen: list[Any] = []
    broken = plugin(
        "broken",
        startup=lambda api: 1 / 0,
        authorize_buy=lambda request: None,
        sms_received=lambda sms: seen.append(sms),  # noqa: PLW0108 - pluggy wants a function
        shutdown=lambda: seen.append("shutdown"),
    )
    async with hosting(broken) as bench:
        bench.receive()
        await bench.host.settled()
        with pytest.raises(CommandRefusedError, match="broken is left out"):
            await bench.host.authorize_buy(PRODUCT, None, Decimal(0))
        assert bench.states() == {"broken": "left_out"}
    assert seen == []


async def test_a_startup_that_hangs_is_left_out(hosting: Hosting) -> None:
    async with hosting(plugin("hangs", startup=lambda api: sleeps()), limits=QUICK) as bench:
        assert bench.states() == {"hangs": "left_out"}


@pytest.mark.parametrize(
    ("hook", "says"),
    [
        (lambda request: False, "gave no reason"),
        (lambda request: "too dear", "too dear"),
        (lambda request: Veto("too late"), "too late"),
        (lambda request: (_ for _ in ()).throw(Veto("not today")), "not today"),
        (lambda request: 0, "returned neither"),
        (lambda request: "", "returned neither"),
        (lambda request: asyncio.sleep(0), "returned neither"),
        (lambda request: 1 / 0, "ZeroDivisionError"),
        (lambda request: (_ for _ in ()).throw(SystemExit), "SystemExit"),
        (lambda request: (_ for _ in ()).throw(PluginError("no database")), "no database"),
        (lambda request: sleeps(), "does not end"),
    ],
)
async def test_a_purchase_is_denied_by_all_that_is_no_consent(hosting: Hosting, hook: Any, says: str) -> None:
    async with hosting(plugin("guard", authorize_buy=hook), limits=QUICK if "end" in says else PATIENT) as bench:
        with pytest.raises(CommandRefusedError, match=says) as caught:
            await bench.host.authorize_buy(PRODUCT, Decimal(2200), Decimal(0))
        assert caught.value.code is ErrorCode.VETOED
        assert "guard" in caught.value.message


@pytest.mark.parametrize("answer", [None, True])
async def test_consent_lets_the_purchase_through(hosting: Hosting, answer: bool | None) -> None:
    asked: list[Any] = []

    def hook(request: Any, spend: Any) -> bool | None:
        asked.append((request.product.application, request.price, spend))
        return answer

    async with hosting(plugin("guard", authorize_buy=hook)) as bench:
        await bench.host.authorize_buy(PRODUCT, Decimal(2200), Decimal(10))
        assert asked == [("3", Decimal(2200), Decimal(10))]


async def test_a_decision_that_overran_is_final(hosting: Hosting) -> None:
    free = threading.Event()
    hangs = plugin("guard", authorize_buy=lambda request: free.wait(PATIENCE) and None)
    async with hosting(hangs, limits=QUICK) as bench:
        for says in ("does not end", "left out until the daemon is restarted"):
            with pytest.raises(CommandRefusedError, match=says):
                await bench.host.authorize_buy(PRODUCT, None, Decimal(0))
        free.set()
        assert bench.states() == {"guard": "left_out"}
        assert len(bench.failed) == 1


async def test_decisions_that_come_together_each_have_their_time(hosting: Hosting) -> None:
    loop = asyncio.get_running_loop()

    def hook(request: Any) -> None:
        """Takes half of its time, by the clock that the limit goes by."""
        asyncio.run_coroutine_threadsafe(half_of_it(), loop).result(PATIENCE)

    async def half_of_it() -> None:
        let_pass(PATIENT.decide / 2)

    async with hosting(plugin("guard", authorize_buy=hook)) as bench:
        await asyncio.gather(*(bench.host.authorize_buy(PRODUCT, None, Decimal(0)) for _ in range(5)))
        assert bench.states() == {"guard": "running"}


async def test_codes_are_read_by_the_first_plugin_that_can(hosting: Hosting) -> None:
    plugins = (
        plugin("raises", extract_code=lambda text: 1 / 0),
        plugin("odd", extract_code=lambda text: 1234),
        plugin("torn", extract_code=lambda text: "12\ud80034"),
        plugin("blind", extract_code=lambda text: None),
        plugin("reads", extract_code=lambda text: text.split()[-1]),
        plugin("late", extract_code=lambda text: "never asked"),
    )
    async with hosting(*plugins) as bench:
        assert await bench.host.extract_code("the code: AB-12") == "AB-12"
        await asyncio.sleep(0)
        failed = dict.fromkeys(("raises", "odd", "torn"), "failed")
        assert bench.states() == failed | dict.fromkeys(("blind", "reads", "late"), "running")


async def test_components_bear_their_plugins_name(hosting: Hosting) -> None:
    plugins = (
        plugin("mine", discovery=lambda order: {"lamp": {"platform": "light"}}),
        plugin("odd", discovery=lambda order: {"lamp": {"no": "platform"}}),
        plugin("none", discovery=lambda order: None),
    )
    async with hosting(*plugins) as bench:
        assert await bench.host.discovery(None) == {"mine_lamp": {"platform": "light"}}
        await asyncio.sleep(0)
        assert bench.states() == {"mine": "running", "odd": "failed", "none": "running"}


async def test_components_that_cannot_be_announced_are_laid_at_their_plugins_door(hosting: Hosting) -> None:
    def discovery(order: Any) -> Any:
        return {"lamp": {"platform": "light"}}

    async with hosting(plugin("mine", discovery=discovery), plugin("mine_too", discovery=discovery)) as bench:
        assert set(await bench.host.discovery(None)) == {"mine_lamp", "mine_too_lamp"}
        bench.host.components_refused({"mine_too_lamp": "it is no JSON"})
        await asyncio.sleep(0)
        assert bench.states() == {"mine": "running", "mine_too": "failed"}
        told = "plugin mine_too: Home Assistant is not told of mine_too_lamp: it is no JSON"
        assert bench.failed == [("mine_too", told)]
        bench.host.components_refused({})
        assert bench.states() == {"mine": "running", "mine_too": "running"}


async def test_a_failure_that_repeats_is_said_once_and_recovery_shows(hosting: Hosting, caplog: Any) -> None:
    caplog.set_level(logging.WARNING)
    bad = True

    def hook(sms: Any) -> None:
        if bad:
            raise PluginError("the lamp is off")

    async with hosting(plugin("lamp", sms_received=hook)) as bench:
        for number in range(20):
            bench.receive(number)
        await bench.host.settled()
        assert bench.failed == [("lamp", "plugin lamp: shomare_sms_received the lamp is off")]
        assert bench.host.describe()[0]["error"] == "plugin lamp: shomare_sms_received the lamp is off"
        bad = False
        bench.receive(21)
        await bench.host.settled()
        assert bench.states() == {"lamp": "running"}


async def test_a_plugins_own_words_lose_the_code(hosting: Hosting) -> None:
    def hook(sms: Any) -> None:
        raise PluginError(f"cannot show {sms.code} of {sms.text}\n")

    async with hosting(plugin("mine", sms_received=hook)) as bench:
        bench.receive()
        await bench.host.settled()
        assert bench.failed == [("mine", "plugin mine: shomare_sms_received cannot show *** of ***")]


async def test_nothing_is_said_of_a_text_that_may_be_a_code(hosting: Hosting) -> None:
    def hook(text: str) -> None:
        raise PluginError(f"reads {text[-4:]} backwards: {text[::-1]}")

    async with hosting(plugin("mine", extract_code=hook)) as bench:
        assert await bench.host.extract_code("your word is ABQZ") is None
        await bench.host.settled()
        ((_, said),) = bench.failed
        assert said.startswith("plugin mine: shomare_extract_code raised PluginError")
        assert "ABQZ" not in said


async def test_a_stuck_plugin_does_not_hold_up_the_end(hosting: Hosting) -> None:
    free, over = threading.Event(), threading.Event()

    def hook() -> None:
        free.wait(2 * PATIENCE)
        over.set()

    async with hosting(plugin("hangs", shutdown=hook, code_received=lambda code: None), limits=QUICK) as bench:
        bench.receive()
    assert not over.is_set()
    free.set()


async def test_the_queue_is_bounded(hosting: Hosting) -> None:
    free = threading.Event()
    seen: list[Any] = []

    def hook(profile: Any) -> None:
        free.wait(PATIENCE)
        seen.append(profile)

    async with hosting(plugin("slow", balance_changed=hook), limits=replace(PATIENT, waiting=10)) as bench:
        for _ in range(100):
            bench.host.balance_changed(Profile(Decimal(1)), None)
        free.set()
        await bench.host.settled()
        assert len(seen) == 10
        assert "10 calls wait already" in bench.failed[0][1]
