"""One person with a browser: what is done on the page, by its visible words, and what must not go wrong meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request, WebError

_REPORT = (
    "document.addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective, e.blockedURI))"
)
"""Told before any script of the page's own: also what Chromium itself would not write down."""


class Person:
    """A browser context of its own: cookies, storage, language and light are this person's alone.

    What it writes to its console, scripts that fail, what the content security policy stopped, and requests to other
    hosts than that of `url` are faults, unless a test `expects` some: see `faults`.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context, self.url = context, url
        self._host = urlsplit(url).netloc
        self._expected: list[str] = []
        self._faults: list[str] = []
        context.on("console", self._said)
        context.on("weberror", self._failed)
        context.on("request", self._asked)

    def expects(self, *words: str) -> None:
        """What holds one of these is no fault, earlier or later: what the browser itself says of a lost connection."""
        self._expected += words

    @property
    def faults(self) -> Sequence[str]:
        """What went wrong so far."""
        return [each for each in self._faults if not any(word in each for word in self._expected)]

    async def opens(self, view: str = "") -> Page:
        """One more page of this person's, at a view."""
        page = await self.context.new_page()
        await page.add_init_script(_REPORT)
        await page.goto(f"{self.url}{f'#{view}' if view else ''}")
        return page

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self._faults.append(f"{message.type} on the console: {message.text} ({message.location.get('url')})")

    def _failed(self, error: WebError) -> None:
        self._faults.append(f"a script failed: {error.error}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self._host:
            self._faults.append(f"a request to another host: {request.url}")
