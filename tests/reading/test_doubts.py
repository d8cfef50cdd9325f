"""How doubts are told: places alone and no value, and none of what the owner has set by hand."""

from __future__ import annotations

from dataclasses import replace

from shomare_mqtt.model import CatalogKind
from shomare_mqtt.provider.reading import read_buy, read_catalog, read_prices, read_profile
from shomare_mqtt.provider.reading.by_hand import ByHand
from shomare_mqtt.provider.reading.doubts import doubt, place
from tests.reading.contexts import NOTHING
from tests.reading.readings import answer


def test_a_name_that_may_be_a_value_is_not_told() -> None:
    assert place(("data", "79313226657"), "zorvex") == "data.*.zorvex"
    assert place(("data", "order2"), "کد") == 'data.order2."کد"'


def test_a_doubt_names_each_place_once_and_not_too_many() -> None:
    assert doubt("balance", ["a", "b", "a"]) == ("balance: a or b",)
    assert doubt("balance", "abcdef") == ("balance: a or b or c or d",)
    assert doubt("balance", []) == ()


def test_what_is_set_by_hand_is_not_doubted() -> None:
    profile = answer({"data": {"credit": 45000, "wallet": 12000}})
    bought = answer({"data": {"zorvex": 740019, "token": 8842, "phone": "+79313226657"}})
    prices = answer({"data": [{"application_id": 3, "zorvex": 2200, "count": 10, "rate": 99}]})
    listed = answer([{"zorvex": 7, "name": "Russia"}, {"zorvex": 98, "name": "Iran"}])
    places = {
        "profile.balance": "data.wallet",
        "buy.purchase": "data.zorvex",
        "prices.price": "zorvex",
        "countries.id": "zorvex",
    }
    set_by_hand = replace(NOTHING, by_hand=ByHand.of(places, {}))
    for context, doubted in ((NOTHING, True), (set_by_hand, False)):
        readings = (
            read_profile(profile, context),
            read_buy(bought, context),
            read_prices("7", "1", prices, context),
            read_catalog(CatalogKind.COUNTRIES, listed, context),
        )
        assert [bool(reading.doubtful) for reading in readings] == [doubted] * len(readings)
