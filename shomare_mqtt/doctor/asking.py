"""The provider's endpoints that only read, each asked once; what came, and how it was read."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice, product
from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import CatalogKind, Endpoint, IdDoubt, Known, Priority, Product
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.client import LISTS, Client
from shomare_mqtt.provider.limiter import Limiter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from shomare_mqtt.config import Settings, WatchedPrice
    from shomare_mqtt.config.tables import Defaults
    from shomare_mqtt.model import Catalog, CatalogEntry, PriceList
    from shomare_mqtt.provider.reading import RawAnswer

LOG = logging.getLogger("shomare_mqtt.doctor")
READING = (Endpoint.PROFILE, *LISTS.values(), Endpoint.PRICES, Endpoint.PRICE)
"""What is asked, in this order. Never `buy`, `check` or `cancel`."""
_NOBODY_ANSWERS = frozenset({ErrorCode.PROVIDER_UNREACHABLE, ErrorCode.PROVIDER_TIMEOUT})
_NOBODY_IS_LET_IN = frozenset({ErrorCode.INVALID_TOKEN, ErrorCode.MISSING_TOKEN, ErrorCode.ACCOUNT_BLOCKED})
_MOST_PLACES = 3
"""Places whose price lists are asked for, until one holds a price."""
_SUCCESS = range(200, 300)


class Memory:
    """What was learnt before, and in this process; written nowhere."""

    def __init__(self, learnt: dict[str, str]) -> None:
        self.learnt = learnt

    def load(self) -> dict[str, str]:
        """What was learnt before."""
        return dict(self.learnt)

    async def save(self, learnt: dict[str, str]) -> None:
        """Hold it."""
        self.learnt = learnt


@dataclass
class Answers:
    """What came of asking, by endpoint. `asked`: the place and the product that were asked for.

    `raw`: the answer as it came, of several the last success. An endpoint in none of the three was not asked.
    `clock_ahead`: seconds by which the provider's clock is ahead of ours, None where it does not tell the time.
    """

    results: dict[Endpoint, Any] = field(default_factory=dict)
    errors: dict[Endpoint, ProviderError] = field(default_factory=dict)
    raw: dict[Endpoint, RawAnswer] = field(default_factory=dict)
    asked: Known = field(default_factory=Known)
    learnt: dict[str, str] = field(default_factory=dict)
    requests: int = 0
    clock_ahead: float | None = None

    def take(self, endpoint: Endpoint, answer: RawAnswer) -> None:
        """An answer came."""
        self.requests += 1
        if answer.date is not None:
            # A `Date` has whole seconds (RFC 9110, section 5.6.7): on the average it is half of one behind.
            self.clock_ahead = (answer.date - datetime.now(UTC)).total_seconds() + 0.5
        held = self.raw.get(endpoint)
        if held is None or answer.http in _SUCCESS or held.http not in _SUCCESS:
            self.raw[endpoint] = answer

    def entries(self, kind: CatalogKind) -> tuple[CatalogEntry, ...]:
        """Those of a list; none where it was not read."""
        found: Catalog | None = self.results.get(LISTS[kind])
        return found.entries if found else ()

    @property
    def lists(self) -> Known:
        """What the lists hold."""
        return Known(
            countries=self.entries(CatalogKind.COUNTRIES),
            operators=self.entries(CatalogKind.OPERATORS),
            applications=self.entries(CatalogKind.APPLICATIONS),
        )

    @property
    def ends(self) -> bool:
        """Whether it makes no sense to ask for more."""
        codes = {error.code for error in self.errors.values()}
        return bool(codes & (_NOBODY_ANSWERS | _NOBODY_IS_LET_IN))


async def ask(settings: Settings, token: str, learnt: dict[str, str]) -> Answers:
    """Ask the provider; `learnt`: what a daemon has learnt of it. Raises SettingsError for an address that is none."""
    answers, memory = Answers(), Memory(learnt)
    async with _client(settings, token, memory, answers) as client:
        await _read(answers, Endpoint.PROFILE, client.profile(priority=Priority.QUERY))
        for kind in CatalogKind:
            if not answers.ends:
                await _read(answers, LISTS[kind], client.catalog(kind, priority=Priority.QUERY))
        if not answers.ends:
            await _try_ids(client, answers)
            await _read_prices(client, settings, answers)
    answers.learnt = memory.learnt
    return answers


async def ask_for_profile(settings: Settings, token: str) -> Answers:
    """Ask for the account alone: whether the provider takes a token. Raises as `ask`."""
    answers = Answers()
    async with _client(settings, token, Memory({}), answers) as client:
        await _read(answers, Endpoint.PROFILE, client.profile(priority=Priority.QUERY))
    return answers


def _client(settings: Settings, token: str, memory: Memory, answers: Answers) -> Client:
    clock = SystemClock()
    return Client(
        settings.provider,
        token,
        clock=clock,
        limiter=Limiter(settings.provider.requests_per_minute, clock),
        memory=memory,
        logger=LOG,
        on_answer=answers.take,
    )


async def _read(answers: Answers, endpoint: Endpoint, call: Awaitable[Any]) -> None:
    answers.errors.pop(endpoint, None)
    answers.raw.pop(endpoint, None)
    try:
        answers.results[endpoint] = await call
    except ProviderError as error:
        answers.errors[endpoint] = error


async def _try_ids(client: Client, answers: Answers) -> None:
    """Find out by some price calls which columns are the lists' ids, where that is in doubt, as a daemon does."""
    if not any(client.id_doubt(kind) is IdDoubt.OPEN for kind in CatalogKind):
        return
    before = client.learnt
    await client.try_ids(None, known=answers.lists, priority=Priority.QUERY)
    for kind in CatalogKind:
        field_ = f"{kind}.id"
        if client.learnt.get(field_) != before.get(field_):
            await _read(answers, LISTS[kind], client.catalog(kind, priority=Priority.QUERY))


