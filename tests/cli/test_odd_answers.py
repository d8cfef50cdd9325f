"""Whatever comes in an answer's place: a plain message, a documented status, never a traceback or a hung terminal."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import redirect_stdout, suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.cli import buying, steering, watching
from shomare_mqtt.cli.bridge import Heard, heard_from
from shomare_mqtt.cli.commands import Manner, present
from shomare_mqtt.cli.output import write_json
from shomare_mqtt.cli.showing import console, objects, plain, show, show_orders
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.config import Mqtt
from shomare_mqtt.normalization import one_line
from tests.cli.process import finish, run, running
from tests.cli.standin import ORDER, StandIn, stand_in

if TYPE_CHECKING:
    from collections.abc import Callable

COMMANDS = ["buy", "cancel", "query/orders", "query/prices/7/1", "query/profile", "query/countries", "query/check/1"]
COMMANDS += ["resolve", "query/price/7/1/3"]
JOINERS = "\u200c\u200d"
STEERING = "".join(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x61C, *range(0x200B, 0x2010))))
STEERING += "\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\U000e0041"

# --- everything that can be printed ---------------------------------------------------------------------------------

NAMES = st.sampled_from([*ORDER, "status", "data", "error", "code", "message", "text", "prices", "replayed", "sms_at"])
ODD_TEXT = st.text(max_size=5) | st.sampled_from(
    ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "2025-11-24", "waiting", "ok", "\x9b2J", "\ud800", *STEERING]
)
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), ODD_TEXT, st.sampled_from([10**40, -(10**4000), 1e308])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | ODD_TEXT, inner, max_size=6),
    max_leaves=20,
)
ANSWERS = st.fixed_dictionaries({}, optional={"status": LEAVES | st.just("ok"), "data": VALUES, "error": VALUES})
PIECES = ["1e999999999", "-1E-999999999", "9" * 9000, "NaN", "[" * 3000 + "]" * 3000, '"\\ud800"', '"\x80"', '"\u202e"']


def payloads(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Values as JSON, some with a number or a text in them that Python's own JSON would not write."""
    texts = st.tuples(values.map(json.dumps), st.sampled_from(["null", *PIECES]))
    return texts.map(lambda two: two[0].replace("null", two[1], 1).encode(errors="surrogatepass"))


def printed(do: Callable[[], object]) -> str:
    """What is printed; a failure that is told in words is none."""
    screen = io.StringIO()
    with redirect_stdout(screen), suppress(CommandFailedError):
        do()
    return screen.getvalue()


def is_harmless(text: str) -> bool:
    return all(c.isprintable() or c in "\n" + JOINERS for c in text)


@given(payloads(ANSWERS), st.sampled_from(COMMANDS), st.booleans(), st.booleans())
def test_every_answer_can_be_printed(payload: bytes, command: str, as_json: bool, quiet: bool) -> None:
    heard = heard_from(f"response/{command}", payload)
    if isinstance(heard.body, dict):
        said = printed(lambda: present(heard, command, Manner(30, as_json, quiet=quiet and not as_json)))
        assert is_harmless(said.replace("\t", "") if quiet else said)
        if as_json:
            assert said.count("\n") == 1
            json.loads(said, parse_constant=_refuse, parse_int=str)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


@given(payloads(VALUES), st.sampled_from(["journal_restored", "", None, 5, {}, "\x1b[2J"]), ODD_TEXT)
def test_every_pause_can_be_said(payload: bytes, reason: Any, switch: str) -> None:
    for health in (heard_from("bridge/health", payload).body, {"buying_paused": True, "buying_paused_reason": reason}):
        said = steering._switch_said(switch, steering._pause(health))
        assert is_harmless(printed(lambda said=said: console().print(plain(said))))  # type: ignore[misc]


@given(ODD_TEXT | st.sampled_from(PIECES), ODD_TEXT, st.none() | ODD_TEXT)
def test_every_default_can_be_said(value: str, name: str, unit: str | None) -> None:
    known = {"country": value, "country_name": name, "max_price": value, "currency": unit}
    for field in ("country", "max_price"):
        said = steering._default_said(known, field)
        assert is_harmless(printed(lambda said=said: show(console(), "defaults", {"x": said})))  # type: ignore[misc]


