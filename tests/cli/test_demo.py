"""`demo` as a process: its broker and port, what it prints, and how it ends with nothing left behind."""

from __future__ import annotations

import asyncio
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from shomare_mqtt.cli import demo_broker
from shomare_mqtt.cli.demo_broker import Kind, Served, broker, is_free, possible
from shomare_mqtt.cli.demo_broker import free_port as free_port_of_the_demo
from shomare_mqtt.cli.demo_mosquitto import MosquittoFailedError, installed, mosquitto
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.story import Story, excerpt, to_copy
from shomare_mqtt.config import GivenSettings, Mqtt, Provider
from shomare_mqtt.model import Incoming
from tests.cli.process import ROOT, Running, environment, finish, run, running, start_afresh
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.programs import program

BROKERS = [pytest.param("mosquitto", marks=pytest.mark.mosquitto), "amqtt"]
WITHOUT_AMQTT = (
    "import importlib.util as util\n"
    "real = util.find_spec\n"
    "util.find_spec = lambda name, *more: None if name == 'amqtt' else real(name, *more)\n"
)
WITHOUT_MOSQUITTO = (
    "import shutil\n"
    "found = shutil.which\n"
    "shutil.which = lambda name, *more, **other: None if name == 'mosquitto' else found(name, *more, **other)\n"
)


def demo(kind: str, *more: str) -> list[str]:
    return ["demo", "--broker", kind, "--port", "0", "--sms-delay", "0", *more]


