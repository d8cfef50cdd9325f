"""What daemons saw of `buy`, `check` and `cancel`, from the journal and from `bridge/info`."""

from __future__ import annotations

from typing import Any

from shomare_mqtt.core.masking import Mask
from shomare_mqtt.doctor.finding import State
from shomare_mqtt.doctor.purchases import of_purchases
from tests.doctor.places import settings

MASK = Mask(("tok-5f0c1e7a9b2d",))
BUY = {
    "outline": {"data": {"id": "number", "code": "text"}},
    "found": [
        {"field": "buy.purchase", "place": "data.code", "sureness": "tried", "others": ["data.id"]},
        {"field": "buy.expires", "place": None, "sureness": "missing"},
    ],
}


def findings(answers: Any) -> dict[str, Any]:
    return {each.name: each for each in of_purchases(answers, settings(), MASK)}


def test_nothing_was_seen() -> None:
    (only,) = findings({}).values()
    assert (only.name, only.state) == ("buy, check, cancel", State.UNKNOWN)


def test_a_purchase_and_no_check() -> None:
    found = findings({"buy": BUY})
    assert [found[name].state for name in ("buy", "check", "check with SMS", "cancel")] == [
        State.GOOD, State.UNKNOWN, State.UNKNOWN, State.UNKNOWN,
    ]  # fmt: skip
    assert found["buy.purchase"].text == "read at `data.code` (tried, and it works); it could be `data.id`"
    assert found["buy.purchase"].advice == 'if that is wrong: "buy.purchase" = "data.id" under [provider.fields]'
    assert found["buy.expires"].state is State.GOOD
    assert "orders.lifetime counts" in found["buy.expires"].text


def test_a_field_of_a_check_is_that_of_the_one_with_an_sms() -> None:
    without = {"outline": {"sms": "empty"}, "found": [{"field": "check.sms", "place": None, "sureness": "missing"}]}
    with_ = {"outline": {"sms": "text"}, "found": [{"field": "check.sms", "place": "sms", "sureness": "sure"}]}
    for answers in ({"check": without, "check with SMS": with_}, {"check": with_, "check with SMS": without}):
        assert findings(answers)["check.sms"].text == "read at `sms` (sure)"
    assert findings({"check": without})["check.sms"].state is State.BAD


def test_an_answer_that_was_no_json() -> None:
    assert findings({"cancel": {"outline": None, "found": []}})["cancel"].state is State.UNKNOWN


def test_nonsense_is_passed_over() -> None:
    rows = [{"field": 1, "place": "x", "sureness": "sure"}, {"field": "x", "sureness": "?"}, 7]
    found = findings({"buy": {"outline": "text", "found": rows}, "check": [], "cancel": {"outline": 1, "found": 7}})
    assert set(found) == {"buy", "check", "check with SMS", "cancel"}
