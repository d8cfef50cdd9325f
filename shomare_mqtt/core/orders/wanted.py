"""What a `buy` asks for, in ids that the provider takes (contract, Ids and names; Alternatives)."""

from __future__ import annotations

from itertools import product as pairs_of
from typing import TYPE_CHECKING

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Among, CatalogKind, Named, Product

if TYPE_CHECKING:
    from shomare_mqtt.core.clock import SteadyTime
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.tickets import Ticket
    from shomare_mqtt.model import Buy

IDS_CHANGED = (
    "the ids of the provider's lists changed meanwhile; nothing was bought. What is sent again with ids of before may "
    "mean something else: look at the lists, or send names"
)


class Wanted:
    """Looks up what is asked for.

    Each id is one of the lists' `edition`, which stands beside it: in another it may be something else's.
    """

    def __init__(self, time: SteadyTime, market: Market) -> None:
        self._time = time
        self._catalogs = market.catalogs
        self._defaults = market.defaults
        self._trying = market.trying

    def check_edition(self, edition: int) -> None:
        """Raise CommandRefusedError where ids of an edition may mean something else by now."""
        if edition != self._catalogs.edition:
            raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, IDS_CHANGED)

    async def one(self, ticket: Ticket, request: Buy, known: int) -> tuple[Product, int]:
        """What a plain `buy` asks for, as far as that can be found out. Raises CommandRefusedError, ProviderError.

        `known`: the lists' edition when it came.
        """
        edition = -1
        while edition != self._catalogs.edition:  # a list that was read because of a name may have other ids
            edition = self._catalogs.edition
            product = self._named([await self._id(kind, _named_in(request, kind), known) for kind in CatalogKind])
        return await self.settled(ticket, product, edition)

    async def several(self, request: Buy, known: int) -> tuple[list[Product], int]:
        """What may be tried of a `buy` with alternatives, as they are listed; none twice. Raises as `one` does."""
        among, edition = request.among or Among(), -1
        while edition != self._catalogs.edition:
            edition = self._catalogs.edition
            countries = [await self._id(CatalogKind.COUNTRIES, each, known) for each in among.countries or (None,)]
            operators = [await self._id(CatalogKind.OPERATORS, each, known) for each in among.operators or (None,)]
            application = await self._id(CatalogKind.APPLICATIONS, _named_in(request, CatalogKind.APPLICATIONS), known)
        places = dict.fromkeys(pairs_of(countries, operators))
        return [self._named([*place, application]) for place in places], edition

    async def settled(self, ticket: Ticket, product: Product, edition: int) -> tuple[Product, int]:
        """The same in ids of now, once it is found out which ones the provider takes. Raises CommandRefusedError."""
        # Half of its time is the purchase's own: it would come to nothing where finding out took all.
        left = None if ticket.deadline is None else (ticket.deadline - self._time.now()) / 2
        await self._trying.before_purchase(product, left)
        ticket.check_expired(self._time)
        return self.as_of_now(product, edition), self._catalogs.edition

    def as_of_now(self, product: Product, edition: int) -> Product:
        """The same in ids of now. Raises CommandRefusedError where nobody can tell."""
        ids = [
            self._catalogs.as_of_now(kind, own, edition)
            for kind, own in zip(CatalogKind, (product.country, product.operator, product.application), strict=True)
        ]
        if None in ids:
            raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, IDS_CHANGED)
        return self._named([own for own in ids if own is not None])

    async def _id(self, kind: CatalogKind, named: Named | None, known: int) -> str:
        """The id of what is asked for. Raises CommandRefusedError, ProviderError."""
        if named is None:
            return self._defaults.needed(kind)
        if (meant := self._catalogs.as_meant(kind, named.text, known)) is None:
            raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, IDS_CHANGED)
        return await self._catalogs.resolve(kind, meant, is_id=named.is_id)

    def _named(self, ids: list[str]) -> Product:
        """A product with the names of its ids."""
        return Product(*ids, *(self._catalogs.name(kind, own) for kind, own in zip(CatalogKind, ids, strict=True)))


def _named_in(request: Buy, kind: CatalogKind) -> Named | None:
    """What a `buy` says of one field; None where it is left out."""
    text = getattr(request, kind.field)
    return None if text is None else Named(text, kind.field in request.is_id)