def children(pid: int) -> list[int]:
    """Every process below one, children before their own."""
    own = [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return own + [each for child in own for each in children(child)]


def lives(pid: int) -> bool:
    """Whether it has not ended; what became of it may still be asked for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def comes(process: Running, words: str) -> str:
    """What is printed up to a line with these words."""
    assert process.stdout is not None
    seen = b""
    async with asyncio.timeout(PATIENCE):
        while words not in seen.decode():
            line = await process.stdout.readline()
            assert line, seen
            seen += line
    return seen.decode()


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
async def test_it_buys_a_number_and_ends_when_the_code_is_there(kind: str) -> None:
    done = await finish(
        await start_afresh(
            *demo(kind, "--once"), SHOMARE_PROVIDER__BASE_URL="http://192.0.2.1/", http_proxy="http://192.0.2.1:1"
        )
    )
    assert (done.status, done.err) == (0, "")
    assert re.search(f"an MQTT broker +127.0.0.1, port [0-9]+: {kind} [0-9.]+", done.out)
    for words in ("shomare/buy", "shomare/response/buy", "shomare/event/sms", "The code is ", "price: 2,200 IRT"):
        assert words in done.out
    assert [line for line in done.out.splitlines() if line.startswith("you")] == [
        line for line in done.out.splitlines() if "shomare/buy " in line
    ], "what daemons tell each other is nobody's command"
    assert ("apt install mosquitto" in done.out) == (kind == "amqtt")


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_it_goes_on_until_a_signal(tmp_path: Path, kind: str, number: signal.Signals) -> None:
    async with running(*demo(kind), TMPDIR=str(tmp_path)) as process:
        said = await comes(process, "--wait")
        (address,) = set(re.findall(r"http://127\.0\.0\.1:[0-9]+/(?=\s)", said))
        async with aiohttp.ClientSession() as session, session.get(address) as page:
            assert (page.status, page.content_type) == (200, "text/html")
        async with aiohttp.ClientSession() as session, session.get(f"{address}api/state") as state:
            assert (await state.json())["current"]["state"] == "received"
        below = children(process.pid)
        assert bool(below) == (kind == "mosquitto")
        process.send_signal(number)
        done = await finish(process)
    assert (done.status, done.err) == (0, "")
    assert not os.listdir(tmp_path)  # noqa: PTH208 - an async function
    assert not [each for each in below if lives(each)]


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_mosquitto_does_not_outlive_a_demo_that_is_killed(tmp_path: Path) -> None:
    # A demo that is killed leaves its folder behind: in the test's own.
    async with running(*demo("mosquitto"), TMPDIR=str(tmp_path)) as process:
        await comes(process, "What follows")
        below = children(process.pid)
        assert len(below) == 2, "mosquitto, and the shell that minds it"
        process.kill()
        await process.wait()
    async with asyncio.timeout(PATIENCE):
        while any(lives(each) for each in below):  # noqa: ASYNC110
            await asyncio.sleep(0.01)  # nobody tells of the end of another process's child


@pytest.mark.slow
@pytest.mark.mosquitto
async def test_it_ends_with_its_mosquitto() -> None:
    async with running(*demo("mosquitto")) as process:
        await comes(process, "What follows")
        os.kill(children(process.pid)[-1], signal.SIGKILL)
        done = await finish(process)
    assert done.status == 1
    assert "the demo's broker ended" in done.err


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
def test_a_reader_that_has_seen_enough_ends_it(tmp_path: Path, kind: str) -> None:
    command = " ".join([sys.executable, "-m", "shomare_mqtt", *demo(kind, "--once"), "| head -n 3"])
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=ROOT, env=environment(TMPDIR=str(tmp_path)),
        capture_output=True, text=True, timeout=2 * PATIENCE, check=True,
    )  # fmt: skip
    assert (len(done.stdout.splitlines()), done.stderr) == (3, "")
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("kind", BROKERS)
def test_a_terminal_that_is_closed_ends_it(tmp_path: Path, kind: str) -> None:
    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "shomare_mqtt", *demo(kind)],
        cwd=ROOT, env=environment(TMPDIR=str(tmp_path)),
        stdin=child, stdout=child, stderr=child, start_new_session=True,
    ) as process:  # fmt: skip
        os.close(child)
        seen = b""
        while b"What follows" not in seen:
            seen += os.read(parent, 10_000)
        below = children(process.pid)
        os.close(parent)
        process.send_signal(signal.SIGHUP)  # it has no controlling terminal that would send it
        process.wait(PATIENCE)
    assert not list(tmp_path.iterdir())
    assert not [each for each in below if lives(each)]


@pytest.fixture
def patched(tmp_path: Path) -> dict[str, str]:
    """Variables with which Python runs what a test writes to `sitecustomize.py` first."""
    return {"PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT)))}


async def test_it_says_what_it_lacks(tmp_path: Path, patched: dict[str, str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_AMQTT + WITHOUT_MOSQUITTO)
    done = await finish(await start_afresh("demo", "--once", **patched))
    assert (done.status, done.out) == (1, "")
    assert "pip install 'shomare-mqtt[demo]'" in done.err
    assert "apt install mosquitto" in done.err
    done = await finish(await start_afresh("demo", "--broker", "mosquitto", **patched))
    assert (done.status, done.out) == (1, "")
    assert "apt install mosquitto" in done.err


async def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = await run("demo", "--port", str(port))
    assert (done.status, done.out) == (1, "")
    assert f"port {port} is taken" in done.err


async def test_a_port_for_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    async def taken(port: int) -> bool:
        asked.append(port)
        return False

    usual = free_port()
    assert await free_port_of_the_demo(usual) == usual
    monkeypatch.setattr(demo_broker, "is_free", taken)
    found = await free_port_of_the_demo(usual)
    assert asked == list(range(usual, usual + 9))
    assert found not in asked
    assert await free_port_of_the_demo(0) > 0
    assert len(asked) == 9


def test_the_usual_port_is_preferred() -> None:
    assert possible()[0] == 1883
    assert possible()[-1] == 0


@pytest.mark.parametrize("kind", BROKERS)
async def test_the_first_free_port_is_taken(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = free_port(), free_port()
    monkeypatch.setattr("shomare_mqtt.cli.demo_broker.possible", lambda: (one, other, 0))
    async with broker(tmp_path, Kind(kind)) as served:
        assert served.port == one
        assert served.name.startswith(kind)
        assert not await is_free(one)
        async with broker(tmp_path, Kind(kind)) as second:
            assert second.port == other
            async with broker(tmp_path, Kind(kind)) as third:
                assert third.port not in {one, other, 0}


@pytest.mark.mosquitto
async def test_a_free_port_that_another_program_takes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = demo_broker._bound
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = iter([*[port] * len(demo_broker._ANY), port])  # each is looked at, and the first one tried
        monkeypatch.setattr(demo_broker, "_bound", lambda wanted: next(found, None) or real(wanted))
        async with broker(tmp_path, Kind.MOSQUITTO, 0) as served:
            assert served.port != port
    assert next(found, None) is None


@pytest.mark.mosquitto
async def test_where_mosquitto_fails_amqtt_stands_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    poor = tmp_path / "mosquitto"
    poor.write_text("#!/bin/sh\necho '1700000000: Error: it may not read that' >&2\nexit 3\n")
    poor.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert installed() == str(poor)
    async with broker(tmp_path, port=0) as served:
        assert served.name.startswith("amqtt")
        assert "mosquitto did not start: Error: it may not read that" in served.remark
    with pytest.raises(MosquittoFailedError, match="it may not read that"):
        async with broker(tmp_path, Kind.MOSQUITTO, 0):
            pass


@pytest.mark.mosquitto
async def test_mosquitto_is_found_where_no_path_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    if Path(program("mosquitto")).parent.name != "sbin":
        pytest.skip("on this machine it is in another place")
    monkeypatch.setenv("PATH", "/nonexistent")
    assert installed() is not None


@pytest.mark.mosquitto
async def test_mosquitto_at_a_port_that_it_cannot_have(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(MosquittoFailedError, match="ddress"):
            async with mosquitto(program("mosquitto"), taken.getsockname()[1], tmp_path):
                pass
        with pytest.raises(CommandFailedError, match="taken"):
            async with broker(tmp_path, port=taken.getsockname()[1]):
                pass


def test_what_is_shown_of_a_payload() -> None:
    assert excerpt(b'{"status": "ok", "data": {"price": 2200.5}}', "IRT") == "status: ok  price: 2,200.5 IRT"
    assert excerpt(b'{"balance": 1000, "currency": "USD"}', "IRT") == "balance: 1,000 USD"
    assert excerpt(b"1000000", "IRT", "profile/balance") == "1000000  (1,000,000 IRT)"
    assert excerpt(b'{"status": "error", "error": {"message": "no"}}', "IRT") == "status: error  error: no"
    assert excerpt(b"off", "IRT") == "off"
    counted = b'{"since": "", "until": "", "total": {"orders": 2, "received": 1, "spent": 2200}, "groups": []}'
    assert excerpt(counted, "IRT", "statistics") == "orders: 2  with a code: 1  spent: 2,200 IRT"
    problem = b'{"problem": {"event_type": "command_refused", "message": "Nothing was bought: no room."}}'
    assert excerpt(problem, "IRT", "bridge/problem") == "Nothing was bought: no room."
    assert excerpt(b'{"problem": null}', "IRT", "bridge/problem") == '{"problem": null}'
    assert "-p 1884" in to_copy(1884)
    assert "\n" not in to_copy(1884)


def test_a_narrow_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Console(width=60, highlight=False, soft_wrap=True)
    settings = GivenSettings(mqtt=Mqtt(), provider=Provider())
    story = Story(settings, screen, Served(1883, "a broker"), once=True)
    order = b'{"order": {"state": "waiting", "phone": "+79736074001", "price": 2200}}'
    story._print("event/order", Incoming("shomare/event/order", order))
    story._print("code", Incoming("shomare/code", b"48213"))
    assert capsys.readouterr().out.splitlines() == [
        "daemon → shomare/event/order",
        "         state: waiting  phone: +79736074001",
        "         price: 2,200 IRT",
        "         Each step of an order, once.",
        "daemon → shomare/code                               48213",
        "         The code alone, as plain text.",
    ]
