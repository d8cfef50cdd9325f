"""`shomare-mqtt init` on a real terminal, against a real broker and the simulated provider."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import tomllib
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt import config
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.cli.dialogue import CTRL_C, CTRL_D, Dialogue
from tests.cli.process import run
from tests.mosquitto import Mosquitto, free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

TOKEN, WRONG = "tok-5f0c1e7a9b", "wrong-8d2b41c07e"
USER, PASSWORD, MISTYPED = "ha", 'p"a\\ss wörd', "mistyped-77"
CLOSED = {"users": {USER: PASSWORD}}
"""A broker that lets in nobody else."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the command is started; nothing that it writes lies there unless a test says so."""
    yield tmp_path
    for path in tmp_path.rglob("*"):
        assert not path.name.startswith(".") or path.is_dir(), "a file was left aside"


def init(
    folder: Path, url: str, *arguments: str, umask: int = 0o022, variables: Mapping[str, str] | None = None
) -> Dialogue:
    given = {"XDG_CONFIG_HOME": str(folder / "home"), "SHOMARE_PROVIDER__BASE_URL": url, "no_proxy": "*"}
    return Dialogue("init", *arguments, cwd=folder, umask=umask, **given | dict(variables or {}))


@dataclass
class Scene:
    """The command on its terminal, the port of a broker, and the provider."""

    talk: Dialogue
    port: int
    provider: Simulator

    async def answer_all(self, *, user: str = "", password: str = PASSWORD, token: str = TOKEN) -> None:
        """Goes through all questions, once."""
        await self.talk.answers("Host", "")
        await self.talk.answers("Port", str(self.port))
        await self.talk.answers("User name", user)
        if user:
            await self.talk.answers("Password", password)
        await self.talk.answers("Token", token)


@asynccontextmanager
async def scene(
    folder: Path, *arguments: str, mosquitto: Mapping[str, Any] | None = None, latency: float = 0, **more: Any
) -> AsyncIterator[Scene]:
    (folder / "broker").mkdir()
    async with AsyncExitStack() as stack:
        sim = await stack.enter_async_context(Simulator(SimulatorOptions(token=TOKEN, latency=latency)))
        broker = await stack.enter_async_context(Mosquitto(folder / "broker", **mosquitto or {}))
        talk = await stack.enter_async_context(init(folder, sim.base_url, *arguments, **more))
        yield Scene(talk, broker.port, sim)


def written(folder: Path) -> Path:
    return folder / "home" / "shomare-mqtt"


def files(folder: Path) -> dict[str, tuple[int, str]]:
    """Mode and content of each file that was written."""
    found = sorted(written(folder).iterdir()) if written(folder).exists() else []
    return {path.name: (stat.S_IMODE(path.stat().st_mode), path.read_text()) for path in found}


@pytest.mark.mosquitto
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
async def test_broker_and_token_are_asked_for_tried_and_written(folder: Path, umask: int) -> None:
    async with scene(folder, umask=umask, mosquitto=CLOSED) as on:
        talk = on.talk
        await on.answer_all(user=USER)
        assert await talk.ends() == 0
        assert talk.echoes
        given = {"XDG_CONFIG_HOME": str(folder / "home"), "SHOMARE_STATE__DIRECTORY": str(folder / "state")}
        check, doctor = await run("check", **given), await run("doctor", **given)
        assert not {"buy", "check", "cancel"} & set(on.provider.calls)
    file = written(folder) / "config.toml"
    assert files(folder) == {
        "config.toml": (0o640, file.read_text()),
        "mqtt_password": (0o600, f"{PASSWORD}\n"),
        "token": (0o600, f"{TOKEN}\n"),
    }
    inside, above = (stat.S_IMODE(path.stat().st_mode) for path in (file.parent, file.parent.parent))
    assert inside == above == (0o755 if os.geteuid() == 0 else 0o700)
    settings = config.load(file)
    assert (settings.mqtt.port, settings.mqtt.username, settings.token) == (on.port, USER, TOKEN)
    assert settings.provider.base_url == on.provider.base_url
    assert settings.remarks == ()
    assert "#max_price = 5000" in file.read_text()
    assert (check.status, check.err, doctor.status) == (0, "", 0)
    assert "Balance: 1,000,000 IRT." in talk.shown
    for command in ("check", "doctor", "run"):
        assert f"  shomare-mqtt {command}  " in talk.shown
    for text in (talk.shown, file.read_text(), check.out):
        assert TOKEN not in text
        assert PASSWORD not in text


