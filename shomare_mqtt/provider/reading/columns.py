"""Which column of a price list names the application, which the operator, which the country: a vote.

Votes: the column's name, how many of its values the provider's lists hold, whether it tells the rows apart, and whether
it agrees with the names that stand beside it (a row's `id` is often the row's and not the application's).
"""

from __future__ import annotations

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading.doubts import doubt
from shomare_mqtt.provider.reading.names import LONGEST_NAME, Field, alias, glued, is_envelope, is_nameless, wordset
from shomare_mqtt.provider.reading.rows import is_row, weight_of
from shomare_mqtt.provider.reading.shapes import role_of
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from shomare_mqtt.provider.reading.prices_by_hand import PricesByHand
    from shomare_mqtt.provider.reading.rows import Level, Row, Vote
    from shomare_mqtt.provider.reading.vocabulary import Vocabularies

Column = tuple[int, str]
"""How far out the column lies (0: in the row itself), and its name; `#` for the key that the object stands under, with
the role that the place's name speaks of (`#operator`)."""

KEY = "#"
_GENERIC = wordset("id code slug name title key shortname")
_NAMED = 60
"""From this weight on a column's name says whose it is."""
_SUCCESS = wordset("status success ok error")
"""Marks of success, which no column is made of; an answer's own `code` stands beside one."""
_FIGURES = wordset("price cost amount count stock qty quantity total rate available sort status active")
APPLICATION = Field(
    alias(
        w100="applicationid appid serviceid productid idservice siteid barnameid",
        w95="application app service product site appcode servicecode productcode serviceslug appslug barname "
        "برنامه سرویس",
        w70="servicename appname applicationname productname applicationtitle",
        w40="id شناسه shenase",
        w35="code slug key shortname short aid pid sid کد",
        w30="name title nameen namefa faname text label نام عنوان nam esm onvan",
    ),
    parts=alias(w60="application app service product barname برنامه سرویس"),
    spoilers=_FIGURES | wordset("country operator server"),
)
OPERATOR = Field(
    alias(
        w100="operatorid operator serverid server providerid provider operatorcode operatorname poolid pool "
        "range اپراتور",
        w25="id code oid sid",
    ),
    parts=alias(w60="operator server provider pool اپراتور"),
    spoilers=_FIGURES | wordset("country service"),
)
COUNTRY = Field(
    alias(w100="countryid country countrycode countryname countryiso region کشور", w15="iso code cid"),
    parts=alias(w60="country keshvar کشور"),
    spoilers=_FIGURES | wordset("operator prefix"),
)
ROLES = {"application": APPLICATION, "operator": OPERATOR, "country": COUNTRY}
_ORDER = {role: at for at, role in enumerate(ROLES)}
_TELLING = (str, int)
_KEY_WEIGHT, _BY_VALUES, _ANYTHINGS = 45, 40, 40
_INSIDE = "_"
"""What joins the name of an object that says who somebody is with the names in it."""
_SAMPLE = 300
_FARTHEST = 99
_SAID = 50
"""Different values of a column that are enough to see what it speaks of."""
_USUAL_VOTES, _LONGEST_NAMES = 30, 1000
"""Of how many votes, and names of how many characters together, it is kept what they come to."""
_ColumnVote = tuple[float, str, Column]
"""How strongly something speaks for a role, and of which column."""
_FIELDS = 60
"""No record has more fields that matter; an object with more is a collection, or hostile."""


