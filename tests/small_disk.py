"""A real file system that a test can fill."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.programs import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class SmallDisk:
    """`path` is where it is mounted."""

    path: Path

    def fill(self) -> None:
        """Take all that is left, as another program would."""
        with (self.path / "filler").open("ab", buffering=0) as filler:
            for size in (65536, 4096, 1):
                try:
                    while filler.write(bytes(size)):
                        pass
                except OSError:
                    continue

    def make_room(self) -> None:
        """The other program's file is deleted."""
        (self.path / "filler").unlink()


@contextmanager
def small_disk(path: Path, size: str = "12m") -> Iterator[SmallDisk]:
    """A file system of its own on a new directory. Without the right to mount, skips the test.

    In CI as well, where that right cannot be installed: what else shows the same needs none.
    """
    path.mkdir()
    options = f"size={size},uid={os.getuid()},gid={os.getgid()},mode=0700"
    mount, unmount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(path)], ["umount", "-l", str(path)]
    for how in ([], ["sudo", "-n"]):
        try:
            subprocess.run([*how, *mount], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        try:
            yield SmallDisk(path)
        finally:
            subprocess.run([*how, *unmount], check=True, capture_output=True)
        return
    pytest.skip(LEFT_OUT + "right to mount a file system")
