"""Dialects from files, over real HTTP: what placeholders, filters and structures become, and which ids are taken."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from shomare_mqtt.simulator import Simulator, SimulatorOptions
from shomare_mqtt.simulator.written.attributes import OF_A_PURCHASES_ID, OF_AN_ENTRY
from shomare_mqtt.simulator.written.filters import FILTERS, jalali
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping


HEADERS = {"token": "demo-token"}
PLAIN = {
    "parameters": "query",
    "buy": "query",
    "answers": {
        "profile": {"status": True},
        "allcountries": {"status": True},
        "alloperators": {"status": True},
        "allapplications": {"status": True},
        "pricebycountry": {"status": True},
        "pricebyproduct": {"status": True},
        "buy": {"status": True},
        "check": {"status": True},
        "cancel": {"status": True},
    },
}
TELEGRAM = {"country": "7", "operator": "1", "application": "3"}
NOW = datetime(2026, 11, 24, 3, 25, 33, tzinfo=UTC)


class Provider:
    """A simulator that speaks a file; its clock is moved by hand, and stood at NOW when it started."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        self.sim, self.session = sim, session
        self.now = 1000.0

    async def ask(self, endpoint: str, **parameters: str) -> tuple[int, Any]:
        method = "POST" if endpoint == "buy" else "GET"
        url = f"{self.sim.base_url}/{endpoint}"
        async with self.session.request(method, url, params=parameters, headers=HEADERS) as answer:
            return answer.status, await answer.json()

    async def said(self, endpoint: str, **parameters: str) -> Any:
        status, body = await self.ask(endpoint, **parameters)
        assert status == 200, body
        return body

    async def control(self, action: str, **args: Any) -> Any:
        async with self.session.post(f"{self.sim.root_url}/_sim/{action}", json=args) as answer:
            return await answer.json()

    async def purchases(self) -> Any:
        async with self.session.get(f"{self.sim.root_url}/_sim/state") as answer:
            return (await answer.json())["purchases"]


def written(answers: Mapping[str, Any], **tables: Any) -> dict[str, Any]:
    return {**PLAIN, **tables, "answers": {**PLAIN["answers"], **answers}}  # type: ignore[dict-item]


@pytest.fixture
def speaking(tmp_path: Path) -> Any:
    """`async with speaking({"profile": ...}, wants={...}) as provider`."""

    @asynccontextmanager
    async def started(answers: Mapping[str, Any], sms_count: int = 0, **tables: Any) -> AsyncIterator[Provider]:
        path = tmp_path / "dialect.json"
        path.write_text(json.dumps(written(answers, **tables)), encoding="utf-8")
        options = SimulatorOptions(dialect=str(path), sms_count=sms_count, sms_delay=0, code="84215")
        providers: list[Provider] = []
        sim = Simulator(options, monotonic=lambda: providers[0].now if providers else 1000.0)
        sim._time.wall_at_start = NOW
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        async with sim, aiohttp.ClientSession(timeout=timeout) as session:
            providers.append(Provider(sim, session))
            yield providers[0]

    return started


# --- placeholders and filters ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{balance}", 1_000_000),
        ("{balance|text}", "1000000"),
        ("{ balance | text }", "1000000"),
        ("{balance|comma}", "1,000,000"),
        ("{balance|dots}", "1.000.000"),
        ("{balance|persian}", "۱۰۰۰۰۰۰"),
        ("{balance|times:10|comma}", "10,000,000"),
        ("{balance|divided:1000}", 1000),
        ("{balance|divided:3000000|first:4}", "0.33"),
        ("{balance|divided:8000000}", 0.125),
        ("{balance|comma|number}", "1,000,000"),
        ("{balance|text|number}", 1_000_000),
        ("{balance} Toman", "1000000 Toman"),
        ("{balance}{balance|last:2}", "100000000"),
        ("{{balance}", "{balance}"),
        ("a {{ and a } are braces", "a { and a } are braces"),
        ("", ""),
    ],
)
async def test_a_number_and_its_filters(speaking: Any, text: str, value: Any) -> None:
    async with speaking({"profile": {"status": True, "x": text}}) as provider:
        assert (await provider.said("profile"))["x"] == value


