"""One HTTP exchange with the provider: aiohttp, its limits, and what each failure on the way means.

The line that matters is where "sent" begins. Before a request's first byte is handed to the connection nothing can
have been carried out (`provider_unreachable`); from then on a `buy` that got no whole answer is `outcome_unknown`, and
all else is `provider_timeout`. aiohttp repeats idempotent requests by itself on any broken connection, and `cancel` is
a GET here: what may change something goes over a connection of its own, and a second attempt at it is stopped.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.http_exceptions import ContentEncodingError
from yarl import URL

from shomare_mqtt import __version__
from shomare_mqtt.errors import (
    ErrorCode,
    OutcomeUnknownError,
    ProviderError,
    ProviderFailedError,
    ProviderTimeoutError,
    ProviderUnreachableError,
    SettingsError,
    Upstream,
)
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider.reading.decode import RawAnswer, Streaming
from shomare_mqtt.provider.time_limit import TimeLimit
from shomare_mqtt.provider.tls_there import HINT, speaks_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import SimpleNamespace, TracebackType

    from aiohttp.connector import Connection

    from shomare_mqtt.config.held import Provider
    from shomare_mqtt.core.clock import Clock
    from shomare_mqtt.core.ports import Permit
    from shomare_mqtt.provider.dialect import Request
    from shomare_mqtt.provider.reading.decode import Decoded

MOST_BYTES = 16 * 1024 * 1024
"""An answer longer than this is none; it would fill a small machine's memory."""
LONGEST_KEPT = 512 * 1024
"""Bytes of an answer that is kept whole until it is read; what is longer is read as it comes."""
_PORTION = 16 * 1024
LONGEST_HEADER = 64 * 1024
"""What a site's security policy may take: a purchase must not be lost over it."""
_LONGEST_LOCATION = 300
ONCE = frozenset({Endpoint.BUY, Endpoint.CANCEL})
"""Endpoints that change something: one connection each, and never two attempts."""
NO_SUCH_ADDRESS = frozenset({404, 405})
"""By themselves these say that nothing was bought, whatever their bodies (contract, end of section Answers)."""


class _AnswerTooLargeError(Exception):
    """More than MOST_BYTES."""


class _SecondAttemptError(Exception):
    """The library was about to send again what must be sent once."""


class _Attempt:
    """What is known of one request on its way. `http` is the status, once its answer has begun."""

    def __init__(self, request: Request, permit: Permit | None) -> None:
        self.request = request
        self.permit = permit
        self.sent = False
        self.http: int | None = None

    def was_sent(self) -> bool:
        """Whether any of it left."""
        return self.sent

    def refuse_a_second(self) -> None:
        """Raises _SecondAttemptError where this request has been sent before and must not be again."""
        if self.sent and self.request.endpoint in ONCE:
            raise _SecondAttemptError


_ON_ITS_WAY: ContextVar[_Attempt] = ContextVar("the request that this task has on its way")


class _Connector(aiohttp.TCPConnector):
    """Connections for what only reads. With one at hand a request is written at once: there "sent" begins for it.

    To be told of the request's first byte itself costs a tenth of a call, and is kept for what must be sent once.
    """

    async def connect(self, *args: Any, **more: Any) -> Connection:
        """A connection, a new one or one that was kept; through a proxy, once that has taken its CONNECT."""
        connection = await super().connect(*args, **more)
        _ON_ITS_WAY.get().sent = True
        return connection


