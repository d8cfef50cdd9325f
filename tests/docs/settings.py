"""`docs/settings.md` and `docs/settings.schema.json`: every key of the settings file, from the models that read it."""

from __future__ import annotations

import json
import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, SecretStr
from pydantic.json_schema import GenerateJsonSchema

from shomare_mqtt import config
from shomare_mqtt.config import kinds
from shomare_mqtt.config import tables as tables_
from shomare_mqtt.config.effect import effect_of
from shomare_mqtt.config.environment import DELIMITER, PREFIX
from shomare_mqtt.model import FIELDS_BY_HAND, PurchaseState
from tests.docs.example import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_TAKES: tuple[tuple[Any, str], ...] = (
    (kinds.Seconds, "seconds, more than 0"),
    (kinds.SecondsOrZero, "seconds, from 0"),
    (kinds.Rate, "a number, from 0"),
    (kinds.Port, "a whole number, 1 to 65535"),
    (kinds.Count, "a whole number, from 0"),
    (kinds.Money, "money, from 0"),
    (kinds.Switch, "`true` or `false`"),
    (kinds.Text, "text"),
    (kinds.Id, "an id or a name"),
    (kinds.OptionalId, "an id or a name"),
    (kinds.File, "a path"),
    (kinds.Host, "a name or an address"),
    (kinds.Topic, "a topic"),
    (kinds.TimeZone, "a time zone"),
    (kinds.IpAddress, "an address"),
    (kinds.PublicAddress, "an http:// or https:// address without a user and a query"),
    (kinds.WebAddress, "an http:// or https:// address"),
    (SecretStr, "text, a secret"),
    (tables_.WebPassword, "text, a secret"),
    (str, "text"),
)
_OF_WHOLE = {
    "mqtt.keepalive": "seconds, 1 to 65535",
    "mqtt.session_expiry": "seconds, from 0",
    "web.ingress_port": "a whole number, 0 to 65535",
}
"""Whole numbers whose unit the type does not say."""
_FREE = {
    "provider.fields": f"a JMESPath expression for each of {', '.join(f'`{each}`' for each in FIELDS_BY_HAND)}",
    "provider.states": f"a word = {', '.join(f'`{json.dumps(each.value)}`' for each in PurchaseState)}",
}
"""Tables whose keys are the owner's."""


class Key(NamedTuple):
    """One key of a table. `default` is as TOML has it, empty where there is none."""

    path: str
    takes: str
    default: str
    meaning: str
    is_another: bool

    @property
    def variable(self) -> str:
        return PREFIX + self.path.replace(".", DELIMITER).upper()


def _takes(path: str, hint: Any) -> str:
    """What may stand there, in words. Raises LookupError for a kind that nobody has described."""
    if path in _OF_WHOLE:
        return _OF_WHOLE[path]
    for kind, what in _TAKES:
        if hint == kind:
            return what
    if get_origin(hint) is Literal:
        return ", ".join(f"`{json.dumps(each)}`" for each in get_args(hint))
    if get_origin(hint) in (Union, types.UnionType):
        (inner,) = [each for each in get_args(hint) if each is not type(None)]
        return _takes(path, inner)
    if get_origin(hint) is tuple:
        return f"a list: each {_takes(path, get_args(hint)[0])}"
    if get_origin(hint) is Annotated:
        return _takes(path, get_args(hint)[0])
    raise LookupError(f"{path}: nobody has said what {hint} is")


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "needed"
    value = field.get_default()
    if value is None or field.default_factory is not None:
        return ""
    return f"`{json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False)}`"


def tables(model: type[BaseModel] = config.Settings, path: str = "") -> Iterator[tuple[str, list[Key]]]:
    """Every table of the file, in its order, with its own keys."""
    meanings = said()
    hints = get_type_hints(model, include_extras=True)
    keys, below = list[Key](), list[tuple[str, type[BaseModel]]]()
    for name, field in model.model_fields.items():
        whole, table = f"{path}{name}", _table(hints[name])
        if table is not None:
            below.append((whole, table))
        elif whole in _FREE:
            below.append((whole, BaseModel))
        else:
            if whole not in meanings:
                raise LookupError(f"config.example.toml does not show {whole} and say what it does")
            meaning, is_another = meanings[whole]
            keys.append(Key(whole, _takes(whole, hints[name]), _default(field), meaning, is_another))
    if path:
        yield path.removesuffix("."), keys
    for whole, table in below:
        yield from tables(table, f"{whole}.")


def _table(hint: Any) -> type[BaseModel] | None:
    """The model of a table, or of each of a list of them."""
    inner = get_args(hint)[0] if get_origin(hint) is tuple else hint
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


# --- the page -------------------------------------------------------------------------------------------------------

_PAGE = """\
# Every setting

Made from the code with `make docs`; a test compares.

One TOML file holds the settings; [config.example.toml](../config.example.toml) is one to copy, and `shomare-mqtt init`
writes one. `shomare-mqtt check` says what is wrong with a file, on which line, or prints what is in force. Each key can
be set in the environment as well, by the name below it, and that outranks the file; a list or a table is written as
JSON there. What the values may be, and what they have to do with each other, is the [contract](contract.md#settings)'s
matter.

"On a reload" is what a change does where a running daemon reads its file again (`systemctl reload shomare-mqtt`, or
SIGHUP): it counts at once, or the connection to the broker ends and begins anew, a moment in which Home Assistant shows
`unavailable`.

An editor that knows JSON Schema for TOML (VS Code with Even Better TOML, and whatever speaks to taplo) completes keys,
shows these texts and marks mistakes where the file begins with `#:schema` and the place of
[settings.schema.json](settings.schema.json), as `config.example.toml` does. From elsewhere the place is a whole path:

```toml
#:schema /home/me/shomare-mqtt/docs/settings.schema.json
```
"""


