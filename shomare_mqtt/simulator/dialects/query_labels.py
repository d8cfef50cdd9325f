"""Parameters in the query, buy as JSON; answers labelled as HTML with a byte order mark, plain names keyed by id."""

from __future__ import annotations

from codecs import BOM_UTF8
from typing import TYPE_CHECKING

from shomare_mqtt.simulator.dialects.shape import (
    Body,
    Carrier,
    Dialect,
    Listing,
    Names,
    PurchaseView,
    iso,
    word,
)
from shomare_mqtt.simulator.ledger import State

if TYPE_CHECKING:
    from shomare_mqtt.simulator.catalog import Offer
    from shomare_mqtt.simulator.dialects.shape import Refusal

_WORDS = {
    State.WAITING: "wait_code",
    State.RECEIVED: "STATUS_OK",
    State.CANCELLED: "cancelled",
    State.TIMEOUT: "timeout",
    State.FINISHED: "finished",
    State.BANNED: "banned",
}


def _listing(listing: Listing) -> Body:
    return {"status": True, "results": {entry.id: entry.name for entry in listing.entries}}


def _offer(offer: Offer) -> Body:
    """The stock is a word."""
    return {
        "service_id": offer.application.id,
        "price": str(offer.price),
        "stock": "in stock" if offer.count else "out of stock",
    }


def _bought(view: PurchaseView) -> Body:
    return {
        "status": True,
        "tzid": int(view.purchase),
        "number": view.phone,
        "price": str(view.price),
        "expires_in": view.left,
    }


def _checked(view: PurchaseView) -> Body:
    """Every SMS as a text of its own in a list, the newest code apart."""
    newest = view.newest
    return {
        "status": True,
        "tzid": int(view.purchase),
        "state": word(_WORDS, view),
        "expires_at": iso(view.expires_at),
        "messages": [sms.text for sms in view.sms],
        "sms_code": newest.code if newest else "wait",
    }


def _refused(refusal: Refusal) -> Body:
    return {"status": False, "code": str(refusal.code), "error_msg": refusal.message}


QUERY_JSON = Dialect(
    name="query-json",
    about="query, buy as JSON; JSON labelled as HTML with a byte order mark, names keyed by id, stock as a word",
    parameters=Carrier.QUERY,
    buy=Carrier.JSON,
    names=Names("country", "operator", "service", "order_id"),
    profile=lambda balance: {"status": True, "cash": str(balance), "unit": "Toman"},
    listing=_listing,
    prices=lambda offers: {"status": True, "results": [_offer(offer) for offer in offers]},
    price=lambda offer: {"status": True, "results": [_offer(offer)]},
    bought=_bought,
    checked=_checked,
    cancelled=lambda view: {"status": True, "tzid": int(view.purchase), "state": "cancelled"},
    refused=_refused,
    prefix=BOM_UTF8,
    content_type="text/html",
)