async def test_what_has_no_placeholder_stays_as_it_is(speaking: Any) -> None:
    decoys: dict[str, Any] = {"a": [1, 2.50, None, True, "x", {"y": []}], "7": "007"}
    async with speaking({"profile": decoys}) as provider:
        assert await provider.said("profile") == decoys


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{purchase.id}", "74001"),
        ("{purchase.number}", 74001),
        ("{purchase.code}", "SH-74001"),
        ("{purchase.code|lower}", "sh-74001"),
        ("{purchase.dialling}", "44"),
        ("{purchase.price}", 2880),
        ("+{purchase.phone|first:2}", "+44"),
        ("{purchase.phone|last:6}", "074001"),
        ("{purchase.created}", "2026-11-24T03:25:33Z"),
        ("{purchase.created|tehran}", "2026-11-24 06:55:33"),
        ("{purchase.created|jalali}", "1405/09/03 06:55:33"),
        ("{purchase.created|epoch}", 1795490733),
        ("{purchase.created|milliseconds}", 1795490733000),
        ("{purchase.expires|iso|first:10}", "2026-11-24"),
        ("{purchase.expires|first:10}", "2026-11-24"),
        ("until {purchase.expires}", "until 2026-11-24T03:45:33Z"),
        ("{purchase.left}", 1138),
        ("{purchase.left|clock}", "00:18:58"),
        ("{purchase.left|minutes}", 19),
        ("{purchase.left|minutes_gone}", 18),
        ("{purchase.age}", 61),
        ("{purchase.balance}", 997_120),
        ("{balance}", 997_120),
        ("{price}", 2880),
        ("{count}", 566),
        ("{state}", "PENDING"),
        ("{country.slug}", "united-kingdom"),
        ("{country.iso}/{country.short}", "GB/gb"),
        ("{country.number}", 16),
        ("{country.position}", 4),
        ("{operator.number}", "any"),
        ("{operator.dialling}", None),
        ("[{operator.dialling}]", "[]"),
        ("{application.short|upper}", "TG"),
        ("{application.persian}", "تلگرام"),
        ("{sms.code}", None),
        ("{sms.at|tehran|first:3}", None),
        ("{sms.position}", None),
        ("{sms.number}", None),
    ],
)
async def test_a_purchase(speaking: Any, text: str, value: Any) -> None:
    async with speaking({"check": {"x": text}}, states={"waiting": "PENDING"}) as provider:
        await provider.said("buy", country="16", operator="any", application="3")
        provider.now += 61.5
        assert (await provider.said("check", id="74001"))["x"] == value


async def test_ids_of_a_purchase_are_as_many_as_purchases(speaking: Any) -> None:
    row = [f"{{purchase.{name}}}" for name in ("uuid", "decoy", "phone", "local")]
    async with speaking({"buy": row}) as provider:
        first, second = await provider.said("buy", **TELEGRAM), await provider.said("buy", **TELEGRAM)
        assert all(one != other for one, other in zip(first, second, strict=True))
        assert first[2] == f"7{first[3]}"


async def test_letters_are_unique(speaking: Any) -> None:
    rows = {"$each": "applications", "$as": ["{application.iso}", "{application.short}", "{application.uuid}"]}
    async with speaking({"allapplications": rows}) as provider:
        provider.sim._desk.catalog.applications.update(
            {
                e.id: e
                for e in type(provider.sim._desk.catalog).of(SimulatorOptions(applications=900)).applications.values()
            }
        )
        columns = list(zip(*await provider.said("allapplications"), strict=True))
        assert [len(set(column)) for column in columns] == [900, 900, 900]
        assert {len(text) for text in columns[0][:600]} == {2}
        assert all(text.isupper() for text in columns[0])


async def test_attributes_of_ones_own(speaking: Any) -> None:
    attributes = {"countries": {"7": {"iso": "RUS", "n": 643}, "2": {"n": None}}}
    row = {"$each": "countries", "$key": "{country.id}", "$as": ["{country.iso}", "{country.n}"]}
    async with speaking({"allcountries": row}, attributes=attributes) as provider:
        rows = await provider.said("allcountries")
        assert (rows["7"], rows["2"], rows["6"]) == (["RUS", 643], ["KZ", None], ["ID", None])


