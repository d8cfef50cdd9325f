"""What is printed where the terminal lacks the letters, or where nobody reads: the money was spent by then."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.normalization import escaped_for
from tests.cli.process import environment, finish, run, running
from tests.cli.standin import ORDER, stand_in
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = "کد تأیید شما: 48213 é – 😀"
NAMES = {"country_name": "روسیه", "application_name": "تلگرام", "operator_name": "é"}
WAITING = ORDER | NAMES
HAD_SMS = WAITING | {"state": "received", "sms": [{"sms": "s-1", "code": "48213", "text": TEXT, "sender": "بانک"}]}
SMS = {"event_type": "sms_received", "sms": "s-1", "order": ORDER["order"], "phone": ORDER["phone"], "code": "48213",
       "text": TEXT}  # fmt: skip
POOR = {
    "Latin-1": {"PYTHONIOENCODING": "latin-1"},
    "ASCII, told to be strict": {"PYTHONIOENCODING": "ascii:strict"},
    "a poor locale, and Python told to believe it": {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
}


def answer(command: str, _fields: dict[str, Any]) -> dict[str, Any]:
    listed = command == "query/orders"
    return {"status": "ok", "data": [HAD_SMS] if listed else HAD_SMS if command.startswith("query/check/") else WAITING}


@pytest.mark.parametrize("poor", POOR.values(), ids=POOR)
async def test_every_command_shows_what_it_can(poor: dict[str, str]) -> None:
    async with stand_in(answer) as daemon:
        port = {"SHOMARE_MQTT__PORT": str(daemon.port)}
        orders = await run("query", "orders", **port, **poor)
        check = await run("query", "check", "1", **port, **poor)
        bought = await run("buy", **port, **poor)
    for done in (orders, check, bought):
        assert (done.status, done.err) == (0, ""), done
    assert "48213" in orders.out
    assert "48213" in check.out
    assert str(ORDER["phone"]) in bought.out


@pytest.mark.parametrize("poor", POOR.values(), ids=POOR)
async def test_json_stays_json(poor: dict[str, str]) -> None:
    async with stand_in(answer) as daemon:
        done = await run("query", "orders", "--json", **poor, SHOMARE_MQTT__PORT=str(daemon.port))
    assert (done.status, done.err) == (0, "")
    assert done.lines()[0]["data"] == [HAD_SMS]


@pytest.mark.parametrize(("poor", "json_too"), [({"PYTHONIOENCODING": "ascii"}, True), (POOR["Latin-1"], False)])
async def test_the_code_that_was_waited_for_is_shown(poor: dict[str, str], *, json_too: bool) -> None:
    more = ("--json",) if json_too else ()
    async with (
        stand_in(answer) as daemon,
        running("buy", "--wait", *more, SHOMARE_MQTT__PORT=str(daemon.port), **poor) as process,
    ):
        assert process.stdout is not None
        first = await process.stdout.readline()
        await daemon.say("event/sms", SMS)
        done = await finish(process)
    assert (done.status, done.err) == (0, "")
    if json_too:
        assert [json.loads(first)["data"], *done.lines()] == [WAITING, SMS]
    else:
        assert done.out.splitlines()[-1] == "The code: 48213"


async def test_watch_goes_on() -> None:
    event = {"event_type": "received", "previous": "waiting", "order": HAD_SMS}
    async with stand_in(answer) as daemon:
        await daemon.say("orders", [WAITING], retain=True)
        async with running("watch", SHOMARE_MQTT__PORT=str(daemon.port), PYTHONIOENCODING="ascii") as process:
            assert process.stdout is not None
            while b"waiting" not in await process.stdout.readline():
                pass
            await daemon.say("event/order", event)
            await daemon.say("event/sms", SMS)
            while b"48213" not in await process.stdout.readline():
                pass
            process.send_signal(signal.SIGTERM)
            done = await finish(process)
    assert (done.status, done.err) == (0, "")


async def test_an_error_in_letters_that_are_not_there() -> None:
    refused = {"status": "error", "error": {"code": "provider_error", "message": "موجودی کافی نیست 402"}}
    async with stand_in(lambda *_: refused) as daemon:
        done = await run("cancel", "1", SHOMARE_MQTT__PORT=str(daemon.port), PYTHONIOENCODING="ascii:strict")
    assert done.status == 1
    assert "402 (provider_error)" in done.err


async def test_check_prints_settings_in_letters_that_are_not_there() -> None:
    done = await run(
        "check", SHOMARE_PROVIDER__TOKEN="t", SHOMARE_HOMEASSISTANT__DEVICE_NAME="شماره é😀", PYTHONIOENCODING="ascii"
    )
    assert (done.status, done.err) == (0, "")
    (line,) = (line for line in done.out.splitlines() if line.startswith("homeassistant.device_name = "))
    assert json.loads(line.partition(" = ")[2]) == "شماره é😀"


async def test_the_daemons_log_as_json(tmp_path: Path) -> None:
    """Its line about a state directory that cannot be used names it."""
    (tmp_path / "é😀").write_text("")
    done = await run(
        "run", PYTHONIOENCODING="ascii", SHOMARE_PROVIDER__TOKEN="t", SHOMARE_LOG__FORMAT="json",
        SHOMARE_STATE__DIRECTORY=str(tmp_path / "é😀"),
    )  # fmt: skip
    assert done.status in (1, 78)
    for line in done.err.splitlines():
        if line.startswith("{"):
            json.loads(line)


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("ascii", '"\\u00e9\\ud83d\\ude00"'), ("latin-1", '"\\u00e9\\ud83d\\ude00"'), ("utf-8", '"é😀"'), (None, '"é😀"')],
)
def test_json_is_escaped_as_a_whole_or_not_at_all(encoding: str | None, written: str) -> None:
    assert escaped_for(encoding, '"é😀"') == written
    assert json.loads(written) == "é😀"
    assert escaped_for("latin-1", '"é"') == '"é"'


# --- nobody reads ---------------------------------------------------------------------------------------------------


def _without_reader() -> int:
    """The end of a pipe to write into that nobody reads any more."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


