"""What the plugins reach of the daemon, and what it hears of them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.journal.memories import PluginMemory
from shomare_mqtt.model import Message
from shomare_mqtt.plugin.api_factory import ApiFactory
from shomare_mqtt.plugin.call_journal import CallJournal
from shomare_mqtt.plugin.health import FailureReports
from shomare_mqtt.plugin.host import PluginHost

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Spawn
    from shomare_mqtt.daemon.broker import Broker
    from shomare_mqtt.journal.store import Journal
    from shomare_mqtt.model import Order
    from shomare_mqtt.plugin.loading import Loaded

LOG = logging.getLogger("shomare_mqtt.plugin")


class PluginSurroundings:
    """Makes their host."""

    def __init__(self, broker: Broker, journal: Journal, mask: Mask, spawn: Spawn) -> None:
        self._broker = broker
        self._journal = journal
        self._mask = mask
        self._spawn = spawn

    def host(
        self, plugins: tuple[Loaded, ...], base_topic: str, clock: Clock, on_change: Callable[[], None]
    ) -> PluginHost:
        """The host; `on_change` is told when one of them does otherwise than before."""
        host = PluginHost(
            plugins,
            apis=ApiFactory(base_topic, self._publish, clock, LOG),
            reports=FailureReports(LOG, self._failed, on_change),
            journal=CallJournal(PluginMemory(self._journal), self._lookup, self._journal.time.now),
            clock=clock,
        )
        self._mask.learn(host.secrets())
        return host

    def _publish(self, topic: str, payload: bytes, retain: bool) -> None:  # noqa: FBT001 - the host's port
        if retain:
            self._broker.retained.put(topic, payload)
        else:
            self._broker.outbox.send_volatile(Message(topic, payload))

    def _failed(self, name: str, message: str) -> None:
        work = self._broker.say(BridgeEvent.PLUGIN_FAILED, self._mask.text(message), plugin=name)
        self._spawn(work, f"plugin {name} failed")

    async def _lookup(self, order: str) -> Order | None:
        record = await self._journal.find(order)
        return record.order if record else None
