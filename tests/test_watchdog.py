"""What systemd's watchdog is fed by, on virtual time: what is excused, what is not, and what is said before the end."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any, cast

from shomare_mqtt.daemon.health import _FOR_EVER, AWAY, CHANGE, JOURNAL, Health, Loop
from shomare_mqtt.daemon.tasks import Tasks
from shomare_mqtt.daemon.watchdog import Watchdog
from shomare_mqtt.systemd import Notifier
from tests.core.virtual import FakeClock, VirtualLoop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    import pytest

WITHIN = 120.0
REQUEST = 20.0
ALLOWED = 600.0


class FakeJournal:
    def __init__(self) -> None:
        self.since: float | None = None
        self.is_full = False

    def stood(self) -> float:
        return 0.0 if self.since is None else asyncio.get_running_loop().time() - self.since


class Supervisor(Notifier):
    """Notes when it is told that the daemon is alive."""

    def __init__(self, within: float | None = WITHIN) -> None:
        super().__init__({})
        self.watchdog = within
        self.fed: list[float] = []

    def alive(self, seconds: float) -> None:
        assert seconds == self.watchdog
        self.fed.append(asyncio.get_running_loop().time())


class Parts:
    """A daemon's health, with loops that stand at will."""

    def __init__(self) -> None:
        self.journal, self.tasks = FakeJournal(), Tasks()
        self.health = Health(FakeClock(), cast("Any", self.journal), self.tasks, REQUEST)
        self.since: float | None = None
        self.line = 0, 0
        self.health._loops = (Loop("the outbox", self._stood, ALLOWED, "nothing goes out"),)
        self.health._line = lambda: self.line
        self.supervisor = Supervisor()
        self.health.started()

    def _stood(self) -> float:
        return 0.0 if self.since is None else asyncio.get_running_loop().time() - self.since

    def stand(self) -> None:
        self.since = asyncio.get_running_loop().time()


async def for_ever() -> None:
    await asyncio.Event().wait()


