"""Whole shops over HTTP: each takes its parameters in one way only, which the client has to find out."""

from __future__ import annotations

import logging
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import CatalogKind, Known, Priority, Product
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from tests.reading.readings import in_order, plain
from tests.reading.shops import Shop, shops

from .fakes import QuickClock
from .servers import Answer, Asked, http, says, serving, settings
from .test_client import Memory

if TYPE_CHECKING:
    import asyncio

QUERY = Priority.QUERY
PARAMETERS = {"pricebycountry": 2, "pricebyproduct": 3}
STYLES = ("path", "query", "form", "json")
NO_SUCH_PAGE = http(404, b"<html>Not Found</html>", content_type="text/html")
MISSING = http(404, b'{"status": false, "code": 404, "message": "country"}')


def given_in(style: str, asked: Asked) -> list[str]:
    """The ids as this style brings them, in the documented order."""
    if style == "path":
        return asked.path[2:]
    named = {"query": asked.query, "form": asked.form, "json": asked.json}[style]
    return [str(named[name]) for name in ("country", "operator", "application") if name in named]


def answering(shop: Shop, style: str) -> Answer:
    """A server that is this shop; its JSON comes labelled as HTML, with a byte order mark."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        endpoint = asked.path[1]
        wanted = list(shop.asked[: PARAMETERS.get(endpoint, 0)])
        body = b"\xef\xbb\xbf" + shop.answers[endpoint]
        if style != "path" and len(asked.path) > 2:
            writer.write(NO_SUCH_PAGE)
        elif wanted and given_in(style, asked) != wanted:
            writer.write(MISSING)
        else:
            writer.write(http(200, body, content_type="text/html; charset=UTF-8"))
        await writer.drain()

    return answer


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shop", list(shops()), ids=lambda shop: shop.name)
async def test_a_shop_is_understood(shop: Shop, style: str) -> None:
    clock = QuickClock()
    async with serving(answering(shop, style)) as server:
        client = Client(
            settings(server.url).model_copy(update={"currency": shop.unit or "IRT"}),
            "token",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=Memory(),
            logger=logging.getLogger("test.shops"),
        )
        async with client:
            await _understood(client, shop)


async def _understood(client: Client, shop: Shop) -> None:
    country, operator, application = shop.asked
    lists = {kind.value: await client.catalog(kind, priority=QUERY) for kind in CatalogKind}
    countries, operators, applications = (catalog.entries for catalog in lists.values())
    known = Known(*shop.asked, countries=countries, operators=operators, applications=applications)
    found = {
        "profile": await client.profile(priority=QUERY),
        **lists,
        "prices": await client.prices(country, operator, known=known, priority=QUERY),
        "price": await client.price(Product(country, operator, application), known=known, priority=QUERY),
    }
    assert {kind: _as_wanted(reading, known) for kind, reading in found.items()} == {
        kind: in_order(wanted) for kind, wanted in shop.wanted.items()
    }


def _as_wanted(reading: Any, known: Known) -> dict[str, Any]:
    return {field: value for field, value in in_order(plain(reading, known)).items() if field != "extra"}


@pytest.mark.parametrize(
    ("currency", "price"), [("IRT", "2200"), ("تومان", "2200"), ("Rial", "2200"), ("USD", "2.200"), ("Coin", None)]
)
async def test_money_is_read_in_the_unit_of_the_settings(currency: str, price: str | None) -> None:
    clock = QuickClock()
    async with serving(says(200, {"status": True, "data": {"price": "2.200", "count": 5}})) as server:
        client = Client(
            settings(server.url).model_copy(update={"currency": currency}),
            "token",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=Memory(),
            logger=logging.getLogger("test.shops"),
        )
        async with client:
            read = await client.price(Product("7", "1", "3"), known=Known("7", "1", "3"), priority=QUERY)
    assert read.price == (None if price is None else Decimal(price))
