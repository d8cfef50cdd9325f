"""What is known when an answer is read: the contexts of `known.json`, and what differs from one of them."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shomare_mqtt.model import CatalogEntry, CatalogKind, Known
from shomare_mqtt.provider.reading import Context, read_catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.provider.reading import RawAnswer

HERE = Path(__file__).parent
LISTS = tuple(kind.value for kind in CatalogKind)
IDS = ("country", "operator", "application", "purchase", "phone")
MONEY = ("price", "balance")
KEYS = frozenset({"about", "like", "own lists", "now", "unit", *IDS, *MONEY, *LISTS})
TEHRAN = ZoneInfo("Asia/Tehran")
NOW = "2026-11-24T12:00:00+00:00"
"""15:30 in Tehran, 1405/09/03; 1795521600 since the epoch."""
NOTHING = Context(datetime.fromisoformat(NOW), TEHRAN, Known())


class TableError(Exception):
    """A table that nobody can run as it stands; the text names the file, the case and what is wrong."""


def only(given: Mapping[str, Any], allowed: frozenset[str], where: str) -> None:
    """Raise TableError for a key that nobody looks at: it is a spelling mistake, or a wish that nobody fulfils."""
    unknown = sorted(set(given) - allowed)
    if unknown:
        raise TableError(f"{where}: nobody looks at {', '.join(unknown)}; there are {', '.join(sorted(allowed))}")


def loaded(path: Path) -> Any:
    """A file's JSON. Raises TableError for a name that stands twice: the first would be lost without a word."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise TableError(f"{path.name}: a name stands twice among {', '.join(name for name, _ in pairs)}")
        return found

    return json.loads(path.read_text("utf-8"), object_pairs_hook=once)


def context_of(known: str | dict[str, Any], own: Mapping[str, RawAnswer] | None = None) -> Context:
    """A context by its name in `known.json`, or by what differs from one of those.

    `own`: the answers that `own lists` are read from. Raises TableError for what is no context.
    """
    given = whole(known)
    fields: dict[str, Any] = {kind: _entries(given.get(kind, {})) for kind in LISTS}
    if given.get("own lists") and own:
        fields = {kind.value: read_catalog(kind, own[kind.value], NOTHING).entries for kind in CatalogKind}
    fields |= {field: given.get(field) for field in IDS}
    fields |= {field: Decimal(given[field]) for field in MONEY if field in given}
    return Context(datetime.fromisoformat(given["now"]), TEHRAN, Known(**fields), given.get("unit"))


def whole(known: str | dict[str, Any]) -> dict[str, Any]:
    """What is known, with all that it takes from another by `like`."""
    if isinstance(known, str):
        if known not in _presets():
            raise TableError(f"nothing is known by the name {known}; there are {', '.join(_presets())}")
        known = _presets()[known]
    only(known, KEYS, f"known {known}")
    rest = {field: value for field, value in known.items() if field not in ("about", "like")}
    return {"now": NOW, **(whole(known["like"]) if "like" in known else {}), **rest}


@cache
def _presets() -> dict[str, dict[str, Any]]:
    presets: dict[str, dict[str, Any]] = loaded(HERE / "known.json")
    return presets


def _entries(given: Mapping[str, Any]) -> tuple[CatalogEntry, ...]:
    """Entries by id: a name, several, or `{"names": …, "extra": …}`."""
    found = []
    for own, said in given.items():
        row = said if isinstance(said, dict) else {"names": said}
        names = (row["names"],) if isinstance(row["names"], str) else tuple(row["names"])
        found.append(CatalogEntry(own, names[0], names, row.get("extra", {})))
    return tuple(found)
