"""The socket as paho sees it: buffered, non-blocking, and keeping the error that ended it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

CHUNK = 65536


class Stream:
    """A connected socket behind two buffers, so that many packets are read, and sent, in one system call.

    Who waits for the socket to become readable must ask `pending()` first, as it reads ahead. `buffer` is what was read
    and not taken yet; `lent`: how many bytes of it `recv` may give away, None: all, and what comes. `is_open`: nobody
    closed it yet. `failure` is the error that ended it, which paho swallows.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._outgoing = bytearray()
        self._carried = 0
        self.buffer = bytearray()
        self.is_open = True
        self.at_end = False
        self.lent: int | None = None
        self.failure: OSError | None = None

    # --- reading ----------------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read once what is there, if anything; an error is the end, and stands in `failure`."""
        try:
            self._fill()
        except BlockingIOError:
            return
        except OSError:
            self.at_end = True

    def recv(self, size: int) -> bytes:
        """Up to `size` bytes; empty at the end. Raises BlockingIOError where there are none yet, or OSError."""
        if self.lent is not None:
            size = min(size, self.lent)
            self.lent -= size
            if not size:
                raise BlockingIOError
        elif not self.buffer and not self.at_end:
            self._fill()
        taken = bytes(self.buffer[:size])
        del self.buffer[:size]
        return taken

    def pending(self) -> bool:
        """Whether there is something to read that the socket itself no longer shows."""
        return bool(self.buffer) or self.at_end or self.hidden()

    def hidden(self) -> bool:
        """Whether TLS holds something that the socket itself no longer shows."""
        return isinstance(self._sock, ssl.SSLSocket) and self._sock.fileno() >= 0 and self._sock.pending() > 0

    # --- writing ----------------------------------------------------------------------------------------------------

    def queue(self, data: bytes | bytearray) -> None:
        """Have it sent by the next `flush`, behind all that was queued before."""
        self._outgoing += data

    def unsent(self) -> bool:
        """Whether something is queued."""
        return bool(self._outgoing)

    def flush(self) -> None:
        """Send what is queued, in one piece, as far as the socket takes it. Raises OSError."""
        while self._outgoing:
            try:
                sent = self._write(self._outgoing)
            except BlockingIOError:
                return
            del self._outgoing[:sent]

    def send(self, data: bytes | bytearray) -> int:
        """Returns len(data) once it is out; until then BlockingIOError, and the same data must come again.

        Raises OSError.
        """
        if not self._carried:
            self.queue(data)
            self._carried = len(data)
        self.flush()
        if self.unsent():
            raise BlockingIOError
        carried, self._carried = self._carried, 0
        return carried

    # --- the socket -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the socket."""
        self.is_open = False
        self._sock.close()

    def fileno(self) -> int:
        """The descriptor, -1 once closed."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:  # noqa: FBT001 - the name and form that paho calls
        """As of a socket."""
        self._sock.setblocking(flag)

    def _fill(self) -> None:
        data = self._read()
        self.buffer += data
        self.at_end = not data

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