@pytest.mark.mosquitto
async def test_a_broker_for_everybody_needs_no_password(folder: Path) -> None:
    async with scene(folder) as on:
        talk = on.talk
        await talk.answers("Host", f"mqtt://localhost:{on.port}")
        seen = await talk.answers("User name", "")
        assert "answers over MQTT 5, not encrypted (no TLS), and lets in who names no user" in seen
        await talk.answers("Token", TOKEN)
        assert await talk.ends() == 0
    assert set(files(folder)) == {"config.toml", "token"}
    mqtt = config.load(written(folder) / "config.toml").mqtt
    assert (mqtt.host, mqtt.port, mqtt.username, mqtt.password) == ("localhost", on.port, None, None)


@pytest.mark.mosquitto
async def test_wrong_answers_are_asked_for_again(folder: Path) -> None:
    async with scene(folder, mosquitto=CLOSED) as on:
        talk = on.talk
        await talk.answers("Host", "http://127.0.0.1")
        await talk.sees("The host must be a name or an address alone")
        await talk.answers("Host", "")
        await talk.answers("Port", "0")
        await talk.sees("A port is a number from 1 to 65535")
        await talk.answers("Port", str(on.port))
        await talk.answers("User name", "")
        await talk.sees("asks who connects")
        await talk.answers("User name", USER)
        await talk.answers("Password", MISTYPED)
        await talk.sees("refuses this user name or this password")
        await talk.answers("User name", USER)
        await talk.answers("Password", f"{PASSWORD} ")
        await talk.sees("begins or ends with a space")
        await talk.answers("User name", USER)
        await talk.answers("Password", PASSWORD)
        await talk.answers("Token", "")
        await talk.sees("A token is needed")
        await talk.answers("Token", WRONG)
        await talk.sees("The provider does not accept it.")
        await talk.answers("Token", f" {TOKEN} ")
        assert await talk.ends() == 0
    assert files(folder)["token"] == (0o600, f"{TOKEN}\n")
    assert files(folder)["mqtt_password"] == (0o600, f"{PASSWORD}\n")
    for secret in (TOKEN, WRONG, PASSWORD, MISTYPED):
        assert secret not in talk.shown


async def test_the_same_answer_once_more_is_kept(folder: Path) -> None:
    """No broker, and a provider that is away: what is written is what was answered."""
    port = free_port()
    async with init(folder, f"http://127.0.0.1:{free_port()}/api") as talk:
        await talk.answers("Host", "127.0.0.1")
        await talk.answers("Port", str(port))
        await talk.sees("Connection refused")
        await talk.answers("Host", "")
        await talk.answers(f"Port [{port}]", "")
        await talk.sees("Kept all the same")
        await talk.answers("User name", USER)
        await talk.answers("Password", PASSWORD)
        await talk.sees("Not tried")
        await talk.answers("Token", TOKEN)
        await talk.sees("nothing was sent to it")
        await talk.answers("Token", "")
        await talk.sees("Kept all the same")
        assert await talk.ends() == 0
    settings = config.load(written(folder) / "config.toml")
    assert (settings.mqtt.port, settings.mqtt.username, settings.token) == (port, USER, TOKEN)


@pytest.mark.mosquitto
async def test_refused_answers_can_be_kept_too(folder: Path) -> None:
    async with scene(folder, mosquitto=CLOSED) as on:
        talk = on.talk
        await talk.answers("Host", f"127.0.0.1:{on.port}")
        for _ in range(2):
            await talk.answers("User name", USER)
            await talk.answers("Password", MISTYPED)
        await talk.answers("Token", WRONG)
        await talk.answers("Token", WRONG)
        assert await talk.ends() == 0
    assert files(folder)["token"][1] == f"{WRONG}\n"
    assert files(folder)["mqtt_password"][1] == f"{MISTYPED}\n"


