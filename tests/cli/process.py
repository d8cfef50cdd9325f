"""`shomare-mqtt …` as a process of its own, with no settings but those that a test gives."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
STATUS = 64
"""Bytes that a pid or an exit status fits in."""
AT_PYTHONS_START = ("PYTHON", "LANG", "LC_", "TZ")
"""What names of variables that Python heeds only as it starts begin with: nobody who forks can."""


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        """Standard output, read as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


class Running(Protocol):
    """What tests ask of a process, whoever started it."""

    @property
    def pid(self) -> int: ...
    @property
    def returncode(self) -> int | None: ...
    @property
    def stdout(self) -> asyncio.StreamReader | None: ...
    def send_signal(self, signal: int, /) -> None: ...
    def kill(self) -> None: ...
    async def wait(self) -> int: ...
    async def communicate(self) -> tuple[bytes, bytes]: ...


NOT_OURS = (
    "SHOMARE_",
    "XDG_",
    "NOTIFY_",
    "WATCHDOG_",
    "JOURNAL_",
    "FORCE_COLOR",
    "NO_COLOR",
    "PY_COLORS",
    "GITHUB_",
    "TTY_",
)
"""What names of variables begin with that no process of a test takes over: settings, and what is said of terminals."""


def environment(**more: str) -> dict[str, str]:
    bare = {k: v for k, v in os.environ.items() if not k.startswith(NOT_OURS)}
    return bare | {"HOME": "/nonexistent", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"} | more


class Child:
    """A process that a zygote has forked; as asyncio's Process, which it stands in for."""

    def __init__(
        self, pid: int, status: socket.socket, stdout: asyncio.StreamReader | None, stderr: asyncio.StreamReader | None
    ) -> None:
        self.pid = pid
        self.stdout = stdout
        self.stderr = stderr
        self.returncode: int | None = None
        self._ended = asyncio.create_task(self._end(status))

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def communicate(self) -> tuple[bytes, bytes]:
        assert self.stdout is not None
        assert self.stderr is not None
        out, err, _ = await asyncio.gather(self.stdout.read(), self.stderr.read(), self.wait())
        return out, err

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):  # it has just ended, and we are about to hear of it
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def _end(self, status: socket.socket) -> int:
        with status:
            told = await asyncio.get_running_loop().sock_recv(status, STATUS)
        assert told, "the zygote is gone"
        self.returncode = int(told)
        return self.returncode


class Starter:
    """The tests' end of a zygote, which ends with them."""

    def __init__(self) -> None:
        self._control, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            self._zygote = subprocess.Popen(
                [sys.executable, "-m", "tests.cli.zygote", str(its.fileno())],
                pass_fds=(its.fileno(),), stdin=subprocess.DEVNULL, env=environment(), cwd=ROOT,
            )  # fmt: skip

    def close(self) -> None:
        self._control.close()
        self._zygote.wait()

    async def start(self, *arguments: str, stdout: int, stderr: int, **variables: str) -> Child:
        """`stdout`, `stderr`: descriptors to write to, or subprocess.PIPE."""
        with ExitStack() as stack:
            (out, reader), (err, error_reader) = [await _stream(each, stack) for each in (stdout, stderr)]
            status, its_end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.enter_context(its_end)
            status.setblocking(False)
            nothing = stack.enter_context(Path(os.devnull).open())  # noqa: ASYNC230 - it waits for nothing
            packet = json.dumps({"arguments": arguments, "environment": environment(**variables)}).encode()
            socket.send_fds(self._control, [packet], [nothing.fileno(), out, err, its_end.fileno()])
        pid = await asyncio.get_running_loop().sock_recv(status, STATUS)
        assert pid, "the zygote is gone"
        return Child(int(pid), status, reader, error_reader)


async def _stream(wanted: int, stack: ExitStack) -> tuple[int, asyncio.StreamReader | None]:
    """A descriptor for the child to write to, which the stack closes if it is ours, and what reads a pipe."""
    if wanted != subprocess.PIPE:
        return wanted, None
    ours, its = os.pipe()
    stack.callback(os.close, its)
    reader = asyncio.StreamReader()
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, os.fdopen(ours, "rb"))
    return its, reader


@functools.cache
def _starter() -> Starter:
    starter = Starter()
    atexit.register(starter.close)
    return starter


async def start(*arguments: str, **variables: str) -> Running:
    if any(name.startswith(AT_PYTHONS_START) for name in variables):
        return await start_afresh(*arguments, **variables)
    return await _starter().start(*arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **variables)


async def start_into(file: int, *arguments: str, **variables: str) -> Running:
    """What it says goes to a file."""
    return await _starter().start(*arguments, stdout=file, stderr=file, **variables)


async def start_afresh(*arguments: str, **variables: str) -> Running:
    """As a user starts it, with all that is imported: dear, and seldom what a test is about."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shomare_mqtt", *arguments, env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,
    )  # fmt: skip


def _hear_ctrl_c() -> None:
    """Whoever runs the tests in the background of a shell has them ignore SIGINT, and all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def child_of(pid: int) -> int:
    """The one that a process has."""
    (child,) = [
        int(stat.parent.name)
        for stat in Path("/proc").glob("[0-9]*/stat")
        if int(stat.read_text().rpartition(")")[2].split()[1]) == pid
    ]
    return child


async def finish(process: Running) -> Finished:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in err.decode(), err.decode()
    return Finished(process.returncode, out.decode(errors="replace"), err.decode())


async def run(*arguments: str, **variables: str) -> Finished:
    return await finish(await start(*arguments, **variables))


@asynccontextmanager
async def running(*arguments: str, **variables: str) -> AsyncIterator[Running]:
    """A process that is ended with SIGTERM, if it has not ended by then."""
    async with ending(await start(*arguments, **variables)) as process:
        yield process


@asynccontextmanager
async def ending(process: Running) -> AsyncIterator[Running]:
    """As `running`, of a process that runs already."""
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()
