"""What real sister providers answer to a purchase, served at this API's endpoints."""

from __future__ import annotations

from decimal import Decimal

import pytest

from shomare_mqtt.provider.reading import read_buy
from tests.reading.sisters_support import SHORT, SLUGS, Case, raw, seen, versions

BUYS = [
    Case(
        "numberland",
        {
            "RESULT": "1",
            "ID": "74001",
            "NUMBER": "79313226657",
            "AREACODE": "7",
            "AMOUNT": "2200",
            "REPEAT": "1",
            "TIME": "00:20:00",
        },
        ("74001", "+79313226657", "2200"),
    ),
    Case(
        "shiznumber",
        {
            "order": {
                "id": 12345,
                "ordered_number": "79313226657",
                "sms_code": None,
                "price": 2200,
                "created_at": "2026-11-24 15:30:00",
                "status": {"id": 1, "name": "waiting"},
                "number": {
                    "id": 57172,
                    "price": 2200,
                    "country": {"id": 7, "name": "Russia"},
                    "service": {"id": 3, "name": "Telegram"},
                },
            }
        },
        ("12345", "+79313226657", "2200"),
    ),
    Case("verifyplus", {"number": "959978292769", "numberId": "1343243"}, ("1343243", "+959978292769", None), SLUGS),
    Case(
        "ozvinoo-v1",
        {
            "number": "+79313226657",
            "areacode": "+7",
            "country": "russia",
            "range": 1,
            "service": "telegram",
            "request_id": 981245,
            "price": 2200,
            "quality": "good",
        },
        ("981245", "+79313226657", "2200"),
    ),
    Case(
        "ozvinoo-v2",
        {
            "status": True,
            "status_code": 200,
            "data": {"number": "79313226657", "order_id": 987654321, "country": "Russia", "price": 2200},
        },
        ("987654321", "+79313226657", "2200"),
    ),
    Case(
        "myonlinesim",
        {"status": "success", "data": {"id": 7781, "number": "79313226657", "expired_at": "2026-11-24T12:15:00Z"}},
        ("7781", "+79313226657", None),
    ),
    Case(
        "parsnumber",
        {
            "id": 2314,
            "number": "+79313226657",
            "price": 2200,
            "country": {"id": 7, "name": "روسیه"},
            "service": {"id": 3, "name": "تلگرام"},
            "status": "waiting",
        },
        ("2314", "+79313226657", "2200"),
        bare=True,
    ),
    Case(
        "5sim",
        {
            "id": 11631253,
            "phone": "+79000381454",
            "operator": "beeline",
            "product": "telegram",
            "price": 21,
            "status": "PENDING",
            "expires": "2026-11-24T12:15:00.81Z",
            "sms": None,
            "created_at": "2026-11-24T12:00:00.81Z",
            "forwarding": False,
            "forwarding_number": "",
            "country": "russia",
        },
        ("11631253", "+79000381454", "21"),
        SLUGS,
    ),
    Case(
        "sms-activate-v2",
        {
            "activationId": "635468024",
            "phoneNumber": "79584123451",
            "activationCost": "12.5",
            "currency": "840",
            "countryCode": "0",
            "canGetAnotherSms": "1",
            "activationTime": "2026-11-24 15:30:00",
            "activationOperator": "mtt",
        },
        ("635468024", "+79584123451", "12.5"),
        SHORT,
    ),
    Case(
        "sms-activate-v2-int",
        {
            "activationId": 635468021,
            "phoneNumber": 79584123456,
            "activationCost": 12.5,
            "currency": 840,
            "countryCode": 0,
            "canGetAnotherSms": True,
            "activationTime": "2026-11-24 15:30:00",
            "activationEndTime": "2026-11-24 15:50:00",
            "activationOperator": "any",
        },
        ("635468021", "+79584123456", "12.5"),
        SHORT,
    ),
    Case("onlinesim", {"response": 1, "tzid": 62487634}, ("62487634", None, None)),
    Case(
        "onlinesim-number",
        {"response": 1, "tzid": 62487634, "number": "+79313226657", "country": 7},
        ("62487634", "+79313226657", None),
    ),
    Case(
        "smspool",
        {
            "success": 1,
            "number": "79313226657",
            "cc": "7",
            "phonenumber": "9313226657",
            "order_id": "ABCDEFGH",
            "orderid": "ABCDEFGH",
            "country": "Russia",
            "service": "Telegram",
            "pool": 5,
            "expires_in": 599,
            "expiration": 1795522200,
            "message": "",
            "cost": "0.18",
            "cost_in_cents": 18,
            "current_balance": "9.82",
        },
        ("ABCDEFGH", "+79313226657", "0.18"),
    ),
    Case(
        "smspva1",
        {
            "response": "1",
            "number": "9313226657",
            "id": 25623,
            "again": 0,
            "text": None,
            "extra": None,
            "karma": 1.0,
            "pass": None,
            "sms": None,
            "balanceOnPhone": 0,
            "service": None,
            "country": None,
            "CountryCode": "+7",
            "branchId": 0,
            "callForwarding": False,
            "goipSlotId": -1,
            "lifeSpan": 580,
        },
        ("25623", "+79313226657", None),
    ),
    Case(
        "smspva2",
        {
            "statusCode": 200,
            "data": {"orderId": 12345678, "phoneNumber": "9313226657", "countryCode": "RU", "orderExpireIn": 600},
        },
        ("12345678", "+79313226657", None),
    ),
    Case(
        "vaksms",
        {"tel": 79313226657, "idNum": "3adb61376b8f4adb90d6e758cf8084fd"},
        ("3adb61376b8f4adb90d6e758cf8084fd", "+79313226657", None),
    ),
    Case(
        "smsman",
        {"request_id": 165432, "country_id": 7, "application_id": 3, "number": "79313226657", "hosting_id": 4},
        ("165432", "+79313226657", None),
    ),
    Case(
        "textverified",
        {
            "id": "lr_01HZ",
            "number": "9313226657",
            "serviceName": "telegram",
            "state": "verificationPending",
            "totalCost": 0.5,
            "createdAt": "2026-11-24T12:00:00Z",
            "endsAt": "2026-11-24T12:15:00Z",
            "sms": {"method": "GET", "href": "https://x/api/pub/v2/sms?reservationId=lr_01HZ"},
        },
        ("lr_01HZ", "+79313226657", "0.5"),
    ),
    Case(
        "smscodes",
        {"Status": "Success", "SecurityId": "b1f6c24a", "Number": "79313226657", "Error": "None"},
        ("b1f6c24a", "+79313226657", None),
    ),
    Case(
        "smsonline",
        {
            "error": False,
            "orderId": "17934774",
            "phoneNumber": "447508190549",
            "expiredAtUTC": "2026-11-24 12:20:00",
            "purchasePrice": 0.16,
        },
        ("17934774", "+447508190549", "0.16"),
        SLUGS,
    ),
    Case(
        "detect",
        {
            "id": "640170a4-8188-468e-be5f-b2281170deed",
            "status": "waiting",
            "product": "mixin",
            "service_code": "tg",
            "country_code": "0",
            "phone_number": "79311111119",
            "last_sms_code": None,
            "expiration_time": "2026-11-24T12:20:00Z",
        },
        ("640170a4-8188-468e-be5f-b2281170deed", "+79311111119", None),
        SHORT,
    ),
    Case(
        "juicy",
        {"success": True, "contract_id": 34405, "phone_number": "+447684563067", "country": "UK"},
        ("34405", "+447684563067", None),
    ),
    Case(
        "sms4sats",
        {
            "status": "OK",
            "paid": True,
            "id": 1125699791,
            "number": 79312345678,
            "timestamp": 1666613406969,
            "country": "Russia",
            "service": "openAI",
        },
        ("1125699791", "+79312345678", None),
    ),
    Case(
        "world",
        {
            "id": "act_9x2k1p",
            "number": "+79161234567",
            "service": "telegram",
            "country": "ru",
            "expires_at": "2026-11-24T12:20:00Z",
        },
        ("act_9x2k1p", "+79161234567", None),
    ),
    Case(
        "laravel1",
        {
            "status": True,
            "code": 200,
            "message": "شماره با موفقیت خریداری شد",
            "data": {"id": 74001, "number": "9313226657", "areacode": "+7", "price": 2200},
        },
        ("74001", "+79313226657", "2200"),
    ),
    Case(
        "laravel2",
        {"status": True, "code": 200, "purchase_id": 74001, "phone": "+7 931 322-66-57", "balance": 97800},
        ("74001", "+79313226657", None),
    ),
    Case(
        "laravel3",
        {
            "status": True,
            "code": 200,
            "data": {
                "order": {
                    "id": 74001,
                    "user_id": 14,
                    "country_id": 7,
                    "operator_id": 1,
                    "app_id": 3,
                    "number": "79313226657",
                    "price": 2200,
                    "status": 0,
                },
                "user": {"id": 14, "wallet": 97800},
            },
        },
        ("74001", "+79313226657", "2200"),
    ),
    Case(
        "laravel4",
        {"status": True, "code": 200, "result": {"buy_id": 74001, "mobile": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "code_id",
        {"status": True, "code": 200, "data": {"code_id": 74001, "number": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "number_id",
        {"status": True, "data": {"number_id": 74001, "number": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "activation",
        {"status": True, "data": {"activation": 74001, "phone": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "operation_id",
        {"status": True, "data": {"operation_id": 74001, "phone": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "tracking",
        {"status": True, "data": {"tracking_code": "TRK-74001", "phone": "79313226657", "user_id": 5}},
        ("TRK-74001", "+79313226657", None),
    ),
    Case(
        "order_code",
        {"status": True, "data": {"order_code": 74001, "mobile": "79313226657", "id": 9}},
        ("74001|9", "+79313226657", None),
    ),
    Case(
        "pid",
        {"status": True, "data": {"pid": "882211", "phone": "79313226657", "uid": 14}},
        ("882211", "+79313226657", None),
    ),
    Case("rid", {"status": True, "data": {"rid": 882211, "number": "79313226657"}}, ("882211", "+79313226657", None)),
    Case(
        "hash", {"status": True, "data": {"hash": "af2c11", "number": "79313226657"}}, ("af2c11", "+79313226657", None)
    ),
    Case(
        "sms_id",
        {"status": True, "data": {"sms_id": 882211, "number": "79313226657"}},
        ("882211", "+79313226657", None),
    ),
    Case(
        "history_id",
        {"status": True, "data": {"history_id": 882211, "number": "79313226657"}},
        ("882211", "+79313226657", None),
    ),
    Case(
        "persian",
        {"status": True, "data": {"شناسه": 74001, "شماره": "۷۹۳۱۳۲۲۶۶۵۷", "قیمت": "۲٬۲۰۰ تومان"}},
        ("74001", "+79313226657", "2200"),
    ),
    Case(
        "list-of-one",
        {"status": True, "data": [{"id": 74001, "phone": "79313226657"}]},
        ("74001", "+79313226657", None),
    ),
    Case(
        "created-201",
        {"status": True, "code": 201, "data": {"id": 74001, "phone": "79313226657"}},
        ("74001", "+79313226657", None),
        http=201,
    ),
    Case(
        "phone-object",
        {"status": True, "data": {"id": 74001, "phone": {"country_code": "7", "number": "9313226657"}}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "phone-object2",
        {
            "status": True,
            "data": {"id": 74001, "number": {"prefix": "+7", "number": "9313226657", "full": "+79313226657"}},
        },
        ("74001", "+79313226657", None),
    ),
    Case(
        "number-object-with-id",
        {"status": True, "data": {"order_id": 74001, "number": {"id": 55, "phone": "79313226657"}}},
        ("74001", "+79313226657", None),
    ),
    Case(
        "django",
        {
            "id": 74001,
            "phone_number": "+79313226657",
            "service": {"id": 3, "name": "Telegram"},
            "country": {"id": 7, "name": "Russia"},
            "created": "2026-11-24T12:00:00Z",
            "price": "2200.00",
        },
        ("74001", "+79313226657", "2200"),
    ),
    Case(
        "camel",
        {
            "success": True,
            "payload": {"orderId": "A-74001", "phoneNumber": "79313226657", "expiresAt": 1795522800000, "price": 2200},
        },
        ("A-74001", "+79313226657", "2200"),
    ),
    Case(
        "code-is-id",
        {
            "status": True,
            "message": "ok",
            "data": {"id": "74001", "phone": "79313226657", "code": None, "app": "Telegram"},
        },
        ("74001", "+79313226657", None),
    ),
    Case("id-only", {"status": True, "code": 200, "data": {"id": 74001}}, ("74001", None, None)),
    Case("id-bare", {"status": True, "code": 200, "id": 74001}, ("74001", None, None), bare=True),
    Case(
        "service-id-beside",
        {"status": True, "data": {"service_id": 3, "country_id": 7, "order_id": 74001, "number": "79313226657"}},
        ("74001", "+79313226657", None),
    ),
]


@pytest.mark.parametrize("case", versions(BUYS))
def test_buy(case: Case) -> None:
    read = read_buy(raw(case), seen(case))
    own, phone, price = case.truth
    assert read.purchase in own.split("|")
    assert read.phone == phone
    assert read.price == (None if price is None else Decimal(price))
