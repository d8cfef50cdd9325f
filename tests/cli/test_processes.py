"""`run`, `check`, `simulate` and `demo` as processes of their own: what they print and the status they end with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from shomare_mqtt.cli import run as daemon_command
from tests.bench.__main__ import BARE, DAEMON, best
from tests.cli.process import ending, environment, finish, run, running, start_afresh

SMS = "Your code is 48213"
TERMINAL = {"typer", "click", "rich", "shellingham", "pygments"}


def test_run_imports_no_command_line_or_terminal_library() -> None:
    script = (
        "import sys\n"
        "from shomare_mqtt.__main__ import main\n"
        "sys.argv = ['shomare-mqtt', 'run', '--config', '/nonexistent']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 78, end.code\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True)
    assert "paho" in done.stdout.split()
    assert not TERMINAL & set(done.stdout.split())


def test_the_daemons_start_takes_little_more_memory_than_its_libraries() -> None:
    """Its time is for `make bench` to compare: on a machine that does other work as well it says nothing."""
    (_, bare), (_, memory) = best(BARE, 3), best(DAEMON, 3)
    assert memory < 1.35 * bare


@pytest.mark.parametrize("command", ["run", "check", "doctor"])
@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[mqtt]\nport = 70000", "mqtt.port: "),
        ("[nonsense]", "nonsense: unknown key"),
        ("", "provider.token: is missing"),
        ('[provider]\ntoken_file = "/nonexistent"', "provider.token_file: /nonexistent cannot be read"),
        ('[provider]\ntoken = "t"\n[plugins]\nenabled = ["nosuch"]', "plugins.enabled: there is no plugin nosuch"),
        (
            '[provider]\ntoken = "t"\n[plugins]\nenabled = ["webhook"]\n[plugins.webhook]\ncolour = 1',
            "plugins.webhook.colour: unknown key",
        ),
        ('[provider]\ntoken = "t"\n[plugins]\nenabled = ["price_alert"]', "plugins.price_alert.watch: "),
    ],
)
async def test_settings_that_cannot_be_used(tmp_path: Path, command: str, text: str, words: str) -> None:
    (tmp_path / "settings.toml").write_text(f"{text}\n")
    done = await run(
        command, "--config", str(tmp_path / "settings.toml"), SHOMARE_STATE__DIRECTORY=str(tmp_path / "state")
    )
    assert (done.status, done.out) == (78, "")
    assert done.err.startswith("shomare-mqtt: ")
    assert words in done.err
    assert done.err.count("\n") == 1
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("command", ["run", "check", "doctor", "buy", "cancel 1", "query profile", "watch"])
async def test_a_file_that_was_named_and_is_not_there(command: str) -> None:
    for done in (
        await run(*command.split(), "--config", "/nonexistent"),
        await run(*command.split(), SHOMARE_CONFIG="/no"),
    ):
        assert (done.status, done.out) == (78, "")
        assert "there is no such file" in done.err


async def test_check_prints_what_is_in_force() -> None:
    done = await run("check", SHOMARE_PROVIDER__TOKEN="hush-hush", SHOMARE_MQTT__PORT="1999")
    assert (done.status, done.err) == (0, "")
    assert "mqtt.port = 1999" in done.out
    assert 'provider.token = "***"' in done.out
    assert "hush" not in done.out


@pytest.mark.parametrize("wrong", ["--port=70000", "--port=x", "--latency=x", "--dialect=x", "--colour=red"])
async def test_simulate_with_what_cannot_be(wrong: str) -> None:
    done = await run("simulate", wrong)
    assert (done.status, done.out) == (2, "")
    assert wrong.split("=", maxsplit=1)[0].removeprefix("--") in done.err.splitlines()[-1]


def test_a_fault_that_ends_the_daemon_is_logged_without_its_own_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """They may repeat the SMS that nobody foresaw; where it happened is what helps."""

    async def broken_daemon(*_: object) -> None:
        raise ValueError(SMS)

    monkeypatch.setattr(daemon_command, "run_daemon", broken_daemon)
    assert daemon_command.run() == 1
    assert "a fault of this program" in caplog.text
    assert "ValueError" in caplog.text
    assert "in broken_daemon" in caplog.text
    assert SMS not in caplog.text


async def test_simulate_prints_its_address_and_ends_with_a_signal() -> None:
    async with ending(await start_afresh("simulate", "--balance", "5000", "--token", "t")) as process:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[-1]
        async with aiohttp.ClientSession() as session, session.get(f"{address}/profile", headers={"token": "t"}) as got:
            assert "5000" in await got.text()
        process.send_signal(signal.SIGTERM)
        assert (await finish(process)).status == 0


async def test_version_and_help() -> None:
    assert (await finish(await start_afresh("--version"))).out.startswith("shomare-mqtt 0.")
    for command in ("run", "check", "doctor", "demo", "simulate", "buy", "cancel", "query", "watch"):
        done = await run(command, "--help")
        assert done.status == 0
        assert "--" in done.out


@pytest.mark.slow
async def test_the_demo_buys_a_number_and_ends_when_the_code_is_there() -> None:
    done = await finish(
        await start_afresh(
            "demo", "--once", SHOMARE_PROVIDER__BASE_URL="http://192.0.2.1/", http_proxy="http://192.0.2.1:1"
        )
    )
    assert (done.status, done.err) == (0, "")
    for words in ("shomare/buy", "shomare/response/buy", "shomare/event/sms", "The code is "):
        assert words in done.out
    assert [line for line in done.out.splitlines() if line.startswith("you")] == [
        line for line in done.out.splitlines() if "shomare/buy " in line
    ], "what daemons tell each other is nobody's command"


@pytest.mark.slow
async def test_the_demo_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    async with running("demo", TMPDIR=str(tmp_path)) as process:
        assert process.stdout is not None
        seen = b""
        while b"mosquitto_pub" not in seen:
            line = await process.stdout.readline()
            assert line, seen
            seen += line
        process.send_signal(signal.SIGINT)
        done = await finish(process)
    assert (done.status, done.err) == (0, "")
    assert not os.listdir(tmp_path)  # noqa: PTH208 - an async function


async def test_the_demo_says_what_it_lacks(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.util as util\n"
        "real = util.find_spec\n"
        "util.find_spec = lambda name, *more: None if name == 'amqtt' else real(name, *more)\n"
    )
    done = await run("demo", "--once", PYTHONPATH=os.pathsep.join((str(tmp_path), str(Path(__file__).parents[2]))))
    assert (done.status, done.out) == (1, "")
    assert "pip install 'shomare-mqtt[demo]'" in done.err