async def _read_prices(client: Client, settings: Settings, answers: Answers) -> None:
    """The price list of a place, and the price of a product there."""
    lists = answers.lists
    application = None
    for place in islice(_places(settings, lists), _MOST_PLACES):
        country, operator = place.country, place.operator
        answers.asked = replace(lists, country=country, operator=operator)
        call = client.prices(country, operator, known=lists, priority=Priority.QUERY)
        await _read(answers, Endpoint.PRICES, call)
        application = place.application or _priced(answers.results.get(Endpoint.PRICES))
        if application or answers.ends:
            break
    application = application or next((entry.id for entry in lists.applications), None)
    country_, operator_ = answers.asked.country, answers.asked.operator
    if country_ and operator_ and application and not answers.ends:
        answers.asked = replace(answers.asked, application=application)
        product_ = Product(country_, operator_, application)
        await _read(answers, Endpoint.PRICE, client.price(product_, known=lists, priority=Priority.QUERY))


@dataclass(frozen=True, slots=True)
class _Place:
    country: str
    operator: str
    application: str | None = None


def _places(settings: Settings, known: Known) -> Iterator[_Place]:
    """Places to ask for: those that the settings name, then the first ones of the lists."""
    rows: tuple[Defaults | WatchedPrice, ...] = (settings.defaults, *settings.prices)
    for row in rows:
        country = _id(row.country, known.countries) or next((entry.id for entry in known.countries), None)
        operator = _id(row.operator, known.operators) or next((entry.id for entry in known.operators), None)
        if country and operator and (row.country or row.operator):
            yield _Place(country, operator, _id(row.application, known.applications))
    for one, other in product(known.countries, known.operators[:1]):
        yield _Place(one.id, other.id)


def _id(named: str | None, entries: tuple[CatalogEntry, ...]) -> str | None:
    """The id of what the settings name: an id of the list, or a name; else the text itself."""
    if not named or any(entry.id == named for entry in entries):
        return named
    return next((e.id for e in entries if fold(named) in map(fold, (e.name, *e.names))), named)


def _priced(prices: PriceList | None) -> str | None:
    """An application that has a price in a list."""
    rows = prices.prices if prices else ()
    return next((price.application for price in rows if price.price is not None), None)
