"""What the core needs of the world, as Protocols that the adapters implement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from shomare_mqtt.core.clearance import given

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Coroutine, Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.core.clearance import Clearance
    from shomare_mqtt.core.clock import Clock, SteadyTime
    from shomare_mqtt.core.records import (
        Answered,
        Arrival,
        ArrivalResult,
        Batch,
        Condition,
        Ids,
        JournalIdentity,
        Names,
        PendingCommand,
        PlaceSuccess,
        Press,
        Record,
        SpendFacts,
        Stretch,
    )
    from shomare_mqtt.model import (
        Cancellation,
        Catalog,
        CatalogKind,
        CheckReading,
        IdDoubt,
        Known,
        Message,
        Order,
        Price,
        PriceList,
        Priority,
        Product,
        Profile,
        Purchase,
        Sms,
        Transaction,
    )


class Permit(Protocol):
    """What may still hold back a `buy`, and is to be known when it leaves. What either raises holds it back."""

    async def turn(self) -> None:
        """Its turn has come, after any waiting for one: it is about to go out."""
        ...

    async def leave(self) -> None:
        """The connection is there, and the request's first byte is written right after this."""
        ...


class Provider(Protocol):
    """The provider's API. Every method raises a subclass of errors.ProviderError for what is not a success."""

    async def profile(self, *, priority: Priority) -> Profile:
        """The account."""
        ...

    async def catalog(self, kind: CatalogKind, *, priority: Priority) -> Catalog:
        """One of the lists."""
        ...

    def kept(self, kind: CatalogKind, place: str | None) -> None:
        """Where the ids of the list that the journal holds were read; None: nobody says."""
        ...

    def id_doubt(self, kind: CatalogKind) -> IdDoubt:
        """Whether a list's ids are what the provider takes."""
        ...

    async def try_ids(self, product: Product | None, *, known: Known, priority: Priority) -> frozenset[CatalogKind]:
        """Find out by price calls which columns are the ids of lists in doubt, where it is time for that.

        The lists that are to be read again, since another column is the id than the one they were read with. A failure
        decides nothing and is not raised. `product`: what somebody wants to buy.
        """
        ...

    async def prices(self, country: str, operator: str, *, known: Known, priority: Priority) -> PriceList:
        """All prices of a country and operator."""
        ...

    async def price(self, product: Product, *, known: Known, priority: Priority) -> Price:
        """One product's price."""
        ...

    async def buy(self, product: Product, *, known: Known, permit: Permit) -> Purchase:
        """Buy one number, sending at most one request that may buy.

        `permit` is asked for each request, twice; what it raises comes out, and nothing was sent. Raises
        ProviderRefusedError or ProviderUnreachableError where nothing was bought, and OutcomeUnknownError for
        everything else that is no purchase.
        """
        ...

    async def check(self, purchase: str, *, known: Known, priority: Priority) -> CheckReading:
        """Ask for the SMS."""
        ...

    async def cancel(self, purchase: str, *, known: Known) -> Cancellation:
        """Cancel once. ProviderTimeoutError where it may have been carried out and no answer came."""
        ...

    async def choose(self, field: str, place: str | None) -> bool:
        """Read a field (`buy.purchase`) at a place from now on, since trying told; None: no longer.

        Whether that is news. It is kept. Raises JournalError.
        """
        ...


class Extensions(Protocol):
    """The plugins, as the core sees them: hooks that decide are awaited, hooks that observe are only told."""

    async def authorize_buy(self, product: Product, price: Decimal | None, spend: Decimal) -> None:
        """Raises CommandRefusedError (`vetoed`) with the plugin's name and reason; failing plugins deny."""
        ...

    async def extract_code(self, text: str) -> str | None:
        """A plugin's reading of an SMS text, or None."""
        ...

    def order_changed(self, order: Order, previous: Order | None) -> None:
        """After the commit."""
        ...

    def sms_received(self, order: Order, sms: Sms) -> None:
        """After the commit."""
        ...

    def balance_changed(self, profile: Profile, previous: Profile | None) -> None:
        """After a profile with another balance was read."""
        ...

    def prices_changed(self, prices: PriceList, previous: PriceList | None) -> None:
        """After a price list with other prices was read."""
        ...


