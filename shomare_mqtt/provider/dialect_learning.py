"""Which answer teaches how parameters travel, and when the next style may be tried.

After a `buy` or a `cancel` a next style is tried only where the answer before documents that nothing was done (provider
page: 404 and 405). What only reads may go on after more than that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from shomare_mqtt.errors import ErrorCode, ProviderError
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider.caller import GATEWAY

if TYPE_CHECKING:
    import logging
    from collections.abc import Awaitable, Callable, Mapping

    from shomare_mqtt.provider.dialect import LearntDialect, Plan, Request, Style

T = TypeVar("T")

TOO_MANY = 429
PARAMETERS_MISSING = frozenset({400, 422})
"""What frameworks answer where a parameter did not arrive; nothing that this provider documents."""
NO_SUCH_ADDRESS = frozenset({ErrorCode.UNKNOWN_ENDPOINT, ErrorCode.METHOD_NOT_ALLOWED})
NOTHING_DONE = NO_SUCH_ADDRESS | {ErrorCode.NOT_FOUND}
SAYS_MOST = (
    ErrorCode.NOT_FOUND,
    ErrorCode.MALFORMED_ANSWER,
    ErrorCode.PROVIDER_ERROR,
    ErrorCode.METHOD_NOT_ALLOWED,
    ErrorCode.UNKNOWN_ENDPOINT,
)
"""Of several styles' failures the one to report: the provider's own words before a stranger's."""


class Learning:
    """Asks in one style after the other until one works."""

    def __init__(self, dialect: LearntDialect, log: logging.Logger) -> None:
        self._dialect = dialect
        self._log = log

    async def ask(
        self,
        endpoint: Endpoint,
        parameters: Mapping[str, str],
        send: Callable[[Request], Awaitable[T]],
        usable: Callable[[T], bool],
    ) -> T:
        """The answer in the first style that gives a usable one, which is then learnt.

        An answer that reads but holds nothing is kept for the case that no other style gives more: a provider may
        pass over parameters that it does not know. Where a style is known to work, its answer counts as it is.
        """
        plan = self._dialect.plan(endpoint)
        empty, failures = list[T](), list[ProviderError]()
        for style in plan.styles:
            known_to_work = plan.learnt and not failures
            try:
                result = await send(self._dialect.request(endpoint, parameters, style))
            except ProviderError as error:
                if not _next_style_may_do(endpoint, error, plan, known_to_work=known_to_work):
                    return _first(empty, error)
                failures.append(error)
                self._forget(endpoint, error, known_to_work=known_to_work)
                continue
            if known_to_work or usable(result):
                self.learnt(endpoint, style)
                return result
            empty.append(result)
        return _first(empty, min(failures, key=lambda e: SAYS_MOST.index(e.code), default=None))

    def learnt(self, endpoint: Endpoint, style: Style) -> None:
        """An endpoint answered properly to this style."""
        if self._dialect.learn(endpoint, style):
            self._log.info("%s takes its parameters as %s", endpoint.value, style.value)

    def _forget(self, endpoint: Endpoint, error: ProviderError, *, known_to_work: bool) -> None:
        if known_to_work and error.code is ErrorCode.UNKNOWN_ENDPOINT and self._dialect.forget(endpoint):
            self._log.info("how %s takes its parameters is learnt anew", endpoint.value)


def _first(empty: list[T], error: ProviderError | None) -> T:
    """An answer that held nothing, where there was one, else the error."""
    if empty or error is None:
        return empty[0]
    raise error


def _next_style_may_do(endpoint: Endpoint, error: ProviderError, plan: Plan, *, known_to_work: bool) -> bool:
    """Whether the style tried may have been wrong, and trying the next one can do no harm."""
    if known_to_work:
        return error.code in NO_SUCH_ADDRESS
    if error.code in NOTHING_DONE:
        return True
    http = error.upstream.http if error.upstream else None
    if endpoint in (Endpoint.BUY, Endpoint.CANCEL) or error.code not in SAYS_MOST or http is None:
        return False
    return http in PARAMETERS_MISSING or not (plan.guessed or http == TOO_MANY or http in GATEWAY)
