"""Servers that want to be asked elsewhere: said with the address that is probably right, and never followed."""

from __future__ import annotations

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderFailedError
from shomare_mqtt.model import OF_A_NUMBER, Endpoint, Priority
from shomare_mqtt.provider.reading.decode import RawAnswer
from shomare_mqtt.provider.reading.elsewhere import elsewhere
from tests.provider.servers import Answer, http, raw, serving
from tests.provider.test_client import connected

NOT_UNDERSTOOD = "The provider's answer to profile (HTTP {}) could not be understood: "
NGINX = b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>"


async def failure(answer: Answer) -> str:
    async with serving(answer) as server, connected(server.url) as bench:
        with pytest.raises(ProviderFailedError) as caught:
            await bench.client.profile(priority=Priority.QUERY)
        assert len(server.asked) == 1
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER
    return caught.value.message


@pytest.mark.parametrize("body", [b"", b"<html>Moved</html>", b"{}"])
@pytest.mark.parametrize(
    ("http_status", "location", "said"),
    [
        (301, "https://www.shop.example/api/profile?key=1#x", "to https://www.shop.example/api/profile; {}"),
        (308, "https://me:pass@www.shop.example/api/profile", "to https://www.shop.example/api/profile; {}"),
        (302, "https://shop.example/login", "to https://shop.example/login"),
        (302, "/api/profile", "to /api/profile"),
        (302, "", ""),
        (302, "http://[", ""),
    ],
)
async def test_redirects(http_status: int, location: str, said: str, body: bytes) -> None:
    message = await failure(raw(http(http_status, body, f"Location: {location}\r\n")))
    said = said.format("provider.base_url should probably be https://www.shop.example/api")
    assert message == f"{NOT_UNDERSTOOD.format(http_status)}it is a redirect{said and ' '}{said}."


async def test_a_server_that_wants_tls_and_says_so() -> None:
    message = await failure(raw(http(400, NGINX, content_type="text/html")))
    expected = "the server wants TLS, so provider.base_url should begin with https, not http."
    assert message == NOT_UNDERSTOOD.format(400) + expected


@pytest.mark.parametrize("endpoint", list(Endpoint))
async def test_what_is_kept_of_a_redirect(endpoint: Endpoint) -> None:
    """When to ask again, but of a number's no address: it may quote what only its owner is to see."""
    moved = RawAnswer(302, b"", retry_after=7.0, location="https://shop.example/login")
    error = elsewhere(moved, endpoint)
    assert error is not None
    assert error.retry_after == 7.0
    assert (error.plain is not None and "shop.example" not in error.plain) == (endpoint in OF_A_NUMBER)


async def test_a_long_redirect_is_told_in_part() -> None:
    message = await failure(raw(http(302, b"", f"Location: https://shop.example/{'x' * 2000}\r\n")))
    assert "to https://shop.example/xxx" in message
    assert len(message) < 500


def test_the_same_words_with_another_status_are_any_page() -> None:
    assert elsewhere(RawAnswer(403, NGINX), Endpoint.PROFILE) is None


async def test_any_other_page() -> None:
    assert await failure(raw(http(400, b"<html>Bad</html>"))) == f"{NOT_UNDERSTOOD.format(400)}no JSON in it."
