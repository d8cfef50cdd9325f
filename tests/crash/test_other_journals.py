"""Dies, and the journal of the next life is an earlier one, or none: that is said, and nothing is bought twice."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.crash.matrix import Matrix
from tests.crash.plan import Command, Loss
from tests.crash.scenario import BUY, PRODUCT, Choice, Scenario, deadly

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.matrix import Zygotes

EARLIER_BUY = Command("buy", PRODUCT | {"application": 5, "transaction": "t-0"})
LATER_BUY = Command("buy", PRODUCT | {"application": 4, "transaction": "t-2"})
LET_BUY = Command("buying/set", text="on")
SCENARIOS = (
    # A sender that is not sure asks again for what was bought before, and for what may have been.
    Scenario(
        "a copy put back",
        (EARLIER_BUY, deadly(BUY), BUY, EARLIER_BUY, LET_BUY, LATER_BUY),
        before=1,
        loss=Loss.RESTORED,
    ),
    Scenario("deleted", (EARLIER_BUY, deadly(BUY), LATER_BUY), before=1, loss=Loss.DELETED),
)
LEAST = 10


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
async def test_no_lost_journal_breaks_a_promise(scenario: Scenario, zygotes: Zygotes, tmp_path: Path) -> None:
    matrix = Matrix(replace(scenario, choice=Choice.WORDS, sms=True), zygotes, tmp_path)
    await matrix.keeps_its_promises(LEAST)
