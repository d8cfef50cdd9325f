"""Random dialects of a known truth are read back; random answers crash no reader and make no purchase of a no."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shomare_mqtt.errors import OutcomeUnknownError, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogEntry, CatalogKind, PurchaseState
from shomare_mqtt.provider.reading import (
    RawAnswer,
    columns,
    read_buy,
    read_cancel,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
    rows,
    vocabulary,
)
from shomare_mqtt.provider.reading.names import _MOST_KNOWN, LONGEST_NAME, kept_by_name
from shomare_mqtt.provider.reading.vocabulary import Vocabulary
from tests.reading.contexts import NOTHING, context_of
from tests.reading.readings import answer

NUMBERS = context_of("numbers")
READERS: dict[str, Any] = {
    "profile": read_profile,
    "countries": lambda a, c: read_catalog(CatalogKind.COUNTRIES, a, c),
    "operators": lambda a, c: read_catalog(CatalogKind.OPERATORS, a, c),
    "prices": lambda a, c: read_prices("7", "1", a, c),
    "price": lambda a, c: read_price("3", a, c),
    "buy": read_buy,
    "check": read_check,
    "cancel": read_cancel,
}
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENVELOPES = st.lists(st.sampled_from(["data", "result", "response", "payload", "item"]), max_size=3)
MARKS = st.sampled_from(
    [
        {},
        {"status": True},
        {"status": True, "code": 200},
        {"status": 1},
        {"status": "success", "message": "ok"},
        {"ok": True},
        {"success": 1},
    ]
)
DIGITS = ["0123456789", "۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩"]


@st.composite
def wrapped(draw: Any, inner: Any) -> Any:
    """The value in a random envelope, with random marks of success around it, perhaps in a list of one."""
    names, marks = draw(ENVELOPES), draw(MARKS)
    if not names and not isinstance(inner, dict):
        return inner
    for name in reversed(names):
        inner = {name: inner}
    top = {**marks, **inner}
    return [top] if draw(st.booleans()) and marks else top


@st.composite
def number(draw: Any, value: int) -> Any:
    """A number as one of the ways a provider may write it."""
    script = draw(st.sampled_from(DIGITS))
    text = draw(st.sampled_from([str(value), f"{value:,}", f"{value:,}".replace(",", "٬")]))
    return draw(st.sampled_from([value, float(value), str(value), text.translate(str.maketrans(DIGITS[0], script))]))


def spelt(name: str, style: int) -> str:
    """The name in snake, camel, Pascal, upper or kebab case."""
    first, *rest = name.split("_")
    camel = first + "".join(w.title() for w in rest)
    return [name, camel, camel[:1].upper() + camel[1:], name.upper(), name.replace("_", "-")][style]


style = st.integers(0, 4)


@quick
@given(st.data(), st.integers(0, 10**9))
def test_any_dialect_of_a_profile(data: st.DataObject, balance: int) -> None:
    name = spelt(
        data.draw(st.sampled_from(["balance", "credit", "wallet", "wallet_balance", "current_balance", "charge"])),
        data.draw(style),
    )
    inner = {"id": 5, "name": "x", name: data.draw(number(balance)), "mobile": "09121234567"}
    assert read_profile(answer(data.draw(wrapped(inner))), NOTHING).balance == balance


@quick
@given(st.data(), st.lists(st.integers(0, 500), min_size=1, max_size=6, unique=True))
def test_any_dialect_of_a_list(data: st.DataObject, ids: list[int]) -> None:
    as_text = data.draw(st.booleans())
    name = spelt(data.draw(st.sampled_from(["name", "title", "name_en", "country_name"])), data.draw(style))
    own = spelt(data.draw(st.sampled_from(["id", "country_id", "code"])), data.draw(style))
    rows = [{own: str(i) if as_text else i, name: f"Country {i}", "active": 1} for i in ids]
    keyed = data.draw(st.booleans())
    value = (
        {str(i): {k: v for k, v in row.items() if k != own} for i, row in zip(ids, rows, strict=True)}
        if keyed
        else rows
    )
    read = read_catalog(CatalogKind.COUNTRIES, answer(data.draw(wrapped(value))), NOTHING)
    assert [(e.id, e.name) for e in read.entries] == [(str(i), f"Country {i}") for i in ids]


@quick
@given(st.data(), st.lists(st.tuples(st.integers(1, 10**7), st.integers(0, 10**5)), min_size=3, max_size=3))
def test_any_dialect_of_a_price_list(data: st.DataObject, truth: list[tuple[int, int]]) -> None:
    price = spelt(data.draw(st.sampled_from(["price", "cost", "amount", "sum"])), data.draw(style))
    stock = spelt(data.draw(st.sampled_from(["count", "qty", "quantity", "stock", "available"])), data.draw(style))
    which = spelt(
        data.draw(st.sampled_from(["application_id", "app", "service", "product_id", "id"])), data.draw(style)
    )
    rows = [
        {which: app.id, price: data.draw(number(p)), stock: data.draw(number(c))}
        for app, (p, c) in zip(NUMBERS.known.applications, truth, strict=True)
    ]
    read = read_prices("7", "1", answer(data.draw(wrapped(rows))), NUMBERS)
    assert [(p.application, p.price, p.count) for p in read.prices] == [
        (app.id, Decimal(p), c) for app, (p, c) in zip(NUMBERS.known.applications, truth, strict=True)
    ]


@quick
@given(st.data(), st.integers(1, 10**12), st.integers(10**9, 10**10 - 1))
def test_any_dialect_of_a_purchase(data: st.DataObject, purchase: int, national: int) -> None:
    own = spelt(
        data.draw(st.sampled_from(["id", "order_id", "request_id", "number_id", "activation_id", "tzid"])),
        data.draw(style),
    )
    phone = spelt(data.draw(st.sampled_from(["phone", "number", "phone_number", "mobile", "tel"])), data.draw(style))
    full = data.draw(st.booleans())
    inner: dict[str, Any] = {
        own: data.draw(st.sampled_from([purchase, str(purchase)])),
        phone: f"+7{national}" if full else str(national),
    }
    if not full:
        inner[spelt(data.draw(st.sampled_from(["area_code", "prefix", "dial_code"])), data.draw(style))] = data.draw(
            st.sampled_from([7, "7", "+7"])
        )
    read = read_buy(answer(data.draw(wrapped(inner))), NOTHING)
    assert (read.purchase, read.phone) == (str(purchase), f"+7{national}")


@quick
@given(st.data(), st.integers(1000, 99999999))
def test_any_dialect_of_an_sms(data: st.DataObject, code: int) -> None:
    text = f"Your code is {code}"
    one = {
        spelt(data.draw(st.sampled_from(["code", "sms_code", "otp"])), data.draw(style)): data.draw(
            st.sampled_from([code, str(code)])
        ),
        spelt(data.draw(st.sampled_from(["text", "full_sms", "sms_text", "message", "body"])), data.draw(style)): text,
    }
    box: Any = data.draw(st.sampled_from([one, [one], {"0": one}]))
    inner = {"id": 74001, spelt(data.draw(st.sampled_from(["sms", "messages", "sms_list"])), data.draw(style)): box}
    read = read_check(answer(data.draw(wrapped(inner))), NUMBERS)
    assert read.state is PurchaseState.RECEIVED
    assert [(s.code, s.text) for s in read.sms] == [(str(code), text)]


NAMES = st.sampled_from(
    [
        "status",
        "code",
        "message",
        "data",
        "id",
        "order_id",
        "phone",
        "number",
        "price",
        "count",
        "balance",
        "sms",
        "text",
        "result",
        "error",
        "success",
        "ok",
        "expires",
        "time",
        "country",
        "operator",
        "service",
        "name",
        "0",
        "1",
        "74001",
        "created_at",
        "state",
        "total",
        "unit",
        "refunded",
        "expires_in",
        "areacode",
    ]
)
PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=12),
    st.integers(0, 600),
    st.sampled_from(
        [
            "12345",
            "+79313226657",
            "2026-11-24 10:00",
            "1400/13/40",
            "00:20:00",
            "99:99",
            "success",
            "wait",
            "\ud800",
            "1e999",
            "-",
        ]
    ),
)
JSON = st.recursive(
    PLAIN,
    lambda c: st.lists(c, max_size=4) | st.dictionaries(NAMES | st.text(max_size=3), c, max_size=6),
    max_leaves=25,
)
HTTP = st.sampled_from([200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 405, 409, 422, 429, 500, 502, 503])


@pytest.mark.parametrize("name", READERS)
@quick
@given(value=JSON, http=HTTP)
def test_random_json_raises_nothing_else(name: str, value: Any, http: int) -> None:
    try:
        READERS[name](RawAnswer(http, json.dumps(value).encode()), NUMBERS)
    except ProviderError as error:
        assert isinstance(error.message, str)  # noqa: PT017 - an answer that is read is as good


@pytest.mark.parametrize("name", READERS)
@quick
@given(body=st.binary(max_size=60), charset=st.sampled_from([None, "utf-8", "latin-1", "no-such", "utf-16"]))
def test_random_bytes_raise_nothing_else(name: str, body: bytes, charset: str | None) -> None:
    with pytest.raises(ProviderError):
        READERS[name](RawAnswer(200, b"<" + body, charset=charset), NUMBERS)


@quick
@given(
    value=st.dictionaries(NAMES, JSON, max_size=6),
    no=st.sampled_from([False, "false", "error", "fail", -1, 402]),
    http=HTTP,
)
def test_a_no_is_never_a_purchase(value: dict[str, Any], no: Any, http: int) -> None:
    with pytest.raises(ProviderError):
        read_buy(
            RawAnswer(http, json.dumps({**value, "id": 5, "phone": "+79313226657", "status": no}).encode()), NUMBERS
        )


STATUS: st.SearchStrategy[Any] = st.sampled_from(
    [True, False, None, 0, 1, 200, 202, 402, 500, -1, "true", "error", "PENDING", "", {}, "۴۰۲"]
)
CODE = st.sampled_from([200, 202, 401, 402, 403, 404, 405, 422, 500, -1, "402", "500", None])


@quick
@given(value=st.dictionaries(NAMES, JSON, max_size=6), status=st.none() | STATUS, code=st.none() | CODE, http=HTTP)
def test_a_refusal_is_in_the_providers_own_words(value: dict[str, Any], status: Any, code: Any, http: int) -> None:
    """The contract's rule for a `buy`, end of its section Answers: anything else may have bought."""
    marks = {name: mark for name, mark in (("status", status), ("code", code)) if mark is not None}
    given = {**{k: v for k, v in value.items() if k not in ("status", "code")}, **marks}
    try:
        read_buy(RawAnswer(http, json.dumps(given).encode()), NUMBERS)
    except ProviderRefusedError:
        told = "status" in given and given["status"] is not True
        documented = str(code) == str(http) and http in (401, 402, 403, 404, 405, 500)
        assert told or documented or http == 405 or (http == 404 and "status" not in given)
    except ProviderError:
        pass


