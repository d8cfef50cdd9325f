"""Questions on the terminal.

Nothing that is typed is shown but the answer to an open question that may be seen: whoever types or pastes ahead while
something is being tried may type the token.
"""

from __future__ import annotations

import errno
import sys
import termios
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_LOCAL_MODES = 3
"""Where termios keeps the flag ECHO."""


def is_there() -> bool:
    """Whether somebody can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


class Terminal:
    """A context manager: within it what is typed is not shown, after it as before."""

    def __init__(self) -> None:
        self._before: list[Any] = []

    def __enter__(self) -> Self:
        self._before = termios.tcgetattr(sys.stdin)
        self._show(typed=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, self._before)

    def say(self, text: str) -> None:
        """Print a text, lines and all."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def ask(self, question: str, usual: str = "", *, hidden: bool = False) -> str:
        """One line, without white space at its end; `usual` where it is empty. Raises EOFError at Ctrl-D.

        `hidden`: it is not shown, and comes as it was typed.
        """
        while True:
            self._show(typed=not hidden)
            try:
                sys.stdout.write(f"{question} [{usual}]: " if usual else f"{question}: ")
                sys.stdout.flush()
                line = _line()
            finally:
                self._show(typed=False)
            if hidden:
                self.say("")
            try:
                answer = line.decode()
            except UnicodeDecodeError:
                self.say("That is not UTF-8 text.")
                continue
            return answer if hidden else answer.strip() or usual

    def _show(self, *, typed: bool) -> None:
        modes = list(self._before)
        modes[_LOCAL_MODES] = modes[_LOCAL_MODES] | termios.ECHO if typed else modes[_LOCAL_MODES] & ~termios.ECHO
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, modes)


def _line() -> bytes:
    try:
        line = sys.stdin.buffer.readline()
    except OSError as error:
        if error.errno == errno.EIO:  # the terminal is gone
            raise EOFError from None
        raise
    if not line.endswith(b"\n"):
        raise EOFError
    return line.rstrip(b"\r\n")
