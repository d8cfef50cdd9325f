"""What may be shown of an entry or a purchase: all of it made from the simulator's own ids, the same each time."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain, product
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_OID, uuid5

from shomare_mqtt.simulator.dialects.shape import as_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.simulator.catalog import Catalog, Entry

LISTS = {"country": "countries", "operator": "operators", "application": "applications"}
"""The catalogue's list of each kind of entry."""

_LETTERS = {
    "country": {"7": "ru", "2": "kz", "6": "id", "16": "gb", "22": "in", "43": "de", "57": "ir", "62": "tr"},
    "operator": {"1": "mt", "2": "bl", "3": "mf", "4": "vt", "any": "an"},
    "application": {
        "3": "tg", "1": "wa", "2": "ig", "4": "go", "5": "vi", "6": "ds", "7": "fb", "8": "dr", "9": "lf", "10": "ot",
    },
}  # fmt: skip
"""Two letters for each entry with a real name; the others get what is left."""


def entries(catalog: Catalog, kind: str) -> dict[str, Entry]:
    """The entries of a kind, `country`, `operator` or `application`, by their own ids."""
    found: dict[str, Entry] = getattr(catalog, LISTS[kind])
    return found


def _letters(catalog: Catalog, kind: str, entry: Entry) -> str:
    return _all_letters(kind, tuple(entries(catalog, kind)))[entry.id]


@lru_cache(maxsize=8)
def _all_letters(kind: str, ids: tuple[str, ...]) -> Mapping[str, str]:
    """Two letters for each id, three where there are more than 676 ids."""
    known = _LETTERS[kind]
    left = _letters_but(frozenset(known.values()))
    return {own: known.get(own) or next(left) for own in ids}


def _letters_but(taken: frozenset[str]) -> Iterator[str]:
    every = chain.from_iterable(product(ascii_lowercase, repeat=length) for length in (2, 3))
    return (text for text in map("".join, every) if text not in taken)


def _position(catalog: Catalog, kind: str, entry: Entry) -> int:
    return list(entries(catalog, kind)).index(entry.id) + 1


OF_AN_ENTRY: Mapping[str, Callable[[Catalog, str, Entry], Any]] = {
    "id": lambda _, __, entry: entry.id,
    "number": lambda _, __, entry: as_id(entry.id),
    "name": lambda _, __, entry: entry.name,
    "persian": lambda _, __, entry: entry.persian,
    "slug": lambda _, __, entry: re.sub(r"[^a-z0-9]+", "-", entry.name.lower()).strip("-"),
    "iso": lambda catalog, kind, entry: _letters(catalog, kind, entry).upper(),
    "short": _letters,
    "dialling": lambda _, __, entry: entry.dialling or None,
    "position": _position,
    "uuid": lambda _, kind, entry: _uuid(f"{kind}:{entry.id}"),
}

OF_A_PURCHASES_ID: Mapping[str, Callable[[str], Any]] = {
    "id": lambda own: own,
    "number": as_id,
    "code": lambda own: f"SH-{own}",
    "uuid": lambda own: _uuid(f"purchase:{own}"),
    # No two purchases have the same one, and none is another's id.
    "decoy": lambda own: 3_100_000 + int(own) * 7919 % 1_000_003,
}


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_OID, name))
