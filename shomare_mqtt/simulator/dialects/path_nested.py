"""Parameters in the path; pages of a paginator, and prices nested by country, application and operator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.dialects.shape import (
    Body,
    Carrier,
    Dialect,
    Listing,
    Names,
    PurchaseView,
    as_id,
    clock_face,
    refused,
    tehran,
    word,
)
from shomare_mqtt.simulator.ledger import State

if TYPE_CHECKING:
    from shomare_mqtt.simulator.catalog import Offer
    from shomare_mqtt.simulator.dialects.shape import Refusal, SmsView

# --- path-path ------------------------------------------------------------------------------------------------------

_WORDS = {
    State.WAITING: "PENDING",
    State.RECEIVED: "RECEIVED",
    State.CANCELLED: "CANCELED",
    State.TIMEOUT: "TIMEOUT",
    State.FINISHED: "FINISHED",
    State.BANNED: "BANNED",
}


def _page(rows: list[Body]) -> Body:
    size = len(rows)
    return {
        "status": True,
        "data": {"current_page": 1, "data": rows, "last_page": 1, "per_page": size, "total": size},
    }


def _page_listing(listing: Listing) -> Body:
    return _page(
        [
            {"id": as_id(entry.id), "slug": entry.name.lower().replace(" ", "-"), "name": entry.persian}
            for entry in listing.entries
        ]
    )


def _offer(offer: Offer) -> Body:
    return {
        "product": {"id": as_id(offer.application.id), "name": offer.application.persian},
        "price": f"{offer.price:,}",
        "available": offer.count,
    }


def _order(view: PurchaseView) -> Body:
    return {"orderId": as_id(view.purchase), "mobile": f"00{view.phone}", "expired_at": tehran(view.expires_at)}


def _order_checked(view: PurchaseView) -> Body:
    messages = [{"id": sms.id, "otp": sms.code, "body": sms.text, "received_at": tehran(sms.at)} for sms in view.sms]
    return {"status": True, "order": _order(view) | {"state": word(_WORDS, view), "messages": messages}}


PATH_PATH = Dialect(
    name="path-path",
    about="everything in the path, buy too; pages of a paginator, naive Tehran times, money as grouped text",
    parameters=Carrier.PATH,
    buy=Carrier.PATH,
    profile=lambda balance: {"status": True, "user": {"id": 1017, "wallet": {"balance": f"{balance:,}"}}},
    listing=_page_listing,
    prices=lambda offers: _page([_offer(offer) for offer in offers]),
    price=lambda offer: {"status": True, "item": _offer(offer)},
    bought=lambda view: {"status": True, "order": _order(view) | {"price": f"{view.price:,}"}},
    checked=_order_checked,
    cancelled=lambda view: {"status": True, "order": {"orderId": as_id(view.purchase), "state": "CANCELED"}},
    refused=refused,
)

# --- path-json ------------------------------------------------------------------------------------------------------


def _one(content: Any) -> Body:
    return {"status": 1, "data": [content]}


def _nested(offers: tuple[Offer, ...]) -> Body:
    """Country, then application, then operator."""
    tree: dict[str, dict[str, dict[str, Body]]] = {}
    for offer in offers:
        applications = tree.setdefault(offer.country.id, {})
        operators = applications.setdefault(offer.application.id, {})
        operators[offer.operator.id] = {"cost": offer.price, "count": offer.count}
    return {"status": 1, "data": tree}


def _labelled(listing: Listing) -> Body:
    key = f"{listing.field}_id"
    return {
        "status": 1,
        "data": [{key: e.id, "name": {"fa": e.persian, "en": e.name}, "active": 1} for e in listing.entries],
    }


def _sms(sms: SmsView) -> Body:
    # "No code" is written "0" by some sisters.
    return {"sms_code": sms.code or "0", "full_sms": sms.text, "from": sms.sender, "date": tehran(sms.at)}


def _activation(view: PurchaseView) -> Body:
    return {
        "activationId": view.purchase,
        "prefix": f"+{view.dialling}",
        "number": view.local,
        "TIME": clock_face(view.left),
        "status": word(_WORDS, view),
    }


def _activation_checked(view: PurchaseView) -> Body:
    return _one(_activation(view) | {"sms_list": [_sms(sms) for sms in view.sms] or None})


def _refused_with_number(refusal: Refusal) -> Body:
    return {"status": 0, "code": refusal.code, "msg": refusal.message}


PATH_JSON = Dialect(
    name="path-json",
    about="path, buy as JSON with CountryID, OperatorID, AppID; status 1, lists of one, nested prices, TIME as text",
    parameters=Carrier.PATH,
    buy=Carrier.JSON,
    names=Names("CountryID", "OperatorID", "AppID", "PurchaseID"),
    profile=lambda balance: _one({"name": "Demo account", "credit": str(balance)}),
    listing=_labelled,
    prices=_nested,
    price=lambda offer: _nested((offer,)),
    bought=lambda view: _one(_activation(view) | {"cost": view.price}),
    checked=_activation_checked,
    cancelled=lambda view: _one({"activationId": view.purchase, "status": "CANCELED"}),
    refused=_refused_with_number,
)
