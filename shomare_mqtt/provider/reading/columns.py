"""Which column of a price list names the application, which the operator, which the country: a vote.

Votes: the column's name, how many of its values the provider's lists hold, whether it tells the rows apart, and whether
it agrees with the names that stand beside it (a row's `id` is often the row's and not the application's).
"""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading.names import Field, alias, glued, wordset
from shomare_mqtt.provider.reading.shapes import role_of
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.provider.reading.rows import Level, Row
    from shomare_mqtt.provider.reading.vocabulary import Vocabularies

Column = tuple[int, str]
"""How far out the column lies (0: in the row itself), and its name; `#` for the key that the object stands under."""

KEY = "#"
_GENERIC = wordset("id code slug name title key shortname")
_SUCCESS = wordset("status success ok error")
"""Marks of success, which no column is made of; an answer's own `code` stands beside one."""
APPLICATION = Field(
    alias(
        w100="applicationid appid serviceid productid idservice siteid",
        w95="application app service product site appcode servicecode productcode serviceslug appslug برنامه سرویس",
        w70="servicename appname applicationname productname applicationtitle",
        w40="id",
        w35="code slug key shortname short",
        w30="name title nameen namefa faname text label",
    ),
    parts=alias(w60="application app service product"),
    spoilers=wordset("country operator server price count"),
)
OPERATOR = Field(
    alias(
        w100="operatorid operator serverid server providerid provider operatorcode operatorname poolid pool "
        "range اپراتور",
        w25="id code",
    ),
    parts=alias(w60="operator server provider pool"),
    spoilers=wordset("count price country service"),
)
COUNTRY = Field(
    alias(w100="countryid country countrycode countryname countryiso region کشور", w15="iso code"),
    parts=alias(w60="country"),
    spoilers=wordset("count price operator prefix"),
)
ROLES = {"application": APPLICATION, "operator": OPERATOR, "country": COUNTRY}
_KEY_WEIGHT = 45
_SAMPLE = 300
_FIELDS = 60
"""No record has more fields that matter; an object with more is a collection, or hostile."""


