"""What is said of where a field was read (`model.Found`): its place, how sure that is, what else it might have been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.provider.reading.places import may_be_value, notation, place_in, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shomare_mqtt.provider.reading.places import Place
    from shomare_mqtt.provider.reading.shapes import Leaf

MOST_OTHERS = 5
BY_NAME = "its name"


def read_at(field: str, answer: Any, best: Leaf, others: Iterable[Leaf] = (), *, why: str = BY_NAME) -> Found:
    """A field that was read at a leaf, which was sure to be it. `others`: what it might have been, best first."""
    return _found(field, answer, best, others, Sureness.SURE, why)


def guessed_at(field: str, answer: Any, best: Leaf, others: Iterable[Leaf] = (), *, why: str) -> Found:
    """A field that was read at a leaf for want of a better one."""
    return _found(field, answer, best, others, Sureness.DOUBTFUL, why)


def missing(field: str, why: str = "") -> Found:
    """A field that an answer lacks."""
    return Found(field, None, Sureness.MISSING, why=why)


def place_of_leaf(answer: Any, leaf: Leaf) -> str | None:
    """A leaf's place in the answer as it came, in the notation of `[provider.fields]`; None for one not to be shown."""
    return shown(_along(answer, leaf) or place_in(answer, leaf.name, leaf.value, leaf.parents))


def _along(answer: Any, leaf: Leaf) -> Place | None:
    """A leaf's place by the names around it, where nothing was taken apart: to look for it everywhere takes longer."""
    node, place = answer, list[str | int]()
    for name in (*leaf.parents, leaf.name):
        if isinstance(node, list) and len(node) == 1:
            node = node[0]
            place.append(0)
        if not isinstance(node, dict) or name not in node:
            return None
        node = node[name]
        place.append(name)
    return tuple(place) if node is leaf.value else None


def place_of_pattern(answer: Any, pattern: tuple[str, ...], *, is_wrapped: bool) -> str | None:
    """A collection's place, in the notation of `[provider.fields]`; None where none names it with its entries' keys.

    `is_wrapped`: the pattern is that of the one object in a list, which is the whole answer. `*` in a pattern stands
    for each of a collection that holds some itself: `data[].operators[]`.
    """
    node, written = (answer[0], "[0]") if is_wrapped else (answer, "")
    several = False
    for step in pattern:
        inside = [name for name, v in node.items() if isinstance(v, dict | list)] if isinstance(node, dict) else []
        if step == "*" and isinstance(node, list):
            several, written = True, f"{written}[]"
            node = next((entry for entry in node if isinstance(entry, dict | list)), None)
        elif step == "*" and 1 < len(inside) == len(node):
            several, written = True, f"{written}.*" if written else "*"
            node = node[inside[0]]
        else:
            name = inside[0] if step == "*" and len(inside) == 1 else step
            if not isinstance(node, dict) or name not in node or may_be_value(name):
                return None
            written, node = _below(written, name), node[name]
    if several:
        return f"{written}[]" if isinstance(node, list) else None
    return written or notation(())


def _below(written: str, name: str) -> str:
    return f"{written}.{notation((name,))}" if written else notation((name,))


def _found(field: str, answer: Any, best: Leaf, others: Iterable[Leaf], sureness: Sureness, why: str) -> Found:
    place = place_of_leaf(answer, best)
    told = dict.fromkeys(p for leaf in others if (p := place_of_leaf(answer, leaf)) not in (None, place))
    return Found(field, place, sureness, tuple(told)[:MOST_OTHERS], why)
