"""Codes found in texts as services write them, and numbers that are no code left alone.

The texts are data: one file a language in ``tests/codes``, with ``codes`` (the code and its text) and ``none`` (texts
without a code). Whoever corrects the table of languages adds the text that was read wrongly there.
"""

import re
import tomllib
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shomare_mqtt.core import code_words
from shomare_mqtt.core.code_words import Vocabulary, vocabulary
from shomare_mqtt.core.codes import extract_code

TEXTS = Path(__file__).with_name("codes")
TABLE = Path(code_words.__file__).with_name("code_words.toml")


def texts_of(path: Path) -> list[tuple[str, str | None]]:
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    return [*((text, code) for code, text in data["codes"]), *((text, None) for text in data.get("none", ()))]


ALL_TEXTS = [
    pytest.param(text, code, id=f"{path.stem} {place}")
    for path in sorted(TEXTS.glob("*.toml"))
    for place, (text, code) in enumerate(texts_of(path), 1)
]

WORDS = ["code", "Your verification code is", "OTP", "PIN", "Password", "کد تایید", "رمز پویا", "کد ورود", "код"]
WORDS += ["пароль", "رمز التحقق", "كود", "onay kodu", "şifre", "验证码", "校验码", "驗證碼", "código"]
WORDS += [
    "Bestätigungscode",
    "Twój kod to",
    "Koodisi on",
    "Teie kinnituskood on",
    "Msimbo wako ni",
    "Mã OTP là",
    "Il codice è",
]
WORDS += ["លេខកូដ"]
SCRIPTS = ["۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩", "０１２３４５６７８９", "०१२३४५६७८९"]
HOSTILE = ["1", "1 ", "1234 ", "code 1234, ", "a.", "a/", "http://", "a@", "*1234", "1-", "e\u0301\u0316", "کد 1234، "]
HOSTILE += ["码1234,", "promo" + "a" * 24 + " ", "\ufdfa", "\ud800", "\n", "call 1234 or ", "is 1234 "]
ASCII_DIGITS = "0123456789"

codes = st.text(ASCII_DIGITS, min_size=4, max_size=8)
pieces = st.sampled_from(
    [*WORDS, *"0123456789 -:.,/#*+@%$~\n", "1234", "482913", "call", "تا", "12.5", "\u200f", "\ud800"]
)
texts = st.text() | st.lists(pieces).map("".join)


@pytest.mark.parametrize(("text", "code"), ALL_TEXTS)
def test_the_code_of_a_text(text: str, code: str | None) -> None:
    assert extract_code(text) == code


@given(texts)
def test_any_text_gives_a_code_of_ascii_digits_or_none(text: str) -> None:
    code = extract_code(text)
    assert code is None or (4 <= len(code) <= 8 and set(code) <= set(ASCII_DIGITS))


@given(texts, st.sampled_from(SCRIPTS))
def test_digits_of_every_script_read_the_same(text: str, script: str) -> None:
    assert extract_code(text.translate(str.maketrans(ASCII_DIGITS, script))) == extract_code(text)


@given(texts, st.sampled_from("\u200c\u200e\u200f\u202b\u2066\ufeff"), st.integers(0, 40))
def test_invisible_marks_change_nothing(text: str, mark: str, place: int) -> None:
    assert extract_code(text[:place] + mark + text[place:]) == extract_code(text)


@given(st.sampled_from(WORDS), st.sampled_from([": ", " ", ":", " - ", " is ", ":\n"]), codes)
def test_a_word_for_a_code_and_digits_are_a_code(word: str, link: str, code: str) -> None:
    assert extract_code(f"{word}{link}{code}") == code
    assert extract_code(f"{code} {word}") == code


@given(st.sampled_from(WORDS), st.text(ASCII_DIGITS, min_size=6, max_size=6), st.sampled_from("- "))
def test_a_code_in_two_halves_is_put_together(word: str, code: str, gap: str) -> None:
    assert extract_code(f"{word}: {code[:3]}{gap}{code[3:]}") == code


