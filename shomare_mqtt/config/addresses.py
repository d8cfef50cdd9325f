"""Addresses as settings hold them: a host, a web address, a topic; and what to write where one cannot be.

What can never be reached has to be said at the start: a daemon that waits for such a broker looks as if it worked.
No message repeats a value, since a web address may hold a password.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import parse_qsl, unquote, urlsplit

_LONGEST_NAME = 253
"""Characters of a host's name (RFC 1035, 2.3.4)."""
_QUOTES = "\"'`“”„‘’«»"
_ALONE = "must be a name or an address alone"
_NO_HOST = (
    (re.compile(rf"[{_QUOTES}]"), f"{_ALONE}, without quotation marks in it"),
    (re.compile(r"://"), f"{_ALONE}: leave out what ends with ://, and write a port into the key port"),
    (re.compile(r"[][]"), f"{_ALONE}: write an IPv6 address without brackets, and a port into the key port"),
    (re.compile(r"@"), f"{_ALONE}: a user's name and password do not belong there"),
    (re.compile(r"[/\\?#]"), f"{_ALONE}, without a path"),
    (re.compile(r"\s"), f"{_ALONE}, without spaces"),
)
_WITH_PORT = re.compile(
    r"(?:(?P<scheme>[a-z]+)://)?(?P<name>[\w.-]+|\[[0-9a-fA-F:]+\])(?::(?P<port>\d{1,5}))?(?P<path>/[\w./-]*)?"
)
_OF_SCHEMES = {
    "mqtts": ["and enabled = true below [mqtt.tls]"],
    "ssl": ["and enabled = true below [mqtt.tls]"],
    "ws": ['transport = "websockets"'],
    "wss": ['transport = "websockets"', "and enabled = true below [mqtt.tls]"],
}
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_WEB = "must be an http:// or https:// address"
_NO_URL = re.compile(rf"[\s{_QUOTES}<>\\]")
_SHORTEST_SECRET = 8
_USER = re.compile(r"//[^/?#]*@")
"""The user's name and password in a web address, which may hold what the rest may not."""


def host(value: str) -> str:
    """A host's name or its address. Raises ValueError that says what to write instead."""
    if not value:
        raise ValueError("must not be empty")
    if wrong := next((what for pattern, what in _NO_HOST if pattern.search(value)), None):
        raise ValueError(wrong + _lines_instead(value))
    if ":" not in value:
        _check_name(value)
        return value
    try:
        ipaddress.IPv6Address(value)
    except ValueError:
        raise ValueError(f"{_ALONE}: write a port into the key port{_lines_instead(value)}") from None
    return value


def _lines_instead(value: str) -> str:
    """The lines to write for `mqtts://broker:8883`; nothing where there could be more in it, such as a password."""
    found = _WITH_PORT.fullmatch(value)
    if found is None or "@" in value or not (found["scheme"] or found["port"]):
        return ""
    try:
        name = host(found["name"].strip("[]"))
    except ValueError:
        return ""
    lines = [f'host = "{name}"', *([f"port = {int(found['port'])}"] if found["port"] else ())]
    if found["scheme"] in ("ws", "wss") and found["path"]:
        lines.append(f'path = "{found["path"]}"')
    lines += _OF_SCHEMES.get(found["scheme"] or "", [])
    return f" ({', '.join(lines)})"


def _check_name(value: str) -> None:
    """A name of labels, in any script, or an IPv4 address; a dot at the end is the root's (RFC 1034, 3.1)."""
    try:
        name = value.removesuffix(".").encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{_ALONE}, and no host can be called so") from None
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise ValueError(f"{_ALONE}, and no host can be called so")
    if labels[-1].isdigit():
        try:
            ipaddress.IPv4Address(value)
        except ValueError:
            four = "an IPv4 address has four numbers from 0 to 255, none with a zero in front"
            raise ValueError(f"{_ALONE}: {four}") from None


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address, or a name of it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.rstrip(".").lower() == "localhost"


def ip_address(value: str) -> str:
    """The value, where it is an IPv4 or IPv6 address. Raises ValueError."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise ValueError("must be an address such as 172.30.32.2, and no name") from None


def public_address(value: str) -> str:
    """The value, where it is a web address that may be shown to everybody. Raises ValueError."""
    web_address(value)
    if "@" in urlsplit(value).netloc or "?" in value:
        raise ValueError(f"{_WEB} without a user and without a query, since it is shown to others")
    return value


def web_address(value: str) -> str:
    """The value, where it is an http:// or https:// address. Raises ValueError."""
    if _NO_URL.search(_USER.sub("//", value, count=1)):
        raise ValueError(f"{_WEB}, without spaces and quotation marks in it")
    try:
        parts = urlsplit(value)
        wrong = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    except ValueError as error:
        raise ValueError(_WEB) from error
    if wrong:
        raise ValueError(_WEB if "://" in value else f"{_WEB}: it begins with https://, or http:// without TLS")
    if parts.netloc.endswith(":"):
        raise ValueError(f"{_WEB} with one http:// and nothing missing behind the colon")
    if "#" in value:
        raise ValueError(f"{_WEB} without a # in it")
    try:
        host(parts.hostname or "")
    except ValueError as error:
        raise ValueError(f"{_WEB}, and no host can be called so") from error
    return value


def secrets_of_query(address: str) -> set[str]:
    """What may be secret in an address's query: values as they are and as they are written, the short ones left out.

    A query such as `api_key=…` signs somebody in; one such as `format=json` must not mask a word of every text.
    """
    query = urlsplit(address).query
    pairs = (pair.partition("=") for pair in query.split("&"))
    written = {value if sign else name for name, sign, value in pairs}
    decoded = {unquote(value) for value in written} | {value for _, value in parse_qsl(query)}
    return {value for value in written | decoded if len(value) >= _SHORTEST_SECRET}


def topic(value: str) -> str:
    """A topic that others are made below. Raises ValueError."""
    if not value or value.startswith(("/", "$")) or value.endswith("/") or any(c in value for c in "+#"):
        raise ValueError("must be a topic without wildcards, with slashes only inside")
    if value != value.strip() or value[0] in _QUOTES or value[-1] in _QUOTES:
        raise ValueError("must be a topic without spaces or quotation marks at its ends")
    if any(map(_breaks_connections, value)):
        raise ValueError("must be a topic without control characters")
    return value


def _breaks_connections(character: str) -> bool:
    """Whether a broker may hang up for it (MQTT 5.0, 1.5.4: control characters and what is no character)."""
    code = ord(character)
    return unicodedata.category(character) in ("Cc", "Cs") or code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF  # noqa: PLR2004
