"""What this daemon says to the others of its base topic, and whether the broker brings that back."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from shomare_mqtt.model import Message
from shomare_mqtt.mqtt.announcements import ANSWER_TOPIC, TOPIC, Announcement, Says, new_name
from shomare_mqtt.mqtt.failures import LinkError, NotConnectedError

if TYPE_CHECKING:
    from shomare_mqtt.mqtt.publisher import Sender

ECHO_WITHIN = 5.0
"""Seconds without any message after which an announcement is not waited for any more: much may come before it."""

ECHO_WAITS = 6
"""How often it is waited on for as long as that, since messages came: a broker that brings all else back but not this
must not hold up a `buy` until it is refused (core.desk.dispatch.LONGEST)."""

LEAVE_WITHIN = 2.0
"""Seconds that the last announcement of a daemon that stops may take."""

_REPLIES = 20
"""Replies that may wait; whoever is there and heard none asks again."""
_TOKENS = 32
"""Announcements of ours that somebody may still be answering."""


class Voice:
    """Speaks for one process. `name` is the process's own, `journal` outlives it; `sender` publishes."""

    def __init__(self, journal: str, sender: Sender) -> None:
        self.journal = journal
        self.name = new_name()
        self._sender = sender
        self._loop = asyncio.get_running_loop()
        self._began = self._heard_at = self._loop.time()
        self._echo: tuple[str, asyncio.Future[None]] | None = None
        self._tokens: deque[str] = deque(maxlen=_TOKENS)
        self._replies: asyncio.Queue[Message] = asyncio.Queue()

    @property
    def running(self) -> float:
        """Seconds since it started."""
        return self._loop.time() - self._began

    def has_said(self, token: str) -> bool:
        """Whether an announcement of that token is one of ours, not long ago."""
        return token in self._tokens

    # --- announcing -------------------------------------------------------------------------------------------------

    async def announce(self) -> None:
        """Say that we are here, and wait until that has come back.

        Raises TimeoutError once nothing has come for a while, LinkError where it was not published, and
        NotConnectedError where the connection ended meanwhile.
        """
        said = self._announcement(Says.HERE)
        self._tokens.append(said.token)
        back: asyncio.Future[None] = self._loop.create_future()
        self._echo = said.token, back
        try:
            await self._publish(said)
            await self._wait_for(back)
        finally:
            self._echo = None

    async def _wait_for(self, back: asyncio.Future[None]) -> None:
        since = self._loop.time()
        for _ in range(ECHO_WAITS):
            left = max(since, self._heard_at) + ECHO_WITHIN - self._loop.time()
            if left <= 0:
                break
            if (await asyncio.wait((back,), timeout=left))[0]:
                return back.result()
        raise TimeoutError

    def message_came(self) -> None:
        """The broker brought something: what is waited for may be behind it."""
        self._heard_at = self._loop.time()

    def came_back(self, token: str) -> None:
        """An announcement of ours came."""
        if self._echo is not None and self._echo[0] == token and not self._echo[1].done():
            self._echo[1].set_result(None)

    def disconnected(self) -> None:
        """The connection ended: what is on its way does not come back."""
        if self._echo is not None and not self._echo[1].done():
            self._echo[1].set_exception(NotConnectedError("the connection ended before it came back"))

    # --- replying ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Publish the replies, for ever."""
        while True:
            reply = await self._replies.get()
            with suppress(LinkError):  # who is there asks again
                await self._sender.publish(reply)

    def reply(self, says: Says, to: str = "") -> None:
        """Reply to an announcement, unless too many replies wait."""
        if self._replies.qsize() < _REPLIES:
            said = self._announcement(says, to)
            self._tokens.append(said.token)
            self._replies.put_nowait(Message(TOPIC, said.payload()))

    def answer(self, transaction: str) -> bool:
        """Answer the question of one that is not here yet; False where too many replies wait."""
        if self._replies.qsize() >= _REPLIES:
            return False
        answer = {"status": "ok", "transaction": transaction, "data": []}
        self._replies.put_nowait(Message(ANSWER_TOPIC, json.dumps(answer).encode()))
        return True

    # --- leaving ----------------------------------------------------------------------------------------------------

    def say_left(self) -> None:
        """Say that nothing is taken any more, after what waits."""
        self._replies.put_nowait(Message(TOPIC, self._announcement(Says.LEFT).payload()))

    async def leave(self) -> None:
        """Say so now, before an orderly end; takes LEAVE_WITHIN at most."""
        with suppress(TimeoutError, LinkError):
            async with asyncio.timeout(LEAVE_WITHIN):
                await self._publish(self._announcement(Says.LEFT))

    def _announcement(self, says: Says, to: str = "") -> Announcement:
        return Announcement(says, self.journal, self.name, self.running, new_name(), to)

    async def _publish(self, said: Announcement) -> None:
        await self._sender.publish(Message(TOPIC, said.payload()))
