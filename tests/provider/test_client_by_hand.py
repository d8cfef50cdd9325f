"""Places and words that the settings name, against an HTTP server whose answers mean something else by themselves."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError
from shomare_mqtt.model import CatalogKind, Known, Priority, Product, PurchaseState, Sureness
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter

from .fakes import QuickClock, allowed
from .servers import Asked, says, serving, settings
from .test_client import Memory

if TYPE_CHECKING:
    import asyncio

ANSWERS: dict[str, dict[str, Any]] = {
    "profile": {"status": True, "data": {"balance": 5, "left": "192.100 Toman"}},
    "allcountries": {"status": True, "data": {"countries": [], "sold": [{"id": 1, "key": "ru", "name": "Russia"}]}},
    "pricebycountry": {"status": True, "data": [{"id": 1, "s": 3, "price": 5, "pay": 2200, "left": 7}]},
    "pricebyproduct": {"status": True, "data": {"price": 5, "pay": 2200, "count": 7}},
    "buy": {"status": True, "data": {"id": 1, "ref": "A-1", "phone": "79313226657"}},
    "check": {"status": True, "data": {"ref": "A-1", "st": "sold", "box": [{"c": "12345"}]}},
    "cancel": {"status": True, "data": {"back": 0}},
}
FIELDS = {
    "profile.balance": "data.left",
    "countries": "data.sold",
    "countries.id": "key",
    "prices.application": "s",
    "prices.price": "pay",
    "prices.count": "left",
    "price.price": "data.pay",
    "buy.purchase": "data.ref",
    "check.state": "data.st",
    "check.sms": "data.box",
    "check.sms.code": "c",
    "cancel.refunded": "data.back",
}


async def _answering(asked: Asked, writer: asyncio.StreamWriter) -> None:
    await says(200, ANSWERS[asked.path[1]])(asked, writer)


async def test_every_answer_is_read_where_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    set_by_hand = {"fields": FIELDS, "states": {"Sold": PurchaseState.FINISHED}}
    known, product, query = Known(country="7", operator="1", application="3"), Product("7", "1", "3"), Priority.QUERY
    async with serving(_answering) as server:
        clock = QuickClock()
        given = settings(server.url, parameters="query", buy="form").model_copy(update=set_by_hand)
        limiter, log = Limiter(0, clock), logging.getLogger("test.provider")
        async with Client(given, "s3cret-token", clock=clock, limiter=limiter, memory=Memory(), logger=log) as client:
            assert (await client.profile(priority=query)).balance == Decimal(192100)
            countries = await client.catalog(CatalogKind.COUNTRIES, priority=query)
            assert [(entry.id, entry.name) for entry in countries.entries] == [("ru", "Russia")]
            (row,) = (await client.prices("7", "1", known=known, priority=query)).prices
            assert (row.application, row.price, row.count) == ("3", Decimal(2200), 7)
            price = await client.price(product, known=known, priority=query)
            assert (price.price, price.count) == (Decimal(2200), 7)
            assert {one.field: one.sureness for one in price.found}["price.price"] is Sureness.BY_HAND
            assert (await client.buy(product, known=known, permit=allowed)).purchase == "A-1"
            check = await client.check("A-1", known=known, priority=query)
            assert (check.state, [sms.code for sms in check.sms]) == (PurchaseState.FINISHED, ["12345"])
            assert (await client.cancel("A-1", known=known)).refunded is False
            monkeypatch.setitem(ANSWERS, "buy", {"status": True, "data": {"id": 2, "phone": "79313226657"}})
            with pytest.raises(OutcomeUnknownError) as caught:
                await client.buy(product, known=known, permit=allowed)
            assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN
            assert "purchase (set by hand: data.ref)" in caught.value.message
