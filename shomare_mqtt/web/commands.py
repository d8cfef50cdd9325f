"""`POST api/command/<topic>`: a command of the page's, carried out as one from the broker (contract, Web page)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from aiohttp import ClientError, web

from shomare_mqtt import topics

if TYPE_CHECKING:
    from shomare_mqtt.model import Asker

PREFIX = "/api/command/"
MOST_BYTES = 64 * 1024
"""Of a payload (contract)."""
BODY_WITHIN = 30.0
"""Seconds that a payload may take to come."""
_ENDED = (
    "this program ends before the answer is there. The command may have been written down, and is carried out once it "
    "runs again: ask again with the same transaction. Without one, look at the orders first"
)


class Deliver(Protocol):
    """Gives a command to the desk."""

    def __call__(self, topic: str, payload: bytes, asker: Asker) -> None:
        """`topic` stands below the base topic. `asker` is told the answer, unless this process ends before it is there.

        Nothing is awaited: what is asked for goes on whether or not anybody waits for its answer.
        """
        ...


def command_of(raw_path: str) -> str | None:
    """The topic of a command, by the path as it was sent: decoded once. None where no command has that topic."""
    try:
        topic = unquote(raw_path.removeprefix(PREFIX), errors="strict")
    except UnicodeDecodeError:
        return None
    if any(character in topic for character in "+#\0"):
        return None  # no message can have such a topic (MQTT 5, section 4.7.1)
    return topic if any(topics.matches(each, topic) for each in topics.SUBSCRIPTIONS) else None


class Commands:
    """Has commands carried out, and answers when they are."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._waiting: set[asyncio.Future[bytes | None]] = set()

    async def handle(self, request: web.Request) -> web.Response:
        """200 and the answer, whatever that says; 404, 408, 413 where it was given to nobody."""
        topic = command_of(request.rel_url.raw_path)
        if topic is None:
            return _said(404, "no command has this topic; nothing was done")
        payload = await _payload(request)
        if isinstance(payload, web.Response):
            return payload  # nobody has the command
        answer = await self._answer(topic, payload)
        if answer is None:
            return _said(503, _ENDED)
        return web.Response(body=answer, content_type="application/json", charset="utf-8", headers=_UNSTORED)

    async def _answer(self, topic: str, payload: bytes) -> bytes | None:
        """None where the program ends before there is one."""
        waiting: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)

        def told(answer: bytes) -> None:
            if not waiting.done():
                waiting.set_result(answer)

        try:
            self._deliver(topic, payload, told)
            return await waiting
        finally:
            self._waiting.discard(waiting)

    def end(self) -> None:
        """The program ends: tell those who wait that there will be no answer from it."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)


_UNSTORED = {"Cache-Control": "no-store"}


def _said(status: int, text: str) -> web.Response:
    """A sentence for whoever asked, in place of an answer."""
    return web.json_response({"error": {"message": text}}, status=status, headers=_UNSTORED)


async def _payload(request: web.Request) -> bytes | web.Response:
    """The body, or the answer to one that is too large or does not come."""
    if request.content_length is not None and request.content_length > MOST_BYTES:
        return _said(413, _TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_WITHIN):
            body = await request.read()
    except web.HTTPRequestEntityTooLarge:
        return _said(413, _TOO_LARGE)
    except (TimeoutError, ConnectionError, ClientError, web.RequestPayloadError):
        return _said(408, "the rest of the command did not come; nothing was done")
    return body if len(body) <= MOST_BYTES else _said(413, _TOO_LARGE)


_TOO_LARGE = f"a command has {MOST_BYTES} bytes at most; nothing was done"
