"""The page: its weight, and how soon a browser shows what the daemon knows, here and on a slow line."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from tests.bench.table import Row, figure
from tests.browser import paint
from tests.browser.home import Home
from tests.mosquitto import Mosquitto

if TYPE_CHECKING:
    from tests.bench.table import Effort

FIRST_PICTURE = 500
"""Milliseconds that it may take here."""
CHROMIUM = "chromium"


def rows(effort: Effort) -> list[Row]:
    """The part of the table; nothing where there is no Chromium."""
    return asyncio.run(_measured(effort.rounds)) if shutil.which(CHROMIUM) else []


async def _measured(rounds: int) -> list[Row]:
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
        sizes = [sum((await paint.weight(browser, home, locale)).values()) / 1000 for locale in ("en-GB", "fa-IR")]
    shown, target, heaviest = figure(here), f"≤ {FIRST_PICTURE}", paint.HEAVIEST / 1000
    assert shown is not None
    return [
        Row("page, all of it", "kB", figure(sizes), target=f"≤ {heaviest:.0f}", met=max(sizes) <= heaviest),
        Row("page, first picture with state", "ms", shown, target=target, met=shown.median <= FIRST_PICTURE),
        Row("page, the same at 20 kB/s", "s", figure(slow)),
    ]
