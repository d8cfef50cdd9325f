"""TLS on one side alone: whether that is why there is no connection, found out by asking the port once more.

A broker that gets what it does not understand hangs up without a word, whichever side speaks TLS. Nothing secret is
sent here, and nothing that a broker would act on. All of it blocks, so it runs in the loop's executor.
"""

from __future__ import annotations

import socket
import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shomare_mqtt.config.held import Mqtt

PORTS_OF_TLS = frozenset({8883, 8884, 8886, 8084, 8443, 443})
"""Ports that brokers have for TLS, by the register and by habit."""
_WITHIN = 3.0
"""Seconds for each step of asking."""
_CONNECT = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x0a\x00\x00"
"""MQTT 3.1.1's, clean and without a name: every broker answers it, be it with a no."""
_DISCONNECT = b"\xe0\x00"
_CONNACK = 0x20
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "UNEXPECTED_EOF_WHILE_READING", "EOF", "HTTP_REQUEST")
"""What OpenSSL calls it where what came is no TLS, or nothing came."""


def may_speak_no_tls(error: OSError) -> bool:
    """Whether a TLS handshake failed as it does at a port without TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False
    if isinstance(error, ssl.SSLError):
        return any(word in f"{error.reason} {error}" for word in _NO_TLS)
    return isinstance(error, ConnectionError)


def why_no_tls(settings: Mqtt, failure: str) -> str:
    """Half a sentence about a TLS handshake that failed: what was seen, and what to set."""
    port, kind = settings.effective_port, _kind(settings)
    way = f"set mqtt.tls.enabled = false, or mqtt.port to the broker's port with TLS{_usually(settings, 8883)}"
    if _answers_plainly(settings):
        return f"its port {port} speaks {kind} without TLS, and mqtt.tls.enabled is true: {way}"
    if port in PORTS_OF_TLS:
        return failure  # a broker that restarts, far more often than one that has no TLS there
    return f"{failure}. Its port {port} may be one without TLS: then {way}"


def why_tls(settings: Mqtt) -> str | None:
    """Half a sentence where a connection without TLS ended and the port speaks TLS; None where it does not."""
    if settings.transport == "unix" or settings.tls.enabled or not _shakes_hands(settings):
        return None
    way = f"set mqtt.tls.enabled = true, or mqtt.port to the broker's port without TLS{_usually(settings, 1883)}"
    return f"its port {settings.effective_port} speaks TLS, and mqtt.tls.enabled is false: {way}"


def _kind(settings: Mqtt) -> str:
    return "HTTP" if settings.transport == "websockets" else "MQTT"


def _usually(settings: Mqtt, port: int) -> str:
    return f" (usually {port})" if settings.transport == "tcp" and settings.effective_port != port else ""


def _answers_plainly(settings: Mqtt) -> bool:
    """Whether the port answers what it is asked without TLS."""
    asked = _CONNECT
    if settings.transport == "websockets":
        asked = f"HEAD / HTTP/1.1\r\nHost: {settings.host}\r\nConnection: close\r\n\r\n".encode()
    try:
        with socket.create_connection((settings.host, settings.effective_port), timeout=_WITHIN) as sock:
            sock.sendall(asked)
            answer = sock.recv(5)
            if settings.transport == "websockets":
                return answer.startswith(b"HTTP/")
            sock.sendall(_DISCONNECT)
            return answer[:1] == bytes([_CONNACK])
    except OSError:
        return False


def _shakes_hands(settings: Mqtt) -> bool:
    """Whether the port answers a TLS handshake, whatever certificate it shows and wants."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent, and nothing believed
    try:
        with (
            socket.create_connection((settings.host, settings.effective_port), timeout=_WITHIN) as sock,
            context.wrap_socket(sock, server_hostname=settings.host),
        ):
            return True
    except ssl.SSLError as error:
        return not may_speak_no_tls(error)
    except (OSError, ValueError):
        return False
