"""Reading settings: which file, what it says, and secrets out of files of their own.

Every failure is a SettingsError of one line with the key's path.
"""

from __future__ import annotations

import os
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError as VariableError

from shomare_mqtt.config.exposure import exposed_secrets
from shomare_mqtt.config.settings import ClientSettings, FromEnvironment, Settings
from shomare_mqtt.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.config.tables import Mqtt

_PREFIX = "SHOMARE_"
_DELIMITER = "__"
_PLAIN_WORDS = {
    "extra_forbidden": "unknown key",
    "missing": "is missing",
    "model_type": "must be a table",
    "dict_type": "must be a table",
    "tuple_type": "must be a list",
    "string_type": "must be a text, in quotes",
    "string_too_short": "must not be empty",
    "path_type": "must be a text, in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "decimal_type": "must be a number",
}
"""What pydantic says in words of its own trade."""

Model = TypeVar("Model", bound=FromEnvironment)


def find_file(named: Path | None, environ: Mapping[str, str] | None = None) -> Path | None:
    """The settings file: the one named (or `SHOMARE_CONFIG`), else the first usual place that has one, else None.

    Raises SettingsError where a named file is not there.
    """
    env = os.environ if environ is None else environ
    chosen = named or (Path(env["SHOMARE_CONFIG"]) if env.get("SHOMARE_CONFIG") else None)
    if chosen is None:
        # os.path, since pathlib raises for a folder that may not be entered, such as the service's own below /etc.
        return next((p for p in _usual_places(env) if os.path.isfile(p)), None)  # noqa: PTH113 - see above
    if not os.path.exists(chosen):  # noqa: PTH110 - as above
        raise SettingsError(f"{chosen}: there is no such file")
    return chosen


def _usual_places(env: Mapping[str, str]) -> list[Path]:
    home = env.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")  # noqa: PTH111 - Path raises without a home
    return [Path("shomare-mqtt.toml"), Path(home, "shomare-mqtt", "config.toml"), Path("/etc/shomare-mqtt/config.toml")]


def load(path: Path | None) -> Settings:
    """The settings of a file (None: of the environment alone), secrets read from their files.

    Raises SettingsError with one line: the key's path and what is wrong.
    """
    written = _read_toml(path)
    tables = _outranked(deepcopy(written))
    for table in (*tables, *_tables_of_variables()):
        if table not in Settings.model_fields:
            raise SettingsError(f"{table}: unknown key")
    settings = _with_secret_files(_validated(Settings, tables))
    return settings.exposing(exposed_secrets(path, written, settings))


def load_mqtt(path: Path | None) -> Mqtt:
    """`[mqtt]` alone, for the clients: other tables are not even validated. Raises SettingsError."""
    tables = _outranked(_read_toml(path))
    only = _validated(ClientSettings, {name: table for name, table in tables.items() if name == "mqtt"})
    return _mqtt_with_password(only.mqtt)


def _read_toml(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: is not TOML: {error}") from None


def _outranked(tables: dict[str, Any]) -> dict[str, Any]:
    """The file's tables without the secrets that the environment takes from a file of its own."""
    variables = {name.upper() for name in os.environ}
    for table, key in (("provider", "token"), ("mqtt", "password")):
        if f"{_PREFIX}{table}{_DELIMITER}{key}_file".upper() in variables and isinstance(tables.get(table), dict):
            tables[table].pop(key, None)
    return tables


def _tables_of_variables() -> list[str]:
    """The tables that `SHOMARE_<TABLE>__<KEY>` variables name; other variables (`SHOMARE_CONFIG`) are no settings."""
    names = [name.upper().removeprefix(_PREFIX) for name in os.environ if name.upper().startswith(_PREFIX)]
    return [name.split(_DELIMITER)[0].lower() for name in names if _DELIMITER in name]


def _validated(model: type[Model], tables: dict[str, Any]) -> Model:
    try:
        return model(**tables)
    except ValidationError as error:
        raise SettingsError(_one_line(error)) from None
    except VariableError as error:
        raise SettingsError(
            f"{error.__cause__}: a table or a list in the environment must be written as JSON"
        ) from None


def _one_line(error: ValidationError) -> str:
    """The first thing that is wrong, as `table.key: what`; pydantic's own words without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    path = [str(part) for part in first["loc"] if part != "[key]"]  # what pydantic adds where the name itself is wrong
    where = ".".join(path) or "settings"
    what = _PLAIN_WORDS.get(first["type"]) or first["msg"].removeprefix("Value error, ")
    if first["type"] == "dict_type" and path[:1] == ["plugins"]:
        what = "unknown key (a plugin's own settings are a table)"
    more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
    return " ".join(f"{where}: {what}{more}".split())


def _with_secret_files(settings: Settings) -> Settings:
    provider = settings.provider
    if provider.token is None and (path := _secret_file(provider.token_file, "token")):
        provider = provider.model_copy(update={"token": _secret_from(path, "provider.token_file")})
    return settings.model_copy(update={"provider": provider, "mqtt": _mqtt_with_password(settings.mqtt)})


def _mqtt_with_password(mqtt: Mqtt) -> Mqtt:
    if mqtt.password is None and (path := _secret_file(mqtt.password_file, "mqtt_password")):
        return mqtt.model_copy(update={"password": _secret_from(path, "mqtt.password_file")})
    return mqtt


def _secret_file(named: Path | None, credential: str) -> Path | None:
    """The file that the settings name, else the credential; that, too, where our user may not read the named file.

    So one settings file does for root's commands and for the service, to which systemd hands root's file over.
    """
    given = _credential(credential)
    return given if named is None or (given is not None and _is_forbidden(named)) else named


def _is_forbidden(path: Path) -> bool:
    try:
        path.open("rb").close()
    except PermissionError:
        return True
    except OSError:
        return False
    return False


def _credential(name: str) -> Path | None:
    """A systemd credential, where this process was given one of that name (systemd.exec, LoadCredential=)."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    path = Path(folder) / name if folder else None
    return path if path is not None and path.is_file() else None


def _secret_from(path: Path, key: str) -> SecretStr:
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except OSError as error:
        raise SettingsError(f"{key}: {path} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{key}: {path} is not UTF-8 text") from None
    if not text:
        raise SettingsError(f"{key}: {path} is empty")
    if not text.isprintable():
        raise SettingsError(f"{key}: {path} must hold one line of plain text")
    return SecretStr(text)
