"""A provider that says what it is told to: whatever an answer may hold, byte for byte."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Mapping

LISTS = {"allcountries": ("7", "Russia"), "alloperators": ("1", "Any"), "allapplications": ("3", "Telegram")}


class Parrot:
    """`says` holds by endpoint what is answered, JSON or text, with its HTTP status and headers; all others work.

    `base_url` is there once it is entered.
    """

    def __init__(self) -> None:
        self.says: dict[str, tuple[Any, int, Mapping[str, str]]] = {}
        self.base_url = ""
        self._sold = 0
        application = web.Application()
        application.router.add_route("*", "/api/{endpoint}{rest:.*}", self._answer)
        self._runner = web.AppRunner(application)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/api"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def say(self, endpoint: str, body: Any, status: int = 200, **headers: str) -> None:
        self.says[endpoint] = body, status, headers

    async def _answer(self, request: web.Request) -> web.Response:
        endpoint = request.match_info["endpoint"].split("/")[0]
        body, status, headers = self.says.get(endpoint) or (self._usual(endpoint), 200, {})
        text = body if isinstance(body, str) else json.dumps(body)
        kind = "text/html" if isinstance(body, str) else "application/json"
        return web.Response(text=text, status=status, headers=headers, content_type=kind)

    def _usual(self, endpoint: str) -> Any:
        if endpoint in LISTS:
            number, name = LISTS[endpoint]
            return {"status": True, "data": [{"id": number, "name": name}]}
        if endpoint == "buy":
            self._sold += 1
            return {"status": True, "data": {"id": 74000 + self._sold, "phone": f"+7931322{self._sold:04}"}}
        if endpoint == "check":
            return {"status": True, "data": {"status": "waiting", "sms": None}}
        if endpoint == "pricebyproduct":
            return {"status": True, "data": {"price": 2200, "count": 5}}
        if endpoint == "pricebycountry":
            return {"status": True, "data": [{"application": "3", "price": 2200, "count": 5}]}
        return {"status": True, "data": {"balance": 100_000}}
