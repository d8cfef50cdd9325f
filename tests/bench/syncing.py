"""How often a process waits until its data is on the disk, and how long that takes here."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from statistics import median
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

_CALL = re.compile(r"\b(?:fdatasync|fsync)\(")
_WRITTEN = 8192
"""Bytes, as much as a small transaction of the journal's."""


def can_be_counted() -> bool:
    """Whether there is an strace."""
    return shutil.which("strace") is not None


class Syncs:
    """Counts a process's calls of fdatasync and fsync, of all its threads, while the block runs: `count` after it."""

    def __init__(self, pid: int, folder: Path) -> None:
        self._trace = folder / f"syncs-{pid}"
        self._command = ["strace", "-f", "-e", "trace=fdatasync,fsync", "-o", str(self._trace), "-p", str(pid)]
        self.count = 0

    def __enter__(self) -> Self:
        self._strace = subprocess.Popen(self._command, stderr=subprocess.PIPE, text=True)
        assert self._strace.stderr is not None
        line = self._strace.stderr.readline()
        if "attached" not in line:
            self._strace.wait()
            raise RuntimeError(f"strace cannot look at the process: {line.strip()}")
        return self

    def __exit__(self, *_: object) -> None:
        self._strace.send_signal(signal.SIGINT)
        self._strace.communicate()
        self.count = len(_CALL.findall(self._trace.read_text()))
        self._trace.unlink()


def duration(directory: Path, times: int = 60) -> float:
    """Seconds that one fdatasync takes there after as much was written as a small transaction writes; their median."""
    path = directory / "probe"
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(file, 0, _WRITTEN * times)
        os.fsync(file)
        return median(_timed(file, number) for number in range(times))
    finally:
        os.close(file)
        path.unlink()


def _timed(file: int, number: int) -> float:
    os.pwrite(file, os.urandom(_WRITTEN), number * _WRITTEN)
    began = time.perf_counter()
    os.fdatasync(file)
    return time.perf_counter() - began