QUESTIONS = ("Host", "Port", "User name", "Password", "Token")


@pytest.mark.mosquitto
@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize("at", range(len(QUESTIONS)))
async def test_ended_at_a_question(folder: Path, at: int, key: str) -> None:
    async with scene(folder, mosquitto=CLOSED) as on:
        talk = on.talk
        for question, answer in zip(QUESTIONS[:at], ("", str(on.port), USER, PASSWORD), strict=False):
            await talk.answers(question, answer)
        await talk.sees(rf"(?m)^{QUESTIONS[at]}.*: \Z")
        talk.types(key)
        assert await talk.ends() == 1
        assert talk.echoes
    assert talk.shown.endswith("shomare-mqtt: ended before the last answer; nothing was written\n")
    assert "Traceback" not in talk.shown
    assert not (folder / "home").exists()


async def test_ended_while_something_is_tried(folder: Path) -> None:
    async def stay_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(stay_silent, "127.0.0.1", 0)
    async with server, init(folder, "http://127.0.0.1:9/api") as talk:
        await talk.answers("Host", f"127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await talk.sees("Trying")
        assert not talk.echoes
        talk.types(CTRL_C)
        assert await talk.ends() == 1
        assert "Traceback" not in talk.shown
    assert not (folder / "home").exists()


@pytest.mark.mosquitto
async def test_what_is_typed_ahead_is_not_shown(folder: Path) -> None:
    async with scene(folder, latency=0.3) as on:
        talk = on.talk
        await talk.answers("Host", f"127.0.0.1:{on.port}")
        await talk.answers("User name", "")
        await talk.answers("Token", WRONG)
        await talk.sees("Asking the provider")
        talk.types(f"{TOKEN}\n")
        assert await talk.ends() == 0
        assert TOKEN not in talk.shown
    assert files(folder)["token"][1] == f"{TOKEN}\n"


@pytest.mark.parametrize("name", ["config.toml", "token", "mqtt_password"])
async def test_a_file_that_is_there_is_not_overwritten(folder: Path, name: str) -> None:
    written(folder).mkdir(parents=True)
    (written(folder) / name).symlink_to("nowhere")
    async with init(folder, "http://127.0.0.1:9/api") as talk:
        assert await talk.ends() == 1
    assert talk.shown == (
        f"shomare-mqtt: {written(folder) / name} is there already, and is overwritten with --force alone\n"
    )


@pytest.mark.mosquitto
async def test_files_as_they_are_shipped_are_overwritten_without_force(folder: Path) -> None:
    written(folder).mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "systemd" / "config.toml", written(folder) / "config.toml")
    (written(folder) / "token").touch()
    async with scene(folder) as on:
        await on.answer_all()
        assert await on.talk.ends() == 0
    assert "The file that is there is overwritten" in on.talk.shown
    assert config.load(written(folder) / "config.toml").token == TOKEN


@pytest.mark.parametrize("touched", ["config.toml", "token"])
async def test_shipped_files_that_were_touched_are_not_overwritten(folder: Path, touched: str) -> None:
    written(folder).mkdir(parents=True)
    shutil.copy(Path(__file__).parents[2] / "systemd" / "config.toml", written(folder) / "config.toml")
    (written(folder) / "token").touch()
    with (written(folder) / touched).open("a") as out:
        out.write("# mine\n")
    async with init(folder, "http://127.0.0.1:9/api") as talk:
        assert await talk.ends() == 1
    assert f"{touched} is there already, and is overwritten with --force alone" in talk.shown


@pytest.mark.mosquitto
async def test_force_overwrites_and_follows_no_link(folder: Path) -> None:
    written(folder).mkdir(parents=True)
    (folder / "anothers").write_text("another's")
    (written(folder) / "config.toml").write_text("old")
    (written(folder) / "config.toml").chmod(0o666)
    (written(folder) / "token").symlink_to(folder / "anothers")
    async with scene(folder, "--force") as on:
        talk = on.talk
        await on.answer_all()
        assert await talk.ends() == 0
    assert "The file that is there is overwritten" in talk.shown
    assert (folder / "anothers").read_text() == "another's"
    assert not (written(folder) / "token").is_symlink()
    assert {name: mode for name, (mode, _) in files(folder).items()} == {"config.toml": 0o640, "token": 0o600}


