"""What is wrong with settings, all of it at once: each in one line with its place, the key's path and what to write."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.config import meant
from shomare_mqtt.config.environment import DELIMITER, PREFIX
from shomare_mqtt.config.lines import lines_of
from shomare_mqtt.config.suggestions import (
    header,
    known_keys,
    listed,
    unknown,
    variables_meant,
)
from shomare_mqtt.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

_PLAIN_WORDS = {
    "missing": "is missing",
    "string_type": "must be a text, in quotes",
    "string_too_short": "must not be empty",
    "path_type": "must be a text, in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "decimal_type": "must be a number",
    "finite_number": "must be a number, and not an endless one",
    "greater_than_equal": "must be {ge} or more",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be {le} or less",
}
"""What pydantic says in words of its own trade."""
_TEXTS = ("string_type", "path_type")
MOST_TOLD = 200
"""Mistakes told of one kind: a hostile file must not hold up who reads it."""
_SHORTEST_SECRET = 16
_KEY = re.compile(r"[\w-]+(?:\.[\w-]+)+(?=: )")


class Mistake(NamedTuple):
    """What is wrong with a key, given by its dotted path. `line`, `variable`: its place, where that is known.

    `is_of_absence`: whether something else is missing.
    """

    key: str
    what: str
    line: int | None = None
    variable: str | None = None
    is_of_absence: bool = False


class Places:
    """Where settings come from: the lines of a file, and variables."""

    def __init__(self, file: Path | None, text: str) -> None:
        """`text` is what the file holds, as far as it is TOML."""
        self._file = file
        self._lines = lines_of(text)
        self._variables = {name.upper(): name for name in os.environ if name.upper().startswith(PREFIX)}

    def variable_of(self, key: str) -> str | None:
        """The variable that sets a key, alone or within its JSON; None where the file (or nothing) does."""
        parts = key.split(".")
        for end in range(len(parts), 0, -1):
            name = self._variables.get(PREFIX + DELIMITER.join(parts[:end]).upper())
            if name is not None and (end == len(parts) or _holds(os.environ[name], parts[end:])):
                return name
        return None

    def line_of(self, key: str) -> int | None:
        """The line on which a key begins, else the table or the list that it would stand in."""
        parts = key.split(".")
        return next(
            (self._lines[p] for end in range(len(parts), 0, -1) if (p := ".".join(parts[:end])) in self._lines), None
        )

    def named(self, mistakes: Iterable[Mistake]) -> SettingsError:
        """The error that tells all mistakes, in the file's order, then those of the environment."""
        told = sorted(map(self._told, mistakes), key=lambda each: each[0])
        return SettingsError(*dict.fromkeys(text for _, text in told))

    def _told(self, mistake: Mistake) -> tuple[float, str]:
        key = ".".join("***" if _may_be_secret(part) else part for part in mistake.key.split("."))
        said = " ".join(f"{key}: {mistake.what}".split()).removeprefix(": ")
        variable = mistake.variable or (None if mistake.line else self.variable_of(mistake.key))
        if variable is not None:
            return float("inf"), f"{variable}: {said}"
        line = mistake.line or self.line_of(mistake.key)
        if self._file is None:
            return 0, said
        return line or 0, f"{self._file}:{line}: {said}" if line else f"{self._file}: {said}"


def _may_be_secret(name: str) -> bool:
    """Whether the name of a key may be a token that came before the sign; none of ours is long and has digits in it."""
    return len(name) >= _SHORTEST_SECRET and any(character.isdigit() for character in name)


def _holds(text: str, parts: list[str]) -> bool:
    """Whether the JSON of a variable holds a key, or a list, which is never mixed with the file's."""
    try:
        value = json.loads(text)
    except ValueError:
        return True
    for index, part in enumerate(parts):
        if isinstance(value, list):
            return True
        if not isinstance(value, dict):
            return False
        if ".".join(parts[index:]) in value:
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def placed(error: SettingsError, file: Path | None) -> SettingsError:
    """An error of a plugin's settings, whose lines begin with the key's path, with the places of the keys."""
    text = ""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, ValueError):
            return error
    found = []
    for line in error.lines:
        key = _KEY.match(line)
        found.append(Mistake(key[0], line[key.end() + 2 :]) if key else Mistake("", line))
    return Places(file, text).named(found)


def of_validation(error: ValidationError, places: Places) -> list[Mistake]:
    """What pydantic found, in words for the owner; no value is repeated but numbers and words of our own."""
    return [
        Mistake(
            key,
            _what(key, each, in_environment=places.variable_of(key) is not None),
            is_of_absence=each["type"] in ("missing", "beside"),
        )
        for each in error.errors(include_url=False)[:MOST_TOLD]
        for key in [".".join(str(part) for part in each["loc"] if part != "[key]")]
    ]


