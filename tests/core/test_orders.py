"""The way of an order that was bought: its states, its SMS, its end (contract, section State)."""

from __future__ import annotations

import itertools
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.records import Batch
from shomare_mqtt.model import LEGAL_MOVES, OPEN_STATES, OrderState, PurchaseState
from tests.core.provider import FAILED, NOT_FOUND, TIMEOUT, UNREACHABLE, Late, reading, sms

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

# The contract's table of states, written down a second time.
NEXT = {
    "buying": {"waiting", "failed", "unknown", "cancelled"},
    "waiting": {"received", "cancelled", "expired"},
    "received": {"finished", "cancelled"},
    "unknown": {"waiting", "failed"},
    "finished": set(),
    "cancelled": set(),
    "expired": set(),
    "failed": set(),
}


async def test_from_buy_to_code(world: World) -> None:
    order = await world.buy(transaction="t-17")
    assert (order["state"], order["purchase"], order["transaction"]) == ("waiting", "p1", "t-17")
    assert (order["country_name"], order["operator_name"], order["application_name"]) == ("Russia", "MCI", "Telegram")
    assert order["expires_at"] == "2026-03-01T12:20:00.000Z"
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 6)
    assert world.codes() == ["48213"]
    await world.state(order["order"], "finished", 1300)
    assert world.moves(order["order"]) == ["buying", "waiting", "received", "finished"]
    assert [e["previous"] for e in world.events("order")] == [None, "buying", "waiting", "received"]
    assert [(o.state.value, p and p.state.value) for o, p in world.extensions.orders] == [
        ("buying", None),
        ("waiting", "buying"),
        ("received", "waiting"),
        ("finished", "received"),
    ]


async def test_no_move_but_those_of_the_table(world: World) -> None:
    assert {s.value: {m.value for m in LEGAL_MOVES[s]} for s in OrderState} == NEXT
    await world.buy()
    ledger, bought = world.bridge.orders.ledger, world.bridge.orders.ledger.open()[0]
    for before, after in itertools.product(OrderState, OrderState):
        record = replace(bought, order=replace(bought.order, state=before))
        batch = Batch()
        if before is not after and after.value not in NEXT[before.value]:
            with pytest.raises(ValueError, match=f"from {before} to {after}"):
                ledger.changed(batch, record, state=after)
            assert not batch.records
            continue
        changed = ledger.changed(batch, record, state=after)
        assert changed.order.state is after
        assert (changed.order.closed_at is not None) == (before in OPEN_STATES and after not in OPEN_STATES)
        assert len(batch.postings) == (before is not after)


# --- SMS ------------------------------------------------------------------------------------------------------------


async def test_each_sms_is_published_once_with_a_stable_id(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111", sender="Telegram"))
    await world.state(order["order"], "received")
    await world.sleep(60)
    world.provider.gets("p1", sms("Your code is 22222"))
    await world.sleep(60)
    events = world.events("sms")
    assert [(e["code"], e["sender"]) for e in events] == [("11111", "Telegram"), ("22222", None)]
    assert len({e["sms"] for e in events}) == 2
    assert events[0]["event_type"] == "sms_received"
    assert events[0]["phone"] == order["phone"]
    assert world.codes() == ["11111", "22222"]
    assert world.order(order["order"])["sms_count"] == 2
    assert [s.code for _, s in world.extensions.sms] == ["11111", "22222"]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        (sms("Code 11111", "11111", provider_id="1"), sms("Code 11111", "11111", provider_id="1"), 1),
        (sms("Code 11111", "11111", provider_id="1"), sms("Code 11111", "11111", provider_id="2"), 2),
        (sms("Code 11111", "11111", provider_id="1"), sms("Code 22222", "22222", provider_id="1"), 2),
        (sms(None, "11111"), sms("Code 11111", "11111"), 1),
        (sms("Code 11111", "11111"), sms(None, "11111"), 1),
        (sms("hello", None), sms(None, None), 2),
        (sms("hello", None), sms("hello", None), 1),
        (sms(None, None), sms(None, None), 1),
    ],
    ids=["same", "other-id", "same-id-other-code", "text-later", "text-gone", "nothing-in-it", "no-code", "empty"],
)
async def test_duplicates_are_dropped(world: World, first: Any, second: Any, count: int) -> None:
    order = await world.buy()
    world.provider.gets("p1", first)
    await world.state(order["order"], "received")
    world.provider.numbers["p1"].sms[:] = [second]
    await world.sleep(30)
    assert len(world.events("sms")) == count
    # In one answer as well.
    second_order = await world.buy()
    world.provider.gets("p2", first, second)
    await world.state(second_order["order"], "received")
    assert world.order(second_order["order"])["sms_count"] == count