@given(payloads(VALUES), st.sampled_from(["orders", "event/order", "event/sms", "event/bridge", "bridge/state"]))
def test_every_event_can_be_watched(payload: bytes, topic: str) -> None:
    heard = heard_from(topic, payload)
    screen = io.StringIO()
    with redirect_stdout(screen):
        if topic == "orders":
            show_orders(console(), objects(heard.body))
        elif line := watching._line(heard):
            console().print(line)
    assert is_harmless(screen.getvalue())


@given(payloads(VALUES), payloads(st.dictionaries(NAMES, VALUES, max_size=6)), st.sampled_from(buying._EVENTS))
def test_every_event_can_be_waited_among(payload: bytes, order: bytes, topic: str) -> None:
    for body in (heard_from(topic, payload), heard_from(topic, order)):
        buying._end_of(body, "01K")
        buying._end_of(Heard(topic, "", {"order": body.body, "code": body.body}), "01K")
        if isinstance(body.body, dict):
            ended = buying._end_of_order(body.body)
            assert ended is None or is_harmless(one_line(ended.text))
            buying._countdown(body.body)


@given(st.text(max_size=40) | st.text(STEERING, max_size=10))
def test_json_is_the_same_and_harmless(text: str) -> None:
    for written in (json.dumps({"text": text}), json.dumps({"text": text}, ensure_ascii=False, indent=1)):
        said = printed(lambda written=written: write_json(written))  # type: ignore[misc]
        assert json.loads(said) == {"text": text}
        assert said.removesuffix("\n").isprintable()


# --- real processes -------------------------------------------------------------------------------------------------


async def test_nobody_settles_an_order_that_a_list_of_no_sense_names() -> None:
    async with stand_in(lambda *_: None) as daemon:
        for name in ("null for data", "a text for data", "NaN", "lists of lists", "a list of orders of wrong types"):
            done = await answered(daemon, ODD[name], "resolve", "--not-bought")
            assert done.status == 1, name
            assert "no order is in state unknown" in done.err, name


ODD = {
    "null": "null", "a list": "[]", "a text": '"ok"', "nothing": "", "no JSON": "\x9b2J{", "no status": "{%s}",
    "a list for a status": '{%s, "status": ["ok"]}', "no data": '{%s, "status": "ok"}',
    "null for data": '{%s, "status": "ok", "data": null}', "a text for data": '{%s, "status": "ok", "data": "\u202e"}',
    "a number for data": '{%s, "status": "ok", "data": 1e999999999}',
    "an empty order": '{%s, "status": "ok", "data": {}}',
    "NaN": '{%s, "status": "ok", "data": NaN}', "lists of lists": '{%s, "status": "ok", "data": [[1], {"a": 1}]}',
    "an order of wrong types":
        '{%s, "status": "ok", "data": {"order": "1", "state": "waiting", "sms": {"a": 1}, "error": "x", "price": [], '
        '"created_at": "0001-01-01T00:00:00+14:00", "expires_at": 5, "country": {"a": 1}, "country_name": 7}}',
    "an order that is a number": '{%s, "status": "ok", "data": {"order": 17, "state": "waiting"}}',
    "a list of orders of wrong types": '{%s, "status": "ok", "data": [{"order": "1", "sms": [1, {"code": 5}]}, 7]}',
    "prices of wrong types": '{%s, "status": "ok", "data": {"prices": [1, null, {"a": 1}]}}',
    "a text for an error": '{%s, "status": "error", "error": "no"}',
    "a list for an error": '{%s, "status": "error", "error": [1]}',
    "an error of wrong types": '{%s, "status": "error", "error": {"message": {"a": 1}, "code": [2]}}',
    "unknown without data": '{%s, "status": "unknown", "data": [], "error": null}',
}  # fmt: skip


