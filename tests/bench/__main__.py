"""`make bench`: the daemon beside a script that does the same and beside what no daemon can outdo, in one run.

`QUICK=1 make bench` takes a minute instead of ten, and its figures are rough. `make bench ARGS="--only queries"` runs
one part; `--markdown FILE` also writes the table there.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import crowd, journals, page, purchases, queries, reference, resting, small, starting
from tests.bench.houses import mosquitto
from tests.bench.table import Effort, Row, rendered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Part = tuple[str, "Callable[[Effort], list[Row]]"]

PARTS: list[Part] = [
    ("queries", queries.rows),
    ("purchases", purchases.rows),
    ("starting", starting.rows),
    ("resting", resting.rows),
    ("journals", journals.rows),
    ("small", small.rows),
    ("page", page.rows),
    ("crowd", crowd.rows),
]
"""Each measures for itself and returns its rows, in the order in which they are run and printed."""

BUSY = 0.2
"""The share of the machine that others may use before the figures say more of them than of us."""
RESTLESS = 0.4
"""The spread of the limit, which has nothing to vary by but the machine."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", action="append", choices=[name for name, _ in PARTS], help="this part; may be repeated"
    )
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument("--quick", action="store_true", default=os.environ.get("QUICK") == "1", help="or QUICK=1")
    arguments = parser.parse_args()
    began = time.monotonic()
    head = [*_machine(), *_remarks()]
    _say(*head)
    rows = _measured(Effort(quick=arguments.quick), arguments.only)
    table = rendered(rows)
    foot = [*_doubts(rows), f"{(time.monotonic() - began) / 60:.1f} minutes"]
    _say("", *table, "", *foot)
    if arguments.markdown:
        arguments.markdown.write_text("\n".join([*head, "", *table, "", *foot]) + "\n")


def _measured(effort: Effort, only: list[str] | None) -> list[Row]:
    rows: list[Row] = []
    for name, part in PARTS:
        if only is None or name in only:
            began = time.monotonic()
            rows += part(effort)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return rows


def _machine() -> list[str]:
    """When, where and with what."""
    told = subprocess.run([mosquitto(), "-h"], check=False, capture_output=True, text=True).stdout
    broker = told.splitlines()[0].removesuffix(" (build date unknown)") if told else "mosquitto"
    when, machine = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", f"{_processor()}, {os.cpu_count()} cores"
    return [f"{when}: {machine}, Linux {platform.release()}, Python {platform.python_version()}, {broker}"]


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(": ")[2] for line in lines if line.startswith(("model name", "Model")))
    return next(names, platform.machine())


def _remarks() -> list[str]:
    """What must be known before the figures are read."""
    remarks = []
    if (busy := _others()) > BUSY:
        remarks.append(f"WARNING: others use {busy:.0%} of this machine; wall-clock figures mean little.")
    if not reference.is_there():
        remarks.append(
            "There is no aiomqtt here, so that nothing is compared with the script: pip install -e '.[bench]'"
        )
    return remarks


def _others(seconds: float = 1.0) -> float:
    """The share of the processors' time that is used while we do nothing."""
    idle, whole = _processor_time()
    time.sleep(seconds)
    idle_later, whole_later = _processor_time()
    return 1 - (idle_later - idle) / max(whole_later - whole, 1)


def _processor_time() -> tuple[int, int]:
    """Idle ticks and all ticks since the start."""
    user, nice, system, idle, iowait, *rest = map(int, Path("/proc/stat").read_text().split("\n")[0].split()[1:9])
    return idle + iowait, user + nice + system + idle + iowait + sum(rest)


def _doubts(rows: Iterable[Row]) -> list[str]:
    """Which rows' limit was not the same each time: the machine did something else meanwhile."""
    return [
        f"WARNING: {row.name}: the limit itself varied by {row.limit.spread:.0%}; measure again on a quieter machine."
        for row in rows
        if row.limit and row.limit.spread > RESTLESS
    ]


def _say(*lines: str) -> None:
    print("\n".join(lines), flush=True)


if __name__ == "__main__":
    main()
