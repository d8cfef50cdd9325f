"""Outlines of answers: names and kinds of values, no value. Enough to name a place in an answer, too little to use it.

`{"status": true, "data": {"id": 74001, "79313226657": null}}` has the outline
`{"status": "true/false", "data": {"id": "number", "<number>": "empty"}}`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.places import notation, place_of

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.places import Place

EMPTY, NUMBER, TEXT, TRUTH = "empty", "number", "text", "true/false"
MORE = "…"
"""Stands for what was left out: names, entries, what lies deeper."""
_NUMBER_KEY, _TEXT_KEY = "<number>", "<text>"
_LONGEST_KEY = 40
_MOST_DIGITS = 2
"""Digits of a field's name: `line1`, `iso2`; what has more may be an id, a number or a code."""
_MOST_WORDS = 4
_NAME = re.compile(r"[@$]?[^\W\d_](?:[^\W]|[-_. :/\u200c])*|_+[^\W\d](?:[^\W]|[-_. ])*")
_DIGIT = re.compile(r"\d")
_BOUNDS = ((12, 80), (8, 40), (6, 20), (4, 10), (2, 5))
"""How deep an outline goes and how many names of an object it holds, from the fullest to the shortest."""


def outline(value: Any, depth: int = 12, width: int = 80) -> Any:
    """The outline of a JSON value, as JSON. Of a list the first two kinds of entries."""
    if isinstance(value, dict):
        return _of_object(value, depth, width) if value else EMPTY
    if isinstance(value, list):
        return _of_list(value, depth, width) if value else EMPTY
    if isinstance(value, bool):
        return TRUTH
    if value is None or value == "":
        return EMPTY
    return TEXT if isinstance(value, str) else NUMBER


def bounded(value: Any, fits: int) -> Any:
    """The fullest outline of a value of which so many characters are written down; None where none is so short."""
    found = (outline(value, depth, width) for depth, width in _BOUNDS)
    return next((each for each in found if len(str(each)) <= fits), None)


def _of_object(fields: dict[str, Any], depth: int, width: int) -> Any:
    if not depth:
        return MORE
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if len(found) >= width:
            found[MORE] = MORE
            break
        found.setdefault(plain_name(name), outline(value, depth - 1, width))
    return found


def _of_list(entries: list[Any], depth: int, width: int) -> Any:
    if not depth:
        return MORE
    found: list[Any] = []
    for entry in entries[:width]:
        one = outline(entry, depth - 1, width)
        if one not in found:
            found.append(one)
        if len(found) == 2:  # noqa: PLR2004 - enough to see that they differ
            break
    return [*found, MORE] if len(entries) > len(found) else found


def plain_name(name: str) -> str:
    """A field's name, or what stands for a key that may be an id, a number, a code or a person."""
    if is_field_name(name):
        return name
    return _NUMBER_KEY if _DIGIT.search(name) else _TEXT_KEY


def is_field_name(name: str) -> bool:
    """Whether a key looks like one that a programmer chose: letters, few words, hardly a digit."""
    return 0 < len(name) <= _LONGEST_KEY and _is_field_name(name)


@lru_cache(maxsize=256)
def _is_field_name(name: str) -> bool:
    return (
        _NAME.fullmatch(name) is not None
        and len(_DIGIT.findall(name)) <= _MOST_DIGITS
        and len(name.split()) <= _MOST_WORDS
    )


def plain_notation(written: str | None) -> str | None:
    """A place in the notation of `[provider.fields]`, its keys as an outline has them; None for other expressions."""
    place = place_of(written) if written is not None else None
    return None if place is None else notation(_plain_place(place))


def _plain_place(place: Place) -> Place:
    return tuple(step if isinstance(step, int) else plain_name(step) for step in place)
