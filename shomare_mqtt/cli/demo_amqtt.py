"""The amqtt broker made to behave, for machines without mosquitto; docs/amqtt.md names each fault that is mended here.

amqtt starts a task for each packet and lets several tasks share out the work; when a client leaves, they are cancelled,
whatever they were about to do. Here a packet is dealt with, wholly and without waiting, at the moment it was read.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future, StreamReader, StreamWriter
from contextlib import asynccontextmanager, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from amqtt.adapters import ReaderAdapter, StreamWriterAdapter
from amqtt.broker import Broker, RetainedApplicationMessage
from amqtt.mqtt.protocol.broker_handler import BrokerProtocolHandler
from amqtt.mqtt.puback import PubackPacket
from amqtt.mqtt.pubcomp import PubcompPacket
from amqtt.mqtt.pubrec import PubrecPacket
from amqtt.mqtt.pubrel import PubrelPacket
from amqtt.mqtt.suback import SubackPacket
from amqtt.mqtt.unsuback import UnsubackPacket
from amqtt.session import IncomingApplicationMessage, OutgoingApplicationMessage, Session

from shomare_mqtt.cli.demo_connect import Connect, read_connect, refusal
from shomare_mqtt.cli.demo_quiet import quiet

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

_LOG = logging.getLogger(__name__)
NAME = f"amqtt {version('amqtt')}"
_LISTENER = "default"
_CONFIG = {
    "listeners": {_LISTENER: {"type": "external"}},
    "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
}
_LEVELS = (0, 1, 2)
_REFUSED = 0x80
_MOST_IN_FLIGHT = 10_000
"""Messages that a client has yet to acknowledge, beyond which it gets no more of them."""
_FLUSHING = 1.0
"""Seconds in which a client that is no longer wanted may take what was sent to it."""


class _Reader(ReaderAdapter):
    """Gives amqtt the CONNECT once more, then what follows; an end, too, after half as long again as the keep-alive."""

    def __init__(self, connect: Connect, reader: StreamReader) -> None:
        self.connect = connect
        self._again = connect.packet
        self._reader = reader
        self._patience = connect.keep_alive * 1.5 or None

    async def read(self, n: int = -1) -> bytes:
        """Exactly `n` bytes; raises IncompleteReadError at the end."""
        if self._again:
            piece, self._again = self._again[:n], self._again[n:]
            return piece
        try:
            async with asyncio.timeout(self._patience):
                return await self._reader.readexactly(n)
        except (TimeoutError, OSError):
            raise asyncio.IncompleteReadError(b"", n) from None

    def feed_eof(self) -> None:
        """Nobody asks for it."""


class _Writer(StreamWriterAdapter):
    """Never writes to a connection that is gone; who accepted the connection closes it."""

    def write(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """What amqtt sends is small, and waiting for one client would keep others waiting."""

    def get_peer_info(self) -> tuple[str, int]:
        return "127.0.0.1", 0

    async def close(self) -> None:
        self._writer.close()


async def _done() -> None:
    """What amqtt makes a task of, where all has been done already."""


class _Handler(BrokerProtocolHandler):
    """One client's packets. The methods named `handle_…` are amqtt's, which calls them in the order of the packets."""

    def __init__(self, broker: _Broker) -> None:
        super().__init__(broker.plugins_manager)
        self._broker = broker
        self._resumed = False
        self.ended: Future[Any] = asyncio.get_running_loop().create_future()

    async def start(self) -> None:
        """Sends once more what the client has not acknowledged, and what came while it was away; then reads."""
        self._resumed = True
        for number, message in list(self._state.inflight_out.items()):
            if message.pubrec_packet is None:
                self._send(message)
            else:
                self._write(PubrelPacket.build(number))
        await super().start()

    async def _retry_deliveries(self) -> None:
        """Nothing: amqtt waits here for each acknowledgement."""

    def deliver(self, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Sends a message, or keeps it for a client that is away and will come back."""
        state = self._state
        if qos == 0:
            self._send(OutgoingApplicationMessage(None, topic, 0, data, retain))
        elif len(state.inflight_out) < _MOST_IN_FLIGHT:
            number = state.next_packet_id
            message = state.inflight_out[number] = OutgoingApplicationMessage(number, topic, qos, data, retain)
            if self._resumed:
                self._send(message)

    @property
    def _state(self) -> Session:
        if self.session is None:
            raise RuntimeError("no session was attached")
        return self.session

    def _send(self, message: OutgoingApplicationMessage) -> None:
        if not self.ended.done():
            packet = message.build_publish_packet(dup=message.publish_packet is not None)
            message.publish_packet = packet
            self._write(packet)

    def _write(self, packet: Any) -> None:
        if self.writer is not None:
            self.writer.write(packet.to_bytes())

    def handle_publish(self, publish_packet: Any) -> Coroutine[Any, Any, None]:
        packet, number = publish_packet, publish_packet.packet_id
        if self.ended.done():
            return _done()
        match packet.qos:
            case 2:
                self._state.inflight_in[number] = IncomingApplicationMessage(
                    number, packet.topic_name, 2, packet.data, packet.retain_flag
                )
                self._write(PubrecPacket.build(number))
            case qos:
                self._broker.spread(packet.topic_name, packet.data, qos, retain=packet.retain_flag)
                if qos:
                    self._write(PubackPacket.build(number))
        return _done()

    def handle_pubrel(self, pubrel: Any) -> Coroutine[Any, Any, None]:
        message = self._state.inflight_in.pop(pubrel.packet_id, None)
        if message is not None:
            self._broker.spread(message.topic, bytes(message.data), 2, retain=message.retain)
        self._write(PubcompPacket.build(pubrel.packet_id))
        return _done()

    def handle_puback(self, puback: Any) -> Coroutine[Any, Any, None]:
        self._state.inflight_out.pop(puback.variable_header.packet_id, None)
        return _done()

    def handle_pubrec(self, pubrec: Any) -> Coroutine[Any, Any, None]:
        message = self._state.inflight_out.get(pubrec.packet_id)
        if message is not None:
            message.pubrec_packet = pubrec
        self._write(PubrelPacket.build(pubrec.packet_id))
        return _done()

    def handle_pubcomp(self, pubcomp: Any) -> Coroutine[Any, Any, None]:
        self._state.inflight_out.pop(pubcomp.packet_id, None)
        return _done()

    def handle_subscribe(self, subscribe: Any) -> Coroutine[Any, Any, None]:
        wanted = subscribe.payload.topics
        codes = [self._broker.subscribe(self._state, pattern, qos) for pattern, qos in wanted]
        self._write(SubackPacket.build(subscribe.variable_header.packet_id, codes))
        for (pattern, _), code in zip(wanted, codes, strict=True):
            if code != _REFUSED:
                self._broker.hand_out_retained(self, pattern, code)
        return _done()

    def handle_unsubscribe(self, unsubscribe: Any) -> Coroutine[Any, Any, None]:
        for pattern in unsubscribe.payload.topics:
            self._broker.unsubscribe(self._state, pattern)
        self._write(UnsubackPacket.build(unsubscribe.variable_header.packet_id))
        return _done()

    def handle_disconnect(self, disconnect: Any) -> Coroutine[Any, Any, None]:
        """Told of a DISCONNECT, and with None of a connection that ended without; the first of both counts."""
        if not self.ended.done():
            self.ended.set_result(disconnect)
        return _done()

    def handle_connect(self, connect: Any) -> Coroutine[Any, Any, None]:
        """A second CONNECT is the end of a connection."""
        del connect
        return self.handle_disconnect(None)


