"""What has to be read out of a dialect: what its file says beside the answers, and the simulator's own books."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.normalization import fold
from shomare_mqtt.simulator.dialects.shape import Listing
from tests.contact.checks import left_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shomare_mqtt.simulator import Simulator
    from shomare_mqtt.simulator.catalog import Entry

KINDS = {"country": "countries", "operator": "operators", "application": "applications"}
LATE = 180.0
"""Seconds by which a moment may be off: a busy machine reads late what is left. Zones and units are further off."""
_MONEY = re.compile(r"\{(?:purchase\.)?(balance|price)((?:\|[^}]*)?)\}")
_FACTOR = re.compile(r"\|\s*(times|divided)\s*:\s*([0-9.]+)")
_OF_CURRENCY = {"IRT": Decimal(1), "IRR": Decimal(10)}


@dataclass(frozen=True)
class Script:
    """A dialect's file, as far as the checks need it."""

    path: Path
    content: dict[str, Any]

    @classmethod
    def of(cls, path: Path) -> Script:
        return cls(path, json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal))

    @property
    def known(self) -> dict[str, Any]:
        return self.content.get("known") or {}

    @property
    def checks(self) -> tuple[str, ...]:
        return left_in(self.known.get("unsaid", ()))

    @property
    def currency(self) -> str:
        """What the daemon has to publish; Toman is what it takes where the answers name nothing."""
        return str(self.known.get("currency", "IRT"))

    @property
    def still_wrong(self) -> frozenset[str]:
        return frozenset(self.known.get("still_wrong", ()))

    def by_hand(self) -> dict[str, dict[str, str]]:
        """`fields` and `states` for the settings' `[provider]`, the keys in quotes as TOML needs them."""
        tables = self.known.get("by_hand") or {}
        return {name: {json.dumps(key): value for key, value in table.items()} for name, table in tables.items()}

    def factor(self, endpoint: str) -> Decimal:
        """What the ledger's money is multiplied by in an answer; where that holds several, the account's own."""
        return self._picked(self._factors(endpoint), self._picked(self._factors("profile"), None))

    def _picked(self, factors: list[Decimal], first: Decimal | None) -> Decimal:
        for likely in (first, _OF_CURRENCY.get(self.currency)):
            if likely is not None and likely in factors:
                return likely
        return factors[0] if factors else first or Decimal(1)

    def _factors(self, endpoint: str) -> list[Decimal]:
        written = json.dumps(self.content["answers"][endpoint], ensure_ascii=False, default=str)
        return [_factor(found[2]) for found in _MONEY.finditer(written)]

    @property
    def roughness(self) -> float:
        """Seconds by which the end of a number may be off, where it is told in minutes."""
        written = json.dumps([self.content["answers"][e] for e in ("buy", "check")], default=str)
        return LATE + (60 if re.search(r"\{purchase\.left[^}]*minutes", written) else 0)


def _factor(filters: str) -> Decimal:
    whole = Decimal(1)
    for how, number in _FACTOR.findall(filters):
        whole = whole * Decimal(number) if how == "times" else whole / Decimal(number)
    return whole


def money(value: Any) -> Decimal | None:
    """A published figure."""
    return None if value is None or isinstance(value, bool) else Decimal(str(value))


def near(seen: Any, wanted: datetime, seconds: float) -> tuple[Any, Any]:
    """A published moment and the wanted one, the same where they are near each other."""
    try:
        off = abs((datetime.fromisoformat(seen) - wanted).total_seconds())
    except (TypeError, ValueError):
        return seen, wanted.isoformat()
    return (wanted.isoformat() if off <= seconds else seen), wanted.isoformat()


class Lists:
    """The catalogue as the dialect shows it."""

    def __init__(self, sim: Simulator) -> None:
        self._desk = sim._desk

    def entries(self, kind: str) -> list[Entry]:
        found: dict[str, Entry] = getattr(self._desk.catalog, KINDS[kind])
        return list(found.values())

    def wanted(self, kind: str, own: str) -> str | None:
        """The id that the endpoints take."""
        return self._desk.dialect.id_of(kind, own)

    def ids(self, kind: str) -> list[str | None]:
        return [self.wanted(kind, entry.id) for entry in self.entries(kind)]

    def named(self, kind: str, shown: list[str]) -> bool:
        """Whether these are the entries' names, in their order."""
        entries = self.entries(kind)
        said = set(_texts(self._answer(kind)))
        return len(shown) == len(entries) and all(map(lambda n, e: _is_name(n, e, said), shown, entries))

    def _answer(self, kind: str) -> Any:
        plural = CatalogKind(KINDS[kind])
        return self._desk.dialect.listing(
            Listing(plural, tuple(self.entries(kind)), tuple(self._desk.catalog.countries))
        )


def names_of(entry: Entry) -> set[str]:
    """What a person knows an entry by."""
    slug = re.sub(r"[^a-z0-9]+", "-", entry.name.lower()).strip("-")
    return {fold(name) for name in (entry.name, entry.persian, slug)}


def _is_name(shown: str, entry: Entry, said: set[str]) -> bool:
    """One of its names that stands in the answer, or a text with one of them in it where none stands there alone."""
    proper = {fold(entry.name), fold(entry.persian)}
    for names in (proper, names_of(entry)):
        if names & said:
            return fold(shown) in names & said
    return any(name in fold(shown) for name in proper)


def _texts(content: Any) -> Iterator[str]:
    """Every text of an answer, keys too, folded as names are."""
    if isinstance(content, str):
        yield fold(content)
    elif isinstance(content, dict):
        for key, value in content.items():
            yield fold(key)
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


def all_texts(content: Any) -> set[str]:
    """Every text in a published entry, folded."""
    return set(_texts(content))
