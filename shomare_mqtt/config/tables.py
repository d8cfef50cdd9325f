"""The tables of the settings file, key by key with their defaults (contract, section Settings)."""

from __future__ import annotations

import os
import ssl
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shomare_mqtt.config import held
from shomare_mqtt.config.addresses import web_address
from shomare_mqtt.config.certificates import show_certificate, trusting
from shomare_mqtt.config.kinds import (
    Count,
    File,
    Host,
    Id,
    IpAddress,
    Money,
    OptionalId,
    Port,
    PublicAddress,
    Rate,
    Seconds,
    SecondsOrZero,
    Switch,
    Text,
    TimeZone,
    Topic,
    WebAddress,
    Whole,
)
from shomare_mqtt.config.origin import NOWHERE, Origin
from shomare_mqtt.model import FIELDS_BY_HAND, PurchaseState
from shomare_mqtt.normalization import fold


class Table(BaseModel):
    """A table of the settings file: unknown keys are errors, and messages never repeat a value (it may be a secret)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class Tls(Table, held.Tls):
    """`[mqtt.tls]`."""

    enabled: Switch = False
    ca_file: File | None = None
    cert_file: File | None = None
    key_file: File | None = None

    @field_validator("ca_file", "cert_file", "key_file")
    @classmethod
    def _readable(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if not info.data.get("enabled") or value is None or os.access(value, os.R_OK):
            return value
        if info.field_name == "key_file" and not os.path.lexists(value):
            # It may be the key itself.
            raise ValueError("there is no such file")
        if "\n" in str(value):
            raise ValueError("must be the path of a file, and not what stands in it")
        raise ValueError(f"{value} cannot be read")

    @field_validator("ca_file")
    @classmethod
    def _authority(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if info.data.get("enabled") and value is not None:
            trusting(value)
        return value

    @field_validator("key_file")
    @classmethod
    def _key_of_certificate(cls, value: Path | None, info: ValidationInfo) -> Path | None:
        if value is not None and info.data.get("cert_file") is None:
            raise PydanticCustomError("beside", "needs cert_file beside it")
        if info.data.get("enabled") and info.data.get("cert_file") is not None:
            show_certificate(ssl.create_default_context(), info.data["cert_file"], value)
        return value


class Mqtt(Table, held.Mqtt):
    """`[mqtt]`: the broker. `port` None stands for the usual one, see `effective_port`."""

    host: Host = "127.0.0.1"
    port: Port | None = None
    transport: Literal["tcp", "websockets", "unix"] = "tcp"
    path: Text | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: File | None = None
    client_id: Text | None = None
    base_topic: Topic = "shomare"
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive: Annotated[Whole, Field(ge=1, le=65535)] = 30
    session_expiry: Annotated[Whole, Field(ge=0, le=0xFFFFFFFE)] = 60
    tls: Tls = Tls()

    @field_validator("path")
    @classmethod
    def _path_of_socket(cls, value: str | None, info: ValidationInfo) -> str | None:
        if info.data.get("transport") == "unix" and value is None:
            raise PydanticCustomError("beside", 'a transport of "unix" needs the path of the socket')
        websocket = info.data.get("transport") == "websockets"
        if websocket and value is not None and ("://" in value or not value.isprintable() or " " in value):
            raise ValueError("must be a path alone, such as /mqtt, without spaces")
        return value


class Dialect(Table, held.Dialect):
    """`[provider.dialect]`: how parameters travel, and their names; `auto` and unset are learnt."""

    parameters: Literal["auto", "path", "query", "body"] = "auto"
    buy: Literal["auto", "form", "json", "query", "path"] = "auto"
    country: Text | None = None
    operator: Text | None = None
    application: Text | None = None
    purchase: Text | None = None


def _field_name(value: str) -> str:
    if value not in FIELDS_BY_HAND:
        from difflib import get_close_matches  # noqa: PLC0415 - needed where something is wrong

        near = get_close_matches(value, FIELDS_BY_HAND, 1, 0.5)
        raise ValueError(
            f"is no field; the nearest is {near[0]}" if near else f"is none of {', '.join(FIELDS_BY_HAND)}"
        )
    return value


def _one_level(value: object) -> object:
    """Dotted names that were written without quotes, which TOML takes for tables within tables."""
    if not isinstance(value, dict):
        return value
    flat: dict[str, object] = {}
    for name, inner in value.items():
        deeper = _one_level(inner)
        flat |= {f"{name}.{n}": v for n, v in deeper.items()} if isinstance(deeper, dict) else {name: inner}
    return flat


def _expression(value: str) -> str:
    """A JMESPath expression whose functions there are."""
    import jmespath  # noqa: PLC0415 - imported only where a place is set by hand

    try:
        tree = jmespath.compile(value).parsed
        problem = _wrong_call(tree)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        # The library's own errors are ValueErrors; numbers of a thousand digits and endless brackets raise others.
        raise ValueError(f"is no JMESPath expression: {' '.join(str(error).split()).removesuffix(' ^')}") from None
    if problem is not None:
        raise ValueError(f"is no JMESPath expression: {problem}")
    return value


def _wrong_call(tree: Any) -> str | None:
    """What is wrong with a function that an expression calls, which the library tells only once it is called."""
    from jmespath.functions import Functions  # noqa: PLC0415 - as above

    if not isinstance(tree, dict):
        return None
    children = tree.get("children", [])
    if tree.get("type") == "function_expression":
        known = Functions.FUNCTION_TABLE.get(tree["value"])
        if known is None:
            return f"there is no function {tree['value']}()"
        wanted = len(known["signature"])
        more = any(argument.get("variadic") for argument in known["signature"])
        if len(children) < wanted or (len(children) > wanted and not more):
            return f"{tree['value']}() takes {wanted}{' or more' if more else ''} of what stands in its brackets"
    return next((problem for child in children if (problem := _wrong_call(child))), None)


Expression = Annotated[Text, AfterValidator(_expression)]
FieldName = Annotated[str, AfterValidator(_field_name)]


class Provider(Table, held.Provider):
    """`[provider]`: the account and the API."""

    base_url: WebAddress = "https://shomare.online/api"
    token: SecretStr | None = None
    token_file: File | None = None
    timeout: Seconds = 20
    requests_per_minute: Rate = 60
    currency: Text = "IRT"
    timezone: TimeZone = "Asia/Tehran"
    proxy: SecretStr | None = None
    dialect: Dialect = Dialect()
    fields: Annotated[dict[FieldName, Expression], BeforeValidator(_one_level)] = {}
    states: dict[Text, PurchaseState] = {}

    @field_validator("states")
    @classmethod
    def _told_apart(cls, value: dict[str, PurchaseState]) -> dict[str, PurchaseState]:
        words = Counter(fold(word) for word in value)
        twice = next((word for word in value if words[fold(word)] > 1), None)
        if twice is not None:
            raise ValueError(f"{twice!r} stands there twice, since letter case and blanks count nowhere")
        if "" in words:
            raise ValueError("a word of blanks is none")
        return value

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            web_address(value.get_secret_value())
        return value

    @field_validator("token")
    @classmethod
    def _header(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        if not value.get_secret_value().isprintable():
            raise ValueError("holds characters that no HTTP header takes")
        # HTTP drops the spaces around a header's value; what is masked has to be what is sent.
        return SecretStr(value.get_secret_value().strip())


def default_state_directory() -> Path:
    """Systemd's StateDirectory=, else the usual place of the user who runs this.

    Raises ValueError where the user has no home directory.
    """
    if given := os.environ.get("STATE_DIRECTORY", "").split(":")[0]:
        return Path(given)
    try:
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "shomare-mqtt"
    except RuntimeError as error:
        raise ValueError("must be set, since there is no home directory") from error


class State(Table, held.State):
    """`[state]`: where the journal lies; unset: `default_state_directory`."""

    directory: File = Field(default_factory=default_state_directory)


class Orders(Table, held.Orders):
    """`[orders]`: times in seconds."""

    poll_interval: Seconds = 5
    lifetime: Seconds = 1200
    cancel_on_expiry: Switch = True
    keep_closed: SecondsOrZero = 3600
    remember: SecondsOrZero = 86400
    settle_delay: Seconds = 30


class Limits(Table, held.Limits):
    """`[limits]`: what the owner allows; unset is no limit."""

    max_price: Money | None = None
    max_spend_per_day: Money | None = None
    max_buys_per_hour: Count | None = None
    max_open_orders: Count | None = 20
    min_balance: Money | None = None
    double_press: SecondsOrZero = 3
    max_unused_per_day: Count | None = 30


class Defaults(Table, held.Defaults):
    """`[defaults]`: what a `buy` that leaves fields out takes; ids or names."""

    country: OptionalId = None
    operator: OptionalId = None
    application: OptionalId = None
    max_price: Money | None = None


class Refresh(Table, held.Refresh):
    """`[refresh]`: seconds between renewals."""

    profile: Seconds = 300
    catalog: Seconds = 86400
    prices: Seconds = 3600


class WatchedPrice(Table, held.WatchedPrice):
    """One `[[prices]]`."""

    country: Id
    operator: Id
    application: OptionalId = None


class Offers(Table, held.Offers):
    """`[offers]`: where `query/offers` looks that names no place; empty: everywhere. `max_requests`: lists to read."""

    countries: tuple[Id, ...] = ()
    operators: tuple[Id, ...] = ()
    max_requests: Count = 600


class HomeAssistant(Table, held.HomeAssistant):
    """`[homeassistant]`: the discovery, and what the selects offer."""

    enabled: Switch = True
    discovery_prefix: Topic = "homeassistant"
    device_name: Text = "Shomare"
    language: Literal["en", "fa"] = "en"
    countries: tuple[Id, ...] = ()
    operators: tuple[Id, ...] = ()
    applications: tuple[Id, ...] = ()


class Plugins(BaseModel, held.Plugins):
    """`[plugins]`; every other table in it is handed to the plugin of its name."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    __pydantic_extra__: dict[str, dict[str, Any]]
    _origin: Origin = PrivateAttr(NOWHERE)

    enabled: tuple[Text, ...] = ()
    directories: tuple[File, ...] = ()

    def coming_from(self, origin: Origin) -> Self:
        """These settings, which come from there."""
        self._origin = origin
        return self

    @property
    def tables(self) -> dict[str, Any]:
        """The plugins' own tables by name."""
        return dict(self.__pydantic_extra__)