class Transport:
    """The aiohttp sessions; an async context manager. `seconds` is one request's time limit.

    `on_date` is told the server's time with each answer, `on_answer` the answer. Raises SettingsError for an address
    that is none.
    """

    def __init__(
        self,
        settings: Provider,
        token: str,
        clock: Clock,
        on_date: Callable[[datetime], None] = lambda _: None,
        on_answer: Callable[[Endpoint, RawAnswer], None] | None = None,
    ) -> None:
        self._base = _base(settings.base_url)
        self._before_target = URL(f"{str(self._base).rstrip('/')}/", encoded=True)
        # Not the sessions' own headers: aiohttp would hand those to a proxy with its CONNECT, in the clear.
        self._headers = {"token": token, "Accept": "application/json", "User-Agent": f"shomare-mqtt/{__version__}"}
        self._clock = clock
        self._on_date = on_date
        self._on_answer = on_answer
        self.seconds = settings.timeout
        self._proxy = proxy_of(settings)
        self._was_answered = False
        self._reading: aiohttp.ClientSession
        self._once: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        self._reading = _session(_Connector(limit=0))
        self._once = _session(aiohttp.TCPConnector(limit=0, force_close=True), _trace())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._reading.close()
        await self._once.close()

    async def ask(self, request: Request, permit: Permit | None = None) -> RawAnswer:
        """The answer to one request, whatever its status. Takes at most the time limit of the settings.

        `permit` is told when the request leaves; what it raises comes out, and nothing was sent.
        Raises ProviderUnreachableError where nothing was sent; else OutcomeUnknownError for `buy`, and for the other
        endpoints ProviderTimeoutError (no whole answer) or ProviderFailedError (`malformed_answer`: no HTTP).
        """
        attempt = _Attempt(request, permit)
        try:
            async with TimeLimit(self.seconds, attempt.was_sent):
                answer = await self._exchange(attempt)
        except (aiohttp.ClientError, TimeoutError, OSError, _AnswerTooLargeError, _SecondAttemptError) as error:
            hint = await self._hint(attempt, error)
            return self._without_answer(attempt, error, hint)
        self._was_answered = True
        if self._on_answer is not None:
            self._on_answer(request.endpoint, answer)
        return answer

    async def _hint(self, attempt: _Attempt, error: Exception) -> str | None:
        """What else can be said of a failure: that a server which never answered speaks TLS, and is asked without."""
        lost = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientResponseError | ConnectionError)
        asked_plainly = self._base.scheme == "http" and self._proxy is None and attempt.request.endpoint not in ONCE
        if lost and asked_plainly and not self._was_answered and await speaks_tls(self._base):
            return HINT
        return None

    async def _exchange(self, attempt: _Attempt) -> RawAnswer:
        request = attempt.request
        session = self._once if request.endpoint in ONCE else self._reading
        _ON_ITS_WAY.set(attempt)
        async with session.request(
            request.method,
            self._address(request.target),
            data=request.body,
            headers=self._headers | {"Content-Type": request.content_type} if request.content_type else self._headers,
            allow_redirects=False,  # the next host would be handed the token
            proxy=self._proxy,
            trace_request_ctx=attempt,
        ) as response:
            attempt.http, headers = response.status, response.headers
            date = _date(headers)
            if date is not None:
                self._on_date(date)
            else:
                date = _kept_date(headers)
            body = await _body(response)
            return RawAnswer(
                http=response.status,
                body=bytes(body.short),
                streamed=body.long,
                content_type=headers.get("Content-Type", ""),
                retry_after=_retry_after(headers.get("Retry-After"), date, self._clock),
                charset=response.charset,
                date=date,
                location=_location(headers.get("Location")),
            )

    def _address(self, target: str) -> URL:
        """Where a request goes. Most targets are a path alone, and then no address is taken apart."""
        if "?" in target:
            return URL(f"{self._before_target}{target}", encoded=True)
        return self._before_target.with_path(self._before_target.raw_path + target, encoded=True)

    def _without_answer(self, attempt: _Attempt, error: Exception, hint: str | None) -> RawAnswer:
        """What a broken exchange comes to: an error, or an answer of which the status alone says all."""
        if attempt.http in NO_SUCH_ADDRESS and attempt.request.endpoint is Endpoint.BUY:
            return RawAnswer(http=attempt.http, body=b"")
        raise self._failure(attempt, error, hint) from None

    def _failure(self, attempt: _Attempt, error: Exception, hint: str | None) -> ProviderError:
        """The meaning of a failure; from None, since the library's own words may hold addresses with passwords."""
        endpoint, upstream = attempt.request.endpoint, Upstream(attempt.http) if attempt.http else None
        why = hint or self._why(error)
        if not attempt.sent:
            return ProviderUnreachableError(
                ErrorCode.PROVIDER_UNREACHABLE, f"the provider cannot be reached: {why}; nothing was sent to it"
            )
        if endpoint is Endpoint.BUY:
            return OutcomeUnknownError(ErrorCode.OUTCOME_UNKNOWN, f"the purchase was sent, but {why}", upstream)
        if _is_no_answer(error):
            return ProviderFailedError(
                ErrorCode.MALFORMED_ANSWER, f"the answer to {endpoint} cannot be read: {why}", upstream
            )
        return ProviderTimeoutError(ErrorCode.PROVIDER_TIMEOUT, f"no whole answer to {endpoint}: {why}", upstream)

    def _why(self, error: Exception) -> str:
        """The failure in words for the user, without addresses."""
        if isinstance(error, aiohttp.ClientConnectorSSLError) and "WRONG_VERSION_NUMBER" in str(error):
            return "it speaks no TLS there: perhaps provider.base_url should begin with http://"
        for kind, words in _WORDS:
            if isinstance(error, kind):
                return words.format(seconds=f"{self.seconds:g}")
        number = error.errno if isinstance(error, OSError) else None
        return os.strerror(number).lower() if number and number > 0 else "the connection failed"


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientHttpProxyError, "the proxy refused to connect to it"),
    (aiohttp.ClientProxyConnectionError, "the proxy cannot be reached"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted"),
    (aiohttp.ClientConnectorSSLError, "no encrypted connection could be made"),
    (aiohttp.ClientConnectorDNSError, "its name was not found"),
    (TimeoutError, "no answer came within {seconds} s"),
    (_AnswerTooLargeError, "it is too large"),
    (aiohttp.ServerDisconnectedError, "the connection was closed before an answer came"),
    (_SecondAttemptError, "the connection was closed before an answer came"),
    (aiohttp.ClientPayloadError, "the answer broke off or could not be unpacked"),
    (aiohttp.ClientResponseError, "what came is not HTTP"),
)


