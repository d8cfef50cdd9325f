"""What is no TOML in a settings file, line by line, in words for whoever writes one for the first time.

No message repeats a value: the line may hold a secret. What is wrong is looked for in the whole file: a faulty line is
left out, and the rest is read again.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from typing import NamedTuple

from shomare_mqtt.config import meant
from shomare_mqtt.config.lines import Statement, lines_of, name_of, statements, table_at
from shomare_mqtt.config.mistakes import Mistake
from shomare_mqtt.config.suggestions import header, known_keys, meant_by
from shomare_mqtt.model import FIELDS_BY_HAND

STAND_IN = "__left_out_"
"""What the tables are called that stand in the place of those whose header is faulty."""
_MOST = 50
_MOST_READ = 2_000_000
"""Characters: each fault costs one more reading of the whole text, and a hostile one must not hold up who reads it."""
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_LINE = re.compile(r"""\s*(?P<key>[\w-]+(?:\.[\w-]+)*|"[^"]*"|'[^']*')\s*(?P<sign>[=:])\s*(?P<value>.*)$""")
_FIRST_WORD = re.compile(r"\s*\[*\s*(?P<word>[\w.-]*)")
_CURLY = re.compile("[“”„«»‘’‚‹›`]")
_COMMENT = re.compile(r"(?<!\s)\s+#.*$")
_SEVERAL = re.compile(r"""(["'])[^"']*\1\s*,\s*["']""")
_BARE_TABLE = re.compile(r"\s*\[*\s*(?P<name>[\w.]+)\s*[\]:]*\s*(?:#.*)?$")
"""The header of a table without its brackets, or as YAML has it."""
_OTHER_COMMENT = re.compile(r"\s*(?://|;|--|/\*|<!--|%)")
_OPENS = {"[": "a list stands in [ and ]", "{": "a table within a line stands in { and }"}
_LONG = ('"""', "'''")


class Read(NamedTuple):
    """All faults of a text, and the text without them; None where too much of what is left is doubtful."""

    faults: list[Mistake]
    text: str | None


class _Fault(NamedTuple):
    """tomllib's message, where it stands, the statement in which it does, and those before it."""

    said: str
    line: int
    statement: Statement
    before: list[Statement]


