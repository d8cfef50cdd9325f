"""What real sister providers answer to a check and a cancel, served at this API's endpoints."""

from __future__ import annotations

import pytest

from shomare_mqtt.model import PurchaseState as S
from shomare_mqtt.provider.reading import read_cancel, read_check
from tests.reading.sisters_support import SHORT, SLUGS, Case, raw, seen, versions

CODE, TEXT = "12345", "Telegram code: 12345. Do not give it to anyone"
ONE = (S.RECEIVED, [(CODE, None)])
BOTH = (S.RECEIVED, [(CODE, TEXT)])
WAIT: tuple[S, list[tuple[str, str | None]]] = (S.WAITING, [])

CHECKS = [
    Case("numberland-1", {"RESULT": 1, "CODE": "0", "DESCRIPTION": "wait code"}, WAIT),
    Case("numberland-2", {"RESULT": 2, "CODE": "12345", "DESCRIPTION": "code received"}, ONE),
    Case("numberland-3", {"RESULT": 3, "CODE": "0", "DESCRIPTION": "number canceled"}, (S.CANCELLED, [])),
    Case("numberland-4", {"RESULT": 4, "CODE": "0", "DESCRIPTION": "number banned"}, (S.CANCELLED, [])),
    Case("numberland-5", {"RESULT": 5, "CODE": "12345", "DESCRIPTION": "wait code again"}, ONE),
    Case("numberland-6", {"RESULT": 6, "CODE": "12345", "DESCRIPTION": "completed"}, (S.FINISHED, [(CODE, None)])),
    Case(
        "shiz-wait",
        {
            "id": 74001,
            "ordered_number": "79313226657",
            "sms_code": None,
            "status": {"id": 1, "name": "waiting", "fa_name": "در انتظار"},
        },
        WAIT,
    ),
    Case(
        "shiz-done",
        {
            "id": 74001,
            "ordered_number": "79313226657",
            "sms_code": "12345",
            "status": {"id": 2, "name": "received", "fa_name": "دریافت شد"},
        },
        ONE,
    ),
    Case(
        "shiz-cancel",
        {
            "id": 74001,
            "ordered_number": "79313226657",
            "sms_code": None,
            "status": {"id": 3, "name": "canceled", "fa_name": "لغو شده"},
        },
        (S.CANCELLED, []),
    ),
    Case("ozvinoo-wait", {"status": False, "status_code": 202, "message": "Waiting for code"}, WAIT, bare=True),
    Case(
        "ozvinoo-done",
        {
            "status": True,
            "status_code": 200,
            "data": {"code": "12345", "number": "79313226657", "country": "Russia", "order_id": 74001, "password": ""},
        },
        ONE,
    ),
    Case("callinoo-wait", {"error_code": "wait_sms", "error_msg": "waiting for sms"}, WAIT, bare=True),
    Case("callinoo-done", {"code": 12345, "number": "79313226657", "request_id": 74001}, ONE),
    Case(
        "5sim-pending",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "operator": "beeline",
            "product": "telegram",
            "price": 21,
            "status": "PENDING",
            "expires": "2026-11-24T12:15:00.81Z",
            "sms": None,
            "created_at": "2026-11-24T12:00:00Z",
            "country": "russia",
        },
        WAIT,
        SLUGS,
    ),
    Case(
        "5sim-received-none",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "status": "RECEIVED",
            "expires": "2026-11-24T12:15:00.81Z",
            "sms": [],
            "created_at": "2026-11-24T12:00:00Z",
        },
        (S.WAITING, []),
        SLUGS,
    ),
    Case(
        "5sim-sms",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "product": "telegram",
            "price": 21,
            "status": "RECEIVED",
            "expires": "2026-11-24T12:15:00.81Z",
            "sms": [
                {
                    "id": 3027531,
                    "created_at": "2026-11-24T12:01:00Z",
                    "date": "2026-11-24T12:01:00Z",
                    "sender": "Telegram",
                    "text": TEXT,
                    "code": CODE,
                    "is_wave": False,
                    "wave_uuid": "",
                }
            ],
            "created_at": "2026-11-24T12:00:00Z",
        },
        BOTH,
        SLUGS,
    ),
    Case(
        "5sim-two",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "status": "RECEIVED",
            "sms": [
                {"created_at": "2026-11-24T12:01:00Z", "sender": "T", "text": TEXT, "code": CODE},
                {"created_at": "2026-11-24T12:02:00Z", "sender": "T", "text": "Welcome", "code": ""},
            ],
        },
        (S.RECEIVED, [(CODE, TEXT), (None, "Welcome")]),
        SLUGS,
    ),
    Case(
        "5sim-finished",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "status": "FINISHED",
            "sms": [{"created_at": "2026-11-24T12:01:00Z", "text": TEXT, "code": CODE}],
        },
        (S.FINISHED, [(CODE, TEXT)]),
        SLUGS,
    ),
    Case(
        "5sim-timeout",
        {"id": 11631253, "phone": "+79000381454", "status": "TIMEOUT", "sms": []},
        (S.EXPIRED, []),
        SLUGS,
    ),
    Case(
        "5sim-banned",
        {"id": 11631253, "phone": "+79000381454", "status": "BANNED", "sms": None},
        (S.CANCELLED, []),
        SLUGS,
    ),
    Case("activate-wait-in", {"status": True, "code": 200, "data": "STATUS_WAIT_CODE"}, WAIT, SHORT),
    Case("activate-ok-in", {"status": True, "code": 200, "data": "STATUS_OK:12345"}, ONE, SHORT),
    Case("activate-retry-in", {"status": True, "code": 200, "data": "STATUS_WAIT_RETRY:12345"}, ONE, SHORT),
    Case("activate-cancel-in", {"status": True, "code": 200, "data": "STATUS_CANCEL"}, (S.CANCELLED, []), SHORT),
    Case(
        "activate-v2",
        {
            "verificationType": 0,
            "sms": {"dateTime": "2026-11-24 15:31:00", "code": CODE, "text": TEXT},
            "call": {"from": "", "text": "", "code": "", "dateTime": "", "url": "", "parsingCount": 0},
        },
        BOTH,
        SHORT,
    ),
    Case(
        "activate-v2-wait",
        {"verificationType": 0, "sms": {"dateTime": None, "code": None, "text": None}, "call": None},
        WAIT,
        SHORT,
    ),
    Case(
        "activate-active",
        {
            "status": "success",
            "activeActivations": [
                {
                    "activationId": "635468024",
                    "serviceCode": "tg",
                    "phoneNumber": "79584123451",
                    "activationCost": "12.5",
                    "activationStatus": "4",
                    "smsCode": [CODE],
                    "smsText": [TEXT],
                    "activationTime": "2026-11-24 15:30:00",
                    "discount": "0",
                    "repeated": "0",
                    "countryCode": "0",
                    "countryName": "Russia",
                    "canGetAnotherSms": "1",
                }
            ],
        },
        BOTH,
        SHORT,
    ),
    Case(
        "activate-active-wait",
        {
            "status": "success",
            "activeActivations": [
                {
                    "activationId": "635468024",
                    "serviceCode": "tg",
                    "phoneNumber": "79584123451",
                    "activationCost": "12.5",
                    "activationStatus": "4",
                    "smsCode": None,
                    "smsText": "",
                    "activationTime": "2026-11-24 15:30:00",
                }
            ],
        },
        WAIT,
        SHORT,
    ),
    Case(
        "onlinesim-wait",
        [
            {
                "country": 7,
                "sum": 9,
                "service": "telegram",
                "number": "+79313226657",
                "response": "TZ_NUM_WAIT",
                "tzid": 74001,
                "time": 894,
                "form": "index",
            }
        ],
        WAIT,
    ),
    Case(
        "onlinesim-answer",
        [
            {
                "country": 7,
                "sum": 9,
                "service": "telegram",
                "number": "+79313226657",
                "response": "TZ_NUM_ANSWER",
                "tzid": 74001,
                "time": 594,
                "msg": CODE,
                "form": "index",
            }
        ],
        (S.RECEIVED, [(CODE, CODE)]),
    ),
    Case(
        "onlinesim-list",
        [
            {
                "response": "TZ_NUM_ANSWER",
                "tzid": 74001,
                "number": "+79313226657",
                "time": 594,
                "msg": [{"service": "telegram", "msg": TEXT, "created_at": "2026-11-24 15:31:00"}],
                "form": "index",
            }
        ],
        (S.RECEIVED, [(None, TEXT)]),
    ),
    Case(
        "onlinesim-over-ok",
        [{"response": "TZ_OVER_OK", "tzid": 74001, "number": "+79313226657", "time": 0, "msg": CODE}],
        (S.FINISHED, [(CODE, CODE)]),
    ),
    Case(
        "onlinesim-over-empty",
        [{"response": "TZ_OVER_EMPTY", "tzid": 74001, "number": "+79313226657", "time": 0}],
        (S.EXPIRED, []),
    ),
    Case(
        "smspool-wait",
        {"status": 1, "message": "pending", "resend": 0, "expiration": 1795522200, "time_left": 500},
        WAIT,
        bare=True,
    ),
    Case(
        "smspool-sms",
        {"status": 3, "sms": CODE, "full_sms": TEXT, "resend": 0, "expiration": 1795522200, "time_left": 450},
        BOTH,
        bare=True,
    ),
    Case(
        "smspool-refunded",
        {"status": 6, "message": "This order has been refunded", "resend": 0},
        (S.CANCELLED, []),
        bare=True,
    ),
    Case(
        "smspva-wait",
        {
            "response": "2",
            "number": "9313226657",
            "id": 74001,
            "text": None,
            "extra": "0",
            "karma": 10,
            "pass": None,
            "sms": None,
        },
        WAIT,
    ),
    Case(
        "smspva-sms",
        {"response": "1", "number": "9313226657", "id": 74001, "text": TEXT, "sms": CODE, "extra": "0"},
        BOTH,
    ),
    Case(
        "smspva2-sms",
        {"statusCode": 200, "data": {"sms": {"code": CODE, "fullText": TEXT}, "orderId": 74001, "orderExpireIn": 300}},
        BOTH,
    ),
    Case("smspva2-wait", {"statusCode": 202, "data": {"orderId": 74001, "orderExpireIn": 300}}, WAIT, http=202),
    Case("vaksms-wait", {"smsCode": None}, WAIT),
    Case("vaksms-sms", {"smsCode": CODE}, ONE),
    Case("vaksms-two", {"smsCode": [CODE, "54321"]}, (S.RECEIVED, [(CODE, None), ("54321", None)])),
    Case(
        "smsman-wait",
        {
            "request_id": 74001,
            "country_id": 7,
            "application_id": 3,
            "number": "79313226657",
            "error_code": "wait_sms",
            "error_msg": "Still waiting...",
        },
        WAIT,
        bare=True,
    ),
    Case(
        "smsman-sms",
        {"request_id": 74001, "country_id": 7, "application_id": 3, "number": "79313226657", "sms_code": CODE},
        ONE,
    ),
    Case(
        "textverified",
        {
            "id": "74001",
            "number": "9313226657",
            "state": "verificationCompleted",
            "sms": {
                "data": [
                    {
                        "id": "s1",
                        "from": "Telegram",
                        "to": "9313226657",
                        "createdAt": "2026-11-24T12:01:00Z",
                        "smsContent": TEXT,
                        "parsedCode": CODE,
                        "encrypted": False,
                    }
                ]
            },
        },
        (S.FINISHED, [(CODE, TEXT)]),
    ),
    Case(
        "textverified-wait",
        {
            "id": "74001",
            "number": "9313226657",
            "state": "verificationPending",
            "sms": {"href": "https://x", "method": "GET"},
            "endsAt": "2026-11-24T12:15:00Z",
        },
        WAIT,
    ),
    Case(
        "textverified-timeout",
        {
            "id": "74001",
            "number": "9313226657",
            "state": "verificationTimedOut",
            "sms": {"href": "https://x", "method": "GET"},
        },
        (S.EXPIRED, []),
    ),
    Case(
        "textverified-canceled",
        {"id": "74001", "number": "9313226657", "state": "verificationCanceled"},
        (S.CANCELLED, []),
    ),
    Case("smscodes-wait", {"Status": "Success", "SMS": "Message not received yet", "Error": "None"}, WAIT),
    Case("smscodes-sms", {"Status": "Success", "SMS": TEXT, "Error": "None"}, (S.RECEIVED, [(None, TEXT)])),
    Case(
        "detect-sms",
        {
            "id": "74001",
            "status": "received",
            "phone_number": "79311111119",
            "last_sms_code": CODE,
            "expiration_time": "2026-11-24T12:20:00Z",
        },
        ONE,
    ),
    Case(
        "cyberyozh",
        {
            "id": "74001",
            "status": "waiting",
            "phone_number": "+79311111119",
            "history_sms_code": [],
            "can_cancel": True,
        },
        WAIT,
        bare=True,
    ),
    Case(
        "cyberyozh-sms",
        {
            "id": "74001",
            "status": "received",
            "phone_number": "+79311111119",
            "history_sms_code": [CODE],
            "can_cancel": False,
        },
        ONE,
        bare=True,
    ),
    Case(
        "sms4sats",
        {
            "status": "OK",
            "paid": True,
            "code": 48010,
            "id": 74001,
            "number": 79312345678,
            "timestamp": 1666613406969,
            "country": "India",
            "service": "openAI",
        },
        (S.RECEIVED, [("48010", None)]),
        bare=True,
    ),
    Case(
        "world",
        {"id": "74001", "status": "received", "code": CODE, "received_at": "2026-11-24T12:01:00Z"},
        ONE,
        bare=True,
    ),
    Case(
        "juicy",
        {
            "success": True,
            "contract_id": 74001,
            "phone_number": "07684563067",
            "received_sms": [{"id": 1, "sender": "Uber", "body": TEXT, "receive_date": "2026-11-24T12:01:00Z"}],
        },
        (S.RECEIVED, [(None, TEXT)]),
    ),
    Case(
        "laravel-null", {"status": True, "code": 200, "data": {"id": 74001, "number": "79313226657", "sms": None}}, WAIT
    ),
    Case(
        "laravel-text",
        {"status": True, "code": 200, "data": {"id": 74001, "number": "79313226657", "sms": TEXT}},
        (S.RECEIVED, [(None, TEXT)]),
    ),
    Case(
        "laravel-code",
        {"status": True, "code": 200, "data": {"id": 74001, "number": "79313226657", "code": CODE, "text": TEXT}},
        BOTH,
    ),
    Case("laravel-top", {"status": True, "code": CODE}, ONE, bare=True),
    Case("laravel-otp", {"status": True, "code": 200, "otp": CODE, "message": TEXT}, BOTH, bare=True),
    Case("laravel-wait", {"status": False, "code": 202, "message": "در انتظار دریافت کد"}, WAIT, bare=True),
    Case(
        "laravel-wait-200",
        {"status": True, "code": 200, "message": "هنوز پیامکی دریافت نشده است", "data": None},
        WAIT,
        bare=True,
    ),
    Case("laravel-wait-false", {"status": False, "code": 200, "message": "پیامکی دریافت نشده"}, WAIT, bare=True),
    Case(
        "laravel-list",
        {
            "status": True,
            "code": 200,
            "data": {
                "id": 74001,
                "messages": [{"id": 1, "text": TEXT, "code": CODE, "created_at": "1405/09/03 15:31:00"}],
            },
        },
        BOTH,
    ),
    Case("laravel-empty", {"status": True, "code": 200, "data": {"id": 74001, "messages": []}}, WAIT),
    Case(
        "laravel-data-list",
        {"status": True, "code": 200, "data": [{"text": TEXT, "code": CODE, "date": "2026-11-24 15:31:00"}]},
        BOTH,
    ),
    Case("laravel-data-empty", {"status": True, "code": 200, "data": []}, WAIT),
    Case(
        "laravel-numbered",
        {
            "status": True,
            "code": 200,
            "data": {"sms": {"0": {"code": CODE, "text": TEXT}, "1": {"code": "99881", "text": "again 99881"}}},
        },
        (S.RECEIVED, [(CODE, TEXT), ("99881", "again 99881")]),
    ),
    Case(
        "laravel-fa-cancel",
        {"status": True, "code": 200, "data": {"id": 74001, "number": "79313226657", "status": "لغو شده", "sms": None}},
        (S.CANCELLED, []),
    ),
    Case(
        "laravel-fa-expired",
        {
            "status": True,
            "code": 200,
            "data": {"id": 74001, "number": "79313226657", "status": "منقضی شده", "code": None},
        },
        (S.EXPIRED, []),
    ),
    Case(
        "laravel-fa-wait",
        {
            "status": True,
            "code": 200,
            "data": {"id": 74001, "number": "79313226657", "status": "در انتظار پیامک", "code": ""},
        },
        WAIT,
    ),
    Case(
        "laravel-fa-done",
        {
            "status": True,
            "code": 200,
            "data": {"id": 74001, "number": "79313226657", "status": "دریافت شده", "code": CODE},
        },
        ONE,
    ),
    Case(
        "persian-keys",
        {"status": True, "data": {"شناسه": 74001, "کد": "۱۲۳۴۵", "متن": "کد تایید شما ۱۲۳۴۵"}},
        (S.RECEIVED, [(CODE, "کد تایید شما ۱۲۳۴۵")]),
    ),
    Case("flags", {"status": True, "data": {"id": 74001, "is_canceled": True, "code": None}}, (S.CANCELLED, [])),
    Case(
        "flags-no",
        {"status": True, "data": {"id": 74001, "is_canceled": False, "is_expired": False, "code": None}},
        WAIT,
    ),
    Case(
        "state-object",
        {"status": True, "data": {"id": 74001, "state": {"id": 4, "title": "expired"}, "sms": []}},
        (S.EXPIRED, []),
    ),
    Case(
        "second",
        {"status": True, "data": {"id": 74001, "code": CODE, "codes": [CODE, "88776"]}},
        (S.RECEIVED, [(CODE, None), ("88776", None)]),
    ),
    Case(
        "dash",
        {"status": True, "data": {"id": 74001, "code": "123-456", "text": "Your code is 123-456"}},
        (S.RECEIVED, [("123-456", "Your code is 123-456")]),
    ),
    Case(
        "sms-cancel",
        {
            "status": True,
            "data": {"id": 74001, "number": "79313226657", "status": "canceled", "sms": [{"text": TEXT, "code": CODE}]},
        },
        (S.CANCELLED, [(CODE, TEXT)]),
    ),
]