def _session(connector: aiohttp.TCPConnector, *traces: aiohttp.TraceConfig) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=None),  # see time_limit
        trace_configs=list(traces),
        max_field_size=LONGEST_HEADER,
    )


def _trace() -> aiohttp.TraceConfig:
    """Has each request that must be sent once stopped, or noted as sent, right before its first byte is written."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(_on_connecting)
    trace.on_request_headers_sent.append(_on_sending)
    return trace


async def _on_connecting(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceConnectionCreateStartParams
) -> None:
    del session, params
    context.trace_request_ctx.refuse_a_second()


async def _on_sending(
    session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestHeadersSentParams
) -> None:
    """Called just before the first bytes are written; a proxy's CONNECT does not come here."""
    del session, params
    attempt: _Attempt = context.trace_request_ctx
    attempt.refuse_a_second()
    if attempt.permit is not None:
        await attempt.permit.leave()
    attempt.sent = True


@dataclass(eq=False, repr=False)
class _Body:
    """A body: as it came where it is short, else what it holds."""

    short: bytearray
    long: Decoded | None = None


async def _body(response: aiohttp.ClientResponse) -> _Body:
    body, streaming, length = _Body(bytearray()), None, 0
    while chunk := await response.content.readany():
        length += len(chunk)
        if length > MOST_BYTES:
            raise _AnswerTooLargeError
        body.short += chunk
        if length > LONGEST_KEPT:
            streaming = streaming or Streaming()
            piece, body.short = body.short, bytearray()
            if not await _goes_on(streaming, piece):
                break
    body.long = None if streaming is None else streaming.close()
    return body


