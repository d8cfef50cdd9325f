"""`docs/asyncapi.yaml` beside the contract's text, and its commands beside what reads them.

What the daemon sends is held against it wherever a test runs a whole system (tests/system/house.py).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from shomare_mqtt.model import Incoming, OrderState, Unparsed
from shomare_mqtt.mqtt.commands import CommandParser
from tests.docs.channels import CONTRACT, PARAMETERS
from tests.docs.documented import document, place_of, places, undocumented
from tests.docs.pages import TOP
from tests.system.probe import Seen
from tests.test_docs import quoted, rows, section

PARSER = CommandParser("shomare", "homeassistant")
ORDER, PURCHASE = {"order": "01KAR0"}, {"purchase": 74001}
PLACE = {"country": 7, "operator": "1"}
NAMES = {"country": "7", "operator": "1", "application": "3", "id": "74001", "field": "country"}

GOOD: dict[str, tuple[Any, ...]] = {
    "buy": ({}, PLACE, {**PLACE, "application": "Telegram", "max_price": 10.5, "transaction": 17}, {"country": ""}),
    "cancel": (ORDER, PURCHASE, {**ORDER, "transaction": "t"}, "74001", "current"),
    "defaults/country/set": ("Russia", "", "7"),
    "buying/set": ("on", "OFF"),
    "resolve": (
        {**ORDER, "outcome": "not_bought"},
        {**ORDER, "outcome": "bought", **PURCHASE, "phone": "+79"},
        {**ORDER, "outcome": "not_bought", "phone": ""},
    ),
    "query/profile": ({}, {"transaction": "t"}, {"expires_at": "2026-12-01T00:00:00Z"}),
    "query/prices": (PLACE, {}),
    "query/prices/7/1": ({}, {"transaction": "t"}),
    "query/price": ({**PLACE, "application": 3},),
    "query/price/7/1/3": ({},),
    "query/check": (ORDER, PURCHASE),
    "query/check/74001": ({},),
    "query/offers": (
        {},
        {"application": 3, "country": [7, "Georgia"], "operator": "any"},
        {"min_price": 1, "max_price": 2.5, "min_count": 0, "limit": 500, "max_age": 0, "wait": False},
    ),
    "query/offers/3": ({}, {"transaction": "t"}),
    "query/orders": ({}, {"state": "closed"}, {"limit": 500}),
    "query/statistics": ({}, {"days": 3650, "by": ["day", "country", "operator", "application"]}, {"by": []}),
    **{f"query/{each}": ({},) for each in ("countries", "operators", "applications")},
}
BAD: dict[str, tuple[Any, ...]] = {
    "buy": (
        [],
        {"contry": 7},
        {"country": True},
        {"country": None},
        {"country": 7.5},
        {"max_price": "3"},
        {"max_price": -1},
        {"country": "x" * 256},
        {"transaction": "x" * 201},
        {"transaction": []},
    ),
    "cancel": ({}, {**ORDER, **PURCHASE}, {"order": 5}, {**ORDER, "why": "x"}, ""),
    "buying/set": ("maybe", ""),
    "resolve": (
        ORDER,
        {"outcome": "not_bought"},
        {**ORDER, "outcome": "perhaps"},
        {**ORDER, "outcome": "bought"},
        {**ORDER, "outcome": "bought", **PURCHASE},
        {**ORDER, "outcome": "not_bought", **PURCHASE},
    ),
    "query/profile": ({"x": 1}, []),
    "query/prices": ({"application": 3},),
    "query/prices/7/1": (PLACE,),
    "query/price": ({"max_price": 1},),
    "query/check": ({}, {**ORDER, **PURCHASE}),
    "query/statistics": ({"days": 0}, {"days": 3651}, {"days": "5"}, {"by": "day"}, {"by": ["phone"]}, {"limit": 1}),
    "query/offers": ({"limit": 501}, {"wait": "no"}, {"country": [True]}, {"max_age": -1}, {"choose": "listed"}),
    "query/offers/3": ({"limit": 5},),
    "query/orders": ({"state": "lost"}, {"limit": 0}, {"limit": 501}, {"limit": "5"}),
}


def bytes_of(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()


def is_taken(topic: str, payload: bytes) -> bool:
    return not isinstance(PARSER.parse(Incoming(f"shomare/{topic}", payload)), Unparsed)


def is_documented(topic: str, payload: bytes) -> bool:
    place = place_of(topic, sent=False)
    assert place is not None
    return place.problem(payload) is None


@pytest.mark.parametrize(("topic", "payload"), [(topic, each) for topic, all_ in GOOD.items() for each in all_])
def test_what_the_document_allows_is_taken(topic: str, payload: Any) -> None:
    body = bytes_of(payload)
    assert is_taken(topic, body)
    if body:  # an empty text is one in MQTT, and no message to look at here
        assert is_documented(topic, body)


@pytest.mark.parametrize(("topic", "payload"), [(topic, each) for topic, all_ in BAD.items() for each in all_])
def test_what_the_document_forbids_is_refused(topic: str, payload: Any) -> None:
    body = bytes_of(payload)
    assert not is_taken(topic, body)
    assert not is_documented(topic, body)


def test_every_command_was_tried() -> None:
    assert {name_of(topic, sent=False) for topic in GOOD} == {place.topic for place in places() if not place.is_sent}


def test_the_examples_are_taken() -> None:
    examples = [(c, p, example) for c in CONTRACT.commands for p in c.payloads for example in p.examples]
    assert len(examples) >= len(CONTRACT.commands)
    for command, _, example in examples:
        topic = command.topic.format(**NAMES)
        assert is_taken(topic, bytes_of(example)), (topic, example)
        assert is_documented(topic, bytes_of(example))


# --- topics ---


def name_of(topic: str, *, sent: bool = True) -> str | None:
    """The topic of the document that one of the contract is."""
    place = place_of(topic, sent=sent)
    return place and place.topic


def named(title: str, column: int = 0) -> set[str]:
    """The topics of a table of the contract."""
    cells = [topic for row in rows(section(title)) for topic in quoted(row[column])]
    return {re.sub(r"<(\w+)>", r"{\1}", cell) for cell in cells if re.fullmatch(r"[a-z_/<>]+", cell)}


def test_every_topic_of_the_contract_is_in_the_document() -> None:
    commands = named("Commands") | {each for each in named("Commands", 1) if each.startswith("query/")}
    for topic in commands:
        assert place_of(topic, sent=False), topic
        assert place_of(f"response/{topic}"), topic
    for topic in (named("State") - set(OrderState)) | {"buying"} | named("Events"):
        assert place_of(topic), topic


def test_every_topic_of_the_document_is_in_the_contract() -> None:
    known = {name_of(each) for title in ("State", "Events") for each in named(title)}
    known |= {name_of(each, sent=False) for each in named("Commands") | named("Commands", 1)}
    assert "or the same three in the topic" in section("Commands")
    known.add("query/price/{country}/{operator}/{application}")
    for place in places():
        if not place.topic.startswith(("response/", "plugin/")):
            assert place.topic in known
    assert "plugin/" in (TOP / "docs" / "plugins.md").read_text(encoding="utf-8")


def test_what_is_retained_is_what_the_contract_says() -> None:
    retained = {place.topic for place in places() if place.is_retained}
    assert retained == {name_of(each) for each in named("State")} - {None}


def test_every_level_of_a_topic_is_described() -> None:
    used = {name for channel in document()["channels"].values() for name in channel.get("parameters", {})}
    assert used == set(PARAMETERS)


# --- what holds messages against it ---


def heard(topic: str, payload: Any) -> Seen:
    return Seen(topic, bytes_of(payload), retain=False, qos=1)


PROFILE = {"balance": 5, "currency": "IRT", "updated_at": "2026-12-01T05:00:00.000Z"}
REFUSED = {"code": "busy", "message": "…", "retryable": True}


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("profile", PROFILE),
        ("profile/balance", "17.5"),
        ("response/query/profile", {"status": "ok", "transaction": None, "data": {**PROFILE, "name": "x"}}),
        ("response/buy", {"status": "error", "transaction": "t", "error": REFUSED, "replayed": True}),
        ("response/query/what/ever", {"status": "error", "transaction": None, "error": REFUSED}),
        ("current", {"state": "none"}),
        ("quote", ""),
        ("buy", "nobody minds what is sent"),
        ("/somewhere/else", "nor what is said elsewhere"),
    ],
)
def test_a_message_as_it_is_documented(topic: str, payload: Any) -> None:
    assert undocumented([heard(topic, payload)]) == []


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("profile", {**PROFILE, "name": "x"}),
        ("profile", {name: each for name, each in PROFILE.items() if name != "currency"}),
        ("profile", {**PROFILE, "updated_at": "yesterday"}),
        ("profile", {**PROFILE, "updated_at": "2026-12-01T05:00:00+01:00"}),
        ("profile", ""),
        ("profile/balance", "much"),
        ("response/buy", {"status": "ok", "transaction": None}),
        ("response/buy", {"status": "error", "transaction": None, "error": {**REFUSED, "code": "tired"}}),
        ("response/cancel", {"status": "unknown", "transaction": None, "data": {}, "error": REFUSED}),
        ("event/bridge", {"event_type": "name_unknown", "message": "…", "more": 1}),
        ("event/bridge", {"event_type": "nothing", "message": "…"}),
        ("brand/new", {}),
    ],
)
def test_a_message_as_it_is_not(topic: str, payload: Any) -> None:
    assert len(undocumented([heard(topic, payload)])) == 1
