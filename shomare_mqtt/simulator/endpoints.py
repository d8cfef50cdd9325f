"""What the nine endpoints do, by the API page's table of failures; no HTTP here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from shomare_mqtt.model import CatalogKind, Endpoint
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.simulator.dialects.shape import Listing, PurchaseView, Refusal, SmsView
from shomare_mqtt.simulator.ledger import CancelRefusedError, Message, Purchase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from shomare_mqtt.simulator.calls import Call
    from shomare_mqtt.simulator.catalog import Catalog, Offer
    from shomare_mqtt.simulator.dialects import Dialect
    from shomare_mqtt.simulator.dialects.shape import Body
    from shomare_mqtt.simulator.ledger import Ledger
    from shomare_mqtt.simulator.options import SimulatorOptions
    from shomare_mqtt.simulator.timebase import TimeBase

BLOCKED = -1
_KINDS = {
    Endpoint.COUNTRIES: CatalogKind.COUNTRIES,
    Endpoint.OPERATORS: CatalogKind.OPERATORS,
    Endpoint.APPLICATIONS: CatalogKind.APPLICATIONS,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an endpoint answers. `shows`: the SMS in it. `purchase`: the purchase that it made, checked or cancelled."""

    status: int
    body: Body
    shows: tuple[Message, ...] = ()
    purchase: str | None = None


