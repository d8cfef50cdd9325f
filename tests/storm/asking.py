"""What is asked of the daemon in a storm: buys, each of a product of its own, and cancels; some of them repeated."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.storm.processes import digest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from tests.storm.people import Person

Product = tuple[str, str, str]


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
    def product(self) -> Product:
        return self.fields["country"], self.fields["operator"], self.fields["application"]


class Asking:
    """Sends commands and remembers them."""

    def __init__(self, sender: Person, chance: Random) -> None:
        self._sender = sender
        self._chance = chance
        self._products = _products()
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

    async def _ask_for(self, product: Product) -> None:
        country, operator, application = product
        fields = {"country": country, "operator": operator, "application": application}
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


def product_of(thing: dict[str, Any]) -> Product:
    """Of an order or a purchase."""
    return thing["country"], thing["operator"], thing["application"]


def _products() -> Iterator[tuple[Product, Product]]:
    """Ids of products of the simulated provider, none twice, two of one price together (see its catalogue)."""
    products = itertools.product(range(8, 98), ("1", "2", "3", "4", "any"), (str(n) for n in range(1, 11)))
    for country, operator, application in products:
        yield (str(1000 + country), operator, application), (str(1090 + country), operator, application)
