"""The demo's broker: mosquitto where this machine has it, else amqtt in this process; on port 1883 where it is free."""

from __future__ import annotations

import asyncio
import importlib.util
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shomare_mqtt.cli.demo_mosquitto import MosquittoFailedError, installed, mosquitto
from shomare_mqtt.cli.status import CommandFailedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

USUAL = 1883
_NEAR = 8
"""Ports above the usual one that are tried before any other: they are easier to type."""
_ANY = (0, 0, 0)
"""A free port is found first and taken then: another program may have it in the meantime."""


class Kind(StrEnum):
    """Which broker."""

    MOSQUITTO = "mosquitto"
    AMQTT = "amqtt"


@dataclass(frozen=True)
class Served:
    """A broker that accepts connections on loopback.

    `name`: with its version. `remark`: what a person should know of it, if anything. `ended`: done with its last words
    where it ended by itself.
    """

    port: int
    name: str
    remark: str = ""
    ended: asyncio.Task[str] | None = None


@asynccontextmanager
async def broker(folder: Path, kind: Kind | None = None, port: int | None = None) -> AsyncIterator[Served]:
    """A broker of the wanted kind at the wanted port; None: what is best here. Raises CommandFailedError."""
    async with AsyncExitStack() as stack:
        ports = possible() if port is None else (port,) if port else _ANY
        free = [each for each in ports if await is_free(each)]
        if not free:
            raise CommandFailedError(f"port {port} is taken, or not allowed; without --port the demo finds one")
        yield await _first(stack, folder, kind, free)


def possible(usual: int = USUAL) -> tuple[int, ...]:
    """Ports in the order in which they are tried; 0 is any."""
    return (*range(usual, usual + _NEAR + 1), *_ANY)


async def is_free(port: int) -> bool:
    """Whether a server could have this port of `localhost` for itself."""
    for host in ("127.0.0.1", "::1") if port else ():
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            continue
        writer.close()
        return False
    try:
        _bound(port)
    except OSError:
        return False
    return True


async def free_port(usual: int) -> int:
    """A usual port, else one near it, else any that is free now; 0: any."""
    for port in possible(usual) if usual else ():
        if port and await is_free(port):
            return port
    return _bound(0)


def _bound(port: int) -> int:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        return int(sock.getsockname()[1])


async def _first(stack: AsyncExitStack, folder: Path, kind: Kind | None, ports: list[int]) -> Served:
    """At the first port that the broker can have: another program may have taken one in the meantime."""
    remark = ""
    if kind is not Kind.AMQTT:
        program = installed()
        if program is not None:
            try:
                return await _mosquitto(stack, program, folder, ports)
            except MosquittoFailedError as error:
                if kind is not None:
                    raise
                remark = f"{error}; this one stands in for it"
        elif kind is not None:
            raise CommandFailedError("mosquitto is not installed: apt install mosquitto")
    return await _amqtt(stack, ports, remark or "apt install mosquitto gives the real one")


async def _mosquitto(stack: AsyncExitStack, program: str, folder: Path, ports: list[int]) -> Served:
    for left, port in zip(reversed(range(len(ports))), ports, strict=True):
        number = port or _bound(0)
        try:
            version, ended = await stack.enter_async_context(mosquitto(program, number, folder))
        except MosquittoFailedError:
            if not left or await is_free(number):
                raise
        else:
            return Served(number, f"mosquitto {version}", ended=ended)
    raise AssertionError("unreachable: the last port raises")


async def _amqtt(stack: AsyncExitStack, ports: list[int], remark: str) -> Served:
    if importlib.util.find_spec("amqtt") is None:
        raise CommandFailedError(
            "the demo's broker is missing; install mosquitto (apt install mosquitto), or the one that it can bring "
            "along: pip install 'shomare-mqtt[demo]'"
        )
    from shomare_mqtt.cli.demo_amqtt import NAME, embedded  # noqa: PLC0415 - needs amqtt, an extra

    for port in ports:
        try:
            number = await stack.enter_async_context(embedded(port))
        except OSError as error:
            if port == ports[-1]:
                raise CommandFailedError(f"the demo's broker cannot have port {port}: {error.strerror}") from None
        else:
            return Served(number, f"{NAME}, embedded", remark)
    raise AssertionError("unreachable: the last port raises")
