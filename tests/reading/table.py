"""The tables under `answers/`: answers as they came, and what is to be read in them (README.md tells their keys)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

from shomare_mqtt.config import Provider
from shomare_mqtt.provider.reading import ByHand, RawAnswer
from tests.reading.contexts import HERE, LISTS, NOTHING, TableError, context_of, loaded, only, whole
from tests.reading.readings import ERRORS, KINDS, answer, seen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from shomare_mqtt.provider.reading import Context

ANSWERS = HERE / "answers"
EVERY = "every kind"
ENVELOPES = ("own", "data", "merged")
MARKS = {"status": True, "code": 200}
"""What the provider documents around its data."""
BODIES = ("answer", "answers", "text", "texts")

OF_AN_ERROR = frozenset({*ERRORS, "upstream", "says", "hides"})
OF_A_PRICE = frozenset({"application_name", "price", "count", "unread", "doubtful"})
OF_AN_SMS = frozenset({"code", "text", "sender", "received_at", "provider_id"})
FIELDS: Mapping[str, frozenset[str]] = {
    "profile": frozenset({"balance", "currency", "extra", "unread", "doubtful", "places"}),
    **dict.fromkeys(LISTS, frozenset({"entries", "extra", "unread", "doubtful", "places"})),
    "prices": frozenset({"prices", "unread", "doubtful", "places"}),
    "price": OF_A_PRICE | {"places"},
    "buy": frozenset({"purchase", "phone", "price", "lifetime", "unread", "doubtful", "places"}),
    "check": frozenset({"state", "sms", "phone", "lifetime", "unread", "doubtful", "places"}),
    "cancel": frozenset({"refunded", "unread", "doubtful", "places"}),
    EVERY: frozenset(),
}
OF_A_CASE = frozenset({"name", "why", "http", "retry_after", "known", "envelopes", "by hand", *BODIES, *FIELDS})
OF_A_FILE = frozenset({"about", "known", "envelopes", "cases"})
SET_BY_HAND = frozenset({"fields", "states"})


@dataclass(frozen=True)
class Call:
    """One answer as it came, with what was known when it was read; `label` tells it from the others of its case."""

    label: str
    raw: RawAnswer
    known: str | dict[str, Any]
    own: Mapping[str, RawAnswer]
    """The file's own lists, as they came."""
    by_hand: ByHand = field(default_factory=ByHand)

    def context(self, kind: str) -> Context:
        """What is known; a file's own lists are read anew, they and the profile without what they tell."""
        given = whole(self.known)
        if "own lists" in given and kind in ("profile", *LISTS):
            return replace(NOTHING, unit=given.get("unit"), by_hand=self.by_hand)
        return replace(context_of(given, self.own), by_hand=self.by_hand)


@dataclass(frozen=True)
class Case:
    """Answers that all read the same; `wanted` by kind, in the words of `readings.plain`."""

    file: str
    heading: str
    name: str
    calls: tuple[Call, ...]
    wanted: Mapping[str, dict[str, Any]]

    @property
    def id(self) -> str:
        """The test's id: the file, the heading and the name, in which `-k` finds each."""
        return "::".join(part.replace(" ", "_") for part in (self.file, self.heading, self.name) if part)

    def read(self, kind: str) -> dict[str, dict[str, Any]]:
        """What is read of each of the answers, by their labels."""
        return {call.label: seen(kind, call.raw, call.context(kind), self.wanted[kind]) for call in self.calls}


@cache
def tables() -> tuple[Case, ...]:
    """Every case of every file."""
    return tuple(case for path in sorted(ANSWERS.rglob("*.json")) for case in cases_of(path))


