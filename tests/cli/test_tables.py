"""What people see of lists and events, at every width: whole lines in a pipe, else none too wide."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import re
import signal
import struct
import termios
import time
import unicodedata
from contextlib import ExitStack, asynccontextmanager
from fcntl import ioctl
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from shomare_mqtt.cli.showing import Known, order_line, show, sms_line
from shomare_mqtt.cli.tables import Cell, Column, Line, show_table
from tests.cli.process import run, running, start_into
from tests.cli.standin import ORDER, StandIn, stand_in_on
from tests.mosquitto import Mosquitto

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

KNOWN = Known("IRT", {"country": {"7": "Russia"}, "operator": {"1": "MTS"}, "application": {"3": "Telegram"}})
PERSIAN = ORDER | {
    "order": "01KARBBBBBBBBBBBBBBBBBBBBB", "state": "finished", "application": "17", "price": 1250,
    "application_name": "بی\u200cتاک پیام\u200cرسان", "country": "98", "country_name": "ایران",
    "phone": "+989121234567", "created_at": "2025-11-24T01:00:00Z",
    "sms": [{"sms": "1", "code": "48213", "text": "کد: 48213"}],
}  # fmt: skip
REFUNDED = ORDER | {
    "order": "01KARCCCCCCCCCCCCCCCCCCCCC", "state": "cancelled", "application": "4", "application_name": "WhatsApp",
    "phone": "+447700900123", "country": "44", "country_name": "United Kingdom", "price": 15900, "refunded": True,
    "created_at": "2025-11-23T01:00:00Z",
}  # fmt: skip
ORDERS = [ORDER, PERSIAN, REFUNDED]
PRICES = {
    "country": "7", "operator": "1", "updated_at": "2025-11-24T01:00:00Z",
    "prices": [
        {"application": "3", "application_name": "Telegram", "price": 2200, "count": 1500},
        {"application": "17", "application_name": "پیام\u200cرسان بله", "price": 900, "count": None},
    ],
}  # fmt: skip


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everywhere the same zone, and one with letters."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


def screen(width: int, *, terminal: bool = False) -> Console:
    return Console(
        width=width, file=io.StringIO(), highlight=False, markup=False, emoji=False, soft_wrap=True,
        force_terminal=terminal, color_system=None,
    )  # fmt: skip


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


def shown(what: str, data: Any, width: int, *, long: bool = False, known: Known = KNOWN) -> str:
    """What is printed of an answer; without the first line break, as in the texts that it is compared with."""
    on = screen(width)
    show(on, what, data, known, long=long)
    return "\n" + printed(on)


def cells(text: str) -> int:
    """The width in a terminal, from Unicode's own tables and not from those that made it."""
    marks = {"Mn", "Me", "Cf"}
    return sum(
        0 if unicodedata.category(c) in marks else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


# --- orders ---------------------------------------------------------------------------------------------------------

AT_200 = """
Order                       State      Number         Application          Country                   Price  Made (CET)           Code
01KARAAAAAAAAAAAAAAAAAAAAA  waiting    +79313226657   Telegram (3)         Russia (7)            2,200 IRT  2025-11-24 04:00:00  –
01KARBBBBBBBBBBBBBBBBBBBBB  finished   +989121234567  بی\u200cتاک پیام\u200cرسان (17)  ایران (98)            1,250 IRT  2025-11-24 02:00:00  48213
01KARCCCCCCCCCCCCCCCCCCCCC  cancelled  +447700900123  WhatsApp (4)         United Kingdom (44)  15,900 IRT  2025-11-23 02:00:00  –
"""  # noqa: E501 - as long as the line that is printed
AT_100 = """
Order                       State      Number         Application      Country          Price  Code
01KARAAAAAAAAAAAAAAAAAAAAA  waiting    +79313226657   Telegram (3)     Russia (7)   2,200 IRT  –
01KARBBBBBBBBBBBBBBBBBBBBB  finished   +989121234567  بی\u200cتاک پیام\u200cرسان   ایران (98)   1,250 IRT  48213
                                                      (17)
01KARCCCCCCCCCCCCCCCCCCCCC  cancelled  +447700900123  WhatsApp (4)     United      15,900 IRT  –
                                                                       Kingdom
                                                                       (44)
Not shown here: Made; --long shows a line for each field
"""
AT_60 = """
Order                       State      Number         Code
01KARAAAAAAAAAAAAAAAAAAAAA  waiting    +79313226657   –
01KARBBBBBBBBBBBBBBBBBBBBB  finished   +989121234567  48213
01KARCCCCCCCCCCCCCCCCCCCCC  cancelled  +447700900123  –
Not shown here: Application, Country, Price, Made; --long
  shows a line for each field
"""
AT_40 = """
01KARAAAAAAAAAAAAAAAAAAAAA  waiting
  +79313226657  Telegram (3)  Russia (7)
  2,200 IRT  2025-11-24 04:00:00
01KARBBBBBBBBBBBBBBBBBBBBB  finished
  +989121234567  بی\u200cتاک پیام\u200cرسان (17)
  ایران (98)  1,250 IRT
  2025-11-24 02:00:00  48213
01KARCCCCCCCCCCCCCCCCCCCCC  cancelled
  +447700900123  WhatsApp (4)  United
  Kingdom (44)  15,900 IRT
  2025-11-23 02:00:00
"""


@pytest.mark.parametrize(("width", "text"), [(40, AT_40), (60, AT_60), (100, AT_100), (200, AT_200), (10_000, AT_200)])
def test_orders_at_every_width(width: int, text: str) -> None:
    assert shown("orders", ORDERS, width) == text


def test_a_code_is_whole_before_a_state_is() -> None:
    longer = PERSIAN | {"state": "cancelled", "phone": "+4915123456789", "sms": [{"code": "8812-40071", "text": ""}]}
    assert shown("orders", [longer], 60).splitlines()[1:3] == [
        "Order                      Number         Code",
        "01KARBBBBBBBBBBBBBBBBBBBBB +4915123456789 8812-40071",
    ]


def test_the_long_form_has_a_line_for_each_field() -> None:
    assert (
        shown("orders", [REFUNDED, PERSIAN], 40, long=True)
        == """
Order        01KARCCCCCCCCCCCCCCCCCCCCC
Purchase     74001
State        cancelled
Number       +447700900123
Country      United Kingdom (44)
Operator     MTS (1)
Application  WhatsApp (4)
Price        15,900 IRT
Made         2025-11-23 02:00:00 CET
Lives until  2999-01-01 01:00:00 CET
Refunded     yes

Order        01KARBBBBBBBBBBBBBBBBBBBBB
Purchase     74001
State        finished
Number       +989121234567
Country      ایران (98)
Operator     MTS (1)
Application  بی\u200cتاک پیام\u200cرسان (17)
Price        1,250 IRT
Made         2025-11-24 02:00:00 CET
Lives until  2999-01-01 01:00:00 CET
Code         48213
SMS          کد: 48213
"""
    )


def test_what_does_not_fit_beside_its_name_stands_below_it() -> None:
    text = {"order": ORDER["order"], "state": "failed", "error": {"message": "The provider has no such number."}}
    assert (
        shown("check", text, 27)
        == """
Order
01KARAAAAAAAAAAAAAAAAAAAAA
State  failed
Why    The provider has no
       such number.
"""
    )


def test_an_order_without_names_gets_those_of_the_lists() -> None:
    nameless = ORDER | {"application_name": None, "country_name": None, "operator_name": None}
    assert "Russia (7)" in shown("check", nameless, 80)
    assert "Telegram (3)" in shown("orders", [nameless], 200)
    assert "Application  3\n" in shown("check", nameless, 80, known=Known())


# --- money, names, times, yes and no --------------------------------------------------------------------------------


def test_a_price_has_names_and_a_unit() -> None:
    price = {"country": "7", "operator": "1", "application": 3, "price": 2200, "count": 1565, "updated_at": None}
    assert (
        shown("price", price, 60)
        == """
Country      Russia (7)
Operator     MTS (1)
Application  Telegram (3)
Price        2,200 IRT
In stock     1,565
Updated      –
"""
    )
    assert "Country      7\n" in shown("price", price, 60, known=Known())
    assert "Price        2,200\n" in shown("price", price, 60, known=Known())


@pytest.mark.parametrize("width", [40, 60, 200, 10_000])
def test_a_price_list_fits(width: int) -> None:
    assert (
        shown("prices", PRICES, width)
        == """
Country   Russia (7)
Operator  MTS (1)
Updated   2025-11-24 02:00:00 CET
ID  Application       Price  In stock
3   Telegram      2,200 IRT     1,500
17  پیام\u200cرسان بله    900 IRT         –
"""
    )


def test_a_profile_has_the_unit_that_it_names() -> None:
    profile = {
        "balance": 1000000,
        "currency": "IRR",
        "is_vip": True,
        "limits": {"buy": False, "day": None, "max": 5000},
    }
    assert (
        shown("profile", profile, 60)
        == """
Balance   1,000,000 IRR
Currency  IRR
is_vip    yes
limits    buy: no, day: –, max: 5,000
"""
    )


def test_no_and_nothing_within_lists() -> None:
    rows = [{"id": 1017, "name": "A", "tags": [True, None, ["x", 5, {"is_new": False, "user_id": 10170}]]}]
    assert (
        shown("countries", rows, 200)
        == """
ID    Name  tags
1017  A     yes, –, [x, 5, {is_new: no, user_id: 10170}]
"""
    )


def test_a_zone_that_changes_stands_in_each_line() -> None:
    rows = [{"id": 1, "seen_at": "2025-10-25T12:00:00Z"}, {"id": 2, "seen_at": "2025-10-27T12:00:00Z"}]
    assert (
        shown("countries", rows, 60)
        == """
ID  seen_at
1   2025-10-25 14:00:00 CEST
2   2025-10-27 13:00:00 CET
"""
    )
    assert (
        shown("countries", [*rows[1:], {"id": 3, "seen_at": "soon"}], 60)
        == """
ID  seen_at (CET)
2   2025-10-27 13:00:00
3   soon
"""
    )


def test_a_zone_without_letters_has_its_offset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tehran")
    time.tzset()
    assert "2025-11-24 04:30:00 +0330" in shown("prices", PRICES, 80)


def test_fields_behind_go_first_and_are_named() -> None:
    rows = [{"id": 7, "name": "Russia", "flag": "https://example.org/flags/7.png", "areacode": 7, "fa_name": "روسیه"}]
    assert (
        shown("countries", rows, 40)
        == """
ID  Name    areacode  fa_name
7   Russia  7         روسیه
Not shown here: flag; --long shows a
  line for each field
"""
    )
    assert "flag      https://example.org/flags/7.png" in shown("countries", rows, 60, long=True)


# --- every script, and no line too wide -----------------------------------------------------------------------------

PIECES = [
    "Telegram", "United Kingdom", "a", "-", "12345678901", "(", "پیام\u200cرسان", "روسیه", "مُحَمَّد", "۱۲۳", "العربية",
    "电报", "微信支付", "テレグラム", "e\u0301", "\u0301", "👨\u200d👩\u200d👧", "👍🏽", "❤\ufe0f", "🇮🇷", "한국어",
    "עברית", "\u200c", "\u200d", "\ufe0f", "\u202e",
    "\u2067", "\u2069", "\u200e", "\x1b[2J", "\n", "\t", "\x07", "Wolfeschlegelsteinhausenbergerdorff", " ",
]  # fmt: skip
NAMES = st.lists(st.sampled_from(PIECES), max_size=6).map("".join)
ODD_ORDERS = st.fixed_dictionaries(
    {
        "order": st.from_regex(r"[0-9A-HJKMNP-TV-Z]{26}", fullmatch=True),
        "state": st.sampled_from(["waiting", "received", "cancelled", "unknown"]),
        "phone": st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
        "price": st.sampled_from([0, 2200, 1_000_000_000, 12.5, None]),
        "created_at": st.sampled_from(["2025-11-24T03:00:00Z", "2025-07-24T03:00:00Z", None, "soon"]),
        "country": st.sampled_from(["7", "any", "country-17"]), "country_name": NAMES,
        "application": st.integers(1, 10**6), "application_name": NAMES,
        "sms": st.lists(
            st.fixed_dictionaries({"code": st.sampled_from(["48213", "123 456", "99881-77"]), "text": NAMES}),
            max_size=2,
        ),
    }
)  # fmt: skip
WIDTHS = st.integers(26, 220)


def assert_fits(text: str, width: int, *whole: str) -> None:
    lines = text.splitlines()
    assert [line for line in lines if cells(line) > width] == []
    assert [each for each in whole if not any(each in line for line in lines)] == []


@given(st.lists(ODD_ORDERS, min_size=1, max_size=4), WIDTHS, st.booleans(), st.booleans())
def test_no_order_is_wider_than_the_terminal(orders: Any, width: int, terminal: bool, long: bool) -> None:
    on = screen(width, terminal=terminal)
    show(on, "orders", orders, KNOWN, long=long)
    codes = [order["sms"][-1]["code"] for order in orders if order["sms"]]
    assert_fits(printed(on), width, *(order["order"] for order in orders), *(o["phone"] for o in orders), *codes)


@given(ODD_ORDERS, NAMES, WIDTHS, st.sampled_from([2, 13]))
def test_no_event_is_wider_than_the_terminal(order: Any, text: str, width: int, indent: int) -> None:
    for line in (order_line(order, "waiting"), sms_line({"phone": order["phone"], "code": "99881-77", "text": text})):
        on = screen(width, terminal=True)
        on.print(Line([Cell("13:05:10 CET", "dim"), *line.cells], indent))
        assert_fits(printed(on), width, order["phone"])
        assert_fits(printed(on), width, order["order"] if "Order" in printed(on) else "99881-77")


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["id", "name", "fa_name", "is_new", "seen_at"]), NAMES | st.booleans()),
        min_size=1,
    ),
    st.integers(12, 220),
    st.booleans(),
)
def test_no_list_is_wider_than_the_terminal(rows: Any, width: int, long: bool) -> None:
    on = screen(width)
    show(on, "countries", [{"id": 10_000_017} | row for row in rows], KNOWN, long=long)
    assert_fits(printed(on), width)


