"""MQTT over WebSocket, the client's half (RFC 6455; MQTT 5, section 6): packets may lie across binary frames."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from typing import TYPE_CHECKING

from shomare_mqtt.mqtt.streams import Stream

if TYPE_CHECKING:
    import socket

_KEY_SUFFIX = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x2, 0x8, 0x9, 0xA
_FINAL = 0x80
_MASKED = 0x80
_MEDIUM, _LONG = 126, 127
_LARGEST_HEADERS = 16384
_SWITCHING_PROTOCOLS = "101"


def shake_hands(sock: socket.socket, host: str, path: str) -> bytes:
    """The opening handshake over a blocking socket; returns what the server sent after it. Raises OSError."""
    key = base64.b64encode(os.urandom(16))
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n"
    )
    sock.sendall(request.encode())
    head, rest = _read_head(sock)
    status, headers = _parse_head(head)
    if status != _SWITCHING_PROTOCOLS:
        raise ConnectionError(f"{path} answered with HTTP status {status or 'none'}")
    expected = base64.b64encode(hashlib.sha1(key + _KEY_SUFFIX, usedforsecurity=False).digest()).decode()
    if headers.get("sec-websocket-accept") != expected:
        raise ConnectionError("the server did not prove that it speaks WebSocket")
    return rest


def _read_head(sock: socket.socket) -> tuple[bytes, bytes]:
    received = b""
    while b"\r\n\r\n" not in received:
        data = sock.recv(4096)
        if not data or len(received) > _LARGEST_HEADERS:
            raise ConnectionError("the server closed the connection or does not speak HTTP")
        received += data
    head, _, rest = received.partition(b"\r\n\r\n")
    return head, rest


def _parse_head(head: bytes) -> tuple[str, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ", 2)
    status = parts[1] if len(parts) > 1 and parts[0].startswith("HTTP/") else ""
    pairs = (line.partition(":") for line in lines[1:])
    return status, {name.strip().lower(): value.strip() for name, _, value in pairs}


def frame(opcode: int, data: bytes | bytearray) -> bytearray:
    """One final frame, masked as a client's frames are (RFC 6455, section 5)."""
    size = len(data)
    head = bytearray([_FINAL | opcode])
    if size < _MEDIUM:
        head.append(_MASKED | size)
    elif size <= 0xFFFF:  # noqa: PLR2004 - two bytes
        head += struct.pack("!BH", _MASKED | _MEDIUM, size)
    else:
        head += struct.pack("!BQ", _MASKED | _LONG, size)
    mask = os.urandom(4)
    return head + mask + masked(data, mask)


def masked(data: bytes | bytearray, mask: bytes) -> bytes:
    """Each byte combined with the mask's; as one large number: a loop over megabytes would stop the event loop."""
    size = len(data)
    if not size:
        return b""
    repeated = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(data, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")


class WebSocketStream(Stream):
    """A stream whose bytes travel in binary frames; `early` is what came with the handshake's last bytes."""

    def __init__(self, sock: socket.socket, early: bytes) -> None:
        super().__init__(sock)
        self._raw = bytearray(early)
        self._unframed = bytearray()
        self._unpack()

    def queue(self, data: bytes | bytearray) -> None:
        """Have it sent by the next `flush`, in one frame with all that was queued since the last."""
        self._unframed += data

    def unsent(self) -> bool:
        """Whether something is queued."""
        return bool(self._unframed) or super().unsent()

    def flush(self) -> None:
        """Send what is queued, as far as the socket takes it. Raises OSError."""
        if self._unframed:
            self._outgoing += frame(_BINARY, self._unframed)
            self._unframed.clear()
        super().flush()

    def _fill(self) -> None:
        data = self._read()
        if not data:
            self.at_end = True
            return
        self._raw += data
        self._unpack()
        if not self.buffer and not self.at_end:
            raise BlockingIOError

    def _unpack(self) -> None:
        """Move the payload of every whole frame to the buffer."""
        while not self.at_end and (found := _next_frame(self._raw)) is not None:
            opcode, payload, size = found
            del self._raw[:size]
            self._take(opcode, payload)

    def _take(self, opcode: int, payload: bytes) -> None:
        if opcode in (_BINARY, _CONTINUATION):
            self.buffer += payload
        elif opcode == _PING:
            self._outgoing += frame(_PONG, payload)  # never inside the frame that is being sent
            super().flush()
        elif opcode != _PONG:  # closed, or text, which MQTT does not send
            self.at_end = True


def _next_frame(raw: bytearray) -> tuple[int, bytes, int] | None:
    """The first frame as opcode, payload, and its size in bytes with the header; None where it is not whole yet."""
    if len(raw) < 2:  # noqa: PLR2004 - the smallest header
        return None
    size, header = raw[1] & 0x7F, 2
    if size in (_MEDIUM, _LONG):
        width = 2 if size == _MEDIUM else 8
        header += width
        if len(raw) < header:
            return None
        size = int.from_bytes(raw[2:header], "big")
    if len(raw) < header + size:
        return None
    # A server must not mask (RFC 6455, section 5.1); one that does is not understood.
    opcode = _CLOSE if raw[1] & _MASKED else raw[0] & 0x0F
    return opcode, bytes(raw[header : header + size]), header + size
