"""Settings as they are handed to a daemon: the same values in tables without pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from shomare_mqtt.config import held

if TYPE_CHECKING:
    from shomare_mqtt.config.settings import Settings


def as_held(settings: Settings) -> held.Settings:
    """What a daemon holds: equal attribute by attribute."""
    plugins = held.Plugins(
        enabled=settings.plugins.enabled,
        directories=settings.plugins.directories,
        _tables=settings.plugins.tables,
        _origin=settings.origin,
    )
    tables = _values(settings) | {"plugins": plugins}
    return held.Settings(**tables, _origin=settings.origin, _masked=settings.masked())


def _values(table: held.Held) -> dict[str, Any]:
    return {name: _held(value) for name, value in vars(table).items()}


def _held(value: Any) -> Any:
    match value:
        case SecretStr():
            return held.HeldSecret(value.get_secret_value())
        case held.Held():
            kind = next(each for each in type(value).__mro__ if each.__module__ == held.__name__)
            return kind(**_values(value))
        case tuple():
            return tuple(map(_held, value))
    return value
