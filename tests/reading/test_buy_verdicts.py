"""Answers to `buy` where one word decides whether a number may be bought twice (contract, end of section Answers)."""

from __future__ import annotations

from typing import Any

import pytest

from shomare_mqtt.errors import OutcomeUnknownError, ProviderRefusedError
from shomare_mqtt.provider.reading import read_buy
from tests.reading.answers_support import PHONE, context
from tests.reading.reading_support import answer

NUMBER = {"id": 74001, "phone": PHONE}

UNKNOWN: list[tuple[int, Any]] = [
    # A 404 that says yes is not the framework's own, which has no `status`.
    (404, {"status": True}),
    (404, {"status": True, **NUMBER}),
    (404, {"status": "PENDING", **NUMBER}),
    # A no that names a number says two things at once: the balance settles it.
    (200, {"status": False, **NUMBER}),
    (200, {"status": "error", **NUMBER}),
    (200, {"status": False, "code": 200, **NUMBER}),
    (200, {"status": False, "code": 202, "data": NUMBER}),
    (200, {"status": False, "message": "در انتظار پیامک", **NUMBER}),
    (200, {"status": True, "success": False, **NUMBER}),
    # A gateway's own words, with its HTTP status in them.
    *((http, {"type": "about:blank", "title": "Gateway", "status": http}) for http in (502, 503, 504)),
    *((http, {"status": str(http), "message": "Gateway"}) for http in (502, 503, 504)),
    *((http, {"message": "Gateway"}) for http in (429, 500, 502, 503, 504)),
    (500, {"status": True, **NUMBER}),
    (520, b"error code: 520"),
    (401, {"code": -1}),
    (402, {"message": "Payment Required"}),
    (302, b""),
    (200, {"status": "PENDING"}),
    (200, {"status": {"code": 200, "message": "ok"}}),
    (200, {"status": True, "user": {"id": 17, "mobile": "09121234567", "balance": 100}}),
    (200, {"status": True, "data": {"id": 0, "number": None}}),
    (200, {"status": True, "payment": {"id": 9911, "amount": 2200}}),
    (200, {"status": True, "transaction": {"id": "T-9", "amount": 2200, "type": "debit"}}),
    # What was asked for, and no number.
    (200, {"status": True, "data": {"id": 3, "name": "Telegram", "price": 2200, "count": 5}}),
    (200, {"status": True, "id": 7, "name": "Russia"}),
    (200, {"RESULT": 74001, "NUMBER": PHONE, "success": False}),
]


@pytest.mark.parametrize(("http", "given"), UNKNOWN, ids=str)
def test_nobody_knows(http: int, given: Any) -> None:
    with pytest.raises(OutcomeUnknownError):
        read_buy(answer(given, http), context())


REFUSED: list[tuple[int, Any, str]] = [
    # The documented code tells the cause, whoever's number stands beside it.
    (200, {"status": False, "code": 402, "id": 17, "mobile": "09121234567"}, "insufficient_balance"),
    (200, {"status": 0, "code": "500", **NUMBER}, "no_numbers"),
    (402, {"status": False, **NUMBER}, "insufficient_balance"),
    (200, {"status": {"code": 402, "message": "no money"}}, "insufficient_balance"),
    (200, {"status": 402, "message": "no money"}, "insufficient_balance"),
    (500, {"status": 500, "message": "no numbers"}, "no_numbers"),
    (503, {"status": False, "code": 503}, "provider_error"),
    (404, {"status": False, "code": 404}, "not_found"),
    (404, {"status": 404, "error": "Not Found", "path": "/api/buy"}, "not_found"),
    (404, {"message": "Not found"}, "unknown_endpoint"),
    (404, [], "unknown_endpoint"),
    (404, None, "unknown_endpoint"),
    (401, {"status": False, "code": "-1"}, "account_blocked"),
    (200, {"status": "CANCELED"}, "provider_error"),
    (200, {"status": "NO_NUMBERS"}, "provider_error"),
    (302, {"status": False}, "provider_error"),
]


@pytest.mark.parametrize(("http", "given", "code"), REFUSED, ids=str)
def test_refused(http: int, given: Any, code: str) -> None:
    with pytest.raises(ProviderRefusedError) as caught:
        read_buy(answer(given, http), context())
    assert caught.value.code == code