class Columns:
    """The rows of a price list and what their columns mean."""

    def __init__(self, rows: list[Row], vocabularies: Vocabularies, price: Decimal | None) -> None:
        self.rows = rows
        self.price = price
        self._asked = {role: vocabulary.asked for role, vocabulary in vocabularies.items()}
        self._vocabularies = vocabularies
        self._levels: dict[int, dict[str, Any]] = {}
        self._cells = [self._cells_of_row(row) for row in rows]
        self._of = {id(row): cells for row, cells in zip(rows, self._cells, strict=True)}
        self._ranked = self._rank()
        self._asked_rows: list[Row] | None = None

    def _cells_of_row(self, row: Row) -> dict[Column, Any]:
        """A row's columns; what lies around many rows is looked at once."""
        cells: dict[Column, Any] = {}
        for distance, level in enumerate(row.levels):
            found = self._levels.get(id(level))
            if found is None:
                found = self._levels[id(level)] = _cells_of(level, inside=distance == 0)
            cells.update({(distance, name): value for name, value in found.items()})
        return cells

    def _rank(self) -> dict[str, list[Column]]:
        """For each role its columns, best first. A column serves the role that it fits best, and no other."""
        tally: Counter[Column] = Counter(column for cells in self._cells[:_SAMPLE] for column in cells)
        votes = [(self._vote(c, role, n), role, c) for c, n in tally.items() for role in ROLES]
        # The application outranks on a tie: a price list that names one thing names the applications.
        order = ["application", "operator", "country"]
        votes.sort(key=lambda v: (-v[0], order.index(v[1]), v[2]))
        taken: set[Column] = set()
        ranked: dict[str, list[Column]] = {role: [] for role in ROLES}
        for vote, role, column in votes:
            if vote > 0 and column not in taken and not (column[1] == KEY and self._has_key(ranked[role])):
                taken.add(column)
                ranked[role].append(column)
        return ranked

    @staticmethod
    def _has_key(columns: list[Column]) -> bool:
        return any(name == KEY for _, name in columns)

    def _vote(self, column: Column, role: str, present: int) -> float:
        distance, name = column
        weight = _KEY_WEIGHT if name == KEY else ROLES[role].weight(name)
        if weight == 0:
            return 0
        values = [cells[column] for cells in self._cells[:_SAMPLE] if column in cells]
        vocabulary = self._vocabularies[role]
        hits = [vocabulary.resolve(v) for v in values]
        share = sum(h is not None for h in hits) / len(values)
        vote = weight + 60 * share - 6 * distance
        if vocabulary.known and share == 0:
            vote -= 50
        asked = self._asked[role]
        if asked is not None and asked in hits:
            vote += 15
        return vote + self._fit(column, role, values, hits) + 10 * present / max(1, len(self._cells[:_SAMPLE]))

    def _fit(self, column: Column, role: str, values: list[Any], hits: list[str | None]) -> float:
        """Whether the column tells rows apart as its role does, and agrees with the names beside it."""
        different = len(set(map(str, values)))
        vague = column[1] == KEY or glued(column[1]) in _GENERIC
        counting = column[1] == KEY and list(map(str, values)) == [str(i) for i in range(len(values))]
        if role != "application":
            # What tells every row of a price list apart is not their operator.
            foreign = (
                column[1] == KEY and not any(self._vocabularies["application"].resolve(v) for v in values) and any(hits)
            )
            tells_apart = vague and column[0] == 0 and different == len(values) > 1
            return -120 if counting or (tells_apart and not foreign) else 0
        vote = -40.0 if len(values) > 1 and different == 1 else 0.0
        vote -= 30 * counting
        if ROLES[role].weight(column[1]) <= 40:  # noqa: PLR2004 - a name that may be the row's own
            vote -= 70 * self._contradicted(column, hits)
        return vote

    def _contradicted(self, column: Column, hits: list[str | None]) -> float:
        """The share of rows whose name in the list is another one's than this column says."""
        vocabulary = self._vocabularies["application"]
        sample = [cells for cells in self._cells[:_SAMPLE] if column in cells]
        against = judged = 0
        for cells, hit in zip(sample, hits, strict=True):
            named = [
                vocabulary.resolve(v)
                for other, v in cells.items()
                if other != column and APPLICATION.weight(other[1]) in (30, 70, 95) and not str(v).isdigit()
            ]
            told = [n for n in named if n is not None]
            if told:
                judged += 1
                against += hit not in told
        return against / judged if judged else 0.0

    def _values(self, row: Row, role: str) -> list[Any]:
        cells = self._of[id(row)]
        return [cells[c] for c in self._ranked[role] if c in cells]

    def _resolved(self, row: Row, role: str) -> tuple[str | None, bool]:
        """The row's id for a role, and whether the provider's lists (or what was asked for) know it."""
        vocabulary, values = self._vocabularies[role], self._values(row, role)
        found = next((r for v in values[:1] if (r := vocabulary.resolve(v))), None) or next(
            (r for v in values if (r := vocabulary.resolve(v))), None
        )
        if found is not None:
            return found, True
        return (identifier(values[0]) if values else None), False

    def application(self, row: Row) -> str | None:
        """The id of the row's application; the list's own id wherever the list knows it."""
        return self._resolved(row, "application")[0]

    def speaks_of(self, name: str, application: str) -> bool:
        """Whether a field's own name is the application's: `{"tg": 10, "price": 22}`."""
        return self._vocabularies["application"].resolve(name) == application

    def name_of(self, application: str) -> str | None:
        """The name that the provider's list shows for an application."""
        return self._vocabularies["application"].name(application)

    def names_other(self, row: Row, application: str) -> bool:
        """Whether the row is, by the provider's list, another application's."""
        found, sure = self._resolved(row, "application")
        return sure and self._vocabularies["application"].known and found != application

    def application_name(self, row: Row, application: str) -> str | None:
        """The application's name, from the list or else from the row."""
        listed = self._vocabularies["application"].name(application)
        if listed is not None:
            return listed
        texts = [v for v in self._values(row, "application") if isinstance(v, str) and identifier(v) != application]
        return next((t for t in texts if not t.isdigit()), None)

    def operator_matches(self, row: Row) -> bool:
        """Whether the row is of the operator asked for."""
        return self._matches(row, "operator") is True

    def asked_for(self) -> list[Row]:
        """The rows of the country and operator (and application) asked for, where rows name them."""
        if self._asked_rows is None:
            rows = self.rows
            for role in ("country", "operator", "application"):
                verdicts = [self._matches(row, role) for row in rows]
                if True in verdicts:
                    rows = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is not False]
            self._asked_rows = rows
        return self._asked_rows

    def _matches(self, row: Row, role: str) -> bool | None:
        asked = self._asked[role]
        values = self._values(row, role)
        if asked is None or not values:
            return None
        found = {self._vocabularies[role].resolve(v) for v in values} - {None}
        return asked in found if found else False


def _cells_of(level: Level, *, inside: bool) -> dict[str, Any]:
    """The columns of one level: its key, its plain fields, and those of objects that say who somebody is."""
    role = _role_of(level.place)
    cells: dict[str, Any] = {}
    if level.key is not None:
        cells[f"{role}_key" if role else KEY] = level.key
    marked = not inside and any(glued(n) in _SUCCESS for n in islice(level.fields, _FIELDS))
    for name, value in islice(level.fields.items(), _FIELDS):
        plain = glued(name)
        if plain in _SUCCESS or (marked and plain in ("code", "message", "msg")):
            continue
        if isinstance(value, dict):
            cells.update({f"{name}_{n}": v for n, v in value.items() if _tells(v)} if role_of(name) else {})
        elif _tells(value):
            cells[f"{role}_{name}" if role and plain in _GENERIC else name] = value
    return cells


def _role_of(place: str | None) -> str | None:
    """The role of the objects that lie under a name: those under `operators` are operators."""
    kind = role_of(place or "")
    return None if kind is None else CatalogKind(kind).field


def _tells(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and value != ""
