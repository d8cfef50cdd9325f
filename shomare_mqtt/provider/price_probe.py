"""Price calls that are made only to find out what the provider takes: one request each, counted, never repeated."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import CatalogKind, Endpoint, Known, Price, PriceList
from shomare_mqtt.provider import reading
from shomare_mqtt.provider.dialect_learning import NO_SUCH_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from typing import Protocol

    from shomare_mqtt.provider.dialect import LearntDialect, Request, Style
    from shomare_mqtt.provider.dialect_learning import Learning
    from shomare_mqtt.provider.reading import Context, RawAnswer

    class Send(Protocol):
        """Sends one request once, and has its answer read by a reader that is told what is known."""

        def __call__(self, request: Request, read: Callable[[RawAnswer, Context], T], known: Known) -> Awaitable[T]:
            """Raises ProviderError."""
            ...


T = TypeVar("T")

PARAMETERS = {
    Endpoint.PRICES: (CatalogKind.COUNTRIES, CatalogKind.OPERATORS),
    Endpoint.PRICE: tuple(CatalogKind),
}
_OF_THE_ACCOUNT = frozenset({401, 402, 403, 429})
_SERVER_FAULTS = range(500, 600)
_FAULT = 500
"""What some frameworks answer to an id that they do not know, and every one while something is wrong with it."""
_FAULTS_ALONE = 3
"""So many of them, and nothing else, are the server's and not the ids' fault."""
_REDIRECTS = range(300, 400)
_DECIDES_NOTHING = frozenset(
    {
        ErrorCode.PROVIDER_UNREACHABLE,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.INVALID_TOKEN,
        ErrorCode.ACCOUNT_BLOCKED,
        ErrorCode.MISSING_TOKEN,
        ErrorCode.INSUFFICIENT_BALANCE,
    }
)


class SpentError(Exception):
    """As many requests were sent as one go may take."""


class Heard(NamedTuple):
    """Whether an answer named a price; `prices` where a list of them was asked for."""

    usable: bool
    prices: PriceList | None = None


NOTHING = Heard(usable=False)


def decides_nothing(error: ProviderError) -> bool:
    """Whether a failure is of the network, the account or the server, and says nothing of what was asked for."""
    http = error.upstream.http if error.upstream else 0
    of_others = http in _OF_THE_ACCOUNT or http in _SERVER_FAULTS or http in _REDIRECTS
    return of_others or error.code in _DECIDES_NOTHING


class Probe:
    """Asks for prices, in the way that is known to work or in each that may; at most so many requests in all."""

    def __init__(self, dialect: LearntDialect, learning: Learning, send: Send, most: int) -> None:
        self._dialect = dialect
        self._learning = learning
        self._send = send
        self._without_address: set[Style] = set()
        self.left = most
        """Requests that may still be sent."""
        self.reserve = 0
        """How many of them are kept for what comes after."""
        self._faults, self._is_answered = 0, False

    def is_open(self, endpoint: Endpoint) -> bool:
        """Whether nothing says yet how parameters travel there."""
        return self._dialect.plan(endpoint).open

    async def prices(self, ids: Mapping[CatalogKind, str], known: Known) -> Heard:
        """Whether a country and operator have any price. Raises ProviderError for what decides nothing, SpentError."""
        country, operator = ids[CatalogKind.COUNTRIES], ids[CatalogKind.OPERATORS]
        read = partial(reading.read_prices, country, operator)
        return await self._ask(Endpoint.PRICES, ids, read, known, _priced)

    async def price(self, ids: Mapping[CatalogKind, str], known: Known) -> Heard:
        """Whether one product has a price. Raises as `prices` does."""
        read = partial(reading.read_price, ids[CatalogKind.APPLICATIONS])
        return await self._ask(Endpoint.PRICE, ids, read, known, _named)

    async def any_price(self, endpoint: Endpoint, ids: Mapping[CatalogKind, str], known: Known) -> Heard:
        """Whether the answer names a price of whatever it is. Raises as `prices` does."""
        return await self._ask(endpoint, ids, partial(reading.names_any_price, endpoint), known, _is_so)

    async def _ask(
        self,
        endpoint: Endpoint,
        ids: Mapping[CatalogKind, str],
        read: Callable[[RawAnswer, Context], T],
        known: Known,
        heard: Callable[[T], Heard],
    ) -> Heard:
        parameters = {kind.field: ids[kind] for kind in PARAMETERS[endpoint]}
        asked = replace(known, country=parameters["country"], operator=parameters["operator"])
        asked = replace(asked, application=parameters.get("application"))
        plan = self._dialect.plan(endpoint)
        styles = [style for style in plan.styles if style not in self._without_address] or plan.styles
        no_address: set[Style] = set()
        for style in styles:
            if self.left <= self.reserve:
                raise SpentError
            self.left -= 1
            try:
                request = self._dialect.request(endpoint, parameters, style)
                found = heard(await self._send(request, read, asked))
                self._is_answered = True
            except ProviderError as error:
                if decides_nothing(error) and not self._is_for_the_ids(error):
                    raise
                found = NOTHING
                self._is_answered = self._is_answered or not decides_nothing(error)
                if error.code in NO_SUCH_ADDRESS:
                    no_address.add(style)
            if found.usable:
                self._learning.learnt(endpoint, style)
                return found
            if plan.learnt or (plan.guessed and style not in no_address):
                return NOTHING
        if len(no_address) < len(styles):
            # Where some styles reach something and others no address at all, the others are not tried any more.
            self._without_address |= no_address
        return NOTHING

    def _is_for_the_ids(self, error: ProviderError) -> bool:
        """Whether a fault of the server may be its way to say that it does not know an id."""
        if error.upstream is None or error.upstream.http != _FAULT:
            return False
        self._faults += 1
        return self._is_answered or self._faults < _FAULTS_ALONE


def _priced(prices: PriceList) -> Heard:
    return Heard(any(map(has_price, prices.prices)), prices)


def _named(price: Price) -> Heard:
    return Heard(has_price(price))


def has_price(price: Price) -> bool:
    """Whether a price was named: nobody sells for nothing."""
    return price.price is not None and price.price > 0


def _is_so(usable: bool) -> Heard:  # noqa: FBT001 - what a reader gives
    return Heard(usable)
