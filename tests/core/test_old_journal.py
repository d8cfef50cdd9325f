"""A journal that is older than what the broker knows of it, or another one (contract, State, An old journal)."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.clearance import Clearance
from shomare_mqtt.core.orders.held import read_order
from shomare_mqtt.core.orders.sms_ids import sms_id
from shomare_mqtt.core.records import JournalMark
from tests.core.provider import LOST, NO_NUMBERS, PRICE, Acting, Late, sms
from tests.core.test_resume import taken
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from shomare_mqtt.core.records import Batch
    from tests.core.conftest import Opening
    from tests.core.world import World

TOPIC = "bridge/journal"
SAME_PURCHASE = "01KJMMA2G0HGFZPET2PGJ03D0T"


def keep(world: World) -> None:
    """A copy of the journal as it is now, as a backup or a cloned card has it."""
    shutil.copytree(world.directory, world.directory.with_name("copy"))


async def back_up(world: World) -> None:
    """A copy is made while nothing runs, and the daemon goes on."""
    await world.stop()
    keep(world)
    await world.start()


def put_back(world: World) -> None:
    """The copy comes into the journal's place; what the test heard until then is forgotten."""
    older, newer = world.directory.with_name("copy"), world.directory.with_name("newer")
    world.directory.rename(newer)
    older.rename(world.directory)
    newer.rename(older)
    world.broker.rows.clear()
    world.clock.new_process()


async def restored(world: World, **flags: bool) -> None:
    """End the process, and start another one with the copy."""
    await world.stop()
    put_back(world)
    await world.start(**flags)
    await world.settle()


def mark(world: World) -> JournalMark:
    """What `bridge/journal` holds."""
    found = JournalMark.read(world.retained.now.get(TOPIC))
    assert found is not None
    return found


async def paused(world: World) -> bool:
    """Whether buying pauses for that reason, as health, a refused `buy` and nothing else say."""
    health = await world.bridge.health()
    await world.settle()
    shown = world.json("bridge/health")
    assert [shown[k] for k in ("buying_paused", "buying_paused_reason")] == [
        health["buying_paused"],
        health["buying_paused_reason"],
    ]
    assert health["buying_paused_reason"] in (None, "journal_restored")
    assert world.text("buying") == "on", "the owner's will alone"
    return bool(health["buying_paused"])


async def said(world: World) -> list[str]:
    """What was said of journals."""
    await world.settle()
    return [e["event_type"] for e in world.events("bridge") if e["event_type"].startswith("journal_")]


# --- how far it has come --------------------------------------------------------------------------------------------


async def test_a_new_journal_says_its_name_and_that_nothing_was_done(world: World) -> None:
    assert mark(world).sequence == 0
    assert mark(world).journal
    assert await paused(world) is False
    assert await said(world) == []


async def test_what_changes_orders_or_is_taken_counts_and_queries_do_not(world: World) -> None:
    at_first = mark(world).sequence
    for query in ("profile", "countries", "orders"):
        await world.data(f"query/{query}")
    await world.sleep(60)
    assert mark(world).sequence == at_first
    await world.buy()
    await world.sleep(10)
    bought = mark(world).sequence
    assert bought > at_first
    world.provider.gets("p1", sms())
    await world.sleep(16)
    assert (received := mark(world).sequence) > bought
    await world.data("defaults/country/set", "2")
    await world.sleep(10)
    assert mark(world).sequence > received
    assert mark(world).sequence == world.journal.sequence


async def test_it_is_ten_seconds_behind_at_most_and_says_nothing_at_rest(world: World) -> None:
    for number in range(40):
        world.send("buying/set", "on")
        at = world.journal.sequence
        await world.sleep(1 + number % 3)
        assert all(m.sequence <= world.journal.sequence for m in shown(world)), "never ahead of the disk"
        if number > 10:
            assert mark(world).sequence > at - 11
    await world.sleep(10)
    assert mark(world).sequence == world.journal.sequence
    assert len(shown(world)) <= 2 + 90 / 9
    count = len(world.retained.ever)
    await world.sleep(50)
    assert [t for t, _ in world.retained.ever[count:] if t == TOPIC] == []


def shown(world: World) -> list[JournalMark]:
    return [m for t, p in world.retained.ever if t == TOPIC and (m := JournalMark.read(p))]


async def test_a_crash_is_no_backup(world: World) -> None:
    for seconds in (0.0, 0.5, 1.5, 9.0):
        world.send("buy", PRODUCT)
        await world.sleep(seconds)
        await world.restart(crash=True)
        assert await said(world) == []
        assert await paused(world) is False


async def test_a_broker_that_lost_everything_raises_no_alarm(world: World) -> None:
    await world.buy()
    await world.stop()
    world.retained.now.clear()
    await world.start()
    assert (await said(world), await paused(world)) == ([], False)
    assert mark(world).sequence == world.journal.sequence


