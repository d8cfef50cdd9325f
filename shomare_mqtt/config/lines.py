"""On which line of a TOML text each key begins, which tomllib does not tell.

A text is cut into its statements (a `[table]`, a `key = value`), each of which tomllib then reads alone: one ends with
the line on which every string and every bracket in it has ended.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN = re.compile(
    r'"""(?:[^"\\]++|\\.|"{1,2}(?!"))*+"{3,5}'
    r"|'''(?:[^']++|'{1,2}(?!'))*+'{3,5}"
    r'|(?:"""|' + r"''').*"  # never ended
    r'|"(?:[^"\\\n]++|\\[^\n])*+"|' + r"'[^'\n]*+'"
    r"|[\"'#][^\n]*|[\[\]{}\n]",
    re.DOTALL,
)
"""What a line's end or a bracket may hide in (a string, a comment), brackets and ends of lines."""


class Statement(NamedTuple):
    """Lines `first` to `last`, counted from 1, and their text."""

    first: int
    last: int
    text: str

    @property
    def said(self) -> dict[str, Any] | None:
        """What it says alone; None where it is no TOML."""
        try:
            return tomllib.loads(self.text)
        except (ValueError, RecursionError):
            return None

    @property
    def is_table(self) -> bool:
        """Whether it is, or was to be, the header of a table."""
        return self.text.lstrip().startswith("[")


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a text in order; comments and blank lines are none."""
    first, begin, depth, number = 1, 0, 0, 1
    for token in _TOKEN.finditer(f"{text}\n"):
        held = token[0]
        if held in ("[", "{"):
            depth += 1
        elif held in ("]", "}"):
            depth -= 1
        elif held != "\n":
            number += held.count("\n")
        elif depth > 0:
            number += 1
        else:
            yield from _statement(first, number, text[begin : token.end()])
            begin, depth, number = token.end(), 0, number + 1
            first = number
    yield from _statement(first, text.count("\n") + 1, text[begin:])


def _statement(first: int, last: int, text: str) -> Iterator[Statement]:
    if text.strip() and not text.lstrip().startswith("#"):
        yield Statement(first, last, text)


def lines_of(text: str) -> dict[str, int]:
    """The line, from 1, on which each key and table of a text begins.

    By dotted path, quotation marks left out; what stands in a list has its index there: `prices.0.country`.
    """
    lines: dict[str, int] = {}
    lists: dict[str, int] = {}
    table = ""
    for statement in statements(text):
        said = statement.said
        if said is None:
            break
        if statement.is_table:
            table = _opened(said, lists)
            _note(lines, table, statement.first)
        else:
            _note_all(lines, table, said, statement.first)
    return lines


def table_at(before: list[Statement]) -> str:
    """The table, as a dotted path without indexes, for which keys after these count; empty before the first one."""
    tables = (statement.said for statement in reversed(before) if statement.is_table)
    return next((name_of(said) for said in tables if said is not None), "")


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
