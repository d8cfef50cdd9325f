"""Where an application can be had, cheapest first (contract, section Commands, 'Offers')."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.market.provider_state import OF_THE_TOKEN
from shomare_mqtt.core.records import PlaceSuccess
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import CatalogKind, Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.market.catalogs import Catalogs
    from shomare_mqtt.core.market.defaults import Defaults
    from shomare_mqtt.core.market.moves import Moves
    from shomare_mqtt.core.market.offer_reading import OfferReader
    from shomare_mqtt.core.market.price_book import Offer, Place
    from shomare_mqtt.core.ports import Journal, Say
    from shomare_mqtt.model import QueryOffers

OURS = 90
"""Days of our own orders that are told of a place."""
_NONE_YET = PlaceSuccess(0, 0, 0)


class _Found(NamedTuple):
    place: Place
    offer: Offer

    @property
    def rank(self) -> tuple[Decimal, int]:
        """The lowest is shown first: by price, then by more stock, as far as that is told."""
        return self.offer.price, -(self.offer.stock or 0)


class Offers:
    """Answers `query/offers` with what the book holds, and has read before what is too old."""

    def __init__(
        self, settings: InForce, journal: Journal, catalogs: Catalogs, defaults: Defaults, reader: OfferReader, say: Say
    ) -> None:
        self._settings = settings
        self._journal = journal
        self._catalogs = catalogs
        self._defaults = defaults
        self._say = say
        self._said: set[str] = set()
        self.reader = reader
        self.book = reader.book
        catalogs.on_moved.append(self._moved)
        settings.listeners.append(lambda _: self._said.clear())

    def _moved(self, _kind: CatalogKind, _moves: Moves) -> Mapping[str, str | None]:
        self.reader.drop()
        return {}

    async def answer(self, query: QueryOffers, deadline: float | None) -> dict[str, object]:
        """What `query/offers` answers, at `deadline` (steady seconds) at the latest with what is known by then.

        Raises CommandRefusedError; ProviderError where a list that is needed was never read and cannot be, or the
        provider refuses the token.
        """
        application = await self._application(query.application)
        places = await self._places(query)
        known = self.reader.known(places, query.max_age)
        lacking = [place for place in places if place not in known]
        self._check_number(len(lacking))
        reading = self.reader.want(lacking, known)
        if query.wait:
            left = None if deadline is None else max(0.0, deadline - self._journal.time.now())
            await self.reader.wait(reading, left)
        else:
            self.reader.leave(reading)
        read = [place for place in places if place in reading.read and self.book.read_at(place) is not None]
        if not read and reading.error is not None and reading.error.code in OF_THE_TOKEN:
            raise reading.error
        return {
            "application": application,
            "application_name": self._catalogs.name(CatalogKind.APPLICATIONS, application),
            "offers": await self._shown(self._found(application, read, query), application),
            "places": len(places),
            "read": len(read),
            "unread": len(places) - len(read),
        }

    def _check_number(self, lists: int) -> None:
        most = self._settings.now.offers.max_requests
        if lists > most:
            message = (
                f"{lists} price lists would have to be read, and offers.max_requests allows {most}: name the countries "
                "or operators to look at, here or in [offers] of the settings"
            )
            raise CommandRefusedError(ErrorCode.INVALID_COMMAND, message)

    # --- what to look at --------------------------------------------------------------------------------------------

    async def _application(self, named: Named | None) -> str:
        if named is None:
            return self._defaults.needed(CatalogKind.APPLICATIONS)
        return await self._catalogs.resolve(CatalogKind.APPLICATIONS, named.text, is_id=named.is_id)

    async def _places(self, query: QueryOffers) -> list[Place]:
        countries = await self._ids(CatalogKind.COUNTRIES, query.countries, self._settings.now.offers.countries)
        operators = await self._ids(CatalogKind.OPERATORS, query.operators, self._settings.now.offers.operators)
        return [(country, operator) for country in countries for operator in operators]

    async def _ids(self, kind: CatalogKind, asked: Sequence[Named], of_settings: Sequence[str]) -> list[str]:
        """The ids of what is asked for, else of what the settings name, else of the whole list; each once."""
        if asked:
            found = [await self._catalogs.resolve(kind, each.text, is_id=each.is_id) for each in asked]
        elif of_settings:
            found = await self._ids_of_settings(kind, of_settings)
        else:
            catalog = self._catalogs.get(kind) or await self._catalogs.read(kind)
            found = [entry.id for entry in catalog.entries]
        return list(dict.fromkeys(found))

    async def _ids_of_settings(self, kind: CatalogKind, names: Sequence[str]) -> list[str]:
        """What `[offers]` names, less what the list does not hold, unless that is all."""
        found, wrong = list[str](), None
        for name in names:
            try:
                found.append(await self._catalogs.resolve(kind, name))
            except CommandRefusedError as error:
                wrong = error
                await self._say_once(f"offers.{kind.value}: {_reason(kind, error)}; it is left out")
        if not found and wrong is not None:
            message = f"offers.{kind.value} in the settings is of no use: {_reason(kind, wrong)}"
            raise CommandRefusedError(wrong.code, message)
        return found

    async def _say_once(self, message: str) -> None:
        if message not in self._said:
            self._said.add(message)
            await self._say(BridgeEvent.NAME_UNKNOWN, message)

    # --- what is shown ----------------------------------------------------------------------------------------------

    def _found(self, application: str, places: Sequence[Place], query: QueryOffers) -> list[_Found]:
        found = [_Found(place, offer) for place in places if (offer := self.book.offer(place, application))]
        fitting = [each for each in found if _fits(each.offer, query)]
        return sorted(fitting, key=lambda each: each.rank)[: query.limit]

    async def _shown(self, found: Sequence[_Found], application: str) -> list[dict[str, object]]:
        ours = await self._journal.success_by_place(application, OURS) if found else {}
        return [self._offer(each, ours.get(each.place, _NONE_YET)) for each in found]

    def _offer(self, found: _Found, ours: PlaceSuccess) -> dict[str, object]:
        (country, operator), (price, stock) = found
        return {
            "country": country,
            "country_name": self._catalogs.name(CatalogKind.COUNTRIES, country),
            "operator": operator,
            "operator_name": self._catalogs.name(CatalogKind.OPERATORS, operator),
            "price": price,
            "count": stock,
            "updated_at": render.timestamp(self.book.updated_at(found.place)),
            "orders": ours.orders,
            "success": ours.success,
        }


def _reason(kind: CatalogKind, error: CommandRefusedError) -> str:
    """What is wrong with a name, without the field of a command before it."""
    return error.message.removeprefix(f"{kind.field}: ")


def _fits(offer: Offer, query: QueryOffers) -> bool:
    """Whether an offer is what is wanted. Where the provider does not tell how many there are, there may be one."""
    if query.min_price is not None and offer.price < query.min_price:
        return False
    if query.max_price is not None and offer.price > query.max_price:
        return False
    return query.min_count <= (1 if offer.stock is None else offer.stock)
