"""The one JSON value of an answer that has markup around it: a PHP warning before it, a comment after it.

Safe is an answer of which a browser would show the JSON and PHP's own warnings alone. One that has a title, a form or a
word of its own beside the JSON is a page (a filter's, a gateway's) that quotes some, and JSON in a script is none.
Everything is gone through once; what stands around the JSON is bounded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import wordset

if TYPE_CHECKING:
    from collections.abc import Callable

    Scan = Callable[[str, int], tuple[Any, int]]
    """Reads the JSON that begins at a place: the value, and where it ends. Raises ValueError."""

_MOST = 64 * 1024
"""Characters of markup before the JSON, and after it: a page of more is none that holds an answer."""
_NEAR = 200
"""What begins like JSON and is none shows it within so many characters; what fails later is broken JSON."""
_MOST_TRIES = 50
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_TAG = re.compile(r"""<[/!?]?([A-Za-z][\w:.-]*+)(?:"[^"]*+"|'[^']*+'|[^"'<>]++)*+>""")
_OPEN_TAG = re.compile(r"<[A-Za-z/!?]")
_UNSEEN = {
    name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style", "template", "noscript", "svg")
}
"""Elements whose content nobody sees."""
_OF_A_PAGE = wordset("title form input textarea select button iframe frame frameset object embed")
_GUARD = re.compile(r"""(?:\)\]\}',?|while\s*\(1\);|for\s*\(;;\);|throw 1;)\s*""")
_CALLBACK = re.compile(r"(?:/\*\*/\s*)?[\w$.]{1,80}\(\s*")
_CALLBACK_END = re.compile(r"\s*\)\s*;?\s*")
_TEXT = re.compile(r"[^<{\[]+")
_BLANK = " \t\r\n\f\v\u00a0\ufeff\0"
_DIAGNOSTIC = re.compile(
    r"(?:\[[^\]\n]{1,60}\]\s*)?(?:\(\s*!\s*\)\s*)?(?:PHP\s+)?"
    r"(?:Warning|Notice|Deprecated|Strict Standards|Parse error|(?:Catchable |Recoverable )?Fatal error)\s*:",
    re.IGNORECASE,
)
"""How PHP begins what it says of a program, as text, as HTML, in its log's form, or as Xdebug shows it."""
_WHERE = re.compile(r"\son\s+line\s+\d+")
_STACK = re.compile(r"(?:PHP\s+)?(?:Call Stack|Stack trace)", re.IGNORECASE)


def json_within(text: str, scan: Scan) -> Any:
    """The one JSON object or list of a text that is otherwise markup; None where it is no such text."""
    guard = _GUARD.match(text)
    if guard is not None:
        value, end = _scanned(text, guard.end(), scan) or (None, 0)
        return value if end == len(text) else None
    if (call := _CALLBACK.match(text)) is not None:
        value, end = _scanned(text, call.end(), scan) or (None, 0)
        return value if _CALLBACK_END.fullmatch(text, end) else None
    return _Page(text, scan).json()


def markup_before(text: str) -> int:
    """Characters of markup before the JSON that begins in a text; 0 where there is none, or it is a page's."""
    page = _Page(text, lambda _, at: (None, at))
    try:
        _, at = page.before()
    except _NotAnAnswerError:
        return 0
    return at if text[:at].strip(_BLANK) and _is_diagnostic("".join(page.shown)) else 0


def is_markup(text: str) -> bool:
    """Whether a text is nothing but what may stand behind the JSON of an answer."""
    return _Page(text, lambda _, at: (None, at)).ends(0)


def _scanned(text: str, at: int, scan: Scan) -> tuple[Any, int] | None:
    if text[at : at + 1] not in ("{", "["):
        return None
    try:
        return scan(text, at)
    except (ValueError, RecursionError, ArithmeticError):
        return None


class _NotAnAnswerError(Exception):
    """The text is a page, or broken."""


@dataclass(eq=False, repr=False)
class _Page:
    """Goes through a text from its beginning to its end: tags, what a browser would show, and the JSON."""

    text: str
    scan: Scan
    at: int = 0
    shown: list[str] = field(default_factory=list)
    begins: bool = True
    """Whether JSON may begin here: after a tag, or in a line of its own."""
    tries: int = 0

    def json(self) -> Any:
        """The JSON, where all else is markup."""
        try:
            value, end = self.before()
        except _NotAnAnswerError:
            return None
        return value if _is_diagnostic("".join(self.shown)) and self.ends(end) else None

    def ends(self, at: int) -> bool:
        """Whether nothing but markup stands from there on."""
        if len(self.text) - at > _MOST:
            return False
        self.at, self.shown = at, []
        try:
            while self.at < len(self.text):
                self._step()
        except _NotAnAnswerError:
            return False
        return _is_diagnostic("".join(self.shown))

    def before(self) -> tuple[Any, int]:
        """The JSON and where it ends, gone past what stands before it. Raises _NotAnAnswerError."""
        while self.at < min(len(self.text), _MOST):
            if self.begins and self.text[self.at] in "{[" and (found := self._try()) is not None:
                return found
            self._step()
        raise _NotAnAnswerError

    def _try(self) -> tuple[Any, int] | None:
        """The JSON that begins here; None for a warning's own brackets, such as `{main}`."""
        self.tries += 1
        try:
            return self.scan(self.text, self.at)
        except ValueError as error:
            if self.tries > _MOST_TRIES or getattr(error, "pos", _MOST) - self.at > _NEAR:
                raise _NotAnAnswerError from None
            return None
        except (RecursionError, ArithmeticError):
            raise _NotAnAnswerError from None

    def _step(self) -> None:
        """Go past a comment, a tag, an element that is not shown, or a piece of what is."""
        if self.text.startswith("<!--", self.at):
            self._past(_COMMENT.match(self.text, self.at))
        elif (tag := _TAG.match(self.text, self.at)) is not None:
            self._tag(tag)
        elif _OPEN_TAG.match(self.text, self.at):
            raise _NotAnAnswerError  # a tag without an end: to look for one again and again would take for ever
        else:
            piece = _TEXT.match(self.text, self.at)
            self._show(piece[0] if piece else self.text[self.at])

    def _tag(self, tag: re.Match[str]) -> None:
        name = tag[1].lower()
        if name in _OF_A_PAGE:
            raise _NotAnAnswerError
        self._past(tag)
        unseen = name in _UNSEEN and not tag[0].startswith("</") and not tag[0].endswith("/>")
        if unseen:
            self._past(_UNSEEN[name].search(self.text, self.at))

    def _past(self, token: re.Match[str] | None) -> None:
        if token is None:
            raise _NotAnAnswerError
        self.at, self.begins = token.end(), True
        self.shown.append(" ")

    def _show(self, piece: str) -> None:
        self.at += len(piece)
        self.shown.append(piece)
        line = piece.rpartition("\n")[2]
        self.begins = not line.strip(_BLANK) and (self.begins or "\n" in piece)


def _is_diagnostic(shown: str) -> bool:
    """Whether a text is nothing but what PHP says of its own program, once or several times."""
    rest = shown.strip(_BLANK)
    at = 0
    while at < len(rest):
        begun = _DIAGNOSTIC.match(rest, at)
        where = _WHERE.search(rest, begun.end()) if begun is not None else None
        if where is None:
            return False
        at = _past_blank(rest, where.end())
        if _STACK.match(rest, at):
            following = _DIAGNOSTIC.search(rest, at)
            at = len(rest) if following is None else following.start()
    return True


def _past_blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANK:
        at += 1
    return at
