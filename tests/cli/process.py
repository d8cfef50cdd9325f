"""`shomare-mqtt …` as a process of its own, with no settings but those that a test gives."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str

    def lines(self) -> list[Any]:
        """Standard output, read as one JSON value a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**more: str) -> dict[str, str]:
    bare = {k: v for k, v in os.environ.items() if not k.startswith(("SHOMARE_", "XDG_", "NOTIFY_", "JOURNAL_"))}
    return bare | {"HOME": "/nonexistent", "COLUMNS": "200", "PYTHONUNBUFFERED": "1"} | more


async def start(*arguments: str, **variables: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shomare_mqtt", *arguments, env=environment(**variables),
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        preexec_fn=_hear_ctrl_c,
    )  # fmt: skip


def _hear_ctrl_c() -> None:
    """Whoever runs the tests in the background of a shell has them ignore SIGINT, and all that they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


async def finish(process: asyncio.subprocess.Process) -> Finished:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return Finished(process.returncode, out.decode(), err.decode())


async def run(*arguments: str, **variables: str) -> Finished:
    return await finish(await start(*arguments, **variables))


@asynccontextmanager
async def running(*arguments: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that is ended with SIGTERM, if it has not ended by then."""
    process = await start(*arguments, **variables)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            await process.communicate()
