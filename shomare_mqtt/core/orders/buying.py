"""The one place that may spend: a `buy`, from its limits to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.ids import new_id
from shomare_mqtt.core.masking import masked_phone, trace_of
from shomare_mqtt.core.orders.costs import about_price, counted
from shomare_mqtt.core.orders.evidence import Witness
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
from shomare_mqtt.model import Buy, CatalogKind, Endpoint, ErrorInfo, Order, OrderState, Priority, Product, Purchase

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping
    from decimal import Decimal

    from shomare_mqtt.config.in_force import InForce
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.guard import Guard
    from shomare_mqtt.core.orders.ledger import Ledger
    from shomare_mqtt.core.ports import Extensions


_IDS_CHANGED = (
    "the ids of the provider's lists changed meanwhile; nothing was bought. What is sent again with ids of before may "
    "mean something else: look at the lists, or send names"
)


class Buyer:
    """Buys numbers: limits, vetoes, the intent in the journal, one request, its outcome."""

    def __init__(
        self,
        settings: InForce,
        clock: Clock,
        ledger: Ledger,
        market: Market,
        guard: Guard,
        extensions: Extensions,
        logger: logging.Logger,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._time = ledger.time
        self._ledger = ledger
        self._provider = market.provider
        self._guard = guard
        self._catalogs = market.catalogs
        self._prices = market.prices
        self._trying = market.trying
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
        product, edition = await self._settled(ticket, request, known)
        limits: Mapping[str, object] = {}
        while limits != self._guard.limits:  # the settings were read again: what they ask for may be something else
            limits = self._guard.limits
            max_price = self._max_price(request)
            facts = await self._guard.facts()
            self._guard.check_facts(facts, None)
            price = await self._price(product, max_price)
            self._guard.check_price(price, max_price)
            if self._guard.needs_price(max_price):  # it was asked for, and time went by
                facts = await self._guard.facts()
            self._guard.check_facts(facts, price)
            await self._extensions.authorize_buy(product, price, facts.spent_today)
            evidence = await self._witness.take(needed=self._guard.needs_balance)
        record = await self._intend(ticket, product, edition, price, evidence)
        return await self._ask(ticket, request, record, edition, limits)

    def _max_price(self, request: Buy) -> Decimal | None:
        return self._guard.max_price(request.max_price, self._defaults.max_price)

    # --- before anything is spent -----------------------------------------------------------------------------------

    async def _settled(self, ticket: Ticket, request: Buy, known: int) -> tuple[Product, int]:
        """What is asked for in ids that the provider takes, as far as that can be found out, and the lists' edition.

        Raises CommandRefusedError, ProviderError.
        """
        edition = -1
        while edition != self._catalogs.edition:  # a list that was read because of a name may have other ids
            edition = self._catalogs.edition
            product = await self._product(request, known)
        # Half of its time is the purchase's own: it would come to nothing where finding out took all.
        left = None if ticket.deadline is None else (ticket.deadline - self._time.now()) / 2
        await self._trying.before_purchase(product, left)
        ticket.check_expired(self._time)
        ids = [
            self._catalogs.as_of_now(kind, own, edition)
            for kind, own in zip(CatalogKind, (product.country, product.operator, product.application), strict=True)
        ]
        if None in ids:
            raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, _IDS_CHANGED)
        return self._named([own for own in ids if own is not None]), self._catalogs.edition

    async def _product(self, request: Buy, known: int) -> Product:
        """The ids and names of what is asked for. Raises CommandRefusedError, ProviderError."""
        ids = []
        for kind in CatalogKind:
            text = getattr(request, kind.field)
            if text is None:
                ids.append(self._defaults.needed(kind))
            else:
                if (meant := self._catalogs.as_meant(kind, text, known)) is None:
                    raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, _IDS_CHANGED)
                ids.append(await self._catalogs.resolve(kind, meant, is_id=kind.field in request.is_id))
        return self._named(ids)

    def _named(self, ids: list[str]) -> Product:
        """A product with the names of its ids."""
        return Product(*ids, *(self._catalogs.name(kind, own) for kind, own in zip(CatalogKind, ids, strict=True)))

    async def _price(self, product: Product, max_price: Decimal | None) -> Decimal | None:
        """The price where a limit needs it, else as it is known. Raises ProviderError, also where it cannot be read."""
        if not self._guard.needs_price(max_price):
            last = self._prices.last(product)
            return last.price if last else None
        price = (await self._prices.read_price(product, Priority.MONEY)).price
        if price is None or price <= 0:  # nobody sells for nothing: it was not told, or not understood
            raise ProviderError(
                ErrorCode.MALFORMED_ANSWER,
                "a limit needs the price, and the provider's answer names none; nothing was bought",
            )
        return price

    async def _intend(
        self, ticket: Ticket, product: Product, edition: int, price: Decimal | None, evidence: Evidence
    ) -> Record:
        """The last look at every limit, and the intent, durable. Raises CommandRefusedError.

        Two cannot both take the last that a limit allows: the counts are looked at as it is written, and what is left
        of the balance is less by what others are about to write.
        """
        self._permit(ticket, edition)
        self._guard.check_balance(self._left(), price)
        now = self._time.wall()
        order = Order(
            order=new_id(now),
            state=OrderState.BUYING,
            product=product,
            created_at=now,
            updated_at=now,
            transaction=ticket.envelope.transaction,
            price=price,
        )
        record = Record(order, made=self._time.mark(), evidence=evidence, settled=False, command=ticket.row)
        batch = Batch()
        self._ledger.created(batch, record)
        self._intended[order.order] = price
        try:
            await self._ledger.commit(batch, self._guard.condition(price))
        finally:
            del self._intended[order.order]
        cost = "" if price is None else f" for {self._account.said(price)}"
        self._logger.info("order %s: buying %s%s", order.order, _described(product), cost)
        return record

    def _permit(self, ticket: Ticket, edition: int) -> None:
        """Raise CommandRefusedError where a purchase must not be sent any more; `edition`: that of its ids."""
        if edition != self._catalogs.edition:
            raise CommandRefusedError(ErrorCode.UNKNOWN_NAME, _IDS_CHANGED)
        ticket.check_expired(self._time)
        self._guard.check_paused(here=ticket.is_asked_here)

    def _left(self) -> Decimal | None:
        """The balance, less what is being bought, and what was bought since the balance was asked for."""
        balance, asked_at = self._account.balance, self._account.asked_at
        if balance is None:
            return None
        self._charged = {order: charged for order, charged in self._charged.items() if charged[0] > asked_at}
        spent = {r.order.order: r.order.price for r in self._ledger.open() if r.order.state is OrderState.BUYING}
        spent |= self._intended
        spent |= {order: price for order, (_, price) in self._charged.items()}
        return balance - sum(p for p in spent.values() if p is not None)

    # --- the request and its outcome --------------------------------------------------------------------------------

    async def _check_again(self, request: Buy, price: Decimal | None, limits: Mapping[str, object]) -> None:
        """Raise CommandRefusedError where limits that hold since `limits` did say no to what is written down by now."""
        while limits != self._guard.limits:
            limits = self._guard.limits
            self._guard.check_unsent(await self._guard.facts(), price, self._max_price(request))
            left = self._left()
            self._guard.check_balance(None if left is None else left + (price or 0), price)

    async def _ask(
        self, ticket: Ticket, request: Buy, record: Record, edition: int, limits: Mapping[str, object]
    ) -> Outcome:
        """Ask the provider once. Nothing is awaited between its answer and the outcome."""
        product, price, max_price = record.order.product, record.order.price, self._max_price(request)
        known = self._prices.known(product, price)
        permit = _Permit(
            record,
            lambda: self._permit(ticket, edition),
            lambda: self._check_again(request, price, limits),
            self._witness,
        )
        try:
            purchase = self._untaken(await self._provider.buy(product, known=known, permit=permit))
        except (CommandRefusedError, ProviderRefusedError, ProviderUnreachableError) as error:
            return self._failed(permit.record, error)
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

    def _failed(self, record: Record, error: ShomareError) -> Outcome:
        info = error_info(error)
        batch = Batch()
        failed = self._ledger.changed(batch, replace(record, settled=True), state=OrderState.FAILED, error=info)
        self._logger.warning("order %s failed, nothing was bought: %s", record.order.order, error.message)
        outcome = Outcome(Answer.failed(error, failed.order.order), batch)
        if isinstance(error, ProviderError):
            outcome.after = lambda: self._provider.tell(Endpoint.BUY, error)
        return outcome

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
        self._logger.info(
            "order %s: bought %s, %s, price %s",
            order.order,
            _described(order.product),
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


def _described(product: Product) -> str:
    """What is bought, in words for the log."""
    names = (
        product.application_name or product.application,
        product.country_name or product.country,
        product.operator_name or product.operator,
    )
    return f"{names[0]} ({names[1]}, {names[2]})"
