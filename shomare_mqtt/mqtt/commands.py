"""Messages on command topics, made into commands: pure functions (contract, sections Commands and Answers).

`parse` never raises for what a sender can send: it gives a Parsed, or an Unparsed whose error says what is wrong.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import (
    Among,
    Buy,
    Cancel,
    CatalogKind,
    Envelope,
    Incoming,
    Named,
    Parsed,
    QueryCatalog,
    QueryCheck,
    QueryOffers,
    QueryOrders,
    QueryPrice,
    QueryPrices,
    QueryProfile,
    QueryStatistics,
    Request,
    Resolve,
    SetBuying,
    SetDefault,
    Target,
    Unparsed,
)
from shomare_mqtt.mqtt.command_fields import (
    MAX_ID,
    PLACE_FIELDS,
    PRODUCT_FIELDS,
    InvalidError,
    alternatives,
    identifier,
    identifiers,
    integers,
    json_object,
    money,
    optional_identifier,
    order_identifier,
    payload_text,
    price_text,
    seconds,
    shown,
    switch,
    time_of,
    transaction_of,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_ORDERS = 500
MAX_OFFERS = 500
MAX_DAYS = 3650
STATISTICS_BY = ("application", "country", "operator", "day")
DEFAULT_FIELDS = ("country", "operator", "application", "max_price")
OFFER_FIELDS = ("min_price", "max_price", "min_count", "limit", "max_age", "wait")
CHOICES = ("listed", "cheapest")
"""How the pairs of a `buy` with alternatives are put in order; the first where nothing is said."""
MAX_PAIRS = 40
ORDER_FILTERS = ("open", "closed", "all")

_ENVELOPE_FIELDS = frozenset({"transaction", "expires_at"})
_REFUSED_REPLY = (
    "the Response Topic must be a topic without wildcards, outside the base topic's tree, the discovery prefix and $; "
    "nothing was done"
)


class CommandParser:
    """Knows the base topic and where answers must not go."""

    def __init__(self, base_topic: str, discovery_prefix: str) -> None:
        self._base = base_topic + "/"
        self._reserved = (base_topic, discovery_prefix)

    def parse(self, incoming: Incoming) -> Parsed | Unparsed:
        """The command that a message is, or why it is none."""
        command = incoming.topic.removeprefix(self._base)
        refused = incoming.reply is not None and self._is_refused(incoming.reply.topic)
        envelope = Envelope(command, reply=None if refused else incoming.reply, asker=incoming.asker)
        try:
            parsed = _parse(incoming, envelope)
        except InvalidError as error:
            return Unparsed(error.envelope or envelope, CommandRefusedError(error.code, str(error)))
        if refused:
            return Unparsed(parsed.envelope, CommandRefusedError(ErrorCode.INVALID_COMMAND, _REFUSED_REPLY))
        return parsed

    def _is_refused(self, topic: str) -> bool:
        """Whether no answer may go to a Response Topic (contract, section Answers)."""
        own = any(topic == r or topic.startswith(r + "/") for r in self._reserved)
        return not topic or own or topic.startswith("$") or any(c in topic for c in "+#\0")


def _parse(incoming: Incoming, envelope: Envelope) -> Parsed:
    text = payload_text(incoming.payload)
    parts = envelope.command.split("/")
    match parts:
        case ["buy"]:
            return _from_json(text, envelope, _buy, {*PRODUCT_FIELDS, "max_price", "min_price", "choose"})
        case ["cancel"]:
            return _cancel(text, envelope)
        case ["resolve"]:
            return _from_json(text, envelope, _resolve, {"order", "outcome", "purchase", "phone"})
        case ["buying", "set"]:
            return _buying(text, envelope)
        case ["defaults", field, "set"]:
            return _default(field, text, envelope)
        case ["query", *rest]:
            return _query(rest, text, envelope)
    raise InvalidError("there is no such command", ErrorCode.UNKNOWN_COMMAND)


def _query(parts: list[str], text: str, envelope: Envelope) -> Parsed:  # noqa: C901, PLR0911 - one line for each query
    text = text or "{}"
    match parts:
        case ["profile"]:
            return _from_json(text, envelope, lambda _: QueryProfile(), set())
        case [("countries" | "operators" | "applications") as kind]:
            return _from_json(text, envelope, lambda _: QueryCatalog(CatalogKind(kind)), set())
        case ["prices"]:
            return _from_json(text, envelope, _prices, {"country", "operator"})
        case ["prices", country, operator]:
            return _from_topic(text, envelope, _prices, {"country": country, "operator": operator})
        case ["price"]:
            return _from_json(text, envelope, _price, set(PRODUCT_FIELDS))
        case ["price", country, operator, application]:
            given = {"country": country, "operator": operator, "application": application}
            return _from_topic(text, envelope, _price, given)
        case ["offers"]:
            return _from_json(text, envelope, _offers, {*PRODUCT_FIELDS, *OFFER_FIELDS})
        case ["offers", application]:
            return _from_topic(text, envelope, _offers, {"application": application})
        case ["check"]:
            return _from_json(text, envelope, lambda f: QueryCheck(_target(f)), {"order", "purchase"})
        case ["check", _]:
            return _from_topic(
                text, envelope, lambda f: QueryCheck(Target(either=identifier(f, "id"))), {"id": parts[1]}
            )
        case ["orders"]:
            return _from_json(text, envelope, _orders, {"state", "limit"})
        case ["statistics"]:
            return _from_json(text, envelope, _statistics, {"days", "by"})
    raise _no_such_query(parts, text, envelope)


def _no_such_query(parts: list[str], text: str, envelope: Envelope) -> InvalidError:
    """Whoever waits for the answer knows it by its transaction, where the payload has one."""
    error = InvalidError(f"there is no query {shown('/'.join(parts))}", ErrorCode.UNKNOWN_COMMAND)
    with suppress(InvalidError):
        error.envelope = _with_envelope_fields(envelope, json_object(text))
    return error


# --- JSON -----------------------------------------------------------------------------------------------------------


def _from_json(text: str, envelope: Envelope, build: Callable[[dict[str, Any]], Request], fields: set[str]) -> Parsed:
    """A command whose payload is a JSON object with some of these fields, and those of every command."""
    given = json_object(text)
    try:
        envelope = _with_envelope_fields(envelope, given)
        _check_fields(given, fields)
        request = build(given)
    except InvalidError as error:
        error.envelope = error.envelope or envelope
        raise
    if envelope.is_query:
        return Parsed(envelope, request, "")
    content = {k: v for k, v in given.items() if k not in _ENVELOPE_FIELDS}
    return Parsed(envelope, request, f"{envelope.command} {json.dumps(content, sort_keys=True, default=str)}")


def _check_fields(given: dict[str, Any], fields: set[str]) -> None:
    unknown = [field for field in given if field not in fields and field not in _ENVELOPE_FIELDS]
    if unknown:
        raise InvalidError(f"unknown field {shown(min(unknown))}")


def _from_topic(
    text: str, envelope: Envelope, build: Callable[[dict[str, Any]], Request], given: dict[str, str]
) -> Parsed:
    """A command whose fields are levels of its topic; the payload may still hold the fields of every command."""

    def decoded(_: dict[str, Any]) -> Request:
        try:
            return build({key: topics.decode(value) for key, value in given.items()})
        except UnicodeDecodeError:
            raise InvalidError("an id in the topic is not percent-encoded UTF-8") from None

    return _from_json(text, envelope, decoded, set())


def _with_envelope_fields(envelope: Envelope, given: dict[str, Any]) -> Envelope:
    transaction = transaction_of(given.get("transaction", ""))
    known = envelope._replace(transaction=transaction, expires_at=None)
    if (expires_at := given.get("expires_at", "")) == "":
        return known
    try:
        return known._replace(expires_at=time_of(expires_at))
    except InvalidError as error:
        error.envelope = known
        raise


# --- the commands ---------------------------------------------------------------------------------------------------


def _buy(given: dict[str, Any]) -> Buy:
    cheapest = _is_cheapest(given)
    prices = money(given, "max_price"), money(given, "min_price")
    if any(isinstance(given.get(field), list) for field in PLACE_FIELDS):
        application = optional_identifier(given, "application")
        is_id = integers({"application": given.get("application")})
        return Buy(None, None, application, prices[0], is_id, prices[1], _among(given, cheapest=cheapest))
    country, operator, application = [optional_identifier(given, field) for field in PRODUCT_FIELDS]
    return Buy(country, operator, application, prices[0], integers(given), prices[1])


def _is_cheapest(given: dict[str, Any]) -> bool:
    choose = given.get("choose", "")
    if choose not in ("", *CHOICES):
        raise InvalidError(f"choose: must be {' or '.join(CHOICES)}")
    return bool(choose == "cheapest")


def _among(given: dict[str, Any], *, cheapest: bool) -> Among:
    """What may be tried of a `buy` with alternatives."""
    countries, operators = (alternatives(given, field) for field in PLACE_FIELDS)
    if (pairs := len(countries) * max(len(operators), 1)) > MAX_PAIRS:
        raise InvalidError(f"country and operator: {pairs} pairs of them, at most {MAX_PAIRS} are tried")
    return Among(countries, operators, cheapest)


def _prices(given: dict[str, Any]) -> QueryPrices:
    return QueryPrices(optional_identifier(given, "country"), optional_identifier(given, "operator"), integers(given))


def _price(given: dict[str, Any]) -> QueryPrice:
    country, operator, application = [optional_identifier(given, field) for field in PRODUCT_FIELDS]
    return QueryPrice(country, operator, application, integers(given))


def _offers(given: dict[str, Any]) -> QueryOffers:
    application = optional_identifier(given, "application")
    return QueryOffers(
        identifiers(given, "country"),
        identifiers(given, "operator"),
        None if application is None else Named(application, is_id="application" in integers(given)),
        money(given, "min_price"),
        money(given, "max_price"),
        whole(given, "min_count", 0, sys.maxsize, usual=1),
        whole(given, "limit", 1, MAX_OFFERS, usual=20),
        seconds(given, "max_age", usual=3600),
        switch(given, "wait", usual=True),
    )


def _target(given: dict[str, Any]) -> Target:
    order, purchase = order_identifier(given), optional_identifier(given, "purchase")
    if (order is None) == (purchase is None):
        raise InvalidError("exactly one of order and purchase must be there")
    return Target(order=order, purchase=purchase)


def _cancel(text: str, envelope: Envelope) -> Parsed:
    """JSON, or the bare id as text."""
    if not text.startswith(("{", "[", '"')) and text not in ("null", "true", "false"):
        if not text or len(text) > MAX_ID or any(c.isspace() or not c.isprintable() for c in text):
            raise InvalidError('the payload is neither {"order"}, {"purchase"} nor a bare id')
        return Parsed(envelope, Cancel(Target(either=text)), f"cancel {text}")
    return _from_json(text, envelope, lambda f: Cancel(_target(f)), {"order", "purchase"})


def _resolve(given: dict[str, Any]) -> Resolve:
    order = order_identifier(given)
    if order is None:
        raise InvalidError("order: is missing")
    outcome = given.get("outcome", "")
    if outcome not in ("bought", "not_bought"):
        raise InvalidError('outcome: must be "bought" or "not_bought"')
    bought = outcome == "bought"
    if not bought and (optional_identifier(given, "purchase") or optional_identifier(given, "phone")):
        raise InvalidError("purchase and phone belong to the outcome bought alone")
    if not bought:
        return Resolve(order, bought=False)
    return Resolve(order, bought=True, purchase=identifier(given, "purchase"), phone=identifier(given, "phone"))


def _orders(given: dict[str, Any]) -> QueryOrders:
    state = given.get("state", "open")
    if state == "":
        state = "open"
    if state not in ORDER_FILTERS:
        raise InvalidError("state: must be open, closed or all")
    return QueryOrders(state, whole(given, "limit", 1, MAX_ORDERS, usual=50))


def _statistics(given: dict[str, Any]) -> QueryStatistics:
    days, by = whole(given, "days", 1, MAX_DAYS, usual=30), given.get("by", "")
    if by == "":
        return QueryStatistics(days)
    if not isinstance(by, list) or not all(field in STATISTICS_BY for field in by):
        raise InvalidError(f"by: must be a list of some of {', '.join(STATISTICS_BY)}")
    return QueryStatistics(days, tuple(dict.fromkeys(by)))


def _buying(text: str, envelope: Envelope) -> Parsed:
    wanted = text.lower()
    if wanted not in ("on", "off"):
        raise InvalidError("the payload must be on or off")
    return Parsed(envelope, SetBuying(wanted == "on"), f"buying {wanted}")


def _default(field: str, value: str, envelope: Envelope) -> Parsed:
    if field not in DEFAULT_FIELDS:
        raise InvalidError(f"there is no default {shown(field)}")
    # Cf: joiners, marks of direction, the letters of a flag. Names hold them, and so do the labels made of names.
    if len(value) > MAX_ID or not all(c.isprintable() or unicodedata.category(c) == "Cf" for c in value):
        raise InvalidError(f"{field}: at most {MAX_ID} characters of text")
    if field == "max_price" and value:
        value = str(price_text(value))
    return Parsed(envelope, SetDefault(field, value), f"{field} {value}")
