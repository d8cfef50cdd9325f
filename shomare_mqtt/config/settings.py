"""All tables together, and the environment that outranks the file (contract, section Settings)."""

from __future__ import annotations

import json
from typing import Any, Self
from urllib.parse import quote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from shomare_mqtt.config.addresses import secrets_of_query
from shomare_mqtt.config.environment import outranking, tables_in_environment
from shomare_mqtt.config.origin import NOWHERE, Origin
from shomare_mqtt.config.tables import (
    Defaults,
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
    WatchedPrice,
)

MASK = "***"
"""What stands in the place of a secret."""

_SECRET_WORDS = ("token", "password", "secret", "key", "url")


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


class Settings(FromEnvironment):
    """All settings of the contract. Read them with `load`; secrets are read from their files by then."""

    mqtt: Mqtt = Mqtt()
    provider: Provider = Provider()
    state: State = Field(default_factory=State)
    orders: Orders = Orders()
    limits: Limits = Limits()
    defaults: Defaults = Defaults()
    refresh: Refresh = Refresh()
    prices: tuple[WatchedPrice, ...] = ()
    homeassistant: HomeAssistant = HomeAssistant()
    plugins: Plugins = Plugins()
    privacy: Privacy = Privacy()
    log: Log = Log()

    _origin: Origin = PrivateAttr(NOWHERE)

    @property
    def origin(self) -> Origin:
        """Where these settings come from."""
        return self._origin

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said though they can be used: who else can read a secret, what is not sent."""
        return self.origin.remarks

    def coming_from(self, origin: Origin) -> Self:
        """These settings, which come from there."""
        self._origin = origin
        return self

    @property
    def token(self) -> str:
        """The account's token. Raises SettingsError where there is none."""
        if self.provider.token is None or not self.provider.token.get_secret_value():
            from shomare_mqtt.config.finding import no_token  # noqa: PLC0415 - needed where something is wrong

            raise no_token(self._origin)
        return self.provider.token.get_secret_value()

    def tokens(self) -> tuple[str, ...]:
        """The secrets of which a part must not be repeated either: the account's token, where there is one."""
        return (self.provider.token.get_secret_value(),) if self.provider.token else ()

    def secrets(self) -> tuple[str, ...]:
        """Every secret text of these settings, longest first: what logs and answers must not repeat.

        Percent-encoded and JSON-escaped forms of a secret stand among them.
        """
        found = self.provider.secrets() | _secret_texts(self.plugins.tables)
        if self.mqtt.password:
            found.add(self.mqtt.password.get_secret_value())
        if self.mqtt.transport == "websockets":
            found |= secrets_of_query(self.mqtt.path or "")
        forms = {form for s in found if s for form in (s, quote(s), quote(s, safe=""), json.dumps(s)[1:-1])}
        return tuple(sorted(forms, key=len, reverse=True))

    @property
    def shown_base_url(self) -> str:
        """The provider's address as it may be shown, without the user and the query."""
        return _shown_address(self.provider.base_url)

    def masked(self) -> dict[str, Any]:
        """What is in force as JSON data, each secret replaced by MASK; of plugins' tables, unknown to us, all texts."""
        shown: dict[str, Any] = json.loads(self.model_dump_json())
        shown["mqtt"] |= {"port": self.mqtt.effective_port, "client_id": self.mqtt.effective_client_id}
        shown["provider"]["base_url"] = self.shown_base_url
        if self.mqtt.transport == "websockets" and self.mqtt.path:
            shown["mqtt"]["path"] = self.mqtt.path.partition("?")[0]
        for table, key in (("mqtt", "password"), ("provider", "token"), ("provider", "proxy")):
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


def _secret_texts(value: object, key: str = "") -> set[str]:
    """The texts under keys that sound secret, at any depth."""
    match value:
        case dict():
            return {text for k, v in value.items() for text in _secret_texts(v, k.lower())}
        case list() | tuple():
            return {text for v in value for text in _secret_texts(v, key)}
        case str() if any(word in key for word in _SECRET_WORDS):
            return {str(value)}
    return set()


def _shown_address(address: str) -> str:
    """An address without the user and the query, which may be secrets (contract, Events)."""
    parts = urlsplit(address)
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{MASK if user else ''}{at}{host}", query="").geturl()


def _without_texts(value: Any) -> Any:
    match value:
        case dict():
            return {k: _without_texts(v) for k, v in value.items()}
        case list():
            return [_without_texts(v) for v in value]
        case str():
            return MASK
    return value
