"""The dashboards, the tablet's card and the package of docs/homeassistant: what they show, without Home Assistant."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from shomare_mqtt.core.problem_words import EVENTS
from shomare_mqtt.errors import ErrorCode
from tests.homeassistant.contexts import components, context, many_applications
from tests.homeassistant.test_templates import NOW, State

DOCS = Path(__file__).parents[2] / "docs" / "homeassistant"
LANGUAGES = ("dashboard.yaml", "dashboard-fa.yaml")
FILES = (*LANGUAGES, "card-tablet.yaml")
OF_THE_PACKAGE = {"select.number_to_cancel", "input_text.number_to_cancel"}
OLDEST_CARDS = {"heading", "markdown", "entities", "button", "tile", "history-graph", "vertical-stack", "conditional"}
OLDEST_CARDS |= {"entity-filter"}
"""Kinds of cards that Home Assistant 2024.12 brings."""
WORDS = {"heading", "name", "title", "text", "content", "message"}
"""What is another in each language."""
OLD, NEW = "01KAR00000000000000000000A", "01KAR00000000000000000000B"


def read(name: str) -> Any:
    return yaml.safe_load((DOCS / name).read_text(encoding="utf-8"))


def cards(found: Any) -> list[dict[str, Any]]:
    """Every card, in order, those within others too."""
    inside = [found, *(found.get("cards") or ())] if "type" in found else [c for s in sections(found) for c in s]
    return [card["card"] if card["type"] == "conditional" and "card" in card else card for card in inside]


def sections(found: Any) -> list[list[dict[str, Any]]]:
    return [section["cards"] for view in found["views"] for section in view["sections"]]


def contents(name: str) -> list[str]:
    return [card["content"] for card in cards(read(name)) if card["type"] == "markdown"]


def without_words(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_words(v) for key, v in value.items() if key not in WORDS}
    return [without_words(v) for v in value] if isinstance(value, list) else value


class States(dict[str, State]):
    """`states` of Home Assistant: called with an id, or asked for a domain's entity."""

    def __call__(self, entity: str) -> str:
        return self[entity].state if entity in self else "unknown"

    def __getattr__(self, domain: str) -> Any:
        return {entity.partition(".")[2]: state for entity, state in self.items() if entity.startswith(f"{domain}.")}


def moment(value: Any, default: Any = None) -> Any:
    """`as_datetime`: of what is none, the default."""
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return default


def stamp(value: Any, default: Any = None) -> Any:
    """`as_timestamp`: of what is none, the default."""
    found = value if isinstance(value, datetime) else moment(value)
    return found.timestamp() if found else default


def integer(value: Any, default: int = 0) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        return default


def environment(states: States) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=False)
    made.globals |= {
        "now": lambda: NOW,
        "utcnow": lambda: NOW,
        "timedelta": timedelta,
        "states": states,
        "is_state": lambda entity, state: states(entity) == state,
        "state_attr": lambda entity, name: states[entity].attributes.get(name) if entity in states else None,
        "as_datetime": moment,
        "as_local": lambda value: value,
        "as_timestamp": stamp,
    }
    made.filters["int"] = integer
    made.filters["timestamp_custom"] = lambda value, form: datetime.fromtimestamp(value, NOW.tzinfo).strftime(form)
    return made


def order(number: str, phone: str | None, state: str, **more: Any) -> dict[str, Any]:
    row = {"order": number, "phone": phone, "state": state, "application": "Telegram", "country": "Russia"}
    times = {"created_at": "2026-11-24T03:50:00.000Z", "expires_at": "2026-11-24T04:09:30.000Z" if phone else None}
    return row | times | {"charged": None} | more


def sms(number: str, phone: str, code: str | None, received_at: str = "2026-11-24T03:59:00.000Z") -> dict[str, Any]:
    text = f"Your code is {code}" if code else "Hello"
    row = {"order": number, "phone": phone, "code": code, "text": text, "application": "Telegram"}
    return row | {"received_at": received_at, "sms": f"{number}-{code}"}


