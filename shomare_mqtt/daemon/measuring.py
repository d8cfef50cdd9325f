"""The figures for Prometheus put together: who is listened to as things happen, and where the rest is asked for.

Imported only where `[metrics] enabled` says so.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from shomare_mqtt.config.addresses import is_loopback
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.errors import JournalError
from shomare_mqtt.model import OrderState
from shomare_mqtt.web.healthz import healthz
from shomare_mqtt.web.metrics import Metrics, Now
from shomare_mqtt.web.serving import guarded, serve

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeVar

    from shomare_mqtt.config import held
    from shomare_mqtt.core.bridge import Bridge
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.records import Record
    from shomare_mqtt.daemon.broker import Broker
    from shomare_mqtt.daemon.health import Health
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.provider.client import Client

    T = TypeVar("T")

LOG = logging.getLogger("shomare_mqtt.web")
_LONGEST = 3.0
"""Seconds that the journal has to tell a figure, before that is left out: Prometheus gives up after ten."""


class Measuring:
    """Listens from its making on, to be made before commands are taken."""

    def __init__(
        self,
        settings: held.Metrics,
        bridge: Bridge,
        broker: Broker,
        journal: Journal,
        client: Client,
        clock: Clock,
        health: Health,
    ) -> None:
        self._settings = settings
        self._bridge = bridge
        self._broker = broker
        self._journal = journal
        self._clock = clock
        self._health = health
        self._metrics = Metrics()
        bridge.desk.answering.on_answered = self._metrics.answered
        bridge.orders.ledger.listeners.append(self._changed)
        client.observe(self._metrics.requested)

    async def run(self) -> None:
        """Answer whoever fetches them, for ever."""
        host, port = self._settings.host, self._settings.port
        if not is_loopback(host):
            LOG.warning(
                "metrics: there is no password: whoever reaches port %d of this machine by %s reads the balance and "
                "what is spent; let a firewall keep others out",
                port,
                host,
            )
        await serve(self._app, "metrics.port", host, port, self._clock)

    def _app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/metrics", guarded(self._fetched, self._tell))
        app.router.add_get("/healthz", guarded(healthz(self._health.faults), self._tell))
        app.router.add_get("/livez", guarded(healthz(self._health.stands), self._tell))
        return app

    def _tell(self, error: BaseException) -> None:
        LOG.error("metrics: a fault of this program: %s", trace_of(error))

    def _changed(self, record: Record, previous: Record | None) -> None:
        seconds = self._journal.time.now() - record.made
        self._metrics.changed(record.order, previous.order if previous else None, seconds)

    async def _fetched(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.text(await self._now(), request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def _now(self) -> Now:
        orders, market, session = self._bridge.orders, self._bridge.market, self._broker.session
        outbox, facts = await asyncio.gather(_told(self._journal.outbox_length()), _told(orders.guard.facts()))
        unknown = sum(record.order.state is OrderState.UNKNOWN for record in orders.ledger.open())
        return Now(
            open_orders=orders.ledger.open_count,
            unknown_orders=unknown,
            sms=orders.ledger.sms_count,
            buying_paused=orders.guard.why_paused() is not None,
            provider_up=market.provider_state.state == "online",
            broker_connected=session.connected,
            broker_connects=session.connections,
            outbox=outbox,
            balance=market.account.balance,
            spent_today=None if facts is None else facts.spent_today,
        )


async def _told(figure: Awaitable[T]) -> T | None:
    """What the journal tells, or None: what is wrong with it is found, and said, by those who need it."""
    try:
        async with asyncio.timeout(_LONGEST):
            return await figure
    except (TimeoutError, JournalError):
        return None
