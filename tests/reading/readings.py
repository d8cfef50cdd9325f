"""Answers read by their kind, and what was read of them as the plain JSON that the tables are written in."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import singledispatch
from typing import TYPE_CHECKING, Any

from shomare_mqtt.errors import (
    AnotherPurchaseError,
    OutcomeUnknownError,
    ProviderError,
    ProviderFailedError,
    ProviderPageError,
    ProviderRefusedError,
)
from shomare_mqtt.model import (
    FIELDS_BY_HAND,
    Cancellation,
    Catalog,
    CatalogEntry,
    CatalogKind,
    CheckReading,
    Found,
    Known,
    Price,
    PriceList,
    Profile,
    Purchase,
    SmsReading,
)
from shomare_mqtt.provider.reading import (
    Context,
    RawAnswer,
    read_buy,
    read_cancel,
    read_catalog,
    read_check,
    read_price,
    read_prices,
    read_profile,
)
from tests.reading.contexts import LISTS

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("profile", *LISTS, "prices", "price", "buy", "check", "cancel")
ASKED = ("7", "1", "3")
"""The country, the operator and the application that are asked for where none is known."""
ERRORS = {
    "refused": ProviderRefusedError,
    "failed": ProviderFailedError,
    "unreadable": ProviderPageError,
    "unknown": OutcomeUnknownError,
}


def answer(value: Any, http: int = 200, **more: Any) -> RawAnswer:
    """An answer with this JSON."""
    return RawAnswer(http=http, body=json.dumps(value, ensure_ascii=False).encode(), **more)


def seen(kind: str, raw: RawAnswer, context: Context, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """What was read, or how it failed, in the words of the tables; of `extra`, `says` and `hides` what is `wanted`."""
    try:
        outcome = read(kind, raw, context)
        found = plain(outcome, context.known)
    except ProviderError as error:
        return _plain_error(error, raw, wanted)
    if "places" in wanted:
        found["places"] = _places(outcome.found, wanted["places"])
    return {field: value for field, value in found.items() if field != "extra" or "extra" in wanted}


def _places(found: tuple[Found, ...], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Where the fields that are `wanted` were read; beside a place, where that is wanted, how sure and what else."""
    told = {one.field: one for one in found}
    assert len(told) == len(found)
    assert set(told) <= set(FIELDS_BY_HAND)
    return {
        field: _place(told[field], in_full=isinstance(place, list)) if field in told else "nothing is said of it"
        for field, place in wanted.items()
    }


def _place(found: Found, *, in_full: bool) -> Any:
    return [found.place, found.sureness.value, *found.others] if in_full else found.place


def in_order(reading: Mapping[str, Any]) -> dict[str, Any]:
    """A reading in which the order of its entries or prices counts."""
    rows = {field: list(reading[field].items()) for field in ("entries", "prices") if field in reading}
    return {**reading, **rows}


def read(kind: str, raw: RawAnswer, context: Context) -> Any:
    """What is read of an answer of a kind. Raises ProviderError."""
    country, operator, application = _asked(context.known)
    if kind in LISTS:
        return read_catalog(CatalogKind(kind), raw, context)
    if kind == "prices":
        return read_prices(country, operator, raw, context)
    if kind == "price":
        return read_price(application, raw, context)
    return {"profile": read_profile, "buy": read_buy, "check": read_check, "cancel": read_cancel}[kind](raw, context)


def _asked(known: Known) -> tuple[str, str, str]:
    country, operator, application = ASKED
    return known.country or country, known.operator or operator, known.application or application


@singledispatch
def plain(found: Any, known: Known) -> dict[str, Any]:
    """A reading as JSON, less what is null or empty; money as text, times in ISO 8601, rows by their id."""
    raise TypeError(type(found))


@plain.register
def _(found: Profile, known: Known) -> dict[str, Any]:
    said = {"balance": found.balance, "currency": found.currency, "extra": dict(found.extra), "unread": found.unread}
    return _filled({**said, "doubtful": found.doubtful})


@plain.register
def _(found: Catalog, known: Known) -> dict[str, Any]:
    entries = {entry.id: _names(entry) for entry in found.entries}
    extra = {entry.id: dict(entry.extra) for entry in found.entries}
    return {"entries": entries, **_filled({"extra": extra, "unread": found.unread, "doubtful": found.doubtful})}


@plain.register
def _(found: PriceList, known: Known) -> dict[str, Any]:
    assert (found.country, found.operator) == _asked(known)[:2]
    return {"prices": {price.application: _row(price, known) for price in found.prices}} | _filled(
        {"unread": found.unread, "doubtful": found.doubtful}
    )


@plain.register
def _(found: Price, known: Known) -> dict[str, Any]:
    assert found.application == _asked(known)[2]
    return _row(found, known)


@plain.register
def _(found: Purchase, known: Known) -> dict[str, Any]:
    fields = ("purchase", "phone", "price", "lifetime", "unread", "doubtful")
    return _filled({field: getattr(found, field) for field in fields})


@plain.register
def _(found: CheckReading, known: Known) -> dict[str, Any]:
    said = {"state": found.state, "sms": [_sms(one) for one in found.sms], "phone": found.phone}
    return _filled({**said, "lifetime": found.lifetime, "unread": found.unread, "doubtful": found.doubtful})


@plain.register
def _(found: Cancellation, known: Known) -> dict[str, Any]:
    return _filled({"refunded": found.refunded, "unread": found.unread, "doubtful": found.doubtful})


def _plain_error(error: ProviderError, raw: RawAnswer, wanted: Mapping[str, Any]) -> dict[str, Any]:
    """An error as the tables name it; that it tells of its own answer is so in every case."""
    assert error.upstream is not None
    assert (error.upstream.http, error.retry_after) == (raw.http, raw.retry_after)
    kind_of = ProviderFailedError if type(error) is AnotherPurchaseError else type(error)
    (kind,) = (name for name, made in ERRORS.items() if kind_of is made)
    said: dict[str, Any] = {kind: error.code.value}
    # Of a number, where the code may be an SMS's, it is the sender's alone like the words.
    if error.plain is None or "upstream" in wanted:
        said["upstream"] = error.upstream.code
    if "says" in wanted:
        said["says"] = wanted["says"] if wanted["says"] in error.message else error.message
    if "hides" in wanted:
        said["hides"] = wanted["hides"] if wanted["hides"] not in (error.plain or str(error)) else None
    return _filled(said)


def _names(entry: CatalogEntry) -> str | list[str]:
    """All names of an entry, the one to show first; no list where there is one alone, an empty one where none."""
    assert entry.name == (entry.names[0] if entry.names else entry.id)
    return entry.names[0] if len(entry.names) == 1 else list(entry.names)


def _row(price: Price, known: Known) -> dict[str, Any]:
    """A price without its application's id; with its name where that is not the list's."""
    listed = next((entry.name for entry in known.applications if entry.id == price.application), None)
    said = _filled({"price": price.price, "count": price.count, "unread": price.unread, "doubtful": price.doubtful})
    return said if price.application_name == listed else {**said, "application_name": price.application_name}


def _sms(sms: SmsReading) -> dict[str, Any]:
    when = None if sms.received_at is None else f"{sms.received_at:%Y-%m-%dT%H:%M:%SZ}"
    said = {"code": sms.code, "text": sms.text, "sender": sms.sender, "received_at": when}
    return _filled(said | {"provider_id": sms.provider_id})


def _filled(said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that are neither null nor empty, as plain JSON."""
    return {field: _bare(value) for field, value in said.items() if value is not None and value not in ([], {}, ())}


def _bare(value: Any) -> Any:
    if isinstance(value, Decimal):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
