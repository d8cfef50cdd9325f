"""Hundreds of SMS in one answer: none is dropped, and none is looked at for each of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.provider.reading import read_check
from tests.reading.contexts import context_of
from tests.reading.readings import answer

if TYPE_CHECKING:
    from collections.abc import Callable

MANY = 5000
NUMBERS = context_of("numbers")


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        (lambda n: {"id": n, "text": f"Your code is {n}"}, MANY),
        (lambda n: {"text": f"Your code is {100_000 + n}"}, MANY),
        (lambda n: {"id": n, "code": "48213", "text": "Your code is 48213"}, MANY),
        (lambda n: {"code": "48213", "text": f"Your code is 48213 {'!' * (n % 600)}"}, 600),
    ],
)
def test_all_of_a_long_list(shape: Callable[[int], dict[str, Any]], count: int) -> None:
    inner = {"status": True, "data": {"status": "received", "sms": [shape(n) for n in range(MANY)]}}
    assert len(read_check(answer(inner), NUMBERS).sms) == count


def test_a_code_beside_a_long_list_is_that_of_its_last() -> None:
    sms = [{"text": f"Your code is {100_000 + n}"} for n in range(MANY)]
    inner = {"status": True, "data": {"status": "received", "code": str(100_000 + MANY - 1), "sms": sms}}
    found = read_check(answer(inner), NUMBERS).sms
    assert (len(found), found[-1].code) == (MANY, str(100_000 + MANY - 1))


def test_codes_that_lie_apart_each_go_to_one_text() -> None:
    sms = [{"text": "Your code is 48213"}, {"text": "Again: 48213"}, {"text": "Hello"}]
    inner = {"status": True, "data": {"state": "received", "code": "48213", "sms": sms}}
    assert [s.code for s in read_check(answer(inner), NUMBERS).sms] == [None, "48213", None]