async def test_the_newest_sms_that_has_a_code_wins(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"), sms("Welcome to Telegram"))
    await world.state(order["order"], "received")
    assert [e["code"] for e in world.events("sms")] == ["11111", None]
    assert world.bridge.orders.ledger.newest_code() == "11111"
    world.bridge.orders.ledger.publish_code_again()
    assert [(m.topic, m.payload) for m in world.broker.volatile] == [("code", b"11111")]


async def test_without_a_code_nothing_is_published_again(world: World) -> None:
    await world.buy()
    world.bridge.orders.ledger.publish_code_again()
    assert world.broker.volatile == []


async def test_the_code_is_the_providers_then_the_plugins_then_ours(world: World) -> None:
    order = await world.buy()
    world.extensions.code = "from-plugin"
    world.provider.gets("p1", sms("Your code is 11111", "22222"), sms("Your code is 33333"))
    await world.state(order["order"], "received")
    world.extensions.code = None
    world.provider.gets("p1", sms("Your code is 44444"))
    await world.sleep(10)
    assert world.codes() == ["22222", "from-plugin", "44444"]


async def test_a_text_is_read_once_however_often_it_is_shown(world: World) -> None:
    """A plugin takes up to a second for each, and a number is checked hundreds of times."""
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"), sms("Hello"))
    await world.sleep(60)
    assert world.extensions.read == ["Your code is 11111", "Hello"]
    assert [s["code"] for s in (await world.full(order["order"]))["sms"]] == ["11111", None]


async def test_no_code_and_no_text_in_a_retained_topic_or_an_order_event(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 48213"))
    await world.state(order["order"], "received")
    held = b"".join(p for t, p in world.retained.ever)
    assert b"48213" not in held
    assert "48213" not in str(world.events("order"))
    full = (await world.full(order["order"]))["sms"][0]
    assert world.order(order["order"])["sms"] == [{"sms": full["sms"], "received_at": "2026-03-01T12:00:05.000Z"}]
    assert full["code"] == "48213"


async def test_codes_are_retained_where_the_owner_wants_it(opened: Opening) -> None:
    world = await opened(privacy={"retain_codes": True})
    order = await world.buy()
    world.provider.gets("p1", sms())
    assert (await world.state(order["order"], "received"))["sms"][0]["code"] == "48213"
    assert world.json("current")["sms"][0]["code"] == "48213"


# --- what the provider says -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("provider", "with_sms", "state", "error"),
    [
        (PurchaseState.CANCELLED, False, "cancelled", "provider_error"),
        (PurchaseState.EXPIRED, False, "expired", None),
        (PurchaseState.FINISHED, False, "expired", "provider_error"),
        (PurchaseState.CANCELLED, True, "finished", None),
        (PurchaseState.EXPIRED, True, "finished", None),
    ],
)
async def test_ends_that_the_provider_brings(
    world: World, provider: PurchaseState, with_sms: bool, state: str, error: str | None
) -> None:
    order = await world.buy()
    messages = [sms()] if with_sms else []
    world.provider.script("check", reading(provider, *messages))
    ended = await world.state(order["order"], state, 10)
    assert (ended["error"] and ended["error"]["code"]) == error
    given_back = state == "expired"
    assert ended["refunded"] is (True if given_back else None)
    await world.sleep(1300)
    assert (world.provider.count("check"), world.provider.count("cancel")) == (1, given_back)


async def test_one_not_found_ends_nothing(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", NOT_FOUND, None)
    world.provider.script("check", reading(None))
    await world.sleep(30)
    assert world.order(order["order"])["state"] == "waiting"


async def test_the_providers_lifetime_counts(world: World) -> None:
    world.provider.lifetime = 600.0
    order = await world.buy()
    assert order["expires_at"] == "2026-03-01T12:10:00.000Z"
    world.provider.numbers["p1"].lifetime = 100.0
    await world.sleep(6)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:01:45.000Z"
    world.provider.always["check"] = reading(PurchaseState.WAITING, lifetime=1e9)
    await world.sleep(60)
    world.provider.always["check"] = reading(PurchaseState.WAITING, lifetime=0.0)
    await world.sleep(20)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:01:45.000Z"


@pytest.mark.parametrize("said", [0.0, -5.0, 10 * 365 * 86400.0, float("nan"), float("inf")])
async def test_a_life_that_cannot_be_is_that_of_the_settings(world: World, said: float) -> None:
    world.provider.lifetime = said
    assert (await world.buy())["expires_at"] == "2026-03-01T12:20:00.000Z"


async def test_a_lifetime_that_differs_little_is_not_written(world: World) -> None:
    order = await world.buy()
    world.provider.always["check"] = reading(PurchaseState.WAITING, lifetime=1189.5)
    await world.sleep(20)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:19:54.500Z", "sooner counts at once"
    assert world.order(order["order"])["updated_at"] == "2026-03-01T12:00:05.000Z", "later by ten seconds does not"


async def test_a_number_that_comes_later_is_taken(world: World) -> None:
    world.provider.script("buy", replace(world.provider._buy(), phone=None))
    order = await world.buy()
    assert order["phone"] is None
    world.provider.script("check", reading(PurchaseState.WAITING, phone="+989120000000"))
    await world.until(lambda: world.order(order["order"])["phone"] == "+989120000000", 10)


async def test_the_price_that_was_charged_stands_in_the_order(world: World) -> None:
    world.provider.purchase_price = Decimal("2300.5")
    assert (await world.buy())["price"] == 2300.5


# --- polling --------------------------------------------------------------------------------------------------------


async def test_the_rhythm_of_polling(world: World) -> None:
    await world.buy()
    await world.sleep(20.5)
    assert world.provider.times("check") == pytest.approx([5, 10, 15, 20])


async def test_failing_checks_are_asked_ever_more_seldom(world: World) -> None:
    await world.buy()
    world.provider.always["check"] = FAILED
    await world.sleep(900)
    times = world.provider.times("check")
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps == pytest.approx([10, 20, 40, 80, 160, 300])


async def test_the_provider_names_how_long_to_wait(world: World) -> None:
    await world.buy()
    patient = type(FAILED)(FAILED.code, "429", retry_after=120.0)
    world.provider.script("check", patient)
    await world.sleep(126)
    assert world.provider.times("check") == pytest.approx([5, 125])


async def test_a_provider_that_is_back_is_asked_at_once(world: World) -> None:
    await world.buy()
    world.provider.always |= {"check": UNREACHABLE, "profile": UNREACHABLE}
    await world.sleep(100)
    del world.provider.always["check"], world.provider.always["profile"]
    asked = world.provider.count("check")
    await world.data("query/profile")
    await world.sleep(6)
    assert world.provider.count("check") > asked


async def test_a_profile_that_works_says_nothing_of_checks_that_do_not(world: World) -> None:
    await world.buy()
    world.provider.always["check"] = UNREACHABLE
    await world.sleep(100)
    asked = world.provider.count("check")
    await world.data("query/profile")
    await world.sleep(6)
    assert world.provider.count("check") == asked


async def test_a_check_that_is_answered_again_speaks_for_all_that_were_not(world: World) -> None:
    """Else an SMS that came while the provider was away would wait out the order's own backoff of minutes."""
    first = await world.buy()
    world.provider.always["check"] = UNREACHABLE
    await world.sleep(200)
    await world.buy(application="2")
    await world.sleep(130)
    del world.provider.always["check"]
    world.provider.gets("p1", sms())
    await world.state(first["order"], "received", 30)
    await world.sleep(17)
    asked = {
        p: [at for name, at, purchase in world.provider.calls if (name, purchase) == ("check", p)] for p in ("p1", "p2")
    }
    assert asked["p1"] == pytest.approx([5, 15, 35, 75, 155, 315, 355, 360, 365, 370])
    assert asked["p2"] == pytest.approx([205, 215, 235, 275, 355, 360, 365, 370])


async def test_a_check_that_hangs_holds_up_nobody_else(world: World) -> None:
    first, second = await world.buy(), await world.buy(application="2")
    world.provider.always["check"] = lambda purchase: Late(None) if purchase == "p1" else None
    world.provider.gets("p2", sms())
    await world.state(second["order"], "received", 10)
    assert world.order(first["order"])["state"] == "waiting"
    # Not even its own end: it is given up when the last check is due.
    world.provider.always["check"] = reading(PurchaseState.WAITING, sms())
    await world.state(first["order"], "finished", 1201)


async def test_an_answer_nobody_foresaw_ends_no_watch(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", RuntimeError("a bug in the reading"))
    await world.sleep(6)
    assert (await world.state(order["order"], "waiting"))["error"] is None
    world.provider.gets("p1", sms())
    assert (await world.state(order["order"], "received", 20))["sms_count"] == 1


# --- restarts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("crash", [True, False])
async def test_watching_goes_on_after_a_restart(world: World, crash: bool) -> None:
    waiting, received = await world.buy(), await world.buy(application="2")
    world.provider.gets("p2", sms("Your code is 11111"))
    await world.state(received["order"], "received")
    closed = await world.buy(application="3")
    await world.data("cancel", {"order": closed["order"]})
    before = {o: world.order(o) for o in (waiting["order"], received["order"], closed["order"])}
    await world.restart(crash=crash, down=100.0)
    assert {o: world.order(o) for o in before} == before
    assert world.json("current")["order"] == received["order"]
    world.provider.gets("p1", sms())
    await world.state(waiting["order"], "received", 1)
    await world.state(received["order"], "finished")
    assert world.moves(closed["order"]) == ["buying", "waiting", "cancelled"]
    assert len(world.events("sms")) == 2


async def test_an_order_whose_time_passed_while_nobody_watched(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.restart(down=4000.0)
    await world.state(order["order"], "finished", 1)
    assert world.codes() == ["48213"]


async def test_ids_of_sms_stay_the_same_over_a_restart(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"))
    (first,) = (await world.state(order["order"], "received"))["sms"]
    await world.restart(crash=True)
    world.provider.gets("p1", sms("Your code is 22222"))
    await world.sleep(10)
    assert [s["sms"] for s in world.order(order["order"])["sms"]] == [e["sms"] for e in world.events("sms")]
    assert world.events("sms")[0]["sms"] == first["sms"] != world.events("sms")[1]["sms"]


async def test_the_last_check_falls_due_while_an_sms_is_being_written(world: World) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    world.provider.script("check", *[reading(PurchaseState.WAITING)] * 238, Late(2.99))
    real = world.journal.commit

    async def slow(batch: Batch, condition: Any = None) -> int:
        moves = await real(batch, condition)
        if batch.sms:
            await world.clock.sleep(5.0)
        return moves

    world.journal.commit = slow  # type: ignore[method-assign]
    await world.state(order["order"], "finished", 1300)
    assert len(world.events("sms")) == 1


async def test_slow_checks_do_not_pile_up(world: World) -> None:
    await world.buy()
    world.provider.always["check"] = Late(18.0, TIMEOUT)
    await world.sleep(60)
    assert world.provider.count("check") == 2
