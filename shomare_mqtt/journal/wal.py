"""Reading SQLite's write-ahead log, which SQLite itself takes up to its first fault and then drops without a word.

The layout is that of https://www.sqlite.org/fileformat2.html#walformat: a header of 32 bytes, then frames, each of 24
bytes and a page. Both carry the same two salts; the checksum of each frame goes on from the one before.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = 32
FRAME_HEADER = 24
PAGE = 4096
FRAME = FRAME_HEADER + PAGE
"""Bytes of one frame of ours: SQLite's page size, since 2016."""
_HEADLESS = "the first bytes are destroyed"
_MAGIC = 0x377F0682
_ALL = 0xFFFFFFFF


class Wal(NamedTuple):
    """What a log holds. `salt` counts its beginnings, `frames` how many belong to the journal; `damage`: what is wrong.

    A last transaction that is not all there is no damage: the process may have been killed, or the power cut, while it
    was written.
    """

    salt: int
    frames: int
    damage: str | None = None


def salts_of(header: bytes | memoryview) -> bytes:
    """The two salts of a log's header; empty where there is no header."""
    return bytes(header[16:24]) if int.from_bytes(header[:4]) & ~1 == _MAGIC else b""


def read_wal(data: memoryview, *, power_held: bool) -> Wal:
    """Go through a whole log. `power_held`: it was written since the machine booted; only a kill can have torn it."""
    header = data[:HEADER]
    if not any(data[: HEADER + FRAME_HEADER]):
        return Wal(0, 0)  # room was made, and nothing written
    if len(header) < HEADER or not salts_of(header):
        return Wal(0, 0, _HEADLESS)
    order = ">" if header[3] & 1 else "<"
    sums = _checksum(header[:24], order, (0, 0))
    if _two(header[24:]) != sums:
        return Wal(0, 0, _HEADLESS)
    size = int.from_bytes(header[8:12]) + FRAME_HEADER
    salts, frames = header[16:24], list(_frames(data, size))
    good = committed = 0
    for number, frame in enumerate(frames, 1):
        sums = _checksum(frame[FRAME_HEADER:], order, _checksum(frame[:8], order, sums))
        if frame[8:16] != salts or _two(frame[16:24]) != sums:
            break
        good = number
        committed = number if _commits(frame) else committed
    rest = [frame for frame in frames[good:] if frame[8:16] == salts]
    ends = sum(map(_commits, rest))
    # One that is torn is the last: none was begun before the one in front of it was on the disk.
    is_torn = ends == 1 and (not power_held or _may_be_cut_short(data, size, good))
    damage = f"entry {good + 1} is damaged, with {len(rest)} behind it" if ends and not is_torn else None
    return Wal(int.from_bytes(header[16:20]), committed, damage)


def _frames(data: memoryview, size: int) -> Iterator[memoryview]:
    for start in range(HEADER, len(data) - size + 1, size):
        yield data[start : start + size]


def _may_be_cut_short(data: memoryview, size: int, number: int) -> bool:
    """Whether a killed process can have left the frame behind the first `number` as it is, and nothing behind it.

    SQLite writes its header, then its page, which the kernel takes piece by piece, as its own pages lie in the file
    (4096 bytes, or a multiple). What is missing is what was there before: nothing, where nothing ever came so far.
    """
    start = HEADER + number * size
    end = start + size
    salts = data[16:24]
    if data[end + 8 : end + 16] == salts:
        return False
    if any(data[end:]):
        return True  # earlier beginnings of the log had come further
    page = start + FRAME_HEADER
    return end < len(data) and not any(data[page + -page % PAGE : end])


def _commits(frame: memoryview) -> bool:
    return any(frame[4:8])


def _two(data: memoryview) -> tuple[int, int]:
    first, second = struct.unpack(">2I", data)
    return first, second


def _checksum(data: memoryview, order: str, sums: tuple[int, int]) -> tuple[int, int]:
    first, second = sums
    words = iter(struct.unpack(f"{order}{len(data) // 4}I", data))
    for one, other in zip(words, words, strict=True):
        first += one + second
        second += other + first
    return first & _ALL, second & _ALL  # cut here alone: half the time
