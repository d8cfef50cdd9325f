"""How the provider stands, as `provider/state` tells it, and what was counted of its calls."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shomare_mqtt.core import render
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.market.discretion import make_fit, masked
from shomare_mqtt.core.market.readability import Readability, is_unreadable
from shomare_mqtt.core.market.taking import Taking
from shomare_mqtt.core.market.wrong_address import wrong_address
from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, Endpoint, IdDoubt, Priority

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.core.ports import Permit, Provider, Retained, Say
    from shomare_mqtt.model import (
        Cancellation,
        Catalog,
        CheckReading,
        Known,
        Price,
        PriceList,
        Product,
        Profile,
        Purchase,
    )

    Reading = Profile | Catalog | PriceList | Price | Purchase | CheckReading | Cancellation

T = TypeVar("T")
R = TypeVar("R", bound="Reading")

AWAY = frozenset({ErrorCode.PROVIDER_UNREACHABLE, ErrorCode.PROVIDER_TIMEOUT})
OF_THE_TOKEN = {
    ErrorCode.INVALID_TOKEN: "unauthorized",
    ErrorCode.MISSING_TOKEN: "unauthorized",
    ErrorCode.ACCOUNT_BLOCKED: "blocked",
}
"""Refusals that hold for every call where the profile gets them, and else for the one call that got them."""
_OF_THE_ACCOUNT = frozenset({*OF_THE_TOKEN, ErrorCode.INSUFFICIENT_BALANCE})
"""Refusals after which the profile is looked at: what is known of the account may not be so any more."""
_WORDS = {
    "online": "the provider answers",
    "unreachable": "the provider does not answer; orders are still watched, nothing can be bought",
    "unauthorized": "the provider refuses the token; set the right one in provider.token and restart",
    "blocked": "the provider says that the account is blocked; ask the provider",
    "misunderstood": (
        "the provider's answers cannot be understood: a filter or a gateway may answer in its place, or "
        "provider.base_url or provider.dialect in the settings is wrong; see `error` and `fields`"
    ),
}


_NONE: list[str] = []


def _nothing() -> None:
    """What happens before somebody wants to know."""


def _in_doubt(doubt: str) -> str:
    """A doubt of a reading as `fields` tells it: "balance is doubtful: data.credit or data.wallet"."""
    field, _, places = doubt.partition(": ")
    return f"{field} is doubtful: {places}"


class _Masked(NamedTuple):
    """What was read, and what is shown of it by the secrets of an edition of the mask."""

    found: Any
    shown: Any
    edition: int


class ProviderState:
    """`provider/state`, from the outcome of every call. `address`: `provider.base_url` as it may be shown."""

    def __init__(
        self,
        clock: Clock,
        retained: Retained,
        say: Say,
        mask: Mask,
        logger: logging.Logger,
        address: str,
    ) -> None:
        self._address = mask.text(address)
        self._clock = clock
        self._retained = retained
        self._say = say
        self._mask = mask
        self._logger = logger
        self._state: str | None = None
        self._since = clock.now()
        self._error: dict[str, Any] | None = None
        self._unread: dict[str, tuple[str, ...]] = {}
        self._doubts: dict[str, str] = {}
        self._readability = Readability()
        self._refused: str | None = None
        self._said: set[str] = set()
        self._away_for: set[Endpoint] = set()
        self._shown: bytes | None = None
        self._is_news = True
        self._masked: dict[Endpoint, _Masked] = {}
        self._trouble: str | None = None
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.on_recovered: Callable[[], None] = _nothing
        self.on_lost: Callable[[], None] = _nothing
        self.on_doubt: Callable[[], None] = _nothing
        self.on_changed: Callable[[], None] = _nothing
        self.on_become: Callable[[], None] = _nothing
        """Told of the outcome of each call, before anything of it is said on `event/bridge`."""
        self.error_code: ErrorCode | None = None
        self.authorized = asyncio.Event()
        self.authorized.set()

    @property
    def state(self) -> str:
        """One of the contract's words; `unreachable` before the first call."""
        return self._state or "unreachable"

    @property
    def since(self) -> datetime:
        """Since when it stands so."""
        return self._since

    @property
    def was_asked(self) -> bool:
        """Whether a call has ended."""
        return self._state is not None

    @property
    def trouble(self) -> str | None:
        """What is wrong and what to do, as a sentence; None where nothing is, or before the first call."""
        return None if self._state in (None, "online") else self._trouble

    def make_fit(self, error: ProviderError, endpoint: Endpoint) -> None:
        """Leave in an error what may be told to all."""
        make_fit(error, endpoint, self._mask)

    def masked(self, endpoint: Endpoint, found: T) -> T:
        """What was read, less secrets; of what was read before, as it was masked then."""
        kept = self._masked.get(endpoint)
        if kept is None or kept.found is not found or kept.edition != self._mask.edition:
            kept = self._masked[endpoint] = _Masked(found, masked(found, self._mask), self._mask.edition)
        shown: T = kept.shown
        return shown

    def check_polling(self, priority: Priority) -> None:
        """Raise ProviderRefusedError for a poll, or a reading of offers, while the token is refused (contract).

        The profile alone is still polled, more and more seldom, to find out whether one does.
        """
        if priority >= Priority.POLL and not self.authorized.is_set():
            raise ProviderRefusedError(
                ErrorCode.INVALID_TOKEN, "the provider refuses the token: nothing is polled until a call works"
            )

    async def worked(self, endpoint: Endpoint, reading: Reading) -> None:
        """A call gave what it was for."""
        self.calls[endpoint.value] += 1
        self._readability.read()
        self._let_poll()
        doubts = [_in_doubt(self._mask.text(doubt)) for doubt in reading.doubtful]
        self._note_unread(endpoint, (*reading.unread, *doubts))
        await self._become("online", None)

    def doubt(self, field: str, why: str) -> None:
        """What was found out speaks against a field's place (`profile.balance`), until it is settled."""
        self._doubts[field] = why
        self._is_news = True
        self.show()

    def settled(self, field: str) -> None:
        """Trying told where a field stands: nothing of it is doubtful any more."""
        endpoint, _, name = field.partition(".")
        unread = self._unread.get(endpoint, ())
        self._unread[endpoint] = tuple(each for each in unread if not each.startswith(_in_doubt(f"{name}: ")))
        self._doubts.pop(field, None)
        self._is_news = True
        self.show()

    async def failed(self, endpoint: Endpoint, error: ProviderError) -> None:
        """A call did not. What may hold for every call is believed of this one alone until the profile tells."""
        self.calls[endpoint.value] += 1
        self.errors[error.code.value] += 1
        if error.code in AWAY:
            self._away_for.add(endpoint)
            await self._become("unreachable", error)
            return
        if error.code in OF_THE_TOKEN:
            self._readability.refused()
            if endpoint is Endpoint.PROFILE:
                self._refused = OF_THE_TOKEN[error.code]
                self.authorized.clear()
        elif is_unreadable(error):
            self._readability.unreadable(endpoint, error)
            if error.code is ErrorCode.MALFORMED_ANSWER:
                self._note_unread(endpoint, (error.message,))
        elif isinstance(error, ProviderRefusedError):
            self._readability.refused()
            self._let_poll()
        if self._readability.is_open:
            self._error, self._is_news = render.error_json(render.error_info(error)), True
            self.show()
        else:
            await self._become(self._standing(), error)
        if endpoint is not Endpoint.PROFILE and (error.code in _OF_THE_ACCOUNT or is_unreadable(error)):
            self.on_doubt()

    def _let_poll(self) -> None:
        """The token was taken."""
        self._refused = None
        self.authorized.set()

    def _standing(self) -> str:
        """How the provider stands by all that is known of it, while it answers."""
        return self._refused or ("misunderstood" if self._readability.is_lost else "online")

    def _note_unread(self, endpoint: Endpoint, unread: tuple[str, ...]) -> None:
        """Name what was not understood, or only guessed, in the log once."""
        if self._unread.get(endpoint.value) == unread:
            return
        self._unread[endpoint.value], self._is_news = unread, True
        for name in unread:
            if (key := f"{endpoint.value}: {name}") not in self._said:
                self._said.add(key)
                self._logger.warning("the provider's answer was not understood in full: %s", key)

    async def _become(self, state: str, error: ProviderError | None) -> None:
        before, self._state = self._state, state
        self._is_news = self._is_news or before != state or self._error is not None or error is not None
        self._error = render.error_json(render.error_info(error)) if error else None
        self.error_code = error.code if error else None
        if before != state:
            self._since = self._clock.now()
        words, detail = _WORDS[state], f" ({self._address}: {error.message})" if error else ""
        if self._error and (wrong := self._wrong_address(state, error)):
            said = ": ".join(wrong)
            words, detail = f"the provider's answers cannot be understood: {said}", ""
            self._error["message"] = f"{self._error['message'].removesuffix('.')}. {said}."
        self._trouble = words
        self.show()
        self.on_become()
        if state == "online":
            # Where checks alone fail, another call that works says nothing of them: they are asked ever more seldom.
            if before not in (None, state) and (before != "unreachable" or self._away_for - {Endpoint.CHECK}):
                self.on_recovered()
            self._away_for.clear()
        if state == "unreachable" and before not in (None, state):
            self.on_lost()
        # The first answer of a run that works is no news.
        if before != state and not (before is None and state == "online"):
            level = self._logger.info if state == "online" else self._logger.warning
            level("%s%s", words, detail)
            await self._say(BridgeEvent.PROVIDER_STATE, words, state=state)

    def _wrong_address(self, state: str, error: ProviderError | None) -> tuple[str, str] | None:
        """What is probably wrong with the address, where nothing usable was ever read there, and what to do."""
        if state != "misunderstood" or error is None or self._readability.has_read:
            return None
        return wrong_address(self._address, error)

    def doubt_ids(self, endpoint: Endpoint, places: list[str]) -> None:
        """Which columns of a list could be its id, while nobody knows it; none where it is known."""
        field = f"{endpoint.value}.id"
        doubt = self._mask.text(_in_doubt(f"id: {' or '.join(places)}")) if places else None
        if self._doubts.get(field) == doubt:
            return
        if doubt is not None:
            self._doubts[field] = doubt
        else:
            del self._doubts[field]
        self._is_news = True
        self.show()

    def show(self) -> None:
        """Publish how the provider stands, where anything of that changed."""
        if not self._is_news:
            return
        self._is_news = False
        unread = {f"{endpoint}: {name}" for endpoint, names in self._unread.items() for name in names}
        fields = sorted(unread | {f"{field.partition('.')[0]}: {why}" for field, why in self._doubts.items()})
        payload = render.dumps(
            {"state": self.state, "since": render.timestamp(self._since), "error": self._error, "fields": fields}
        )
        if payload != self._shown:
            self._shown = payload
            self._retained.put("provider/state", payload)
            self.on_changed()


