"""A short storm in every run of the tests; `python -m tests.soak` is a long one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.storm.storm import Storm
from tests.storm.tally import tally

if TYPE_CHECKING:
    from pathlib import Path

MOMENTS = (
    "before PUBACK",
    "while buying",
    "an SMS on its way",
    "the broker away",
    "the provider away",
    "a cancel on its way",
    "a lost one cancelled on the site",
    "another while stopped",
)


@pytest.mark.mosquitto
@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_a_storm_breaks_no_promise(tmp_path: Path) -> None:
    async with Storm(tmp_path, seed=4) as storm:
        await storm.rounds(len(MOMENTS), MOMENTS)
        result = tally(storm, await storm.calm())
    print("\n".join(result.lines()))
    assert not result.broken
    assert storm.purchases
    assert storm.kills.hit.total()
