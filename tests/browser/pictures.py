"""Every view, light, dark, on a phone and in Persian: `python -m tests.browser.pictures [FOLDER] [--whole]`.

They are what a browser shows of a house that was lived in (see furnishing.py). `--whole` has each page to its end, for
whoever looks for what is ugly.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.async_api import async_playwright

from tests.browser.furnishing import furnish
from tests.browser.home import Home
from tests.browser.looks import VIEWS
from tests.mosquitto import Mosquitto

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

FOLDER = Path(__file__).parents[2] / "docs" / "images" / "page"
QUALITY = 80
"""Of WebP, up to 100."""
_DESK = {"viewport": {"width": 1000, "height": 720}}
_PHONE = {"viewport": {"width": 360, "height": 740}, "device_scale_factor": 1.5, "has_touch": True}
KINDS: dict[str, dict[str, Any]] = {
    "light": {**_DESK, "locale": "en-GB", "color_scheme": "light"},
    "dark": {**_DESK, "locale": "en-GB", "color_scheme": "dark"},
    "phone": {**_PHONE, "locale": "en-GB", "color_scheme": "light"},
    "persian": {**_PHONE, "locale": "fa-IR", "color_scheme": "dark"},
}
_WISH = """localStorage.setItem("shomare.wish",
    JSON.stringify({application: ["3"], country: ["7", "16"], operator: ["1", "2"]}))"""
"""What was chosen before the picture is taken."""
PASSWORD = "a password for a picture"


async def take(folder: Path, *, whole: bool) -> None:
    """All pictures, from a house of their own."""
    async with AsyncExitStack() as stack:
        there = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = await stack.enter_async_context(Mosquitto(there))
        home = await stack.enter_async_context(Home(there, broker.port, {}))
        await home.begin({"limits": {"max_spend_per_day": 60_000}, "provider": {"timezone": "Asia/Tehran"}})
        await furnish(home)
        playwright = await stack.enter_async_context(async_playwright())
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        program = shutil.which("chromium")
        browser = await playwright.chromium.launch(executable_path=program, args=arguments)
        await stack.enter_async_context(browser)
        for view in VIEWS:
            await _each_kind(browser, f"{home.url}#{view}", folder, view, whole=whole)
        await _each_kind(browser, f"{home.url}#now", folder, "code", whole=whole, at="article:has(.code)")
        await home.again({**home.settings, "web": {**home.settings["web"], "password": PASSWORD}})
        await home.until_page()
        await _each_kind(browser, f"{home.url}login", folder, "login", whole=whole)


async def _each_kind(browser: Browser, url: str, folder: Path, name: str, *, whole: bool, at: str = "h1") -> None:
    """`at`: what is scrolled to, where the page is longer than the window."""
    for kind, options in KINDS.items():
        context = await browser.new_context(reduced_motion="reduce", timezone_id="Asia/Tehran", **options)
        await context.add_init_script(_WISH)
        page = await context.new_page()
        await page.goto(url)
        await page.get_by_role("heading", level=1).wait_for()
        await page.wait_for_timeout(700)  # a picture is not a test: what is still read may come
        await page.locator(at).first.scroll_into_view_if_needed()
        (folder / f"{name}-{kind}.webp").write_bytes(await _picture(page, whole=whole))
        await context.close()


async def _picture(page: Page, *, whole: bool) -> bytes:
    """WebP, which playwright's own `screenshot` does not write."""
    if whole:
        size = page.viewport_size
        assert size is not None
        height = await page.evaluate("document.documentElement.scrollHeight")
        await page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
    devtools = await page.context.new_cdp_session(page)
    shot = await devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    return base64.b64decode(shot["data"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.pictures", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--whole", action="store_true", help="each page to its end")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(arguments.folder, whole=arguments.whole))


if __name__ == "__main__":
    main()
