"""How long a test waits for something that has to happen: no bound on speed, and never waited out where all is well."""

from __future__ import annotations

import asyncio

PATIENCE = 60.0
"""Seconds: even a machine with ten times the work that it can do gets there; `timeout` in pyproject.toml is longer."""


def let_pass(seconds: float) -> None:
    """The running loop's clock jumps ahead: what is due by then is due now, and on a busy machine not before.

    For a test in which a time limit must run out at one moment, and at no other.
    """
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]


def stand_still() -> None:
    """From now on the running loop's clock moves by `let_pass` alone.

    For a test in which no time limit may run out by itself.
    """
    loop = asyncio.get_running_loop()
    now = loop.time()
    loop.time = lambda: now  # type: ignore[method-assign]
