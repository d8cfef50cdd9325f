"""Whether an answer says yes or no, by the provider's documented table and the contract's rule for a `buy`.

Sources: provider page, "Documented" and "Not documented" (the 404 rule); contract, end of section Answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.errors import (
    AnotherPurchaseError,
    ErrorCode,
    OutcomeUnknownError,
    ProviderError,
    ProviderFailedError,
    ProviderPageError,
    ProviderRefusedError,
    Upstream,
)
from shomare_mqtt.model import OF_A_NUMBER, Endpoint, PurchaseState
from shomare_mqtt.provider.reading.decode import decode
from shomare_mqtt.provider.reading.elsewhere import elsewhere
from shomare_mqtt.provider.reading.names import glued
from shomare_mqtt.provider.reading.shapes import related
from shomare_mqtt.provider.reading.states import Truth, state_of_number, state_of_words, truth
from shomare_mqtt.provider.reading.values import figure, integer, is_none_yet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.provider.reading.decode import Decoded, RawAnswer

DOCUMENTED = {
    -1: ErrorCode.ACCOUNT_BLOCKED,
    401: ErrorCode.INVALID_TOKEN,
    402: ErrorCode.INSUFFICIENT_BALANCE,
    403: ErrorCode.MISSING_TOKEN,
    404: ErrorCode.NOT_FOUND,
    405: ErrorCode.METHOD_NOT_ALLOWED,
    500: ErrorCode.NO_NUMBERS,
}
DOCUMENTED_FOR_CHECKS = frozenset(DOCUMENTED) - {500}
"""Codes that end a `check`; 500 is documented for buying alone."""
_SENTENCES = {
    ErrorCode.ACCOUNT_BLOCKED: "The provider has blocked this account. Ask its support",
    ErrorCode.INVALID_TOKEN: "The provider does not accept the token. Check provider.token",
    ErrorCode.INSUFFICIENT_BALANCE: "The wallet at the provider holds too little for this number. Top it up",
    ErrorCode.MISSING_TOKEN: "The provider found no token in the request. Check provider.token and any proxy",
    ErrorCode.NOT_FOUND: "The provider does not know one of the ids that were sent",
    ErrorCode.METHOD_NOT_ALLOWED: "The provider does not take this kind of request at this address",
    ErrorCode.NO_NUMBERS: "The provider has no free number there. Choose another country or operator",
    ErrorCode.UNKNOWN_ENDPOINT: "There is no such address at the provider. Check provider.base_url",
}
CODE_NAMES = ("code", "statuscode", "errorcode", "errcode", "resultcode")
MESSAGE_NAMES = (
    "message",
    "msg",
    "error",
    "errormsg",
    "errormessage",
    "detail",
    "description",
    "details",
    "reason",
    "errors",
    "peygham",
    "khata",
    "tozihat",
)
_OTHER_MARKS = ("ok", "success", "result", "issuccess", "succeeded", "successful", "response")
_OTHERS, _MESSAGES = frozenset(_OTHER_MARKS), frozenset(MESSAGE_NAMES)
"""The same to see at once that an answer has none of them."""
_CODES = (str, int)
_TOO_MANY, _LEAST_FAILURE, _GREATEST_STATUS = 429, 400, 999
_GATEWAY = frozenset({502, 503, 504})
NO_PURCHASE = "its answer names no purchase"


class Marks(NamedTuple):
    """What an answer says of itself: `status`, other marks of success, `code` and message.

    `own_code`: the field `code` itself, where `code` may also stand under another name or in an object `error`.
    """

    status: Truth = Truth.ABSENT
    status_value: Any = None
    others: tuple[Truth, ...] = ()
    code: int | str | None = None
    own_code: int | None = None
    message: str | None = None
    is_object: bool = False

    @property
    def failed(self) -> bool:
        """Whether any mark says no."""
        return self.status is Truth.NO or Truth.NO in self.others

    @property
    def succeeded(self) -> bool:
        """Whether a mark says yes and none says no."""
        return not self.failed and (self.status is Truth.YES or Truth.YES in self.others)

    def upstream(self, answer: RawAnswer) -> Upstream:
        """The `upstream` of an error."""
        return Upstream(answer.http, self.code)


def unwrapped(value: Any) -> Any:
    """The object in a list of one, which sisters wrap their whole answer in; what JSON:API includes in its place."""
    return related(value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict) else value)


def marks_of(value: Any) -> Marks:
    """The marks at the top of an answer's JSON."""
    top = unwrapped(value)
    if not isinstance(top, dict):
        return Marks()
    named = {glued(k): v for k, v in reversed(top.items())}
    status_there = "status" in named
    return Marks(
        status=truth(named["status"]) if status_there else Truth.ABSENT,
        status_value=named.get("status"),
        others=tuple(_other_marks(named)),
        code=_code(named),
        own_code=None if isinstance(named.get("code"), bool) else integer(named.get("code")),
        # Names in ASCII are the same when their words are put together once more.
        message=_message_in(named) if all(map(str.isascii, named)) else _message(named),
        is_object=True,
    )


