"""Did you mean …? What an unknown key, table or variable was probably to be."""

from __future__ import annotations

from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

from pydantic import BaseModel

from shomare_mqtt.config.environment import DELIMITER, PREFIX
from shomare_mqtt.config.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LISTS = ("prices",)
_SERVERS = ("metrics", "web")
"""Tables of what this daemon serves itself: a host or a port that stands elsewhere was to be the broker's."""
_OTHER_NAMES = {
    "user": "username", "user_name": "username", "login": "username",
    "pass": "password", "passwd": "password", "pwd": "password",
    "server": "host", "broker": "host", "hostname": "host", "address": "host", "ip": "host",
    "url": "base_url", "api_url": "base_url", "topic": "base_topic", "prefix": "base_topic",
    "ssl": "tls", "api_key": "token", "apikey": "token", "key": "token key_file", "ca": "ca_file", "cert": "cert_file",
    "service": "application", "product": "application", "app": "application",
    "tz": "timezone", "zone": "timezone", "time_zone": "timezone",
}  # fmt: skip
"""What others call these keys (`key` may be either). A table's own names come first."""
_OTHER_TABLES = {
    "broker": "mqtt", "mosquitto": "mqtt", "shomare": "provider", "account": "provider", "api": "provider",
    "logging": "log", "logs": "log", "ha": "homeassistant", "hass": "homeassistant", "guard": "limits",
    "page": "web", "http": "web", "ui": "web", "frontend": "web",
    "guards": "limits", "database": "state", "journal": "state", "ssl": "mqtt.tls",
}  # fmt: skip
_HOW_NEAR = 0.6
_HOW_NEAR_A_TABLE = 0.65
_HOW_NEAR_ELSEWHERE = 0.8
_HOW_NEAR_A_VARIABLE = 0.9
_ADDRESSES_OF_SERVICES = ("tcp://", "udp://", "sctp://")
_AS_GOOD = 0.15
"""How much less alike than the nearest a name may be, to be named beside it."""


class Key(NamedTuple):
    """A key or, without a name, a table."""

    table: str
    name: str = ""

    @property
    def path(self) -> str:
        """Its dotted path."""
        return ".".join(part for part in self if part)

    @property
    def variable(self) -> str:
        """Its variable in the environment."""
        return PREFIX + self.path.replace(".", DELIMITER).upper()


def known_keys() -> dict[str, list[str]]:
    """All keys by table, the ones at the top under the empty name. Those of `[[prices]]` stand under `prices`."""
    return dict(_tables("", Settings))


def _tables(path: str, model: type[BaseModel]) -> Iterable[tuple[str, list[str]]]:
    yield path, list(model.model_fields)
    for name, field in model.model_fields.items():
        inner = next((each for each in (field.annotation, *get_args(field.annotation)) if _is_table(each)), None)
        if inner is not None:
            yield from _tables(f"{path}.{name}" if path else name, inner)


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def header(table: str) -> str:
    """How a table begins in a file."""
    return f"[[{table}]]" if table in _LISTS else f"[{table}]"


def folded(name: str) -> str:
    """A name in the form in which keys are written: small letters, underscores."""
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def meant_by(table: str, name: str, *, is_table: bool) -> list[Key]:
    """What an unknown name in a table was probably to be, the likeliest first; empty where nothing comes near."""
    known = known_keys()
    return _tables_meant(known, table, name) if is_table else _keys_meant(known, table, name)


def _tables_meant(known: Mapping[str, list[str]], table: str, name: str) -> list[Key]:
    wanted, whole = folded(name), folded(f"{table}.{name}" if table else name)
    names = [each for each in known if each]
    if found := [each for each in names if whole in (each, each.replace(".", "_"))]:
        return [Key(found[0])]
    for each in (wanted, f"{wanted}s", _OTHER_TABLES.get(wanted, "")):
        if found := [other for other in names if each and each in (other, other.rsplit(".", 1)[-1])]:
            return [Key(other) for other in found]
    last = [other.rsplit(".", 1)[-1] for other in names]
    near = _near(whole, names, _HOW_NEAR_A_TABLE) or _near(wanted, last, _HOW_NEAR_A_TABLE)
    return [Key(other) for other in names if other in near or other.rsplit(".", 1)[-1] in near]


def _keys_meant(known: Mapping[str, list[str]], table: str, name: str) -> list[Key]:
    wanted = folded(name)
    here = known.get(table, []) if table else []
    if wanted in here:
        return [_key(known, table, wanted)]
    if flat := _flat(known, table, wanted):
        return flat
    others = _OTHER_NAMES.get(wanted, "").split()
    if other := [each for each in others if each in here]:
        return [_key(known, table, other[0])]
    tables = {place: keys for place, keys in known.items() if place and place not in _SERVERS}
    elsewhere = [Key(place, wanted) for place, keys in tables.items() if wanted in keys]
    how_near = _HOW_NEAR_ELSEWHERE if elsewhere else _HOW_NEAR
    near = [_key(known, table, each) for each in _near(wanted, here, how_near)]
    if near or elsewhere:
        return near + [key for key in elsewhere if key.table != table and key.path not in known]
    if called := [Key(place, each) for each in others for place, keys in tables.items() if each in keys]:
        return called
    names = [each for place, keys in tables.items() for each in keys if f"{place}.{each}" not in known]
    closest = _near(wanted, sorted(set(names)), _HOW_NEAR_ELSEWHERE)
    return [Key(place, each) for each in closest for place, keys in tables.items() if each in keys]


