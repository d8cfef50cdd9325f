"""The one place that may spend: a `buy`, from its limits to its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.ids import new_id
from shomare_mqtt.core.masking import masked_phone, trace_of
from shomare_mqtt.core.orders.costs import about_price, above_limit, counted
from shomare_mqtt.core.orders.evidence import Witness
from shomare_mqtt.core.orders.noticed import put
from shomare_mqtt.core.orders.settling import unknown_error
from shomare_mqtt.core.records import LONGEST_LIFE, Batch, Evidence, Ids, Record, bridge_posting
from shomare_mqtt.core.render import Answer, Status, error_info, order_json
from shomare_mqtt.core.tickets import Outcome, Ticket
from shomare_mqtt.errors import (
    CommandRefusedError,
    ErrorCode,
    OutcomeUnknownError,
    ProviderError,
    ProviderRefusedError,
    ProviderUnreachableError,
    ShomareError,
)
from shomare_mqtt.model import Endpoint, ErrorInfo, Order, OrderState, Priority, Product, Purchase

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping
    from decimal import Decimal

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.guard import Guard
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.orders.wanted import Wanted
    from shomare_mqtt.core.ports import Extensions
    from shomare_mqtt.model import Buy, Try


class UnfitError(Exception):
    """A product is refused here for its price, or that cannot be read: with another one it may be otherwise."""

    def __init__(self, price: Decimal | None, error: CommandRefusedError | ProviderError) -> None:
        super().__init__(error.message)
        self.price = price
        self.error = error


@dataclass(frozen=True, slots=True)
class Attempt:
    """One product that a command asks for. `edition`: that of the lists that its ids are of.

    `tries`: what the command tried before it in vain. `hold`: raises CommandRefusedError where it must not be sent, for
    a reason that only whoever made it knows.
    """

    ticket: Ticket
    request: Buy
    product: Product
    edition: int
    tries: tuple[Try, ...] = ()
    hold: Callable[[], object] = lambda: None


class Ready(NamedTuple):
    """What is known of a product that may be bought: its price, the money, and the limits that were asked."""

    price: Decimal | None
    evidence: Evidence
    limits: Mapping[str, object]


class Refused(NamedTuple):
    """A purchase that was written down, and of which nothing came: nothing was bought, for sure."""

    record: Record
    error: CommandRefusedError | ProviderRefusedError | ProviderUnreachableError


class Buyer:
    """Buys numbers: limits, vetoes, the intent in the journal, one request, its outcome."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        guard: Guard,
        wanted: Wanted,
        extensions: Extensions,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._provider = market.provider
        self._guard = guard
        self._wanted = wanted
        self._prices = market.prices
        self._account = market.account
        self._witness = Witness(settings, clock, ledger, market.account)
        self._defaults = market.defaults
        self._extensions = extensions
        self._logger = logger
        self._intended: dict[str, Decimal | None] = {}
        """Prices of orders that are about to be written down."""
        self._charged: dict[str, tuple[float, Decimal]] = {}

    async def buy(self, ticket: Ticket, request: Buy, known: int) -> Outcome:
        """Carry out one `buy`; `known`: the lists' edition when it came. Raises CommandRefusedError, ProviderError.

        Then nothing was bought, and no order made.
        Cancelling this is safe until the intent is in the journal; after that the order stays `buying`, and the next
        start makes it `unknown`.
        """
        self._guard.check_paused(here=ticket.is_asked_here)
        product, edition = await self._wanted.one(ticket, request, known)
        attempt = Attempt(ticket, request, product, edition)
        try:
            ready = await self.ready(attempt)
        except UnfitError as unfit:
            raise unfit.error from None
        record = await self.intend(attempt, ready)
        asked = await self.ask(attempt, ready, record)
        if not isinstance(asked, Refused):
            return asked
        outcome = self.failed(*asked)
        outcome.after = self.telling(asked.error)
        return outcome

    def _max_price(self, request: Buy) -> Decimal | None:
        return self._guard.max_price(request.max_price, self._defaults.max_price)

    # --- before anything is spent -----------------------------------------------------------------------------------

    async def ready(self, attempt: Attempt, record: Record | None = None) -> Ready:
        """What every limit and every plugin has allowed; `record`: the order, where there is one already.

        Raises CommandRefusedError, ProviderError; UnfitError where it is the price alone.
        """
        request, product, own = attempt.request, attempt.product, _own(record)
        limits: Mapping[str, object] = {}
        while limits != self._guard.limits:  # the settings were read again: what they ask for may be something else
            limits = self._guard.limits
            max_price = self._max_price(request)
            facts = await self._guard.facts(own)
            self._guard.check_facts(facts, None)
            price = await self._allowed_price(product, request, max_price)
            if self._guard.needs_price(max_price, request.least):  # it was asked for, and time went by
                facts = await self._guard.facts(own)
            self._guard.check_facts(facts, price)
            await self._extensions.authorize_buy(product, price, facts.spent_today)
            evidence = await self._witness.take(needed=self._guard.needs_balance)
        return Ready(price, evidence, limits)

    async def _allowed_price(self, product: Product, request: Buy, max_price: Decimal | None) -> Decimal | None:
        """The price, which the limits for one number allow. Raises UnfitError."""
        price = None
        try:
            price = await self._price(product, needed=self._guard.needs_price(max_price, request.least))
            self._guard.check_price(price, max_price)
            self._guard.check_least(price, request.least)
        except (CommandRefusedError, ProviderError) as error:
            raise UnfitError(price, error) from None
        return price

    async def _price(self, product: Product, *, needed: bool) -> Decimal | None:
        """The price where a limit needs it, else as it is known. Raises ProviderError, also where it cannot be read."""
        if not needed:
            last = self._prices.last(product)
            return last.price if last else None
        price = (await self._prices.read_price(product, Priority.MONEY)).price
        if price is None or price <= 0:  # nobody sells for nothing: it was not told, or not understood
            raise ProviderError(
                ErrorCode.MALFORMED_ANSWER,
                "a limit needs the price, and the provider's answer names none; nothing was bought",
            )
        return price

    async def intend(self, attempt: Attempt, ready: Ready, record: Record | None = None) -> Record:
        """The last look at every limit, and the intent, durable. Raises CommandRefusedError.

        Two cannot both take the last that a limit allows: the counts are looked at as it is written, and what is left
        of the balance is less by what others are about to write. `record`: the order, where it was made with another
        product, which was refused.
        """
        price, own = ready.price, _own(record)
        self._permit(attempt)
        self._guard.check_balance(self._left(own), price)
        batch = Batch()
        record = (
            self._made(batch, attempt, ready) if record is None else self._made_again(batch, attempt, ready, record)
        )
        order = record.order
        self._intended[order.order] = price
        try:
            await self._ledger.commit(batch, self._guard.condition(price, own))
        finally:
            del self._intended[order.order]
        cost = "" if price is None else f" for {self._account.said(price)}"
        self._logger.info("order %s: buying %s%s", order.order, described(order.product), cost)
        return record

    def _made(self, batch: Batch, attempt: Attempt, ready: Ready) -> Record:
        """A new order."""
        ticket, now = attempt.ticket, self._time.wall()
        order = Order(
            order=new_id(now),
            state=OrderState.BUYING,
            product=attempt.product,
            created_at=now,
            updated_at=now,
            transaction=ticket.envelope.transaction,
            price=ready.price,
            tries=attempt.tries,
        )
        record = Record(order, made=self._time.mark(), evidence=ready.evidence, settled=False, command=ticket.row)
        self._ledger.created(batch, record)
        return record

    def _made_again(self, batch: Batch, attempt: Attempt, ready: Ready, record: Record) -> Record:
        """The order with another product: from now on it counts by that one's moment and price."""
        record = replace(record, made=self._time.mark(), began=record.was_there, evidence=ready.evidence)
        return self._ledger.changed(batch, record, product=attempt.product, price=ready.price, tries=attempt.tries)

    def _permit(self, attempt: Attempt) -> None:
        """Raise CommandRefusedError where a purchase must not be sent any more."""
        attempt.hold()
        self._wanted.check_edition(attempt.edition)
        attempt.ticket.check_expired(self._time)
        self._guard.check_paused(here=attempt.ticket.is_asked_here)

    def _left(self, but: str | None = None) -> Decimal | None:
        """The balance, less what is being bought (but for an order), and was bought since the balance was asked for."""
        balance, asked_at = self._account.balance, self._account.asked_at
        if balance is None:
            return None
        self._charged = {order: charged for order, charged in self._charged.items() if charged[0] > asked_at}
        spent = {r.order.order: r.order.price for r in self._ledger.open() if r.order.state is OrderState.BUYING}
        spent |= self._intended
        spent |= {order: price for order, (_, price) in self._charged.items()}
        spent.pop(but or "", None)
        return balance - sum(p for p in spent.values() if p is not None)

    # --- the request and its outcome --------------------------------------------------------------------------------

    async def _check_again(self, request: Buy, price: Decimal | None, limits: Mapping[str, object]) -> None:
        """Raise CommandRefusedError where limits that hold since `limits` did say no to what is written down by now."""
        while limits != self._guard.limits:
            limits = self._guard.limits
            self._guard.check_unsent(await self._guard.facts(), price, self._max_price(request))
            left = self._left()
            self._guard.check_balance(None if left is None else left + (price or 0), price)

    async def ask(self, attempt: Attempt, ready: Ready, record: Record) -> Outcome | Refused:
        """Ask the provider once. Nothing is awaited between its answer and the outcome."""
        request, product, price = attempt.request, record.order.product, record.order.price
        max_price = self._max_price(request)
        known = self._prices.known(product, price)
        permit = _Permit(
            record,
            lambda: self._permit(attempt),
            lambda: self._check_again(request, price, ready.limits),
            self._witness,
        )
        try:
            purchase = self._untaken(await self._provider.buy(product, known=known, permit=permit))
        except (CommandRefusedError, ProviderRefusedError, ProviderUnreachableError) as error:
            return Refused(permit.record, error)
        except ProviderError as error:
            return self._unknown(permit.record, error)
        except Exception as error:  # noqa: BLE001 - whatever happened after the request, the number may be bought
            self._logger.error(  # noqa: TRY400 - the exception's own words may repeat what the provider said
                "order %s: a fault of this program: %s", record.order.order, trace_of(error)
            )
            return self._unknown(
                permit.record,
                OutcomeUnknownError(ErrorCode.OUTCOME_UNKNOWN, f"a fault of this program ({type(error).__name__})"),
            )
        if holder := self._ledger.claim(purchase.purchase, record.order.order):
            message = f"the provider answered with purchase {purchase.purchase}, which is that of order {holder}"
            return self._unknown(permit.record, OutcomeUnknownError(ErrorCode.OUTCOME_UNKNOWN, message))
        return self._bought(permit.record, purchase, max_price, permit.left)

    def _untaken(self, purchase: Purchase) -> Purchase:
        """The purchase by the best of its ids that no other order has; a number answered twice keeps the one it has.

        Its phone number tells: what another number's order has is that one's id, and not this one's.
        """
        holder = self._ledger.get(self._ledger.holder(purchase.purchase) or "")
        if holder is None or holder.told_phone is None or purchase.phone in (None, holder.told_phone):
            return purchase
        free = [each for each in purchase.candidates if self._ledger.holder(each.value) is None]
        if not free:
            return purchase
        taken = [each for each in purchase.candidates if each not in free]
        return replace(purchase, purchase=free[0].value, candidates=(*free, *taken), is_tried=False)

    def failed(self, record: Record, error: ShomareError) -> Outcome:
        """The outcome of an order of which nothing was bought."""
        info = error_info(error)
        batch = Batch()
        failed = self._ledger.changed(batch, replace(record, settled=True), state=OrderState.FAILED, error=info)
        self._logger.warning("order %s failed, nothing was bought: %s", record.order.order, error.message)
        return Outcome(Answer.failed(error, failed.order.order), batch)

    def telling(self, error: ShomareError) -> Callable[[], Awaitable[None]] | None:
        """What says of the provider how the purchase ended, where it was asked."""
        return partial(self._provider.tell, Endpoint.BUY, error) if isinstance(error, ProviderError) else None

    def _unknown(self, record: Record, error: ProviderError) -> Outcome:
        batch = Batch()
        changed = unknown(self._ledger, batch, record, error.message, error_info(error))
        self._logger.error("order %s: %s", record.order.order, changed.order.error and changed.order.error.message)
        data = order_json(changed.order, codes=True)
        answer = Answer(
            Status.UNKNOWN, data, changed.order.error, changed.order.order, told=_told(changed.order, error)
        )
        return Outcome(answer, batch, lambda: self._provider.tell(Endpoint.BUY, error))

    def _bought(self, record: Record, purchase: Purchase, max_price: Decimal | None, asked: float) -> Outcome:
        now, order = self._time.now(), record.order
        lifetime = self._lifetime(purchase, now - asked)
        price = counted(order.price, purchase.price)
        if self._guard.needs_balance and price is not None:
            self._charged[order.order] = now, price
        batch = Batch(moves=1)
        changed = self._ledger.changed(
            batch,
            replace(record, deadline=now + lifetime, settled=True, ids=_ids(purchase)),
            state=OrderState.WAITING,
            purchase=purchase.purchase,
            phone=purchase.phone,
            price=price,
            expires_at=self._clock.now() + timedelta(seconds=lifetime),
        )
        batch.postings.extend(about_price(order, purchase.price, price, max_price, self._account.said))
        if (dearer := above_limit(changed.order, max_price, self._account.said)) is not None:
            put(batch, dearer)
        self._logger.info(
            "order %s: bought %s, %s, price %s",
            order.order,
            described(order.product),
            masked_phone(purchase.phone),
            "not told" if price is None else self._account.said(price),
        )
        answer = Answer.ok(order_json(changed.order, codes=True), order.order)
        return Outcome(answer, batch, lambda: self._provider.tell(Endpoint.BUY, purchase))

    def _lifetime(self, purchase: Purchase, gone: float) -> float:
        """Seconds that a number lives from now: by the answer, where that can be believed, else by the settings.

        A life that the provider does not name began, at the earliest, when it was asked, `gone` seconds ago.
        """
        said = purchase.lifetime
        return said if said is not None and 0 < said <= LONGEST_LIFE else self._settings.now.orders.lifetime - gone


