"""A plugin on trial: the real host around one plugin, on an event loop of its own, with a clock moved by hand."""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from shomare_mqtt.errors import CommandRefusedError
from shomare_mqtt.model import Order, OrderState, Price, PriceList, Product, Profile, Sms
from shomare_mqtt.plugin.api import Retry, Veto
from shomare_mqtt.plugin.api_factory import ApiFactory
from shomare_mqtt.plugin.call_journal import CallJournal
from shomare_mqtt.plugin.finding import find, found_in
from shomare_mqtt.plugin.health import FailureReports
from shomare_mqtt.plugin.host import PluginHost
from shomare_mqtt.plugin.loading import make
from shomare_mqtt.plugin.trial_clock import TrialClock

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from shomare_mqtt.plugin.call_journal import Row
    from shomare_mqtt.plugin.finding import Found
    from shomare_mqtt.plugin.runner import TimeLimits

_LOG = logging.getLogger("shomare_mqtt.plugin")
_PATIENCE = 60.0
T = TypeVar("T")
_PRODUCT = Product("7", "1", "3", "Russia", "Any", "Telegram")


@dataclass(frozen=True, slots=True)
class Published:
    """What a plugin published; `topic` stands below the base topic."""

    topic: str
    payload: bytes
    retain: bool


class TrialMemory:
    """The journal's rows of plugins, in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    async def load(self) -> list[Row]:
        """All rows."""
        return list(self.rows.values())

    async def save(self, row: Row) -> None:
        """Adds or replaces a row."""
        self.rows[row[0]] = row

    async def delete(self, row_id: str) -> None:
        """Forgets a row."""
        self.rows.pop(row_id, None)


@dataclass
class _Seen:
    """What came of the plugin, from any thread."""

    published: list[Published] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    exceptions: list[BaseException] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)


class PluginTrial:
    """One plugin under test; a context manager. What a hook raises is raised by the method that called it, but Retry.

    `failures` are the sentences that an operator would read, `retries` the Retry exceptions so far.
    """

    def __init__(
        self,
        plugin: Any,
        settings: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        limits: TimeLimits | None = None,
    ) -> None:
        self.clock = TrialClock()
        self.memory = TrialMemory()
        self.retries: list[Retry] = []
        self.orders: dict[str, Order] = {}
        self._limits = limits
        self._seen = _Seen()
        self._name, found = _found(plugin, name)
        self._loaded = make(self._name, found, dict(settings or {}))
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="plugin-trial", daemon=True)

    def __enter__(self) -> Self:
        """Starts the plugin; raises what its startup raised."""
        self._thread.start()
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the plugin."""
        try:
            self._wait(self._host.stop())
        finally:
            self._end()

    @property
    def published(self) -> list[Published]:
        """Everything published so far."""
        return self._seen.published

    @property
    def failures(self) -> list[str]:
        """What `event/bridge` would have said."""
        return self._seen.failures

    @property
    def state(self) -> str | None:
        """`running`, `failed` or `left_out`."""
        return self._host.describe()[0]["state"]

    @property
    def order(self) -> Order:
        """The newest order; a waiting one is made where there is none."""
        if not self.orders:
            self._remember(_order(f"01TRIAL{len(self.orders):019d}", self.clock.now()))
        return list(self.orders.values())[-1]

    def wait_published(self, count: int = 1, seconds: float = 5) -> list[Published]:
        """Waits until a task of the plugin published so many messages; raises TimeoutError."""
        with self._seen.changed:
            if not self._seen.changed.wait_for(lambda: len(self.published) >= count, seconds):
                raise TimeoutError(f"{len(self.published)} messages were published, not {count}")
        return self.published

    def order_changed(self, state: OrderState | str = OrderState.WAITING, **changes: Any) -> Order:
        """A new state (and other fields) of the newest order; calls `shomare_order_changed`."""
        previous = self.order
        order = replace(previous, state=OrderState(state), updated_at=self.clock.now(), **changes)
        self._remember(order)
        self._tell(lambda: self._host.order_changed(order, previous))
        return order

    def sms(self, text: str | None, code: str | None = None, *, sender: str | None = None) -> Sms:
        """An SMS arrives; calls `shomare_sms_received`, and `shomare_code_received` where there is a code."""
        sms = Sms(f"{self.order.order}-{len(self.order.sms) + 1}", code, text, sender, self.clock.now())
        order = replace(self.order, state=OrderState.RECEIVED, sms=(*self.order.sms, sms))
        self._remember(order)
        self._tell(lambda: self._host.sms_received(order, sms))
        return sms

    def balance_changed(self, balance: Any, previous: Any = None, currency: str = "IRT") -> None:
        """Another balance was read; calls `shomare_balance_changed`."""
        before = None if previous is None else Profile(Decimal(str(previous)), currency)
        self._tell(lambda: self._host.balance_changed(Profile(Decimal(str(balance)), currency), before))

    def prices_changed(self, prices: PriceList, previous: PriceList | None = None) -> None:
        """Other prices were read; calls `shomare_prices_changed`."""
        self._tell(lambda: self._host.prices_changed(prices, previous))

    def authorize_buy(self, price: Any = None, spend: Any = 0, product: Product = _PRODUCT) -> str | None:
        """Why a purchase is denied, as the sender would read it; None where it is allowed."""
        exact = None if price is None else Decimal(str(price))
        try:
            self._wait(self._host.authorize_buy(product, exact, Decimal(str(spend))))
        except CommandRefusedError as error:
            self._raise()
            return error.message
        return None

    def extract_code(self, text: str) -> str | None:
        """The code that the plugin reads in an SMS text."""
        code = self._wait(self._host.extract_code(text))
        self._raise()
        return code

    def discovery(self, order: Order | None = None) -> dict[str, dict[str, Any]]:
        """The Home Assistant components that the plugin adds."""
        components = self._wait(self._host.discovery(order))
        self._raise()
        return components

    def advance(self, seconds: float) -> None:
        """Moves the time on, and makes the calls that are due by then."""
        self._wait(self.clock.move(seconds))
        self._settle()

    def restart(self) -> None:
        """Ends the plugin as the daemon's end would, and starts it again with what was written down."""
        self._wait(self._host.stop())
        self._start()
        self._settle()

    def _start(self) -> None:
        self._wait(self._make_host())
        self._raise()

    async def _make_host(self) -> None:
        self._host = PluginHost(
            (self._loaded,),
            apis=ApiFactory("shomare", self._published, self.clock, _LOG),
            reports=FailureReports(_LOG, lambda _name, message: self._seen.failures.append(message), lambda: None),
            journal=CallJournal(self.memory, self._lookup, lambda: self.clock.now().timestamp()),
            clock=self.clock,
            limits=self._limits,
            on_exception=lambda _name, error: self._seen.exceptions.append(error),
        )
        await self._host.start()
        self._running = asyncio.ensure_future(self._host.run())

    async def _lookup(self, order_id: str) -> Order | None:
        return self.orders.get(order_id)

    def _published(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - the host's callback
        with self._seen.changed:
            self._seen.published.append(Published(topic, payload, retain))
            self._seen.changed.notify_all()

    def _remember(self, order: Order) -> None:
        self.orders[order.order] = order

    def _tell(self, tell: Any) -> None:
        self._loop.call_soon_threadsafe(tell)
        self._settle()

    def _settle(self) -> None:
        self._wait(self._host.settled())
        self._raise()

    def _raise(self) -> None:
        exceptions = self._seen.exceptions[:]
        self._seen.exceptions.clear()
        self.retries += [error for error in exceptions if isinstance(error, Retry)]
        for error in exceptions:
            if not isinstance(error, Retry | Veto):
                raise error

    def _wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(_PATIENCE)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_PATIENCE)
        self._loop.close()


