"""Reading settings: what a file and the environment say, and secrets out of files of their own.

Every failure is a SettingsError with one line for each mistake: its place, the key's path and what is wrong.
"""

from __future__ import annotations

import os
import tomllib
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from pydantic import SecretStr, ValidationError

from shomare_mqtt.config.addresses import is_loopback
from shomare_mqtt.config.environment import DELIMITER, PREFIX, VariableError
from shomare_mqtt.config.exposure import exposed_secrets
from shomare_mqtt.config.origin import Origin
from shomare_mqtt.config.settings import ClientSettings, FromEnvironment, Settings
from shomare_mqtt.errors import SettingsError

if TYPE_CHECKING:
    from shomare_mqtt.config.mistakes import Mistake, Places
    from shomare_mqtt.config.tables import Mqtt, Provider, Web

# What only a mistake needs is imported where one is found: the daemon starts without it.

_DEEPEST = 250
"""Levels of tables and lists; with many more Python itself gives up."""
_LONGEST_NUMBER = 14_000
"""Bits of a whole number; one of many more Python does not write in decimal, not even to say what is wrong with it."""
_SECRETS = (("provider", "token"), ("mqtt", "password"), ("web", "password"), ("web", "viewer_password"))

Model = TypeVar("Model", bound=FromEnvironment)


class _File(NamedTuple):
    """A settings file: what it says, the text that says it, and what in it is no TOML."""

    path: Path | None
    text: str
    tables: dict[str, Any]
    faults: tuple[Mistake, ...] = ()


def load(path: Path | None) -> Settings:
    """The settings of a file (None: of the environment alone), secrets read from their files.

    Raises SettingsError with a line for each mistake.
    """
    file = _read(path)
    settings, mistakes = _validated(Settings, file, file.tables)
    if settings is not None:
        provider, provider_mistakes, token_from = _provider_with_token(settings.provider)
        mqtt, mqtt_mistakes = _mqtt_with_password(settings.mqtt)
        web, web_mistakes = _web_with_passwords(settings.web)
        mistakes += provider_mistakes + mqtt_mistakes + (web_mistakes or _open_to_others(web))
    mistakes += _given_twice(file.tables, "provider", "mqtt", "web") + _variables_meant("")
    if settings is None or mistakes or file.faults:
        raise _places(file).named([*file.faults, *mistakes])
    settings = settings.model_copy(update={"provider": provider, "mqtt": mqtt, "web": web})
    remarks = (*exposed_secrets(path, file.tables, settings), *_nameless_password(settings.mqtt))
    origin = Origin(path, remarks, token_from, _number_of_leaves(file.tables))
    settings.plugins.coming_from(origin)
    return settings.coming_from(origin)


def load_mqtt(path: Path | None) -> Mqtt:
    """`[mqtt]` alone, for the clients: other tables are not even validated. Raises SettingsError.

    A table or a key that was probably to be of `[mqtt]` is an error: a command must not go to another broker.
    """
    file = _read(path)
    only, mistakes = _validated(ClientSettings, file, {n: t for n, t in file.tables.items() if n == "mqtt"})
    mistakes += [each for each in _unknown_tables(file.tables) if _is_of_mqtt(each.key, file.tables)]
    if only is not None:
        mqtt, more = _mqtt_with_password(only.mqtt)
        mistakes += more
    mistakes += _given_twice(file.tables, "mqtt") + _variables_meant("mqtt")
    faults = [each for each in file.faults if not each.key or each.key.split(".")[0] == "mqtt"]
    if only is None or mistakes or file.faults:
        raise _places(file).named([*(faults or file.faults), *mistakes])
    return mqtt


def _read(path: Path | None) -> _File:
    """A settings file, its faulty lines left out. Raises SettingsError where it cannot be read at all."""
    if path is None:
        return _File(None, "", {})
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    try:
        file = _parsed(path, text)
        is_deep = _is_deeper(file.tables, _DEEPEST) or _has_endless_number(file.tables)
    except (ValueError, RecursionError):
        # tomllib's own words for a fault are handled there; it leaves these to Python.
        is_deep = True
    if is_deep:
        what = "holds brackets or tables within each other without end, or a number of thousands of digits"
        raise SettingsError(f"{path}: {what}")
    return file


def _is_deeper(value: Any, most: int) -> bool:
    """Whether tables and lists are nested deeper than so many levels."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return most < 0 or any(_is_deeper(each, most - 1) for each in inner)


def _has_endless_number(value: Any) -> bool:
    """Whether a whole number has thousands of digits; in hexadecimal TOML takes it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return (isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER) or any(map(_has_endless_number, inner))


