"""Where the SMS of a `check` lie: in a list by its name, in one by what it holds, in JSON that is kept as a text."""

from __future__ import annotations

import re
from operator import is_
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.decode import parsed
from shomare_mqtt.provider.reading.messages import BOX, CODE, SENDER, TEXT, WHEN
from shomare_mqtt.provider.reading.names import glued, is_envelope, words
from shomare_mqtt.provider.reading.states import STATE
from shomare_mqtt.provider.reading.values import is_none_yet, is_scalar

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.shapes import Leaf

_WEAK_NAME, _SURE_NAME = 60, 80
_NOTICES = ("messages", "msgs")
"""Names of lists of SMS that may as well be what the answer has to say."""
_SOME_DIGITS = re.compile(r"\d(?:[ -]?\d){2}")
"""What a text must hold to be an SMS where nothing but such a name speaks for it."""


def opened(value: Any) -> Any:
    """The answer with each list of SMS that is kept as JSON in a text, and a bare list under a name."""
    if isinstance(value, list) and value:
        return {"data": _inner(value)}
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$oid"}:
        return value["$oid"]  # MongoDB's own ids
    inner = {
        k: _parsed(v) if BOX.weight(k) else _inner(v) for k, v in value.items() if isinstance(v, dict | list | str)
    }
    return value if all(v is value[k] for k, v in inner.items()) else {**value, **inner}


def _inner(value: Any) -> Any:
    if not isinstance(value, list):
        return opened(value) if isinstance(value, dict) else value
    inner = [_inner(v) for v in value]
    return value if all(map(is_, inner, value)) else inner


def _parsed(value: Any) -> Any:
    inside = parsed(value) if isinstance(value, str) and value.lstrip()[:1] in ("[", "{") else None
    return _inner(value if inside is None else inside)


def inboxes_in(everything: list[Leaf]) -> list[Leaf]:
    """The values that hold SMS."""
    named = [leaf for leaf in everything if _is_outermost(leaf) and _may_be_inbox(leaf)]
    strong = [leaf for leaf in named if BOX.weight(leaf.name) > _WEAK_NAME]
    sure = any(BOX.weight(leaf.name) > _WEAK_NAME for leaf in everything)
    return (strong if sure else named) or [
        leaf for leaf in everything if is_envelope(leaf.name) and _are_sms(leaf.value)
    ]


def holds_codes(name: str) -> bool:
    """Whether an inbox's name says that codes lie in it."""
    return bool({"code", "codes", "otp", "otps"} & set(words(name))) or "code" in glued(name)


def _may_be_inbox(leaf: Leaf) -> bool:
    """Whether a value may hold SMS by its shape, or by a list's name with one SMS in it as a text."""
    value = leaf.value
    if isinstance(value, list) and glued(leaf.name) in _NOTICES and all(isinstance(v, str) for v in value):
        return not value or any(_SOME_DIGITS.search(v) for v in value)
    if isinstance(value, str | int) and not isinstance(value, bool):
        list_alone = not (CODE.weight(leaf.name) >= _WEAK_NAME or TEXT.weight(leaf.name))
        return list_alone and BOX.weight(leaf.name) > _WEAK_NAME and bool(_SOME_DIGITS.search(str(value)))
    return isinstance(value, dict | list)


def _is_outermost(leaf: Leaf) -> bool:
    """Whether a name speaks of SMS, and none of those around it."""
    return bool(BOX.weight(leaf.name)) and not any(BOX.weight(parent) for parent in leaf.parents)


def _are_sms(value: Any) -> bool:
    """Whether a list holds nothing but SMS: texts with a sender, a time or a code, and no state of a purchase."""
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and _is_sms(v) for v in value)


def _is_sms(fields: dict[str, Any]) -> bool:
    if len(fields) == 1 and all(BOX.weight(name) and isinstance(v, dict) for name, v in fields.items()):
        return True  # each of them wrapped once more: `[{"sms": {...}}]`
    plain = {name: v for name, v in fields.items() if is_scalar(v) and not is_none_yet(v)}
    spoken = any(TEXT.weight(n) >= _SURE_NAME and isinstance(v, str) for n, v in plain.items())
    dated = any(max(SENDER.weight(n), WHEN.weight(n)) > _SURE_NAME for n in plain)
    coded = any(CODE.weight(n) >= _SURE_NAME for n in fields)
    return spoken and (dated or coded) and not any(STATE.weight(n) >= _SURE_NAME for n in fields)
