"""Plain tables of numbers in a price list: prices by name (`{"telegram": 2200}`), or counts by price (`{"22.50": 10}`).

To take one for the other would take the stock for the price. So a table is one of the two only where its keys, by the
provider's lists, can mean nothing else; a table that may be both is neither.
"""

from __future__ import annotations

from enum import Enum
from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.shapes import AMOUNT, role_of
from shomare_mqtt.provider.reading.values import count, figure, is_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from shomare_mqtt.provider.reading.vocabulary import Vocabularies


_FIELDS = 40
"""No record has more fields that matter; an object with more is a collection, or hostile."""


class Table(Enum):
    """What a plain table holds."""

    PRICES = "prices by the name of an application, an operator or a country"
    COUNTS = "counts by price"


class Tables:
    """Tells the two kinds apart, by the lists and by the price that is known already."""

    def __init__(self, lists: Vocabularies, price: Decimal | None) -> None:
        self._lists = lists
        self._price = price
        self._several: dict[int, bool] = {}

    def knows(self, name: str) -> bool:
        """Whether a name is an entry's of one of the lists."""
        return any(vocabulary.resolve(name) is not None for vocabulary in self._lists.values())

    def kind(
        self, plain: Mapping[str, Any], keys: Sequence[str | None], fields: Sequence[Mapping[str, Any]]
    ) -> Table | None:
        """The kind of a table of numbers; `keys` are its own and those of the objects around it, `fields` theirs."""
        above = self._application_above(keys, fields)
        if any(self._names(role, plain) for role in self._lists if not (above and role == "application")):
            return Table.PRICES
        counting = all(AMOUNT.fullmatch(k) for k in plain) and all(count(v)[0] for v in plain.values())
        if counting and self._price is not None and self._price in map(figure, plain):
            return Table.COUNTS
        if above or self._lists["application"].known:
            return Table.COUNTS if counting else None
        if counting and any("." in k for k in plain):
            return Table.COUNTS
        doubtful = counting and all((figure(k) or 0) > (figure(v) or 0) for k, v in plain.items())
        return None if doubtful else Table.PRICES

    def _names(self, role: str, plain: Mapping[str, Any]) -> bool:
        """Whether the table's keys are a role's: the one asked for is among them, or (of many asked) any known one."""
        vocabulary = self._lists[role]
        found = {vocabulary.resolve(k) for k in plain} - {None}
        return bool(found) if vocabulary.asked is None else bool(found & {vocabulary.asked, "any"})

    def _application_above(self, keys: Sequence[str | None], fields: Sequence[Mapping[str, Any]]) -> bool:
        """Whether what lies around names the application: a key that is no country and no operator, or a field."""
        if any(is_scalar(v) and role_of(n) == "applications" for f in fields for n, v in islice(f.items(), _FIELDS)):
            return True
        around = zip(keys, (*fields, {}), strict=False)
        return any(k is not None and (self._are_applications(f) or not self._is_place(k)) for k, f in around)

    def _are_applications(self, fields: Mapping[str, Any]) -> bool:
        """Whether an object's keys are several applications: of countries and operators only the asked one is told."""
        known = self._several.get(id(fields))
        if known is None:
            names = [n for n, v in fields.items() if not is_scalar(v)]
            known = len(names) > 1 and all(self._lists["application"].resolve(n) is not None for n in names)
            self._several[id(fields)] = known
        return known

    def _is_place(self, key: str) -> bool:
        for role in ("country", "operator"):
            vocabulary = self._lists[role]
            found = vocabulary.resolve(key)
            if found is not None and vocabulary.asked in (None, found):
                return True
        return False
