"""Which columns of a list could be its id: by what stands in them first, and by their names only then.

A column is a field of the entries, a field of an object in them, the key that they stand under, or, in a list of plain
texts, the entry itself. It could be the id where (nearly) every entry has something there that can be sent back, and no
two entries the same. Several may: which one the provider takes is then found out by price calls (contract, Answers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.names import glued, words, wordset
from shomare_mqtt.provider.reading.places import MISSING, Place, value_at
from shomare_mqtt.provider.reading.shapes import NUMBERED
from shomare_mqtt.provider.reading.values import identifier, is_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from shomare_mqtt.provider.reading.shapes import Entry

KEY: Place = ("@key",)
"""The place of the key that an entry stands under; no notation of JMESPath leads there from an entry."""
ITSELF: Place = ()
"""The place of an entry that is a plain text."""

MOST = 6
"""Columns that are kept of one list; no list has more that somebody could take for its id."""
_SAMPLE, _MOST_NAMES = 40, 60
_LEAST_PRESENT, _MOST_CLASHES = 0.9, 0.05
"""Shares of the entries: how many have a value at least, and how many share theirs with another one at most."""
_MANY_CLASHES = 0.35
_SURE_NAME = 90
"""From this weight on a field's name is that of an id and of nothing else."""
_LONGEST, _MOST_WORDS = 60, 6
_DATE = re.compile(r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}.*|\d{1,2}:\d{2}(?::\d{2})?")
_COLOUR = re.compile(r"#[0-9A-Fa-f]{3,8}|rgba?\(.*")
_FRACTION = re.compile(r"[-+]?\d+[.,]\d+|[-+]\d+")
_ADDRESS = re.compile(r"\w+://.*|www\..*|[/\\].*|.*\.(?:png|svg|jpe?g|gif|webp|ico)", re.IGNORECASE)
_SLUG, _SHORT = re.compile(r"[a-z0-9][a-z0-9_.:-]*"), re.compile(r"[A-Z0-9][A-Z0-9_-]{,3}")
"""Forms of codes; a column's values are all of one form. A short one in capitals is a code where it is no name: MCI."""
_CODE_NAME = 60
"""From this weight on a field's name is that of a code or an id, below it may be that of what the entry is."""
_OTHERS = wordset(
    "sort order ordering position index rank priority weight row line created updated deleted date time at image icon "
    "logo flag photo picture file url link href color colour background count counts stock qty quantity total price "
    "cost amount min max rate percent success parent category group user lat lng latitude longitude population prefix "
    "dial dialing dialling areacode phonecode callingcode dialcode dialingcode diallingcode telcode phone timezone tz "
    "currency language lang emoji description desc note active enabled status visible hidden popular"
)
"""Words of names of what is never an id."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column as it stands in the entries. `fits`: whether its values can be ids; `weight`: that of its name."""

    place: Place
    values: list[str | None] = field(repr=False)
    fits: bool
    weight: int
    is_code: bool

    @property
    def name(self) -> str:
        """Its own name; empty for a key or a text."""
        return str(self.place[-1]) if self.place and self.place != KEY else ""


class Looking(NamedTuple):
    """How the columns of a list are looked at.

    `weigh`: how strongly a field's name speaks for the id; `is_name`: whether it is that of a name; `names_of`: an
    entry's names, which tell it from others; `scope`: what lies around an entry, within which alone ids differ.
    """

    weigh: Callable[[str], int]
    is_name: Callable[[str], bool]
    names_of: Callable[[Any], Iterable[str]]
    scope: Callable[[Entry], object]


def columns(entries: Sequence[Entry], looking: Looking) -> list[Column]:
    """Every column of a list's entries, in their order."""
    values = {place: [_plain(_cell(entry, place)) for entry in entries] for place in _places(entries)}
    return [
        Column(
            place,
            ids,
            _fits(place, ids, entries, looking),
            _weight(place, looking),
            _are_codes(place, ids, looking),
        )
        for place, ids in values.items()
    ]


def clashing(entries: Sequence[Entry], found: Iterable[Column], looking: Looking) -> frozenset[str]:
    """Names of fields that are no id whatever they are called: entries that are plainly different share one.

    A field that is named like nothing but an id needs many of these: an entry may come twice, under another name.
    """
    return frozenset(
        column.name
        for column in found
        if column.weight
        and column.name
        and _clashes(column.values, entries, looking, _MANY_CLASHES if column.weight >= _SURE_NAME else _MOST_CLASHES)
    )


def ranked(found: list[Column], used: Sequence[str | None], chosen: Column | None) -> list[Column]:
    """The columns that could be the id: the one in use, then by name, codes before names that people read.

    `used`: the ids as they were read. None where no one column holds them.
    """
    first = chosen or max(found, key=lambda c: (_agreement(c.values, used), c.weight), default=None)
    if first is None or _agreement(first.values, used) < _LEAST_PRESENT:
        return []
    rest = [c for c in found if c is not first and c.fits and not _counts(c)]
    rest.sort(key=lambda c: (-c.weight, not c.is_code))
    kept = [first]
    for column in rest:
        if all(column.values != other.values for other in kept):
            kept.append(column)
    return kept[:MOST]


