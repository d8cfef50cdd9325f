"""The Jinja texts, rendered as Home Assistant does it: `value`, `value_json` where it is JSON, the result stripped."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shomare_mqtt.homeassistant import WatchedProduct, templates
from shomare_mqtt.model import Buy, Cancel, Incoming, Resolve
from shomare_mqtt.mqtt.commands import CommandParser
from tests.homeassistant.contexts import TELEGRAM, components, context, many_applications

NOW = datetime(2026, 11, 24, 4, 0, 0, tzinfo=UTC)
ORDER = {
    "order": "01KAR00000000000000000000A",
    "purchase": "74001",
    "transaction": "t-17",
    "state": "waiting",
    "country": "7",
    "country_name": "Russia",
    "operator": "1",
    "operator_name": "MTS",
    "application": "3",
    "application_name": "Telegram",
    "phone": "+79313226657",
    "price": 2200,
    "created_at": "2026-11-24T03:59:00.000Z",
    "updated_at": "2026-11-24T03:59:00.000Z",
    "expires_at": "2026-11-24T04:19:00.000Z",
    "closed_at": None,
    "sms_count": 0,
    "sms": [],
    "refunded": None,
    "charged": None,
    "error": None,
}


class State:
    """An entity's state, as `this` and `states[…]` show it."""

    def __init__(self, state: str = "unknown", changed: datetime = NOW, **attributes: Any) -> None:
        self.state = state
        self.last_changed = self.last_updated = changed
        self.attributes = attributes


def number(value: object, default: float) -> float:
    try:
        return float(str(value))
    except ValueError:
        return default


def environment(states: dict[str, State]) -> ImmutableSandboxedEnvironment:
    """What Home Assistant adds to Jinja, as far as the templates use it; undefined names are errors here."""
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    made.globals |= {
        "utcnow": lambda: NOW,
        "timedelta": timedelta,
        "states": states,
        "device_id": lambda _: "device",
        "device_entities": lambda _: list(states),
        "state_attr": lambda e, name: states[e].attributes.get(name),
        "is_state": lambda e, state: states[e].state == state,
    }
    made.filters["float"] = number
    made.filters["as_datetime"] = datetime.fromisoformat
    return made


def render(template: str, payload: str = "", this: State | None = None, states: dict[str, State] | None = None) -> str:
    known: dict[str, Any] = {"value": payload, "this": this or State(), "entity_id": "button.shomare_buy"}
    with contextlib.suppress(ValueError):
        known["value_json"] = json.loads(payload)
    return environment(states or {}).from_string(template).render(known).strip()


