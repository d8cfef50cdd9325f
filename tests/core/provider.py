"""A provider at the core's edge: it keeps money, stock and purchases, and does on demand what providers do."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import (
    ErrorCode,
    OutcomeUnknownError,
    ProviderError,
    ProviderFailedError,
    ProviderRefusedError,
    ProviderTimeoutError,
    ProviderUnreachableError,
    Upstream,
)
from shomare_mqtt.model import (
    Cancellation,
    Candidate,
    Catalog,
    CatalogEntry,
    CatalogKind,
    CheckReading,
    Figure,
    Found,
    IdDoubt,
    Price,
    PriceList,
    Profile,
    Purchase,
    PurchaseState,
    SmsReading,
    Sureness,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.model import Known, Priority, Product

PRICE = Decimal(2200)
UNREACHABLE = ProviderUnreachableError(ErrorCode.PROVIDER_UNREACHABLE, "the connection was refused")
TIMEOUT = ProviderTimeoutError(ErrorCode.PROVIDER_TIMEOUT, "no answer")
FAILED = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "a page of HTML", Upstream(502))
MALFORMED = ProviderFailedError(ErrorCode.MALFORMED_ANSWER, "not understood", Upstream(200))
NO_NUMBERS = ProviderRefusedError(ErrorCode.NO_NUMBERS, "none left", Upstream(500, 500))
NOT_FOUND = ProviderRefusedError(ErrorCode.NOT_FOUND, "no such purchase", Upstream(404, 404))
TOO_EARLY = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "too early to cancel", Upstream(400, 400))
INVALID_TOKEN = ProviderRefusedError(ErrorCode.INVALID_TOKEN, "the token is wrong", Upstream(401, 401))
LOST = OutcomeUnknownError(ErrorCode.OUTCOME_UNKNOWN, "the connection broke")


@dataclass(frozen=True)
class Acting:
    """Do what is asked for, and then lose the answer."""

    error: Exception


@dataclass(frozen=True)
class Late:
    """Answer after so many seconds, with something scripted or as usual (None); None seconds: never."""

    seconds: float | None
    then: Any = None


@dataclass
class Number:
    """One purchase at the provider's."""

    purchase: str
    price: Decimal
    state: PurchaseState = PurchaseState.WAITING
    sms: list[SmsReading] = field(default_factory=list)
    lifetime: float | None = None
    product: Product | None = None
    is_paid: bool = True


def sms(text: str | None = "Your code is 48213", code: str | None = None, **more: Any) -> SmsReading:
    return SmsReading(code, text, **more)


def entries(*names: str) -> tuple[CatalogEntry, ...]:
    return tuple(CatalogEntry(str(i), name) for i, name in enumerate(names, 1))


