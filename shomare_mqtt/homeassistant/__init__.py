"""Home Assistant's MQTT discovery: what is announced, and when."""

from shomare_mqtt.homeassistant.announcer import Announcer, Link, status_topic
from shomare_mqtt.homeassistant.context import DiscoveryContext, WatchedProduct
from shomare_mqtt.homeassistant.discovery import discovery_message, discovery_topic, refused_extra

__all__ = [
    "Announcer",
    "DiscoveryContext",
    "Link",
    "WatchedProduct",
    "discovery_message",
    "discovery_topic",
    "refused_extra",
    "status_topic",
]
