"""Settings out of environment variables: `SHOMARE_<TABLE>__<KEY>`, in any letter case (contract, section Settings).

A variable holds a text. What it is to be is the key's business; a table or a list is JSON.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, get_args, get_origin

from pydantic import BaseModel

from shomare_mqtt.config.kinds import EnvironmentText

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "SHOMARE_"
DELIMITER = "__"


class VariableError(ValueError):
    """A variable that has to be JSON and is not. Its text is the key's path alone: the value may be a secret."""


def tables_in_environment(model: type[BaseModel]) -> dict[str, Any]:
    """What the variables set of a model whose fields are tables, or lists of them. Raises VariableError."""
    found: dict[str, Any] = {}
    for path, text in _variables():
        if path[0] in model.model_fields:
            _put(found, path, _value(model, path, text))
    return {name: value for name, value in found.items() if value is not None}


def _variables() -> list[tuple[tuple[str, ...], EnvironmentText]]:
    """Each variable's path and text; a table goes before its keys, which outrank what it says of them."""
    named = {name.lower(): EnvironmentText(text) for name, text in os.environ.items()}
    prefix = PREFIX.lower()
    paths = {tuple(n.removeprefix(prefix).split(DELIMITER)): text for n, text in named.items() if n.startswith(prefix)}
    return sorted(paths.items(), key=lambda each: len(each[0]))


def _value(model: type[BaseModel], path: tuple[str, ...], text: EnvironmentText) -> Any:
    """What a variable says: JSON for a table or a list, else its text. An empty one sets no more than a whole table."""
    is_json = len(path) == 1 or (text != "" and _holds_more(_annotation_at(model, path)))
    if not is_json:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise VariableError(".".join(path)) from None


def _annotation_at(model: type[BaseModel], path: tuple[str, ...]) -> Any:
    """The annotation of a key; None where no model tells of it."""
    annotation: Any = model
    for name in path:
        known = annotation.model_fields if _is_model(annotation) else {}
        if name not in known:
            return None
        annotation = known[name].annotation
    return annotation


def _holds_more(annotation: Any) -> bool:
    """Whether it is a table, or a list."""
    return _is_model(annotation) or get_origin(annotation) in (dict, tuple)


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and not get_args(annotation) and issubclass(annotation, BaseModel)


def _put(tables: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set a key; what a variable says of a table within one that is none is nowhere to be put."""
    *above, last = path
    for name in above:
        inner = tables.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        tables = inner
    tables[last] = value


def outranking(tables: Mapping[str, Any], file: Mapping[str, Any]) -> dict[str, Any]:
    """Both as one, key by key in tables within tables; where both set a key, the first one's counts."""
    both = dict(file)
    for name, value in tables.items():
        held = both.get(name)
        both[name] = outranking(value, held) if isinstance(value, dict) and isinstance(held, dict) else value
    return both
