"""Who may do what on the page: one table, and nothing that is not in it is open (contract, Web page)."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web


class Who(IntEnum):
    """Each may what those before it may."""

    ANYBODY = 0
    VIEWER = 1
    OWNER = 2


PERMISSIONS: Mapping[tuple[str, str], Who] = {
    ("GET", "/healthz"): Who.ANYBODY,
    ("GET", "/login"): Who.ANYBODY,
    ("POST", "/login"): Who.ANYBODY,
    ("POST", "/logout"): Who.ANYBODY,  # whoever is signed out by then is told the same
    ("GET", "/"): Who.VIEWER,
    ("GET", "/{file}"): Who.VIEWER,
    ("GET", "/api/state"): Who.VIEWER,
    ("GET", "/api/events"): Who.VIEWER,
    ("GET", "/api/lately"): Who.VIEWER,
    ("POST", "/api/command/{topic}"): Who.OWNER,
    ("POST", "/api/doctor"): Who.OWNER,
}
"""By method and route, as the router names it (`resource.canonical`); a test compares it with the routes there are."""

_FILES = ("GET", "/{file}")
OPEN_FILES = frozenset({"login.css", "icon.svg"})
"""Of the page's files, `/{file}`, those that the form to sign in needs."""

API = "/api/"
"""Where programs ask: they are told 401, and never sent to a form."""


def needed(request: web.Request) -> Who:
    """Who may make this request. What is no route of the table is the owner's to send, and a viewer's to look for."""
    method = "GET" if request.method == "HEAD" else request.method
    resource = request.match_info.route.resource
    if resource is None:
        return Who.VIEWER if method == "GET" else Who.OWNER
    route = method, resource.canonical
    if route == _FILES and request.match_info.get("file") in OPEN_FILES:
        return Who.ANYBODY
    return PERMISSIONS.get(route, Who.OWNER)
