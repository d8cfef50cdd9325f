"""Our own cookie, whatever stands beside it: cookies know no ports, so browsers send those of other programs, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def cookie_of(request: web.Request, name: str) -> str:
    """What the cookie of a name holds; empty where there is none.

    Not aiohttp's own reading: up to 3.11 (Debian 13) it raises, or finds none at all, where another cookie is odd.
    """
    for header in request.headers.getall("Cookie", []):
        for pair in header.split(";"):
            key, _, value = pair.strip().partition("=")
            if key == name:
                return value.strip('"')
    return ""
