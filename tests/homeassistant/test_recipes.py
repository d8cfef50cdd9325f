"""The scripts and automations of `docs/homeassistant`: they name what there is, and never say what is not so."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest

from shomare_mqtt.core.bridge_events import BRIDGE_EVENT_TYPES
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind
from tests.homeassistant.contexts import CATALOGS, TELEGRAM, components, context
from tests.homeassistant.playing import FOLDER, Play, World, native, recipe

BUY = recipe("script-buy.yaml")
IN_TURN = recipe("script-buy-in-turn.yaml")
NEEDS_YOU = recipe("automation.yaml")
VOICE = recipe("voice.yaml")
RECIPES = ["automation.yaml", "blueprint-notify-code.yaml", "favourites.yaml", "script-buy.yaml"]
RECIPES += ["script-buy-in-turn.yaml", "voice.yaml"]
NOT_YET = {"backup_failed", "wrong_country"}
"""Named by the contract; told once they are built."""

OURS = {"application": "Telegram", "country": 7, "operator": "1", "max_price": "3000"}
PHONE = "+79313226657"


def announced() -> set[str]:
    """Every entity id."""
    many = tuple(CatalogEntry(str(n), f"App {n}", (f"App {n}",)) for n in range(200))
    catalogs = CATALOGS | {CatalogKind.APPLICATIONS: Catalog(CatalogKind.APPLICATIONS, many)}
    found = components(context(watched=(TELEGRAM,), catalogs=catalogs))
    return {c["default_entity_id"] for c in found.values() if "default_entity_id" in c}


@pytest.mark.parametrize("name", RECIPES)
def test_it_names_only_entities_and_scripts_that_there_are(name: str) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:sensor|binary_sensor|event|button|select|text|number|switch)\.shomare_\w+", text))
    assert named <= announced()
    scripts = set(re.findall(r"\bscript\.shomare_\w+", text))
    aliases = {"script." + script["alias"].lower().replace(" ", "_") for script in (BUY, IN_TURN)}
    assert scripts <= aliases


def test_it_tells_of_events_that_there_are() -> None:
    text = (FOLDER / "automation.yaml").read_text(encoding="utf-8")
    [kinds] = re.findall(r"trigger\.id == 'event' and kind in \[([^\]]*)\]", text)
    assert set(re.findall(r"'(\w+)'", kinds)) - NOT_YET <= set(BRIDGE_EVENT_TYPES)


# --- buying ---


def world() -> World:
    """All is well, and nothing was bought yet."""
    made = World()
    made.put("binary_sensor.shomare_bridge", "on")
    made.put("sensor.shomare_open_orders", "0", orders=[])
    made.put("sensor.shomare_order_state", "none")
    made.put("sensor.shomare_number", "unknown")
    made.put("sensor.shomare_last_problem", "none")
    made.put("event.shomare_order", "unknown")
    made.put("event.shomare_bridge", "unknown")
    made.put("event.shomare_sms", "unknown")
    return made


def sent(played: World) -> list[dict[str, Any]]:
    return [json.loads(data["payload"]) for action, data in played.called if action == "mqtt.publish"]


def row(transaction: str, state: str, **more: Any) -> dict[str, Any]:
    return {"order": "A", "transaction": transaction, "state": state, "phone": None, "charged": None} | more


def bought(in_world: World, **more: Any) -> None:
    """What becomes of the newest purchase: the list tells first, the newest order's own sensor is still behind."""
    transaction = sent(in_world)[-1]["transaction"]
    in_world.put("sensor.shomare_order_state", "buying", transaction=transaction, order="A")
    rows = [row(transaction, "waiting", phone=PHONE, application="Telegram", country="Russia", price=2200) | more]
    in_world.put("sensor.shomare_open_orders", "1", orders=rows)


def call(in_world: World, data: dict[str, Any]) -> Play:
    """A call of the script, whose second part runs in turn."""

    def in_turn(action: str, given: dict[str, Any]) -> None:
        if action == "script.shomare_buy_in_turn":
            Play(in_world, IN_TURN, given).run()

    in_world.respond = in_turn
    return Play(in_world, BUY, data)


def buy(in_world: World, **data: Any) -> dict[str, Any]:
    answer: dict[str, Any] = call(in_world, OURS | data).run()
    return answer


