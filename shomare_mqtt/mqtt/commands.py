"""Messages on command topics, made into commands: pure functions (contract, sections Commands and Answers).

`parse` never raises for what a sender can send: it gives a Parsed, or an Unparsed whose error says what is wrong.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import (
    Buy,
    Cancel,
    CatalogKind,
    Envelope,
    Incoming,
    Parsed,
    QueryCatalog,
    QueryCheck,
    QueryOrders,
    QueryPrice,
    QueryPrices,
    QueryProfile,
    Request,
    Resolve,
    SetBuying,
    SetDefault,
    Target,
    Transaction,
    Unparsed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PAYLOAD = 64 * 1024
MAX_TRANSACTION = 200
MAX_ID = 200
MAX_ORDERS = 500
MAX_TOPIC_BYTES = 65535
DEFAULT_FIELDS = ("country", "operator", "application", "max_price")
ORDER_FILTERS = ("open", "closed", "all")
PRODUCT_FIELDS = ("country", "operator", "application")

_ENVELOPE_FIELDS = frozenset({"transaction", "expires_at"})
_MAX_EXPONENT = 30
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
        envelope = Envelope(command, reply=None if refused else incoming.reply)
        try:
            parsed = _parse(incoming, envelope)
        except _InvalidError as error:
            return Unparsed(error.envelope or envelope, CommandRefusedError(error.code, str(error)))
        if refused:
            return Unparsed(parsed.envelope, CommandRefusedError(ErrorCode.INVALID_COMMAND, _REFUSED_REPLY))
        return parsed

    def _is_refused(self, topic: str) -> bool:
        """Whether no answer may go to a Response Topic (contract, section Answers)."""
        own = any(topic == r or topic.startswith(r + "/") for r in self._reserved)
        return not topic or own or topic.startswith("$") or any(c in topic for c in "+#\0")


class _InvalidError(Exception):
    """What is wrong with a message; `envelope` where it was understood that far."""

    def __init__(self, message: str, code: ErrorCode = ErrorCode.INVALID_COMMAND) -> None:
        super().__init__(message)
        self.code = code
        self.envelope: Envelope | None = None


def _parse(incoming: Incoming, envelope: Envelope) -> Parsed:
    if len(incoming.payload) > MAX_PAYLOAD:
        raise _InvalidError(f"the payload has {len(incoming.payload)} bytes; at most {MAX_PAYLOAD} are read")
    try:
        text = incoming.payload.decode()
    except UnicodeDecodeError:
        raise _InvalidError("the payload is not UTF-8 text") from None
    parts = envelope.command.split("/")
    match parts:
        case ["buy"]:
            return _from_json(text, envelope, _buy, {*PRODUCT_FIELDS, "max_price"})
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
    raise _InvalidError("there is no such command", ErrorCode.UNKNOWN_COMMAND)


def _query(parts: list[str], text: str, envelope: Envelope) -> Parsed:  # noqa: PLR0911 - one line for each query
    text = text if text.strip() else "{}"
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
        case ["check"]:
            return _from_json(text, envelope, lambda f: QueryCheck(_target(f)), {"order", "purchase"})
        case ["check", _]:
            return _from_topic(text, envelope, lambda f: QueryCheck(Target(either=_id(f, "id"))), {"id": parts[1]})
        case ["orders"]:
            return _from_json(text, envelope, _orders, {"state", "limit"})
    raise _InvalidError(f"there is no query {'/'.join(parts)!r}", ErrorCode.UNKNOWN_COMMAND)


# --- JSON -----------------------------------------------------------------------------------------------------------


def _from_json(text: str, envelope: Envelope, build: Callable[[dict[str, Any]], Request], fields: set[str]) -> Parsed:
    """A command whose payload is a JSON object with some of these fields, and those of every command."""
    given = _object(text)
    try:
        envelope = _with_envelope_fields(envelope, given)
        _check_fields(given, fields)
        request = build(given)
    except _InvalidError as error:
        error.envelope = error.envelope or envelope
        raise
    content = {k: v for k, v in given.items() if k not in _ENVELOPE_FIELDS}
    return Parsed(envelope, request, f"{envelope.command} {json.dumps(content, sort_keys=True, default=str)}")


def _check_fields(given: dict[str, Any], fields: set[str]) -> None:
    unknown = sorted(set(given) - fields - _ENVELOPE_FIELDS)
    if unknown:
        raise _InvalidError(f"unknown field {_shown(unknown[0])}")


def _from_topic(
    text: str, envelope: Envelope, build: Callable[[dict[str, Any]], Request], given: dict[str, str]
) -> Parsed:
    """A command whose fields are levels of its topic; the payload may still hold the fields of every command."""

    def decoded(_: dict[str, Any]) -> Request:
        try:
            return build({key: topics.decode(value) for key, value in given.items()})
        except UnicodeDecodeError:
            raise _InvalidError("an id in the topic is not percent-encoded UTF-8") from None

    return _from_json(text, envelope, decoded, set())


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text, parse_float=_number, parse_constant=_constant, object_pairs_hook=_pairs)
    except (ValueError, RecursionError, InvalidOperation):
        raise _InvalidError("the payload is not JSON") from None
    if not isinstance(value, dict):
        raise _InvalidError("the payload is not a JSON object")
    return value


def _number(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite() or (value and abs(value.adjusted()) > _MAX_EXPONENT):
        raise ValueError("a number out of range")
    return value


def _constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that names a field twice is an error, since either value could cost money."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _InvalidError("a field stands there twice")
    return found


def _with_envelope_fields(envelope: Envelope, given: dict[str, Any]) -> Envelope:
    transaction = _transaction(given.get("transaction", ""))
    known = Envelope(envelope.command, transaction, None, envelope.reply)
    try:
        expires_at = _time(given["expires_at"]) if given.get("expires_at", "") != "" else None
    except _InvalidError as error:
        error.envelope = known
        raise
    return Envelope(envelope.command, transaction, expires_at, envelope.reply)


def _transaction(value: Any) -> Transaction | None:
    if isinstance(value, str):
        if len(value) > MAX_TRANSACTION or not _encodable(value):
            raise _InvalidError(f"transaction: at most {MAX_TRANSACTION} characters of text")
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _InvalidError("transaction: must be text or a number")
    if abs(value) >= 10**_MAX_EXPONENT:
        raise _InvalidError("transaction: the number is too large")
    return value


def _time(value: Any) -> datetime:
    if not isinstance(value, str):
        raise _InvalidError("expires_at: must be an ISO 8601 time with a zone, as text")
    try:
        moment = datetime.fromisoformat(value)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _InvalidError("expires_at: is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise _InvalidError("expires_at: the time needs a zone, such as Z")
    return in_utc


# --- fields ---------------------------------------------------------------------------------------------------------


def _encodable(text: str) -> bool:
    """Whether text can be sent at all: JSON may hold half of a surrogate pair, UTF-8 may not."""
    return not any("\ud800" <= c <= "\udfff" for c in text)


def _shown(name: str) -> str:
    return repr(name[:64])


def _id(given: dict[str, Any], field: str) -> str:
    """An id or a name that must be there: text or a JSON integer."""
    value = _optional_id(given, field)
    if value is None:
        raise _InvalidError(f"{field}: is missing")
    return value


def _optional_id(given: dict[str, Any], field: str) -> str | None:
    value = given.get(field, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MAX_ID else "x" * (MAX_ID + 1)
    if not isinstance(value, str):
        raise _InvalidError(f"{field}: must be text or an integer")
    value = value.strip()
    if len(value) > MAX_ID or not _encodable(value):
        raise _InvalidError(f"{field}: at most {MAX_ID} characters of text")
    return value or None


def _integers(given: dict[str, Any]) -> frozenset[str]:
    return frozenset(f for f in PRODUCT_FIELDS if isinstance(given.get(f), int))


def _order_id(given: dict[str, Any]) -> str | None:
    """An id of ours, which is always text."""
    if not isinstance(given.get("order", ""), str):
        raise _InvalidError("order: must be text")
    return _optional_id(given, "order")


def _money(given: dict[str, Any], field: str) -> Decimal | None:
    value = given.get(field, "")
    if isinstance(value, str) and not value:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise _InvalidError(f"{field}: must be a number")
    if not 0 <= value < 10**_MAX_EXPONENT:
        raise _InvalidError(f"{field}: must be a number from 0")
    return Decimal(value)


# --- the commands ---------------------------------------------------------------------------------------------------


def _buy(given: dict[str, Any]) -> Buy:
    country, operator, application = (_optional_id(given, field) for field in PRODUCT_FIELDS)
    return Buy(country, operator, application, _money(given, "max_price"), _integers(given))


def _prices(given: dict[str, Any]) -> QueryPrices:
    return QueryPrices(_optional_id(given, "country"), _optional_id(given, "operator"), _integers(given))


def _price(given: dict[str, Any]) -> QueryPrice:
    country, operator, application = (_optional_id(given, field) for field in PRODUCT_FIELDS)
    return QueryPrice(country, operator, application, _integers(given))


def _target(given: dict[str, Any]) -> Target:
    order, purchase = _order_id(given), _optional_id(given, "purchase")
    if (order is None) == (purchase is None):
        raise _InvalidError("exactly one of order and purchase must be there")
    return Target(order=order, purchase=purchase)


def _cancel(text: str, envelope: Envelope) -> Parsed:
    """JSON, or the bare id as text."""
    bare = text.strip()
    if not bare.startswith(("{", "[", '"')) and bare not in ("null", "true", "false"):
        if not bare or len(bare) > MAX_ID or any(c.isspace() or not c.isprintable() for c in bare):
            raise _InvalidError('the payload is neither {"order"}, {"purchase"} nor a bare id')
        return Parsed(envelope, Cancel(Target(either=bare)), f"cancel {bare}")
    return _from_json(text, envelope, lambda f: Cancel(_target(f)), {"order", "purchase"})


def _resolve(given: dict[str, Any]) -> Resolve:
    order = _order_id(given)
    if order is None:
        raise _InvalidError("order: is missing")
    outcome = given.get("outcome", "")
    if outcome not in ("bought", "not_bought"):
        raise _InvalidError('outcome: must be "bought" or "not_bought"')
    bought = outcome == "bought"
    if not bought and ("purchase" in given or "phone" in given):
        raise _InvalidError("purchase and phone belong to the outcome bought alone")
    if not bought:
        return Resolve(order, bought=False)
    return Resolve(order, bought=True, purchase=_id(given, "purchase"), phone=_id(given, "phone"))


def _orders(given: dict[str, Any]) -> QueryOrders:
    state = given.get("state", "open")
    if state == "":
        state = "open"
    if state not in ORDER_FILTERS:
        raise _InvalidError("state: must be open, closed or all")
    limit = given.get("limit", 50)
    if isinstance(limit, bool) or not isinstance(limit, int):
        raise _InvalidError("limit: must be an integer")
    if not 1 <= limit <= MAX_ORDERS:
        raise _InvalidError(f"limit: must be from 1 to {MAX_ORDERS}")
    return QueryOrders(state, limit)


def _buying(text: str, envelope: Envelope) -> Parsed:
    if text not in ("on", "off"):
        raise _InvalidError("the payload must be on or off")
    return Parsed(envelope, SetBuying(text == "on"), f"buying {text}")


def _default(field: str, text: str, envelope: Envelope) -> Parsed:
    if field not in DEFAULT_FIELDS:
        raise _InvalidError(f"there is no default {_shown(field)}")
    value = text.strip()
    if len(value) > MAX_ID or not all(c.isprintable() or c in "\u200c\u200d" for c in value):
        raise _InvalidError(f"{field}: at most {MAX_ID} characters of text")
    if field == "max_price" and value:
        value = str(_price_text(value))
    return Parsed(envelope, SetDefault(field, value), f"{field} {value}")


def _price_text(value: str) -> Decimal:
    try:
        price = _number(value)
    except (ValueError, InvalidOperation):
        raise _InvalidError("max_price: must be a number") from None
    if price < 0:
        raise _InvalidError("max_price: must be a number from 0")
    return price