class Metrics(Table, held.Metrics):
    """`[metrics]`: figures for Prometheus, and `/healthz`."""

    enabled: Switch = False
    host: Host = "127.0.0.1"
    port: Port = 9469

    @field_validator("enabled")
    @classmethod
    def _can_be(cls, value: bool) -> bool:  # noqa: FBT001 - pydantic's call
        if value and find_spec("prometheus_client") is None:
            raise ValueError(
                "needs the Python package prometheus-client, which is not installed where this program is: "
                'pip install "shomare-mqtt[metrics]", or on Debian apt install python3-prometheus-client'
            )
        return value


def _web_password(value: SecretStr | None) -> SecretStr | None:
    if value is None:
        return None
    if not value.get_secret_value().strip():
        raise ValueError("must not be empty; leave it out where there is to be no password")
    if not value.get_secret_value().isprintable():
        raise ValueError("must be one line of plain text")
    return value


WebPassword = Annotated[SecretStr, AfterValidator(_web_password)]


class Web(Table, held.Web):
    """`[web]`: the page. Whether a password is needed is told where both were read from their files."""

    enabled: Switch = False
    host: Host = "127.0.0.1"
    port: Port = 8099
    password: WebPassword | None = None
    password_file: File | None = None
    viewer_password: WebPassword | None = None
    viewer_password_file: File | None = None
    allowed_hosts: tuple[Host, ...] = ()
    ingress_port: Annotated[Whole, Field(ge=0, le=65535)] = 0
    ingress_peer: IpAddress = "172.30.32.2"
    url: PublicAddress | None = None
    language: Literal["auto", "en", "fa"] = "auto"

    @field_validator("ingress_port")
    @classmethod
    def _of_its_own(cls, value: int, info: ValidationInfo) -> int:
        if value and value == info.data.get("port"):
            raise ValueError("must be another one than web.port, since it is listened on at all addresses")
        return value


class Privacy(Table, held.Privacy):
    """`[privacy]`."""

    retain_codes: Switch = False


class Log(Table, held.Log):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"
