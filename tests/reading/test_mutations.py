"""Known answers, built otherwise: no more than before is read wrong without a word, and doubts stay rare."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest

from tests.reading.mutations import Outcome, known_answers, mutations, nonsense, outcomes

SEED, OF_EACH = 1, 2
MOST_WRONG = {
    "profile": 0,
    "countries": 1,
    "operators": 1,
    "applications": 0,
    "prices": 1,
    "price": 1,
    "buy": 0,
    "check": 4,
    "cancel": 0,
}
"""How many fields are read wrong without a word, of some hundred that were changed.

Before readings could doubt it was fifteen times as many. A number goes down with what is found and never up: one more
is a value that is believed though nothing speaks for it, and a wrong id or balance costs money. What is left could as
well mean just what is read. A new seller's answers may bring some of their own: look at each before it is let in.
"""


@pytest.fixture(scope="module")
def found() -> list[Outcome]:
    return list(outcomes(SEED, OF_EACH))


@pytest.mark.parametrize("kind", MOST_WRONG)
def test_no_more_is_wrong_without_a_word(kind: str, found: list[Outcome]) -> None:
    wrong = [o for o in found if o.verdict == "wrong" and o.known.kind == kind]
    told = [f"{o.field}: {o.mutation.name} at {'.'.join(o.mutation.site)}, {o.known.where}" for o in wrong]
    assert len(wrong) <= MOST_WRONG[kind], "\n".join(told)


def test_most_is_still_read(found: list[Outcome]) -> None:
    counts = Counter(o.verdict for o in found)
    assert counts["right"] > 0.95 * len(found)
    assert counts["missing"] < 0.01 * len(found)


def test_an_answer_as_it_came_raises_no_doubt() -> None:
    assert [known.where for known in known_answers() if "doubtful" in known.truth] == []


def test_mutations_are_the_same_every_time() -> None:
    known = next(iter(known_answers()))
    first, second = ([m.value for m in mutations(known, Random(SEED))] for _ in range(2))
    assert first == second
    assert known.value not in first


@pytest.mark.parametrize(
    ("name", "pattern"),
    [("order_id", r"[a-z]+_[a-z]+"), ("orderId", r"[a-z]+[A-Z][a-z]+"), ("ID", r"[A-Z]+"), ("Items", r"[A-Z][a-z]+")],
)
def test_nonsense_is_written_as_the_name_was(name: str, pattern: str) -> None:
    assert re.fullmatch(pattern, nonsense(name, Random(SEED)))
