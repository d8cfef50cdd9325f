"""Every answer of the tables under `answers/`, read as what it answers; README.md tells how to add some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.reading.readings import in_order
from tests.reading.table import Case, tables

if TYPE_CHECKING:
    from collections.abc import Callable


def cases(kind: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The cases that say what is to be read of an answer of this kind."""
    found = [case for case in tables() if kind in case.wanted]
    return pytest.mark.parametrize("case", found, ids=[case.id for case in found])


def check(kind: str, case: Case) -> None:
    """Compare by answer, so that a failure shows which of a case's answers read otherwise."""
    found = {label: in_order(reading) for label, reading in case.read(kind).items()}
    assert found == dict.fromkeys(found, in_order(case.wanted[kind]))


@cases("profile")
def test_profile(case: Case) -> None:
    check("profile", case)


@cases("countries")
def test_countries(case: Case) -> None:
    check("countries", case)


@cases("operators")
def test_operators(case: Case) -> None:
    check("operators", case)


@cases("applications")
def test_applications(case: Case) -> None:
    check("applications", case)


@cases("prices")
def test_prices(case: Case) -> None:
    check("prices", case)


@cases("price")
def test_price(case: Case) -> None:
    check("price", case)


@cases("buy")
def test_buy(case: Case) -> None:
    check("buy", case)


@cases("check")
def test_check(case: Case) -> None:
    check("check", case)


@cases("cancel")
def test_cancel(case: Case) -> None:
    check("cancel", case)