def is_amount(name: str, value: Any) -> bool:
    """Whether a plain value that is all that an answer holds is an amount: a `result` of 1 or 200 is a mark."""
    return figure(value) is not None and (glued(name) not in _OTHER_MARKS or truth(value) is not Truth.YES)


def _other_marks(named: Mapping[str, Any]) -> list[Truth]:
    found: list[Truth] = []
    if not _OTHERS.isdisjoint(named):
        found = [truth(named[n]) for n in _OTHER_MARKS if n in named and not _is_content(n, named)]
    error = named.get("error", named.get("errors"))
    if error is not None:
        found.append(Truth.ABSENT if is_none_yet(error) else Truth.NO)
    if error is False:
        found.append(Truth.YES)
    # As a code, 0 says that there is nothing to say: it stands beside a yes as well as beside a no.
    if "statuscode" in named and (own := integer(named["statuscode"])):
        found.append(truth(own))
    return found


def _is_content(name: str, named: Mapping[str, Any]) -> bool:
    """Whether a field that may be a mark of success holds the content: `{"status": true, "result": 2200}`."""
    value = named[name]
    if isinstance(value, dict | list | None) or (integer(value) or 0) > _GREATEST_STATUS:
        return True
    elsewhere = [truth(named.get(n)) for n in ("status", "ok", "success")]
    if name not in ("result", "response") or Truth.YES not in elsewhere:
        return False
    return (figure(value) or 0) >= 300  # noqa: PLR2004 - a mark says no in negative numbers, where another says yes


def _code(named: Mapping[str, Any]) -> int | str | None:
    values = [named[n] for n in CODE_NAMES if n in named]
    for nested in (named.get("error"), named.get("errors"), named.get("status"), named.get("meta")):
        if isinstance(nested, dict):
            values += [v for k, v in nested.items() if glued(k) in CODE_NAMES]
    status = named.get("status")
    if abs(integer(status) or 0) >= 100:  # noqa: PLR2004 - HTTP's statuses
        values.append(status)
    for value in values:
        if isinstance(value, _CODES) and not isinstance(value, bool) and value != "":
            number = integer(value)
            return number if number is not None else _short(value, 60) if isinstance(value, str) else value
    return None


def _message(value: Any) -> str | None:
    """The provider's own words, from the first message field that has any."""
    if isinstance(value, str):
        return _short(value.strip(), 300)
    if isinstance(value, list):
        return next((m for v in value if (m := _message(v))), None)
    return _message_in({glued(k): v for k, v in value.items()}) if isinstance(value, dict) else None


def _message_in(named: Mapping[str, Any]) -> str | None:
    if _MESSAGES.isdisjoint(named):
        return None
    return next((m for n in MESSAGE_NAMES if n in named and (m := _message(named[n]))), None)


def _short(text: str, most: int) -> str | None:
    """The text's beginning, cut between words: of a secret in it that is masked later, no half may be left."""
    return (text if len(text) <= most else text[: most + 1].rpartition(" ")[0]) or None


def _cause(answer: RawAnswer, marks: Marks, endpoint: Endpoint) -> ErrorCode:
    """The documented cause: `code` tells it where it differs from the HTTP status (provider page)."""
    told = marks.code if isinstance(marks.code, int) and marks.code in DOCUMENTED else answer.http
    if told == 500 and endpoint is not Endpoint.BUY:  # noqa: PLR2004 - documented for buying alone
        return ErrorCode.PROVIDER_ERROR
    return DOCUMENTED.get(told, ErrorCode.PROVIDER_ERROR)


def in_own_words(answer: RawAnswer, marks: Marks) -> bool:
    """Whether the provider itself says no: `status` there and not true, or `code` the HTTP status and documented."""
    if not marks.is_object:
        return False
    if marks.status is not Truth.ABSENT and marks.status is not Truth.YES:
        return True
    # A framework has a `statusCode` or an `error.code` of its own; only `code` is documented (contract, Answers).
    return marks.own_code == answer.http and answer.http in DOCUMENTED