def test_a_number_is_bought_and_keeps_its_plus() -> None:
    played = world()
    played.elapse = bought
    answer = buy(played)
    assert answer == {
        "status": "bought",
        "order": "A",
        "number": PHONE,
        "application": "Telegram",
        "country": "Russia",
        "price": 2200,
        "code": "",
        "text": "",
        "message": "The number is bought. No SMS has come so far; it is waited for.",
    }
    [command] = sent(played)
    assert command.pop("transaction").startswith("ha-script-1796126400250-")
    assert command == {
        "application": "Telegram",
        "country": "7",
        "operator": "1",
        "max_price": 3000,
        "expires_at": "2026-12-01T12:01:00Z",
    }


def test_what_is_left_out_is_left_to_the_defaults_and_lists_stay_lists() -> None:
    played = world()
    call(played, {"application": "", "country": ["Russia", 62], "operator": None}).run()
    [command] = sent(played)
    assert set(command) == {"country", "transaction", "expires_at"}
    assert command["country"] == ["Russia", "62"]


def test_a_limit_that_is_none_goes_out_as_it_is_and_is_refused_there() -> None:
    played = world()
    buy(played, max_price="lots")
    assert sent(played)[0]["max_price"] == "lots"


def test_the_same_within_ten_seconds_is_one_purchase() -> None:
    played = world()
    played.elapse = bought
    first = buy(played)
    played.now += timedelta(seconds=9.9)
    assert buy(played, country="7") == first
    assert len(sent(played)) == 1
    played.now += timedelta(seconds=0.2)
    buy(played)
    assert len(sent(played)) == 2


def test_a_twin_that_is_over_by_then_is_not_bought_again() -> None:
    """What was bought and given back, or had its SMS, within those seconds was one purchase all the same."""
    for state in ("cancelled", "finished"):
        played = world()
        played.elapse = bought
        buy(played)
        gone = {"order": "A", "transaction": sent(played)[-1]["transaction"], "state": state, "phone": PHONE}
        played.put("sensor.shomare_open_orders", "0", orders=[])
        played.put("sensor.shomare_order_state", "none")
        played.put("event.shomare_order", "2026", order=gone)
        played.now += timedelta(seconds=5)
        assert buy(played)["status"] == "bought"
        assert len(sent(played)) == 1, state


def test_after_one_that_came_to_nothing_it_may_be_tried_again() -> None:
    played = world()

    def fail(in_world: World) -> None:
        transaction = sent(in_world)[-1]["transaction"]
        in_world.put("event.shomare_order", "2026", order=row(transaction, "failed"))

    played.elapse = fail
    buy(played)
    played.now += timedelta(seconds=5)
    buy(played)
    assert len(sent(played)) == 2


def test_another_product_is_another_purchase() -> None:
    played = world()
    played.elapse = bought
    buy(played)
    buy(played, operator="2")
    buy(played, max_price=3001)
    assert len({command["transaction"] for command in sent(played)}) == 3


def test_a_twin_that_waited_for_the_first_takes_its_number_however_late() -> None:
    played = world()
    first, second = call(played, OURS), call(played, OURS)
    played.elapse = bought
    answer = first.run()
    played.now += timedelta(minutes=2)
    assert second.run() == answer
    assert len(sent(played)) == 1


def test_a_run_that_stood_in_the_queue_for_too_long_sends_nothing() -> None:
    played = world()
    late = call(played, OURS)
    played.now += timedelta(seconds=51)
    assert late.run()["status"] == "unknown", "it cannot tell that nothing was sent"
    assert sent(played) == []


@pytest.mark.parametrize("state", ["off", "unavailable", "unknown"])
def test_nothing_is_sent_to_a_bridge_that_is_not_there(state: str) -> None:
    played = world()
    played.put("binary_sensor.shomare_bridge", state)
    answer = buy(played)
    assert (answer["status"], sent(played)) == ("not_bought", [])
    assert answer["message"].startswith("Nothing was bought")


def test_no_answer_is_never_told_as_nothing_bought() -> None:
    answer = buy(world())
    assert answer["status"] == "unknown"
    assert "nobody knows" in answer["message"]


@pytest.mark.parametrize(("state", "charged"), [("unknown", 2200), ("unknown", None), ("buying", None)])
def test_an_outcome_that_nobody_knows_is_told_as_such(state: str, charged: int | None) -> None:
    played = world()
    played.elapse = lambda w: bought(w, state=state, charged=charged, phone=None)
    answer = buy(played)
    assert (answer["status"], answer["number"], answer["order"]) == ("unknown", "", "A")
    assert "before you buy again" in answer["message"]


