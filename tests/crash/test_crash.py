"""Dies at every point of a `buy`, of an SMS and of a `cancel`, and lives again: the three promises hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.crash.matrix import MOST_MISSED, Matrix
from tests.crash.scenario import (
    ANOTHER_BUY,
    BARE_BUY,
    BARE_BUY_SOMEWHERE,
    BUY,
    BUY_SOMEWHERE,
    CANCEL,
    NEXT_BUY,
    THIRD_BUY,
    Choice,
    Scenario,
    deadly,
    with_fault,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.crash.matrix import Zygotes

LEAST_SECOND_DEATHS = 20

BUY_ALONE = Scenario("buy, on disk with its intent", (BUY, NEXT_BUY, deadly(THIRD_BUY), THIRD_BUY))
"""It comes when nothing else is to be written: no other daemon is there, and the provider's dialect is learnt."""

SCENARIOS = (
    Scenario("buy", (deadly(BUY), BUY)),
    Scenario("buy without a transaction", (deadly(BARE_BUY),)),
    Scenario("SMS", (BUY,), sms=True),
    Scenario("cancel", (BUY, deadly(CANCEL), CANCEL)),
    with_fault("buy, the answer hangs", "buy", "hang_after", (deadly(BUY), BUY), timeout=1.5),
    with_fault("buy, the connection breaks after it", "buy", "reset_after", (deadly(BUY), BUY)),
    with_fault("buy, the connection breaks before it", "buy", "reset_before", (deadly(BARE_BUY),)),
    with_fault("cancel, the answer is lost", "cancel", "reset_after", (BUY, deadly(CANCEL))),
    with_fault("cancel while another is bought", "cancel", "reset_after", (BUY, deadly(CANCEL), ANOTHER_BUY)),
    BUY_ALONE,
    Scenario("buy somewhere", (deadly(BUY_SOMEWHERE), BUY_SOMEWHERE), sold_out=(("7", "1"), ("7", "2"))),
    Scenario(
        "buy somewhere, the cheapest first, and nowhere is one",
        (deadly(BARE_BUY_SOMEWHERE),),
        choice=Choice.EACH_PLACE,
        sold_out=(("7", "1"), ("7", "2"), ("2", "1"), ("2", "2")),
    ),
    with_fault("buy somewhere, the answer hangs", "buy", "hang_after", (deadly(BUY_SOMEWHERE), BUY_SOMEWHERE), 1.5),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
async def test_no_death_breaks_a_promise(scenario: Scenario, zygotes: Zygotes, tmp_path: Path) -> None:
    matrix = Matrix(scenario, zygotes, tmp_path)
    await matrix.start()
    points = await matrix.live_whole()
    assert len(points) >= scenario.least
    await matrix.die_at_each(scenario.choice.of(points))
    places = {place for place, _ in points}
    missed = await matrix.die_where_none_did(places)
    print(f"{scenario.name}: {len(points)} points, {len(matrix.died)} deaths at {len(places)} places, {matrix.states}")
    assert not matrix.broken, "\n".join(matrix.broken)
    assert len(missed) <= MOST_MISSED


SECOND_DEATHS = (
    # The last place at which the first life ends, and in the midst of what it does.
    (SCENARIOS[1], "before the broker has our PUBACK"),
    (SCENARIOS[0], "provider/transport.py"),
    (SCENARIOS[0], "before the broker has response"),
    (SCENARIOS[2], "before the broker has event"),
    (SCENARIOS[3], "provider/transport.py"),
    (BUY_ALONE, "before the broker has our PUBACK"),
    (SCENARIOS[10], "provider/transport.py"),
)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(("scenario", "first"), SECOND_DEATHS, ids=lambda each: getattr(each, "name", each))
async def test_no_death_while_taking_up_work_breaks_a_promise(
    scenario: Scenario, first: str, zygotes: Zygotes, tmp_path: Path
) -> None:
    """The life that follows a death dies as well, when it first reaches each place."""
    matrix = Matrix(scenario, zygotes, tmp_path)
    await matrix.start()
    whole = await matrix.live_whole()
    matrix.first = died_at = [point for point in whole if point[0].startswith(first)][-1]
    points = await matrix.live_again_whole(died_at)
    await matrix.die_at_each([point for point in points if point[1] == 1])
    print(f"{scenario.name}, {died_at}: {len(points)} points, {len(matrix.died)} deaths, {matrix.states}")
    assert not matrix.broken, "\n".join(matrix.broken)
    assert len(matrix.died) >= LEAST_SECOND_DEATHS
