"""What a doctor looks at, in tests: settings for it, a provider that answers as a test says, a broker of its own."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from shomare_mqtt.config import GivenSettings
from shomare_mqtt.doctor.examination import Examination, examine
from tests.patience import PATIENCE
from tests.provider.servers import Server, http, raw, says, serving

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from shomare_mqtt.doctor.finding import Finding
    from tests.provider.servers import Answer, Asked

TOKEN = "tok-5f0c1e7a9b2d"
NOWHERE = "http://127.0.0.1:9/api"
ANSWERS: dict[str, Any] = {
    "profile": {"status": True, "data": {"balance": 45000, "currency": "Toman"}},
    "allcountries": {"status": True, "data": [{"id": 7, "name": "Russia"}, {"id": 2, "name": "Kazakhstan"}]},
    "alloperators": {"status": True, "data": [{"id": 1, "name": "MTS"}]},
    "allapplications": {"status": True, "data": [{"id": 3, "name": "Telegram"}]},
    "pricebycountry": {"status": True, "data": [{"application": 3, "price": 2200, "count": 5}]},
    "pricebyproduct": {"status": True, "data": {"price": 2200, "count": 5}},
}


def provider(answers: Mapping[str, Any], http_: Mapping[str, int] | None = None) -> Answer:
    """Answers each endpoint with its JSON, or the bytes given for it; `http_`: statuses other than 200."""

    async def answer(asked: Asked, writer: asyncio.StreamWriter) -> None:
        endpoint = asked.path[1]
        status, said = (http_ or {}).get(endpoint, 200), answers[endpoint]
        if isinstance(said, bytes):
            await raw(http(status, said, content_type="text/html"))(asked, writer)
        else:
            await says(status, said)(asked, writer)

    return answer


def settings(url: str = NOWHERE, **tables: dict[str, Any]) -> GivenSettings:
    """All of it on this machine; nobody listens on the broker's port unless a test says which."""
    given: dict[str, dict[str, Any]] = {
        "mqtt": {"port": 9},
        "provider": {"base_url": url, "token": TOKEN, "requests_per_minute": 0, "timeout": PATIENCE},
    }
    return GivenSettings.model_validate(
        {name: given.get(name, {}) | tables.get(name, {}) for name in {*given, *tables}}
    )


@asynccontextmanager
async def shop(http_: Mapping[str, int] | None = None, **answers: Any) -> AsyncIterator[Server]:
    """A provider that answers properly, but for what is given."""
    async with serving(provider(ANSWERS | answers, http_)) as server:
        yield server


async def examined(found: GivenSettings, state: Path) -> Examination:
    """All findings, with this state directory."""
    found = found.model_copy(update={"state": found.state.model_copy(update={"directory": state})})
    return await examine(found, None, lambda _: None)


def named(seen: Examination, name: str) -> Finding:
    """The one finding of a name."""
    (found,) = (finding for finding in seen.findings if finding.name == name)
    return found


def shown(seen: Examination) -> str:
    """All that the owner sees."""
    return json.dumps([finding.as_json() for finding in seen.findings], ensure_ascii=False)
