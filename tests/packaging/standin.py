"""A stand-in for Home Assistant's Supervisor: one real HTTP server, which tells where the broker is."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "supervisor-7d1e"
NOT_ENABLED = (400, {"result": "error", "message": "Service not enabled"})
"""What the Supervisor answers where no app serves a broker."""


@contextmanager
def supervisor(status: int, answer: Any) -> Iterator[str]:
    """Its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.headers.get("Authorization") == f"Bearer {TOKEN}" and self.path == "/services/mqtt"
            body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status if allowed else 403)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def service(**more: Any) -> tuple[int, dict[str, Any]]:
    """An answer that names a broker, as the Mosquitto app's."""
    data = {"addon": "core_mosquitto", "host": "core-mosquitto", "port": 1883, "ssl": False, "protocol": "3.1.1"}
    return 200, {"result": "ok", "data": data | more}
