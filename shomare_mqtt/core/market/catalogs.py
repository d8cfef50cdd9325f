"""The three lists, and the names in them (contract, 'Ids and names')."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core import render
from shomare_mqtt.core.faults import outlived
from shomare_mqtt.core.market.labels import by_label, labels
from shomare_mqtt.core.market.moves import moves_between
from shomare_mqtt.core.waiting import Shared, pause
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, JournalFullError, ProviderError
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Priority
from shomare_mqtt.normalization import ascii_digits, fold

if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.moves import Moves
    from shomare_mqtt.core.market.provider_state import ObservedProvider
    from shomare_mqtt.core.ports import Journal, Retained

ANY = "any"
_STALE = 60.0
"""Seconds after which a list is asked for again because of a name that it does not hold."""
_NEAREST = 3
_FIRST_RETRY, _LAST_RETRY = 5.0, 300.0


class _Index(NamedTuple):
    """One list with what it is searched by."""

    catalog: Catalog
    by_id: dict[str, CatalogEntry]
    by_name: dict[str, tuple[CatalogEntry, ...]]
    by_label: dict[str, str]
    labels: dict[str, str]


_IDS_OF = "ids_of."
"""Before a list's name: where its ids were read, kept with it."""


class _Moved(NamedTuple):
    """How a list's ids changed last: at which edition of all lists, and since which they had been the same."""

    moves: Moves
    edition: int
    since: int


def _usable(catalog: Catalog) -> Catalog:
    """The list without entries that nobody could ask for."""
    entries = tuple(e for e in catalog.entries if e.id.strip())
    return catalog if len(entries) == len(catalog.entries) else replace(catalog, entries=entries)


def _place_of_ids(catalog: Catalog) -> str | None:
    return catalog.ids[0].place if catalog.ids else None


def _index(catalog: Catalog) -> _Index:
    by_name: dict[str, list[CatalogEntry]] = {}
    for entry in catalog.entries:
        for name in {fold(n) for n in (entry.name, *entry.names)} - {""}:
            by_name.setdefault(name, []).append(entry)
    shown = labels(catalog.entries)
    by_id = {e.id: e for e in catalog.entries}
    return _Index(
        catalog,
        by_id,
        {name: tuple(entries) for name, entries in by_name.items()},
        by_label(catalog.entries, shown),
        shown,
    )


