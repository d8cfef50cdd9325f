"""The page: its weight, and how soon a browser shows what the daemon knows, here and on a slow line."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.table import Row, figure
from tests.browser import paint

if TYPE_CHECKING:
    from tests.bench.table import Effort

FIRST_PICTURE = 500
"""Milliseconds that it may take here."""
CHROMIUM = "chromium"


def rows(effort: Effort) -> list[Row]:
    """The part of the table; the weight alone where there is no Chromium."""
    weight = paint.weight() / 1000
    heaviest = paint.HEAVIEST / 1000
    found = [Row("page, all files", "kB", figure([weight]), target=f"≤ {heaviest:.0f}", met=weight <= heaviest)]
    if shutil.which(CHROMIUM):
        found += asyncio.run(_shown(effort.rounds))
    return found


async def _shown(rounds: int) -> list[Row]:
    from playwright.async_api import async_playwright  # noqa: PLC0415 - the weight can be had without

    from tests.browser.home import Home  # noqa: PLC0415
    from tests.mosquitto import Mosquitto  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = await stack.enter_async_context(Mosquitto(folder))
        home = await stack.enter_async_context(Home(folder, broker.port, {"balance": paint.BALANCE}))
        await home.begin()
        playwright = await stack.enter_async_context(async_playwright())
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        program = shutil.which(CHROMIUM)
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        await stack.enter_async_context(browser)
        await paint.shown_after(browser, home)  # what the browser itself does once
        here = [await paint.shown_after(browser, home) * 1000 for _ in range(rounds)]
        slow = [await paint.shown_after(browser, home, paint.SLOW_LINE) for _ in range(rounds)]
    shown, target = figure(here), f"≤ {FIRST_PICTURE}"
    assert shown is not None
    return [
        Row("page, first picture with state", "ms", shown, target=target, met=shown.median <= FIRST_PICTURE),
        Row("page, the same at 20 kB/s", "s", figure(slow)),
    ]
