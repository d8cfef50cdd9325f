"""`python -m tests.bench.reference PORT BASE URL`: the script that somebody would write instead of this daemon.

aiomqtt and aiohttp, a task for each message, no journal, no limits, no names; its sockets tuned as well as they can be
from outside: small packets are sent and acknowledged at once.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import sys
from importlib.util import find_spec

ENDPOINTS = {"profile": "profile", "price": "pricebyproduct", "prices": "pricebycountry"}


def is_there() -> bool:
    """Whether what it needs is installed (the extra `bench`)."""
    return find_spec("aiomqtt") is not None


async def script(port: int, base: str, url: str) -> None:
    import aiohttp  # noqa: PLC0415 - `is_there` is asked by who may have neither
    import aiomqtt  # noqa: PLC0415

    async def answer(message: aiomqtt.Message) -> None:
        command = str(message.topic).removeprefix(f"{base}/")
        payload = message.payload if isinstance(message.payload, bytes) else b""
        asked = json.loads(payload or b"{}")
        _, what, *ids = command.split("/")
        async with session.get("/".join((url, ENDPOINTS[what], *ids)), headers={"token": "bench"}) as response:
            found = json.loads(await response.read())
        told = {"status": "ok", "command": command, "transaction": asked.get("transaction"), "data": found["data"]}
        text = json.dumps(told, separators=(",", ":"))
        await client.publish(f"{base}/response/{command}", text, qos=message.qos)
        tune()

    def tune() -> None:
        connection = client._client.socket()
        if isinstance(connection, socket.socket):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    tasks: set[asyncio.Task[None]] = set()
    async with aiohttp.ClientSession() as session, aiomqtt.Client("127.0.0.1", port) as client:
        connection = client._client.socket()
        assert isinstance(connection, socket.socket)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await client.subscribe(f"{base}/query/#", qos=1)
        print("ready", flush=True)
        async for message in client.messages:
            tune()
            task = asyncio.create_task(answer(message))
            tasks.add(task)
            task.add_done_callback(tasks.discard)


async def until_told() -> None:
    """The script, until SIGTERM."""
    port, base, url = sys.argv[1:]
    task = asyncio.create_task(script(int(port), base, url))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.wait((task,))
    if not task.cancelled():
        task.result()


if __name__ == "__main__":
    asyncio.run(until_told())
