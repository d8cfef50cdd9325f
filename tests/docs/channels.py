"""Every topic of the contract: who sends there, what, and whether the broker keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.mqtt.command_fields import MAX_ID
from shomare_mqtt.mqtt.commands import DEFAULT_FIELDS
from tests.docs import shapes
from tests.docs.shapes import MONEY, ref, text, words

if TYPE_CHECKING:
    from tests.docs.shapes import Schema

JSON, TEXT = "application/json", "text/plain"


@dataclass(frozen=True)
class Payload:
    """One kind of message. `payload` describes the JSON, or the text where `content` is TEXT."""

    payload: Schema
    content: str = JSON
    examples: tuple[Any, ...] = ()
    name: str = ""


@dataclass(frozen=True)
class Channel:
    """`topic` stands under the base topic; `{…}` is a level of it. `emptied`: an empty message takes it away."""

    topic: str
    summary: str
    payloads: tuple[Payload, ...]
    retained: bool = False
    emptied: bool = False


@dataclass(frozen=True)
class Command:
    """What somebody sends, and how it is answered, on `response/<topic>`."""

    topic: str
    summary: str
    payloads: tuple[Payload, ...]
    answer: Schema

    @property
    def response(self) -> Channel:
        return Channel(f"response/{self.topic}", f"The answer to `{self.topic}`.", (Payload(self.answer),))


PARAMETERS: dict[str, Schema] = {
    "country": {"description": "An id, percent-encoded."},
    "operator": {"description": "An id, percent-encoded."},
    "application": {"description": "An id, percent-encoded."},
    "id": {"description": "An order of ours, or a purchase, percent-encoded."},
    "order": {"description": "An order's id."},
    "field": {"description": "Which default.", "enum": list(DEFAULT_FIELDS)},
    "named": {"description": "Which default.", "enum": [each for each in DEFAULT_FIELDS if each != "max_price"]},
    "query": {"description": "A query that there is not."},
    "plugin": {"description": "A plugin's name."},
    "topic": {"description": "What the plugin chose, also of several levels."},
}

_EMPTY = (Payload(shapes.EMPTY_QUERY, examples=({},)),)
_ORDER = {"anyOf": [ref("Order"), ref("CancelledElsewhere")]}
_CHECKED = {"anyOf": [ref("Order"), ref("CheckedElsewhere")]}
_SET = {
    "anyOf": [
        shapes.made_of("", **{name: shapes.or_null(text() if name != "max_price" else MONEY)})
        for name in DEFAULT_FIELDS
    ]
}
_BARE = text("An order or a purchase.", maxLength=MAX_ID, pattern=r"^[^\s{\[\"]+$")
_EXAMPLE = {"country": 7, "operator": 1, "application": 3}

COMMANDS = (
    Command(
        "buy",
        "Buy one number, and watch for its SMS.",
        (Payload(shapes.BUY, examples=({**_EXAMPLE, "max_price": 3000, "transaction": "t-17"},)),),
        shapes.answer(ref("Order"), unknown=True),
    ),
    Command(
        "cancel",
        "Cancel an order; the money goes back.",
        (
            Payload(shapes.TARGET, examples=({"order": "current"},)),
            Payload(
                text("An order or a purchase.", maxLength=MAX_ID, pattern=r"^[^\s{\[\"]+$"),
                TEXT,
                ("74001",),
                "cancelById",
            ),
        ),
        shapes.answer(_ORDER),
    ),
    Command(
        "defaults/{field}/set",
        "What a buy takes that leaves something out.",
        (Payload(text("An id, a name, or a price; empty: back to the settings file's."), TEXT, ("Telegram",)),),
        shapes.answer(_SET),
    ),
    Command(
        "buying/set",
        "The safety switch.",
        (Payload(text("In any letter case.", pattern="^([Oo][Nn]|[Oo][Ff][Ff])$"), TEXT, ("off",)),),
        shapes.answer(shapes.made_of("", buying=words(("on", "off")))),
    ),
    Command(
        "resolve",
        "Settle an order of which nobody knows whether it was bought.",
        (Payload(shapes.RESOLVE, examples=({"order": "unknown", "outcome": "not_bought"},)),),
        shapes.answer(ref("Order")),
    ),
    Command("query/profile", "Account and balance.", _EMPTY, shapes.answer(ref("ProfileAnswer"))),
    *(
        Command(f"query/{each}", f"The list of {each}.", _EMPTY, shapes.answer(ref("Catalog")))
        for each in shapes.CATALOGS
    ),
    Command(
        "query/prices",
        "A price list.",
        (Payload(shapes.command("", shapes.PLACE), examples=({"country": 7, "operator": 1},)),),
        shapes.answer(ref("Prices")),
    ),
    Command("query/prices/{country}/{operator}", "A price list.", _EMPTY, shapes.answer(ref("Prices"))),
    Command(
        "query/price",
        "One product's price.",
        (Payload(shapes.command("", shapes.PRODUCT), examples=(_EXAMPLE,)),),
        shapes.answer(ref("Quote")),
    ),
    Command(
        "query/price/{country}/{operator}/{application}", "One product's price.", _EMPTY, shapes.answer(ref("Quote"))
    ),
    Command(
        "query/offers",
        "Where an application can be had, cheapest first.",
        (Payload(shapes.OFFERS, examples=({"application": "Telegram", "country": [7, "Georgia"], "limit": 5},)),),
        shapes.answer(ref("Offers")),
    ),
    Command(
        "query/offers/{application}",
        "Where an application can be had, cheapest first.",
        _EMPTY,
        shapes.answer(ref("Offers")),
    ),
    Command(
        "query/statistics",
        "What was bought, what came of it, what it cost.",
        (Payload(shapes.STATISTICS, examples=({"days": 90, "by": ["country", "operator"]},)),),
        shapes.answer(ref("Statistics")),
    ),
    Command(
        "query/check",
        "Ask the provider now for the SMS of a number.",
        (Payload(shapes.TARGET, examples=({"order": "current"},)),),
        shapes.answer(_CHECKED),
    ),
    Command("query/check/{id}", "Ask the provider now for the SMS of a number.", _EMPTY, shapes.answer(_CHECKED)),
    Command(
        "query/orders",
        "Orders from the journal, newest first.",
        (Payload(shapes.ORDERS, examples=({"state": "all", "limit": 5},)),),
        shapes.answer(shapes.listed(ref("Order"))),
    ),
)


def _kept(topic: str, summary: str, payload: Schema, content: str = JSON, *, emptied: bool = False) -> Channel:
    return Channel(topic, summary, (Payload(payload, content),), retained=True, emptied=emptied)


STATES = (
    _kept(
        "bridge/state",
        "Whether commands are taken; `offline` is also the last will.",
        words(("online", "offline")),
        TEXT,
    ),
    _kept("bridge/info", "What this daemon is and runs with.", ref("Info")),
    _kept("bridge/health", "How it is doing.", ref("Health")),
    _kept("bridge/journal", "Which journal this is, and how far it has come.", ref("Journal")),
    _kept("bridge/problem", "What needs a person's eyes and is not over.", ref("Problem")),
    _kept("provider/state", "How the provider stands.", ref("Provider")),
    _kept("profile", "The account.", ref("Profile")),
    _kept("profile/balance", "The balance, as a plain number.", text(pattern=r"^-?\d+(\.\d+)?$"), TEXT),
    *(_kept(each, f"The list of {each}.", ref("Catalog")) for each in shapes.CATALOGS),
    _kept("prices/{country}/{operator}", "A price list, for each `[[prices]]`.", ref("Prices"), emptied=True),
    _kept("defaults/{field}", "The id, or the price; empty where none is set.", text(), TEXT, emptied=True),
    _kept("defaults/{named}/name", "Its label; empty where none is set.", text(), TEXT, emptied=True),
    _kept("quote", "Price and stock of what the defaults name.", ref("Quote"), emptied=True),
    _kept("buying", "The safety switch.", words(("on", "off")), TEXT),
    _kept("statistics", "The last 30 days, by application.", ref("Statistics")),
    _kept("orders", "The open orders, newest first.", shapes.listed(ref("OrderShown"))),
    _kept(
        "current",
        "The newest open order, else the one that closed last.",
        {"anyOf": [ref("OrderShown"), ref("NoOrder")]},
    ),
    _kept("orders/{order}", "One order; emptied some time after it closed.", ref("OrderShown"), emptied=True),
)

EVENTS = (
    Channel("event/sms", "Each SMS once.", (Payload(ref("SmsEvent")),)),
    Channel("event/order", "Each change of an order's state.", (Payload(ref("OrderEvent")),)),
    Channel("event/offers", "How far a reading of offers is.", (Payload(ref("OffersEvent")),)),
    Channel("event/bridge", "What an operator should see.", (Payload(ref("BridgeEvent")),)),
    Channel("code", "The newest code, as plain text.", (Payload(text(minLength=1), TEXT),)),
    Channel(
        "response/query/{query}",
        "A query that there is not: `unknown_command`.",
        (Payload(shapes.answer(None)),),
    ),
)

PLUGINS = Channel("plugin/{plugin}/{topic}", "What a plugin publishes; its own documents say what.", (Payload({}),))


@dataclass(frozen=True)
class Contract:
    """All of them."""

    commands: tuple[Command, ...] = COMMANDS
    sent: tuple[Channel, ...] = field(default=(*STATES, *EVENTS, PLUGINS))

    @property
    def answers(self) -> tuple[Channel, ...]:
        return tuple(each.response for each in self.commands)


CONTRACT = Contract()
