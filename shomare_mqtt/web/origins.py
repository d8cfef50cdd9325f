"""Other sites cannot use the page: whose name a request asks for, and from whose page it was sent.

A browser tells both, and no site can have it lie: `Host` (against names that lead here by a stranger's DNS), `Origin`
and `Sec-Fetch-Site` (against a stranger's page that sends for its reader).
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from shomare_mqtt.config import held

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^\[\]:/?#@\s]+)(?::(?P<port>\d{1,5}))?")
_ORIGIN = re.compile(rf"(?P<scheme>https?)://(?P<host>{_HOST.pattern})", re.IGNORECASE)
_USUAL_PORTS = {"http": "80", "https": "443"}
_OURS = ("same-origin", "none")
"""What `Sec-Fetch-Site` says of our own page, and of what a person typed (Fetch Metadata, 2.4)."""
_ONLY_LOOK = ("GET", "HEAD")


class Host(NamedTuple):
    """A host as it stands in a header; `port` is empty where none stands there."""

    name: str
    port: str


def asked_for(request: web.Request) -> Host | None:
    """The `Host` of a request; None where there is none, several, one that cannot be, or the address names another."""
    named = request.headers.getall("Host", [])
    if len(named) != 1:
        return None
    host, of_address = _host(named[0]), _host(request.host)
    # `GET http://another.example/`: that one would count (RFC 9112, 3.2.2).
    return host if host is None or of_address is None or host.name == of_address.name else None


def is_known(host: Host | None, settings: held.Web) -> bool:
    """Whether people reach us by this host: an address, this machine's name, or one that the settings name."""
    if host is None:
        return False
    return _is_address(host.name) or host.name in (*_names_of_this_machine(), *_names_of(settings))


def is_of_another_site(request: web.Request, settings: held.Web, hosts: Iterable[Host | None]) -> bool:
    """Whether a browser says that it sends this for the page of somebody else; never so where it only looks.

    `hosts`: those that this request is for.
    """
    if request.method in _ONLY_LOOK:
        return False
    if any(said.strip().lower() not in _OURS for said in request.headers.getall("Sec-Fetch-Site", [])):
        return True
    return any(not _is_ours(said, settings, hosts) for said in request.headers.getall("Origin", []))


def forwarded_host(request: web.Request) -> Host | None:
    """The host that the browser asked Home Assistant for. No page of another site can have a browser write it."""
    return _host(request.headers.get("X-Forwarded-Host", ""))


def _is_ours(origin: str, settings: held.Web, hosts: Iterable[Host | None]) -> bool:
    found = _ORIGIN.fullmatch(origin.strip())
    host = _host(found["host"]) if found else None
    if found is None or host is None:
        return False
    if host.name in _names_of(settings):
        return True
    port = host.port or _USUAL_PORTS[found["scheme"].lower()]
    # A proxy may pass the name on without the port; where one stands there, another port is another program.
    return any(each is not None and each.name == host.name and each.port in ("", port) for each in hosts)


def _host(text: str) -> Host | None:
    found = _HOST.fullmatch(text.strip())
    return Host(_folded(found["name"]), found["port"] or "") if found else None


def _folded(name: str) -> str:
    """A name as it is compared: in small letters, in the form that browsers write, an IPv6 address in its short one."""
    if name.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(name[1:-1])}]"
        except ValueError:
            return name.lower()
    try:
        return name.rstrip(".").lower().encode("idna").decode("ascii")
    except UnicodeError:
        return name.lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _names_of_this_machine() -> tuple[str, ...]:
    """As it calls itself, and as other machines in the house call it (RFC 6762)."""
    whole = _folded(socket.gethostname())
    short = whole.partition(".")[0]
    return "localhost", whole, short, f"{short}.local"


def _names_of(settings: held.Web) -> tuple[str, ...]:
    of_url = urlsplit(settings.url).hostname if settings.url else None
    return tuple(_folded(name) for name in (*settings.allowed_hosts, of_url) if name)