class Journal(Protocol):
    """What is on disk. Every method raises JournalError where the file fails."""

    time: SteadyTime
    identity: JournalIdentity
    sequence: int
    """How far it has come by now, as far as that is on disk; `on_advanced` is told of each step."""
    on_advanced: Callable[[], object]

    async def commit(self, batch: Batch, condition: Condition | None = None) -> int:
        """Write all of a batch, durably, or nothing of it; the count of known money movements after it.

        Raises JournalFullError for one with an order in state `buying` where the disk has no room for what comes of it,
        and what the condition raises.
        """
        ...

    async def arrive(self, arrivals: list[Arrival], remember: float) -> list[ArrivalResult]:
        """Take commands down, in order; none where the disk has no room."""
        ...

    async def write(self) -> None:
        """Have on disk what was to be there with what is written next."""
        ...

    def heard(self, row: int) -> None:
        """The broker is known to have read the PUBACK of the command in a row; written with what is written next."""
        ...

    def note_ids(self, record: Record, ids: Ids) -> None:
        """An order's ids are these from now on; written with what is written next, unless they changed by then."""
        ...

    def note_end(self, record: Record, noted: Record) -> None:
        """An order ends when `noted` says; written with what is written next, unless its end changed by then."""
        ...

    def note_value(self, key: str, value: str | None) -> None:
        """A single value is this from now on, or none; written with what is written next."""
        ...

    async def keep_time(self) -> None:
        """Write down that the wall clock was set, where it was."""
        ...

    async def forget(self, remember: float) -> int:
        """Drop what need not be remembered; how many unsent messages were dropped with it."""
        ...

    async def take_back_aside(self) -> int:
        """Let messages that could not be sent be tried again; how many."""
        ...

    async def find(self, order: str) -> Record | None:
        """An order by its id."""
        ...

    async def find_purchase(self, purchase: str) -> Record | None:
        """The newest order that holds a purchase."""
        ...

    async def find_adopted(self, transaction: Transaction, seconds: float) -> Record | None:
        """The order of a transaction that another journal made: an open one, or one not older than so many seconds."""
        ...

    async def has_adopted(self, seconds: float) -> bool:
        """Whether `find_adopted` may find one of any transaction."""
        ...

    async def newest_first(self, state: str, limit: int) -> list[Record]:
        """Orders that are `open`, `closed` or `all`."""
        ...

    async def open_and_late(self, keep_closed: float) -> list[Record]:
        """Every open order and every one that closed lately, newest first."""
        ...

    async def coded(self, keep_closed: float) -> list[str]:
        """Of the same orders those that got a code, the one that got the newest last."""
        ...

    async def facts(self, today: float, lifetime: float, but: str | None = None) -> SpendFacts:
        """What the limits count, `today` seconds after midnight; less an order."""
        ...

    async def counted(self, since: float, ends: Sequence[float], by: tuple[str, ...]) -> Stretch | None:
        """The next orders that were made since a steady moment, all before the same of `ends`; None: there are none.

        `ends`: rising. `by`: which of country, operator and application they are told apart by.
        """
        ...

    async def names(self, orders: list[int]) -> dict[int, Names]:
        """What country, operator and application of the orders in some rows were called when those were made."""
        ...

    async def success_by_place(self, application: str, days: float = 90) -> dict[tuple[str, str], PlaceSuccess]:
        """How it went with an application in the last so many days, by country and operator."""
        ...

    async def pending(self) -> list[PendingCommand]:
        """Commands that an earlier process took and did not answer, oldest first."""
        ...

    async def presses(self, seconds: float) -> list[Press]:
        """`buy` commands of the last so many seconds that were answered, and not refused before there was an order."""
        ...

    async def answered(self, seconds: float, most: int) -> list[Answered]:
        """The newest so many answered commands that came within the last so many seconds, oldest first."""
        ...

    async def answer_of(self, row: int) -> bytes | None:
        """The stored answer to a command."""
        ...

    async def outbox_length(self) -> int:
        """How many messages wait to be sent."""
        ...

    async def meta(self) -> dict[str, str]:
        """All single values."""
        ...

    async def put_meta(self, values: Mapping[str, str | None]) -> None:
        """Set single values; None removes one."""
        ...

    async def catalogs(self) -> dict[CatalogKind, tuple[Catalog, datetime]]:
        """The lists as the provider gave them last, and when."""
        ...

    async def put_catalog(self, catalog: Catalog, updated_at: datetime, values: Mapping[str, str | None] = ...) -> None:
        """Keep one list, and with it single values that speak of its ids; all or nothing.

        Raises JournalFullError where the disk has no room to spare.
        """
        ...