def cases_of(path: Path) -> Iterator[Case]:
    """The cases of one file. Raises TableError for anything in it that no runner would look at."""
    table = loaded(path)
    file = path.relative_to(ANSWERS).with_suffix("").as_posix() if path.is_relative_to(ANSWERS) else path.stem
    only(table, OF_A_FILE, file)
    if not isinstance(table.get("cases"), dict) or not table["cases"] or not table.get("about"):
        raise TableError(f"{file}: a table has `about`, and `cases` by heading")
    own = {kind: next(_raw_of(table["cases"], kind), RawAnswer(200, b"")) for kind in LISTS}
    for heading, cases in table["cases"].items():
        names = [case.get("name", "") for case in cases]
        if not names or len(set(names)) != len(names):
            raise TableError(f"{file}, {heading}: there is no case, or two have the same name")
        for name, case in zip(names, cases, strict=True):
            where = f"{file}, {heading}, {name or 'without name'}"
            _checked(case, where)
            given = {"known": table.get("known", "nothing"), "envelopes": table.get("envelopes", ["own"]), **case}
            yield Case(file, heading, name, tuple(_calls(given, own, where)), _wanted(case))


def _raw_of(cases: dict[str, list[dict[str, Any]]], kind: str) -> Iterator[RawAnswer]:
    """The answers of a kind in a file, as they came."""
    for case in (case for under in cases.values() for case in under):
        if kind in case and "answer" in case:
            yield answer(case["answer"])


def _checked(case: dict[str, Any], where: str) -> None:
    only(case, OF_A_CASE, where)
    if sum(body in case for body in BODIES) != 1:
        raise TableError(f"{where}: a case has one of {', '.join(BODIES)}")
    kinds = [kind for kind in FIELDS if kind in case]
    if not kinds or (EVERY in kinds and len(kinds) > 1):
        raise TableError(f"{where}: no runner takes it: it says for no kind what is to be read, or for every and one")
    for kind in kinds:
        _checked_fields(case[kind], kind, f"{where}, {kind}")


def _checked_fields(wanted: dict[str, Any], kind: str, where: str) -> None:
    failures = [name for name in ERRORS if name in wanted]
    only(wanted, OF_AN_ERROR if failures else FIELDS[kind], where)
    if not wanted or len(failures) > 1:
        raise TableError(f"{where}: it says what was read, or that it was one of {', '.join(ERRORS)}")
    for row in wanted["prices"].values() if kind == "prices" and not failures else ():
        only(row, OF_A_PRICE, where)
    for sms in wanted.get("sms", ()):
        only(sms, OF_AN_SMS, where)


def _wanted(case: dict[str, Any]) -> dict[str, dict[str, Any]]:
    if EVERY in case:
        return dict.fromkeys(KINDS, case[EVERY])
    return {kind: case[kind] for kind in KINDS if kind in case}


def _calls(case: dict[str, Any], own: Mapping[str, RawAnswer], where: str) -> Iterator[Call]:
    """Each answer of a case, in each envelope, with each HTTP status, read with each of what is known."""
    bodies = list(_bodies(case, where))
    for (label, body), http, known in product(bodies, _each(case.get("http", 200)), _each(case["known"])):
        context_of(known)
        hand = _by_hand(case.get("by hand", {}), where)
        raw = RawAnswer(http=http, body=body, retry_after=case.get("retry_after"))
        yield Call(f"{label}, HTTP {http}, {known}", raw, known, own, hand)


def _by_hand(given: dict[str, dict[str, str]], where: str) -> ByHand:
    """What the settings say, checked as they are."""
    only(given, SET_BY_HAND, f"{where}, by hand")
    settings = Provider(**given)
    return ByHand.of(settings.fields, settings.states)


def _bodies(case: dict[str, Any], where: str) -> Iterator[tuple[str, bytes]]:
    """The bodies, each with a label."""
    if set(case["envelopes"]) - set(ENVELOPES):
        raise TableError(f"{where}: envelopes are {', '.join(ENVELOPES)}")
    for text in case.get("texts", [case["text"]] if "text" in case else []):
        yield repr(text), text.encode()
    values = case.get("answers", [case["answer"]] if "answer" in case else [])
    for value, envelope in product(values, case["envelopes"]):
        if envelope == "own":
            yield repr(value), answer(value).body
        elif envelope == "data":
            yield f"{value!r} in data", answer({**MARKS, "data": value}).body
        elif isinstance(value, dict) and not {"status", "code"} & set(value):
            yield f"{value!r} beside marks", answer({**MARKS, **value}).body


def _each(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
