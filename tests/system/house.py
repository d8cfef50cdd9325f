"""The whole house: a broker, the simulated provider, and daemons that are processes of their own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import pytest

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from shomare_mqtt.simulator.catalog import Entry
from tests.cli.process import start_into
from tests.docs.documented import undocumented
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.system.probe import Probe

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping
    from pathlib import Path

    from tests.cli.process import Running

TOKEN = "tok-5f0c1e7a9b"
PRODUCT = {"country": "7", "operator": "1", "application": "3"}
PRICE = 2200
"""Of PRODUCT, at the simulated provider's."""


def toml(settings: Mapping[str, Any]) -> str:
    """Settings as TOML: tables within tables, and lists of tables inline."""
    lines: list[str] = []
    for name, value in settings.items():
        if not isinstance(value, dict):
            lines.insert(0, f"{name} = {_value(value)}")
            continue
        flat = {k: v for k, v in value.items() if not isinstance(v, dict)}
        lines += [f"[{name}]", *(f"{k} = {_value(v)}" for k, v in flat.items())]
        for table, content in value.items():
            if isinstance(content, dict):
                lines += [f"[{name}.{table}]", *(f"{k} = {_value(v)}" for k, v in content.items())]
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value)


def merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Settings over settings, table by table."""
    whole: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            old = whole.get(name)
            whole[name] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return whole


@dataclass
class Daemon:
    """A running `shomare-mqtt run`; its log goes to a file."""

    process: Running
    log_file: Path

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    async def said(self, word: str) -> None:
        """Returns once a word stands in the log."""
        async with asyncio.timeout(PATIENCE):
            while word not in self.log:  # noqa: ASYNC110 - a file tells nobody that it has grown
                await asyncio.sleep(0.02)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            return await self.process.wait()

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; its exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    def memory(self) -> int:
        """Bytes that it holds of the machine's memory."""
        from pathlib import Path  # noqa: PLC0415 - a type elsewhere

        text = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+)", text)
        assert found is not None
        return int(found[1]) * 1024


class ProvidersClock:
    """The simulated provider's: while it stands, no number there grows older, however late a test or a daemon is."""

    def __init__(self) -> None:
        self._stands_at: float | None = None

    def __call__(self) -> float:
        return time.monotonic() if self._stands_at is None else self._stands_at

    def stop(self) -> None:
        self._stands_at = self()

    def advance(self, seconds: float) -> None:
        self._stands_at = self() + seconds


