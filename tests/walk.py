"""Walks through a document: its commands are run one after the other, and what they print compared.

`python -m tests.walk docs/provider.md` writes what they print now into it.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.cli.process import environment
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE

TOP = Path(__file__).parent.parent
BLOCK = re.compile(r"^```(console|toml)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PORTS = ("1883", "8765", "8766")
_VARYING = {
    "state directory": "good    state directory     try-state can be written",
    "persistence": "good    persistence         mosquitto version 2.0.21: what it keeps outlives its restart, as …",
    "round trip": "good    round trip          0.4 ms at QoS 1 as the daemon is connected (TCP_NODELAY); 0.4 ms for …",
    "clock": "good    clock               it is 2026-12-01T12:00:00Z by this machine, which follows a time server; …",
}
VARYING = tuple((re.compile(rf"^\S+ +{name} .*", re.MULTILINE), usual) for name, usual in _VARYING.items())
"""Lines that differ from machine to machine, and what stands for them in a document."""


@dataclass
class Step:
    """A command and what it is to print."""

    command: str
    wanted: str


@dataclass
class Walk:
    """A folder to walk in, with a broker; `ports`: those of the document to the ones that are free here."""

    folder: Path
    ports: dict[str, str]
    running: list[asyncio.subprocess.Process] = field(default_factory=list)

    def here(self, text: str) -> str:
        return re.sub(rf"\b({'|'.join(self.ports)})\b", lambda found: self.ports[found[0]], text)

    def there(self, text: str) -> str:
        back = {own: documented for documented, own in self.ports.items()}
        text = re.sub(rf"\b({'|'.join(back)})\b", lambda found: back[found[0]], text)
        for pattern, usual in VARYING:
            text = pattern.sub(usual, text)
        return text

    async def run(self, command: str) -> str:
        """What it prints; of one in the background the first line."""
        background = command.endswith("&")
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh", "-c", f"exec {self.here(command).rstrip('& ')}" if background else self.here(command),
            cwd=self.folder, env=environment(PATH=f"{self.folder}/bin:{os.environ['PATH']}", PYTHONPATH=str(TOP)),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        assert shell.stdout is not None
        async with asyncio.timeout(PATIENCE):
            if background:
                self.running.append(shell)
                return self.there((await shell.stdout.readline()).decode())
            out, _ = await shell.communicate()
        return self.there(out.decode())

    async def end(self) -> None:
        for process in self.running:
            process.terminate()
            await process.communicate()


def prepare(folder: Path) -> None:
    (folder / "bin").mkdir()
    program = folder / "bin" / "shomare-mqtt"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m shomare_mqtt "$@"\n')
    program.chmod(0o755)
    (folder / "docs").symlink_to(TOP / "docs")


def steps(block: str) -> list[Step]:
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    return [Step(*part.split("\n", 1)) for part in parts]


async def walked(text: str) -> str:
    """A document with what its commands print on this machine."""
    end, pieces = 0, list[str]()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepare(folder)
        (folder / "broker").mkdir()
        broker = await stack.enter_async_context(Mosquitto(folder / "broker"))
        walk = Walk(folder, dict(zip(PORTS, map(str, (broker.port, free_port(), free_port())), strict=True)))
        stack.push_async_callback(walk.end)
        for block in BLOCK.finditer(text):
            pieces.append(text[end : block.start(2)])
            end = block.end(2)
            if block[1] == "toml":
                with (folder / "try.toml").open("a") as settings:
                    settings.write(walk.here(block[2]))
                pieces.append(block[2])
            else:
                pieces += [f"$ {step.command}\n{await walk.run(step.command)}" for step in steps(block[2])]
    return "".join((*pieces, text[end:]))


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(asyncio.run(walked(path.read_text(encoding="utf-8"))), encoding="utf-8")