class Columns:
    """The rows of a price list and what their columns mean."""

    def __init__(
        self, rows: list[Row], vocabularies: Vocabularies, price: Decimal | None, by_hand: PricesByHand
    ) -> None:
        self.rows = rows
        self.price = price
        self.by_hand = by_hand
        self.votes: dict[tuple[str, int, str | None], list[Vote]] = {}
        """What was found to be a price or a stock of some rows; see `amounts`."""
        self._asked = {role: vocabulary.asked for role, vocabulary in vocabularies.items()}
        self._vocabularies = vocabularies
        self._levels: dict[int, dict[str, Any]] = {}
        self._cells = [self._cells_of_row(row) for row in rows]
        self._of = {id(row): cells for row, cells in zip(rows, self._cells, strict=True)}
        self._judged = self._cells[:_SAMPLE]
        self._ranked, self._telling = self._rank()
        if len(rows) > 1:  # a lone row lies in no other
            self._nodes = {id(row.own): row for row in rows}
            own = [cells for row, cells in zip(rows, self._cells, strict=True) if not self._only_repeats(row)]
            if 0 < len(own) < len(rows):
                # What lies in a row (last week's price) has the same columns one step farther out: it has no vote.
                self._judged = own[:_SAMPLE]
                self._ranked, self._telling = self._rank()
        self._doubtful: dict[str, set[Column]] = {}
        self._asked_rows: list[Row] | None = None

    def _cells_of_row(self, row: Row) -> dict[Column, Any]:
        """A row's columns; what lies around many rows is looked at once."""
        cells: dict[Column, Any] = {}
        for distance, level in enumerate(row.levels):
            found = self._levels.get(id(level))
            if found is None:
                found = self._levels[id(level)] = _cells_of(level, inside=distance == 0)
            for name, value in found.items():
                cells[distance, name] = value
        for name in self.by_hand.names:
            cells.pop((0, name), None)
        return cells

    def _rank(self) -> _Ranking:
        votes, is_list = tuple(self._votes()), self._asked["application"] is None
        # What many votes come to, or long names, would take memory and is hardly asked twice.
        usual = len(votes) <= _USUAL_VOTES and len("".join([column[1] for _, _, column in votes])) <= _LONGEST_NAMES
        return _kept_ranking(votes, is_list) if usual else _ranking(votes, is_list)

    def _votes(self) -> list[_ColumnVote]:
        """What speaks for a role, of each column."""
        judged = self._judged
        # Of one row each column stands once; to count takes longer than all that follows.
        columns = judged[0] if len(judged) == 1 else dict.fromkeys(column for cells in judged for column in cells)
        votes: list[_ColumnVote] = []
        for column in columns:
            said = _said_by(column[1])
            values = [cells[column] for cells in judged if column in cells]
            for role, own in said.weights.items():
                weight = own or (_BY_VALUES if said.is_nameless and self._is_told_by_values(role, values) else 0)
                if weight and (vote := self._vote(column, role, weight, values)) > 0:
                    votes.append((vote, role, column))
        return votes

    def _vote(self, column: Column, role: str, weight: int, values: list[Any]) -> float:
        vocabulary = self._vocabularies[role]
        hits = [vocabulary.resolve(v) for v in values]
        share = (len(hits) - hits.count(None)) / len(values)
        vote = weight + 60 * share - 6 * column[0]
        if vocabulary.known and share == 0:
            vote -= 50
        asked = self._asked[role]
        if asked is not None and asked in hits:
            vote += 15
        elif asked is not None and len(set(hits) - {None}) > 1:
            vote -= 40  # others than the one asked for: the column is more likely another role's
        return vote + self._fit(column, role, values, hits) + 10 * len(values) / max(1, len(self._judged))

    def _is_told_by_values(self, role: str, values: list[Any]) -> bool:
        """Whether all values of a column whose name says nothing are names in the provider's list of a role."""
        if not self._vocabularies[role].known:
            return False
        return all(isinstance(v, str) and not v.isdigit() for v in values) and all(
            self._vocabularies[role].resolve(v) is not None for v in values
        )

    def doubts(self) -> tuple[str, ...]:
        """The doubt of an application told by a name that may be anything's, beside one that says nothing."""
        ranked = () if self.by_hand.sets("application") else self._ranked["application"]
        if not ranked or _is_key(ranked[0]) or _said_by(ranked[0][1]).weights["application"] > _ANYTHINGS:
            return ()
        cells = self._judged[0]
        strange = [
            name
            for distance, name in cells
            if distance == 0 and _said_by(name).is_nameless and self._tells_apart((distance, name))
        ]
        return doubt("application", (ranked[0][1], *strange)) if strange else ()

    def _tells_apart(self, column: Column) -> bool:
        values = [str(cells[column]) for cells in self._judged if column in cells]
        return len(values) == len(self._judged) > 1 and len(set(values)) > 1

    def _fit(self, column: Column, role: str, values: list[Any], hits: list[str | None]) -> float:
        """Whether the column tells rows apart as its role does, and agrees with the names beside it."""
        is_key = _is_key(column)
        different = len(set(map(str, values))) if len(values) > 1 else 1
        counting = is_key and list(map(str, values)) == [str(i) for i in range(len(values))]
        if role != "application":
            # What tells every row of a price list apart is not their operator.
            tells_apart = column[0] == 0 and different == len(values) > 1 and _said_by(column[1]).is_vague
            foreign = is_key and not any(self._vocabularies["application"].resolve(v) for v in values) and any(hits)
            return -120 if counting or (tells_apart and not foreign) else 0
        vote = -40.0 if len(values) > 1 and different == 1 else 0.0
        vote -= 30 * counting
        if APPLICATION.weight(column[1]) <= 40:  # noqa: PLR2004 - a name that may be the row's own
            vote -= 70 * self._contradicted(column, hits)
        return vote

    def _contradicted(self, column: Column, hits: list[str | None]) -> float:
        """The share of rows whose name in the list is another one's than this column says."""
        vocabulary = self._vocabularies["application"]
        sample = [cells for cells in self._judged if column in cells]
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

    def _is_doubtful(self, role: str, column: Column) -> bool:
        """Whether what lies around has an id that may be anything's (a category's): its texts name no known entry."""
        distance, name = column
        vocabulary = self._vocabularies[role]
        if role == "application" or distance == 0 or glued(name) not in _GENERIC:
            return False
        texts = [
            v
            for cells in self._judged
            for (other, _), v in cells.items()
            if other == distance and isinstance(v, str) and not v.isdigit()
        ]
        return bool(texts) and not any(vocabulary.resolve(t) for t in texts)

    def _values(self, row: Row, role: str) -> list[Any]:
        """The row's values for a role, best first; none from farther out than a column that says whose it is."""
        cells = self._of[id(row)]
        columns = [c for c in self._ranked[role] if c in cells]
        if len(columns) == 1:
            return [cells[columns[0]]]
        nearest = min([c[0] for c in columns if c in self._telling], default=_FARTHEST)
        return [cells[c] for c in columns if c[0] <= nearest]

    def _resolved(self, row: Row, role: str) -> tuple[str | None, bool]:
        """The row's id for a role, and whether the provider's lists (or what was asked for) know it."""
        resolve, values = self._vocabularies[role].resolve, self._values(row, role)
        found = next((r for v in values if (r := resolve(v)) is not None), None)
        if found is not None:
            return found, True
        return (identifier(values[0]) if values else None), False

    def application(self, row: Row) -> str | None:
        """The id of the row's application; the list's own id wherever the list knows it."""
        if self.by_hand.sets("application"):
            value = self.by_hand.application(row)
            return self._vocabularies["application"].resolve(value) or identifier(value)
        return self._resolved(row, "application")[0]

    def told_by(self, row: Row) -> list[tuple[Column, Any, bool]]:
        """The columns that may name a row's application, best first: with its value, and whether the list knows it."""
        cells, resolve = self._of[id(row)], self._vocabularies["application"].resolve
        told = [(c, cells[c], resolve(cells[c]) is not None) for c in self._ranked["application"] if c in cells]
        return sorted(told, key=lambda each: not each[2]) if len(told) > 1 else told

    def is_named(self, column: Column) -> bool:
        """Whether a column's name says that it is an application's, an operator's or a country's."""
        return column in self._telling

    def is_around_others(self, row: Row) -> bool:
        """Whether a row that lacks the application at its place only lies around those that have it."""
        return self.by_hand.sets("application") and any(
            level.fields is row.own for other in self.rows for level in other.levels[1:]
        )

    def said(self, role: str) -> tuple[str, ...]:
        """What the rows themselves have in the place of a role's ids, some of them."""
        best = (self._values(row, role)[:1] for row in self.rows[:_SAMPLE])
        found = dict.fromkeys(own for values in best for value in values if (own := identifier(value)) is not None)
        return tuple(islice(found, _SAID))

    def speaks_of(self, name: str, application: str) -> bool:
        """Whether a field's own name is the application's: `{"tg": 10, "price": 22}`."""
        return self._vocabularies["application"].resolve(name) == application

    def name_of(self, application: str) -> str | None:
        """The name that the provider's list shows for an application."""
        return self._vocabularies["application"].name(application)

    def names_other(self, row: Row, application: str) -> bool:
        """Whether the row is, by the provider's list, another application's; an `id` alone may be the row's own."""
        vocabulary = self._vocabularies["application"]
        cells = self._of[id(row)]
        telling = [cells[c] for c in self._ranked["application"] if c in cells and glued(c[1]) != "id"]
        found = {vocabulary.resolve(v) for v in telling} - {None}
        return vocabulary.known and bool(found) and application not in found

    def application_name(self, row: Row, application: str) -> str | None:
        """The application's name, from the list or else from the row."""
        listed = self._vocabularies["application"].name(application)
        if listed is not None:
            return listed
        texts = [v for v in self._values(row, "application") if isinstance(v, str) and identifier(v) != application]
        return next((t for t in texts if not t.isdigit()), None)

    def strangeness(self, row: Row) -> int:
        """How far a row is from what was asked for: one that says nothing is nearer than one that says another's."""
        nearness = {True: 0, None: 1, False: 2}
        aside = any(not (is_envelope(v.place) or role_of(v.place)) for v in row.levels if v.place)
        return 2 * sum(nearness[self._matches(row, role)] for role in ("country", "operator")) + aside

    def asked_for(self) -> list[Row]:
        """The rows of the country and operator (and application) asked for, where rows name them."""
        if self._asked_rows is None and len(self.rows) == 1:
            self._asked_rows = self.rows  # whatever it says: there is none that says better
        if self._asked_rows is None:
            rows = [row for row in self.rows if not self._only_repeats(row)]
            for role in ("country", "operator", "application"):
                if self._asked[role] is None or not self._ranked[role]:
                    continue
                verdicts = [self._verdict(row, role) for row in rows]
                if True in verdicts:
                    rows = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict is not False]
            self._asked_rows = rows
        return self._asked_rows

    def _verdict(self, row: Row, role: str) -> bool | None:
        """Whether the row is of what was asked for; None where it does not say, or nobody can tell."""
        doubtful = self._doubtful.get(role)
        if doubtful is None:
            doubtful = self._doubtful[role] = {c for c in self._ranked[role] if self._is_doubtful(role, c)}
        if doubtful and doubtful.issuperset(c for c in self._ranked[role] if c in self._of[id(row)]):
            return None
        return self._matches(row, role)

    def _only_repeats(self, row: Row) -> bool:
        """Whether a row lies in another one and says not whose it is: a price of last week, or from ten pieces on."""
        around = next((d for d, level in enumerate(row.levels) if d and id(level.fields) in self._nodes), None)
        if around is None:
            return False
        cells = self._of[id(row)]
        if self.by_hand.names_itself(row):
            return False
        if any(c in cells and c[0] < around for ranked in self._ranked.values() for c in ranked):
            return False
        outer = self._nodes[id(row.levels[around].fields)]
        told_outside = any(c in cells and c[0] == around for c in self._ranked["application"])
        wrapped = all(is_envelope(level.place or "") for level in row.levels[:around])
        # Only what an answer wraps says more than what stands around it: `{"min_price": 1, "data": {"price": 5}}`.
        return told_outside or not wrapped or weight_of(row) <= weight_of(outer)

    def _matches(self, row: Row, role: str) -> bool | None:
        asked = self._asked[role]
        values = self._values(row, role)
        if asked is None or not values:
            return None
        return asked in map(self._vocabularies[role].resolve, values)


