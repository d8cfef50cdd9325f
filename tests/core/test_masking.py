"""Secrets in texts, as they are and as others may write them."""

from __future__ import annotations

import base64
import random
import string
import time
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.masking import MASK, Mask

if TYPE_CHECKING:
    from collections.abc import Callable

TOKEN = "Tok-ab3_9xZq7LmN0pQr5sTuVwXy"
MASKED = Mask((TOKEN,))


def base64_behind(before: str) -> Callable[[str], str]:
    return lambda text: base64.b64encode((before + text).encode()).decode()


FORMS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "lower": str.lower,
    "upper": str.upper,
    "backwards": lambda text: text[::-1],
    "backwards and upper": lambda text: text[::-1].upper(),
    "base64": base64_behind(""),
    "base64 behind one": base64_behind("a"),
    "base64 behind two": base64_behind("ab"),
    "base64 with a line break": lambda text: "\n".join(base64_behind("")(text).partition("Z")),
    "base64 for addresses": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "hex": lambda text: text.encode().hex(),
    "upper hex": lambda text: text.encode().hex().upper(),
    "hex with colons": lambda text: text.encode().hex(":"),
    "percent": lambda text: "".join(f"%{ord(c):02X}" for c in text),
    "percent twice": lambda text: "".join(f"%25{ord(c):02x}" for c in text),
    "percent here and there": lambda text: "".join(f"%{ord(c):02X}" if i % 3 else c for i, c in enumerate(text)),
    "JSON": lambda text: "".join(f"\\u{ord(c):04x}" for c in text),
    "Python": lambda text: "".join(f"\\x{ord(c):02x}" for c in text),
    "HTML": lambda text: "".join(f"&#{ord(c)};" for c in text),
    "HTML hex": lambda text: "".join(f"&#x{ord(c):X};" for c in text),
    "with spaces": " ".join,
    "in lines": "\r\n".join,
    "with what nobody sees": "\u200b".join,
    "with signs": "*".join,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("part", [TOKEN, TOKEN[:12], TOKEN[-12:], TOKEN[7:19], TOKEN[8:25]], ids=len)
def test_a_token_is_masked_in_every_form(form: Callable[[str], str], part: str) -> None:
    # Twelve letters written with signs between them, or with those signs that the token has, are still twelve.
    if form is FORMS["with signs"] and sum(map(str.isalnum, part)) < 12:
        part = TOKEN
    text = f"<<{form(part)}>>"
    masked = MASKED.text(text)
    assert masked != text
    # What is left at the ends of base64 are letters that hold bits of something else.
    assert len(masked.replace(MASK, "")) <= 4 + 6, masked
    assert masked.startswith("<<")
    assert masked.endswith(">>")


@pytest.mark.parametrize("size", [12, 13, 20, 40, 64])
def test_no_twelve_characters_of_any_token_are_left(size: int) -> None:
    chance = random.Random(size)
    for _ in range(50):
        token = "".join(chance.choices(string.ascii_letters + string.digits + "-_.~+/=$", k=size))
        start = chance.randrange(size - 11)
        masked = Mask((token,)).text(f"say {token[start : start + 12]}, please")
        # A letter before it may be the token's own, too.
        assert masked.replace("y", "").replace(" ", "").casefold().startswith(f"sa{MASK}"), token


def test_eleven_characters_are_no_token() -> None:
    assert MASKED.text(f"say {TOKEN[:11]}, please") == f"say {TOKEN[:11]}, please"


def test_what_stands_around_it_stays() -> None:
    assert (
        MASKED.text(f"a %41 {TOKEN[:12]} b %zz &#x110000; c {TOKEN} d") == f"a %41 {MASK} b %zz &#x110000; c {MASK} d"
    )


def test_what_people_choose_is_masked_as_a_whole() -> None:
    mask = Mask((), ("homeassistant-2024", "http://homeassistant.local:8123/api", "abc12", "........secret"))
    for text in ("homeassistant/device/1", "http://homeassistant.local:8123/", "ABC12", "secret"):
        assert mask.text(text) == text
    for text in ("HomeAssistant-2024", "homeassistant 2024", "4202-tnatsissaemoh", "abc12"):
        assert mask.text(text) == MASK
    assert mask.text("aG9tZWFzc2lzdGFudC0yMDI0") == MASK


def test_escapes_of_escapes_are_taken_off_three_times() -> None:
    many = "%2525252541"
    assert MASKED.text(f"{many} {TOKEN[:6]}%25{ord(TOKEN[6]):02X}{TOKEN[7:]} {many}") == f"{many} {MASK} {many}"


def test_a_number_that_is_a_secret() -> None:
    assert Mask(("482913482913",)).value({"key": 482913482913, "other": 4829}) == {"key": MASK, "other": 4829}


def test_more_is_learnt() -> None:
    mask = Mask(("first-secret-1",))
    mask.learn(("second-secret-2",))
    assert mask.text("first-secret-1 second-secret-2 SECOND-SECRET-2") == f"{MASK} {MASK} {MASK}"


@pytest.mark.parametrize("around", ["", "x" * 100])
def test_a_name_that_was_shown_before_is_masked_once_it_is_a_secret(around: str) -> None:
    mask, name = Mask((TOKEN,)), f"second-secret-2{around}"
    assert [mask.name(each) for each in (name, TOKEN, name)] == [name, MASK, name]
    mask.learn(("second-secret-2",))
    assert mask.name(name) == f"{MASK}{around}"


@pytest.mark.parametrize("piece", ["lorem %41 ipsum ", TOKEN[:11], f"{TOKEN[:12]} and ", "%25" * 3, "\\u0041&#65;"])
def test_a_large_text_takes_no_long_time(piece: str) -> None:
    text = piece * (2**17 // len(piece))
    begun = time.process_time()
    MASKED.text(text)
    assert time.process_time() - begun < 60  # what grows with the square takes hours
