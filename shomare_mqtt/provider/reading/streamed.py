"""JSON read as it comes, piece by piece: of an answer that is long, neither its bytes nor its text are ever held whole.

What may be taken up is bounded: so many values, so many characters of a text. An answer of many megabytes is mostly
what nobody asked for, and a small machine has no memory for it.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    Parse = Callable[[str], Any]
    """A short piece of JSON, a number or a text in its quotes, as its value. Raises ValueError."""
    Steps = Generator[None, str | None, Any]
    """Sent pieces of text, and None at the end; returns what was read."""

MOST_VALUES = 60_000
"""Objects, lists and plain values in an answer, each some hundred bytes of memory. Real ones have a tenth of it."""
MOST_CHARACTERS = 9_000_000
"""Of all texts together."""
LONGEST_TEXT = 2_200_000
"""Characters that are kept of a text: more than any broker takes by default, so that a cut SMS is said to be cut."""
MAX_DEPTH = 40
"""Deeper answers are taken for broken: no reader follows them, and a hostile one would exhaust the stack."""
_LONGEST_PLAIN = 400
"""Characters of a number or a word: longer ones are none."""
_BLANKS = " \t\r\n\0\ufeff"
_BLANK = re.compile(r"[ \t\r\n\0\ufeff]*+")
_RUN = re.compile(r'(?:[^"\\]++|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt])*+')
_PLAIN = re.compile(r"[^\s,:\[\]{}\"\0]*+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_ESCAPE = 6
_LONGEST_REST = 64 * 1024
"""Characters behind the value: more is no answer's."""
_BOMS = ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))


class TooMuchError(ValueError):
    """The answer holds more than may be taken up."""


class JsonStream:
    """One JSON value. `feed` it pieces in their order, then `close` it for the value; both raise ValueError.

    `rest` is what stands behind the value and is not blank.

    The first piece holds a byte order mark whole. Bytes that are no UTF-8 are read as U+FFFD.
    """

    def __init__(self, parse: Parse) -> None:
        self._parse = parse
        self._decoder: codecs.IncrementalDecoder | None = None
        self._text, self._at, self._is_whole = "", 0, False
        self._values = self._characters = 0
        self.rest = ""
        self.begun = ""
        """The first character that says something."""
        self._steps: Steps = self._whole()
        next(self._steps)

    def feed(self, piece: bytes) -> None:
        """Read on."""
        if self._decoder is None:
            encoding = next((name for mark, name in _BOMS if piece.startswith(mark)), "utf-8")
            self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._steps.send(self._decoder.decode(piece))

    def close(self) -> Any:
        """The value, where the text is whole."""
        try:
            self._steps.send(None)
        except StopIteration as stop:
            return stop.value
        raise ValueError("cut off")

    def _whole(self) -> Steps:
        value = yield from self._value(MAX_DEPTH)
        goes_on = True
        while goes_on:
            self.rest, self._at = (self.rest + self._text[self._at :]).lstrip(_BLANKS), len(self._text)
            if len(self.rest) > _LONGEST_REST:
                raise ValueError("more than one value")
            goes_on = yield from self._more()
        self.rest = self.rest.rstrip(_BLANKS)
        return value

    def _more(self) -> Steps:
        """Wait for the next piece; whether there is one."""
        if self._is_whole:
            return False
        piece = yield
        if piece is None:
            self._is_whole = True
            return False
        self._text, self._at = self._text[self._at :] + piece, 0
        return True

    def _next(self) -> Steps:
        """The next character that is no blank; empty at the end. It is not gone past."""
        while True:
            self._at = _end(_BLANK, self._text, self._at)
            if self._at < len(self._text):
                return self._text[self._at]
            if not (yield from self._more()):
                return ""

    def _value(self, levels: int) -> Steps:
        self._values += 1
        if self._values > MOST_VALUES:
            raise TooMuchError
        first = yield from self._next()
        self.begun = self.begun or first
        if first == '"':
            return (yield from self._string())
        if first not in ("{", "["):
            return (yield from self._plain())
        if not levels:
            raise ValueError("nested too deeply")
        self._at += 1
        return (yield from (self._object if first == "{" else self._list)(levels - 1))

    def _object(self, levels: int) -> Steps:
        found: dict[str, Any] = {}
        while (yield from self._goes_on("}", is_first=not found)):
            if (yield from self._next()) != '"':
                raise ValueError("a name is missing")
            name = yield from self._string()
            if (yield from self._next()) != ":":
                raise ValueError("a colon is missing")
            self._at += 1
            found[name] = yield from self._value(levels)
        return found

    def _list(self, levels: int) -> Steps:
        found: list[Any] = []
        while (yield from self._goes_on("]", is_first=not found)):
            found.append((yield from self._value(levels)))
        return found

    def _goes_on(self, end: str, *, is_first: bool) -> Steps:
        """Whether another entry comes; goes past the comma before it, or past the end."""
        sign = yield from self._next()
        if sign == end:
            self._at += 1
            return False
        if is_first:
            return True
        if sign != ",":
            raise ValueError("a comma is missing")
        self._at += 1
        return True

    def _plain(self) -> Steps:
        while True:
            end = _end(_PLAIN, self._text, self._at)
            if end - self._at > _LONGEST_PLAIN:
                raise ValueError("no number is that long")
            if end < len(self._text) or not (yield from self._more()):
                break
        word, self._at = self._text[self._at : end], end
        return self._parse(word)

    def _string(self) -> Steps:
        self._at += 1
        pieces: list[str] = []
        room = LONGEST_TEXT
        while True:
            end = _end(_RUN, self._text, self._at)
            if end > self._at:
                piece = self._parse(f'"{self._text[self._at : end]}"')[:room]
                room -= len(piece)
                pieces.append(piece)
                self._at = end
            if self._text[end : end + 1] == '"':
                break
            if len(self._text) - end >= _LONGEST_ESCAPE:
                raise ValueError("an escape that is none")
            if not (yield from self._more()):
                raise ValueError("cut off")
        self._at += 1
        self._characters += LONGEST_TEXT - room
        if self._characters > MOST_CHARACTERS:
            raise TooMuchError
        return without_lone_surrogates("".join(pieces))


def without_lone_surrogates(text: str) -> str:
    """The text with what is legal in JSON's escapes, and can be neither stored nor published as UTF-8, as U+FFFD."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where what a pattern matches ends; it matches nothing, too."""
    found = pattern.match(text, at)
    return at if found is None else found.end()
