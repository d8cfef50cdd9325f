"""Parameters in the body, for GET too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.dialects.shape import (
    Body,
    Carrier,
    Dialect,
    Listing,
    Names,
    PurchaseView,
    clock_face,
    iso,
    persian_digits,
    refused,
    word,
)
from shomare_mqtt.simulator.ledger import State

if TYPE_CHECKING:
    from shomare_mqtt.simulator.catalog import Entry, Offer
    from shomare_mqtt.simulator.dialects.shape import Refusal

_WORDS = {
    State.WAITING: "waiting",
    State.RECEIVED: "received",
    State.CANCELLED: "cancelled",
    State.TIMEOUT: "expired",
    State.FINISHED: "finished",
    State.BANNED: "banned",
}

# --- body-form ------------------------------------------------------------------------------------------------------


def _result(content: Any) -> Body:
    return {"status": True, "result": content}


def _bilingual(entry: Entry) -> Body:
    plain: Body = {"id": entry.id, "name": {"fa": entry.persian, "en": entry.name}}
    return plain | {"areacode": persian_digits(f"+{entry.dialling}")} if entry.dialling else plain


def _persian_offer(offer: Offer) -> Body:
    return {
        "application": offer.application.id,
        "fa_name": offer.application.persian,
        "amount": persian_digits(f"{offer.price:,}"),
        "numbers": persian_digits(offer.count),
    }


def _persian_bought(view: PurchaseView) -> Body:
    return _result(
        {
            "request_id": view.purchase,
            "areacode": f"+{view.dialling}",
            "number": persian_digits(view.local),
            "amount": persian_digits(f"{view.price:,}"),
            "TIME": clock_face(view.left),
        }
    )


def _persian_checked(view: PurchaseView) -> Body:
    """Waiting looks like a failure; the SMS is a bare text."""
    if view.state is State.WAITING:
        return {"status": False, "code": 202, "message": "کد هنوز دریافت نشده است"}
    newest = view.newest
    sms = {"sms": newest.text, "sms_code": newest.code} if newest else {"sms": "", "sms_code": ""}
    return _result({"request_id": view.purchase, "state": word(_WORDS, view), "TIME": clock_face(view.left)} | sms)


BODY_FORM = Dialect(
    name="body-form",
    about="forms, for GET too; Persian digits, bilingual names, waiting as a failure with 202, the SMS as a text",
    parameters=Carrier.FORM,
    buy=Carrier.FORM,
    names=Names("country", "operator", "app", "purchase"),
    profile=lambda balance: _result({"name": "حساب نمایشی", "charge": persian_digits(f"{balance:,} تومان")}),
    listing=lambda listing: _result([_bilingual(entry) for entry in listing.entries]),
    prices=lambda offers: _result([_persian_offer(offer) for offer in offers]),
    price=lambda offer: _result(_persian_offer(offer)),
    bought=_persian_bought,
    checked=_persian_checked,
    cancelled=lambda view: _result({"request_id": view.purchase, "state": "canceled"}),
    refused=refused,
    newest_only=True,
)

# --- body-json ------------------------------------------------------------------------------------------------------


def _response(content: Any) -> Body:
    return {"status": "success", "code": 200, "response": content}


def _listing(listing: Listing) -> Body:
    key = f"{listing.field}_id"
    return _response([{key: e.id, "name": e.name, "fa_name": e.persian} for e in listing.entries])


def _offer(offer: Offer) -> Body:
    return {"application_id": offer.application.id, "cost": str(offer.price), "quantity": offer.count}


def _activation(view: PurchaseView) -> Body:
    return {
        "activationId": view.purchase,
        "phoneNumber": view.phone,
        "expiration": iso(view.expires_at),
        "state": word(_WORDS, view),
    }


def _checked(view: PurchaseView) -> Body:
    messages = [
        {"id": s.id, "sms_code": s.code or "null", "sms_text": s.text, "from": s.sender, "date": iso(s.at)}
        for s in view.sms
    ]
    return _response(_activation(view) | {"messages": messages})


def _refused(refusal: Refusal) -> Body:
    return {"status": "error", "code": refusal.code, "error": {"message": refusal.message}}


BODY_JSON = Dialect(
    name="body-json",
    about="JSON bodies, for GET too; status as a word, nested wallet, ids as text",
    parameters=Carrier.JSON,
    buy=Carrier.JSON,
    names=Names("countryId", "operatorId", "applicationId", "orderId"),
    profile=lambda balance: _response({"user": {"id": "1017", "wallet": {"balance": balance, "currency": "IRT"}}}),
    listing=_listing,
    prices=lambda offers: _response([_offer(offer) for offer in offers]),
    price=lambda offer: _response(_offer(offer)),
    bought=lambda view: _response(_activation(view) | {"cost": str(view.price)}),
    checked=_checked,
    cancelled=lambda view: _response({"activationId": view.purchase, "state": "cancelled", "refunded": True}),
    refused=_refused,
)
