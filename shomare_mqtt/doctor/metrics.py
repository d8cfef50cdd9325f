"""Whom the daemon shows its figures to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.config.addresses import is_loopback
from shomare_mqtt.doctor.finding import good, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Settings
    from shomare_mqtt.doctor.finding import Finding


def of_metrics(settings: Settings) -> Iterator[Finding]:
    """Who reaches the figures for Prometheus, among which is money; nothing where there are none."""
    metrics = settings.metrics
    if not metrics.enabled:
        return
    if is_loopback(metrics.host):
        yield good("metrics", f"this machine alone reaches the figures, on port {metrics.port}")
        return
    yield unknown(
        "metrics",
        f"whoever reaches port {metrics.port} of this machine by {metrics.host} reads the balance and what is spent, "
        "without a password",
        "let a firewall admit Prometheus alone, or set metrics.host to 127.0.0.1",
    )
