"""The settings: one TOML file, overridden by the environment (contract, section Settings).

`load` is the way in; every failure is a SettingsError of one line with the key's path.
"""

from __future__ import annotations

import os
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from pydantic_settings import (
    SettingsError as EnvError,
)

from shomare_mqtt.errors import SettingsError

Seconds = Annotated[float, Field(gt=0, le=10 * 365 * 86400, allow_inf_nan=False)]
SecondsOrZero = Annotated[float, Field(ge=0, le=10 * 365 * 86400, allow_inf_nan=False)]
Port = Annotated[int, Field(ge=1, le=65535)]
Count = Annotated[int, Field(ge=0)]


def _id_text(value: object) -> object:
    """An id may be written as a number in TOML."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _money(value: object) -> object:
    """Money goes through text, so that a TOML float loses no digits."""
    return str(value) if isinstance(value, float) else value


IdText = Annotated[str, BeforeValidator(_id_text)]
Money = Annotated[Decimal, BeforeValidator(_money), Field(ge=0, allow_inf_nan=False)]


def _topic(value: str) -> str:
    if not value or value.startswith(("/", "$")) or value.endswith("/") or any(c in value for c in "+#\0"):
        raise ValueError("must be a topic without wildcards, with slashes only inside")
    return value


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"there is no time zone {value!r}") from error
    return value


def _web_address(value: str) -> str:
    try:
        parts = urlsplit(value)
        bad = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError as error:
        raise ValueError("must be an http:// or https:// address") from error
    if bad:
        raise ValueError("must be an http:// or https:// address")
    return value


Topic = Annotated[str, AfterValidator(_topic)]


class Table(BaseModel):
    """A table of the settings file: unknown keys are errors, and messages never repeat a value (it may be a secret)."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, validate_default=True)


class Tls(Table):
    """`[mqtt.tls]`."""

    enabled: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    @model_validator(mode="after")
    def _files(self) -> Self:
        if self.key_file and not self.cert_file:
            raise ValueError("key_file needs cert_file")
        for key, path in (("ca_file", self.ca_file), ("cert_file", self.cert_file), ("key_file", self.key_file)):
            if self.enabled and path is not None and not os.access(path, os.R_OK):
                raise ValueError(f"{key}: {path} cannot be read")
        return self


class Mqtt(Table):
    """`[mqtt]`: the broker. `port` 0 stands for the default of the transport."""

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[Port | None, Field()] = None
    transport: Literal["tcp", "websockets", "unix"] = "tcp"
    path: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    client_id: str | None = None
    base_topic: Topic = "shomare"
    protocol: Literal["5", "3.1.1"] = "5"
    keepalive: Annotated[int, Field(ge=1, le=65535)] = 30
    session_expiry: Annotated[int, Field(ge=0, le=0xFFFFFFFE)] = 60
    tls: Tls = Tls()

    @model_validator(mode="after")
    def _unix_path(self) -> Self:
        if self.transport == "unix" and not self.path:
            raise ValueError('path: a transport of "unix" needs the path of the socket')
        return self

    @property
    def effective_port(self) -> int:
        """The port, or the transport's usual one."""
        return self.port or (8883 if self.tls.enabled else 1883)

    @property
    def effective_client_id(self) -> str:
        """The client id, or the one made of the base topic."""
        return self.client_id or f"shomare-mqtt-{self.base_topic}"


class Dialect(Table):
    """`[provider.dialect]`: how parameters travel, and their names; `auto` and unset are learnt."""

    parameters: Literal["auto", "path", "query", "body"] = "auto"
    buy: Literal["auto", "form", "json", "query", "path"] = "auto"
    country: Annotated[str, Field(min_length=1)] | None = None
    operator: Annotated[str, Field(min_length=1)] | None = None
    application: Annotated[str, Field(min_length=1)] | None = None
    purchase: Annotated[str, Field(min_length=1)] | None = None