@pytest.mark.parametrize(
    "rubbish",
    [
        b"nonsense", b"17", b"[]", b"{}", b"null", b"\xff", b"[" * 100_000, b'{"journal": 5, "sequence": 5}',
        b'{"journal": "", "sequence": 5}', b'{"journal": "x", "sequence": "5"}', b'{"journal": "x", "sequence": -1}',
        b'{"journal": "x", "sequence": true}', b'{"journal": "x", "sequence": 5.0}', b'{"journal": "x"}',
        b'{"journal": "x", "sequence": 1' + b"0" * 5000 + b"}", b'{"journal": "x", "sequence": 9223372036854775808}',
        b'{"journal": "a\\nb", "sequence": 5}', b'{"journal": "' + b"x" * 101 + b'", "sequence": 5}',
        b'{"journal": "\\ud800", "sequence": 5}',
    ],
)  # fmt: skip
async def test_rubbish_is_set_right(world: World, rubbish: bytes) -> None:
    await world.stop()
    world.retained.now[TOPIC] = rubbish
    await world.start()
    assert (await said(world), await paused(world)) == ([], False)
    assert mark(world).sequence == world.journal.sequence


# --- a backup was put back ------------------------------------------------------------------------------------------


async def test_a_backup_pauses_buying_until_somebody_says_on(world: World) -> None:
    before = await world.buy(transaction="t-1")
    await back_up(world)
    lost = await world.buy(transaction="t-2")
    name = mark(world).journal
    await restored(world)

    assert await said(world) == ["journal_restored"]
    (event,) = world.bridge_events("journal_restored")
    assert event["watched"] == [lost["order"]]
    assert "buying/set" in event["message"]
    assert [e["reason"] for e in world.bridge_events("buying_paused")] == ["journal_restored"]
    assert await paused(world)
    for transaction in ("t-2", "t-3"):
        answer = await world.ask("buy", {**PRODUCT, "transaction": transaction})
        assert (answer["error"]["code"], answer["error"]["retryable"]) == ("buying_paused", True)
        assert "journal_restored" in answer["error"]["message"]
    assert world.provider.count("buy") == 2
    assert mark(world).journal != name
    kept = ("order", "purchase", "phone", "price", "country_name", "transaction", "created_at", "expires_at", "state")
    assert [world.order(lost["order"])[k] for k in kept] == [lost[k] for k in kept]
    assert {o["order"] for o in world.json("orders")} == {before["order"], lost["order"]}

    assert await world.data("buying/set", "on") == {"buying": "on"}
    assert await paused(world) is False
    assert [e["reason"] for e in world.bridge_events("buying_resumed")] == ["journal_restored"]
    await world.buy(transaction="t-3")
    again = await world.ask("buy", {**PRODUCT, "transaction": "t-2"})
    assert (again["status"], again["replayed"], again["data"]["order"]) == ("ok", True, lost["order"])
    assert world.provider.count("buy") == 3
    world.broker.rows.clear()
    await world.restart()
    assert (await said(world), await paused(world)) == ([], False)


@pytest.mark.parametrize("outcome", [None, Late(None)], ids=["bought", "on its way"])
async def test_a_purchase_of_the_moment_before_a_crash_is_missed(world: World, outcome: Late | None) -> None:
    await back_up(world)
    world.provider.script("buy", outcome)
    world.send("buy", {**PRODUCT, "transaction": "t-2"})
    await world.until(lambda: world.provider.count("buy") == 1)
    await world.settle()
    await world.crash()
    put_back(world)
    await world.start()
    assert (await said(world), await paused(world)) == (["journal_restored"], True)
    assert (await world.ask("buy", {**PRODUCT, "transaction": "t-2"}))["error"]["code"] == "buying_paused"


async def test_a_repeat_right_behind_the_on_that_ends_the_pause_buys_nothing(world: World) -> None:
    await back_up(world)
    lost = await world.buy(transaction="t-2")
    await restored(world)
    world.send("buying/set", "on")
    again = await world.ask("buy", {**PRODUCT, "transaction": "t-2"})
    assert (again["data"]["order"], again["replayed"]) == (lost["order"], True)
    assert (await world.ask("buy", {**PRODUCT, "transaction": "t-2"})) == again
    assert world.provider.count("buy") == 1


async def test_a_repeat_that_waits_while_the_pause_ends_buys_nothing(world: World) -> None:
    await back_up(world)
    lost = await world.buy(transaction="t-2")
    await restored(world)
    world.clearance = Clearance()
    waiting = world.send("buy", {**PRODUCT, "transaction": "t-2"})
    await world.settle()
    repeat = world.send("buy", {**PRODUCT, "transaction": "t-2"})
    await world.data("buying/set", "on")
    world.clearance.give()
    for command in (waiting, repeat):
        answer = await world.answer(command)
        assert (answer["data"]["order"], answer["replayed"]) == (lost["order"], True)
    assert world.provider.count("buy") == 1


