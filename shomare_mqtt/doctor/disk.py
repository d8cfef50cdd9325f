"""The disk below the journal: how long a durable commit takes there, and whether it is one that wears out."""

from __future__ import annotations

import os
import tempfile
import time
from statistics import median
from typing import TYPE_CHECKING

from shomare_mqtt.doctor.finding import Finding, bad, good, unknown
from shomare_mqtt.doctor.machine import mount_of

if TYPE_CHECKING:
    from pathlib import Path

SLOW = 0.2
"""Seconds: a purchase waits for two or three commits, and each SMS for one."""
_TIMES = 7
_COMMIT = bytes(2 * (4096 + 24))
"""What a small transaction appends to the journal's log."""
_CARD = "mmcblk"
"""What Linux calls SD cards, and the eMMC that is soldered in."""
_PURCHASES = 20
_A_PURCHASE = 270 * 1024
"""Bytes that reach the disk for a purchase with its SMS, the journal's own share of taking in the log included
(measured: five purchases by the kernel's count, /proc/PID/io)."""


def of_disk(directory: Path) -> Finding | None:
    """A finding on the disk of a state directory that is there; None where it is not there or not ours to write in.

    It writes into a file without a name, which is gone with this process.
    """
    if not os.access(directory, os.W_OK | os.X_OK):
        return None
    try:
        took = _commits(directory)
    except OSError as error:
        said = f"{directory}: a few kilobytes could not be written and made durable ({error.strerror})"
        return bad("disk", said, "make room, or look at the disk (dmesg): without a durable journal nothing is bought")
    device = mount_of(directory).device.rpartition("/")[2]
    usual, slowest = median(took), max(took)
    said = f"a durable commit takes {usual * 1000:.1f} ms (of {len(took)}, the slowest {slowest * 1000:.1f} ms)"
    if device.startswith(_CARD):
        megabytes = _PURCHASES * _A_PURCHASE / 1e6
        said = f"{said}; it is an SD card or eMMC ({device}), to which {_PURCHASES} purchases a day write some "
        said = f"{said}{megabytes:.0f} MB, and a day without any next to nothing: that does not wear it out"
    if usual > SLOW:
        advice = "that is slow: each answer to a `buy` waits for two or three; is the card worn, or the disk busy?"
        return unknown("disk", said, advice)
    return good("disk", said)


def _commits(directory: Path) -> list[float]:
    """Seconds that each of some durable writes took. Raises OSError."""
    took = []
    with tempfile.TemporaryFile(dir=directory) as file:
        for _ in range(_TIMES):
            began = time.perf_counter()
            os.write(file.fileno(), _COMMIT)
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return took
