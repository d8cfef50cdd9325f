"""How each field of an answer was understood: its place, how sure that is, and how to choose another one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.model import Sureness
from shomare_mqtt.provider.outlines import plain_notation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.model import Found

_HOW_SURE = {
    Sureness.BY_HAND: "set by hand",
    Sureness.TRIED: "tried, and it works",
    Sureness.SURE: "sure",
    Sureness.DOUBTFUL: "doubtful",
    Sureness.MISSING: "missing",
}
_WITHOUT = {
    "profile.balance": "the balance stays unknown, and limits.min_balance refuses every purchase",
    "prices.price": "prices stay unknown, and limits on a price refuse every purchase",
    "price.price": "the price stays unknown, and limits on a price refuse every purchase",
    "buy.purchase": "the purchase is kept as `unknown`, and nobody can ask for its SMS",
    "check.sms": "no code is found",
}
"""What it means that a field is missing, where it means much."""
_CAN_BE_DONE_WITHOUT = {
    "profile.currency": "the provider names none; provider.currency counts",
    "buy.price": "the provider names none; the price that was asked before counts",
    "buy.expires": "the provider names none; orders.lifetime counts",
    "buy.phone": "it is taken from the first check, where that names it",
    "cancel.refunded": "the provider does not say; the balance shows it",
    "check.sms.id": "the provider names none; text and code tell SMS apart",
    "check.sms.code": "the provider names none; the code is found in the text",
    "check.sms.sender": "the provider names none",
    "check.sms.time": "the provider names none; the time of the check counts",
}
_ELSEWHERE = "where it stands, as in `data.orders[0].id`"


def of_fields(found: Iterable[Found], by_hand: Mapping[str, str], mask: Mask) -> Iterator[Finding]:
    """A finding for each field; `by_hand`: what `[provider.fields]` says."""
    for each in found:
        if each.sureness is Sureness.MISSING:
            yield _missing(each, by_hand, mask)
        else:
            yield _read(each, mask) if each.place is not None else _nowhere(each, mask)


def _read(found: Found, mask: Mask) -> Finding:
    why = f": {mask.text(found.why)}" if found.why and found.sureness is not Sureness.BY_HAND else ""
    said = f"read at `{_shown(found.place, mask)}` ({_HOW_SURE[found.sureness]}{why})"
    others = [_shown(other, mask) for other in found.others]
    if others:
        said += f"; it could be {' or '.join(f'`{other}`' for other in others)}"
    # A stand-in for a key that may be a value, such as an id, is no place: a line with it would find nothing.
    settable = [shown for shown, other in zip(others, found.others, strict=True) if shown == other]
    advice = " or ".join(line(found.field, other) for other in settable)
    if found.sureness is not Sureness.DOUBTFUL:
        return good(found.field, said, f"if that is wrong: {advice} {UNDER}" if advice else "")
    place = _shown(found.place, mask)
    own = line(found.field, place if place == found.place else "…")
    return unknown(found.field, said, f"say which it is: {' or '.join(filter(None, (own, advice)))} {UNDER}")


def _nowhere(found: Found, mask: Mask) -> Finding:
    """A field that was read, and of which no one place can be named: it stands around the entries, in their keys."""
    why = f", {mask.text(found.why)}" if found.why else ""
    said = f"read, though at no one place ({_HOW_SURE[found.sureness]}{why})"
    if found.sureness is not Sureness.DOUBTFUL:
        return good(found.field, said)
    return unknown(found.field, said, f"if it is wrong: {line(found.field, '…')} {UNDER} ({_ELSEWHERE})")


def _missing(found: Found, by_hand: Mapping[str, str], mask: Mask) -> Finding:
    if found.field in by_hand:
        said = f"set by hand as `{by_hand[found.field]}`, where this answer has nothing"
        return bad(found.field, said, f"put it right, or take it out: it is not guessed while it stands {UNDER}")
    if found.field in _CAN_BE_DONE_WITHOUT:
        return good(found.field, f"not there: {_CAN_BE_DONE_WITHOUT[found.field]}")
    said = f"not found: {_WITHOUT.get(found.field, 'it stays unknown')}"
    settable = [other for other in found.others if _shown(other, mask) == other]
    lines = " or ".join(line(found.field, other) for other in settable or ["…"])
    advice = f"if the answer has it: {lines} {UNDER}" + ("" if settable else f" ({_ELSEWHERE})")
    return bad(found.field, said, advice) if found.field in _WITHOUT else unknown(found.field, said, advice)


UNDER = "under [provider.fields]"


def line(field: str, place: str) -> str:
    """The line of the settings file that has a field read at a place: `"countries.id" = "api_name"`."""
    quoted = f"'{place}'" if '"' in place and "'" not in place else json.dumps(place, ensure_ascii=False)
    return f'"{field}" = {quoted}'


def _shown(place: str | None, mask: Mask) -> str:
    """A place without what may be a value in it; an expression set by hand is the owner's own."""
    return mask.text(plain_notation(place) or place or "")
