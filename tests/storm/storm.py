"""A storm: real processes, killed again and again in the middle of work, with a provider that fails in every way."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Self

from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE
from tests.storm.another import ONLINE, Another
from tests.storm.asking import Asked, Asking, product_of
from tests.storm.people import FILTERS, Person, order_became
from tests.storm.processes import Daemon, Journal, Provider
from tests.storm.site import Site
from tests.storm.wire import Wire

if TYPE_CHECKING:
    from pathlib import Path

FAULTS = {
    "kinds": ["hang_before", "hang_after", "reset_before", "reset_after", "html", "html_after", "framework_500",
              "framework_500_after", "empty", "truncated", "cut", "slow", "429", "redirect"],
    "probability": 0.12, "delay": 0.5, "retry_after": 1,
}  # fmt: skip
SOMEWHERE = 0.35
"""Of the buys, so many may be carried out in several places."""
PAUSE = 4.0
"""Seconds that buying pauses at most after an unknown outcome, with the settings of these processes."""
BROKER = (
    "persistence true",
    "persistence_location {folder}/",
    "max_queued_messages 0",
    "persistent_client_expiration 1d",
)


@dataclass
class Kills:
    """How often the daemon was killed, and what was on its way then."""

    count: int = 0
    hit: Counter[str] = field(default_factory=Counter)

    def add(self, journal: Journal, asked: list[Asked]) -> None:
        """Look at what the dead left behind; one kill may hit several things."""
        self.count += 1
        hits = {
            "before PUBACK": any(each.taken and each.digest not in journal.taken for each in asked),
            "while buying": any(order["state"] == "buying" for order in journal.orders),
            "answer unsent": "answer" in journal.outbox,
            "SMS unpublished": "sms" in journal.outbox,
        }
        self.hit.update({name: int(hit) for name, hit in hits.items()})


class Storm:
    """All actors. `async with Storm(folder, seed) as storm:` starts them; `rounds` is the storm; `calm` its end."""

    def __init__(self, folder: Path, seed: int) -> None:
        self._folder = folder
        self._chance = Random(seed)
        self._seed = seed
        self._stack = AsyncExitStack()
        self.broker = Mosquitto(folder, lines=[line.format(folder=folder) for line in BROKER])
        self.provider = Provider(folder, gone_status=self._chance.choice((400, 404)))
        self.wire = Wire(self.broker.port)
        self.daemon = Daemon(folder, "daemon", self.wire.port, self.provider.port)
        self.second = Daemon(folder, "second", self.broker.port, self.provider.port)
        settings = self.broker.settings()
        self.recorder = Person(settings, "recorder", FILTERS)
        sender = Person(settings, "sender")
        self.asking = Asking(sender, self.provider, self._chance)
        self._people = (self.recorder, sender)
        self.site = Site(self.provider, self._chance)
        self.another = Another(self.daemon, self.second, self.wire, self.recorder, self._some_buys, self._chance)
        self._started_at = 0
        self.kills = Kills()
        self.restarts: Counter[str] = Counter()
        self.purchases: list[dict[str, Any]] = []
        self.statuses: list[int] = []
        self._moments = {
            "before PUBACK": self._before_puback,
            "while buying": self._while_buying,
            "an answer on its way": self._answer,
            "an SMS on its way": self._sms,
            "the broker away": self._broker_away,
            "the provider away": self._provider_away,
            "any": self._any,
            "a cancel on its way": self._cancel,
            "cancelled on the site": self._site,
            "a lost one cancelled on the site": self._lost,
            "another at once": self.another.at_once,
            "another while stopped": self.another.while_stopped,
            "another while cut off": self.another.while_cut_off,
        }

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.broker)
        await self._stack.enter_async_context(self.wire)
        self._stack.push_async_callback(self.second.kill)
        for process in (self.provider, self.daemon):
            await process.start()
            self._stack.push_async_callback(process.kill)
        for person in self._people:
            await self._stack.enter_async_context(person)
        assert await self._online(), self.daemon.log.read_text()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def rounds(self, number: int, moments: tuple[str, ...] = ()) -> None:
        """So many kills. Each moment, of `moments` or of all, has its turn, in an order that the seed gives."""
        await self.provider.set_faults(**FAULTS, seed=self._seed)
        bag: list[str] = []
        for _ in range(number):
            bag = bag or self._chance.sample(sorted(moments or self._moments), len(moments or self._moments))
            await self._round(bag.pop())

    async def _round(self, moment: str) -> None:
        await self._online()
        await self.recorder.until(self._buying_is_possible, PAUSE)
        await self.asking.repeat_some()
        await self._moments[moment](len(self.recorder.heard))
        await self.daemon.kill()
        journal = await asyncio.to_thread(self.daemon.journal, self._folder / "copy")
        self.kills.add(journal, self.asking.asked)
        if moment == "the broker away":
            await self.broker.start()
        self._started_at = len(self.recorder.heard)
        await self.daemon.start()

    async def _online(self) -> bool:
        """Whether the daemon takes commands, at last."""
        return await self.recorder.hears(lambda heard: heard == ONLINE, PATIENCE, self._started_at)

    def _buying_is_possible(self) -> bool:
        """Whether no pause was announced last: in one, nothing is bought that could be lost."""
        said = (each.json["event_type"] for each in reversed(self.recorder.heard) if each.topic == "event/bridge")
        return next((word for word in said if word.startswith("buying_")), "buying_resumed") == "buying_resumed"

    # --- moments at which to kill ---------------------------------------------------------------------------------

    async def _before_puback(self, since: int) -> None:
        """The broker has just told the sender that it has the command."""
        await self._some_buys(2)
        await self.recorder.hears(order_became("waiting"), self._chance.uniform(0, 1), since)
        buys = [asyncio.create_task(self.asking.buy()) for _ in range(4)]
        await asyncio.wait(buys, return_when=asyncio.FIRST_COMPLETED)
        await self.daemon.kill()
        await asyncio.gather(*buys)

    async def _while_buying(self, since: int) -> None:
        """What may be bought in several places is perhaps cancelled as well."""
        await asyncio.gather(self._some_buys(2), *(self.asking.buy_somewhere() for _ in range(2)))
        await self.recorder.hears(order_became("buying"), 3, since)
        buying = [order for order in self._open_orders() if order["state"] == "buying"]
        for order in buying[: self._chance.randint(0, 2)]:
            await self.asking.cancel(order["order"])
        await asyncio.sleep(self._chance.uniform(0, 0.05))

    async def _answer(self, since: int) -> None:
        await self._some_buys(3)
        await self.recorder.hears(order_became("waiting"), 3, since)

    async def _sms(self, since: int) -> None:
        await self._some_buys(3)
        await self.recorder.hears(order_became("received"), 4, since)

    async def _broker_away(self, since: int) -> None:
        """Answers and SMS wait for a broker that comes back only after the daemon's death."""
        await self._some_buys(4)
        await self.recorder.hears(order_became("buying"), 3, since)
        await self.broker.stop()
        self.restarts["broker"] += 1
        await asyncio.sleep(self._chance.uniform(0.5, 1.5))

    async def _provider_away(self, since: int) -> None:
        await self._some_buys(3)
        await self.recorder.hears(order_became("buying"), 3, since)
        await self.provider.kill()
        self.restarts["provider"] += 1
        await self.provider.start()
        await asyncio.sleep(self._chance.uniform(0, 0.5))

    async def _any(self, since: int) -> None:
        """Some numbers are given back; then the end, whatever is on its way."""
        await self._some_buys(3)
        await self.recorder.hears(order_became("waiting"), 3, since)
        for order in self._open_orders()[:3]:
            if order["state"] in ("waiting", "received"):
                await self.asking.cancel(order["order"])
        await asyncio.sleep(self._chance.uniform(0, 0.3))

    async def _cancel(self, since: int) -> None:
        """A number is given back while another of the same price is bought, and the answer to that is lost."""
        await self._some_without_sms(since)
        await self.site.lose_answers()
        open_orders = [order for order in self._open_orders() if order["state"] == "waiting"]
        cancels = [asyncio.create_task(self.asking.cancel(order["order"])) for order in open_orders[:2]]
        await asyncio.gather(self.asking.buy_twin(), self.asking.buy_twin(), *cancels)
        await asyncio.sleep(self._chance.uniform(0, 0.1) if self._chance.random() < 0.5 else self._chance.uniform(0, 2))
        await self.site.with_sms()

    async def _site(self, since: int) -> None:
        """People cancel and buy on the provider's site while the answer to a `buy` is lost, and after that."""
        await self.site.buy()
        await self._some_without_sms(since)
        await self.site.lose_answers()
        since = len(self.recorder.heard)
        if self._chance.random() < 0.5:
            await self.site.cancel_ours(1)
        await asyncio.gather(self.asking.buy_twin(), self.asking.buy_twin())
        await self.recorder.hears(order_became("buying"), 3, since)
        await asyncio.sleep(self._chance.uniform(0, 0.3))
        await self.site.cancel_ours(2)
        await self.site.busy(self._chance.uniform(0, 1.5))
        await asyncio.sleep(self._chance.uniform(0, 1.5))
        await self.site.with_sms()

    async def _lost(self, since: int) -> None:
        """A number of which no daemon knows whether it was bought is cancelled on the provider's site."""
        await self.site.without_sms()
        await self.site.lose_answers()
        await self._some_buys(1)
        await self.recorder.hears(order_became("unknown"), 4, since)
        await self.site.cancel_newest()
        await asyncio.sleep(self._chance.uniform(0, 3))
        await self.site.with_sms()

    async def _some_without_sms(self, since: int) -> None:
        """Some numbers that live until they are cancelled."""
        await self.site.without_sms()
        await asyncio.gather(self.asking.buy(), self.asking.buy())
        await self.recorder.hears(order_became("waiting"), 3, since)

    async def _some_buys(self, number: int) -> None:
        """One of three may be bought in several places."""
        kinds = [self._chance.random() < SOMEWHERE for _ in range(number)]
        await asyncio.gather(*(self.asking.buy_somewhere() if each else self.asking.buy() for each in kinds))

    def _open_orders(self) -> list[dict[str, Any]]:
        heard = self.recorder.last("orders")
        orders: list[dict[str, Any]] = heard.json if heard else []
        return orders

    # --- the end ------------------------------------------------------------------------------------------------------

    async def calm(self) -> list[Journal]:
        """Nothing fails any more; the operator settles what is unknown; each daemon stops, and this is left of them."""
        await self.provider.control("clear")
        await self._online()
        found = [await self._end(self.daemon)]
        if self.second.state.exists():
            self._started_at = len(self.recorder.heard)
            await self.second.start()
            await self._online()
            found.append(await self._end(self.second))
        self.purchases = (await self.provider.state())["purchases"]
        return found

    async def _end(self, daemon: Daemon) -> Journal:
        """All orders of a daemon's come to their end, and so does it; what is in its journal then."""
        since = self._started_at
        await self.recorder.until(lambda: self._all_decided(since), PATIENCE)
        bought = {product_of(p): p for p in (await self.provider.state())["purchases"]}
        for order in self._open_orders():
            if order["state"] == "unknown":
                await self.asking.resolve(order["order"], bought.get(product_of(order)))
        # A number that the operator found is watched for a minute from then on, even if it has its SMS.
        await self.recorder.until(lambda: not self._open_orders() and self._all_answered(), 60 + PATIENCE)
        self.statuses.append(await daemon.stop())
        return await asyncio.to_thread(daemon.journal, self._folder / "copy")

    def _all_decided(self, since: int) -> bool:
        told = any(heard.topic == "orders" for heard in self.recorder.heard[since:])
        return told and all(o["state"] == "unknown" for o in self._open_orders()) and self._all_answered()

    def _all_answered(self) -> bool:
        asked = {each.transaction for each in self.asking.asked} - {None}
        return asked <= {each.json["transaction"] for each in self.recorder.heard if each.topic.startswith("response/")}
