"""Whole answers to `check` as sister providers and shops on Laravel give them, and what a person reads in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.provider.reading import read_check
from tests.reading.answers_support import ANY, context
from tests.reading.reading_support import answer

if TYPE_CHECKING:
    from shomare_mqtt.model import CheckReading


@dataclass(frozen=True)
class Check:
    name: str
    given: Any
    state: str
    codes: list[str | None]
    texts: list[str | None] = ANY
    senders: list[str | None] = ANY
    times: list[str] = ANY
    life: float | None = ANY
    http: int = 200


CHECKS = [
    Check("numberland wait", {"RESULT": 1, "CODE": "0", "DESCRIPTION": "wait code"}, "waiting", []),
    Check("numberland again", {"RESULT": 5, "CODE": "0", "DESCRIPTION": "wait code again"}, "waiting", []),
    Check("numberland completed", {"RESULT": 6, "CODE": "48213", "DESCRIPTION": "completed"}, "finished", ["48213"]),
    Check(
        "5sim received no sms",
        {
            "id": 74001,
            "phone": "+79313226657",
            "status": "RECEIVED",
            "expires": "2026-11-25T09:13:00Z",
            "sms": [],
            "country": "russia",
        },
        "waiting",
        [],
        life=780,
    ),
    Check(
        "5sim two",
        {
            "id": 74001,
            "status": "RECEIVED",
            "sms": [
                {
                    "created_at": "2026-11-25T08:58:00Z",
                    "sender": "G",
                    "text": "G-112233 is your code",
                    "code": "112233",
                },
                {"created_at": "2026-11-25T08:59:00Z", "sender": "G", "text": "Welcome", "code": ""},
            ],
        },
        "received",
        ["112233", None],
        texts=["G-112233 is your code", "Welcome"],
    ),
    Check(
        "smsman code",
        {"request_id": 74001, "country_id": 7, "application_id": 3, "number": "79313226657", "sms_code": "1233"},
        "received",
        ["1233"],
        texts=[None],
    ),
    Check(
        "onlinesim answer list",
        [
            {
                "country": 7,
                "number": "+79313226657",
                "response": "TZ_NUM_ANSWER",
                "tzid": 74001,
                "time": 512,
                "msg": [{"service": "telegram", "msg": "48213", "created_at": "2026-11-25 12:28:00"}],
            }
        ],
        "received",
        ["48213"],
    ),
    Check(
        "onlinesim over empty",
        [{"response": "TZ_OVER_EMPTY", "tzid": 74001, "number": "+79313226657", "time": 0}],
        "expired",
        [],
    ),
    Check(
        "smspva code",
        {
            "response": "1",
            "number": "9313226657",
            "id": 74001,
            "again": "0",
            "text": "Telegram code 44732",
            "extra": "0",
            "karma": 0,
            "pass": None,
            "sms": "44732",
            "balanceOnPhone": 0,
        },
        "received",
        ["44732"],
        texts=["Telegram code 44732"],
    ),
    Check("smspva v2 wait http", {"statusCode": 202, "message": "Sms not received"}, "waiting", [], http=202),
    Check(
        "smspva v2 code",
        {
            "statusCode": 200,
            "data": {
                "sms": {"code": "555112", "fullText": "G-555112 is your Google verification code."},
                "orderId": 74001,
                "orderExpireIn": 340,
            },
        },
        "received",
        ["555112"],
        texts=["G-555112 is your Google verification code."],
        life=340,
    ),
    Check("ozvinoo wait", {"status": False, "status_code": 202, "message": "Waiting for code"}, "waiting", []),
    Check(
        "ozvinoo code",
        {
            "status": True,
            "status_code": 200,
            "data": {"code": "12345", "number": "79313226657", "country": "Russia", "order_id": 74001},
        },
        "received",
        ["12345"],
    ),
    Check("vak multi", {"smsCode": ["85213", "11902"]}, "received", ["85213", "11902"]),
    Check("activate text ok", {"status": True, "data": "STATUS_OK:48213"}, "received", ["48213"]),
    Check(
        "activate v2",
        {
            "verificationType": 0,
            "sms": {"dateTime": "2026-11-25 12:28:11", "code": "483921", "text": "Your code 483921"},
            "call": None,
        },
        "received",
        ["483921"],
        texts=["Your code 483921"],
        times=["2026-11-25T08:58:11Z"],
    ),
    Check(
        "activate v2 call",
        {
            "verificationType": 0,
            "sms": {"dateTime": None, "code": None, "text": None},
            "call": {"from": None, "text": None, "code": None, "dateTime": None, "url": None, "parsingCount": 0},
        },
        "waiting",
        [],
    ),
    Check(
        "active activations",
        {
            "status": "success",
            "activeActivations": [
                {
                    "activationId": "74001",
                    "serviceCode": "tg",
                    "phoneNumber": "79313226657",
                    "activationCost": "12.50",
                    "activationStatus": "4",
                    "smsCode": None,
                    "smsText": None,
                    "activationTime": "2026-11-25 12:20:00",
                    "discount": "0",
                    "repeated": "0",
                    "countryCode": "0",
                    "countryName": "Russia",
                    "canGetAnotherSms": "1",
                }
            ],
        },
        "waiting",
        [],
    ),
    Check(
        "smspool full",
        {"status": 3, "sms": "30413", "full_sms": "Use 30413 as your code", "resend": 0, "expiration": 1795597700},
        "received",
        ["30413"],
        texts=["Use 30413 as your code"],
    ),
    Check(
        "smspool refunded",
        {"status": 6, "message": "This order has been refunded", "resend": 0, "expiration": 1795597190},
        "cancelled",
        [],
    ),
    Check(
        "sms4sats",
        {
            "status": "OK",
            "paid": True,
            "code": 48010,
            "id": 74001,
            "number": 79313226657,
            "timestamp": 1795597200000,
            "country": "Russia",
            "service": "openAI",
        },
        "received",
        ["48010"],
    ),
    Check(
        "laravel keyed",
        {
            "status": True,
            "code": 200,
            "sms": {"0": {"text": "code: 111222", "code": "111222"}, "1": {"text": "hello", "code": None}},
        },
        "received",
        ["111222", None],
    ),
    Check("fa wait false", {"status": False, "code": 200, "message": "هنوز پیامکی دریافت نشده است"}, "waiting", []),
    Check(
        "newest first",
        {
            "status": True,
            "sms": [
                {"id": 12, "code": "222333", "text": "tg 222333", "date": "2026-11-25T08:59:00Z"},
                {"id": 11, "code": "111222", "text": "tg 111222", "date": "2026-11-25T08:50:00Z"},
            ],
        },
        "received",
        ["111222", "222333"],
    ),
    Check(
        "sms + last",
        {"status": True, "code": "48213", "sms_list": [{"text": "tg 48213"}]},
        "received",
        ["48213"],
        texts=["tg 48213"],
    ),
    Check(
        "othersms",
        {"status": True, "sms": "48213", "text": "tg 48213", "othersms": [{"text": "welcome", "code": ""}]},
        "received",
        ["48213", None],
    ),
    Check(
        "list of orders",
        {
            "status": True,
            "data": [
                {"id": 73999, "code": "99999", "status": "received"},
                {"id": 74001, "code": None, "status": "waiting"},
            ],
        },
        "waiting",
        [],
    ),
    Check(
        "remaining jalali",
        {"status": True, "data": {"sms": [], "expire_date": "1405/09/04", "expire_time": "12:40:00"}},
        "waiting",
        [],
        life=600,
    ),
    Check(
        "clock TIME whole life",
        {"RESULT": 1, "CODE": "0", "DESCRIPTION": "wait code", "TIME": "00:20:00"},
        "waiting",
        [],
        life=None,
    ),
    Check("error object wait", {"error": {"code": "WAITING", "message": "SMS not received yet"}}, "waiting", []),
    Check(
        "data list two sms",
        {
            "status": True,
            "code": 200,
            "data": [
                {"text": "Telegram code: 48213", "code": "48213", "sender": "TG"},
                {"text": "Welcome to Telegram", "code": None, "sender": "TG"},
            ],
        },
        "received",
        ["48213", None],
    ),
    Check(
        "data list one sms",
        {
            "status": True,
            "code": 200,
            "data": [{"id": 1, "text": "Telegram code: 48213", "code": "48213", "sender": "TG"}],
        },
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check(
        "data list one sms message",
        {
            "status": True,
            "code": 200,
            "data": [{"id": 1, "message": "Telegram code: 48213", "from": "TG", "created_at": "2026-11-25 12:28:00"}],
        },
        "received",
        ANY,
        texts=["Telegram code: 48213"],
    ),
    Check(
        "sms numbered 1,2",
        {
            "status": True,
            "data": {"sms": {"1": {"code": "11111", "text": "a 11111"}, "2": {"code": "22222", "text": "b 22222"}}},
        },
        "received",
        ["11111", "22222"],
    ),
    Check(
        "sms list texts",
        {"status": True, "data": {"sms": ["Your code 11111", "Second 54321"]}},
        "received",
        ANY,
        texts=["Your code 11111", "Second 54321"],
    ),
    Check(
        "last_sms",
        {"status": True, "data": {"sms_count": 1, "last_sms": {"text": "Telegram code: 48213", "code": "48213"}}},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check("result text code", {"status": True, "result": "48213"}, "received", ["48213"]),
    Check("result int code", {"status": True, "result": 48213}, "received", ["48213"]),
    Check("data int code", {"status": True, "data": 48213}, "received", ["48213"]),
    Check("message code", {"status": True, "message": "48213"}, "received", ["48213"]),
    Check(
        "data message",
        {"status": True, "data": {"message": "Telegram code: 48213"}},
        "received",
        ANY,
        texts=["Telegram code: 48213"],
    ),
    Check(
        "received message",
        {"status": "RECEIVED", "message": "Telegram code: 48213"},
        "received",
        ANY,
        texts=["Telegram code: 48213"],
    ),
    Check("answer", {"status": True, "data": {"state": "received", "answer": "48213"}}, "received", ANY),
    Check("otp obj", {"status": True, "data": {"otp": {"code": "48213"}}}, "received", ["48213"]),
    Check(
        "verification",
        {"status": True, "data": {"verification": {"code": "48213", "text": "Telegram code: 48213"}}},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check("verification_code", {"status": True, "data": {"verification_code": "48213"}}, "received", ["48213"]),
    Check(
        "paginator in sms",
        {"status": True, "sms": {"data": [{"body": "Telegram code: 48213"}], "total": 1}},
        "received",
        ANY,
        texts=["Telegram code: 48213"],
    ),
    Check(
        "paginator messages",
        {
            "status": True,
            "data": {"messages": {"data": [{"body": "Telegram code: 48213", "id": 3}], "current_page": 1, "total": 1}},
        },
        "received",
        ANY,
        texts=["Telegram code: 48213"],
    ),
    Check(
        "paginator empty",
        {"status": True, "data": {"messages": {"data": [], "current_page": 1, "total": 0}}},
        "waiting",
        [],
    ),
    Check(
        "fa text", {"status": True, "data": {"sms": "کد تلگرام: ۴۸۲۱۳"}}, "received", ANY, texts=["کد تلگرام: ۴۸۲۱۳"]
    ),
    Check("messages plural msg", {"status": True, "messages": "عملیات موفق", "data": {"sms": None}}, "waiting", []),
    Check("messages plural msg 2", {"status": True, "messages": ["عملیات موفق"], "data": {"sms": None}}, "waiting", []),
    Check(
        "code and sms both",
        {"status": True, "code": 200, "data": {"code": 48213, "sms": "Telegram code: 48213"}},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check(
        "sms code nested twice",
        {
            "status": True,
            "data": {
                "purchase": {"id": 74001, "sms": [{"code": "48213"}]},
                "sms": [{"code": "48213", "text": "Telegram code: 48213"}],
            },
        },
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check("price like code", {"status": True, "data": {"id": 74001, "amount": 22000, "sms": None}}, "waiting", []),
    Check(
        "2fa pass",
        {
            "status": True,
            "status_code": 200,
            "data": {"code": "48213", "password": "", "number": "79313226657", "order_id": 74001},
        },
        "received",
        ["48213"],
    ),
    Check("retry time", {"status": False, "code": 202, "message": "Waiting for code", "retry_after": 5}, "waiting", []),
    Check("status false msg wait, no code", {"status": False, "message": "Waiting for code"}, "waiting", []),
    Check("status false fa wait", {"status": False, "message": "پیامک هنوز دریافت نشده است"}, "waiting", []),
    Check("status false ru", {"status": "error", "message": "СМС еще не пришло"}, "waiting", []),
    Check("status false zh", {"status": 0, "msg": "等待短信"}, "waiting", []),
    Check("status false tr", {"status": False, "message": "SMS bekleniyor"}, "waiting", []),
    Check("status false ar", {"status": False, "message": "في انتظار الرسالة"}, "waiting", []),
    Check("status false 'no sms received'", {"status": False, "message": "No SMS received yet"}, "waiting", []),
    Check("'not received' 200", {"status": True, "message": "SMS not received"}, "waiting", []),
    Check("code 102", {"status": False, "code": 102}, "waiting", []),
    Check(
        "status 'waiting for sms' sentence", {"status": True, "data": {"status": "Waiting for sms..."}}, "waiting", []
    ),
    Check("unrelated purchase", {"status": True, "data": {"id": 999, "status": "waiting"}}, "waiting", []),
    Check("200 canceled word", {"status": "CANCELED"}, "cancelled", []),
    Check("200 fa canceled", {"status": True, "data": {"status": "لغو شده"}}, "cancelled", []),
    Check("200 fa expired", {"status": True, "data": {"status": "منقضی شده"}}, "expired", []),
    Check("200 fa received", {"status": True, "data": {"status": "دریافت شد", "code": "48213"}}, "received", ["48213"]),
    Check("fa waiting word", {"status": True, "data": {"status": "در انتظار دریافت پیامک"}}, "waiting", []),
    Check("bool received T", {"status": True, "data": {"received": True, "code": "48213"}}, "received", ["48213"]),
    Check("is_received", {"status": True, "is_received": 0, "sms": None}, "waiting", []),
    Check(
        "sms: obj status received",
        {"status": True, "sms": {"status": "received", "code": "48213", "text": "Telegram code: 48213"}},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check(
        "sms obj w number",
        {
            "status": True,
            "sms": {
                "number": "79313226657",
                "code": "48213",
                "text": "Telegram code: 48213",
                "from": "Telegram",
                "time": "12:28:00",
                "date": "1405/09/04",
            },
        },
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
        senders=["Telegram"],
        times=["2026-11-25T08:58:00Z"],
    ),
    Check(
        "sms from phone",
        {"status": True, "sms": [{"from": "+442071234567", "to": "79313226657", "text": "Telegram code: 48213"}]},
        "received",
        ANY,
        texts=["Telegram code: 48213"],
        senders=["+442071234567"],
    ),
    Check(
        "epoch ms",
        {"status": True, "sms": [{"code": "48213", "timestamp": 1795597140000}]},
        "received",
        ["48213"],
        times=["2026-11-25T08:59:00Z"],
    ),
    Check(
        "link beside",
        {"status": True, "sms": [{"text": "Tap https://t.me/login/48213 or use 48213", "code": "48213"}]},
        "received",
        ["48213"],
    ),
    Check(
        "html entity text",
        {"status": True, "sms": [{"text": "&lt;#&gt; Your WhatsApp code: 123-456", "code": "123-456"}]},
        "received",
        ["123-456"],
    ),
    Check(
        "empty text code", {"status": True, "sms": {"text": "", "code": "48213"}}, "received", ["48213"], texts=[None]
    ),
    Check(
        "no code text",
        {"status": True, "sms": [{"text": "Welcome aboard!", "code": None}]},
        "received",
        [None],
        texts=["Welcome aboard!"],
    ),
    Check("code same as text", {"status": True, "sms": [{"text": "48213", "code": "48213"}]}, "received", ["48213"]),
    Check(
        "sms keys upper",
        {"STATUS": True, "SMS": [{"TEXT": "Telegram code: 48213", "CODE": "48213", "DATE": "2026-11-25 12:28:00"}]},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
        times=["2026-11-25T08:58:00Z"],
    ),
    Check("double-encoded", '{"status": true, "sms": [{"code": "48213"}]}', "received", ["48213"]),
    Check(
        "sms as json text",
        {"status": True, "sms": '[{"code": "48213", "text": "Telegram code: 48213"}]'},
        "received",
        ["48213"],
        texts=["Telegram code: 48213"],
    ),
    Check("sms '[]' text", {"status": True, "sms": "[]"}, "waiting", []),
    Check(
        "lifetime clock life",
        {"status": True, "data": {"sms": None, "expires_at": 1795597631}},
        "waiting",
        [],
        life=431,
    ),
    Check("STATUS_CANCEL plain", {"status": "STATUS_CANCEL"}, "cancelled", []),
    Check("STATUS_WAIT_RESEND", {"status": "STATUS_WAIT_RESEND"}, "waiting", []),
    Check("data.code wait", {"status": True, "data": {"code": "wait"}}, "waiting", []),
    Check("data.code 'Waiting'", {"status": True, "data": {"code": "Waiting"}}, "waiting", []),
    Check("data.code 'در انتظار'", {"status": True, "data": {"code": "در انتظار"}}, "waiting", []),
    Check("data.sms 'پیامکی دریافت نشده'", {"status": True, "data": {"sms": "پیامکی دریافت نشده"}}, "waiting", []),
    Check("data.sms no sms", {"status": True, "data": {"sms": "no sms"}}, "waiting", []),
    Check(
        "sms text w/ amounts only",
        {"status": True, "sms": "Your balance is 200 USD"},
        "received",
        ANY,
        texts=["Your balance is 200 USD"],
    ),
    Check(
        "sms rows w order_id",
        {
            "status": True,
            "sms": [
                {"id": 1, "order_id": 74001, "text": "a 11111", "code": "11111"},
                {"id": 2, "order_id": 74001, "text": "b 22222", "code": "22222"},
            ],
        },
        "received",
        ["11111", "22222"],
    ),
    Check(
        "data rows w order_id",
        {
            "status": True,
            "data": [
                {"id": 1, "order_id": 74001, "text": "a 11111", "code": "11111"},
                {"id": 2, "order_id": 74001, "text": "b 22222", "code": "22222"},
            ],
        },
        "received",
        ["11111", "22222"],
    ),
    Check(
        "bare list sms",
        [{"text": "a 11111", "code": "11111"}, {"text": "b 22222", "code": "22222"}],
        "received",
        ["11111", "22222"],
    ),
    Check(
        "orders list",
        {
            "status": True,
            "data": [
                {"id": 5, "number": "79313226600", "status": "received", "code": "77777"},
                {"id": 74001, "number": "79313226657", "status": "waiting", "code": None},
            ],
        },
        "waiting",
        [],
    ),
    Check(
        "orders list other fields text",
        {
            "status": True,
            "data": [
                {"id": 5, "number": "79313226600", "text": "x 77777", "code": "77777"},
                {"id": 74001, "number": "79313226657", "text": None, "code": None},
            ],
        },
        "waiting",
        [],
    ),
    Check("data waits msg", {"status": True, "data": {"message": "code 202: waiting for sms"}}, "waiting", []),
]


def read(case: Check) -> CheckReading:
    return read_check(answer(case.given, case.http), context(purchase="74001"))


@pytest.mark.parametrize("case", CHECKS, ids=lambda case: case.name)
def test_state_and_sms(case: Check) -> None:
    seen = read(case)
    assert seen.state == case.state
    if case.codes is not ANY:
        assert [sms.code for sms in seen.sms] == case.codes
    if case.texts is not ANY:
        assert [sms.text for sms in seen.sms] == case.texts


@pytest.mark.parametrize("case", [c for c in CHECKS if c.senders is not ANY], ids=lambda case: case.name)
def test_senders(case: Check) -> None:
    assert [sms.sender for sms in read(case).sms] == case.senders


@pytest.mark.parametrize("case", [c for c in CHECKS if c.times is not ANY], ids=lambda case: case.name)
def test_times(case: Check) -> None:
    assert [f"{sms.received_at:%Y-%m-%dT%H:%M:%SZ}" for sms in read(case).sms] == case.times


@pytest.mark.parametrize("case", [c for c in CHECKS if c.life is not ANY], ids=lambda case: case.name)
def test_time_left(case: Check) -> None:
    assert read(case).lifetime == case.life


QUIET = [
    {"status": True, "data": 74001},
    {"status": True, "result": "74001"},
    {"status": True, "result": 200},
    {"status": True, "sms": None, "result": 1795598400},
    {"status": True, "data": {"id": 74001, "messages": [], "response": 2200}},
    {"status": True, "code": 200, "messages": "Success"},
    {"status": True, "code": 200, "messages": ["عملیات موفق"]},
    {"status": True, "data": {"message": "Order 74001 was found"}},
    {"status": True, "data": {"message": "درخواست شما با موفقیت ثبت شد"}},
]


@pytest.mark.parametrize("given", QUIET, ids=str)
def test_what_the_answer_says_of_itself_is_no_sms(given: Any) -> None:
    assert read_check(answer(given), context(purchase="74001")).sms == ()


WORDY = "Your code is 48213"
TEXTS_OF_CODES: list[dict[str, Any]] = [
    {"request_id": 74001, "sms_code": WORDY},
    {"status": True, "code": 200, "data": {"id": 74001, "code": WORDY}},
    {"status": True, "data": {"otp": WORDY}},
    {"status": True, "data": WORDY},
    {"status": True, "result": WORDY},
    {"status": True, "data": f"STATUS_OK:{WORDY}"},
    {"smsCode": [WORDY]},
    {"status": True, "sms": {"a1b2": {"text": WORDY}}},
]


@pytest.mark.parametrize("given", TEXTS_OF_CODES, ids=str)
def test_a_text_where_a_code_was_to_be_is_the_sms(given: dict[str, Any]) -> None:
    seen = read_check(answer(given), context(purchase="74001"))
    assert seen.state == "received"
    assert [sms.text for sms in seen.sms] == [WORDY]


@pytest.mark.parametrize("none", [None, "", "0", 0, False, [], {}, "wait"], ids=str)
def test_an_answer_that_holds_nothing_waits(none: Any) -> None:
    seen = read_check(answer({"status": True, "data": none}), context(purchase="74001"))
    assert (seen.state, seen.sms) == ("waiting", ())


OTHER_CODES = {
    "product_code": "1234",
    "referral_code": 55443,
    "invite_code": "445566",
    "national_code": "0012345678",
    "discount_code": "48213",
    "code_expire": 1200,
    "code_length": 4821,
    "zip_code": "10001",
    "country": {"id": 7, "code": "98765"},
    "user": {"id": 17, "code": "88123"},
}


@pytest.mark.parametrize("name", OTHER_CODES)
@pytest.mark.parametrize("beside", [{}, {"sms": []}, {"status": "expired"}, {"id": 74001, "sms_code": None}], ids=str)
def test_other_codes_are_no_sms(name: str, beside: dict[str, Any]) -> None:
    given = {"status": True, "data": {name: OTHER_CODES[name], **beside}}
    assert read_check(answer(given), context(purchase="74001")).sms == ()


def test_a_code_under_a_name_that_nobody_foresaw() -> None:
    """Where nothing else is an SMS, or a place for one."""
    given = {"status": True, "data": {"id": 74001, "login_code": "48213"}}
    assert [sms.code for sms in read_check(answer(given), context(purchase="74001")).sms] == ["48213"]
    given = {"status": True, "data": {"id": 74001, "login_code": "48213", "sms": None}}
    assert read_check(answer(given), context(purchase="74001")).state == "waiting"
    given = {"status": True, "data": {"id": 74001, "login_code": "48213", "sms": None, "state": "received"}}
    assert [sms.code for sms in read_check(answer(given), context(purchase="74001")).sms] == ["48213"]
