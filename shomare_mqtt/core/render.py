"""What the contract's payloads look like: pure functions from the model to JSON (contract, Answers, State, Events)."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import ErrorCode, ProviderError, ShomareError
from shomare_mqtt.model import Catalog, ErrorInfo, Order, Price, PriceList, Profile, Sms, Transaction, Try

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_MARK = secrets.token_hex(8)
"""Nobody else knows it: a text that somebody sent is never taken for a number."""
_LONGEST = 100
"""Digits before or behind the point beyond which a number is written with its exponent."""
_DIGITS = re.compile(f'"{_MARK}([^"]*)"')


class Status(StrEnum):
    """How a command ended."""

    OK = "ok"
    ERROR = "error"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a command. `order` names the order that exists because of it, or that it was asked to change.

    `about`: the order whose state is the reason why nothing was done. `told`: the error with the provider's own words,
    which nobody is told but the sender. `replayed`: it was carried out before.
    """

    status: Status
    data: Any = None
    error: ErrorInfo | None = None
    order: str | None = None
    about: str | None = None
    told: ErrorInfo | None = field(default=None, repr=False)
    replayed: bool = False

    @classmethod
    def ok(cls, data: Any, order: str | None = None) -> Answer:
        """The command was carried out."""
        return cls(Status.OK, data, None, order)

    @classmethod
    def failed(cls, error: ShomareError, order: str | None = None) -> Answer:
        """The command was not carried out, for this reason."""
        return cls(Status.ERROR, None, error_info(error), order, told=told_info(error))

    @classmethod
    def faulty(cls) -> Answer:
        """The command was not carried out, by a fault of ours."""
        return cls(Status.ERROR, None, internal_error())


def error_info(error: ShomareError) -> ErrorInfo:
    """The `error` object of an exception, as everybody may see it."""
    return ErrorInfo(error.code, error.message, error.retryable, error.upstream)


def told_info(error: ShomareError) -> ErrorInfo | None:
    """The `error` object for whoever asked, where that says more."""
    told = error.told if isinstance(error, ProviderError) else None
    return error_info(told) if told else None


def dumps(value: Any) -> bytes:
    """JSON in UTF-8; Decimals become numbers with every digit they have, halves of a surrogate pair question marks."""
    text = _ENCODER.encode(value)
    return (_DIGITS.sub(r"\1", text) if _MARK in text else text).encode(errors="replace")


def dumped_list(payloads: Iterable[bytes]) -> bytes:
    """The list of what was made with `dumps`, as that would make it."""
    pieces = [piece for payload in payloads for piece in (b",", payload)]
    return b"".join((b"[", *pieces[1:], b"]"))


def _plain(value: object) -> Any:
    """Decimals that a float would change go through a marked text, which `dumps` takes the marks from."""
    if isinstance(value, Decimal):
        if abs(value.adjusted()) > _LONGEST:
            return f"{_MARK}{value}"  # as JSON has it too: 1E+999999999 in full would take all memory
        return int(value) if value == value.to_integral_value() else f"{_MARK}{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form")


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_plain)
"""Made once: `json.dumps` makes one for each value."""


def money_text(value: Decimal) -> str:
    """Money as plain text: all digits, no exponent, no zeros at the end."""
    return str(int(value)) if value == value.to_integral_value() else f"{value.normalize():f}"


def money_said(value: Decimal | float, unit: str) -> str:
    """Money as a person reads it, `2,200 IRT`: sentences and tables that people see write it so."""
    amount = value if isinstance(value, Decimal) else Decimal(str(value))
    if abs(amount.adjusted()) > _LONGEST:
        return f"{amount} {unit}".rstrip()
    digits = f"{amount:,f}"
    return f"{digits.rstrip('0').rstrip('.') if '.' in digits else digits} {unit}".rstrip()


