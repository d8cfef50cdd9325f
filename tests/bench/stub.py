"""`python -m tests.bench.stub`: the provider's API with fixed answers, as fast as asyncio answers at all.

It prints its port. It says nothing of what a call costs on the network: `/control/…` sets a delay. What it speaks is
the dialect `path` of the simulator; it checks neither tokens nor parameters, and sells whatever is asked for.

| `GET` | does |
| --- | --- |
| `/control/delay/20` | each call is answered after 20 ms from now on |
| `/control/hang/profile/5` | the next call of `profile` is answered after 5 s |
| `/control/sms/1` | `check` shows an SMS from now on; `/control/sms/0`: none |
| `/control/counts` | `{"profile": 3, …}`: how often each endpoint was called |
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LIFETIME = timedelta(seconds=1200)
FIRST_PURCHASE = 74001
CONTROL = "control"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_SMS = {"id": "1", "code": "31415", "text": "Your code is 31415", "sender": "Bench"}
_HEAD_END = b"\r\n\r\n"


def _answer(data: object) -> bytes:
    body = json.dumps({"status": True, "code": 200, "data": data}).encode()
    return _response(body)


def _response(body: bytes) -> bytes:
    """All but its first line and the time, which `_dated` puts before it."""
    head = f"Content-Type: application/json; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _dated(response: bytes) -> bytes:
    """With the time, which every server that has a clock says (RFC 9110, section 6.6.1): by it a lifetime is read."""
    return _first_lines(int(time.time())) + response


@lru_cache(maxsize=1)
def _first_lines(second: int) -> bytes:
    return f"HTTP/1.1 200 OK\r\nDate: {formatdate(second, usegmt=True)}\r\n".encode()


def _price(country: str, operator: str, application: str) -> bytes:
    """Written by hand: it is what is asked for most."""
    data = (
        f'{{"country": {country}, "operator": {operator}, "application": {application}, "price": 2200, "count": 566}}'
    )
    return _response(f'{{"status": true, "code": 200, "data": {data}}}'.encode())


def _after(span: timedelta) -> str:
    return f"{datetime.now(UTC) + span:%Y-%m-%dT%H:%M:%SZ}"


@dataclass
class Provider:
    """What is answered to whom; lists of that many entries, their ids counted from 1."""

    countries: int = 10
    operators: int = 5
    applications: int = 200
    delay: float = 0.0
    """Seconds."""
    hanging: dict[str, float] = field(default_factory=dict)
    """Endpoint to the seconds that its next call takes."""
    sms: bool = False
    expiries: dict[int, str] = field(default_factory=dict)
    """Of each purchase, from when it was made or first asked for."""
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        row = {"price": 2200, "count": 566}
        prices = [{"application": n, "name": f"Application {n}", **row} for n in range(1, self.applications + 1)]
        self._fixed = {
            "profile": _answer({"id": 1017, "name": "Bench", "balance": 1_000_000_000, "currency": "Toman"}),
            "allcountries": _answer(self._entries("Country", self.countries)),
            "alloperators": _answer(self._entries("Operator", self.operators)),
            "allapplications": _answer(self._entries("Application", self.applications)),
            "pricebycountry": _answer(prices),
        }
        self._made: dict[str, Callable[..., bytes]] = {
            "pricebyproduct": _price,
            "buy": self._buy,
            "check": self._check,
            "cancel": lambda purchase: _answer({"id": int(purchase), "status": "cancelled", "refund": 2200}),
        }

    def answer(self, endpoint: str, parameters: Iterable[str]) -> tuple[bytes, float]:
        """A response, which `_dated` completes, and after how many seconds it is to be sent."""
        self.counts[endpoint] += 1
        fixed = self._fixed.get(endpoint)
        delay = self.hanging.pop(endpoint, self.delay) if self.hanging else self.delay
        return (self._made[endpoint](*parameters) if fixed is None else fixed), delay

    def control(self, what: str, *values: str) -> bytes:
        """Do what the address says."""
        match what, values:
            case "delay", (milliseconds,):
                self.delay = float(milliseconds) / 1000
            case "hang", (endpoint, seconds):
                self.hanging[endpoint] = float(seconds)
            case "sms", (shown,):
                self.sms = shown == "1"
        return _response(json.dumps(self.counts).encode())

    def _entries(self, name: str, count: int) -> list[dict[str, object]]:
        return [{"id": n, "name": f"{name} {n}"} for n in range(1, count + 1)]

    def _buy(self) -> bytes:
        number = FIRST_PURCHASE + self.counts["buy"]
        expires = self.expiries.setdefault(number, _after(LIFETIME))
        times = {"created_at": _after(timedelta(0)), "expires_at": expires}
        return _answer({"id": number, "number": f"+7973{number:07}", "price": 2200, **times})

    def _check(self, purchase: str) -> bytes:
        number = int(purchase)
        expires = self.expiries.setdefault(number, _after(LIFETIME))
        state = "received" if self.sms else "waiting"
        return _answer({"id": number, "status": state, "expires_at": expires, "sms": [_SMS] if self.sms else []})


class Connection(asyncio.Protocol):
    """One client's connection, kept alive. Requests may come in pieces; they are answered in their order."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while (end := self._rest.find(_HEAD_END)) >= 0:
            head = self._rest[:end]
            length = _LENGTH.search(head)
            whole = end + len(_HEAD_END) + (int(length[1]) if length else 0)
            if len(self._rest) < whole:
                return
            self._rest = self._rest[whole:]
            self._request(head[: head.find(b"\r\n")].decode())

    def _request(self, line: str) -> None:
        _, target, _ = line.split(" ")
        _, house, endpoint, *parameters = target.split("/")
        if house == CONTROL:
            self._transport.write(_dated(self._provider.control(endpoint, *parameters)))
            return
        answer, delay = self._provider.answer(endpoint, parameters)
        if delay:
            asyncio.get_running_loop().call_later(delay, lambda: self._transport.write(_dated(answer)))
        else:
            self._transport.write(_dated(answer))


async def serve(provider: Provider) -> None:
    """Until the process is ended."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(provider), "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.stub")
    for name in ("countries", "operators", "applications"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Provider, name))
    asyncio.run(serve(Provider(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