def _key(known: Mapping[str, list[str]], table: str, name: str) -> Key:
    path = f"{table}.{name}"
    return Key(path) if path in known else Key(table, name)


def _flat(known: Mapping[str, list[str]], table: str, wanted: str) -> list[Key]:
    """A key with the name of its table in front: `tls_enabled`, `mqtt_host`, `mqtt.host` in quotation marks."""
    for place, keys in known.items():
        within = place.removeprefix(f"{table}.") if table else place
        for key in keys:
            if place and place != table and wanted in (f"{within.replace('.', '_')}_{key}", f"{within}.{key}"):
                return [Key(place, key)]
    return []


def _near(wanted: str, names: list[str], how_near: float) -> list[str]:
    found = get_close_matches(wanted, names, 3, _HOW_NEAR)
    if turned := [each for each in found if sorted(each) == sorted(wanted)]:
        return turned
    alike = {each: SequenceMatcher(None, each, wanted).ratio() for each in found}
    return [each for each in found if alike[each] >= max(how_near, max(alike.values()) - _AS_GOOD)]


def unknown(table: str, name: str, *, is_table: bool, in_environment: bool) -> str:
    """What is to be said of an unknown key or table."""
    kind = "unknown table" if is_table else "unknown key"
    found = meant_by(table, name, is_table=is_table)
    if in_environment:
        return f"{kind} (did you mean {listed(key.variable for key in found)}?)" if found else kind
    if is_table:
        tables = listed((header(key.path) for key in found), "or") or ""
        return f"{kind} (did you mean {tables}?)" if found else f"{kind} (there are {listed(_headers(), 'and')})"
    here = [key for key in found if key.name and key.table == table] + [key for key in found if not key.name]
    others = [key for key in found if key not in here]
    said = []
    if here:
        said.append(f"did you mean {listed(_shown(key) for key in here)}?")
    if exact := [key for key in others if key.name == folded(name)]:
        said.append(f"{exact[0].name} belongs {_places(exact, is_at_top=not table)}")
    elif others and not here:
        said.append(f"did you mean {listed(f'{key.name} in {header(key.table)}' for key in others)}?")
    return f"{kind} ({' '.join(said) or _what_there_is(table)})"


def _shown(key: Key) -> str:
    return key.name or f"a table of its own, {header(key.path)}"


def _places(keys: list[Key], *, is_at_top: bool) -> str:
    below = "below" if is_at_top else "in"
    return f"{below} {listed(header(key.table) for key in keys)}"


def _what_there_is(table: str) -> str:
    known = known_keys()
    if not table or table not in known:
        return f"every key stands below the header of its table: {listed(_headers())}" if not table else "no such key"
    return f"{header(table)} has {listed(known[table], 'and')}"


def _headers() -> list[str]:
    return [header(table) for table in known_keys() if table]


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a`, `a or b`, `a, b or c`."""
    *others, end = list(words) or [""]
    return f"{', '.join(others)} {last} {end}" if others else end


def variables_meant(environ: Mapping[str, str]) -> dict[str, Key]:
    """Variables that are no settings, and of which one was to be: an underscore is missing, or a limit's table.

    A guard that is not heeded costs money; other variables that begin alike (`SHOMARE_CONFIG`) are nobody's mistake.
    """
    known = known_keys()
    keys = [Key(table, name) for table, names in known.items() if table for name in names]
    settings = {key.variable for key in keys} | {Key(table).variable for table in known if table}
    flat = {key.variable.replace(DELIMITER, "_"): key for key in [*keys, *(Key(table) for table in known if table)]}
    flat |= {f"{PREFIX}{name.upper()}": Key("limits", name) for name in known["limits"]}
    found = {}
    for name, value in environ.items():
        upper = name.upper()
        if not upper.startswith(PREFIX) or DELIMITER in upper or upper in settings or _is_of_others(value):
            continue
        near = get_close_matches(
            upper.removeprefix(PREFIX), [n.removeprefix(PREFIX) for n in flat], 1, _HOW_NEAR_A_VARIABLE
        )
        key = flat[PREFIX + near[0]] if near else None
        if key is not None and (key.name or PREFIX + near[0] == upper or value.lstrip().startswith(("{", "["))):
            found[name] = key
    return found


def _is_of_others(value: str) -> bool:
    """Whether a variable says nothing, or is the address of a service called shomare-mqtt.

    Kubernetes and links of Docker set `SHOMARE_MQTT_PORT=tcp://10.0.0.1:1883` in containers by themselves.
    """
    return not value.strip() or value.startswith(_ADDRESSES_OF_SERVICES)