class ObservedProvider:
    """The provider, with the outcome of every call told to a ProviderState; see core.ports.Provider for the methods."""

    def __init__(self, provider: Provider, state: ProviderState, logger: logging.Logger) -> None:
        self._provider = provider
        self._state = state
        self._logger = logger
        self._id_places: dict[CatalogKind, list[str]] = {}
        self._told_ids: dict[CatalogKind, list[str]] = {}

    def taking(self, endpoint: Endpoint) -> Taking:
        """While an answer is read and made use of: a fault of this program in that is told, see Taking."""
        return Taking(endpoint, self._state.failed, self._logger)

    async def _observed(self, endpoint: Endpoint, call: Awaitable[R]) -> R:
        result = self._state.masked(endpoint, await self._failures(endpoint, call))
        await self._state.worked(endpoint, result)
        return result

    async def profile(self, *, priority: Priority) -> Profile:
        """The account."""
        return await self._observed(Endpoint.PROFILE, self._provider.profile(priority=priority))

    async def catalog(self, kind: CatalogKind, *, priority: Priority) -> Catalog:
        """One of the lists."""
        self._state.check_polling(priority)
        catalog = await self._observed(kind.endpoint, self._provider.catalog(kind, priority=priority))
        self._id_places[kind] = [column.shown for column in catalog.ids if column.likely]
        self._note_ids()
        return catalog

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        """All prices of a country and operator."""
        self._state.check_polling(priority)
        call = self._provider.prices(country, operator, known=known, priority=priority)
        prices = await self._observed(Endpoint.PRICES, call)
        self._note_ids()
        return prices

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        """One product's price."""
        self._state.check_polling(priority)
        price = await self._observed(Endpoint.PRICE, self._provider.price(product, known=known, priority=priority))
        self._note_ids()
        return price

    def kept(self, kind: CatalogKind, place: str | None) -> None:
        """Where the ids of the list that the journal holds were read; None: nobody says."""
        self._provider.kept(kind, place)

    def id_doubt(self, kind: CatalogKind) -> IdDoubt:
        """Whether a list's ids are what the provider takes."""
        return self._provider.id_doubt(kind)

    async def try_ids(self, product: Product | None, *, known: Known, priority: Priority) -> frozenset[CatalogKind]:
        """Find out which columns are the ids of lists in doubt; the lists that are to be read again."""
        self._state.check_polling(priority)
        async with self.taking(Endpoint.PRICES):
            changed = await self._provider.try_ids(product, known=known, priority=priority)
        self._note_ids()
        return changed

    def _note_ids(self) -> None:
        """Say of each list that was read whether its ids are in doubt: a price call may have told, also by the way."""
        for kind, places in self._id_places.items():
            doubtful = _NONE if self._provider.id_doubt(kind) is IdDoubt.SETTLED else places
            if self._told_ids.get(kind) is not doubtful:
                self._told_ids[kind] = doubtful
                self._state.doubt_ids(kind.endpoint, doubtful)

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        """Buy one number. What came of it is told with `tell`, once it is in the journal."""
        try:
            return await self._provider.buy(product, known=known, permit=permit)
        except ProviderError as error:
            self._state.make_fit(error, Endpoint.BUY)
            raise

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        """Ask for the SMS. An answer is told with `tell`, once it is in the journal."""
        return await self._failures(Endpoint.CHECK, self._provider.check(purchase, known=known, priority=priority))

    async def cancel(self, purchase: str, *, known: Known) -> Cancellation:
        """Cancel once. An answer is told with `tell`, once it is in the journal."""
        return await self._failures(Endpoint.CANCEL, self._provider.cancel(purchase, known=known))

    async def choose(self, field: str, place: str | None) -> bool:
        """Read a field at a place from now on, since trying told; None: no longer. Whether that is news."""
        news = await self._provider.choose(field, place)
        self._state.settled(field)
        return news

    async def _failures(self, endpoint: Endpoint, call: Awaitable[T]) -> T:
        async with self.taking(endpoint):
            try:
                return await call
            except ProviderError as error:
                self._state.make_fit(error, endpoint)
                await self._state.failed(endpoint, error)
                raise

    async def tell(self, endpoint: Endpoint, outcome: Purchase | CheckReading | Cancellation | ProviderError) -> None:
        """How a call ended whose outcome had to be in the journal before anything else."""
        if isinstance(outcome, ProviderError):
            await self._state.failed(endpoint, outcome)
        else:
            await self._state.worked(endpoint, outcome)
