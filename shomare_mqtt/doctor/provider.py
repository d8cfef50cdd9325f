"""The provider: whether it can be reached, takes the token, and gives what can be understood."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, assert_never

from shomare_mqtt.core.market.wrong_address import wrong_address
from shomare_mqtt.core.render import money_said
from shomare_mqtt.doctor.asking import READING
from shomare_mqtt.doctor.fields import UNDER, line, of_fields
from shomare_mqtt.doctor.finding import Finding, State, bad, good, unknown
from shomare_mqtt.doctor.likely_secrets import hidden
from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderPageError
from shomare_mqtt.model import Catalog, Endpoint, Price, PriceList, Profile, Sureness
from shomare_mqtt.provider.outlines import bounded
from shomare_mqtt.provider.reading.decode import decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from shomare_mqtt.config import Settings
    from shomare_mqtt.core.masking import Mask
    from shomare_mqtt.doctor.asking import Answers
    from shomare_mqtt.provider.reading import RawAnswer

    Result = Profile | Catalog | PriceList | Price

NAMES = {
    Endpoint.PROFILE: "profile",
    Endpoint.COUNTRIES: "countries",
    Endpoint.OPERATORS: "operators",
    Endpoint.APPLICATIONS: "applications",
    Endpoint.PRICES: "prices",
    Endpoint.PRICE: "price",
}
"""What fields of the answers begin with in `[provider.fields]`; the findings of answers bear the endpoints' names."""
_LONGEST_OUTLINE = 500
_UNREACHED = frozenset({ErrorCode.PROVIDER_UNREACHABLE, ErrorCode.PROVIDER_TIMEOUT})
_FILTERED = (
    "a filter, a firewall or the provider's own guard answers in its place, often by the country that this machine is "
    "in: open the address in a browser on this machine, or go through a proxy elsewhere (provider.proxy)"
)
_TOKEN = {
    ErrorCode.INVALID_TOKEN: (
        "the provider does not accept it",
        "put the token from the provider's site into provider.token or provider.token_file",
    ),
    ErrorCode.MISSING_TOKEN: (
        "the provider found none in the request",
        "does a proxy (provider.proxy) take the header `token` away?",
    ),
    ErrorCode.ACCOUNT_BLOCKED: ("the provider has blocked this account", "ask the provider's support"),
}
_FIRST_FIELD = {
    Endpoint.PROFILE: "profile.balance",
    Endpoint.COUNTRIES: "countries",
    Endpoint.OPERATORS: "operators",
    Endpoint.APPLICATIONS: "applications",
    Endpoint.PRICES: "prices",
    Endpoint.PRICE: "price.price",
}
_SAID_OF_FIELDS = (Sureness.MISSING, Sureness.DOUBTFUL)
_SHOWN = 3
"""Entries of a list that the owner sees."""
_LONGEST_NAME = 40


def of_provider(settings: Settings, answers: Answers, mask: Mask) -> Iterator[Finding]:
    """All that was found of it, in the order in which it was asked."""
    way = reached(settings, answers, mask)
    yield way
    yield of_token(answers)
    profile = answers.results.get(Endpoint.PROFILE)
    named = profile.currency if isinstance(profile, Profile) else None
    unit = hidden(named or settings.provider.currency, mask)
    for endpoint in READING:
        if way.state is State.BAD and endpoint is not Endpoint.PROFILE and _fares_alike(endpoint, answers):
            continue
        yield _of_answer(endpoint, answers, unit, mask, way)
        result = answers.results.get(endpoint)
        yield from of_fields(result.found if result is not None else (), settings.provider.fields, mask)
    yield _parameters(settings, answers)


def _fares_alike(endpoint: Endpoint, answers: Answers) -> bool:
    """Whether it failed as the profile did, or was not asked for that, which is told once."""
    error, first = answers.errors.get(endpoint), answers.errors.get(Endpoint.PROFILE)
    if first is None or endpoint in answers.results:
        return False
    if error is None:
        return first.code not in _UNREACHED
    return (error.code, _http(error)) == (first.code, _http(first))


