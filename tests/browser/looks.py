"""What can be seen of a page's looks without eyes: axe-core's complaints, what is cut off, what has no translation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.async_playwright import Axe

if TYPE_CHECKING:
    from playwright.async_api import Page

VIEWS = ("buy", "now", "history", "figures", "system")
_BEYOND = """() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return [];
    return [...document.querySelectorAll("body *")]
        .filter(each => each.getBoundingClientRect().right > width + 1 || each.getBoundingClientRect().left < -1)
        .map(each => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 40)}`);
}"""
_SMALL = """() => [...document.querySelectorAll("button, select, input, a[href], summary")]
    .filter(each => each.checkVisibility() && !each.closest(".offscreen"))
    .map(each => [each, (each.matches("input[type=checkbox], input[type=radio]") && each.closest("label") || each)])
    .map(([each, area]) => [each, area.getBoundingClientRect()])
    .filter(([_, area]) => Math.min(area.height, area.width) < 43.5)
    .map(([each, area]) => `${each.outerHTML.slice(0, 80)} is ${area.width.toFixed()} × ${area.height.toFixed()}`)"""
_LATIN = """() => {
    const found = new Set(), own = "bdi, code, pre, [lang=en], [dir=ltr], [translate=no], script, style";
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (element.checkVisibility() && !element.closest(own)) {
            for (const word of walker.currentNode.textContent.match(/[A-Za-z]{3,}/g) ?? []) found.add(word);
        }
    }
    return [...found];
}"""


async def complaints(page: Page) -> list[str]:
    """What axe-core finds, whatever its weight."""
    violations: list[dict[str, Any]] = (await Axe().run(page)).response["violations"]
    return [
        f"{each['impact']} {each['id']}: {each['help']}: {node['html'][:200]} {node.get('failureSummary', '')}"
        for each in violations
        for node in each["nodes"]
    ]


async def cut_off(page: Page) -> list[str]:
    """What makes the page wider than its window."""
    found: list[str] = await page.evaluate(_BEYOND)
    return found


async def too_small(page: Page) -> list[str]:
    """What is to be pressed, and is smaller than 44 points either way."""
    found: list[str] = await page.evaluate(_SMALL)
    return found


async def latin_words(page: Page) -> list[str]:
    """Words in Latin letters outside of what is marked as a name, as code or as English."""
    found: list[str] = await page.evaluate(_LATIN)
    return found
