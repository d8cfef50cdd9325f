"""What the journal keeps, and what one transaction writes: plain data between the core and the journal."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from shomare_mqtt import topics
from shomare_mqtt.core import render
from shomare_mqtt.model import Message

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from shomare_mqtt.core.bridge_events import BridgeEvent
    from shomare_mqtt.model import Candidate, ErrorInfo, Incoming, Order, Sms, Transaction

T = TypeVar("T")


def stored(text: str | None, kind: type[T], otherwise: T) -> T:
    """What a single value of the journal says as JSON; `otherwise` where there is none, or none that is of use."""
    try:
        value = json.loads(text) if text else otherwise
    except (ValueError, RecursionError):
        return otherwise
    return value if isinstance(value, kind) else otherwise


LONGEST_LIFE = 86400.0
"""Seconds that a number is believed to live, at most."""


class Evidence(NamedTuple):
    """What is known of the money from before a `buy` was sent.

    `balance` was asked for at `asked` and told at `told` (steady seconds), ten seconds before the request at most; None
    where none could be read so late. `moves` is the journal's count of known money movements, `quiet` whether no refund
    was near that reading, so that an unchanged balance means something. `place`: where in the answer it was read.
    """

    balance: Decimal | None = None
    moves: int = 0
    quiet: bool = True
    asked: float = float("-inf")
    told: float = float("inf")
    place: str | None = None


class Ids(NamedTuple):
    """What the answer to a `buy` held that may be the purchase's id; first the one that was taken.

    `is_tried`: an earlier purchase has shown that one's place to be right. `is_confirmed`: a check told which it is,
    and the order's `purchase` is that one. `is_told`: its owner knows that the provider knows none of them.
    """

    candidates: tuple[Candidate, ...]
    is_tried: bool = False
    is_confirmed: bool = False
    is_told: bool = False

    @property
    def values(self) -> frozenset[str]:
        """All of them."""
        return frozenset(each.value for each in self.candidates)


@dataclass(frozen=True, slots=True)
class Record:
    """An order with what only the journal and the core need of it.

    `made` and `deadline` and `closed` are in steady seconds (see core.clock.SteadyTime): they survive jumps of the wall
    clock. `made`: when what may be bought was written down, with alternatives the newest pair; `began`: when the first
    pair was, where that is another one. `settled` tells that no more evidence is taken for an order in state `unknown`.
    `cancel_sent`: a cancel of ours may have been carried out without our knowing; `refusal`: the provider's last no to
    one. `ids_stay` and `shows_all`: see orders.sameness.Manner. `by_hand`: the operator settled it, and said which
    purchase it is, and its number, or that it is none. `ids`: None where there is nothing to find out.
    """

    order: Order
    made: float
    deadline: float | None = None
    closed: float | None = None
    evidence: Evidence = field(default_factory=Evidence)
    settled: bool = True
    command: int | None = None
    cancel_sent: bool = False
    refusal: ErrorInfo | None = None
    ids_stay: bool = False
    shows_all: bool = False
    by_hand: bool = False
    ids: Ids | None = None
    began: float | None = None

    @property
    def was_there(self) -> float:
        """Since when there is the order, in steady seconds."""
        return self.made if self.began is None else self.began

    @property
    def told_phone(self) -> str | None:
        """The number, where the provider told it: one that the operator typed is no proof of whose an answer is."""
        return None if self.by_hand else self.order.phone

    @property
    def is_unsure(self) -> bool:
        """Whether a check is yet to tell that its purchase's id is the right one, and no earlier purchase told it."""
        return self.ids is not None and not (self.ids.is_confirmed or self.ids.is_tried)

    @property
    def has_rivals(self) -> bool:
        """Whether another id may be its purchase's, and no check has told yet."""
        return self.ids is not None and not self.ids.is_confirmed and len(self.ids.candidates) > 1

    @property
    def shown_first(self) -> str | None:
        """The purchase that it was shown with before a check told."""
        return self.ids.candidates[0].value if self.ids is not None else None

    @property
    def also_ours(self) -> frozenset[str]:
        """All ids that the answer to its `buy` held."""
        return self.ids.values if self.ids is not None else frozenset()


