"""A real mosquitto for tests: on a free port of its own, started, killed and started again on the same port."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest
from aiohttp import WSMsgType, web

from tests.patience import PATIENCE
from tests.programs import LEFT_OUT, program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.config import Mqtt


_HELD: list[socket.socket] = []


def free_port() -> int:
    """A port for a server to be started, once or again: nobody else gets it as long as this process lives.

    Bound and never listened on, it refuses connections; a server that sets SO_REUSEADDR, as all here do, can have it.
    """
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", 0))
    _HELD.append(sock)
    return int(sock.getsockname()[1])


def executable(name: str = "mosquitto") -> str:
    """The path of a program of mosquitto's; the policy for a machine without it is that of tests.programs."""
    return program(name)


def plugin(name: str) -> Path:
    """A plugin that comes with mosquitto, beside it in Debian's package."""
    executable()
    found = sorted(Path("/usr/lib").glob(f"**/mosquitto_{name}.so"))
    if not found:
        pytest.skip(f"{LEFT_OUT}mosquitto_{name}.so")
    return found[0]


class Mosquitto:
    """`lines`: settings of the whole broker; `listener`: settings of its main listener, on 127.0.0.1 and `port`.

    `users`: name to password; without, anybody may connect. `acl`: lines of an access control list. `unix`: one more
    listener, at that path. `websocket`: a WebSocket at `websocket_port` and the path `/mqtt`; it is aiohttp's and
    passes bytes on, since Debian's mosquitto is built without.
    """

    def __init__(
        self,
        folder: Path,
        *,
        lines: Sequence[str] = (),
        listener: Sequence[str] = (),
        users: dict[str, str] | None = None,
        acl: Sequence[str] = (),
        unix: Path | None = None,
        websocket: bool = False,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = port or free_port()
        self.websocket_port = free_port() if websocket else None
        self.unix = unix
        self.log = folder / "mosquitto.log"
        self._program = executable()
        self._lines = [*lines, *self._access(users, acl)]
        self._listener = list(listener)
        self._process: subprocess.Popen[bytes] | None = None
        self._gateway: web.AppRunner | None = None

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    def settings(self, **changes: object) -> Mqtt:
        """`[mqtt]` for this broker."""
        from shomare_mqtt.config import Mqtt  # noqa: PLC0415 - who tests without the package needs it not

        return Mqtt.model_validate({"host": "127.0.0.1", "port": self.port, **changes})

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Returns once it accepts connections."""
        config = self.folder / "mosquitto.conf"
        config.write_text("\n".join(self._config()) + "\n")
        config.chmod(0o644)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen([self._program, "-v", "-c", config], stdout=log, stderr=log)  # noqa: ASYNC220
        await self._accepting()
        if self.websocket_port is not None and self._gateway is None:
            self._gateway = await _open_gateway(self.websocket_port, self.port)

    async def stop(self) -> None:
        """SIGTERM: what is persistent is saved."""
        if self._gateway is not None:
            await self._gateway.cleanup()
            self._gateway = None
        await self._end(kill=False)

    async def kill(self) -> None:
        """SIGKILL."""
        await self._end(kill=True)

    async def restart(self, *, kill: bool = False) -> None:
        await self._end(kill=kill)
        await self.start()

    def _access(self, users: dict[str, str] | None, acl: Sequence[str]) -> list[str]:
        lines = [f"allow_anonymous {'false' if users else 'true'}"]
        if users:
            passwords = self.folder / "passwords"
            passwords.touch(mode=0o600)
            for name, password in users.items():
                subprocess.run([executable("mosquitto_passwd"), "-b", passwords, name, password], check=True)
            passwords.chmod(0o644)
            lines.append(f"password_file {passwords}")
        if acl:
            (self.folder / "acl").write_text("\n".join(acl) + "\n")
            lines.append(f"acl_file {self.folder / 'acl'}")
        return lines

    def _config(self) -> list[str]:
        config = [
            "log_dest stderr",
            "log_timestamp true",
            *self._lines,
            f"listener {self.port} 127.0.0.1",
            *self._listener,
        ]
        if self.unix is not None:
            config += [f"listener 0 {self.unix}"]
        if os.geteuid() == 0:
            config.insert(0, "user root")  # else it drops to a user that may not read the test's files
        return config

    async def _accepting(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                break
            if await _accepts(self.port) and (self.unix is None or self.unix.exists()):
                return
            await asyncio.sleep(0.01)
        await self._end(kill=True)
        pytest.fail(f"mosquitto did not start:\n{self.log.read_text()}")

    async def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if kill:
                process.kill()
            else:
                process.terminate()
        try:
            await asyncio.to_thread(process.wait, PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


async def _accepts(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


async def _open_gateway(port: int, broker: int) -> web.AppRunner:
    async def relay(request: web.Request) -> web.WebSocketResponse:
        socket_ = web.WebSocketResponse(protocols=("mqtt",), max_msg_size=0)
        await socket_.prepare(request)
        reader, writer = await asyncio.open_connection("127.0.0.1", broker)
        down = asyncio.create_task(_pass_down(reader, socket_))
        try:
            async for message in socket_:
                if message.type is WSMsgType.BINARY:
                    writer.write(message.data)
        finally:
            writer.close()
            down.cancel()
            await asyncio.wait((down,))
        return socket_

    app = web.Application()
    app.router.add_get("/mqtt", relay)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner


async def _pass_down(reader: asyncio.StreamReader, socket_: web.WebSocketResponse) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            await socket_.send_bytes(data)
    await socket_.close()
