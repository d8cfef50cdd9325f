"""Talking to a running daemon over MQTT: is it there, one command and its answer, then whatever else it publishes."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from shomare_mqtt import topics
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.core.render import dumps, timestamp
from shomare_mqtt.mqtt.client import Client
from shomare_mqtt.mqtt.failures import HungUpError, LinkError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator

    from shomare_mqtt.config import Mqtt

_LONGEST_INT = 1000
_STATE_PATIENCE = 5.0
"""Seconds until a retained message must have come: the broker sends it right after the subscription."""


class ConnectionLostError(CommandFailedError):
    """The broker went away in the middle."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message. `topic` stands under the base topic; `text` is what came; `body` its JSON, None where it is none."""

    topic: str
    text: str
    body: Any


class Bridge:
    """The daemon, as its clients see it: through the broker. Made by `reach`."""

    def __init__(self, client: Client, timeout: float, reopen: Callable[[], Awaitable[Client]]) -> None:
        self._client = client
        self._timeout = timeout
        self._reopen = reopen
        self._filters: list[str] = []
        self._aside: deque[Heard] = deque()
        self.beside: dict[str, Any] = {}
        """The newest of each topic that `require_daemon` asked for beside; None until it came."""

    async def listen(self, *filters: str) -> None:
        """Subscribe. Raises CommandFailedError where the broker does not allow it."""
        await self._subscribe(filters)

    async def _subscribe(self, needed: Iterable[str], beside: Iterable[str] = ()) -> None:
        """Subscribe, to `beside` only where the broker allows it. Raises CommandFailedError."""
        wanted = (*self._filters, *needed)
        try:
            refused = set(await self._client.subscribe(*needed, *beside))
        except LinkError:
            if not beside:
                raise
            # Some brokers (EMQX, AWS IoT) hang up on whoever asks for what he may not read.
            self._client = await self._reopen()
            refused = set(await self._client.subscribe(*wanted))
        if refused := refused & set(wanted):
            raise CommandFailedError(_unreadable(sorted(refused)))
        self._filters += needed

    async def require_daemon(self, *beside: str) -> None:
        """Waits for the word that a daemon takes commands. Raises CommandFailedError where it does not come.

        `beside`: retained topics that help people to read an answer. They come right after that word, before any
        answer, from brokers that keep the order; nobody waits for them, or fails without them.
        """
        with _before_sending():
            await self._require_daemon(beside)

    async def _require_daemon(self, beside: tuple[str, ...]) -> None:
        self.beside = dict.fromkeys(beside)
        await self._subscribe([topics.BRIDGE_STATE], beside)
        said = None
        try:
            async with asyncio.timeout(min(self._timeout, _STATE_PATIENCE)):
                while said != "online":
                    heard = await self._receive()
                    said = heard.text if heard.topic == topics.BRIDGE_STATE else said
        except TimeoutError:
            raise CommandFailedError(_nobody_there(said)) from None

    async def ask(self, command: str, fields: dict[str, Any]) -> Heard:
        """Sends a command and waits for its answer.

        `fields` get an `expires_at`, and a `transaction` unless they have one. Raises CommandFailedError where no
        answer comes in time; the command has expired by then, also on its way.
        """
        payload = _with_envelope(fields, self._timeout)
        return await self._carry_out(command, json.dumps(payload).encode(), payload["transaction"])

    async def send(self, command: str, fields: dict[str, Any], seconds: float) -> str:
        """Sends a command that expires so much later, and returns its transaction: its answer is among the next.

        Raises CommandFailedError.
        """
        payload = _with_envelope(fields, seconds)
        with _before_sending():
            await self.listen(topics.response(command))
        await self._client.publish(command, json.dumps(payload).encode(), expiry=seconds)
        return str(payload["transaction"])

    async def tell(self, command: str, text: str, done: dict[str, Any] | None = None) -> Heard:
        """Sends a command that is plain text, and waits for its answer. Raises as `ask` does.

        Nothing in its answer tells whose it is: one to somebody else who sends a command of that name now may be taken
        for it. `done`: the `data` of an answer that says `ok` to this one; others that say so are not taken.
        """
        return await self._carry_out(command, text.encode(), None, done)

    async def kept(self, *names: str, beside: Iterable[str] = ()) -> dict[str, Heard]:
        """What the daemon keeps published under these topics, less the empty ones. Raises CommandFailedError.

        `beside`: more of them, which are left out where the broker does not let this user read them.
        A broker sends what it keeps right after the subscription and says nothing of what it does not keep: all is
        there once the daemon has answered a question that was asked after that.
        """
        wanted = (*names, *beside)
        await self._subscribe(names, beside)
        await self.ask("query/orders", {"limit": 1})
        latest = {heard.topic: heard for heard in self._aside if heard.topic in wanted}
        return {topic: heard for topic, heard in latest.items() if heard.text}

    async def _carry_out(
        self, command: str, payload: bytes, transaction: str | None, done: dict[str, Any] | None = None
    ) -> Heard:
        with _before_sending():
            await self.listen(topics.response(command))
        try:
            async with asyncio.timeout(self._timeout):
                await self._client.publish(command, payload, expiry=self._timeout)
                while True:
                    heard = await self._answer(topics.response(command), transaction)
                    if done is None or heard.body.get("status") != "ok" or heard.body.get("data") == done:
                        return heard
        except TimeoutError:
            no_answer = f"no answer within {self._timeout:g} seconds"
            raise CommandFailedError(f"{no_answer}; {_what_now(command)}") from None
        except LinkError as error:
            what_now = _what_now(command, self._timeout)
            raise ConnectionLostError(f"{error}, before an answer came; {what_now}") from None

    async def _answer(self, topic: str, transaction: str | None) -> Heard:
        while True:
            heard = await self._receive()
            if heard.topic == topic and isinstance(heard.body, dict) and heard.body.get("transaction") == transaction:
                return heard
            self._aside.append(heard)

    async def next(self) -> Heard:
        """The next message, first of all those that came while an answer was awaited."""
        return self._aside.popleft() if self._aside else await self._receive()

    async def _receive(self) -> Heard:
        incoming = await anext(self._client)
        heard = heard_from(self._client.relative(incoming.topic), incoming.payload)
        if heard.topic in self.beside:
            self.beside[heard.topic] = heard.body
        return heard