def _parsed(path: Path, text: str) -> _File:
    try:
        return _File(path, text, tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        from shomare_mqtt.config.toml_faults import STAND_IN, read_what_is_right  # noqa: PLC0415 - see above

        read = read_what_is_right(text)
        tables = tomllib.loads(read.text or "")
        kept = {name: table for name, table in tables.items() if not name.startswith(STAND_IN)}
        return _File(path, read.text or "", kept, tuple(read.faults))


def _places(file: _File) -> Places:
    from shomare_mqtt.config.mistakes import Places  # noqa: PLC0415 - see above

    return Places(file.path, file.text)


def _validated(model: type[Model], file: _File, tables: dict[str, Any]) -> tuple[Model | None, list[Mistake]]:
    """What the tables and the environment say, and what is wrong with it."""
    known = {name: table for name, table in _outranked(deepcopy(tables)).items() if name in model.model_fields}
    mistakes = _unknown_tables(tables) + _unknown_variables() if model is Settings else []
    try:
        return model(**known), mistakes
    except ValidationError as error:
        from shomare_mqtt.config.mistakes import of_validation  # noqa: PLC0415 - see above

        found = of_validation(error, _places(file))
        # What a faulty line was to set is not there: whatever misses it is that fault's business.
        return None, mistakes + [each for each in found if not (file.faults and each.is_of_absence)]
    except VariableError as error:
        from shomare_mqtt.config.mistakes import Mistake  # noqa: PLC0415 - see above

        what = "a table or a list in the environment must be written as JSON"
        return None, [*mistakes, Mistake(str(error), what)]


def _outranked(tables: dict[str, Any]) -> dict[str, Any]:
    """The file's tables without the secrets that the environment takes from a file of its own."""
    for table, key in _SECRETS:
        if _variable(f"{table}.{key}_file") and isinstance(tables.get(table), dict):
            tables[table].pop(key, None)
    return tables


def _variable(key: str) -> str | None:
    """The variable that sets a key, where there is one."""
    wanted = f"{PREFIX}{key.replace('.', DELIMITER)}".upper()
    return next((name for name in os.environ if name.upper() == wanted), None)


def variables() -> list[str]:
    """The names of the variables that are settings."""
    prefixed = [name for name in os.environ if name.upper().startswith(PREFIX)]
    return [n for n in prefixed if n.upper().removeprefix(PREFIX).split(DELIMITER)[0].lower() in Settings.model_fields]


def _unknown_tables(tables: dict[str, Any]) -> list[Mistake]:
    unknown = [name for name in tables if name not in Settings.model_fields]
    if not unknown:
        return []
    from shomare_mqtt.config import mistakes  # noqa: PLC0415 - see above

    return [mistakes.of_unknown_table(name, tables[name]) for name in unknown[: mistakes.MOST_TOLD]]


def _is_of_mqtt(name: str, tables: dict[str, Any]) -> bool:
    from shomare_mqtt.config.mistakes import is_table  # noqa: PLC0415 - see above
    from shomare_mqtt.config.suggestions import meant_by  # noqa: PLC0415 - see above

    return any(each.table.split(".")[0] == "mqtt" for each in meant_by("", name, is_table=is_table(tables[name])))


def _unknown_variables() -> list[Mistake]:
    """`SHOMARE_<TABLE>__<KEY>` variables of tables that there are not; pydantic leaves these out."""
    names = [n for n in os.environ if n.upper().startswith(PREFIX) and DELIMITER in n[len(PREFIX) :]]
    tables = {name: name.upper().removeprefix(PREFIX).split(DELIMITER)[0].lower() for name in names}
    if set(tables.values()) <= set(Settings.model_fields):
        return []
    from shomare_mqtt.config import mistakes  # noqa: PLC0415 - see above

    return [mistakes.of_unknown_variable(n) for n, t in tables.items() if t not in Settings.model_fields]


def _variables_meant(table: str) -> list[Mistake]:
    """Variables that were to be settings, of one table or of all."""
    known = {f"{PREFIX}{name}".upper() for name in ("config", *Settings.model_fields)}
    short = (n.upper() for n in os.environ if n.upper().startswith(PREFIX) and DELIMITER not in n)
    if known.issuperset(short):
        return []
    from shomare_mqtt.config import mistakes  # noqa: PLC0415 - see above

    return mistakes.of_variables(table)


def _given_twice(tables: dict[str, Any], *names: str) -> list[Mistake]:
    """A secret beside the file of the same secret, where neither outranks the other: nobody can tell which counts."""
    twice: list[tuple[str, str | None]] = []
    for table, key in [each for each in _SECRETS if each[0] in names]:
        path, held = f"{table}.{key}", tables.get(table)
        variables = _variable(path), _variable(f"{path}_file")
        if all(variables):
            twice.append((path, variables[0]))
        elif not any(variables) and isinstance(held, dict) and key in held and f"{key}_file" in held:
            twice.append((path, None))
    if not twice:
        return []
    from shomare_mqtt.config.mistakes import Mistake  # noqa: PLC0415 - see above

    return [
        Mistake(
            path, f"stands beside {path.split('.')[1]}_file, and only one of them can count: take one out", None, name
        )
        for path, name in twice
    ]


def _number_of_leaves(value: Any) -> int:
    return sum(map(_number_of_leaves, value.values())) if isinstance(value, dict) else 1


def _provider_with_token(provider: Provider) -> tuple[Provider, list[Mistake], str | None]:
    """`[provider]` with the token out of its file, and where the token comes from."""
    if provider.token is not None:
        name = _variable("provider.token") or _variable("provider")
        return provider, [], f"the variable {name}" if name else "provider.token"
    path = _secret_file(provider.token_file, "token")
    if path is None:
        return provider, [], None
    is_named = path == provider.token_file
    secret, mistakes = _secret_from(path, "provider.token_file" if is_named else "")
    said = f"provider.token_file, {path}" if is_named else f"the systemd credential {path}"
    return provider.model_copy(update={"token": secret}), mistakes, said


def _nameless_password(mqtt: Mqtt) -> tuple[str, ...]:
    """MQTT 3.1.1 forbids a password without a user name (MQTT-3.1.2-22), so that an empty name is sent with it."""
    if mqtt.password is None or mqtt.username is not None:
        return ()
    said = "mqtt.password goes to the broker with an empty user name, since there is no mqtt.username"
    return (f'{said}, and hardly a broker takes that: set it (to "" where that is meant), or take the password out',)


def _mqtt_with_password(mqtt: Mqtt) -> tuple[Mqtt, list[Mistake]]:
    secret, mistakes = _password(mqtt.password, mqtt.password_file, "mqtt.password")
    return mqtt.model_copy(update={"password": secret}), mistakes


def _web_with_passwords(web: Web) -> tuple[Web, list[Mistake]]:
    owner, mistakes = _password(web.password, web.password_file, "web.password")
    viewer, more = _password(web.viewer_password, web.viewer_password_file, "web.viewer_password")
    return web.model_copy(update={"password": owner, "viewer_password": viewer}), mistakes + more


def _password(given: SecretStr | None, file: Path | None, key: str) -> tuple[SecretStr | None, list[Mistake]]:
    """A password as it is given, else out of its file or the credential that is called as its key is."""
    path = _secret_file(file, key.replace(".", "_"))
    if given is not None or path is None:
        return given, []
    return _secret_from(path, f"{key}_file" if path == file else "")


def _open_to_others(web: Web) -> list[Mistake]:
    """Where the page would be open to those whom nobody told of it (contract, Web page, Closed unless told)."""
    owner, viewer = (each and each.get_secret_value() for each in (web.password, web.viewer_password))
    if viewer is not None and owner is None:
        key, what = "web.viewer_password", "needs web.password beside it: without one, everybody may do everything"
    elif viewer is not None and viewer == owner:
        key, what = "web.viewer_password", "must be another one than web.password: nobody can tell who signs in"
    elif web.enabled and owner is None and not is_loopback(web.host):
        key = "web.password"
        what = "is missing: others reach web.host, and whoever opens the page spends your money; set web.password"
    else:
        return []
    from shomare_mqtt.config.mistakes import Mistake  # noqa: PLC0415 - see above

    return [Mistake(key, what, is_of_absence=owner is None)]


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


def _secret_from(path: Path, key: str) -> tuple[SecretStr | None, list[Mistake]]:
    """The secret in a file. `key`: the one that names it; empty for systemd's, which the file's name tells of."""
    wrong = None
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig").strip()
    except PermissionError as error:
        wrong = f"cannot be read ({error.strerror}); where root alone may read it, use sudo"
    except OSError as error:
        wrong = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        wrong = "is not UTF-8 text"
    if wrong is None and not text:
        wrong = "is empty"
    elif wrong is None and not text.isprintable():
        wrong = "must hold one line of plain text"
    if wrong is None:
        return SecretStr(text), []
    from shomare_mqtt.config.mistakes import Mistake, of_secret_file  # noqa: PLC0415 - see above

    return None, [of_secret_file(path, key, wrong) if key else Mistake(str(path), f"this systemd credential {wrong}")]
