"""The plain data that all parts share: frozen, without input or output.

Times are timezone-aware datetimes in UTC. Money is Decimal in the provider's unit. Ids are text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from shomare_mqtt.errors import ErrorCode, ShomareError, Upstream

Transaction = str | int | Decimal
"""A sender's own text or number; `17` and `"17"` differ (contract, section Commands)."""


class OrderState(StrEnum):
    """The states of the contract's table."""

    BUYING = "buying"
    WAITING = "waiting"
    RECEIVED = "received"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    FAILED = "failed"
    UNKNOWN = "unknown"


OPEN_STATES = frozenset({OrderState.BUYING, OrderState.WAITING, OrderState.RECEIVED, OrderState.UNKNOWN})

WATCHED_STATES = frozenset({OrderState.WAITING, OrderState.RECEIVED})
"""States in which an order's number lives, and its SMS are asked for."""

LEGAL_MOVES: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.BUYING: frozenset({OrderState.WAITING, OrderState.FAILED, OrderState.UNKNOWN, OrderState.CANCELLED}),
    OrderState.WAITING: frozenset({OrderState.RECEIVED, OrderState.CANCELLED, OrderState.EXPIRED}),
    OrderState.RECEIVED: frozenset({OrderState.FINISHED, OrderState.CANCELLED}),
    OrderState.UNKNOWN: frozenset({OrderState.WAITING, OrderState.FAILED}),
    OrderState.FINISHED: frozenset(),
    OrderState.CANCELLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
    OrderState.FAILED: frozenset(),
}


LONGEST_TEXT = 64 * 1024
"""Characters of an SMS's text that are kept. A real one has 39,015 at most (3GPP TS 23.040: 255 parts of 153)."""


@dataclass(frozen=True, slots=True)
class Sms:
    """One SMS of an order. `sms` is our stable id, `provider_id` the provider's; `code` and `text` are secrets."""

    sms: str
    code: str | None = field(repr=False)
    text: str | None = field(repr=False)
    sender: str | None
    received_at: datetime
    provider_id: str | None = None

    @property
    def is_cut(self) -> bool:
        """Whether the provider showed more of the text."""
        return self.text is not None and len(self.text) >= LONGEST_TEXT


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """The `error` object of an answer or an order."""

    code: ErrorCode
    message: str
    retryable: bool = False
    upstream: Upstream | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """What is bought: a country, an operator and an application, each an id with its name where the lists give one."""

    country: str
    operator: str
    application: str
    country_name: str | None = None
    operator_name: str | None = None
    application_name: str | None = None