def on_virtual_time(work: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(work)


def run(scenario: Any) -> None:
    async def within() -> None:
        parts = Parts()
        async with parts.tasks.group:
            for name in _FOR_EVER:
                parts.tasks.spawn(for_ever(), name)
            with Watchdog(parts.supervisor) as watchdog:
                watchdog.health = parts.health
                await scenario(parts)
            parts.tasks.cancel()

    on_virtual_time(within())


def test_it_is_fed_three_times_in_the_time_that_it_waits() -> None:
    async def scenario(parts: Parts) -> None:
        await asyncio.sleep(10 * WITHIN + 1)
        assert [round(at / WITHIN * 3) for at in parts.supervisor.fed] == list(range(31))

    run(scenario)


def test_where_nobody_waits_there_is_no_timer() -> None:
    async def scenario() -> None:
        with Watchdog(Supervisor(None)) as watchdog:
            assert watchdog._timer is None

    on_virtual_time(scenario())


def test_a_loop_that_stands_ends_it_and_one_line_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(parts: Parts) -> None:
        await asyncio.sleep(1000)
        parts.stand()
        await asyncio.sleep(ALLOWED + 1)
        assert parts.supervisor.fed[-1] > 1000 + ALLOWED - WITHIN
        assert not caplog.records
        await asyncio.sleep(5 * WITHIN)
        assert parts.supervisor.fed[-1] <= 1000 + ALLOWED + 1
        (record,) = caplog.records
        assert record.levelname == "ERROR"
        assert record.getMessage().startswith("a loop that stands: the outbox has not got on for 6")
        assert "nothing goes out. Unless it goes on, systemd restarts the daemon within 120 seconds" in caplog.text
        parts.since = None
        await asyncio.sleep(WITHIN)
        assert parts.supervisor.fed[-1] > 1000 + ALLOWED + 5 * WITHIN
        assert "goes on" in caplog.records[-1].getMessage()

    run(scenario)


def test_a_task_that_has_ended_does(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(parts: Parts) -> None:
        names = parts.tasks.names() - {"watch"}
        parts.tasks.names = lambda: names  # type: ignore[method-assign]
        await asyncio.sleep(WITHIN)
        assert len(parts.supervisor.fed) == 1
        assert "the task 'watch' has ended" in caplog.text

    run(scenario)


def test_a_disk_that_is_full_excuses_who_waits_for_it() -> None:
    async def scenario(parts: Parts) -> None:
        parts.stand()
        parts.journal.is_full = True
        await asyncio.sleep(10 * ALLOWED)
        assert parts.health.stands() == ()
        assert parts.health.faults() == (
            "the journal: the disk is full; what came last waits in memory, and nothing is bought: make room",
        )
        parts.journal.is_full = False
        await asyncio.sleep(ALLOWED - 1)
        assert parts.health.faults() == ()
        await asyncio.sleep(2 * WITHIN)
        assert len(parts.health.stands()) == 1

    run(scenario)


def test_a_start_that_waits_for_room_on_the_disk_is_not_ended_for_it() -> None:
    """Where the disk is full as the daemon starts, it waits; to be restarted makes no room."""

    async def scenario(parts: Parts) -> None:
        parts.health._changes = "the start"
        parts.journal.is_full = True
        await asyncio.sleep(2 * CHANGE)
        assert parts.health.stands() == ()
        parts.journal.is_full = False
        await asyncio.sleep(CHANGE + REQUEST - WITHIN)
        assert parts.health.stands() == ()
        await asyncio.sleep(2 * WITHIN)
        (line,) = parts.health.stands()
        assert line.startswith("a loop that stands: the start of the daemon takes more than ")
        parts.health.ends()
        parts.journal.is_full = True
        await asyncio.sleep(CHANGE + 2 * REQUEST)
        (line,) = parts.health.stands()
        assert line.startswith("a loop that stands: the end of the daemon takes more than ")

    run(scenario)


def test_a_line_of_requests_that_moves_excuses_who_waits_in_it_and_one_that_does_not_does_not() -> None:
    async def scenario(parts: Parts) -> None:
        parts.health._loops = (parts.health._loops[0]._replace(in_line=True),)
        parts.stand()
        for _ in range(100):
            parts.line = 3, parts.line[1] + 1
            await asyncio.sleep(30)
        assert parts.health.stands() == ()
        await asyncio.sleep(ALLOWED + WITHIN)
        assert len(parts.health.stands()) == 1

    run(scenario)


def test_a_line_of_requests_that_moves_excuses_nobody_else() -> None:
    async def scenario(parts: Parts) -> None:
        parts.stand()
        for _ in range(100):
            parts.line = 3, parts.line[1] + 1
            await asyncio.sleep(30)
        assert len(parts.health.stands()) == 1

    run(scenario)


def test_a_process_that_stood_still_begins_to_count_anew() -> None:
    async def scenario(parts: Parts) -> None:
        await asyncio.sleep(1)
        parts.stand()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop._now += 10 * ALLOWED
        await asyncio.sleep(1)
        assert parts.supervisor.fed[-1] > 10 * ALLOWED
        assert parts.health.stands() == ()
        await asyncio.sleep(ALLOWED + 1)
        assert len(parts.health.stands()) == 1

    run(scenario)


def test_the_journal_counts_to_the_end_and_the_end_has_its_time() -> None:
    async def scenario(parts: Parts) -> None:
        parts.stand()
        parts.health.ends()
        await asyncio.sleep(CHANGE + REQUEST)
        assert parts.health.stands() == ()
        parts.journal.since = asyncio.get_running_loop().time() - 1
        await asyncio.sleep(JOURNAL)
        journal, end = parts.health.stands()
        assert journal.startswith("the journal has not got on for 301 seconds: no command is taken")
        assert end == f"a loop that stands: the end of the daemon takes more than {CHANGE + REQUEST:.0f} seconds"

    run(scenario)


def test_a_dead_thread_is_told_once_it_could_have_got_on() -> None:
    async def scenario(parts: Parts) -> None:
        parts.journal.since = -math.inf
        await asyncio.sleep(JOURNAL)
        assert parts.health.stands() == ()
        await asyncio.sleep(1)
        assert len(parts.health.stands()) == 1

    run(scenario)


def test_a_journal_that_does_not_open_is_not_waited_for_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        supervisor = Supervisor()
        with Watchdog(supervisor):
            await asyncio.sleep(CHANGE + 5 * WITHIN)
        assert CHANGE - WITHIN < supervisor.fed[-1] <= CHANGE
        assert "the journal has not been opened for" in caplog.text

    on_virtual_time(scenario())


def test_a_broker_that_is_away_for_a_minute_is_a_fault_and_no_reason_for_a_restart() -> None:
    async def scenario(parts: Parts) -> None:
        away = AWAY
        parts.health._away_for = lambda: away
        assert parts.health.faults() == ()
        away = 3600.4
        assert parts.health.faults() == ("the broker has been away for 3600 seconds (a minute is too long)",)
        assert parts.health.stands() == ()

    run(scenario)
