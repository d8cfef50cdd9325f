"""`make bench`: what the daemon's start costs, against a process that imports the libraries it cannot do without.

Each figure is the best of several processes: the machine's other work only ever adds.
"""

from __future__ import annotations

import os
import sys
import time

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


def main() -> None:
    figures = {name: best(script) for name, script in (("libraries alone", BARE), ("shomare-mqtt run", DAEMON))}
    for name, (seconds, memory) in figures.items():
        print(f"{name:18} {seconds:6.3f} s {memory:7.1f} MB")
    (bare_seconds, bare_memory), (seconds, memory) = figures.values()
    print(f"{'ratio':18} {seconds / bare_seconds:6.2f}   {memory / bare_memory:7.2f}")


if __name__ == "__main__":
    main()
