"""What is said of where a field was read can be set by hand, and is read there; what is set harms no reading."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import FIELDS_BY_HAND, PurchaseState, Sureness
from shomare_mqtt.provider.reading import ByHand
from tests.reading.contexts import context_of
from tests.reading.readings import KINDS, answer, plain, read
from tests.reading.table import tables

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading import Context

SAID = {"purchase": "purchase", "expires": "lifetime"}
"""What a field is called in a reading, where that is not its own name."""
SEVERAL_PLACES = {
    # The code of an SMS, its text or a second SMS lies beside the list.
    "manners/sms_and_states::shapes::sms_+_last",
    "manners/sms_and_states::shapes::othersms",
    "manners/sms_and_states::state_and_SMS_out_of_every_dialect::state_received,_code_and_text",
    "manners/codes_of_sms::a_code_at_the_top_and_its_text_within_are_one_SMS::status,_11111",
    "sellers/sms_activate::checking::active",
    # Each SMS has its id or its time under another name, or under two; so has each row its stock.
    "manners/ids_of_sms::check::uuid,_guid,_pk,_sid",
    "manners/ids_of_sms::check::in_Persian",
    "manners/sms_and_states::shapes::sms_obj_w_number",
    "manners/unlisted_names::stock::in_an_object_of_the_row's",
}
"""Cases in which one place is not all of a field."""


def said(kind: str, field: str, reading: dict[str, Any]) -> Any:
    """What a reading says of a field, less how well it was understood."""
    if field.startswith("check.sms"):
        return reading.get("sms")
    if kind == "prices":
        ours = ("price", "count", "application_name")
        return [(own, {k: v for k, v in row.items() if k in ours}) for own, row in reading["prices"].items()]
    if "entries" in reading:
        return list(reading["entries"].items())
    own = field.partition(".")[2]
    return reading.get(SAID.get(own, own))


@cache
def _told() -> tuple[tuple[str, str, Any, Any, Context, dict[str, Any]], ...]:
    """Each place that is told of a field in any answer of the tables, less those that are set by hand there."""
    found = []
    calls = ((case, kind, call) for case in tables() for kind in case.wanted for call in case.calls)
    for case, kind, call in calls:
        context = call.context(kind)
        if context.by_hand != ByHand() or case.id in SEVERAL_PLACES:
            continue
        try:
            outcome = read(kind, call.raw, context)
        except ProviderError:
            continue
        reading = plain(outcome, context.known)
        found += [(case.id, kind, one, call.raw, context, reading) for one in outcome.found]
    return tuple(found)


@pytest.mark.parametrize("field", FIELDS_BY_HAND)
def test_a_place_that_is_told_can_be_set_by_hand(field: str) -> None:
    differing = []
    for case, kind, one, raw, context, reading in _told():
        if one.field == field and one.place is not None and one.sureness is not Sureness.MISSING:
            by_hand = ByHand.of({field: one.place}, {})
            again = plain(read(kind, raw, replace(context, by_hand=by_hand)), context.known)
            if said(kind, field, again) != said(kind, field, reading):
                differing.append((case, one.place, said(kind, field, again), said(kind, field, reading)))
    assert not differing


def test_most_fields_are_found_at_a_place() -> None:
    told = Counter((one.field, one.place is not None) for _, _, one, *_ in _told())
    for field in ("countries", "prices", "prices.price", "price.price", "buy.phone", "check.state", "check.sms"):
        assert told[field, True] > 50


def test_what_is_said_of_places_holds_no_value_and_names_no_field_twice() -> None:
    for case, _, one, *_ in _told():
        assert one.field in FIELDS_BY_HAND
        assert len(one.others) <= 5
        assert one.place not in one.others, case
        assert one.sureness is not Sureness.BY_HAND


NAMES = st.sampled_from(
    ["id", "data", "sms", "code", "text", "price", "count", "status", "phone", "name", "7", "کد", "x"]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["12345", "waiting", "2,200 Toman", "+79313226657", ""]),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=15,
)
EXPRESSIONS = (
    *("@", "data", "id", "code", "x", "data.x", "data.*", "*", "data[0]", "[]", "data[].x", "sms[-1].code"),
    *("keys(@)", "sum(@)", "length(data)", "to_number(code)", "to_array(@)", "sort(@)", "type(@)", "max_by(data, &id)"),
    *("[id, code]", "{a: id}", "`5`", "`2.5`", "'text'", "data || @", "data[?id > `1`]"),
)


@given(
    value=VALUES,
    fields=st.dictionaries(st.sampled_from(FIELDS_BY_HAND), st.sampled_from(EXPRESSIONS), max_size=6),
    states=st.dictionaries(st.sampled_from(["true", "1", "waiting", "x"]), st.sampled_from(PurchaseState)),
    kind=st.sampled_from(KINDS),
)
def test_whatever_is_set_an_answer_is_read_or_refused(
    value: Any, fields: dict[str, str], states: dict[str, PurchaseState], kind: str
) -> None:
    context = replace(context_of("bought"), by_hand=ByHand.of(fields, states))
    try:
        found = read(kind, answer(value), context)
    except ProviderError:
        return
    told = {one.field: one for one in found.found}
    assert len(told) == len(found.found)
    for field, one in told.items():
        if field in fields:
            assert one.sureness in (Sureness.BY_HAND, Sureness.MISSING)
            assert one.place in (fields[field], None)
        else:
            assert one.sureness is not Sureness.BY_HAND
    plain(found, context.known)


@pytest.mark.parametrize("expression", ["to_number('inf')", "to_number('nan')", "`1e400`", "max([`1`, `1e400`])"])
@pytest.mark.parametrize("field", FIELDS_BY_HAND)
def test_what_no_json_has_is_nothing(field: str, expression: str) -> None:
    """An id, an amount, a code that is infinite: the library makes such, of a provider's text too."""
    sms = {"id": 1, "code": "12345", "text": "12345 is it", "sender": "S", "time": "12:00"}
    fields = {"id": 7, "name": "Russia", "phone": "+79313226657", "state": "received", "sms": [sms], "price": 5}
    kind = field.partition(".")[0]
    lists = {"countries", "operators", "applications", "prices"}
    raw = answer({"status": True, "data": [fields] if kind in lists else fields})
    context = replace(context_of("nothing"), by_hand=ByHand.of({field: expression}, {}))
    try:
        found = plain(read(kind, raw, context), context.known)
    except ProviderError:
        return
    assert not re.search("Infinity|NaN", str(found))
