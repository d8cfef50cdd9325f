"""Whole shops read with what the reading itself learnt before: the prices by the lists of the same shop."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shomare_mqtt.model import Catalog, CatalogKind, Known
from shomare_mqtt.provider.client import LISTS
from shomare_mqtt.provider.reading import read_catalog, read_price, read_prices, read_profile

from .reading_support import answer, context
from .shops import SHOPS, Shop

EVERY = pytest.mark.parametrize("shop", SHOPS, ids=lambda shop: shop.name)
NOTHING = context(Known())


def lists_of(shop: Shop) -> dict[CatalogKind, Catalog]:
    return {kind: read_catalog(kind, answer(shop.answers[LISTS[kind].value]), NOTHING) for kind in CatalogKind}


def known(shop: Shop) -> Known:
    lists = [catalog.entries for catalog in lists_of(shop).values()]
    country, operator, application = shop.asked
    return Known(country, operator, application, countries=lists[0], operators=lists[1], applications=lists[2])


@EVERY
def test_profile(shop: Shop) -> None:
    read = read_profile(answer(shop.answers["profile"]), NOTHING)
    assert (read.balance, read.currency) == (Decimal(shop.balance[0]), shop.balance[1])


@EVERY
def test_lists(shop: Shop) -> None:
    for kind, catalog in lists_of(shop).items():
        truth: dict[str, set[str]] = getattr(shop, kind.value)
        assert {entry.id for entry in catalog.entries} == set(truth)
        assert all(truth[entry.id] <= set(entry.names) for entry in catalog.entries)
        assert "id" not in catalog.unread


@EVERY
def test_prices(shop: Shop) -> None:
    country, operator, _ = shop.asked
    read = read_prices(country, operator, answer(shop.answers["pricebycountry"]), context(known(shop)))
    truth = {own: (Decimal(price), count) for own, (price, count) in shop.prices.items()}
    assert {price.application: (price.price, price.count) for price in read.prices} == truth


@EVERY
def test_price(shop: Shop) -> None:
    read = read_price(shop.asked[2], answer(shop.answers["pricebyproduct"]), context(known(shop)))
    assert (read.price, read.count) == (Decimal(shop.price[0]), shop.price[1])