def _http(error: ProviderError) -> int | None:
    return error.upstream.http if error.upstream else None


def reached(settings: Settings, answers: Answers, mask: Mask) -> Finding:
    """Whether anybody answers there, and has what we ask for."""
    where = settings.masked()["provider"]["base_url"]
    error = next((e for e in answers.errors.values() if e.code in _UNREACHED), None)
    if error is not None:
        advice = "is this machine on the net, and are provider.base_url and provider.proxy right?"
        return bad("provider", f"{where}: {hidden(error.message, mask)}", advice)
    wrong = answers.errors.get(Endpoint.PROFILE)
    if wrong is not None and wrong.code is ErrorCode.METHOD_NOT_ALLOWED:
        return bad("provider", f"{where} answers, but has no `profile` below it", "set provider.base_url")
    if wrong is not None and (slip := wrong_address(where, wrong)):
        what, advice = slip
        return bad("provider", what, advice, hidden(wrong.message, mask))
    if wrong is not None and (page := _page(answers)):
        said = f"{where} answers with a web page ({page}) where data should be"
        passes = isinstance(wrong, ProviderPageError)
        advice = f"try again in some minutes; where it stays: {_FILTERED}" if passes else _FILTERED
        return bad("provider", said, advice, hidden(wrong.message, mask))
    return good("provider", f"{where} answers ({answers.requests} requests were made)")


def _page(answers: Answers) -> str:
    """What came instead of the profile, where it is a page such as a filter's: `HTTP 403, text/html`; else empty."""
    raw = answers.raw.get(Endpoint.PROFILE)
    is_page = raw is not None and "html" in raw.content_type.lower() and not decode(raw).is_json
    return f"HTTP {raw.http}, text/html" if raw is not None and is_page else ""


def of_token(answers: Answers) -> Finding:
    """Whether the provider takes it."""
    code = next((error.code for error in answers.errors.values() if error.code in _TOKEN), None)
    if code is not None:
        return bad("token", *_TOKEN[code])
    if Endpoint.PROFILE in answers.results:
        return good("token", "the provider takes it")
    return unknown("token", "nobody can tell while the profile is not read", "see `provider` above and `profile` below")


def _of_answer(endpoint: Endpoint, answers: Answers, unit: str, mask: Mask, way: Finding) -> Finding:
    """What an answer looks like, and whether it was understood at all; `unit`: of money, `way`: of the provider."""
    name, error, result = endpoint.value, answers.errors.get(endpoint), answers.results.get(endpoint)
    asked = hidden(_asked(endpoint, answers), mask)
    if error is not None:
        found = _not_read(endpoint, error, f"{asked}{looks(answers.raw.get(endpoint), mask)}", mask)
        return replace(found, advice="see `provider` above") if way.state is State.BAD else found
    if result is None:
        return unknown(name, "not asked, for want of what is above", "put right what is bad, then run doctor again")
    said = f"{asked}{looks(answers.raw.get(endpoint), mask)}"
    aside = _aside(result, unit, mask)
    said_below = {found.field.rpartition(".")[2] for found in result.found if found.sureness in _SAID_OF_FIELDS}
    if unread := [mask.text(each) for each in result.unread if each.partition(":")[0] not in said_below]:
        said = f"{said}; not understood, or doubtful: {', '.join(unread)}"
        return unknown(name, said, _say_where(endpoint, unread), aside)
    if _is_empty(result):
        return unknown(name, f"there is nothing in it; {said}", "is that so on the provider's site?", aside)
    return good(name, said, aside=aside)


def _asked(endpoint: Endpoint, answers: Answers) -> str:
    asked = answers.asked
    if endpoint is Endpoint.PRICES and asked.country:
        return f"of country {asked.country}, operator {asked.operator}; "
    if endpoint is Endpoint.PRICE and asked.application:
        return f"of country {asked.country}, operator {asked.operator}, application {asked.application}; "
    return ""


