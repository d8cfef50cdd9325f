"""What is asked of the daemon in a storm: buys, each of a product of its own, and cancels; some of them repeated."""

from __future__ import annotations

import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.storm.processes import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.storm.people import Person
    from tests.storm.processes import Provider

Product = tuple[str, str, str]
CHEAPEST = 0.3
"""Of those that may be bought in several places, so many ask for the cheapest first."""


@dataclass
class Asked:
    """One command. `taken`: the broker said that it has it."""

    topic: str
    fields: dict[str, Any]
    taken: bool = False

    @property
    def payload(self) -> bytes:
        return json.dumps(self.fields).encode()

    @property
    def digest(self) -> str:
        return digest(f"shomare/{self.topic}", self.payload)

    @property
    def transaction(self) -> str | None:
        transaction: str | None = self.fields.get("transaction")
        return transaction

    @property
    def products(self) -> list[Product]:
        """What may be bought for it: of lists every pair, else one."""
        places = (_listed(self.fields[field]) for field in ("country", "operator"))
        return list(itertools.product(*places, [self.fields["application"]]))


class Asking:
    """Sends commands and remembers them. `provider`: whoever is asked to have nothing of a product."""

    def __init__(self, sender: Person, provider: Provider, chance: Random) -> None:
        self._sender = sender
        self._provider = provider
        self._chance = chance
        self._products = _products()
        self._somewhere = _somewhere()
        self._twins: list[Product] = []
        self._numbers = itertools.count(1)
        self.asked: list[Asked] = []
        self.repeated = 0

    @property
    def buys(self) -> list[Asked]:
        return [each for each in self.asked if each.topic == "buy"]

    async def buy(self) -> None:
        """Ask for one number; three of four times with a transaction, and some of those twice."""
        product, twin = next(self._products)
        self._twins.append(twin)
        await self._ask_for(product)

    async def buy_twin(self) -> None:
        """As `buy`, at the price of what was asked for last and has no twin yet."""
        await self._ask_for(self._twins.pop())

    async def buy_somewhere(self) -> None:
        """Ask for one number in four places, of which some have none."""
        countries, operators, application = next(self._somewhere)
        asked = Asked("buy", {"country": countries, "operator": operators, "application": application})
        for product in self._chance.sample(asked.products, self._chance.randint(0, len(asked.products))):
            names = dict(zip(("country", "operator", "application"), product, strict=True))
            with suppress(aiohttp.ClientError):  # it may be away
                await self._provider.may("stock", **names, count=0)
        if self._chance.random() < CHEAPEST:
            asked.fields["choose"] = "cheapest"
        await self._send_named(asked.fields)

    async def _ask_for(self, product: Product) -> None:
        country, operator, application = product
        await self._send_named({"country": country, "operator": operator, "application": application})

    async def _send_named(self, fields: dict[str, Any]) -> None:
        if self._chance.random() < 0.75:
            fields["transaction"] = f"b-{next(self._numbers)}"
        await self._send(Asked("buy", fields))

    async def cancel(self, order: str) -> None:
        await self._send(Asked("cancel", {"order": order, "transaction": f"c-{next(self._numbers)}"}))

    async def resolve(self, order: str, purchase: dict[str, Any] | None) -> None:
        """The operator has looked at the provider's site."""
        outcome = {"outcome": "not_bought"}
        if purchase is not None:
            outcome = {"outcome": "bought", "purchase": purchase["purchase"], "phone": purchase["phone"]}
        await self._send(Asked("resolve", {"order": order, "transaction": f"r-{order}"} | outcome))

    async def repeat_some(self) -> None:
        """Senders who are not sure ask again, with what they asked before."""
        known = [each for each in self.asked if each.transaction and each.topic != "resolve"]
        for asked in self._chance.sample(known, min(2, len(known))):
            self.repeated += 1
            await self._sender.publish(asked.topic, asked.payload, again=True)

    async def _send(self, asked: Asked) -> None:
        self.asked.append(asked)
        asked.taken = await self._sender.publish(asked.topic, asked.payload, again=asked.transaction is not None)


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def product_of(thing: dict[str, Any]) -> Product:
    """Of an order or a purchase."""
    return thing["country"], thing["operator"], thing["application"]


def _products() -> Iterator[tuple[Product, Product]]:
    """Ids of products of the simulated provider, none twice, two of one price together (see its catalogue)."""
    products = itertools.product(range(8, 98), ("1", "2", "3", "4", "any"), (str(n) for n in range(1, 11)))
    for country, operator, application in products:
        yield (str(1000 + country), operator, application), (str(1090 + country), operator, application)


def _somewhere() -> Iterator[tuple[list[str], list[str], str]]:
    """Countries, operators and an application of which nobody else asks for any, and none twice."""
    for country, operators, application in itertools.product(range(192, 242), (["1", "2"], ["3", "4"]), range(1, 11)):
        yield [str(1000 + country), str(1050 + country)], operators, str(application)