def refused(in_world: World, transaction: str | None = None, **more: Any) -> None:
    told = {"event_type": "command_refused", "code": "no_numbers", "message": "buy: none", "order": None}
    told |= {"transaction": transaction or sent(in_world)[-1]["transaction"]} | more
    in_world.put("event.shomare_bridge", "2026", **told)


def test_a_refusal_is_told_in_the_words_for_its_owner() -> None:
    played = world()

    def refuse(in_world: World) -> None:
        refused(in_world)
        attributes = in_world.entities["event.shomare_bridge"].attributes
        in_world.put("sensor.shomare_last_problem", "Nothing was bought: none is left.", **attributes)

    played.elapse = refuse
    answer = buy(played)
    assert (answer["status"], answer["message"]) == ("not_bought", "Nothing was bought: none is left.")


def test_a_refusal_that_a_graver_problem_hides_is_told_in_its_own_words() -> None:
    played = world()
    played.elapse = refused
    played.put("sensor.shomare_last_problem", "An order is in doubt.", transaction="t", event_type="outcome_unknown")
    answer = buy(played)
    assert (answer["status"], answer["message"]) == ("not_bought", "buy: none")


@pytest.mark.parametrize("code", ["outcome_unknown", "internal_error"])
def test_a_refusal_that_leaves_it_open_is_no_refusal(code: str) -> None:
    played = world()
    played.elapse = lambda w: refused(w, code=code)
    assert buy(played)["status"] == "unknown"


def test_a_refusal_of_a_moment_ago_is_not_taken_for_this_ones() -> None:
    played = world()
    played.elapse = refused
    assert buy(played)["status"] == "not_bought"
    played.now += timedelta(seconds=1)
    played.elapse = bought
    assert buy(played)["status"] == "bought"


def test_a_refusal_of_another_command_is_no_answer_to_this_one() -> None:
    played = world()

    def refuse_another(in_world: World) -> None:
        refused(in_world, "somebody else's")
        attributes = in_world.entities["event.shomare_bridge"].attributes
        in_world.put("sensor.shomare_last_problem", "Nothing was bought.", **attributes)

    played.elapse = refuse_another
    assert buy(played)["status"] == "unknown"


def test_an_order_that_failed_is_found_in_its_event_alone() -> None:
    played = world()

    def fail(in_world: World) -> None:
        transaction = sent(in_world)[-1]["transaction"]
        order = row(transaction, "failed", application_name="Telegram", error={"message": "none is left"})
        in_world.put("event.shomare_order", "2026", event_type="failed", order=order)
        refused(in_world, order="A")

    played.elapse = fail
    answer = buy(played)
    assert (answer["status"], answer["application"], answer["message"]) == ("not_bought", "Telegram", "buy: none")


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_a_number_that_is_over_before_it_is_answered_was_bought(state: str) -> None:
    """Whether its money is back, the order tells: "not_bought" would say that none ever went."""
    played = world()

    def end(in_world: World) -> None:
        order = row(sent(in_world)[-1]["transaction"], state, phone=PHONE)
        in_world.put("event.shomare_order", "2026", event_type=state, order=order)

    played.elapse = end
    answer = buy(played)
    assert (answer["status"], answer["number"]) == ("bought", PHONE)
    assert "given back, or its time is over" in answer["message"]


def test_an_order_that_was_cancelled_without_a_number_was_not_bought() -> None:
    played = world()

    def cancel(in_world: World) -> None:
        order = row(sent(in_world)[-1]["transaction"], "cancelled")
        in_world.put("event.shomare_order", "2026", event_type="cancelled", order=order)

    played.elapse = cancel
    assert buy(played)["status"] == "not_bought"


def test_the_newest_order_is_ours_only_by_its_transaction() -> None:
    played = world()
    played.put("sensor.shomare_order_state", "waiting", transaction="somebody else's", order="B")
    played.put("sensor.shomare_number", PHONE)
    answer = buy(played)
    assert (answer["status"], answer["number"]) == ("unknown", "")


# --- the code ---

GOT = {"status": "bought", "order": "A", "number": PHONE, "application": "Telegram", "country": "Russia", "price": 2200}


