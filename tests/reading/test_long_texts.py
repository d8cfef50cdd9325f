"""No pattern takes ever longer for longer texts: one of 50,000 characters under every name that a reader knows."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from shomare_mqtt.errors import ProviderError
from shomare_mqtt.model import CatalogKind, Known
from shomare_mqtt.provider import reading
from shomare_mqtt.provider.reading import names

if TYPE_CHECKING:
    from collections.abc import Callable

CONTEXT = reading.Context(datetime(2026, 1, 1, tzinfo=UTC), ZoneInfo("Asia/Tehran"), Known(purchase="74001"), "IRT")
LENGTH = 50_000
PIECES = (
    "9", "9 ", "a", "ab ", " ", "\n", "کد ", "۱", "۱ ", "1:", "1-", "1400/", "1.", "1,", "+", "(0)", "1(",
    "2026-01-01T", "[", "[{", "<a", "&amp;", "_", "\u200c", "n't ", "Aa", "A1", "1 day ", "20 minutes ", "code 1", "\\",
)  # fmt: skip
NAMES = (
    "status", "state", "message", "msg", "error", "code", "sms", "text", "otp", "sms_code", "sender", "created_at",
    "date", "time", "expires", "expires_in", "ttl", "lifetime", "price", "amount", "cost", "balance", "currency",
    "unit", "phone", "number", "prefix", "id", "order_id", "country", "operator", "application", "name", "count",
    "stock", "result", "refunded", "reason", "description",
)  # fmt: skip
READERS: dict[str, Callable[[reading.RawAnswer, reading.Context], Any]] = {
    "profile": reading.read_profile,
    "list": lambda answer, context: reading.read_catalog(CatalogKind.COUNTRIES, answer, context),
    "prices": lambda answer, context: reading.read_prices("7", "1", answer, context),
    "price": lambda answer, context: reading.read_price("3", answer, context),
    "buy": reading.read_buy,
    "check": reading.read_check,
    "cancel": reading.read_cancel,
}


def read(reader: str, body: str) -> None:
    with suppress(ProviderError):
        READERS[reader](reading.RawAnswer(200, body.encode()), CONTEXT)


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
@pytest.mark.parametrize("reader", READERS)
def test_a_long_text_is_gone_through_once(reader: str, piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for half in (NAMES[::2], NAMES[1::2]):
        read(reader, json.dumps({"status": True, "data": {"id": "74001", **dict.fromkeys(half, text)}}))
    read(reader, json.dumps({"status": True, text: text, "data": [{"id": 1, "name": text}, {text: 1}]}))


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_long_page_is_gone_through_once(piece: str) -> None:
    text = piece * (LENGTH // len(piece))
    for around in ("{}", "<div>{}</div>", "Warning: {} on line 3\n[]", "cb({}", "<!-- {}", '<a b="{}'):
        read("check", around.replace("{}", text))


def test_no_long_text_is_kept_for_the_next_answer() -> None:
    for length in (1_000, 2_000):
        name = "sms_" + "x" * length
        names.words(name)
        names.glued(name)
    assert names.words("sms_" + "x" * 1_000) == names.words("sms_" + "x" * 2_000)
