"""What can go wrong between the broker and us; each `str(error)` is half a sentence for a log line, without secrets."""

from __future__ import annotations

UNSUPPORTED_PROTOCOL_VERSION = 0x84
SESSION_TAKEN_OVER = 0x8E
_PACKET_TOO_LARGE = 0x95
_QUOTA_EXCEEDED = 0x97

_UNEXPLAINED = frozenset({0x80, 0x83})
"""Unspecified error, implementation specific error (MQTT 5, section 3.4.2.1)."""

_CREDENTIALS = frozenset({0x86, 0x87, 0x8A, 0x8C})
"""Bad user name or password, not authorised, banned, bad authentication method (MQTT 5, section 3.2.2.2)."""

_IDENTIFIER = 0x85

_WILL = frozenset({0x87, 0x90, 0x99, 0x9A, 0x9B})
"""Not authorised, topic name invalid, payload format invalid, retain or QoS not supported."""


class LinkError(Exception):
    """Anything that keeps us from the broker, or that the broker refuses."""


class BrokerUnreachableError(LinkError):
    """No connection: the name does not resolve, nobody listens, TLS or the WebSocket handshake failed."""


class HungUpError(LinkError):
    """The connection was made, and ended without any answer to CONNECT; or it stayed `silent` until we gave up."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        super().__init__(text)
        self.silent = silent


class ConnectRefusedError(LinkError):
    """CONNACK said no. `reason` is the reason code of MQTT 5; return codes of 3.1.1 are translated to it."""

    def __init__(self, reason: int, name: str) -> None:
        super().__init__(f"it answered {name!r} (reason code {reason:#04x})")
        self.reason = reason
        self.name = name

    @property
    def is_protocol(self) -> bool:
        """Whether the broker refused this version of MQTT."""
        return self.reason == UNSUPPORTED_PROTOCOL_VERSION

    @property
    def is_credentials(self) -> bool:
        """Whether trying again soon is of no use: the user name, the password or the client id would have to change."""
        return self.reason in _CREDENTIALS or self.reason == _IDENTIFIER

    @property
    def may_mean_will(self) -> bool:
        """Whether it may be the last will that the broker refuses, and not the connection."""
        return self.reason in _WILL


class PublishError(LinkError):
    """A message that the broker did not take."""


class NotConnectedError(PublishError):
    """Nothing of the message was sent: there is no connection, or it ended while the message waited for its turn."""


class DisconnectedError(PublishError):
    """The connection ended after the message was sent and before its PUBACK: the broker may have it or not."""


class PublishRefusedError(PublishError):
    """PUBACK carries a reason code of failure (MQTT 5), or nobody can publish to such a topic (reason None)."""

    def __init__(self, text: str, reason: int | None = None) -> None:
        super().__init__(text if reason is None else f"the broker answered {text!r} (reason code {reason:#04x})")
        self.reason = reason

    @property
    def is_over_quota(self) -> bool:
        """Whether it was too much at once: the same message may be taken a while later."""
        return self.reason == _QUOTA_EXCEEDED

    @property
    def is_for_size(self) -> bool:
        """Whether it is larger than the broker takes, though it named no bound."""
        return self.reason == _PACKET_TOO_LARGE

    @property
    def may_pass(self) -> bool:
        """Whether it may be the broker's own trouble: it says no, and not what is wrong with the message."""
        return self.reason in _UNEXPLAINED


class HangsUpError(PublishRefusedError):
    """The broker ends the connection whenever this message is sent, and so refuses it.

    `others_carried`: whether it took other messages meanwhile; else it may be the broker that does not work. `closed`:
    seconds for which nothing is sent on that topic, so that this message was not tried; 0 where it was.
    """

    def __init__(self, text: str, *, others_carried: bool, closed: float = 0.0) -> None:
        super().__init__(text)
        self.others_carried = others_carried
        self.closed = closed


class TooLargeError(PublishError):
    """Not sent, since the packet has more bytes than the broker takes, or its topic. `size` and `limit` in bytes."""

    def __init__(self, size: int, limit: int, what: str = "packet") -> None:
        super().__init__(f"the {what} has {size} bytes, and the broker takes {limit}")
        self.size = size
        self.limit = limit
        self.is_for_topic = what == "topic"