@given(st.lists(NAMES, min_size=1, max_size=5), st.booleans())
def test_columns_stay_aligned(names: list[str], terminal: bool) -> None:
    on = screen(2000, terminal=terminal)
    show(on, "countries", [{"name": name, "mark": "|"} for name in names], KNOWN)
    _, *lines = printed(on).splitlines()
    assert len({cells(line[: line.rindex("|")]) for line in lines}) == 1


def test_in_a_pipe_names_are_as_they_were_written() -> None:
    """Whoever looks for one finds it; on a screen what makes its width uncertain is left out."""
    name = "❤\ufe0f 👨\u200d👩\u200d👧"
    assert name in shown("countries", [{"id": 1, "name": name}], 10_000)
    assert "❤ 👨👩👧" in shown("countries", [{"id": 1, "name": name}], 200)


def test_on_a_terminal_right_to_left_words_keep_their_column() -> None:
    """Between two of them stands a mark that is written from the left, and one at the line's beginning."""
    rows = [{"fa_name": "روسیه", "other": "۷ بله\u2069", "id": 7}]
    on = screen(80, terminal=True)
    show(on, "countries", rows)
    plainly = r"روسیه    ۷ بله\u2069  7"
    assert printed(on).splitlines()[1] == "\u200eروسیه\u200e    \u200e۷ بله\\u2069\u200e  7"
    assert shown("countries", rows, 80).splitlines()[2] == plainly


