"""What a process costs, as the kernel tells it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Costs:
    """What a process has used up since its start, and what it holds. Bytes and seconds."""

    cpu: float
    rss: int
    pss: int
    switches: int
    """Times that it went to sleep by itself: its wake-ups."""
    written: int
    """Bytes to disk."""


def cpu(pid: int) -> float:
    """Seconds of processor time of all threads, those that ended too, to the nanosecond.

    By the process's own clock, whose number is made from its id (Linux, clock_getcpuclockid(3)).
    """
    return time.clock_gettime((~pid << 3) | 2)


def cpu_of_children(pid: int) -> float:
    """Seconds of processor time of the processes that it started and that have ended, to the kernel's tick."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def costs(pid: int) -> Costs:
    """Of one process, without those that it started."""
    folder = Path(f"/proc/{pid}")
    switches = sum(_number(task.read_text(), "voluntary_ctxt_switches") for task in folder.glob("task/*/status"))
    return Costs(
        cpu=cpu(pid),
        rss=_number((folder / "status").read_text(), "VmRSS") * 1024,
        pss=_number((folder / "smaps_rollup").read_text(), "Pss") * 1024,
        switches=switches,
        written=_number((folder / "io").read_text(), "write_bytes"),
    )


def _number(text: str, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    assert found is not None, f"{name} is not told here"
    return int(found[1])
