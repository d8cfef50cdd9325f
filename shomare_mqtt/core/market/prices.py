"""Price lists: those that the settings name are kept published, others are asked for when somebody asks."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.records import stored
from shomare_mqtt.core.waiting import Shared, pause
from shomare_mqtt.errors import CommandRefusedError, ProviderError
from shomare_mqtt.model import CatalogKind, Endpoint, Known, Price, PriceList, Priority, Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from decimal import Decimal

    from shomare_mqtt.config.held import WatchedPrice
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.account import Account
    from shomare_mqtt.core.market.catalogs import Catalogs
    from shomare_mqtt.core.market.moves import Moves
    from shomare_mqtt.core.market.provider_state import ObservedProvider
    from shomare_mqtt.core.ports import Extensions, Journal, Retained, Say

T = TypeVar("T")

_FIRST_RETRY, _LAST_RETRY = 5.0, 300.0
_MEANT = "watched"
_MOST_KEPT = 20
"""Lists that are kept though nobody watches them: somebody may ask for every country's, and each takes memory."""


class _Asked(NamedTuple, Generic[T]):
    """What a call gave, and the call's number: an older one that ends later must not outrank it."""

    number: int
    found: T


class Prices:
    """Prices as they were read last."""

    def __init__(
        self,
        clock: Clock,
        journal: Journal,
        provider: ObservedProvider,
        retained: Retained,
        extensions: Extensions,
        catalogs: Catalogs,
        account: Account,
        say: Say,
    ) -> None:
        self._clock = clock
        self._journal = journal
        self._provider = provider
        self._retained = retained
        self._extensions = extensions
        self._catalogs = catalogs
        self._account = account
        self._say = say
        self._shared = Shared(clock)
        self._shared_single = Shared(clock, aside=False)
        self._lists: dict[tuple[str, str], _Asked[PriceList]] = {}
        self._single: dict[tuple[str, str, str], _Asked[Price]] = {}
        self._calls = 0
        self.watched: dict[int, tuple[str, str, str | None]] = {}
        self._meant: dict[str, list[str | None]] = {}
        self._of_settings: dict[int, WatchedPrice] = {}
        """Each `[[prices]]` by a number of its own, in the order of the file."""
        self._next = 0
        self._said: dict[int, str] = {}
        self.settled: set[int] = set()
        self._woken: dict[int, asyncio.Event] = {}
        catalogs.on_moved.append(self._moved)
        self.on_watched: Callable[[], object] = lambda: None
        self.on_list: Callable[[PriceList], object] = lambda _: None

    def known(self, product: Product | None = None, price: Decimal | None = None) -> Known:
        """What may vote when an answer of the provider is read."""
        return Known(
            country=product.country if product else None,
            operator=product.operator if product else None,
            application=product.application if product else None,
            price=price,
            balance=self._account.balance,
            countries=self._catalogs.entries(CatalogKind.COUNTRIES),
            operators=self._catalogs.entries(CatalogKind.OPERATORS),
            applications=self._catalogs.entries(CatalogKind.APPLICATIONS),
        )

    def last(self, product: Product) -> Price | None:
        """A product's price as it was read last, however long ago."""
        single = self._single.get((product.country, product.operator, product.application))
        listed = self._lists.get((product.country, product.operator))
        known = None if single is None else single.found
        if listed is None or (single is not None and single.number > listed.number):
            return known
        return next((p for p in listed.found.prices if p.application == product.application), known)

    async def read_list(self, country: str, operator: str, priority: Priority = Priority.QUERY) -> PriceList:
        """The price list as the provider gives it now. Raises ProviderError."""
        key = (country, operator)
        found: PriceList = await self._shared.get(key, lambda: self._read_list(country, operator, priority), priority)
        return found

    async def _read_list(self, country: str, operator: str, priority: Priority) -> PriceList:
        known, edition = replace(self.known(), country=country, operator=operator), self._catalogs.edition
        asked = self._number()
        async with self._provider.taking(Endpoint.PRICES):
            prices = await self._provider.prices(country, operator, known=known, priority=priority)
            # What was asked for with ids of before is not kept under ids of now.
            return await self._take(prices, asked) if edition == self._catalogs.edition else prices

    def _number(self) -> int:
        """That of the next call, in the order in which they are asked."""
        self._calls += 1
        return self._calls

    async def _take(self, prices: PriceList, asked: int) -> PriceList:
        country, operator = prices.country, prices.operator
        key = (country, operator)
        before = self._lists.get(key)
        if before is not None and before.number > asked:
            return before.found  # a later question was answered earlier
        named = tuple(self._named(p) for p in prices.prices)
        prices = replace(prices, prices=named, currency=self._account.currency)
        self._lists.pop(key, None)
        self._lists[key] = _Asked(asked, prices)
        self.on_list(prices)
        for price in prices.prices:
            single = self._single.get((country, operator, price.application))
            if single is not None and single.number < asked:
                del self._single[country, operator, price.application]
        watched = {(c, o) for c, o, _ in self.watched.values()}
        for old in [k for k in self._lists if k not in watched][:-_MOST_KEPT]:
            del self._lists[old]
        if key in watched:
            self._retained.put(topics.prices(country, operator), render.dumps(self.payload(prices)))
            await self._say_changes(prices, None if before is None else before.found)
        return prices

    def payload(self, prices: PriceList) -> dict[str, object]:
        """What `prices/<country>/<operator>` holds."""
        return render.prices_json(prices, self._clock.now())

    def _named(self, price: Price) -> Price:
        name = self._catalogs.name(CatalogKind.APPLICATIONS, price.application)
        return replace(price, application_name=name or price.application_name)

    async def _say_changes(self, prices: PriceList, previous: PriceList | None) -> None:
        if previous is not None and previous.prices == prices.prices:
            return
        self._extensions.prices_changed(prices, previous)
        if previous is None:
            return
        old = {p.application: p.price for p in previous.prices}
        here = (prices.country, prices.operator)
        wanted = {a for c, o, a in self.watched.values() if (c, o) == here}
        label = self._catalogs.label
        place = f"{label(CatalogKind.COUNTRIES, prices.country)}, {label(CatalogKind.OPERATORS, prices.operator)}"
        for price in prices.prices:
            before = old.get(price.application, price.price)
            if before == price.price or (None not in wanted and price.application not in wanted):
                continue
            name = price.application_name or price.application
            message = f"{name} ({place}): {self._in_words(before)} before, {self._in_words(price.price)} now"
            await self._say(
                BridgeEvent.PRICE_CHANGED,
                message,
                country=prices.country,
                operator=prices.operator,
                application=price.application,
                price=price.price,
                previous=before,
            )

    def _in_words(self, price: Decimal | None) -> str:
        return "no price" if price is None else self._account.said(price)

    async def read_price(self, product: Product, priority: Priority = Priority.QUERY) -> Price:
        """One product's price as the provider gives it now. Raises ProviderError."""
        # A poll waits for its turn behind all else: who is in a hurry must not wait with it.
        key = (product.country, product.operator, product.application, priority is Priority.POLL)
        found: Price = await self._shared_single.get(key, lambda: self._read_price(product, priority), priority)
        return found

    async def _read_price(self, product: Product, priority: Priority) -> Price:
        edition, asked = self._catalogs.edition, self._number()
        price = await self._provider.price(product, known=self.known(product), priority=priority)
        if edition != self._catalogs.edition:
            return price
        key = (product.country, product.operator, product.application)
        before = self._single.pop(key, None)
        self._single[key] = before if before is not None and before.number > asked else _Asked(asked, price)
        for old in list(self._single)[:-_MOST_KEPT]:
            del self._single[old]
        return self._single[key].found

    def price_payload(self, product: Product, price: Price) -> dict[str, object]:
        """What `query/price` answers and `quote` holds."""
        return render.price_json(product.country, product.operator, price, self._clock.now())

    # --- what the settings name -------------------------------------------------------------------------------------

    async def load(self, watched: Sequence[WatchedPrice]) -> None:
        """Take up what each `[[prices]]` meant to an earlier process: until it is looked up it means the same.

        So Home Assistant is not told for a moment that one is gone, nor while the provider is away.
        """
        meant = stored((await self._journal.meta()).get(_MEANT), dict, {})
        self._of_settings, self._next = dict(enumerate(watched)), len(watched)
        for number, entry in self._of_settings.items():
            match meant.get(_key(entry)):
                case [str(country), str(operator), (str() | None) as application]:
                    self._meant[_key(entry)] = [country, operator, application]
                    self.watched[number] = (country, operator, application)
                    self.settled.add(number)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Each `[[prices]]` by its number."""
        return tuple(self._of_settings)

    def watch(self, watched: Sequence[WatchedPrice]) -> tuple[int, ...]:
        """Go on with these: what is new is to be `run`, by the numbers returned; topics of what is gone are emptied.

        All are looked at anew, and what is wrong with one is said again.
        """
        left = dict(self._of_settings)
        now: dict[int, WatchedPrice] = {}
        new = []
        for entry in watched:
            number = next((n for n, old in left.items() if _key(old) == _key(entry)), None)
            if number is None:
                number, self._next = self._next, self._next + 1
                new.append(number)
            left.pop(number, None)
            now[number] = entry
        self._of_settings = now
        self._drop(left)
        self._said.clear()
        for woken in self._woken.values():
            woken.set()
        self.on_watched()
        return tuple(new)

    def _drop(self, numbers: Iterable[int]) -> None:
        gone = [ids[:2] for n in numbers if (ids := self.watched.pop(n, None)) is not None]
        self.settled.intersection_update(self._of_settings)
        self._meant = {_key(w): list(self.watched[n]) for n, w in self._of_settings.items() if n in self.watched}
        places = {ids[:2] for ids in self.watched.values()}
        for place in gone:
            if place not in places:
                self._retained.put(topics.prices(*place), b"")

    def _moved(self, kind: CatalogKind, moves: Moves) -> dict[str, str | None]:
        """What is kept under ids of before goes; each `[[prices]]` means the same by the ids of now, or nothing."""
        self._lists.clear()
        self._single.clear()
        if not self.watched:
            return {}
        before, self.watched = self.watched, {}
        for number, ids in before.items():
            if (now := _as_of_now(ids, kind, moves)) is not None:
                self.watched[number] = now
        places = {ids[:2] for ids in self.watched.values()}
        for gone in {ids[:2] for ids in before.values()} - places:
            self._retained.put(topics.prices(*gone), b"")
        self._meant = {_key(w): list(self.watched[n]) for n, w in self._of_settings.items() if n in self.watched}
        for woken in self._woken.values():
            woken.set()
        self.on_watched()
        return {_MEANT: json.dumps(self._meant)}

    async def run(self, number: int, interval: Callable[[], float]) -> None:
        """Keep one `[[prices]]` published, until it is watched no more."""
        retry = _FIRST_RETRY
        woken = self._woken[number] = asyncio.Event()
        while (watched := self._of_settings.get(number)) is not None:
            woken.clear()
            try:
                ids = await self._resolve(watched)
                if self.watched.get(number) != ids:
                    await self._settle(number, watched, ids)
                await self.read_list(ids[0], ids[1], Priority.POLL)
                delay, retry = interval(), _FIRST_RETRY
            except CommandRefusedError as error:
                await self._say_left_out(number, error.message)
                delay = interval()
                await self._settle(number, watched, None)
            except ProviderError:
                delay, retry = min(retry, interval()), min(retry * 2, _LAST_RETRY)
            await pause(self._clock, delay, woken)
        del self._woken[number]

    async def _say_left_out(self, number: int, message: str) -> None:
        if number in self._of_settings and self._said.get(number) != message:
            self._said[number] = message
            place = self.numbers.index(number)
            await self._say(BridgeEvent.NAME_UNKNOWN, f"prices[{place}] is left out: {message}")

    async def _settle(self, number: int, watched: WatchedPrice, ids: tuple[str, str, str | None] | None) -> None:
        """It is known what a `[[prices]]` names, or that it names nothing (None): for this process and the next."""
        if number not in self._of_settings:
            return  # it is watched no more
        before = self.watched.pop(number, None)
        self._meant.pop(_key(watched), None)
        if ids is not None:
            self.watched[number] = ids
            self._meant[_key(watched)] = list(ids)
        if before != ids:
            await self._journal.put_meta({_MEANT: json.dumps(self._meant)})
        if before is not None and before[:2] not in {(c, o) for c, o, _ in self.watched.values()}:
            self._retained.put(topics.prices(*before[:2]), b"")
        if number in self._of_settings:
            self.settled.add(number)
        self.on_watched()

    async def _resolve(self, watched: WatchedPrice) -> tuple[str, str, str | None]:
        """The ids of a `[[prices]]`. Raises CommandRefusedError, ProviderError."""
        find = partial(self._catalogs.resolve, priority=Priority.POLL)
        country = await find(CatalogKind.COUNTRIES, watched.country)
        operator = await find(CatalogKind.OPERATORS, watched.operator)
        if watched.application is None:
            return country, operator, None
        return country, operator, await find(CatalogKind.APPLICATIONS, watched.application)


def _as_of_now(ids: tuple[str, str, str | None], kind: CatalogKind, moves: Moves) -> tuple[str, str, str | None] | None:
    """What a `[[prices]]` means by a list's ids of now; None where one of its entries is not there any more."""
    asked = zip(CatalogKind, ids, strict=True)
    country, operator, application = (
        moves.get(own, own) if of is kind and own is not None else own for of, own in asked
    )
    if country is None or operator is None or (application is None and ids[2] is not None):
        return None
    return country, operator, application


def _key(watched: WatchedPrice) -> str:
    """A `[[prices]]` as it stands in the settings."""
    return json.dumps([watched.country, watched.operator, watched.application])
