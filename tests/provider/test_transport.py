"""What each failure on the way means, for what buys, what cancels and what reads; and that nothing is sent twice."""

from __future__ import annotations

import asyncio
import gzip
import json
import ssl
import subprocess
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import (
    CommandRefusedError,
    ErrorCode,
    OutcomeUnknownError,
    ProviderError,
    ProviderFailedError,
    ProviderTimeoutError,
    ProviderUnreachableError,
    SettingsError,
)
from shomare_mqtt.model import Endpoint
from shomare_mqtt.provider import tls_there, transport
from shomare_mqtt.provider.dialect import Request
from shomare_mqtt.provider.reading.decode import RawAnswer, decode
from shomare_mqtt.provider.transport import Transport
from tests.mosquitto import free_port
from tests.patience import PATIENCE, let_pass

from .fakes import FakeClock, settle
from .servers import (
    OVER,
    Answer,
    Asked,
    hang,
    http,
    outlast,
    outlast_after,
    raw,
    raw_then_close,
    reset,
    says,
    serving,
    settings,
)

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "s3cret-token"
BUY, CANCEL, PROFILE, CHECK = (
    Request(Endpoint.BUY, "buy", b"country=7", "application/x-www-form-urlencoded"),
    Request(Endpoint.CANCEL, "cancel/74001"),
    Request(Endpoint.PROFILE, "profile"),
    Request(Endpoint.CHECK, "check/74001"),
)
ALL = (BUY, CANCEL, PROFILE, CHECK)
EACH = pytest.mark.parametrize("request_", ALL, ids=lambda r: r.endpoint)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


async def ask(request: Request, url: str, *, limit: float = PATIENCE, proxy: str | None = None) -> RawAnswer:
    async with Transport(settings(url, timeout=limit, proxy=proxy), TOKEN, FakeClock()) as way:
        return await way.ask(request)


async def failure(request: Request, url: str, *, limit: float = PATIENCE, proxy: str | None = None) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await ask(request, url, limit=limit, proxy=proxy)
    assert TOKEN not in str(caught.value)
    return caught.value


def is_unreachable(error: ProviderError) -> bool:
    return type(error) is ProviderUnreachableError and error.code is ErrorCode.PROVIDER_UNREACHABLE and error.retryable


def is_lost(request: Request, error: ProviderError) -> bool:
    """Sent, and no whole answer."""
    if request is BUY:
        return type(error) is OutcomeUnknownError and error.code is ErrorCode.OUTCOME_UNKNOWN and not error.retryable
    return type(error) is ProviderTimeoutError and error.code is ErrorCode.PROVIDER_TIMEOUT and error.retryable


# --- nothing was sent ------------------------------------------------------------------------------------------------


@EACH
async def test_refused_connection_sends_nothing(request_: Request) -> None:
    assert is_unreachable(await failure(request_, f"http://127.0.0.1:{free_port()}/api"))


@EACH
async def test_a_name_that_does_not_resolve_sends_nothing(request_: Request) -> None:
    error = await failure(request_, "http://no-such-host.invalid/api")
    assert is_unreachable(error)
    assert "name" in str(error)


@EACH
async def test_no_tls_there_sends_nothing(request_: Request) -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Plain HTTP\r\n\r\n")
        writer.close()

    listener = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await failure(request_, f"https://127.0.0.1:{port}/api")
    assert is_unreachable(error)
    assert "it speaks no TLS there: perhaps provider.base_url should begin with http://" in str(error)
    assert "provider.base_url" in str(error)


@pytest.mark.parametrize("request_", [PROFILE, CHECK], ids=lambda r: r.endpoint)
async def test_tls_there_that_is_asked_without(
    request_: Request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_there, "_WITHIN", PATIENCE)
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0, ssl=_self_signed(tmp_path))
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await failure(request_, f"http://127.0.0.1:{port}/api")
    assert is_lost(request_, error)
    assert str(error).endswith("it speaks TLS there: provider.base_url should begin with https://")


