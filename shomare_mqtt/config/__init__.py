"""The settings: one TOML file, overridden by the environment (contract, section Settings).

What this package gives by name needs pydantic, and is imported by whoever asks for it: a running daemon holds the
tables of `config.held` and nothing of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shomare_mqtt.config.finding import find_file
    from shomare_mqtt.config.held import MASK
    from shomare_mqtt.config.reading import load, load_mqtt, variables
    from shomare_mqtt.config.settings import GivenSettings, Settings
    from shomare_mqtt.config.tables import (
        Defaults,
        Dialect,
        HomeAssistant,
        Limits,
        Log,
        Metrics,
        Mqtt,
        Orders,
        Plugins,
        Privacy,
        Provider,
        Refresh,
        State,
        Tls,
        WatchedPrice,
        Web,
    )

__all__ = [
    "MASK",
    "Defaults",
    "Dialect",
    "GivenSettings",
    "HomeAssistant",
    "Limits",
    "Log",
    "Metrics",
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
    "Web",
    "find_file",
    "load",
    "load_mqtt",
    "variables",
]

_ELSEWHERE = {
    "find_file": "finding",
    "load": "reading",
    "load_mqtt": "reading",
    "variables": "reading",
    "MASK": "held",
    "GivenSettings": "settings",
    "Settings": "settings",
}
"""The module of each name that is none of `tables`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_ELSEWHERE.get(name, 'tables')}"), name)