def _not_read(endpoint: Endpoint, error: ProviderError, said: str, mask: Mask) -> Finding:
    name, aside = endpoint.value, hidden(error.message, mask)
    what = f"not read ({error.code.value}); {said}"
    if error.code in _UNREACHED:
        return bad(name, f"not read ({error.code.value})", "see `provider` above", aside)
    if error.code in _TOKEN:
        return bad(name, what, "see `token` above", aside)
    if error.code is ErrorCode.NOT_FOUND and endpoint in (Endpoint.PRICES, Endpoint.PRICE):
        advice = "the provider does not know these ids: is the right one taken of what `countries.id` and its like say?"
        return bad(name, what, advice, aside)
    if isinstance(error, ProviderPageError):
        return bad(name, what, f"try again in some minutes; where it stays: {_FILTERED}", aside)
    if error.code is ErrorCode.MALFORMED_ANSWER:
        return bad(name, what, _say_where(endpoint, [_FIRST_FIELD[endpoint]]), aside)
    return bad(name, what, "try again later; where it stays, ask with a --report", aside)


def _say_where(endpoint: Endpoint, unread: list[str]) -> str:
    """What to put into the settings for what was not understood."""
    first = next((name for name in unread if name.partition(".")[0] == NAMES[endpoint]), None)
    field = first or _FIRST_FIELD[endpoint]
    return f"if the answer has it, say where: {line(field, '…')} {UNDER}; or ask with a --report"


def looks(answer: RawAnswer | None, mask: Mask) -> str:
    """What an answer looks like: status, kind, outline."""
    if answer is None:
        return "no answer came"
    decoded = decode(answer)
    if not decoded.is_json:
        kind = mask.text(answer.content_type.partition(";")[0]) or "no kind said"
        return f"HTTP {answer.http}, no JSON ({kind}, {len(answer.body)} bytes)"
    wrapped = ", with markup around it" if decoded.wrapped else ""
    outline = json.dumps(bounded(decoded.value, _LONGEST_OUTLINE), ensure_ascii=False)
    return f"HTTP {answer.http}, JSON{wrapped}: {mask.text(outline)}"


def _aside(result: Result, unit: str, mask: Mask) -> str:
    """The values themselves, for the owner to compare with the provider's site."""
    match result:
        case Profile():
            return f"balance {_amount(result.balance, unit)}"
        case Catalog():
            first = [_entry(entry.id, entry.name, mask) for entry in result.entries[:_SHOWN]]
            return f"{len(result.entries)} entries, the first: {', '.join(first)}" if first else ""
        case PriceList():
            return (
                f"{len(result.prices)} prices, the first: {_priced(result.prices[0], unit, mask)}"
                if result.prices
                else ""
            )
        case Price():
            return _priced(result, unit, mask)
        case _:
            assert_never(result)


def _entry(own: str, name: str | None, mask: Mask) -> str:
    return " ".join(hidden(text[:_LONGEST_NAME], mask) for text in (own, name) if text)


def _priced(price: Price, unit: str, mask: Mask) -> str:
    amount = _amount(price.price, unit)
    stock = "some or none" if price.count is None else hidden(str(price.count), mask)
    return f"application {_entry(price.application, price.application_name, mask)}, price {amount}, stock {stock}"


def _amount(amount: Decimal | None, unit: str) -> str:
    return "unknown" if amount is None else money_said(amount, unit)


def _is_empty(result: Any) -> bool:
    match result:
        case Catalog():
            return not result.entries
        case PriceList():
            return not result.prices
    return False


def _parameters(settings: Settings, answers: Answers) -> Finding:
    """How parameters travel."""
    dialect = settings.provider.dialect
    learnt = {name: style for name, style in answers.learnt.items() if name in set(Endpoint)}
    said = ", ".join(f"{name} takes them as {style}" for name, style in sorted(learnt.items()))
    by_hand = ", ".join(f"{key} = {value}" for key, value in dialect.model_dump(exclude_defaults=True).items())
    set_ = f"set by hand: {by_hand}" if by_hand else ""
    if learnt:
        return good("parameters", "; ".join(filter(None, (said, set_))))
    advice = "if prices are refused: set provider.dialect.parameters to path, query or body"
    return unknown("parameters", set_ or "not known how they travel: no price was read", advice)