class _Broker(Broker):
    """amqtt's, with its sessions, subscriptions and retained messages; it is told of them as they come."""

    def spread(self, topic: str, data: bytes, qos: int, *, retain: bool) -> None:
        """Hands a message to everybody who wants it, once each, at the lower of both levels; keeps it or clears it."""
        if not topic or "#" in topic or "+" in topic or topic.startswith("$"):
            return
        if retain:
            self._keep(topic, data, qos)
        for client_id, wanted in self._who_wants(topic).items():
            _, handler = self._sessions.get(client_id, (None, None))
            if isinstance(handler, _Handler):
                handler.deliver(topic, data, min(qos, wanted), retain=False)

    def _keep(self, topic: str, data: bytes, qos: int) -> None:
        if data:
            self._retained_messages[topic] = RetainedApplicationMessage(None, topic, data, qos)
        else:
            self._retained_messages.pop(topic, None)

    def _who_wants(self, topic: str) -> dict[str, int]:
        found: dict[str, int] = {}
        for pattern, sessions in self._subscriptions.items():
            if self._matches(topic, pattern):
                for session, qos in sessions:
                    client_id = str(session.client_id)
                    found[client_id] = max(qos, found.get(client_id, 0))
        return found

    def hand_out_retained(self, handler: _Handler, pattern: str, qos: int) -> None:
        """What is kept on the topics of a new subscription."""
        for topic, kept in list(self._retained_messages.items()):
            if self._matches(topic, pattern):
                handler.deliver(topic, bytes(kept.data), min(qos, kept.qos or 0), retain=True)

    def subscribe(self, session: Session, pattern: str, qos: int) -> int:
        """The level that was granted, or that of a refusal; an older subscription to the same is replaced."""
        levels = pattern.split("/")
        misplaced = "#" in pattern[:-1] or any(each not in {"+", "#"} for each in levels if "+" in each or "#" in each)
        if not pattern or misplaced or qos not in _LEVELS:
            return _REFUSED
        self.unsubscribe(session, pattern)
        self._subscriptions.setdefault(pattern, []).append((session, qos))
        return qos

    def unsubscribe(self, session: Session, pattern: str) -> None:
        """Nothing where there is no such subscription."""
        left = [each for each in self._subscriptions.get(pattern, []) if each[0].client_id != session.client_id]
        if left:
            self._subscriptions[pattern] = left
        else:
            self._subscriptions.pop(pattern, None)

    async def _initialize_client_session(
        self, reader: Any, writer: Any, remote_address: str, remote_port: int
    ) -> tuple[BrokerProtocolHandler, Session]:
        _, session = await super()._initialize_client_session(reader, writer, remote_address, remote_port)
        session.keep_alive = 0  # the reader minds it
        session.will_retain = reader.connect.will_retain  # amqtt forgets it where a session is resumed
        return _Handler(self), session

    async def _publish_retained_messages_for_subscription(self, subscription: Any, session: Session) -> None:
        """Nothing: amqtt comes here as a client connects, with the subscriptions of all clients."""

    async def _session_monitor(self) -> None:
        """Nothing: amqtt looks here each second for sessions to delete; a connection deletes its own."""

    async def _broadcast_message(self, session: Any, topic: Any, data: Any, force_qos: int | None = None) -> None:
        """A last will."""
        del session
        self.spread(topic, bytes(data), force_qos or 0, retain=False)

    async def _client_message_loop(self, client_session: Session, handler: Any) -> None:
        await handler.ended
        await self._handle_disconnect(client_session, handler, handler.ended)
        if client_session.clean_session and client_session.client_id is not None:
            await self._cleanup_session(client_session.client_id)