async def _printed_into(target: int, *arguments: str, **variables: str) -> tuple[int | None, str]:
    """A command whose output goes to a file's number: its status, and what it says on stderr."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shomare_mqtt", *arguments, env=environment(**variables) | {"PYTHONUNBUFFERED": ""},
        stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    return process.returncode, err.decode()


COMMANDS = [("buy",), ("buy", "--json"), ("query", "orders"), ("watch",), ("check",), ("--help",)]


@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
async def test_a_reader_that_has_gone_ends_a_command_quietly(arguments: tuple[str, ...]) -> None:
    async with stand_in(answer) as daemon:
        with ExitStack() as stack:
            target = _without_reader()
            stack.callback(os.close, target)
            ended = await _printed_into(
                target, *arguments, SHOMARE_MQTT__PORT=str(daemon.port), SHOMARE_PROVIDER__TOKEN="t"
            )
    assert ended == (1, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
@pytest.mark.parametrize("arguments", [("check",), ("query", "orders")], ids=" ".join)
async def test_a_full_disk_is_said(arguments: tuple[str, ...]) -> None:
    async with stand_in(answer) as daemon:
        with ExitStack() as stack:
            full = os.open("/dev/full", os.O_WRONLY)
            stack.callback(os.close, full)
            status, err = await _printed_into(
                full, *arguments, SHOMARE_MQTT__PORT=str(daemon.port), SHOMARE_PROVIDER__TOKEN="t"
            )
    assert status == 1
    assert err == "shomare-mqtt: the output could not be written: No space left on device\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full is Linux's")
def test_a_failure_keeps_its_status_on_a_full_disk() -> None:
    """What is left in the buffer must not be written once more at the interpreter's end, which would make it 120."""
    program = (
        "import sys; from shomare_mqtt.cli import output; output.prepare(); sys.stdout.write('x'); "
        "sys.exit(output.finish(78))"
    )
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environment() | {"PYTHONUNBUFFERED": ""}, stdout=full,
            stderr=subprocess.PIPE, timeout=PATIENCE, check=False,
        )  # fmt: skip
    assert ended.returncode == 78
    assert ended.stderr.decode() == "shomare-mqtt: the output could not be written: No space left on device\n"


def _close(*descriptors: int) -> Callable[[], None]:
    def close() -> None:
        for each in descriptors:
            os.close(each)

    return close


@pytest.mark.parametrize(
    ("arguments", "closed"), [(("buy",), (1,)), (("query", "orders", "--json"), (1, 2)), (("check",), (0, 1, 2))]
)
async def test_an_output_that_was_closed_is_none(arguments: tuple[str, ...], closed: tuple[int, ...]) -> None:
    async with stand_in(answer) as daemon:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "shomare_mqtt", *arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, preexec_fn=_close(*closed),
            env=environment(SHOMARE_MQTT__PORT=str(daemon.port), SHOMARE_PROVIDER__TOKEN="t"),
        )  # fmt: skip
        async with asyncio.timeout(PATIENCE):
            _, err = await process.communicate()
        heard = len(daemon.heard)
    assert (process.returncode, err) == (0, b"")
    assert heard == (arguments != ("check",))


@pytest.mark.slow
async def test_the_demo_ends_with_its_reader() -> None:
    """As in `shomare-mqtt demo --once | head -1`."""
    reading, writing = os.pipe()
    with ExitStack() as stack:
        stack.callback(os.close, writing)
        ended = asyncio.create_task(_printed_into(writing, "demo", "--once", PYTHONIOENCODING="ascii"))
        first = await asyncio.to_thread(os.read, reading, 20)
        os.close(reading)
        assert first
        assert await ended == (1, "")


async def test_the_simulator_ends_where_nobody_reads_its_address() -> None:
    target = _without_reader()
    with ExitStack() as stack:
        stack.callback(os.close, target)
        assert await _printed_into(target, "simulate") == (1, "")
