"""The file for a bug report: nothing of anybody's in it, and a simulated provider's dialect that is read the same."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.doctor.asking import ask
from shomare_mqtt.doctor.provider import of_provider
from shomare_mqtt.doctor.report import MOST_ENTRIES, report, written
from shomare_mqtt.simulator import Simulator, SimulatorOptions
from shomare_mqtt.simulator.dialects import DIALECTS
from tests.doctor.places import ANSWERS, TOKEN, examined, settings, shop, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shomare_mqtt.doctor.examination import Examination
    from shomare_mqtt.doctor.finding import Finding

PHONE, CODE, EMAIL = "79313226657", "482913", "ali.rezaei@example.com"
CARD, IBAN, NATIONAL = "6037991234567893", "IR062960000000100324200001", "0012345679"
SENTENCE = f"Your Telegram code is {CODE}, do not share it"
PLANTED = (TOKEN, TOKEN[::-1], PHONE, CODE, EMAIL, CARD, IBAN, NATIONAL, "Rezaei", "رضایی")
IN_DISGUISE = (
    TOKEN.upper(),
    TOKEN[::-1],
    base64.b64encode(TOKEN.encode()).decode(),
    TOKEN.encode().hex(),
    f"x{TOKEN}x",
)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def places(findings: Iterable[Finding]) -> dict[str, str]:
    """Every field's finding, without keys that may be values."""
    return {each.name: f"{each.state} {each.text}" for each in findings if "." in each.name}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_report_is_a_dialect_that_is_read_the_same(dialect: str, tmp_path: Path) -> None:
    async with Simulator(SimulatorOptions(token=TOKEN, dialect=dialect)) as real:
        first = await examined(settings(real.base_url), tmp_path)
    file = tmp_path / "report.json"
    file.write_bytes(written(report(first)))
    async with Simulator(SimulatorOptions(token=TOKEN, dialect=str(file))) as pretended:
        given = settings(pretended.base_url)
        # It takes every id, so that what was found out by trying comes from the report as well.
        second = await ask(given, TOKEN, first.answers.learnt)
    assert places(of_provider(given, second, first.mask)) == places(first.findings)
    assert not second.errors


async def planted(tmp_path: Path) -> Examination:
    """Everything that is secret or a person's, wherever it can stand: also in lists, prices and keys."""
    own = {
        "name": "Ali Rezaei", "nam": "علی رضایی", "phone": f"+{PHONE}", "mobile": int(PHONE), "email": EMAIL,
        "card": CARD, "iban": IBAN, "national_id": NATIONAL, "sms": SENTENCE, "token": TOKEN, "also": list(IN_DISGUISE),
        PHONE: "x", TOKEN: "y", "code": int(CODE), "note": f"{TOKEN[:12]}… is your token",
    }  # fmt: skip
    decoys = {
        "phone": f"+{PHONE}", "contact": EMAIL, "info": SENTENCE, "api": TOKEN, "also": list(IN_DISGUISE),
        "user": {"name": "Ali Rezaei", "balance": 192100, "family": "رضایی"}, "otp": CODE, "n": int(PHONE),
        "pay": f"{IBAN} {CARD}", "melli": NATIONAL,
    }  # fmt: skip
    answers = {
        "profile": {"status": True, "message": f"Ali Rezaei {SENTENCE}", "data": {**own, "balance": 192100}},
        "allcountries": {"status": True, "data": [{"id": 7, "name": "Russia", **decoys}, {"id": 2, "name": "Iran"}]},
        "alloperators": {"status": True, "data": [{"id": 1, "name": f"MTS +{PHONE}"}], "meta": decoys},
        "allapplications": {"status": True, "data": [{"id": 3, "name": "Telegram"}, {"id": 4, "name": SENTENCE}]},
        "pricebycountry": {"status": True, "data": [{"application": 3, "price": 2200, "count": 5, **decoys}]},
        "pricebyproduct": {"status": False, "code": 404, "message": f"{EMAIL} {PHONE} {SENTENCE} {TOKEN}"},
    }
    async with shop({"pricebyproduct": 404}, **answers) as server:
        return await examined(settings(server.url), tmp_path)


async def test_nothing_secret_stands_in_a_report(tmp_path: Path) -> None:
    text = written(report(await planted(tmp_path))).decode()
    for secret in (*PLANTED, *IN_DISGUISE, "192100", "192,100"):
        assert secret not in text, secret
    assert not re.search(r"\b9313226657\b", text)


async def test_nothing_secret_is_shown_to_the_owner(tmp_path: Path) -> None:
    seen = await planted(tmp_path)
    text = shown(seen)
    for secret in PLANTED:
        assert secret not in text, secret
    assert "balance 192,100" in text, "the owner's own figure, to compare with the provider's site"


async def test_what_everybody_may_know_stays(tmp_path: Path) -> None:
    content = report(await planted(tmp_path))
    answers = content["answers"]
    (first, second) = answers["allcountries"]["data"]
    assert (first["id"], first["name"], second) == (7, "Russia", {"id": 2, "name": "Iran"})
    (price,) = answers["pricebycountry"]["data"]
    assert (price["application"], price["price"], price["count"]) == (3, 2200, 5)


