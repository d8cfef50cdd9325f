"""One go at finding out which columns of the lists the provider takes for ids: price calls, and nothing else.

A column is believed where a call with an entry's value in it is answered with a price, and the same call with an id
that nobody has is not. An answer without a price says little of one entry, which may be sold nowhere: several are
tried.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from itertools import islice, product
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Endpoint, Known, Product
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.price_probe import PARAMETERS, Heard, Probe, SpentError, has_price
from shomare_mqtt.provider.reading.names import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shomare_mqtt.model import IdColumn, PriceList

MOST_REQUESTS = 24
"""In one go, for all lists together."""
ENTRIES = 3
"""Of each list that are tried before its columns are given up."""
NONSENSE, NONSENSE_NUMBER = "no-such-entry", "987654321"
"""Ids that nobody has."""
_SPOKEN_OF = 0.8
"""Share of what answers call a list's entries that a column holds of which they speak."""
_SOLD = {
    CatalogKind.COUNTRIES: ("russia", "روسیه", "indonesia", "england", "united kingdom", "انگلیس", "kazakhstan", "usa"),
    CatalogKind.OPERATORS: ("any", "all", "random"),
    CatalogKind.APPLICATIONS: ("telegram", "تلگرام", "whatsapp", "واتساپ", "واتس اپ", "instagram", "google", "gmail"),
}
"""What most sellers have in stock, by name."""


class Question(NamedTuple):
    """A list about which something is to be found out: its columns in the order of trying, the one in use first."""

    catalog: Catalog
    columns: tuple[IdColumn, ...]

    def telling(self) -> list[int]:
        """The rows by whose values a success tells: of no column the same as of another one, or another entry's."""
        columns = [column.values for column in self.columns]
        seen = Counter(value for values in columns for value in values)
        rows = zip(*columns, strict=True)
        return [at for at, row in enumerate(rows) if all(value is not None and seen[value] == 1 for value in row)]

    def hinted(self, said: Sequence[str]) -> Question:
        """The same, that column next after the one in use which answers speak of."""
        spoken = spoken_of(self.columns, said)
        if spoken is None:
            return self
        first, *rest = self.columns
        return self._replace(columns=(first, *sorted(rest, key=lambda column: column is not spoken)))


class _Asking(NamedTuple):
    """One call: an entry of each list (its row), and of each list that is in question the column that is tried."""

    rows: Mapping[CatalogKind, int]
    columns: Mapping[CatalogKind, int]


