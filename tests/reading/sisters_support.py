"""Three worlds that sister providers sell in, and the envelopes that one answer may come in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CatalogEntry, Known
from tests.reading.reading_support import KNOWN, answer, context

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading import Context, RawAnswer


def _entries(**names: str) -> tuple[CatalogEntry, ...]:
    return tuple(
        CatalogEntry(own.lstrip("_"), said.split("|")[0], tuple(said.split("|"))) for own, said in names.items()
    )


NUMBERS = KNOWN
"""Ids are numbers: Russia 7, operator 1, Telegram 3, WhatsApp 5, Instagram 9."""
SHORT = Known(
    country="0",
    operator="any",
    application="tg",
    purchase="635468024",
    countries=_entries(_0="Russia|Россия|روسیه", _6="Indonesia", _187="USA|United States"),
    operators=_entries(any="Any", mts="MTS", beeline="Beeline", tele2="Tele2"),
    applications=_entries(tg="Telegram|تلگرام", wa="WhatsApp", ig="Instagram"),
)
"""Applications have short codes, countries running numbers."""
SLUGS = Known(
    country="russia",
    operator="beeline",
    application="telegram",
    purchase="11631253",
    countries=_entries(russia="Russia|Россия", england="England", usa="USA"),
    operators=_entries(any="Any", beeline="Beeline", mts="MTS", virtual21="Virtual 21"),
    applications=_entries(telegram="Telegram", whatsapp="WhatsApp", instagram="Instagram"),
)
"""Everything has a slug."""


@dataclass(frozen=True)
class Case:
    """One answer of one sister, what is known, and the truth that must be read."""

    sister: str
    given: Any
    truth: Any
    known: Known = NUMBERS
    http: int = 200
    bare: bool = False
    """Whether the answer stands as it is, with no other envelope tried."""


def versions(cases: list[Case]) -> list[Any]:
    """Each case as it is, inside `data` beside the documented marks, and merged with them."""
    import pytest  # noqa: PLC0415 - a tool of the tests

    found = []
    for case in cases:
        found.append(pytest.param(case, id=f"{case.sister}-own"))
        if case.bare or case.http != 200:
            continue
        wrapped = {"status": True, "code": 200, "data": case.given}
        found.append(pytest.param(replace(case, given=wrapped), id=f"{case.sister}-data"))
        if isinstance(case.given, dict) and not {"status", "code"} & set(case.given):
            merged = {"status": True, "code": 200, **case.given}
            found.append(pytest.param(replace(case, given=merged), id=f"{case.sister}-merged"))
    return found


def raw(case: Case) -> RawAnswer:
    """The case's answer as it came."""
    return answer(case.given, case.http)


def seen(case: Case) -> Context:
    """What is known when it is read."""
    return context(case.known)
