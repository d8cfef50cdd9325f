"""A pretended systemd: it runs what our unit says, with its credentials, its state directory and its notify socket.

What it does not pretend: the user that exists while the service runs, and what that user may not do.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import shutil
import signal
import socket
from configparser import ConfigParser
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cli.process import environment
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

SYSTEMCTL = """#!{python} -S
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as systemd:
    systemd.connect("{socket}")
    systemd.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answer = json.loads(systemd.makefile().readline())
print(answer["out"], end="")
sys.exit(answer["status"])
"""
"""What stands in for systemctl: the questions go to `Systemd`, where the test can see them."""


@dataclass
class Service:
    """A unit's main process; `told` is what it told last: READY=1, and STATUS= in words."""

    process: asyncio.subprocess.Process
    log: Path
    told: dict[str, str]


class Systemd:
    """`root` is the pretended machine's `/`; `variables` are what every service gets besides what its unit says."""

    def __init__(self, root: Path, variables: dict[str, str]) -> None:
        self.root = root
        self.running: dict[str, Service] = {}
        self.enabled: set[str] = set()
        self._variables = variables
        self._server: asyncio.Server | None = None

    async def start(self, path: Path) -> None:
        self._server = await asyncio.start_unix_server(self._answer, path)

    async def end(self) -> None:
        assert self._server is not None
        self._server.close()
        for name in [*self.running]:
            await self.stop(name)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        words = [word for word in json.loads(await reader.readline()) if not word.startswith("--")]
        try:
            out, status = await self._do(*words), 0
        except Exception as error:  # noqa: BLE001 - whatever it is, the test sees it where systemctl was called
            out, status = f"systemctl {' '.join(words)}: {error!r}\n", 1
        writer.write(json.dumps({"out": out, "status": status}).encode() + b"\n")
        writer.close()

    async def _do(self, verb: str, name: str = "") -> str:
        match verb:
            case "daemon-reload":
                return ""
            case "status":
                return f"{name}: {self.running[name].told['STATUS']}\n"
            case "show":
                return f"{self._path(name)}\n"
            case "enable":
                self.enabled.add(name)
                await self.launch(name)
            case "disable":
                self.enabled.remove(name)
                await self.stop(name)
            case "start":
                await self.launch(name)
            case "stop":
                await self.stop(name)
            case "restart":
                await self.stop(name)
                await self.launch(name)
            case "reload":
                await self._reload(name)
            case _:
                raise ValueError(verb)
        return ""

    def unit(self, name: str) -> dict[str, str]:
        """`[Service]` of a unit; of a key that stands there more than once the last."""
        unit = ConfigParser(strict=False, interpolation=None)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        found = unit.read(self._path(name))
        assert found, f"there is no unit {name}"
        return dict(unit["Service"])

    def _path(self, name: str) -> Path:
        return self.root / "etc" / "systemd" / "system" / f"{name}.service"

    async def launch(self, name: str) -> None:
        """Returns once the daemon said that it is ready (Type=notify)."""
        unit = self.unit(name)
        variables = environment(**self._variables) | dict([unit["Environment"].split("=", 1)])
        variables.pop("PYTHONPATH", None)
        variables |= {"STATE_DIRECTORY": str(self._state(unit)), "CREDENTIALS_DIRECTORY": str(self._given(name, unit))}
        log = self.root / f"{name}.log"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notified:
            path = self.root / f"{name}.notify"
            path.unlink(missing_ok=True)
            notified.bind(str(path))
            with log.open("ab") as file:
                process = await asyncio.create_subprocess_exec(
                    *shlex.split(unit["ExecStart"]), env=variables | {"NOTIFY_SOCKET": str(path)}, cwd="/",
                    stdin=asyncio.subprocess.DEVNULL, stdout=file, stderr=file,
                )  # fmt: skip
            service = self.running[name] = Service(process, log, {})
            died = asyncio.ensure_future(process.wait())
            ready = asyncio.ensure_future(_ready(notified, service))
            await asyncio.wait((died, ready), return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE)
            died.cancel()
            ready.cancel()
        assert service.told.get("READY") == "1", f"{name} ended with {process.returncode}:\n{log.read_text()}"

    def _state(self, unit: dict[str, str]) -> Path:
        """StateDirectory= with DynamicUser=: a link to a place that is closed to all but root."""
        assert unit["DynamicUser"] == "yes"
        private = self.root / "var" / "lib" / "private"
        private.mkdir(mode=0o700, parents=True, exist_ok=True)
        (private / unit["StateDirectory"]).mkdir(mode=int(unit["StateDirectoryMode"], 8), exist_ok=True)
        link = private.parent / unit["StateDirectory"]
        if not link.is_symlink():
            link.symlink_to(private / unit["StateDirectory"])
        return link

    def _given(self, name: str, unit: dict[str, str]) -> Path:
        folder = self.root / "run" / "credentials" / name
        folder.mkdir(parents=True, exist_ok=True)
        credential, _, path = unit["LoadCredential"].partition(":")
        (folder / credential).unlink(missing_ok=True)
        shutil.copy(path, folder / credential)
        (folder / credential).chmod(0o400)
        return folder

    async def _reload(self, name: str) -> None:
        command = self.unit(name)["ExecReload"].replace("$MAINPID", str(self.running[name].process.pid))
        assert command == f"/bin/kill -HUP {self.running[name].process.pid}"
        os.kill(self.running[name].process.pid, signal.SIGHUP)

    async def stop(self, name: str) -> None:
        process = self.running.pop(name).process
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(PATIENCE):
            await process.wait()


async def _ready(notified: socket.socket, service: Service) -> None:
    while service.told.get("READY") != "1":
        message = await asyncio.get_running_loop().sock_recv(notified, 4096)
        service.told |= dict(line.split("=", 1) for line in message.decode().splitlines())
