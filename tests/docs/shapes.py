"""What the messages look like: a JSON Schema (draft 7, as AsyncAPI 3 has it) for each payload of the contract.

They are said here once. What may be one of several words comes from the code's own lists, and every message that the
tests of the whole system see is held against them (`documented.py`), so that they cannot say anything else than what
the daemon sends. Objects of messages that the daemon sends are open, since readers must expect new fields; `closed`
makes those of them that nobody may add to without adding it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.market.provider_state import _WORDS
from shomare_mqtt.core.problem_words import EVENTS as PROBLEM_EVENTS
from shomare_mqtt.core.problem_words import LONGEST
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import CatalogKind, Endpoint, OrderState, PurchaseState
from shomare_mqtt.mqtt.command_fields import MAX_ID, MAX_LISTED, MAX_TRANSACTION
from shomare_mqtt.mqtt.commands import (
    CHOICES,
    MAX_DAYS,
    MAX_OFFERS,
    MAX_ORDERS,
    MAX_PAIRS,
    ORDER_FILTERS,
    STATISTICS_BY,
)
from shomare_mqtt.provider.seen import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """One of SCHEMAS."""
    return {"$ref": f"#/components/schemas/{name}"}


def text(what: str = "", **more: Any) -> Schema:
    return {"type": "string", **({"description": what} if what else {}), **more}


def kind(of: str, what: str = "", **more: Any) -> Schema:
    return {"type": of, **({"description": what} if what else {}), **more}


def or_null(schema: Schema) -> Schema:
    """The same, or nothing known."""
    if isinstance(schema.get("type"), str) and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def words(of: Iterable[str], what: str = "") -> Schema:
    return text(what, enum=[str(each) for each in of])


def made_of(what: str, optional: dict[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """An object: all `fields` are there, those in `optional` only sometimes."""
    shape = kind("object", what, required=list(fields), properties={**fields, **(optional or {})})
    return shape if fields else {name: each for name, each in shape.items() if name != "required"}


def command(what: str, optional: dict[str, Schema] | None = None, /, **fields: Schema) -> Schema:
    """An object that somebody sends: a field that is not named here is an error."""
    shape = made_of(what, {**(optional or {}), **ENVELOPE}, **fields)
    return {**shape, "additionalProperties": False}


def listed(items: Schema, what: str = "") -> Schema:
    return kind("array", what, items=items)


def closed(schema: Any) -> Any:
    """The same schema, in which every object has the fields that are named and no others."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(each) for name, each in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        inner.setdefault("additionalProperties", False)
    return inner


