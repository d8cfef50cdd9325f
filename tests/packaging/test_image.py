"""The image's files: its healthcheck against a real listener, its settings against the models."""

from __future__ import annotations

import asyncio
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt import __version__
from tests.mosquitto import Mosquitto, free_port
from tests.packaging.files import IMAGE, TOP, read_yaml, variables
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEALTHCHECK = IMAGE / "healthcheck"
COMPOSE = read_yaml(IMAGE / "compose.yaml")
DAEMON = COMPOSE["services"]["shomare-mqtt"]
DOCKERFILE = (IMAGE / "Dockerfile").read_text(encoding="utf-8")


async def checked(port: int) -> tuple[int, str]:
    """How the healthcheck ends, and what it says."""
    process = await asyncio.create_subprocess_exec(
        HEALTHCHECK,
        env={"SHOMARE_METRICS__PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    out, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, out.decode().strip()


class Health:
    """A daemon's /healthz, which gives one answer; None is none."""

    def __init__(self, answer: bytes | None) -> None:
        self.answer = answer
        self.asked: list[bytes] = []
        self.done = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        if self.answer is None:
            await self.done.wait()
        else:
            writer.write(self.answer)
            await writer.drain()
        writer.close()


@pytest.fixture
async def health() -> AsyncIterator[Any]:
    servers = []

    async def answering(answer: bytes | None) -> tuple[Health, int]:
        one = Health(answer)
        server = await asyncio.start_server(one.serve, "127.0.0.1")
        servers.append((one, server))
        return one, server.sockets[0].getsockname()[1]

    yield answering
    for one, server in servers:
        one.done.set()
        server.close()
        await server.wait_closed()


async def test_a_daemon_that_works_is_healthy(health: Any) -> None:
    one, port = await health(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n")
    assert await checked(port) == (0, "")
    assert one.asked[0].startswith(b"GET /livez HTTP/1.0\r\n")


async def test_one_that_does_not_is_unhealthy_and_it_is_said_why(health: Any) -> None:
    answer = b"HTTP/1.0 503 Service Unavailable\r\nContent-Type: text/plain\r\n\r\nthe broker: away since 12:00"
    _, port = await health(answer)
    assert await checked(port) == (1, "HTTP/1.0 503 Service Unavailable: the broker: away since 12:00")


async def test_one_that_takes_the_connection_and_says_nothing_is_unhealthy(health: Any) -> None:
    _, port = await health(None)
    assert await checked(port) == (1, "no answer within 5 seconds")


async def test_one_that_does_not_run_is_unhealthy() -> None:
    status, said = await checked(free_port())
    assert status == 1
    assert said.endswith("the daemon does not run, or [metrics] is off")


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bSHOMARE_[A-Z_]+[A-Z]\b", text)) - {"SHOMARE_TABLE__KEY"}


@pytest.mark.parametrize(
    "name",
    ["packaging/image/Dockerfile", "packaging/image/compose.yaml", "packaging/image/try.sh", "docs/start-docker.md"],
)
def test_each_variable_is_a_real_setting(name: str) -> None:
    assert names_in((TOP / name).read_text(encoding="utf-8")) <= variables()


def test_compose_keeps_the_journal_reads_the_secret_and_lets_a_purchase_end() -> None:
    assert "state:/data" in DAEMON["volumes"]
    assert DAEMON["secrets"] == ["token"]
    assert COMPOSE["secrets"]["token"] == {"file": "./secrets/token"}
    assert DAEMON["stop_grace_period"] == "60s"
    assert DAEMON["read_only"] is True
    assert DAEMON["cap_drop"] == ["ALL"]
    assert all(isinstance(value, str) for value in DAEMON["environment"].values())
    assert re.fullmatch(rf"ghcr\.io/[\w-]+/shomare-mqtt:{re.escape(__version__)}", DAEMON["image"])


def test_a_broker_without_passwords_is_reached_from_its_own_machine_alone() -> None:
    assert COMPOSE["services"]["mosquitto"]["ports"] == ["127.0.0.1:1883:1883"]
    assert "\nallow_anonymous true\n" in (IMAGE / "mosquitto.conf").read_text(encoding="utf-8")


@pytest.mark.mosquitto
@pytest.mark.parametrize("asks", [False, True])
async def test_mosquitto_takes_its_settings(tmp_path: Path, *, asks: bool) -> None:
    text = (IMAGE / "mosquitto.conf").read_text(encoding="utf-8")
    if asks:
        text = text.replace("\nallow_anonymous true", "").replace("#allow_anonymous", "allow_anonymous")
        text = text.replace("#password_file /mosquitto/config/passwd", f"password_file {tmp_path / 'passwd'}")
        (tmp_path / "passwd").touch(mode=0o600)
    ours = [line for line in text.splitlines() if line and not line.startswith(("#", "listener"))]
    lines = [line.replace("/mosquitto/data/", f"{tmp_path}/") for line in ours]
    assert any(line.startswith("password_file") for line in lines) is asks
    broker = Mosquitto(
        tmp_path, lines=[line for line in lines if not (line.startswith("allow_anonymous") and not asks)]
    )
    if asks:
        broker._lines.remove("allow_anonymous true")
    async with broker:
        pass


def test_the_image_runs_without_rights_and_asks_itself_how_it_is() -> None:
    final = DOCKERFILE.split("FROM docker.io/library/debian:trixie-slim\n", 1)[1]
    assert "\nUSER 10001:10001\n" in final
    assert '\nVOLUME ["/data"]\n' in final
    assert 'CMD ["/usr/lib/shomare-mqtt/healthcheck"]' in final
    assert '\nENTRYPOINT ["shomare-mqtt"]\n' in final
    assert HEALTHCHECK.stat().st_mode & 0o111


def test_what_the_image_is_made_of_is_not_ignored() -> None:
    ignored = {line for line in (TOP / ".dockerignore").read_text(encoding="utf-8").splitlines() if line[:1] != "#"}
    assert not ignored & {"shomare_mqtt", "plugins", "packaging", "systemd", "docs", "config.example.toml", "Makefile"}
    assert {".git", "dist", ".venv"} <= ignored


def test_the_extras_that_are_documented_are_there() -> None:
    extras = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    text = (TOP / "docs" / "start-pipx.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE))
    assert documented == extras.keys() - {"bench", "dev"}
