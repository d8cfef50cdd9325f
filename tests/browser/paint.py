"""How heavy the page is, and how soon it shows what the daemon knows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import shomare_mqtt

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.browser.home import Home

FILES = Path(shomare_mqtt.__file__).parent / "web" / "page"
HEAVIEST = 120_000
"""Bytes that all files of the page may have together."""
SLOW_LINE = 20_000
"""Bytes a second over which it still works."""
BALANCE = 987_654
"""What a new daemon knows and no file of the page holds: seen, the page stands and its state with it."""
_WATCH = """
window.shownAfter = new Promise(shown => new MutationObserver((_, watcher) => {
    if (!document.body?.textContent.includes("987,654")) return;
    watcher.disconnect();
    requestAnimationFrame(() => setTimeout(() => shown(performance.now())));
}).observe(document, {subtree: true, childList: true, characterData: true}));
"""
"""A frame's callbacks run before it is painted, and what they put off runs after that."""


def weight() -> int:
    """Bytes of all files of the page, as they are sent."""
    return sum(path.stat().st_size for path in FILES.rglob("*") if path.is_file())


async def shown_after(browser: Browser, home: Home, bytes_a_second: int | None = None) -> float:
    """Seconds from asking for the page until its first picture with state in it; nothing of it was kept before.

    The provider's balance must have been BALANCE when the daemon started.
    """
    context = await browser.new_context(locale="en-GB")
    try:
        page = await context.new_page()
        await page.add_init_script(_WATCH)
        if bytes_a_second is not None:
            line = await context.new_cdp_session(page)
            await line.send("Network.enable")
            limits = {"downloadThroughput": bytes_a_second, "uploadThroughput": bytes_a_second}
            await line.send("Network.emulateNetworkConditions", {"offline": False, "latency": 100, **limits})
        await page.goto(home.url, wait_until="commit")
        return float(await page.evaluate("window.shownAfter")) / 1000
    finally:
        await context.close()