async def answered(daemon: StandIn, text: str, *arguments: str) -> Any:
    """A command that gets this text for an answer, and after it an ordinary error where that was not its answer."""
    port = {"SHOMARE_MQTT__PORT": str(daemon.port)}
    daemon.asked.clear()
    async with running(*arguments, **port) as process:
        await daemon.asked.wait()
        command, fields, _ = daemon.heard[-1]
        own = f'"transaction": {json.dumps(fields.get("transaction"))}'
        for said in (text.replace("%s", own), f'{{{own}, "status": "error", "error": {{"code": "busy"}}}}'):
            await daemon.say(f"response/{command}", said)
        return await finish(process)


ASKED = [("buy",), ("buy", "--json"), ("cancel", "1"), ("query", "orders"), ("query", "prices", "7", "1")]
ASKED += [("resolve", "1", "--not-bought"), ("buying", "off"), ("defaults", "country", "7", "-q")]


@pytest.mark.parametrize("arguments", ASKED, ids=" ".join)
async def test_odd_answers(arguments: tuple[str, ...]) -> None:
    """A share of them each: what is printed of all is looked at above."""
    async with stand_in(lambda *_: None) as daemon:
        for name, text in list(ODD.items())[ASKED.index(arguments) :: len(ASKED)]:
            done = await answered(daemon, text, *arguments)
            assert done.status in (0, 1), name
            assert done.status == 0 or done.err.startswith("shomare-mqtt: "), name
            assert done.status == 1 or not done.err, name
            assert is_harmless(done.out), name
            if "--json" in arguments:
                assert [line["transaction"] for line in done.lines()], name


async def test_nobody_waits_for_an_order_that_was_not_named() -> None:
    unnamed = ["null for data", "an empty order", "NaN", "an order that is a number", "lists of lists"]
    async with stand_in(lambda *_: None) as daemon:
        for name in unnamed:
            done = await answered(daemon, ODD[name], "buy", "--wait")
            assert done.status == 1, name
            assert "the answer names no order, so there is nothing to wait for" in done.err, name
            assert "query orders" in done.err


@pytest.mark.parametrize("state", ["cancelled", "failed", "no state"])
async def test_nobody_waits_for_an_order_that_is_closed(state: str) -> None:
    async with stand_in(lambda *_: {"status": "ok", "data": ORDER | {"state": state}}) as daemon:
        done = await run("buy", "--wait", SHOMARE_MQTT__PORT=str(daemon.port))
    assert done.status == 1
    assert f"is {state}, and no code came" in done.err


