"""paho, and nothing but paho: its client set up as we need it, its types translated to ours.

The only module that imports it. A client lives for one connection, so that paho never sends anything again by itself:
what must not be lost lies in the outbox. paho opens no sockets here, and has no thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from shomare_mqtt.model import Incoming, Reply
from shomare_mqtt.mqtt.failures import ConnectRefusedError, PublishRefusedError
from shomare_mqtt.mqtt.packets import Connack, Ending, Opening, Publication

if TYPE_CHECKING:
    from collections.abc import Sequence

    from paho.mqtt.reasoncodes import ReasonCode

    from shomare_mqtt.mqtt.streams import Stream

RECEIVE_MAXIMUM = 100
"""Commands that the broker may send before we acknowledged the first: what a burst is worth in memory."""

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

    def unwatch_writable(self) -> None:
        """There is nothing to write any more."""

    def detach(self) -> None:
        """The stream is about to be closed."""


class Adapter(paho.Client):
    """A paho client over a stream that is open already; `loop_read`, `loop_write` and `loop_misc` drive it."""

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
        self.on_socket_unregister_write = lambda *_: listener.unwatch_writable()

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

    def send_publish(self, publication: Publication) -> int | None:
        """Queue a PUBLISH with QoS 1; its packet id, None once disconnected."""
        properties = self._publish_properties(publication) if self._mqtt5 else None
        code, packet = MQTTErrorCode.MQTT_ERR_QUEUE_SIZE, 0
        while code == MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:  # that packet id is in use: take the next
            info = self.publish(publication.topic, publication.payload, 1, publication.retain, properties)
            code, packet = info.rc, info.mid
        return packet if code == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def _publish_properties(self, publication: Publication) -> Any:
        properties = _properties(PacketTypes.PUBLISH)
        if publication.expiry is not None:
            properties.MessageExpiryInterval = publication.expiry
        if publication.correlation is not None:
            properties.CorrelationData = publication.correlation
        return properties

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
            )
        )

    def _tell_ending(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, _properties: Any) -> None:
        if flags.is_disconnect_packet_from_server:
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
