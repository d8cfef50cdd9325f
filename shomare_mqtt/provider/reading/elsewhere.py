"""Answers of a server that wants to be asked elsewhere. Redirects are never followed: who comes next gets no token."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from shomare_mqtt.errors import ErrorCode, ProviderFailedError, Upstream
from shomare_mqtt.model import OF_A_NUMBER

if TYPE_CHECKING:
    from shomare_mqtt.model import Endpoint
    from shomare_mqtt.provider.reading.decode import RawAnswer

_FIRST, _LAST = 300, 399
_PLAIN = b"plain HTTP"
"""What nginx and Apache say of it: "The plain HTTP request was sent to HTTPS port"."""
_LONGEST_PAGE = 2000


def elsewhere(answer: RawAnswer, endpoint: Endpoint) -> ProviderFailedError | None:
    """The error for a redirect, or for a server that wants TLS; it names the right address, where that can be told.

    None for every other answer.
    """
    text = f"The provider's answer to {endpoint.value} (HTTP {answer.http}) could not be understood"
    if answer.http == HTTPStatus.BAD_REQUEST and _PLAIN in answer.body[:_LONGEST_PAGE]:
        text = f"{text}: the server wants TLS, so provider.base_url should begin with https, not http"
        return ProviderFailedError(ErrorCode.MALFORMED_ANSWER, f"{text}.", Upstream(answer.http))
    if not _FIRST <= answer.http <= _LAST:
        return None
    text = f"{text}: it is a redirect"
    where = f" to {answer.location}" if answer.location else ""
    base = answer.location.removesuffix(f"/{endpoint.value}")
    hint = f"; provider.base_url should probably be {base}" if base != answer.location and "://" in base else ""
    return ProviderFailedError(
        ErrorCode.MALFORMED_ANSWER,
        f"{text}{where}{hint}.",
        Upstream(answer.http),
        retry_after=answer.retry_after,
        plain=f"{text}." if endpoint in OF_A_NUMBER else None,
    )
