"""The provider's lists as vocabularies: whether a value is, or names, an entry of one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import CatalogEntry, Known

    Vocabularies = Mapping[str, "Vocabulary"]


_SIGNS = re.compile(r"^[\W_]+|[\W_]+$")


class _Index:
    """A list's ids and names, to look up in."""

    def __init__(self, entries: tuple[CatalogEntry, ...]) -> None:
        self.entries = entries
        self.ids = {e.id for e in entries}
        self.names: dict[str, str] = {}
        for entry in entries:
            for name in (entry.id, entry.name, *entry.names):
                self.names.setdefault(fold(name), entry.id)
        self.shown = {e.id: e.name for e in entries}


_MOST_INDEXES = 6
_INDEXES: dict[int, _Index] = {}
"""By the identity of the list, which its index keeps: to compare thousands of entries costs more than all else."""


def _indexed(entries: tuple[CatalogEntry, ...]) -> _Index:
    """The index of a list, made once for as long as the list is in use: some thousand names are folded for it."""
    kept = _INDEXES.get(id(entries))
    if kept is not None and kept.entries is entries:
        return kept
    if len(_INDEXES) >= _MOST_INDEXES:
        _INDEXES.clear()  # lists change seldom, and all of them together
    made = _INDEXES[id(entries)] = _Index(entries)
    return made


class Vocabulary:
    """The ids and names of one of the provider's lists, to find a value's id by."""

    def __init__(self, entries: tuple[CatalogEntry, ...], asked: str | None) -> None:
        self.asked = asked
        self.known = bool(entries)
        self._index = _indexed(entries)
        self._resolved: dict[str, str | None] = {asked: asked} if asked else {}

    def name(self, own: str) -> str | None:
        """The name that the list shows for an id."""
        return self._index.shown.get(own)

    def resolve(self, value: Any) -> str | None:
        """The id that a value is, or names; None where the list knows it not."""
        if isinstance(value, str) and value in self._resolved:
            return self._resolved[value]
        text = identifier(value)
        if text is None:
            return None
        if text not in self._resolved:
            self._resolved[text] = text if text in self._index.ids else self._named(text)
        return self._resolved[text]

    def _named(self, text: str) -> str | None:
        """The id of a name, also where signs stand around it: "Telegram 💎"."""
        folded = fold(text)
        return self._index.names.get(folded) or self._index.names.get(_SIGNS.sub("", folded))


def vocabularies(known: Known, country: str | None, operator: str | None, application: str | None) -> Vocabularies:
    """The three lists by role, each with the id that was asked for."""
    return {
        "application": Vocabulary(known.applications, application),
        "operator": Vocabulary(known.operators, operator),
        "country": Vocabulary(known.countries, country),
    }
