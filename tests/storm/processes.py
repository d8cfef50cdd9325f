"""The daemon and the provider as processes that are killed and started again, on the same files and ports."""

from __future__ import annotations

import asyncio
import shutil
import signal
import sqlite3
import sys
from contextlib import closing
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.cli.process import environment
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.storm.site import REFUND_DELAY

if TYPE_CHECKING:
    from pathlib import Path

LIFETIME = 60
"""Seconds that a number lives, as the provider has it and as the daemon takes it of one that the operator found."""
SETTINGS = """
[mqtt]
port = {broker}
client_id = "{name}"
session_expiry = 3600
[provider]
base_url = "http://127.0.0.1:{provider}/api"
token = "demo-token"
requests_per_minute = 0
timeout = {timeout}
[orders]
poll_interval = 0.3
settle_delay = 0.5
lifetime = {lifetime}
[limits]
double_press = 0
max_open_orders = 100000
max_unused_per_day = 100000
[state]
directory = "{state}"
"""


class _Process:
    """One program; what it says goes to a file."""

    def __init__(self, folder: Path, name: str, *arguments: str) -> None:
        self.arguments = (sys.executable, "-m", *arguments)
        self.log = folder / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *self.arguments, env=environment(), stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    @property
    def status(self) -> int | None:
        return self._process.returncode if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> None:
        """Returns once it ended by itself."""
        assert self._process is not None
        await self._process.wait()

    def pause(self) -> None:
        """SIGSTOP."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """SIGCONT."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL. Returns once it is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self._process is not None
        if self._process.returncode is None:
            self._process.terminate()
        return await asyncio.wait_for(self._process.wait(), PATIENCE)


class Daemon(_Process):
    """`shomare-mqtt run`, with `name` for its client id. `timeout`: seconds that an answer of the provider's has."""

    def __init__(self, folder: Path, name: str, broker: int, provider: int, timeout: float = 2) -> None:
        self.state = folder / f"{name}-state"
        self.config = config = folder / f"{name}.toml"
        values = {"broker": broker, "provider": provider, "state": self.state, "lifetime": LIFETIME, "name": name}
        values["timeout"] = timeout
        config.write_text(SETTINGS.format(**values))
        super().__init__(folder, name, "shomare_mqtt", "run", "--config", str(config))

    def journal(self, copy: Path) -> Journal:
        """What is in the journal now; to be called while no process has it open."""
        shutil.rmtree(copy, ignore_errors=True)
        if self.state.exists():
            shutil.copytree(self.state, copy)
        return Journal(copy / "journal.sqlite3")


class Journal:
    """What a copy of the journal holds."""

    def __init__(self, path: Path) -> None:
        self.orders: list[dict[str, Any]] = []
        self.outbox: list[str] = []
        self.taken: set[str] = set()
        self.unanswered: set[str] = set()
        if path.exists():
            with closing(sqlite3.connect(path)) as connection:
                connection.row_factory = sqlite3.Row
                self._read(connection)

    def _read(self, connection: sqlite3.Connection) -> None:
        if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
            return  # it died before the file had its tables
        self.orders = [dict(row) for row in connection.execute("SELECT * FROM orders")]
        self.outbox = [kind for (kind,) in connection.execute("SELECT kind FROM outbox")]
        rows = connection.execute("SELECT digest, done FROM commands").fetchall()
        self.taken = {digest for digest, _ in rows}
        self.unanswered = {digest for digest, done in rows if not done}


def digest(topic: str, payload: bytes) -> str:
    """What the journal knows a delivery by."""
    return sha256(topic.encode() + b"\0" + payload).hexdigest()


class Provider(_Process):
    """The simulated provider, whose ledger outlives it."""

    def __init__(self, folder: Path, gone_status: int) -> None:
        self.port = free_port()
        options: dict[str, float] = {"refund-delay": REFUND_DELAY, "gone-status": gone_status}
        options |= {"sms-delay": 0.4, "sms-count": 2, "sms-interval": 0.6, "lifetime": LIFETIME, "latency": 0.1}
        more = {"countries": 300, "balance": 10**9, "state": folder / "provider.json", "port": self.port}
        arguments = [str(part) for name, value in (options | more).items() for part in (f"--{name}", value)]
        super().__init__(folder, "provider", "shomare_mqtt", "simulate", *arguments)
        self._faults: dict[str, Any] = {}

    async def start(self) -> None:
        """Returns once it answers, with the faults that it had."""
        await super().start()
        async with asyncio.timeout(PATIENCE):
            while not await self._answers():  # noqa: ASYNC110 - a process tells nobody that it has begun
                await asyncio.sleep(0.05)
        if self._faults:
            await self.control("faults", **self._faults)

    async def _answers(self) -> bool:
        try:
            await self.state()
        except aiohttp.ClientError:
            return False
        return True

    async def set_faults(self, **faults: Any) -> None:
        self._faults = faults
        await self.control("faults", **faults)

    async def control(self, action: str, **arguments: Any) -> None:
        """Change something. Raises AssertionError where that cannot be."""
        assert await self.may(action, **arguments), f"{action} {arguments}"

    async def may(self, action: str, **arguments: Any) -> bool:
        """Change something, unless that cannot be; whether it could."""
        async with aiohttp.ClientSession() as http, http.post(self._url(action), json=arguments) as answer:
            return answer.status == 200

    async def state(self) -> dict[str, Any]:
        async with aiohttp.ClientSession() as http, http.get(self._url("state")) as answer:
            found: dict[str, Any] = await answer.json()
            return found

    def _url(self, action: str) -> str:
        return f"http://127.0.0.1:{self.port}/_sim/{action}"
