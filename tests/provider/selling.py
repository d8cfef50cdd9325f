"""A shop over HTTP whose lists could be read with several ids, of which it takes one; it counts what is asked of it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogKind, Endpoint, IdDoubt, Known, Priority, Product
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter

from .fakes import QuickClock
from .servers import Asked, Server, http, serving, settings
from .test_client import Memory
from .test_client_shops import given_in

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.config import Provider

COUNTRIES = (
    ("7", "russia-slug", "RU", "Russia"),
    ("98", "iran-slug", "IR", "Iran"),
    ("44", "england-slug", "GB", "England"),
)
APPLICATIONS = (("3", "tg", "Telegram"), ("5", "wa", "WhatsApp"), ("8", "ig", "Instagram"))
NOT_FOUND = http(404, b'{"status": false, "code": 404, "message": "not found"}')
NO_PAGE = http(404, b"<html>Not Found</html>", content_type="text/html")
KINDS = tuple(CatalogKind)


def listed(names: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> list[dict[str, Any]]:
    return [{name: int(v) if v.isdigit() else v for name, v in zip(names, row, strict=True)} for row in rows]


@dataclass
class Shop:
    """What it sells everywhere; `wants`: by list, the field that it takes as the id."""

    countries: list[dict[str, Any]] = field(
        default_factory=lambda: listed(("id", "api_name", "iso", "name"), COUNTRIES)
    )
    operators: list[Any] = field(default_factory=lambda: ["any", "beeline"])
    applications: list[dict[str, Any]] = field(default_factory=lambda: listed(("id", "code", "title"), APPLICATIONS))
    wants: dict[str, str] = field(default_factory=dict)
    style: str = "path"
    ignores: frozenset[str] = frozenset()
    """Lists of which any id at all will do."""
    sold: Callable[[str, str, str], bool] = lambda country, operator, application: True
    """By the entries' names, whatever their ids."""
    instead: dict[int, bytes] = field(default_factory=dict)
    """Answers to the price calls with these numbers, from 1."""
    unknown: bytes | None = None
    """What it answers to an id that it does not know, in a 404's place."""
    calls: list[tuple[str, ...]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        endpoint = asked.path[1]
        self.asked.append(endpoint)
        if endpoint.startswith("all"):
            writer.write(said(getattr(self, endpoint.removeprefix("all"))))
        elif endpoint in (Endpoint.PRICES, Endpoint.PRICE, Endpoint.BUY):
            ids = given_in("form" if endpoint == Endpoint.BUY else self.style, asked)
            self.calls.append((endpoint, *ids))
            writer.write(self.instead.get(len(self.calls)) or self._sell(endpoint, asked, ids))
        else:
            raise AssertionError(f"a trial sent {endpoint}")
        await writer.drain()

    def _sell(self, endpoint: str, asked: Asked, ids: list[str]) -> bytes:
        if endpoint != Endpoint.BUY and self.style != "path" and len(asked.path) > 2:
            return NO_PAGE
        places = {Endpoint.PRICES: KINDS[:2]}.get(Endpoint(endpoint), KINDS)
        if len(ids) != len(places):
            return NOT_FOUND
        found = [self._entry(kind.value, own) for kind, own in zip(places, ids, strict=True)]
        if None in found:
            return self.unknown or NOT_FOUND
        if endpoint == Endpoint.BUY:
            return said({"id": 74001, "number": "+79313226657"})
        offers = [
            {"application": self._id("applications", application), "price": 2200, "count": 5}
            for application in self.applications
            if self.sold(*map(_name, [*found[:2], application]))
        ]
        if endpoint == Endpoint.PRICES:
            return said(offers)
        wanted = self._id("applications", found[2])
        own = [offer for offer in offers if offer["application"] == wanted]
        return said(own[0]) if own else NOT_FOUND

    def _id(self, kind: str, entry: Any) -> Any:
        return entry[self.wants.get(kind, "id")] if isinstance(entry, dict) else entry

    def _entry(self, kind: str, own: str) -> Any:
        entries = getattr(self, kind)
        if kind in self.ignores:
            return entries[0]
        return next((entry for entry in entries if str(self._id(kind, entry)) == own), None)

    def counted(self) -> Counter[str]:
        return Counter(self.asked)


def _name(entry: Any) -> str:
    return entry if isinstance(entry, str) else str(entry.get("name", entry.get("title")))


def said(data: Any) -> bytes:
    return http(200, json.dumps({"status": True, "data": data}).encode())


@dataclass
class House:
    """A client at a shop, and what is kept of what it learns."""

    shop: Shop
    server: Server
    client: Client
    memory: Memory
    clock: QuickClock
    lists: dict[CatalogKind, Any] = field(default_factory=dict)

    async def read(self, *kinds: CatalogKind) -> None:
        for kind in kinds or KINDS:
            self.lists[kind] = await self.client.catalog(kind, priority=Priority.QUERY)

    @property
    def known(self) -> Known:
        countries, operators, applications = (self.lists[kind].entries for kind in KINDS)
        return Known(countries=countries, operators=operators, applications=applications)

    async def settle(
        self, product: Product | None = None, priority: Priority = Priority.POLL
    ) -> frozenset[CatalogKind]:
        return await self.client.try_ids(product, known=self.known, priority=priority)

    def doubts(self) -> dict[str, IdDoubt]:
        return {kind.value: self.client.id_doubt(kind) for kind in KINDS}

    def ids(self, kind: CatalogKind) -> list[str]:
        return [entry.id for entry in self.lists[kind].entries]


@asynccontextmanager
async def house(
    shop: Shop, memory: Memory | None = None, given: Callable[[Provider], Provider] = lambda provider: provider
) -> AsyncIterator[House]:
    clock, memory = QuickClock(), memory or Memory()
    async with serving(shop.answer) as server:
        client = Client(
            given(settings(server.url)),
            "token",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=memory,
            logger=logging.getLogger("test.ids"),
        )
        async with client:
            yield House(shop, server, client, memory, clock)