class IdTrial:
    """One go. `verdicts`: by list, the column that the provider takes, or None where that cannot be told.

    `tried`: what was asked in vain, also by the goes before this one, which goes on where they ended.
    """

    def __init__(
        self,
        probe: Probe,
        lists: Mapping[CatalogKind, Catalog],
        questions: Mapping[CatalogKind, Question],
        known: Known,
        tried: set[tuple[str, ...]],
    ) -> None:
        self._probe = probe
        self._lists = lists
        self._known = known
        self._tried = tried
        self._questions = dict(questions)
        self._telling = {kind: question.telling() for kind, question in questions.items()}
        self._open = {kind for kind in questions if self._telling[kind]}
        self.verdicts: dict[CatalogKind, IdColumn | None] = dict.fromkeys(questions.keys() - self._open)
        self._rekeyed: dict[tuple[CatalogKind, int], tuple[CatalogEntry, ...]] = {}
        self._settled: dict[CatalogKind, int] = {}

    async def run(self, asked: Product | None) -> bool:
        """Fill `verdicts`; whether all that can be asked was asked.

        Raises ProviderError where a failure decides nothing; what was found before that holds.
        """
        with suppress(SpentError):
            await self._run(asked)
            self._tried.clear()
            return True
        return False

    async def _run(self, asked: Product | None) -> None:
        rows = self._entries(asked)
        if asked is not None and self._open and not self._probe.is_open(Endpoint.PRICE):
            found = await self._search(Endpoint.PRICE, rows[:1], most_changed=0)
            if found is not None:
                await self._confirm(Endpoint.PRICE, found[0])
        places = [kind for kind in PARAMETERS[Endpoint.PRICES] if kind in self._open]
        if places or (self._open and asked is None):
            found = await self._search(Endpoint.PRICES, rows, len(places))
            if found is not None:
                asking, prices = found
                await self._confirm(Endpoint.PRICES, asking)
                self._take_hint(prices)
                rows = [{**asking.rows, CatalogKind.APPLICATIONS: row} for row in self._in_stock(prices, rows)]
        if self._open:
            found = await self._search(Endpoint.PRICE, rows, len(self._open))
            if found is not None:
                await self._confirm(Endpoint.PRICE, found[0])

    def _take_hint(self, prices: PriceList | None) -> None:
        kind = CatalogKind.APPLICATIONS
        if prices is not None and kind in self._open:
            self._questions[kind] = self._questions[kind].hinted(prices.said.get(kind, ()))

    # --- which entries ----------------------------------------------------------------------------------------------

    def _entries(self, asked: Product | None) -> list[dict[CatalogKind, int]]:
        """Entries to ask with, what is asked for first, then what is likely to be sold."""
        first = {} if asked is None else dict(zip(CatalogKind, _ids(asked), strict=True))
        countries = self._rows(CatalogKind.COUNTRIES, first)
        applications = self._rows(CatalogKind.APPLICATIONS, first)
        found = []
        for number in range(ENTRIES):
            country = countries[min(number, len(countries) - 1)]
            operators = self._rows(CatalogKind.OPERATORS, first, self._called(CatalogKind.COUNTRIES, country))
            operator = operators[min(number, len(operators) - 1)]
            application = applications[min(number, len(applications) - 1)]
            found.append(dict(zip(CatalogKind, (country, operator, application), strict=True)))
        return found

    def _rows(
        self, kind: CatalogKind, first: Mapping[CatalogKind, str], country: frozenset[str] = frozenset()
    ) -> list[int]:
        """Rows of a list by which a success tells, the likely ones first; `country`: what its country is called."""
        entries = self._lists[kind].entries
        telling = self._telling[kind] if kind in self._open else range(len(entries))
        ours = [row for row in telling if _belongs(entries[row], country)]
        sold = _SOLD[kind]

        def rank(row: int) -> int:
            if entries[row].id == first.get(kind):
                return -1
            names = {fold(name) for name in (entries[row].name, *entries[row].names)}
            return next((at for at, name in enumerate(sold) if fold(name) in names), len(sold))

        return sorted(ours or telling, key=rank)[:ENTRIES]

    def _called(self, kind: CatalogKind, row: int) -> frozenset[str]:
        """All that an entry is called."""
        entry = self._lists[kind].entries[row]
        values = [column.values[row] for column in self._lists[kind].ids]
        return frozenset(fold(text) for text in (entry.id, entry.name, *entry.names, *values) if text is not None)

    def _in_stock(self, prices: PriceList | None, rows: Sequence[Mapping[CatalogKind, int]]) -> list[int]:
        """Applications that a price list holds, those that were meant to be asked for first."""
        kind = CatalogKind.APPLICATIONS
        meant = dict.fromkeys(row[kind] for row in rows)
        sold = {p.application for p in prices.prices if has_price(p) and p.count != 0} if prices else set()
        entries = self._lists[kind].entries
        telling = self._telling[kind] if kind in self._open else range(len(entries))
        there = [row for row in telling if entries[row].id in sold]
        return list(islice(dict.fromkeys([*(r for r in meant if r in there), *there, *meant]), ENTRIES))

    # --- asking -----------------------------------------------------------------------------------------------------

    async def _search(
        self, endpoint: Endpoint, rows: Sequence[Mapping[CatalogKind, int]], most_changed: int
    ) -> tuple[_Asking, PriceList | None] | None:
        """The first call that is answered with a price; None where none is. As many requests are left as confirm it.

        `most_changed`: how many lists at a time are asked with another column than the one in use.
        """
        kinds = [kind for kind in PARAMETERS[endpoint] if kind in self._open]
        self._probe.reserve = len(kinds)
        for changed in _turns(most_changed):
            for row in rows:
                for columns in self._combinations(kinds, changed):
                    asking = _Asking(row, columns)
                    call = (endpoint.value, *self._ids(endpoint, asking).values())
                    if call in self._tried:
                        continue
                    heard = await self._heard(endpoint, asking)
                    if heard.usable:
                        return asking, heard.prices
                    self._tried.add(call)
        return None

    def _combinations(self, kinds: Sequence[CatalogKind], changed: range) -> Iterator[dict[CatalogKind, int]]:
        """Columns for the lists in question, with so many of them that are not the one in use."""
        choices = [range(len(self._questions[kind].columns)) for kind in kinds]
        alike = set() if changed == range(1) else {chosen for chosen in product(*choices) if self._alike(kinds, chosen)}
        found = [chosen for chosen in product(*choices) if sum(map(bool, chosen)) in changed or chosen in alike]
        for chosen in sorted(
            found, key=lambda columns: (any(columns) and columns not in alike, sum(map(bool, columns)))
        ):
            yield dict(zip(kinds, chosen, strict=True))

    def _alike(self, kinds: Sequence[CatalogKind], chosen: tuple[int, ...]) -> bool:
        """Whether several lists are asked with columns of one name, none of which is in use: they were made alike."""
        places = {self._questions[kind].columns[at].place for kind, at in zip(kinds, chosen, strict=True)}
        return len(kinds) > 1 and all(chosen) and len(places) == 1

    async def _heard(self, endpoint: Endpoint, asking: _Asking) -> Heard:
        ids, known = self._ids(endpoint, asking), self._knowing(asking)
        return await (self._probe.price if endpoint is Endpoint.PRICE else self._probe.prices)(ids, known)

    async def _confirm(self, endpoint: Endpoint, asking: _Asking) -> None:
        """Of each list in question, whether an id that nobody has makes a difference."""
        self._probe.reserve = 0
        for kind, at in asking.columns.items():
            column = self._questions[kind].columns[at]
            try:
                differs = await self._differs(endpoint, asking, kind, column)
            except (ProviderError, SpentError):
                if at == 0:
                    self.verdicts[kind] = column  # it works, and it is the one in use
                raise
            self.verdicts[kind] = column if differs else None
            self._settled[kind] = at if differs else 0
        self._open -= asking.columns.keys()

    async def _differs(self, endpoint: Endpoint, asking: _Asking, kind: CatalogKind, column: IdColumn) -> bool:
        nonsense = NONSENSE_NUMBER if all(value is None or value.isdigit() for value in column.values) else NONSENSE
        ids = {**self._ids(endpoint, asking), kind: nonsense}
        return not (await self._probe.any_price(endpoint, ids, self._knowing(asking))).usable

    def _ids(self, endpoint: Endpoint, asking: _Asking) -> dict[CatalogKind, str]:
        return {kind: self._id(kind, asking) for kind in PARAMETERS[endpoint]}

    def _id(self, kind: CatalogKind, asking: _Asking) -> str:
        return self._entries_of(kind, asking)[asking.rows[kind]].id

    def _entries_of(self, kind: CatalogKind, asking: _Asking) -> tuple[CatalogEntry, ...]:
        """A list's entries, with the ids of the column that is tried."""
        at = asking.columns.get(kind, self._settled.get(kind, 0))
        catalog = self._lists[kind]
        if at == 0:
            return catalog.entries
        if (kind, at) not in self._rekeyed:
            values = self._questions[kind].columns[at].values
            pairs = zip(catalog.entries, values, strict=True)
            self._rekeyed[kind, at] = tuple(replace(entry, id=value or "") for entry, value in pairs)
        return self._rekeyed[kind, at]

    def _knowing(self, asking: _Asking) -> Known:
        countries, operators, applications = (self._entries_of(kind, asking) for kind in CatalogKind)
        known = replace(self._known, countries=countries, operators=operators, applications=applications)
        return replace(known, price=None)


def spoken_of(columns: Sequence[IdColumn], said: Sequence[str]) -> IdColumn | None:
    """The one column that holds (nearly) all of what other answers call a list's entries; None where several do."""
    if not said:
        return None
    found = [column for column in columns if len(set(said).intersection(column.values)) >= _SPOKEN_OF * len(said)]
    return found[0] if len(found) == 1 else None


def _turns(most_changed: int) -> Iterator[range]:
    """How many columns other than those in use are tried at a time: at first one at most, then more."""
    yield range(min(most_changed, 1) + 1)
    if most_changed > 1:
        yield range(2, most_changed + 1)


def _ids(asked: Product) -> tuple[str, str, str]:
    return asked.country, asked.operator, asked.application


def _belongs(entry: CatalogEntry, country: frozenset[str]) -> bool:
    """Whether an operator is one of a country, where it says of which it is."""
    said = {fold(str(value)) for name, value in entry.extra.items() if name == "group" or "country" in words(name)}
    return not country or not said or not said.isdisjoint(country)
