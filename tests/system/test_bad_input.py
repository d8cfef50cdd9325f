"""What nobody should send: an answer for each, the right one, and nothing bought that was not asked for."""

from __future__ import annotations

import asyncio
import json
import random
import string
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

EACH, ROUNDS = 25, 10
TOPICS = (
    "buy", "cancel", "resolve", "buying/set", "defaults/country/set", "defaults/operator/set",
    "defaults/application/set", "defaults/max_price/set", "query/profile", "query/countries", "query/operators",
    "query/applications", "query/prices", "query/price", "query/check", "query/orders",
)  # fmt: skip
JSON_TOPICS = ("buy", "resolve", "query/profile", "query/prices", "query/price", "query/check", "query/orders")
NOT_JSON: list[bytes] = [
    b"{", b"nonsense", b"\xff\xfe{}", b"\x00{}", b'{"country": 7,}', b'"text"', b"[]", b"12", b"true", b"null", b"NaN",
    b"{'a': 1}", b'{"a": NaN}', b'{"a": 1e999999}', b"[" * 60_000, b'{"a":' * 10_000, b'{"country": "\\ud800"}',
    b'{"transaction": "\\udfff"}', b'{"country": 1, "country": 2}',
]  # fmt: skip


async def test_what_is_not_json(house: House) -> None:
    for topic in JSON_TOPICS:
        for payload in NOT_JSON:
            since = await house.probe.publish(topic, payload)
            answer = await house.probe.answer(topic, since)
            assert answer["error"]["code"] == "invalid_command", (topic, payload[:40])
            assert answer["transaction"] is None
    for payload in (b"\xff", b"\xf0\x28\x8c\x28"):
        for topic in TOPICS:
            since = await house.probe.publish(topic, payload)
            assert (await house.probe.answer(topic, since))["error"]["code"] == "invalid_command"
    assert (await house.probe.ok("buy", PRODUCT))["state"] == "waiting"


async def test_what_is_large(house: House) -> None:
    mebibyte = 1024 * 1024
    memory = house.daemons[0].memory()
    for topic in TOPICS:
        for size in (65 * 1024, mebibyte):
            since = await house.probe.publish(topic, b'{"transaction": "' + b"x" * size + b'"}')
            error = (await house.probe.answer(topic, since))["error"]
            assert error["code"] == "invalid_command"
            assert "65536" in error["message"]
    just = {**PRODUCT, "country": "x" * 60_000}
    assert (await house.probe.refused("buy", just))["code"] == "invalid_command"
    padded = json.dumps({**PRODUCT, "transaction": "padded"}).ljust(64 * 1024)
    assert (await house.probe.ok("buy", padded))["state"] == "waiting"
    assert house.daemons[0].memory() - memory < 60 * mebibyte
    assert len(house.bought()) == 1


async def test_a_topic_as_long_as_topics_may_be(house: House) -> None:
    """Its answer's topic would be longer than MQTT allows: that is said, in a line that a person can read."""
    topic = "query/check/".ljust(65535 - len(house.base) - 1, "x")
    await house.probe.publish(topic, "{}")
    await house.probe.message("event/bridge", 0, lambda s: s.json["event_type"] == "message_dropped")
    await house.probe.refused("query/" + "y" * 60_000)
    assert max(map(len, house.daemons[0].log.splitlines())) < 1000


IDS = [
    "a/b",
    "a+b",
    "a#b",
    "%",
    "100%",
    "$SYS",
    "a\tb",
    "a\nb",
    "\x00",
    "\u200f",
    "é",
    "ی",
    "😀",
    "..",
    "' OR 1=1",
    "-1",
]


async def test_ids_with_all_kinds_of_characters(house: House) -> None:
    from urllib.parse import quote  # noqa: PLC0415 - a sender's own encoding

    for text in IDS:
        for topic, payload in (
            ("buy", {**PRODUCT, "country": text}),
            ("query/price", {**PRODUCT, "application": text}),
            ("query/prices", {"country": text, "operator": 1}),
            (f"query/prices/{quote(text, safe='')}/1", {}),
            (f"query/price/7/1/{quote(text, safe='')}", {}),
        ):
            error = await house.probe.refused(topic, payload)
            assert error["code"] in ("unknown_name", "invalid_command"), (topic, payload)
        for topic, payload in (
            ("cancel", {"order": text}),
            ("query/check", {"order": text}),
        ):
            assert (await house.probe.refused(topic, payload))["code"] == "order_not_found", text
        # Some servers know no address with a control character in it.
        away = ("not_found", "unknown_endpoint")
        assert (await house.probe.refused("query/check", {"purchase": text}))["code"] in away, text
        assert (await house.probe.refused(f"query/check/{quote(text, safe='')}", {}))["code"] in away, text
    for wrong in ("%FF", "%C3%28"):
        assert (await house.probe.refused(f"query/check/{wrong}", {}))["code"] == "invalid_command"
    assert {r["endpoint"] for r in house.sim.requests} <= {
        "profile", "allcountries", "alloperators", "allapplications", "pricebycountry", "pricebyproduct", "check"
    }, house.sim.calls  # fmt: skip
    assert house.bought() == []
    assert house.sim.calls["cancel"] == 0