def test_what_no_column_fits_is_shown_otherwise() -> None:
    on = screen(10)
    show_table(on, [Column("Long", [Cell("x" * 11)])], "", lambda: on.print("otherwise"))
    assert printed(on) == "otherwise\n"


# --- real terminals and processes -----------------------------------------------------------------------------------


def ok(data: Any) -> dict[str, Any]:
    return {"status": "ok", "data": data}


@asynccontextmanager
async def on_mosquitto(folder: Path, answer: Callable[..., dict[str, Any] | None]) -> AsyncIterator[StandIn]:
    async with Mosquitto(folder) as broker, stand_in_on(broker.port, answer) as daemon:
        yield daemon


async def in_a_terminal(width: int, *arguments: str, **variables: str) -> str:
    """What a command prints into a terminal of so many columns, without its colours."""
    with ExitStack() as stack:
        ours, its = pty.openpty()
        stack.callback(os.close, ours)
        ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
        try:
            process = await start_into(its, *arguments, COLUMNS="", TERM="xterm", **variables)
        finally:
            os.close(its)
        text = await asyncio.to_thread(_all_of, ours)
        assert await process.wait() == 0, text
    return re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r\n", "\n")


def _all_of(terminal: int) -> str:
    pieces: list[bytes] = []
    while True:
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # so a terminal says that nobody writes any more
            piece = b""
        if not piece:
            return b"".join(pieces).decode()
        pieces.append(piece)


