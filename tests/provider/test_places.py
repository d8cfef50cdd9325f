"""Places in answers: their notation, which JMESPath reads the same way, and finding a value's place again."""

from __future__ import annotations

from typing import Any

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.provider.reading.places import MISSING, Spots, notation, place_in, place_of, value_at
from shomare_mqtt.provider.reading.shapes import Origins, as_records

NAMES = st.text(max_size=8)
ANSWERS = st.recursive(
    st.integers() | st.text(max_size=5) | st.none(),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


def every_place(value: Any) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((step, *rest) for step, inside in inner for rest in every_place(inside))]


@given(ANSWERS)
def test_a_notation_is_jmespath_and_names_the_place(answer: Any) -> None:
    for place in every_place(answer):
        text = notation(place)
        assert place_of(text) == place
        assert jmespath.search(text, answer) == value_at(answer, place)


@pytest.mark.parametrize(
    "text", ["", "a..b", ".a", "a[", "a[*]", "a | b", "[?a]", "a.[0]", 'a."b', "sum(a)", "a[-1]", "1"]
)
def test_what_is_no_place_of_ours_names_none(text: str) -> None:
    assert place_of(text) is None


def test_what_is_not_there_is_missing() -> None:
    answer = {"a": [{"b": None}], "t": "text"}
    assert value_at(answer, ("a", 0, "b")) is None
    for place in (("b",), ("a", 1), ("a", "0"), ("t", 0), ("a", 0, "b", "c")):
        assert value_at(answer, place) is MISSING


def test_of_several_places_the_one_with_the_parents_that_were_seen() -> None:
    answer = {"id": 5, "data": [{"user": {"id": 5}, "order": {"id": 5}}]}
    assert place_in(answer, "id", 5, ("data", "order")) == ("data", 0, "order", "id")
    assert place_in(answer, "id", 5) == ("id",)
    assert place_in(answer, "id", 6) is None


@given(ANSWERS)
def test_spots_find_the_same_places_as_a_search_for_each(answer: Any) -> None:
    spots = Spots(answer, {step for place in every_place(answer) for step in place if isinstance(step, str)})
    for *around, step in filter(None, every_place(answer)):
        parents = tuple(name for name in around if isinstance(name, str))
        value = value_at(answer, (*around, step))
        if isinstance(step, str):
            assert spots.place_in(step, value, parents) == place_in(answer, step, value, parents)


def test_of_a_record_that_is_gone_no_other_has_the_identity() -> None:
    origins, times = Origins(), 50
    came = {"node": {"id": 1, "shop": {"name": "a"}}}
    for _ in range(times):
        as_records(came, origins=origins)
    assert len(origins) == times