class MessageKind(StrEnum):
    """What a message in the outbox is; an SMS is never dropped."""

    ANSWER = "answer"
    EVENT = "event"
    SMS = "sms"


class Notice(NamedTuple):
    """What its owner has to see of an order that goes on; over when that closes. `message`: a whole sentence."""

    order: str
    event: BridgeEvent
    message: str
    at: datetime


class Posting(NamedTuple):
    """A message to put into the outbox."""

    kind: MessageKind
    message: Message


def bridge_posting(event: BridgeEvent, message: str, **more: Any) -> Posting:
    """An `event/bridge`: what an operator should see."""
    payload = render.dumps({"event_type": event.value, "message": message, **more})
    return Posting(MessageKind.EVENT, Message(topics.BRIDGE_EVENT, payload))


class OutboxRow(NamedTuple):
    """A message in the outbox, in the order of `row`."""

    row: int
    kind: MessageKind
    message: Message


class NewSms(NamedTuple):
    """An SMS to store with an order, or in the place of one with its id; `told`: it was told of before."""

    order: str
    sms: Sms
    told: bool = False


class Done(NamedTuple):
    """A command that was answered. `answer` is stored for a repeat of its transaction, or of its delivery.

    `is_free`: nothing was done, and its transaction may be used again.
    """

    row: int
    answer: bytes | None = None
    order: str | None = None
    is_free: bool = False


