"""What the daemon's start costs, against a process that imports the libraries it cannot do without.

Each figure is the best of several processes: the machine's other work only ever adds.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from tests.bench.table import Row, figure

if TYPE_CHECKING:
    from tests.bench.table import Effort

BARE = "import asyncio, sqlite3, aiohttp, paho.mqtt.client, pydantic"
DAEMON = "import shomare_mqtt.cli.run"
_ROUNDS = 7


def measure(script: str) -> tuple[float, float]:
    """Seconds until a process that runs the script has ended, and the most memory it held, in MB."""
    began = time.perf_counter()
    child = os.posix_spawn(sys.executable, [sys.executable, "-c", script], os.environ)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"this fails: {script}")
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def best(script: str, rounds: int = _ROUNDS) -> tuple[float, float]:
    measured = [measure(script) for _ in range(rounds)]
    return min(seconds for seconds, _ in measured), min(memory for _, memory in measured)


def rows(effort: Effort) -> list[Row]:
    """The limit: the libraries alone."""
    (bare_seconds, bare_memory), (seconds, memory) = (best(s, 2 if effort.quick else _ROUNDS) for s in (BARE, DAEMON))
    return [
        Row("imports of `run`", "s", figure((seconds,)), limit=figure((bare_seconds,))),
        Row("memory after the imports", "MB", figure((memory,)), limit=figure((bare_memory,))),
    ]
