"""JSON that is read as it comes is what it is when it is read at once, wherever it is cut."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.provider.reading import streamed
from shomare_mqtt.provider.reading.decode import Decoded, RawAnswer, Streaming, decode

TEXTS = ("", "a", '"', "\\", "کد ۱۲۳", "\U0001f600", "\x00\n\t", "x" * 50, "{", "]", ",:", "\u2028", "true")
PLAIN: tuple[Any, ...] = (None, True, False, 0, -1, 12345, Decimal("1.5"), Decimal("-0.25"), *TEXTS)


def value_of(rng: random.Random, levels: int) -> Any:
    kind = rng.random()
    if levels and kind < 0.3:
        return [value_of(rng, levels - 1) for _ in range(rng.randrange(4))]
    if levels and kind < 0.7:
        return {rng.choice(TEXTS) + str(i): value_of(rng, levels - 1) for i in range(rng.randrange(4))}
    return rng.choice(PLAIN)


def read(body: bytes, sizes: list[int]) -> Decoded:
    """What is read of a body that comes in pieces of these sizes, over and over; the first holds its mark whole."""
    streaming, at, turn = Streaming(), 4, 0
    goes_on = streaming.feed(body[:4])
    while goes_on and at < len(body):
        size = sizes[turn % len(sizes)]
        goes_on = streaming.feed(body[at : at + size])
        at, turn = at + size, turn + 1
    return streaming.close()


@pytest.mark.parametrize("seed", range(40))
def test_any_value_cut_anywhere(seed: int) -> None:
    rng = random.Random(seed)
    for _ in range(25):
        value = {"data": value_of(rng, 5)}
        text = json.dumps(value, ensure_ascii=rng.random() < 0.5, indent=rng.choice((None, 2)), default=float)
        whole = decode(RawAnswer(200, text.encode()))
        for encoding in ("utf-8", "utf-8-sig", "utf-16"):
            assert read(text.encode(encoding), rng.choices((1, 2, 3, 7, 50), k=5)) == whole


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[", '{"a"', '{"a":', '{"a":1', '{"a":1,', '{"a":1,}', "[1,]", "[,1]", "[1 2]", '{"a" 1}', "{1: 2}",
        '{"a": 1} 2', "[1]]", "nul", "NaN", "[Infinity]", "01", "1.", "--1", '"', '"a', r'"\x"', r'"\u12"', r'"\u12g4"',
        "'a'", "[1e999999]", "[" * 50 + "]" * 50, "<html>", "tru e", "[" + "9" * 500 + "]", "[" + "1" * 401, '{"a":}',
    ],
)  # fmt: skip
def test_what_is_no_json_is_none(text: str) -> None:
    for size in (1, 3, 1000):
        found = read(text.encode(), [size])
        assert not found.is_json
        assert found.value is None
        assert found.broken == (text[:1] in ("{", "["))
        assert not found.too_much


def test_lone_surrogates_are_replaced_and_pairs_are_one() -> None:
    for size in (1, 5, 6, 7, 1000):
        assert read(rb'["\ud83d\ude00", "\ud83d", "\ude00\ud83d"]', [size]).value == [
            "\U0001f600",
            "\ufffd",
            "\ufffd\ufffd",
        ]


def test_json_within_a_text_of_an_envelope_is_read_too() -> None:
    assert read(json.dumps({"d": '[{"id": 1}]'}).encode(), [9]).value == {"d": [{"id": 1}]}


@pytest.mark.parametrize("before", ["<br>", "<br />\n<b>Warning</b>: no x in <b>/x.php</b> on line <b>9</b><br />\n"])
def test_markup_before_it_is_gone_past(before: str) -> None:
    body = (before + '{"status": true, "data": "کد"}').encode()
    first = len(before.encode()) + 29  # ends within a letter
    streaming = Streaming()
    assert streaming.feed(body[:first])
    assert streaming.feed(body[first:])
    found = streaming.close()
    assert found == decode(RawAnswer(200, body))
    assert found.wrapped
    cut = Streaming()
    assert cut.feed(body[:first])
    assert cut.close() == decode(RawAnswer(200, body[:first]))


@pytest.mark.parametrize(
    "behind",
    [
        "<!-- x -->",
        "\n<br />\nWarning: no x in /x.php on line 9\n",
        "Please log in",
        "<title>x</title>",
        "]",
        "<br>" * 20_000,
    ],
)
def test_what_stands_behind_it_is_markup_or_it_is_none(behind: str) -> None:
    body = ('{"status": true}' + behind + " " * 1_000).encode()
    found = decode(RawAnswer(200, body))
    assert found.is_json == (behind[:2] in ("<!", "\n<"))
    for size in (7, 100, 1000):
        assert read(body, [size]) == found


def test_a_page_before_it_is_none() -> None:
    streaming = Streaming()
    assert not streaming.feed(b'<title>Please log in</title>{"status": true}')
    assert not streaming.close().is_json


def test_bytes_that_are_no_utf_8_are_replaced() -> None:
    assert read(b'["\xff\xfe a"]', [4]).value == ["\ufffd\ufffd a"]


def test_a_text_is_cut_and_too_much_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "LONGEST_TEXT", 10)
    monkeypatch.setattr(streamed, "MOST_CHARACTERS", 25)
    assert read(b'["abcdefghijklmnop", 1]', [6]).value == ["abcdefghij", 1]
    assert read(b'["abcdefghijklmnop", "abcdefghijklmnop", "abcdefghijklmnop"]', [6]).too_much


def test_too_many_values_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "MOST_VALUES", 10)
    streaming = Streaming()
    assert streaming.feed(b"[1,2,3,4,5,6,7,")
    assert not streaming.feed(b"8,9,10,11,")
    assert streaming.close().too_much


@pytest.mark.parametrize("escape", [rb"\ud83d", rb"\udc00"])
def test_no_nesting_of_texts_hides_what_cannot_be_stored(escape: bytes) -> None:
    """JSON in a JSON text, its escape written with an escape in it."""
    inner = json.dumps('["' + escape.decode() + '"]').replace("ud", "\\u0075\\u0064")
    assert "\\" + escape.decode()[1:3] not in inner
    found = decode(RawAnswer(200, inner.encode()))
    json.dumps(found.value, ensure_ascii=False).encode()
    assert found.value == ["\ufffd"]


@pytest.mark.parametrize(
    "charset", ["punycode", "unicode_escape", "raw_unicode_escape", "idna", "hex", "undefined", "x\0"]
)
def test_a_charset_that_is_none_of_the_web_is_not_believed(charset: str) -> None:
    found = decode(RawAnswer(200, b'["\xff\\\\ud800"]', charset=charset))
    json.dumps(found.value, ensure_ascii=False).encode()
    assert found.is_json
