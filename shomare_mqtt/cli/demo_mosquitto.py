"""A real mosquitto for the demo: a child process on loopback that does not outlive it, however it ends."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from shomare_mqtt.cli.status import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin", "/usr/local/opt/mosquitto/sbin")
"""Where it is, and a user's PATH may not lead."""
_RUNNING = re.compile(r"mosquitto version (\S+) running")
_STARTING = 60.0
"""Seconds in which it has to say that it runs."""
_TIME = re.compile(r"^\d+: ")
_GUARD = """
"$0" -c "$1" &
broker=$!
exec >/dev/null 2>&1
read -r end
kill -KILL "$broker"
wait "$broker"
"""
"""A shell between the demo and mosquitto. Nothing is ever written to its input: `read` ends as the demo does.

Not SIGTERM: one that comes right after mosquitto said that it runs is forgotten, and it would stay for ever. There is
nothing that it would have to save.
"""


class MosquittoFailedError(CommandFailedError):
    """It did not start, or ended by itself; `str(error)` holds its own last words."""


def installed() -> str | None:
    """The path of mosquitto on this machine."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_PLACES)))


@asynccontextmanager
async def mosquitto(program: str, port: int, folder: Path) -> AsyncIterator[tuple[str, asyncio.Task[str]]]:
    """Its version, and its last words, which come if it ends by itself. Raises MosquittoFailedError."""
    config = folder / "mosquitto.conf"
    lines = (f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", "log_dest stderr")
    config.write_text("\n".join((*lines, "connection_messages false", "")), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", _GUARD, program, config, stdin=PIPE, stdout=PIPE, stderr=STDOUT, start_new_session=True
    )  # a session of its own: Ctrl-C is for the demo, which still needs its broker to say goodbye
    version = asyncio.get_running_loop().create_future()
    words = asyncio.create_task(_listen(process, version))
    try:
        await asyncio.wait((version, words), timeout=_STARTING, return_when=asyncio.FIRST_COMPLETED)
        if not version.done():
            said = words.result() if words.done() else "it did not say that it runs"
            raise MosquittoFailedError(f"mosquitto did not start: {said}")
        yield version.result(), words
    finally:
        words.cancel()
        await asyncio.gather(words, return_exceptions=True)
        await _end(process)


async def _listen(process: Process, version: asyncio.Future[str]) -> str:
    """Its last line. Whoever never read what it writes would bring it to a halt."""
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    last = ""
    async for line in process.stdout:
        last = line.decode(errors="replace").strip() or last
        if (found := _RUNNING.search(last)) and not version.done():
            version.set_result(found[1])
    return _TIME.sub("", last)


async def _end(process: Process) -> None:
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    process.stdin.close()
    with suppress(OSError):
        await process.stdin.wait_closed()
    await process.communicate()
