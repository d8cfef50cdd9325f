"""The retained topic `bridge/info` (contract, 'State'): what this daemon is and runs with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt import __version__
from shomare_mqtt.core import render
from shomare_mqtt.provider import learnt

if TYPE_CHECKING:
    from datetime import datetime

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Retained
    from shomare_mqtt.plugin.host import PluginHost
    from shomare_mqtt.provider.client import Client

_CAPABILITIES = ("buy", "cancel", "resolve", "query", "defaults", "buying", "homeassistant", "plugins")


class BridgeInfo:
    """Shows it. `protocol` is the version of MQTT, None while there is no connection.

    What was learnt of the provider stands here too: `doctor`, beside a running daemon, cannot read the journal.
    """

    def __init__(
        self, settings: InForce, started_at: datetime, mask: Mask, retained: Retained, provider: Client
    ) -> None:
        self._settings = settings
        self._started_at = started_at
        self._mask = mask
        self._retained = retained
        self._provider = provider
        self.protocol: str | None = None

    def show(self, plugins: PluginHost) -> None:
        """Put it as it is now."""
        info = {
            "version": __version__,
            "started_at": render.timestamp(self._started_at),
            "base_topic": self._settings.now.mqtt.base_topic,
            "protocol": self.protocol,
            "plugins": plugins.describe(),
            "capabilities": list(_CAPABILITIES),
            "settings": self._mask.value(self._settings.now.masked()),
            "learnt": self._mask.value(learnt.shown(self._provider.learnt)),
        }
        self._retained.put("bridge/info", render.dumps(info))
