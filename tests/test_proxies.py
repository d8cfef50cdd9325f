"""The reverse proxies of docs/security.md as they stand there: a real nginx, a real Caddy before the page's doors."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import tomllib
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp
import pytest
from yarl import URL

from shomare_mqtt.web import passwords
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.programs import program
from tests.readme import blocks
from tests.web.house import INSIDE, OWNER, House, house

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

PAGE = Path(__file__).parents[1] / "docs" / "security.md"
NGINX, CADDY = [next(b.text for b in blocks(PAGE) if b.kind == kind) for kind in ("nginx", "caddyfile")]
SETTINGS = next(text for b in blocks(PAGE) if b.kind == "toml" and "[web]" in (text := b.text))
NAME = "shomare.example.org"
SELF_SIGNED = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(passwords.COST, "n", 2)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    program("openssl")
    names = ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"]
    out = ["-keyout", str(tmp_path / "privkey.pem"), "-out", str(tmp_path / "fullchain.pem")]
    subprocess.run([*SELF_SIGNED.split(), *names, *out], check=True, capture_output=True)
    return tmp_path / "fullchain.pem"


class Proxy(NamedTuple):
    """How one is started, and where it shows the page."""

    command: Sequence[str]
    prefix: str


def nginx(folder: Path, certificate: Path, port: int, behind: int) -> Proxy:
    text = NGINX
    for there, here in (
        ("listen 443 ssl", f"listen 127.0.0.1:{port} ssl"),
        (f"/etc/letsencrypt/live/{NAME}", str(certificate.parent)),
        ("127.0.0.1:8099", f"127.0.0.1:{behind}"),
    ):
        assert there in text
        text = text.replace(there, here)
    places = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in places)
    alone = f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n"
    (folder / "nginx.conf").write_text(f"{alone}{temporary}{text}\n}}\n")
    return Proxy([program("nginx"), "-p", str(folder), "-e", "stderr", "-c", str(folder / "nginx.conf")], "/shomare/")


def caddy(folder: Path, certificate: Path, port: int, behind: int) -> Proxy:
    key = certificate.with_name("privkey.pem")
    text = CADDY.replace(NAME, f"https://{NAME}:{port}", 1).replace("127.0.0.1:8099", f"127.0.0.1:{behind}")
    text = text.replace("{\n", f"{{\n    bind 127.0.0.1\n    tls {certificate} {key}\n", 1)
    alone = f"{{\n    admin off\n    auto_https off\n    storage file_system {folder}/caddy\n}}\n"
    (folder / "Caddyfile").write_text(alone + text)
    return Proxy([program("caddy"), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")], "/")


class Browser:
    """One that keeps cookies as browsers do, and comes to the page through a proxy."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session, self.url = session, url

    async def ask(self, path: str, method: str = "GET", **more: Any) -> tuple[int, str, dict[str, str]]:
        async with self.session.request(method, f"{self.url}{path}", **more) as got:
            return got.status, await got.text(), dict(got.headers)

    async def listens(self) -> None:
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    if (await self.ask("healthz"))[0] == 200:
                        return
                await asyncio.sleep(0.05)


class _ThisMachine(aiohttp.abc.AbstractResolver):
    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[aiohttp.abc.ResolveResult]:
        return [
            {"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0},
        ]

    async def close(self) -> None: ...


@asynccontextmanager
async def before(page: House, kind: Any, folder: Path, certificate: Path) -> AsyncIterator[tuple[Browser, Browser]]:
    """Two browsers at the page through the proxy; the second one's cookies are its own."""
    port = free_port()
    proxy: Proxy = kind(folder, certificate, port, page.port)
    process = await asyncio.create_subprocess_exec(*proxy.command, env={"HOME": str(folder), "PATH": "/usr/bin:/bin"})
    trusted = ssl.create_default_context(cafile=str(certificate))
    sessions = [
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted, resolver=_ThisMachine())) for _ in range(2)
    ]
    try:
        first, second = [Browser(session, f"https://{NAME}:{port}{proxy.prefix}") for session in sessions]
        await first.listens()
        yield first, second
    finally:
        for session in sessions:
            await session.close()
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("kind", [nginx, caddy])
async def test_a_proxy_with_tls_before_the_page(kind: Any, tmp_path: Path, certificate: Path) -> None:
    web = tomllib.loads(SETTINGS)["web"]
    given = {"password": OWNER, **({"url": web["url"]} if kind is caddy else {"url": f"{web['url']}shomare/"})}
    async with house(tmp_path, **given) as page, before(page, kind, tmp_path, certificate) as (browser, other):
        status, text, _ = await browser.ask("")  # led on to the form
        assert (status, "<form" in text) == (200, True)
        origin = str(URL(browser.url).origin())
        status, text, headers = await browser.ask("login", "POST", data={"password": OWNER}, headers={"Origin": origin})
        assert (status, text) == (200, INSIDE)  # led on to the page
        (cookie,) = browser.session.cookie_jar
        assert cookie["secure"]
        assert cookie["path"] in ("/", URL(browser.url).path.rstrip("/"))
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert (await browser.ask("api/command/buy", "POST", headers={"Origin": origin}))[1] == INSIDE
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await browser.ask("api/command/buy", "POST", headers=headers))[0] == 403
        assert (await other.ask("api/state"))[0] == 401
        forged = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "http"}
        for _ in range(5):
            assert (await other.ask("login", "POST", data={"password": "no"}, headers=forged))[0] == 401
        assert (await other.ask("login", "POST", data={"password": OWNER}, headers=forged))[0] == 429
        assert (await browser.ask("api/state"))[1] == INSIDE
        status, text, _ = await browser.ask("logout", "POST", headers={"Origin": origin})
        assert (status, "<form" in text) == (200, True)
        assert (await browser.ask("api/state"))[0] == 401
