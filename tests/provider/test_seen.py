"""What is kept of the answers to `buy`, `check` and `cancel`: their outlines, seldom, and never a value."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.errors import ErrorCode, ProviderFailedError, ProviderRefusedError
from shomare_mqtt.model import CheckReading, Endpoint, Found, Known, Purchase, SmsReading, Sureness
from shomare_mqtt.provider import learnt
from shomare_mqtt.provider import seen as seen_answers
from shomare_mqtt.provider.reading import RawAnswer
from shomare_mqtt.provider.seen import SELDOM, SeenAnswers, understood
from tests.provider.fakes import QuickClock, allowed

from .servers import says
from .test_client import KNOWN, PRODUCT, QUERY, Memory, api

if TYPE_CHECKING:
    from .servers import Answer, Asked

BOUGHT = {"status": True, "data": {"id": 74001, "number": "+79313226657", "sms": None}}
FOUND = Found("buy.purchase", "data.id", Sureness.SURE, ('"74001".x', "a | b"), "its name")


def answer(value: Any) -> RawAnswer:
    return RawAnswer(200, value if isinstance(value, bytes) else json.dumps(value).encode())


def kept(seen: SeenAnswers) -> dict[str, Any]:
    answers: dict[str, Any] = learnt.shown(seen.as_dict())["answers"]
    return answers


def read(seen: SeenAnswers, value: Any, result: Any, endpoint: Endpoint = Endpoint.BUY) -> None:
    def reader(_: RawAnswer) -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    seen.noting(endpoint, reader)(answer(value))


def test_an_answer_is_kept_without_its_values() -> None:
    seen = SeenAnswers({}, QuickClock())
    read(seen, BOUGHT, Purchase("74001", found=(FOUND,)))
    assert seen.changed
    found = understood(kept(seen)["buy"])
    assert found is not None
    assert found.outline == {"status": "true/false", "data": {"id": "number", "number": "text", "sms": "empty"}}
    assert found.found == (Found("buy.purchase", "data.id", Sureness.SURE, ('"<number>".x',), "its name"),)
    assert "7931" not in json.dumps(seen.as_dict())
    assert "74001" not in json.dumps(seen.as_dict())


def test_checks_with_and_without_an_sms_are_kept_apart() -> None:
    seen = SeenAnswers({}, QuickClock())
    read(seen, {"sms": None}, CheckReading(None), Endpoint.CHECK)
    read(seen, {"sms": "x"}, CheckReading(None, (SmsReading("1", "x"),)), Endpoint.CHECK)
    assert {name: each["outline"] for name, each in kept(seen).items()} == {
        "check": {"sms": "empty"},
        "check with SMS": {"sms": "text"},
    }


def test_an_answer_that_could_not_be_read_is_kept_and_a_refusal_is_not() -> None:
    seen = SeenAnswers({}, QuickClock())
    with pytest.raises(ProviderRefusedError):
        read(seen, {"status": False}, ProviderRefusedError(ErrorCode.NO_NUMBERS, "none"))
    assert not seen.changed
    with pytest.raises(ProviderFailedError):
        read(seen, {"odd": 1}, ProviderFailedError(ErrorCode.MALFORMED_ANSWER, "odd"))
    assert kept(seen)["buy"] == {"outline": {"odd": "number"}, "found": []}


def test_what_is_no_json_or_long() -> None:
    seen = SeenAnswers({}, QuickClock())
    read(seen, b"<html>", Purchase("1"))
    assert kept(seen)["buy"]["outline"] is None
    read(seen, b" " * 100_000 + b"1", Purchase("1"))
    assert kept(seen)["buy"]["outline"] is None


def test_a_fault_of_ours_loses_no_purchase(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shomare_mqtt.provider.seen.bounded", lambda *_: 1 / 0)
    seen = SeenAnswers({}, QuickClock())
    read(seen, BOUGHT, Purchase("74001"))
    assert not seen.changed


def test_what_looks_like_the_answer_before_is_written_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, mask = list[Any](), Mask(())
    write = seen_answers._written

    def counted(shape: Any, found: tuple[Found, ...], by: Mask) -> str:
        calls.append(shape)
        return write(shape, found, by)

    monkeypatch.setattr(seen_answers, "_written", counted)
    seen = SeenAnswers({}, QuickClock(), mask)
    read(seen, {"id": 1, "name": "a"}, Purchase("1", found=(FOUND,)))
    read(seen, {"id": 2, "name": "b"}, Purchase("2", found=(FOUND,)))
    assert len(calls) == 1
    other = Found("buy.phone", None, Sureness.MISSING)
    for value, found, outline in (
        ({"id": "x", "name": "a"}, FOUND, {"id": "text", "name": "text"}),
        ({"name": "a", "id": "x"}, FOUND, {"name": "text", "id": "text"}),
        ({"name": "a", "id": "x"}, other, {"name": "text", "id": "text"}),
        ({"name": "a"}, other, {"name": "text"}),
    ):
        seen.kept()
        read(seen, value, Purchase("1", found=(found,)))
        assert seen.changed
        (field,) = (each["field"] for each in kept(seen)["buy"]["found"])
        assert (list(kept(seen)["buy"]["outline"].items()), field) == (list(outline.items()), found.field)
    mask.learn(("name",))
    read(seen, {"name": "a"}, Purchase("1", found=(other,)))
    assert list(kept(seen)["buy"]["outline"]) == ["***"]


def test_what_is_kept_of_an_answer_is_bounded() -> None:
    seen = SeenAnswers({}, QuickClock())
    many = tuple(Found("buy.phone", "data." + "x" * 40, Sureness.SURE, (), "y" * 200) for _ in range(40))
    read(seen, {"a" * 20 + chr(97 + n): {"b" * 30: 1} for n in range(26)}, Purchase("1", found=many))
    assert len(seen.as_dict()["seen buy"]) <= 4096


def due(seen: SeenAnswers) -> bool:
    return seen.is_due


async def test_it_is_written_down_seldom() -> None:
    clock = QuickClock()
    seen = SeenAnswers({}, clock)
    read(seen, {"a": 1}, Purchase("1"))
    assert due(seen)
    seen.kept()
    read(seen, {"a": 2}, Purchase("2"))
    await clock.sleep(SELDOM)
    assert not due(seen)
    read(seen, {"b": 1}, Purchase("1"))
    assert due(seen)
    seen.kept()
    read(seen, {"c": 1}, Purchase("1"))
    assert not due(seen)
    await clock.sleep(SELDOM)
    assert due(seen)


def test_it_outlives_the_process_and_nonsense_does_not() -> None:
    seen = SeenAnswers({}, QuickClock())
    read(seen, BOUGHT, Purchase("74001", found=(FOUND,)))
    again = SeenAnswers({**seen.as_dict(), "seen check": "[", "seen cancel": "7", "buy": "form"}, QuickClock())
    assert kept(again) == kept(seen)
    assert understood(7) is None


def test_what_was_learnt_is_shown_and_taken_back() -> None:
    memory = {"pricebycountry": "path", "countries.id": "api_name", "seen buy": '{"outline": 1}', "other": "x"}
    shown = learnt.shown(memory)
    assert shown == {
        "parameters": {"pricebycountry": "path"},
        "places": {"countries.id": "api_name"},
        "answers": {"buy": {"outline": 1}},
    }
    assert learnt.taken_back(shown) == {"pricebycountry": "path", "countries.id": "api_name"}
    for nonsense in (None, 7, {"parameters": 7}, {"places": {"countries.id": 7}}):
        assert learnt.taken_back(nonsense) == {}


async def test_the_client_keeps_what_it_saw_and_says_so() -> None:
    memory, told = Memory(), list[dict[str, str]]()
    async with api(memory=memory) as (bench, _, _):
        bench.client.on_learnt = lambda: told.append(bench.client.learnt)
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        await bench.client.check("74001", known=Known(), priority=QUERY)
        assert "seen buy" in told[-1]
    assert set(memory.seen) == {"seen buy", "seen check"}
    assert learnt.shown(memory.load())["answers"]["buy"]["outline"]["data"]["id"] == "number"


async def test_what_came_last_is_kept_at_the_end() -> None:
    memory = Memory()
    async with api(memory=memory) as (bench, _, _):
        await bench.client.check("74001", known=Known(), priority=QUERY)
        await bench.client.cancel("74001", known=Known())
    assert set(memory.seen) == {"seen check", "seen cancel"}


async def test_our_token_as_a_name_of_a_field_is_not_kept() -> None:
    token, memory = "tokenoflettersalone", Memory()

    def echo(asked: Asked) -> Answer | None:
        box = {token: {"id": 74001, token.upper(): 1}, f"x{token[::-1]}": [{token: "x"}], "phone": "+79313226657"}
        return says(200, {"status": True, "data": box}) if asked.path[1] == "buy" else None

    async with api(memory=memory, override=echo, token=token) as (bench, _, _):
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
    (text,) = (text for name, text in memory.seen.items() if name == "seen buy")
    assert '"phone": "text"' in text
    assert not re.search(f"{token}|{token[::-1]}", text, re.IGNORECASE)