async def test_replacements_are_alike(tmp_path: Path) -> None:
    data = report(await planted(tmp_path))["answers"]["profile"]["data"]
    assert re.fullmatch(r"[A-Z][a-z]{2} [A-Z][a-z]{5}", data["name"])
    assert re.fullmatch(r"[\u0600-\u06ff]{3} [\u0600-\u06ff]{5}", data["nam"])
    assert re.fullmatch(r"\+\d{11}", data["phone"])
    assert data["phone"] == f"+{data['mobile']}", "what is equal stays equal"
    assert re.fullmatch(r"[a-z]{3}\.[a-z]{6}@[a-z]{7}\.[a-z]{3}", data["email"])
    assert re.fullmatch(r"[A-Z]{2}\d{24}", data["iban"])
    assert re.fullmatch(r"[1-9]{4}00", str(data["balance"]))


async def test_an_id_in_two_places_is_one_id(tmp_path: Path) -> None:
    long_id = "b7e0c9c2-6a0e-4f5e-9d53-3c1d2f7a9e10"
    answers: dict[str, Any] = {
        "allapplications": [{"id": long_id, "name": "Telegram"}],
        "pricebycountry": [{"application": long_id, "price": 2200, "count": 5}],
        "pricebyproduct": {"application": long_id, "price": 2200, "count": 5},
    }
    async with shop(**answers) as server:
        found = report(await examined(settings(server.url), tmp_path))["answers"]
    own = found["allapplications"][0]["id"]
    assert own != long_id
    assert own == found["pricebycountry"][0]["application"] == found["pricebyproduct"]["application"]


async def test_its_settings_are_masked(tmp_path: Path) -> None:
    async with shop() as server:
        found = settings(server.url, mqtt={"port": 9, "username": "me", "password": "broker-pw-77"})
        text = written(report(await examined(found, tmp_path))).decode()
    assert json.loads(text)["settings"]["provider"]["token"] == "***"
    assert "broker-pw-77" not in text
    assert TOKEN not in text


async def test_a_long_list_is_cut_and_that_is_said(tmp_path: Path) -> None:
    countries = [{"id": number, "name": f"Land {number}", "note": "{curly}"} for number in range(1, 400)]
    async with shop(allcountries=countries) as server:
        content = report(await examined(settings(server.url), tmp_path))
    assert len(content["answers"]["allcountries"]) == MOST_ENTRIES
    assert f"Of allcountries the first {MOST_ENTRIES} entries" in content["about"]
    assert content["answers"]["allcountries"][0]["note"] == "{{curly}", "as a dialect's file writes a brace"


async def test_what_was_no_json_is_left_out(tmp_path: Path) -> None:
    async with shop({"profile": 502}, profile=b"<html>Ali Rezaei</html>") as server:
        content = report(await examined(settings(server.url, provider={"timeout": 1}), tmp_path))
    assert "profile" not in content["answers"]
    assert content["http"]["profile"] == 502
    assert content["content_types"]["profile"] == "text/html"
    assert "Rezaei" not in json.dumps(content)


def test_numbers_are_written_as_they_came() -> None:
    from decimal import Decimal  # noqa: PLC0415 - this test alone

    assert json.loads(written({"a": Decimal("2.200")}), parse_float=str) == {"a": "2.200"}
    assert ANSWERS


async def test_a_report_of_nothing_is_a_dialect_still(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    content: dict[str, Any] = report(await examined(settings(), tmp_path))
    assert content["answers"] == {}
    file.write_bytes(written(content))
    async with Simulator(SimulatorOptions(token=TOKEN, dialect=str(file))) as pretended:
        assert not (await examined(settings(pretended.base_url), tmp_path)).is_well


@pytest.mark.parametrize("own", [TOKEN, *IN_DISGUISE, f"+{PHONE}", int(PHONE), IBAN, EMAIL, SENTENCE])
async def test_the_id_of_a_place_that_was_asked_for_may_be_a_secret(own: Any, tmp_path: Path) -> None:
    countries = [{"id": own, "name": "Russia"}, {"id": 2, "name": "Iran"}]
    async with shop(allcountries=countries) as server:
        found = await examined(settings(server.url), tmp_path)
    assert "of country" in shown(found)
    assert str(own) not in shown(found)
    assert str(own) not in written(report(found)).decode()


@pytest.mark.parametrize(
    "own",
    [
        "0912/345/6789",
        "0912\u200c345\u200c6789",
        "0912\u2013345\u20136789",
        "0912\u00a0345\u00a06789",
        "ali%40giraffe.example",
    ],
)
async def test_a_number_or_an_address_in_another_writing(own: str, tmp_path: Path) -> None:
    async with shop(allapplications=[{"id": 3, "name": own}, {"id": 4, "name": f"x {own}", own: own}]) as server:
        found = await examined(settings(server.url), tmp_path)
    assert own not in shown(found)
    assert own not in written(report(found)).decode()


async def test_a_stock_that_is_a_phone_number(tmp_path: Path) -> None:
    async with shop(pricebyproduct={"status": True, "data": {"price": 2200, "count": int(PHONE)}}) as server:
        found = await examined(settings(server.url), tmp_path)
    assert PHONE not in shown(found)
    assert PHONE not in written(report(found)).decode()


async def test_what_a_provider_writes_cannot_steer_who_reads_a_report(tmp_path: Path) -> None:
    name = "\u202eRed\x1b[31m\x9b2J\u2028\ud800"
    async with shop(allcountries=[{"id": 7, "name": name, name: 1}]) as server:
        content = written(report(await examined(settings(server.url), tmp_path))).decode()
    assert not [c for c in content if c != "\n" and not c.isprintable()]
    (country,) = json.loads(content)["answers"]["allcountries"]
    assert country["name"] == name.replace("\ud800", "\ufffd")
