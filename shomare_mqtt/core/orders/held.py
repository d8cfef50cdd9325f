"""An order as a broker holds it under `orders/` (contract, State), read back: `core.render.order_json` made it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from shomare_mqtt.core.ids import is_id
from shomare_mqtt.errors import ErrorCode
from shomare_mqtt.model import ErrorInfo, Order, OrderState, Product, Sms, Transaction, Try

_PRODUCT = ("country", "operator", "application")
_LONGEST_TRANSACTION, _LONGEST_MONEY = 200, 30
"""Digits."""


def read_order(topic: str, payload: bytes) -> Order | None:
    """The order under a topic (what comes behind `orders/`); None where that holds none of ours."""
    try:
        order = _order(json.loads(payload, parse_float=Decimal))
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError):
        return None
    return order if order.order == topic and is_id(topic) else None


def _order(body: Any) -> Order:
    return Order(
        order=_text(body["order"]),
        state=OrderState(body["state"]),
        product=Product(
            *(_text(body[field]) for field in _PRODUCT),
            *(_text_or_none(body.get(f"{field}_name")) for field in _PRODUCT),
        ),
        created_at=_time(body["created_at"]),
        updated_at=_time(body["updated_at"]),
        transaction=_transaction(body.get("transaction")),
        purchase=_text_or_none(body.get("purchase")) or None,
        phone=_text_or_none(body.get("phone")),
        price=_money(body.get("price")),
        expires_at=_time_or_none(body.get("expires_at")),
        closed_at=_time_or_none(body.get("closed_at")),
        sms=tuple(map(_sms, body.get("sms") or ())),
        refunded=None if body.get("refunded") is None else bool(body["refunded"]),
        charged=_money(body.get("charged")),
        error=_error(body.get("error")),
        tries=tuple(map(_try, body.get("tries") or ())),
    )


def _sms(body: Any) -> Sms:
    """Codes and texts stand there only where `privacy.retain_codes` says so."""
    code, text, sender = (_text_or_none(body.get(field)) for field in ("code", "text", "sender"))
    return Sms(_text(body["sms"]), code, text, sender, _time(body["received_at"]))


def _try(body: Any) -> Try:
    error = _error(body["error"])
    if error is None:
        raise ValueError
    return Try(_text(body["country"]), _text(body["operator"]), _money(body.get("price")), error)


def _error(body: Any) -> ErrorInfo | None:
    if body is None:
        return None
    return ErrorInfo(ErrorCode(body["code"]), _text(body["message"]), bool(body["retryable"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    value.encode()  # raises where the journal could not hold it
    return value


def _text_or_none(value: Any) -> str | None:
    return None if value is None else _text(value)


def _transaction(value: Any) -> Transaction | None:
    if value is None or isinstance(value, str):
        return _text_or_none(value)
    return _number(value, _LONGEST_TRANSACTION)


def _money(value: Any) -> Decimal | None:
    if value is None:
        return None
    money = Decimal(_number(value, _LONGEST_MONEY))
    if money < 0:  # it would make room in the limits
        raise ValueError
    return money


def _number(value: Any, digits: int) -> int | Decimal:
    """A number within so many digits: one of a billion is written in a few bytes."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise TypeError
    if value and abs(Decimal(value).adjusted()) > digits:
        raise ValueError
    return value


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _time_or_none(value: Any) -> datetime | None:
    return None if value is None else _time(value)
