"""Dies, and the machine boots with a wall clock that is days off, and put right later: the promises hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.crash.matrix import Matrix
from tests.crash.plan import Boot, Command
from tests.crash.scenario import BUY, CANCEL, PRODUCT, Choice, Scenario, deadly

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.matrix import Zygotes

DAYS = 3 * 86400.0
RIGHT = Boot("one")
UNVOUCHED = Boot("one", DAYS, is_vouched=False)
SECOND_BUY = Command("buy", PRODUCT | {"application": 4, "transaction": "t-2"})
BOOTS = {
    "into days ahead": (RIGHT, Boot("two", DAYS)),
    "into days ahead, as nobody vouches for": (RIGHT, Boot("two", DAYS, is_vouched=False)),
    "into days behind": (RIGHT, Boot("two", -DAYS)),
    "out of days ahead": (UNVOUCHED, Boot("two")),
}
LEAST = 10


def right(command: Command) -> Command:
    return replace(command, puts_clock_right=True)


BUYING = Scenario("buy", (deadly(BUY), BUY, right(BUY), SECOND_BUY), choice=Choice.WORDS, most_buys=1)
CANCELLING = Scenario("cancel", (BUY, deadly(BUY), BUY, right(CANCEL)), choice=Choice.WORDS)
CASES = [(BUYING, each) for each in BOOTS] + [(CANCELLING, each) for each in list(BOOTS)[:2]]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("scenario", "boots"), CASES, ids=lambda each: getattr(each, "name", each))
async def test_no_boot_breaks_a_promise(scenario: Scenario, boots: str, zygotes: Zygotes, tmp_path: Path) -> None:
    matrix = Matrix(replace(scenario, boots=BOOTS[boots]), zygotes, tmp_path)
    await matrix.keeps_its_promises(LEAST)
