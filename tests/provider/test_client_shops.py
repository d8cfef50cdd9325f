"""Whole shops over HTTP: each takes its parameters in one way only, which the client has to find out."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.model import CatalogKind, Known, Priority, Product
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from tests.reading.shops import SHOPS, Shop

from .fakes import QuickClock
from .servers import Answer, Asked, http, serving, settings
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
        body = b"\xef\xbb\xbf" + json.dumps(shop.answers[endpoint], ensure_ascii=False).encode()
        if style != "path" and len(asked.path) > 2:
            writer.write(NO_SUCH_PAGE)
        elif wanted and given_in(style, asked) != wanted:
            writer.write(MISSING)
        else:
            writer.write(http(200, body, content_type="text/html; charset=UTF-8"))
        await writer.drain()

    return answer


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
async def test_a_shop_is_understood(shop: Shop, style: str) -> None:
    clock = QuickClock()
    async with serving(answering(shop, style)) as server:
        client = Client(
            settings(server.url),
            "token",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=Memory(),
            logger=logging.getLogger("test.shops"),
        )
        async with client:
            await _understood(client, shop)


async def _understood(client: Client, shop: Shop) -> None:
    profile = await client.profile(priority=QUERY)
    assert (profile.balance, profile.currency) == (Decimal(shop.balance[0]), shop.balance[1])
    lists = {kind: (await client.catalog(kind, priority=QUERY)).entries for kind in CatalogKind}
    known = replace(
        Known(),
        countries=lists[CatalogKind.COUNTRIES],
        operators=lists[CatalogKind.OPERATORS],
        applications=lists[CatalogKind.APPLICATIONS],
    )
    country, operator, application = shop.asked
    prices = await client.prices(country, operator, known=known, priority=QUERY)
    truth = {own: (Decimal(price), count) for own, (price, count) in shop.prices.items()}
    assert {p.application: (p.price, p.count) for p in prices.prices} == truth
    price = await client.price(Product(country, operator, application), known=known, priority=QUERY)
    assert (price.price, price.count) == (Decimal(shop.price[0]), shop.price[1])
