"""One connection to the broker, from CONNECT to its end, on the event loop: no thread, no timer but the keep alive."""

from __future__ import annotations

import asyncio
import errno
import math
from collections import deque
from typing import TYPE_CHECKING, Any

from shomare_mqtt.mqtt.failures import (
    BrokerUnreachableError,
    ConnectRefusedError,
    DisconnectedError,
    HungUpError,
    NotConnectedError,
    PublishRefusedError,
    TooLargeError,
)
from shomare_mqtt.mqtt.packets import LARGEST_TOPIC, Connack, Ending, Opening, Publication, publish_size, topic_fault
from shomare_mqtt.mqtt.paho_adapter import Adapter
from shomare_mqtt.mqtt.receipts import Receipts
from shomare_mqtt.mqtt.secured import PORTS_OF_TLS, why_tls
from shomare_mqtt.mqtt.transport import Opened, open_stream
from shomare_mqtt.mqtt.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shomare_mqtt.config.held import Mqtt
    from shomare_mqtt.model import Ack, Incoming
    from shomare_mqtt.mqtt.packets import Version

    OnMessage = Callable[[Incoming, Ack], None]

ANSWER_TIMEOUT = 10.0
"""Seconds for CONNACK and SUBACK."""

PUBACK_PATIENCE = 60.0
"""Seconds for a PUBACK; a broker that keeps one back for longer is given up on, as it holds a place."""

OUR_WINDOW = 20
"""Messages of ours on their way at once, even where the broker would take more."""

HELD_BACK = 0.002
"""Seconds for which what is queued may wait for the rest of a turn of the loop, so that it goes out in one piece. Many
answers of the provider at once take longer to be read, and the first need not wait for the last."""

LARGEST_PACKET = 2_000_000
"""Bytes of the largest packet where the broker names no Maximum Packet Size (contract, Answers, `too_large`)."""

_CLOSED_THERE = frozenset({errno.ECONNRESET, errno.EPIPE})
"""What a socket reports that the other side closed while we still wrote."""

_CUT_OFF = (
    "the connection ended before it answered a SUBSCRIBE: its access list may forbid one of the topics, or another "
    "client use our client id"
)


class _Puback:
    """One that goes out once it is due, and those of all messages before it have gone (MQTT 5, section 4.6)."""

    __slots__ = ("heard", "is_due", "packet", "qos")

    def __init__(self, packet: int, qos: int) -> None:
        self.packet = packet
        self.qos = qos
        self.is_due = False
        self.heard: Callable[[], None] | None = None


