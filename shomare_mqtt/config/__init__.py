"""The settings: one TOML file, overridden by the environment (contract, section Settings)."""

from shomare_mqtt.config.finding import find_file
from shomare_mqtt.config.reading import load, load_mqtt, variables
from shomare_mqtt.config.settings import MASK, GivenSettings, Settings
from shomare_mqtt.config.tables import (
    Defaults,
    Dialect,
    HomeAssistant,
    Limits,
    Log,
    Mqtt,
    Orders,
    Plugins,
    Privacy,
    Provider,
    Refresh,
    State,
    Tls,
    WatchedPrice,
)

__all__ = [
    "MASK",
    "Defaults",
    "Dialect",
    "GivenSettings",
    "HomeAssistant",
    "Limits",
    "Log",
    "Mqtt",
    "Orders",
    "Plugins",
    "Privacy",
    "Provider",
    "Refresh",
    "Settings",
    "State",
    "Tls",
    "WatchedPrice",
    "find_file",
    "load",
    "load_mqtt",
    "variables",
]
