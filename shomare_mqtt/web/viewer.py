"""What a viewer gets of each topic: no codes, no texts, and of numbers the last two digits (contract, Web page).

Closed unless named: a topic that stands in neither list, a plugin's say, is not shown at all.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

from shomare_mqtt import topics
from shomare_mqtt.core.render import dumps
from shomare_mqtt.errors import ErrorCode

HIDDEN = "***"
_WITHOUT_NUMBERS = (
    "bridge/state",
    "bridge/journal",
    "profile",
    "profile/balance",
    "countries",
    "operators",
    "applications",
    "prices/+/+",
    "defaults/+",
    "defaults/+/name",
    "quote",
    "buying",
    "statistics",
    "event/offers",
)
"""Topics that name no order: shown as they are."""
_MASKED = (
    "bridge/info",
    "bridge/health",
    "bridge/problem",
    "provider/state",
    "orders",
    "orders/+",
    "current",
    "event/sms",
    "event/order",
    "event/bridge",
)
"""Topics in JSON in which numbers, codes and texts are taken out."""
_SHOWN_DIGITS = 2
_NUMBER = re.compile(r"[\d*](?:[^\w,\u066c\u060c:*]{0,3}[\d*]){6,}")
"""A phone number in a sentence, also one of which a part is masked already; commas and colons belong to amounts and
times. Rather too much than too little: an address of the network may go the same way."""
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}(?::\d{2}){0,2}(?:\.\d{1,6})?(?:Z|[+-]\d{2}:\d{2})?)?")
_DIGIT = re.compile(r"\d")
_NO_SENTENCES = frozenset({"order", "transaction", "sms", "id", "version", "journal"})
"""Keys of texts that are no sentences, and which the page has to have as they are."""
_ERROR_CODES = frozenset(code.value for code in ErrorCode)


def seen_by_viewer(topic: str, payload: bytes) -> bytes | None:
    """The payload of a topic, named without the base topic, as a viewer may see it; None where not at all."""
    if not payload or any(topics.matches(pattern, topic) for pattern in _WITHOUT_NUMBERS):
        return payload
    if not any(topics.matches(pattern, topic) for pattern in _MASKED):
        return None
    try:
        value = json.loads(payload, parse_float=Decimal)
    except ValueError:
        return None
    return dumps(_seen(value, _phones(value)))


def number_hidden(number: str) -> str:
    """A phone number with all but its last two digits hidden."""
    return _DIGIT.sub("*", number, hidden) if (hidden := len(_DIGIT.findall(number)) - _SHOWN_DIGITS) > 0 else number


def _phones(value: Any) -> frozenset[str]:
    """The digits of all phone numbers that the payload itself names: some providers take them for ids."""
    if isinstance(value, list):
        return frozenset().union(*map(_phones, value))
    if not isinstance(value, dict):
        return frozenset()
    own = "".join(_DIGIT.findall(str(value.get("phone") or "")))
    inner = frozenset().union(*map(_phones, value.values()))
    return inner | {own} if len(own) > _SHOWN_DIGITS else inner


def _seen(value: Any, phones: frozenset[str], key: str = "") -> Any:
    """A value of JSON, below this key."""
    if isinstance(value, dict):
        secret = [name for name in ("code", "text") if _is_secret(name, value)]
        return {name: HIDDEN if name in secret else _seen(each, phones, name) for name, each in value.items()}
    if isinstance(value, list):
        return [_seen(each, phones, key) for each in value]
    if value is None or isinstance(value, bool):
        return value
    return _text_seen(value, phones, key) if isinstance(value, str) else _figure_seen(value, phones)


def _is_secret(name: str, beside: dict[str, Any]) -> bool:
    """Whether a key called so is an SMS's: `code` also names errors, of which we know all, or the provider's figure."""
    value = beside.get(name)
    if value is None or name == "text" or "received_at" in beside:
        return value is not None
    if isinstance(value, int) and "http" in beside:
        return False
    return not (isinstance(value, str) and value in _ERROR_CODES)


def _text_seen(text: str, phones: frozenset[str], key: str) -> str:
    if key == "phone":
        return number_hidden(text)
    for phone in phones:
        text = text.replace(phone, number_hidden(phone))
    if key in _NO_SENTENCES or _MOMENT.fullmatch(text):
        return text
    return _NUMBER.sub(lambda found: _number_seen(found[0]), text)


def _number_seen(found: str) -> str:
    return found if _MOMENT.fullmatch(found) else number_hidden(found)


def _figure_seen(figure: Any, phones: frozenset[str]) -> Any:
    """Amounts stay; a number that is a phone's does not, whatever its key."""
    return number_hidden(str(figure)) if str(figure) in phones else figure