def home(*orders: dict[str, Any], recent: list[dict[str, Any]] | None = None, **more: State) -> States:
    """What Home Assistant holds while these are open, the newest first."""
    newest: dict[str, Any] = orders[0] if orders else {"order": None, "phone": None, "state": "none"}
    state = {"unknown": "outcome_unknown"}.get(newest["state"], newest["state"])
    attributes = {key: value for key, value in newest.items() if key != "state"}
    attributes |= {"application_name": newest.get("application"), "country_name": "Russia", "price": 2200}
    attributes |= {"refunded": None, "purchase": "74001", "error": None} | newest.get("attributes", {})
    in_doubt = any(o["state"] == "unknown" for o in orders)
    return States(
        {
            "sensor.shomare_order_state": State(state, **attributes),
            "sensor.shomare_number": State(newest["phone"] or "unknown"),
            "sensor.shomare_open_orders": State(str(len(orders)), orders=list(orders)),
            "sensor.shomare_balance": State("9000", unit_of_measurement="IRT"),
            "sensor.shomare_last_problem": State("none", event_type=None, code=None, at=None, more=None),
            "event.shomare_sms": State("2026", recent=recent),
            "event.shomare_bridge": State("unknown"),
            "binary_sensor.shomare_bridge": State("on"),
            "binary_sensor.shomare_provider": State("on", provider_state="online", error=None),
            "button.shomare_settle_as_not_bought": State("unknown" if in_doubt else "unavailable"),
            "button.shomare_buy": State("unknown"),
        }
        | {key.replace("__", "."): value for key, value in more.items()}
    )


def shown(name: str, states: States) -> str:
    """All markdown of a file, as it is drawn; what is hidden by a condition, too."""
    return "\n".join(environment(states).from_string(text).render() for text in contents(name))


@pytest.mark.parametrize("name", [*FILES, "package-cancel.yaml"])
def test_each_entity_is_announced_or_of_the_package(name: str) -> None:
    text = (DOCS / name).read_text(encoding="utf-8")
    known = {c["default_entity_id"] for c in components(context(catalogs=many_applications(101))).values()}
    kinds = "sensor|binary_sensor|select|number|switch|button|event|text|input_text"
    assert set(re.findall(rf"\b(?:{kinds})\.(?:shomare_|number_to_)(?!\w*\.)\w+", text)) <= known | OF_THE_PACKAGE


@pytest.mark.parametrize("name", FILES)
def test_only_cards_that_the_oldest_home_assistant_brings(name: str) -> None:
    assert {card["type"] for card in cards(read(name))} <= OLDEST_CARDS


@pytest.mark.parametrize("name", FILES)
def test_what_costs_or_ends_something_asks_first_wherever_it_is_tapped(name: str) -> None:
    """A tap on a tile's icon presses the tile's button at once, unless it is told otherwise."""
    acting = [card for card in cards(read(name)) if "tap_action" in card]
    assert acting
    for card in acting:
        assert card["tap_action"]["confirmation"]["text"]
        assert card["type"] == "button" or card["icon_tap_action"] == card["tap_action"]
    pressed = [card for card in cards(read(name)) if str(card.get("entity")).startswith("button.")]
    assert all("tap_action" in card for card in pressed)


@pytest.mark.parametrize("name", FILES)
def test_what_may_be_missing_is_hidden_in_every_version(name: str) -> None:
    """A missing entity is `unavailable` to 2024.12, `unknown` to 2025.10; to the newest no condition on it is true."""
    choice = "select.number_to_cancel"
    for card in cards(read(name)):
        rows = {card.get("entity"), *(row.get("entity") for row in card.get("entities", ()))}
        assert all(row.get("type") != "conditional" for row in card.get("entities", ())), "it is no better than a card"
        conditions = [(c.get("entity"), c.get("state_not")) for c in card.get("visibility", ())]
        assert choice not in rows or {(choice, "unavailable"), (choice, "unknown")} <= set(conditions)
        # Its own state is "unknown" while nothing is chosen: only this kind of card tells that from missing.
        assert "text.shomare_application_by_name" not in rows or card["type"] == "entity-filter"


def test_both_languages_show_the_same() -> None:
    english, persian = (read(name) for name in LANGUAGES)
    assert without_words(english) == without_words(persian)
    for one, other in zip(cards(english), cards(persian), strict=True):
        assert WORDS & set(one) == WORDS & set(other)


@pytest.mark.parametrize("name", FILES)
def test_a_home_without_anything_is_drawn(name: str) -> None:
    assert shown(name, States()).strip()
    assert shown(name, home()).strip()
    assert not re.search(r"\bNone\b(?!\.| is there)", shown(name, home()))