@pytest.mark.parametrize(
    ("at", "shown"),
    [
        ("2021-03-20T20:29:59", "1399/12/30 23:59:59"),
        ("2021-03-20T20:30:00", "1400/01/01 00:00:00"),
        ("2026-09-22T08:30:00", "1405/06/31 12:00:00"),
        ("2026-09-22T20:30:00", "1405/07/01 00:00:00"),
        ("2025-03-20T08:30:00", "1403/12/30 12:00:00"),
        ("2027-03-20T08:30:00", "1405/12/29 12:00:00"),
    ],
)
def test_jalali(at: str, shown: str) -> None:
    assert jalali(datetime.fromisoformat(at).replace(tzinfo=UTC)) == shown


# --- structures ------------------------------------------------------------------------------------------------------


async def test_loops_nest_and_offers_are_of_the_place(speaking: Any) -> None:
    offers = {"$each": "offers", "$key": "{application.short}", "$as": ["{price}", "{count}"]}
    answers = {
        "alloperators": {
            "$each": "countries",
            "$key": "{country.iso}",
            "$as": {"$each": "operators", "$as": "{operator.id}"},
        },
        "allapplications": {
            "$each": "countries",
            "$key": "{country.iso}",
            "$as": {"$each": "operators", "$key": "{operator.id}", "$as": offers},
        },
        "pricebycountry": {"{country.iso}": {"{operator.name}": offers}},
        "pricebyproduct": {"asked": "{price}", "all": offers},
    }
    async with speaking(answers) as provider:
        assert (await provider.said("alloperators"))["TR"] == ["1", "2", "3", "4", "any"]
        assert (await provider.said("allapplications"))["KZ"]["2"]["wa"] == [3560, 568]
        prices = await provider.said("pricebycountry", country="2", operator="2")
        assert list(prices) == ["KZ"]
        assert prices["KZ"]["Beeline"]["wa"] == [3560, 568]
        price = await provider.said("pricebyproduct", **TELEGRAM)
        assert (price["asked"], price["all"]["wa"]) == (2200, [3100, 593])


async def test_sms_in_a_loop_and_the_newest(speaking: Any) -> None:
    row = ["{sms.position}", "{sms.number}", "{sms.code}", "{sms.text}", {"$if": "code", "$then": 1, "$else": 0}]
    check = {
        "all": {"$each": "sms", "$as": row},
        "keyed": {"$each": "sms", "$key": "{sms.position}", "$as": "{sms.sender}"},
        "newest": {"$if": "sms", "$then": "{sms.code}", "$else": "wait"},
        "code": {"$if": "code", "$then": "yes"},
        "state": {"$by": "state", "waiting": "w", "$else": "{state}"},
    }
    async with speaking({"check": check}, states={"received": 2}) as provider:
        await provider.said("buy", **TELEGRAM)
        empty = await provider.said("check", id="74001")
        assert empty == {"all": [], "keyed": {}, "newest": "wait", "code": None, "state": "w"}
        await provider.control("sms", purchase="74001", code="1111")
        await provider.control("sms", purchase="74001", text="Hello")
        full = await provider.said("check", id="74001")
        assert full == {
            "all": [[1, 7400101, "1111", "Code: 1111", 1], [2, 7400102, None, "Hello", 0]],
            "keyed": {"1": "Simulator", "2": "Simulator"},
            "newest": None,
            "code": None,
            "state": 2,
        }


@pytest.mark.parametrize(("check", "shown"), [("{sms.code}", [False, True]), ({"$each": "sms", "$as": 1}, [True] * 2)])
async def test_what_an_answer_shows_counts_as_shown(speaking: Any, check: Any, shown: list[bool]) -> None:
    async with speaking({"check": {"status": True, "x": check}}) as provider:
        await provider.said("buy", **TELEGRAM)
        for code in ("1111", "2222"):
            await provider.control("sms", purchase="74001", code=code)
        await provider.said("check", id="74001")
        assert [sms["shown"] for sms in (await provider.purchases())[0]["sms"]] == shown


