"""`GET /healthz`: whether the daemon works (contract, section Web page). `GET /livez`: whether a restart would help."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence


def healthz(faults: Callable[[], Sequence[str]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The handler: 200 where there are no faults, 503 and their names else. For any application of this room."""

    async def handle(_: web.Request) -> web.Response:
        found = list(faults())
        return web.json_response(
            {"status": "fault", "faults": found} if found else {"status": "ok"},
            status=HTTPStatus.SERVICE_UNAVAILABLE if found else HTTPStatus.OK,
            headers={"Cache-Control": "no-store"},
        )

    return handle