@pytest.mark.parametrize("name", FILES)
def test_no_code_stands_under_another_number(name: str) -> None:
    recent = [sms(OLD, "+79001", "111111")]
    drawn = environment(home(order(NEW, "+79002", "waiting"), recent=recent))
    card = next(text for text in contents(name) if "sensor.shomare_number" in text)
    assert "79002" in drawn.from_string(card).render()
    assert "111111" not in drawn.from_string(card).render()


@pytest.mark.parametrize("name", LANGUAGES)
def test_an_orders_error_stands_there_once(name: str) -> None:
    """Above as the problem, or with the order."""
    failed = order(NEW, None, "failed", attributes={"error": "The wallet holds too little"})
    card = next(text for text in contents(name) if "sensor.shomare_number" in text)
    for problem, times in ((NEW, 0), (OLD, 1), (None, 1)):
        states = home(failed, sensor__shomare_last_problem=State("Nothing was bought.", order=problem))
        assert environment(states).from_string(card).render().count("The wallet holds too little") == times


@pytest.mark.parametrize("name", LANGUAGES)
def test_two_open_numbers_have_a_code_each(name: str) -> None:
    recent = [sms(OLD, "+79001", "111111"), sms(NEW, "+79002", None), sms(NEW, "+79002", "222222")]
    states = home(order(NEW, "+79002", "received"), order(OLD, "+79001", "received"), recent=recent)
    card = next(text for text in contents(name) if "set left" in text)
    drawn = environment(states).from_string(card).render()
    assert re.search(r"\+79002: \u200e222222\*\*", drawn)
    assert re.search(r"\+79001: \u200e111111\*\*", drawn)
    assert re.search(r"\b10 (min|دقیقه)", drawn)


def test_names_in_latin_letters_do_not_turn_the_figures_of_a_persian_line() -> None:
    drawn = shown("dashboard-fa.yaml", home(order(NEW, "+79002", "waiting"), order(OLD, None, "unknown")))
    assert drawn.count("Telegram") == drawn.count("\u2068Telegram\u2069،") >= 3
    assert drawn.count("Russia") == drawn.count("\u2068Russia\u2069") >= 3


@pytest.mark.parametrize("name", LANGUAGES)
def test_codes_of_a_day_stand_there_once_and_no_older_ones(name: str) -> None:
    recent = [sms(OLD, "+79001", "111111"), sms(OLD, "+79001", "333333", "2026-11-23T03:00:00.000Z")]
    card = next(text for text in contents(name) if "for sms in" in text)
    drawn = environment(home(recent=recent)).from_string(card).render()
    assert drawn.count("111111") == 1
    assert "333333" not in drawn
    assert len(environment(home(recent=[])).from_string(card).render().strip()) < 8


@pytest.mark.parametrize(
    ("name", "words"), [("dashboard.yaml", "Was it bought"), ("dashboard-fa.yaml", "خریده شد یا نه")]
)
def test_an_order_in_doubt_is_said_with_what_to_look_for(name: str, words: str) -> None:
    states = home(order(NEW, None, "unknown", charged=2200))
    states["sensor.shomare_last_problem"] = State(
        "may have been bought", event_type="outcome_unknown", code=None, at=None, more=0
    )
    drawn = shown(name, states)
    assert words in drawn
    assert "2200" in drawn
    assert "74001 +79313226657" in drawn
    assert "may have been bought" not in drawn, "it is said once"
    two = home(order(NEW, None, "unknown"), order(OLD, None, "unknown"))
    assert f"{NEW}." in shown(name, two)
    assert f"{OLD}." in shown(name, two)


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_refusal_is_said_although_something_graver_is_the_problem(name: str) -> None:
    states = home(order(NEW, None, "unknown"))
    states["sensor.shomare_last_problem"] = State("?", event_type="outcome_unknown", code=None, at=None, more=1)
    refusal: dict[str, Any] = {"event_type": "command_refused", "code": "limit_reached", "message": "no room is left"}
    states["event.shomare_bridge"] = State("2026-11-24T03:58:00+00:00", **refusal)
    assert "no room is left" in shown(name, states)
    states["event.shomare_bridge"] = State("2026-11-24T03:30:00+00:00", **refusal)
    assert "no room is left" not in shown(name, states)
    wrong = refusal | {"command": "resolve", "code": "invalid_command"}
    states["event.shomare_bridge"] = State("2026-11-24T03:59:00+00:00", **wrong)
    assert shown(name, states).count("74001 +79313226657") == 2, "said at the top, and where it is to be written"


