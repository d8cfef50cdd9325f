"""What is said of where a field was read: its place, how sure that is, and what else it might have been (`model.Found`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.provider.reading.places import notation, place_in

if TYPE_CHECKING:
    from collections.abc import Iterable

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
    """A leaf's place in the answer as it came, in the notation of `[provider.fields]`."""
    place = place_in(answer, leaf.name, leaf.value, leaf.parents)
    return None if place is None else notation(place)


def _found(field: str, answer: Any, best: Leaf, others: Iterable[Leaf], sureness: Sureness, why: str) -> Found:
    place = place_of_leaf(answer, best)
    told = dict.fromkeys(p for leaf in others if (p := place_of_leaf(answer, leaf)) not in (None, place))
    return Found(field, place, sureness, tuple(told)[:MOST_OTHERS], why)