async def test_events_of_no_sense_are_passed_over() -> None:
    odd = [
        "null",
        "[]",
        "NaN",
        "{",
        '{"order": null}',
        '{"order": {"order": []}}',
        '{"code": {}}',
        "\ufffd",
        '"\\ud800"',
    ]
    async with (
        stand_in(lambda *_: {"status": "ok", "data": ORDER}) as daemon,
        running("buy", "--wait", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        assert process.stdout is not None
        await process.stdout.readline()
        for text in odd:
            for topic in ("event/sms", "event/order", "bridge/state"):
                await daemon.say(topic, text)
        await daemon.say("event/sms", {"order": ORDER["order"], "code": 4711})
        done = await finish(process)
    assert (done.status, done.out.splitlines()[-1]) == (0, "The code: 4711")


async def test_arguments_that_are_no_text() -> None:
    async with stand_in(lambda *_: {"status": "ok", "data": {}}) as daemon:
        for arguments in (
            ("query", "price", "\udcff", "1", "2"),
            ("cancel", "\udcff"),
            ("buy", "--transaction", "\udcff"),
        ):
            done = await run(*arguments, SHOMARE_MQTT__PORT=str(daemon.port))
            assert done.status == 0, done
        done = await run("query", "check", "x" * 70_000, SHOMARE_MQTT__PORT=str(daemon.port))
    assert done.status == 1
    assert done.err.startswith("shomare-mqtt: ")


# --- who waits, and for how long ------------------------------------------------------------------------------------


def settings(daemon: StandIn) -> Mqtt:
    return Mqtt.model_validate({"port": daemon.port})


async def test_waiting_goes_on_over_a_restart_of_the_daemon() -> None:
    had_code = ORDER | {"sms": [{"sms": "1", "code": "4711", "text": "4711"}]}
    orders = [[ORDER], [had_code]]

    def answer(command: str, _: Any) -> dict[str, Any]:
        return {"status": "ok", "data": ORDER if command == "buy" else orders.pop(0)}

    async with stand_in(answer) as daemon, running("buy", "--wait", SHOMARE_MQTT__PORT=str(daemon.port)) as process:
        assert process.stdout is not None
        await process.stdout.readline()
        for _ in range(2):
            daemon.asked.clear()
            await daemon.say("bridge/state", "offline", retain=True)
            await daemon.say("bridge/state", "online", retain=True)
            await daemon.asked.wait()
        done = await finish(process)
    assert done.status == 0
    assert "The code: 4711" in done.out
    assert "the daemon went offline; the order goes on, and so does the waiting" in done.err


async def test_waiting_ends_where_the_daemon_stays_away(monkeypatch: pytest.MonkeyPatch) -> None:
    absence = buying._Absence(0.0)
    monkeypatch.setattr(buying, "_RECONNECT", 0.0)
    monkeypatch.setattr(buying, "_Absence", lambda _: absence)
    async with stand_in(lambda *_: {"status": "ok", "data": ORDER}) as daemon:
        waiting = asyncio.create_task(buying.buy(settings(daemon), {}, Manner(30, json=True), wait=True))
        await daemon.asked.wait()
        await daemon.say("bridge/state", "offline", retain=True)
        with pytest.raises(CommandFailedError, match=r"is offline.*goes on, and is no longer waited for.*query check"):
            await waiting


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ([], "is no longer known to the daemon"),
        ([1, {"order": 5}], "is no longer known"),
        ({"a": 1}, "cannot be understood"),
    ],
)
async def test_waiting_ends_where_the_order_vanished(monkeypatch: pytest.MonkeyPatch, listed: Any, said: str) -> None:
    absence = buying._Absence(0.0)
    monkeypatch.setattr(buying, "_SILENCE", 0.0)
    monkeypatch.setattr(buying, "_RECONNECT", 0.0)
    monkeypatch.setattr(buying, "_Absence", lambda _: absence)

    def answer(command: str, _: Any) -> dict[str, Any]:
        return {"status": "ok", "data": ORDER if command == "buy" else listed}

    async with stand_in(answer) as daemon:
        with pytest.raises(CommandFailedError, match=said):
            await buying.buy(settings(daemon), {}, Manner(30, json=True), wait=True)


async def test_a_silent_order_that_still_waits_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buying, "_SILENCE", 0.0)
    states = iter(["waiting", "waiting", "expired"])

    def answer(command: str, _: Any) -> dict[str, Any]:
        return {"status": "ok", "data": ORDER if command == "buy" else [ORDER | {"state": next(states)}]}

    async with stand_in(answer) as daemon:
        with pytest.raises(CommandFailedError, match="is expired, and no code came"):
            await buying.buy(settings(daemon), {}, Manner(30, json=True), wait=True)


async def test_watch_as_json_passes_over_what_is_no_json() -> None:
    texts = ('{"a": NaN, "b": "\u202e"}', "no JSON\nforged", '{\n "text": "\u0085"\n}')

    async def keep_saying(daemon: StandIn) -> None:
        while True:
            for text in texts:
                await daemon.say("event/sms", text)
            await asyncio.sleep(0)

    async with (
        stand_in(lambda *_: None) as daemon,
        running("watch", "--json", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        assert process.stdout is not None
        saying = asyncio.create_task(keep_saying(daemon))  # until it has subscribed
        lines = {await process.stdout.readline() for _ in range(4)}
        saying.cancel()
    assert lines == {b'{"a":null,"b":"\\u202e"}\n', b'{  "text": "\\u0085" }\n'}