def is_likely(column: Column, first: Column) -> bool:
    """Whether a column may well be the id, as the first one may: names that people read hardly are, beside codes."""
    return column is first or _is_code(column) or not _is_code(first)


def _is_code(column: Column) -> bool:
    return column.is_code or column.weight >= _CODE_NAME


def why(column: Column, entries: int) -> str:
    """What speaks for a column, in words."""
    told = "named like an id" if column.weight else "codes" if column.is_code else "names"
    place = {KEY: "the key of each entry", ITSELF: "the entry itself"}.get(column.place, told)
    there = sum(value is not None for value in column.values)
    return f"{place}, in {there} of {entries} entries, no two alike" if column.fits else f"{place}, not unique"


def id_in_key(key: str | None) -> str | None:
    """The id that a key is: an underscore before a number is no part of it."""
    return key.removeprefix("_") if key is not None and NUMBERED.fullmatch(key) else key


def _weight(place: Place, looking: Looking) -> int:
    """A key is an id, unless a field says so of itself."""
    if place == KEY:
        return _SURE_NAME - 1
    return looking.weigh(str(place[-1])) if place else 0


def _are_codes(place: Place, ids: list[str | None], looking: Looking) -> bool:
    there = [value for value in ids if value is not None]
    named = place == ITSELF or (place != KEY and looking.is_name(str(place[-1])))
    return all(map(_SLUG.fullmatch, there)) or (not named and all(map(_SHORT.fullmatch, there)))


def _cell(entry: Entry, place: Place) -> Any:
    if place == KEY:
        return id_in_key(entry.key)
    return value_at(entry.value, place)


def _places(entries: Sequence[Entry]) -> Iterator[Place]:
    """The places of columns, those of the first entries: a list's entries are alike."""
    sample = list(islice(entries, _SAMPLE))
    if any(entry.key is not None for entry in sample):
        yield KEY
    if any(is_scalar(entry.value) for entry in sample):
        yield ITSELF
    names = dict.fromkeys(place for entry in sample for place in _fields(entry.value))
    yield from islice(names, _MOST_NAMES)


def _fields(value: Any) -> Iterator[Place]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if is_scalar(inner):
            yield (name,)
        elif isinstance(inner, dict):
            yield from ((name, own) for own, v in inner.items() if is_scalar(v))


def _plain(value: Any) -> str | None:
    """A value as an id; None for what can be none."""
    if value is MISSING or (isinstance(value, Decimal) and value != value.to_integral_value()):
        return None
    return identifier(value) if isinstance(value, str | int | Decimal) else None


def _fits(place: Place, ids: list[str | None], entries: Sequence[Entry], looking: Looking) -> bool:
    """Whether a column's values can be ids, every one of another entry."""
    named = place and place != KEY
    if named and looking.weigh(str(place[-1])) == 0 and any(_is_others(str(step)) for step in place):
        return False
    there = [value for value in ids if value is not None and _may_be_id(value)]
    if not there or len(there) < _LEAST_PRESENT * len(ids):
        return False
    return not _clashes(ids, entries, looking)


def _is_others(name: str) -> bool:
    return glued(name) in _OTHERS or not _OTHERS.isdisjoint(words(name))


def _may_be_id(value: str) -> bool:
    """Whether a value can be an id by its form: no sentence, address, date, colour, figure, or mere signs."""
    if len(value) > _LONGEST or len(value.split()) > _MOST_WORDS or not any(map(str.isalnum, value)):
        return False
    return not any(form.fullmatch(value) for form in (_DATE, _COLOUR, _FRACTION, _ADDRESS))


def _clashes(ids: list[str | None], entries: Sequence[Entry], looking: Looking, most: float = _MOST_CLASHES) -> bool:
    """Whether too many entries share a value with one that goes by other names."""
    seen: dict[object, Entry] = {}
    clashes = 0
    for value, entry in zip(ids, entries, strict=True):
        if value is not None:
            other = seen.setdefault((looking.scope(entry), value), entry)
            clashes += other is not entry and _differ(entry, other, value, looking)
    return clashes > most * len(entries)


def _differ(one: Entry, other: Entry, value: str, looking: Looking) -> bool:
    """Whether two entries are plainly not the same, what they share aside."""
    if one.value == other.value and one.key == other.key:
        return False
    mine, theirs = (_named(entry, value, looking) for entry in (one, other))
    return bool(mine and theirs) and mine.isdisjoint(theirs)


def _named(entry: Entry, value: str, looking: Looking) -> set[str]:
    return {fold(name) for name in looking.names_of(entry.value)} - {fold(value)}


def _counts(column: Column) -> bool:
    """Whether a column only counts the entries, and says by no name that it is an id."""
    start = 0 if column.values[:1] == ["0"] else 1
    running = column.values == [str(number) for number in range(start, start + len(column.values))]
    return running and (column.weight == 0 or column.place == KEY)


def _agreement(values: Sequence[str | None], used: Sequence[str | None]) -> float:
    same = sum(own == value for own, value in zip(used, values, strict=True) if own is not None)
    there = sum(own is not None for own in used)
    return same / there if there else 0.0
