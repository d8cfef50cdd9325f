"""Answers to `query/…`: the provider is asked, and the retained topic that holds the same is renewed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shomare_mqtt.core import render
from shomare_mqtt.core.orders.checking import code_in
from shomare_mqtt.core.orders.targets import find_target
from shomare_mqtt.core.render import Answer
from shomare_mqtt.model import (
    CatalogKind,
    CheckReading,
    Endpoint,
    Priority,
    Product,
    Query,
    QueryCatalog,
    QueryCheck,
    QueryOffers,
    QueryPrice,
    QueryPrices,
    QueryProfile,
    QueryStatistics,
)

if TYPE_CHECKING:
    from shomare_mqtt.core.market.market import Market
    from shomare_mqtt.core.orders.orders import Orders
    from shomare_mqtt.core.ports import Journal


class Queries:
    """One method for all queries; each raises CommandRefusedError or ProviderError for what is not answered."""

    def __init__(self, journal: Journal, market: Market, orders: Orders) -> None:
        self._journal = journal
        self._ledger = orders.ledger
        self._provider = market.provider
        self._account = market.account
        self._catalogs = market.catalogs
        self._prices = market.prices
        self._offers = market.offers
        self._defaults = market.defaults
        self._checker = orders.checker
        self._statistics = orders.statistics

    async def answer(self, query: Query, deadline: float | None) -> Answer:
        """Answer one query, offers by a steady second with what is known. Raises CommandRefusedError, ProviderError."""
        match query:
            case QueryProfile():
                data: object = await self._account.read()
            case QueryCatalog(kind):
                data = render.catalog_json(await self._catalogs.read(kind))
            case QueryPrices():
                data = await self._price_list(query)
            case QueryPrice():
                data = await self._price(query)
            case QueryOffers():
                data = await self._offers.answer(query, deadline)
            case QueryStatistics():
                data = await self._statistics.told(query)
            case QueryCheck():
                return await self._check(query)
            case _:
                records = await self._journal.newest_first(query.state, query.limit)
                data = [render.order_json(r.order, codes=True) for r in records]
        return Answer.ok(data)

    async def _price_list(self, query: QueryPrices) -> dict[str, object]:
        country = await self._id(CatalogKind.COUNTRIES, query.country, query.is_id)
        operator = await self._id(CatalogKind.OPERATORS, query.operator, query.is_id)
        return self._prices.payload(await self._prices.read_list(country, operator))

    async def _price(self, query: QueryPrice) -> dict[str, object]:
        product = Product(
            await self._id(CatalogKind.COUNTRIES, query.country, query.is_id),
            await self._id(CatalogKind.OPERATORS, query.operator, query.is_id),
            await self._id(CatalogKind.APPLICATIONS, query.application, query.is_id),
        )
        payload = self._prices.price_payload(product, await self._prices.read_price(product))
        self._defaults.renew_quote(product, payload)
        return payload

    async def _id(self, kind: CatalogKind, text: str | None, is_id: frozenset[str]) -> str:
        """The id that a field means, or its default."""
        if text is not None:
            return await self._catalogs.resolve(kind, text, is_id=kind.field in is_id)
        return self._defaults.needed(kind)

    async def _check(self, query: QueryCheck) -> Answer:
        record, purchase = await find_target(self._ledger, query.target)
        if record is None:
            known = replace(self._prices.known(), purchase=purchase)
            reading = await self._provider.check(purchase, known=known, priority=Priority.QUERY)
            await self._provider.tell(Endpoint.CHECK, reading)
            return Answer.ok(_foreign(purchase, reading))
        if record.order.purchase is not None:
            record = await self._checker.check(record, Priority.QUERY)
        return Answer.ok(render.order_json(record.order, codes=True), record.order.order)


def _foreign(purchase: str, reading: CheckReading) -> dict[str, object]:
    """The answer for a purchase that the journal does not know."""
    return {
        "purchase": purchase,
        "state": reading.state.value if reading.state else None,
        "sms": [
            {
                "code": s.code or (code_in(s.text) if s.text else None),
                "text": s.text,
                "sender": s.sender,
                "received_at": render.timestamp(s.received_at),
            }
            for s in reading.sms
        ],
    }
