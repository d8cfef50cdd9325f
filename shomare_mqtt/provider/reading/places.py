"""Where a value stands in an answer, and the notation for it: JMESPath, as in `[provider.fields]` (contract, Settings).

Only names and numbers of places are known here (`data.orders[0].id`): enough to say where a field was read, and to read
it there again, without the library that evaluates every expression.
"""

from __future__ import annotations

import json
import re
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import LONGEST_NAME
from shomare_mqtt.provider.reading.values import CONTAINERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Place = tuple[str | int, ...]
"""The way to a value: names of objects' fields, numbers of lists' entries; empty: the whole answer."""

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP = re.compile(
    r'(?P<dot>\.?)(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<quoted>"(?:[^"\\]|\\.)*"))|\[(?P<number>\d{1,6})\]'
)
_WHOLE = "@"
_DIGITS_OF_A_VALUE = 4
_LONGEST_SHOWN = 300
_NODES = 20_000
"""No record is larger; a list that is, is not searched to its end."""


class Missing:
    """Stands for a value that is not there, where None may be one."""


MISSING = Missing()


def notation(place: Place) -> str:
    """A place in JMESPath: `data.orders[0].id`, `"کد"`, `@` for the whole answer."""
    written = ""
    for step in place:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            written = _below(written, _noted(step))
    return written or _WHOLE


def _noted(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name, ensure_ascii=False)


def _below(written: str, name: str) -> str:
    return f"{written}.{name}" if written else name


def may_be_value(name: str) -> bool:
    """Whether a name is a phone number, an id, a code or an address: it stands in none of what all may read."""
    if name.isalpha():
        return False
    return sum(map(str.isdigit, name)) >= _DIGITS_OF_A_VALUE or "@" in name[1:]


def shown(place: Place | None) -> str | None:
    """A place's notation; None where a name in it may be a value, which the next answer would not have either."""
    if place is None:
        return None
    written = ""
    for step in place:
        if isinstance(step, int):
            written += f"[{step}]"
        elif (name := shown_name(step)) is None:
            return None
        else:
            written = _below(written, name)
    return (written or _WHOLE) if len(written) <= _LONGEST_SHOWN else None


def shown_name(name: str) -> str | None:
    """The same of a field of the whole answer."""
    return _kept_name(name) if len(name) <= LONGEST_NAME else _name_to_show(name)


@lru_cache(maxsize=1024)
def _kept_name(name: str) -> str | None:
    return _name_to_show(name)


def _name_to_show(name: str) -> str | None:
    """A name as it is noted; None where it may be a value, or is too long."""
    written = None if may_be_value(name) else _noted(name)
    return None if written is None or len(written) > _LONGEST_SHOWN else written


def place_of(text: str) -> Place | None:
    """The place that a notation of ours names; None for every other expression."""
    if text == _WHOLE:
        return ()
    place: list[str | int] = []
    at = 0
    while at < len(text):
        step = _STEP.match(text, at)
        if step is None or (step["number"] is None and bool(step["dot"]) != (at > 0)):
            return None
        at = step.end()
        try:
            place.append(int(step["number"]) if step["number"] else json.loads(step["quoted"] or f'"{step["name"]}"'))
        except ValueError:
            return None
    return tuple(place) or None


def value_at(value: Any, place: Place) -> Any:
    """What stands at a place; MISSING where nothing does."""
    for step in place:
        named = isinstance(value, dict) and step in value
        if not named and not (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            return MISSING
        value = value[step]
    return value


def place_in(answer: Any, name: str, value: Any, parents: Iterable[str] = ()) -> Place | None:
    """The place in an answer of a value that was read under a name; `parents`: the names of the objects around it.

    Readers take answers apart in many ways, and remember names alone. Of several places the one around which most of
    the parents stand, and of these the outermost.
    """
    found = [(*place, step) for place, step, inner in _walked(answer) if step == name and _same(inner, value)]
    return _likeliest(found, parents)


class Spots:
    """Where some names stand in an answer, which is gone through once for all values that are looked for under them."""

    def __init__(self, answer: Any, names: Iterable[str]) -> None:
        self._named: dict[str | int, list[tuple[Place, Any]]] = {name: [] for name in names}
        for place, step, value in _walked(answer):
            if step in self._named:
                self._named[step].append((place, value))

    def place_in(self, name: str, value: Any, parents: Iterable[str] = ()) -> Place | None:
        """The same as `place_in` of the answer; it is one of the names."""
        found = [(*place, name) for place, inner in self._named[name] if _same(inner, value)]
        return _likeliest(found, parents)


def _likeliest(found: list[Place], parents: Iterable[str]) -> Place | None:
    """Of several places of a value the one around which most of the parents stand, and of these the outermost."""
    if len(found) > 1:
        around = list(parents)
        return max(found, key=lambda place: (_agreeing(place, around), -len(place)))
    return found[0] if found else None


def place_of_object(answer: Any, wanted: Any) -> Place | None:
    """The place of this very object or list in an answer, the outermost."""
    if answer is wanted:
        return ()
    return next(((*place, step) for place, step, value in _walked(answer) if value is wanted), None)


def places_of(answer: Any, name: str) -> Iterator[Place]:
    """Every place of a name in an answer, the outermost first."""
    return ((*place, step) for place, step, _ in _walked(answer) if step == name)


def places_of_value(answer: Any, wanted: Any) -> Iterator[Place]:
    """Every place of a plain value in an answer, the outermost first."""
    return ((*place, step) for place, step, value in _walked(answer) if _same(value, wanted))


def _walked(answer: Any) -> Iterator[tuple[Place, str | int, Any]]:
    """Every value inside an answer with the place that it lies in and its step there, the outermost first."""
    queue: deque[tuple[Any, Place]] = deque([(answer, ())])
    seen = 0
    while queue and seen < _NODES:
        node, place = queue.popleft()
        inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for step, value in inner:
            seen += 1
            yield place, step, value
            if isinstance(value, CONTAINERS):
                queue.append((value, (*place, step)))


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and bool(one == other))


def _agreeing(place: Place, parents: list[str]) -> int:
    """How many of the parents' names stand in a place, from the innermost one outwards."""
    names = [step for step in place[:-1] if isinstance(step, str)]
    rest = iter(reversed(names))
    return sum(any(parent == name for name in rest) for parent in reversed(parents))