class Provider(Table):
    """`[provider]`: the account and the API."""

    base_url: Annotated[str, AfterValidator(_web_address)] = "https://shomare.online/api"
    token: SecretStr | None = None
    token_file: Path | None = None
    timeout: Seconds = 20
    requests_per_minute: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 60
    currency: Annotated[str, Field(min_length=1)] = "IRT"
    timezone: Annotated[str, AfterValidator(_timezone)] = "Asia/Tehran"
    proxy: SecretStr | None = None
    dialect: Dialect = Dialect()

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _web_address(value.get_secret_value())
        return value


class State(Table):
    """`[state]`: where the journal lies."""

    directory: Path = Field(
        default_factory=lambda: Path(
            os.environ.get("STATE_DIRECTORY", "").split(":")[0]
            or Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "shomare-mqtt"
        )
    )


class Orders(Table):
    """`[orders]`: times in seconds."""

    poll_interval: Seconds = 5
    lifetime: Seconds = 1200
    cancel_on_expiry: bool = True
    keep_closed: SecondsOrZero = 3600
    remember: SecondsOrZero = 86400
    settle_delay: Seconds = 30


class Limits(Table):
    """`[limits]`: what the owner allows; unset is no limit."""

    max_price: Money | None = None
    max_spend_per_day: Money | None = None
    max_buys_per_hour: Count | None = None
    max_open_orders: Count | None = 20
    min_balance: Money | None = None
    double_press: SecondsOrZero = 3
    max_unused_per_day: Count | None = 30


class Defaults(Table):
    """`[defaults]`: what a `buy` that leaves fields out takes; ids or names."""

    country: IdText | None = None
    operator: IdText | None = None
    application: IdText | None = None
    max_price: Money | None = None


class Refresh(Table):
    """`[refresh]`: seconds between renewals."""

    profile: Seconds = 300
    catalog: Seconds = 86400
    prices: Seconds = 3600


class WatchedPrice(Table):
    """One `[[prices]]`."""

    country: IdText
    operator: IdText
    application: IdText | None = None


class HomeAssistant(Table):
    """`[homeassistant]`: the discovery, and what the selects offer."""

    enabled: bool = True
    discovery_prefix: Topic = "homeassistant"
    device_name: Annotated[str, Field(min_length=1)] = "Shomare"
    countries: tuple[IdText, ...] = ()
    operators: tuple[IdText, ...] = ()
    applications: tuple[IdText, ...] = ()


class Plugins(BaseModel):
    """`[plugins]`; every other table in it is handed to the plugin of its name."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True)

    enabled: tuple[str, ...] = ()
    directories: tuple[Path, ...] = ()

    @model_validator(mode="after")
    def _tables(self) -> Self:
        for name, value in (self.__pydantic_extra__ or {}).items():
            if not isinstance(value, dict):
                raise ValueError(f"{name}: unknown key (a plugin's own settings are a table)")  # noqa: TRY004
        return self

    def of(self, name: str) -> dict[str, Any]:
        """The table of one plugin; empty where there is none."""
        return dict((self.__pydantic_extra__ or {}).get(name, {}))


class Metrics(Table):
    """`[metrics]`: Prometheus."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Port = 9469


class Privacy(Table):
    """`[privacy]`."""

    retain_codes: bool = False


class Log(Table):
    """`[log]`."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["text", "json"] = "text"


class Settings(BaseSettings):
    """All settings of the contract. Read them with `load`; secrets are read from their files by then."""

    model_config = SettingsConfigDict(
        env_prefix="SHOMARE_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

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
    metrics: Metrics = Metrics()
    privacy: Privacy = Privacy()
    log: Log = Log()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment outranks the file (which arrives as the constructor's arguments)."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings

    @property
    def token(self) -> str:
        """The account's token. Raises SettingsError where there is none."""
        if self.provider.token is None or not self.provider.token.get_secret_value():
            raise SettingsError("provider.token: is missing (set token, token_file or SHOMARE_PROVIDER__TOKEN)")
        return self.provider.token.get_secret_value()

    def secrets(self) -> tuple[str, ...]:
        """Every secret text of these settings, longest first: what logs and answers must not repeat."""
        found = {s.get_secret_value() for s in (self.provider.token, self.mqtt.password, self.provider.proxy) if s}
        if self.provider.proxy:
            found |= {p for p in (urlsplit(self.provider.proxy.get_secret_value()).password,) if p}
        return tuple(sorted((s for s in found if s), key=len, reverse=True))


