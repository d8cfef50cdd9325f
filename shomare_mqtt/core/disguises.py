"""A secret as others may write it: in other letter case, backwards, in hexadecimal or base64, escaped, with spaces.

What is looked for are windows, pieces of a set length. A text is first searched, at C's speed, for anchors: of every
window one at least is a part, so that a text without any holds no window.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEAST = 12
"""Characters of a token that may not be repeated (contract, Events)."""
_SHORTEST = 8
"""Characters below which what looks like a secret in disguise is none."""
_LAYERS = 3
"""How often an escape is taken off: `%2541` is `%41` is `A`."""
_ESCAPE = re.compile(
    r"%([0-9a-f]{2})|\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|&#x([0-9a-f]{1,6});|&#([0-9]{1,7});", re.IGNORECASE
)
_DECIMAL = 5
_ESCAPES_BEGIN = re.compile(r"[%\\&]")
_MARKS = re.compile(r"[\W_]+")
_BLANKS = re.compile(r"[^\w!-/:-@\[-`{-~]+")
"""White space, control characters, and what nobody sees: all but letters, digits and ASCII's signs."""
_URLSAFE = str.maketrans("-_", "+/")


class Disguises:
    """All windows that are looked for: in what is left of a text without blanks, and without any signs."""

    def __init__(self) -> None:
        self._with_signs = _Windows(_BLANKS)
        self._without_signs = _Windows(_MARKS)

    def add(self, secret: str, *, partly: bool) -> None:
        """Look for a secret, or `partly` for any LEAST characters of it; an address is no secret but for its parts."""
        if len(secret) < _SHORTEST or "://" in secret:
            return
        plain, least = secret.lower(), LEAST if partly else len(secret)
        bare = _MARKS.sub("", plain)
        for form in (plain, plain[::-1]):
            self._with_signs.add(form, least)
        if len(bare) >= _SHORTEST:
            for form in (bare, bare[::-1]):
                self._without_signs.add(form, least if partly else len(bare))
        data = secret.encode(errors="replace")
        least = LEAST if partly else len(data)
        self._without_signs.add(data.hex(), 2 * least)
        for form in _in_base64(data):
            # Of a piece's outermost letters each may hold bits of what stands beside it.
            self._with_signs.add(form.lower(), (8 * least - 4) // 6)

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Where secrets stand in a text, in order: beginning and end."""
        decoded = _decoded(text) if _ESCAPES_BEGIN.search(text) else text
        low = decoded.lower()
        views = [view for view in (self._with_signs, self._without_signs) if view.may_be_in(low)]
        if not views:
            return []
        pieces = _pieces(text)
        return _merged(sorted(span for view in views for span in view.spans(pieces)))


class _Windows:
    """Windows of several lengths, and their anchors, in texts less what `dropped` matches."""

    def __init__(self, dropped: re.Pattern[str]) -> None:
        self._dropped = dropped
        self._windows: dict[int, set[str]] = {}
        self._anchors: set[str] = set()

    def add(self, form: str, width: int) -> None:
        """Look for any `width` characters in a row of a secret's form (lower case); for all of a shorter one."""
        form = self._view(form)
        width = min(width, len(form))
        self._windows.setdefault(width, set()).update(form[i : i + width] for i in range(len(form) - width + 1))
        # Each window holds one whole of the pieces that the form is cut into, if they are half as long.
        size = (width + 1) // 2
        self._anchors.update(form[i : i + size] for i in range(0, len(form) - size + 1, size))

    def may_be_in(self, low: str) -> bool:
        """Whether a text in lower case holds an anchor; False: it holds no window. At C's speed."""
        view = self._view(low)
        return any(anchor in view for anchor in self._anchors)

    def spans(self, pieces: list[tuple[str, int, int]]) -> Iterator[tuple[int, int]]:
        """Where windows stand, overlapping as they do: beginning and end in the text that `_pieces` took apart."""
        kept = [(letter, start, end) for letter, start, end in pieces if not self._dropped.fullmatch(letter)]
        view = "".join(letter for letter, _, _ in kept).translate(_URLSAFE)
        for width, windows in self._windows.items():
            for i in range(len(view) - width + 1):
                if view[i : i + width] in windows:
                    yield kept[i][1], kept[i + width - 1][2]

    def _view(self, low: str) -> str:
        return self._dropped.sub("", low).translate(_URLSAFE)


def _in_base64(data: bytes) -> Iterator[str]:
    """How it looks in base64 behind 0, 1 and 2 other bytes, less the letters that hold bits of theirs."""
    for before in range(3):
        letters = base64.b64encode(bytes(before) + data).decode().rstrip("=")
        first, whole = (8 * before + 5) // 6, 8 * (before + len(data)) // 6
        yield letters[first:whole]


def _letter(found: re.Match[str]) -> str:
    """The one letter that an escape stands for, in lower case where that is one letter too."""
    kind = found.lastindex or 1
    number = int(found[kind], 10 if kind == _DECIMAL else 16)
    return chr(number) if number < 0x110000 else " "  # noqa: PLR2004 - Unicode's end


def _decoded(text: str) -> str:
    for _ in range(_LAYERS):
        less = _ESCAPE.sub(_letter, text)
        if less == text:
            break
        text = less
    return text


def _pieces(text: str) -> list[tuple[str, int, int]]:
    """The letters of a text, low and with their escapes taken off, and where each began and ended."""
    pieces = [(letter, i, i + 1) for i, letter in enumerate(text)]
    for _ in range(_LAYERS):
        joined = "".join(letter for letter, _, _ in pieces)
        less, end = list[tuple[str, int, int]](), 0
        for found in _ESCAPE.finditer(joined):
            less += pieces[end : found.start()]
            end = found.end()
            less.append((_letter(found), pieces[found.start()][1], pieces[end - 1][2]))
        if not end:
            break
        pieces = less + pieces[end:]
    return [(low, start, end) for letter, start, end in pieces for low in letter.lower()]


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in spans:
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    return merged
