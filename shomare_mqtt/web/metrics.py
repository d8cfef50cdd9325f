"""The figures for Prometheus (contract, section Metrics): counted as things happen, or asked for as they are fetched.

All of them stand in a registry of their own. Names and labels hold no number, code, token or id of an order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from shomare_mqtt import __version__
from shomare_mqtt.core.render import Status
from shomare_mqtt.model import OPEN_STATES, OrderState
from shomare_mqtt.web.labels import COMMANDS, command_label

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from shomare_mqtt.model import Endpoint, Order

_REQUEST_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40)
"""Up to twice `provider.timeout` as it is by default."""
_SMS_SECONDS = (5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1200, 1800)
"""Up to what a number lives, and somewhat beyond."""
_ENDS = tuple(state for state in OrderState if state not in OPEN_STATES)


class Now(NamedTuple):
    """What is asked for as the figures are fetched; None leaves one out, since nobody knows it."""

    open_orders: int
    unknown_orders: int
    sms: int
    buying_paused: bool
    provider_up: bool
    broker_connected: bool
    broker_connects: int
    outbox: int | None
    balance: Decimal | None
    spent_today: Decimal | None


class Metrics:
    """All of them."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of when its counting began
        self._registry = registry = CollectorRegistry()
        Info("shomare_build", "Which version of the daemon runs.", registry=registry).info({"version": __version__})
        self._commands = Counter(
            "shomare_commands_total",
            "Commands that were answered, queries too, by the topic without ids and by the answer's status.",
            ("command", "status"),
            registry=registry,
        )
        self._orders = Counter(
            "shomare_orders_total", "Orders that ended, by the state they ended in.", ("state",), registry=registry
        )
        self._requests = Counter(
            "shomare_provider_requests_total",
            "HTTP requests to the provider, by its endpoint and by ok or the error's code.",
            ("endpoint", "outcome"),
            registry=registry,
        )
        self._request_seconds = Histogram(
            "shomare_provider_request_seconds",
            "How long an HTTP request to the provider took, with the reading of its answer.",
            ("endpoint",),
            buckets=_REQUEST_SECONDS,
            registry=registry,
        )
        self._seconds_to_sms = Histogram(
            "shomare_seconds_to_sms",
            "From the beginning of a purchase to its first SMS.",
            buckets=_SMS_SECONDS,
            registry=registry,
        )
        self._momentary = _Momentary()
        registry.register(self._momentary)
        ProcessCollector(registry=registry)
        self._begin()

    def _begin(self) -> None:
        """What is counted begins at 0, so that its first increase is seen as one."""
        for state in _ENDS:
            self._orders.labels(state.value)
        for command in COMMANDS:
            for status in (Status.OK, Status.ERROR):
                self._commands.labels(command, status.value)
        self._commands.labels("buy", Status.UNKNOWN.value)

    def answered(self, command: str, status: Status) -> None:
        """A command was answered."""
        self._commands.labels(command_label(command), status.value).inc()

    def requested(self, endpoint: Endpoint, outcome: str, seconds: float) -> None:
        """The provider was asked."""
        self._requests.labels(endpoint.value, outcome).inc()
        self._request_seconds.labels(endpoint.value).observe(seconds)

    def changed(self, order: Order, previous: Order | None, seconds: float) -> None:
        """An order is another one than before, so many seconds after its purchase began."""
        if previous is None:
            return
        if previous.is_open and not order.is_open:
            self._orders.labels(order.state.value).inc()
        if order.sms and not previous.sms:
            self._seconds_to_sms.observe(max(0.0, seconds))

    def text(self, now: Now, accept: str) -> tuple[bytes, str]:
        """All figures in the form that an Accept header asks for, and its Content-Type."""
        self._momentary.now = now
        try:
            encode, content_type = choose_encoder(accept)
        except (TypeError, ValueError):  # a version in it that is none: whoever sends that gets the usual form
            encode, content_type = choose_encoder("")
        return encode(self._registry), content_type


class _Momentary(Collector):
    """Figures that others hold."""

    now: Now

    def collect(self) -> Iterator[Metric]:
        """As they are now."""
        now = self.now
        yield _gauge("shomare_open_orders", "Orders that are open, those in doubt too.", now.open_orders)
        yield _gauge(
            "shomare_unknown_orders",
            "Open orders of which nobody knows whether they were bought: money may be gone, and a person must look.",
            now.unknown_orders,
        )
        yield CounterMetricFamily("shomare_sms", "SMS that came.", value=now.sms)
        yield _gauge("shomare_buying_paused", "1 while no purchase is begun, 0 else.", now.buying_paused)
        yield _gauge("shomare_provider_up", "1 while provider/state is online, 0 else.", now.provider_up)
        yield _gauge("shomare_broker_connected", "1 while the broker is connected, 0 else.", now.broker_connected)
        yield CounterMetricFamily("shomare_broker_connects", "Connections to the broker.", value=now.broker_connects)
        yield _gauge("shomare_outbox_messages", "Messages that wait for the broker to take them.", now.outbox)
        yield _gauge("shomare_balance", "The account's balance as it was read last.", now.balance)
        yield _gauge("shomare_spent_today", "Money that counts as spent today, less refunds.", now.spent_today)


def _gauge(name: str, text: str, value: Decimal | int | None) -> Metric:
    return GaugeMetricFamily(name, text, value=None if value is None else float(value))
