"""Where another column of a list is its id from now on: which entry of the new list each id of the old one means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.normalization import fold

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shomare_mqtt.model import Catalog, CatalogEntry

    Moves = Mapping[str, str | None]
    """By an id of the old list that of the same entry in the new one; None where nobody can tell which that is."""


def moves_between(old: Catalog, new: Catalog) -> Moves | None:
    """None where ids mean what they meant: an entry that is new, gone or called otherwise changes nothing in others.

    Entries are the same by their names, and where several share one, by the old id, which stands in one of them. One
    entry may get another id and nothing else change; but where an id of before is another entry's now, or another
    column is the id, all are looked at: most may have the same value in both columns.
    """
    if {e.id: e.name for e in old.entries}.items() <= {e.id: e.name for e in new.entries}.items():
        return None
    same = _Same(new)
    pairs = {entry.id: same.as_in(entry) for entry in old.entries}
    found = [(before, now) for before, now in pairs.items() if now is not None]
    was = {now: before for before, now in found}
    moved = [before for before, now in found if before != now]
    is_shuffled = any(was.get(before, before) != before for before in moved)
    return pairs if is_shuffled or _is_other_column(old, new) or 2 * len(moved) > len(found) else None


def _is_other_column(old: Catalog, new: Catalog) -> bool:
    """Whether the ids were read at another place, where both say at which."""
    return bool(old.ids and new.ids) and old.ids[0].place != new.ids[0].place


class _Same:
    """A list, to find an entry of an older one in."""

    def __init__(self, catalog: Catalog) -> None:
        self._by_name: dict[str, list[int]] = {}
        self._entries = catalog.entries
        self._columns = [column.values for column in catalog.ids]
        for row, entry in enumerate(catalog.entries):
            for name in _names(entry):
                self._by_name.setdefault(name, []).append(row)

    def as_in(self, entry: CatalogEntry) -> str | None:
        """The id here of an entry there."""
        rows = {row for name in _names(entry) for row in self._by_name.get(name, ())}
        if len(rows) > 1:
            rows = {row for row in rows if entry.id in self._said_of(row)}
        return self._entries[rows.pop()].id if len(rows) == 1 else None

    def _said_of(self, row: int) -> Iterator[str | None]:
        entry = self._entries[row]
        yield entry.id
        yield from (str(value) for value in entry.extra.values())
        yield from (values[row] for values in self._columns)


def _names(entry: CatalogEntry) -> Iterable[str]:
    return {fold(name) for name in (entry.name, *entry.names)} - {""}
