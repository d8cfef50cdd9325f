"""Answers like the real ones: nothing of anybody's in them, and read in the same way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.doctor.likeness import Likeness
from shomare_mqtt.doctor.report import alike, written
from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider.outlines import plain_notation
from shomare_mqtt.provider.reading.decode import decode
from tests.reading.contexts import LISTS
from tests.reading.readings import read
from tests.reading.table import tables

if TYPE_CHECKING:
    from shomare_mqtt.model import CatalogEntry
    from shomare_mqtt.provider.reading import ByHand, Context, RawAnswer
    from tests.reading.table import Call, Case

ENDPOINTS = {
    "profile": Endpoint.PROFILE,
    **{kind: Endpoint(f"all{kind}") for kind in LISTS},
    "prices": Endpoint.PRICES,
    "price": Endpoint.PRICE,
}
READ_ONLY = [(case, kind) for case in tables() for kind in case.wanted if kind in ENDPOINTS]


def like(by_hand: ByHand) -> Likeness:
    expressions = [by_hand.expression(field) for field in by_hand.fields]
    return Likeness(Mask(("tok-5f0c1e7a9b2d",)), 1, expressions)


def likened(context: Context, likeness: Likeness) -> Context:
    """What is known beforehand comes from lists that were made alike too."""
    known = context.known

    def entries(kept: tuple[CatalogEntry, ...]) -> tuple[CatalogEntry, ...]:
        return tuple(
            replace(e, id=likeness.plain(e.id), name=likeness.plain(e.name), names=tuple(map(likeness.plain, e.names)))
            for e in kept
        )

    lists: dict[str, Any] = {kind: entries(getattr(known, kind)) for kind in LISTS}
    for field in ("country", "operator", "application"):
        lists[field] = likeness.plain(getattr(known, field) or "") or None
    return replace(context, known=replace(known, **lists))


def plain(place: str | None) -> str | None:
    return place and (plain_notation(place) or place)


def outcome(kind: str, raw: RawAnswer, context: Context) -> Any:
    """What a report must not change: where each field was read, and what was not."""
    try:
        result = read(kind, raw, context)
    except ProviderError as error:
        return type(error), error.code
    rows = getattr(result, "entries", getattr(result, "prices", ()))
    balance = getattr(result, "balance", None) is None
    priced = [each.price is None for each in rows if hasattr(each, "price")]
    # A key that is somebody's own id is replaced in the answer and in its places.
    found = [each._replace(place=plain(each.place), others=tuple(map(plain, each.others))) for each in result.found]
    return found, result.unread, len(rows), balance, priced


@pytest.mark.parametrize(("case", "kind"), READ_ONLY, ids=lambda each: getattr(each, "id", each))
def test_an_answer_like_another_is_read_in_the_same_way(case: Case, kind: str) -> None:
    for call in case.calls:
        decoded = decode(call.raw)
        if decoded.is_json and not decoded.wrapped:
            check(kind, call, decoded.value)


def check(kind: str, call: Call, value: Any) -> None:
    context = call.context(kind)
    likeness = like(context.by_hand)
    other = likened(context, likeness)
    changed = alike(ENDPOINTS[kind], value, likeness)
    raw = replace(call.raw, body=written(changed), charset=None)
    assert outcome(kind, raw, other) == outcome(kind, call.raw, context), (value, changed)
