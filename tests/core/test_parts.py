"""Small parts of the core by themselves."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from shomare_mqtt.core import render
from shomare_mqtt.core.ids import is_id, new_id
from shomare_mqtt.core.masking import Mask, masked_phone


def test_ids_are_told_from_purchases() -> None:
    made = new_id(datetime(2026, 3, 1, tzinfo=UTC))
    assert is_id(made)
    assert is_id(made.lower())
    assert not any(is_id(text) for text in ("74001", "current", "", made[:-1], made[:-1] + "U"))


def test_ids_made_later_sort_later() -> None:
    assert new_id(datetime(2026, 3, 1, tzinfo=UTC)) < new_id(datetime(2026, 3, 2, tzinfo=UTC))


def test_secrets_are_masked_wherever_they_stand_in_a_value() -> None:
    mask = Mask(("tok-3f9a77",))
    value = {"a": ["tok-3f9a77", {"tok-3f9a77": ("x tok-3f9a77", 5, None)}]}
    assert "tok-3f9a77" not in str(mask.value(value))
    assert mask.value([1, True, None, Decimal("2.5")]) == [1, True, None, Decimal("2.5")]


def test_without_secrets_nothing_is_masked() -> None:
    assert Mask(()).text("nothing to hide") == "nothing to hide"


@pytest.mark.parametrize("phone", [None, "", "+1", "+79313226657"])
def test_a_phone_is_never_whole_in_a_log(phone: str | None) -> None:
    assert not phone or phone not in masked_phone(phone)


@pytest.mark.parametrize("number", ["1E+999999999", "-1E-999999999", "9E+999"])
def test_a_number_beyond_all_bounds_is_written_as_short_as_it_came(number: str) -> None:
    assert render.dumps([Decimal(number)]) == f"[{number}]".encode()


def test_half_a_surrogate_pair_is_no_character() -> None:
    assert render.dumps({"a": "\ud800"}) == b'{"a":"?"}'


def test_what_has_no_json_form_is_a_fault_of_ours() -> None:
    with pytest.raises(TypeError, match="object has no JSON form"):
        render.dumps({"a": object()})
