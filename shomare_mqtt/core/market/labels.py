"""Labels: how an entry of a list is shown where its id alone says nothing (contract, `defaults/<field>/name`)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from shomare_mqtt.normalization import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import CatalogEntry

_LONGEST = 200
"""Characters of a name in a label: with the id after it, it still is a state that Home Assistant takes (255)."""


def labels(entries: tuple[CatalogEntry, ...]) -> dict[str, str]:
    """The label of each entry by its id, in the list's order: the name, or `name (id)` where the name is not unique.

    A name counts as unique where no other entry goes by it, in any spelling and by any of its names, and where it is no
    other entry's id: then `defaults/<field>/set` finds the same entry again. No two labels are equal, none is empty.
    """
    known = Counter(key for entry in entries for key in _keys(entry))
    found: dict[str, str] = {}
    doubtful: list[CatalogEntry] = []
    for entry in entries:
        name = _plain(entry.name)
        if name == entry.id or (fold(name) and len(name) <= _LONGEST and known[fold(name)] == 1):
            found[entry.id] = name
        else:
            doubtful.append(entry)
    taken = {fold(text) for text in (*found.values(), *(entry.id for entry in entries))}
    spelt = {entry.id: _free(_with_id(entry), entry.id, taken) for entry in doubtful}
    shown = found | spelt
    return {entry.id: shown[entry.id] for entry in entries}


def by_label(entries: tuple[CatalogEntry, ...], shown: Mapping[str, str] | None = None) -> dict[str, str]:
    """Folded label to id, of what `labels` gives (`shown`, if at hand), and of `name (id)` for each entry besides.

    Look texts up as `by_label(entries).get(fold(text))`, after ids.
    """
    shown = labels(entries) if shown is None else shown
    found = {fold(_with_id(entry)): entry.id for entry in entries}
    return found | {fold(label): entry_id for entry_id, label in shown.items()}


def _keys(entry: CatalogEntry) -> set[str]:
    """All that an entry goes by."""
    return {fold(text) for text in (entry.id, entry.name, *entry.names)}


def _plain(name: str) -> str:
    """The name on one line: a select's option has no outer spaces."""
    return " ".join(name.split())


def _with_id(entry: CatalogEntry) -> str:
    name = _plain(entry.name)[:_LONGEST].strip()
    return f"{name} ({entry.id})" if name else entry.id


def _free(label: str, entry_id: str, taken: set[str]) -> str:
    """The label, with the id once more for as long as another entry goes by just that."""
    while label != entry_id and fold(label) in taken:
        label = f"{label} ({entry_id})"
    taken.add(fold(label))
    return label