def read_what_is_right(text: str) -> Read:
    """All faults of a text that is no TOML, one a statement, and what is left without these."""
    lines = text.split("\n")
    told: dict[int, Mistake] = {}
    for _ in range(min(_MOST, 1 + _MOST_READ // len(text))):
        fault = _first_fault(lines)
        if fault is None:
            return Read(list(told.values()), "\n".join(lines))
        told.setdefault(fault.statement.first, _mistake(lines, fault))
        if not _is_mended(lines, fault):
            break
    return Read(list(told.values()), None)


def _first_fault(lines: list[str]) -> _Fault | None:
    text = "\n".join(lines)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        said = str(error)
    else:
        return None
    at = _AT.search(said)
    line = int(at[1]) if at and at[1] else len(lines)
    before = []
    for statement in statements(text):
        if statement.last >= line:
            break
        before.append(statement)
    else:
        statement = Statement(line, line, lines[line - 1])
    return _Fault(_AT.sub("", said), line, statement, before)


def _is_mended(lines: list[str], fault: _Fault) -> bool:
    """Takes a fault out of the lines; False where nobody can tell how far it goes."""
    first, last, _ = fault.statement
    said, is_table = fault.statement.said, fault.statement.is_table
    if said is None and _is_header(lines[first - 1]):
        is_table = True
    elif said is None and fault.line != first and _opens(lines[first - 1]):
        return False
    if not is_table:
        # What goes on to the last line is hardly one statement: it is never ended.
        end = first if said is None and last == len(lines) else last
        lines[first - 1 : end] = [""] * (end - first + 1)
        return True
    found = _FIRST_WORD.match(lines[first - 1])
    name = found["word"] if found else ""
    mended = header(name)
    stand_in = f"[{STAND_IN}{first}]"
    if lines[first - 1] == stand_in:
        return False
    lines[first - 1] = mended if name in known_keys() and lines[first - 1] != mended and said is None else stand_in
    return True


def _opens(line: str) -> bool:
    """Whether the value on a line may go on over the next ones."""
    found = _LINE.match(line.rstrip())
    return found is None or found["value"].startswith((*_OPENS, *_LONG))


def _mistake(lines: list[str], fault: _Fault) -> Mistake:
    first = fault.statement.first
    table = table_at(fault.before)
    if fault.statement.said is not None:
        return _twice(lines_of("\n".join(lines[: first - 1])), table, fault)
    line = lines[first - 1]
    if _is_header(line):
        table = _table_meant(line)
        shown = header(table) if table else "[table]"
        what = f"is not TOML: the header of a table stands in brackets, alone on its line: {shown}"
        return Mistake(table, what if table else f"this line {what}", first)
    found = _LINE.match(line.rstrip())
    name = found["key"].strip("\"'") if found else ""
    key = _known(table, name)
    name = name if key else "key"
    hint = _hint(line) if not found or _is_general(line) else _hint_of_value(key, name, found, fault)
    return Mistake(key, f"is not TOML: {hint}" if key else f"this line is not TOML: {hint}", first)


def _known(table: str, name: str) -> str:
    """The path of what a faulty line seems to set, where that is ours (and no part of a secret); else empty."""
    known = known_keys()
    if name in known.get(table, ()) or (table == "provider.fields" and name in FIELDS_BY_HAND):
        return f"{table}.{name}" if table else name
    if name and any(name in keys for keys in known.values()):
        return f"{table}.{name}" if table else name
    if name and table and meant_by(table, name, is_table=False):
        return f"{table}.{name}"
    return ""


def _twice(lines: dict[str, int], table: str, fault: _Fault) -> Mistake:
    first, is_table = fault.statement.first, fault.statement.is_table
    name = name_of(fault.statement.said)
    key = name if is_table or not table else f"{table}.{name}"
    at = lines.get(key)
    already = f"it stands on line {at} already" if at else "a key or a table of this name stands above"
    if is_table and key in known_keys():
        return Mistake(
            key, f"the table {header(key)} cannot stand twice: {already}; put the keys together there", first
        )
    return Mistake(key, f"cannot stand twice: {already}; keep one of them", first)


def _is_header(line: str) -> bool:
    """Whether a line is, or was probably to be, the header of a table."""
    found = _BARE_TABLE.match(line)
    return line.lstrip().startswith("[") or (found is not None and found["name"] in known_keys())


def _is_general(line: str) -> bool:
    return bool(_CURLY.search(line)) or bool(_OTHER_COMMENT.match(line))


def _hint(line: str) -> str:
    """What is wrong with a line whatever its value is."""
    if _OTHER_COMMENT.match(line):
        return "a comment begins with #"
    if _CURLY.search(line):
        return 'quotation marks must be the straight ones, "…"'
    if "=" in line:
        return "a key is one word of letters, digits, _ and -, and stands before ="
    return _hint_of_word(line)


def _hint_of_word(line: str) -> str:
    found = _FIRST_WORD.match(line)
    word = found["word"] if found else ""
    known = known_keys()
    if any(word in keys for keys in known.values()):
        return f'"=" is missing between the key and its value: {word} = …'
    return "a line is [table], key = value or # comment"


def _table_meant(line: str) -> str:
    found = _FIRST_WORD.match(line)
    word = found["word"] if found else ""
    return word if word in known_keys() else next((key.path for key in meant_by("", word, is_table=True)), "")


def _hint_of_value(key: str, name: str, found: re.Match[str], fault: _Fault) -> str:
    """What is wrong with the value of a key, or with the sign before it."""
    value = found["value"]
    if unicodedata.category(value[:1] or " ") == "Cf":
        mark = f"U+{ord(value[0]):04X}, which comes with text that is copied"
        return f"a mark that cannot be seen stands before the value ({mark}): write the line anew"
    if found["sign"] == ":":
        return f"write {name} = value, with = and no colon"
    if fault.line != fault.statement.first and _opens(found.string):
        return _hint_of_opened(value)
    if not value or value.startswith("#"):
        return "the value is missing; to leave the key out, begin the line with #"
    bare = _COMMENT.sub("", value)
    if bare[-1:] in (",", ";") and _is_value(bare[:-1]):
        return f'leave out the "{bare[-1]}" at the end of the line'
    return _hint_of_quotes(name, value, fault) if value[0] in "\"'" else _hint_of_bare(key, name, bare, fault)


def _hint_of_opened(value: str) -> str:
    """What is wrong with a value that begins on a line and goes wrong, or never ends, on a later one."""
    if value.startswith(_LONG):
        return f"a text begins here that goes on over the next lines, to the next {value[:3]}, and one is missing"
    return f"what begins here is never ended, or a comma is missing in it: {_OPENS[value[0]]}"


def _hint_of_bare(key: str, name: str, value: str, fault: _Fault) -> str:
    if switch := meant.switch_for(value):
        return f"write {switch}, in small letters and without quotation marks"
    table, _, _ = key.rpartition(".")
    is_name = table in ("prices", "homeassistant") or (table == "defaults" and name != "max_price")
    if not is_name and (number := meant.number_for(key, value)):
        return f"{_rule_of_numbers(key, value)}: write {name} = {number}"
    if value[0] == "[" and re.search(r"[\[,]\s*[^\W\d]", value):
        return f'a text stands in quotation marks, in a list too: {name} = ["…", "…"]'
    if value[0] in "[{":
        return f"this list or table is not written as TOML has it ({fault.said})"
    if value[-1] in "\"'":
        return f"the quotation mark at the beginning of the text is missing: {name} = {value[-1]}…{value[-1]}"
    return f'a text stands in quotation marks: {name} = "…"'


def _rule_of_numbers(key: str, value: str) -> str:
    """What a number may not have; of one that lacks nothing but the digits that TOML knows, that alone."""
    if value.isdecimal() and not value.isascii():
        return "a number is written with the digits 0 to 9"
    return "a number has no unit and no separator" + (", and this is one of seconds" if meant.is_time(key) else "")


def _hint_of_quotes(name: str, value: str, fault: _Fault) -> str:
    quote = value[0]
    if quote == '"' and "\\" in value and ("nescaped" in fault.said or "escape" in fault.said or "hex" in fault.said):
        return "a \\ in quotation marks begins a special character: write / instead, or put the text into '…'"
    if value.count(quote) % 2:
        return f"the quotation mark at the end of the text is missing: {quote}…{quote}"
    if _SEVERAL.match(value):
        return f'a list stands in brackets: {name} = ["…", "…"]'
    return "after the text in quotation marks nothing may follow on its line but a # comment"


def _is_value(text: str) -> bool:
    try:
        tomllib.loads(f"x = {text}")
    except tomllib.TOMLDecodeError:
        return False
    return True
