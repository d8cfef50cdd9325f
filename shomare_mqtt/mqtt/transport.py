"""A byte stream to the broker: TCP, TLS, a unix socket or a WebSocket, as `[mqtt]` says.

Opening blocks (name lookup, TLS), so it runs in the loop's executor; what comes out is non-blocking. paho could open
sockets itself, but leaves them open when a handshake fails, and loses packets that a WebSocket takes in part.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING, NamedTuple

from shomare_mqtt.config.certificates import show_certificate, trusting
from shomare_mqtt.mqtt.failures import BrokerUnreachableError
from shomare_mqtt.mqtt.secured import may_speak_no_tls, why_no_tls, why_tls
from shomare_mqtt.mqtt.streams import Stream
from shomare_mqtt.mqtt.websocket import WebSocketStream, shake_hands

if TYPE_CHECKING:
    from shomare_mqtt.config.held import Mqtt, Tls

OPEN_TIMEOUT = 5.0
"""Seconds for each address of the broker, and for each handshake."""

_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


class Opened(NamedTuple):
    """A stream that is connected; `tcp` is the socket below it where that is TCP."""

    stream: Stream
    tcp: socket.socket | None

    def acknowledge_quickly(self) -> None:
        """Have the kernel acknowledge what was read at once; it forgets this by itself (Linux, tcp(7))."""
        if self.tcp is not None and _QUICKACK is not None and self.tcp.fileno() >= 0:
            self.tcp.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


def address(settings: Mqtt) -> str:
    """The broker's address as log lines name it; never with the user name or password."""
    if settings.transport == "unix":
        return f"unix:{settings.path}"
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    where = f"{host}:{settings.effective_port}"
    if settings.transport == "websockets":
        return f"{'wss' if settings.tls.enabled else 'ws'}://{where}{web_path(settings)}"
    return where


def web_path(settings: Mqtt) -> str:
    """The path of the WebSocket, `/mqtt` unless set."""
    path = settings.path or "/mqtt"
    return path if path.startswith("/") else f"/{path}"


def manner(settings: Mqtt) -> str:
    """How one speaks to the broker, beside its address: `no TLS, no user name`."""
    secured = "TLS" if settings.tls.enabled else "no TLS"
    return f"{secured}, {'a user name' if settings.username else 'no user name'}"


async def open_stream(settings: Mqtt) -> Opened:
    """Connect to the broker. Raises BrokerUnreachableError.

    Cancelled, it returns at once, and a connection that is made after all is closed.
    """
    opening = asyncio.get_running_loop().run_in_executor(None, _open, settings)
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close_late)
        raise


def _close_late(opening: asyncio.Future[Opened]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().stream.close()


def _open(settings: Mqtt) -> Opened:
    try:
        context = tls_context(settings.tls) if settings.tls.enabled else None  # a broken file is said in any case
        sock = _unix(settings) if settings.transport == "unix" else _secured(_tcp(settings), context, settings)
    except (OSError, ValueError) as error:  # ValueError: a host that cannot be a name
        raise BrokerUnreachableError(explain(error)) from None
    try:
        return _dressed(sock, settings)
    except BaseException:
        sock.close()
        raise


def _dressed(sock: socket.socket, settings: Mqtt) -> Opened:
    """The stream over a connected socket, after the WebSocket's handshake where there is one."""
    try:
        stream = WebSocketStream(sock, shake_hands(sock, *_web(settings))) if _is_web(settings) else Stream(sock)
    except OSError as error:
        words = why_tls(settings) or f"the WebSocket handshake failed: {explain(error)}"
        raise BrokerUnreachableError(words) from None
    sock.settimeout(0)
    return Opened(stream, sock if sock.family in (socket.AF_INET, socket.AF_INET6) else None)


def _is_web(settings: Mqtt) -> bool:
    return settings.transport == "websockets"


def _web(settings: Mqtt) -> tuple[str, str]:
    return address(settings).split("://", 1)[1].split("/", 1)[0], web_path(settings)


def _unix(settings: Mqtt) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.settimeout(OPEN_TIMEOUT)
        sock.connect(settings.path or "")
    except BaseException:
        sock.close()
        raise
    return sock


def _tcp(settings: Mqtt) -> socket.socket:
    sock = socket.create_connection((settings.host, settings.effective_port), timeout=OPEN_TIMEOUT)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except BaseException:
        sock.close()
        raise
    return sock


def _secured(sock: socket.socket, context: ssl.SSLContext | None, settings: Mqtt) -> socket.socket:
    """The socket, after the TLS handshake where there is to be one. Raises OSError, BrokerUnreachableError."""
    if context is None:
        return sock
    try:
        # On failure the TLS socket closes itself, and it owns the descriptor by then.
        return context.wrap_socket(sock, server_hostname=settings.host)
    except OSError as error:
        sock.close()
        if may_speak_no_tls(error):
            raise BrokerUnreachableError(why_no_tls(settings, explain(error))) from None
        raise
    except BaseException:
        sock.close()
        raise


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Certificates are always verified, and the name in them. Raises BrokerUnreachableError naming the file."""
    try:
        context = trusting(tls.ca_file)
        if tls.cert_file is not None:
            show_certificate(context, tls.cert_file, tls.key_file)
    except ValueError as error:  # they were right when the settings were read
        raise BrokerUnreachableError(f"mqtt.tls: {error}") from None
    return context


def explain(error: Exception) -> str:
    """An error of the socket or TLS library in words."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its TLS certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error.strerror or 'no reason given'}"
        case socket.gaierror():
            return f"its name does not resolve ({error.strerror})"
        case TimeoutError():
            return f"no answer within {OPEN_TIMEOUT:g} seconds"
        case OSError(strerror=str(text)):
            return text
        case _:
            return str(error) or type(error).__name__