async def test_a_server_that_answered_once_is_not_asked_for_tls(tmp_path: Path) -> None:
    """What it speaks is known: it is away for another reason, each time that it does not answer."""
    async with serving(says(200, {"status": True})) as server:
        way = Transport(settings(server.url, timeout=PATIENCE), TOKEN, FakeClock())
        await way.__aenter__()
        await way.ask(PROFILE)
    listener = await asyncio.start_server(lambda *_: None, "127.0.0.1", server.port, ssl=_self_signed(tmp_path))
    async with listener:
        with pytest.raises(ProviderError) as caught:
            await way.ask(PROFILE)
    await way.__aexit__(None, None, None)
    assert "TLS" not in str(caught.value)


@EACH
async def test_a_handshake_that_hangs_sends_nothing(request_: Request) -> None:
    async with serving(hang) as server:
        error = await failure(request_, server.url.replace("http:", "https:"), limit=0.2)
    assert is_unreachable(error)
    assert "0.2 s" in str(error)


@EACH
async def test_an_untrusted_certificate_sends_nothing(request_: Request, tmp_path: Path) -> None:
    context = _self_signed(tmp_path)
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.read(1))
        writer.close()

    listener = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        error = await failure(request_, f"https://127.0.0.1:{port}/api")
    assert is_unreachable(error)
    assert "certificate" in str(error)
    assert asked == []


def _self_signed(folder: Path) -> ssl.SSLContext:
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context


# --- sent, and no whole answer ---------------------------------------------------------------------------------------