def timestamp(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with Z."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def answer_json(answer: Answer, transaction: Transaction | None) -> dict[str, Any]:
    """An answer's payload, as the first of a transaction gets it."""
    body: dict[str, Any] = {"status": answer.status.value, "transaction": transaction}
    if answer.data is not None:
        body["data"] = answer.data
    if error := answer.told or answer.error:
        body["error"] = error_json(error)
    return body


def error_json(error: ErrorInfo) -> dict[str, Any]:
    """The `error` of an answer or an order; `upstream` stands only where the provider answered."""
    body: dict[str, Any] = {"code": error.code.value, "message": error.message, "retryable": error.retryable}
    if error.upstream is not None:
        body["upstream"] = error.upstream.as_json()
    return body


def order_json(order: Order, *, codes: bool) -> dict[str, Any]:
    """An order, with its codes and texts or without."""
    product = order.product
    return {
        "order": order.order,
        "purchase": order.purchase,
        "transaction": order.transaction,
        "state": order.state.value,
        "country": product.country,
        "country_name": product.country_name,
        "operator": product.operator,
        "operator_name": product.operator_name,
        "application": product.application,
        "application_name": product.application_name,
        "phone": order.phone,
        "price": order.price,
        "created_at": timestamp(order.created_at),
        "updated_at": timestamp(order.updated_at),
        "expires_at": timestamp(order.expires_at),
        "closed_at": timestamp(order.closed_at),
        "sms_count": len(order.sms),
        "sms": [sms_json(s, codes=codes) for s in order.sms],
        "refunded": order.refunded,
        "charged": order.charged,
        "tries": [_try_json(each) for each in order.tries],
        "error": None if order.error is None else error_json(order.error),
    }


def _try_json(tried: Try) -> dict[str, Any]:
    error = error_json(tried.error)
    return {"country": tried.country, "operator": tried.operator, "price": tried.price, "error": error}


def sms_json(sms: Sms, *, codes: bool) -> dict[str, Any]:
    """One SMS of an order."""
    if not codes:
        return {"sms": sms.sms, "received_at": timestamp(sms.received_at)}
    return {
        "sms": sms.sms,
        "code": sms.code,
        "text": sms.text,
        "sender": sms.sender,
        "received_at": timestamp(sms.received_at),
        **_cut_mark(sms),
    }


def _cut_mark(sms: Sms) -> dict[str, Any]:
    return {"truncated": True} if sms.is_cut else {}


def sms_event(order: Order, sms: Sms) -> dict[str, Any]:
    """`event/sms`."""
    return {
        "event_type": "sms_received",
        "sms": sms.sms,
        "order": order.order,
        "purchase": order.purchase,
        "phone": order.phone,
        "country": order.product.country,
        "country_name": order.product.country_name,
        "application": order.product.application,
        "application_name": order.product.application_name,
        "code": sms.code,
        "text": sms.text,
        "sender": sms.sender,
        "received_at": timestamp(sms.received_at),
        **_cut_mark(sms),
    }


def order_event(order: Order, previous: Order | None) -> dict[str, Any]:
    """`event/order`: codes and texts left out as in retained topics."""
    return {
        "event_type": order.state.value,
        "previous": None if previous is None else previous.state.value,
        "order": order_json(order, codes=False),
    }


def profile_json(profile: Profile, currency: str, updated_at: datetime) -> dict[str, Any]:
    """`profile`."""
    return {
        "balance": profile.balance,
        "currency": profile.currency or currency,
        "updated_at": timestamp(updated_at),
    }


def catalog_json(catalog: Catalog) -> list[dict[str, Any]]:
    """`countries`, `operators`, `applications`: what the provider says of each, its id and name first."""
    return [
        {"id": e.id, "name": e.name, **{k: v for k, v in e.extra.items() if k not in ("id", "name")}}
        for e in catalog.entries
    ]


def prices_json(prices: PriceList, updated_at: datetime) -> dict[str, Any]:
    """`prices/<country>/<operator>`."""
    return {
        "country": prices.country,
        "operator": prices.operator,
        "prices": [
            {"application": p.application, "application_name": p.application_name, "price": p.price, "count": p.count}
            for p in prices.prices
        ],
        "updated_at": timestamp(updated_at),
    }


def price_json(country: str, operator: str, price: Price, updated_at: datetime) -> dict[str, Any]:
    """The answer to `query/price`, and `quote`."""
    return {
        "country": country,
        "operator": operator,
        "application": price.application,
        "price": price.price,
        "count": price.count,
        "updated_at": timestamp(updated_at),
    }


def internal_error() -> ErrorInfo:
    """A fault of ours."""
    return ErrorInfo(ErrorCode.INTERNAL_ERROR, "a fault of this program; its log has the details")