def _is_key(column: Column) -> bool:
    return column[1].startswith(KEY)


class _Ranking(NamedTuple):
    """For each role its columns, best first; and of all those that say outright whose they are."""

    by_role: Mapping[str, tuple[Column, ...]]
    telling: frozenset[Column]


def _ranking(votes: tuple[_ColumnVote, ...], is_list: bool) -> _Ranking:  # noqa: FBT001 - keywords make a slower key
    """What votes come to. A column serves the role that it fits best, and no other.

    `is_list`: no application was asked for.
    """
    # The application outranks on a tie: a price list that names one thing names the applications.
    ordered = sorted(votes, key=lambda v: (-v[0], _ORDER[v[1]], v[2]))
    taken: set[Column] = set()
    ranked: dict[str, list[Column]] = {role: [] for role in ROLES}
    applications = [c for _, role, c in ordered if role == "application"]
    if applications and is_list and not _has_application(ordered):
        # A price list that names anything names the applications, whatever else their ids may mean.
        taken.add(applications[0])
        ranked["application"].append(applications[0])
    for _, role, column in ordered:
        if column not in taken and not (_is_key(column) and any(map(_is_key, ranked[role]))):
            taken.add(column)
            ranked[role].append(column)
    telling = frozenset(c for role, own in ranked.items() for c in own if role in _said_by(c[1]).named)
    return _Ranking({role: tuple(own) for role, own in ranked.items()}, telling)