def page() -> str:
    """`docs/settings.md`."""
    return "\n".join([_PAGE, *(_section(path, keys) for path, keys in tables())])


def _section(path: str, keys: list[Key]) -> str:
    is_list = path == "prices"
    lines = [f"## `{'[[' if is_list else '['}{path}{']]' if is_list else ']'}`", ""]
    if meaning := said()[f"[{path}]"].meaning:
        lines += [_cell(meaning), ""]
    if path in _FREE:
        variable = PREFIX + path.replace(".", DELIMITER).upper()
        lines += [f"Holds {_FREE[path]}. In the environment: `{variable}`, as JSON. On a reload: {_effect(path)}.", ""]
        return "\n".join(lines)
    if is_list:
        lines += [f"In the environment: `{PREFIX}{path.upper()}`, a list of objects as JSON.", ""]
    lines += ["| key | takes | default | what it does | on a reload |", "| --- | --- | --- | --- | --- |"]
    lines += [_row(key, is_list=is_list) for key in keys]
    return "\n".join([*lines, ""])


def _row(key: Key, *, is_list: bool) -> str:
    name = f"`{key.path.rpartition('.')[2]}`" + ("" if is_list else f"<br>`{key.variable}`")
    of_table = said()[f"[{key.path.rpartition('.')[0]}]"].meaning
    meaning = "as above" if key.is_another else key.meaning.removeprefix(of_table or "\n")
    return f"| {name} | {key.takes} | {key.default} | {_cell(meaning)} | {_effect(key.path)} |"


def _effect(path: str) -> str:
    """When a changed value counts, where the daemon is told to read the file again."""
    effect = effect_of(path)
    if effect.connects_anew:
        return "connects anew"
    return f"at once: {effect.how}" if effect.how else "at once"


def _cell(text: str) -> str:
    """A cell of a table; what stands in angle brackets is no HTML."""
    return text.replace("|", "\\|").replace("<", "\\<")


_BOUNDS = {"ge": "minimum", "le": "maximum", "gt": "exclusiveMinimum", "lt": "exclusiveMaximum"}
"""What pydantic writes for a bound behind a validator of ours, and what the schema calls it."""
_LEFT_OUT = ("title", "description", "format", "writeOnly", "allow_inf_nan")

# --- the schema -----------------------------------------------------------------------------------------------------


class _AsWritten(GenerateJsonSchema):
    """What may be written in TOML, which has no null; texts for numbers are the environment's alone."""

    def nullable_schema(self, schema: Any) -> dict[str, Any]:
        return self.generate_inner(schema["schema"])

    def decimal_schema(self, schema: Any) -> dict[str, Any]:
        return {"type": "number", **({"minimum": schema["ge"]} if "ge" in schema else {})}

    def function_before_schema(self, schema: Any) -> dict[str, Any]:
        inner = self.generate_inner(schema["schema"])
        return {"type": ["string", "integer"]} if schema["function"]["function"] is kinds._id_text else inner

    def default_schema(self, schema: Any) -> dict[str, Any]:
        """Tables have no default of their own, and what is unset has none."""
        inner = self.generate_inner(schema["schema"])
        default = schema.get("default")
        is_plain = isinstance(default, str | int | float | tuple)
        return {**inner, "default": list(default) if isinstance(default, tuple) else default} if is_plain else inner


def schema() -> str:
    """`docs/settings.schema.json`, in draft 7 and without references, as editors for TOML read it."""
    whole = config.Settings.model_json_schema(mode="validation", schema_generator=_AsWritten)
    inlined = _inlined(whole, whole.pop("$defs"))
    _describe(inlined, "", said())
    fields = inlined["properties"]["provider"]["properties"]["fields"]
    fields["properties"] = {each: {"type": "string", "minLength": 1} for each in FIELDS_BY_HAND}
    fields["additionalProperties"] = {"type": "object"}  # names that were written without quotes
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "The settings of shomare-mqtt"}
    return json.dumps({**head, **inlined}, ensure_ascii=False, indent=2) + "\n"


def _inlined(value: Any, definitions: dict[str, Any]) -> Any:
    """Without references, and without the titles that only repeat names."""
    if isinstance(value, list):
        return [_inlined(each, definitions) for each in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for name, inner in value.items():
        if name == "$ref":
            found |= _inlined(definitions[inner.rpartition("/")[2]], definitions)
        elif name == "properties":
            found[name] = {key: _inlined(each, definitions) for key, each in inner.items()}
        elif name not in _LEFT_OUT:
            found[str(_BOUNDS.get(name, name))] = _inlined(inner, definitions)
    return found


def _describe(value: dict[str, Any], path: str, meanings: dict[str, Any]) -> None:
    for name, inner in value.get("properties", {}).items():
        whole = f"{path}{name}"
        found = meanings.get(f"[{whole}]") or meanings.get(whole)
        if found and found.meaning:
            inner["description"] = found.meaning
        _describe(inner.get("items", inner), f"{whole}.", meanings)
