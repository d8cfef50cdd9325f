"""One small tree of errors, and the codes that answers name them by (contract, section Answers)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class ErrorCode(StrEnum):
    """Every `error.code` of the contract."""

    INVALID_COMMAND = "invalid_command"
    UNKNOWN_COMMAND = "unknown_command"
    UNKNOWN_NAME = "unknown_name"
    AMBIGUOUS_NAME = "ambiguous_name"
    RETAINED_COMMAND = "retained_command"
    EXPIRED_COMMAND = "expired_command"
    DUPLICATE_COMMAND = "duplicate_command"
    TRANSACTION_CONFLICT = "transaction_conflict"
    ORDER_NOT_FOUND = "order_not_found"
    ORDER_CLOSED = "order_closed"
    NOT_CANCELLABLE = "not_cancellable"
    CANCELLED = "cancelled"
    PRICE_TOO_HIGH = "price_too_high"
    PRICE_TOO_LOW = "price_too_low"
    LIMIT_REACHED = "limit_reached"
    VETOED = "vetoed"
    BUYING_PAUSED = "buying_paused"
    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a code's name
    ACCOUNT_BLOCKED = "account_blocked"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    MISSING_TOKEN = "missing_token"  # noqa: S105 - a code's name
    NOT_FOUND = "not_found"
    UNKNOWN_ENDPOINT = "unknown_endpoint"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    NO_NUMBERS = "no_numbers"
    PROVIDER_ERROR = "provider_error"
    MALFORMED_ANSWER = "malformed_answer"
    PROVIDER_UNREACHABLE = "provider_unreachable"
    PROVIDER_TIMEOUT = "provider_timeout"
    OUTCOME_UNKNOWN = "outcome_unknown"
    BUSY = "busy"
    TOO_LARGE = "too_large"
    INTERNAL_ERROR = "internal_error"


RETRYABLE = frozenset(
    {
        ErrorCode.PROVIDER_UNREACHABLE,
        ErrorCode.PROVIDER_TIMEOUT,
        ErrorCode.PROVIDER_ERROR,
        ErrorCode.NO_NUMBERS,
        ErrorCode.BUSY,
        ErrorCode.BUYING_PAUSED,
    }
)
"""Codes for which trying again, with a new transaction, can help (contract, section Commands)."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """What the provider answered: its HTTP status, and the `code` of its JSON (None where it named none)."""

    http: int
    code: int | str | None = None

    def as_json(self) -> dict[str, Any]:
        """The `upstream` of an answer: `{"http": 402, "code": 402}`."""
        return {"http": self.http, "code": self.code}


class ShomareError(Exception):
    """The root of all errors that have a code of the contract; `str(error)` is a sentence for the user."""

    def __init__(self, code: ErrorCode, message: str, upstream: Upstream | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.upstream = upstream

    @property
    def retryable(self) -> bool:
        """Whether trying again can help."""
        return self.code in RETRYABLE


class CommandRefusedError(ShomareError):
    """A command that is not carried out, for a reason found here: nothing was asked of the provider to buy.

    `order`: the order whose state is the reason.
    """

    def __init__(
        self, code: ErrorCode, message: str, upstream: Upstream | None = None, *, order: str | None = None
    ) -> None:
        super().__init__(code, message, upstream)
        self.order = order


LONGEST_RETRY_AFTER = 300.0
"""Seconds beyond which nobody is believed who says how long to wait (contract, Answers)."""


class ProviderError(ShomareError):
    """A call that did not give what it was for.

    `retry_after`: seconds that the provider asked to wait, as far as it is believed. `plain`: the message less the
    provider's own words, where these may quote an SMS. `told`: the error with them, for whoever asked and nobody else;
    None where the error itself may be told to all.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        upstream: Upstream | None = None,
        *,
        retry_after: float | None = None,
        plain: str | None = None,
    ) -> None:
        super().__init__(code, message, upstream)
        self.plain = plain
        self.told: ProviderError | None = None
        self.retry_after = None if retry_after is None else min(max(retry_after, 0.0), LONGEST_RETRY_AFTER)


class ProviderRefusedError(ProviderError):
    """The provider said no in its own words (contract, Answers): the call changed nothing."""


class ProviderUnreachableError(ProviderError):
    """Nothing was sent: the name did not resolve, the connection or the TLS handshake failed."""


class ProviderTimeoutError(ProviderError):
    """Sent, and no (whole) answer came; only for calls that may be asked again."""


class ProviderFailedError(ProviderError):
    """An answer that is neither what was asked for nor a refusal in the provider's own words."""


class AnotherPurchaseError(ProviderFailedError):
    """An answer about another purchase or number than was asked for: nothing in it is ours."""


class ProviderPageError(ProviderFailedError):
    """An answer in which nothing can be read, such as a filter's or a gateway's page: it tells nothing of the call."""


class OutcomeUnknownError(ProviderError):
    """A `buy` that may have been carried out: it must never be sent again by itself."""


class JournalError(Exception):
    """The journal cannot be opened, read or written. Nobody handles it: the process ends."""


class JournalUnusableError(JournalError):
    """A journal or a state directory that a person has to look at before anything starts there; exit status 78."""


class JournalFullError(JournalError):
    """The disk has no room for this; nothing of it was written, and the journal goes on."""


class SettingsError(Exception):
    """Settings that cannot be used; exit status 78.

    `lines`: a line for each mistake, with its place, the key's path and what is wrong.
    """

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


class SettingsUnreadError(Exception):
    """Nobody can say whether the settings are right: the process that reads them failed; exit status 1."""


class InstanceConflictError(Exception):
    """Another daemon uses the base topic or the state directory; exit status 78."""


class TakenOverError(Exception):
    """Another client took this daemon's MQTT session; exit status 1, and no fight for it."""