@pytest.mark.parametrize("case", versions(CHECKS))
def test_check(case: Case) -> None:
    read = read_check(raw(case), seen(case))
    state, sms = case.truth
    assert read.state is state
    assert [(s.code, s.text) for s in read.sms] == sms


CANCELS = [
    Case("numberland", {"RESULT": 3, "CODE": "0", "DESCRIPTION": "number canceled"}, True),
    Case("numberland-1", {"RESULT": 1, "DESCRIPTION": "canceled"}, True),
    Case("5sim", {"id": 11631253, "phone": "+79000381454", "status": "CANCELED", "sms": None}, True, SLUGS),
    Case("activate-in", {"status": True, "code": 200, "data": "ACCESS_CANCEL"}, True, SHORT),
    Case("smspool", {"success": 1, "message": "The order has been cancelled, and you have been refunded"}, True),
    Case("smspva", {"response": "1", "number": "9313226657", "id": 74001}, True),
    Case("smspva2", {"statusCode": 200, "data": {"orderId": 74001}}, True),
    Case("smsman", {"request_id": 74001, "success": True}, True),
    Case("world", {"id": "74001", "status": "cancelled", "refunded": True}, True, bare=True),
    Case("laravel", {"status": True, "code": 200, "message": "شماره با موفقیت لغو شد و مبلغ به کیف پول بازگشت"}, True),
    Case(
        "laravel-data", {"status": True, "code": 200, "data": {"id": 74001, "status": "canceled", "refund": 2200}}, True
    ),
    Case("laravel-bare", {"status": True, "code": 200}, True),
    Case("camel", {"success": True, "payload": {"isRefunded": True, "orderId": 74001}}, True),
    Case("not-refunded", {"status": True, "data": {"id": 74001, "status": "canceled", "refunded": False}}, False),
]


@pytest.mark.parametrize("case", versions(CANCELS))
def test_cancel(case: Case) -> None:
    assert read_cancel(raw(case), seen(case)).refunded is case.truth
