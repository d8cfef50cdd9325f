"""Long answers: what they cost in memory, that nothing waits for them, and that what is in them is found."""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import threading
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderError
from shomare_mqtt.model import CatalogKind, Known, Priority, Product
from shomare_mqtt.provider import reading, transport
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.provider.reading.rows import MOST_ROWS

from .fakes import QuickClock, allowed
from .servers import serving, settings
from .test_client import Memory

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .servers import Asked

MIB = 1024 * 1024
MOST_MEMORY = 20 * MIB
"""What reading one answer may cost (contract, Answers)."""
KNOWN = Known(country="7", operator="1", purchase="74001")
PRODUCT = Product("7", "1", "3")
SMS = {"sms": [{"id": 1, "text": "Your code is 48213"}]}
LEARNT = {"pricebycountry": "path", "pricebyproduct": "path", "buy": "form", "check": "path", "cancel": "path"}
Call = "Callable[[Client], Awaitable[Any]]"


def check(client: Client) -> Awaitable[Any]:
    return client.check("74001", known=KNOWN, priority=Priority.POLL)


def catalog(client: Client) -> Awaitable[Any]:
    return client.catalog(CatalogKind.APPLICATIONS, priority=Priority.POLL)


def prices(client: Client) -> Awaitable[Any]:
    return client.prices("7", "1", known=KNOWN, priority=Priority.POLL)


def price(client: Client) -> Awaitable[Any]:
    return client.price(PRODUCT, known=KNOWN, priority=Priority.POLL)


def profile(client: Client) -> Awaitable[Any]:
    return client.profile(priority=Priority.POLL)


def buy(client: Client) -> Awaitable[Any]:
    return client.buy(PRODUCT, known=KNOWN, permit=allowed)


def cancel(client: Client) -> Awaitable[Any]:
    return client.cancel("74001", known=KNOWN)


def answer(data: Any, **beside: Any) -> bytes:
    return json.dumps({"status": True, **beside, "data": data}, ensure_ascii=False).encode()


async def asked(call: Callable[[Client], Awaitable[Any]], body: bytes, encoding: str = "identity") -> Any:
    """What a call gives (an error, too) that is answered with a body."""

    async def say(_: Asked, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode())
        for at in range(0, len(body), 65536):  # a whole one would stand in memory once more
            writer.write(body[at : at + 65536])
            await writer.drain()

    clock = QuickClock()
    async with (
        serving(say) as server,
        Client(
            settings(server.url),
            "s3cret-token",
            clock=clock,
            limiter=Limiter(0, clock),
            memory=Memory(dict(LEARNT)),
            logger=logging.getLogger("shomare_mqtt.provider"),
        ) as client,
    ):
        try:
            return await call(client)
        except ProviderError as error:
            return error


