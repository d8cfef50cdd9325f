"""Whom the page is open to."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from shomare_mqtt.config.addresses import is_loopback
from shomare_mqtt.doctor.finding import good, unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config import Settings, Web
    from shomare_mqtt.doctor.finding import Finding


def of_web(settings: Settings) -> Iterator[Finding]:
    """Who reaches the page, and what they may do there; nothing where there is none."""
    web = settings.web
    if not web.enabled:
        return
    yield _of_page(web)
    if web.ingress_port:
        yield good(
            "ingress",
            f"port {web.ingress_port} lets in Home Assistant at {web.ingress_peer} alone, and asks it for no password: "
            "whoever may open this app's page there may buy",
        )


def _of_page(web: Web) -> Finding:
    place = f"port {web.port} of {web.host}"
    if web.password is None:
        said = f"{place} can be reached from this machine alone, and asks for no password"
        if web.url is not None and not is_loopback(urlsplit(web.url).hostname or ""):
            said = f"{said}, and yet people come by {web.url}: whoever reaches that may buy, unless a proxy asks them"
            return unknown("web page", said, "set web.password")
        return good("web page", f"{said}: every user and every program of this machine may buy there")
    said = f"{place} lets in whoever knows the password{_viewers(web)}"
    if is_loopback(web.host) or (web.url or "").startswith("https:"):
        return good("web page", said)
    said = f"{said}; without TLS, which would keep passwords and codes from whoever listens in the network"
    return unknown("web page", said, "put a reverse proxy with TLS before it, and set web.url and web.host = 127.0.0.1")


def _viewers(web: Web) -> str:
    if web.viewer_password is None:
        return ""
    return ", and with the viewer's password whoever may see orders without codes, and send nothing"
