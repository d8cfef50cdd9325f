"""From an HTTP request to a call of an endpoint, by the dialect's way of carrying parameters."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from shomare_mqtt.model import Endpoint
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.simulator.dialects import Carrier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from shomare_mqtt.simulator.dialects import Dialect

_PLACE = ("country", "operator")
NEEDED: Mapping[Endpoint, tuple[str, ...]] = {
    Endpoint.PROFILE: (),
    Endpoint.COUNTRIES: (),
    Endpoint.OPERATORS: (),
    Endpoint.APPLICATIONS: (),
    Endpoint.PRICES: _PLACE,
    Endpoint.PRICE: (*_PLACE, "application"),
    Endpoint.BUY: (*_PLACE, "application"),
    Endpoint.CHECK: ("purchase",),
    Endpoint.CANCEL: ("purchase",),
}
"""The parameters of each endpoint, in the order in which a path has them."""


class UnknownAddressError(Exception):
    """No such endpoint, or a path that this dialect does not have."""


class WrongMethodError(Exception):
    """GET where POST is due, or the other way round."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reached an endpoint. `parameters` are named as in NEEDED; what was missing or empty is not there."""

    endpoint: Endpoint
    token: str | None
    parameters: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether every parameter was sent."""
        return all(name in self.parameters for name in NEEDED[self.endpoint])


def endpoint_of(request: web.Request) -> Endpoint | None:
    """The endpoint that an address names, whatever follows it."""
    parts = _segments(request)
    return Endpoint(parts[1]) if len(parts) > 1 and parts[0] == "api" and parts[1] in set(Endpoint) else None


async def read_call(request: web.Request, dialect: Dialect) -> Call:
    """The call in a request. Raises UnknownAddressError and WrongMethodError."""
    endpoint = endpoint_of(request)
    if endpoint is None:
        raise UnknownAddressError
    carrier = dialect.buy if endpoint is Endpoint.BUY else dialect.parameters
    segments = _segments(request)[2:]
    _check_shape(segments, endpoint, carrier, dialect)
    if request.method != ("POST" if endpoint is Endpoint.BUY else "GET"):
        raise WrongMethodError
    if carrier is Carrier.PATH:
        sent = dict(zip(NEEDED[endpoint], segments, strict=False))
    else:
        sent = _renamed(await _readable(request, carrier), endpoint, dialect)
    known = {name: ascii_digits(value) for name, value in sent.items() if value}
    return Call(endpoint, request.headers.get("token") or None, known)


def _segments(request: web.Request) -> list[str]:
    """The path's parts, each decoded by itself, so that an id may hold a slash."""
    return [unquote(part) for part in request.rel_url.raw_path.strip("/").split("/")]


def _check_shape(segments: list[str], endpoint: Endpoint, carrier: Carrier, dialect: Dialect) -> None:
    wanted = len(NEEDED[endpoint]) if carrier is Carrier.PATH else 0
    if len(segments) > wanted or (len(segments) < wanted and not dialect.optional_segments):
        raise UnknownAddressError


async def _readable(request: web.Request, carrier: Carrier) -> Mapping[str, Any]:
    """What was sent outside the path; a body that cannot be read holds no parameters."""
    try:
        return await _outside_path(request, carrier)
    except (ValueError, LookupError, RecursionError):
        return {}


async def _outside_path(request: web.Request, carrier: Carrier) -> Mapping[str, Any]:
    if carrier is Carrier.QUERY:
        return request.query
    if carrier is Carrier.JSON:
        return await _json_object(request)
    if request.method == "POST":
        return await request.post()
    return await _form_of_get(request)


async def _json_object(request: web.Request) -> Mapping[str, Any]:
    if request.content_type != "application/json":
        return {}
    content = json.loads(await request.read())
    return content if isinstance(content, dict) else {}


async def _form_of_get(request: web.Request) -> Mapping[str, Any]:
    """`request.post()` reads no body of a GET."""
    if request.content_type != "application/x-www-form-urlencoded":
        return {}
    text = (await request.read()).decode("utf-8", "replace")
    return dict(parse_qsl(text))


def _renamed(sent: Mapping[str, Any], endpoint: Endpoint, dialect: Dialect) -> dict[str, str]:
    """Under the names of NEEDED; numbers as text, other types as if they were missing."""
    found = {name: sent.get(getattr(dialect.names, name)) for name in NEEDED[endpoint]}
    return {n: str(v) for n, v in found.items() if isinstance(v, str | int) and not isinstance(v, bool)}
