"""A host as the daemon wires it, with everything that comes out of it written down."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shomare_mqtt.config import Plugins
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.model import Order, OrderState, Product, Sms
from shomare_mqtt.plugin import host as host_module
from shomare_mqtt.plugin.api_factory import ApiFactory
from shomare_mqtt.plugin.call_journal import CallJournal
from shomare_mqtt.plugin.finding import Found
from shomare_mqtt.plugin.health import FailureReports
from shomare_mqtt.plugin.host import PluginHost
from shomare_mqtt.plugin.loading import Loaded, load_plugins, make
from shomare_mqtt.plugin.runner import TimeLimits
from shomare_mqtt.plugin.testing import shomare_plugin
from shomare_mqtt.plugin.trial import TrialMemory
from tests.patience import PATIENCE

__all__ = ["shomare_plugin"]

SHIPPED = Path(__file__).parents[2] / "plugins"
QUICK = TimeLimits(startup=1, shutdown=1, decide=1, observe=1)
"""For a plugin that hangs: on a busy machine, one that does not may take as long."""
PATIENT = TimeLimits(startup=PATIENCE, shutdown=PATIENCE, decide=PATIENCE, observe=2 * PATIENCE)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LOG = logging.getLogger("test.plugin")


def an_order(number: int = 1, **changes: Any) -> Order:
    fields = {"state": OrderState.RECEIVED, "product": Product("7", "1", "3"), "created_at": NOW, "updated_at": NOW}
    return Order(f"order-{number}", **{**fields, **changes})


def an_sms(number: int = 1, code: str | None = "482913") -> Sms:
    return Sms(f"sms-{number}", code, f"Your code is {code}", "Telegram", NOW)


def plugin(name: str, table: dict[str, Any] | None = None, **hooks: Callable[..., Any]) -> Loaded:
    """A plugin made of functions: `plugin("mine", sms_received=lambda sms: …)`."""
    functions = {f"shomare_{hook}": function for hook, function in hooks.items()}
    return make(name, Found(SimpleNamespace(**functions), None, None, str(Path(__file__).parent)), table or {})


@dataclass
class Bench:
    """A running host, and what it told."""

    host: PluginHost
    memory: TrialMemory
    published: list[tuple[str, bytes, bool]] = field(default_factory=list)
    failed: list[tuple[str, str]] = field(default_factory=list)
    changes: int = 0
    orders: dict[str, Order] = field(default_factory=dict)
    running: asyncio.Task[None] = field(init=False)

    def states(self) -> dict[str | None, str | None]:
        return {entry["name"]: entry["state"] for entry in self.host.describe()}

    def receive(self, number: int = 1, code: str | None = "482913") -> Sms:
        sms = an_sms(number, code)
        order = an_order(number, sms=(sms,))
        self.orders[order.order] = order
        self.host.sms_received(order, sms)
        return sms


@pytest.fixture(autouse=True)
def _patient_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test names no limits, as those of `shomare_plugin`: a busy machine may take a second for any hook."""
    monkeypatch.setattr(host_module, "TimeLimits", lambda: PATIENT)


Load = Callable[..., PluginHost]
Hosting = Callable[..., contextlib.AbstractAsyncContextManager[Bench]]


@contextlib.asynccontextmanager
async def _hosting(
    *plugins: Loaded, limits: TimeLimits = PATIENT, memory: TrialMemory | None = None, orders: Any = None
) -> AsyncIterator[Bench]:
    kept = memory or TrialMemory()
    clock = SystemClock()
    bench: Bench

    async def lookup(order_id: str) -> Order | None:
        return bench.orders.get(order_id)

    def changed() -> None:
        bench.changes += 1

    host = PluginHost(
        plugins,
        apis=ApiFactory("shomare", lambda *message: bench.published.append(message), clock, LOG),
        reports=FailureReports(LOG, lambda *failure: bench.failed.append(failure), changed),
        journal=CallJournal(kept, lookup, lambda: clock.now().timestamp()),
        clock=clock,
        limits=limits,
    )
    bench = Bench(host, kept, orders=dict(orders or {}))
    await host.start()
    bench.running = asyncio.create_task(host.run())
    try:
        yield bench
    finally:
        await host.stop()
        await bench.running


@pytest.fixture
def hosting() -> Hosting:
    return _hosting


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads a plugin's source text as the daemon would, from a directory of the settings."""

    def loading(source: str, table: dict[str, Any] | None = None, name: str = "mine") -> PluginHost:
        (tmp_path / f"{name}.py").write_text(source)
        settings = Plugins.model_validate(
            {"enabled": (name,), "directories": (tmp_path,), **({name: table} if table else {})}
        )
        return load_host(settings)

    return loading


def load_host(settings: Plugins) -> PluginHost:
    async def nothing(_order: str) -> None:
        return None

    clock = SystemClock()
    return PluginHost(
        load_plugins(settings, LOG),
        apis=ApiFactory("shomare", lambda *_: None, clock, LOG),
        reports=FailureReports(LOG, lambda *_: None, lambda: None),
        journal=CallJournal(TrialMemory(), nothing, lambda: clock.now().timestamp()),
        clock=clock,
    )
