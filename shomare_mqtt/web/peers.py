"""Where a request comes from, and what a reverse proxy says of it: one on this machine is believed, and no other."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web


def plain_address(text: str | None) -> str | None:
    """An address as it is compared: without a zone, IPv4 within IPv6 as itself; None for what is none."""
    try:
        found = ipaddress.ip_address((text or "").strip().partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def peer_of(request: web.Request) -> str:
    """Whom wrong passwords are counted of.

    Behind a proxy on this machine it is what that one added: the last address of X-Forwarded-For that is not this
    machine's own. What stands before it the client wrote itself.
    """
    peer = plain_address(request.remote) or "unknown"
    if not _is_of_this_machine(peer):
        return peer
    named = [part for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
    for each in reversed(named):
        address = plain_address(each)
        if address is None:
            return peer
        if not _is_of_this_machine(address):
            return address
    return peer


def came_by_tls(request: web.Request) -> bool:
    """Whether a proxy on this machine says that the browser speaks TLS with it."""
    if not _is_of_this_machine(plain_address(request.remote) or ""):
        return False
    said = request.headers.getall("X-Forwarded-Proto", [""])[-1]
    return said.rpartition(",")[2].strip().lower() == "https"


def _is_of_this_machine(address: str) -> bool:
    return bool(address) and address != "unknown" and ipaddress.ip_address(address).is_loopback
