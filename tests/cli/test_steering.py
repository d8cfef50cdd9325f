"""`resolve`, `buying`, `defaults`, `-q` and Ctrl-C: real processes, a real broker, and a stand-in for the daemon."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.process import Finished, finish, run, running
from tests.cli.standin import ORDER, StandIn, stand_in
from tests.mosquitto import free_port

if TYPE_CHECKING:
    from pathlib import Path

ID = str(ORDER["order"])
OTHER = "01KARBBBBBBBBBBBBBBBBBBBBB"
IN_DOUBT = ORDER | {"state": "unknown", "purchase": None, "phone": None}
SMS = {"event_type": "sms_received", "order": ID, "phone": ORDER["phone"], "code": "12345", "text": "Code: 12345"}
KEPT = {
    "defaults/country": "7", "defaults/country/name": "Russia", "defaults/application": "3",
    "defaults/application/name": "Telegram (3)", "defaults/max_price": "3000",
    "profile": {"balance": 5, "currency": "IRT"},
}  # fmt: skip


def ok(data: Any) -> dict[str, Any]:
    return {"status": "ok", "data": data}


async def shomare(daemon: StandIn, *arguments: str) -> Finished:
    return await run(*arguments, SHOMARE_MQTT__PORT=str(daemon.port))


def sent(daemon: StandIn, command: str) -> dict[str, Any]:
    """The fields of the one command of this name, less those that every command has."""
    (fields,) = [fields for name, fields, _ in daemon.heard if name == command]
    return {name: value for name, value in fields.items() if name not in ("transaction", "expires_at")}


def listing(*orders: Any) -> Any:
    """Answers a list of orders with these, and every other command with a settled order."""
    return lambda command, _: ok(list(orders) if command == "query/orders" else ORDER)


# --- resolve --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "fields"),
    [
        ((ID, "--not-bought"), {"order": ID, "outcome": "not_bought"}),
        (
            (ID, "--bought", "74001", "+79313226657"),
            {"order": ID, "outcome": "bought", "purchase": "74001", "phone": "+79313226657"},
        ),
        (("current", "--not-bought"), {"order": "current", "outcome": "not_bought"}),
        (("--not-bought",), {"order": ID, "outcome": "not_bought"}),
        (("unknown", "--not-bought"), {"order": ID, "outcome": "not_bought"}),
    ],
)
async def test_resolve_sends_what_was_said(arguments: tuple[str, ...], fields: dict[str, Any]) -> None:
    async with stand_in(listing(ORDER | {"order": OTHER}, IN_DOUBT, 5)) as daemon:
        done = await shomare(daemon, "resolve", *arguments)
        assert sent(daemon, "resolve") == fields
    assert (done.status, done.err) == (0, "")
    assert ID in done.out


@pytest.mark.parametrize(
    ("listed", "says"),
    [
        ([], "no order is in state unknown"),
        ([ORDER], "no order is in state unknown"),
        ([IN_DOUBT, IN_DOUBT | {"order": OTHER}], f"2 orders are in state unknown.*{ID}, {OTHER}"),
        ([5, {"state": "unknown"}, {"state": "unknown", "order": 5}], "no order is in state unknown"),
    ],
)
async def test_resolve_names_no_order_by_guessing(listed: list[Any], says: str) -> None:
    async with stand_in(listing(*listed)) as daemon:
        done = await shomare(daemon, "resolve", "--not-bought")
        assert [command for command, *_ in daemon.heard] == ["query/orders"]
    assert (done.status, done.out) == (1, "")
    assert done.err.count("\n") == 1
    before, _, after = says.partition(".*")
    assert before in done.err
    assert after in done.err


# --- buying ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("switch", "health", "says", "paused"),
    [
        ("on", None, "Buying is on: purchases are allowed", None),
        ("on", {"buying_paused": False, "buying_paused_reason": None}, "Buying is on: purchases are allowed", None),
        ("on", {"buying_paused": True, "buying_paused_reason": "the switch buying is off"}, "Buying is on: pur", None),
        ("off", {"buying_paused": True, "buying_paused_reason": "the switch buying is off"}, "Buying is off", None),
        ("on", {"buying_paused": True, "buying_paused_reason": "order 1 may be"}, "pauses.*order 1", "order 1 may be"),
        ("on", {"buying_paused": True, "buying_paused_reason": "journal_restored"}, "a backup was", "journal_restored"),
        ("on", {"buying_paused": True}, "the daemon gave no reason", "the daemon gave no reason"),
        ("on", {"buying_paused": "x"}, "Buying is on: purchases", None),
        ("on", [5], "Buying is on: purchases", None),
        ("m\x1b[2Jaybe", None, r"Buying is m\x1b[2Jaybe, which is neither", None),
    ],
)  # fmt: skip
async def test_buying_says_how_it_stands(switch: str, health: Any, says: str, paused: str | None) -> None:
    async with stand_in(lambda *_: ok([])) as daemon:
        await daemon.say("buying", switch, retain=True)
        if health is not None:
            await daemon.say("bridge/health", health, retain=True)
        done = await shomare(daemon, "buying")
        as_json = await shomare(daemon, "buying", "--json")
        quiet = await shomare(daemon, "buying", "-q")
    assert (done.status, done.err) == (0, "")
    assert all(part in done.out for part in says.split(".*"))
    assert "\x1b" not in done.out + quiet.out + as_json.out
    assert as_json.lines() == [{"buying": switch, "buying_paused": bool(paused), "buying_paused_reason": paused}]
    assert quiet.out.startswith(switch[:1])
    assert quiet.out.count("\n") == 1


@pytest.mark.parametrize(("updated_at", "pauses"), [("2025-11-24T02:00:00Z", True), ("2025-11-24T04:00:00Z", False)])
async def test_buying_names_an_order_in_doubt_and_how_to_settle_it(updated_at: str, pauses: bool) -> None:
    """It is in doubt since 03:00: what the daemon said of its health before that is about another time."""
    async with stand_in(lambda *_: ok([ORDER | {"order": OTHER}, IN_DOUBT])) as daemon:
        await daemon.say("buying", "on", retain=True)
        await daemon.say("bridge/health", {"buying_paused": False, "updated_at": updated_at}, retain=True)
        done = await shomare(daemon, "buying")
    assert (done.status, done.err) == (0, "")
    assert (f"pauses, and goes on by itself once that is over: order {ID} may" in done.out) == pauses
    for how in ("--bought PURCHASE PHONE", "--not-bought"):
        assert f"`shomare-mqtt resolve {ID} {how}`" in done.out
    assert OTHER not in done.out


async def test_buying_that_nobody_published() -> None:
    async with stand_in(lambda *_: ok([])) as daemon:
        done = await shomare(daemon, "buying")
    assert (done.status, done.out) == (1, "")
    assert "hands out nothing on whether buying is on" in done.err


@pytest.mark.parametrize("to", ["on", "off", "OFF"])
async def test_turning_the_switch(to: str) -> None:
    async with stand_in(lambda _, fields: ok({"buying": fields["text"]} if "text" in fields else [])) as daemon:
        done = await shomare(daemon, "buying", to)
        assert sent(daemon, "buying/set") == {"text": to.lower()}
    assert (done.status, done.err) == (0, "")
    assert done.out.startswith(f"Buying is {to.lower()}: ")


async def test_a_purchase_that_is_not_understood_says_that_nothing_was_bought() -> None:
    error = {"code": "unknown_name", "message": "There is no such country.", "retryable": False}
    async with stand_in(lambda *_: {"status": "error", "error": error}) as daemon:
        done = await shomare(daemon, "buy", "--country", "Rusia")
    assert done.err == "shomare-mqtt: There is no such country. (unknown_name); nothing was bought\n"


@pytest.mark.parametrize("command", [("buying", "off"), ("defaults", "country", "7")])
async def test_what_is_set_is_answered_with_an_error(command: tuple[str, ...]) -> None:
    error = {"code": "unknown_name", "message": "There is no such country.", "retryable": False}
    async with stand_in(lambda *_: {"status": "error", "error": error}) as daemon:
        done = await shomare(daemon, *command)
        quiet = await shomare(daemon, *command, "--quiet")
        as_json = await shomare(daemon, *command, "--json")
    assert done == quiet == Finished(1, "", "shomare-mqtt: There is no such country. (unknown_name)\n")
    assert as_json.lines() == [{"transaction": None, "status": "error", "error": error}]
    assert as_json.status == 1


async def test_no_answer_to_what_cannot_expire() -> None:
    async with stand_in(lambda *_: None) as daemon:
        done = await shomare(daemon, "buying", "off", "--timeout", "8")
    assert done.status == 1
    assert "no answer within 8 seconds; it may be carried out all the same: `shomare-mqtt buying`" in done.err


# --- defaults -------------------------------------------------------------------------------------------------------


async def kept(daemon: StandIn) -> None:
    for topic, body in KEPT.items():
        await daemon.say(topic, body, retain=True)


async def test_defaults_are_shown_with_names_and_ids() -> None:
    async with stand_in(lambda *_: ok([])) as daemon:
        await kept(daemon)
        done = await shomare(daemon, "defaults")
        one = await shomare(daemon, "defaults", "country")
        as_json = await shomare(daemon, "defaults", "--json")
        quiet = await shomare(daemon, "defaults", "-q")
        quiet_one = [await shomare(daemon, "defaults", field, "-q") for field in ("country", "operator")]
    labels = [line.split(maxsplit=1)[0] for line in done.out.splitlines()]
    assert labels == ["Country", "Operator", "Application", "Maximum"]
    for words in ("Russia (7)", "Telegram (3)", "3,000 IRT"):
        assert words in done.out
    assert one.out.split() == ["Country", "Russia", "(7)"]
    assert as_json.lines() == [
        {
            "country": "7", "country_name": "Russia", "operator": None, "operator_name": None, "application": "3",
            "application_name": "Telegram (3)", "max_price": "3000",
        }
    ]  # fmt: skip
    assert quiet.out == "country\t7\noperator\t\napplication\t3\nmax_price\t3000\n"
    assert [each.out for each in quiet_one] == ["7\n", "\n"]


@pytest.mark.parametrize(("field", "value"), [("country", "Russia"), ("max_price", "3000"), ("operator", "")])
async def test_a_default_is_set(field: str, value: str) -> None:
    async with stand_in(lambda command, _: ok([] if command.startswith("query") else {field: "7"})) as daemon:
        await kept(daemon)
        done = await shomare(daemon, "defaults", field, value)
        assert sent(daemon, f"defaults/{field}/set") == {"text": value}
    assert (done.status, done.err) == (0, "")
    assert done.out.split()[0] in ("Country", "Operator", "Maximum")


async def test_defaults_of_no_sense_are_shown_harmlessly() -> None:
    async with stand_in(lambda *_: ok([])) as daemon:
        for topic, text in (("max_price", "1e999999999"), ("country", "\x1b[2J"), ("country/name", "\u202e")):
            await daemon.say(f"defaults/{topic}", text, retain=True)
        await daemon.say("defaults/operator", "x", retain=True)
        await daemon.say("profile", "[", retain=True)
        for more in ((), ("-q",), ("--json",)):
            done = await shomare(daemon, "defaults", *more)
            assert (done.status, done.err) == (0, "")
            assert all(c.isprintable() or c in "\n\t" for c in done.out)


# --- -q -------------------------------------------------------------------------------------------------------------

LISTED = [ORDER, ORDER | {"order": OTHER, "sms": [{"code": "4711"}]}]
CHECKED = ORDER | {"sms": [{"code": "4711", "text": "x"}, {"code": None, "text": "y"}, {"code": "12", "text": "z"}]}


@pytest.mark.parametrize(
    ("arguments", "data", "printed"),
    [
        ("buy", ORDER, "+79313226657\n"),
        ("cancel 1", ORDER, ""),
        ("resolve 1 --not-bought", ORDER, ""),
        ("buying off", {"buying": "off"}, ""),
        ("defaults country 7", {"country": "7"}, ""),
        ("query profile", {"balance": 1000000, "currency": "IRT"}, "1000000\n"),
        ("query price 7 1 3", {"price": 2200.5, "count": 3}, "2200.5\n"),
        ("query prices 7 1", {"prices": [{"application": "3", "application_name": "A\tB", "price": 5, "count": None}]},
         "3\tA\\tB\t5\t\n"),
        ("query countries", [{"id": "7", "name": "Russia"}, {"id": "8"}, {"name": "x"}], "7\tRussia\n8\t\n"),
        ("query orders", LISTED, f"{ID}\n{OTHER}\n"),
        ("query check 1", CHECKED, "4711\n12\n"),
        ("query check 1", ORDER, ""),
        ("query orders", [], ""),
    ],
)  # fmt: skip
async def test_quiet_prints_what_was_asked_for_alone(arguments: str, data: Any, printed: str) -> None:
    async with stand_in(lambda *_: ok(data)) as daemon:
        done = await shomare(daemon, *arguments.split(), "-q")
    assert done == Finished(0, printed, "")


@pytest.mark.parametrize(
    "arguments", ["buy", "query profile", "query price", "query prices", "query orders", "query check 1"]
)
@pytest.mark.parametrize("data", [None, 5, {}, {"sms": 5, "prices": 5, "phone": None}])
async def test_quiet_says_where_an_answer_lacks_it(arguments: str, data: Any) -> None:
    async with stand_in(lambda *_: ok(data)) as daemon:
        done = await shomare(daemon, *arguments.split(), "-q")
    assert (done.status, done.out) == (1, "")
    assert "does not hold what was asked for" in done.err


async def test_quiet_waiting_prints_number_and_code() -> None:
    async with (
        stand_in(lambda *_: ok(ORDER)) as daemon,
        running("buy", "--wait", "-q", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        assert process.stdout is not None
        first = await process.stdout.readline()
        await daemon.say("event/sms", SMS)
        done = await finish(process)
    assert (first, done) == (b"+79313226657\n", Finished(0, "12345\n", ""))


async def test_watch_quietly_begins_with_what_happens() -> None:
    async with stand_in(lambda *_: None) as daemon:
        await daemon.say("orders", [ORDER], retain=True)
        async with running("watch", "-q", SHOMARE_MQTT__PORT=str(daemon.port)) as process:
            assert process.stdout is not None
            saying = asyncio.create_task(_keep_saying(daemon))  # until it has subscribed
            first = await process.stdout.readline()
            saying.cancel()
            await asyncio.gather(saying, return_exceptions=True)
            process.send_signal(signal.SIGTERM)
            assert (await finish(process)).status == 0
    assert b"SMS for +79313226657: 12345" in first


async def _keep_saying(daemon: StandIn) -> None:
    while True:
        await daemon.say("event/sms", SMS)
        await asyncio.sleep(0.1)


async def test_check_quietly_prints_nothing_where_nothing_is_wrong() -> None:
    assert await run("check", "-q", SHOMARE_PROVIDER__TOKEN="t") == Finished(0, "", "")
    wrong = await run("check", "-q", SHOMARE_PROVIDER__TOKEN="t", SHOMARE_MQTT__PORT="70000")
    assert (wrong.status, wrong.out) == (78, "")
    assert "port" in wrong.err.lower()


async def test_doctor_quietly_prints_what_is_not_good() -> None:
    nobody = str(free_port())
    given = {
        "SHOMARE_PROVIDER__TOKEN": "t", "SHOMARE_PROVIDER__BASE_URL": f"http://127.0.0.1:{nobody}/api",
        "SHOMARE_MQTT__PORT": nobody, "no_proxy": "*",
    }  # fmt: skip
    done = await run("doctor", "-q", **given)
    whole = await run("doctor", **given)
    assert (done.status, whole.status) == (1, 1)
    assert {line.split(maxsplit=1)[0] for line in done.out.splitlines()} <= {"bad", "unknown"}
    assert any(line.startswith("good") for line in whole.out.splitlines())
    assert done.out


# --- what to do next ------------------------------------------------------------------------------------------------


async def test_an_unknown_outcome_shows_evidence_and_both_ways_to_settle_it(tmp_path: Path) -> None:
    message = (
        "The connection broke. Nobody knows whether the number was bought, and money may be gone; it is not asked for "
        'again. To settle it, look at your purchases and send {"order": …} to the topic resolve'
    )
    answer = {
        "status": "unknown", "data": IN_DOUBT | {"charged": 2200},
        "error": {"code": "outcome_unknown", "message": message, "retryable": False},
    }  # fmt: skip
    file = tmp_path / "the settings.toml"
    file.write_text("")
    async with stand_in(lambda *_: answer) as daemon:
        done = await shomare(daemon, "buy", "--config", str(file))
    assert done.status == 1
    for words in (
        "the money may be gone: The connection broke (outcome_unknown).",
        "Telegram (3), Russia (7), at 2,200",
        "The balance fell by 2,200",
        f"`shomare-mqtt resolve {ID} --bought PURCHASE PHONE --config '{file}'`",
        f"`shomare-mqtt resolve {ID} --not-bought --config '{file}'`",
    ):
        assert words in done.err
    assert "the topic resolve" not in done.err
    assert done.err.count("\n") == 1


async def test_paused_buying_names_the_command_that_tells_why() -> None:
    error = {"code": "buying_paused", "message": "the switch buying is off; nothing was bought", "retryable": True}
    async with stand_in(lambda *_: {"status": "error", "error": error}) as daemon:
        done = await shomare(daemon, "buy")
    assert done.err.endswith("nothing was bought (buying_paused); `shomare-mqtt buying` shows why, and what to do\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("more", [(), ("-q",), ("--json",)])
async def test_who_stops_waiting_is_told_how_to_cancel(number: signal.Signals, more: tuple[str, ...]) -> None:
    async with (
        stand_in(lambda *_: ok(ORDER)) as daemon,
        running("buy", "--wait", *more, SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        assert process.stdout is not None
        while b"+79313226657" not in await process.stdout.readline():
            pass
        process.send_signal(number)
        done = await finish(process)
    assert done.status == 1
    assert done.err == (
        f"shomare-mqtt: interrupted: +79313226657 stays bought, as order {ID}. To cancel it, so that its money "
        f"returns: `shomare-mqtt cancel {ID}`. To see its code: `shomare-mqtt watch` as it comes, or `shomare-mqtt "
        f"query check {ID}` later\n"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            "buy",
            "interrupted before an answer came: the number may be bought all the same; `shomare-mqtt query orders`",
        ),
        ("buy --wait", "`shomare-mqtt cancel ORDER` gives it back"),
        ("cancel 1", "interrupted; what was sent already is carried out all the same"),
        ("query profile", "interrupted; what was sent already is carried out all the same"),
        ("buying off", "interrupted; what was sent already is carried out all the same"),
    ],
)
async def test_who_does_not_wait_for_the_answer_is_told_what_may_be(
    arguments: str, says: str, number: signal.Signals
) -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        running(*arguments.split(), SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        process.send_signal(number)
        done = await finish(process)
    assert (done.status, done.out) == (1, "")
    assert says in done.err
    assert done.err.count("\n") == 1


async def test_who_stops_before_anything_was_sent_is_told_so() -> None:
    connected, ended = asyncio.Event(), asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        ended.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with running("buy", SHOMARE_MQTT__PORT=str(port)) as process:
        await connected.wait()
        process.send_signal(signal.SIGINT)
        done = await finish(process)
    await ended.wait()
    server.close()
    assert done == Finished(1, "", "shomare-mqtt: interrupted; nothing was sent, and nothing is bought\n")
