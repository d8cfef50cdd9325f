"""What stands in a command's payload: JSON, ids, money, times and transactions, each read or refused with its name."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import Named

if TYPE_CHECKING:
    from shomare_mqtt.model import Envelope, Transaction

MAX_PAYLOAD = 64 * 1024
MAX_TRANSACTION = 200
MAX_ID = 255
"""Characters of an id or a name: a label, as a select sends it, may be as long as a state of Home Assistant."""
PLACE_FIELDS = ("country", "operator")
PRODUCT_FIELDS = (*PLACE_FIELDS, "application")
MAX_LISTED = 20
"""Countries, or operators, that one `buy` may name."""

_MAX_EXPONENT = 30
_BOM = "\ufeff"
_WHITE = "".join(filter(str.isspace, map(chr, range(0x3001))))
_BEFORE, _BEHIND = _WHITE + _BOM, _WHITE + "\0"
_TOO_LARGE = b"?" * (MAX_PAYLOAD + 1)


class InvalidError(Exception):
    """What is wrong with a message; `envelope` where it was understood that far."""

    def __init__(self, message: str, code: ErrorCode = ErrorCode.INVALID_COMMAND) -> None:
        super().__init__(message)
        self.code = code
        self.envelope: Envelope | None = None


def payload_text(payload: bytes) -> str:
    """A payload as text, less white space around it, NULs at its end and a byte order mark (contract, Commands).

    Raises InvalidError, as all here do: for more than MAX_PAYLOAD bytes, and for what is not UTF-8.
    """
    payload = _stripped(payload)
    if len(payload) > MAX_PAYLOAD:
        raise InvalidError(f"the payload has more than {MAX_PAYLOAD} bytes")
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        raise InvalidError("the payload is not UTF-8 text") from None
    return text.lstrip(_BEFORE).rstrip(_BEHIND)


def _stripped(payload: bytes) -> bytes:
    return payload.rstrip(b"\0 \t\r\n\f\v").lstrip()


def kept(payload: bytes) -> bytes:
    """What to keep of a payload until it is read: of one that is refused for its size no more than that.

    A broker brings thousands before the first is read, and megabytes of each would fill the memory.
    """
    if len(payload) <= MAX_PAYLOAD:
        return payload
    stripped = _stripped(payload)
    return stripped if len(stripped) <= MAX_PAYLOAD else _TOO_LARGE


def json_object(text: str) -> dict[str, Any]:
    """The JSON object that a payload is; numbers with a point are Decimal. Raises InvalidError."""
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError, InvalidOperation):
        raise InvalidError("the payload is not JSON") from None
    if not isinstance(value, dict):
        raise InvalidError("the payload is not a JSON object")
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
        raise InvalidError("a field stands there twice")
    return found


_DECODER = json.JSONDecoder(parse_float=_number, parse_constant=_constant, object_pairs_hook=_pairs)
"""Made once: `json.loads` makes one for each text."""


def transaction_of(value: Any) -> Transaction | None:
    """The sender's own text or number; None for an empty text."""
    if isinstance(value, str):
        if len(value) > MAX_TRANSACTION or not _encodable(value):
            raise InvalidError(f"transaction: at most {MAX_TRANSACTION} characters of text")
        return value or None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidError("transaction: must be text or a number")
    if abs(value) >= 10**_MAX_EXPONENT:
        raise InvalidError("transaction: the number is too large")
    return value


def time_of(value: Any) -> datetime:
    """A time with a zone, in UTC."""
    if not isinstance(value, str):
        raise InvalidError("expires_at: must be an ISO 8601 time with a zone, as text")
    try:
        moment = datetime.fromisoformat(value)
        in_utc = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidError("expires_at: is not an ISO 8601 time") from None
    if moment.tzinfo is None:
        raise InvalidError("expires_at: the time needs a zone, such as Z")
    return in_utc


def _encodable(text: str) -> bool:
    """Whether text can be sent at all: JSON may hold half of a surrogate pair, UTF-8 may not."""
    return text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text)


def shown(name: str) -> str:
    """A name that somebody sent, short enough for a message."""
    return repr(name[:64])


def identifier(given: dict[str, Any], field: str) -> str:
    """An id or a name that must be there: text or a JSON integer."""
    value = optional_identifier(given, field)
    if value is None:
        raise InvalidError(f"{field}: is missing")
    return value


def optional_identifier(given: dict[str, Any], field: str) -> str | None:
    """An id or a name; None where it is left out or empty."""
    value = given.get(field, "")
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**MAX_ID else "x" * (MAX_ID + 1)
    if not isinstance(value, str):
        raise InvalidError(f"{field}: must be text or an integer")
    value = value.strip()
    if len(value) > MAX_ID or not _encodable(value):
        raise InvalidError(f"{field}: at most {MAX_ID} characters of text")
    return value or None


def identifiers(given: dict[str, Any], field: str) -> tuple[Named, ...]:
    """Ids or names: one, or a list of them; none where it is left out or empty."""
    value = given.get(field, "")
    if isinstance(value, list):
        return tuple(Named(identifier({field: each}, field), isinstance(each, int)) for each in value)
    text = optional_identifier(given, field)
    return () if text is None else (Named(text, isinstance(value, int)),)


def alternatives(given: dict[str, Any], field: str) -> tuple[Named, ...]:
    """One id or name, or a list of a few different ones; none where it is left out or empty text."""
    found, value = identifiers(given, field), given.get(field)
    if isinstance(value, list) and not 1 <= len(value) <= MAX_LISTED:
        raise InvalidError(f"{field}: a list of 1 to {MAX_LISTED} ids or names")
    if len({each.text for each in found}) < len(found):
        raise InvalidError(f"{field}: one of them stands there twice")
    return found


def integers(given: dict[str, Any]) -> frozenset[str]:
    """The fields of a product that were JSON integers: those are ids."""
    return frozenset([f for f in PRODUCT_FIELDS if isinstance(given.get(f), int)])


def order_identifier(given: dict[str, Any]) -> str | None:
    """An id of ours, which is always text."""
    if not isinstance(given.get("order", ""), str):
        raise InvalidError("order: must be text")
    return optional_identifier(given, "order")


def money(given: dict[str, Any], field: str) -> Decimal | None:
    """An amount from 0; None where it is left out or empty."""
    value = given.get(field, "")
    if isinstance(value, str) and not value:
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise InvalidError(f"{field}: must be a number")
    if not 0 <= value < 10**_MAX_EXPONENT:
        raise InvalidError(f"{field}: must be a number from 0")
    return Decimal(value)


def price_text(value: str) -> Decimal:
    """A price as plain text."""
    try:
        price = _number(value)
    except (ValueError, InvalidOperation):
        raise InvalidError("max_price: must be a number") from None
    if price < 0:
        raise InvalidError("max_price: must be a number from 0")
    return price


def whole(given: dict[str, Any], field: str, least: int, most: int, *, usual: int) -> int:
    """A whole number; the usual one where it is left out."""
    value = given.get(field, usual)
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidError(f"{field}: must be an integer")
    if not least <= value <= most:
        raise InvalidError(f"{field}: must be from {least} to {most}")
    return value


def seconds(given: dict[str, Any], field: str, *, usual: float) -> float:
    """A time from 0 in seconds; the usual one where it is left out or empty."""
    value = money(given, field)
    return usual if value is None else float(value)


def switch(given: dict[str, Any], field: str, *, usual: bool) -> bool:
    """Yes or no; the usual one where it is left out or empty."""
    value = given.get(field, usual)
    if value == "":
        return usual
    if not isinstance(value, bool):
        raise InvalidError(f"{field}: must be true or false")
    return value