class FakeProvider:
    """Fulfils core.ports.Provider. `script(call, …)` names what the next calls come to, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, Any]] = []
        self.balance: Decimal | None = Decimal(100_000)
        self.price_of: Decimal | None = PRICE
        self.charges: Decimal | None = None
        self.purchase_price: Decimal | None = None
        self.lifetime: float | None = None
        self.refunds: bool | None = True
        self.books_late = 0.0
        """Seconds after which money moves that was given back."""
        self.queue = self.connecting = 0.0
        """Seconds before a `buy` has its turn, and from then until it leaves."""
        self.numbers: dict[str, Number] = {}
        self.catalogs = {
            CatalogKind.COUNTRIES: entries("Iran", "Russia", "Georgia"),
            CatalogKind.OPERATORS: entries("MCI", "Irancell"),
            CatalogKind.APPLICATIONS: entries("Telegram", "WhatsApp", "Snapp"),
        }
        self.kept_lists: dict[CatalogKind, str | None] = {}
        self.doubts: dict[CatalogKind, IdDoubt] = {}
        self.always: dict[str, Any] = {}
        self.chosen: dict[str, str | None] = {}
        """Where fields are read since `choose` was called."""
        self.ids: Callable[[str], dict[str | None, str]] | None = None
        """What the answer to a `buy` holds besides, by its place, for the purchase's own id; the best first."""
        self.figures: dict[str, Decimal] = {}
        """What the profile holds, by its place, the first taken for the balance; empty: `balance` alone, nowhere."""
        self.takes: dict[str, Decimal] = {}
        """By how many times its price each of these becomes less with a purchase."""
        self.reads_balance, self.figures_are_alike = True, False
        self._scripts: defaultdict[str, deque[Any]] = defaultdict(deque)

    def script(self, call: str, *outcomes: Any) -> None:
        """What the next calls come to: an exception, an answer, Acting, Late; None: as usual.

        A function makes one of these of what is asked for.
        """
        self._scripts[call].extend(outcomes)

    def count(self, call: str) -> int:
        return sum(name == call for name, _, _ in self.calls)

    def times(self, call: str) -> list[float]:
        return [at for name, at, _ in self.calls if name == call]

    @property
    def alive(self) -> list[Number]:
        return [n for n in self.numbers.values() if n.state in (PurchaseState.WAITING, PurchaseState.RECEIVED)]

    def gets(self, purchase: str, *messages: SmsReading) -> None:
        """SMS arrive on a number."""
        self.numbers[purchase].sms.extend(messages)
        self.numbers[purchase].state = PurchaseState.RECEIVED

    async def _outcome(self, call: str, asked: Any, usual: Callable[[], Any]) -> Any:
        self.calls.append((call, asyncio.get_running_loop().time(), asked))
        queue = self._scripts[call]
        scripted = queue.popleft() if queue else self.always.get(call)
        if callable(scripted):
            scripted = scripted(asked)
        if isinstance(scripted, Late):
            if scripted.seconds is None:
                await asyncio.Event().wait()
            await asyncio.sleep(scripted.seconds or 0)
            scripted = scripted.then
        if isinstance(scripted, Acting):
            usual()
            scripted = scripted.error
        if isinstance(scripted, ProviderError):
            # Each call has an error of its own: the core masks what is in it.
            error = type(scripted)(scripted.code, scripted.message, scripted.upstream, plain=scripted.plain)
            error.retry_after = scripted.retry_after
            raise error
        if isinstance(scripted, Exception):
            raise scripted.with_traceback(None)
        return usual() if scripted is None else scripted

    # --- core.ports.Provider ----------------------------------------------------------------------------------------

    async def profile(self, *, priority: Priority) -> Profile:
        found: Profile = await self._outcome("profile", priority, self._profile)
        return found

    def _profile(self) -> Profile:
        if not self.figures:
            return Profile(self.balance)
        place, (first, *rest) = self.chosen.get("profile.balance"), self.figures
        is_chosen = place in self.figures
        place = place if is_chosen else first if self.reads_balance else None
        found = Found("profile.balance", place, Sureness.SURE)
        candidates = tuple(Figure(each, amount) for each, amount in self.figures.items())
        said = f"balance: {first} or {rest[0]}" if self.figures_are_alike and not is_chosen else None
        balance = None if place is None else self.figures[place]
        return Profile(balance, found=(found,), candidates=candidates, doubtful=(said,) if said else ())

    async def catalog(self, kind: CatalogKind, *, priority: Priority) -> Catalog:
        usual = lambda: Catalog(kind, self.catalogs[kind])  # noqa: E731
        found: Catalog = await self._outcome(kind.value, priority, usual)
        return found

    def kept(self, kind: CatalogKind, place: str | None) -> None:
        self.kept_lists[kind] = place

    def id_doubt(self, kind: CatalogKind) -> IdDoubt:
        return self.doubts.get(kind, IdDoubt.SETTLED)

    async def try_ids(self, product: Product | None, *, known: Known, priority: Priority) -> frozenset[CatalogKind]:
        found: frozenset[CatalogKind] = await self._outcome("try_ids", (product, priority), frozenset)
        return found

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        def usual() -> PriceList:
            prices = tuple(Price(e.id, self.price_of, 5) for e in self.catalogs[CatalogKind.APPLICATIONS])
            return PriceList(country, operator, prices)

        found: PriceList = await self._outcome("prices", (country, operator), usual)
        return found

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        usual = lambda: Price(product.application, self.price_of, 5)  # noqa: E731
        found: Price = await self._outcome("price", product, usual)
        return found

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        await asyncio.sleep(self.queue)
        await permit.turn()
        await asyncio.sleep(self.connecting)
        await permit.leave()
        found: Purchase = await self._outcome("buy", product, lambda: self._buy(product))
        return found

    def _buy(self, product: Product | None = None) -> Purchase:
        number = Number(f"p{len(self.numbers) + 1}", self.charges or PRICE, product=product)
        self.numbers[number.purchase] = number
        self.move(-number.price)
        bought = Purchase(number.purchase, f"+7931{len(self.numbers):07d}", self.purchase_price, self.lifetime)
        return bought if self.ids is None else self._with(bought, self.ids(number.purchase))

    def _with(self, bought: Purchase, ids: dict[str | None, str]) -> Purchase:
        """The purchase as it is read where its answer holds these ids."""
        chosen = self.chosen.get("buy.purchase")
        places = sorted(ids, key=lambda place: place != chosen) if chosen in ids else list(ids)
        candidates = tuple(Candidate(place, ids[place]) for place in places)
        doubtful = () if chosen in ids or len(ids) == 1 else (f"purchase: {places[0]} or {places[1]}",)
        return replace(
            bought,
            purchase=candidates[0].value,
            candidates=candidates,
            is_tried=chosen in ids and chosen is not None,
            doubtful=doubtful,
        )

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        found: CheckReading = await self._outcome("check", purchase, lambda: self._check(purchase))
        return found

    def _check(self, purchase: str) -> CheckReading:
        number = self.numbers.get(purchase)
        if number is None:
            raise ProviderRefusedError(NOT_FOUND.code, NOT_FOUND.message, NOT_FOUND.upstream)
        return CheckReading(number.state, tuple(number.sms), lifetime=number.lifetime)

    async def choose(self, field: str, place: str | None) -> bool:
        news = self.chosen.get(field) != place
        self.chosen |= {field: place}
        self.calls.append(("choose", asyncio.get_running_loop().time(), (field, place)))
        return news

    async def cancel(self, purchase: str, *, known: Known) -> Cancellation:
        found: Cancellation = await self._outcome("cancel", purchase, lambda: self._cancel(purchase))
        return found

    def _cancel(self, purchase: str) -> Cancellation:
        number = self.numbers.get(purchase)
        if number is None or number.state is not PurchaseState.WAITING:
            raise ProviderRefusedError(NOT_FOUND.code, NOT_FOUND.message, NOT_FOUND.upstream)
        self.give_back(number, PurchaseState.CANCELLED)
        return Cancellation(self.refunds)

    def give_back(self, number: Number, state: PurchaseState) -> None:
        """A number ends, on its owner's word or by itself, and its money comes back now or a little later."""
        number.state, number.is_paid = state, False
        if self.books_late:
            asyncio.get_running_loop().call_later(self.books_late, self.move, number.price)
        else:
            self.move(number.price)

    def move(self, amount: Decimal | int) -> None:
        """The balance rises by an amount, or falls, for whatever reason."""
        for place, by in self.takes.items():
            self.figures[place] += amount * by
        self.balance = None if self.balance is None else self.balance + amount


def reading(state: PurchaseState | None, *messages: SmsReading, **more: Any) -> CheckReading:
    return replace(CheckReading(state, messages), **more)