async def test_refusals_and_statuses(speaking: Any) -> None:
    refused = {"status": False, "error": {"code": "{code|text}", "text": "{message}"}}
    http = {"check": {"waiting": 202}, "cancel": 201, "profile": 203}
    async with speaking({"refused": refused}, http=http) as provider:
        assert await provider.ask("check", id="1") == (
            404,
            {"status": False, "error": {"code": "404", "text": "There is no such purchase"}},
        )
        assert (await provider.ask("profile"))[0] == 203
        await provider.said("buy", **TELEGRAM)
        assert (await provider.ask("check", id="74001"))[0] == 202
        assert (await provider.ask("cancel", id="74001"))[0] == 201
        assert (await provider.ask("check", id="74001"))[0] == 200
    async with speaking({}) as provider:
        assert (await provider.ask("check"))[1] == {"status": False, "code": 404, "message": "A parameter is missing"}


# --- ids -------------------------------------------------------------------------------------------------------------

WANTS = {"country": "iso", "operator": "position", "application": "n", "purchase": "code"}
WANTED = {"country": "RU", "operator": "1", "application": "0x۳", "purchase": "SH-74001"}
MORE = {"applications": {"3": {"n": "0x۳"}}}


async def test_the_ids_that_are_wanted_are_taken_and_no_others(speaking: Any) -> None:
    names = {"country": "c", "operator": "o", "application": "a", "purchase": "p"}
    async with speaking({}, wants=WANTS, names=names, attributes=MORE) as provider:
        product = {"c": "RU", "o": "1", "a": "0x۳"}
        for wrong in ({"c": "7"}, {"o": "any"}, {"a": "3"}, {"a": "1"}, {"c": "ru"}):
            assert (await provider.ask("buy", **{**product, **wrong}))[0] == 404
            assert (await provider.ask("pricebyproduct", **{**product, **wrong}))[0] == 404
        assert await provider.purchases() == []
        await provider.said("pricebycountry", c="RU", o="5")
        await provider.said("buy", **product)
        (bought,) = await provider.purchases()
        assert bought["wanted"] == WANTED
        assert {k: bought[k] for k in TELEGRAM} == TELEGRAM
        for endpoint in ("check", "cancel"):
            assert (await provider.ask(endpoint, p="74001"))[0] == 404
            assert (await provider.ask(endpoint, p="SH-74001"))[0] == 200


async def test_the_controls_take_the_simulators_own_ids(speaking: Any) -> None:
    async with speaking({}, wants=WANTS, attributes=MORE) as provider:
        bought = (await provider.control("buy", **TELEGRAM))["result"]
        assert (bought["purchase"], bought["wanted"]) == ("74001", WANTED)
        await provider.control("sms", purchase="74001", code="1111")
        assert (await provider.control("end", purchase="74001", state="finished"))["result"]["state"] == "finished"
        await provider.control("option", sms_delay=5)
        assert (await provider.ask("check", id="SH-74001"))[0] == 200
        await provider.control("option", dialect="query")
        assert (await provider.purchases())[0]["wanted"]["purchase"] == "74001"
        await provider.control("reset")
        assert (await provider.ask("check", id="SH-74001"))[0] == 404