LOSSES: dict[str, Answer] = {
    "hang": outlast,
    "reset": reset,
    "close": raw_then_close(b""),
    "half a status line": raw_then_close(b"HTTP/1."),
    "half a header": raw_then_close(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a body": raw_then_close(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"status": true, '),
    "half of chunks": raw_then_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\r\n"),
    "a body that hangs": outlast_after(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
}


async def drip(asked: Asked, writer: asyncio.StreamWriter) -> None:
    """A byte now and then, each in time and the whole of it never."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await settle()
        let_pass(OVER / 10)


LOSSES["a drip that hangs on"] = drip


@EACH
@pytest.mark.parametrize("loss", LOSSES)
async def test_sent_and_lost(request_: Request, loss: str) -> None:
    async with serving(LOSSES[loss]) as server:
        error = await failure(request_, server.url)
        assert is_lost(request_, error), error
        if request_.endpoint in (Endpoint.BUY, Endpoint.CANCEL):
            assert len(server.asked) == 1
            assert server.connections == 1


async def endless(asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
        await writer.drain()


GARBAGE: dict[str, Answer] = {
    "endless": endless,
    "no http": raw_then_close(b"\x00\x01 what is this\r\n\r\n"),
    "broken gzip": raw(http(200, b"not gzip at all", "Content-Encoding: gzip\r\n")),
    "broken deflate": raw(http(200, b"\xff\xff\xff\xff", "Content-Encoding: deflate\r\n")),
    "unknown compression": raw(http(200, b"\x0b\x00\x00", "Content-Encoding: br\r\n")),
    "gzip bomb": raw(http(200, gzip.compress(b" " * (transport.MOST_BYTES + 1)), "Content-Encoding: gzip\r\n")),
    "too large": raw(http(200, b" " * (transport.MOST_BYTES + 1))),
}


@EACH
@pytest.mark.parametrize("garbage", GARBAGE)
async def test_an_answer_that_cannot_be_read(request_: Request, garbage: str) -> None:
    async with serving(GARBAGE[garbage]) as server:
        error = await failure(request_, server.url)
        assert len(server.asked) == 1
    if request_ is BUY:
        assert is_lost(BUY, error)
    else:
        assert type(error) is ProviderFailedError
        assert error.code is ErrorCode.MALFORMED_ANSWER


@pytest.mark.parametrize("status", [404, 405])
async def test_no_such_address_refuses_a_buy_even_where_its_body_is_broken(status: int) -> None:
    async with serving(raw(http(status, b"not gzip", "Content-Encoding: gzip\r\n"))) as server:
        answer = await ask(BUY, server.url)
        assert (answer.http, answer.body) == (status, b"")
        assert (await failure(CANCEL, server.url)).code is ErrorCode.MALFORMED_ANSWER


# --- whole answers ---------------------------------------------------------------------------------------------------

WHOLE = b'{"status": true}'
ODD: dict[str, Answer] = {
    "deflate": raw(http(200, zlib.compress(WHOLE), "Content-Encoding: deflate\r\n")),
    "deflate without its head": raw(http(200, zlib.compress(WHOLE)[2:-4], "Content-Encoding: deflate\r\n")),
    "gzip in two members": raw(
        http(200, gzip.compress(WHOLE[:5]) + gzip.compress(WHOLE[5:]), "Content-Encoding: GZIP\r\n")
    ),
    "early hints": raw(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + http(200, WHOLE)),
    "no length": raw_then_close(b"HTTP/1.0 200 OK\r\n\r\n" + WHOLE),
    "no reason": raw(b"HTTP/1.1 200\r\nContent-Length: 16\r\n\r\n" + WHOLE),
    "a long header": raw(http(200, WHOLE, f"Content-Security-Policy: {'x' * 20000}\r\n")),
    "many headers": raw(http(200, WHOLE, "".join(f"X-{i}: y\r\n" for i in range(100)))),
    "odd cookies": raw(http(200, WHOLE, "Set-Cookie: a[b]={}; path=/\r\nSet-Cookie: =\r\n")),
    "no such charset": raw(http(200, WHOLE, content_type="text/html; charset=bogus")),
    "chunks": raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10;a=b\r\n" + WHOLE + b"\r\n0\r\n\r\n"),
}


@EACH
@pytest.mark.parametrize("odd", ODD)
async def test_an_odd_answer_that_is_whole_is_one(request_: Request, odd: str) -> None:
    async with serving(ODD[odd]) as server:
        answer = await ask(request_, server.url)
    assert (answer.http, answer.body) == (200, WHOLE)
    assert len(server.asked) == 1


async def test_three_megabytes_are_an_answer() -> None:
    async with serving(raw(http(200, b" " * 3_000_000 + WHOLE))) as server:
        answer = await ask(BUY, server.url)
    assert decode(answer).value == {"status": True}


async def test_a_long_page_is_given_up_at_once() -> None:
    async def page(asked: Asked, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10):
            writer.write(b"10000\r\n" + b"<html>  " * 8192 + b"\r\n")
            await writer.drain()
        await asyncio.Event().wait()  # never whole

    async with serving(page) as server:
        answer = await ask(CHECK, server.url)
    assert not decode(answer).is_json


@EACH
async def test_what_is_sent_and_what_comes_back(request_: Request) -> None:
    body = gzip.compress(json.dumps({"status": True}).encode())
    headers = "Content-Encoding: gzip\r\nRetry-After: 7\r\n"
    async with serving(raw(http(402, body, headers, "text/html; charset=utf-8"))) as server:
        answer = await ask(request_, server.url + "/")
    (asked,) = server.asked
    assert asked.method == ("POST" if request_ is BUY else "GET")
    assert asked.target == f"/api/{request_.target}"
    assert asked.body == (request_.body or b"")
    assert asked.headers["token"] == TOKEN
    assert asked.headers["user-agent"].startswith("shomare-mqtt/")
    assert "expect" not in asked.headers
    assert answer == RawAnswer(402, b'{"status": true}', "text/html; charset=utf-8", 7.0, "utf-8")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Thu, 01 Jan 2026 00:01:30 GMT", 90.0),
        ("Thu, 01 Jan 2015 00:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        (" 7 ", 7.0),
        ("9" * 40, 999_999_999.0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Mon, 01 Jan 2026 00:00:00 +9999999999", None),
    ],
)
async def test_retry_after(header: str, seconds: float | None) -> None:
    async with serving(says(429, {}, f"Retry-After: {header}\r\n")) as server:
        assert (await ask(CHECK, server.url)).retry_after == seconds


async def test_a_date_to_retry_after_is_one_of_the_servers_clock() -> None:
    """Which may be years from ours."""
    headers = "Date: Thu, 01 Jan 2015 00:00:00 GMT\r\nRetry-After: Thu, 01 Jan 2015 00:00:40 GMT\r\n"
    async with serving(says(429, {}, headers)) as server:
        assert (await ask(CHECK, server.url)).retry_after == 40.0


@pytest.mark.parametrize(
    ("headers", "dates"),
    [
        ("Date: Thu, 01 Jan 2026 00:01:30 GMT\r\n", [datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)]),
        ("Date: Thu, 01 Jan 2026 00:01:30\r\n", [datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)]),
        ("Date: Thu, 01 Jan 2026 00:01:30 GMT\r\nAge: 0\r\n", [datetime(2026, 1, 1, 0, 1, 30, tzinfo=UTC)]),
        ("Date: Thu, 01 Jan 2026 00:01:30 GMT\r\nAge: 3600\r\n", []),
        ("Date: now\r\n", []),
        ("", []),
    ],
    ids=["date", "without a zone", "fresh", "out of a cache", "none", "absent"],
)
async def test_the_servers_time_is_told(headers: str, dates: list[datetime]) -> None:
    told: list[datetime] = []
    async with (
        serving(says(200, {}, headers)) as server,
        Transport(settings(server.url), TOKEN, FakeClock(), told.append) as way,
    ):
        await way.ask(CHECK)
    assert told == dates


@EACH
async def test_redirects_are_answers_and_the_token_goes_nowhere_else(request_: Request) -> None:
    async with serving(says(200, {})) as other:
        location = f"Location: {other.url}/login\r\n"
        async with serving(says(302, {}, location)) as server:
            assert (await ask(request_, server.url)).http == 302
        assert other.asked == []
        assert len(server.asked) == 1


async def test_cookies_are_not_kept() -> None:
    async with serving(says(200, {}, "Set-Cookie: session=1; Path=/\r\n")) as server:
        async with Transport(settings(server.url), TOKEN, FakeClock()) as way:
            for _ in range(2):
                await way.ask(PROFILE)
        assert all("cookie" not in asked.headers for asked in server.asked)


# --- connections -----------------------------------------------------------------------------------------------------


async def test_what_changes_something_has_a_connection_of_its_own() -> None:
    async with serving(says(200, {})) as server:
        async with Transport(settings(server.url), TOKEN, FakeClock()) as way:
            for request in (PROFILE, CHECK, BUY, CANCEL, BUY, PROFILE):
                await way.ask(request)
        assert [asked.connection for asked in server.asked] == [1, 1, 2, 3, 4, 1]


@pytest.mark.parametrize("request_", [BUY, CANCEL], ids=lambda r: r.endpoint)
async def test_a_connection_that_the_server_dropped_while_idle_hits_neither_buy_nor_cancel(request_: Request) -> None:
    async with serving(says(200, {})) as server:
        async with Transport(settings(server.url), TOKEN, FakeClock()) as way:
            assert (await way.ask(PROFILE)).http == 200
            assert (await way.ask(request_)).http == 200
            await server.drop_idle()
            assert (await way.ask(request_)).http == 200
            assert (await way.ask(PROFILE)).http == 200
        assert server.endpoints().count(request_.endpoint) == 2


async def test_a_buy_that_was_given_up_on_is_not_repeated() -> None:
    arrived = asyncio.Event()

    async def arrive(asked: Asked, writer: asyncio.StreamWriter) -> None:
        arrived.set()
        await hang(asked, writer)

    async with serving(arrive) as server, Transport(settings(server.url), TOKEN, FakeClock()) as way:
        task = asyncio.create_task(way.ask(BUY))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert len(server.asked) == 1


class HoldingBack:
    """A permit that is asked as the request leaves."""

    def __init__(self, ends: bool) -> None:
        self._ends = ends

    async def turn(self) -> None:
        raise AssertionError("that is the caller's to ask")

    async def leave(self) -> None:
        if self._ends:
            raise CommandRefusedError(ErrorCode.BUYING_PAUSED, "not now")
        let_pass(OVER)
        await asyncio.Event().wait()


async def test_what_is_held_back_as_it_leaves_is_not_sent() -> None:
    async with serving(hang) as server, Transport(settings(server.url), TOKEN, FakeClock()) as way:
        with pytest.raises(CommandRefusedError):
            await way.ask(BUY, HoldingBack(ends=True))
        assert server.asked == []


async def test_nor_what_its_time_limit_overtakes() -> None:
    async with serving(hang) as server, Transport(settings(server.url), TOKEN, FakeClock()) as way:
        with pytest.raises(ProviderUnreachableError):
            await way.ask(BUY, HoldingBack(ends=False))
        assert server.asked == []


# --- proxies ---------------------------------------------------------------------------------------------------------

BEHIND = "http://provider.invalid/api"


@EACH
async def test_a_proxy_takes_the_request(request_: Request) -> None:
    async with serving(says(200, {})) as proxy:
        answer = await ask(request_, BEHIND, proxy=f"http://user:pass@127.0.0.1:{proxy.port}")
    assert answer.http == 200
    (asked,) = proxy.asked
    assert asked.target == f"{BEHIND}/{request_.target}"
    assert asked.headers["proxy-authorization"] == "Basic dXNlcjpwYXNz"


@EACH
async def test_a_proxy_out_of_reach_sends_nothing(request_: Request) -> None:
    error = await failure(request_, BEHIND, proxy=f"http://user:hunter2@127.0.0.1:{free_port()}")
    assert is_unreachable(error)
    assert "proxy" in str(error)
    assert "hunter2" not in str(error)


TUNNELS: dict[str, Answer] = {
    "refused": raw_then_close(http(407, b"")),
    "bad gateway": raw_then_close(http(502, b"no")),
    "closed": raw_then_close(b""),
    "reset": reset,
    "hangs": outlast,
    "handshake hangs": outlast_after(b"HTTP/1.1 200 Connection established\r\n\r\n"),
    "no tls behind": raw_then_close(b"HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 400 Bad\r\n\r\n"),
}


@EACH
@pytest.mark.parametrize("tunnel", TUNNELS)
async def test_a_tunnel_that_fails_sends_nothing_to_the_provider(request_: Request, tunnel: str) -> None:
    async with serving(TUNNELS[tunnel]) as proxy:
        url = BEHIND.replace("http:", "https:")
        error = await failure(request_, url, proxy=f"http://127.0.0.1:{proxy.port}")
        assert is_unreachable(error), error
        assert {asked.method for asked in proxy.asked} == {"CONNECT"}
        assert all("token" not in asked.headers for asked in proxy.asked)


async def test_the_environment_names_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(says(200, {})) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert (await ask(PROFILE, BEHIND)).http == 200
        monkeypatch.setenv("NO_PROXY", "other.invalid,provider.invalid")
        assert is_unreachable(await failure(PROFILE, BEHIND))
        assert len(proxy.asked) == 1


async def test_settings_outrank_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("no_proxy", "*")
    async with serving(says(200, {})) as proxy:
        assert (await ask(PROFILE, BEHIND, proxy=f"http://127.0.0.1:{proxy.port}")).http == 200


async def test_a_kind_of_proxy_that_cannot_be_used_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://127.0.0.1:9")
    async with serving(says(200, {})) as server:
        assert (await ask(PROFILE, server.url)).http == 200


def test_an_address_that_is_none_is_a_setting_that_is_wrong() -> None:
    wrong = settings("http://[half/api".replace("[", "x")).model_copy(update={"base_url": "http://[half/api"})
    with pytest.raises(SettingsError, match=r"provider\.base_url"):
        Transport(wrong, TOKEN, FakeClock())


# --- the second attempt ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("request_", [BUY, CANCEL], ids=lambda r: r.endpoint)
async def test_a_server_that_drops_each_request_sees_one(request_: Request) -> None:
    """aiohttp repeats any GET whose connection broke, also on a connection that was new."""
    async with serving(reset) as server:
        assert is_lost(request_, await failure(request_, server.url))
        assert server.connections == 1
        assert len(server.asked) == 1


async def test_reading_over_a_stale_connection_just_works() -> None:
    drops: list[Asked] = []

    async def drop_the_second(asked: Asked, writer: asyncio.StreamWriter) -> None:
        drops.append(asked)
        await (reset if len(drops) == 2 else says(200, {}))(asked, writer)

    async with serving(drop_the_second) as server, Transport(settings(server.url), TOKEN, FakeClock()) as way:
        assert (await way.ask(PROFILE)).http == 200
        assert (await way.ask(PROFILE)).http == 200