def no_such_address(answer: RawAnswer, decoded: Decoded, marks: Marks) -> bool:
    """A 404 without JSON, or with a framework's own, which has no `status` (provider page, "Not documented")."""
    if answer.http != 404 or decoded.broken:  # noqa: PLR2004
        return False
    return marks.status is Truth.ABSENT and not in_own_words(answer, marks)


def refusal(
    answer: RawAnswer, marks: Marks, endpoint: Endpoint, cause: ErrorCode | None = None
) -> ProviderRefusedError:
    """The error for a no in the provider's own words."""
    code = cause or _cause(answer, marks, endpoint)
    if code is ErrorCode.PROVIDER_ERROR:
        text = f"The provider refused ({endpoint.value}, HTTP {answer.http})"
    else:
        text = _SENTENCES[code]
    if endpoint is Endpoint.BUY:
        text += "; nothing was bought"
    return ProviderRefusedError(
        code,
        _with_words(text, marks),
        marks.upstream(answer),
        retry_after=answer.retry_after,
        plain=_plain(text, endpoint),
    )


def failure(answer: RawAnswer, marks: Marks, endpoint: Endpoint) -> ProviderFailedError:
    """The error for a failure that the provider, or something before it, reports without the documented words."""
    text = f"The provider reported a failure ({endpoint.value}, HTTP {answer.http})"
    return ProviderFailedError(
        ErrorCode.PROVIDER_ERROR,
        _with_words(text, marks),
        marks.upstream(answer),
        retry_after=answer.retry_after,
        plain=_plain(text, endpoint),
    )


def _page(answer: RawAnswer, marks: Marks, endpoint: Endpoint) -> ProviderPageError:
    """The error for a page in an answer's place, with a status that may pass."""
    error = failure(answer, marks, endpoint)
    return ProviderPageError(
        error.code, error.message, error.upstream, retry_after=error.retry_after, plain=error.plain
    )


def malformed(answer: RawAnswer, marks: Marks, endpoint: Endpoint, wanted: str) -> ProviderFailedError:
    """The error for an answer in which nothing usable was found; `wanted` says what was looked for."""
    text = f"The provider's answer to {endpoint.value} (HTTP {answer.http}) could not be understood: no {wanted} in it"
    return ProviderFailedError(
        ErrorCode.MALFORMED_ANSWER,
        f"{text}.",
        marks.upstream(answer),
        retry_after=answer.retry_after,
        plain=_plain(text, endpoint),
    )


def of_another(answer: RawAnswer, endpoint: Endpoint) -> AnotherPurchaseError:
    """The error for an answer about another purchase or number than was asked for: nothing in it is ours.

    Its `code` may be the other number's SMS's.
    """
    text = f"The provider's answer to {endpoint.value} (HTTP {answer.http}) is about another purchase or number"
    return AnotherPurchaseError(
        ErrorCode.MALFORMED_ANSWER, f"{text}.", Upstream(answer.http), retry_after=answer.retry_after
    )


def outcome_unknown(answer: RawAnswer, marks: Marks, why: str, *, named: bool = False) -> OutcomeUnknownError:
    """The error for a `buy` that may have been carried out: the reason alone, the order's `error` says what to do.

    `named`: the answer speaks of a number, and so perhaps of its SMS.
    """
    text = f"the purchase was sent, but {why} (HTTP {answer.http})"
    return OutcomeUnknownError(
        ErrorCode.OUTCOME_UNKNOWN,
        _with_words(text, marks),
        marks.upstream(answer),
        retry_after=answer.retry_after,
        plain=f"{text}." if named else None,
    )


def _with_words(text: str, marks: Marks) -> str:
    """A sentence with the provider's own words."""
    return f"{text}. It says: {marks.message}" if marks.message else f"{text}."


def _plain(text: str, endpoint: Endpoint) -> str | None:
    """The sentence alone, where the words may quote an SMS: no look at them can tell (contract, Events)."""
    return f"{text}." if endpoint in OF_A_NUMBER else None


def accepted(answer: RawAnswer, endpoint: Endpoint, *, lenient: bool = False) -> tuple[Any, Marks]:
    """The JSON of an answer that is no failure, and its marks; for all endpoints but `buy`.

    `lenient` (a `check`) lets a 2xx with a failing mark pass, unless its code is documented: "no SMS yet" looks so.
    Raises ProviderRefusedError or ProviderFailedError for every other answer.
    """
    decoded = decode(answer)
    marks = marks_of(decoded.value)
    if no_such_address(answer, decoded, marks):
        raise refusal(answer, marks, endpoint, ErrorCode.UNKNOWN_ENDPOINT)
    if not decoded.is_json:
        raise elsewhere(answer, endpoint) or _without_json(answer, marks, endpoint, decoded)
    good = 200 <= answer.http < 300  # noqa: PLR2004 - HTTP's successes
    if good and (not marks.failed or (lenient and marks.code not in DOCUMENTED_FOR_CHECKS)):
        return decoded.value, marks
    raise _said_no(answer, marks, endpoint)