def _with_envelope(fields: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The fields of a command that expires so much later, with a transaction unless they have one."""
    expires_at = timestamp(datetime.now(UTC) + timedelta(seconds=seconds))
    return {"transaction": f"cli-{secrets.token_hex(8)}"} | fields | {"expires_at": expires_at}


def heard_from(topic: str, payload: bytes) -> Heard:
    """A message. NaN and Infinity, which Python takes for JSON and no other reader does, become null."""
    text, odd = payload.decode(errors="replace"), list[str]()
    try:
        body = json.loads(text, parse_float=Decimal, parse_int=_whole, parse_constant=odd.append)
        return Heard(topic, dumps(body).decode() if odd else text, body)
    except (ValueError, ArithmeticError, RecursionError):
        return Heard(topic, text, None)


def _whole(digits: str) -> int | Decimal:
    """A whole number, however long: Python makes an int of some thousand digits at most."""
    return int(digits) if len(digits) < _LONGEST_INT else Decimal(digits)


@contextmanager
def _before_sending() -> Iterator[None]:
    """Says of a connection that is lost within what that means for a command that was to follow."""
    try:
        yield
    except LinkError as error:
        raise ConnectionLostError(f"{error}; nothing was sent") from None


def _unreadable(refused: Iterable[str]) -> str:
    return f"the broker does not let this user read {', '.join(refused)}"


def _nobody_there(said: str | None) -> str:
    if said is None:
        return "no daemon has been on this broker under this base topic: is it running, with the same mqtt.base_topic?"
    return "the daemon is offline: it is not running, or it has no connection to the broker; nothing was sent"


def _what_now(command: str, left: float = 0) -> str:
    """What no answer means: a late answer may follow a command that was taken in time (the provider is slow, say).

    `left`: seconds after which the command has expired at the latest; until then a broker that comes back hands it on.
    """
    name, *rest = command.split("/")
    if rest[-1:] == ["set"]:  # plain text, which over MQTT 3.1.1 cannot expire
        return f"it may be carried out all the same: `shomare-mqtt {name}` shows how it stands"
    text = "if it was not taken by now, it has expired and will not be carried out later"
    if left:
        text = f"it may be carried out all the same, but not later than {left:g} seconds after it was sent"
    return f"{text}; `shomare-mqtt query orders` tells whether a number was bought" if command == "buy" else text


@asynccontextmanager
async def reach(settings: Mqtt, timeout: float) -> AsyncIterator[Bridge]:  # noqa: ASYNC109 - the user's own, for answers
    """A connection to the broker, and through it to the daemon. Raises CommandFailedError where there is no broker."""
    where = f"the broker at {_address(settings)}"
    async with AsyncExitStack() as stack:

        async def connected() -> Client:
            try:
                async with asyncio.timeout(timeout):
                    return await stack.enter_async_context(Client(settings))
            except LinkError as error:
                raise CommandFailedError(f"{where}: {error}{_advice(error, settings)}") from None
            except TimeoutError:
                raise CommandFailedError(f"{where} did not answer within {timeout:g} seconds") from None

        client = await connected()
        try:
            yield Bridge(client, timeout, connected)
        except LinkError as error:
            raise ConnectionLostError(f"{where}: {error}") from None


def _advice(error: LinkError, settings: Mqtt) -> str:
    """What to do, behind an arrow as the doctor has it; nothing where the error itself names the settings."""
    if isinstance(error, HungUpError) or "mqtt." in str(error):
        return ""
    from shomare_mqtt.doctor.broker import advice_on  # noqa: PLC0415 - where all is well nobody needs it

    return f" → {advice_on(error, settings)}"


def _address(settings: Mqtt) -> str:
    if settings.transport == "unix":
        return str(settings.path)
    return f"{settings.host}:{settings.effective_port}"
