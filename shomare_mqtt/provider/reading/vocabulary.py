"""The provider's lists as vocabularies: whether a value is, or names, an entry of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.letters import fold
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import CatalogEntry, Known

    Vocabularies = Mapping[str, "Vocabulary"]


class Vocabulary:
    """The ids and names of one of the provider's lists, to find a value's id by."""

    def __init__(self, entries: tuple[CatalogEntry, ...], asked: str | None) -> None:
        self.asked = asked
        self._ids = {e.id for e in entries} | ({asked} if asked else set())
        self._names: dict[str, str] = {}
        for entry in entries:
            for name in (entry.id, entry.name, *entry.names):
                self._names.setdefault(fold(name), entry.id)
        self._shown = {e.id: e.name for e in entries}
        self.known = bool(entries)

    def name(self, own: str) -> str | None:
        """The name that the list shows for an id."""
        return self._shown.get(own)

    def resolve(self, value: Any) -> str | None:
        """The id that a value is, or names; None where the list knows it not."""
        text = identifier(value)
        if text is None:
            return None
        return text if text in self._ids else self._names.get(fold(text))


def vocabularies(known: Known, country: str | None, operator: str | None, application: str | None) -> Vocabularies:
    """The three lists by role, each with the id that was asked for."""
    return {
        "application": Vocabulary(known.applications, application),
        "operator": Vocabulary(known.operators, operator),
        "country": Vocabulary(known.countries, country),
    }
