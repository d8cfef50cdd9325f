"""Outlines: enough to say where a field stands, and no value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.provider.outlines import bounded, is_field_name, outline, plain_name, plain_notation

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=30,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "empty"),
        ("", "empty"),
        ([], "empty"),
        ({}, "empty"),
        (True, "true/false"),
        (74001, "number"),
        ("74001", "text"),
        ({"status": True, "data": {"id": 1, "79313226657": None}},
         {"status": "true/false", "data": {"id": "number", "<number>": "empty"}}),
        ([{"a": 1}, {"a": 2}], [{"a": "number"}, "…"]),
        ([{"a": 1}, {"a": "x"}, {"a": 3}], [{"a": "number"}, {"a": "text"}, "…"]),
        ([1], ["number"]),
    ],
)  # fmt: skip
def test_the_outline_of(value: Any, expected: Any) -> None:
    assert outline(value) == expected


@pytest.mark.parametrize("name", ["id", "phone_number", "iso2", "کد", "نام‌کشور", "@id", "$values", "_id", "SMS Text"])
def test_names_that_stay(name: str) -> None:
    assert is_field_name(name)
    assert plain_name(name) == name


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("79313226657", "<number>"),
        ("۷۹۳۱۳۲۲۶۶۵۷", "<number>"),
        ("sms_482913", "<number>"),
        ("SH-74001", "<number>"),
        ("ali@example.com", "<text>"),
        ("Your code is not here yet", "<text>"),
        ("x" * 41, "<text>"),
        ("", "<text>"),
        ("a\x1b[31m", "<number>"),
    ],
)
def test_keys_that_may_be_values(key: str, shown: str) -> None:
    assert plain_name(key) == shown


@given(JSON)
def test_a_bounded_outline_fits(value: Any) -> None:
    found = bounded(value, 200)
    assert found is None or len(str(found)) <= 200
    json.dumps(found)


def test_what_is_large_is_cut() -> None:
    wide = {chr(0x0627 + a) + chr(0x0627 + b): 1 for a in range(20) for b in range(20)}
    assert len(outline(wide)) == 81
    deep: Any = 1
    for _ in range(50):
        deep = {"a": deep}
    assert json.dumps(outline(deep), ensure_ascii=False).endswith('"…"' + "}" * 12)
    assert str(outline([[[1]]], depth=2)) == "[['…']]"
    assert bounded({"a" * 30 + chr(97 + n): {"b" * 40: 1} for n in range(26)}, 100) is None


def test_places_are_shown_without_keys_that_may_be_values() -> None:
    assert plain_notation('data."79313226657"[0].id') == 'data."<number>"[0].id'
    assert plain_notation("orders[?open].id") is None
    assert plain_notation(None) is None