_kept_ranking = lru_cache(maxsize=256)(_ranking)


def _has_application(votes: list[_ColumnVote]) -> bool:
    """Whether some column fits the application best."""
    best: dict[Column, str] = {}
    for _, role, column in votes:
        best.setdefault(column, role)
    return "application" in best.values()


class _Said(NamedTuple):
    """What a column's name says: its weight for each role, and whether it says nothing, or may be anything's.

    `named`: the roles that it says outright.
    """

    weights: Mapping[str, int]
    named: frozenset[str]
    is_nameless: bool
    is_vague: bool


def _said_by(name: str) -> _Said:
    return _kept(name) if len(name) <= LONGEST_NAME else _what_says(name)


@lru_cache(maxsize=1024)
def _kept(name: str) -> _Said:
    return _what_says(name)


def _what_says(name: str) -> _Said:
    """A key may be anything's, and more likely its place's."""
    is_key = name.startswith(KEY)
    weights = {
        role: _KEY_WEIGHT + (15 if name[1:] == role else 0) if is_key else field.weight(name)
        for role, field in ROLES.items()
    }
    named = frozenset() if is_key else frozenset(role for role, weight in weights.items() if weight >= _NAMED)
    return _Said(weights, named, is_nameless(name.partition(_INSIDE)[0]), is_key or glued(name) in _GENERIC)