TIME = text("ISO 8601, in UTC.", format="date-time", pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
MONEY = kind("number", "In the provider's unit.")
COUNT = kind("integer", minimum=0)
ID = {"anyOf": [text(maxLength=MAX_ID), kind("integer")], "description": "An id (text, or a JSON integer) or a name."}
TRANSACTION = {
    "anyOf": [text(maxLength=MAX_TRANSACTION), kind("number")],
    "description": "The sender's own, echoed in the answer. It makes `buy`, `cancel` and `resolve` safe to send again.",
}
ENVELOPE = {
    "transaction": TRANSACTION,
    "expires_at": text("After this time (ISO 8601 with a zone) the command is refused.", format="date-time"),
}
ORDER_TEXT = text("An order's id, or `current`: the newest open one.", maxLength=MAX_ID)
PURCHASE = {**ID, "description": "The provider's id of a purchase."}
EMPTY_QUERY = command("Empty, or `{}`.")

# --- commands -------------------------------------------------------------------------------------------------------

PLACE = {"country": ID, "operator": ID}
PRODUCT = {**PLACE, "application": ID}
_IDS = {"type": "array", "items": ID, "minItems": 1, "maxItems": MAX_LISTED, "uniqueItems": True}
_ALTERNATIVES = {"anyOf": [*ID["anyOf"], _IDS], "description": f"{ID['description']} Or a list of them: alternatives."}
BUY = command(
    f"What is left out comes from `defaults/…`. Of lists all pairs are tried, {MAX_PAIRS} at most.",
    {
        **dict.fromkeys(PLACE, _ALTERNATIVES),
        "application": ID,
        "max_price": kind("number", "Refuse a number that costs more.", minimum=0),
        "min_price": kind("number", "Refuse a number that costs less.", minimum=0),
        "choose": words(CHOICES, "In which order pairs are tried: `listed` unless said."),
    },
)
TARGET = {
    **command("Exactly one of the two.", {"order": ORDER_TEXT, "purchase": PURCHASE}),
    "oneOf": [{"required": ["order"]}, {"required": ["purchase"]}],
}
STATISTICS = command(
    "",
    {
        "days": kind("integer", "The last so many, today one of them; 30 unless said.", minimum=1, maximum=MAX_DAYS),
        "by": listed(words(STATISTICS_BY), "What groups have in common; `application` unless said."),
    },
)
RESOLVE = {
    **command(
        "`purchase` and `phone` belong to `bought` alone, and both are needed there.",
        {"purchase": PURCHASE, "phone": {**ID, "description": "The number that was bought."}},
        order=text("An order's id; `unknown`: the one order in that state; or `current`.", maxLength=MAX_ID),
        outcome=words(("bought", "not_bought")),
    ),
    "if": {"properties": {"outcome": {"const": "bought"}}},
    "then": {"required": ["purchase", "phone"]},
    "else": {"properties": {"purchase": {"const": ""}, "phone": {"const": ""}}},
}
ORDERS = command(
    "Which orders of the journal, newest first.",
    {
        "state": words(ORDER_FILTERS, "`open` unless said."),
        "limit": kind("integer", "50 unless said.", minimum=1, maximum=MAX_ORDERS),
    },
)

_SOME = {**ID, "anyOf": [*ID["anyOf"], listed({"anyOf": ID["anyOf"]})]}
OFFERS = command(
    "Where to look, and for what.",
    {
        "country": {**_SOME, "description": "One or several; none: all that the settings and the lists hold."},
        "operator": {**_SOME, "description": "One or several; none: all that the settings and the lists hold."},
        "application": {**ID, "description": "The default's unless said."},
        "min_price": kind("number", "Leave out what costs less.", minimum=0),
        "max_price": kind("number", "Leave out what costs more.", minimum=0),
        "min_count": kind("integer", "Leave out where fewer are to be had; 1 unless said.", minimum=0),
        "limit": kind("integer", "20 unless said.", minimum=1, maximum=MAX_OFFERS),
        "max_age": kind("number", "Seconds that a price may be old; 3600 unless said.", minimum=0),
        "wait": kind("boolean", "Until what is older was read; true unless said."),
    },
)

# --- what they are made of ------------------------------------------------------------------------------------------

_PRODUCT_SHOWN = {
    "country": text(),
    "country_name": or_null(text()),
    "operator": text(),
    "operator_name": or_null(text()),
    "application": text(),
    "application_name": or_null(text()),
}
_CUT = {"truncated": {"const": True, "description": "The text is cut: it was larger than the broker takes."}}
_CODE = {
    "code": or_null(text("Null where the text holds none.")),
    "text": or_null(text()),
    "sender": or_null(text()),
    "received_at": or_null(TIME),
}
_SMS_ID = text("A stable id, to drop duplicates by.")


def _order(sms: Schema) -> Schema:
    return made_of(
        "An order.",
        order=text("Ours, known before anything is sent."),
        purchase=or_null(text("The provider's; null until it answered.")),
        transaction=or_null(TRANSACTION),
        state=words(OrderState),
        **_PRODUCT_SHOWN,
        phone=or_null(text()),
        price=or_null(MONEY),
        created_at=TIME,
        updated_at=TIME,
        expires_at=or_null(TIME),
        closed_at=or_null(TIME),
        sms_count=COUNT,
        sms=listed(sms),
        refunded=or_null(kind("boolean", "Null where nobody knows.")),
        charged=or_null({**MONEY, "description": "What an unknown order seems to have cost."}),
        tries=listed(
            made_of("", country=text(), operator=text(), price=or_null(MONEY), error=ref("Error")),
            "What a `buy` with alternatives tried in vain, in its order.",
        ),
        error=or_null(ref("Error")),
    )


def _bridge_event(event: BridgeEvent, optional: dict[str, Schema] | None = None, /, **more: Schema) -> Schema:
    said = {"event_type": {"const": event.value}, "message": text("For a person.")}
    return made_of("", optional or {}, **said, **more)


_ORDER_ID = text("The order that it is about.")
_BRIDGE_EVENTS: dict[BridgeEvent, Schema] = {
    event: _bridge_event(event, optional, **more)
    for event, optional, more in (
        (
            BridgeEvent.COMMAND_REFUSED,
            {"order": _ORDER_ID},
            {
                "command": text(),
                "code": ref("ErrorCode"),
                "transaction": or_null(TRANSACTION),
                "sentence": text("What it means for the owner's money, as in `bridge/problem`.", maxLength=255),
            },
        ),
        (BridgeEvent.PROVIDER_STATE, {}, {"state": ref("ProviderState")}),
        (BridgeEvent.BUYING_PAUSED, {"order": _ORDER_ID, "reason": text()}, {}),
        (BridgeEvent.BUYING_RESUMED, {"order": _ORDER_ID, "reason": text()}, {}),
        (BridgeEvent.OUTCOME_UNKNOWN, {}, {"order": _ORDER_ID}),
        (BridgeEvent.ORDER_PROBLEM, {}, {"order": _ORDER_ID}),
        (
            BridgeEvent.PRICE_CHANGED,
            {},
            {
                "country": text(),
                "operator": text(),
                "application": text(),
                "price": or_null(MONEY),
                "previous": or_null(MONEY),
            },
        ),
        (BridgeEvent.PRICE_ABOVE_LIMIT, {}, {"order": _ORDER_ID, "price": MONEY}),
        (
            BridgeEvent.PRICE_DIFFERS,
            {},
            {"order": _ORDER_ID, "price": MONEY, "quoted": MONEY, "said": MONEY},
        ),
        (BridgeEvent.PLUGIN_FAILED, {}, {"plugin": text()}),
        (BridgeEvent.NAME_UNKNOWN, {}, {}),
        (BridgeEvent.MESSAGE_DROPPED, {}, {}),
        (BridgeEvent.INSTANCE_SUSPECTED, {}, {}),
        (BridgeEvent.JOURNAL_RESTORED, {}, {"journal": text(), "watched": listed(text())}),
        (BridgeEvent.JOURNAL_NEW, {}, {"journal": text(), "watched": listed(text())}),
    )
}

_QUOTE = {
    "country": text(),
    "operator": text(),
    "application": text(),
    "price": or_null(MONEY),
    "count": or_null({**COUNT, "description": "Null where the provider says only that there are some."}),
    "updated_at": TIME,
}
_FIGURES = {
    "orders": {**COUNT, "description": "Purchases made, those in doubt not among them."},
    "received": {**COUNT, "description": "Those that got an SMS."},
    "unused": {**COUNT, "description": "Those that expired or were cancelled without one."},
    "failed": COUNT,
    "unknown": COUNT,
    "success": or_null(kind("number", "The part of those that are over that got an SMS.", minimum=0, maximum=1)),
    "seconds_to_sms": or_null(kind("number", "The median.", minimum=0)),
    "spent": {**MONEY, "description": "Not refunded; of an unknown order what is known to be gone."},
    "refunded": MONEY,
    "cost_per_code": or_null(MONEY),
}
_PROFILE = {
    "balance": or_null(MONEY),
    "currency": text("`IRR`, `IRT` for Toman, or the provider's own word."),
    "updated_at": TIME,
}
_LEARNT = made_of(
    "What was learnt of the provider: no value of an answer.",
    parameters=kind("object", "How parameters travel, by endpoint.", additionalProperties=text()),
    places=kind("object", "Which of several places of a field works.", additionalProperties=text()),
    answers=kind("object", "What the last answers looked like.", propertyNames=words(NAMES)),
)
_COUNTED = {"additionalProperties": COUNT}

SCHEMAS: dict[str, Schema] = {
    "ErrorCode": words(ErrorCode, "See errors.md."),
    "Error": made_of(
        "Why.",
        {
            "upstream": made_of(
                "What the provider answered, where it did.",
                http=kind("integer"),
                code={"type": ["integer", "string", "null"]},
            )
        },
        code=ref("ErrorCode"),
        message=text("For a person."),
        retryable=kind("boolean", "Whether trying again, with a new transaction, can help."),
    ),
    "Sms": made_of("An SMS.", _CUT, sms=_SMS_ID, **_CODE),
    "SmsMark": made_of("An SMS without what is secret.", sms=_SMS_ID, received_at=or_null(TIME)),
    "Order": _order(ref("Sms")),
    "OrderShown": _order({"anyOf": [ref("SmsMark"), ref("Sms")], "description": "Whole with privacy.retain_codes."}),
    "Quote": made_of("One product's price and stock.", **_QUOTE),
    "Offers": made_of(
        "Where an application can be had, cheapest first.",
        application=text(),
        application_name=or_null(text()),
        offers=listed(
            made_of(
                "",
                country=text(),
                country_name=or_null(text()),
                operator=text(),
                operator_name=or_null(text()),
                price=MONEY,
                count=_QUOTE["count"],
                updated_at=TIME,
                orders={**COUNT, "description": "Our own of the last 90 days."},
                success=or_null(kind("number", "Of those, what got an SMS; null below 3.", minimum=0, maximum=1)),
            )
        ),
        places={**COUNT, "description": "That were to be looked at."},
        read=COUNT,
        unread={**COUNT, "description": "That could not be read, or not in time."},
    ),
    "OffersEvent": made_of(
        "How far a reading of offers is.",
        event_type=words(("progress", "done")),
        read=COUNT,
        unread={**COUNT, "description": "That could not be read."},
        places=COUNT,
    ),
    "Prices": made_of(
        "A price list.",
        country=text(),
        operator=text(),
        prices=listed(
            made_of(
                "",
                application=text(),
                application_name=or_null(text()),
                price=_QUOTE["price"],
                count=_QUOTE["count"],
            )
        ),
        updated_at=TIME,
    ),
    "Statistics": made_of(
        "What was bought, what came of it, what it cost.",
        since={**TIME, "description": "Midnight in provider.timezone."},
        until={**TIME, "description": "The end of today in provider.timezone."},
        total=made_of("Of all.", **_FIGURES, spent_today=MONEY),
        groups=listed(
            made_of(
                "Orders that have in common what was asked for.",
                {
                    "day": text("In provider.timezone.", format="date"),
                    **dict.fromkeys(PRODUCT, text()),
                    **{f"{part}_name": or_null(text()) for part in PRODUCT},
                },
                **_FIGURES,
            ),
            "Day by day where that was asked for, then those with the most purchases first.",
        ),
    ),
    "Profile": made_of("The account.", **_PROFILE),
    "ProfileAnswer": {
        **made_of("The account, and all else that the provider said of it.", **_PROFILE),
        "additionalProperties": True,
    },
    "Catalog": listed(
        {
            **made_of("", id=text(), name=text()),
            "additionalProperties": True,
            "description": "And all else that the provider says.",
        }
    ),
    "ProviderState": words(_WORDS),
    "Problem": made_of(
        "What needs a person's eyes and is not over; null where nothing does.",
        problem=or_null(
            made_of(
                "The gravest.",
                event_type=words(PROBLEM_EVENTS, "What it is of, as on `event/bridge`."),
                code=or_null(ref("ErrorCode")),
                message=text("For its owner: what it means for the money, and what to do.", maxLength=LONGEST),
                at=TIME,
                order=or_null(_ORDER_ID),
                transaction=or_null(TRANSACTION),
                more=kind("integer", "How many others there are.", minimum=0),
            )
        ),
    ),
    "Provider": made_of(
        "How the provider stands.",
        state=ref("ProviderState"),
        since=or_null(TIME),
        error=or_null(ref("Error")),
        fields=listed(text(), "Single fields that were not understood."),
    ),
    "Info": made_of(
        "What this daemon is and runs with.",
        version=text(),
        started_at=TIME,
        base_topic=text(),
        protocol=or_null(words(("5", "3.1.1"), "Of MQTT.")),
        plugins=listed(
            made_of(
                "",
                name=text(),
                version=or_null(text()),
                state=words(("running", "failed", "left_out")),
                error=or_null(text()),
            )
        ),
        capabilities=listed(text()),
        settings=kind("object", "In force, every secret masked."),
        learnt=_LEARNT,
    ),
    "Health": made_of(
        "At start and each minute.",
        uptime={**COUNT, "description": "Seconds."},
        commands=COUNT,
        answers=COUNT,
        api_calls=COUNT,
        api_calls_by_endpoint={"type": "object", "propertyNames": words(Endpoint), **_COUNTED},
        errors=COUNT,
        errors_by_code={"type": "object", "propertyNames": words(ErrorCode), **_COUNTED},
        sms=COUNT,
        open_orders=COUNT,
        outbox=COUNT,
        memory=or_null({**COUNT, "description": "Bytes."}),
        buying_paused=kind("boolean"),
        buying_paused_reason=or_null(text()),
        counted=made_of(
            "What the limits count now.",
            spent_today=MONEY,
            bought_last_hour=COUNT,
            open_orders=COUNT,
            unused_today=COUNT,
        ),
        updated_at=TIME,
    ),
    "Journal": made_of("Which journal, and how far it has come.", journal=text(), sequence=COUNT),
    "SmsEvent": made_of(
        "Each SMS once.",
        _CUT,
        event_type={"const": "sms_received"},
        sms=_SMS_ID,
        order=text(),
        purchase=or_null(text()),
        phone=or_null(text()),
        **{name: each for name, each in _PRODUCT_SHOWN.items() if "operator" not in name},
        **_CODE,
    ),
    "OrderEvent": made_of(
        "Each change of an order's state.",
        event_type=words(OrderState),
        previous=or_null(words(OrderState)),
        order=ref("OrderShown"),
    ),
    "BridgeEvent": {"oneOf": [_BRIDGE_EVENTS[event] for event in BridgeEvent]},
    "CancelledElsewhere": made_of("A purchase that is not ours.", purchase=text(), refunded=or_null(kind("boolean"))),
    "CheckedElsewhere": made_of(
        "A purchase that is not ours.",
        purchase=text(),
        state=or_null(words(PurchaseState)),
        sms=listed(made_of("", **_CODE)),
    ),
    "NoOrder": made_of("", state={"const": "none"}),
}

CATALOGS = tuple(each.value for each in CatalogKind)


def _answer(status: str, /, **more: Schema) -> Schema:
    again = {"replayed": {"const": True, "description": "It was carried out before, and nothing was done now."}}
    return made_of("", again, status={"const": status}, transaction=or_null(TRANSACTION), **more)


def answer(data: Schema | None, *, unknown: bool = False) -> Schema:
    """The answer to a command whose success holds `data`; None: it has no success. `unknown`: it may be lost."""
    ends = [_answer("ok", data=data)] if data is not None else []
    ends.append(_answer("error", error=ref("Error")))
    if unknown and data is not None:
        ends.append(_answer("unknown", data=data, error=ref("Error")))
    return {"oneOf": ends} if len(ends) > 1 else ends[0]