@pytest.mark.parametrize(("state", "words"), [("off", "is not running"), ("unavailable", "hears nothing")])
def test_a_bridge_that_is_away_is_said(state: str, words: str) -> None:
    assert words in shown("dashboard.yaml", home(binary_sensor__shomare_bridge=State(state)))


@pytest.mark.parametrize("name", LANGUAGES)
@pytest.mark.parametrize("state", ["unreachable", "unauthorized", "blocked", "misunderstood", "new"])
def test_a_provider_that_is_away_is_said(name: str, state: str) -> None:
    away = State("off", provider_state=state, error="no answer came")
    drawn = shown(name, home(binary_sensor__shomare_provider=away))
    unnamed = ("The provider cannot be asked", "از فروشنده نمی‌شود پرسید")
    assert any(words in drawn for words in unnamed) == (state == "new"), "each state has words of its own"
    assert ("no answer came" in drawn) == (state != "unreachable"), "that it does not answer is the title"


def problem_card(**problem: Any) -> str:
    card = next(text for text in contents("dashboard-fa.yaml") if "words" in text)
    known: dict[str, Any] = {"more": 0, "at": "2026-11-24T03:58:00Z", "code": None} | problem
    state = State("Nothing was bought: in English.", **known)
    return environment(home(sensor__shomare_last_problem=state)).from_string(card).render()


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_refusal_is_said_in_persian(code: ErrorCode) -> None:
    drawn = problem_card(event_type="command_refused", code=code.value)
    assert "چیزی خریده نشد" in drawn
    assert "مشکلی پیش آمد" not in drawn
    assert "03:58" in drawn


@pytest.mark.parametrize("event", sorted({*EVENTS} - {"command_refused"}))
def test_every_kind_of_problem_is_said_in_persian(event: str) -> None:
    drawn = problem_card(event_type=event)
    assert "مشکلی پیش آمد" not in drawn
    assert ("English" in drawn) == (event == "order_problem"), "which of several it is, is said in English alone"
    assert "English" in problem_card(event_type="of tomorrow"), "what has no words yet is shown as it is"


def chosen(states: States, template: str, **more: Any) -> str:
    return environment(states).from_string(template).render(**more).strip()


def package() -> dict[str, Any]:
    found: dict[str, Any] = read("package-cancel.yaml")
    return found


TWO = (order(NEW, "+79002", "waiting"), order(OLD, "+79001", "received"), order("C", None, "unknown"))


def to_cancel(states: States, label: str) -> str:
    states["select.number_to_cancel"] = State(label)
    variables = package()["script"]["shomare_cancel_number"]["sequence"][0]["variables"]
    assert chosen(states, variables["chosen"]) == label
    return chosen(states, variables["order"], chosen=label)


def test_what_can_be_cancelled_is_offered_by_its_number() -> None:
    select = package()["template"][0]["select"][0]
    both = "['—', '\\u200e+79002 Telegram', '\\u200e+79001 Telegram']"
    assert chosen(home(*TWO), select["options"]) == both
    assert chosen(home(), select["options"]) == "['—']"
    assert chosen(home(*TWO), select["availability"]) == "True"
    assert chosen(home(TWO[2]), select["availability"]) == "False", "nothing to cancel"
    assert chosen(States(), select["availability"]) == "False"
    assert chosen(home(*TWO), select["state"]) == "—"
    assert chosen(home(TWO[0]), select["state"]) == "—", "it may have taken another one's place under the finger"
    picked = home(*TWO, input_text__number_to_cancel=State("\u200e+79001 Telegram"))
    assert chosen(picked, select["state"]) == "\u200e+79001 Telegram"
    gone = home(*TWO, input_text__number_to_cancel=State("\u200e+79009 Telegram"))
    assert chosen(gone, select["state"]) == "—"


def test_only_the_number_that_was_chosen_is_cancelled() -> None:
    old = "\u200e+79001 Telegram"
    assert to_cancel(home(*TWO), old) == OLD
    assert not to_cancel(home(TWO[0]), old), "it is over"
    assert not to_cancel(home(*TWO), "—")
    assert not to_cancel(home(TWO[1], order(NEW, "+79001", "waiting")), old), "one label, two orders"
