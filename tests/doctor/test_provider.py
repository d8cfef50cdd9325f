"""The provider, over real HTTP: each finding, good and bad, and that nothing is asked that could cost money."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.doctor.asking import ask
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from tests.doctor.places import ANSWERS, NOWHERE, TOKEN, examined, named, settings, shop, shown
from tests.provider.servers import says, serving

if TYPE_CHECKING:
    from shomare_mqtt.doctor.examination import Examination

ENDPOINTS = ["profile", "allcountries", "alloperators", "allapplications", "pricebycountry", "pricebyproduct"]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


async def seen(tmp_path: Path, http: dict[str, int] | None = None, **answers: Any) -> Examination:
    async with shop(http, **answers) as server:
        return await examined(settings(server.url), tmp_path)


def states(found: Examination, *names: str) -> list[State]:
    return [named(found, name).state for name in names]


async def test_a_provider_that_is_well(tmp_path: Path) -> None:
    async with shop() as server:
        found = await examined(settings(server.url), tmp_path)
        assert server.endpoints() == ENDPOINTS
    names = (
        "provider",
        "token",
        "profile",
        "allcountries",
        "alloperators",
        "allapplications",
        "pricebycountry",
        "pricebyproduct",
        "parameters",
    )
    assert set(states(found, *names)) == {State.GOOD}
    assert "balance 45,000 IRT" in named(found, "profile").told
    assert "45" not in named(found, "profile").text
    assert '{"status": "true/false", "data": {"balance": "number", "currency": "text"}}' in named(found, "profile").text
    assert "2 entries, the first: 7 Russia" in named(found, "allcountries").told
    assert "of country 7, operator 1; " in named(found, "pricebycountry").text
    assert "price 2,200" in named(found, "pricebyproduct").told
    assert "pricebycountry takes them as path" in named(found, "parameters").text


async def test_the_place_is_that_of_the_settings(tmp_path: Path) -> None:
    given = {"country": "kazakhstan", "operator": "1", "application": "Telegram"}
    async with shop() as server:
        await examined(settings(server.url, defaults=given), tmp_path)
        assert [asked.path[2:] for asked in server.asked[-2:]] == [["2", "1"], ["2", "1", "3"]]


async def test_a_country_alone_or_a_name_that_no_list_has(tmp_path: Path) -> None:
    async with shop() as server:
        found = settings(server.url, defaults={"country": "Atlantis"})
        await examined(found, tmp_path)
        assert server.asked[-2].path[2:] == ["Atlantis", "1"]


async def test_nobody_is_there(tmp_path: Path) -> None:
    found = await examined(settings(NOWHERE), tmp_path)
    assert states(found, "provider", "profile") == [State.BAD, State.BAD]
    assert states(found, "token", "allcountries") == [State.UNKNOWN, State.UNKNOWN]
    assert "cannot be reached" in named(found, "provider").text
    assert not found.is_well


async def test_a_token_that_is_refused(tmp_path: Path) -> None:
    refusal = {"status": False, "code": 401, "message": "bad token"}
    async with shop({"profile": 401}, profile=refusal) as server:
        found = await examined(settings(server.url), tmp_path)
        assert server.endpoints() == ["profile"]
    assert states(found, "provider", "token", "profile") == [State.GOOD, State.BAD, State.BAD]
    assert "provider.token" in named(found, "token").advice


async def test_a_blocked_account(tmp_path: Path) -> None:
    found = await seen(tmp_path, {"profile": 401}, profile={"status": False, "code": -1})
    assert "blocked" in named(found, "token").text


async def test_a_wrong_address(tmp_path: Path) -> None:
    page = b"<html>Not Found</html>"
    found = await seen(tmp_path, dict.fromkeys(ANSWERS, 404), **dict.fromkeys(ANSWERS, page))
    assert named(found, "provider").state is State.BAD
    assert "provider.base_url" in named(found, "provider").advice
    assert "HTTP 404, no JSON (text/html, 22 bytes)" in named(found, "profile").text


async def test_an_address_without_api(tmp_path: Path) -> None:
    simulator = Simulator(SimulatorOptions(token=TOKEN))
    await simulator.start()
    try:
        base = simulator.base_url.removesuffix("/api")
        found = named(await examined(settings(base), tmp_path), "provider")
    finally:
        await simulator.stop()
    assert found.state is State.BAD
    assert found.text == f"{base} answers, and knows none of the provider's addresses (HTTP 404 each time)"
    assert found.advice == "provider.base_url probably lacks /api at its end"


async def test_a_sites_front_page_or_a_redirect(tmp_path: Path) -> None:
    for status, said in ((200, "something else than the provider's data"), (301, "leads elsewhere (HTTP 301)")):
        async with shop(dict.fromkeys(ANSWERS, status), **dict.fromkeys(ANSWERS, b"<html>Hello</html>")) as server:
            found = named(await examined(settings(server.url.replace("/api", "/site")), tmp_path), "provider")
        assert found.state is State.BAD
        assert said in found.text
        assert "provider.base_url" in found.advice


async def test_a_token_within_the_address_of_a_redirect(tmp_path: Path) -> None:
    async with serving(says(301, {}, f"Location: https://shop.example/{TOKEN}/profile\r\n")) as server:
        found = await examined(settings(server.url), tmp_path)
    told = named(found, "provider").told
    assert "https://shop.example/***; " in told
    assert TOKEN not in shown(found)


async def test_a_balance_that_is_not_found(tmp_path: Path) -> None:
    found = await seen(tmp_path, profile={"status": True, "data": {}})
    assert named(found, "profile").state is State.BAD
    assert '"profile.balance" = "…" under [provider.fields]' in named(found, "profile").advice


async def test_a_list_that_is_none(tmp_path: Path) -> None:
    found = await seen(tmp_path, allcountries={"status": True, "data": "soon"})
    assert states(found, "allcountries", "alloperators") == [State.BAD, State.GOOD]
    assert '"countries" = "…"' in named(found, "allcountries").advice
    assert states(found, "pricebycountry", "pricebyproduct") == [State.UNKNOWN, State.UNKNOWN]
    assert named(found, "parameters").state is State.UNKNOWN


async def test_prices_that_are_refused(tmp_path: Path) -> None:
    refusal = {"status": False, "code": 404, "message": "no such country"}
    http = {"pricebycountry": 404, "pricebyproduct": 404}
    found = await seen(tmp_path, http, pricebycountry=refusal, pricebyproduct=refusal)
    assert states(found, "pricebycountry", "pricebyproduct") == [State.BAD, State.BAD]
    assert "countries.id" in named(found, "pricebycountry").advice
    assert "no such country" in named(found, "pricebycountry").told
    assert "no such country" not in named(found, "pricebycountry").text


async def test_a_place_without_prices_is_passed_over(tmp_path: Path) -> None:
    countries = [{"id": number, "name": f"Land {chr(64 + number)}"} for number in range(1, 9)]
    async with shop(allcountries=countries, pricebycountry={"status": True, "data": []}) as server:
        found = await examined(settings(server.url), tmp_path)
        places = {tuple(asked.path[2:]) for asked in server.asked if asked.path[1] == "pricebycountry"}
    assert {place for place in places if place} == {("1", "1"), ("2", "1"), ("3", "1")}
    assert named(found, "pricebycountry").state is State.UNKNOWN


async def test_a_field_that_was_not_understood(tmp_path: Path) -> None:
    found = await seen(tmp_path, pricebyproduct={"status": True, "data": {"price": 2200}})
    price = named(found, "pricebyproduct")
    missing = [each for each in found.findings if each.name == "price.count"]
    assert (price.state is State.UNKNOWN and "not understood: count" in price.text) or missing


async def test_an_answer_with_markup_around_it(tmp_path: Path) -> None:
    warning = b"<br />\n<b>Warning</b>:  x in <b>/var/www/a.php</b> on line <b>3</b><br />\n"
    found = await seen(tmp_path, profile=warning + b'{"status": true, "data": {"balance": 5}}')
    assert "JSON, with markup around it" in named(found, "profile").text


async def test_parameters_set_by_hand(tmp_path: Path) -> None:
    async with shop() as server:
        found = await examined(settings(server.url, provider={"dialect": {"parameters": "query"}}), tmp_path)
    assert "set by hand: parameters = query" in named(found, "parameters").text


async def test_ids_in_doubt_are_tried_by_price_calls_alone(tmp_path: Path) -> None:
    file = Path(__file__).parents[1] / "contact" / "dialects" / "letters.json"
    async with Simulator(SimulatorOptions(token=TOKEN, dialect=str(file))) as sim:
        found = await examined(settings(sim.base_url), tmp_path)
        assert set(sim.calls) <= set(ENDPOINTS)
        assert sum(sim.calls.values()) < 40
    assert named(found, "countries.id").text.startswith("read at `code` (tried, and it works")
    assert '"countries.id" = "id"' in named(found, "countries.id").advice
    assert states(found, "pricebycountry", "pricebyproduct") == [State.GOOD, State.GOOD]
    assert found.answers.learnt["countries.id"] == "code"


async def test_what_a_daemon_found_out_is_not_tried_again(tmp_path: Path) -> None:
    file = Path(__file__).parents[1] / "contact" / "dialects" / "letters.json"
    learnt = {"countries.id": "code", "applications.id": "code", "pricebycountry": "query", "pricebyproduct": "query"}
    async with Simulator(SimulatorOptions(token=TOKEN, dialect=str(file))) as sim:
        found = await ask(settings(sim.base_url), TOKEN, learnt)
        assert sim.calls == dict.fromkeys(ENDPOINTS, 1)
    assert found.asked.application == "tg"


async def test_nothing_that_costs_money_is_asked(tmp_path: Path) -> None:
    """Also where nothing works; the server would say that there is no such thing."""
    page = b"<html>Not Found</html>"
    async with shop(dict.fromkeys(ANSWERS, 404), **dict.fromkeys([*ANSWERS, "buy", "check", "cancel"], page)) as server:
        await examined(settings(server.url), tmp_path)
        assert set(server.endpoints()) <= set(ENDPOINTS)
        assert {asked.method for asked in server.asked} == {"GET"}
