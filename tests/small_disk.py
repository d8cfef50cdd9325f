"""A real file system that a test can fill."""

from __future__ import annotations

import os
import resource
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

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


class SmallFiles(SmallDisk):
    """What comes next to it: full, no file of this process may be larger than the largest is already."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(self) -> None:
        sizes = [found.stat().st_size for found in self.path.rglob("*") if found.is_file()]
        resource.setrlimit(resource.RLIMIT_FSIZE, (max(sizes), self._before[1]))

    def make_room(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._before)


@contextmanager
def small_disk(path: Path, size: str = "12m", *, of_this_process: bool = True) -> Iterator[SmallDisk]:
    """A file system of its own on a new directory; SmallFiles where none can be mounted, in a container, say.

    That is no way for a test of other processes, which is left out then: also in CI, since nothing can be installed
    that would help.
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
    if not of_this_process:
        pytest.skip("NOT TESTED, since this machine lets nobody mount a file system: a disk that is full")
    files = SmallFiles(path)
    try:
        yield files
    finally:
        files.make_room()
