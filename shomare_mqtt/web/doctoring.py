"""`POST api/doctor`: what `shomare-mqtt doctor --json` finds, in a process of its own, one at a time."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shomare_mqtt

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 120.0
"""Seconds that it has; then it is killed."""
_MOST_WORDS = 1000
_PACKAGE = str(Path(shomare_mqtt.__file__).resolve().parents[1])


class Doctoring:
    """`file`: the daemon's own settings file, None where the environment alone holds them; `mask` hides secrets."""

    def __init__(self, file: Path | None, mask: Callable[[str], str], longest: float = LONGEST) -> None:
        self._file = file
        self._mask = mask
        self._longest = longest
        self._found: asyncio.Future[dict[str, Any]] | None = None

    async def findings(self) -> dict[str, Any]:
        """`{"findings": [{"name", "state", "text", "advice"}], "ok"}`; whoever asks meanwhile gets the same ones."""
        if self._found is not None:
            return await asyncio.shield(self._found)
        found: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._found = found
        try:
            found.set_result(await self._examined())
        finally:
            self._found = None
            if not found.done():
                found.cancel()
        return found.result()

    async def _examined(self) -> dict[str, Any]:
        try:
            process = await asyncio.create_subprocess_exec(
                *_command(self._file),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                # The package is imported from where we have it, and nothing from the working directory.
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, (_PACKAGE, *_path())))},
            )
        except OSError as error:
            return _failed(f"no process can be started that looks ({error.strerror})")
        try:
            async with asyncio.timeout(self._longest):
                said, complaints = await process.communicate()
        except TimeoutError:
            return _failed(f"it was not done after {self._longest:.0f} seconds, and was ended")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return _understood(said) or _failed(self._mask(complaints.decode(errors="replace"))[:_MOST_WORDS].strip())


def _command(file: Path | None) -> list[str]:
    named = [] if file is None else ["--config", str(file.absolute())]
    return [sys.executable, "-P", "-m", "shomare_mqtt", "doctor", "--json", *named]


def _path() -> list[str]:
    return os.environ.get("PYTHONPATH", "").split(os.pathsep)


def _understood(said: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(said)
    except ValueError:
        return None
    return found if isinstance(found, dict) and isinstance(found.get("findings"), list) else None


def _failed(why: str) -> dict[str, Any]:
    text = f"doctor could not look: {why or 'it said nothing'}"
    advice = "run `shomare-mqtt doctor` on the machine itself"
    return {"findings": [{"name": "doctor", "state": "bad", "text": text, "advice": advice}], "ok": False}
