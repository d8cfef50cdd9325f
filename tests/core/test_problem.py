"""`bridge/problem`: what needs a person's eyes and is not over (contract, section State)."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core import problem_words as words
from shomare_mqtt.core.bridge_events import BridgeEvent
from shomare_mqtt.core.orders.targets import the_one_in_doubt
from shomare_mqtt.core.problems import MOST
from shomare_mqtt.core.tickets import Ticket
from shomare_mqtt.errors import CommandRefusedError, ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import Envelope, PurchaseState, Resolve
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    LOST,
    MALFORMED,
    NO_NUMBERS,
    NOT_FOUND,
    TIMEOUT,
    TOO_EARLY,
    UNREACHABLE,
    Acting,
    Late,
    reading,
    sms,
)
from tests.core.test_asked_here import ask
from tests.core.test_full_disk import said
from tests.core.test_identifying import doubled
from tests.core.test_old_journal import back_up, restored
from tests.core.world import PRODUCT, World
from tests.small_disk import small_disk

if TYPE_CHECKING:
    from pathlib import Path

    from tests.core.conftest import Opening

NOWHERE = {"country": "2", "operator": "1"}
POOR = ProviderRefusedError(ErrorCode.INSUFFICIENT_BALANCE, "the wallet holds too little", Upstream(402, 402))
BLOCKED = ProviderRefusedError(ErrorCode.ACCOUNT_BLOCKED, "blocked", Upstream(401, -1))
HOUR = 3600


def problem(world: World) -> Any:
    return world.json("bridge/problem")["problem"]


def kinds(world: World) -> list[str | None]:
    """The `event_type` of every problem that was told, one after the other; None: there was none."""
    told = [json.loads(payload)["problem"] for topic, payload in world.retained.ever if topic == "bridge/problem"]
    return [None if each is None else each["event_type"] for each in told]


async def lost(world: World, outcome: Any = LOST, **more: Any) -> Any:
    world.provider.script("buy", outcome)
    answer = await world.ask("buy", {**PRODUCT, **more})
    assert answer["status"] == "unknown", answer
    return answer["data"]


# --- commands that are refused --------------------------------------------------------------------------------------


async def test_nothing_is_wrong_at_first(world: World) -> None:
    assert world.json("bridge/problem") == {"problem": None}


async def test_a_refused_buy_is_told(world: World) -> None:
    await world.sleep(90)
    await world.ask("buy", {**NOWHERE, "transaction": "t-1"})
    assert problem(world) == {
        "event_type": "command_refused",
        "code": "invalid_command",
        "message": "Nothing was bought: no application is chosen. Choose one and press Buy again.",
        "at": "2026-03-01T12:01:30.000Z",
        "order": None,
        "transaction": "t-1",
        "more": 0,
    }


async def test_it_is_over_once_a_later_one_goes_well(world: World) -> None:
    await world.ask("buy", NOWHERE)
    await world.ask("buying/set", "on")
    assert problem(world), "that is another kind of command"
    await world.buy()
    assert problem(world) is None


async def test_not_by_an_earlier_one_that_goes_well_later(world: World) -> None:
    world.provider.script("buy", Late(10))
    slow = world.send("buy", PRODUCT)
    await world.sleep(1)
    await world.ask("buy", NOWHERE)
    await world.answer(slow)
    assert problem(world)["code"] == "invalid_command"


async def test_it_is_over_after_an_hour(world: World) -> None:
    await world.ask("buy", NOWHERE)
    await world.sleep(1800)
    await world.ask("cancel", {"order": "nonesuch"})
    await world.sleep(1799)
    assert problem(world)["more"] == 1
    await world.sleep(2)
    assert (problem(world)["code"], problem(world)["more"]) == ("order_not_found", 0)
    await world.sleep(HOUR)
    assert problem(world) is None


async def test_the_newest_is_told_first(world: World) -> None:
    for number in range(3):
        await world.sleep(1)
        await world.ask("buy", {**NOWHERE, "transaction": f"t-{number}"})
    assert (problem(world)["transaction"], problem(world)["more"]) == ("t-2", 2)


async def test_no_flood_of_them_takes_more_and_more_memory(world: World) -> None:
    commands = [world.send("cancel", {"order": f"o{number}"}) for number in range(MOST + 100)]
    for command in commands:
        await world.answer(command)
    await world.settle()
    assert problem(world)["more"] == MOST - 1


async def test_what_is_told_of_many_is_what_all_of_them_come_to(world: World) -> None:
    """Of a flood each is told without a look at all of them: whichever goes, the newest that is left is told."""
    for number in range(3):
        await world.ask("cancel", {"order": f"o{number}"})
        await world.sleep(10)
        await world.ask("buy", {**NOWHERE, "transaction": f"t-{number}"})
        await world.sleep(10)
    assert (problem(world)["transaction"], problem(world)["more"]) == ("t-2", 5)
    await world.buy()
    assert (problem(world)["code"], problem(world)["at"], problem(world)["more"]) == (
        "order_not_found",
        "2026-03-01T12:00:40.000Z",
        2,
    )
    await world.sleep(HOUR - 60 + 1)
    assert problem(world)["more"] == 1
    await world.sleep(40)
    assert problem(world) is None


@pytest.mark.parametrize("crash", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize(
    ("topic", "payload"),
    [("buy", {**NOWHERE, "transaction": 1.5}), ("buy", b"no JSON"), ("cancel", {"order": "nonesuch"})],
    ids=["by its own", "as it came", "by the orders"],
)
async def test_a_restart_loses_none_and_tells_it_at_once(world: World, topic: str, payload: Any, crash: bool) -> None:
    await world.ask(topic, payload)
    told = problem(world)
    await world.restart(crash=crash)
    first = next(payload for topic, payload in world.retained.ever if topic == "bridge/problem")
    assert json.loads(first)["problem"] == told
    await world.sleep(HOUR)
    assert problem(world) is None


async def test_a_restart_brings_back_none_that_is_over(world: World) -> None:
    await world.ask("buy", NOWHERE)
    await world.buy()
    await world.ask("cancel", {"order": "nonesuch"})
    await world.restart()
    assert (problem(world)["code"], problem(world)["more"]) == ("order_not_found", 0)


async def test_a_refusal_at_the_page_is_told_too_and_after_a_crash(world: World) -> None:
    await ask(world, "buy", {**NOWHERE, "nonsense": 1}).answer()
    told = problem(world)
    assert told["code"] == "invalid_command"
    await world.restart(crash=True)
    assert problem(world) == told


@pytest.mark.parametrize(
    "body", ['{"status": "error", "transaction": null}', '{"status": "error", "error": 1}', "[]", "{"]
)
@pytest.mark.parametrize("notice", ['{"event": "gone", "message": "?", "at": "2026-03-01T12:00:00Z"}', "[]", "{}", "{"])
async def test_what_another_version_left_in_its_own_words_is_left_out(world: World, body: str, notice: str) -> None:
    order = await world.buy()
    await world.ask("cancel", {"order": "nonesuch"})
    await world.stop()
    with closing(sqlite3.connect(world.directory / "journal.sqlite3")) as file, file:
        file.execute("UPDATE commands SET answer = ? WHERE command = 'cancel'", (body.encode(),))
        file.execute("INSERT INTO meta VALUES (?, ?)", (f"notice/{order['order']}", notice))
    world.clock.new_process()
    await world.start()
    assert problem(world) is None


async def test_a_code_that_only_another_version_knows_is_left_out(world: World) -> None:
    await world.ask("cancel", {"order": "nonesuch"})
    await world.stop()
    with closing(sqlite3.connect(world.directory / "journal.sqlite3")) as file, file:
        changed = "CAST(replace(CAST(answer AS TEXT), 'order_not_found', 'gone') AS BLOB)"
        file.execute(f"UPDATE commands SET answer = {changed}")
    world.clock.new_process()
    await world.start()
    assert problem(world) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "5", "{}", "no JSON", '{"event": "order_problem", "message": "?", "at": 5}']
)
async def test_a_notice_that_makes_no_sense_holds_up_no_start(world: World, text: str) -> None:
    order = await world.buy()
    await world.journal.put_meta({f"notice/{order['order']}": text})
    await world.restart()
    assert problem(world) is None


@pytest.mark.parametrize("answer", ["[]", "5", '{"status": "error", "transaction": null, "error": null}', "no JSON"])
async def test_an_answer_that_makes_no_sense_holds_up_no_start(world: World, answer: str) -> None:
    await world.ask("buy", NOWHERE)
    await world.stop()
    with sqlite3.connect(world.directory / "journal.sqlite3") as file:
        file.execute("UPDATE commands SET answer = ?", (answer.encode(),))
    file.close()
    world.clock.new_process()
    await world.start()
    assert problem(world) is None


async def test_what_was_bought_is_not_told_as_nothing_bought_by_a_repeat_that_came_late(world: World) -> None:
    """A sender that had no answer sends the same again, and again: the first one may have bought."""
    buy = {**PRODUCT, "transaction": "t-1", "expires_at": "2026-03-01T12:01:00Z"}
    assert (await world.ask("buy", buy))["status"] == "ok"
    await world.sleep(90)
    await world.error("buy", buy)
    assert problem(world)["message"] == (
        "Nothing was bought now: the command came after its expires_at. If it is still wanted, look at your orders "
        "whether it was bought before, and press Buy again."
    )


async def test_a_failed_purchase_is_one_problem(world: World) -> None:
    world.provider.script("buy", POOR)
    await world.ask("buy", {**PRODUCT, "transaction": "t-1"})
    order = world.json("current")["order"]
    for _ in range(2):
        told = problem(world)
        assert (told["event_type"], told["code"], told["order"], told["transaction"], told["more"]) == (
            "command_refused",
            "insufficient_balance",
            order,
            "t-1",
            0,
        )
        await world.restart()


async def test_that_one_could_not_be_cancelled_is_over_with_it(world: World) -> None:
    """ "It stays open, press Cancel again" is not so of a number that is over by now, also after a restart."""
    await world.buy()
    world.provider.script("cancel", TOO_EARLY)
    await world.error("cancel", {"order": "current"})
    await world.restart()
    assert problem(world)["message"].startswith("The number was not cancelled, and stays open")
    await world.sleep(HOUR // 2)
    assert world.json("orders") == []
    assert problem(world) is None
    await world.restart()
    assert problem(world) is None


async def test_none_of_an_sms_stands_there(world: World) -> None:
    secret = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "+79310000001 got code 48213", Upstream(400, 400))
    order = await world.buy()
    world.provider.script("cancel", secret, secret)
    answer = await world.ask("cancel", {"order": order["order"]})
    assert "48213" in answer["error"]["message"]
    await world.restart()
    assert problem(world)["code"] == "provider_error"
    assert not any(b"48213" in payload for topic, payload in world.retained.ever if topic == "bridge/problem")


# --- every way in which a command is refused ------------------------------------------------------------------------


async def _switched_off(world: World) -> None:
    await world.ask("buying/set", "off")


async def _vetoed(world: World) -> None:
    world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "plugin night: too late")


async def _poor(world: World) -> None:
    world.provider.script("buy", POOR)


async def _empty(world: World) -> None:
    world.provider.script("buy", NO_NUMBERS, NO_NUMBERS)


async def _in_doubt(world: World) -> None:
    await lost(world)


async def _too_early(world: World) -> None:
    await world.buy()
    world.provider.script("cancel", TOO_EARLY)


async def _has_sms(world: World) -> None:
    order = await world.buy()
    world.provider.gets(order["purchase"], sms())
    await world.state(order["order"], "received")
    world.provider.script("cancel", TOO_EARLY)


async def _lost_cancel(world: World) -> None:
    await world.buy()
    world.provider.script("cancel", *[TIMEOUT] * 4)


async def _closed(world: World) -> None:
    await world.buy()
    await world.ask("cancel", "current")


async def _used(world: World) -> None:
    await world.ask("cancel", {"order": "nonesuch", "transaction": "t"})
    await world.buy(transaction="t")


async def _bug(world: World) -> None:
    await world.buy()
    world.provider.script("cancel", *[RuntimeError("bug")] * 4)


@pytest.mark.parametrize(
    ("prepare", "topic", "payload", "code", "has_order"),
    [
        (None, "buy", NOWHERE, "invalid_command", False),
        (None, "buy", {**PRODUCT, "application": "nonesuch"}, "unknown_name", False),
        (None, "buy", {**PRODUCT, "expires_at": "2020-01-01T00:00:00Z"}, "expired_command", False),
        (None, "buy", {**PRODUCT, "max_price": 1}, "price_too_high", False),
        (None, "buy", {**PRODUCT, "min_price": 99999}, "price_too_low", False),
        (_switched_off, "buy", PRODUCT, "buying_paused", False),
        (_in_doubt, "buy", PRODUCT, "buying_paused", False),
        (_vetoed, "buy", PRODUCT, "vetoed", False),
        (_used, "buy", {**PRODUCT, "application": "2", "transaction": "t"}, "transaction_conflict", False),
        (_poor, "buy", PRODUCT, "insufficient_balance", True),
        (_poor, "buy", {**PRODUCT, "country": ["2", "1"]}, "insufficient_balance", True),
        (_empty, "buy", {**PRODUCT, "country": ["2", "1"]}, "no_numbers", True),
        (None, "cancel", "current", "order_not_found", False),
        (None, "cancel", {"purchase": "elsewhere"}, "not_found", False),
        (_too_early, "cancel", "current", "provider_error", True),
        (_has_sms, "cancel", "current", "not_cancellable", True),
        (_lost_cancel, "cancel", "current", "provider_timeout", True),
        (_in_doubt, "cancel", "current", "not_cancellable", True),
        (_in_doubt, "resolve", {"order": "unknown", "outcome": "maybe"}, "invalid_command", False),
        (_closed, "cancel", {"purchase": "p1"}, "order_closed", True),
        (_bug, "cancel", "current", "malformed_answer", True),
        (None, "resolve", {"order": "unknown", "outcome": "not_bought"}, "order_not_found", False),
        (_closed, "resolve", {"order": "{order}", "outcome": "not_bought"}, "order_closed", True),
        (_too_early, "resolve", {"order": "current", "outcome": "not_bought"}, "invalid_command", True),
        (None, "defaults/country/set", "nonesuch", "unknown_name", False),
        (None, "defaults/nonesuch/set", "7", "invalid_command", False),
        (None, "buying/set", "perhaps", "invalid_command", False),
    ],
)
async def test_whatever_refuses_it_an_event_and_a_problem_say_so(
    world: World, prepare: Any, topic: str, payload: Any, code: str, has_order: bool
) -> None:
    if prepare is not None:
        await prepare(world)
    current = world.json("current").get("order")
    if isinstance(payload, dict) and payload.get("order") == "{order}":
        payload = {**payload, "order": current}
    if isinstance(payload, dict) and "transaction" not in payload:
        payload = {**payload, "transaction": "mine"}
    assert await world.error(topic, payload) == code
    order = world.json("current").get("order") if has_order else None
    transaction = payload["transaction"] if isinstance(payload, dict) else None
    wanted = {"command": topic, "code": code, "transaction": transaction} | ({"order": order} if order else {})
    *_, event = world.bridge_events("command_refused")
    told = next(each for each in noted(world) if each["event_type"] == "command_refused")
    assert event.pop("sentence") == told["message"]
    assert {name: value for name, value in event.items() if name not in ("event_type", "message")} == wanted
    assert (told["code"], told["order"], told["transaction"]) == (code, order, transaction)


def noted(world: World) -> list[Any]:
    """Every problem, the newest first."""
    board = world.bridge.problems
    return [each.problem.as_json(0) for each in reversed(board._noted)]


async def test_a_retained_command(world: World) -> None:
    await world.ask("buy", PRODUCT, retain=True)
    assert problem(world)["code"] == "retained_command"


@pytest.mark.parametrize(
    ("prepare", "sentence"), [(_has_sms, "an SMS is there"), (_in_doubt, "nobody knows yet whether it was bought")]
)
async def test_why_it_cannot_be_cancelled(world: World, prepare: Any, sentence: str) -> None:
    await prepare(world)
    assert await world.error("cancel", "current") == "not_cancellable"
    assert sentence in noted(world)[0]["message"]
    await world.restart()
    assert sentence in next(each for each in noted(world) if each["code"] == "not_cancellable")["message"]


async def test_a_second_press(opened: Opening) -> None:
    world = await opened(limits={"double_press": 3})
    await world.buy()
    assert await world.error("buy", PRODUCT) == "duplicate_command"
    assert problem(world)["code"] == "duplicate_command"


async def test_a_repeat_that_comes_too_late_for_a_refusal(opened: Opening) -> None:
    """Of its first nobody knows any more that it was refused: it may be tried again."""
    world = await opened(limits={"max_price": 1})
    world.provider.script("price", Late(5))
    first = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.sleep(1)
    second = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.answer(first)
    await world.answer(second)
    assert {each["code"] for each in noted(world)} == {"price_too_high"}


async def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        world = await World(disk.path / "state").start()
        await world.sleep(5)
        disk.fill()
        for _ in range(20):
            await said(world, world.send("buy", PRODUCT))
        assert problem(world)["code"] == "buying_paused"
        assert "is full: " in problem(world)["message"]
        await world.crash()


# --- queries --------------------------------------------------------------------------------------------------------


async def test_of_a_query_only_what_was_wrong_with_itself_is_told(world: World) -> None:
    world.provider.script("profile", FAILED)
    await world.ask("query/profile")
    assert problem(world) is None or problem(world)["event_type"] != "command_refused"
    await world.ask("query/price/2/1/nonesuch")
    assert problem(world)["code"] == "unknown_name"
    await world.ask("query/price/2/1/1")
    assert problem(world) is None


# --- orders ---------------------------------------------------------------------------------------------------------


async def test_an_order_in_doubt_is_graver_than_all_else(world: World) -> None:
    order = await lost(world, transaction="t-9")
    await world.ask("buy", NOWHERE)
    told = problem(world)
    assert (told["event_type"], told["code"], told["order"], told["transaction"], told["more"]) == (
        "outcome_unknown",
        "outcome_unknown",
        order["order"],
        "t-9",
        1,
    )
    assert "The balance may tell" in told["message"]
    assert "Telegram (Russia)" in told["message"]
    assert told["at"] == order["created_at"]


async def test_it_says_so_once_the_balance_told_nothing(world: World) -> None:
    order = await lost(world)
    world.provider.always["profile"] = UNREACHABLE
    await world.sleep(120)
    told = problem(world)
    assert (told["order"], told["more"]) == (order["order"], 1), "graver than the provider, too"
    assert "settle the order" in told["message"]


async def test_and_by_how_much_the_balance_fell(world: World) -> None:
    await lost(world, Acting(LOST))
    await world.sleep(61)
    assert problem(world)["message"].startswith("Probably bought: the balance fell by 2,200 IRT")
    await world.restart()
    assert problem(world)["message"].startswith("Probably bought: the balance fell by 2,200 IRT")


@pytest.mark.parametrize("bought", [True, False])
async def test_it_is_over_once_its_owner_settles_it(world: World, bought: bool) -> None:
    await lost(world)
    outcome = (
        {"outcome": "bought", "purchase": "74001", "phone": "+79313226657"} if bought else {"outcome": "not_bought"}
    )
    await world.data("resolve", {"order": "unknown", **outcome})
    assert problem(world) is None
    await world.restart()
    assert problem(world) is None


async def test_one_that_turned_out_unpaid_is_told_until_a_later_buy_goes_well(world: World) -> None:
    order = await lost(world)
    await world.sleep(61)
    for _ in range(2):
        told = problem(world)
        assert (told["event_type"], told["code"], told["order"]) == ("order_problem", "outcome_unknown", order["order"])
        assert "nothing was paid" in told["message"]
        await world.restart()
    await world.buy()
    assert problem(world) is None
    await world.restart()
    assert problem(world) is None


async def test_one_that_came_dearer_than_the_limit_is_told_until_it_closes(opened: Opening) -> None:
    world = await opened(limits={"max_price": 2500})
    world.provider.purchase_price = Decimal(3000)
    order = await world.buy()
    for _ in range(2):
        told = problem(world)
        assert (told["event_type"], told["code"], told["order"]) == ("price_above_limit", None, order["order"])
        assert "cost 3,000 IRT, more than your maximum price of 2,500 IRT" in told["message"]
        await world.restart(crash=True)
    await world.data("cancel", "current")
    assert problem(world) is None
    await world.restart()
    assert problem(world) is None
    assert not any(key.startswith("notice/") for key in await world.journal.meta())


@pytest.mark.parametrize("crash", [False, True])
async def test_one_that_the_provider_knows_by_no_id_is_told_until_it_does(world: World, crash: bool) -> None:
    world.provider.ids = doubled
    world.provider.always["check"] = NOT_FOUND
    order = await world.buy()
    await world.sleep(30)
    for _ in range(2):
        told = problem(world)
        assert (told["event_type"], told["order"], told["more"]) == ("order_problem", order["order"], 0)
        assert "its SMS cannot be fetched" in told["message"]
        await world.restart(crash=crash)
    del world.provider.always["check"]
    await world.until(lambda: problem(world) is None, 600)


async def test_nothing_is_left_of_one_whose_end_came_with_a_crash(opened: Opening) -> None:
    world = await opened(limits={"max_price": 2500}, orders={"keep_closed": 0})
    world.provider.purchase_price = Decimal(3000)
    await world.buy()
    orders: Any = world.bridge.orders
    orders._problems._forget = lambda _: None  # it is killed before it comes to that
    await world.data("cancel", "current")
    await world.restart(crash=True)
    assert problem(world) is None
    await world.restart()
    assert not any(key.startswith("notice/") for key in await world.journal.meta())


@pytest.mark.parametrize(
    ("refusals", "sentence"),
    [
        ([TOO_EARLY] * 30, "the provider did not give 2,200 IRT back"),
        ([UNREACHABLE] * 200, "nobody knows whether 2,200 IRT came back"),
    ],
    ids=["refused", "nobody answers"],
)
async def test_one_whose_money_did_not_come_back_is_told_for_an_hour(
    opened: Opening, refusals: list[Any], sentence: str
) -> None:
    world = await opened(limits={"max_price": 5000}, orders={"keep_closed": 60})
    order = await world.buy()
    world.provider.script("cancel", *refusals)
    await world.state(order["order"], "expired")
    for _ in range(2):
        told = noted(world)[0]
        assert (told["event_type"], told["order"]) == ("order_problem", order["order"])
        assert sentence in told["message"]
        await world.restart()
    await world.sleep(HOUR)
    assert not noted(world)


async def test_one_that_the_provider_cancelled_itself(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.CANCELLED))
    await world.state(order["order"], "cancelled", 10)
    assert "nobody knows whether what it cost came back" in problem(world)["message"]


async def test_what_ends_as_it_should_is_none(world: World) -> None:
    order = await world.buy()
    await world.state(order["order"], "expired")
    order = await world.buy()
    world.provider.gets(order["purchase"], sms())
    await world.state(order["order"], "received")
    world.provider.script("cancel", TOO_EARLY)
    await world.ask("cancel", "current")
    await world.state(order["order"], "finished")
    assert {each["event_type"] for each in noted(world)} <= {"command_refused"}


# --- the provider ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (INVALID_TOKEN, "unauthorized"),
        (BLOCKED, "blocked"),
        (UNREACHABLE, "unreachable"),
        (MALFORMED, "misunderstood"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_a_provider_that_does_not_work_is_told_until_it_does(opened: Opening, error: Any, state: str) -> None:
    world = await opened(started=False)
    for call in ("profile", "countries", "operators", "applications", "prices", "price", "check"):
        world.provider.always[call] = error
    await world.start()
    await world.sleep(1)
    assert world.json("provider/state")["state"] == state
    told = problem(world)
    assert (told["event_type"], told["code"], told["order"]) == ("provider_state", error.code.value, None)
    assert told["message"] == f"{words.PROVIDER[state]}."
    await world.restart(crash=True, down=60)
    assert set(kinds(world)) == {"provider_state"}
    await world.sleep(1)
    assert problem(world) == told, "it is the same one, since the same moment"
    world.provider.always.clear()
    await world.sleep(600)
    assert problem(world) is None
    await world.restart()
    assert set(kinds(world)) == {None}


async def test_another_trouble_of_the_provider_is_another_problem(world: World) -> None:
    world.provider.always["profile"] = UNREACHABLE
    await world.ask("query/profile")
    before = problem(world)
    world.provider.always["profile"] = INVALID_TOKEN
    await world.sleep(5)
    await world.ask("query/profile")
    assert (before["code"], problem(world)["code"]) == ("provider_unreachable", "invalid_token")
    assert problem(world)["at"] > before["at"]


async def test_what_an_earlier_process_left_of_it_and_makes_no_sense_is_left_out(world: World) -> None:
    await world.journal.put_meta({"provider_problem": '{"state": "nonesuch"}'})
    await world.restart()
    assert problem(world) is None


# --- the journal ----------------------------------------------------------------------------------------------------


async def test_a_journal_that_was_put_back_is_told_until_its_owner_looked(world: World) -> None:
    await back_up(world)
    await world.buy()
    await restored(world)
    told = problem(world)
    assert (told["event_type"], told["code"]) == ("journal_restored", None)
    await world.restart(down=100)
    assert problem(world) == told
    await world.ask("buying/set", "on")
    await world.settle()
    assert problem(world) is None


async def test_one_from_before_its_moment_was_written_down(world: World) -> None:
    await back_up(world)
    await world.buy()
    await restored(world)
    await world.journal.put_meta({"journal_paused_at": None})
    await world.restart()
    assert problem(world)["event_type"] == "journal_restored"


# --- settling what is in doubt --------------------------------------------------------------------------------------


async def test_which_one_is_meant_must_be_clear(opened: Opening) -> None:
    world = await opened(orders={"settle_delay": 1})
    settle = {"order": "unknown", "outcome": "not_bought"}
    answer = await world.ask("resolve", settle)
    assert (answer["error"]["code"], "nothing to settle" in answer["error"]["message"]) == ("order_not_found", True)
    first = await lost(world, Acting(LOST))
    await world.sleep(30)
    second = await lost(world, Acting(LOST))
    answer = await world.ask("resolve", settle)
    assert answer["error"]["code"] == "invalid_command"
    assert first["order"] in answer["error"]["message"]
    assert second["order"] in answer["error"]["message"]
    await world.data("resolve", {"order": first["order"], "outcome": "not_bought"})
    assert (await world.data("resolve", settle))["order"] == second["order"]


async def test_whose_word_on_it_was_refused_sees_why(world: World) -> None:
    await lost(world, Acting(LOST))
    await world.error("resolve", {"order": "unknown", "outcome": "bought", "purchase": "74001", "phone": ""})
    told = problem(world)
    assert (told["event_type"], told["more"]) == ("outcome_unknown", 1)
    assert told["message"].startswith("The order was not settled: the number is missing. ")
    assert "Telegram (Russia) may have been bought" in told["message"]
    assert told["message"].endswith(" may be gone.")
    await world.restart()
    assert problem(world) == told
    await world.sleep(HOUR)
    assert "not settled" not in problem(world)["message"]
    await world.data("resolve", {"order": "unknown", "outcome": "not_bought"})
    assert problem(world) is None


@pytest.mark.parametrize("by_hand", [True, False])
@pytest.mark.parametrize("named", [True, False])
async def test_what_was_refused_for_the_doubt_is_over_with_it(world: World, by_hand: bool, named: bool) -> None:
    order = await lost(world)
    await world.error("cancel", "current")
    wrong = {"order": order["order"] if named else "unknown", "outcome": "bought", "purchase": "74001"}
    await world.error("resolve", wrong)
    await world.restart()
    assert {each["code"] for each in noted(world)} == {"not_cancellable", "invalid_command"}
    if by_hand:
        await world.data("resolve", {"order": "unknown", "outcome": "not_bought"})
        assert problem(world) is None
    else:
        await world.sleep(61)
        assert [each["event_type"] for each in noted(world)] == ["order_problem"], "the balance told"
    left = noted(world)
    await world.restart()
    assert noted(world) == left


async def test_what_was_refused_for_another_doubt_is_not(opened: Opening) -> None:
    world = await opened(orders={"settle_delay": 1})
    first = await lost(world, Acting(LOST))
    await world.sleep(30)
    second = await lost(world, Acting(LOST))
    for order in (first, second):
        await world.error("cancel", {"order": order["order"]})
    await world.data("resolve", {"order": first["order"], "outcome": "not_bought"})
    assert [each["order"] for each in noted(world)] == [second["order"]]
    await world.restart()
    assert [each["order"] for each in noted(world)] == [second["order"]]


async def test_a_buy_that_was_refused_meanwhile_is_told_in_words_that_stay_true(world: World) -> None:
    await lost(world)
    await world.error("buy", PRODUCT)
    await world.data("resolve", {"order": "unknown", "outcome": "not_bought"})
    assert problem(world)["message"].startswith("Nothing was bought: it was not known whether the purchase before it")


@pytest.mark.parametrize("before", [True, False])
async def test_a_word_on_another_one_is_not_told_of_this_one(world: World, before: bool) -> None:
    """ "Nothing is in doubt" of an hour ago, or of another order, is not so of one whose money may be gone."""
    refused = {"order": "unknown" if before else "nonesuch", "outcome": "not_bought"}
    if before:
        await world.error("resolve", refused)
    await lost(world, Acting(LOST))
    if not before:
        await world.error("resolve", refused)
    assert problem(world)["message"].startswith("A number for Telegram (Russia) may have been bought")
    assert problem(world)["more"] == 1
    if before:
        await world.sleep(120)
        await world.error("resolve", {"order": "unknown", "outcome": "bought", "purchase": "74001"})
        assert "not settled: the number is missing" in problem(world)["message"]


async def test_it_is_never_one_that_came_after_the_command(world: World) -> None:
    """A `resolve` that an earlier process took and did not carry out means none of what is in doubt since."""
    order = await lost(world)
    request = Resolve("unknown", bought=False)
    now = world.journal.time.now()
    late = Ticket(1, Envelope("resolve"), request, now - 60, world.clock.now(), None, lambda *_: None, resumed=True)
    with pytest.raises(CommandRefusedError, match="nothing to settle"):
        the_one_in_doubt(world.bridge.orders.ledger, late)
    now_on = Ticket(2, Envelope("resolve"), request, now + 60, world.clock.now(), None, lambda *_: None, resumed=True)
    assert the_one_in_doubt(world.bridge.orders.ledger, now_on) == order["order"]


# --- a wallet that is too small -------------------------------------------------------------------------------------


async def test_after_a_402_the_balance_is_read_again(world: World) -> None:
    await world.sleep(20)
    world.provider.balance = Decimal(100)
    world.provider.script("buy", POOR)
    looked = world.provider.count("profile")
    await world.ask("buy", PRODUCT)
    await world.sleep(20)
    assert world.text("profile/balance") == "100"
    assert world.provider.count("profile") - looked <= 2, "one with the purchase, one after it"


async def test_a_storm_of_them_is_no_storm_of_looks(world: World) -> None:
    await world.sleep(20)
    world.provider.always["buy"] = POOR
    looked = world.provider.count("profile")
    for _ in range(60):
        await world.ask("buy", PRODUCT)
        await world.sleep(1)
    # A purchase looks itself where the balance is older than ten seconds.
    assert world.provider.count("profile") - looked <= 60 // 10 + 10


def test_every_kind_of_problem_is_of_an_event() -> None:
    assert set(words.EVENTS) <= set(BridgeEvent)
