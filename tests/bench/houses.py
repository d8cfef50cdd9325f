"""What is measured, as processes of their own: a real broker, the stub of the API, the daemon; and what they cost.

    with Broker(folder) as broker, Stub() as stub, Daemon(folder, broker, stub) as daemon:
        before = daemon.costs()

Each is up once it is entered, and gone once it is left.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from typing import TYPE_CHECKING, Any, Self

from tests.bench.costs import Costs, costs
from tests.bench.wire import Listener
from tests.cli.process import ROOT, environment
from tests.system.house import merged, toml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PATIENCE = 60.0
"""Seconds that a process may take to be up, or to end."""
STOCK, NODELAY = "stock", "nodelay"
"""Kinds of brokers: as Debian's package has it, and one that does not wait with small packets."""
_NO_LIMITS = {"max_open_orders": 1_000_000, "double_press": 0, "max_unused_per_day": 1_000_000}
_DIALECT = {"parameters": "path", "buy": "form"} | {
    name: name for name in ("country", "operator", "application", "purchase")
}
_FROM_THE_START = ("bridge/state", "countries", "operators", "applications", "profile")


class Process:
    """A process whose errors go to a file, and which is ended when it is left. `said`: its first line."""

    def __init__(self, command: Sequence[str | Path], log: Path | None = None, **variables: str) -> None:
        self._command = [str(part) for part in command]
        self._log = log
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def costs(self) -> Costs:
        return costs(self.pid)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Returns once it is up."""
        self.spawn()
        try:
            self._await()
        except BaseException:
            self.stop()
            raise

    def spawn(self) -> None:
        """Does not wait."""
        errors = self._log.open("ab") if self._log else None
        self._process = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True,
            cwd=ROOT, env=environment(**self._variables),
        )  # fmt: skip
        if errors:
            errors.close()

    def stop(self, *, kill: bool = False) -> None:
        """SIGTERM, or SIGKILL."""
        process, self._process = self._process, None
        if process is None:
            return
        if kill:
            process.kill()
        else:
            process.terminate()
        try:
            process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()

    def first_line(self) -> str:
        """Of its output, once it has said it. Raises RuntimeError where it ends before."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command} ended: {self._log.read_text() if self._log else ''}")
        return line.strip()

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def _await(self) -> None:
        """Returns once it does its work; the process says so with its first line unless told otherwise."""
        self.first_line()


class Script(Process):
    """A module of this package; it is up once it prints a line."""

    def __init__(self, module: str, *arguments: object, log: Path | None = None) -> None:
        super().__init__([sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)], log)


class Broker(Process):
    """A mosquitto with nothing set but what is needed, on a free port of loopback. `lines`: more settings."""

    def __init__(self, folder: Path, kind: str = STOCK, lines: Sequence[str] = ()) -> None:
        self.port = free_port()
        config = folder / f"mosquitto-{self.port}.conf"
        nodelay = ["set_tcp_nodelay true"] if kind == NODELAY else []
        root = ["user root"] if os.geteuid() == 0 else []
        every = [*root, *nodelay, *lines, f"listener {self.port} 127.0.0.1", "allow_anonymous true"]
        config.write_text("\n".join(every) + "\n")
        super().__init__([mosquitto(), "-c", config], config.with_suffix(".log"))

    def _await(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not _accepts(self.port):
            if self.has_ended() or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto did not start; {self._log} says why")
            time.sleep(0.01)


class Stub(Script):
    """The API's stub. `lists`: how many `countries`, `operators`, `applications` there are."""

    def __init__(self, **lists: int) -> None:
        super().__init__("stub", *(word for name, count in lists.items() for word in (f"--{name}", count)))
        self.port = 0

    @property
    def url(self) -> str:
        """For `provider.base_url`."""
        return f"http://127.0.0.1:{self.port}/api"

    def delay(self, milliseconds: float) -> None:
        """Of every call from now on."""
        self._control("delay", milliseconds)

    def hang(self, endpoint: str, seconds: float) -> None:
        """The next call there takes so long."""
        self._control("hang", endpoint, seconds)

    def show_sms(self, *, shown: bool) -> None:
        """Whether `check` shows an SMS."""
        self._control("sms", int(shown))

    def counts(self) -> dict[str, int]:
        """How often each endpoint was called since the start."""
        return self._control("counts")

    def _await(self) -> None:
        self.port = int(self.first_line())

    def _control(self, *path: object) -> dict[str, int]:
        address = f"http://127.0.0.1:{self.port}/control/{'/'.join(map(str, path))}"
        with urllib.request.urlopen(urllib.request.Request(address), timeout=PATIENCE) as answer:
            found: dict[str, int] = json.loads(answer.read(int(answer.headers["Content-Length"])))
        return found


class Daemon(Process):
    """`shomare-mqtt run`, up once it has said that it is online and has read its lists.

    No limits on purchases or requests; `settings` outrank what stands here, `variables` outrank both.
    """

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        stub: Stub,
        *,
        base: str = "shomare",
        settings: Mapping[str, Any] | None = None,
        **variables: str,
    ) -> None:
        self.base, self.port = base, broker.port
        self.state = folder / f"state-{base}"
        usual = {
            "mqtt": {"host": "127.0.0.1", "port": broker.port, "base_topic": base},
            "provider": {"base_url": stub.url, "token": "bench", "requests_per_minute": 0, "dialect": _DIALECT},
            "state": {"directory": str(self.state)},
            "limits": _NO_LIMITS,
            "log": {"level": "warning"},
        }
        file = folder / f"{base}.toml"
        file.write_text(toml(merged(usual, settings or {})))
        file.chmod(0o600)
        command = [sys.executable, "-m", "shomare_mqtt", "run", "--config", str(file)]
        super().__init__(command, file.with_suffix(".log"), **variables)

    @property
    def log(self) -> str:
        assert self._log is not None
        return self._log.read_text()

    def _await(self) -> None:
        with Listener(self.port, f"{self.base}/#", patience=PATIENCE) as listener:
            listener.until(*(f"{self.base}/{topic}" for topic in _FROM_THE_START))


def mosquitto() -> str:
    """Its path. Raises SystemExit where it is missing: there is nothing to measure then."""
    path = shutil.which("mosquitto", path=f"{os.environ.get('PATH', os.defpath)}:/usr/local/sbin:/usr/sbin")
    if path is None:
        raise SystemExit("There is no mosquitto here, and all is measured with a real one: sudo apt install mosquitto")
    return path


def free_port() -> int:
    """One that nobody uses at the moment."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