@dataclass(frozen=True, slots=True)
class Try:
    """A country and operator of a `buy` with alternatives that was refused or passed over; `price` as it was known."""

    country: str
    operator: str
    price: Decimal | None
    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Order:
    """One order, as the contract shows it. `phone` is whole here and masked in logs.

    `tries`: what a `buy` with alternatives tried in vain, in its order.
    """

    order: str
    state: OrderState
    product: Product
    created_at: datetime
    updated_at: datetime
    transaction: Transaction | None = None
    purchase: str | None = None
    phone: str | None = None
    price: Decimal | None = None
    expires_at: datetime | None = None
    closed_at: datetime | None = None
    sms: tuple[Sms, ...] = ()
    refunded: bool | None = None
    charged: Decimal | None = None
    error: ErrorInfo | None = None
    tries: tuple[Try, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether the order is in one of the open states."""
        return self.state in OPEN_STATES

    @property
    def newest_with_code(self) -> Sms | None:
        """The newest SMS that has a code (provider page, last paragraph)."""
        return next((s for s in reversed(self.sms) if s.code), None)


# --- what the provider gives ----------------------------------------------------------------------------------------
#
# Of each reading `unread` names the fields that were not understood, and `doubtful` those that were guessed, each with
# the places that may be it: "balance: data.credit or data.wallet". Both hold names of fields, and never their values.


class Endpoint(StrEnum):
    """The provider's nine endpoints."""

    PROFILE = "profile"
    COUNTRIES = "allcountries"
    OPERATORS = "alloperators"
    APPLICATIONS = "allapplications"
    PRICES = "pricebycountry"
    PRICE = "pricebyproduct"
    BUY = "buy"
    CHECK = "check"
    CANCEL = "cancel"


OF_A_NUMBER = frozenset({Endpoint.CHECK, Endpoint.CANCEL})
"""Endpoints whose answers may quote an SMS anywhere: their words are for whoever asked (contract, Events)."""


class CatalogKind(StrEnum):
    """The three lists."""

    COUNTRIES = "countries"
    OPERATORS = "operators"
    APPLICATIONS = "applications"

    @cached_property
    def field(self) -> str:
        """The field of a command that names an entry: `country`, `operator`, `application`."""
        return {"countries": "country", "operators": "operator", "applications": "application"}[self.value]

    @property
    def endpoint(self) -> Endpoint:
        """Where the provider gives it."""
        return Endpoint(f"all{self.value}")


class Priority(IntEnum):
    """Who goes first when `requests_per_minute` is short: the lowest."""

    MONEY = 0
    QUERY = 1
    POLL = 2
    OFFERS = 3


class Sureness(StrEnum):
    """How sure it is that a field was read at its place."""

    BY_HAND = "by hand"
    TRIED = "tried"
    SURE = "sure"
    DOUBTFUL = "doubtful"
    MISSING = "missing"


class IdDoubt(StrEnum):
    """What is known of whether a list's ids are what the provider takes.

    `open`: another column could be, and trying may tell. `untold`: it could, and trying told nothing. `unread`: nobody
    read the list in this process, and nothing was kept of it, or the journal's may have been read with another column.
    `wrong`: another column is, than the one that the list at hand was read with.
    """

    SETTLED = "settled"
    OPEN = "open"
    UNTOLD = "untold"
    UNREAD = "unread"
    WRONG = "wrong"


class Found(NamedTuple):
    """Where in an answer a field was read, without any value.

    `field` is named as in `[provider.fields]`; `place` and `others` (best first) are in its notation: within a list's
    entry for what stands behind a list's name. `place` None where the answer lacks it. `why`: what speaks for it.
    """

    field: str
    place: str | None
    sureness: Sureness
    others: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may be an id: where an answer holds it, and what stands there.

    `place` is in the notation of `[provider.fields]`; None where that has none, as for a name that is the id.
    """

    place: str | None
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Figure:
    """What may be an amount: where an answer holds it (as in Candidate), and the amount in the answer's unit."""

    place: str
    amount: Decimal = field(repr=False)


@dataclass(frozen=True, slots=True)
class CatalogEntry:
    """A country, operator or application. `names` are all its names, `name` the one to show; `extra` all else said."""

    id: str
    name: str
    names: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


ITS_KEY = '"@key"'
"""The place of the key that an entry stands under: no notation leads there from within it."""


@dataclass(frozen=True, slots=True)
class IdColumn:
    """A column of a list that could be its id.

    `place` is that within an entry, in the notation of `[provider.fields]`, or ITS_KEY. `values` stand beside the
    list's entries, None where one has none there. `likely` False: another column is so plainly the id that this one is
    tried only once that does not work.
    """

    place: str
    values: tuple[str | None, ...] = field(repr=False)
    why: str = ""
    likely: bool = True

    @property
    def shown(self) -> str:
        """The place, for people."""
        return "its key" if self.place == ITS_KEY else self.place


@dataclass(frozen=True, slots=True)
class Catalog:
    """One of the three lists, in the provider's order; ids are unique.

    `ids`: the columns that could be the id, the one in use first.
    """

    kind: CatalogKind
    entries: tuple[CatalogEntry, ...]
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()
    ids: tuple[IdColumn, ...] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Profile:
    """The account. `currency` is `IRR`, `IRT` or the provider's own word; `extra` all else that the provider said.

    `candidates`: every figure that may be the balance, the best first.
    """

    balance: Decimal | None
    currency: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()
    candidates: tuple[Figure, ...] = field(default=(), repr=False, compare=False)

    @property
    def place(self) -> str | None:
        """Where the balance was read; None where nobody says."""
        return next((each.place for each in self.found if each.field == "profile.balance"), None)


@dataclass(frozen=True, slots=True)
class Price:
    """Price and stock of one product; `count` None where the provider says only that there are some (or nothing)."""

    application: str
    price: Decimal | None
    count: int | None
    application_name: str | None = None
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceList:
    """Price and stock of every application of a country and an operator.

    `said`: by list, what the answer's rows themselves call its entries (some of them), whatever its ids are.
    `currency`: the unit of the prices, once the core has taken them.
    """

    country: str
    operator: str
    prices: tuple[Price, ...]
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()
    said: Mapping[CatalogKind, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Purchase:
    """A number that was bought. `lifetime`: seconds that it lives from now, where the provider names it.

    `phone` is in international form with `+` where a dialling code is known. `price`: what was charged, if named.
    `candidates`: all that may be the purchase's id, first the best, which is `purchase`; none where there is nothing to
    find out. `is_tried`: an earlier purchase has shown that the id stands where this one was read.
    """

    purchase: str
    phone: str | None = None
    price: Decimal | None = None
    lifetime: float | None = None
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()
    candidates: tuple[Candidate, ...] = field(default=(), compare=False)
    is_tried: bool = field(default=False, compare=False)


@dataclass(frozen=True, slots=True)
class SmsReading:
    """One SMS as the provider shows it. `provider_id`: the provider's id for it; `code` None where it gives none."""

    code: str | None = field(repr=False)
    text: str | None = field(repr=False)
    sender: str | None = None
    received_at: datetime | None = None
    provider_id: str | None = None

    def within(self, longest: int) -> SmsReading:
        """The same with less than so many characters of text, or with so many of which the last says that it is cut."""
        if self.text is None or len(self.text) < longest:
            return self
        return replace(self, text=f"{self.text[: longest - 1]}…")


FIELDS_BY_HAND = (
    "profile.balance",
    "profile.currency",
    *(f"{kind}{what}" for kind in ("countries", "operators", "applications") for what in ("", ".id", ".name")),
    "prices",
    "prices.application",
    "prices.price",
    "prices.count",
    "price.price",
    "price.count",
    "buy.purchase",
    "buy.phone",
    "buy.price",
    "buy.expires",
    "check.state",
    "check.sms",
    "check.sms.id",
    "check.sms.code",
    "check.sms.text",
    "check.sms.sender",
    "check.sms.time",
    "cancel.refunded",
)
"""What `[provider.fields]` may hold (contract, Settings)."""


class PurchaseState(StrEnum):
    """How a purchase stands, as a `check` says; `received` says nothing of whether more may come."""

    WAITING = "waiting"
    RECEIVED = "received"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class CheckReading:
    """The answer to a `check`. `state` None where not understood; `sms` oldest first; `lifetime`: seconds left."""

    state: PurchaseState | None
    sms: tuple[SmsReading, ...] = ()
    phone: str | None = None
    lifetime: float | None = None
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A `cancel` that the provider carried out. `refunded` None where it does not say that the money went back."""

    refunded: bool | None = True
    unread: tuple[str, ...] = ()
    found: tuple[Found, ...] = field(default=(), repr=False, compare=False)
    doubtful: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known already when an answer is read, so that it can vote on what a field means.

    `age`: seconds since the number that is asked about was bought, where it is ours. `also_ours`: other ids that the
    answer to its `buy` held; a record that bears one of them is no other purchase's.
    """

    country: str | None = None
    operator: str | None = None
    application: str | None = None
    purchase: str | None = None
    phone: str | None = None
    price: Decimal | None = None
    balance: Decimal | None = None
    age: float | None = None
    also_ours: frozenset[str] = frozenset()
    countries: tuple[CatalogEntry, ...] = ()
    operators: tuple[CatalogEntry, ...] = ()
    applications: tuple[CatalogEntry, ...] = ()


# --- what senders ask for -------------------------------------------------------------------------------------------


class Reply(NamedTuple):
    """Where an MQTT 5 sender wants its answer as well."""

    topic: str
    correlation: bytes | None = None


class Asker(Protocol):
    """Whoever gave a command to this daemon alone, by no broker, and is answered where nobody else hears it."""

    def __call__(self, answer: bytes, /) -> None:
        """The answer is on disk, or will never be; what takes it waits for nothing and raises nothing."""
        ...


def nobody(_answer: bytes, /) -> None:
    """An Asker that went with an earlier process."""


class Envelope(NamedTuple):
    """What comes with every command. `command` is its topic under the base topic; `expires_at` the sender's own.

    `asker`: who is answered instead of everybody on `response/…`; None for what came from the broker.
    """

    command: str
    transaction: Transaction | None = None
    expires_at: datetime | None = None
    reply: Reply | None = None
    asker: Asker | None = None

    @property
    def is_query(self) -> bool:
        """Whether it only asks."""
        return self.command.partition("/")[0] == "query"


class Named(NamedTuple):
    """An id or a name that somebody sent; `is_id`: it was a JSON integer."""

    text: str
    is_id: bool = False


class Among(NamedTuple):
    """The countries and operators that a `buy` may be carried out with, one pair after the other.

    Of those that were no list there is one, or none where the field was left out. `cheapest`: in the order of their
    prices, else as they are listed.
    """

    countries: tuple[Named, ...] = ()
    operators: tuple[Named, ...] = ()
    cheapest: bool = False


@dataclass(frozen=True, slots=True)
class Buy:
    """Buy a number. A field left out is None; JSON integers are text here, and `is_id` names their fields.

    `among`: its country or its operator was a list, and both stand there and not in their own fields.
    """

    country: str | None = None
    operator: str | None = None
    application: str | None = None
    max_price: Decimal | None = None
    is_id: frozenset[str] = frozenset()
    min_price: Decimal | None = None
    among: Among | None = None

    @property
    def least(self) -> Decimal | None:
        """The lowest price that is believed; None where any is (0 is like none)."""
        return self.min_price or None


class Target(NamedTuple):
    """An order or a purchase. Exactly one of `order`, `purchase`, `either` is set; `order` may be `current`."""

    order: str | None = None
    purchase: str | None = None
    either: str | None = None


class Cancel(NamedTuple):
    """Cancel an order or a purchase."""

    target: Target


@dataclass(frozen=True, slots=True)
class SetDefault:
    """Set `defaults/<field>`; an empty `value` goes back to the settings file's."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class SetBuying:
    """The safety switch."""

    on: bool


class Resolve(NamedTuple):
    """The operator settles an order in state `unknown`; `purchase` and `phone` are set where `bought`."""

    order: str
    bought: bool
    purchase: str | None = None
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class QueryProfile:
    """Account and balance."""


class QueryCatalog(NamedTuple):
    """One of the three lists."""

    kind: CatalogKind


class QueryPrices(NamedTuple):
    """The price list of a country and an operator."""

    country: str | None = None
    operator: str | None = None
    is_id: frozenset[str] = frozenset()


class QueryPrice(NamedTuple):
    """One product's price and stock."""

    country: str | None = None
    operator: str | None = None
    application: str | None = None
    is_id: frozenset[str] = frozenset()


class QueryOffers(NamedTuple):
    """Where an application can be had. No country, or no operator: all that the settings and the lists hold.

    `max_age`: seconds that a price list may be old. `wait`: until all that is older was read.
    """

    countries: tuple[Named, ...] = ()
    operators: tuple[Named, ...] = ()
    application: Named | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    min_count: int = 1
    limit: int = 20
    max_age: float = 3600.0
    wait: bool = True


class QueryCheck(NamedTuple):
    """Ask the provider for the SMS of an order or a purchase now."""

    target: Target


class QueryOrders(NamedTuple):
    """Orders from the journal, newest first. `state` is `open`, `closed` or `all`."""

    state: str = "open"
    limit: int = 50


class QueryStatistics(NamedTuple):
    """What was bought in the last so many days, today one of them, and what came of it, by each of some fields."""

    days: int = 30
    by: tuple[str, ...] = ("application",)


Action = Buy | Cancel | SetDefault | SetBuying | Resolve
"""What changes something, and is in the journal before it is acknowledged."""
Query = (
    QueryProfile | QueryCatalog | QueryPrices | QueryPrice | QueryOffers | QueryCheck | QueryOrders | QueryStatistics
)
"""What only asks, and leaves no trace on the disk."""
Request = Action | Query


class Parsed(NamedTuple):
    """A command that was understood.

    `content` is the same for two commands that ask for the same; empty for queries, which nobody compares.
    """

    envelope: Envelope
    request: Request
    content: str


class Unparsed(NamedTuple):
    """A message on a command topic that is no command; `error` says why."""

    envelope: Envelope
    error: ShomareError


@dataclass(frozen=True, slots=True)
class Incoming:
    """One message on a command topic, as the broker gave it. `topic` is whole, base topic and all.

    `expiry`: seconds of MQTT 5's Message Expiry Interval that were left. `packet_id` is that of the PUBLISH. `asker`:
    of a command that came by no broker.
    """

    topic: str
    payload: bytes = field(repr=False)
    retain: bool = False
    dup: bool = False
    packet_id: int = 0
    reply: Reply | None = None
    expiry: float | None = None
    asker: Asker | None = field(default=None, repr=False)


class Ack(Protocol):
    """Sends a message's PUBACK, once."""

    def __call__(self, heard: Callable[[], None] | None = None) -> None:
        """`heard` is called once the broker is known to have read it, and never where nobody can tell."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message to publish. `topic` stands under the base topic, or is whole where `absolute`."""

    topic: str
    payload: bytes = field(repr=False)
    retain: bool = False
    absolute: bool = False
    correlation: bytes | None = None
