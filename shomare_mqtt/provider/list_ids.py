"""Which column of each list is the id: what is known of it, what answers tell by the way, and when a go is made.

What a go finds out is kept with the dialect (`choices`); lists are then read with it. Where a list loses the column, or
the provider knows ids of the lists no more, time and again, it is dropped, and there is doubt anew.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from shomare_mqtt.core.waiting import Shared
from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import Catalog, CatalogKind, IdDoubt, Known, Priority, Product
from shomare_mqtt.provider.id_trial import IdTrial, Question, spoken_of
from shomare_mqtt.provider.reading.places import place_of

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.model import IdColumn
    from shomare_mqtt.provider.choices import Choices
    from shomare_mqtt.provider.price_probe import Probe
    from shomare_mqtt.provider.reading import ByHand

AFTER_FAILURE = 600.0
"""Seconds until the next go after one that ended with a failure that decides nothing."""
NEXT_GO, BY_ITSELF = 3600.0, 86400.0
"""Seconds until the next go after one that left something open; the longer where nobody waits and all was asked."""
UNKNOWN_IDS = 3
"""So many times in a row the provider knows not what the lists hold, before that is their ids' fault; then twice."""
_MOST_UNKNOWN = 48


class MakeProbe(Protocol):
    """Makes what asks for prices."""

    def __call__(self, priority: Callable[[], Priority]) -> Probe:
        """`priority`: that of the next request."""
        ...


