"""From an outcome to bytes on the wire, also the wrong ones that a fault asks for."""

from __future__ import annotations

import os
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from shomare_mqtt.simulator import exact
from shomare_mqtt.simulator.faults import Fault, FaultKind

if TYPE_CHECKING:
    from shomare_mqtt.simulator.dialects import Dialect
    from shomare_mqtt.simulator.endpoints import Outcome

_NOT_FOUND_PAGE = "<!DOCTYPE html><html><head><title>404</title></head><body><h1>404 | Not Found</h1></body></html>"
_FILTER_PAGE = (
    '<html><head><meta http-equiv="Content-Type" content="text/html; charset=windows-1256"><title>M5-6</title></head>'
    '<body><iframe src="http://10.10.34.35:80" style="width: 100%; height: 100%"></iframe></body></html>'
)


def not_found() -> web.Response:
    """The 404 of an address that does not exist: no JSON."""
    return web.Response(status=HTTPStatus.NOT_FOUND, text=_NOT_FOUND_PAGE, content_type="text/html")


def proper(outcome: Outcome, dialect: Dialect) -> web.Response:
    """The answer as the dialect writes it."""
    response = web.Response(
        status=outcome.status,
        body=_encoded(outcome, dialect),
        content_type=dialect.content_type,
        charset="utf-8",
    )
    if dialect.compressed:
        response.enable_compression()
    return response


def faulty(fault: Fault, outcome: Outcome | None, dialect: Dialect) -> web.Response:
    """The whole, wrong answer of a fault; `outcome` None where the call was not carried out."""
    match fault.kind:
        case FaultKind.HTML | FaultKind.HTML_AFTER:
            return web.Response(status=fault.status, text=_FILTER_PAGE, content_type="text/html")
        case FaultKind.FRAMEWORK_500 | FaultKind.FRAMEWORK_500_AFTER:
            status = HTTPStatus.INTERNAL_SERVER_ERROR
            return web.json_response({"message": "Server Error"}, status=status)
        case FaultKind.EMPTY:
            return web.Response(status=fault.status, content_type="application/json")
        case FaultKind.TOO_MANY:
            headers = {"Retry-After": str(fault.retry_after)}
            status = HTTPStatus.TOO_MANY_REQUESTS
            return web.json_response({"message": "Too Many Attempts."}, status=status, headers=headers)
        case FaultKind.REDIRECT:
            return web.Response(status=HTTPStatus.FOUND, headers={"Location": fault.location})
        case _:
            body = _encoded(outcome, dialect) if outcome else b""
            return web.Response(body=body[: len(body) // 2], content_type=dialect.content_type)


async def send(request: web.Request, response: web.StreamResponse) -> bool:
    """Write an answer. True where all of it was handed to a connection that still stood."""
    if _has_left(request):
        return False
    await response.prepare(request)
    await response.write_eof()
    return request.transport is not None and not request.transport.is_closing()


def _has_left(request: web.Request) -> bool:
    """Whether the client closed its end: the event loop may not have got round to telling."""
    if request.transport is None or request.transport.is_closing():
        return True
    connection: socket.socket | None = request.transport.get_extra_info("socket")
    if connection is None:
        return False
    try:
        descriptor = socket.socket(fileno=os.dup(connection.fileno()))
        with descriptor:
            return descriptor.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def cut_off(request: web.Request, outcome: Outcome, dialect: Dialect) -> web.StreamResponse:
    """Promise a whole answer, send half of it, and close."""
    body = _encoded(outcome, dialect)
    response = web.StreamResponse(headers={"Content-Type": dialect.content_type, "Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport is not None:
        request.transport.close()  # not aborted: the half is to arrive
    return response


def reset(request: web.Request) -> web.Response:
    """Close with a TCP reset; the answer returned goes nowhere."""
    transport = request.transport
    if transport is not None:
        connection: socket.socket | None = transport.get_extra_info("socket")
        if connection is not None:
            # Lingering for zero seconds makes close() send RST instead of FIN.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _encoded(outcome: Outcome, dialect: Dialect) -> bytes:
    return dialect.prefix + exact.dumps(outcome.body).encode()
