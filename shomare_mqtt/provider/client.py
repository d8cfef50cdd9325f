"""The provider's API as the core sees it: one method for each thing that can be asked of it.

What only reads is repeated after passing failures (`caller`); `buy` and `cancel` never are. While it is unknown how
parameters travel, one style after the other is tried (`learning`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar
from zoneinfo import ZoneInfo

from shomare_mqtt.core import disguises
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, Endpoint, Known, Price, PriceList, Priority
from shomare_mqtt.provider import reading
from shomare_mqtt.provider.caller import Caller
from shomare_mqtt.provider.choices import Choices
from shomare_mqtt.provider.dialect import LearntDialect, Request
from shomare_mqtt.provider.dialect_learning import Learning
from shomare_mqtt.provider.id_trial import MOST_REQUESTS
from shomare_mqtt.provider.list_ids import ListIds
from shomare_mqtt.provider.price_probe import Probe, has_price
from shomare_mqtt.provider.read_before import ReadBefore
from shomare_mqtt.provider.reading.places import place_of
from shomare_mqtt.provider.seen import SeenAnswers
from shomare_mqtt.provider.transport import Transport

if TYPE_CHECKING:
    import logging
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from types import TracebackType

    from shomare_mqtt.config.held import Provider
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.model import Cancellation, Catalog, CheckReading, IdDoubt, Product, Profile, Purchase
    from shomare_mqtt.provider.dialect import DialectMemory
    from shomare_mqtt.provider.limiter import Limiter
    from shomare_mqtt.provider.reading import Context, RawAnswer

T = TypeVar("T")
P = TypeVar("P", Price, PriceList)

LISTS = {
    CatalogKind.COUNTRIES: Endpoint.COUNTRIES,
    CatalogKind.OPERATORS: Endpoint.OPERATORS,
    CatalogKind.APPLICATIONS: Endpoint.APPLICATIONS,
}
WHOLE_SECONDS = timedelta(seconds=1)
"""By how much the provider's clock may be ahead of a `Date`, which names no fractions (RFC 9110, section 5.6.7)."""
DOUBT = timedelta(seconds=30)
"""By how much the provider's clock is taken to be ahead of this machine's where no answer tells: too early is safe."""
_NOTHING = Known()
_PROFILE = Request(Endpoint.PROFILE, Endpoint.PROFILE.value)
LEARN_AGAIN = 60.0
"""Seconds after a price call that taught nothing before the next one is made only to learn."""


