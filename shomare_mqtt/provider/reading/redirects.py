"""Answers that lead elsewhere: they are never followed, since the next host would be handed the token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.errors import ErrorCode, ProviderFailedError, Upstream
from shomare_mqtt.model import OF_A_NUMBER

if TYPE_CHECKING:
    from shomare_mqtt.model import Endpoint
    from shomare_mqtt.provider.reading.decode import RawAnswer

_FIRST, _LAST = 300, 399


def redirected(answer: RawAnswer, endpoint: Endpoint) -> ProviderFailedError | None:
    """The error for a redirect, which names the address that would not be one, where that can be told."""
    if not _FIRST <= answer.http <= _LAST:
        return None
    text = f"The provider's answer to {endpoint.value} (HTTP {answer.http}) could not be understood: it is a redirect"
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
