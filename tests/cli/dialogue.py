"""A command on a terminal of its own (a pty), as a person has it: what is shown, what is typed, Ctrl-C."""

from __future__ import annotations

import asyncio
import fcntl
import os
import re
import signal
import sys
import termios
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Self

import pytest

from tests.cli.process import environment
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

CTRL_C, CTRL_D = "\x03", "\x04"
ECHO_FLAGS = 3
_STEPS = 65536


class Dialogue:
    """A context manager."""

    def __init__(self, *arguments: str, cwd: Path, umask: int = 0o022, **variables: str) -> None:
        self.arguments = arguments
        self._bytes = b""
        self._cwd, self._umask, self._variables = cwd, umask, variables
        self._read = 0
        self._more = asyncio.Event()
        self._closed = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._screen, its = os.openpty()
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "shomare_mqtt", *self.arguments,
                env=environment(**self._variables), cwd=self._cwd, umask=self._umask,
                stdin=its, stdout=its, stderr=its, start_new_session=True, preexec_fn=_control_terminal,
            )  # fmt: skip
        finally:
            os.close(its)
        asyncio.get_running_loop().add_reader(self._screen, self._on_screen)
        return self

    async def __aexit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._screen)
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        os.close(self._screen)

    def _on_screen(self) -> None:
        try:
            data = os.read(self._screen, _STEPS)
        except OSError:  # the other end is closed
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self._screen)
            self._closed.set()
        self._bytes += data
        self._more.set()

    @property
    def shown(self) -> str:
        """All that was on the screen; what was read may end in a letter, or between the two bytes of a line's end."""
        return self._bytes.decode(errors="ignore").removesuffix("\r").replace("\r\n", "\n")

    async def sees(self, pattern: str) -> str:
        """Returns what was shown since what was seen last, up to the pattern's end."""
        async with self._patiently():
            while (found := re.compile(pattern).search(self.shown, self._read)) is None:
                self._more.clear()
                await self._more.wait()
        before, self._read = self._read, found.end()
        return self.shown[before : self._read]

    def types(self, text: str) -> None:
        os.write(self._screen, text.encode())

    async def answers(self, question: str, answer: str) -> str:
        """Waits for a question, and answers it with a line; what was shown since the one before."""
        seen = await self.sees(rf"(?m)^{re.escape(question)}.*: \Z")
        self.types(f"{answer}\n")
        return seen

    @property
    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self._screen)[ECHO_FLAGS] & termios.ECHO)

    async def ends(self) -> int:
        """The exit status, once it has ended and all that it showed was read."""
        async with self._patiently():
            await self._closed.wait()
            return await self.process.wait()

    @asynccontextmanager
    async def _patiently(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError:
            pytest.fail(f"what was awaited never came; this was shown:\n{self.shown}")


def _control_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