@dataclass(slots=True, eq=False, repr=False)
class Batch:
    """What one transaction writes: all of it or nothing. `moves`: known money movements to count.

    `retained`: whole topics that are published retained once it is on disk. `answers`: what is called then, of those
    who wait for an answer in this process. `notices`: what is told of orders then; it stands in `meta`, too.
    """

    records: list[Record] = field(default_factory=list)
    sms: list[NewSms] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    done: list[Done] = field(default_factory=list)
    meta: dict[str, str | None] = field(default_factory=dict)
    moves: int = 0
    retained: list[str] = field(default_factory=list)
    answers: list[Callable[[], object]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


HERE = "here"
"""In the place of the broker's session, whose name `new_id` made: of commands that came by no broker."""


class Arrival(NamedTuple):
    """A command to be journalled before the broker gets its PUBACK.

    `session` and the packet id name one delivery of the broker's; `keyed` is the transaction of a command that it makes
    safe to send again; `postings` are sent at once (an answer to what is no command), and the command is then done;
    `on_conflict` are sent where its transaction was used with another content, and it is then done as well. `written`,
    of one that comes alone: where it is new, it need not be on disk before what is written next (or `Journal.write`),
    and that is called once it is, else at once; None: it has to be. `refusal`: the answer to what is no command, to be
    kept also where somebody waits for it here.
    """

    incoming: Incoming
    command: str
    content: str
    session: str
    received_at: datetime
    received: float
    keyed: Transaction | None = None
    postings: tuple[Posting, ...] = ()
    on_conflict: tuple[Posting, ...] = ()
    written: Callable[[], object] | None = None
    refusal: bytes | None = None


class Press(NamedTuple):
    """A `buy` without a transaction that was not refused; `received` in steady seconds, `digest` of its content."""

    row: int
    digest: str
    received: float


class Answered(NamedTuple):
    """A command that was answered: its row, its answer as it was stored, the order that it is about.

    `received` in steady seconds.
    """

    row: int
    command: str
    answer: bytes
    order: str | None
    received_at: datetime
    received: float


def content_digest(content: str) -> str:
    """What the journal keeps of a command's content, to know the same again by."""
    return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


class ArrivalKind(StrEnum):
    """What the journal found when a command arrived."""

    NEW = "new"
    REDELIVERED = "redelivered"
    REPEATED = "repeated"
    CONFLICT = "conflict"
    NO_ROOM = "no_room"
    """The disk is full: it was not taken."""


class ArrivalResult(NamedTuple):
    """`row` is the command's own row; of a repeat `first` is the row it repeats, `answer` what was answered to that.

    Of a redelivery `row` is that of the first delivery, `answer` what was answered to it, None while it is not.
    """

    kind: ArrivalKind
    row: int
    first: int | None = None
    answer: bytes | None = None


class PendingCommand(NamedTuple):
    """A command that was taken and not answered when the last process ended; `first`: it repeats that row."""

    row: int
    incoming: Incoming
    received_at: datetime
    received: float
    first: int | None = None


JOURNAL, JOURNALS_KNOWN, JOURNAL_PAUSE = "journal", "journals_known", "journal_pause"
"""Keys of a batch's `meta`: the journal's name, and `known` (JSON) and `pause` of its identity."""
PAUSED_AT = "journal_paused_at"
"""When that pause began."""


_NAME = re.compile(r"[!-~]{1,100}")
_ENDLESS = 2**63


class JournalMark(NamedTuple):
    """`bridge/journal`: which journal, and how far it has come."""

    journal: str
    sequence: int

    @classmethod
    def read(cls, payload: bytes | None) -> JournalMark | None:
        """What a broker holds; None where that is nothing of ours."""
        try:
            body = json.loads(payload or b"")
        except (ValueError, RecursionError):
            return None
        name, sequence = (body.get("journal"), body.get("sequence")) if isinstance(body, dict) else (None, None)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return None
        return cls(name, sequence) if type(sequence) is int and 0 <= sequence < _ENDLESS else None

    def payload(self) -> bytes:
        """As it is published."""
        return render.dumps({"journal": self.journal, "sequence": self.sequence})


@dataclass(frozen=True, slots=True)
class JournalIdentity:
    """What tells a journal from others, as it was when it was opened.

    `sequence`: how many transactions changed orders or took commands. `sms_key`: what ids of SMS are made with.
    `known`: other journals that were found on the broker, and how far they had come; what became of that is settled.
    `pause`: buying pauses since an older copy was found to be in use, at `paused_at` (None: nobody wrote that down);
    the row of the last command from before that.
    """

    name: str
    sequence: int
    sms_key: bytes = field(repr=False)
    known: Mapping[str, int] = field(default_factory=dict)
    pause: int | None = None
    paused_at: datetime | None = None


class Outcome(StrEnum):
    """What came of orders, as the figures tell it; what is being asked for is in none."""

    OPEN = "open"
    """Bought; no SMS yet."""
    RECEIVED = "received"
    """Bought; at least one SMS."""
    UNUSED = "unused"
    """Bought; over without an SMS."""
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def is_purchase(self) -> bool:
        """Whether something was certainly bought."""
        return self not in (Outcome.FAILED, Outcome.UNKNOWN)


class Counted(NamedTuple):
    """`orders`: so many that are alike; `newest` is the row of the newest.

    `key`: the ids that they are told apart by. `cost`: money, of one order; of an unknown one what is known to be gone.
    `seconds`: until the first SMS; None where there is none.
    """

    key: tuple[str, ...]
    outcome: Outcome
    refunded: bool
    cost: Decimal
    seconds: float | None
    orders: int
    newest: int


class Stretch(NamedTuple):
    """Orders that were made from one steady moment to before another."""

    first: float
    until: float
    alike: list[Counted]


class Names(NamedTuple):
    """What a product's country, operator and application are called, each where that is known."""

    country: str | None
    operator: str | None
    application: str | None


class PlaceSuccess(NamedTuple):
    """How it went with an application in one country with one operator: purchases, those with an SMS, those without.

    What is open yet is neither `received` nor `unused`.
    """

    orders: int
    received: int
    unused: int

    @property
    def success(self) -> float | None:
        """The part that got an SMS, from 0 to 1; None below three orders: that tells nothing (contract, Answers)."""
        over = self.received + self.unused
        return self.received / over if over and self.orders >= FEWEST else None


FEWEST = 3
"""Orders below which a rate of success tells nothing."""


class SpendFacts(NamedTuple):
    """What the limits count, at one moment: money that counts today, purchases, numbers that got no SMS."""

    spent_today: Decimal
    bought_last_hour: int
    open_orders: int
    unused_today: int


class Condition(NamedTuple):
    """What must hold of the limits' counts where a batch is written, in that very moment, else nothing of it is.

    `check` raises CommandRefusedError where it does not; it is called in the journal's thread, and looks at nothing
    that changes. The day began `today` seconds ago, `lifetime` is how long an order in doubt counts as open. `but`: the
    order that is written, where it counts already.
    """

    check: Callable[[SpendFacts], None]
    today: float
    lifetime: float
    but: str | None = None
