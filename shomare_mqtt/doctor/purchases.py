"""What nobody may ask for to find out: the answers to `buy`, `check` and `cancel`, as a daemon saw them last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from shomare_mqtt.doctor.fields import of_fields
from shomare_mqtt.doctor.finding import Finding, good, unknown
from shomare_mqtt.doctor.likely_secrets import hidden
from shomare_mqtt.model import Sureness
from shomare_mqtt.provider.seen import NAMES, WITH_SMS, Seen, understood

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.model import Found

_WHEN = {
    "buy": "it shows after the first purchase",
    "check": "it shows after the first purchase, at the first check",
    WITH_SMS: "it shows after the first SMS",
    "cancel": "it shows after the first cancel",
}


def of_purchases(answers: Mapping[str, Any], settings: Settings, mask: Mask) -> Iterator[Finding]:
    """What such answers look like, and how their fields were understood. `answers`: as `learnt.shown` has them."""
    seen = {name: one for name in NAMES if (one := understood(answers.get(name))) is not None}
    if not seen:
        advice = "buy a number (shomare-mqtt buy), then run doctor again: it never buys, checks or cancels itself"
        yield unknown("buy, check, cancel", "no daemon has had an answer to any of them yet", advice)
        return
    for name in NAMES:
        yield _of_answer(name, seen.get(name), mask)
    yield from of_fields(_fields(seen), settings.provider.fields, mask)


def _of_answer(name: str, seen: Seen | None, mask: Mask) -> Finding:
    if seen is None:
        return unknown(name, "no daemon has had such an answer yet", f"{_WHEN[name]}; then run doctor again")
    if seen.outline is None:
        return unknown(
            name, "the last answer was no JSON, or too large to be shown", "ask the provider what it answers"
        )
    outline = json.dumps(seen.outline, ensure_ascii=False)
    return good(name, f"the last answer: {hidden(outline, mask)}")


def _fields(seen: Mapping[str, Seen]) -> list[Found]:
    """Each field once: of a check with an SMS before one without, and where it was found before where it was not."""
    found: dict[str, Found] = {}
    for name in ("buy", WITH_SMS, "check", "cancel"):
        for each in seen[name].found if name in seen else ():
            if each.field not in found or found[each.field].sureness is Sureness.MISSING:
                found[each.field] = each
    return list(found.values())
