"""Parameters in the path, as the page hints; answers in an envelope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.dialects.shape import (
    Body,
    Carrier,
    Dialect,
    Listing,
    PurchaseView,
    as_id,
    iso,
    milliseconds,
    refused,
    word,
)
from shomare_mqtt.simulator.ledger import State

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.simulator.catalog import Entry, Offer

# --- path: the default ----------------------------------------------------------------------------------------------


def _data(content: Any) -> Body:
    return {"status": True, "code": 200, "data": content}


def _profile(balance: Decimal) -> Body:
    return _data({"id": 1017, "name": "Demo account", "balance": balance, "currency": "Toman"})


def _listing(listing: Listing) -> Body:
    return _data([_entry(entry) for entry in listing.entries])


def _entry(entry: Entry) -> Body:
    plain: Body = {"id": as_id(entry.id), "name": entry.name, "fa_name": entry.persian}
    return plain | {"areacode": entry.dialling} if entry.dialling else plain


def _prices(offers: tuple[Offer, ...]) -> Body:
    return _data([_row(offer) for offer in offers])


def _row(offer: Offer) -> Body:
    application = offer.application
    return {
        "application": as_id(application.id),
        "name": application.name,
        "price": offer.price,
        "count": offer.count,
    }


def _price(offer: Offer) -> Body:
    place = {"country": as_id(offer.country.id), "operator": as_id(offer.operator.id)}
    return _data(place | _row(offer))


def _bought(view: PurchaseView) -> Body:
    return _data(
        {
            "id": as_id(view.purchase),
            "number": f"+{view.phone}",
            "country": as_id(view.country),
            "operator": as_id(view.operator),
            "application": as_id(view.application),
            "price": view.price,
            "created_at": iso(view.created_at),
            "expires_at": iso(view.expires_at),
        }
    )


def _checked(view: PurchaseView) -> Body:
    return _data(
        {
            "id": as_id(view.purchase),
            "number": f"+{view.phone}",
            "status": view.state.value,
            "expires_at": iso(view.expires_at),
            "sms": [
                {"id": sms.id, "code": sms.code, "text": sms.text, "sender": sms.sender, "created_at": iso(sms.at)}
                for sms in view.sms
            ],
        }
    )


def _cancelled(view: PurchaseView) -> Body:
    return _data({"id": as_id(view.purchase), "status": "cancelled", "refund": view.price, "balance": view.balance})


PATH = Dialect(
    name="path",
    about="GET pricebycountry/7/1, buy as a form; lists of objects in `data`, ISO times",
    parameters=Carrier.PATH,
    buy=Carrier.FORM,
    profile=_profile,
    listing=_listing,
    prices=_prices,
    price=_price,
    bought=_bought,
    checked=_checked,
    cancelled=_cancelled,
    refused=refused,
)

# --- path-optional --------------------------------------------------------------------------------------------------

# Sisters that number their states have none of its own for a time-out: the number is cancelled then.
_NUMBERS = {
    State.WAITING: 1,
    State.RECEIVED: 2,
    State.CANCELLED: 3,
    State.TIMEOUT: 3,
    State.BANNED: 4,
    State.FINISHED: 6,
}


def _result(content: Any) -> Body:
    return {"status": True, "result": content}


def _keyed_listing(listing: Listing) -> Body:
    return _result({entry.id: {"name_en": entry.name, "fa_name": entry.persian} for entry in listing.entries})


def _keyed_prices(offers: tuple[Offer, ...]) -> Body:
    return _result({offer.application.id: {"cost": offer.price, "qty": offer.count} for offer in offers})


def _numbered(view: PurchaseView) -> Body:
    return {
        "numberId": view.purchase,
        "phone_number": view.phone,
        "state": word(_NUMBERS, view),
        "endsAt": milliseconds(view.expires_at),
        "sms": {
            str(index): {"smsContent": sms.text, "code": sms.code, "date": milliseconds(sms.at)}
            for index, sms in enumerate(view.sms)
        },
    }


PATH_OPTIONAL = Dialect(
    name="path-optional",
    about="all in the path, where parts left out are a 404 with JSON; objects keyed by id, states as numbers",
    parameters=Carrier.PATH,
    buy=Carrier.PATH,
    optional_segments=True,
    profile=lambda balance: _result({"username": "demo", "walletCharge": balance, "unit": "تومان"}),
    listing=_keyed_listing,
    prices=_keyed_prices,
    price=lambda offer: _result({"cost": offer.price, "qty": offer.count}),
    bought=lambda view: _result(_numbered(view) | {"cost": view.price}),
    checked=lambda view: _result(_numbered(view)),
    cancelled=lambda view: _result({"numberId": view.purchase, "state": 3}),
    refused=refused,
    compressed=True,
)
