"""`python -m tests.soak --rounds N [--seed S]`: a long storm, its report, and status 1 where a promise was broken.

A round is a `kill -9` of the daemon. `--keep DIRECTORY` leaves logs, journal and ledger there.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.storm.storm import Storm
from tests.storm.tally import EVENTS, Tally, tally

LEAST_SHARE = 0.05
"""Of the kills, so many must have hit each thing that can be hit, else the storm proves little."""
LEAST_EVENTS = 0.02
"""For each kill, so many of each thing that others did must have come: a few in a storm of 200."""


async def soak(folder: Path, rounds: int, seed: int) -> Tally:
    """A storm and what it came to."""
    began = time.monotonic()
    async with Storm(folder, seed) as storm:
        await storm.rounds(rounds)
        result = tally(storm, await storm.calm())
    result.figures["seed"] = seed
    result.figures["minutes"] = round((time.monotonic() - began) / 60, 1)
    for name, count in storm.kills.hit.items():
        if count < LEAST_SHARE * storm.kills.count:
            result.broken.append(f"only {count} of {storm.kills.count} kills came {name}")
    for name in EVENTS:
        if result.events[name] < LEAST_EVENTS * storm.kills.count:
            result.broken.append(f"only {result.events[name]} came of: {name}")
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10_000))
    parser.add_argument("--keep", type=Path, metavar="DIRECTORY")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        result = asyncio.run(soak(folder, arguments.rounds, arguments.seed))
    sys.stdout.write("\n".join(result.lines()) + "\n")
    return 1 if result.broken else 0


if __name__ == "__main__":
    sys.exit(main())