# --- files that cannot be --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tables", "said"),
    [
        ({"wrong": 1}, "wrong: unknown key"),
        ({"parameters": "pigeon"}, "parameters: Input should be 'path', 'query', 'form' or 'json'"),
        ({"names": {"country": ""}}, "names.country: String should have at least 1 character"),
        ({"wants": {"country": "colour"}}, "wants.country: there is no attribute 'colour'"),
        ({"wants": {"purchase": "phone"}}, "wants.purchase: must be one of id, number, code, uuid, decoy"),
        ({"states": {"asleep": 1}}, "states.asleep.[key]: Input should be 'waiting'"),
        ({"attributes": {"countries": {"7": 1}}}, "attributes.countries.7: must be an object"),
        ({"http": {"nothing": 200}}, "http.nothing: there is no such endpoint"),
        ({"http": {"check": {"asleep": 202}}}, "http.check.asleep: there is no such state"),
        ({"http": {"check": {"waiting": 42}}}, "http.check.waiting: must be a status from 200 to 599"),
        ({"http": {"cancel": "200"}}, "http.cancel: must be a status"),
    ],
)
async def test_a_wrong_table_is_said(speaking: Any, tables: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=r"dialect\.json: ") as wrong:
        async with speaking({}, **tables):
            pass
    assert f"dialect.json: {said}" in str(wrong.value)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("endpoint", "answer", "said"),
    [
        ("profile", {"a": ["{nothing}"]}, "answers.profile.a[0]: there is no {nothing}"),
        ("profile", {"a": "{balance"}, "answers.profile.a: a placeholder is not closed"),
        ("profile", {"{balance|x}": 1}, "answers.profile: there is no filter 'x'"),
        ("profile", "{balance|tehran}", "answers.profile: the filter 'tehran' is not for this value"),
        ("profile", "{balance|times}", "the filter 'times' needs a number other than 0 after a colon"),
        ("profile", "{balance|divided:0}", "the filter 'divided' needs a number other than 0"),
        ("profile", "{balance|first:-1}", "the filter 'first' needs a whole number after a colon"),
        ("profile", "{balance|comma:3}", "the filter 'comma' takes no argument"),
        ("profile", "{purchase.id}", "{purchase.id} says nothing here, where no purchase is spoken of"),
        ("profile", "{country.id}", "{country.id} says nothing here, where no country is spoken of"),
        ("profile", {"$if": "sms", "$then": 1}, "$if says nothing here, where no purchase is spoken of"),
        ("profile", "{code}", "where no refusal is spoken of"),
        ("allcountries", "{balance}", "where no balance is spoken of"),
        ("allcountries", {"$each": "offers", "$as": 1}, "where no country or operator is spoken of"),
        (
            "allcountries",
            {"$each": "countries", "$as": "{operator.id}"},
            "answers.allcountries.$as: {operator.id} says",
        ),
        ("allcountries", {"$each": "countries"}, "$as is missing"),
        ("allcountries", {"$each": "planets", "$as": 1}, "$each must be one of countries"),
        ("allcountries", {"$each": "countries", "$as": 1, "x": 1}, "unknown key x beside $each"),
        ("allcountries", {"$each": "countries", "$key": 1, "$as": 1}, "$key must be a text"),
        ("allcountries", {"$every": "countries"}, "keys with $ belong to one of $each, $if, $by"),
        ("allcountries", {"$each": "countries", "$if": "sms"}, "keys with $ belong to one of"),
        ("pricebycountry", "{price}", "where no application is spoken of"),
        ("check", "{country.colour}", "there is no {country.colour}"),
        ("check", "{purchase}", "there is no {purchase}"),
        ("check", "{state.id}", "there is no {state.id}"),
        ("check", "{purchase.left|iso}", "the filter 'iso' is not for this value"),
        ("check", "{purchase.created|clock}", "the filter 'clock' is not for this value"),
        ("check", {"$if": "rain", "$then": 1}, "$if must be one of sms, code"),
        ("check", {"$by": "colour", "$else": 1}, "$by must be state"),
        ("check", {"$by": "state", "waiting": 1}, "$by says nothing of received, cancelled"),
        ("refused", "{balance}", "where no balance is spoken of"),
    ],
)
async def test_a_wrong_answer_is_said(speaking: Any, endpoint: str, answer: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"dialect.json: answers.{endpoint}") as wrong:
        async with speaking({endpoint: answer}):
            pass
    assert said in str(wrong.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"known": NaN}', "NaN is no number"),
        ("[]", "must be an object"),
        ('{"parameters": "path", "buy": "form", "answers": {}}', "answers.profile: is missing"),
    ],
)
async def test_a_file_that_cannot_be_ends_the_program_with_2(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "wrong.json"
    if content is not None:
        path.write_text(content)
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shomare_mqtt", "simulate", "--dialect", str(path), stderr=asyncio.subprocess.PIPE
    )
    _, error = await asyncio.wait_for(started.communicate(), PATIENCE)
    assert started.returncode == 2
    assert f"{path}: " in error.decode()
    assert said in error.decode()
    assert error.count(b"\n") == 1


def test_the_documented_file_is_one(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "dialects.md").read_text(encoding="utf-8")
    (tmp_path / "documented.json").write_text(text.split("```json\n")[1].split("```")[0], encoding="utf-8")
    Simulator(SimulatorOptions(dialect=str(tmp_path / "documented.json")))
    named = set(re.findall(r"`(\w+)(?::N)?`", text))
    assert {*FILTERS, *OF_AN_ENTRY, *OF_A_PURCHASES_ID} <= named
