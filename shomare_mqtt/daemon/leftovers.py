"""Retained topics that an earlier process left on the broker, and that mean nothing any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt import topics

if TYPE_CHECKING:
    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.market.prices import Prices
    from shomare_mqtt.mqtt.retained import RetainedPublisher


class Leftovers:
    """Empties them; price lists and the discovery, which come later, are not such."""

    def __init__(self, settings: InForce, prices: Prices, retained: RetainedPublisher) -> None:
        self._base = settings.now.mqtt.base_topic
        self._settings = settings
        self._plugins = tuple(f"{self._base}/plugin/{name}/" for name in settings.now.plugins.enabled)
        self._discovery = f"{settings.now.homeassistant.discovery_prefix}/"
        self._prices = prices
        self._retained = retained

    def forget(self) -> None:
        """Empty those that are known by now; to be called again when the watched prices are known."""
        self._retained.forget_leftovers(self._is_left)

    def _is_left(self, topic: str) -> bool:
        """Whether nobody will put this whole topic again."""
        if topic.startswith(f"{self._base}/prices/"):
            watched = {f"{self._base}/{topics.prices(c, o)}" for c, o, _ in self._prices.watched.values()}
            return len(self._prices.settled) == len(self._settings.now.prices) and topic not in watched
        if topic.startswith((f"{self._base}/orders/", f"{self._base}/plugin/")):
            return not topic.startswith(self._plugins)
        return not topic.startswith((f"{self._base}/", self._discovery))
