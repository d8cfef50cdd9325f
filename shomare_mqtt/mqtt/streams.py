"""The socket as paho sees it: buffered, non-blocking, and keeping the error that ended it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

CHUNK = 65536


class Stream:
    """A connected socket behind a buffer, so that paho's reads of single bytes cost no system calls.

    `failure` is the error that ended it, which paho swallows. It reads ahead, so who waits for the socket to become
    readable must ask `pending()` first.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = bytearray()
        self._at_end = False
        self.failure: OSError | None = None

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end. Raises BlockingIOError where there are none yet, or OSError."""
        if not self._buffer and not self._at_end:
            self._fill()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def send(self, data: bytes | bytearray) -> int:
        """Returns how many bytes were taken. Raises BlockingIOError or OSError."""
        return self._write(data)

    def pending(self) -> bool:
        """Whether there is something to read that the socket itself no longer shows."""
        return bool(self._buffer) or self._at_end or self._hidden()

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the name and form that paho calls
        """As of a socket."""
        self._sock.setblocking(flag)

    def _hidden(self) -> bool:
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.fileno() >= 0 and self._sock.pending() > 0

    def _fill(self) -> None:
        data = self._read()
        self._buffer += data
        self._at_end = not data

    def _read(self) -> bytes:
        try:
            return self._sock.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except BlockingIOError:
            raise
        except OSError as error:
            self.failure = error
            raise

    def _write(self, data: bytes | bytearray) -> int:
        try:
            return self._sock.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise BlockingIOError from None
        except BlockingIOError:
            raise
        except OSError as error:
            self.failure = error
            raise
