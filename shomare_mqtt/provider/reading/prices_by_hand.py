"""What is set by hand of a price list's rows, and of one product's price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import glued
from shomare_mqtt.provider.reading.places import place_of
from shomare_mqtt.provider.reading.price_wraps import tidied
from shomare_mqtt.provider.reading.rows import Level, Row, is_row, rows_of, stock_of
from shomare_mqtt.provider.reading.shapes import MARKS, Origins, as_records
from shomare_mqtt.provider.reading.units import unit_beside, unit_in_name
from shomare_mqtt.provider.reading.values import count, is_plain, is_scalar, money
from shomare_mqtt.provider.reading.verdict import unwrapped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shomare_mqtt.model import Found
    from shomare_mqtt.provider.reading.by_hand import ByHand
    from shomare_mqtt.provider.reading.shapes import Leaf
    from shomare_mqtt.provider.reading.tables import Tables

LIST = "prices"
_SHOWN = 100
"""So many records show where a field was read."""
_NOTHING: frozenset[str] = frozenset()
_IN_A_ROW = ("prices.application", "prices.price", "prices.count")


class PricesByHand:
    """What the settings say of a price list. `unit`: that of money where the answer names none."""

    def __init__(self, hand: ByHand, unit: str | None) -> None:
        self._hand = hand
        self._unit = unit
        self._plain: dict[int, Any] = {}
        self.sets_list = hand.sets(LIST)
        self.sets_rows = hand.sets(*_IN_A_ROW)
        self._set = self.names = _NOTHING
        """`names`: a row's own fields that are set to be something: they are nothing else."""
        if self.sets_rows:
            self._set = frozenset(field.removeprefix(f"{LIST}.") for field in _IN_A_ROW if hand.sets(field))
            places = [place_of(hand.expression(f"{LIST}.{what}")) for what in self._set]
            self.names = frozenset(place[0] for place in places if place and isinstance(place[0], str))
        self._origins = Origins() if self.sets_rows else Origins(_SHOWN)

    def sets(self, what: str) -> bool:
        """Whether the place of a row's `application`, `price` or `count` is set."""
        return what in self._set

    def lacking(self, what: str) -> str:
        """How `unread` names one of them: with its place, where that is set."""
        return self._hand.lacking(f"{LIST}.{what}") if self.sets(what) else what

    @property
    def lacking_list(self) -> str:
        """What an answer lacks that has no list at its place."""
        return self._hand.lacking(LIST)

    def found(self, what: str, *, is_there: bool) -> Found | None:
        """What is said of where a row's field, or (`""`) the list, was read; None where that is not set."""
        field = f"{LIST}.{what}" if what else LIST
        return self._hand.found(field, is_there=is_there) if self._hand.sets(field) else None

    def rows(self, answer: Any, tables: Tables) -> list[Row] | None:
        """The rows of an answer; None where it lacks the list whose place is set."""
        if not self.sets_list:
            value = tidied(as_records(unwrapped(answer), origins=self._origins), self._origins)
            return rows_of(value, tables, self._is_row if self.sets_rows else is_row)
        value = self._hand.find(LIST, answer)
        if is_scalar(value):
            return None
        records = tidied(as_records(value, origins=self._origins), self._origins)
        if not self.sets_rows:
            return rows_of(records, tables)
        entries = enumerate(records) if isinstance(records, list) else records.items()
        keyed = isinstance(records, dict)
        marked = keyed and value is answer
        return [
            self._row(str(key) if keyed else None, entry)
            for key, entry in entries
            if not (marked and is_scalar(entry) and glued(str(key)) in MARKS)
        ]

    def _row(self, key: str | None, entry: Any) -> Row:
        level = Level(entry if isinstance(entry, dict) else {}, key, None)
        if not isinstance(entry, dict):
            self._plain[id(level.fields)] = entry
        return Row((level,))

    def _is_row(self, node: Mapping[str, Any]) -> bool:
        """Whether an object has a price or a stock where that is set, or else shows one by its names."""
        if not self.sets("price") and is_row(node):
            return True
        told = (f"{LIST}.{what}" for what in ("price", "count") if self.sets(what))
        found = (self._hand.find(field, self._origins.get(id(node), node)) for field in told)
        return any(value is not None and is_scalar(value) for value in found)

    def names_itself(self, row: Row) -> bool:
        """Whether a row itself has an application at the place that is set."""
        return self.sets("application") and self._hand.find(f"{LIST}.application", self.came(row)) is not None

    def application(self, row: Row) -> Any:
        """What stands at the application's place in a row, or in the nearest object around it that has it."""
        levels = (self._origins.get(id(level.fields), level.fields) for level in row.levels[1:])
        found = (self._hand.find(f"{LIST}.application", came) for came in (self.came(row), *levels))
        return next((value for value in found if value is not None), None)

    def came(self, row: Row) -> Any:
        """A row as it came."""
        own = id(row.own)
        return self._plain[own] if own in self._plain else self._origins.get(own, row.own)

    def price(self, row: Row) -> Decimal | None:
        """The price of a row; its place is set."""
        around = [level.fields for level in row.levels]
        leaf = self._hand.leaf(f"{LIST}.price", self.came(row))
        return _price(leaf, next((said for fields in around if (said := unit_beside(fields))), self._unit))

    def count(self, row: Row) -> tuple[bool, int | None]:
        """The stock of a row, as `rows.stock_of`; its place is set."""
        return _stock(self._hand.leaf(f"{LIST}.count", self.came(row)))


def price_by_hand(hand: ByHand, answer: Any, unit: str | None) -> Decimal | None:
    """One product's price, whose place is set."""
    beside = (said for fields in hand.around("price.price", answer) if (said := unit_beside(fields)))
    return _price(hand.leaf("price.price", answer), next(beside, unit))


def count_by_hand(hand: ByHand, answer: Any) -> tuple[bool, int | None]:
    """One product's stock, whose place is set, as `rows.stock_of`."""
    return _stock(hand.leaf("price.count", answer))


def _price(leaf: Leaf, unit: str | None) -> Decimal | None:
    amount = money(leaf.value, None if is_plain(leaf.value) else unit_in_name(leaf.name) or unit)
    return amount if amount is not None and amount >= 0 else None


def _stock(leaf: Leaf) -> tuple[bool, int | None]:
    understood, number = stock_of(leaf.name, leaf.value)
    return (understood, number) if understood else count(leaf.value)