def _without_json(answer: RawAnswer, marks: Marks, endpoint: Endpoint, decoded: Decoded) -> ProviderError:
    if answer.http == 405:  # noqa: PLR2004 - the method alone is wrong, whoever says so
        return refusal(answer, marks, endpoint, ErrorCode.METHOD_NOT_ALLOWED)
    if answer.http == _TOO_MANY:
        return failure(answer, marks, endpoint)
    if answer.http >= 500:  # noqa: PLR2004 - trying again can help
        return _page(answer, marks, endpoint)
    return malformed(answer, marks, endpoint, "JSON of a size that can be taken up" if decoded.too_much else "JSON")


def _said_no(answer: RawAnswer, marks: Marks, endpoint: Endpoint) -> ProviderError:
    if answer.http == _TOO_MANY:
        return failure(answer, marks, endpoint)
    own = in_own_words(answer, marks) or (marks.failed and answer.http < _LEAST_FAILURE)
    # 401, 402 and 405 come from the provider even in other words; a 403 or 500 may be the network's (provider page).
    if own or (marks.is_object and answer.http in (401, 402, 405)):
        cause = _cause(answer, marks, endpoint)
        if cause is not ErrorCode.PROVIDER_ERROR or endpoint is Endpoint.CANCEL:
            return refusal(answer, marks, endpoint, cause)
    return elsewhere(answer, endpoint) or failure(answer, marks, endpoint)


def judged_buy(
    answer: RawAnswer, *, named: bool, numbered: bool, decoded: Decoded, marks: Marks, lacks: str = NO_PURCHASE
) -> ProviderError | None:
    """What a `buy` that is no purchase raises, to the contract's letter; None where it is a purchase.

    `named`: a purchase was found in the answer; `numbered`: and its phone number with it. `lacks`: what to say of a yes
    that names none.
    """
    if answer.http == 405:  # noqa: PLR2004 - contract: says that no such method exists
        return refusal(answer, marks, Endpoint.BUY, ErrorCode.METHOD_NOT_ALLOWED)
    if no_such_address(answer, decoded, marks):
        return refusal(answer, marks, Endpoint.BUY, ErrorCode.UNKNOWN_ENDPOINT)
    good = 200 <= answer.http < 300  # noqa: PLR2004 - HTTP's successes
    if good and named and (not marks.failed or (numbered and _waits(marks))):
        return None
    contradicts = good and numbered and marks.code not in DOCUMENTED
    own = in_own_words(answer, marks) and not decoded.wrapped
    if own and not contradicts and not _undecided(answer, marks):
        return refusal(answer, marks, Endpoint.BUY)
    why = "its answer is no refusal in the provider's own words"
    if not decoded.is_json:
        why = "its answer holds no JSON"
    elif decoded.wrapped and not (good and named):
        why = "its answer has markup around it, and what stands so is no refusal"
    elif contradicts:
        why = "its answer says no and names a number"
    elif good and not marks.failed:
        why = lacks
    return outcome_unknown(answer, marks, why, named=good or named)


def _waits(marks: Marks) -> bool:
    """Whether the only no is a `status` that is how a new purchase stands ("no_sms", 0 beside the number)."""
    if Truth.NO in marks.others or marks.code in DOCUMENTED or isinstance(marks.status_value, bool):
        return False
    said = str(marks.status_value)
    return PurchaseState.WAITING in (state_of_number(said), state_of_words(said))


def _undecided(answer: RawAnswer, marks: Marks) -> bool:
    """Whether a `status` that is not `true` is no refusal all the same.

    Such are a purchase's state ("pending", 202), and a gateway's own 502 to 504 repeated in its JSON (RFC 9457).
    """
    if answer.http in _GATEWAY and integer(marks.status_value) == answer.http:
        return True
    if marks.status is not Truth.OTHER or marks.status_value is None:
        return False
    if not isinstance(marks.status_value, str):
        return marks.code not in DOCUMENTED
    return state_of_words(marks.status_value) in (PurchaseState.WAITING, PurchaseState.RECEIVED)
