"""systemd: what the daemon tells it, and the unit that we ship."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from configparser import ConfigParser
from pathlib import Path

import pytest

from shomare_mqtt.config import Provider
from shomare_mqtt.systemd import Notifier
from tests.programs import program

UNIT = Path(__file__).parent.parent / "systemd" / "shomare-mqtt.service"


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_told(tmp_path: Path, abstract: bool) -> None:
    name = f"@shomare-{tmp_path.name}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind("\0" + name[1:] if abstract else name)
        supervisor.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name})
        notifier.ready("The broker cannot be reached;\nwaiting for it")
        for _ in range(2):
            notifier.status("2 open orders\nREADY=0")
        notifier.stopping()
        notifier.status("nothing after the end has begun")
        notifier.ready("all that came")
        told = [supervisor.recv(1000).decode() for _ in range(4)]
    assert told == [
        "READY=1\nSTATUS=The broker cannot be reached; waiting for it",
        "STATUS=2 open orders READY=0",
        "STOPPING=1\nSTATUS=Stopping",
        "READY=1\nSTATUS=all that came",
    ]


def test_what_is_told_of_a_reload(tmp_path: Path) -> None:
    name = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name)
        supervisor.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name})
        notifier.note = "settings read again: nothing changed"
        notifier.reloading()
        notifier.reloaded()  # before the start is over, neither: systemd would take it for started
        notifier.ready("all is well")
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        notifier.reloading()
        notifier.note = "settings read again: not taken over:\nREADY=0"
        notifier.reloaded()
        notifier.status("2 open orders")
        told = [supervisor.recv(1000).decode() for _ in range(4)]
    reloading, at = told.pop(1).split("\nMONOTONIC_USEC=")
    assert (reloading, int(at) >= before) == ("RELOADING=1", True)
    assert told == [
        "READY=1\nSTATUS=all is well; settings read again: nothing changed",
        "READY=1\nSTATUS=all is well; settings read again: not taken over: READY=0",
        "STATUS=2 open orders; settings read again: not taken over: READY=0",
    ]


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nonexistent/socket"}])
def test_nobody_listens(environment: dict[str, str]) -> None:
    Notifier(environment).ready()


def test_what_keeps_a_watchdog_quiet(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(name := str(tmp_path / "notify"))
        supervisor.settimeout(5)
        notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "90000000", "WATCHDOG_PID": str(os.getpid())})
        assert notifier.watchdog == 90
        notifier.alive(90)
        notifier.ready()
        notifier.alive(90)
        notifier.end_within = 150
        notifier.stopping()
        notifier.alive(90)
        told = [supervisor.recv(1000).decode() for _ in range(5)]
        supervisor.setblocking(False)
        with pytest.raises(BlockingIOError):
            supervisor.recv(1000)
    assert told == [
        "EXTEND_TIMEOUT_USEC=90000000",
        "READY=1",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=150000000",
        "STOPPING=1\nSTATUS=Stopping",
    ]


@pytest.mark.parametrize(
    "environment",
    [{}, {"WATCHDOG_USEC": ""}, {"WATCHDOG_USEC": "0"}, {"WATCHDOG_USEC": "-5"}, {"WATCHDOG_USEC": "a minute"},
     {"WATCHDOG_USEC": "90000000", "WATCHDOG_PID": "1"}],
)  # fmt: skip
def test_no_watchdog_waits(environment: dict[str, str]) -> None:
    assert Notifier({"NOTIFY_SOCKET": "/run/notify", **environment}).watchdog is None
    assert Notifier({"WATCHDOG_USEC": "90000000"}).watchdog is None


def test_the_unit_is_clean() -> None:
    done = subprocess.run([program("systemd-analyze"), "verify", UNIT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_unit_may_do_little() -> None:
    done = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=true", "--threshold=15", UNIT],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_unit_says_what_the_daemon_relies_on() -> None:
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert service["Type"] == "notify"
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"
    assert service["StateDirectoryMode"] == "0700"
    assert service["RestartPreventExitStatus"] == "78"
    assert service["LoadCredential"].startswith("token:")
    assert float(service["TimeoutStopSec"]) > 2 * Provider().timeout
    assert float(service["TimeoutAbortSec"]) > 2 * Provider().timeout
    assert float(service["WatchdogSec"]) >= 60
    assert (service["WatchdogSignal"], service["LimitCORE"]) == ("SIGTERM", "0")


def test_memory_that_may_not_become_code_is_enough() -> None:
    """The unit's MemoryDenyWriteExecute, as the kernel offers it to a process itself (prctl(2), PR_SET_MDWE)."""
    script = (
        "import ctypes, sys\n"
        "if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0): sys.exit(77)\n"
        "import asyncio, ssl, sqlite3, aiohttp, paho.mqtt.client, pydantic_settings, pluggy\n"
        "import shomare_mqtt.config.reading, shomare_mqtt.config.handing_over\n"
        "import shomare_mqtt.mqtt.connection, shomare_mqtt.provider.transport\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    if done.returncode == 77:
        pytest.skip("this kernel does not offer PR_SET_MDWE")
    assert (done.returncode, done.stderr) == (0, "")
