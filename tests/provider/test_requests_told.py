"""Each HTTP request is told to whoever listens: its endpoint, how it ended, and how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import CommandRefusedError, ErrorCode, OutcomeUnknownError, ProviderError
from tests.provider.fakes import Allowed, allowed

from .servers import Asked, http, raw, reset, says
from .test_client import KNOWN, PRODUCT, QUERY, Bench, Memory, _no_proxy, api

if TYPE_CHECKING:
    from shomare_mqtt.model import Endpoint
    from tests.provider.servers import Answer

__all__ = ["_no_proxy"]


def listening(bench: Bench) -> list[tuple[str, str]]:
    told: list[tuple[str, str]] = []

    def hear(endpoint: Endpoint, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        told.append((endpoint.value, outcome))

    bench.client.observe(hear)
    return told


LEARNT = {"pricebycountry": "path", "pricebyproduct": "path", "buy": "form", "check": "path", "cancel": "path"}


async def test_each_attempt_and_how_it_ended() -> None:
    answers: list[Answer] = [raw(http(503, b"<html>", content_type="text/html"))]

    def override(asked: Asked) -> Answer | None:
        if asked.path[1] == "buy":
            return reset
        return answers.pop() if answers else None

    async with api(memory=Memory(dict(LEARNT)), override=override) as (bench, _, _provider):
        told = listening(bench)
        await bench.client.profile(priority=QUERY)
        answers.append(says(404, {"status": False, "code": 404, "message": "not found"}))
        with pytest.raises(ProviderError):
            await bench.client.check("74001", known=KNOWN, priority=QUERY)
        with pytest.raises(OutcomeUnknownError):
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
    assert told == [
        ("profile", "provider_error"),
        ("profile", "ok"),
        ("check", "not_found"),
        ("buy", "outcome_unknown"),
    ]


class Forbidden(Allowed):
    """Says no at the last moment."""

    async def leave(self) -> None:
        raise CommandRefusedError(ErrorCode.BUYING_PAUSED, "not now")


async def test_what_was_never_sent_is_no_request() -> None:
    async with api(memory=Memory(dict(LEARNT))) as (bench, server, _):
        told = listening(bench)
        with pytest.raises(CommandRefusedError):
            await bench.client.buy(PRODUCT, known=KNOWN, permit=Forbidden())
        assert (told, server.endpoints()) == ([], [])