class ListIds:
    """What is known of the lists' ids. `choices` is what outlives the process."""

    def __init__(self, choices: Choices, by_hand: ByHand, clock: Clock, logger: logging.Logger) -> None:
        self._choices = choices
        self._by_hand = by_hand
        self._clock = clock
        self._log = logger
        self._lists: dict[CatalogKind, Catalog] = {}
        self._likely: dict[CatalogKind, bool] = {}
        self._kept: dict[CatalogKind, str | None] = {}
        self._hints: dict[CatalogKind, IdColumn] = {}
        self._telling: dict[CatalogKind, tuple[Catalog, frozenset[str]]] = {}
        self._suspect: set[CatalogKind] = set()
        self._doubts: dict[CatalogKind, IdDoubt] = {}
        self._edition = choices.edition
        self._unknown, self._most_unknown = 0, UNKNOWN_IDS
        self._not_before: dict[bool, float] = {}
        self._tried: set[tuple[str, ...]] = set()
        self._shared = Shared(clock, None)  # many requests, as long as they take
        self._priority = Priority.POLL
        self._is_going = False

    def took(self, catalog: Catalog) -> None:
        """A list was read."""
        self._doubts.clear()
        kind, field = catalog.kind, _field(catalog.kind)
        self._lists[kind], self._likely[kind] = catalog, _in_doubt(catalog)
        self._hints.pop(kind, None)
        places = [column.place for column in catalog.ids]
        chosen = self._choices.written(field)
        if chosen is not None and catalog.entries and chosen not in places:
            self._log.info("%s: there is no %s any more, which was the id", kind.endpoint, chosen)
            self._choices.drop(field)
        if catalog.entries and not self._likely[kind]:
            self._choices.close(field, places)

    def doubt(self, kind: CatalogKind) -> IdDoubt:
        """Whether a list's ids are what the provider takes: kept, since each price call asks it six times."""
        if self._edition != self._choices.edition:
            self._edition = self._choices.edition
            self._doubts.clear()
        doubt = self._doubts.get(kind)
        if doubt is None:
            doubt = self._doubts[kind] = self._doubt(kind)
        return doubt

    def _doubt(self, kind: CatalogKind) -> IdDoubt:
        field, catalog = _field(kind), self._lists.get(kind)
        if catalog is None:
            return IdDoubt.SETTLED if self._is_read_so(kind) else IdDoubt.UNREAD
        if len(catalog.ids) <= 1 or self._by_hand.sets(field):
            return IdDoubt.SETTLED
        if self._moves(kind):
            return IdDoubt.WRONG
        if kind in self._suspect:
            return IdDoubt.OPEN
        if field in self._choices.places or not self._likely[kind]:
            return IdDoubt.SETTLED
        return IdDoubt.UNTOLD if self._choices.is_closed(field, _places(catalog)) else IdDoubt.OPEN

    def kept(self, kind: CatalogKind, place: str | None) -> None:
        """The list of an earlier process was read with its ids at a place; None: nobody says, or set by hand."""
        self._doubts.clear()
        self._kept[kind] = place

    def _is_read_so(self, kind: CatalogKind) -> bool:
        """Whether the list of an earlier process has the ids of now: a crash may have come before it was read again."""
        field, place = _field(kind), self._kept.get(kind)
        if self._by_hand.sets(field):
            return place is None
        chosen = self._choices.written(field)
        return self._choices.is_known(field) if chosen is None or place is None else chosen == place

    def _moves(self, kind: CatalogKind) -> bool:
        """Whether the list was read with another column than the one that is chosen by now."""
        catalog, chosen = self._lists.get(kind), self._choices.written(_field(kind))
        return catalog is not None and chosen is not None and bool(catalog.ids) and catalog.ids[0].place != chosen

    # --- what answers tell by the way -------------------------------------------------------------------------------

    def worked(self, ids: Mapping[CatalogKind, str], said: Mapping[CatalogKind, tuple[str, ...]]) -> None:
        """A price call with these ids was answered with a price; `said`: what its rows call the lists' entries."""
        self._unknown = 0
        for kind, own in ids.items():
            if self._is_question(kind) and kind not in self._suspect and own in self._telling_ids(kind):
                self._choose(kind, self._lists[kind].ids[0])
        for kind, texts in said.items():
            if self._is_question(kind) and (column := spoken_of(self._lists[kind].ids, texts)) is not None:
                self._hints[kind] = column

    def failed(self, ids: Mapping[CatalogKind, str], error: ProviderError) -> None:
        """A price call or a purchase with these ids failed. Those of the lists that nobody knows speak against them."""
        if error.code is not ErrorCode.NOT_FOUND or not all(self._holds(kind, own) for kind, own in ids.items()):
            return
        self._unknown += 1
        if self._unknown < self._most_unknown:
            return
        self._unknown, self._most_unknown = 0, min(2 * self._most_unknown, _MOST_UNKNOWN)
        self._doubts.clear()
        for kind in ids:
            if len(self._lists[kind].ids) > 1 and not self._by_hand.sets(_field(kind)):
                self._log.info("%s: the provider knows ids of this list no more: in doubt again", kind.endpoint)
                self._choices.drop(_field(kind))
                self._choices.reopen(_field(kind))
                self._suspect.add(kind)
                self._not_before = {}

    def _holds(self, kind: CatalogKind, own: str) -> bool:
        catalog = self._lists.get(kind)
        return catalog is not None and any(entry.id == own for entry in catalog.entries)

    def _telling_ids(self, kind: CatalogKind) -> frozenset[str]:
        """Ids that are an entry's in one column alone: a success with one tells."""
        catalog, known = self._lists[kind], self._telling.get(kind)
        if known is None or known[0] is not catalog:
            rows = self._question(kind).telling()
            known = self._telling[kind] = catalog, frozenset(catalog.entries[row].id for row in rows)
        return known[1]

    # --- trying -----------------------------------------------------------------------------------------------------

    async def settle(
        self, asked: Product | None, known: Known, priority: Priority, make_probe: MakeProbe
    ) -> frozenset[CatalogKind]:
        """Find out what is in doubt, where it is time for that; the lists that are to be read with another column.

        A go that is under way is waited for, and goes on with the better priority.
        """
        self._priority = min(self._priority, priority) if self._is_going else priority
        in_time = self._clock.monotonic() >= self._not_before.get(asked is not None, 0.0)
        if self._is_going or (in_time and any(map(self._is_question, CatalogKind))):
            with suppress(ProviderError):
                await self._shared.get(_GO, lambda: self._go(asked, known, make_probe))
        return frozenset(kind for kind in CatalogKind if self._moves(kind))

    async def _go(self, asked: Product | None, known: Known, make_probe: MakeProbe) -> None:
        lists = {kind: self._lists.get(kind) or Catalog(kind, getattr(known, kind.value)) for kind in CatalogKind}
        questions = {kind: self._question(kind) for kind in CatalogKind if self._is_question(kind)}
        if not all(catalog.entries for catalog in lists.values()):
            return
        trial = IdTrial(make_probe(lambda: self._priority), lists, questions, known, self._tried)
        pause, self._is_going = AFTER_FAILURE, True
        try:
            whole = await trial.run(asked)
            pause = BY_ITSELF if whole and asked is None else NEXT_GO
        finally:
            self._not_before[asked is not None] = self._clock.monotonic() + pause
            self._is_going = False
            for kind, column in trial.verdicts.items():
                self._judge(kind, column)

    def _judge(self, kind: CatalogKind, column: IdColumn | None) -> None:
        self._suspect.discard(kind)
        self._doubts.clear()
        if column is not None:
            self._choose(kind, column)
            return
        self._log.info("%s: nothing tells which column the provider takes as the id", kind.endpoint)
        self._choices.close(_field(kind), _places(self._lists[kind]))

    def _choose(self, kind: CatalogKind, column: IdColumn) -> None:
        place = place_of(column.place)
        if place is not None and self._choices.choose(_field(kind), place):
            self._log.info("%s: the provider takes %s as the id", kind.endpoint, column.place)

    def _is_question(self, kind: CatalogKind) -> bool:
        return self.doubt(kind) is IdDoubt.OPEN

    def _question(self, kind: CatalogKind) -> Question:
        """A list in doubt; where what was plainly the id does not work, with the columns that hardly could be, too."""
        catalog = self._lists[kind]
        first, *rest = catalog.ids
        tried = [column for column in rest if column.likely or kind in self._suspect]
        hint = self._hints.get(kind)
        return Question(catalog, (first, *sorted(tried, key=lambda column: column is not hint)))


_GO = "ids"


_FIELDS = {kind: f"{kind.value}.id" for kind in CatalogKind}


def _field(kind: CatalogKind) -> str:
    """Its name in `[provider.fields]`."""
    return _FIELDS[kind]


def _places(catalog: Catalog) -> list[str]:
    return [column.place for column in catalog.ids]


def _in_doubt(catalog: Catalog) -> bool:
    return any(column.likely for column in catalog.ids[1:])
