"""What was read of an answer before is what is read of it now: the quick way gives what the slow one does."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import CatalogEntry, Known
from shomare_mqtt.provider.read_before import LONGEST, MOST, MOST_BYTES, ReadBefore
from shomare_mqtt.provider.reading import Context, RawAnswer
from tests.reading.mutations import known_answers, mutations
from tests.reading.readings import answer, read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shomare_mqtt.provider.reading.places import Place

TIMELESS = ("profile", "countries", "operators", "applications", "prices", "price")
"""What is read of these does not depend on when."""
SEED, OF_EACH = 3, 3


class Timeless(Context):
    """A context that nobody may ask what time it is."""

    def __getattribute__(self, name: str) -> Any:
        assert name not in ("now", "date"), "what is read depends on the time"
        return super().__getattribute__(name)


def timeless(context: Context) -> Context:
    fields = ("timezone", "known", "unit", "by_hand", "chosen")
    return Timeless(context.now, **{name: getattr(context, name) for name in fields})


def outcome(ask: Callable[[], Any]) -> str:
    """What was read with all that is said of it, or what failed."""
    try:
        found = ask()
        return repr((found, found.found, getattr(found, "extra", None), getattr(found, "candidates", None)))
    except ProviderError as error:
        return repr((type(error), error.code, error.message, error.upstream, error.retry_after, error.plain))


def answers(kind: str) -> Iterator[tuple[RawAnswer, Context]]:
    """Known answers to calls of a kind, and what becomes of them when they change."""
    chance = Random(SEED)
    for known in (each for each in known_answers() if each.kind == kind):
        changed = [mutation.value for mutation in mutations(known, chance)]
        for value in (known.value, *chance.sample(changed, min(OF_EACH, len(changed)))):
            yield answer(value), known.call.context(kind)


@pytest.mark.parametrize("kind", TIMELESS)
def test_the_quick_way_gives_what_the_slow_one_does(kind: str) -> None:
    """Whatever came before under the same question: each answer is read twice by one that remembers, among others."""
    chosen: dict[str, Place] = {}
    before, count = ReadBefore(chosen), 0
    for raw, context in answers(kind):
        reader = before.reader(kind, context.known, partial(read, kind, context=timeless(context)))
        quick = partial(reader, raw)
        slow = outcome(partial(read, kind, raw, context))
        assert [outcome(quick), outcome(quick)] == [slow, slow]
        count += 1
    assert count > 20


# --- what is read anew ----------------------------------------------------------------------------------------------


class Reader:
    """Counts how often it reads; what it reads is how often it did."""

    def __init__(self) -> None:
        self.chosen: dict[str, Place] = {}
        self.before = ReadBefore(self.chosen)
        self.count = 0

    def read(self, _: RawAnswer) -> int:
        self.count += 1
        return self.count

    def ask(self, raw: RawAnswer, known: Known | None = None, asked: str = "7/1/3") -> int:
        return self.before.reader(asked, known or LISTED, self.read)(raw)


COUNTRIES = (CatalogEntry("7", "Russia"),)
LISTED = Known(country="7", countries=COUNTRIES)
RAW = RawAnswer(200, b'{"status": true, "data": {"price": 2200}}', "application/json", charset="utf-8")


def test_the_same_is_read_once() -> None:
    reader = Reader()
    assert [reader.ask(RAW), reader.ask(replace(RAW)), reader.ask(RAW, replace(LISTED))] == [1, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"body": RAW.body.replace(b"2200", b"2201")}, id="a byte"),
        pytest.param({"http": 201}, id="the status"),
        pytest.param({"charset": "cp1256"}, id="how letters are written"),
        pytest.param({"content_type": "text/html"}, id="its label"),
    ],
)
def test_another_answer_is_read_anew(change: dict[str, Any]) -> None:
    reader = Reader()
    assert [reader.ask(RAW), reader.ask(replace(RAW, **change)), reader.ask(RAW)] == [1, 2, 3]


@pytest.mark.parametrize(
    "known",
    [
        replace(LISTED, price=Decimal(1)),
        replace(LISTED, balance=Decimal(1)),
        replace(LISTED, operator="1"),
        replace(LISTED, countries=(CatalogEntry("7", "England"),)),
        replace(LISTED, applications=(CatalogEntry("3", "Telegram"),)),
    ],
    ids=["a price", "the balance", "what is asked for", "a list", "a list more"],
)
def test_what_is_known_otherwise_is_read_anew(known: Known) -> None:
    reader = Reader()
    assert [reader.ask(RAW), reader.ask(RAW, known), reader.ask(RAW, known)] == [1, 2, 2]


def test_what_is_read_elsewhere_by_now_is_read_anew() -> None:
    reader = Reader()
    first = reader.ask(RAW)
    reader.chosen["profile.balance"] = ("data", "credit")
    assert [first, reader.ask(RAW), reader.ask(RAW)] == [1, 2, 2]
    del reader.chosen["profile.balance"]
    assert reader.ask(RAW) == 3


def test_each_question_has_its_own() -> None:
    reader = Reader()
    assert [reader.ask(RAW, asked=asked) for asked in "abab"] == [1, 2, 1, 2]


def test_what_cannot_be_read_is_looked_at_each_time() -> None:
    calls = []

    def fails(raw: RawAnswer) -> None:
        calls.append(raw)
        raise ProviderError(code="provider_error", message="no")  # type: ignore[arg-type]

    before = ReadBefore({})
    for _ in range(2):
        with pytest.raises(ProviderError):
            before.reader("a", LISTED, fails)(RAW)
    assert len(calls) == 2


def test_long_answers_and_many_are_not_kept() -> None:
    reader = Reader()
    long = replace(RAW, body=b" " * (LONGEST + 1))
    assert [reader.ask(long), reader.ask(long)] == [1, 2]
    for number in range(MOST + 1):
        reader.ask(RAW, asked=str(number))
    assert len(reader.before._kept) == MOST
    for number in range(9):
        reader.ask(replace(RAW, body=b" " * LONGEST), asked=f"large {number}")
    assert sum(len(kept.answer.body) for kept in reader.before._kept.values()) <= MOST_BYTES
    assert len(reader.before._kept) == MOST_BYTES // LONGEST


def test_no_list_of_before_is_held_on_to() -> None:
    """They may be large: once another one is known in its place, nothing is left that was read with it."""
    reader = Reader()
    for number in range(5):
        reader.ask(RAW, asked=str(number))
    reader.ask(RAW, replace(LISTED, countries=(CatalogEntry("7", "Russia"),)))
    assert len(reader.before._kept) == 1