def find_file(named: Path | None, environ: dict[str, str] | None = None) -> Path | None:
    """The settings file: the one named (or `SHOMARE_CONFIG`), else the first usual place that has one, else None.

    Raises SettingsError where a named file is not there.
    """
    env = os.environ if environ is None else environ
    chosen = named or (Path(env["SHOMARE_CONFIG"]) if env.get("SHOMARE_CONFIG") else None)
    if chosen is not None:
        if not chosen.is_file():
            raise SettingsError(f"{chosen}: there is no such file")
        return chosen
    home = Path(env.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    places = (Path("shomare-mqtt.toml"), home / "shomare-mqtt" / "config.toml", Path("/etc/shomare-mqtt/config.toml"))
    return next((p for p in places if p.is_file()), None)


def load(path: Path | None) -> Settings:
    """The settings of a file (None: of the environment alone), secrets read from their files.

    Raises SettingsError with one line: the key's path and what is wrong.
    """
    try:
        settings = Settings(**_read_toml(path))
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except EnvError as error:
        raise SettingsError(f"the environment: {str(error).splitlines()[0]}") from None
    return _with_secret_files(settings)


def load_mqtt(path: Path | None) -> Mqtt:
    """`[mqtt]` alone, for the clients: other tables are not even validated. Raises SettingsError."""
    table = _read_toml(path).get("mqtt", {})
    try:
        only = _MqttOnly(mqtt=table)
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except EnvError as error:
        raise SettingsError(f"the environment: {str(error).splitlines()[0]}") from None
    return _mqtt_with_password(only.mqtt)


class _MqttOnly(Settings):
    """Reads what a client needs; what other tables hold in the environment is none of its business."""

    model_config = SettingsConfigDict(extra="ignore")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only the variables of `[mqtt]`."""
        del env_settings, dotenv_settings, file_secret_settings
        return _MqttEnvironment(settings_cls), init_settings


class _MqttEnvironment(EnvSettingsSource):
    """The variables of `[mqtt]` alone."""

    def __call__(self) -> dict[str, Any]:
        self.env_vars = {k: v for k, v in self.env_vars.items() if k.lower().startswith("shomare_mqtt")}
        return super().__call__()


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _one_line(error: ValidationError) -> str:
    """The first thing that is wrong, as `table.key: what`; pydantic's own words without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"]) or "settings"
    what = "unknown key" if first["type"] == "extra_forbidden" else first["msg"].removeprefix("Value error, ")
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return f"{where}: {what}{more}".replace("\n", " ")


def _secret_from(path: Path, key: str) -> SecretStr:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingsError(f"{key}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{key}: {path} is not UTF-8 text") from None
    if not text:
        raise SettingsError(f"{key}: {path} is empty")
    return SecretStr(text)


def _credential(name: str) -> Path | None:
    """A systemd credential, where this process was given one of that name (systemd.exec, LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def _with_secret_files(settings: Settings) -> Settings:
    provider = settings.provider
    if provider.token is None and (path := provider.token_file or _credential("token")):
        provider = provider.model_copy(update={"token": _secret_from(path, "provider.token_file")})
    if provider.token is not None and not provider.token.get_secret_value().isprintable():
        raise SettingsError("provider.token: holds characters that no HTTP header takes")
    return settings.model_copy(update={"provider": provider, "mqtt": _mqtt_with_password(settings.mqtt)})


def _mqtt_with_password(mqtt: Mqtt) -> Mqtt:
    path = mqtt.password_file or _credential("mqtt_password")
    if mqtt.password is None and path:
        return mqtt.model_copy(update={"password": _secret_from(path, "mqtt.password_file")})
    return mqtt
