"""What is set by hand of the three lists: the list itself, and in each of its entries the id and the name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogEntry
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.names import glued, wordset
from shomare_mqtt.provider.reading.shapes import MARKS, Entry, as_records
from shomare_mqtt.provider.reading.values import identifier, is_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.model import CatalogKind, Found
    from shomare_mqtt.provider.reading.by_hand import ByHand
    from shomare_mqtt.provider.reading.shapes import Origins


_OF_SUCCESS = wordset("status code message msg ok success error errors")
_LOOKED_AT = 20
_OUTRANKING = 1000.0
"""More than names and shapes can say of a collection."""


class ListByHand:
    """What the settings say of one list. `origins`: what the entries looked like as they came."""

    def __init__(self, kind: CatalogKind, hand: ByHand, origins: Origins) -> None:
        self.kind = kind
        self._hand = hand
        self._origins = origins
        self._list, self._id, self._name = kind.value, f"{kind.value}.id", f"{kind.value}.name"
        self.sets_list, self.sets_id, self.sets_name = map(hand.sets, (self._list, self._id, self._name))
        self.sets_entries = self.sets_id or self.sets_name

    def entries(self, answer: Any) -> list[Entry] | None:
        """The entries of the list, whose place is set: a list's, or an object's with their names; None where it lacks.

        Of the whole answer its marks of success are no entries.
        """
        value = self._hand.find(self._list, answer)
        if is_scalar(value):
            return None
        records = as_records(value, bare_rows=True, origins=self._origins)
        if isinstance(records, list):
            return [Entry(None, entry) for entry in records]
        whole = value is answer
        return [Entry(k, v) for k, v in records.items() if not (whole and _is_mark(glued(k), v))]

    def vote(self, entries: list[Entry]) -> float:
        """What speaks for a collection: its first entries have what is set by hand."""
        sample = [self.came(entry) for entry in entries[:_LOOKED_AT]] if self.sets_entries else []
        fields = [field for field in (self._id, self._name) if self._hand.sets(field)]
        hits = sum(self._hand.find(field, came) is not None for came in sample for field in fields)
        return _OUTRANKING * hits / (len(sample) * len(fields)) if sample else 0.0

    def over(self, entry: Entry, read: CatalogEntry | None) -> CatalogEntry | None:
        """An entry with what is set of it instead of what was read; None where its id is lacking."""
        came = self.came(entry)
        read_id = None if read is None else read.id
        own = identifier(self._hand.find(self._id, came)) if self.sets_id else read_id
        if own is None:
            return None
        names = () if read is None else tuple(n for n in read.names if n != own or not own.isdigit() or n == read.id)
        if self.sets_name:
            said = list(_texts(self._hand.find(self._name, came)))
            names = _unique([*said, *names]) if said else ()
        elif is_scalar(came) and read is not None and read.names in ((own,), ()) and read.id != own:
            names = (read.id,)  # `{"Russia": "7"}`
        extra = read.extra if read is not None else _plain_fields(came)
        return CatalogEntry(own, names[0] if names else own, names, extra)

    def came(self, entry: Entry) -> Any:
        """An entry's value as it came."""
        return self._origins.get(id(entry.value), entry.value)

    def were(self, entries: list[Entry], before: list[Entry]) -> None:
        """Take up what entries were before they were unwrapped."""
        for entry, old in zip(entries, before, strict=True):
            if entry.value is not old.value:
                self._origins[id(entry.value)] = self.came(old)

    def not_set(self, doubtful: tuple[str, ...]) -> tuple[str, ...]:
        """The doubts of what is not set."""
        return tuple(doubt for doubt in doubtful if not self._hand.sets(f"{self._list}.{doubt.partition(':')[0]}"))

    def name_of(self, what: str) -> str:
        """How `unread` and errors name the list, its `id` or its `name`."""
        field = {"list": self._list, "id": self._id, "name": self._name}[what]
        return self._hand.lacking(field) if self._hand.sets(field) else what

    def found(self, what: str, *, is_there: bool) -> Found | None:
        """What is said of where one of them was read; None where it is not set."""
        field = {"list": self._list, "id": self._id, "name": self._name}[what]
        return self._hand.found(field, is_there=is_there) if self._hand.sets(field) else None


def _is_mark(name: str, value: Any) -> bool:
    """Whether a field of the whole answer says something of it; an object may be an entry by the name `to`, Tonga."""
    return name in (_OF_SUCCESS if isinstance(value, dict) else MARKS)


def _texts(value: Any) -> Iterator[str]:
    """The names that a value holds: one, or several in an object or a list, as in `{"fa": …, "en": …}`."""
    if isinstance(value, str) and fold(value).strip("\0"):
        yield value.strip()
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)
    elif not isinstance(value, str) and (text := identifier(value)) is not None:
        yield text


def _unique(texts: list[str]) -> tuple[str, ...]:
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(fold(text), text)
    return tuple(found.values())


def _plain_fields(value: Any) -> dict[str, Any]:
    return {k: v for k, v in value.items() if is_scalar(v)} if isinstance(value, dict) else {}
