"""Every `query/…`, in payload and topic form, from senders of both protocols."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.patience import PATIENCE
from tests.programs import program
from tests.system.house import PRICE, PRODUCT
from tests.system.shapes import check_order, is_time

if TYPE_CHECKING:
    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


EMPTY: list[Any] = ["", "{}", {}, " "]


async def test_profile(house: House) -> None:
    house.sim.set_balance("123456.75")
    for payload in EMPTY:
        data = await house.probe.ok("query/profile", payload)
        assert (data["balance"], data["currency"]) == (123456.75, "IRT")
        assert is_time(data["updated_at"])
    await house.probe.text("profile/balance", "123456.75")
    retained = await house.probe.holds("profile", lambda p: p["balance"] == 123456.75)
    assert set(retained) == {"balance", "currency", "updated_at"}
    house.sim.set_balance("90071992547409931.13")
    await house.probe.publish("query/profile")
    await house.probe.text("profile/balance", "90071992547409931.13")
    answer = await house.probe.message(
        "response/query/profile", 0, lambda s: b'"balance":90071992547409931.13' in s.payload
    )
    assert answer.retain is False


async def test_the_three_lists(house: House) -> None:
    for kind, count, first in (("countries", 8, "7"), ("operators", 5, "1"), ("applications", 10, "3")):
        for payload in EMPTY[:3]:
            data = await house.probe.ok(f"query/{kind}", payload)
            assert len(data) == count
            assert data[0]["id"] == first
            assert all(isinstance(e["id"], str) and isinstance(e["name"], str) for e in data)
        assert house.probe.retained()[kind] == house.probe.last(kind).payload  # type: ignore[union-attr]
        assert json.loads(house.probe.retained()[kind]) == data


async def test_prices_and_price(house: House) -> None:
    for topic, payload in (
        ("query/prices", {"country": 7, "operator": "MTS"}),
        ("query/prices/7/1", ""),
        ("query/prices/russia/mts", "{}"),
        ("query/prices/%D8%B1%D9%88%D8%B3%DB%8C%D9%87/1", {"transaction": "t"}),
    ):
        data = await house.probe.ok(topic, payload)
        assert (data["country"], data["operator"]) == ("7", "1")
        assert set(data) == {"country", "operator", "prices", "updated_at"}
        assert len(data["prices"]) == 10
        telegram = next(p for p in data["prices"] if p["application"] == "3")
        assert telegram == {
            "application": "3", "application_name": "Telegram", "price": PRICE, "count": telegram["count"]
        }  # fmt: skip
        assert telegram["count"] >= 500
    for topic, payload in (
        ("query/price", {"country": 7, "operator": "1", "application": "telegram"}),
        ("query/price/7/1/3", ""),
        ("query/price/Russia/MTS/Telegram", "{}"),
    ):
        data = await house.probe.ok(topic, payload)
        assert is_time(data.pop("updated_at"))
        assert data == {"country": "7", "operator": "1", "application": "3", "price": PRICE, "count": telegram["count"]}
    assert not [t for t in house.probe.retained() if t.startswith(("prices/", "quote"))]


async def test_check(house: House) -> None:
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], text="Your code: 60-1234", code="601234")
    forms: list[tuple[str, Any]] = [
        ("query/check", {"order": order["order"]}),
        ("query/check", {"order": "current"}),
        ("query/check", {"purchase": order["purchase"]}),
        ("query/check", {"purchase": int(order["purchase"])}),
        (f"query/check/{order['order']}", ""),
        (f"query/check/{order['purchase']}", "{}"),
        ("query/check/current", {"transaction": 5}),
    ]
    for topic, payload in forms:
        data = check_order(await house.probe.ok(topic, payload))
        assert (data["order"], data["state"], data["sms_count"]) == (order["order"], "received", 1)
        sms = data["sms"][0]
        assert set(sms) == {"sms", "code", "text", "sender", "received_at"}
        assert (sms["code"], sms["text"]) == ("601234", "Your code: 60-1234")
    assert len(house.probe.all("event/sms")) == 1
    assert (await house.probe.refused("query/check", {"order": "nobody"}))["code"] == "order_not_found"
    assert (await house.probe.refused("query/check", {"purchase": "1"}))["code"] == "not_found"
    for wrong in ({}, "", {"order": "a", "purchase": "b"}, {"id": "1"}, {"order": 5}):
        assert (await house.probe.refused("query/check", wrong))["code"] == "invalid_command"


async def test_orders(house: House) -> None:
    assert await house.probe.ok("query/orders") == []
    made = [(await house.buy(application=a))["order"] for a in (3, 1, 2)]
    await house.probe.ok("cancel", {"order": made[1]})
    house.sim.deliver_sms("74001", code="11223")
    await house.order(made[0], "received")

    async def ids(**payload: Any) -> list[str]:
        return [check_order(o)["order"] for o in await house.probe.ok("query/orders", payload)]

    assert await ids() == [made[2], made[0]]
    assert await ids(state="open") == [made[2], made[0]]
    assert await ids(state="closed") == [made[1]]
    assert await ids(state="all") == made[::-1]
    assert await ids(state="all", limit=2) == made[:0:-1]
    assert (await house.probe.ok("query/orders", ""))[1]["sms"][0]["code"] == "11223"
    for wrong in ({"state": "gone"}, {"state": None}, {"limit": 0}, {"limit": 501}, {"limit": "5"}, {"limit": True}):
        error = await house.probe.refused("query/orders", wrong)
        assert (error["code"], next(iter(wrong)) in error["message"]) == ("invalid_command", True)
    assert len(await ids(limit=500)) == 2


async def test_unknown_queries(house: House) -> None:
    for topic in (
        "query/nothing",
        "query/prices/7",
        "query/price/7/1",
        "query",
        "query/check/1/2",
        "query/orders/x",
        "query/",
    ):
        assert (await house.probe.refused(topic, "{}"))["code"] == "unknown_command", topic
    assert (await house.probe.refused("defaults/colour/set", "red"))["code"] in ("unknown_command", "invalid_command")
    for topic in ("query/profile", "query/countries", "query/prices/7/1"):
        for wrong in ("x", "[]", "null", '{"a": 1}', "7"):
            assert (await house.probe.refused(topic, wrong))["code"] == "invalid_command"


async def test_errors_of_the_provider(house: House) -> None:
    codes = {
        "html": {"provider_error", "malformed_answer", "unknown_endpoint"},
        "empty": {"malformed_answer"},
        "truncated": {"malformed_answer"},
        "redirect": {"provider_error", "malformed_answer"},
        "429": {"provider_error"},
        "framework_500": {"provider_error"},
    }
    for kind, wanted in codes.items():
        house.sim.fault("profile", kind, times=10, **({"status": 502} if kind == "html" else {}))
        error = await house.probe.refused("query/profile", {})
        assert error["code"] in wanted, (kind, error)
        house.sim.clear_faults()
    assert (await house.probe.ok("query/profile"))["balance"] == 1_000_000
    await house.sim.stop()
    error = await house.probe.refused("query/profile", {})
    assert (error["code"], error["retryable"]) == ("provider_unreachable", True)
    assert "upstream" not in error
    assert (await house.probe.refused("buy", PRODUCT))["code"] == "provider_unreachable"
    await house.probe.holds("provider/state", lambda s: s["state"] == "unreachable")


async def test_questions_at_the_same_moment_are_asked_once(house: House) -> None:
    house.sim.fault("pricebycountry", "hold", times=None)
    before = house.sim.calls["pricebycountry"]
    since = len(house.probe.seen)
    for number in range(10):
        await house.probe.publish("query/prices/7/2", {"transaction": number})
    await house.all_taken()
    house.sim.clear_faults()
    topic = "response/query/prices/7/2"
    answers = await house.probe.until(lambda: house.probe.all(topic, since)[9:] and house.probe.all(topic, since))
    assert all(a.json["status"] == "ok" for a in answers)
    assert house.sim.calls["pricebycountry"] == before + 1


async def test_response_topic_and_correlation_data(house: House) -> None:
    where = f"{house.base}-else/answers"
    for topic, payload in (("query/profile", "{}"), ("buy", PRODUCT), ("cancel", "current"), ("query/none", "")):
        since = await house.probe.publish(topic, payload, reply=where, correlation=b"\x00\xff7")
        own = await house.probe.message(f"response/{topic}", since)
        there = await house.probe.message(f"/{where}", since)
        assert (there.payload, there.correlation, there.retain) == (own.payload, b"\x00\xff7", False)
    for number, wrong in enumerate((
        f"{house.base}/buy", f"{house.base}", f"{house.base}-ha/x", f"{house.base}/response/x", "$SYS/x", "$share/a/b",
    )):  # fmt: skip
        product = {**PRODUCT, "transaction": f"wrong-{number}"}
        answer = await house.probe.ask("buy", product, reply=wrong)
        assert answer["status"] == "error"
        assert answer["error"]["code"] == "invalid_command"
    assert len(house.bought()) == 1


async def test_an_answer_is_the_same_for_mqtt_3_1_1(house: House) -> None:
    async with house.another_probe(protocol=4) as older:
        order = await older.ok("buy", PRODUCT)
        house.sim.deliver_sms(order["purchase"], code="31111")
        assert (await older.message("code")).text == "31111"
        assert (await older.ok("query/check/current"))["sms"][0]["code"] == "31111"


async def test_mosquittos_own_programs(house: House) -> None:
    async def run(*arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            program(arguments[0]), "-p", str(house.port), *arguments[1:], stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(PATIENCE):
            out, _ = await process.communicate()
        return out.decode()

    for version in ("mqttv311", "mqttv5"):
        since = len(house.probe.seen)
        text = json.dumps({**PRODUCT, "transaction": version})
        await run("mosquitto_pub", "-V", version, "-t", f"{house.base}/buy", "-m", text, "-q", "1")
        assert (await house.probe.answer("buy", since))["transaction"] == version
    where = f"{house.base}-else/rr"
    out = await run(
        "mosquitto_rr",
        "-V",
        "mqttv5",
        "-t",
        f"{house.base}/query/price/7/1/3",
        "-e",
        where,
        "-m",
        "{}",
        "-W",
        str(int(PATIENCE)),
    )
    assert json.loads(out)["data"]["price"] == PRICE
    out = await run("mosquitto_sub", "-t", f"{house.base}/profile/balance", "-C", "1", "-W", str(int(PATIENCE)))
    assert float(out) <= 1_000_000


async def test_offers(house: House) -> None:
    house.sim.set_stock("7", "2")
    data = await house.probe.ok("query/offers", {"application": "Telegram", "country": [7, "Indonesia"], "limit": 500})
    assert (data["application"], data["application_name"]) == ("3", "Telegram")
    assert (data["places"], data["read"], data["unread"]) == (10, 10, 0)
    prices = [offer["price"] for offer in data["offers"]]
    assert prices == sorted(prices)
    places = {(offer["country"], offer["operator"]) for offer in data["offers"]}
    assert places == {(c, o) for c in ("7", "6") for o in ("1", "2", "3", "4", "any")} - {("7", "2")}
    assert data["offers"][0]["country_name"] == "Indonesia"
    assert all(is_time(offer["updated_at"]) for offer in data["offers"])
    done = await house.probe.message("event/offers", 0, lambda s: b'"done"' in s.payload)
    assert json.loads(done.payload) == {"event_type": "done", "read": 10, "unread": 0, "places": 10}
    assert done.retain is False
    calls = house.sim.calls["pricebycountry"]
    again = await house.probe.ok("query/offers/3", {"transaction": "t"})
    assert (again["places"], house.sim.calls["pricebycountry"]) == (40, calls + 30), "what is known is not read again"
    house.sim.fault("pricebycountry", "framework_500", times=None)
    faulty = await house.probe.ok("query/offers", {"application": 3, "country": 7, "max_age": 0})
    assert (faulty["offers"], faulty["read"], faulty["unread"]) == ([], 0, 5)
    house.sim.clear_faults()
