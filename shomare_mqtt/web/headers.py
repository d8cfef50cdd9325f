"""What every answer of the page tells the browser, errors too: scripts of our own files alone, in nobody's frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.web.permissions import API, Who
from shomare_mqtt.web.visits import VISIT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "media-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors {frames}"
)


def told_always(*, is_ingress: bool = False) -> dict[str, str]:
    """What stands with every answer, whatever was asked."""
    frames, old_frames = ("'self'", "SAMEORIGIN") if is_ingress else ("'none'", "DENY")
    return {
        "Content-Security-Policy": _CSP.format(frames=frames),
        "X-Frame-Options": old_frames,
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
        # With `no-referrer` a browser sends a form with `Origin: null`, which is another site's.
        "Referrer-Policy": "same-origin",
    }


def headers_told(*, is_ingress: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """For `on_response_prepare`, which also hears of errors and of streams, but not of what is no HTTP."""
    told = told_always(is_ingress=is_ingress)

    async def tell(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(told)
        response.headers.pop("Server", None)
        if request.path.startswith(API):
            response.headers["Cache-Control"] = "no-store"
            response.headers.update(_who(request))

    return tell


def _who(request: web.Request) -> dict[str, str]:
    """So that the page shows what its reader may do, and a way out where there is one; the doors do not rely on it."""
    visit = request.get(VISIT)
    if visit is None or visit.who is Who.ANYBODY:
        return {}
    return {"Shomare-Role": visit.who.name.lower(), "Shomare-Session": "no" if visit.session is None else "yes"}