ROWS = 14_000
LONG: dict[str, tuple[Callable[[Client], Awaitable[Any]], Callable[[], bytes]]] = {
    "unknown fields": (check, lambda: answer({**{f"field_{i}_x": f"value {i}" for i in range(50_000)}, **SMS})),
    "unknown objects": (check, lambda: answer({**{f"f{i}": {"a": i} for i in range(29_000)}, **SMS})),
    "many times": (check, lambda: answer({**{f"time{i}": f"2026-01-01 00:00:{i % 60}" for i in range(ROWS)}, **SMS})),
    "many SMS": (check, lambda: answer({"sms": [{"id": i, "text": f"code {10_000 + i}"} for i in range(ROWS)]})),
    "a long text": (check, lambda: answer({"sms": [{"id": 1, "text": "Your code is 48213. " + "so, " * 900_000}]})),
    "a text with signs": (check, lambda: answer({"sms": [{"id": 1, "text": "\U0001f600 48213 " + "x" * 500_000}]})),
    "a long field": (check, lambda: answer(SMS, more="x" * (16 * MIB - 200))),
    "a long field of escapes": (check, lambda: b'{"status": true, "more": "' + rb"\u0633" * 2_500_000 + b'"}'),
    "blanks": (check, lambda: b" " * (16 * MIB - 200) + answer(SMS)),
    "nested": (check, lambda: b'{"a":' * 3_000_000),
    "brackets": (check, lambda: b"[" * 16 * MIB),
    "digits": (check, lambda: b"9" * 16 * MIB),
    "numbers": (check, lambda: b"[" + b"1.5," * 4_000_000 + b"1]"),
    "numbers, fewer": (check, lambda: b"[" + b"1.5," * 50_000 + b"1]"),
    "a page": (check, lambda: b"<div class=x>" * 1_200_000),
    "UTF-16": (check, lambda: b"\xff\xfe" + answer(SMS, more="x" * 6 * MIB).decode().encode("utf-16-le")),
    "a list of 200,000": (catalog, lambda: answer([{"id": i, "name": f"name {i}"} for i in range(200_000)])),
    "a list of 19,000": (catalog, lambda: answer([{"id": i, "name": f"name {i}"} for i in range(19_000)])),
    "a list by ids": (catalog, lambda: answer({str(i): f"name {i}" for i in range(50_000)})),
    "empty objects": (catalog, lambda: b"[" + b"{}," * 5_000_000 + b"{}]"),
    "prices": (prices, lambda: answer([{"id": i, "price": i + 0.5, "count": i} for i in range(ROWS)])),
    "prices by names": (prices, lambda: answer({f"app{i}": i for i in range(50_000)})),
    "prices of everything": (
        prices,
        lambda: answer({f"c{i}": {name: {"price": 1} for name in "abcdefghi"} for i in range(3000)}),
    ),
    "price": (price, lambda: answer({f"f{i}": i for i in range(50_000)})),
    "profile": (profile, lambda: answer({f"balance{i}": i for i in range(50_000)})),
    "buy": (buy, lambda: answer({f"price{i}": i + 10_000_000 for i in range(50_000)})),
    "cancel": (cancel, lambda: answer({f"f{i}": f"value {i}" for i in range(50_000)})),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
async def test_reading_costs_no_more_memory_than_a_small_machine_has(name: str) -> None:
    call, made = LONG[name]
    body = made()
    await asked(call, body[: 100 * 1024])  # what stays in the tables of the readers is no cost of this answer
    tracemalloc.start()
    try:
        await asked(call, body)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MOST_MEMORY, f"{most / MIB:.1f} MiB"


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize(
    "name",
    [
        "unknown fields", "unknown objects", "many times", "a long text", "a text with signs", "a long field",
        "blanks", "UTF-16",
    ],
)  # fmt: skip
async def test_an_sms_is_found_in_a_long_answer(name: str, encoding: str) -> None:
    body = LONG[name][1]()
    found = await asked(check, gzip.compress(body, 1) if encoding == "gzip" else body, encoding)
    assert "48213" in found.sms[-1].text[:30]


@pytest.mark.parametrize("extra", [1, MIB])
async def test_more_than_sixteen_megabytes_are_no_answer(extra: int) -> None:
    body = answer(SMS, more="x" * transport.MOST_BYTES)[: transport.MOST_BYTES - 1] + b" " * extra + b"}"
    for packed, encoding in ((body, "identity"), (gzip.compress(body, 1), "gzip")):
        assert (await asked(check, packed, encoding)).code is ErrorCode.MALFORMED_ANSWER
    assert isinstance(await asked(buy, body), OutcomeUnknownError)


async def test_the_reading_of_a_long_answer_holds_up_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop runs while a reader that never comes to its end is at work."""
    others = asyncio.Event()
    loop, may_end = asyncio.get_running_loop(), threading.Event()
    read = reading.read_check

    def slowly(answer: reading.RawAnswer, context: reading.Context) -> Any:
        loop.call_soon_threadsafe(others.set)
        may_end.wait()
        return read(answer, context)

    monkeypatch.setattr(reading, "read_check", slowly)
    waiting = asyncio.ensure_future(asked(check, LONG["unknown objects"][1]()))
    await others.wait()
    may_end.set()
    assert (await waiting).sms


async def test_what_is_beyond_all_lists_is_left_out_and_said() -> None:
    entries = await asked(catalog, LONG["a list of 19,000"][1]())
    assert len(entries.entries) == 10_000
    assert entries.unread == ("what follows 10000 entries",)
    found = await asked(prices, LONG["prices"][1]())
    assert len(found.prices) == MOST_ROWS
    assert f"what follows {MOST_ROWS} prices" in found.unread


async def test_what_cannot_be_taken_up_is_said() -> None:
    error = await asked(catalog, LONG["a list of 200,000"][1]())
    assert error.code is ErrorCode.MALFORMED_ANSWER
    assert "size" in error.message
    error = await asked(check, LONG["numbers"][1]()[: 500 * 1024])
    assert "size" in error.message