async def keep(daemon: StandIn) -> None:
    """The retained topics that help to read an answer."""
    await daemon.say("profile", {"balance": 5, "currency": "IRT"}, retain=True)
    await daemon.say("countries", [{"id": "7", "name": "Russia"}], retain=True)
    await daemon.say("operators", [{"id": "1", "name": "MTS"}, 5, {"id": "2"}], retain=True)
    await daemon.say("applications", [{"id": "3", "name": "Telegram"}], retain=True)


@pytest.mark.mosquitto
async def test_orders_in_a_terminal_of_60_columns(tmp_path: Path) -> None:
    async with on_mosquitto(tmp_path, lambda *_: ok(ORDERS)) as daemon:
        await keep(daemon)
        out = await in_a_terminal(60, "query", "orders", SHOMARE_MQTT__PORT=str(daemon.port))
        wider = await in_a_terminal(130, "query", "orders", SHOMARE_MQTT__PORT=str(daemon.port))
    assert "\n" + out == AT_60
    assert "\u200eایران (98)\u200e" in wider


@pytest.mark.mosquitto
async def test_orders_in_a_pipe_are_whole_lines(tmp_path: Path) -> None:
    async with on_mosquitto(tmp_path, lambda *_: ok(ORDERS)) as daemon:
        await keep(daemon)
        done = await run("query", "orders", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS="", TZ="Europe/Berlin")
        long = await run("query", "orders", "--long", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS="60")
    assert "\n" + done.out == AT_200
    assert [line for line in long.out.splitlines() if line.startswith("Price")] == [
        "Price        2,200 IRT", "Price        1,250 IRT", "Price        15,900 IRT",
    ]  # fmt: skip