class _Front:
    """Accepts connections: one a client id, each closed when amqtt is done with it, whatever happened."""

    def __init__(self, inner: Broker) -> None:
        self._inner = inner
        self._writers = set[StreamWriter]()
        self._ended = asyncio.Condition()
        self._clients: dict[str, StreamWriter] = {}

    async def accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        """From a connection's beginning to its end."""
        self._writers.add(writer)
        try:
            await self._serve(reader, writer)
        except Exception:  # noqa: BLE001 - a client may leave in the midst of anything; others are served on
            _LOG.debug("a connection to the demo's broker ended in an error", exc_info=True)
            writer.transport.abort()
        finally:
            await _close(writer)
            async with self._ended:
                self._writers.discard(writer)
                self._ended.notify_all()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        connect = await read_connect(reader)
        if refused := refusal(connect):
            writer.write(refused)
            return
        try:
            await self._take_over(connect.client_id, writer)
            await self._inner.external_connected(_Reader(connect, reader), _Writer(writer), _LISTENER)
        finally:
            if connect.client_id and self._clients.get(connect.client_id) is writer:
                del self._clients[connect.client_id]

    async def _take_over(self, client_id: str, writer: StreamWriter) -> None:
        """Ends an older connection with the same client id, and waits until all is said about its end."""
        while client_id and (older := self._clients.get(client_id)) is not None:
            older.transport.abort()
            async with self._ended:
                await self._ended.wait_for(lambda gone=older: gone not in self._writers)  # type: ignore[misc]
        if client_id:
            self._clients[client_id] = writer

    async def close(self) -> None:
        """Ends all connections."""
        for writer in self._writers:
            writer.transport.abort()
        async with self._ended:
            await self._ended.wait_for(lambda: not self._writers)


async def _close(writer: StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(_FLUSHING):
            await writer.wait_closed()
    except TimeoutError:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()
    except OSError:
        pass


@asynccontextmanager
async def embedded(port: int = 0) -> AsyncIterator[int]:
    """A broker on loopback, for whoever connects; gives its port, which is `port` but for 0. Raises OSError."""
    with quiet():
        inner = _Broker(_CONFIG)
        await inner.start()
        front = _Front(inner)
        try:
            server = await asyncio.start_server(front.accept, "127.0.0.1", port)
            try:
                yield server.sockets[0].getsockname()[1]
            finally:
                server.close()
                await front.close()
        finally:
            await inner.shutdown()