class _RefusedError(ValueError):
    """A documented failure; `code` is the HTTP status unless given."""

    def __init__(self, status: HTTPStatus, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.refusal = Refusal(int(status) if code is None else code, message)


@dataclass(slots=True)
class Desk:
    """Carries calls out on the ledger and the catalogue, and answers in the dialect."""

    options: SimulatorOptions
    dialect: Dialect
    ledger: Ledger
    catalog: Catalog
    time: TimeBase

    def carry_out(self, call: Call) -> Outcome:
        """Do what the call asks for, at once and once."""
        try:
            self._authorise(call)
            return self._answer(call)
        except _RefusedError as refused:
            return Outcome(refused.status, self.dialect.refused(refused.refusal))

    def sell(self, product: Mapping[str, str]) -> Purchase:
        """A number for `country`, `operator` and `application`. Raises ValueError where it is not to be had."""
        offer = self._offer(product)
        if self.ledger.balance < offer.price:
            raise _RefusedError(HTTPStatus.PAYMENT_REQUIRED, "The wallet holds too little")
        if offer.count < 1:
            raise _RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "There is no free number")
        bought = self.ledger.buy(offer, self.options)
        self.catalog.take(offer)
        return bought

    def wrong_method(self) -> Outcome:
        """405."""
        status = HTTPStatus.METHOD_NOT_ALLOWED
        return Outcome(status, self.dialect.refused(Refusal(int(status), "Method not allowed")))

    def purchases(self) -> list[Purchase]:
        """Every purchase as it stands now, oldest first."""
        found = (self.ledger.look(purchase, self.options) for purchase in self.ledger.purchases)
        return [bought for bought in found if bought is not None]

    def clock(self, at: float) -> datetime:
        """A moment of the ledger's clock as the provider's own clock shows it, in UTC."""
        return self.time.wall(at + self.options.clock_offset)

    def view(self, bought: Purchase) -> PurchaseView:
        """A purchase as it stands now."""
        now = self.time.monotonic()
        sms = tuple(SmsView(m.id, m.code, m.text, m.sender, self.clock(m.at)) for m in bought.sms)
        return PurchaseView(
            purchase=bought.purchase,
            country=bought.country,
            operator=bought.operator,
            application=bought.application,
            phone=bought.phone,
            dialling=bought.dialling,
            price=bought.price,
            state=bought.state,
            created_at=self.clock(bought.created),
            expires_at=self.clock(bought.expires),
            left=max(0, int(bought.expires - now)),
            age=int(now - bought.created),
            sms=sms,
            balance=self.ledger.shown_balance(),
        )

    def _authorise(self, call: Call) -> None:
        if call.token is None:
            raise _RefusedError(HTTPStatus.FORBIDDEN, "The token is missing in the header")
        if call.token != self.options.token:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "The token is wrong")
        if self.ledger.blocked:
            raise _RefusedError(HTTPStatus.UNAUTHORIZED, "The account is blocked", BLOCKED)

    def _answer(self, call: Call) -> Outcome:
        if not call.complete:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "A parameter is missing")
        if call.endpoint in _KINDS:
            return self._ok(call.endpoint, self.dialect.listing(self._listing(_KINDS[call.endpoint])))
        if call.endpoint in (Endpoint.PRICES, Endpoint.PRICE) and self.dialect.any_place:
            return self._ok(call.endpoint, self._prices_anywhere(call.endpoint))
        answers: dict[Endpoint, Callable[[Mapping[str, str]], Outcome]] = {
            Endpoint.PROFILE: lambda _: self._ok(Endpoint.PROFILE, self.dialect.profile(self.ledger.shown_balance())),
            Endpoint.PRICES: lambda sent: self._ok(Endpoint.PRICES, self.dialect.prices(self._offers(sent))),
            Endpoint.PRICE: lambda sent: self._ok(Endpoint.PRICE, self.dialect.price(self._offer(sent))),
            Endpoint.BUY: lambda sent: self._buy(self.sell(sent)),
            Endpoint.CHECK: lambda sent: self._check(self._purchase(sent)),
            Endpoint.CANCEL: lambda sent: self._cancel(self._purchase(sent)),
        }
        return answers[call.endpoint](self._own_ids(call.parameters))

    def _prices_anywhere(self, endpoint: Endpoint) -> Body:
        """Those of the first place."""
        offers = self.catalog.offers(next(iter(self.catalog.countries)), next(iter(self.catalog.operators))) or ()
        return self.dialect.prices(offers) if endpoint is Endpoint.PRICES else self.dialect.price(offers[0])

    def _own_ids(self, sent: Mapping[str, str]) -> Mapping[str, str]:
        """The ids of the catalogue and the ledger for those that were sent, which the dialect wants otherwise."""
        if self.dialect.wanted is None:
            return sent
        return {kind: self._own_id(kind, text) for kind, text in sent.items()}

    def _own_id(self, kind: str, text: str) -> str:
        known: dict[str, Iterable[str]] = {
            "country": self.catalog.countries,
            "operator": self.catalog.operators,
            "application": self.catalog.applications,
            "purchase": self.ledger.purchases,
        }
        found = (own for own in known[kind] if ascii_digits(self.dialect.id_of(kind, own) or "") == text)
        own = next(found, None)
        if own is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, f"There is no such {kind}")
        return own

    def _ok(self, endpoint: Endpoint, body: Body) -> Outcome:
        return Outcome(self.dialect.status(endpoint), body)

    def _listing(self, kind: CatalogKind) -> Listing:
        entries = {
            CatalogKind.COUNTRIES: self.catalog.countries,
            CatalogKind.OPERATORS: self.catalog.operators,
            CatalogKind.APPLICATIONS: self.catalog.applications,
        }[kind]
        return Listing(kind, tuple(entries.values()), tuple(self.catalog.countries))

    def _offers(self, sent: Mapping[str, str]) -> tuple[Offer, ...]:
        offers = self.catalog.offers(sent["country"], sent["operator"])
        if offers is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is no such country or operator")
        return offers

    def _offer(self, sent: Mapping[str, str]) -> Offer:
        offer = self.catalog.offer((sent["country"], sent["operator"], sent["application"]))
        if offer is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is no such country, operator or application")
        return offer

    def _purchase(self, sent: Mapping[str, str]) -> Purchase:
        bought = self.ledger.look(sent["purchase"], self.options)
        if bought is None:
            raise _RefusedError(HTTPStatus.NOT_FOUND, "There is no such purchase")
        return bought

    def _buy(self, bought: Purchase) -> Outcome:
        status = self.dialect.status(Endpoint.BUY, bought.state)
        return Outcome(status, self.dialect.bought(self.view(bought)), purchase=bought.purchase)

    def _check(self, bought: Purchase) -> Outcome:
        status = self.dialect.status(Endpoint.CHECK, bought.state)
        visible = tuple(bought.sms[-1:] if self.dialect.newest_only else bought.sms)
        return Outcome(status, self.dialect.checked(self.view(bought)), visible, bought.purchase)

    def _cancel(self, bought: Purchase) -> Outcome:
        try:
            self.ledger.cancel(bought, self.options)
        except CancelRefusedError as refused:
            failed = HTTPStatus(self.options.gone_status) if refused.gone else HTTPStatus.BAD_REQUEST
            raise _RefusedError(failed, str(refused)) from None
        status = self.dialect.status(Endpoint.CANCEL, bought.state)
        return Outcome(status, self.dialect.cancelled(self.view(bought)), purchase=bought.purchase)
