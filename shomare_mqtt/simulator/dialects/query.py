"""Parameters in the query string; answers without an envelope, or with `payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.model import Endpoint
from shomare_mqtt.simulator.dialects.shape import (
    Body,
    Carrier,
    Dialect,
    Listing,
    Names,
    PurchaseView,
    as_id,
    refused,
    tehran,
    word,
)
from shomare_mqtt.simulator.ledger import State

if TYPE_CHECKING:
    from shomare_mqtt.model import CatalogKind
    from shomare_mqtt.simulator.catalog import Entry, Offer
    from shomare_mqtt.simulator.dialects.shape import Refusal, SmsView

_OPERATORS = "operators"

_WORDS = {
    State.WAITING: "waiting",
    State.RECEIVED: "received",
    State.CANCELLED: "canceled",
    State.TIMEOUT: "expired",
    State.FINISHED: "completed",
    State.BANNED: "banned",
}

# --- query ----------------------------------------------------------------------------------------------------------


def _flat_listing(listing: Listing) -> Body:
    """Keyed by id beside `status`; operators as a list for each country."""
    if listing.kind.value == _OPERATORS:
        return {"status": True} | {country: _operators(listing.entries) for country in listing.countries}
    return {"status": True} | {entry.id: _flat_entry(listing.kind, entry) for entry in listing.entries}


def _operators(entries: tuple[Entry, ...]) -> list[Body]:
    return [{"operator": entry.id, "name": entry.name} for entry in entries]


def _flat_entry(kind: CatalogKind, entry: Entry) -> Body:
    plain: Body = {kind.field: entry.id, "name_en": entry.name, "name_fa": entry.persian}
    return plain | {"prefix": f"+{entry.dialling}"} if entry.dialling else plain


def _flat_offer(offer: Offer) -> Body:
    return {"price": f"{offer.price:,}", "count": str(offer.count)}


def _flat_bought(view: PurchaseView) -> Body:
    return {
        "status": True,
        "order_id": view.purchase,
        "phone": view.phone,
        "amount": f"{view.price:,}",
        "expires": tehran(view.expires_at),
    }


def _flat_sms(sms: SmsView | None) -> Body | None:
    if sms is None:
        return None
    return {"code": sms.code, "text": sms.text, "sender": sms.sender, "received_at": tehran(sms.at)}


def _flat_checked(view: PurchaseView) -> Body:
    return {
        "status": True,
        "order_id": view.purchase,
        "phone": view.phone,
        "state": word(_WORDS, view),
        "expires": tehran(view.expires_at),
        "sms": _flat_sms(view.newest),
    }


QUERY = Dialect(
    name="query",
    about="everything in the query; no envelope, objects keyed by id beside status, money as text, naive Tehran times",
    parameters=Carrier.QUERY,
    buy=Carrier.QUERY,
    profile=lambda balance: {"status": True, "username": "demo", "balance": f"{balance:,}"},
    listing=_flat_listing,
    prices=lambda offers: {"status": True} | {o.application.id: _flat_offer(o) for o in offers},
    price=lambda offer: {"status": True} | _flat_offer(offer),
    bought=_flat_bought,
    checked=_flat_checked,
    cancelled=lambda view: {"status": True, "order_id": view.purchase, "message": "شماره لغو شد"},
    refused=refused,
    newest_only=True,
)

# --- query-form -----------------------------------------------------------------------------------------------------


def _payload_entry(kind: CatalogKind, entry: Entry) -> Body:
    return {f"{kind.field}_id": as_id(entry.id), "name": entry.name, "fa_name": entry.persian}


def _payload_prices(offers: tuple[Offer, ...]) -> Body:
    rows = [
        {"id": 90_000 + n, "service": as_id(o.application.id), "sum": o.price, "stock": o.count}
        for n, o in enumerate(offers)
    ]
    return {"status": True, "payload": rows}


def _payload_bought(view: PurchaseView) -> Body:
    order = {"request_id": as_id(view.purchase), "ordered_number": view.phone, "orderExpireIn": view.left}
    return {"status": True, "payload": order | {"sum": view.price}}


def _payload_checked(view: PurchaseView) -> Body:
    """With an SMS, `code` is the SMS's code: it is documented for failures only."""
    if view.state is State.WAITING:
        return {"status": True, "code": 202, "payload": {"state": "wait_sms", "orderExpireIn": view.left}}
    newest = view.newest
    order: Body = {"state": word(_WORDS, view), "orderExpireIn": view.left}
    order["messages"] = [{"id": s.id, "text": s.text, "activation_code": s.code} for s in view.sms]
    return {"status": True, "code": newest.code if newest else 200, "payload": order}


def _refused_in_detail(refusal: Refusal) -> Body:
    return {"status": False, "code": refusal.code, "error": {"detail": refusal.message}}


QUERY_FORM = Dialect(
    name="query-form",
    about="query, buy as a form; `payload`, rows whose id is not the application's, waiting as HTTP 202, seconds left",
    parameters=Carrier.QUERY,
    buy=Carrier.FORM,
    names=Names("country_id", "operator_id", "application_id", "purchase_id"),
    profile=lambda balance: {"status": True, "payload": {"email": "demo@example.org", "wallet_balance": balance}},
    listing=lambda listing: {"status": True, "payload": [_payload_entry(listing.kind, e) for e in listing.entries]},
    prices=_payload_prices,
    price=lambda offer: {"status": True, "payload": {"sum": offer.price, "stock": offer.count}},
    bought=_payload_bought,
    checked=_payload_checked,
    cancelled=lambda view: {"status": True, "payload": {"request_id": as_id(view.purchase), "refunded": True}},
    refused=_refused_in_detail,
    statuses={(Endpoint.CHECK, State.WAITING): 202},
)