def get_code(then: Any) -> dict[str, Any]:
    """Buys, and `then` is what happens while the SMS is waited for."""
    played = world()
    happens = [bought, then]
    played.elapse = lambda w: happens.pop(0)(w) if happens else None
    return {
        key: value
        for key, value in buy(played, patience=300).items()
        if key in ("code", "text") or value != GOT.get(key)
    }


def sms(*rows: dict[str, Any]) -> Any:
    return lambda in_world: in_world.put("event.shomare_sms", "2026", recent=list(rows))


def test_the_code_of_this_order_keeps_its_zeros() -> None:
    others = {"order": "B", "code": "999999", "text": "B"}
    answer = get_code(sms(others, {"order": "A", "code": "012345", "text": "Code: 012345"}, others))
    assert answer == {"status": "code", "code": "012345", "text": "Code: 012345", "message": "The code is there."}


def test_a_code_of_digits_alone_stays_text() -> None:
    answer = get_code(sms({"order": "A", "code": "123456", "text": "'\"\n{{ x }} 123456"}))
    assert (answer["code"], answer["text"]) == ("123456", "'\"\n{{ x }} 123456")


def test_a_code_of_another_order_is_not_this_ones() -> None:
    answer = get_code(sms({"order": "B", "code": "999999", "text": "B"}))
    assert answer["code"] == ""
    assert "waited for" in answer["message"]


def test_an_sms_without_a_code_is_told() -> None:
    answer = get_code(sms({"order": "A", "code": None, "text": "Welcome"}))
    assert (answer["status"], answer["code"], answer["text"]) == ("code", "", "Welcome")


def test_a_number_that_was_given_back_is_waited_for_no_longer() -> None:
    def cancel(in_world: World) -> None:
        in_world.put("event.shomare_order", "2026", order={"order": "A", "state": "cancelled"})

    assert "given back" in get_code(cancel)["message"]


# --- what needs its owner ---


def entity(state: str, **attributes: Any) -> dict[str, Any]:
    return {"state": state, "attributes": attributes}


def told(trigger: str, new: dict[str, Any] | None, old: dict[str, Any] | None = None, problem: Any = None) -> list[Any]:
    """What is told (an id with its message) and taken back (an id)."""
    played = world()
    if problem:
        played.put("sensor.shomare_last_problem", problem["state"], **problem["attributes"])
    Play(played, NEEDS_YOU, {"trigger": {"id": trigger, "to_state": new, "from_state": old}}).run()
    calls = [(data["notification_id"], data.get("message")) for _, data in played.called]
    return [name if message is None else (name, message) for name, message in calls]


def problem_of(kind: str, message: str, order: str | None = None, more: int = 0) -> dict[str, Any]:
    return entity(message, event_type=kind, order=order, more=more)


NONE = entity("none", event_type=None, order=None, more=None)
LEVELS = ["shomare_command_refused", "shomare_provider_state", "shomare_journal_restored"]


def test_a_bridge_that_is_away_is_told_and_taken_back() -> None:
    [(name, message)] = told("bridge_away", entity("off"))
    assert name == "shomare_bridge"
    assert "Nothing can be bought" in message
    assert told("bridge_back", entity("on")) == ["shomare_bridge"]


def test_a_low_balance_is_told_and_taken_back() -> None:
    low = told("balance_low", entity("9000", unit_of_measurement="IRT"))
    assert low == [("shomare_balance", "The balance is down to 9000 IRT.")]
    assert told("balance_enough", entity("10000")) == ["shomare_balance"]


def test_an_unknown_order_has_a_notification_of_its_own_until_it_is_settled() -> None:
    before = problem_of("outcome_unknown", "In doubt.", "A")
    assert ("shomare_outcome_unknown_A", "In doubt.") in told("problem", before, NONE)
    assert "shomare_outcome_unknown_A" in told("problem", NONE, before)
    order = {"order": "A", "state": "waiting", "application_name": "Telegram"}
    settled = entity("2026", event_type="waiting", previous="unknown", order=order)
    assert told("order", settled) == ["shomare_outcome_unknown_A"]
    [(name, message)] = told("order", entity("2026", event_type="unknown", previous="buying", order=order))
    assert name == "shomare_outcome_unknown_A"
    assert "Money may be gone" in message


