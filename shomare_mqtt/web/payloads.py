"""What a topic holds, as JSON: objects and lists as they are, the plain ones as text (contract, Web page)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from shomare_mqtt import topics
from shomare_mqtt.core.render import dumps

if TYPE_CHECKING:
    from collections.abc import Iterable

NULL = b"null"
_OURS = (
    "bridge/info",
    "bridge/health",
    "bridge/journal",
    "bridge/problem",
    "provider/state",
    "profile",
    "countries",
    "operators",
    "applications",
    "prices/+/+",
    "quote",
    "statistics",
    "orders",
    "orders/+",
    "current",
    "event/#",
)
"""Topics that hold JSON of our own making, which is JSON for every reader."""
_PLAIN = ("bridge/state", "profile/balance", "buying", "defaults/#", "code")
"""Topics that hold a text, though that may look like JSON."""


def as_json(topic: str, payload: bytes) -> bytes:
    """A payload of a topic, named without the base topic, within JSON: UTF-8, on one line."""
    if any(topics.matches(each, topic) for each in _OURS):
        return payload
    if payload[:1] in (b"{", b"[") and not any(topics.matches(each, topic) for each in _PLAIN):
        return _of_a_plugin(payload)
    return dumps(payload.decode(errors="replace"))


def _of_a_plugin(payload: bytes) -> bytes:
    """JSON as every browser reads it, or the text that it is."""
    try:
        text = payload.decode()
        json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return dumps(payload.decode(errors="replace"))
    return text.replace("\r", " ").replace("\n", " ").encode()  # between values: within a text they are escaped


def _no_number(constant: str) -> NoReturn:
    raise ValueError(constant)


def state_json(state: Iterable[tuple[str, bytes]]) -> bytes:
    """`{"<topic>": <payload>}` of topics and what they hold."""
    return b"{" + b",".join(dumps(topic) + b":" + as_json(topic, payload) for topic, payload in state) + b"}"


def frame(topic: str, payload: bytes, *, retained: bool) -> bytes:
    """One server-sent event; an empty payload is that of a topic that was emptied."""
    body = as_json(topic, payload) if payload else NULL
    kind = b"true" if retained else b"false"
    return b'data: {"topic":' + dumps(topic) + b',"payload":' + body + b',"retained":' + kind + b"}\n\n"