@quick
@given(value=st.dictionaries(NAMES, PLAIN, max_size=6), status=STATUS, http=st.sampled_from([200, 201, 202]))
def test_an_answer_that_names_the_number_is_never_a_failure(value: dict[str, Any], status: Any, http: int) -> None:
    named = {"order_id": "P-74001", "phone": "+79313226657", "status": status}
    given = {**{k: v for k, v in value.items() if "code" not in k and k != "error"}, **named}
    assume(status not in (402, 500, -1, "۴۰۲"))  # a documented code tells the cause
    with suppress(OutcomeUnknownError):
        assert read_buy(RawAnswer(http, json.dumps(given).encode()), NUMBERS).purchase


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100000,
        b'{"data":' * 5000 + b"1" + b"}" * 5000,
        b'{"balance": NaN}',
        b'{"price": Infinity, "count": 1}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"balance": 1e999999999}',
        b'{"id": 1e400}',
        b"\xff\xfe{\x00",
    ],
)
def test_hostile_answers_do_no_harm(name: str, body: bytes) -> None:
    with pytest.raises(ProviderError):
        READERS[name](RawAnswer(200, body), NUMBERS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1256"])
def test_charsets(encoding: str) -> None:
    text = json.dumps({"status": True, "data": [{"id": 7, "name": "سلام"}]}, ensure_ascii=False)
    raw = RawAnswer(200, text.encode(encoding), "text/html", charset="cp1256" if encoding == "cp1256" else None)
    assert read_catalog(CatalogKind.COUNTRIES, raw, NUMBERS).entries[0].name == "سلام"


def test_a_lone_surrogate_can_be_published() -> None:
    raw = RawAnswer(200, b'{"status": true, "data": [{"id": 7, "name": "x\\ud800"}]}')
    assert read_catalog(CatalogKind.COUNTRIES, raw, NUMBERS).entries[0].name.encode()


@pytest.mark.parametrize("name", READERS)
def test_a_huge_answer_is_read_in_a_time_that_grows_with_it(name: str) -> None:
    """Each value compared with every other took minutes, in which the daemon did nothing else."""
    rows = {f"k{i}": {"id": i, "phone": f"793132266{i:05}", "x": {"id": i, "message": f"m {i}"}} for i in range(5000)}
    raw = RawAnswer(200, json.dumps({"status": True, **rows}).encode())
    begun = time.process_time()
    with suppress(ProviderError):
        READERS[name](raw, NUMBERS)
    assert time.process_time() - begun < 15  # 4 s for a check; 26 s when its time grew with the square


@pytest.mark.timeout(20)  # it takes some 35 ms; quadratic time would take minutes
def test_two_thousand_entries_are_read_at_once() -> None:
    rows = [
        {"id": i, "name": f"App {i}", "slug": f"app-{i}", **{f"field{k}": k for k in range(12)}} for i in range(2000)
    ]
    found = read_catalog(CatalogKind.APPLICATIONS, answer({"status": True, "data": rows}), NUMBERS)
    assert len(found.entries) == 2000


@pytest.mark.parametrize("field", ["message", "code"])
def test_a_long_text_is_cut_between_words(field: str) -> None:
    """Half of a token that the provider repeats is not known for one by who masks it."""
    token = "0123456789abcdef" * 4
    for before in range(0, 400, 7):
        words = ("w" * before + f" {token} is wrong").strip()
        with pytest.raises(ProviderError) as refused:
            read_buy(answer({"status": False, field: words}), NUMBERS)
        said = f"{refused.value.message} {refused.value.upstream and refused.value.upstream.code}"
        assert token[:4] not in said.replace(token, "")


@pytest.mark.parametrize("text", ["a" * 300_000, "\ufdfa" * 150_000], ids=["without blanks", "of signs for sentences"])
@pytest.mark.parametrize("field", ["m", "text", "message"])
def test_a_long_text_in_the_place_of_an_sms_takes_no_long_time(field: str, text: str) -> None:
    begun = time.process_time()
    with suppress(ProviderError):
        read_check(answer({"status": True, "sms": [{field: text}]}), NUMBERS)
    assert time.process_time() - begun < 5  # what grows with the square takes minutes


# --- what is kept from one answer to the next -------------------------------------------------------------------------

KEPT = (columns._kept, columns._kept_names, columns._kept_ranking, rows._telling)
ROW_NAMES = st.lists(
    st.sampled_from(
        [
            *("id", "country", "operator", "operator_id", "application", "service", "app_id", "code", "name", "price"),
            *("cost", "amount", "old_price", "count", "stock", "status", "currency", "zorvex", "3"),
        ]
    ),
    min_size=1,
    max_size=7,
    unique=True,
)
ROW_VALUES = st.one_of(
    st.integers(0, 9),
    st.sampled_from([2200, 566, 41000, 200, 10**18, -5, Decimal("22.5"), None, True, False, ""]),
    st.sampled_from(["7", "1", "3", "tg", "Telegram", "تلگرام", "Russia", "2,200", "Toman", "ok", "any"]),
)


def told(kind: str, raw: RawAnswer) -> tuple[Any, ...]:
    """All of a reading, with the places that do not count where readings are compared."""
    try:
        found = READERS[kind](raw, NUMBERS)
    except ProviderError as error:
        return type(error), str(error), error.upstream
    return found, found.found, getattr(found, "said", None)


@quick
@given(ROW_NAMES, st.sampled_from([(), ("data",), ("any",), ("7", "1")]), st.data())
def test_what_is_kept_of_an_answer_says_nothing_of_the_next(
    names: list[str], around: tuple[str, ...], data: st.DataObject
) -> None:
    values: list[Any] = [{name: data.draw(ROW_VALUES) for name in names} for _ in range(2)]
    for name in reversed(around):
        values = [{name: value} for value in values]
    first, second = (RawAnswer(200, json.dumps(value, default=float).encode()) for value in values)
    for kind in ("price", "prices"):
        for kept in KEPT:
            kept.cache_clear()
        alone = told(kind, second)
        for kept in KEPT:
            kept.cache_clear()
        told(kind, first)
        assert told(kind, second) == alone


def test_names_that_are_ever_new_are_not_kept_for_ever() -> None:
    """Of an API that makes up its names, as long as it likes."""
    looked_at = list[str]()

    def tell(name: str) -> str:
        looked_at.append(name)
        return name

    kept: Any = kept_by_name(tell)
    for number in range(2 * _MOST_KNOWN + 1):
        name = f"{number:0{LONGEST_NAME}}"
        assert kept(f"{name}x{number}") == kept(name) == name
        assert len(kept.__self__) <= _MOST_KNOWN
    assert len(looked_at) == 2 * _MOST_KNOWN + 1
    assert {len(name) for name in kept.__self__} == {LONGEST_NAME}


@pytest.mark.parametrize(
    ("more", "are_kept"),
    [
        (["colour"], True),
        (["x" * (columns._LONGEST_NAMES + 1)], False),
        ([f"{'x' * 40}{n}" for n in range(25)], False),
    ],
    ids=["usual", "one long name", "many names"],
)
def test_only_usual_names_are_kept(more: list[str], are_kept: bool) -> None:
    kept = columns._kept_names, rows._telling
    for each in kept:
        each.cache_clear()
    assert read_price("3", answer({"price": 2200, **dict.fromkeys(more, 1)}), NUMBERS).price == 2200
    assert [each.cache_info().currsize > 0 for each in kept] == [are_kept, are_kept]


@pytest.mark.parametrize(
    ("more", "are_kept"),
    [
        (["service"], True),
        ([f"app_id_{n}" for n in range(columns._USUAL_VOTES + 1)], False),
        ([f"app_id_{n}_{'x' * 100}" for n in range(10)], False),
    ],
    ids=["usual", "many votes", "long names"],
)
def test_only_of_usual_votes_it_is_kept_what_they_come_to(more: list[str], are_kept: bool) -> None:
    columns._kept_ranking.cache_clear()
    assert read_price("3", answer({"price": 2200, **dict.fromkeys(more, "3")}), NUMBERS).price == 2200
    assert (columns._kept_ranking.cache_info().currsize > 0) is are_kept


def test_lists_that_change_are_told_apart_and_not_held_on_to() -> None:
    for number in range(4 * vocabulary._MOST_INDEXES):
        entries = (CatalogEntry(str(number), "Telegram", ("Telegram",)),)
        assert Vocabulary(entries, None).resolve("Telegram") == str(number)
        assert len(vocabulary._INDEXES) <= vocabulary._MOST_INDEXES
