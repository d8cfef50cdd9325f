"""An MQTT client that writes down all it hears: independent of the daemon's own code, over MQTT 5 or 3.1.1."""

from __future__ import annotations

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


@dataclass(frozen=True)
class Seen:
    """One message; `retain` is as it was published, `expiry` what the broker says is left."""

    topic: str
    payload: bytes
    retain: bool
    qos: int
    correlation: bytes | None = None

    @property
    def text(self) -> str:
        return self.payload.decode()

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


class Probe:
    """Topics are relative to `base`, where they stand under it; others are whole, with a `/` in front."""

    def __init__(self, port: int, base: str, *, protocol: int = 5, also: tuple[str, ...] = ()) -> None:
        self.base = base
        self.seen: list[Seen] = []
        self.published: set[tuple[str, bytes]] = set()
        """What was said by this one itself."""
        self.subscribed = 0
        self._port = port
        self._protocol = protocol
        self._also = also
        self._loop = asyncio.get_running_loop()
        self._waiting: set[asyncio.Future[None]] = set()
        self._acks: dict[int, asyncio.Future[None]] = {}
        self._ready = self._loop.create_future()
        self._numbers = itertools.count(1)
        version = mqtt.MQTTv5 if protocol == 5 else mqtt.MQTTv311
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=version)
        self._client.on_connect = lambda *_: self._subscribe()
        self._client.on_subscribe = lambda *_: self._call(self._subscribed)
        self._client.on_message = lambda _, __, message: self._call(self._take, message)
        self._client.on_publish = lambda *args: self._call(self._acknowledged, args[2])
        self._client.max_inflight_messages_set(1000)
        self._client.reconnect_delay_set(1, 1)  # however long a broker was away

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._client.connect, "127.0.0.1", self._port)
        self._client.loop_start()
        async with asyncio.timeout(PATIENCE):
            await self._ready
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        with suppress(AttributeError):  # paho forgets its thread as that ends, be it between looking and joining
            await asyncio.to_thread(self._client.loop_stop)

    # --- hearing ----------------------------------------------------------------------------------------------------

    def _subscribe(self) -> None:
        topics = [f"{self.base}/#", *self._also]
        if self._protocol == 5:
            self._client.subscribe([(t, SubscribeOptions(qos=1, retainAsPublished=True)) for t in topics])
        else:
            self._client.subscribe([(t, 1) for t in topics])

    def _call(self, function: Callable[..., object], *args: object) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(function, *args)

    def _subscribed(self) -> None:
        self.subscribed += 1
        if not self._ready.done():
            self._ready.set_result(None)
        self._tell()

    def _take(self, message: mqtt.MQTTMessage) -> None:
        topic = message.topic
        relative = topic.removeprefix(f"{self.base}/") if topic.startswith(f"{self.base}/") else f"/{topic}"
        correlation = getattr(message.properties, "CorrelationData", None) if message.properties else None
        self.seen.append(Seen(relative, bytes(message.payload), message.retain, message.qos, correlation))
        self._tell()

    def _tell(self) -> None:
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)

    async def until(self, look: Callable[[], T | None], seconds: float = PATIENCE, what: str = "") -> T:
        """What `look` finds, once it finds something; it looks again at every message that comes."""
        try:
            async with asyncio.timeout(seconds):
                while not (found := look()):
                    waiting = self._loop.create_future()
                    self._waiting.add(waiting)
                    try:
                        await waiting
                    finally:
                        self._waiting.discard(waiting)
                return found
        except TimeoutError:
            heard = "\n".join(f"{s.topic} {s.payload[:300]!r}" for s in self.seen[-30:])
            raise AssertionError(f"did not come in {seconds} s: {what or look}; the last messages:\n{heard}") from None

    def all(self, topic: str, since: int = 0) -> list[Seen]:
        return [s for s in self.seen[since:] if s.topic == topic]

    def last(self, topic: str) -> Seen | None:
        """The newest message of a topic."""
        return next((s for s in reversed(self.seen) if s.topic == topic), None)

    async def message(self, topic: str, since: int = 0, wanted: Callable[[Seen], bool] = lambda _: True) -> Seen:
        """The first message of a topic from `since` on that is as wanted."""
        return await self.until(lambda: next(filter(wanted, self.all(topic, since)), None), what=topic)

    async def holds(self, topic: str, wanted: Callable[[Any], bool], *, plain: bool = False) -> Any:
        """The payload of a retained topic once it is as wanted: JSON, or plain text."""

        def look() -> list[Any] | None:
            seen = self.last(topic)
            if seen is None or (not seen.payload and not plain):
                return None
            value = seen.text if plain else seen.json
            return [value] if wanted(value) else None

        return (await self.until(look, what=f"{topic} as wanted"))[0]

    async def text(self, topic: str, wanted: str) -> None:
        await self.holds(topic, lambda value: value == wanted, plain=True)

    def retained(self) -> dict[str, bytes]:
        """What the retained topics hold now, as far as they were heard."""
        held: dict[str, bytes] = {}
        for seen in self.seen:
            if seen.retain:
                held[seen.topic] = seen.payload
        return {topic: payload for topic, payload in held.items() if payload}

    # --- sending ----------------------------------------------------------------------------------------------------

    def _acknowledged(self, mid: int) -> None:
        if (future := self._acks.pop(mid, None)) is not None and not future.done():
            future.set_result(None)

    async def publish(
        self,
        topic: str,
        payload: bytes | str | dict[str, Any] | list[Any] = b"",
        *,
        retain: bool = False,
        reply: str | None = None,
        correlation: bytes | None = None,
        expiry: int | None = None,
    ) -> int:
        """Publish under the base topic (QoS 1); where in `seen` what follows begins."""
        since = len(self.seen)
        properties = None
        if reply is not None or expiry is not None or correlation is not None:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            if reply is not None:
                properties.ResponseTopic = reply
            if correlation is not None:
                properties.CorrelationData = correlation
            if expiry is not None:
                properties.MessageExpiryInterval = expiry
        body = json.dumps(payload) if isinstance(payload, dict | list) else payload
        whole = topic[1:] if topic.startswith("/") else f"{self.base}/{topic}"
        self.published.add((topic, body.encode() if isinstance(body, str) else bytes(body)))
        future = self._loop.create_future()
        info = self._client.publish(whole, body, qos=1, retain=retain, properties=properties)
        if not info.is_published():
            self._acks[info.mid] = future
            if info.is_published():
                self._acknowledged(info.mid)
            async with asyncio.timeout(PATIENCE):
                await future
        return since

    async def answer(self, topic: str, since: int) -> Any:
        return (await self.message(f"response/{topic}", since)).json

    async def ask(self, topic: str, payload: bytes | str | dict[str, Any] | list[Any] = b"", **options: Any) -> Any:
        """Send a command, and its answer; a JSON command gets a transaction, and its own answer is picked."""
        if isinstance(payload, dict) and "transaction" not in payload:
            payload = {**payload, "transaction": f"probe-{next(self._numbers)}"}
        since = await self.publish(topic, payload, **options)
        if isinstance(payload, dict):
            wanted = None if payload["transaction"] == "" else payload["transaction"]
            heard = await self.message(f"response/{topic}", since, lambda s: s.json["transaction"] == wanted)
            return heard.json
        return await self.answer(topic, since)

    async def ok(self, topic: str, payload: bytes | str | dict[str, Any] = b"", **options: Any) -> Any:
        """The `data` of an answer that has to be ok."""
        answer = await self.ask(topic, payload, **options)
        assert answer["status"] == "ok", answer
        return answer["data"]

    async def refused(self, topic: str, payload: bytes | str | dict[str, Any] | list[Any] = b"", **options: Any) -> Any:
        """The `error` of an answer that has to be an error."""
        answer = await self.ask(topic, payload, **options)
        assert answer["status"] == "error", answer
        assert set(answer) == {"status", "transaction", "error"}, answer
        assert {"code", "message", "retryable"} <= set(answer["error"]) <= {"code", "message", "retryable", "upstream"}
        return answer["error"]
