"""Messages that are larger than the broker takes: their SMS are cut, so that all else in them comes.

The whole text stays in the journal, as far as that keeps it (`model.LONGEST_TEXT`).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from shomare_mqtt.core import render

_LONGEST_TEXTS = (16_384, 2_048)
"""Characters of each text, tried one after the other: more than people send."""
_SHORT_TEXTS = (256, 0)
"""The same, where no less is to be asked for; in an answer with a list of orders a smaller list is."""
_MOST_SMS = (100, 10, 0)
"""How many SMS of an order, the newest, where no text at all is still too much."""
_OF_AN_SMS = {"code", "text", "sender"}


def fitted(payload: bytes, size: int, *, gently: bool = False) -> bytes | None:
    """The same message in so many bytes at most, what was cut marked with `"truncated": true`.

    `gently`: nothing is cut but texts that are longer than people send. None where that cannot be: there are no SMS in
    it, or too much else.
    """
    if not _may_hold_sms(payload):
        return None
    try:
        value = json.loads(payload, parse_float=Decimal)
    except ValueError:
        return None
    steps: list[tuple[int, int | None]] = [(longest, None) for longest in _LONGEST_TEXTS]
    if not gently and not _is_list_of_orders(value):
        steps += [(longest, None) for longest in _SHORT_TEXTS] + [(0, most) for most in _MOST_SMS]
    *larger, smallest = steps
    least = render.dumps(_cut(value, *smallest))
    if len(least) > size:
        return None
    bodies = (render.dumps(_cut(value, *step)) for step in larger)
    return next((body for body in bodies if len(body) <= size), least)


def _may_hold_sms(payload: bytes) -> bool:
    """As much as is to be seen before a message is taken apart.

    The list of thousands of open orders is megabytes, and what is made of them to look for an SMS is ten times that.
    """
    return b'"text"' in payload or payload.count(b'"sms"') > payload.count(b'"sms":[]')


def _is_list_of_orders(answer: Any) -> bool:
    return isinstance(answer, dict) and isinstance(answer.get("data"), list)


def _cut(value: Any, longest: int, most: int | None) -> Any:
    if isinstance(value, list):
        return [_cut(each, longest, most) for each in value]
    if not isinstance(value, dict):
        return value
    cut = {name: _cut(each, longest, most) for name, each in value.items()}
    text, sms = value.get("text"), value.get("sms")
    if isinstance(text, str) and len(text) > longest and value.keys() >= _OF_AN_SMS:
        cut |= {"text": text[:longest], "truncated": True}
    if isinstance(sms, list) and most is not None and len(sms) > most:
        cut |= {"sms": cut["sms"][len(sms) - most :], "truncated": True}
    return cut
