"""The house of tests.system whose daemon has a page."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from aiohttp import ClientError, ClientSession

from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.system.house import Daemon, House, merged

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_NUMBERS = itertools.count(1)


class Home(House):
    """`url` is where the page stands; a number gets its SMS when a test has the provider deliver it."""

    def __init__(self, folder: Path, port: int, simulator: Mapping[str, Any]) -> None:
        super().__init__(folder, port, f"page/{next(_NUMBERS)}", simulator)
        self.web_port = free_port()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.web_port}/"

    async def begin(self, settings: Mapping[str, Any] | None = None, *, knows_nothing: bool = False) -> Daemon:
        """The daemon runs, and its page answers; `knows_nothing`: the provider tells it nothing."""
        web = {"web": {"enabled": True, "port": self.web_port}, "limits": {"double_press": 0}}
        self.settings = merged(web, settings or {})
        daemon = await (self.launch(self.settings) if knows_nothing else self.start(self.settings))
        await self.until_page()
        return daemon

    async def until_page(self) -> None:
        """Returns once the page's address answers."""
        async with asyncio.timeout(PATIENCE), ClientSession() as session:
            while not await _answers(session, f"{self.url}healthz"):  # noqa: ASYNC110 - nobody tells when a port opens
                await asyncio.sleep(0.02)

    @property
    def purchase(self) -> str:
        """The one purchase that was really made."""
        (only,) = self.sim.purchases
        return only

    @property
    def number(self) -> str:
        """Of that purchase, as it is shown everywhere."""
        return f"+{self.sim.purchases[self.purchase].phone}"


async def _answers(session: ClientSession, url: str) -> bool:
    try:
        async with session.get(url):
            return True
    except ClientError:
        return False
