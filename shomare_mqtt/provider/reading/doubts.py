"""What a reading only guessed, and how it is said: the field, and the places of the answer that may be it.

A name that no reader knows says nothing of a value, for or against; what is taken from under one, or passed over, is
said. Names alone are told, never what stands under them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.provider.reading.places import may_be_value, notation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shomare_mqtt.provider.reading.shapes import Leaf

_MOST_PLACES = 4
_LONGEST_PLACE = 60


def place(parents: Iterable[str], name: str) -> str:
    """Where a field lies, for a person to find it: `data.wallet`. A name that may be a value is `*`."""
    parts = ("*" if may_be_value(part) else part for part in (*parents, name))
    return notation(tuple(parts)).replace('"*"', "*")[:_LONGEST_PLACE]


def place_of(leaf: Leaf) -> str:
    """The same of a leaf."""
    return place(leaf.parents, leaf.name)


def doubt(field: str, places: Iterable[str]) -> tuple[str, ...]:
    """The doubt of a field that may be at any of these places; none where there is no place."""
    told = list(dict.fromkeys(places))
    return (f"{field}: {' or '.join(told[:_MOST_PLACES])}",) if told else ()
