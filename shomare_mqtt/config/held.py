"""The settings as those see them who work with them: names, types, and what follows from them.

A running daemon holds these and nothing else: what is read in a process of its own comes to it as plain tables. The
models of `tables` and `settings` are such tables as well. There stands which values there may be, and which is taken
where none is given; pydantic sees to that, and nothing here needs it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, NoReturn, Protocol
from urllib.parse import quote, unquote, urlsplit

from shomare_mqtt.config.addresses import secrets_of_query
from shomare_mqtt.config.origin import Origin
from shomare_mqtt.model import PurchaseState

MASK = "***"
"""What stands in the place of a secret."""

_SECRET_WORDS = ("token", "password", "secret", "key", "url")


class Secret(Protocol):
    """A text that shows itself to those alone who ask for it: as pydantic's SecretStr, which is one."""

    def get_secret_value(self) -> str:
        """The text."""
        ...

    def __len__(self) -> int: ...


class HeldSecret:
    """A secret without pydantic."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self) -> str:
        """The text."""
        return self._text

    def __len__(self) -> int:
        return len(self._text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({MASK!r})"


class Held:
    """A table of settings. `values`: by the names of its class's annotations."""

    def __init__(self, **values: Any) -> None:
        vars(self).update(values)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"settings do not change: {name}")


class Tls(Held):
    """`[mqtt.tls]`."""

    enabled: bool
    ca_file: Path | None
    cert_file: Path | None
    key_file: Path | None


class Mqtt(Held):
    """`[mqtt]`: the broker. `port` None stands for the usual one, see `effective_port`."""

    host: str
    port: int | None
    transport: Literal["tcp", "websockets", "unix"]
    path: str | None
    username: str | None
    password: Secret | None
    password_file: Path | None
    client_id: str | None
    base_topic: str
    protocol: Literal["5", "3.1.1"]
    keepalive: int
    session_expiry: int
    tls: Tls

    @property
    def effective_port(self) -> int:
        """The port, or the usual one: 1883, with TLS 8883."""
        return self.port or (8883 if self.tls.enabled else 1883)

    @property
    def effective_client_id(self) -> str:
        """The client id, or the one made of the base topic."""
        return self.client_id or f"shomare-mqtt-{self.base_topic}"


class Dialect(Held):
    """`[provider.dialect]`: how parameters travel, and their names; `auto` and unset are learnt."""

    parameters: Literal["auto", "path", "query", "body"]
    buy: Literal["auto", "form", "json", "query", "path"]
    country: str | None
    operator: str | None
    application: str | None
    purchase: str | None


class Provider(Held):
    """`[provider]`: the account and the API."""

    base_url: str
    token: Secret | None
    token_file: Path | None
    timeout: float
    requests_per_minute: float
    currency: str
    timezone: str
    proxy: Secret | None
    dialect: Dialect
    fields: dict[str, str]
    states: dict[str, PurchaseState]

    def secrets(self) -> set[str]:
        """Every secret text of this table, those within addresses both as they are written there and as they are."""
        proxy = self.proxy.get_secret_value() if self.proxy else ""
        whole = {proxy, self.token.get_secret_value() if self.token else ""}
        written = {urlsplit(each).password or "" for each in (proxy, self.base_url)}
        return whole | written | set(map(unquote, written)) | secrets_of_query(self.base_url)


class State(Held):
    """`[state]`: where the journal lies."""

    directory: Path


class Orders(Held):
    """`[orders]`: times in seconds."""

    poll_interval: float
    lifetime: float
    cancel_on_expiry: bool
    keep_closed: float
    remember: float
    settle_delay: float


class Limits(Held):
    """`[limits]`: what the owner allows; None is no limit."""

    max_price: Decimal | None
    max_spend_per_day: Decimal | None
    max_buys_per_hour: int | None
    max_open_orders: int | None
    min_balance: Decimal | None
    double_press: float
    max_unused_per_day: int | None


class Defaults(Held):
    """`[defaults]`: what a `buy` that leaves fields out takes; ids or names."""

    country: str | None
    operator: str | None
    application: str | None
    max_price: Decimal | None


class Refresh(Held):
    """`[refresh]`: seconds between renewals."""

    profile: float
    catalog: float
    prices: float


class WatchedPrice(Held):
    """One `[[prices]]`."""

    country: str
    operator: str
    application: str | None


class Offers(Held):
    """`[offers]`: where `query/offers` looks that names no place; empty: everywhere. `max_requests`: lists to read."""

    countries: tuple[str, ...]
    operators: tuple[str, ...]
    max_requests: int


class HomeAssistant(Held):
    """`[homeassistant]`: the discovery, and what the selects offer."""

    enabled: bool
    discovery_prefix: str
    device_name: str
    language: Literal["en", "fa"]
    countries: tuple[str, ...]
    operators: tuple[str, ...]
    applications: tuple[str, ...]


class Plugins(Held):
    """`[plugins]`; every other table in it is handed to the plugin of its name."""

    _origin: Origin
    _tables: dict[str, Any]

    enabled: tuple[str, ...]
    directories: tuple[Path, ...]

    @property
    def file(self) -> Path | None:
        """The settings file, for what is wrong in a plugin's table."""
        return self._origin.file

    @property
    def tables(self) -> dict[str, Any]:
        """The plugins' own tables by name."""
        return dict(self._tables)

    def of(self, name: str) -> dict[str, Any]:
        """The table of one plugin; empty where there is none."""
        return dict(self.tables.get(name, {}))


class Metrics(Held):
    """`[metrics]`: figures for Prometheus, and `/healthz`."""

    enabled: bool
    host: str
    port: int


class Web(Held):
    """`[web]`: the page."""

    enabled: bool
    host: str
    port: int
    password: Secret | None
    password_file: Path | None
    viewer_password: Secret | None
    viewer_password_file: Path | None
    allowed_hosts: tuple[str, ...]
    ingress_port: int
    ingress_peer: str
    url: str | None
    language: Literal["auto", "en", "fa"]


class Privacy(Held):
    """`[privacy]`."""

    retain_codes: bool


class Log(Held):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"]
    format: Literal["text", "json"]


class Settings(Held):
    """All tables of the contract; secrets were read from their files."""

    _origin: Origin
    _masked: dict[str, Any]

    mqtt: Mqtt
    provider: Provider
    state: State
    orders: Orders
    limits: Limits
    defaults: Defaults
    refresh: Refresh
    prices: tuple[WatchedPrice, ...]
    offers: Offers
    homeassistant: HomeAssistant
    plugins: Plugins
    metrics: Metrics
    web: Web
    privacy: Privacy
    log: Log

    @property
    def origin(self) -> Origin:
        """Where these settings come from."""
        return self._origin

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is to be said though they can be used: who else can read a secret, what is not sent."""
        return self.origin.remarks

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
        passwords = (self.mqtt.password, self.web.password, self.web.viewer_password)
        found |= {password.get_secret_value() for password in passwords if password}
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
        return self._masked


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