class Retained(Protocol):
    """The retained topics: the newest payload of each is published, and published again after a reconnect."""

    def put(self, topic: str, payload: bytes) -> None:
        """Wants the topic to hold the payload; empty payload: wants it emptied."""
        ...

    def put_made(self, topic: str, make: Callable[[], bytes]) -> None:
        """Wants the topic to hold what `make` gives as it is published, never empty: what grows long is made then.

        Of several changes that come close together the last is published; one that is long a moment later.
        """
        ...

    def whole(self, topic: str) -> str:
        """The whole topic, as a batch names it that writes it down (`retained`) together with what it tells of."""
        ...

    def remembered(self, topics: list[str]) -> None:
        """Such a batch is on disk: nobody else need write these whole topics down."""
        ...


class OnBroker(Protocol):
    """What the broker held of ours before this process told it anything. Both raise what a lost connection raises."""

    async def journal(self) -> bytes | None:
        """The payload of `bridge/journal`, None where there is none, or we may not read it."""
        ...

    async def orders(self) -> Mapping[str, bytes]:
        """The payloads under `orders/`, by what comes behind that."""
        ...


class Outbox(Protocol):
    """Messages that were journalled in the outbox and now can be sent, and those that stand in no journal."""

    def wake(self) -> None:
        """There are new rows."""
        ...

    def send_volatile(self, message: Message) -> None:
        """Publishes once while connected, without the journal: for what has no worth later.

        Messages go out in the order of the calls. Where 5,000 wait for the broker to take them, more are lost.
        """
        ...

    async def publish_once(self, answer: Message) -> None:
        """Publishes an answer while connected, without the journal; returns once it is acknowledged or given up.

        One that is larger than the broker takes comes as the outbox sends it: with its SMS cut, else saying
        `too_large`; where the broker hung up on it, over the next connection. Answers go out in the order of the calls.
        Raises nothing; else a connection that is lost loses it.
        """
        ...


class Say(Protocol):
    """Publishes an `event/bridge` of its own: what an operator should see (contract, Events)."""

    async def __call__(self, event: BridgeEvent, message: str, **more: Any) -> None:
        """Raises JournalError."""
        ...


class Spawn(Protocol):
    """Starts a task of the daemon's: a fault in it ends the process."""

    def __call__(self, work: Coroutine[Any, Any, None], name: str, /) -> asyncio.Task[None]:
        """`name` is for whoever looks at the tasks."""
        ...


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Ports:
    """The world that a core is plugged into.

    For those who put the core together (Bridge, and each room's own class) and nobody else: a part is given what it
    works with.
    """

    clock: Clock
    journal: Journal
    provider: Provider
    retained: Retained
    outbox: Outbox
    extensions: Extensions
    say: Say
    clearance: Callable[[], Clearance] = given
    """What holds for commands that come now."""
