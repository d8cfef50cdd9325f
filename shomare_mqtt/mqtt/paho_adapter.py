"""paho, and nothing but paho: its client set up as we need it, its types translated to ours.

The only module that imports it. A client lives for one connection, so that paho never sends anything again by itself:
what must not be lost lies in the outbox. paho opens no sockets here, and has no thread. What we publish, messages that
come without properties, and all PUBACKs pass beside it: it takes a tenth of a millisecond for each.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from shomare_mqtt.model import Incoming, Reply
from shomare_mqtt.mqtt.failures import ConnectRefusedError, PublishRefusedError
from shomare_mqtt.mqtt.packets import Connack, Ending, Opening, Publication
from shomare_mqtt.mqtt.plain import (
    DISCONNECT,
    PUBACK,
    PUBLISH,
    TYPE,
    MalformedError,
    first_packet,
    puback_packet,
    publish_packet,
    read_puback,
    read_publish,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shomare_mqtt.mqtt.streams import Stream

RECEIVE_MAXIMUM = 5000
"""Commands that the broker may send before we acknowledged the first. mosquitto keeps 1,000 more for us and drops what
goes beyond, told nobody: of a burst all that fits comes here, and is answered at least with `busy`; a kilobyte each."""

_PACKETS_AT_ONCE = 256
"""Packets that are taken before others have their turn; more than mosquitto sends unless they are acknowledged."""

_FIRST_ID, _LAST_ID = 0x8000, 0xFFFF
"""Packet ids of what passes beside paho, which counts its own from 1: a few for each connection."""

_FAILURE = 0x80
"""The first reason code that says no (MQTT 5, section 2.4)."""

_SUBSCRIBE = SubscribeOptions(qos=1, retainAsPublished=True)


class Listener(Protocol):
    """Who is told what happens. paho holds a lock meanwhile: nothing here may have paho close its socket."""

    def connack(self, answer: Connack | ConnectRefusedError) -> None:
        """The answer to CONNECT."""

    def suback(self, packet: int, refusals: list[str | None]) -> None:
        """The answer to SUBSCRIBE: for each filter the reason of a refusal, or None."""

    def puback(self, packet: int, refusal: PublishRefusedError | None) -> None:
        """The answer to PUBLISH."""

    def message(self, incoming: Incoming, qos: int) -> None:
        """A PUBLISH from the broker."""

    def over(self, ending: Ending) -> None:
        """The connection ended, on whichever side."""

    def watch_writable(self) -> None:
        """There is something to write."""

    def detach(self) -> None:
        """The stream is about to be closed."""


class Adapter(paho.Client):
    """A paho client over a stream that is open already; `read`, `write` and `loop_misc` drive it."""

    def __init__(self, stream: Stream, opening: Opening, listener: Listener) -> None:
        mqtt5 = opening.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=opening.client_id,
            clean_session=None if mqtt5 else opening.clean,
            protocol=paho.MQTTv5 if mqtt5 else paho.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=True,
        )
        self._stream = stream
        self._opening = opening
        self._mqtt5 = mqtt5
        self._listener = listener
        self._last_id = _LAST_ID
        self._is_behind = False
        self._parting: int | None = None
        self._unacknowledged: set[int] = set()
        self.max_inflight_messages_set(0)  # none held back here: our own window rules
        self._set_callbacks(listener)

    def _set_callbacks(self, listener: Listener) -> None:
        self.on_connect = self._tell_connack
        self.on_disconnect = self._tell_ending
        self.on_subscribe = self._tell_suback
        self.on_publish = self._tell_puback
        self.on_message = self._tell_message
        self.on_socket_close = lambda *_: listener.detach()
        self.on_socket_register_write = lambda *_: listener.watch_writable()

    def _create_socket(self) -> paho.SocketLike:
        return self._stream

    def send_connect(self, keepalive: int, username: str | None, password: str | None) -> None:
        """Queue the CONNECT packet."""
        if username is not None or password is not None:
            self.username_pw_set(username or "", password)
        if (will := self._opening.will) is not None:
            self.will_set(will.topic, will.payload, qos=1, retain=will.retain)
        self.connect("the stream is open already", keepalive=keepalive, **self._connect_arguments())
        if self.socket() is not self._stream:
            raise RuntimeError("paho opened a socket of its own")  # and nothing, no password, was sent on it yet

    def _connect_arguments(self) -> dict[str, Any]:
        """A clean connection has no properties: brokers of 3.1.1 that read on then see the version, and say so."""
        if not self._mqtt5:
            return {}
        properties = _properties(PacketTypes.CONNECT)
        if not self._opening.clean:
            properties.SessionExpiryInterval = self._opening.session_expiry
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
        return {"clean_start": self._opening.clean, "properties": properties}

    def send_subscribe(self, filters: Sequence[str]) -> int | None:
        """Queue a SUBSCRIBE with QoS 1, over MQTT 5 with retain as published; its packet id, None once disconnected."""
        wanted: list[Any] = [(each, _SUBSCRIBE if self._mqtt5 else 1) for each in filters]
        return self.subscribe(wanted)[1]

    def send_publish(self, publication: Publication) -> int:
        """Queue a PUBLISH with QoS 1; its packet id."""
        packet = self._last_id
        while packet == self._last_id or packet in self._unacknowledged:
            packet = packet + 1 if packet < _LAST_ID else _FIRST_ID
        self._last_id = packet
        self._unacknowledged.add(packet)
        self._queue(publish_packet(publication, packet, self._opening.protocol))
        return packet

    def send_puback(self, packet: int, qos: int) -> None:
        """Queue the acknowledgement of a message that came."""
        if qos == 1:
            self._queue(puback_packet(packet))
        else:
            self.ack(packet, qos)

    def _queue(self, packet: bytes) -> None:
        self._stream.queue(packet)
        self._listener.watch_writable()

    def _publish_properties(self, publication: Publication) -> Any:
        properties = _properties(PacketTypes.PUBLISH)
        if publication.expiry is not None:
            properties.MessageExpiryInterval = publication.expiry
        if publication.correlation is not None:
            properties.CorrelationData = publication.correlation
        return properties

    # --- reading and writing ----------------------------------------------------------------------------------------

    def read(self) -> bool:
        """Read once, and take the packets that have come; whether some are left, since others are to have their turn.

        Raises what the listener raises, and anything at all on malformed bytes.
        """
        if not self._is_behind:  # else a broker that sends faster than we take would fill the memory
            self._stream.read()
        self._is_behind = False
        for _ in range(_PACKETS_AT_ONCE):
            if not self._take_packet():
                return self._stream.hidden()
        self._is_behind = True
        return True

    def _take_packet(self) -> bool:
        """Take the first packet of those that were read; whether there was one."""
        stream = self._stream
        try:
            start, end = first_packet(stream.buffer)
        except MalformedError:
            self.loop_read()  # ends the connection
            return False
        if end:
            if not self._take_plain(start, end):
                stream.lent = end
                self.loop_read()
                stream.lent = None
        elif stream.at_end:
            self.loop_read()
        return bool(end) and stream.is_open

    def _take_plain(self, start: int, end: int) -> bool:
        """Take a packet, if it is one that passes beside paho."""
        buffer = self._stream.buffer
        kind = buffer[0] & TYPE
        if kind == PUBLISH and (read := read_publish(buffer, start, end, self._opening.protocol)) is not None:
            del buffer[:end]
            self._listener.message(*read)
            return True
        if kind == PUBACK and (answer := read_puback(buffer, start, end, self._opening.protocol)) is not None:
            packet, reason = answer
            if packet in self._unacknowledged:
                del buffer[:end]
                self._unacknowledged.remove(packet)
                self._listener.puback(packet, _refusal(reason))
                return True
        if kind == DISCONNECT and self._mqtt5 and end > start:
            self._parting = buffer[start]
        return False

    def write(self) -> bool:
        """Send what waits; whether some is left that the socket does not take yet."""
        if self.want_write():
            self.loop_write()
        try:
            if self._stream.is_open:
                self._stream.flush()
        except OSError:
            while self.read():  # a DISCONNECT that came with the end says why, and whether to come back at all
                pass
            self._listener.over(Ending("the connection broke", by_broker=True))
        return self._stream.is_open and self.has_unsent

    @property
    def has_unsent(self) -> bool:
        """Whether there is something to write."""
        return self._stream.unsent() or self.want_write()

    # --- what paho tells, in our words ------------------------------------------------------------------------------

    def _tell_connack(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        if reason.is_failure:
            self._listener.connack(ConnectRefusedError(reason.value, str(reason)))
            return
        self._listener.connack(
            Connack(
                session_present=flags.session_present,
                maximum_packet_size=getattr(properties, "MaximumPacketSize", None),
                receive_maximum=getattr(properties, "ReceiveMaximum", None),
                keeps_retained=bool(getattr(properties, "RetainAvailable", 1)),
                maximum_qos=getattr(properties, "MaximumQoS", 2),
                topic_aliases=getattr(properties, "TopicAliasMaximum", None),
                keep_alive=getattr(properties, "ServerKeepAlive", None),
            )
        )

    def _tell_ending(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
            reason = _parting(self._parting, reason)
            text = f"the broker said {str(reason)!r} (reason code {reason.value:#04x})"
            self._listener.over(Ending(text, reason.value, by_broker=True))
        elif str(reason) == "Keep alive timeout":
            self._listener.over(Ending("the broker no longer answers"))
        else:
            self._listener.over(Ending("the connection broke", by_broker=True))

    def _tell_suback(self, _client: Any, _data: Any, packet: int, reasons: list[ReasonCode], _properties: Any) -> None:
        self._listener.suback(packet, [str(reason) if reason.is_failure else None for reason in reasons])

    def _tell_puback(self, _client: Any, _data: Any, packet: int, reason: ReasonCode, _properties: Any) -> None:
        refusal = PublishRefusedError(str(reason), reason.value) if reason.is_failure else None
        self._listener.puback(packet, refusal)

    def _tell_message(self, _client: Any, _data: Any, message: paho.MQTTMessage) -> None:
        try:
            incoming = _incoming(message)
        except UnicodeDecodeError:
            self.ack(message.mid, message.qos)  # no topic of ours, and the broker would send it for ever
            return
        self._listener.message(incoming, message.qos)


def _properties(packet_type: int) -> Any:
    return Properties(packet_type)  # type: ignore[no-untyped-call]  # paho leaves this class without types


def _parting(said: int | None, reason: ReasonCode) -> ReasonCode:
    """The reason of a DISCONNECT: paho before 2.2, Debian 13's, overlooks one behind which no properties follow."""
    with suppress(KeyError, ValueError):  # as paho says that it knows none
        if said is not None and said != reason.value:
            return ReasonCode(PacketTypes.DISCONNECT, identifier=said)
    return reason


def _refusal(reason: int) -> PublishRefusedError | None:
    """What the reason code of a PUBACK says; success has several."""
    return None if reason < _FAILURE else PublishRefusedError(_name(reason), reason)


def _name(reason: int) -> str:
    """Brokers answer with more than the standard has for a PUBACK: mosquitto with Packet too large, of a DISCONNECT."""
    for kind in (PacketTypes.PUBACK, PacketTypes.DISCONNECT):
        with suppress(KeyError, ValueError):  # as paho says that it knows none
            return str(ReasonCode(kind, identifier=reason))
    return "an unknown reason"


def _incoming(message: paho.MQTTMessage) -> Incoming:
    properties = message.properties
    expiry = getattr(properties, "MessageExpiryInterval", None)
    topic = getattr(properties, "ResponseTopic", None)
    return Incoming(
        topic=message.topic,
        payload=bytes(message.payload),
        retain=bool(message.retain),
        dup=bool(message.dup),
        packet_id=message.mid,
        reply=None if topic is None else Reply(topic, getattr(properties, "CorrelationData", None)),
        expiry=None if expiry is None else float(expiry),
    )
