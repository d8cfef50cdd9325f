"""What is said of a list's id: the columns that could be it, where they stand in the answer as it came, how sure."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import ITS_KEY, Found, IdColumn, Sureness
from shomare_mqtt.provider.reading.id_columns import ITSELF, KEY, is_likely, why
from shomare_mqtt.provider.reading.places import MISSING, Place, notation, place_in, places_of_value, value_at
from shomare_mqtt.provider.reading.values import is_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from shomare_mqtt.model import Catalog
    from shomare_mqtt.provider.reading.id_columns import Column
    from shomare_mqtt.provider.reading.shapes import Entry

_SAMPLE = 3
"""Entries that are enough to see how the answer has a column."""


class RawEntries(NamedTuple):
    """A list's entries, and what they were before their wrapping was taken off.

    `swapped`: whether plain ones were turned round, `{"Russia": "7"}`.
    """

    entries: Sequence[Entry]
    came: Callable[[Entry], Any]
    swapped: bool

    def place_of(self, column: Column) -> Place:
        """The place of a column in an entry as it came."""
        if column.place in (KEY, ITSELF):
            is_key = (column.place == KEY) is not self.swapped
            return KEY if is_key else ITSELF
        found = list(islice(self._places(column.place), _SAMPLE))
        same = [place for place in found[0] if all(place in others for others in found)] if found else []
        return same[0] if same else column.place

    def _places(self, place: Place) -> Iterator[list[Place]]:
        for entry in self.entries:
            value = value_at(entry.value, place)
            if value is not MISSING:
                yield _places_in(self.came(entry), place, value)


def _places_in(came: Any, place: Place, value: Any) -> list[Place]:
    """Where a value may have stood in an entry as it came: at its place, under its name, under another one."""
    if is_scalar(came) or value_at(came, place) is value:
        return [place]
    named = None if isinstance(came, list) else place_in(came, str(place[-1]), value, map(str, place[:-1]))
    return [named] if named is not None else list(places_of_value(came, value))


def described(
    catalog: Catalog, ranked: Sequence[Column], rows: Sequence[int], raw: RawEntries, *, tried: bool
) -> Catalog:
    """The list with the columns that could be its id, best first, and what is said of it.

    `rows`: which of the answer's entries the list's own are. `tried`: whether the first column was tried and works.
    """
    if not ranked:
        return catalog
    field = f"{catalog.kind.value}.id"
    ids = tuple(
        IdColumn(
            notation(raw.place_of(column)),
            tuple(column.values[row] for row in rows),
            why(column, len(raw.entries)),
            is_likely(column, ranked[0]),
        )
        for column in ranked
    )
    guessed = not tried and any(map(_of_id, catalog.doubtful))
    likely = any(column.likely for column in ids[1:]) or guessed
    sure = Sureness.TRIED if tried else Sureness.DOUBTFUL if likely else Sureness.SURE
    first, *others = (None if column.place == ITS_KEY else column.place for column in ids)
    found = Found(field, first, sure, tuple(filter(None, others)), ids[0].why)
    doubtful = tuple(doubt for doubt in catalog.doubtful if not (tried and _of_id(doubt)))
    return replace(catalog, found=(found, *catalog.found), ids=ids, doubtful=doubtful)


def _of_id(doubt: str) -> bool:
    return doubt.startswith("id: ")
