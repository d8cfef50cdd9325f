"""`buy`, `cancel`, `query`, `watch`: real processes, a real broker, and a stand-in that answers as the test says."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.process import Finished, finish, run, running
from tests.cli.standin import ORDER, StandIn, stand_in
from tests.mosquitto import Mosquitto, free_port
from tests.programs import program

if TYPE_CHECKING:
    from pathlib import Path

REFUSED = {"status": "error", "error": {"code": "no_numbers", "message": "There is no free number.", "retryable": True}}
UNKNOWN = {
    "status": "unknown",
    "data": {"order": ORDER["order"]},
    "error": {"code": "outcome_unknown", "message": "No answer came.", "retryable": False},
}
SMS = {
    "event_type": "sms_received", "sms": "s-1", "order": ORDER["order"], "phone": ORDER["phone"], "code": "12345",
    "text": "Code: 12345", "sender": "Telegram",
}  # fmt: skip


def ok(data: Any) -> dict[str, Any]:
    return {"status": "ok", "data": data}


def closed(state: str) -> dict[str, Any]:
    return {"event_type": state, "previous": "waiting", "order": ORDER | {"state": state}}


async def shomare(daemon: StandIn, *arguments: str) -> Finished:
    return await run(*arguments, SHOMARE_MQTT__PORT=str(daemon.port))


async def test_buy_sends_what_was_given_and_shows_the_order() -> None:
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        began = datetime.now(UTC)
        done = await shomare(
            daemon, "buy", "--country", "Russia", "--operator", "1", "--application", "3", "--max-price", "2500.5"
        )
        ended = datetime.now(UTC)
        command, fields, _ = daemon.heard[0]
    assert (done.status, done.err) == (0, "")
    assert "+79313226657" in done.out
    assert "Telegram (3)" in done.out
    assert command == "buy"
    assert {k: fields[k] for k in fields.keys() - {"transaction", "expires_at"}} == {
        "country": "Russia", "operator": "1", "application": "3", "max_price": 2500.5,
    }  # fmt: skip
    assert fields["transaction"].startswith("cli-")
    asked = datetime.fromisoformat(fields["expires_at"]) - timedelta(seconds=30)
    assert began - timedelta(milliseconds=1) <= asked <= ended


async def test_places_that_are_given_several_times_are_alternatives() -> None:
    error = {"code": "no_numbers", "message": "none left", "retryable": True}
    tried = {"country": "7", "operator": "2", "price": 2350, "error": error}
    async with stand_in(lambda *_: ok(ORDER | {"tries": [tried]})) as daemon:
        done = await shomare(
            daemon, "buy", "--country", "Russia", "--country", "62", "--operator", "2", "--operator", "any",
            "--min-price", "500", "--choose", "cheapest",
        )  # fmt: skip
        _, fields, _ = daemon.heard[0]
    assert {k: fields[k] for k in fields.keys() - {"transaction", "expires_at"}} == {
        "country": ["Russia", "62"], "operator": ["2", "any"], "min_price": 500, "choose": "cheapest",
    }  # fmt: skip
    assert "none left" in next(line for line in done.out.splitlines() if line.startswith("Tried"))


async def test_two_buys_have_transactions_of_their_own() -> None:
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        for _ in range(2):
            await shomare(daemon, "buy")
        assert len({fields["transaction"] for _, fields, _ in daemon.heard}) == 2


async def test_json_prints_the_answer_as_it_came() -> None:
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        done = await shomare(daemon, "buy", "--transaction", "t-17", "--json")
    assert done.lines() == [{"transaction": "t-17", "status": "ok", "data": ORDER}]
    assert done.status == 0


@pytest.mark.parametrize("arguments", [("buy",), ("cancel", "current"), ("query", "profile")])
async def test_an_error_is_told_on_stderr(arguments: tuple[str, ...]) -> None:
    async with stand_in(lambda *_: REFUSED) as daemon:
        done = await shomare(daemon, *arguments)
    assert done == Finished(1, "", "shomare-mqtt: There is no free number. (no_numbers)\n")


async def test_nor_can_an_error_that_repeats_the_providers_words_steer_the_terminal() -> None:
    refused = {"code": "provider_error", "message": "It says: \x1b[2J\nand more", "retryable": True}
    async with stand_in(lambda *_: {"status": "error", "error": refused}) as daemon:
        done = await shomare(daemon, "cancel", "1")
    assert done.err == "shomare-mqtt: It says: \\x1b[2J\\nand more (provider_error)\n"


async def test_an_unknown_outcome_says_what_it_means_for_the_money() -> None:
    async with stand_in(lambda *_: UNKNOWN) as daemon:
        done = await shomare(daemon, "buy", "--wait", "--json")
    assert done.status == 1
    assert "the money may be gone" in done.err
    assert done.lines()[0]["status"] == "unknown"


@pytest.mark.parametrize(
    ("target", "field"),
    [("current", "order"), ("01KARAAAAAAAAAAAAAAAAAAAAA", "order"), ("74001", "purchase"), ("01KAR", "purchase")],
)
async def test_cancel_tells_our_orders_from_purchases(target: str, field: str) -> None:
    async with stand_in(lambda *_: ok(ORDER | {"state": "cancelled"})) as daemon:
        done = await shomare(daemon, "cancel", target)
        _, fields, _ = daemon.heard[0]
    assert done.status == 0
    assert fields.keys() == {field, "transaction", "expires_at"}
    assert fields[field] == target


@pytest.mark.parametrize(
    ("arguments", "command", "fields"),
    [
        (("profile",), "query/profile", {}),
        (("prices", "7", "1"), "query/prices/7/1", {}),
        (("price", "a/b", "+", "مجازی"), "query/price/a%2Fb/%2B/مجازی", {}),
        (("check", "74001"), "query/check/74001", {}),
        (("orders", "--state", "all", "--limit", "5"), "query/orders", {"state": "all", "limit": 5}),
    ],
)
async def test_query_uses_the_topic_form(arguments: tuple[str, ...], command: str, fields: dict[str, Any]) -> None:
    async with stand_in(lambda *_: ok({"balance": 5})) as daemon:
        done = await shomare(daemon, "query", *arguments)
        heard, sent, _ = daemon.heard[0]
    assert (done.status, heard) == (0, command)
    assert {k: v for k, v in sent.items() if k not in ("transaction", "expires_at")} == fields


@pytest.mark.parametrize("arguments", ["profile 1", "prices 7", "price 7 1", "price 7 1 3 4", "check", "orders all"])
async def test_queries_with_too_few_or_too_many_ids_are_not_sent(arguments: str) -> None:
    done = await run("query", *arguments.split())
    assert (done.status, done.out) == (2, "")
    assert f"`query {arguments.split(maxsplit=1)[0]}` takes" in done.err


async def test_answers_of_others_are_passed_over() -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        running("query", "profile", "--json", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        await daemon.say("response/query/profile", {"status": "ok", "transaction": "another's", "data": 1})
        await daemon.say("response/query/profile", "no JSON at all")
        await daemon.say("response/query/profile", ok(2) | {"transaction": daemon.heard[0][1]["transaction"]})
        done = await finish(process)
    assert [line["data"] for line in done.lines()] == [2]


async def test_names_and_ids_are_shown_as_they_are_written() -> None:
    name = "بی\u200cلاین"
    async with stand_in(lambda *_: ok([{"id": 1017, "fa_name": name, "balance": 1000000}])) as daemon:
        done = await shomare(daemon, "query", "operators")
    assert done.out.splitlines()[1].split() == ["1017", name, "1,000,000"]


@pytest.mark.parametrize("columns", ["45", "80", ""])
async def test_ids_stay_whole_however_narrow_the_terminal(columns: str) -> None:
    """No columns at all: a program reads what is printed, and finds one order a line."""
    async with stand_in(lambda *_: ok([ORDER, ORDER])) as daemon:
        done = await run("query", "orders", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS=columns)
    lines = [line for line in done.out.splitlines() if str(ORDER["order"]) in line]
    assert len(lines) == 2
    assert str(ORDER["phone"]) in (done.out if columns else lines[0])


async def test_what_strangers_wrote_cannot_steer_the_terminal() -> None:
    sms = {"sms": "1", "code": "12\x1b[8m34", "text": "\x1b[2Jbad [bold]x[/bold] :smile:"}
    async with stand_in(lambda *_: ok(ORDER | {"sms": [sms]})) as daemon:
        done = await shomare(daemon, "query", "check", "1")
    assert "\x1b" not in done.out
    assert r"12\x1b[8m34" in done.out
    assert r"\x1b[2Jbad [bold]x[/bold] :smile:" in done.out


@pytest.mark.parametrize(("what", "data"), [("profile", {"\x1b[8mrank": 1}), ("countries", [{"\x1b[8mrank": 1}])])
async def test_nor_can_names_of_fields(what: str, data: Any) -> None:
    """All else that the provider says of an account, or of a country, stands under names of its own."""
    async with stand_in(lambda *_: ok(data)) as daemon:
        done = await shomare(daemon, "query", what)
    assert "\x1b" not in done.out
    assert r"\x1b[8mrank" in done.out


@pytest.mark.parametrize("command", [("buy",), ("cancel", "1"), ("query", "profile"), ("watch",)])
async def test_no_broker(command: tuple[str, ...]) -> None:
    port = str(free_port())
    done = await run(*command, SHOMARE_MQTT__PORT=port)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"shomare-mqtt: the broker at 127.0.0.1:{port}: ")
    assert done.err.endswith(" → is it running, and are mqtt.host and mqtt.port right?\n")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(("state", "words"), [("offline", "is offline"), (None, "no daemon")])
@pytest.mark.parametrize("command", [("buy",), ("watch",)])
async def test_no_daemon(command: tuple[str, ...], state: str | None, words: str) -> None:
    async with stand_in(lambda *_: ok(ORDER), state) as daemon:
        done = await shomare(daemon, *command, *(("--timeout", "3") if state is None else ()))
        assert daemon.heard == []
    assert (done.status, done.out) == (1, "")
    assert words in done.err


async def test_no_answer_in_time() -> None:
    async with stand_in(lambda *_: None) as daemon:
        done = await shomare(daemon, "buy", "--timeout", "8")  # as long has it to reach the daemon
        _, fields, _ = daemon.heard[0]
    assert done.status == 1
    assert "no answer within 8 seconds" in done.err
    assert "query orders" in done.err
    assert datetime.fromisoformat(fields["expires_at"]) < datetime.now(UTC)


async def _waiting(daemon: StandIn, *events: tuple[str, Any], json_too: bool = True) -> Finished:
    """`buy --wait`, and what happens once it was answered."""
    more = ("--json",) if json_too else ()
    async with running("buy", "--wait", *more, SHOMARE_MQTT__PORT=str(daemon.port)) as process:
        assert process.stdout is not None
        first = await process.stdout.readline()
        for topic, body in events:
            await daemon.say(topic, body)
        done = await finish(process)
    return Finished(done.status, first.decode() + done.out, done.err)


async def test_wait_ends_with_the_code() -> None:
    other = SMS | {"order": "01KARBBBBBBBBBBBBBBBBBBBBB"}
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        done = await _waiting(
            daemon, ("event/sms", other), ("event/sms", SMS | {"code": None}), ("event/sms", SMS | {"code": "77"})
        )
    assert done.status == 0
    answer, ended = done.lines()
    assert answer["status"] == "ok"
    assert ended == SMS | {"code": "77"}


async def test_wait_shows_the_code_to_people() -> None:
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        done = await _waiting(daemon, ("event/sms", SMS), json_too=False)
    assert (done.status, done.out.splitlines()[-1]) == (0, "The code: 12345")


@pytest.mark.parametrize("state", ["cancelled", "expired", "finished"])
async def test_wait_ends_when_the_order_closed_without_a_code(state: str) -> None:
    async with stand_in(lambda *_: ok(ORDER)) as daemon:
        done = await _waiting(daemon, ("event/order", closed("received")), ("event/order", closed(state)))
    assert done.status == 1
    assert done.lines()[1]["event_type"] == state
    assert f"is {state}, and no code came" in done.err


async def test_wait_looks_up_what_a_repeated_answer_cannot_know() -> None:
    had_code = ORDER | {"state": "finished", "sms": [{"sms": "1", "code": "4711", "text": "4711"}]}

    def answer(command: str, _fields: dict[str, Any]) -> dict[str, Any]:
        return ok(ORDER) | {"replayed": True} if command == "buy" else ok([had_code])

    async with stand_in(answer) as daemon:
        done = await shomare(daemon, "buy", "--wait", "--transaction", "t")
    assert (done.status, done.out.splitlines()[-1]) == (0, "The code: 4711")


@pytest.mark.mosquitto
async def test_wait_outlives_the_broker(tmp_path: Path) -> None:
    had_code = ORDER | {"sms": [{"sms": "1", "code": "4711", "text": "4711"}]}

    def answer(command: str, _fields: dict[str, Any]) -> dict[str, Any]:
        return ok(ORDER) if command == "buy" else ok([had_code])

    async with Mosquitto(tmp_path) as broker:
        first = StandIn(answer)
        await first.start(broker.port, "online")
        async with asyncio.TaskGroup() as group:
            serving = group.create_task(first.serve())
            async with running("buy", "--wait", SHOMARE_MQTT__PORT=str(broker.port)) as process:
                assert process.stdout is not None
                await process.stdout.readline()
                await broker.restart(kill=True)
                second = StandIn(answer)
                await second.start(broker.port, "online")
                again = group.create_task(second.serve())
                done = await finish(process)
            serving.cancel()
            again.cancel()
        await second.stop()
    assert done.status == 0
    assert "The code: 4711" in done.out
    assert "the order goes on" in done.err


@pytest.mark.mosquitto
async def test_what_is_sent_expires_in_the_broker_too(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker:
        listener = await asyncio.create_subprocess_exec(
            program("mosquitto_sub"), "-V", "5", "-p", str(broker.port), "-t", "shomare/#", "-F", "%t %E", "-C", "2",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        daemon = StandIn(lambda *_: ok([]))
        await daemon.start(broker.port, "online")
        serving = asyncio.create_task(daemon.serve())
        assert listener.stdout is not None
        assert (await listener.stdout.readline()).startswith(b"shomare/bridge/state")  # it has subscribed
        done = await shomare(daemon, "query", "countries", "--timeout", "97")
        out, _ = await listener.communicate()
        serving.cancel()
        await daemon.stop()
    assert done.status == 0
    topic, seconds = out.decode().split()
    assert topic == "shomare/query/countries"
    assert 30 < int(seconds) <= 97


async def _keep_saying(daemon: StandIn) -> None:
    while True:
        await daemon.say("event/order", closed("cancelled"))
        await asyncio.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_watch_prints_each_event_until_a_signal(number: signal.Signals) -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        running("watch", "--json", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        assert process.stdout is not None
        saying = asyncio.create_task(_keep_saying(daemon))  # until it has subscribed
        line = await process.stdout.readline()
        saying.cancel()
        process.send_signal(number)
        done = await finish(process)
    assert json.loads(line) == closed("cancelled")
    assert (done.status, done.err) == (0, "")


async def test_watch_shows_people_what_happens() -> None:
    async with stand_in(lambda *_: None) as daemon:
        await daemon.say("orders", [ORDER], retain=True)
        await daemon.say("bridge/problem", {"problem": {"message": "Nothing was bought."}}, retain=True)
        async with running("watch", SHOMARE_MQTT__PORT=str(daemon.port)) as process:
            assert process.stdout is not None
            seen = b""
            while not (b"+79313226657" in seen and b"Nothing was bought." in seen):
                seen += await process.stdout.readline()
            await daemon.say("bridge/problem", {"problem": {"message": "Told as an event."}}, retain=True)
            await daemon.say("event/sms", SMS)
            await daemon.say("event/bridge", {"event_type": "buying_paused", "message": "Buying pauses."})
            while b"Buying pauses." not in seen:
                seen += await process.stdout.readline()
            process.send_signal(signal.SIGINT)
            done = await finish(process)
    assert b"SMS for +79313226657: 12345" in seen
    assert b"Told as an event." not in seen
    assert done.status == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("buy", "--max-price", "much"),
        ("buy", "--max-price", "-1"),
        ("buy", "--timeout", "0"),
        ("cancel",),
        ("query",),
        ("query", "nonsense"),
        ("query", "orders", "--state", "some"),
        ("query", "profile", "--limit", "3"),
        ("nonsense",),
        ("run", "--nonsense"),
        ("simulate", "--nonsense"),
        (),
    ],
)
async def test_usage(arguments: tuple[str, ...]) -> None:
    assert (await run(*arguments)).status == 2


async def test_only_the_mqtt_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[provider]\ntoken_file = '/nonexistent'\n[limits]\nmax_price = 'much'\n[nonsense]\n")
    async with stand_in(lambda *_: ok({"balance": 1})) as daemon:
        done = await run(
            "query",
            "profile",
            "--config",
            str(file),
            SHOMARE_MQTT__PORT=str(daemon.port),
            SHOMARE_LIMITS__MAX_PRICE="x",
        )
    assert done.status == 0
