"""Pictures of the dashboards in a Home Assistant that runs: `python -m tests.homeassistant.pictures URL TOKEN NAME …`.

It needs a Home Assistant whose MQTT integration reached the broker of a daemon (a simulated provider behind it will do)
and a long-lived token of an administrator. The dashboards are put into it as `shomare-english` and `shomare-persian`;
what they show is whatever holds as the pictures are taken. Those in docs/homeassistant/images were taken

    dashboard, phone, tablet   with several open numbers that have their codes
    persian                    at the same moment
    doubt                      with an order in `unknown` (the simulator's fault `reset_after` of `buy`)
    device                     with a number that has its code
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import yaml
from playwright.async_api import async_playwright

DOCS = Path(__file__).parents[2] / "docs" / "homeassistant"
QUALITY = 80
"""Of WebP, up to 100."""
LONGEST = 60_000
"""Milliseconds until a page is there."""
DRAWN = 8_000
"""Milliseconds more until graphs are drawn, also on a busy machine."""


class Shot(NamedTuple):
    """What is taken: which dashboard (empty: the device's page), in CSS pixels, and in which language around it."""

    dashboard: str
    width: int
    height: int
    language: str = "en"
    scale: float = 1


SHOTS = {
    "dashboard": Shot("shomare-english", 1400, 960),
    "phone": Shot("shomare-english", 390, 844, scale=1.5),
    "persian": Shot("shomare-persian", 390, 844, "fa", 1.5),
    "doubt": Shot("shomare-english", 390, 844, scale=1.5),
    "tablet": Shot("shomare-tablet", 800, 600),
    "device": Shot("", 1400, 1500),
}
FILES = {
    "shomare-english": "dashboard.yaml",
    "shomare-persian": "dashboard-fa.yaml",
    "shomare-tablet": "card-tablet.yaml",
}


class HomeAssistant:
    """Its WebSocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._count = 0

    async def sign_in(self, token: str) -> None:
        """Raises RuntimeError where the token is not taken."""
        await self._socket.receive_json()
        await self._socket.send_json({"type": "auth", "access_token": token})
        if (await self._socket.receive_json())["type"] != "auth_ok":
            raise RuntimeError("Home Assistant does not take the token")

    async def ask(self, kind: str, **more: Any) -> Any:
        """What it answers. Raises RuntimeError where it refuses."""
        self._count += 1
        await self._socket.send_json({"id": self._count, "type": kind, **more})
        answer = await self._socket.receive_json()
        if not answer["success"]:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]

    async def put(self, path: str) -> None:
        """A dashboard as its file has it; the card alone on a page of its own."""
        found = yaml.safe_load((DOCS / FILES[path]).read_text(encoding="utf-8"))
        config = found if "views" in found else {"views": [{"type": "panel", "cards": [found]}]}
        if not any(d["url_path"] == path for d in await self.ask("lovelace/dashboards/list")):
            await self.ask("lovelace/dashboards/create", url_path=path, title=path, mode="storage")
        await self.ask("lovelace/config/save", url_path=path, config=config)

    async def device(self) -> str:
        """The path of the device's page."""
        devices = await self.ask("config/device_registry/list")
        found = next(d["id"] for d in devices if d["manufacturer"] == "shomare.online")
        return f"config/devices/device/{found}"

    async def speak(self, language: str) -> None:
        """What is around the cards is written in this language from the next page on."""
        value = {"language": language, "number_format": "language"}
        await self.ask("frontend/set_user_data", key="language", value=value)


async def take(url: str, token: str, names: list[str], folder: Path) -> None:
    """Takes those pictures."""
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/api/websocket", max_msg_size=0) as socket:
        home = HomeAssistant(socket)
        await home.sign_in(token)
        for name in names:
            shot = SHOTS[name]
            if shot.dashboard:
                await home.put(shot.dashboard)
            await home.speak(shot.language)
            page = shot.dashboard or await home.device()
            (folder / f"{name}.webp").write_bytes(await _picture(f"{url}/{page}", url, token, shot))
        await home.speak("en")


async def _picture(page_url: str, url: str, token: str, shot: Shot) -> bytes:
    signed_in = json.dumps(
        {
            "access_token": token,
            "token_type": "Bearer",
            "refresh_token": "",
            "expires_in": 10**8,
            "hassUrl": url,
            "clientId": f"{url}/",
            "expires": 10**14,
        }
    )
    async with async_playwright() as playwright:
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
        context = await browser.new_context(
            viewport={"width": shot.width, "height": shot.height},
            device_scale_factor=shot.scale,
            color_scheme="light",
        )
        await context.add_init_script(f"localStorage.setItem('hassTokens', {json.dumps(signed_in)})")
        await context.add_init_script("""localStorage.setItem('dockedSidebar', '"always_hidden"')""")
        page = await context.new_page()
        await page.goto(page_url)
        # What was rendered from a template comes last.
        drawn = "ha-markdown-element" if shot.dashboard else "ha-device-info-card"
        await page.locator(drawn, has_text=re.compile(r"\S")).first.wait_for(timeout=LONGEST)
        await page.wait_for_timeout(DRAWN)
        devtools = await context.new_cdp_session(page)
        taken = await devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        await browser.close()
    return base64.b64decode(taken["data"])


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.homeassistant.pictures", description=__doc__)
    parser.add_argument("url", help="such as http://homeassistant.local:8123")
    parser.add_argument("token")
    parser.add_argument("names", nargs="+", choices=sorted(SHOTS), metavar="NAME")
    parser.add_argument("--folder", type=Path, default=DOCS / "images")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(take(arguments.url.rstrip("/"), arguments.token, arguments.names, arguments.folder))


if __name__ == "__main__":
    main()