async def _goes_on(streaming: Streaming, piece: bytearray) -> bool:
    """Read a piece in such portions that nothing else waits for long; whether the rest is worth reading."""
    for at in range(0, len(piece), _PORTION):
        if not streaming.feed(bytes(piece[at : at + _PORTION])):
            return False
        await asyncio.sleep(0)
    return True


def _location(header: str | None) -> str:
    """Where a redirect leads, as it may be shown; the start of it, where it is long."""
    with suppress(ValueError):
        if not header:
            return ""
        url = URL(header).with_query(None).with_fragment(None)
        return str(url.with_user(None) if url.absolute else url)[:_LONGEST_LOCATION]
    return ""


def _date(headers: Mapping[str, str]) -> datetime | None:
    """The server's time, unless the answer comes out of a cache (RFC 9110, section 6.6.1; RFC 9111, section 5.1)."""
    return _moment(headers.get("Date", "")) if headers.get("Age", "0").strip() == "0" else None


def _kept_date(headers: Mapping[str, str]) -> datetime | None:
    """The server's time of an answer that a cache kept: its `Date` and its `Age` (RFC 9111, section 4.2.3)."""
    date, age = _moment(headers.get("Date", "")), headers.get("Age", "").strip()
    with suppress(OverflowError):
        return date + timedelta(seconds=int(age[:9])) if date is not None and age.isdecimal() else date
    return None


def _retry_after(header: str | None, date: datetime | None, clock: Clock) -> float | None:
    """Seconds to wait, from either form of the header (RFC 9110, section 10.2.3); a date is one of the server's.

    `date`: what time it is there, where that is told.
    """
    if not header:
        return None
    if header.strip().isdecimal():
        return float(header.strip()[:9])
    when = _moment(header)
    return None if when is None else max(0.0, (when - (date or clock.now())).total_seconds())


@lru_cache(maxsize=4)
def _moment(text: str) -> datetime | None:
    """A header's date; None where it is none. All answers of a second have the same one."""
    with suppress(ValueError, OverflowError):
        when = parsedate_to_datetime(text)
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None


def _is_no_answer(error: Exception) -> bool:
    """Whether something came that asking again would not better: no HTTP, too much, wrongly compressed."""
    unpacking = isinstance(error, aiohttp.ClientPayloadError) and isinstance(error.__cause__, ContentEncodingError)
    return unpacking or isinstance(error, _AnswerTooLargeError | aiohttp.ClientResponseError)


def _base(address: str) -> URL:
    """Raises SettingsError, without the address: it may hold a password."""
    url = _web(address)
    if url is None:
        raise SettingsError("provider.base_url: must be an http:// or https:// address")
    return url.with_query(None).with_fragment(None)


def proxy_of(settings: Provider) -> URL | None:
    """The proxy that requests go through, None where they go straight. Raises SettingsError."""
    return (
        _web(settings.proxy.get_secret_value()) if settings.proxy else _proxy_of_environment(_base(settings.base_url))
    )


def _proxy_of_environment(base: URL) -> URL | None:
    """The proxy that `http_proxy` and its like name for this address, unless `no_proxy` names it.

    Kinds of proxy that cannot be used (SOCKS, often in `all_proxy`) are passed over. aiohttp's own `trust_env` would
    look these up in a thread for each request, and take passwords from `~/.netrc`.
    """
    if proxy_bypass(f"{base.host}:{base.port}"):
        return None
    proxies = getproxies()
    address = proxies.get(base.scheme) or proxies.get("all") or ""
    return _web(address if "://" in address else f"http://{address}")


def _web(address: str) -> URL | None:
    """The address, where it is one of the web."""
    with suppress(ValueError):
        url = URL(address)
        return url if url.scheme in ("http", "https") and url.host else None
    return None
