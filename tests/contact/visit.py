"""One daemon meets one provider, and is driven over MQTT alone, as its user would."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.contact.truth import KINDS, LATE, Lists, Script, all_texts, money, names_of, near
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from shomare_mqtt.simulator.ledger import Purchase
    from tests.contact.checks import Look, Verdicts
    from tests.system.house import House

LIFETIME = 600
"""Seconds that a number lives at the provider: not what the daemon takes where nobody tells it (1200)."""
PER_MINUTE = 240
OPEN = ("buying", "waiting", "received", "unknown")
# Own ids that are all different, so that one taken for another is found out.
PRODUCTS = (("16", "2", "1"), ("43", "3", "5"), ("22", "1", "8"))
SMS = (("481516", "WhatsApp code: 481516. Do not give it to anyone."), ("7093", "WhatsApp code: 7093."))

Order = dict[str, Any]


def settings(script: Script, *, by_hand: bool) -> dict[str, Any]:
    """A daemon's that loses no time; no price list is watched, so that a wrong id costs no call."""
    provider: dict[str, Any] = {"requests_per_minute": PER_MINUTE}
    if by_hand:
        provider |= script.by_hand()
    return {"provider": provider, "orders": {"poll_interval": 0.3, "settle_delay": 0.3}}


class Visit:
    """Everything that is checked, in its order."""

    def __init__(self, house: House, script: Script, verdicts: Verdicts) -> None:
        self.house, self.script, self.verdicts = house, script, verdicts
        self.lists = Lists(house.sim)
        self.bought = 0

    async def whole(self, daemon_settings: Mapping[str, Any]) -> None:
        """Go through all checks; what cannot be reached stays wrong."""
        await self.house.launch(daemon_settings)
        if await self._hopes(lambda: self._text("bridge/state") == "online", PATIENCE):
            for part in (self._lists, self._prices, self._first, self._second, self._third, self._account):
                await self._reach(part)
            self._requests()

    async def _reach(self, part: Callable[[], Awaitable[None]]) -> None:
        """Go through a part; an answer that never comes leaves the rest of it wrong."""
        try:
            await part()
        except (AssertionError, TimeoutError) as error:
            self.verdicts.unreached(self.verdicts.wrong, f"{part.__name__.strip('_')}: {str(error)[:300]}")

    # --- looking ----------------------------------------------------------------------------------------------------

    async def _hopes(self, look: Callable[[], Any], seconds: float) -> Any:
        """What `look` finds once it finds something, else None; it looks at every message that comes."""
        with suppress(AssertionError):
            return await self.house.probe.until(look, seconds)
        return None

    async def _judge(self, looks: Mapping[str, Look]) -> None:
        """Wait until all is right that can be, and judge."""
        await self._hopes(lambda: self.verdicts.settled(looks), self.verdicts.seconds(*looks))
        self.verdicts.judge(looks)

    def _text(self, topic: str) -> str:
        seen = self.house.probe.last(topic)
        return seen.text if seen else ""

    def _json(self, topic: str, otherwise: Any) -> Any:
        seen = self.house.probe.last(topic)
        return seen.json if seen and seen.payload else otherwise

    def _published_id(self, kind: str, own: str) -> str | None:
        """The published id of the entry that a person would choose: the one that has its name."""
        entry = next(e for e in self.lists.entries(kind) if e.id == own)
        names = names_of(entry)
        return next((e["id"] for e in self._json(KINDS[kind], []) if names & all_texts(e)), None)

    def _product(self, own: tuple[str, str, str]) -> dict[str, str | None]:
        return {kind: self._published_id(kind, each) for kind, each in zip(KINDS, own, strict=True)}

    # --- account and lists ------------------------------------------------------------------------------------------

    async def _lists(self) -> None:
        looks: dict[str, Look] = {"balance.start": self._balance, "currency": self._currency}
        for kind, plural in KINDS.items():
            looks[f"{plural}.ids"] = partial(self._ids, kind)
            looks[f"{plural}.names"] = partial(self._names, kind)
        await self._judge(looks)

    def _column(self, kind: str, field: str) -> list[str]:
        return [entry[field] for entry in self._json(KINDS[kind], [])]

    def _ids(self, kind: str) -> tuple[Any, Any]:
        return self._column(kind, "id"), self.lists.ids(kind)

    def _names(self, kind: str) -> tuple[Any, Any]:
        shown = self._column(kind, "name")
        wanted = [entry.name for entry in self.lists.entries(kind)]
        return (wanted if self.lists.named(kind, shown) else shown), wanted

    def _balance(self) -> tuple[Any, Any]:
        real = self.house.sim.state()["shown_balance"] * self.script.factor("profile")
        return money(self._json("profile", {}).get("balance")), real

    def _currency(self) -> tuple[Any, Any]:
        return self._json("profile", {}).get("currency"), self.script.currency

    async def _account(self) -> None:
        """After all that was bought and paid back."""
        await self.house.probe.ask("query/profile", {})
        await self._judge({"balance.end": self._balance})

    # --- prices -----------------------------------------------------------------------------------------------------

    async def _prices(self) -> None:
        own = PRODUCTS[0]
        sent = self._product(own)
        offers = self.house.sim._desk.catalog.offers(own[0], own[1]) or ()
        ids = {offer.application.id: self.lists.wanted("application", offer.application.id) for offer in offers}
        factor = self.script.factor("pricebycountry")
        answer = await self._ask("query/prices", {k: sent[k] for k in ("country", "operator")})
        rows = (answer.get("data") or {}).get("prices") or []
        self.verdicts.judge(
            {
                "prices.price": lambda: (
                    {row["application"]: money(row["price"]) for row in rows} or answer,
                    {ids[o.application.id]: o.price * factor for o in offers},
                ),
                "prices.count": lambda: (
                    {row["application"]: row["count"] for row in rows} or answer,
                    {ids[o.application.id]: o.count for o in offers},
                ),
            }
        )
        offer = next(o for o in offers if o.application.id == own[2])
        answer = await self._ask("query/price", sent)
        data = answer.get("data") or {}
        self.verdicts.judge(
            {
                "price.price": lambda: (
                    money(data.get("price")) if data else answer,
                    offer.price * self.script.factor("pricebyproduct"),
                ),
                "price.count": lambda: (data.get("count") if data else answer, offer.count),
            }
        )

    async def _ask(self, topic: str, payload: Mapping[str, Any]) -> Any:
        """An answer; where an id was not to be found in the lists, a refusal that nobody sent."""
        if None in payload.values():
            return {"status": "error", "error": f"no published entry has the name: {payload}"}
        return await self.house.probe.ask(topic, dict(payload))

    # --- purchases --------------------------------------------------------------------------------------------------

    async def _buy(self, own: tuple[str, str, str]) -> tuple[Any, Purchase | None]:
        """The answer to a buy, and what was really bought."""
        payload = self._product(own)
        before = len(self.house.sim.purchases)
        if None not in payload.values():
            self.bought += 1
        answer = await self._ask("buy", payload)
        made = list(self.house.sim.purchases.values())[before:]
        return answer, made[0] if made else None

    async def _first(self) -> None:
        answer, real = await self._buy(PRODUCTS[0])
        self.verdicts.judge({"buy.ok": lambda: (answer["status"] if real else answer, "ok")})
        if answer["status"] != "ok" or real is None:
            return
        order = answer["data"]["order"]
        await self._judge(self._of_order(order, real))
        await self._checked(2)
        data = await self._open_order(order)
        self.verdicts.judge(
            {
                "waiting.state": lambda: (data.get("state"), "waiting"),
                "waiting.no_sms": lambda: ([data.get("sms"), self._events(order)], [[], []]),
            }
        )
        await self._first_sms(order, real)
        await self._second_sms(order, real)

    def _of_order(self, order: str, real: Purchase) -> dict[str, Look]:
        def shown(field: str) -> Any:
            return self._json(f"orders/{order}", {}).get(field)

        expires = self._wall(real.expires)
        return {
            "buy.purchase": lambda: (shown("purchase"), self.lists.wanted("purchase", real.purchase)),
            "buy.phone": lambda: (shown("phone"), f"+{real.phone}"),
            "buy.price": lambda: (money(shown("price")), real.price * self.script.factor("buy")),
            "buy.expires": lambda: near(shown("expires_at"), expires, self.script.roughness),
        }

    def _wall(self, at: float) -> datetime:
        return self.house.sim._desk.clock(at)

    async def _checked(self, times: int) -> None:
        """Returns once a number was asked for so many times more, or is asked for no more."""
        with suppress(TimeoutError):
            sim = self.house.sim
            wanted = sim.calls["check"] + times
            await sim.wait_until(lambda: sim.calls["check"] >= wanted, self.verdicts.seconds("waiting.state"))

    async def _open_order(self, order: str) -> Order:
        """The order with its whole SMS as the journal has it; nothing where it is not open."""
        answer = await self.house.probe.ask("query/orders", {})
        return next((each for each in answer["data"] if each["order"] == order), {})

    def _events(self, order: str) -> list[Any]:
        return [seen.json for seen in self.house.probe.all("event/sms") if seen.json["order"] == order]

    async def _sms(self, order: str, real: Purchase, which: int) -> Any:
        """Send an SMS; what is said of it, nothing where that never comes."""
        code, text = SMS[which]
        await self._control("sms", purchase=real.purchase, code=code, text=text)
        needs = ("sms.received", "sms.code", "sms.text") if which == 0 else ("second.code", "second.both")
        found = await self._hopes(lambda: self._events(order)[which:], self.verdicts.seconds(*needs))
        return found[0] if found else {}

    async def _first_sms(self, order: str, real: Purchase) -> None:
        event = await self._sms(order, real, 0)
        (code, text), at = SMS[0], self._wall(real.sms[0].at)
        self.verdicts.judge(
            {
                "sms.code": lambda: (event.get("code"), code),
                "sms.text": lambda: (event.get("text"), text),
                "sms.sender": lambda: (event.get("sender"), real.sms[0].sender),
                "sms.time": lambda: near(event.get("received_at"), at, LATE),
            }
        )
        state: Look = lambda: (self._json(f"orders/{order}", {}).get("state"), "received")  # noqa: E731
        await self._judge({"sms.received": state})

    async def _second_sms(self, order: str, real: Purchase) -> None:
        event = await self._sms(order, real, 1)
        await self._checked(1)
        data = await self._open_order(order)
        held = data.get("sms") or []
        said = [(name, column) for name, column in (("code", 0), ("text", 1)) if f"sms.{name}" in self.verdicts.checks]
        self.verdicts.judge(
            {
                "second.code": lambda: (event.get("code"), SMS[1][0]),
                "second.both": lambda: (
                    [[sms[name] for name, _ in said] for sms in held],
                    [[sms[column] for _, column in said] for sms in SMS],
                ),
                "second.open": lambda: (data.get("state"), "received"),
            }
        )

    async def _second(self) -> None:
        """One that is cancelled by command."""
        bought, real = await self._buy(PRODUCTS[1])
        if bought["status"] != "ok" or real is None:
            self.verdicts.unreached(("cancel.ok", "cancel.refunded", "cancel.ledger"), f"was not bought: {bought}")
            return
        order = bought["data"]["order"]
        answer = await self.house.probe.ask("cancel", {"order": order})
        self.verdicts.judge(
            {
                "cancel.ok": lambda: (answer if answer["status"] != "ok" else "ok", "ok"),
                "cancel.refunded": lambda: ((answer.get("data") or {}).get("refunded"), True),
                "cancel.ledger": lambda: (self.house.sim.purchases[real.purchase].state.value, "cancelled"),
            }
        )

    async def _third(self) -> None:
        """One that the provider ends."""
        bought, real = await self._buy(PRODUCTS[2])
        if bought["status"] != "ok" or real is None:
            self.verdicts.unreached(("end.closes",), f"was not bought: {bought}")
            return
        topic = f"orders/{bought['data']['order']}"
        await self._control("end", purchase=real.purchase, state="cancelled")

        def closes() -> tuple[Any, Any]:
            state = self._json(topic, {}).get("state")
            return ("closed" if state and state not in OPEN else state), "closed"

        await self._judge({"end.closes": closes})

    async def _control(self, action: str, **args: Any) -> None:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        url = f"{self.house.sim.root_url}/_sim/{action}"
        async with aiohttp.ClientSession(timeout=timeout) as session, session.post(url, json=args) as answer:
            content = await answer.json()
            assert content["ok"], content

    # --- what the provider saw --------------------------------------------------------------------------------------

    def _requests(self) -> None:
        sim = self.house.sim
        strange = sorted({request["path"] for request in sim.requests if request["endpoint"] is None})
        asked = (self.bought, len(PRODUCTS))
        self.verdicts.judge(
            {
                "requests.purchases": lambda: ([len(sim.purchases), *asked], [len(PRODUCTS)] * 3),
                "requests.endpoints": lambda: (strange, []),
                "requests.rate": lambda: (max(PER_MINUTE, _most_in_a_minute(sim.requests)), PER_MINUTE),
            }
        )


def _most_in_a_minute(requests: Any) -> int:
    times = [datetime.fromisoformat(request["at"]) for request in requests]
    minute = timedelta(seconds=60)
    within = Counter(i for i, at in enumerate(times) for later in times[i:] if later - at < minute)
    return max(within.values(), default=0)
