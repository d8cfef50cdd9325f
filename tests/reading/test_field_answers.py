"""Answers that were met in the field: JSON with markup around it, and money whose unit has no fractions."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderError
from shomare_mqtt.model import PurchaseState
from shomare_mqtt.provider.reading import read_buy, read_check, read_price, read_prices, read_profile
from shomare_mqtt.provider.reading.decode import Decoded, RawAnswer, decode
from tests.reading.reading_support import answer, context

WARNING = "<br />\n<b>Warning</b>:  Undefined array key 7 in <b>/srv/x.php</b> on line <b>1</b><br />\n"
PLAIN_WARNING = "\nWarning: Undefined variable $x in /srv/x.php on line 3\n"
XDEBUG = (
    "<br />\n<font size='1'><table class='xdebug-error' border='1'>\n<tr><th colspan='5'><span>( ! )</span> Notice: "
    "Undefined index: a in /srv/x.php on line <i>3</i></th></tr>\n<tr><th>Call Stack</th></tr>\n"
    "<tr><td>1</td><td>0.0001</td><td>{main}(  )</td><td title='/srv/x.php'>.../x.php<b>:</b>0</td></tr>\n"
    "</table></font>\n"
)
OBJECT = '{"status": true, "data": {"id": 7}}'

WRAPPED = {
    "a warning before it": WARNING + OBJECT,
    "a warning as plain text": PLAIN_WARNING + OBJECT,
    "two warnings of different kinds": WARNING + PLAIN_WARNING + OBJECT,
    "a warning behind it": OBJECT + WARNING,
    "warnings on both sides": WARNING + OBJECT + PLAIN_WARNING,
    "a line of the log": "[24-Nov-2026 12:00:00 UTC] PHP Deprecated:  f(): {closure} in x.php on line 3\n" + OBJECT,
    "a table of Xdebug's": XDEBUG + OBJECT,
    "a warning that names brackets": "<b>Warning</b>: PDO: SQLSTATE[HY000] [2002] no in <b>x</b> on line 9<br>"
    + OBJECT,
    "a fatal error behind the answer": OBJECT + "\nFatal error: Uncaught E: x in /x.php:3\nStack trace:\n#0 {main}\n"
    "  thrown in /x.php on line 3\n",
    "a comment behind it": OBJECT + "\n<!-- 0.034 s, {cached} -->",
    "what a host adds": OBJECT + "<script>var a = {};</script><style>b {}</style><noscript><img src='x'></noscript>",
    "a browser's own page": "<html><head></head><body><pre style=\"a: '>'\">" + OBJECT + "</pre></body></html>",
    "XML around it": '<?xml version="1.0"?>\n<string xmlns="http://tempuri.org/">' + OBJECT + "</string>",
    "a mark of byte order behind the warning": WARNING + "\ufeff" + OBJECT,
    "a guard against inclusion": ")]}',\n" + OBJECT,
    "a loop against inclusion": "while(1);" + OBJECT,
    "a callback": "/**/cb_1.done(" + OBJECT + ");",
    "NULs at the end": OBJECT + "<br>\0\0",
}

PAGES = {
    "a page of words": "<html><body><h1>Blocked</h1>" + OBJECT + "</body></html>",
    "a page with a title": "<html><head><title></title></head><body>" + OBJECT + "</body></html>",
    "a page with JSON in a script": '<html><body><script type="application/json">' + OBJECT + "</script></body></html>",
    "a page with JSON in a comment": "<html><!-- " + OBJECT + " --><body></body></html>",
    "a page with JSON in an attribute": "<div data-page='" + OBJECT + "'></div>",
    "a page with a frame": "<iframe src='http://10.10.34.34'></iframe>" + OBJECT,
    "a page with a form": "<form><input value='x'></form>" + OBJECT,
    "JSON in a field": "<textarea>" + OBJECT + "</textarea>",
    "two values": OBJECT + OBJECT,
    "two values with a warning between": OBJECT + WARNING + OBJECT,
    "an empty list before it": "[]" + OBJECT,
    "a number before it": "1" + OBJECT,
    "a word before it": "Array\n" + OBJECT,
    "words before it in its line": "error: " + OBJECT,
    "words behind it": OBJECT + " was refused",
    "a warning without its end": "<b>Warning</b>: Undefined key " + OBJECT,
    "a warning and words": WARNING + "Please log in<br>" + OBJECT,
    "cut off": WARNING + OBJECT[:-2],
    "cut off, with brackets inside": WARNING + '{"status": true, "data": [{"id": 7}, {"id"',
    "a bare number": WARNING + "7",
    "a bare text": WARNING + '"STATUS_OK"',
    "a script without an end": "<script>" + OBJECT,
    "a comment without an end": "<!-- " + OBJECT,
    "a tag without an end": "<div class='" + OBJECT,
    "a callback without an end": "cb(" + OBJECT,
    "a guard and words": ")]}'," + OBJECT + "x",
    "a guard and no JSON": ")]}', x",
    "nested too deeply": WARNING + "[" * 60 + "]" * 60,
    "nested beyond all bounds": WARNING + "[" * 100_000,
    "a number beyond all bounds": WARNING + '{"a": 1e999999}',
    "more markup than any answer has": "<br>" * 20_000 + OBJECT,
    "more markup behind it than any answer has": OBJECT + "<br>" * 20_000,
}


@pytest.mark.parametrize("text", WRAPPED.values(), ids=WRAPPED)
def test_json_with_nothing_but_markup_around_it_is_the_answer(text: str) -> None:
    assert decode(RawAnswer(200, text.encode())) == Decoded(
        {"status": True, "data": {"id": 7}}, is_json=True, wrapped=True
    )


@pytest.mark.parametrize("text", PAGES.values(), ids=PAGES)
def test_a_page_that_quotes_json_is_no_answer(text: str) -> None:
    assert not decode(RawAnswer(200, text.encode())).is_json


def test_json_alone_has_no_markup_around_it() -> None:
    assert not decode(RawAnswer(200, b"\xef\xbb\xbf" + OBJECT.encode() + b"\r\n\0")).wrapped


HOSTILE = {
    "tags": "<" * 400_000,
    "tags that end nowhere": "</a '" * 80_000,
    "comments that end nowhere": "<!--" * 100_000,
    "brackets": "\n{" * 200_000,
    "brackets with a text": '\n{"' * 150_000,
    "warnings": "Warning: " * 50_000,
    "warnings behind JSON": OBJECT + "\nWarning: " * 6_000,
    "stacks": OBJECT + "\nWarning: on line 1 Call Stack (    [x]" * 1_600,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_markup_takes_long(text: str) -> None:
    begun = time.process_time()
    decode(RawAnswer(200, text.encode()))
    assert time.process_time() - begun < 2  # what grows with the square takes minutes


REFUSALS = {
    "no numbers": (500, {"status": False, "code": 500, "message": "no numbers"}),
    "too little money": (402, {"status": False, "code": 402}),
    "a no under 200": (200, {"status": False, "code": 500}),
    "not found": (404, {"status": False, "code": 404}),
}


@pytest.mark.parametrize(("http", "said"), REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_of_a_buy_among_markup_proves_nothing(http: int, said: dict[str, Any]) -> None:
    plain = answer(said, http)
    with pytest.raises(ProviderError) as refused:
        read_buy(plain, context())
    assert refused.value.code is not ErrorCode.OUTCOME_UNKNOWN
    with pytest.raises(OutcomeUnknownError, match="markup"):
        read_buy(replace(plain, body=WARNING.encode() + plain.body), context())


def test_a_purchase_among_markup_is_one() -> None:
    body = b'{"status": true, "data": {"id": 74001, "number": "79313226657"}}' + PLAIN_WARNING.encode()
    assert read_buy(answer(body), context()).purchase == "74001"


def test_a_check_among_markup_is_read() -> None:
    body = WARNING.encode() + b'{"status": true, "data": {"sms": [{"code": "12345"}]}}'
    read = read_check(answer(body), context())
    assert (read.state, read.sms[0].code) == (PurchaseState.RECEIVED, "12345")


# --- money in a unit without fractions: "could be either" is None ---------------------------------------------------

MONEY = [
    # as it is written (JSON), in IRT, in USD, where the unit is not known
    ('"2.200"', "2200", "2.200", None),
    ('"2,200"', "2200", "2200", "2200"),
    ('"2 200"', "2200", "2200", "2200"),
    ('"2\u00a0200"', "2200", "2200", "2200"),
    ('"2\u202f200"', "2200", "2200", "2200"),
    ('"2\'200"', "2200", "2200", "2200"),
    ('"2’200"', "2200", "2200", "2200"),
    ('"2_200"', "2200", "2200", "2200"),
    ('"۲٬۲۰۰"', "2200", "2200", "2200"),
    ('"۲،۲۰۰"', "2200", "2200", "2200"),
    ('"۲٫۲۰۰"', "2200", "2.200", None),
    ('"1.234.567"', "1234567", "1234567", "1234567"),
    ('"1 234 567"', "1234567", "1234567", "1234567"),
    ('"2.200,00"', "2200", "2200", "2200"),
    ('"2,200.00"', "2200", "2200", "2200"),
    ('"2200.00"', "2200", "2200", "2200"),
    ('"2200.000"', "2200", "2200", "2200"),
    ('"500.00"', "500", "500", "500"),
    ('"2200.5"', "2200.5", "2200.5", "2200.5"),
    ('"2.2"', None, "2.2", "2.2"),
    ('"2,2"', None, "2.2", "2.2"),
    ('"2.20"', None, "2.2", "2.2"),
    ('"2.0"', None, "2", "2"),
    ('"0.5"', None, "0.5", "0.5"),
    ('"0.500"', None, "0.5", "0.5"),
    ('"1.234,567"', None, "1234.567", "1234.567"),
    ('"1.234,000"', None, "1234", "1234"),
    ('"2 2"', None, None, None),
    ('"12 34"', None, None, None),
    ('"2.200 تومان"', "2200", "2200", "2200"),
    ('"2.200 USD"', "2.200", "2.200", "2.200"),
    ('"2 هزار تومان"', None, None, None),
    ('"2.2K"', None, None, None),
    ("2200", "2200", "2200", "2200"),
    ("2200.0", "2200", "2200", "2200"),
    ("2.2", None, "2.2", "2.2"),
    ("2.0", None, "2", "2"),
    ("2.200", "2200", "2.2", "2.2"),
    ("500.000", None, "500", "500"),
    ("2.2e3", "2200", "2200", "2200"),
]


@pytest.mark.parametrize(("written", "toman", "dollars", "unknown"), MONEY, ids=[row[0] for row in MONEY])
def test_an_amount_in_its_unit(written: str, toman: str | None, dollars: str | None, unknown: str | None) -> None:
    price = answer(f'{{"status": true, "data": {{"price": {written}, "count": 5}}}}'.encode())
    balance = answer(f'{{"status": true, "data": {{"balance": {written}}}}}'.encode())
    for unit, expected in (("IRT", toman), ("IRR", toman), ("USD", dollars), (None, unknown), ("Coin", unknown)):
        amount = None if expected is None else Decimal(expected)
        at = replace(context(), unit=unit)
        read, account = read_price("3", price, at), read_profile(balance, at)
        assert (read.price, "price" in read.unread) == (amount, amount is None), unit
        assert (account.balance, account.unread) == (amount, () if expected else ("balance",)), unit


UNITS = [
    # an answer to `pricebyproduct`, the settings' unit, the price
    ('{"data": {"price": "2.200", "currency": "IRT", "count": 1}}', "USD", "2200"),
    ('{"data": {"price": "2.200", "currency": "USD", "count": 1}}', "IRT", "2.2"),
    ('{"data": {"price": "2.200", "unit": "تومان", "count": 1}}', "USD", "2200"),
    ('{"data": {"price_toman": "2.200", "count": 1}}', "USD", "2200"),
    ('{"data": {"priceRial": "22.000", "count": 1}}', "USD", "22000"),
    ('{"data": {"price": {"amount": "2.200", "currency": "Toman"}, "count": 1}}', "USD", "2200"),
    ('{"data": {"price": {"toman": "2.200", "usd": "0.022"}, "count": 1}}', "USD", "2200"),
    ('{"currency": "Rial", "data": [{"app_id": 3, "price": "22.000", "count": 1}]}', "USD", "22000"),
    ('{"meta": {"currency": "IRT"}, "data": [{"app_id": 3, "price": "2.200", "count": 1}]}', "USD", "2200"),
    ('{"data": {"price": "2.200", "currency": {"code": "IRT"}, "count": 1}}', "USD", "2200"),
    ('{"status": true, "data": "2.200"}', "IRT", "2200"),
    ('{"status": true, "currency": "IRT", "data": "2.200"}', "USD", "2200"),
    ('{"data": {"3": "2.200", "5": "3.100"}}', "IRT", "2200"),
    ('{"data": {"3": {"2.200": 10}}}', "IRT", "2200"),
]


@pytest.mark.parametrize(("said", "unit", "price"), UNITS, ids=[row[0] for row in UNITS])
def test_the_unit_is_named_in_the_answer_or_in_the_settings(said: str, unit: str, price: str) -> None:
    assert read_price("3", answer(said.encode()), replace(context(), unit=unit)).price == Decimal(price)


def test_a_list_in_toman_has_whole_prices() -> None:
    said = b'[{"app_id": 3, "price": "2.200", "count": "1.200"}, {"app_id": 5, "price": "2.2", "count": 3}]'
    read = read_prices("7", "1", answer(said), replace(context(), unit="IRT"))
    assert [(p.application, p.price, p.count) for p in read.prices] == [("3", Decimal(2200), 1200), ("5", None, 3)]
    assert "price" in read.unread


CHARGED = [
    ('{"status": true, "id": 74001, "phone": "79313226657", "price": "2.200"}', "2200"),
    ('{"status": true, "id": 74001, "phone": "79313226657", "price": "2.2"}', None),
    ('{"status": true, "id": 74001, "phone": "79313226657", "price": "2.200", "currency": "USD"}', "2.2"),
    (
        '{"status": true, "currency": "USD", "data": {"id": 74001, "phone": "79313226657", "price_toman": "2.200"}}',
        "2200",
    ),
]


@pytest.mark.parametrize(("said", "price"), CHARGED, ids=[row[0] for row in CHARGED])
def test_what_was_charged_in_its_unit(said: str, price: str | None) -> None:
    read = read_buy(answer(said.encode()), replace(context(), unit="IRT"))
    assert read.price == (None if price is None else Decimal(price))


BALANCES = [
    ('{"data": {"balance": "45.750", "currency": "IRT"}}', "USD", "45750", "IRT"),
    ('{"data": {"balance": "45.750", "currency": "USD"}}', "IRT", "45.75", "USD"),
    ('{"data": {"balance_toman": "45.750"}}', "USD", "45750", "IRT"),
    ('{"data": {"wallet": {"balance": 45.75, "currency": "IRT"}}}', "IRT", None, "IRT"),
    ('{"data": {"balance": "0.000"}}', "IRT", "0", None),
    ('{"data": {"balance": "-2.200"}}', "IRT", "-2200", None),
]


@pytest.mark.parametrize(("said", "unit", "balance", "named"), BALANCES, ids=[row[0] for row in BALANCES])
def test_a_balance_in_its_unit(said: str, unit: str, balance: str | None, named: str | None) -> None:
    read = read_profile(answer(said.encode()), replace(context(), unit=unit))
    assert (read.balance, read.currency) == (None if balance is None else Decimal(balance), named)