class House:
    """Everything that a test needs. `sim`, `probe` are there from the start, daemons are started by the test.

    All that the daemons of any test have said is held against `docs/asyncapi.yaml` at its end.
    """

    def __init__(self, folder: Path, port: int, base: str, simulator: Mapping[str, Any]) -> None:
        self.folder, self.port, self.base = folder, port, base
        options = {"token": TOKEN, "sms_delay": 10_000, "sms_interval": 10_000, **simulator}
        self.clock = ProvidersClock()
        self.sim = Simulator(SimulatorOptions(**options), monotonic=self.clock)
        self.settings: dict[str, Any] = {}
        self.daemons: list[Daemon] = []
        self._stack = AsyncExitStack()
        self.probe = self.another_probe()

    async def __aenter__(self) -> Self:
        await self.sim.start(port=free_port())  # a test may stop it, and start it again there
        self._stack.push_async_callback(self.sim.stop)
        await self._stack.enter_async_context(self.probe)
        return self

    async def __aexit__(self, *_: object) -> None:
        for daemon in self.daemons:
            if daemon.process.returncode is None:
                await daemon.stop()
        await self._stack.aclose()
        others = (s for s in self.probe.seen if (s.topic, s.payload) not in self.probe.published)
        if wrong := undocumented(others):
            pytest.fail("\n".join(["not as docs/asyncapi.yaml says:", *wrong[:10]]))

    def another_probe(self, protocol: int = 5) -> Probe:
        also = (f"{self.base}-ha/#", f"{self.base}-else/#")
        return Probe(self.port, self.base, protocol=protocol, also=also)

    def file(self, settings: Mapping[str, Any], name: str = "settings.toml") -> Path:
        """A settings file for this house; `settings` over what a test wants by default."""
        usual = {
            "mqtt": {"host": "127.0.0.1", "port": self.port, "base_topic": self.base},
            "provider": {"base_url": self.sim.base_url, "token": TOKEN, "requests_per_minute": 0, "timeout": PATIENCE},
            "state": {"directory": str(self.folder / "state")},
            "orders": {"poll_interval": 0.2, "settle_delay": 0.3},
            "homeassistant": {"discovery_prefix": f"{self.base}-ha"},
        }
        path = self.folder / name
        path.write_text(toml(merged(usual, settings)))
        return path

    async def launch(
        self, settings: Mapping[str, Any] | None = None, *, name: str = "settings.toml", **variables: str
    ) -> Daemon:
        """Start a daemon, without waiting for anything."""
        path = self.file(settings or {}, name)
        log_file = self.folder / f"daemon-{len(self.daemons)}.log"
        with log_file.open("wb") as log:
            process = await start_into(log.fileno(), "run", "--config", str(path), **variables)
        self.daemons.append(Daemon(process, log_file))
        return self.daemons[-1]

    async def start(self, settings: Mapping[str, Any] | None = None) -> Daemon:
        """Start a daemon, and wait until it takes commands and knows the lists."""
        self.settings = dict(settings or {})
        since = len(self.probe.seen)
        daemon = await self.launch(settings)
        await self._unless_it_dies(daemon, self.until_up(since))
        return daemon

    async def until_up(self, since: int = 0) -> None:
        await self.probe.message("bridge/state", since, lambda s: s.text == "online")
        for topic in ("countries", "operators", "applications", "profile"):
            await self.probe.message(topic, since, lambda s: bool(s.payload))

    async def again(self, settings: Mapping[str, Any] | None = None, number: int = signal.SIGTERM) -> Daemon:
        """End the daemon, and start it again with the same settings or others."""
        await self.daemons[-1].stop(number)
        since = len(self.probe.seen)
        daemon = await self.launch(self.settings if settings is None else settings)
        online = self.probe.message("bridge/state", since, lambda s: s.text == "online")
        await self._unless_it_dies(daemon, online)
        return daemon

    async def _unless_it_dies(self, daemon: Daemon, work: Coroutine[Any, Any, object]) -> None:
        """Wait for something, failing as soon as the daemon has ended."""
        died, up = asyncio.ensure_future(daemon.process.wait()), asyncio.ensure_future(work)
        try:
            await asyncio.wait((died, up), return_when=asyncio.FIRST_COMPLETED)
            assert up.done(), f"the daemon ended with {daemon.process.returncode}:\n{daemon.log}"
            await up
        finally:
            died.cancel()
            up.cancel()

    # --- what tests do again and again ------------------------------------------------------------------------------

    async def buy(self, **fields: Any) -> Any:
        """Buy one number; the order."""
        return await self.probe.ok("buy", {**PRODUCT, **fields})

    async def order(self, order: str, *states: str) -> Any:
        """The retained order once it is in one of these states."""
        return await self.probe.holds(f"orders/{order}", lambda o: o["state"] in states)

    def bought(self) -> list[tuple[str, str, str]]:
        """What was really bought, oldest first."""
        return [(p.country, p.operator, p.application) for p in self.sim.purchases.values()]

    def product_sold(self, kind: str, number: str, name: str) -> None:
        """The provider lists one more country, operator or application."""
        entries: dict[str, Entry] = getattr(self.sim._desk.catalog, kind)
        entries[number] = Entry(number, name, "", 100, "7")

    async def all_taken(self) -> None:
        """Returns once the daemon works on all that was sent before: commands are taken in their order."""
        await self.probe.ok("query/orders", {})

    async def called(self, endpoint: str, count: int = 1) -> None:
        """Returns once an endpoint was called so many times more."""
        wanted = self.sim.calls[endpoint] + count
        await self.sim.wait_until(lambda: self.sim.calls[endpoint] >= wanted)