@pytest.mark.mosquitto
async def test_without_unit_and_names_an_answer_is_shown_all_the_same(tmp_path: Path) -> None:
    price = {"country": "7", "operator": "1", "application": "3", "price": 2200, "count": 5}
    async with on_mosquitto(tmp_path, lambda *_: ok(price)) as daemon:
        bare = await run("query", "price", "7", "1", "3", SHOMARE_MQTT__PORT=str(daemon.port))
        await keep(daemon)
        rich = await run("query", "price", "7", "1", "3", SHOMARE_MQTT__PORT=str(daemon.port))
        bought = await run("buy", SHOMARE_MQTT__PORT=str(daemon.port))
        settled = await run("resolve", "01K", "--not-bought", SHOMARE_MQTT__PORT=str(daemon.port))
    assert bare.out.splitlines()[:4] == ["Country      7", "Operator     1", "Application  3", "Price        2,200"]
    assert rich.out.splitlines()[:4] == [
        "Country      Russia (7)", "Operator     MTS (1)", "Application  Telegram (3)", "Price        2,200 IRT",
    ]  # fmt: skip
    assert "2,200 IRT" in bought.out
    assert "2,200 IRT" in settled.out


async def _seen(process: Any, words: bytes) -> bytes:
    seen = b""
    while words not in seen:
        line = await process.stdout.readline()
        assert line, seen
        seen += line
    return seen


@pytest.mark.mosquitto
async def test_watch_begins_with_what_is_open(tmp_path: Path) -> None:
    async with on_mosquitto(tmp_path, lambda *_: None) as daemon:
        await keep(daemon)
        await daemon.say("orders", [ORDER | {"sms": []}], retain=True)
        async with running("watch", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS="60") as process:
            seen = await _seen(process, b"+79313226657")
            await daemon.say("event/order", {"event_type": "received", "previous": "waiting", "order": ORDER})
            later = await _seen(process, b"+79313226657")
            process.send_signal(signal.SIGINT)
            assert await process.wait() == 0
    assert seen.decode().splitlines()[1].split() == ["Order", "State", "Number", "Price"]
    first, *more = later.decode().splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d \S+  Order 01KARAAAAAAAAAAAAAAAAAAAAA.*", first)
    assert all(line.startswith(" " * 10) for line in more)
    assert max(map(cells, (first, *more))) <= 60


@pytest.mark.mosquitto
async def test_watch_does_not_say_of_an_sms_that_it_has_no_code(tmp_path: Path) -> None:
    """The broker keeps no codes: an empty column would read as if there were none."""
    async with on_mosquitto(tmp_path, lambda *_: None) as daemon:
        await keep(daemon)
        await daemon.say("orders", [ORDER | {"state": "received", "sms_count": 1, "sms": [{"sms": "1"}]}], retain=True)
        async with running("watch", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS="200") as process:
            seen = await _seen(process, b"+79313226657")
    assert "Made" in seen.decode()
    assert "Code" not in seen.decode()


@pytest.mark.mosquitto
async def test_watch_says_that_nothing_is_open(tmp_path: Path) -> None:
    async with on_mosquitto(tmp_path, lambda *_: None) as daemon:
        await daemon.say("orders", [], retain=True)
        async with running("watch", SHOMARE_MQTT__PORT=str(daemon.port)) as process:
            assert b"Watching" in await _seen(process, b"No order is open.")
