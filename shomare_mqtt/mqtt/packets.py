"""What the ends of a connection tell each other, as plain data, and the size that a packet has on the wire."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

Version = Literal["5", "3.1.1"]
"""A version of MQTT, as the settings write it."""

LARGEST_TOPIC = 65535
"""Bytes of a topic name (MQTT 5, section 1.5.4)."""

_ABOUT_MESSAGES = frozenset({0x80, 0x81, 0x82, 0x83, 0x87, 0x90, 0x94, 0x95, 0x99, 0x9A, 0x9B})
"""Reasons of a DISCONNECT that a PUBLISH can be the cause of (MQTT 5, section 3.14.2.1)."""

_UNFIT = re.compile("[+#\0\ud800-\udfff]")

_VARINT_STEPS = (0x7F, 0x3FFF, 0x1F_FFFF)


@dataclass(frozen=True, slots=True)
class Publication:
    """A PUBLISH: `topic` is whole; `expiry` (whole seconds) and `correlation` travel over MQTT 5 alone."""

    topic: str
    payload: bytes = field(repr=False)
    retain: bool = False
    correlation: bytes | None = None
    expiry: int | None = None


class Opening(NamedTuple):
    """What a CONNECT says, less the credentials. `session_expiry`: seconds, over MQTT 5 alone."""

    protocol: Version
    client_id: str
    clean: bool
    session_expiry: int = 0
    will: Publication | None = None


class Connack(NamedTuple):
    """What a CONNACK said; sizes in bytes, None where nothing was said. `keep_alive`: seconds that the broker wants."""

    session_present: bool
    maximum_packet_size: int | None = None
    receive_maximum: int | None = None
    keeps_retained: bool = True
    maximum_qos: int = 2
    topic_aliases: int | None = None
    keep_alive: int | None = None


class Ending(NamedTuple):
    """How a connection ended. `reason`: that of the broker's DISCONNECT (MQTT 5); `fault`: what `on_message` raised.

    `by_broker`: the other side ended it, or kept an acknowledgement back for so long that we did.
    """

    text: str
    reason: int | None = None
    fault: Exception | None = None
    by_broker: bool = False

    @property
    def may_be_for_a_message(self) -> bool:
        """Whether a message of ours may be why: the broker ended it, and gave no reason that is another one."""
        return self.by_broker and (self.reason is None or self.reason in _ABOUT_MESSAGES)


def publish_size(publication: Publication, protocol: Version) -> int:
    """Bytes of the whole PUBLISH packet with QoS 1 (MQTT 5 and 3.1.1, section 3.3)."""
    rest = 2 + len(publication.topic.encode()) + 2 + len(publication.payload)
    if protocol == "5":
        properties = 0 if publication.expiry is None else 5
        properties += 0 if publication.correlation is None else 3 + len(publication.correlation)
        rest += _varint_size(properties) + properties
    return 1 + _varint_size(rest) + rest


def _varint_size(number: int) -> int:
    for size, largest in enumerate(_VARINT_STEPS, 1):
        if number <= largest:
            return size
    return len(_VARINT_STEPS) + 1


DEEPEST_TOPIC = 200
"""Levels of a topic; mosquitto ends the connection of whoever publishes to a deeper one."""


def topic_fault(topic: str) -> str | None:
    """Why nobody can publish to a topic, or None (MQTT 5, sections 1.5.4 and 4.7)."""
    if not topic:
        return "the topic is empty"
    if (unfit := _UNFIT.search(topic)) is not None:
        not_text = unfit[0] not in "+#\0" and not any(c in topic for c in "+#\0")
        return "the topic is not Unicode text" if not_text else "the topic holds a wildcard or a null character"
    if topic.count("/") >= DEEPEST_TOPIC:
        return f"the topic has more than {DEEPEST_TOPIC} levels"
    return None
