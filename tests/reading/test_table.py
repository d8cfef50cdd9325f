"""What a table must not hold: anything that no runner would look at. A mistake in one would else pass for a test."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.reading import test_answers
from tests.reading.contexts import TableError
from tests.reading.readings import KINDS, in_order
from tests.reading.table import Case, cases_of, tables

if TYPE_CHECKING:
    from pathlib import Path

BALANCE: dict[str, Any] = {"answer": {"balance": 5}, "profile": {"balance": "5"}}
BOUGHT = {"answer": {"id": 5, "phone": "+79313226657"}, "buy": {"purchase": "5", "phone": "+79313226657"}}


def written(folder: Path, *cases: dict[str, Any], **table: Any) -> list[Case]:
    """What a file with these cases under one heading is read as."""
    path = folder / "seller.json"
    path.write_text(json.dumps({"about": "A seller", "cases": {"heading": list(cases)}, **table}))
    return list(cases_of(path))


def test_every_kind_has_a_runner() -> None:
    assert {f"test_{kind}" for kind in KINDS} <= set(vars(test_answers))


def test_every_case_is_told_from_the_others_by_its_id() -> None:
    ids = [case.id for case in tables()]
    assert len(set(ids)) == len(ids)
    for case in tables():
        assert len({call.label for call in case.calls}) == len(case.calls)


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ({**BALANCE, "wyh": "A word"}, "nobody looks at wyh"),
        ({"answer": {"balance": 5}}, "no runner takes it"),
        ({"answer": {"balance": 5}, "proflie": {"balance": "5"}}, "nobody looks at proflie"),
        ({"answer": {"balance": 5}, "profile": {"balnace": "5"}}, "nobody looks at balnace"),
        ({"answer": {"balance": 5}, "profile": {}}, "it says what was read"),
        ({"answer": {}, "profile": {"failed": "malformed_answer", "balance": "5"}}, "nobody looks at balance"),
        ({"answer": {}, "profile": {"failed": "malformed_answer", "refused": "not_found"}}, "one of refused"),
        ({**BALANCE, "text": "{}"}, "one of answer"),
        ({"profile": {"balance": "5"}}, "one of answer"),
        ({**BALANCE, "every kind": {"refused": "not_found"}}, "no runner takes it"),
        ({"answer": {}, "every kind": {"balance": "5"}}, "nobody looks at balance"),
        ({"answer": {}, "prices": {"prices": {"3": {"prize": "5"}}}}, "nobody looks at prize"),
        ({"answer": {}, "check": {"sms": [{"txt": "5"}]}}, "nobody looks at txt"),
        ({**BALANCE, "known": "nobody"}, "nothing is known by the name nobody"),
        ({**BALANCE, "known": {"contry": "7"}}, "nobody looks at contry"),
        ({**BALANCE, "envelopes": ["date"]}, "envelopes are own, data, merged"),
    ],
)
def test_what_no_runner_would_look_at_is_refused(tmp_path: Path, case: dict[str, Any], told: str) -> None:
    with pytest.raises(TableError, match=told):
        written(tmp_path, case)


def test_two_cases_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="the same name"):
        written(tmp_path, BALANCE, BALANCE)


@pytest.mark.parametrize("table", [{"knwon": "numbers"}, {"about": ""}, {"cases": {}}, {"cases": []}])
def test_a_file_says_what_it_is_about_and_has_cases(tmp_path: Path, table: dict[str, Any]) -> None:
    with pytest.raises(TableError):
        written(tmp_path, BALANCE, **table)


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """JSON takes the last: the first would never be tried."""
    path = tmp_path / "seller.json"
    path.write_text('{"about": "A seller", "cases": {"heading": [], "heading": []}}')
    with pytest.raises(TableError, match="stands twice"):
        list(cases_of(path))


def test_an_answer_comes_in_each_envelope_that_can_hold_it(tmp_path: Path) -> None:
    marked = {"name": "marked", "answer": {"status": True, "balance": 5}, "profile": {"balance": "5"}}
    bare, with_marks = written(tmp_path, BALANCE, marked, envelopes=["own", "data", "merged"])
    marks = {"status": True, "code": 200}
    assert [json.loads(call.raw.body) for call in bare.calls] == [
        {"balance": 5},
        {**marks, "data": {"balance": 5}},
        {**marks, "balance": 5},
    ]
    assert len(with_marks.calls) == 2


def test_every_answer_status_and_knowledge_is_tried(tmp_path: Path) -> None:
    both = {"answers": [{}, []], "http": [200, 500], "known": ["numbers", "nothing"], "every kind": {"failed": "x"}}
    (case,) = written(tmp_path, both)
    assert len(case.calls) == 8
    assert set(case.wanted) == set(KINDS)


@pytest.mark.parametrize(
    ("kind", "case"),
    [
        ("profile", {**BALANCE, "profile": {"balance": "5.0"}}),
        ("profile", {**BALANCE, "profile": {"balance": "5", "currency": "IRT"}}),
        ("profile", {**BALANCE, "profile": {"failed": "malformed_answer"}}),
        ("buy", {**BOUGHT, "buy": {"purchase": "5"}}),
        ("buy", {"answer": {"code": 402}, "http": 402, "buy": {"refused": "insufficient_balance"}}),
        ("buy", {"answer": {"code": 402}, "http": 402, "buy": {"unknown": "insufficient_balance", "upstream": 402}}),
        ("buy", {"text": "", "buy": {"unknown": "outcome_unknown", "says": "other words"}}),
        ("buy", {"text": "", "buy": {"unknown": "outcome_unknown", "hides": "no JSON"}}),
        ("countries", {"answer": [{"id": 7, "name": "A"}, {"id": 8, "name": "B"}],
                       "countries": {"entries": {"8": "B", "7": "A"}}}),
        ("prices", {"answer": [{"app": 3, "price": 5, "count": 1}], "prices": {"prices": {"3": {"price": "5"}}}}),
    ],
)  # fmt: skip
def test_a_reading_that_differs_from_what_is_wanted_is_seen(tmp_path: Path, kind: str, case: dict[str, Any]) -> None:
    (only,) = written(tmp_path, case)
    (read,) = only.read(kind).values()
    assert in_order(read) != in_order(only.wanted[kind])