def of_unknown_table(name: str, value: object) -> Mistake:
    """A table, or a key above all tables, that there is not."""
    return Mistake(name, unknown("", name, is_table=is_table(value), in_environment=False))


def of_unknown_variable(variable: str) -> Mistake:
    """A variable of a table that there is not."""
    key = variable[len(PREFIX) :].lower().replace(DELIMITER, ".")
    return Mistake(key, unknown("", key, is_table=False, in_environment=True), variable=variable)


def of_variables(table: str) -> list[Mistake]:
    """Variables with an underscore too few, that were to be settings of a table (empty: of any)."""
    return [
        Mistake(key.path, f"this variable sets nothing: its name must be {key.variable}", variable=name)
        for name, key in variables_meant(os.environ).items()
        if table in ("", key.path.split(".")[0])
    ]


def of_secret_file(path: Path, key: str, wrong: str) -> Mistake:
    """A file of a secret that cannot be used. What names no file may be the secret itself, and is not repeated."""
    if os.path.lexists(path):
        return Mistake(key, f"{path} {wrong}")
    secret = key.removesuffix("_file").rsplit(".", 1)[-1]
    return Mistake(key, f'there is no such file; the {secret} itself would be written as {secret} = "…"')


def _what(key: str, error: ErrorDetails, *, in_environment: bool) -> str:
    kind, value = error["type"], error["input"]
    above, _, name = key.rpartition(".")
    is_setting_of_plugins = above == "plugins" and kind == "dict_type"
    if kind == "extra_forbidden" or is_setting_of_plugins:
        table = ".".join(part for part in above.split(".") if not part.isdigit())
        said = unknown(table, name, is_table=is_table(value), in_environment=in_environment)
        return f"{said}; a plugin's own settings are a table, [plugins.<name>]" if is_setting_of_plugins else said
    if kind in ("literal_error", "enum"):
        return _choice(error)
    if kind in _PLAIN_WORDS and not (isinstance(value, dict) and kind in _TEXTS):
        return _PLAIN_WORDS[kind].format(**error.get("ctx", {}))
    instead = _INSTEAD.get("decimal_parsing" if kind.startswith("decimal_") else kind)
    return instead(key, value) if instead else error["msg"].removeprefix("Value error, ")


def is_table(value: object) -> bool:
    """Whether a value of a file is a table, or a list of them."""
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _no_table(key: str, value: object) -> str:
    known = known_keys().get(key, ())
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return f"must be one table: write {header(key)}, with one pair of brackets, once"
    if isinstance(value, bool | str) and "enabled" in known:
        switch = str(value).lower() if isinstance(value, bool) else meant.switch_for(value) or "true"
        return f"must be a table: write {header(key)} on a line of its own, and enabled = {switch} below it"
    if known:
        return f"must be a table: write {header(key)} on a line of its own, and its keys below it"
    return "must be a table"


def _no_list(key: str, value: object) -> str:
    if key == "prices" and isinstance(value, dict):
        return "must be a list of tables: write [[prices]], with two pairs of brackets, before each of them"
    if isinstance(value, str | int) and not isinstance(value, bool):
        return f'must be a list: write {key.rsplit(".", 1)[-1]} = ["…"], also for one'
    return "must be a list"


def _choice(error: ErrorDetails) -> str:
    words = re.findall(r"'([^']*)'", error.get("ctx", {}).get("expected", ""))
    quoted = [f'"{word}"' for word in words]
    value: Any = error["input"]
    near = None if isinstance(value, dict | list) else meant.word_for(value, words)
    hint = f' (did you mean "{near}"?)' if near else ""
    return f"must be {listed(quoted)}{hint}"


def _no_number(key: str, value: object) -> str:
    return meant.no_number(key, value) if isinstance(value, str) else "must be a number"


def _no_switch(_: str, value: object) -> str:
    switch = meant.switch_for(value) if isinstance(value, str) else None
    return "must be true or false" + (f": write {switch}, without quotation marks" if switch else "")


def _no_text(key: str, _: object) -> str:
    table, _, name = key.rpartition(".")
    return f'must be a text, and no table: write {name} = "…" below {header(table)}'


_INSTEAD: dict[str, Callable[[str, object], str]] = {
    "model_type": _no_table,
    "dict_type": _no_table,
    "tuple_type": _no_list,
    "string_type": _no_text,
    "path_type": _no_text,
    "quoted": lambda key, value: meant.unquoted(key, str(value)),
    "no_switch": _no_switch,
    "bool_parsing": _no_switch,
    "int_parsing": _no_number,
    "int_parsing_size": _no_number,
    "float_parsing": _no_number,
    "decimal_parsing": _no_number,
}
"""What to say, and to write instead, by pydantic's name of what is wrong."""