def attributes(template: str, payload: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(render(template, payload if isinstance(payload, str) else json.dumps(payload)))
    return found


def problem(**fields: Any) -> str:
    return json.dumps({"problem": fields})


FOUND = components(context(watched=(TELEGRAM,), catalogs=many_applications(101)))
READ_ONLY = sorted({c["value_template"] for c in FOUND.values() if "value_template" in c})
ATTRIBUTES = sorted({c["json_attributes_template"] for c in FOUND.values() if "json_attributes_template" in c})


@pytest.mark.parametrize("template", READ_ONLY)
@pytest.mark.parametrize("payload", ["", "null", "{}", "[]", "nonsense", '"text"', "7"])
def test_whatever_a_topic_holds_renders(template: str, payload: str) -> None:
    render(template, payload)


@pytest.mark.parametrize("template", READ_ONLY)
def test_emptied_topic_shows_as_unknown(template: str) -> None:
    if template not in (templates.SMS_EVENT, templates.ORDER_EVENT, templates.BRIDGE_EVENT):
        empty = {templates.NUMBER_OR_ZERO: "0", templates.NAME: "", templates.EMPTY: ""}
        assert render(template) == empty.get(template, "None")


@pytest.mark.parametrize("template", ATTRIBUTES)
@pytest.mark.parametrize("payload", ["", "{}", "nonsense"])
def test_attributes_are_an_object_whatever_the_topic_holds(template: str, payload: str) -> None:
    assert isinstance(attributes(template, payload), dict)


@pytest.mark.parametrize(
    ("template", "payload", "shown"),
    [
        (templates.TEXT, "192100", "192100"),
        (templates.TEXT, "0", "0"),
        (templates.NUMBER_OR_ZERO, "2200.5", "2200.5"),
        (templates.NUMBER_OR_ZERO, "2000000000", "1000000000"),
        (templates.COUNT, "[]", "0"),
        (templates.COUNT, "[{}, {}]", "2"),
        (templates.field("phone"), json.dumps(ORDER), "+79313226657"),
        (templates.field("expires_at"), '{"state": "none"}', "None"),
        (templates.field("price"), '{"price": 0}', "0"),
        (templates.PROVIDER, '{"state": "unreachable"}', "OFF"),
        (templates.PROVIDER, '{"state": "unauthorized"}', "OFF"),
        (templates.PROVIDER, '{"state": "misunderstood"}', "OFF"),
        (templates.PROVIDER, '{"state": "online"}', "ON"),
        (templates.PROVIDER_AVAILABLE, '{"state": "misunderstood"}', "online"),
        (templates.PROVIDER_AVAILABLE, '{"state": "blocked"}', "offline"),
        (templates.PROVIDER_AVAILABLE, "", "offline"),
        (templates.PROBLEM, problem(message="y" * 300), "y" * 255),
        (templates.PROBLEM, problem(event_type="plugin_failed"), "plugin_failed"),
        (templates.PROBLEM, '{"problem": null}', "none"),
        (templates.ORDER_STATE, '{"state": "unknown"}', "outcome_unknown"),
        (templates.ORDER_STATE, '{"state": "waiting"}', "waiting"),
        (templates.ORDER_STATE, '{"state": "none"}', "none"),
        (templates.IN_DOUBT, json.dumps([ORDER]), "offline"),
        (templates.IN_DOUBT, json.dumps([ORDER, ORDER | {"state": "unknown"}]), "online"),
        (templates.IN_DOUBT, "", "offline"),
        (templates.NAME, "x" * 300, "x" * 255),
    ],
)
def test_shown(template: str, payload: str, shown: str) -> None:
    assert render(template, payload) == shown


def test_select_shows_only_what_it_offers() -> None:
    template = templates.option({"None": "None (9)"})
    this = State(options=["Telegram", "None (9)", 'O"dd \\ {{ one }}'])
    assert render(template, "Telegram", this) == "Telegram"
    assert render(template, "None", this) == "None (9)"
    assert render(template, 'O"dd \\ {{ one }}', this) == 'O"dd \\ {{ one }}'
    assert render(template, "Gone", this) == "None"
    assert render(template, "Telegram", State(options=[])) == "None"
    assert render(template, "Telegram", State()) == "Telegram"


def test_stock_is_an_attribute_of_the_price() -> None:
    quote = {"country": "7", "operator": "1", "application": "3", "price": 2200, "count": 812, "updated_at": "…Z"}
    assert attributes(templates.STOCK, quote)["stock"] == 812


@given(strategies.text(min_size=1))
def test_watched_price_finds_its_application_whatever_its_id(application: str) -> None:
    rows = [{"application": "", "price": 1, "count": 1}, {"application": application, "price": 2200, "count": None}]
    payload = {"country": "7", "operator": "1", "prices": rows, "updated_at": "…Z"}
    product = WatchedProduct("7", "1", application, "")
    assert render(templates.product_price(product.application), json.dumps(payload)) == "2200"
    assert attributes(templates.product_stock(application), payload)["application"] == application
    assert render(templates.product_price(application), '{"prices": []}') == "None"


@pytest.mark.parametrize("letter", ["x", "ی", "国", "😀"])
def test_open_orders_stay_below_what_the_recorder_takes(letter: str) -> None:
    long = letter * 300
    names: dict[str, Any] = {"country_name": long, "operator_name": long, "application_name": long}
    names |= {"transaction": letter * (64 if letter == "x" else 5), "charged": 2200, "purchase": "7" * 300}
    orders = [ORDER | names | {"sms": [{"sms": "x" * 40, "received_at": "y"}] * 50} for _ in range(60)]
    found = attributes(templates.ORDERS, orders)
    assert len(found["orders"]) == templates.MOST_ORDERS
    assert found["orders"][0]["phone"] == "+79313226657"
    assert len(json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()) < 15_800


@pytest.mark.parametrize("transaction", ["ha-script-" + "x" * 54, 17, None])
def test_a_script_finds_its_own_among_the_open_orders(transaction: object) -> None:
    (row,) = attributes(templates.ORDERS, [ORDER | {"transaction": transaction}])["orders"]
    assert row["transaction"] == transaction
    (row,) = attributes(templates.ORDERS, [ORDER | {"transaction": "x" * 65}])["orders"]
    assert row["transaction"] is None, "cut it would be another one"


def test_current_order_without_its_sms() -> None:
    error = {"code": "no_numbers", "message": "no number is free", "retryable": True}
    found = attributes(templates.CURRENT, ORDER | {"error": error, "sms": [{"sms": "x"}] * 999})
    assert found["error"] == "no number is free"
    assert found["order"] == ORDER["order"]
    assert "sms" not in found


def test_events_keep_their_fields_and_are_cut_where_they_could_be_long() -> None:
    sms = {"event_type": "sms_received", "code": "012345", "text": "ی" * 70_000, "phone": "+7"}
    found = attributes(templates.SMS_EVENT, sms)
    assert (found["event_type"], found["code"], found["phone"]) == ("sms_received", "012345", "+7")
    assert len(json.dumps(found, ensure_ascii=False).encode()) < 16_000
    assert attributes(templates.SMS_EVENT, sms | {"text": None})["text"] is None
    changed = {"event_type": "received", "previous": "waiting", "order": ORDER | {"sms": [{"sms": "x" * 40}] * 900}}
    assert attributes(templates.ORDER_EVENT, changed)["order"]["purchase"] == "74001"
    assert len(json.dumps(attributes(templates.ORDER_EVENT, changed))) < 16_000
    assert attributes(templates.BRIDGE_EVENT, {"event_type": "x", "message": "y" * 90_000, "command": "buy"})["command"]


def sms(number: int, **more: Any) -> dict[str, Any]:
    return {
        "event_type": "sms_received",
        "sms": f"s{number}",
        "order": "A",
        "phone": "+7",
        "code": f"{number:06}",
    } | more


def test_an_sms_remembers_those_before_it_each_once() -> None:
    this = State()
    for number in (1, 2, 2, 1, *range(3, 12)):
        found = json.loads(render(templates.SMS_EVENT, json.dumps(sms(number, application_name="Telegram")), this))
        this = State(**found)
    assert [row["code"] for row in found["recent"]] == [f"{n:06}" for n in range(11, 3, -1)]
    assert len(found["recent"]) == templates.MOST_RECENT
    assert found["recent"][0] == {
        "sms": "s11",
        "order": "A",
        "phone": "+7",
        "application": "Telegram",
        "code": "000011",
        "text": "",
        "received_at": None,
    }


@pytest.mark.parametrize("letter", ["x", "ی", "国", "😀"])
def test_remembered_sms_stay_below_what_the_recorder_takes(letter: str) -> None:
    this = State()
    for number in range(20):
        long = sms(number, text=letter * 9000, application_name=letter * 300, received_at="2026-11-24T04:19:00.000Z")
        this = State(**json.loads(render(templates.SMS_EVENT, json.dumps(long | {"order": "0" * 26}), this)))
    kept = {key: value for key, value in this.attributes.items() if key not in ("text", "application_name")}
    assert len(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()) < 8_000


def press(*, state: str = "none", age: float = 60, transaction: str | None = None, order: str = "A") -> dict[str, Any]:
    """What Buy sends while the newest order is such."""
    known = (
        {"order": order, "transaction": transaction, "created_at": "2026-11-24T03:59:00Z"} if state != "none" else {}
    )
    states = {
        "sensor.renamed": State(state, NOW - timedelta(seconds=age), **known),
        "event.shomare_sms": State("2026", order="B", received_at="…Z"),
    }
    found: dict[str, Any] = json.loads(render(templates.BUY, "PRESS", states=states))
    return found


def test_press_has_a_transaction_and_is_good_for_a_minute() -> None:
    sent = press()
    assert set(sent) == {"transaction", "expires_at"}
    assert sent["expires_at"] == "2026-11-24T04:01:00Z"
    assert 0 < len(sent["transaction"]) <= 200


def test_double_tap_is_one_purchase() -> None:
    first = press()["transaction"]
    assert press()["transaction"] == first
    assert press(state="buying", age=15, transaction=first)["transaction"] == first
    assert press(state="waiting", age=2.9, transaction=first)["transaction"] == first


def test_press_after_a_cancel_is_another_purchase_though_an_older_order_is_the_newest_again() -> None:
    before = press(state="received", age=60, transaction="ha-0-x")["transaction"]
    assert press(state="received", age=60, transaction="ha-0-x")["transaction"] == before
    assert press(state="received", age=0.4, transaction="ha-0-x")["transaction"] != before


def test_later_press_is_another_purchase() -> None:
    first = press()["transaction"]
    for newest in (
        press(state="waiting", age=3.1, transaction=first),
        press(state="received", age=1, transaction=first),
        press(state="failed", age=1, transaction=first),
        press(state="cancelled", age=1, transaction=first),
        press(state="waiting", age=1, transaction="somebody else's"),
        press(state="buying", age=1, transaction=None),
    ):
        assert newest["transaction"] not in (first, "somebody else's")
    assert press(state="failed", order="B")["transaction"] != press(state="failed", order="C")["transaction"]


def test_cancel_names_the_current_order() -> None:
    sent = json.loads(render(templates.CANCEL, "PRESS"))
    assert sent["order"] == "current"
    assert sent["transaction"]
    assert sent["expires_at"] == "2026-11-24T04:01:00Z"


def settle(template: str, typed: str = "PRESS", *doubted: str) -> dict[str, Any]:
    """What a settling button or text sends while these orders are in doubt."""
    rows = [{"order": "A", "state": "waiting"}, *({"order": order, "state": "unknown"} for order in doubted)]
    states = {"sensor.renamed": State("2", orders=rows), "sensor.other": State("none")}
    found: dict[str, Any] = json.loads(render(template, typed, states=states))
    return found


def test_settling_names_the_one_order_in_doubt() -> None:
    sent = settle(templates.SETTLE_NOT_BOUGHT, "PRESS", "B")
    assert (sent["order"], sent["outcome"]) == ("unknown", "not_bought")
    assert sent["expires_at"] == "2026-11-24T04:01:00Z"
    assert set(sent) == {"order", "outcome", "transaction", "expires_at"}
    typed = settle(templates.SETTLE_BOUGHT, " 74001  +7 931 322\u200e6657 ", "B")
    assert (typed["order"], typed["outcome"]) == ("unknown", "bought")
    assert (typed["purchase"], typed["phone"]) == ("74001", "+79313226657")
    assert "3132" not in typed["transaction"]
    assert len(settle(templates.SETTLE_BOUGHT, "7" * 255, "B")["transaction"]) <= 200


@pytest.mark.parametrize(
    ("typed", "purchase", "phone"),
    [
        ("", "", ""),
        ("74001", "74001", ""),
        ("74001 there", "74001", ""),
        ("74001 5551", "74001", ""),
        ("+79313226657", "", ""),
        ("+79313226657 74001", "", ""),
        ("79313226657 74001", "79313226657", ""),
        ("۷۴۰۰۱ +۷۹۳۱۳۲۲۶۶۵۷", "74001", "+79313226657"),
        ("٧٤٠٠١ +٧٩٣١٣٢٢٦٦٥٧", "74001", "+79313226657"),
        ("\u200f74001\u2069 \u2066+79313226657\u2069\ufeff", "74001", "+79313226657"),
        ("74001, +79313226657", "74001", "+79313226657"),
        ("id 74001 +79313226657", "id", ""),
        ("a-1 (931) 322-66-57", "a-1", "(931)322-66-57"),
    ],
)
def test_what_was_typed_wrongly_is_the_daemons_to_refuse(typed: str, purchase: str, phone: str) -> None:
    sent = settle(templates.SETTLE_BOUGHT, typed, "B")
    assert (sent["purchase"], sent["phone"]) == (purchase, phone)


def asked(topic: str, sent: Any) -> Any:
    """What the daemon takes such a message for."""
    parser = CommandParser("shomare", "homeassistant")
    return parser.parse(Incoming(f"shomare/{topic}", json.dumps(sent).encode()))


def test_what_is_sent_is_a_command_that_the_daemon_takes() -> None:
    not_bought = asked("resolve", settle(templates.SETTLE_NOT_BOUGHT, "PRESS", "B"))
    assert not_bought.request == Resolve("unknown", bought=False)
    assert not_bought.envelope.expires_at == NOW + timedelta(minutes=1)
    bought = asked("resolve", settle(templates.SETTLE_BOUGHT, "74001 +79313226657", "B"))
    assert bought.request == Resolve("unknown", bought=True, purchase="74001", phone="+79313226657")
    for typed, missing in (("", "purchase"), ("74001", "phone"), ("+79313226657 74001", "purchase")):
        refused = asked("resolve", settle(templates.SETTLE_BOUGHT, typed, "B"))
        assert str(refused.error) == f"{missing}: is missing"
    assert isinstance(asked("cancel", json.loads(render(templates.CANCEL, "PRESS"))).request, Cancel)
    assert isinstance(asked("buy", press()).request, Buy)


def test_settling_twice_is_once_and_another_order_is_another() -> None:
    def pressed(*doubted: str) -> str:
        return str(settle(templates.SETTLE_NOT_BOUGHT, "PRESS", *doubted)["transaction"])

    assert pressed("B") == pressed("B")
    assert len({pressed("B"), pressed("C"), pressed(), *(typed_as(t) for t in CORRECTIONS)}) == 3 + len(CORRECTIONS)
    assert pressed("B", "C") == pressed(), "where it is not clear which, the moment tells"


CORRECTIONS = ("74001 +79313226657", "74002 +79313226657", "74001 +79313226658", "74001 +793132266588")


def typed_as(typed: str) -> str:
    return str(settle(templates.SETTLE_BOUGHT, typed, "B")["transaction"])


def test_problem_is_told_with_its_time_code_and_order() -> None:
    told = {
        "event_type": "command_refused",
        "code": "insufficient_balance",
        "message": "Nothing was bought.",
        "at": "…Z",
    }
    payload = problem(**told, order=None, transaction="t-17", more=2)
    found = attributes(templates.PROBLEM_ATTRIBUTES, payload)
    assert (found["code"], found["at"], found["more"], found["transaction"]) == (
        "insufficient_balance",
        "…Z",
        2,
        "t-17",
    )
    assert attributes(templates.PROBLEM_ATTRIBUTES, '{"problem": null}')["code"] is None


def test_providers_error_is_its_message() -> None:
    error = {"code": "invalid_token", "message": "the provider refuses the token", "retryable": False}
    found = attributes(templates.PROVIDER_ATTRIBUTES, {"state": "unauthorized", "since": "…Z", "error": error})
    assert (found["provider_state"], found["error"]) == ("unauthorized", "the provider refuses the token")
    assert attributes(templates.PROVIDER_ATTRIBUTES, {"state": "online", "error": None})["error"] is None


def test_code_is_told_of_its_order_and_an_sms_without_one_changes_nothing() -> None:
    sms = {"code": "012345", "order": "A", "phone": "+7931", "application": "3", "application_name": "Telegram"}
    first = attributes(templates.CODE_ATTRIBUTES, sms)
    assert first == {"order": "A", "number": "+7931", "application": "Telegram"}
    other = json.dumps(sms | {"code": None, "order": "B", "phone": "+1"})
    assert json.loads(render(templates.CODE_ATTRIBUTES, other, State("012345", **first))) == first


@pytest.mark.parametrize("template", ATTRIBUTES)
def test_no_attribute_is_called_state(template: str) -> None:
    """Home Assistant drops such a one."""
    payloads: list[dict[str, Any]] = [ORDER, {"problem": {}}, {"state": "online"}, {"code": "1"}]
    for payload in payloads:
        assert "state" not in attributes(template, payload)


def figures(**total: Any) -> str:
    return json.dumps({"since": "2026-02-01T20:30:00.000Z", "until": "2026-03-01T20:30:00.000Z", "total": total})


def test_what_was_spent_today_and_when_that_began() -> None:
    assert render(templates.SPENT_TODAY, figures(spent_today=2200)) == "2200"
    assert render(templates.SPENT_TODAY, figures(spent_today=0)) == "0"
    assert render(templates.DAY_BEGAN, figures()) == "2026-02-28T20:30:00+00:00"
    assert render(templates.DAY_BEGAN) == "", "nothing that could be taken for a time"


@pytest.mark.parametrize(
    ("orders", "success", "shown"),
    [(3, 2 / 3, "66.7"), (3, 0, "0"), (3, 1, "100"), (2, 1, "None"), (3, None, "None"), (0, None, "None")],
)
def test_the_rate_of_success_below_three_orders_is_unknown(orders: int, success: float | None, shown: str) -> None:
    rate = render(templates.SUCCESS_RATE, figures(orders=orders, success=success))
    assert rate.removesuffix(".0") == shown