def price_list(prices: Mapping[str, tuple[Any, int | None]], country: str = "7", operator: str = "1") -> PriceList:
    """A price list of `{application: (price, stock)}`, for `PluginTrial.prices_changed`."""
    return PriceList(
        country,
        operator,
        tuple(Price(a, Decimal(str(p)), count, f"App {a}") for a, (p, count) in prices.items()),
        currency="IRT",
    )


def _found(plugin: Any, name: str | None) -> tuple[str, Found]:
    if isinstance(plugin, Path) or (isinstance(plugin, str) and "/" in plugin) or str(plugin).endswith(".py"):
        path = Path(plugin).resolve()
        return name or path.stem, find(path.stem, (path.parent,), _LOG)
    if isinstance(plugin, str):
        return name or plugin, find(plugin, (), _LOG)
    found = found_in(plugin)
    own = plugin.__name__.rpartition(".")[-1] if isinstance(plugin, ModuleType) else "plugin"
    return name or own, found


def _order(order_id: str, now: datetime) -> Order:
    return Order(
        order=order_id,
        state=OrderState.WAITING,
        product=_PRODUCT,
        created_at=now,
        updated_at=now,
        purchase="74001",
        phone="+79313226657",
        price=Decimal(2200),
        expires_at=now + timedelta(minutes=20),
    )
