"""Whether the daemon works, of real parts: what `Health` says, and what systemd hears."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import threading
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.orders.watch import Watch
from shomare_mqtt.daemon import health
from shomare_mqtt.daemon import serving as serving_module
from shomare_mqtt.daemon.health import AWAY
from shomare_mqtt.daemon.watchdog import Watchdog
from shomare_mqtt.mqtt.session import Session
from tests.cli.process import ROOT, environment
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE
from tests.system.house import Daemon, House
from tests.system.serving import serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from shomare_mqtt.daemon.health import Health
    from shomare_mqtt.model import Message

WITHIN = 0.6
"""Seconds in which the test's supervisor wants to hear that the daemon gets on."""


class Watched(Watchdog):
    """Says which it is."""

    made: ClassVar[list[Watched]] = []

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        Watched.made.append(self)


class Ahead(SystemClock):
    """A clock that can be put forward."""

    by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + Ahead.by


@pytest.fixture(autouse=True)
def within_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_module, "Watchdog", Watched)
    monkeypatch.setattr(serving_module, "SystemClock", Ahead)
    monkeypatch.setattr(Ahead, "by", 0.0)
    Watched.made.clear()


def the_health() -> Health:
    (watched,) = Watched.made
    assert watched.health is not None
    return watched.health


def faults() -> tuple[str, ...]:
    return the_health().faults()


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not so():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(house: House) -> AsyncIterator[None]:
    async with serving(house, {}):
        await house.until_up()
        yield


async def test_it_works_whatever_the_provider_does(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    async with running(house):
        assert faults() == ()
        await house.sim.stop()
        assert (await house.probe.refused("query/profile", {}))["code"] == "provider_unreachable"
        assert faults() == ()


async def test_a_journal_that_is_held_up(
    open_house: Callable[..., Awaitable[House]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "JOURNAL", 0.0)
    house = await open_house()
    async with running(house):
        gate = threading.Event()
        held = asyncio.create_task(the_health()._journal._database.run(lambda _: gate.wait(PATIENCE)))
        await until(lambda: any("no command is taken and nothing is bought" in each for each in faults()))
        gate.set()
        await held
        await until(lambda: faults() == ())


async def test_an_outbox_that_sends_nothing(
    open_house: Callable[..., Awaitable[House]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "OUTBOX", 0.0)
    gate, publish = asyncio.Event(), Session.publish

    async def hang(session: Session, message: Message) -> None:
        if message.topic.startswith("event/order"):
            await gate.wait()
        await publish(session, message)

    monkeypatch.setattr(Session, "publish", hang)
    house = await open_house()
    async with running(house):
        await house.probe.publish("buy", {"country": "7", "operator": "1", "application": "3"})
        await until(lambda: any("the outbox has not got on" in each for each in faults()))
        gate.set()
        await until(lambda: faults() == ())


async def test_a_watch_that_is_dead(
    open_house: Callable[..., Awaitable[House]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ends(_: Watch) -> None:
        pass

    monkeypatch.setattr(Watch, "_until_stopped", ends)
    house = await open_house()
    async with running(house):
        await until(lambda: faults() == ("a loop that stands: the task 'watch' has ended",))


async def test_a_broker_that_is_away_for_a_minute(tmp_path: Path) -> None:
    house = House(tmp_path, free_port(), "away", {})
    async with serving(house, {"provider": {"base_url": f"http://127.0.0.1:{free_port()}/api"}}):
        await until(lambda: any(each.health for each in Watched.made))
        assert faults() == ()
        Ahead.by = AWAY + 1
        (said,) = faults()
        assert "the broker has been away for" in said
        assert the_health().stands() == ()
        async with Mosquitto(tmp_path, port=house.port):
            await until(lambda: faults() == ())
            Ahead.by += AWAY
            assert faults() == ()
        await until(lambda: the_health()._away_for() > 0)
        assert faults() == ()
        Ahead.by += AWAY
        assert len(faults()) == 1


# --- a process of its own, and a supervisor ---------------------------------------------------------------------------


class Supervisor:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, channel: socket.socket, address: str) -> None:
        self._channel = channel
        self.variables = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": f"{WITHIN * 1e6:.0f}"}

    async def heard(self, words: str, times: int = 1) -> None:
        """Returns once it was said so many times more."""
        async with asyncio.timeout(PATIENCE):
            for _ in range(times):
                while words not in await self._next():
                    pass

    async def _next(self) -> str:
        return (await asyncio.get_running_loop().sock_recv(self._channel, 4096)).decode()

    def said(self) -> list[str]:
        """What was said and not heard yet."""
        found: list[str] = []
        try:
            while True:
                found.append(self._channel.recv(4096).decode())
        except BlockingIOError:
            return found


@contextmanager
def supervising(folder: Path) -> Iterator[Supervisor]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(address := str(folder / "notify"))
        channel.setblocking(False)
        yield Supervisor(channel, address)


def is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


async def test_the_watchdog_is_fed_until_the_process_hangs(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    with supervising(house.folder) as systemd:
        daemon = await house.launch({}, **systemd.variables)
        await systemd.heard("EXTEND_TIMEOUT_USEC=600000")
        await systemd.heard("READY=1")
        await systemd.heard("WATCHDOG=1")
        house.sim.fault("buy", "hold")
        await house.probe.publish("buy", {"country": "7", "operator": "1", "application": "3"})
        await house.called("buy")
        await systemd.heard("WATCHDOG=1", times=5)
        house.sim.clear_faults()
        daemon.process.send_signal(signal.SIGSTOP)
        await until(lambda: is_stopped(daemon.process.pid))
        systemd.said()
        await asyncio.sleep(WITHIN)
        assert systemd.said() == []
        daemon.process.send_signal(signal.SIGCONT)
        await systemd.heard("WATCHDOG=1", times=2)
        assert "has not got on" not in daemon.log
        daemon.process.send_signal(signal.SIGHUP)
        await systemd.heard("WATCHDOG=1", times=10)


async def test_a_journal_that_is_held_up_ends_the_feeding(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    gate, log_file = house.folder / "held-up", house.folder / "held-up.log"
    script = (
        "import os, time\n"
        "from shomare_mqtt.daemon import health\n"
        "from shomare_mqtt.journal.writer import Writer\n"
        "health.JOURNAL = 2.0\n"
        "carry_out = Writer._carry_out\n"
        "def held_up(writer, **more):\n"
        f"    while os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "    carry_out(writer, **more)\n"
        "Writer._carry_out = held_up\n"
        "from shomare_mqtt.__main__ import main\n"
        "raise SystemExit(main())\n"
    )
    with supervising(house.folder) as systemd, log_file.open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, "run", "--config", str(house.file({})),
            env=environment(**systemd.variables), cwd=ROOT, stdout=log, stderr=log,
        )  # fmt: skip
        daemon = Daemon(process, log_file)
        house.daemons.append(daemon)
        await systemd.heard("READY=1")
        await systemd.heard("WATCHDOG=1", times=2)
        gate.touch()
        await house.probe.publish("buy", {"country": "7", "operator": "1", "application": "3"})
        await daemon.said("the journal has not got on for")
        systemd.said()
        await asyncio.sleep(WITHIN)
        assert "WATCHDOG=1" not in systemd.said()
        gate.unlink()
        await systemd.heard("WATCHDOG=1", times=2)
        await daemon.said("what stood goes on")
        os.kill(process.pid, signal.SIGTERM)
        assert await daemon.ended() == 0
