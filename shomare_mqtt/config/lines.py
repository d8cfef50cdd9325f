"""On which line of a TOML text each key begins, which tomllib does not tell.

The statements of a text (a `[table]`, a `key = value`) are parsed one by one: those lines that together parse, and less
of which do not. TOML leaves no doubt where one ends.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENDS = ("]", "}", '"""', "'''")
"""One of these stands on the last line of a statement of several lines."""


class Statement(NamedTuple):
    """Lines `first` to `last`, counted from 1, and what they say alone. None: they never end, or are no TOML."""

    first: int
    last: int
    said: dict[str, Any] | None
    is_table: bool


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a text in order; comments and blank lines are none."""
    first, held = 1, ""
    for number, line in enumerate(text.split("\n"), 1):
        if not held:
            first = number
        held += f"{line}\n"
        if first < number and not any(end in line for end in _ENDS):
            continue
        try:
            said = tomllib.loads(held)
        except tomllib.TOMLDecodeError:
            continue
        if said:
            yield Statement(first, number, said, held.lstrip().startswith("["))
        held = ""
    if held:
        yield Statement(first, text.count("\n") + 1, None, held.lstrip().startswith("["))


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, on which each key and table of a text begins.

    By dotted path, quotation marks left out; what stands in a list has its index there: `prices.0.country`.
    """
    lines: dict[str, int] = {}
    lists: dict[str, int] = {}
    table = ""
    for statement in statements(text):
        if statement.said is None:
            break
        if statement.is_table:
            table = _opened(statement.said, lists)
            _note(lines, table, statement.first)
        else:
            _note_all(lines, table, statement.said, statement.first)
    return lines


def table_at(text: str, line: int) -> str:
    """The table, as a dotted path without indexes, for which the keys on a line count; empty before the first one."""
    opened = ""
    for statement in statements("\n".join(text.split("\n")[: line - 1])):
        if statement.is_table and statement.said is not None:
            opened = name_of(statement.said)
    return opened


def name_of(said: Any) -> str:
    """What a statement names: `a.b` for `[a.b]`, `[[a.b]]` and `a.b = 1`."""
    path = []
    while isinstance(said, dict | list) and said:
        inner = said[0] if isinstance(said, list) else said
        if not isinstance(inner, dict) or not inner:
            break
        path.append(next(iter(inner)))
        said = inner[path[-1]]
    return ".".join(path)


def _opened(said: dict[str, Any], lists: dict[str, int]) -> str:
    """The path of the table that a header opens; an entry's index in each list of tables on the way."""
    path, value = "", said
    while isinstance(value, dict) and value:
        name, inner = next(iter(value.items()))
        path = _below(path, name)
        if isinstance(inner, list):
            lists[path] = lists.get(path, -1) + 1
        if path in lists:
            path = _below(path, str(lists[path]))
        value = inner[0] if isinstance(inner, list) else inner
    return path


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _note(lines: dict[str, int], path: str, line: int) -> None:
    """A path and all above it; the first line counts."""
    parts = path.split(".")
    for end in range(1, len(parts) + 1):
        lines.setdefault(".".join(parts[:end]), line)


def _note_all(lines: dict[str, int], path: str, value: Any, line: int) -> None:
    if isinstance(value, dict | list):
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            _note_all(lines, _below(path, str(name)), inner, line)
    if path:
        _note(lines, path, line)