async def test_a_command_so_deep_that_its_answer_has_no_topic(house: House) -> None:
    """mosquitto takes the command, and ends the connection of whoever publishes one level deeper."""
    since = len(house.probe.seen)
    deep = "query" + "/a" * (199 - house.base.count("/") - 1)
    await house.probe.publish(deep, {})
    said = await house.probe.message("event/bridge", since, lambda s: s.json["event_type"] == "message_dropped")
    assert "more than 200 levels" in said.json["message"]
    assert (await house.probe.ok("query/profile", {}))["balance"] == 1_000_000
    assert house.probe.all("bridge/state", since) == []
    assert "ended" not in house.daemons[0].log


# --- many, at random ------------------------------------------------------------------------------------------------

VALUES: list[Any] = [
    None, True, False, 0, -1, 7, 3.5, 10**40, "", " ", "7", "0", "any", "Russia", "current", "x" * 300, [], ["7"], {},
    {"a": {}}, "\u0000", "/", "+", "#", "2020-01-01T00:00:00Z", "1e5", "bought", "open",
]  # fmt: skip
RIGHT: dict[str, dict[str, Any]] = {
    "buy": {
        "country": "7",
        "operator": "1",
        "application": "3",
        "max_price": 5000,
        "expires_at": "2099-01-01T00:00:00Z",
    },
    "cancel": {"order": "nobody"},
    "resolve": {"order": "nobody", "outcome": "not_bought"},
    "query/profile": {},
    "query/countries": {},
    "query/operators": {},
    "query/applications": {},
    "query/prices": {"country": "7", "operator": "1"},
    "query/price": {"country": "7", "operator": "1", "application": "3"},
    "query/check": {"order": "nobody"},
    "query/orders": {"state": "all", "limit": 5},
}
CODES = {
    "invalid_command", "unknown_name", "ambiguous_name", "order_not_found", "expired_command", "price_too_high",
    "not_found", "duplicate_command", "transaction_conflict",
}  # fmt: skip


def changed(chance: random.Random, topic: str) -> tuple[dict[str, Any], bool]:
    """A right command changed in one field, never one that may buy; whether it is surely wrong."""
    command = dict(RIGHT[topic])
    how = chance.randrange(3)
    if how == 0 or not command:
        command[chance.choice(["colour", "Country", "", "order_id", "purchase ", "\u0000"])] = chance.choice(VALUES)
        return command, True
    field = chance.choice(list(command))
    if how == 1 and topic == "buy":
        del command["country"]
        return command, True
    if how == 1:
        del command[field]
        return command, False
    if topic == "buy":
        command[chance.choice(["country", "operator", "application"])] = chance.choice(
            [None, True, 3.5, [], {}, "no such", "x" * 300, 10**40, "\ud800"]
        )
        return command, True
    command[field] = chance.choice(VALUES)
    return command, False


def noise(chance: random.Random) -> bytes:
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(200))
    if kind == 1:
        return "".join(chance.choices(string.printable + 'یک۰۱{}[]":,', k=chance.randrange(100))).encode()
    value: Any = chance.choice(VALUES)
    for _ in range(chance.randrange(4)):
        value = (
            {chance.choice(["country", "order", "a", "transaction", "limit"]): value}
            if chance.random() < 0.7
            else [value]
        )
    return json.dumps(value).encode()


class Storm:
    """Thousands of payloads, sent in rounds; `wrong` are transactions of commands that cannot be right."""

    def __init__(self, house: House, seed: int) -> None:
        self.chance = random.Random(seed)
        self.probe = house.probe
        self.sent: Counter[str] = Counter()
        self.wrong: set[str] = set()

    def payload(self, topic: str, name: str) -> bytes:
        """A right command changed in one field, or noise."""
        if topic in RIGHT and self.chance.random() < 0.5:
            command, wrong = changed(self.chance, topic)
            if "transaction" not in command:
                command["transaction"] = name
                if wrong:
                    self.wrong.add(name)
            return json.dumps(command).encode()
        payload = noise(self.chance)
        # No default country is ever set: without one, nothing that is sent here may buy.
        while topic == "defaults/country/set" and payload.strip().isdigit():
            payload = noise(self.chance)
        return payload

    async def round(self, number: int) -> None:
        """Send some to each topic, and wait for their answers."""
        publishing = []
        for topic in TOPICS:
            for n in range(EACH):
                self.sent[topic] += 1
                publishing.append(self.probe.publish(topic, self.payload(topic, f"{number}-{topic}-{n}")))
        await asyncio.gather(*publishing)
        await self.probe.until(self.is_answered, seconds=60, what="an answer for each")

    def is_answered(self) -> bool:
        return all(len(self.probe.all(f"response/{topic}")) >= self.sent[topic] for topic in TOPICS)

    def check_answers(self) -> None:
        for topic in TOPICS:
            answers = [s.json for s in self.probe.all(f"response/{topic}")]
            assert len(answers) == self.sent[topic], topic
            for answer in answers:
                assert answer["status"] in ("ok", "error")
                assert answer["status"] == "ok" or answer["error"]["code"] in CODES, answer
                name = answer["transaction"]
                assert not isinstance(name, str) or name not in self.wrong or answer["status"] == "error", answer


@pytest.mark.slow
async def test_thousands_of_random_payloads(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    daemon = await house.start({"limits": {"double_press": 0}})
    storm = Storm(house, seed=20260)
    memory = []
    for number in range(ROUNDS):
        await storm.round(number)
        memory.append(daemon.memory())
    storm.check_answers()
    assert house.bought() == []
    assert house.sim.calls["buy"] == 0
    assert daemon.process.returncode is None
    assert "Traceback" not in daemon.log
    assert memory[-1] - memory[3] < 8 * 1024 * 1024, memory