class _Permit:
    """What holds back a purchase that was not sent yet, and what is written down of its evidence as it leaves."""

    def __init__(
        self, record: Record, check: Callable[[], None], recount: Callable[[], Awaitable[None]], witness: Witness
    ) -> None:
        """`recount`: as `check`, at the end, of what takes a moment."""
        self.record = record
        self.left = witness.now()
        """When it left, in steady seconds."""
        self._check = check
        self._recount = recount
        self._witness = witness

    async def turn(self) -> None:
        """Raises CommandRefusedError."""
        self._check()
        self.record = await self._witness.renew(self.record)

    async def leave(self) -> None:
        """Raises CommandRefusedError."""
        self.record = await self._witness.leave(self.record)
        await self._recount()
        self._check()
        self.left = self._witness.now()


def unknown(ledger: Ledger, batch: Batch, record: Record, reason: str, info: ErrorInfo | None = None) -> Record:
    """Put an order that may have been bought into a batch, with the events that say so."""
    order = record.order.order
    error = unknown_error(order, reason)
    if info is not None:
        error = replace(error, upstream=info.upstream)
    changed = ledger.changed(batch, replace(record, settled=False), state=OrderState.UNKNOWN, error=error)
    batch.postings.append(bridge_posting(BridgeEvent.OUTCOME_UNKNOWN, f"order {order}: {error.message}", order=order))
    message = "buying pauses until the balance tells whether the number was bought"
    batch.postings.append(bridge_posting(BridgeEvent.BUYING_PAUSED, message, order=order))
    return changed


def _ids(purchase: Purchase) -> Ids | None:
    """What a check is to tell of the purchase's id."""
    return Ids(purchase.candidates, is_tried=purchase.is_tried) if purchase.candidates else None


def _told(order: Order, error: ProviderError) -> ErrorInfo | None:
    """The `error` of an order that may have been bought with the provider's own words, where these are the sender's."""
    if error.told is None:
        return None
    return replace(unknown_error(order.order, error.told.message), upstream=error.told.upstream)


def _own(record: Record | None) -> str | None:
    """The order that counts already in what the limits count."""
    return None if record is None else record.order.order


def described(product: Product) -> str:
    """What is bought, in words for the log."""
    names = (
        product.application_name or product.application,
        product.country_name or product.country,
        product.operator_name or product.operator,
    )
    return f"{names[0]} ({names[1]}, {names[2]})"
