"""A daemon that was told nothing meets each dialect: all of it is understood, but for what the file says is not yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contact.checks import CHECKS, Verdicts
from tests.contact.score import Manner, files, score
from tests.contact.truth import Script

if TYPE_CHECKING:
    from pathlib import Path

    from tests.mosquitto import Mosquitto

SCRIPTS = [Script.of(path) for path in files()]
MEETINGS = [
    *(pytest.param(script, False, id=script.path.stem) for script in SCRIPTS),
    *(pytest.param(script, True, id=f"{script.path.stem}, by hand") for script in SCRIPTS if script.by_hand()),
]


@pytest.mark.slow
@pytest.mark.mosquitto
@pytest.mark.parametrize(("script", "by_hand"), MEETINGS)
async def test_a_first_contact(mosquitto: Mosquitto, tmp_path: Path, script: Script, by_hand: bool) -> None:
    hopeless = frozenset() if by_hand else script.still_wrong
    verdicts = Verdicts(script.checks, hopeless, strict=True)
    await score(script, verdicts, mosquitto.port, tmp_path, Manner(by_hand=by_hand))
    reasons = {name: verdicts.why.get(name, "never reached") for name in verdicts.wrong}
    assert set(reasons) <= hopeless, reasons


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.path.stem)
def test_what_is_known_of_a_dialect_is_spelt_rightly(script: Script) -> None:
    assert set(script.known) <= {"currency", "unsaid", "still_wrong", "by_hand"}
    assert script.still_wrong <= set(script.checks) <= set(CHECKS)
    assert set(script.by_hand()) <= {"fields", "states", "dialect"}