def test_what_a_graver_problem_hides_stays() -> None:
    refusal = problem_of("command_refused", "No.", None)
    hiding = problem_of("outcome_unknown", "In doubt.", "A", more=1)
    assert told("problem", hiding, refusal) == [("shomare_outcome_unknown_A", "In doubt.")]


def test_each_refusal_is_taken_back_with_the_last_problem() -> None:
    first = entity("2026", event_type="command_refused", order="A", message="No.")
    second = entity("2026", event_type="command_refused", order="B", message="No.")
    assert told("event", first) == told("event", second) == [("shomare_command_refused", "No.")]
    assert told("problem", NONE, problem_of("command_refused", "No.", "B"))[:3] == LEVELS


def test_a_problem_that_stands_alone_takes_the_others_back_and_itself_never() -> None:
    calls = told("problem", problem_of("provider_state", "Away."), problem_of("outcome_unknown", "In doubt.", "A"))
    assert calls[-1] == ("shomare_provider_state", "Away.")
    assert "shomare_outcome_unknown_A" in calls
    assert "shomare_provider_state" not in calls


@pytest.mark.parametrize("trigger", ["problem", "order", "event"])
def test_an_entity_that_is_taken_out_tells_nothing(trigger: str) -> None:
    assert told(trigger, None, problem_of("outcome_unknown", "In doubt.", "A")) == []


@pytest.mark.parametrize("state", ["unknown", "unavailable"])
def test_a_restart_is_no_recovery(state: str) -> None:
    assert told("problem", entity(state), problem_of("outcome_unknown", "In doubt.", "A")) == []


def test_an_event_is_told_in_the_words_for_its_owner_where_there_are_some() -> None:
    event = entity("2026", event_type="order_problem", order="A", message="order A: the balance stayed")
    shown = problem_of("order_problem", "Nothing was bought.", "A")
    assert told("event", event, problem=shown) == [("shomare_order_problem_A", "Nothing was bought.")]
    other = problem_of("order_problem", "Nothing was bought.", "B")
    assert told("event", event, problem=other) == [("shomare_order_problem_A", "order A: the balance stayed")]


@pytest.mark.parametrize("kind", ["price_changed", "buying_resumed", "provider_state", "outcome_unknown"])
def test_what_needs_nobody_or_is_told_otherwise_is_not_told(kind: str) -> None:
    assert told("event", entity("2026", event_type=kind, message="x")) == []


# --- the voice ---


def said(trigger: str, answer: dict[str, Any], spoken: str = "Telegram") -> str:
    played = world()
    played.respond = lambda action, data: answer
    play = Play(played, VOICE, {"trigger": {"id": trigger, "slots": {"application": spoken}}})
    play.run()
    [(action, data)] = played.called
    assert action == "script.shomare_buy"
    assert data["application"] == "Telegram"
    assert data["max_price"] > 0, "whoever speaks may not spend without a limit"
    return str(play.variables["said"])


@pytest.mark.parametrize("spoken", ["Telegram", "a Telegram", "me a Telegram", "برای Telegram"])
def test_the_code_is_said_digit_by_digit(spoken: str) -> None:
    answer = GOT | {"status": "code", "code": "012345", "text": ""}
    assert said("en", answer, spoken) == "The code for Telegram is \u200e0 1 2 3 4 5"
    assert said("fa", answer, spoken).endswith("\u200e0 1 2 3 4 5")


def test_a_sentence_that_names_nothing_buys_nothing_by_default() -> None:
    played = world()
    played.respond = lambda action, data: GOT | {"status": "not_bought", "code": "", "text": "", "message": "Why."}
    Play(played, VOICE, {"trigger": {"id": "en", "slots": {"application": "a "}}}).run()
    assert [data["application"] for _, data in played.called] == ["?"]


@pytest.mark.parametrize("status", ["code", "bought", "not_bought", "unknown"])
def test_every_outcome_has_its_words(status: str) -> None:
    answer = GOT | {"status": status, "code": "", "text": "Welcome", "message": "Why."}
    assert said("en", answer) == ("An SMS came without a code: Welcome" if status == "code" else "Why.")
    assert said("fa", answer)


def test_texts_become_values_as_in_home_assistant() -> None:
    """What the recipes have to get round."""
    assert native("+79313226657") == 79313226657
    assert native("012345") == "012345"
    assert native("123456") == 123456
    assert native("{'a': '123'}") == {"a": "123"}