@pytest.mark.parametrize("days", [0, 2, 8])
async def test_a_transaction_is_known_for_as_long_as_any(opened: Opening, days: int) -> None:
    world = await opened(orders={"remember": 7 * 86400})
    await back_up(world)
    lost = await world.buy(transaction="t-2")
    await world.data("cancel", {"order": lost["order"]})
    await restored(world)
    await world.sleep(days * 86400)
    await world.data("buying/set", "on")
    await world.ask("buy", {**PRODUCT, "transaction": "t-2"})
    assert world.provider.count("buy") == (1 if days < 7 else 2)


async def test_the_pause_outlives_restarts_and_off(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await back_up(world)
    await world.buy()
    await restored(world)
    for crash in (True, False):
        await world.restart(crash=crash)
        assert await said(world) == ["journal_restored"], "once"
        assert await paused(world)
        assert "nothing is bought yet" in caplog.text
    await world.data("buying/set", "off")
    assert await world.error("buy", PRODUCT) == "buying_paused"
    await world.restart()
    await world.data("buying/set", "on")
    assert await paused(world) is False


async def test_the_same_old_message_is_no_second_alarm(world: World) -> None:
    """Neither where the process dies before it has shown its own, nor where the broker forgets that."""
    await back_up(world)
    await world.buy()
    await world.stop()
    old = world.retained.now[TOPIC]
    put_back(world)
    await world.start()
    world.retained.now[TOPIC] = old
    await world.restart(crash=True)
    assert (await said(world), await paused(world)) == (["journal_restored"], True)
    await world.data("buying/set", "on")
    for payload in (old, JournalMark(JournalMark.read(old).journal, 1).payload()):  # type: ignore[union-attr]
        world.retained.now[TOPIC] = payload
        await world.restart()
        assert (await said(world), await paused(world)) == (["journal_restored"], False)


async def test_a_crash_before_all_is_written_hides_nothing(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)

    async def dies(batch: Batch, condition: Any = None) -> int:
        raise MemoryError

    def broken() -> None:
        world.journal.commit = dies  # type: ignore[method-assign]

    world.on_loaded = broken
    with pytest.raises(MemoryError):
        await world.start()
    world.on_loaded = lambda: None
    assert TOPIC not in world.retained.now, "not shown before it is on disk"
    await world.crash()
    world.retained.now = {**world.held._held}
    await world.start()
    assert (await said(world), await paused(world)) == (["journal_restored"], True)
    assert world.order(lost["order"])["state"] == "waiting"


async def test_each_copy_is_told_from_the_others(world: World) -> None:
    """Also where the one that went on has overtaken, and where a restoring is undone."""
    await back_up(world)
    await world.buy()
    await restored(world)
    await world.data("buying/set", "on")
    for _ in range(5):
        await world.buy()
    await restored(world)  # the newer one, which knows nothing of the five
    assert await said(world) == ["journal_restored"]
    assert len(world.bridge_events("journal_restored")[0]["watched"]) == 5
    assert await paused(world)
    await world.data("buying/set", "on")
    older = JournalMark(mark(world).journal.partition(".")[0], 1).payload()
    for held in (world.retained.now[TOPIC], older):  # the last is what a broker had saved long before
        await world.stop()
        world.retained.now[TOPIC] = held
        await world.start()
        assert await paused(world) is False
    await restored(world)
    assert await paused(world)


async def test_an_on_from_before_the_pause_does_not_end_it(world: World) -> None:
    await taken(world, "buying/set", "on")
    await world.crash()
    keep(world)
    await world.start()
    await world.buy()
    await restored(world)
    await world.settle()
    assert await paused(world)
    await world.data("buying/set", "on")
    assert await paused(world) is False


async def test_a_second_backup_while_the_pause_lasts(world: World) -> None:
    await back_up(world)
    await world.buy()
    await restored(world)
    mine = mark(world)
    await world.stop()
    world.retained.now[TOPIC] = JournalMark(mine.journal, mine.sequence + 5).payload()
    await world.start()
    assert await said(world) == ["journal_restored"] * 2
    assert await paused(world)
    await world.data("buying/set", "on")
    assert await paused(world) is False


@pytest.mark.parametrize("accepted_after", [20.0, 300.0])
async def test_nobody_says_that_buying_resumes_while_it_pauses_for_another_reason(
    world: World, accepted_after: float
) -> None:
    """An order in doubt in the backup, and the backup itself: the last of the two to be over says so."""
    world.provider.script("buy", Late(None))
    world.send("buy", PRODUCT)
    await world.settle()
    (order,) = [o["order"] for o in world.json("orders")]
    await world.crash()
    keep(world)
    world.clock.new_process()
    await world.start()
    await world.sleep(100)
    await world.buy()
    world.retained.now.pop(f"orders/{order}")
    await restored(world)
    await world.sleep(accepted_after)
    assert world.bridge_events("buying_resumed") == []
    await world.data("buying/set", "on")
    await world.until(lambda: bool(world.bridge_events("buying_resumed")), 100)
    await world.sleep(300)
    assert await paused(world) is False
    assert len(world.bridge_events("buying_resumed")) == 1


async def test_a_buy_that_was_taken_in_the_backup_is_not_carried_out(world: World) -> None:
    command = await taken(world, "buy", {**PRODUCT, "transaction": "t-1"})
    await world.crash()
    keep(world)
    await world.start()
    assert (await world.answer(command))["status"] == "ok"
    await restored(world)
    assert (await world.answer(command))["error"]["code"] == "buying_paused"
    assert world.provider.count("buy") == 1


# --- before the broker was reached ----------------------------------------------------------------------------------


async def test_nothing_is_bought_before_it_was_compared(world: World) -> None:
    await world.stop()
    await world.start(broker=False)
    assert "broker" in str((await world.bridge.health())["buying_paused_reason"])
    assert await world.error("buy", PRODUCT) == "buying_paused"
    assert TOPIC not in world.retained.now
    await world.restart()
    await world.stop()
    await world.start(broker=False)
    await world.reach_broker()
    assert await paused(world) is False
    await world.buy()


async def test_a_backup_found_once_the_broker_is_reached(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await restored(world, broker=False)
    await world.sleep(60)
    assert await said(world) == []
    await world.reach_broker()
    await world.settle()
    assert (await said(world), await paused(world)) == (["journal_restored"], True)
    world.provider.gets("p1", sms("Your code is 22222"))
    assert (await world.state(lost["order"], "received"))["sms_count"] == 1
    await world.data("buying/set", "on")
    assert await paused(world) is False


async def test_nothing_is_shown_while_what_was_found_is_being_written(world: World) -> None:
    await back_up(world)
    await world.buy()
    await restored(world, broker=False)
    await world.data("buying/set", "on")
    real = world.journal.commit

    async def slow(batch: Batch, condition: Any = None) -> int:
        await world.clock.sleep(15.0 if "journal" in batch.meta else 0.0)
        assert TOPIC not in world.retained.now
        return await real(batch, condition)

    world.journal.commit = slow  # type: ignore[method-assign]
    await world.reach_broker()
    assert mark(world).sequence == world.journal.sequence


async def test_what_is_done_before_the_broker_is_reached_overtakes_nothing(world: World) -> None:
    order = await world.buy()
    await back_up(world)
    await world.data("cancel", {"order": order["order"]})
    await restored(world, broker=False)
    for _ in range(20):
        await world.data("buying/set", "on")
    await world.reach_broker()
    assert await said(world) == ["journal_restored"]


# --- orders that the broker holds -----------------------------------------------------------------------------------


async def test_its_sms_come_with_the_ids_that_they_had(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111", provider_id="8"), sms("Hello"))
    await world.state(lost["order"], "received")
    told = {e["text"]: e["sms"] for e in world.events("sms")}
    await restored(world)
    assert world.order(lost["order"])["sms_count"] == 2
    assert world.order(lost["order"])["state"] == "received"
    assert all(s.text for _, s in world.extensions.sms), "nobody is told of an SMS without its text"
    world.provider.gets("p1", sms("Your code is 22222", provider_id="9"))
    await world.until(lambda: len(world.events("sms")) == 3)
    again = {e["text"]: e["sms"] for e in world.events("sms")}
    assert {text: again[text] for text in told} == told
    assert len(set(again.values())) == 3
    full = await world.full(lost["order"])
    assert [(s["text"], s["sms"]) for s in full["sms"]] == list(again.items())
    assert full["sms"][0]["received_at"].startswith("2026-03-01T12:00:05")
    await world.sleep(60)
    assert len(world.events("sms")) == 3, "once"
    await world.restart()
    await world.sleep(10)
    assert len(world.events("sms")) == 3


async def test_an_order_in_the_backup_gets_its_sms_with_the_same_id_and_another_gets_another(world: World) -> None:
    order = await world.buy()
    await back_up(world)
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.state(order["order"], "received")
    (first,) = [e["sms"] for e in world.events("sms")]
    await world.stop()
    put_back(world)
    world.provider.numbers["p1"].sms[:] = [sms("Your code is 22222")]
    await world.start()
    assert world.order(order["order"])["state"] == "received"
    await world.until(lambda: bool(world.events("sms")))
    assert [e["sms"] for e in world.events("sms")] != [first], "never given twice"
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.until(lambda: len(world.events("sms")) == 2)
    assert world.events("sms")[1]["sms"] == first
    assert world.order(order["order"])["sms_count"] == 2


async def test_an_sms_with_nothing_in_it_comes_once(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    world.provider.gets("p1", sms(None, None))
    await world.state(lost["order"], "received")
    await restored(world)
    await world.sleep(60)
    assert (len(world.events("sms")), world.order(lost["order"])["sms_count"]) == (0, 1)


async def test_ids_of_sms_tell_nothing(world: World) -> None:
    """Who sees a retained order must not find the code by trying all of them."""
    order = await world.buy()
    world.provider.gets("p1", sms(None, "48213"))
    (shown_sms,) = (await world.state(order["order"], "received"))["sms"]
    key = world.journal.identity.sms_key
    assert len(key) == 32
    assert sms_id(key, order["order"], sms(None, "48213"), 0) == shown_sms["sms"]
    assert sms_id(bytes(32), order["order"], sms(None, "48213"), 0) != shown_sms["sms"]
    assert key.hex() not in repr(world.journal.identity)
    assert str(key) not in repr(world.journal.identity)


async def test_codes_that_the_broker_holds_are_not_published_again(opened: Opening) -> None:
    world = await opened(privacy={"retain_codes": True})
    await back_up(world)
    lost = await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.state(lost["order"], "received")
    await restored(world)
    await world.sleep(60)
    assert world.events("sms") == []
    assert (await world.full(lost["order"]))["sms"][0]["code"] == "11111"


async def test_a_number_lives_on_as_long_as_it_has(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.sleep(600)
    await restored(world)
    await world.sleep(500)
    assert world.order(lost["order"])["state"] == "waiting"
    assert (await world.state(lost["order"], "expired", 110))["refunded"] is True
    assert world.provider.balance == 100_000


async def test_a_number_ends_late_where_nobody_vouches_for_the_clock(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)
    world.clock.synchronised = False
    world.clock.jump(days=3)
    await world.start()
    await world.sleep(1100)
    assert world.order(lost["order"])["state"] == "waiting"
    await world.state(lost["order"], "expired", 110)


async def test_a_number_is_not_ended_by_the_days_since_the_backup(world: World) -> None:
    """A machine that boots with a backup put back knows how old that is once a time server answers."""
    await world.stop()
    keep(world)
    await world.sleep(3 * 86400)
    await world.start()
    lost = await world.buy()
    await world.stop()
    put_back(world)
    world.clock.reboot()
    world.clock.synchronised = False
    await world.start()
    await world.sleep(60)
    world.clock.synchronised = True
    await world.sleep(600)
    assert world.order(lost["order"])["state"] == "waiting"
    assert world.provider.count("cancel") == 0
    await world.state(lost["order"], "expired", 600)


async def test_a_number_whose_end_nobody_named_is_watched_for_a_lifetime(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)
    held = world.order(lost["order"]) | {"expires_at": None}
    world.retained.now[f"orders/{lost['order']}"] = json.dumps(held).encode()
    await world.start()
    await world.state(lost["order"], "expired", 1300)


async def test_what_ended_since_the_backup_does_not_open_again(world: World) -> None:
    cancelled, finished = await world.buy(), await world.buy()
    await back_up(world)
    await world.data("cancel", {"order": cancelled["order"]})
    world.provider.gets("p2", sms())
    await world.state(finished["order"], "finished")
    await world.sleep(60)
    was = {o: world.order(o) for o in (cancelled["order"], finished["order"])}
    await restored(world)
    assert {o: world.order(o) for o in was} == was
    assert {e["event_type"] for e in world.events("order")} == {"cancelled", "finished"}
    checks = world.provider.count("check")
    await world.sleep(120)
    assert world.provider.count("check") == checks
    await world.until(lambda: not world.order(finished["order"]))


async def test_what_was_bought_and_over_since_the_backup_counts_and_its_topic_is_emptied(opened: Opening) -> None:
    world = await opened(limits={"max_price": 5000})
    await back_up(world)
    kept, given_back = await world.buy(), await world.buy()
    world.provider.script("buy", NO_NUMBERS)
    await world.error("buy", PRODUCT)
    await world.data("cancel", {"order": given_back["order"]})
    world.provider.gets("p1", sms())
    await world.state(kept["order"], "finished")
    await restored(world)
    facts = await world.bridge.orders.guard.facts()
    assert (facts.spent_today, facts.open_orders, facts.unused_today) == (PRICE, 0, 1)
    assert len(await world.data("query/orders", {"state": "all"})) == 3
    assert [p for t, p in world.retained.now.items() if t.startswith("orders/")] == [b""] * 3
    await world.settle()
    assert world.bridge_events("journal_restored")[0]["watched"] == []


async def test_an_order_of_unknown_outcome_stays_to_be_settled(world: World) -> None:
    """Its balance is no evidence any more: money moved that this journal knows nothing of."""
    await back_up(world)
    world.provider.script("buy", Late(None))
    world.send("buy", {**PRODUCT, "transaction": "t-1"})
    await world.sleep(10)
    (order,) = [o["order"] for o in world.json("orders")]
    await world.crash()
    put_back(world)
    await world.start()
    await world.settle()
    assert world.order(order)["state"] == "unknown"
    assert "resolve" in world.order(order)["error"]["message"]
    await world.settle()
    assert world.bridge_events("journal_restored")[0]["watched"] == []
    await world.sleep(200)
    assert world.order(order)["state"] == "unknown"
    await world.data("resolve", {"order": order, "outcome": "bought", "purchase": "p1", "phone": "+7931"})
    assert world.order(order)["state"] == "waiting"


async def test_what_is_known_of_an_order_of_unknown_outcome_stays(world: World) -> None:
    await back_up(world)
    world.provider.script("buy", Acting(LOST))
    order = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.until(lambda: world.order(order)["charged"] is not None)
    await restored(world)
    assert [e for e in world.bridge_events("buying_paused") if "order" in e] == []
    await world.sleep(200)
    assert (world.order(order)["state"], world.order(order)["charged"]) == ("unknown", PRICE)


async def test_an_order_that_was_being_bought_in_the_backup_gets_its_purchase(world: World) -> None:
    world.provider.script("buy", Late(5.0))
    command = world.send("buy", {**PRODUCT, "transaction": "t-1"})
    await world.settle()
    keep(world)
    bought = (await world.answer(command))["data"]
    await restored(world)
    answer = await world.answer(command)
    assert (answer["status"], answer["data"]["order"]) == ("unknown", bought["order"])
    assert world.moves(bought["order"]) == ["buying", "unknown", "waiting"], "the first is in the backup as unsent"
    assert world.order(bought["order"])["purchase"] == bought["purchase"]
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.state(bought["order"], "received")
    await world.data("buying/set", "on")
    again = await world.ask("buy", {**PRODUCT, "transaction": "t-1"})
    assert again["replayed"] is True
    assert world.provider.count("buy") == 1


async def test_an_order_in_doubt_in_the_backup_that_failed_since(world: World) -> None:
    world.provider.script("buy", Late(5.0, NO_NUMBERS))
    command = world.send("buy", PRODUCT)
    await world.settle()
    keep(world)
    order = (await world.answer(command), world.json("current"))[1]["order"]
    await restored(world)
    assert world.moves(order) == ["buying", "unknown", "failed"], "the first is in the backup as unsent"


async def test_an_evidence_from_before_is_none(world: World) -> None:
    """What the balance was before a purchase tells nothing where other numbers were bought since."""
    world.provider.script("buy", Late(None))
    world.send("buy", PRODUCT)
    await world.settle()
    (order,) = [o["order"] for o in world.json("orders")]
    await world.crash()
    keep(world)
    await world.start()
    await world.state(order, "failed")
    world.retained.now.pop(f"orders/{order}")
    await restored(world)
    await world.sleep(300)
    assert world.order(order)["state"] == "unknown"


async def test_one_number_under_two_names_is_watched_once(world: World) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)
    held = world.order(lost["order"]) | {"order": SAME_PURCHASE}
    world.retained.now[f"orders/{SAME_PURCHASE}"] = json.dumps(held).encode()
    await world.start()
    first, second = sorted((lost["order"], SAME_PURCHASE))
    assert [o["order"] for o in world.json("orders")] == [first]
    assert world.text(f"orders/{second}") == "", "nobody else would empty it"


@pytest.mark.parametrize("new", [True, False])
async def test_a_refund_from_before_that_is_booked_late_hides_no_purchase(world: World, new: bool) -> None:
    """The journal that is lost knew of the cancel."""
    await back_up(world)
    await world.buy()
    world.provider.books_late = 20
    await world.data("cancel", {"order": "current"})
    await world.stop()
    put_back(world)
    if new:
        shutil.rmtree(world.directory)
    await world.start()
    await world.data("buying/set", "on")
    await world.sleep(5)
    world.provider.script("buy", Acting(LOST))
    order = (await world.ask("buy", PRODUCT))["data"]["order"]
    await world.sleep(100)
    assert world.order(order)["state"] == "unknown", "it was bought"


@pytest.mark.parametrize("state", ["waiting", "unknown"])
async def test_what_the_broker_knows_worse_is_left(world: World, state: str) -> None:
    """An order that has another purchase here, or that the broker shows as it was before."""
    order, other = await world.buy(), await world.buy()
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)
    for held, changes in (
        (order, {"purchase": "p77", "state": state, "phone": "+1"}),
        (lost, {"purchase": other["purchase"]}),
    ):
        topic = f"orders/{held['order']}"
        world.retained.now[topic] = json.dumps(json.loads(world.retained.now[topic]) | changes).encode()
    await world.start()
    assert world.order(order["order"])["purchase"] == order["purchase"]
    assert {o["order"] for o in world.json("orders")} == {order["order"], other["order"]}
    assert world.text(f"orders/{lost['order']}") == "", "nobody else would empty it"


async def test_what_is_closed_here_stays_closed(world: World) -> None:
    order = await world.buy()
    before = world.retained.now[f"orders/{order['order']}"]
    await world.data("cancel", {"order": order["order"]})
    await back_up(world)
    await world.buy()
    await world.stop()
    put_back(world)
    world.retained.now[f"orders/{order['order']}"] = before
    await world.start()
    assert world.order(order["order"])["state"] == "cancelled"


GOOD: dict[str, Any] = {
    "order": SAME_PURCHASE, "purchase": "p9", "state": "waiting", "country": "2", "operator": "1", "application": "1",
    "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z",
}  # fmt: skip


@pytest.mark.parametrize(
    "changes",
    [
        {"order": SAME_PURCHASE[::-1]}, {"order": None}, {"state": "asleep"}, {"state": None}, {"purchase": 9},
        {"country": 2}, {"phone": []}, {"price": "2200"}, {"price": True}, {"price": 1e300}, {"charged": -1e31},
        {"transaction": False}, {"transaction": {}}, {"transaction": "\ud800"}, {"phone": "\udfff"},
        {"created_at": "2026-03-01"}, {"created_at": "noon"}, {"updated_at": 5},
        {"expires_at": "0001-01-01T00:00+09:00"}, {"sms": 5}, {"sms": [5]}, {"sms": [{}]}, {"error": 5},
        {"error": {"code": "none", "message": "", "retryable": 1}}, {"tries": 5}, {"tries": [{}]},
        {"tries": [{"country": "2", "operator": "1", "price": 5, "error": None}]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_order_of_ours_is_not_read(changes: dict[str, Any]) -> None:
    assert read_order(SAME_PURCHASE, json.dumps(GOOD).encode()) is not None
    assert read_order(SAME_PURCHASE, json.dumps(GOOD | changes).encode()) is None


@pytest.mark.parametrize("payload", [b"", b"5", b"[]", b"\xff", b"[" * 100_000, b'{"order":'])
async def test_rubbish_among_orders_is_left_alone(world: World, payload: bytes) -> None:
    await back_up(world)
    lost = await world.buy()
    await world.stop()
    put_back(world)
    world.retained.now["orders/nonsense"] = payload or b"-"
    world.retained.now[f"orders/{SAME_PURCHASE}"] = json.dumps(GOOD | {"transaction": 1.5, "refunded": False}).encode()
    await world.start()
    await world.settle()
    assert world.bridge_events("journal_restored")[0]["watched"] == sorted([lost["order"], SAME_PURCHASE])
    assert "orders/nonsense" not in world.retained.now
    assert world.order(SAME_PURCHASE)["transaction"] == 1.5


# --- another journal ------------------------------------------------------------------------------------------------


async def test_a_new_installation_says_so_and_buys_on(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever lost the journal is glad of the numbers that the broker still holds."""
    kept = await world.buy()
    over = await world.buy()
    await world.data("cancel", {"order": over["order"]})
    await world.stop()
    shutil.rmtree(world.directory)
    world.broker.rows.clear()
    await world.start()
    assert await said(world) == ["journal_new"]
    assert "The journal is a new one" in caplog.text
    assert world.bridge_events("journal_new")[0]["watched"] == [kept["order"]]
    assert await paused(world) is False
    await world.buy()
    world.provider.gets("p1", sms("Your code is 11111"))
    await world.state(kept["order"], "received")
    assert [e["code"] for e in world.events("sms")] == ["11111"]
    assert world.text(f"orders/{over['order']}") == ""
    await world.restart()
    assert await said(world) == ["journal_new"], "once"


async def test_what_another_journal_bought_is_not_bought_again(world: World) -> None:
    """Its commands are lost, but not the transactions of the orders that the broker still holds."""
    await world.sleep(60)
    bought = await world.buy(transaction="bought")
    over = await world.buy(transaction=7)
    await world.data("cancel", {"order": over["order"]})
    world.provider.script("buy", NO_NUMBERS, Acting(LOST))
    failed = await world.ask("buy", {**PRODUCT, "transaction": "failed"})
    lost = (await world.ask("buy", {**PRODUCT, "transaction": "lost"}))["data"]
    await world.stop()
    shutil.rmtree(world.directory)
    await world.start()
    calls = world.provider.count("buy")
    for crash in (False, True):
        answers = [
            await world.ask("buy", {**PRODUCT, "transaction": each, "max_price": 1})  # whatever it asks for by now
            for each in ("bought", 7, "failed", "lost")
        ]
        assert [each["replayed"] for each in answers] == [True] * 4
        assert [each["status"] for each in answers] == ["ok", "ok", "error", "unknown"]
        orders = [each["data"]["order"] for each in answers if "data" in each]
        assert orders == [bought["order"], over["order"], lost["order"]]
        assert [each["transaction"] for each in answers] == ["bought", 7, "failed", "lost"]
        assert answers[2]["error"]["code"] == failed["error"]["code"] == "no_numbers"
        assert answers[3]["error"]["code"] == "outcome_unknown"
        await world.restart(crash=crash)
    assert world.provider.count("buy") == calls
    await world.sleep(100)
    assert (await world.ask("buy", {**PRODUCT, "transaction": "another"}))["status"] == "ok"


async def with_another_directory(world: World, name: str) -> None:
    """Start a daemon with a state directory of its own."""
    world.directory = world.directory.with_name(name)
    world.directory.mkdir(exist_ok=True)
    world.clock.new_process()
    await world.start()


async def test_what_another_daemon_bought_since_is_not_bought_by_what_was_taken_before(world: World) -> None:
    """One dies with the `buy` that it has taken; another one carries it out; the first comes back."""
    mine = world.directory.name
    command = await taken(world, "buy", {**PRODUCT, "transaction": "t-2"})
    await world.crash()
    await with_another_directory(world, "other")
    bought = await world.buy(transaction="t-2")
    await world.stop()
    await with_another_directory(world, mine)
    answer = await world.answer(command)
    assert (answer["status"], answer["data"]["order"], answer["replayed"]) == ("ok", bought["order"], True)
    assert "journal_new" in await said(world)
    assert world.provider.count("buy") == 1


@pytest.mark.parametrize("reason", ["off", "contested"])
async def test_no_other_reason_to_refuse_hides_what_another_daemon_bought(world: World, reason: str) -> None:
    """That nothing was bought would not be true, and the sender would ask with another transaction."""
    bought = await world.buy(transaction="t-2")
    await world.stop()
    await with_another_directory(world, "other")
    if reason == "off":
        await world.data("buying/set", "off")
    else:
        world.clearance = Clearance()
        world.clearance.refuse("another daemon may have it")
    again = await world.ask("buy", {**PRODUCT, "transaction": "t-2"})
    assert (again["status"], again["data"]["order"]) == ("ok", bought["order"])


@pytest.mark.parametrize("number", ["0", "-0.0", "0e-300", "1.50"])
async def test_a_number_as_transaction_is_known_again(world: World, number: str) -> None:
    command = json.dumps({**PRODUCT, "transaction": "@"}).replace('"@"', number)
    await world.ask("buy", command)
    await world.stop()
    await with_another_directory(world, "other")
    assert (await world.ask("buy", command))["status"] == "ok"
    assert world.provider.count("buy") == 1


async def test_an_open_order_is_known_whatever_the_clock_was_that_made_it(world: World) -> None:
    bought = await world.buy(transaction="t-2")
    await world.stop()
    long_ago = {"created_at": "2020-01-01T00:00:00Z", "updated_at": "2020-01-01T00:00:00Z"}
    held = {**world.order(bought["order"]), **long_ago}
    world.retained.now[f"orders/{bought['order']}"] = json.dumps(held).encode()
    await with_another_directory(world, "other")
    assert world.order(bought["order"])["state"] == "waiting"
    assert (await world.ask("buy", {**PRODUCT, "transaction": "t-2"}))["data"]["order"] == bought["order"]
    assert world.provider.count("buy") == 1


@pytest.mark.parametrize("field", ["price", "charged"])
async def test_no_order_that_somebody_made_up_makes_room_in_the_limits(opened: Opening, field: str) -> None:
    world = await opened(limits={"max_spend_per_day": float(3 * PRICE)})
    bought = await world.buy(transaction="x")
    await world.stop()
    made_up = {"order": SAME_PURCHASE, "purchase": "p9", "state": "expired", "transaction": "y", field: -100_000_000}
    held = {**world.order(bought["order"]), **made_up}
    world.retained.now |= {f"orders/{SAME_PURCHASE}": json.dumps(held).encode()}
    world.retained.now[TOPIC] = JournalMark("another", 5).payload()
    await world.start()
    for number in range(5):
        await world.ask("buy", {**PRODUCT, "transaction": f"n-{number}"})
    assert world.provider.count("buy") == 3


async def test_another_journal_that_is_still_in_use_is_said_again(world: World) -> None:
    for sequence, count in ((5, 1), (5, 1), (3, 1), (6, 2)):
        await world.stop()
        world.retained.now[TOPIC] = JournalMark("another", sequence).payload()
        await world.start()
        await world.settle()
        assert len(await said(world)) == count
        assert await paused(world) is False


async def test_the_other_journals_that_are_remembered_are_few(world: World) -> None:
    for number in range(60):
        await world.stop()
        world.retained.now[TOPIC] = JournalMark(f"another-{number}", 1).payload()
        await world.start()
    await world.restart()
    assert list(world.journal.identity.known) == [f"another-{n}" for n in range(10, 60)]


async def test_comparing_that_fails_is_done_again(world: World) -> None:
    await back_up(world)
    await world.buy()
    await restored(world, broker=False)

    async def cut_off() -> dict[str, bytes]:
        raise ConnectionError

    real = type(world.held).orders
    world.held.orders = cut_off  # type: ignore[method-assign]
    with pytest.raises(ConnectionError):
        await world.reach_broker()
    assert "broker" in str((await world.bridge.health())["buying_paused_reason"])
    world.held.orders = lambda: real(world.held)  # type: ignore[method-assign]
    await world.reach_broker()
    assert await paused(world)
