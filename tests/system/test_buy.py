"""`buy`: what it takes, what it answers, what it refuses."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.simulator.ledger import Ledger
from tests.system.house import PRICE, PRODUCT
from tests.system.shapes import check_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shomare_mqtt.simulator import SimulatorOptions
    from shomare_mqtt.simulator.catalog import Offer
    from shomare_mqtt.simulator.ledger import Purchase
    from tests.system.house import House

pytestmark = pytest.mark.mosquitto


async def test_an_order_is_as_the_contract_shows_it(house: House) -> None:
    answer = await house.probe.ask("buy", {**PRODUCT, "transaction": "t-17"})
    assert set(answer) == {"status", "transaction", "data"}
    assert (answer["status"], answer["transaction"]) == ("ok", "t-17")
    order = check_order(answer["data"])
    assert order["purchase"] == "74001"
    assert (order["state"], order["country"], order["operator"], order["application"]) == ("waiting", "7", "1", "3")
    assert (order["country_name"], order["operator_name"], order["application_name"]) == ("Russia", "MTS", "Telegram")
    assert re.fullmatch(r"\+7\d{10}", order["phone"])
    assert order["price"] in (PRICE, None)
    assert order["expires_at"] > order["created_at"]
    assert (order["refunded"], order["charged"], order["error"]) == (None, None, None)
    assert len(house.sim.purchases) == 1
    assert house.sim.balance == 1_000_000 - PRICE


async def test_of_several_places_the_first_that_has_a_number(house: House) -> None:
    """The simulator's prices: Indonesia 60 % of Russia's, and MegaFon 90 more than MTS."""
    for country, operator in (("6", "1"), ("6", "3"), ("7", "1")):
        house.sim.set_stock(country, operator)
    places = {"country": ["Russia", "اندونزی"], "operator": [1, "megafon"], "application": 3}
    order = check_order(await house.probe.ok("buy", {**places, "choose": "cheapest", "transaction": "t"}))
    assert (order["state"], order["country"], order["operator"], order["price"]) == ("waiting", "7", "3", 2290)
    assert [(t["country"], t["operator"], t["price"], t["error"]["code"]) for t in order["tries"]] == [
        ("6", "1", 1320, "no_numbers"), ("6", "3", 1410, "no_numbers"), ("7", "1", 2200, "no_numbers"),
    ]  # fmt: skip
    assert order["tries"][0]["error"]["upstream"] == {"http": 500, "code": 500}
    assert len(house.sim.purchases) == 1
    again = await house.probe.ask("buy", {**places, "choose": "cheapest", "transaction": "t"})
    assert (again["replayed"], again["data"]) == (True, order)
    house.sim.set_stock("7", "3")
    assert (await house.probe.refused("buy", places))["code"] == "no_numbers"
    failed = check_order((await house.probe.ok("query/orders", {"state": "closed"}))[0])
    assert (failed["state"], failed["error"]["code"], len(failed["tries"])) == ("failed", "no_numbers", 4)
    assert (await house.probe.refused("buy", {**PRODUCT, "min_price": 5000}))["code"] == "price_too_low"
    assert len(house.sim.purchases) == 1


TRANSACTIONS: list[Any] = ["t", 17, -3, 2.5, "x" * 200, "سلام", ""]


async def test_the_transaction_comes_back_as_it_was(house: House) -> None:
    for transaction in TRANSACTIONS:
        answer = await house.probe.ask("buy", {**PRODUCT, "transaction": transaction})
        expected = transaction or None
        assert (answer["transaction"], type(answer["transaction"])) == (expected, type(expected))
        assert answer["data"]["transaction"] == expected


NAMES: list[tuple[dict[str, Any], tuple[str, str, str]]] = [
    ({"country": 7, "operator": 1, "application": 3}, ("7", "1", "3")),
    ({"country": "Russia", "operator": "mts", "application": "TELEGRAM"}, ("7", "1", "3")),
    ({"country": " russia ", "operator": "any", "application": "واتساپ"}, ("7", "any", "1")),
    ({"country": "ايران", "operator": "بی\u200cلاين", "application": "تيک تاك"}, ("57", "2", "9")),
    ({"country": "۷", "operator": "۲", "application": "۱۰"}, ("7", "2", "10")),
    ({"country": "روسیه", "operator": "Any operator", "application": "تلگرام"}, ("7", "any", "3")),
]


async def test_ids_and_names_in_every_form(house: House) -> None:
    house.sim.set_stock("57", "2", "9", 5)
    for given, wanted in NAMES:
        order = await house.buy(**given)
        assert (order["country"], order["operator"], order["application"]) == wanted
    assert house.bought() == [wanted for _, wanted in NAMES]


REFUSED: list[tuple[Any, str, str]] = [
    ({**PRODUCT, "country": "Russland"}, "unknown_name", "Russia"),
    ({**PRODUCT, "country": "Rusia"}, "unknown_name", "Russia"),
    ({**PRODUCT, "country": 999}, "unknown_name", "999"),
    ({**PRODUCT, "application": "Telegrm"}, "unknown_name", "Telegram"),
    ({**PRODUCT, "country": None}, "invalid_command", "country"),
    ({**PRODUCT, "country": True}, "invalid_command", "country"),
    ({**PRODUCT, "country": 7.0}, "invalid_command", "country"),
    ({**PRODUCT, "country": []}, "invalid_command", "country"),
    ({**PRODUCT, "country": ["7", "7"]}, "invalid_command", "country"),
    ({**PRODUCT, "country": [["7"]]}, "invalid_command", "country"),
    ({**PRODUCT, "application": ["3"]}, "invalid_command", "application"),
    ({**PRODUCT, "country": {}}, "invalid_command", "country"),
    ({**PRODUCT, "operator": ""}, "invalid_command", "operator"),
    ({"country": "7", "operator": "1"}, "invalid_command", "application"),
    ({**PRODUCT, "max_price": "5"}, "invalid_command", "max_price"),
    ({**PRODUCT, "max_price": -1}, "invalid_command", "max_price"),
    ({**PRODUCT, "max_price": None}, "invalid_command", "max_price"),
    ({**PRODUCT, "max_price": True}, "invalid_command", "max_price"),
    ({**PRODUCT, "colour": "red"}, "invalid_command", "colour"),
    ({**PRODUCT, "expires_at": 12}, "invalid_command", "expires_at"),
    ({**PRODUCT, "expires_at": "soon"}, "invalid_command", "expires_at"),
    ({**PRODUCT, "expires_at": None}, "invalid_command", "expires_at"),
    ({**PRODUCT, "expires_at": "2020-01-01T00:00:00Z"}, "expired_command", ""),
    ({**PRODUCT, "max_price": PRICE - 1}, "price_too_high", f"{PRICE - 1:,} IRT"),
]


WRONG_TRANSACTIONS: list[Any] = [None, True, [], {}, "x" * 201]


async def test_what_is_refused_buys_nothing(house: House) -> None:
    for payload, code, word in REFUSED:
        error = await house.probe.refused("buy", payload)
        assert (error["code"], error["retryable"]) == (code, False), (payload, error)
        assert word in error["message"]
        event = await house.probe.message("event/bridge", 0, lambda s, m=error["message"]: m in s.json["message"])  # type: ignore[misc]
        assert event.json["event_type"] == "command_refused"
        assert (event.json["command"], event.json["code"]) == ("buy", code)
    for transaction in WRONG_TRANSACTIONS:
        since = await house.probe.publish("buy", {**PRODUCT, "transaction": transaction})
        answer = await house.probe.answer("buy", since)
        assert (answer["error"]["code"], answer["transaction"]) == ("invalid_command", None)
        assert "transaction" in answer["error"]["message"]
    assert house.bought() == []
    assert house.probe.all("event/order") == []
    assert house.sim.calls["buy"] == 0


async def test_what_the_provider_refuses_makes_a_failed_order(house: House) -> None:
    house.sim.set_balance(100)
    answer = await house.probe.ask("buy", PRODUCT)
    assert answer["status"] == "error"
    assert set(answer) == {"status", "transaction", "error"}
    assert answer["error"]["code"] == "insufficient_balance"
    assert answer["error"]["retryable"] is False
    assert answer["error"]["upstream"] == {"http": 402, "code": 402}
    event = (await house.probe.message("event/order", 0, lambda s: s.json["event_type"] == "failed")).json
    order = check_order(event["order"])
    assert event["previous"] == "buying"
    assert order["error"] == answer["error"]
    assert (order["purchase"], order["phone"], order["refunded"]) == (None, None, None)
    assert await house.order(order["order"], "failed") == order
    no_numbers = await house.probe.refused("buy", {**PRODUCT, "application": "TikTok"})
    house.sim.set_balance(100_000)
    no_numbers = await house.probe.refused("buy", {**PRODUCT, "application": "TikTok"})
    assert (no_numbers["code"], no_numbers["retryable"]) == ("no_numbers", True)
    assert no_numbers["upstream"] == {"http": 500, "code": 500}
    assert house.bought() == []
    for code in ("insufficient_balance", "no_numbers"):
        said = (await house.probe.message("event/bridge", 0, lambda s, c=code: s.json.get("code") == c)).json  # type: ignore[misc]
        assert (said["event_type"], said["command"]) == ("command_refused", "buy")
        assert (said["order"] == order["order"]) == (code == "insufficient_balance")


async def test_a_refused_token_and_a_blocked_account(house: House) -> None:
    house.sim.block()
    error = await house.probe.refused("buy", PRODUCT)
    assert (error["code"], error["upstream"]) == ("account_blocked", {"http": 401, "code": -1})
    await house.probe.holds("provider/state", lambda s: s["state"] == "blocked")
    house.sim.block(blocked=False)
    house.sim.option(token="another")
    error = await house.probe.refused("buy", PRODUCT)
    assert (error["code"], error["upstream"]) == ("invalid_token", {"http": 401, "code": 401})
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "unauthorized")
    assert state["error"]["code"] == "invalid_token"
    assert house.bought() == []


async def test_two_presses_are_one(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"limits": {"double_press": 600}})
    first = await house.probe.publish("buy", '{"country": 7, "operator": 1, "application": 3}')
    await house.probe.publish("buy", '{"application":3,"country":7,"operator":1}')
    answers = await house.probe.until(
        lambda: house.probe.all("response/buy", first)[1:] and house.probe.all("response/buy")
    )
    assert sorted(a.json["status"] for a in answers) == ["error", "ok"]
    refused = next(a.json for a in answers if a.json["status"] == "error")
    assert refused["error"]["code"] == "duplicate_command"
    assert "transaction" in refused
    assert (await house.probe.ok("buy", {**PRODUCT, "application": 1}))["state"] == "waiting"
    assert len(house.bought()) == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
async def test_two_presses_are_one_over_a_restart(open_house: Callable[..., Awaitable[House]], number: int) -> None:
    house = await open_house()
    daemon = await house.start({"limits": {"double_press": 600}})
    await house.buy(transaction="")
    if number == signal.SIGHUP:
        house.file({"limits": {"double_press": 600}, "provider": {"currency": "IRR"}})  # which takes a new connection
        daemon.process.send_signal(number)
        await daemon.said("stopping")
    else:
        await house.again(number=number)
    since = await house.probe.publish("buy", PRODUCT)
    # The first answer may come again: a crash may have kept its PUBACK from us.
    answer = await house.probe.message("response/buy", since, lambda s: s.json["status"] == "error")
    assert answer.json["error"]["code"] == "duplicate_command"
    assert len(house.bought()) == 1


async def test_the_switch(house: House) -> None:
    await house.probe.text("buying", "on")
    assert await house.probe.ok("buying/set", "off") == {"buying": "off"}
    await house.probe.text("buying", "off")
    error = await house.probe.refused("buy", {**PRODUCT, "transaction": "later"})
    assert (error["code"], error["retryable"]) == ("buying_paused", True)
    for wrong in ("1", "", "{}", "true", "on off"):
        assert (await house.probe.refused("buying/set", wrong))["code"] == "invalid_command"
    await house.again()
    await house.probe.text("buying", "off")
    assert (await house.probe.refused("buy", {**PRODUCT, "transaction": "later"}))["code"] == "buying_paused"
    await house.probe.ok("buying/set", "ON")
    assert (await house.probe.ok("buy", {**PRODUCT, "transaction": "later"}))["state"] == "waiting"


async def test_limits(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    limits = {"max_price": 2500, "max_spend_per_day": 7000, "max_open_orders": 2, "min_balance": 900_000}
    await house.start({"limits": limits})
    error = await house.probe.refused("buy", {**PRODUCT, "application": "WhatsApp"})
    assert error["code"] == "price_too_high"
    assert "2,500 IRT" in error["message"]
    first = await house.buy()
    await house.buy()
    error = await house.probe.refused("buy", PRODUCT)
    assert (error["code"], "max_open_orders" in error["message"]) == ("limit_reached", True)
    await house.probe.ok("cancel", {"order": first["order"]})
    house.sim.set_balance(901_000)
    error = await house.probe.refused("buy", PRODUCT)
    assert (error["code"], "min_balance" in error["message"]) == ("limit_reached", True)
    house.sim.set_balance(1_000_000)
    house.sim.fault("pricebyproduct", "html")
    assert (await house.probe.refused("buy", PRODUCT))["code"] in ("malformed_answer", "provider_error")
    await house.buy()
    assert len(house.bought()) == 3


async def test_the_most_that_may_be_spent_in_a_day(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"limits": {"max_spend_per_day": 5000, "max_buys_per_hour": 3}})
    first = await house.buy()
    await house.buy()
    error = await house.probe.refused("buy", PRODUCT)
    assert (error["code"], "max_spend_per_day" in error["message"]) == ("limit_reached", True)
    await house.probe.ok("cancel", {"order": first["order"]})
    await house.buy()
    error = await house.probe.refused("buy", {**PRODUCT, "application": "6"})
    assert error["code"] == "limit_reached"
    assert len(house.bought()) == 3


async def test_a_number_that_came_dearer_than_allowed_is_kept(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Ledger.buy

    def dearer(self: Ledger, offer: Offer, options: SimulatorOptions) -> Purchase:
        return real(self, replace(offer, price=offer.price * 2), options)

    monkeypatch.setattr(Ledger, "buy", dearer)
    order = await house.buy(max_price=PRICE)
    assert (order["state"], order["price"]) == ("waiting", 2 * PRICE)
    event = await house.probe.message("event/bridge")
    assert f"{2 * PRICE:,} IRT" in event.json["message"]
    assert len(house.bought()) == 1


async def test_ids_are_passed_on_while_the_lists_cannot_be_read(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    for endpoint in ("allcountries", "alloperators", "allapplications"):
        house.sim.fault(endpoint, "html", times=None)
    since = len(house.probe.seen)
    await house.launch()
    await house.probe.message("bridge/state", since, lambda s: s.text == "online")
    order = await house.buy(country=7, operator="any")
    assert (order["country"], order["country_name"], order["operator"]) == ("7", None, "any")
    error = await house.probe.refused("buy", {**PRODUCT, "country": "Russia"})
    assert error["code"] in ("provider_error", "malformed_answer")
    assert house.bought() == [("7", "any", "3")]
