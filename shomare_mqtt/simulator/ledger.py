"""The wallet and the purchases: what was really bought, paid back and delivered, whatever the answers said."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.simulator.catalog import Offer
    from shomare_mqtt.simulator.options import SimulatorOptions

FIRST_PURCHASE = 74001


class State(StrEnum):
    """How a purchase stands."""

    WAITING = "waiting"
    RECEIVED = "received"
    CANCELLED = "cancelled"
    TIMEOUT = "timeout"
    FINISHED = "finished"
    BANNED = "banned"


LIVE = frozenset({State.WAITING, State.RECEIVED})


class CancelRefusedError(ValueError):
    """A cancel that is not carried out; the message says why. `gone`: it was cancelled before."""

    def __init__(self, message: str, *, gone: bool = False) -> None:
        super().__init__(message)
        self.gone = gone


@dataclass(slots=True)
class Message:
    """An SMS. `at`: when it comes or came, by the ledger's clock. `shown`: a `check` handed it out completely."""

    id: str
    code: str | None
    text: str
    sender: str
    at: float
    shown: bool = False


@dataclass(slots=True)
class Purchase:
    """One number. `planned` is still to come, `sms` has come; `created` and `expires` are by the ledger's clock.

    `phone` is in international form without `+`, and begins with `dialling`. `by_hand`: it was bought on the provider's
    site; `ended_by_hand`: it was cancelled there. `ended`: when it ended, by the ledger's clock.
    """

    purchase: str
    country: str
    operator: str
    application: str
    phone: str
    dialling: str
    price: Decimal
    created: float
    expires: float
    state: State = State.WAITING
    refunded: bool = False
    by_hand: bool = False
    ended_by_hand: bool = False
    ended: float | None = None
    planned: list[Message] = field(default_factory=list)
    sms: list[Message] = field(default_factory=list)


@dataclass(slots=True)
class Ledger:
    """Balance and purchases. Nothing happens by itself: what is due is done when a purchase is looked at.

    `monotonic` gives seconds that never jump. `version` grows with every change that is worth keeping.
    """

    balance: Decimal
    monotonic: Callable[[], float]
    blocked: bool = False
    next_purchase: int = FIRST_PURCHASE
    purchases: dict[str, Purchase] = field(default_factory=dict)
    unbooked: list[tuple[float, Decimal]] = field(default_factory=list)
    version: int = 0

    def shown_balance(self) -> Decimal:
        """The balance as `profile` shows it: without what is not booked yet."""
        now = self.monotonic()
        self.unbooked = [(due, amount) for due, amount in self.unbooked if due > now]
        return self.balance - sum((amount for _, amount in self.unbooked), Decimal(0))

    def buy(self, offer: Offer, options: SimulatorOptions) -> Purchase:
        """Take the money and hand out a number. The caller has looked at balance and stock."""
        number = self.next_purchase
        self.next_purchase += 1
        chance = Random(f"{options.seed}:{number}")  # noqa: S311 - repeatable on purpose
        now = self.monotonic()
        bought = Purchase(
            purchase=str(number),
            country=offer.country.id,
            operator=offer.operator.id,
            application=offer.application.id,
            phone=_phone(offer.country.dialling, number, chance),
            dialling=offer.country.dialling,
            price=offer.price,
            created=now,
            expires=now + options.lifetime,
        )
        bought.planned = _plan(bought, offer.application.name, options, chance)
        self.purchases[bought.purchase] = bought
        self._move(-offer.price, options.book_delay)
        return bought

    def look(self, purchase: str, options: SimulatorOptions) -> Purchase | None:
        """A purchase as it stands now; None where there is none."""
        found = self.purchases.get(purchase)
        if found is not None:
            self._settle(found, options)
        return found

    def cancel(self, bought: Purchase, options: SimulatorOptions) -> None:
        """Cancel and pay back. Raises CancelRefusedError where an SMS came, too early, or where it ended before."""
        self._settle(bought, options)
        if bought.state in (State.CANCELLED, State.BANNED):
            raise CancelRefusedError("this number was cancelled before", gone=True)
        if bought.state not in LIVE:
            raise CancelRefusedError("this number's time is over")
        if bought.sms:
            raise CancelRefusedError("a number that received an SMS cannot be cancelled")
        if self.monotonic() - bought.created < options.cancel_min_age:
            raise CancelRefusedError("it is too early to cancel this number")
        self._end(bought, State.CANCELLED, options, refund=True)

    def end(self, bought: Purchase, state: State, options: SimulatorOptions) -> None:
        """The provider itself ends a purchase; money goes back as it would (no SMS, and not merely timed out)."""
        self._settle(bought, options)
        refund = not bought.sms and (state is not State.TIMEOUT or options.refund_on_timeout)
        self._end(bought, state, options, refund=refund)

    def deliver(self, bought: Purchase, text: str, code: str | None, options: SimulatorOptions) -> Message:
        """An SMS comes now, also to a number whose time is over."""
        self._settle(bought, options)
        count = len(bought.sms) + len(bought.planned) + 1
        message = Message(f"{bought.purchase}-x{count}", code, text, "Simulator", self.monotonic())
        bought.sms.append(message)
        if bought.state is State.WAITING:
            bought.state = State.RECEIVED
        self.version += 1
        return message

    def mark_shown(self, messages: tuple[Message, ...]) -> None:
        """These SMS were handed out."""
        if any(not message.shown for message in messages):
            self.version += 1
        for message in messages:
            message.shown = True

    def set_balance(self, balance: Decimal) -> None:
        """Another balance, booked at once."""
        self.balance = balance
        self.unbooked.clear()
        self.version += 1

    def _settle(self, bought: Purchase, options: SimulatorOptions) -> None:
        if bought.state not in LIVE:
            return
        now = min(self.monotonic(), bought.expires)
        while bought.planned and bought.planned[0].at <= now:
            bought.sms.append(bought.planned.pop(0))
            bought.state = State.RECEIVED
            self.version += 1
        if now < bought.expires:
            return
        if bought.sms:
            self._end(bought, State.FINISHED, options, refund=False)
        else:
            self._end(bought, State.TIMEOUT, options, refund=options.refund_on_timeout)

    def _end(self, bought: Purchase, state: State, options: SimulatorOptions, *, refund: bool) -> None:
        bought.state = state
        bought.ended = min(self.monotonic(), bought.expires)
        bought.planned.clear()
        self.version += 1
        if refund and not bought.refunded:
            bought.refunded = True
            self._move(bought.price, max(options.book_delay, options.refund_delay))

    def _move(self, amount: Decimal, delay: float) -> None:
        self.balance += amount
        self.version += 1
        if delay:
            self.unbooked.append((self.monotonic() + delay, amount))


def _phone(dialling: str, number: int, chance: Random) -> str:
    """Unique by its last digits, which are the purchase's."""
    return f"{dialling}9{chance.randrange(1000):03d}{number % 1_000_000:06d}"


def _plan(bought: Purchase, application: str, options: SimulatorOptions, chance: Random) -> list[Message]:
    """The SMS that will come."""
    plan = []
    for index in range(options.sms_count):
        code = options.code or str(chance.randrange(10_000, 1_000_000))
        text = f"{application} code: {code}. Do not give it to anyone."
        at = bought.created + options.sms_delay + index * options.sms_interval
        plan.append(Message(f"{bought.purchase}-{index + 1}", code, text, application, at))
    return plan
