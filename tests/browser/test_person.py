"""What a person's browser takes for a fault, on a page that has them all: the other tests here rely on it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from playwright.async_api import expect

from tests.browser.wire import Wire

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.browser.conftest import Came

POLICY = "default-src 'self'; script-src 'self'; img-src * data:"


@asynccontextmanager
async def page_of(markup: str, script: str = "") -> AsyncIterator[int]:
    """A page of our own, with a policy as strict as the daemon's; its port."""

    async def page(_: web.Request) -> web.Response:
        text = f"<!DOCTYPE html><title>A page</title><link rel=icon href=data:,>{markup}<script src=s.js></script>"
        return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": POLICY})

    async def its_script(_: web.Request) -> web.Response:
        return web.Response(text=f"{script}; document.title = 'Done'", content_type="text/javascript")

    async def answer(_: web.Request) -> web.Response:
        return web.Response(text="42")

    app = web.Application()
    app.add_routes([web.get("/", page), web.get("/s.js", its_script), web.post("/answer", answer)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def test_a_page_that_does_all_as_it_should_has_no_faults(person_at: Came) -> None:
    async with page_of("<p>Good day") as port:
        person = await person_at(f"http://127.0.0.1:{port}/")
        page = await person.opens()
        await expect(page).to_have_title("Done")
        assert person.faults == []


async def test_each_fault_is_found(person_at: Came) -> None:
    markup = "<img src=http://elsewhere.example/x.png><script>1</script>"
    script = "console.error('a line'); setTimeout(() => { document.body.append('!'); nothing.at.all })"
    async with page_of(markup, script) as port:
        person = await person_at(f"http://127.0.0.1:{port}/")
        page = await person.opens()
        await expect(page.get_by_text("!")).to_be_attached()
        await page.evaluate("new Promise(done => setTimeout(done))")  # what went wrong before is told before this is
        found = "\n".join(person.faults)
        assert "a request to another host: http://elsewhere.example/x.png" in found
        assert "error on the console: CSP script-src-elem inline" in found
        assert "error on the console: a line" in found
        assert "a script failed: nothing is not defined" in found
        person.expects("")


async def test_a_wire_strips_its_prefix_is_cut_and_loses_an_answer(person_at: Came) -> None:
    async with page_of("", "") as port, Wire(port, "/some/where") as wire:
        person = await person_at(wire.url)
        person.expects("net::ERR_")
        page = await person.opens()
        ask = "fetch('answer', {method: 'POST'}).then(got => got.text(), () => 'lost')"
        assert await page.evaluate(ask) == "42"
        wire.lose_answer("/answer")
        assert await page.evaluate(ask) == "lost"
        assert [passed.path for passed in wire.passed] == ["/", "/s.js", "/answer", "/answer"]
        wire.cut()
        assert await page.evaluate(ask) == "lost"
        wire.mend()
        assert await page.evaluate(ask) == "42"
        assert len(wire.to("/answer")) == 3
        assert await page.evaluate("fetch('/answer').then(got => got.status)") == 404
        assert wire.strays == ["/answer"]
        person.expects("404")
