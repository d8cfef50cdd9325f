"""While an answer is read and made use of: a fault of this program in that is an answer that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.core.faults import ENDS_ALL
from shomare_mqtt.core.masking import trace_of
from shomare_mqtt.errors import ErrorCode, ProviderFailedError, ShomareError

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from shomare_mqtt.errors import ProviderError
    from shomare_mqtt.model import Endpoint

    Failed = Callable[[Endpoint, ProviderError], Awaitable[None]]
    """Tells how the provider stands of a call that failed."""


class Taking:
    """An async context manager: what is no failure that was foreseen comes out as ProviderFailedError.

    It is logged, and said in `provider/state`; out comes `malformed_answer`.
    """

    __slots__ = ("_endpoint", "_failed", "_logger")

    def __init__(self, endpoint: Endpoint, failed: Failed, logger: logging.Logger) -> None:
        self._endpoint = endpoint
        self._failed = failed
        self._logger = logger

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # An answer that nobody foresaw must not end what goes on for ever.
        if not isinstance(error, Exception) or isinstance(error, (ShomareError, *ENDS_ALL)):
            return
        self._logger.error(  # the exception's own words may repeat an SMS
            "a fault of this program while reading the provider's answer (%s): %s", self._endpoint, trace_of(error)
        )
        failure = ProviderFailedError(
            ErrorCode.MALFORMED_ANSWER, f"a fault of this program ({type(error).__name__}) while reading the answer"
        )
        await self._failed(self._endpoint, failure)
        raise failure from None