class Client:
    """Fulfils `core.ports.Provider`; an async context manager that opens and closes the connections.

    `on_date` is told the provider's time with each answer, `on_answer` the answer itself. `on_learnt`, which may be set
    at any time, is called when something new was learnt. Raises SettingsError for addresses that cannot be used.
    """

    def __init__(
        self,
        settings: Provider,
        token: str,
        *,
        clock: Clock,
        limiter: Limiter,
        memory: DialectMemory,
        logger: logging.Logger,
        on_date: Callable[[datetime], None] = lambda _: None,
        on_answer: Callable[[Endpoint, RawAnswer], None] | None = None,
    ) -> None:
        self.on_learnt: Callable[[], None] = lambda: None
        self._clock = clock
        self._memory = memory
        self._timezone = ZoneInfo(settings.timezone)
        self._unit = reading.currency(settings.currency)
        self._token = token
        self._transport = Transport(settings, token, clock, on_date, on_answer)
        self._caller = Caller(self._transport, limiter, clock, logger)
        learnt = memory.load()
        self._dialect = LearntDialect(settings.dialect, learnt)
        self._choices = Choices(learnt)
        self._before, self._prices_before = ReadBefore(self._choices.places), ReadBefore(self._choices.places)
        self._by_hand = reading.ByHand.of(settings.fields, settings.states)
        self._seen = SeenAnswers(learnt, clock, Mask((token,), tuple(settings.secrets())))
        self._learning = Learning(self._dialect, logger)
        self._ids = ListIds(self._choices, self._by_hand, clock, logger)
        self._learn_from = clock.monotonic()
        self._asked, self._newest = 0, dict[CatalogKind, int]()

    async def __aenter__(self) -> Self:
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.__aexit__(kind, error, trace)
        self._caller.close()
        await self._remember(ends=True)

    @property
    def counters(self) -> Counter[str]:
        """HTTP requests by endpoint (`buy`), and those of them that gave no success (`buy.errors`)."""
        return self._caller.counters

    def observe(self, on_request: Callable[[Endpoint, str, float], None]) -> None:
        """Tell of each HTTP request from now on: its endpoint, `ok` or the error's code, the seconds that it took."""
        self._caller.on_request = on_request

    @property
    def waiting(self) -> int:
        """How many requests wait for their turn by `requests_per_minute`."""
        return self._caller.waiting

    @property
    def learnt(self) -> dict[str, str]:
        """What was learnt, in this process and in earlier ones (see `learnt.shown`)."""
        return self._dialect.as_dict() | self._choices.as_dict() | self._seen.as_dict()

    async def profile(self, *, priority: Priority) -> Profile:
        """The account."""
        read = self._before.reader(Endpoint.PROFILE, _NOTHING, self._reader(reading.read_profile, _NOTHING))
        profile = await self._caller.repeated(_PROFILE, read, priority)
        await self._remember()
        return profile

    async def catalog(self, kind: CatalogKind, *, priority: Priority) -> Catalog:
        """One of the lists."""
        endpoint = LISTS[kind]
        fresh = self._reader(partial(reading.read_catalog, kind), _NOTHING)
        read = self._before.reader(endpoint, _NOTHING, fresh)
        request = Request(endpoint, endpoint.value)
        return await self._remembered(self._catalog(self._caller.repeated(request, read, priority)))

    async def _catalog(self, call: Awaitable[Catalog]) -> Catalog:
        asked = self._asked = self._asked + 1
        catalog = await call
        if asked > self._newest.get(catalog.kind, 0):  # else a later question was answered earlier
            self._newest[catalog.kind] = asked
            self._ids.took(catalog)
        return catalog

    def kept(self, kind: CatalogKind, place: str | None) -> None:
        """Where the ids of the list that an earlier process left were read; None: nobody says, or set by hand."""
        self._ids.kept(kind, place)

    def id_doubt(self, kind: CatalogKind) -> IdDoubt:
        """Whether a list's ids are what the provider takes."""
        return self._ids.doubt(kind)

    async def try_ids(self, product: Product | None, *, known: Known, priority: Priority) -> frozenset[CatalogKind]:
        """Find out by price calls which columns are the lists' ids; the lists to be read anew, with other ones."""
        return await self._remembered(self._ids.settle(product, known, priority, self._probe))

    def _probe(self, priority: Callable[[], Priority]) -> Probe:
        async def send(request: Request, read: Callable[[RawAnswer, Context], T], known: Known) -> T:
            return await self._caller.once(request, self._reader(read, known), priority())

        return Probe(self._dialect, self._learning, send, MOST_REQUESTS)

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        """All prices of a country and operator."""
        return await self._remembered(self._prices(country, operator, known, priority))

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        """One product's price."""
        known = _of_product(known, product)
        fresh = self._reader(partial(reading.read_price, product.application), known)
        asked = (product.country, product.operator, product.application)
        read = self._prices_before.reader(asked, known, fresh)
        send = partial(self._caller.repeated, read=read, priority=priority)
        call = self._learning.ask(Endpoint.PRICE, _ids(product), send, _names_a_price)
        return await self._remembered(self._tells_of_ids(_by_list(product), call))

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        """Buy one number; a further request is sent only where the one before is documented not to have bought.

        `permit` is asked for each, twice; what it raises comes out, and nothing more was sent. Raises
        ProviderRefusedError or ProviderUnreachableError where nothing was bought for sure, OutcomeUnknownError for
        everything else that is no purchase.
        """
        # Not remembered at once: nothing is awaited between a purchase and its order.
        return await self._buy(product, _of_product(known, product), permit)

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        """Ask for the SMS."""
        return await self._remembered(self._check(purchase, replace(known, purchase=purchase), priority))

    async def cancel(self, purchase: str, *, known: Known) -> Cancellation:
        """Cancel once. ProviderTimeoutError where it may have been carried out and no answer came."""
        return await self._remembered(self._cancel(purchase, replace(known, purchase=purchase)))

    async def choose(self, field: str, place: str | None) -> bool:
        """Read a field at a place from now on, since trying told; None: no longer. Whether that is news; it is kept."""
        chosen = None if place is None else place_of(place)
        news = self._choices.drop(field) if chosen is None else self._choices.choose(field, chosen)
        await self._remember()
        return news

    async def _prices(self, country: str, operator: str, known: Known, priority: Priority) -> PriceList:
        known = replace(known, country=country, operator=operator)
        fresh = self._reader(partial(reading.read_prices, country, operator), known)
        read = self._prices_before.reader((country, operator), known, fresh)
        send = partial(self._caller.repeated, read=read, priority=priority)
        ids = {"country": country, "operator": operator}
        call = self._learning.ask(Endpoint.PRICES, ids, send, _names_any_price)
        return await self._tells_of_ids({CatalogKind.COUNTRIES: country, CatalogKind.OPERATORS: operator}, call)

    async def _tells_of_ids(self, ids: Mapping[CatalogKind, str], call: Awaitable[P]) -> P:
        """What a price call gives; it tells by the way whether these ids are what the provider takes."""
        try:
            found = await call
        except ProviderError as error:
            self._ids.failed(ids, error)
            await self._remember()
            raise
        prices = found.prices if isinstance(found, PriceList) else (found,)
        if any(map(has_price, prices)):
            self._ids.worked(ids, found.said if isinstance(found, PriceList) else {})
        return found

    async def _buy(self, product: Product, known: Known, permit: Permit) -> Purchase:
        await self._learn_first(Endpoint.BUY, known, Priority.MONEY)
        read = self._seen.noting(Endpoint.BUY, self._reader(self._read_buy, known))
        send = partial(self._caller.once, read=read, priority=Priority.MONEY, permit=permit)
        try:
            return await self._learning.ask(Endpoint.BUY, _ids(product), send, _always)
        except ProviderRefusedError as error:
            self._ids.failed(_by_list(product), error)
            raise

    def _read_buy(self, answer: RawAnswer, context: Context) -> Purchase:
        """The number that was bought; our own token is not its id, and must not be shown."""
        purchase = reading.read_buy(answer, context)
        ids = tuple(each for each in purchase.candidates if not self._is_token(each.value))
        places = [place_of(each.place) for each in ids if each.place is not None]
        self._dialect.call_purchase(place[-1] for place in places if place and isinstance(place[-1], str))
        if self._is_token(purchase.purchase):
            if not ids:
                raise OutcomeUnknownError(
                    ErrorCode.OUTCOME_UNKNOWN,
                    "the purchase was sent, but its answer names our own token in its id's place",
                )
            return replace(purchase, purchase=ids[0].value, candidates=ids, is_tried=False)
        return replace(purchase, candidates=ids)

    def _is_token(self, own: str) -> bool:
        return self._token in own or (own in self._token and len(own) >= disguises.LEAST)

    async def _check(self, purchase: str, known: Known, priority: Priority) -> CheckReading:
        await self._learn_first(Endpoint.CHECK, known, priority)
        read = self._seen.noting(Endpoint.CHECK, self._reader(reading.read_check, known))
        send = partial(self._caller.repeated, read=read, priority=priority)
        return await self._learning.ask(Endpoint.CHECK, {"purchase": purchase}, send, _was_understood)

    async def _cancel(self, purchase: str, known: Known) -> Cancellation:
        await self._learn_first(Endpoint.CANCEL, known, Priority.MONEY)
        read = self._seen.noting(Endpoint.CANCEL, self._reader(reading.read_cancel, known))
        send = partial(self._caller.once, read=read, priority=Priority.MONEY)
        return await self._learning.ask(Endpoint.CANCEL, {"purchase": purchase}, send, _always)

    async def _learn_first(self, endpoint: Endpoint, known: Known, priority: Priority) -> None:
        """Find out by a price call how parameters travel, where nothing says so yet; its failure decides nothing."""
        country = known.country or next((entry.id for entry in known.countries), None)
        operator = known.operator or next((entry.id for entry in known.operators), None)
        if country is None or operator is None or not self._dialect.plan(endpoint).open:
            return
        if self._clock.monotonic() < self._learn_from:
            return
        try:
            await self._prices(country, operator, known, priority)
        except ProviderError:
            self._learn_from = self._clock.monotonic() + LEARN_AGAIN

    async def _remembered(self, call: Awaitable[T]) -> T:
        """What a call gives; what was learnt by it is kept."""
        result = await call
        await self._remember()
        return result

    async def _remember(self, *, ends: bool = False) -> None:
        """Keep what is new; what answers look like now and then, and as this `ends`."""
        if self._dialect.changed or self._choices.changed or self._seen.is_due or (ends and self._seen.changed):
            self._dialect.changed = self._choices.changed = False
            self._seen.kept()
            self.on_learnt()
            await self._memory.save(self.learnt)

    def _reader(self, read: Callable[[RawAnswer, Context], T], known: Known) -> Callable[[RawAnswer], T]:
        """A reader that knows what was asked, and the time at which the answer came."""

        def read_now(answer: RawAnswer) -> T:
            return read(answer, self._context(answer, known))

        return read_now

    def _context(self, answer: RawAnswer, known: Known) -> reading.Context:
        now, date = self._clock.now(), answer.date
        return reading.Context(
            now + DOUBT if date is None else now,
            self._timezone,
            known,
            self._unit,
            None if date is None else date + WHOLE_SECONDS,
            self._by_hand,
            self._choices.places,
        )


def _of_product(known: Known, product: Product) -> Known:
    if (known.country, known.operator, known.application) == (product.country, product.operator, product.application):
        return known
    return replace(known, country=product.country, operator=product.operator, application=product.application)


def _ids(product: Product) -> dict[str, str]:
    return {"country": product.country, "operator": product.operator, "application": product.application}


def _by_list(product: Product) -> dict[CatalogKind, str]:
    return {
        CatalogKind.COUNTRIES: product.country,
        CatalogKind.OPERATORS: product.operator,
        CatalogKind.APPLICATIONS: product.application,
    }


def _names_a_price(price: Price) -> bool:
    return price.price is not None


def _names_any_price(prices: PriceList) -> bool:
    return bool(prices.prices)


def _was_understood(check: CheckReading) -> bool:
    return check.state is not None or bool(check.sms)


def _always(_: object) -> bool:
    return True
