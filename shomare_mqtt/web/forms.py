"""The form to sign in as it comes in: anybody may send one, so few are waited for, and none for long."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from aiohttp import ClientError, web

LARGEST_FORM = 16 * 1024
"""Bytes of a form with a password in it."""
MOST_COMING = 20
"""Forms that are waited for at a time. A browser sends one whole; whoever dawdles must not take the connections that
those who are signed in need."""
_WITHIN = 10.0
"""Seconds that a form may take to come."""
_NOT_COME = "The form did not come.\n"
_FORM = "application/x-www-form-urlencoded"


class Forms:
    """Those that are on their way: where they are too many, the one that takes longest is given up for a new one."""

    def __init__(self) -> None:
        self._coming: list[asyncio.Timeout] = []

    async def password_in(self, request: web.Request) -> str:
        """The form's. Raises HTTPException for what is no form of ours, or does not come."""
        if request.content_type != _FORM:
            raise web.HTTPUnsupportedMediaType(text=f"A form is sent as {_FORM}.\n")
        if (request.content_length or 0) > LARGEST_FORM:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FORM, request.content_length or 0)
        body = await self._body(request)
        if len(body) > LARGEST_FORM:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FORM, len(body))
        return parse_qs(body.decode(errors="replace"), keep_blank_values=True).get("password", [""])[0]

    async def _body(self, request: web.Request) -> bytes:
        self._make_room()
        limit = asyncio.timeout(_WITHIN)
        try:
            async with limit:
                self._coming.append(limit)
                return await request.read()
        except TimeoutError:
            raise web.HTTPRequestTimeout(text=_NOT_COME) from None
        except (ConnectionError, ClientError, web.RequestPayloadError):  # a stranger's, and no fault of ours
            raise web.HTTPBadRequest(text=_NOT_COME) from None
        finally:
            if limit in self._coming:
                self._coming.remove(limit)

    def _make_room(self) -> None:
        if len(self._coming) < MOST_COMING:
            return
        longest = self._coming.pop(0)
        if not longest.expired():
            longest.reschedule(asyncio.get_running_loop().time())
