"""`python -m tests.limits run --config …`: the program with other time limits, for a test on a busy machine.

A limit within which another process has to answer is real time, and that process may be the one that gets none.
"""

from __future__ import annotations

import json
import os
import runpy
from importlib import import_module

from tests.patience import PATIENCE

VARIABLE = "TESTED_WITH_LIMITS"
LONG = PATIENCE / 5
"""Seconds: longer than a busy machine stands still; a daemon that has to wait it out a few times is still in time."""


def limits(**seconds: float) -> dict[str, str]:
    """The environment of a process that has these limits: `mqtt__alone__ANSWER_WITHIN` of that module."""
    return {VARIABLE: json.dumps({f"shomare_mqtt.{name.replace('__', '.')}": value for name, value in seconds.items()})}


PATIENT = limits(mqtt__alone__ANSWER_WITHIN=LONG, mqtt__voice__ECHO_WITHIN=LONG, mqtt__alone__ONLINE_WITHIN=LONG)
"""Of a daemon that meets another one, and waits for what that has to say."""


def set_limits() -> None:
    """Set those of the environment in this process."""
    for name, value in json.loads(os.environ.pop(VARIABLE, "{}")).items():
        module, _, limit = name.rpartition(".")
        assert hasattr(import_module(module), limit), name
        setattr(import_module(module), limit, value)


if __name__ == "__main__":
    set_limits()
    runpy.run_module("shomare_mqtt", run_name="__main__", alter_sys=True)
