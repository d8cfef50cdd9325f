"""How long a test waits for something that has to happen: no bound on speed, and never waited out where all is well."""

from __future__ import annotations

import asyncio
import time

PATIENCE = 60.0
"""Seconds: even a machine with ten times the work that it can do gets there; `timeout` in pyproject.toml is longer."""


def let_pass(seconds: float) -> None:
    """The running loop's clock jumps ahead: what is due by then is due now, and on a busy machine not before.

    For a test in which a time limit must run out at one moment, and at no other.
    """
    loop = asyncio.get_running_loop()
    ahead = loop.time() + seconds - time.monotonic()
    loop.time = lambda: time.monotonic() + ahead  # type: ignore[method-assign]
