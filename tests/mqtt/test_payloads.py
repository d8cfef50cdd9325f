"""White space around a payload, and a NUL at its end, count nowhere (contract, Commands)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.desk.double_press import press_content
from shomare_mqtt.model import Among, Buy, Incoming, Named, Parsed, SetBuying, SetDefault, Unparsed
from shomare_mqtt.mqtt.command_fields import kept
from shomare_mqtt.mqtt.commands import CommandParser

if TYPE_CHECKING:
    from collections.abc import Callable

PARSER = CommandParser("shomare", "homeassistant")
AROUND: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda payload: payload,
    "a line's end": lambda payload: payload + b"\n",
    "a line's end of Windows": lambda payload: payload + b"\r\n",
    "spaces and tabs": lambda payload: b" \t" + payload + b" \t",
    "a NUL": lambda payload: payload + b"\0",
    "a NUL behind a line's end": lambda payload: payload + b"\n\0",
    "a line's end behind NULs": lambda payload: payload + b"\0\0\n",
    "a byte order mark": lambda payload: b"\xef\xbb\xbf" + payload,
    "a byte order mark behind a line's end": lambda payload: b"\n\xef\xbb\xbf " + payload + b"\n",
    "wide spaces": lambda payload: "\u00a0\u3000".encode() + payload + "\u2003\0\u2028\0".encode(),
    "more than is read": lambda payload: b" " * 70_000 + payload + b"\n\0" * 70_000,
}
COMMANDS = [
    ("buy", b'{"country": 7, "operator": 1, "application": 3}'),
    ("cancel", b'{"order": "current"}'),
    ("cancel", b"74001"),
    ("resolve", b'{"order": "x", "outcome": "not_bought"}'),
    ("buying/set", b"on"),
    ("buying/set", b"off"),
    ("defaults/country/set", b"Russia"),
    ("defaults/country/set", "جمهوری چک".encode()),
    ("defaults/max_price/set", b"2200"),
    ("defaults/max_price/set", b""),
    ("query/profile", b""),
    ("query/profile", b"{}"),
    ("query/countries", b""),
    ("query/prices", b'{"country": 7, "operator": 1}'),
    ("query/prices/7/1", b""),
    ("query/price/7/1/3", b'{"transaction": "t"}'),
    ("query/check/74001", b""),
    ("query/orders", b'{"state": "all"}'),
]


def parsed(topic: str, payload: bytes) -> Parsed | Unparsed:
    return PARSER.parse(Incoming(f"shomare/{topic}", payload))


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND)
@pytest.mark.parametrize(("topic", "payload"), COMMANDS)
def test_what_stands_around_a_payload_counts_nowhere(
    topic: str, payload: bytes, around: Callable[[bytes], bytes]
) -> None:
    plain, same = parsed(topic, payload), parsed(topic, around(payload))
    assert isinstance(plain, Parsed)
    assert same == plain, "with the content that a transaction is compared by"


@pytest.mark.parametrize("text", ["on", "On", "ON", "off", "OFF", "Off\n", "oFF"])
def test_the_switch_in_any_letter_case(text: str) -> None:
    switch = parsed("buying/set", text.encode())
    assert isinstance(switch, Parsed)
    assert switch.request == SetBuying(text.strip().lower() == "on")
    assert switch == parsed("buying/set", text.strip().lower().encode())


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("buying/set", b""),
        ("buying/set", b" \n"),
        ("buying/set", b"o ff"),
        ("buying/set", b"off\0on"),
        ("buying/set", b"\0off"),
        ("buying/set", b'"off"'),
        ("cancel", b" \0"),
        ("cancel", b"74 001"),
        ("cancel", b"74\x00001"),
        ("buy", b" \n"),
        ("buy", b"\0{}"),
        ("defaults/country/set", b"Rus\0sia"),
    ],
)
def test_what_stands_within_a_payload_counts(topic: str, payload: bytes) -> None:
    assert isinstance(parsed(topic, payload), Unparsed)


def test_nothing_but_white_space_takes_a_default_back() -> None:
    for payload in (b" ", b"\n", b"\0", b" \r\n\0"):
        set_back = parsed("defaults/country/set", payload)
        assert isinstance(set_back, Parsed)
        assert set_back.request == SetDefault("country", "")


def test_an_id_in_a_topic_stays_as_it_is() -> None:
    spaced, plain = parsed("query/check/%0074001", b""), parsed("query/check/74001", b"")
    assert isinstance(spaced, Parsed)
    assert isinstance(plain, Parsed)
    assert spaced.request != plain.request


@pytest.mark.parametrize("payload", [b"{" + b"x" * 65_536, b"{}" + b" " * 70_000 + b"x", b"x" * 3_000_000])
def test_of_what_is_too_large_nothing_is_kept_but_that(payload: bytes) -> None:
    """A broker may bring thousands before the first is read."""
    small = kept(payload)
    assert small is kept(b"y" * 100_000)
    parsed = PARSER.parse(Incoming("shomare/buy", small))
    assert isinstance(parsed, Unparsed)
    assert parsed.error.message == "the payload has more than 65536 bytes"


@pytest.mark.parametrize("payload", [b"", b"{}", b" " * 65_536, b"x" * 65_536])
def test_what_is_not_is_kept_as_it_is(payload: bytes) -> None:
    assert kept(payload) is payload


def test_white_space_around_makes_nothing_too_large() -> None:
    assert kept(b" " * 70_000 + b"{}" + b"\n\0" * 70_000) == b"{}"


def refused(**fields: Any) -> str:
    """Why a `buy` with these fields is none."""
    what = parsed("buy", json.dumps(fields).encode())
    assert isinstance(what, Unparsed)
    assert what.error.code == "invalid_command"
    return what.error.message


@pytest.mark.parametrize("field", ["country", "operator"])
@pytest.mark.parametrize(
    ("value", "why"),
    [
        ([], "{}: a list of 1 to 20 ids or names"),
        ([str(number) for number in range(21)], "{}: a list of 1 to 20 ids or names"),
        (["7", "7"], "{}: one of them stands there twice"),
        ([7, "7"], "{}: one of them stands there twice"),
        (["7", " 7 "], "{}: one of them stands there twice"),
        (["7", ""], "{}: is missing"),
        (["7", None], "{}: must be text or an integer"),
        ([True], "{}: must be text or an integer"),
        ([["7"]], "{}: must be text or an integer"),
        ([7.5], "{}: must be text or an integer"),
        (["x" * 256], "{}: at most 255 characters of text"),
        ({"7": 1}, "{}: must be text or an integer"),
    ],
)
def test_what_is_no_list_of_places(field: str, value: Any, why: str) -> None:
    assert refused(**{field: value}) == why.format(field)


def test_more_pairs_than_are_tried() -> None:
    places = [str(number) for number in range(20)]
    assert refused(country=places, operator=["1", "2", "3"]) == (
        "country and operator: 60 pairs of them, at most 40 are tried"
    )
    assert isinstance(parsed("buy", json.dumps({"country": places, "operator": ["1", "2"]}).encode()), Parsed)
    assert isinstance(parsed("buy", json.dumps({"operator": places}).encode()), Parsed)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"application": ["1"]}, "application: must be text or an integer"),
        ({"choose": "dearest"}, "choose: must be listed or cheapest"),
        ({"choose": 1}, "choose: must be listed or cheapest"),
        ({"choose": None}, "choose: must be listed or cheapest"),
        ({"choose": False}, "choose: must be listed or cheapest"),
        ({"min_price": -1}, "min_price: must be a number from 0"),
        ({"min_price": "5"}, "min_price: must be a number"),
    ],
)
def test_what_a_buy_cannot_choose(fields: dict[str, Any], why: str) -> None:
    assert refused(**fields) == why


def test_a_buy_with_lists() -> None:
    what = parsed("buy", b'{"country": [7, "Iran"], "operator": 1, "application": 3, "choose": "cheapest"}')
    assert isinstance(what, Parsed)
    assert what.request == Buy(
        application="3",
        is_id=frozenset({"application"}),
        among=Among((Named("7", is_id=True), Named("Iran")), (Named("1", is_id=True),), cheapest=True),
    )


def test_a_plain_buy_is_what_it_was() -> None:
    what = parsed("buy", b'{"country": 7, "operator": "1", "max_price": 5, "choose": "", "min_price": ""}')
    assert isinstance(what, Parsed)
    assert what.request == Buy("7", "1", None, Decimal(5), frozenset({"country"}))
    assert press_content(what.envelope, what.request) == (
        "country='7' operator='1' application=None max_price=Decimal('5') is_id=['country']"
    ), "presses that an earlier version took are known for what they are"
