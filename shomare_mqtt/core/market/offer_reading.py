"""Price lists read for offers, one place after the other, behind everything else that the provider is asked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.market.provider_state import AWAY
from shomare_mqtt.core.waiting import pause
from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import Message, Priority

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shomare_mqtt.core.clock import Clock, SteadyTime
    from shomare_mqtt.core.market.price_book import Place, PriceBook
    from shomare_mqtt.core.market.prices import Prices
    from shomare_mqtt.core.ports import Outbox
    from shomare_mqtt.model import PriceList

AT_ONCE = 4
"""Price lists that are asked for at the same moment, where `requests_per_minute` lets them: an answer takes time."""
_PROGRESS_EVERY = 1.0
_GIVE_UP = 5
"""Places in a row for which the provider was not reached, after which a reading ends: what it lacks can be asked for
again."""
_NOTHING_THERE = frozenset({ErrorCode.NOT_FOUND, ErrorCode.NO_NUMBERS})
"""Refusals that tell of a place that it has no numbers: it is read with that."""


class Reading:
    """A share in what is read: the places that one who asks lacks. `read` are those that it has by now.

    `error`: why the last place was not read.
    """

    def __init__(self, left: Iterable[Place], read: Iterable[Place]) -> None:
        self.left = dict.fromkeys(left)
        self.read = set(read)
        self.error: ProviderError | None = None
        self.ended = asyncio.Event()
        if not self.left:
            self.ended.set()

    def settle(self, place: Place, error: ProviderError | None, *, is_read: bool) -> None:
        """A place was read, or could not be."""
        if place not in self.left:
            return
        del self.left[place]
        if is_read:
            self.read.add(place)
        self.error = error or self.error
        if not self.left:
            self.ended.set()


class OfferReader:
    """Reads places into the book, once for all who ask for them meanwhile, and tells how far it is (`event/offers`).

    From the first place that is wanted until none is left it is one reading, of all places that were asked for by then.
    It goes on where nobody waits for it any more: what it has read by then need not be read again.
    """

    def __init__(self, clock: Clock, time: SteadyTime, book: PriceBook, prices: Prices, outbox: Outbox) -> None:
        self._clock = clock
        self._time = time
        self.book = book
        self._prices = prices
        self._outbox = outbox
        self._wanted: dict[Place, None] = {}
        self._asked: set[Place] = set()
        self._places: set[Place] = set()
        self._read: set[Place] = set()
        self._unread: set[Place] = set()
        self._began = 0.0
        self._dropped = 0
        self._away = 0
        self._told_at = 0.0
        self._shares: list[Reading] = []
        self._work = asyncio.Event()
        prices.on_list = self._took

    def _took(self, prices: PriceList) -> None:
        """A price list came, whoever asked for it."""
        place = prices.country, prices.operator
        self.book.put(place, prices.prices, self._time.now(), self._clock.now())

    def known(self, places: Iterable[Place], max_age: float) -> set[Place]:
        """Of these places those that were read so many seconds ago at most, or in the reading that goes on."""
        since = self._time.now() - max_age
        return {place for place in places if self._is_known(place, since)}

    def _is_known(self, place: Place, since: float) -> bool:
        read_at = self.book.read_at(place)
        return read_at is not None and (read_at >= since or (self._is_on and read_at >= self._began))

    def want(self, lacking: Iterable[Place], known: Iterable[Place]) -> Reading:
        """Have places read; those that are known count for how far it is."""
        reading = Reading(lacking, known)
        if not reading.left:
            return reading
        if is_new := not self._is_on:
            self._began = self._time.now()
        self._places.update(reading.left, reading.read)
        self._read.difference_update(reading.left)
        self._read |= reading.read
        self._unread.difference_update(reading.left, reading.read)
        self._wanted.update((place, None) for place in reading.left if place not in self._asked)
        self._shares.append(reading)
        self._work.set()
        if is_new:
            self._tell("progress")
        return reading

    async def wait(self, reading: Reading, seconds: float | None) -> None:
        """Until all of it was read or could not be, or for so many seconds; it goes on after that."""
        try:
            await pause(self._clock, seconds, reading.ended)
        finally:
            self.leave(reading)

    def leave(self, reading: Reading) -> None:
        """Nobody waits for this any more."""
        if reading in self._shares:
            self._shares.remove(reading)

    def drop(self) -> None:
        """What was wanted is not read any more: the ids of its places have come to stand for others."""
        self._dropped += 1
        for place in [*self._wanted, *self._asked]:
            self._settle(place)
        self.book.clear()

    @property
    def _is_on(self) -> bool:
        return bool(self._wanted or self._asked)

    # --- reading ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Read what is wanted, for ever; one of AT_ONCE that do."""
        while True:
            await self._work.wait()
            if (place := self._next()) is None:
                self._work.clear()
            else:
                await self._ask(place)

    def _next(self) -> Place | None:
        """The place to read now: of whoever waits for the fewest, in the order in which they were asked for."""
        for reading in sorted(self._shares, key=lambda each: len(each.left)):
            if (place := next((place for place in reading.left if place in self._wanted), None)) is not None:
                return place
        return next(iter(self._wanted), None)

    async def _ask(self, place: Place) -> None:
        del self._wanted[place]
        self._asked.add(place)
        dropped, began, error = self._dropped, self._time.now(), None
        try:
            await self._prices.read_list(*place, Priority.OFFERS)
        except ProviderError as refused:
            error = refused
        except Exception:
            self._asked_for(place, began, dropped, None)
            raise
        self._asked_for(place, began, dropped, error)

    def _asked_for(self, place: Place, began: float, dropped: int, error: ProviderError | None) -> None:
        """A place that was asked for then was read, or why it was not."""
        if dropped != self._dropped:
            return
        if error is not None and error.code in _NOTHING_THERE:
            self.book.put(place, (), self._time.now(), self._clock.now())
        read_at = self.book.read_at(place)
        self._note_away(error)
        self._settle(place, error, is_read=read_at is not None and read_at >= began)

    def _note_away(self, error: ProviderError | None) -> None:
        """Give up what is left where the provider was not reached for too many places in a row."""
        self._away = self._away + 1 if error is not None and error.code in AWAY else 0
        if self._away >= _GIVE_UP:
            for place in list(self._wanted):
                self._settle(place, error)

    def _settle(self, place: Place, error: ProviderError | None = None, *, is_read: bool = False) -> None:
        self._wanted.pop(place, None)
        self._asked.discard(place)
        (self._read if is_read else self._unread).add(place)
        for reading in self._shares:
            reading.settle(place, error, is_read=is_read)
        if not self._is_on:
            self._end()
        elif self._clock.monotonic() - self._told_at >= _PROGRESS_EVERY:
            self._tell("progress")

    def _end(self) -> None:
        self._tell("done")
        self._places.clear()
        self._read.clear()
        self._unread.clear()
        self._shares.clear()
        self._away = 0

    def _tell(self, event_type: str) -> None:
        self._told_at = self._clock.monotonic()
        body = {
            "event_type": event_type,
            "read": len(self._read),
            "unread": len(self._unread),
            "places": len(self._places),
        }
        self._outbox.send_volatile(Message("event/offers", render.dumps(body)))