class Link:
    """One connection; `open_link` makes it. `ended` says how it ended, and then nothing works any more.

    `on_message(incoming, ack)` is called on the loop. `ack` (model.Ack) does nothing for QoS 0 and after the end. An
    error that `on_message` raises, or the `heard` of an `ack`, ends the connection, and stands in `ended` as the fault.
    """

    def __init__(self, opened: Opened, opening: Opening, on_message: OnMessage) -> None:
        self._loop = asyncio.get_running_loop()
        self._opened = opened
        self._opening = opening
        self._on_message = on_message
        self._descriptor = opened.stream.fileno()
        self._attached = False
        self._read_due = False
        self._write_due = False
        self._write_due_since = 0.0
        self._watching = False
        self._tick: asyncio.TimerHandle | None = None
        self._fault: Exception | None = None
        self._connack: asyncio.Future[Connack] = self._loop.create_future()
        self._subscribing: dict[int, asyncio.Future[list[str | None]]] = {}
        self._publishing: dict[int, tuple[asyncio.Future[None], float, int]] = {}
        self._receipts = Receipts()
        self._pubacks: deque[_Puback] = deque()
        self._window = Window(OUR_WINDOW)
        self._adapter = Adapter(opened.stream, opening, self)
        self.ended: asyncio.Future[Ending] = self._loop.create_future()
        self.facts = Connack(session_present=False)

    @property
    def protocol(self) -> Version:
        """`5` or `3.1.1`."""
        return self._opening.protocol

    @property
    def largest_packet(self) -> int:
        """Bytes of the largest packet that the broker takes."""
        return self.facts.maximum_packet_size or LARGEST_PACKET

    @property
    def window(self) -> int:
        """How many messages may be unacknowledged at once."""
        return min(OUR_WINDOW, self.facts.receive_maximum or OUR_WINDOW)

    async def connect(self, settings: Mqtt, answer_within: float) -> None:
        """CONNECT, and wait so many seconds for the CONNACK.

        Raises HungUpError, BrokerUnreachableError or ConnectRefusedError.
        """
        password = None if settings.password is None else settings.password.get_secret_value()
        self._adapter.send_connect(settings.keepalive, settings.username, password)
        self._attach()
        try:
            async with asyncio.timeout(answer_within):
                self.facts = await self._connack
        except TimeoutError:
            text = f"it takes the connection and says nothing for {answer_within:g} seconds"
            raise HungUpError(text, silent=True) from None
        self._window = Window(self.window)

    async def subscribe(self, filters: Sequence[str]) -> dict[str, str]:
        """Subscribe with QoS 1, over MQTT 5 with retain as published. Returns the filters refused, with the reason.

        Raises NotConnectedError, or DisconnectedError where the connection ends or no answer comes.
        """
        packet = None if self.ended.done() else self._adapter.send_subscribe(filters)
        if packet is None:
            raise _not_connected()
        answer = self._subscribing[packet] = self._loop.create_future()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT):
                refusals = await answer
        except TimeoutError:
            raise DisconnectedError("the broker did not answer a SUBSCRIBE") from None
        except DisconnectedError:
            raise DisconnectedError(f"{_CUT_OFF} ({self.ended.result().text})") from None
        finally:
            self._subscribing.pop(packet, None)
        return {each: refusal for each, refusal in zip(filters, refusals, strict=False) if refusal is not None}

    async def publish(self, publication: Publication) -> None:
        """Publish with QoS 1: waits for a place in the window, then for the PUBACK.

        Raises NotConnectedError, DisconnectedError, PublishRefusedError or TooLargeError.
        """
        if self.ended.done():
            raise _not_connected()
        self._check(publication)
        await self._window.enter()
        if self.ended.done():
            self._window.leave()
            raise _not_connected()
        packet = self._adapter.send_publish(publication)
        acknowledged: asyncio.Future[None] = self._loop.create_future()
        now = self._loop.time()
        self._publishing[packet] = acknowledged, now, self._receipts.published()
        if self._write_due and now - self._write_due_since > HELD_BACK:
            self._write()
        await acknowledged

    def _check(self, publication: Publication) -> None:
        if fault := topic_fault(publication.topic):
            raise PublishRefusedError(fault)
        if (length := len(publication.topic.encode())) > LARGEST_TOPIC:
            raise TooLargeError(length, LARGEST_TOPIC, "topic")
        if (size := publish_size(publication, self.protocol)) > self.largest_packet:
            raise TooLargeError(size, self.largest_packet)
        if publication.retain and not self.facts.keeps_retained:
            raise PublishRefusedError("the broker keeps no retained messages")

    async def disconnect(self) -> None:
        """DISCONNECT, so that no last will is published, and wait (a second at most) until it is sent."""
        if not self.ended.done():
            self._adapter.disconnect()
            await asyncio.wait((self.ended,), timeout=1)
        self.close()

    def close(self, text: str = "closed from here") -> None:
        """Close the socket without a word; the broker publishes the last will."""
        self.over(Ending(text))

    def late(self) -> float:
        """Seconds by which the keep alive is late, without which nobody hears that the broker is gone."""
        return 0.0 if self._tick is None or self.ended.done() else max(0.0, self._loop.time() - self._tick.when())

    # --- what the adapter tells -------------------------------------------------------------------------------------

    def connack(self, answer: Connack | ConnectRefusedError) -> None:
        """The answer to CONNECT."""
        if self._connack.done():
            return
        if isinstance(answer, ConnectRefusedError):
            self._connack.set_exception(answer)
        else:
            self._connack.set_result(answer)

    def suback(self, packet: int, refusals: list[str | None]) -> None:
        """The answer to SUBSCRIBE."""
        answer = self._subscribing.get(packet)
        if answer is not None and not answer.done():
            answer.set_result(refusals)

    def puback(self, packet: int, refusal: PublishRefusedError | None) -> None:
        """The answer to PUBLISH; also where the publisher was cancelled and no longer waits, its place becomes free."""
        entry = self._publishing.pop(packet, None)
        if entry is None:
            return
        self._window.leave()
        acknowledged, _, number = entry
        if not acknowledged.done():
            if refusal is not None:
                acknowledged.set_exception(refusal)
            else:
                acknowledged.set_result(None)
        try:
            self._receipts.answered(number)
        except Exception as error:
            self._fault = error
            raise

    def message(self, incoming: Incoming, qos: int) -> None:
        """A PUBLISH from the broker."""
        try:
            self._receipts.arrived(incoming.packet_id, dup=incoming.dup)
            self._on_message(incoming, self._acknowledger(incoming.packet_id, qos))
        except Exception as error:
            self._fault = error  # no fault of what the broker sent: it must not be tried again
            raise

    def _acknowledger(self, packet: int, qos: int) -> Ack:
        puback = _Puback(packet, qos)
        if qos > 0:
            self._pubacks.append(puback)

        def ack(heard: Callable[[], None] | None = None) -> None:
            if not puback.is_due:  # packet ids are used again: a second PUBACK would be another message's
                puback.is_due, puback.heard = True, heard
                self._acknowledge()

        return ack

    def _acknowledge(self) -> None:
        """Send the PUBACKs whose turn it is."""
        while self._pubacks and self._pubacks[0].is_due and not self.ended.done():
            puback = self._pubacks.popleft()
            self._adapter.send_puback(puback.packet, puback.qos)
            if puback.heard is not None:
                self._receipts.acknowledged(puback.packet, puback.heard)

    def over(self, ending: Ending) -> None:
        """The connection ended: everybody who waits for something on it is told at once."""
        if self.ended.done():
            return
        failure = self._opened.stream.failure
        if failure is not None and ending.reason is None:
            by_broker = ending.by_broker and failure.errno in _CLOSED_THERE
            ending = Ending(f"{ending.text}: {failure.strerror or failure}", fault=ending.fault, by_broker=by_broker)
        self.ended.set_result(ending)
        self.detach()
        if self._tick is not None:
            self._tick.cancel()
        self._opened.stream.close()
        self._fail_all(ending)

    def _fail_all(self, ending: Ending) -> None:
        if not self._connack.done():
            kind = HungUpError if self._opened.stream.failure is None else BrokerUnreachableError
            self._connack.set_exception(kind(f"it ended the connection without an answer ({ending.text})"))
            self._connack.exception()  # counts as seen, also where nobody waits for it any more
        self._window.close(NotConnectedError("the connection to the broker ended before the message was sent"))
        lost = DisconnectedError("the connection to the broker ended before it acknowledged the message")
        waiting: list[asyncio.Future[Any]] = [entry[0] for entry in self._publishing.values()]
        for each in (*waiting, *self._subscribing.values()):
            if not each.done():
                each.set_exception(lost)

    # --- the event loop ---------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        self._attached = True
        self._loop.add_reader(self._descriptor, self._on_readable)
        self.watch_writable()
        if self._opened.stream.pending():
            self._read_soon()
        self._on_tick()

    def detach(self) -> None:
        """The stream is about to be closed."""
        if self._attached:
            self._attached = False
            self._loop.remove_reader(self._descriptor)
            self._loop.remove_writer(self._descriptor)

    def watch_writable(self) -> None:
        """There is something to write: it goes out with all else that is queued in this turn of the loop."""
        if not self._write_due and not self._watching:
            self._write_due = True
            self._write_due_since = self._loop.time()
            self._loop.call_soon(self._write)

    def _write(self) -> None:
        self._write_due = False
        if not self._attached:
            return
        blocked = self._guarded(self._adapter.write)
        if self._attached and bool(blocked) is not self._watching:
            self._watching = not self._watching
            if self._watching:
                self._loop.add_writer(self._descriptor, self._write)
            else:
                self._loop.remove_writer(self._descriptor)

    def _on_readable(self) -> None:
        if not self._read_due:  # else each turn of a flood would read once more than the turn before
            self._read()

    def _read_soon(self) -> None:
        self._read_due = True
        self._loop.call_soon(self._read)

    def _read(self) -> None:
        """Take all that has come, and send the PUBACKs before anything else has its turn."""
        self._read_due = False
        if self.ended.done():
            return
        if self._guarded(self._adapter.read):
            self._read_soon()
        if not self.ended.done() and self._adapter.has_unsent:
            self._write()
        elif not self.ended.done():
            self._opened.acknowledge_quickly()  # else what was written carries that

    def _on_tick(self) -> None:
        """The keep alive: a ping is due once nothing went for `keepalive`, and the broker waits half as long again."""
        self._guarded(self._adapter.loop_misc)
        oldest = min((since for _, since, _ in self._publishing.values()), default=math.inf)
        if self._loop.time() - oldest > PUBACK_PATIENCE:
            self.over(Ending(f"the broker acknowledged nothing for {PUBACK_PATIENCE:g} seconds", by_broker=True))
        if not self.ended.done():
            self._tick = self._loop.call_later(max(self._adapter.keepalive, 1) / 4, self._on_tick)

    def _guarded(self, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - paho raises anything at all on malformed bytes
            text = "a message could not be taken" if self._fault else "what the broker sent cannot be read"
            self.over(Ending(f"{text} ({type(error).__name__})", fault=self._fault))


def _not_connected() -> NotConnectedError:
    return NotConnectedError("there is no connection to the broker")


async def open_link(
    settings: Mqtt, opening: Opening, on_message: OnMessage, answer_within: float = ANSWER_TIMEOUT
) -> Link:
    """Connect. Raises BrokerUnreachableError, HungUpError or ConnectRefusedError."""
    opened = await open_stream(settings)
    link = Link(opened, opening, on_message)
    try:
        await link.connect(settings, answer_within)
    except (HungUpError, BrokerUnreachableError) as error:
        link.close()
        # Brokers hang up in order for many a reason: those are not asked again, but at a port that is one for TLS.
        in_order = isinstance(error, HungUpError) and (error.silent or link.ended.result().by_broker)
        suspected = not in_order or settings.effective_port in PORTS_OF_TLS
        if suspected and (words := await asyncio.to_thread(why_tls, settings)):
            error.args = (words,)  # of its kind as before: where the port speaks both, it tells which MQTT to try next
        raise
    except BaseException:
        link.close()
        raise
    return link