@pytest.mark.parametrize("piece", HOSTILE)
def test_long_hostile_texts_take_linear_time(piece: str) -> None:
    text = piece * (65_536 // len(piece))
    began = process_time()  # what others do meanwhile counts for nothing
    assert extract_code(text) in (None, "1234")
    assert process_time() - began < 20, "it takes some 20 to 100 ms; quadratic time would take minutes"


def test_a_code_at_the_end_of_a_long_text_is_found() -> None:
    assert extract_code("filler text here " * 3_000 + "code: 482913") == "482913"


TWO_TONGUES = {
    "everywhere": {"secret": "otp"},
    "polish": {"code": "kod kodu", "verify": "weryfik*", "is": "to", "other": "konto"},
    "english": {"code": "code", "at": "to at", "enter": "use", "is": "is"},
    "estonian": {"code": "*kood*", "is": "at"},
    "german": {"secret": "*kennwort", "enter": "log_in mot_de_pass*"},
    "hebrew": {"code": "קוד", "other": "חשבונ*", "prefixes": "ה ל"},
    "chinese": {"code": "码", "secret": "验证码", "time": "分"},
}


def rows_of(text: str, word: str) -> set[str]:
    folded = code_words.fold(text)
    (rows,) = {w.rows for w in Vocabulary(TWO_TONGUES).read(folded) if folded[w.start : w.end] == word}
    return set(rows)


@pytest.mark.parametrize(
    ("text", "word", "rows"),
    [
        ("Kod", "kod", {"code"}),
        ("Kodak", "kodak", set()),
        ("KÓDU", "kodu", {"code"}),
        ("Weryfikacja", "weryfikacja", {"verify"}),
        ("Kinnituskoodi", "kinnituskoodi", {"code"}),
        ("Einmalkennwort", "einmalkennwort", {"secret"}),
        ("kennworte", "kennworte", set()),
        ("log in", "log in", {"enter"}),
        ("log-in", "log-in", {"enter"}),
        ("login", "login", {"enter"}),
        ("log, in", "log", set()),
        ("log out", "log", set()),
        ("mot de passe", "mot de passe", {"enter"}),
        ("הקוד", "הקוד", {"code"}),
        ("לחשבוני", "לחשבוני", {"other"}),
        ("בקוד", "בקוד", set()),
        ("您的验证码为", "验证码", {"secret"}),
        ("您的验证码为", "您的", set()),
        ("邀请码", "码", {"code"}),
    ],
)
def test_how_a_word_of_the_table_is_written(text: str, word: str, rows: set[str]) -> None:
    assert rows_of(text, word) == rows


def test_a_word_of_two_languages_is_read_as_in_that_of_which_most_is_in_the_text() -> None:
    assert rows_of("kod weryfikacyjny to", "to") == {"is"}
    assert rows_of("use the code to", "to") == {"at"}
    assert rows_of("weryfikacja is to", "to") == {"is"}  # a long word tells more than a short one


def test_a_word_that_may_be_for_a_number_or_against_it_says_nothing() -> None:
    assert rows_of("otp at", "at") == set()


def test_small_words_of_another_language_say_nothing() -> None:
    assert rows_of("kod weryfikacyjny is", "is") == set()
    assert rows_of("use the code is", "is") == {"is"}


def test_a_word_of_a_language_that_is_hardly_in_the_text_says_nothing() -> None:
    assert rows_of("kod kodu konto weryfikacja kinnituskood", "kinnituskood") == set()
    assert rows_of("kod kodu konto weryfikacja otp", "otp") == {"secret"}
    assert rows_of("kod kodu konto weryfikacja code", "code") == {"code"}


def test_every_row_is_explained_at_the_head_of_the_table() -> None:
    explained = set(re.findall(r"^#   (\w+)  +", TABLE.read_text(encoding="utf-8"), re.MULTILINE))
    assert {row for rows in tomllib.loads(TABLE.read_text(encoding="utf-8")).values() for row in rows} <= explained


def test_every_language_has_a_word_for_a_code() -> None:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    assert [language for language, rows in table.items() if not {"code", "secret"} & rows.keys()] == []


def test_phrases_of_the_table_are_short_enough_to_be_found() -> None:
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    words = {word for rows in table.values() for row in rows.values() for word in row.split()}
    assert {word for word in words if len(word.strip("*").split("_")) > code_words.PHRASE} == set()


def test_the_table_is_read_once() -> None:
    assert vocabulary() is vocabulary()
