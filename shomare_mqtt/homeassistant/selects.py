"""What the selects offer: labels of the lists' entries, narrowed by the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.market.labels import labels
from shomare_mqtt.normalization import fold

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.model import Catalog, CatalogEntry

_RESERVED = frozenset({"none", "unknown", "unavailable"})
"""Texts that are no option to Home Assistant but the lack of one."""


def chosen(catalog: Catalog, only: tuple[str, ...]) -> tuple[CatalogEntry, ...]:
    """The entries that `only` names, by id, name or label, in the provider's order; all where it names none."""
    if not only:
        return catalog.entries
    shown = labels(catalog.entries)
    ids, names = set(only), {fold(text) for text in only}
    return tuple(e for e in catalog.entries if e.id in ids or _names(e, shown[e.id]) & names)


def unmatched(catalog: Catalog, only: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `only` that name no entry: a slip in the settings, to be said to the owner."""
    shown = labels(catalog.entries)
    ids = {entry.id for entry in catalog.entries}
    names = {name for entry in catalog.entries for name in _names(entry, shown[entry.id])}
    return tuple(text for text in only if text not in ids and fold(text) not in names)


def offered(catalog: Catalog | None, only: tuple[str, ...] = (), current: str | None = None) -> dict[str, str]:
    """The options of a select by id, in the provider's order, none empty, no two alike.

    `current`, the id that is set, is among them whatever `only` says and whether or not the list holds it: a select
    cannot show what it does not offer.
    """
    entries = catalog.entries if catalog else ()
    shown = labels(entries)
    wanted = {entry.id for entry in chosen(catalog, only)} if catalog else set()
    if current:
        wanted.add(current)
        shown.setdefault(current, current)
    return {entry_id: _option(entry_id, label) for entry_id, label in shown.items() if entry_id in wanted}


def renamed(options: Mapping[str, str], catalog: Catalog | None) -> dict[str, str]:
    """Label to option, of those that differ."""
    shown = labels(catalog.entries) if catalog else {}
    return {shown[i]: option for i, option in options.items() if i in shown and shown[i] != option}


def _names(entry: CatalogEntry, label: str) -> set[str]:
    return {fold(text) for text in (label, entry.name, *entry.names)}


def _option(entry_id: str, label: str) -> str:
    return f"{label} ({entry_id})" if label.lower() in _RESERVED else label