@pytest.mark.mosquitto
@pytest.mark.parametrize("by", ["--config", "SHOMARE_CONFIG"])
async def test_a_file_that_is_named(folder: Path, by: str) -> None:
    file = folder / "neu" / 'o"d\\d.toml'
    arguments = ("--config", f"neu/{file.name}") if by == "--config" else ()
    variables = {} if arguments else {"SHOMARE_CONFIG": str(file)}
    async with scene(folder, *arguments, variables=variables) as on:
        talk = on.talk
        await on.answer_all()
        assert await talk.ends() == 0
    assert config.load(file).token == TOKEN
    assert (f"check --config '{file}'" in talk.shown) == bool(arguments)
    assert "SHOMARE_PROVIDER__BASE_URL" in talk.shown


async def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    if os.geteuid() == 0:
        named = Path("/proc/shomare-mqtt/config.toml")  # where root may do everything, and can make nothing
        async with init(folder, f"http://127.0.0.1:{free_port()}/api", "--config", str(named)) as talk:
            port = str(free_port())
            for question, answer in (("Host", ""), ("Port", port), ("Host", ""), ("Port", ""), ("User name", "")):
                await talk.answers(question, answer)
            await talk.answers("Token", TOKEN)
            await talk.answers("Token", "")
            assert await talk.ends() == 1
        assert "shomare-mqtt: /proc/shomare-mqtt: the settings could not be written" in talk.shown
    else:
        (folder / "home").mkdir(mode=0o500)
        async with init(folder, "http://127.0.0.1:9/api") as talk:
            assert await talk.ends() == 1
        assert "is not open to this user: run it with sudo" in talk.shown
    assert "Traceback" not in talk.shown


async def test_a_folder_in_the_files_place(folder: Path) -> None:
    async with init(folder, "http://127.0.0.1:9/api", "--force", "--config", str(folder)) as talk:
        assert await talk.ends() == 1
    assert f"{folder} is a folder" in talk.shown


@pytest.mark.parametrize("arguments", [(), ("--force",)])
async def test_without_a_terminal(folder: Path, arguments: tuple[str, ...]) -> None:
    done = await run("init", *arguments, XDG_CONFIG_HOME=str(folder / "home"))
    assert (done.status, done.out) == (2, "")
    said, lines = done.err.split("\n\n", 1)
    file = written(folder) / "config.toml"
    assert f"{file} (mode 0640)" in said
    assert not (folder / "home").exists()
    file.parent.mkdir(parents=True)
    file.write_text(lines)
    file.with_name("token").write_text(TOKEN)
    assert config.load(file).token == TOKEN
    assert tomllib.loads(lines.replace("\n#", "\n").replace("Where", "# Where"))["mqtt"]["username"] == "shomare"


@pytest.mark.mosquitto
async def test_a_broker_with_tls_is_found_out(folder: Path) -> None:
    (folder / "keys").mkdir()
    making = await asyncio.create_subprocess_exec(
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-subj", "/CN=broker", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "own.key", "-out", "own.crt",
        cwd=folder / "keys", stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert await making.wait() == 0
    keys = (f"certfile {folder}/keys/own.crt", f"keyfile {folder}/keys/own.key")
    async with scene(folder, mosquitto=CLOSED | {"listener": keys}) as on:
        talk = on.talk
        await talk.answers("Host", f"127.0.0.1:{on.port}")
        seen = await talk.answers("File with the certificate", "keys/nosuch")
        assert "its TLS certificate is not accepted" in seen
        await talk.answers("Host", "")
        await talk.answers("Port", "")
        await talk.answers("File with the certificate", "keys/own.crt")
        seen = await talk.answers("User name", USER)
        assert "answers, encrypted (TLS), and asks who connects" in seen
        await talk.answers("Password", PASSWORD)
        await talk.answers("Token", TOKEN)
        assert await talk.ends() == 0
    tls = config.load(written(folder) / "config.toml").mqtt.tls
    assert (tls.enabled, tls.ca_file) == (True, folder / "keys" / "own.crt")
