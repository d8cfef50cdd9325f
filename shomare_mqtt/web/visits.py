"""Who makes a request, as the doors found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from aiohttp import web

from shomare_mqtt.web.permissions import Who
from shomare_mqtt.web.viewer import seen_by_viewer

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.web.sessions import Session


class Visit(NamedTuple):
    """Who asks. `session` is None where nobody has to sign in, and where nobody did."""

    who: Who
    session: Session | None = None


VISIT: Any = web.RequestKey("visit", Visit) if hasattr(web, "RequestKey") else "shomare.visit"
"""Where a request holds its `Visit`: aiohttp before 3.14 takes a text for it, and later ones warn of that."""


def visit_of(request: web.Request) -> Visit:
    """Who makes a request that the doors let in."""
    visit: Visit = request[VISIT]
    return visit


def sees(request: web.Request) -> Callable[[str, bytes], bytes | None]:
    """What of a topic's payload whoever makes a request may see; None for nothing of it."""
    return everything if visit_of(request).who is Who.OWNER else seen_by_viewer


def everything(_topic: str, payload: bytes) -> bytes | None:
    """What the owner sees."""
    return payload
