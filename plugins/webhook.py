"""Posts signed JSON to an address of yours.

    [plugins]
    enabled = ["webhook"]

    [plugins.webhook]
    url = "https://example.org/shomare"
    token_file = "/etc/shomare-mqtt/webhook-secret"   # the secret that signs; never sent
    events = ["code", "finished", "expired"]

The body is `{"event": "code", "id": "…", "order": {…}, "sms": {…}}`. Three headers go with it: `X-Shomare-Id` (the same
for a repetition), `X-Shomare-Timestamp` (seconds since 1970) and `X-Shomare-Signature`: `sha256=` and the HMAC-SHA256,
in hex, of the timestamp, a dot, and the body's bytes. A receiver compares it in constant time, refuses old timestamps,
and answers with 2xx; 408, 429 and 5xx are tried again for two hours.
"""

# ruff: noqa: TC001 - a plugin is a small file: blocks for type checkers alone would be half of it
from __future__ import annotations

import hashlib
import hmac
import json
import time
from http import HTTPStatus
from typing import Any

import aiohttp

from shomare_mqtt.model import Order, Profile, Sms
from shomare_mqtt.plugin import Api, PluginError, Retry, hookimpl
from shomare_mqtt.plugin.kit import Event, SecretOrFile, WebAddress, balance_fields, order_fields

_TIMEOUT = aiohttp.ClientTimeout(total=15)
_OF_SMS = ("sms", "code", "text", "sender")


class Settings(SecretOrFile):
    """`[plugins.webhook]`; `token` is the secret that signs."""

    url: WebAddress
    events: tuple[Event, ...] = ("code", "sms")


class Plugin:
    """The poster."""

    def __init__(self) -> None:
        self._api: Api
        self._settings: Settings

    @hookimpl
    def shomare_startup(self, api: Api) -> None:
        """Keeps what the other hooks need."""
        self._api, self._settings = api, api.settings

    @hookimpl
    async def shomare_sms_received(self, order: Order, sms: Sms) -> None:
        """An SMS; event `code` where it has one and that is chosen, else `sms`."""
        event = "code" if sms.code and "code" in self._settings.events else "sms"
        if event in self._settings.events:
            fields = order_fields(order, sms)
            about = {"order": _less(fields, _OF_SMS), "sms": _only(fields, _OF_SMS)}
            await self._post(event, f"{event}-{sms.sms}", about)

    @hookimpl
    async def shomare_order_changed(self, order: Order, previous: Order | None) -> None:
        """A state that the owner chose."""
        if order.state.value in self._settings.events:
            fields = order_fields(order, previous=previous)
            await self._post(order.state.value, f"{order.state.value}-{order.order}", {"order": fields})

    @hookimpl
    async def shomare_balance_changed(self, profile: Profile) -> None:
        """Another balance."""
        if "balance" in self._settings.events:
            await self._post("balance", f"balance-{time.time_ns()}", {"profile": balance_fields(profile)})

    async def _post(self, event: str, about: str, content: dict[str, Any]) -> None:
        body = json.dumps({"event": event, "id": about, **content}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json", "X-Shomare-Id": about, **self._signature(body)}
        try:
            async with self._api.http.post(
                self._settings.url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
            ) as answer:
                status, wait = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise Retry(f"cannot reach its address ({type(error).__name__}); tries again") from None
        _judge(status, float(wait) if wait.isascii() and wait.isdigit() else None)

    def _signature(self, body: bytes) -> dict[str, str]:
        stamp = str(int(time.time()))
        key = self._settings.token.get_secret_value().encode()
        digest = hmac.new(key, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return {"X-Shomare-Timestamp": stamp, "X-Shomare-Signature": f"sha256={digest}"}


def _judge(status: int, after: float | None) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:  # noqa: PLR2004
        raise Retry(f"got {status} from its address; tries again", after=after)
    raise PluginError(f"got {status} from its address, and does not try again")


def _only(fields: dict[str, str], names: tuple[str, ...]) -> dict[str, str | None]:
    return {name: fields[name] or None for name in names}


def _less(fields: dict[str, str], names: tuple[str, ...]) -> dict[str, str | None]:
    return {name: value or None for name, value in fields.items() if name not in names}