class Catalogs:
    """Countries, operators and applications: kept in the journal, renewed, searched."""

    def __init__(
        self, clock: Clock, journal: Journal, provider: ObservedProvider, retained: Retained, logger: logging.Logger
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._provider = provider
        self._retained = retained
        self._logger = logger
        self._shared = Shared(clock)
        self._lists: dict[CatalogKind, _Index] = {}
        self._read_at: dict[CatalogKind, float] = {}
        self._stored_at: dict[CatalogKind, datetime] = {}
        self._asked, self._newest = 0, dict[CatalogKind, int]()
        self._not_kept: set[CatalogKind] = set()
        self._ids_at: dict[CatalogKind, str | None] = {}
        self._owed: dict[CatalogKind, dict[str, str | None]] = {}
        self._moved: dict[CatalogKind, _Moved] = {}
        self._other_interval: dict[CatalogKind, asyncio.Event] = {}
        self.edition = 0
        """Rises each time that ids of a list come to stand for other entries."""
        self.on_moved: list[Callable[[CatalogKind, Moves], Mapping[str, str | None]]] = []
        """Told which entry each id of before means; they give the journal's values that change with it."""
        self.listeners: list[Callable[[CatalogKind], None]] = []

    async def load(self) -> None:
        """Take up what the journal holds, less a list that is of no use; to be called once, before anything else."""
        meta = await self._journal.meta()
        for kind in CatalogKind:
            self._ids_at[kind] = meta.get(_IDS_OF + kind.value)
            self._provider.kept(kind, self._ids_at[kind])
        for kind, (catalog, updated_at) in (await self._journal.catalogs()).items():
            await outlived(self._restore(catalog, updated_at), f"the stored {kind.value} are dropped", self._logger)

    async def _restore(self, catalog: Catalog, updated_at: datetime) -> None:
        self._take(_usable(catalog))
        self._stored_at[catalog.kind] = updated_at

    def get(self, kind: CatalogKind) -> Catalog | None:
        """One list, where one was ever read."""
        index = self._lists.get(kind)
        return index.catalog if index else None

    def entries(self, kind: CatalogKind) -> tuple[CatalogEntry, ...]:
        """A list's entries; none where it was never read."""
        index = self._lists.get(kind)
        return index.catalog.entries if index else ()

    def name(self, kind: CatalogKind, entry_id: str) -> str | None:
        """The name of an id, where the list holds it."""
        index = self._lists.get(kind)
        entry = index.by_id.get(entry_id) if index else None
        return entry.name if entry else None

    def label(self, kind: CatalogKind, entry_id: str) -> str:
        """What a select shows for an id: its label, or the id itself where the list does not hold it."""
        index = self._lists.get(kind)
        return index.labels.get(entry_id, entry_id) if index else entry_id

    async def read(self, kind: CatalogKind, priority: Priority = Priority.QUERY) -> Catalog:
        """The list as the provider gives it now. Raises ProviderError."""
        found: Catalog = await self._shared.get(kind, lambda: self._read(kind, priority), priority)
        return found

    async def _read(self, kind: CatalogKind, priority: Priority) -> Catalog:
        asked = self._asked = self._asked + 1
        async with self._provider.taking(kind.endpoint):
            catalog = _usable(await self._provider.catalog(kind, priority=priority))
            old = self.get(kind)
            if old is not None and asked < self._newest.get(kind, 0):
                return old  # a later question was answered earlier
            self._newest[kind] = asked
            self._take(catalog)
            self._move(old, catalog)
            self._read_at[kind] = self._clock.monotonic()
            self._stored_at[kind] = self._clock.now()
            is_other = old is None or old.entries != catalog.entries
            if is_other or kind in self._not_kept or self._ids_at.get(kind) != _place_of_ids(catalog):
                await self._keep(catalog, self._stored_at[kind])
            if is_other:
                for listener in self.listeners:
                    listener(kind)
        return catalog

    async def _keep(self, catalog: Catalog, read_at: datetime) -> None:
        """Put it into the journal, or the next one: nobody who asks for it is to wait until a full disk has room."""
        self._not_kept.discard(catalog.kind)
        values = self._owed.pop(catalog.kind, {})
        values[_IDS_OF + catalog.kind.value] = self._ids_at[catalog.kind] = _place_of_ids(catalog)
        try:
            await self._journal.put_catalog(catalog, read_at, values)
        except JournalFullError:
            self._not_kept.add(catalog.kind)
            self._owed[catalog.kind] = values
            self._logger.warning("the disk is full: the %s are not kept over a restart", catalog.kind.value)

    def _move(self, old: Catalog | None, new: Catalog) -> None:
        """Where another column is the id now: whoever holds ids of before takes those that mean the same instead.

        Nothing is awaited between the list and this: an id of before must never come to mean another entry.
        """
        moves = None if old is None else moves_between(old, new)
        if moves is None:
            return
        self._logger.info("%s: their ids are other ones now", new.kind.value)
        before = self._moved.get(new.kind)
        self.edition += 1
        self._moved[new.kind] = _Moved(moves, self.edition, before.edition if before else 0)
        owed = self._owed.setdefault(new.kind, {})
        for told in self.on_moved:
            owed.update(told(new.kind, moves))

    def as_of_now(self, kind: CatalogKind, entry_id: str, edition: int) -> str | None:
        """The id by now of what had this one at an edition; None where nobody can tell."""
        moved = self._moved.get(kind)
        if moved is None or moved.edition <= edition:
            return entry_id
        return moved.moves.get(entry_id, entry_id) if moved.since <= edition else None

    def as_meant(self, kind: CatalogKind, text: str, edition: int) -> str | None:
        """What to look up for a text that was said at an edition, where it may be an id of then; None: as above."""
        plain = ascii_digits(text)
        now = self.as_of_now(kind, plain, edition)
        return text if now == plain else now

    def _take(self, catalog: Catalog) -> None:
        """Search and show this list from now on, or none of both: it is kept only after that."""
        index, shown = _index(catalog), render.dumps(render.catalog_json(catalog))
        self._lists[catalog.kind] = index
        self._retained.put(catalog.kind.value, shown)

    # --- names ------------------------------------------------------------------------------------------------------

    async def resolve(
        self, kind: CatalogKind, text: str, *, is_id: bool = False, priority: Priority = Priority.QUERY
    ) -> str:
        """The id that a text means.

        Raises CommandRefusedError (`unknown_name`, `ambiguous_name`, naming the nearest), or ProviderError where the
        list was never read and cannot be.
        """
        if kind not in self._lists:
            try:
                await self.read(kind, priority)
            except ProviderError:
                if is_id or _looks_like_id(text):
                    return ascii_digits(text)
                raise
        if (entry := self._find(kind, text, is_id=is_id)) is not None:
            return entry.id
        if self._is_stale(kind):
            try:
                await self.read(kind, priority)
            except ProviderError:
                pass  # the old list stands; the provider's state tells of the failure
            else:
                if (entry := self._find(kind, text, is_id=is_id)) is not None:
                    return entry.id
        if not self.entries(kind) and (is_id or _looks_like_id(text)):
            return ascii_digits(text)  # a list that holds nothing tells of no id that it is wrong
        message = f"{kind.field}: the provider's list holds no {text!r}{self.nearest(kind, text)}"
        raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, message)

    def _is_stale(self, kind: CatalogKind) -> bool:
        read_at = self._read_at.get(kind)
        return read_at is None or self._clock.monotonic() - read_at > _STALE

    def _find(self, kind: CatalogKind, text: str, *, is_id: bool) -> CatalogEntry | None:
        """The entry that a text means, None where none does. Raises CommandRefusedError where several do."""
        index = self._lists[kind]
        if (entry := index.by_id.get(text) or index.by_id.get(ascii_digits(text))) is not None or is_id:
            return entry
        folded = fold(text)
        named = index.by_name.get(folded, ())
        if len(named) > 1:
            # A label is unique where a name is not: it is looked at before the name is called ambiguous.
            if (labelled := index.by_label.get(folded)) is not None:
                return index.by_id[labelled]
            shown = ", ".join(sorted(f"{e.name} ({e.id})" for e in named)[:_NEAREST])
            raise CommandRefusedError(
                ErrorCode.AMBIGUOUS_NAME, f"{kind.field}: {text!r} is the name of several: {shown}; use an id"
            )
        return named[0] if named else index.by_id.get(index.by_label.get(folded, ""))

    def nearest(self, kind: CatalogKind, text: str) -> str:
        """What a list that was read holds in place of a name that it does not hold, as the end of a sentence."""
        index = self._lists[kind]
        from difflib import get_close_matches  # noqa: PLC0415 - needed where something is wrong

        near = get_close_matches(fold(text), index.by_name, n=_NEAREST, cutoff=0.5)
        shown = [f"{index.by_name[n][0].name} ({index.by_name[n][0].id})" for n in near]
        return f"; the nearest are {', '.join(dict.fromkeys(shown))}" if shown else ""

    # --- renewing ---------------------------------------------------------------------------------------------------

    def interval_changed(self) -> None:
        """Reckon anew when each list is due."""
        for other in self._other_interval.values():
            other.set()

    async def run(self, kind: CatalogKind, interval: Callable[[], float]) -> None:
        """Renew one list every `interval` seconds, sooner after a failure, for ever."""
        retry, delay = _FIRST_RETRY, self._until_due(kind, interval())
        other = self._other_interval[kind] = asyncio.Event()
        while True:
            while await pause(self._clock, delay, other):
                other.clear()
                delay = min(delay, self._until_due(kind, interval()))
            try:
                await self.read(kind, Priority.POLL)
                delay, retry = interval(), _FIRST_RETRY
            except ProviderError:
                delay, retry = min(retry, interval()), min(retry * 2, _LAST_RETRY)

    def _until_due(self, kind: CatalogKind, interval: float) -> float:
        """A list from the journal is good until its time: none is asked for at every start."""
        stored = self._stored_at.get(kind)
        if stored is None:
            return 0.0
        age = (self._clock.now() - stored).total_seconds()
        return max(0.0, interval - age) if age >= 0 else 0.0


def _looks_like_id(text: str) -> bool:
    return text == ANY or ascii_digits(text).isdigit()