def _cells_of(level: Level, *, inside: bool) -> dict[str, Any]:
    """The columns of one level: its key, its plain fields, and those of objects that say who somebody is."""
    role = _role_of(level.place)
    cells: dict[str, Any] = {}
    if level.key is not None:
        cells[f"{KEY}{role or ''}"] = level.key
    names = tuple(islice(level.fields, _FIELDS))
    usual = len("".join(names)) <= _LONGEST_NAMES
    for column, name in (_kept_names if usual else _column_names)(names, role, inside):
        value = level.fields[name]
        if isinstance(value, dict):
            if (role_of(name) or is_nameless(name)) and not is_row(value):
                cells.update({f"{name}{_INSIDE}{n}": v for n, v in value.items() if _tells(v)})
        elif _tells(value):
            cells[column] = value
    return cells


def _column_names(names: tuple[str, ...], role: str | None, inside: bool) -> tuple[tuple[str, str], ...]:  # noqa: FBT001 - as above
    """Of an object's fields those that may be columns: a plain one's column, and its own name."""
    marked = not inside and not _SUCCESS.isdisjoint(map(glued, names))
    named: list[tuple[str, str]] = []
    for name in names:
        plain = glued(name)
        if plain not in _SUCCESS and not (marked and plain in ("code", "message", "msg")):
            named.append((f"{role}_{name}" if role and plain in _GENERIC else name, name))
    return tuple(named)


_kept_names = lru_cache(maxsize=256)(_column_names)


def _role_of(place: str | None) -> str | None:
    """The role of the objects that lie under a name: those under `operators` are operators."""
    kind = role_of(place or "")
    return None if kind is None else CatalogKind(kind).field


def _tells(value: Any) -> bool:
    return isinstance(value, _TELLING) and not isinstance(value, bool) and value != ""
