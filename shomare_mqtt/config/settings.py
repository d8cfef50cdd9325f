"""All tables together, and the environment that outranks the file (contract, section Settings)."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from shomare_mqtt.config import held
from shomare_mqtt.config.environment import outranking, tables_in_environment
from shomare_mqtt.config.held import MASK
from shomare_mqtt.config.origin import NOWHERE, Origin
from shomare_mqtt.config.tables import (
    Defaults,
    HomeAssistant,
    Limits,
    Log,
    Metrics,
    Mqtt,
    Offers,
    Orders,
    Plugins,
    Privacy,
    Provider,
    Refresh,
    State,
    WatchedPrice,
    Web,
)

_MASKED = (
    ("mqtt", "password"),
    ("provider", "token"),
    ("provider", "proxy"),
    ("web", "password"),
    ("web", "viewer_password"),
)


class FromEnvironment(BaseModel):
    """A model whose constructor takes the file's tables, and which the environment overrides."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)

    def __init__(self, **file: Any) -> None:
        """The environment outranks the file. Raises VariableError and what pydantic raises."""
        super().__init__(**outranking(self._environment(), file))

    @classmethod
    def _environment(cls) -> dict[str, Any]:
        return tables_in_environment(cls)


class ClientSettings(FromEnvironment):
    """What the client commands read: `[mqtt]` alone."""

    mqtt: Mqtt = Mqtt()


class Settings(FromEnvironment, held.Settings):
    """All settings of the contract. Read them with `load`; secrets are read from their files by then."""

    mqtt: Mqtt = Mqtt()
    provider: Provider = Provider()
    state: State = Field(default_factory=State)
    orders: Orders = Orders()
    limits: Limits = Limits()
    defaults: Defaults = Defaults()
    refresh: Refresh = Refresh()
    prices: tuple[WatchedPrice, ...] = ()
    offers: Offers = Offers()
    homeassistant: HomeAssistant = HomeAssistant()
    plugins: Plugins = Field(default_factory=Plugins)  # each is told where it comes from
    metrics: Metrics = Metrics()
    web: Web = Web()
    privacy: Privacy = Privacy()
    log: Log = Log()

    _origin: Origin = PrivateAttr(NOWHERE)

    def coming_from(self, origin: Origin) -> Self:
        """These settings, which come from there."""
        self._origin = origin
        return self

    def masked(self) -> dict[str, Any]:
        """What is in force as JSON data, each secret replaced by MASK; of plugins' tables, unknown to us, all texts."""
        shown: dict[str, Any] = json.loads(self.model_dump_json())
        shown["mqtt"] |= {"port": self.mqtt.effective_port, "client_id": self.mqtt.effective_client_id}
        shown["provider"]["base_url"] = self.shown_base_url
        if self.mqtt.transport == "websockets" and self.mqtt.path:
            shown["mqtt"]["path"] = self.mqtt.path.partition("?")[0]
        for table, key in _MASKED:
            if shown[table][key] is not None:
                shown[table][key] = MASK
        for name in self.plugins.tables:
            shown["plugins"][name] = _without_texts(shown["plugins"][name])
        return shown


class GivenSettings(Settings):
    """The settings that the constructor is given and no others: for the demo, which must never reach a real account."""

    @classmethod
    def _environment(cls) -> dict[str, Any]:
        """The environment has no say."""
        return {}


def _without_texts(value: Any) -> Any:
    match value:
        case dict():
            return {k: _without_texts(v) for k, v in value.items()}
        case list():
            return [_without_texts(v) for v in value]
        case str():
            return MASK
    return value
