"""Retained topics, queries, the provider's state, health (contract, State and Commands)."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.account import RENEWED_EVERY
from shomare_mqtt.core.market.readability import Readability
from shomare_mqtt.errors import (
    ErrorCode,
    JournalError,
    ProviderFailedError,
    ProviderPageError,
    ProviderRefusedError,
    Upstream,
)
from shomare_mqtt.model import CatalogKind, Endpoint, Priority, Profile, PurchaseState
from tests.core.provider import (
    FAILED,
    INVALID_TOKEN,
    LOST,
    MALFORMED,
    TIMEOUT,
    UNREACHABLE,
    Late,
    Number,
    reading,
    sms,
)
from tests.core.world import PRODUCT, TOKEN

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

ORDER = {
    "order", "purchase", "transaction", "state", "country", "country_name", "operator", "operator_name", "application",
    "application_name", "phone", "price", "created_at", "updated_at", "expires_at", "closed_at", "sms_count", "sms",
    "refunded", "charged", "tries", "error",
}  # fmt: skip


# --- orders, current, keep_closed -----------------------------------------------------------------------------------


async def test_current_and_orders(world: World) -> None:
    assert (world.json("current"), world.json("orders")) == ({"state": "none"}, [])
    first, second = await world.buy(), await world.buy(application="2")
    assert set(world.json("current")) == ORDER
    assert world.json("current")["order"] == second["order"]
    assert [o["order"] for o in world.json("orders")] == [second["order"], first["order"]]
    await world.data("cancel", {"order": second["order"]})
    assert world.json("current")["order"] == first["order"]
    await world.sleep(10)
    await world.data("cancel", {"order": first["order"]})
    assert world.json("current")["order"] == first["order"], "the one that closed last"
    assert world.json("orders") == []
    await world.sleep(3580)
    assert world.order(second["order"])["state"] == "cancelled"
    await world.sleep(15)
    assert world.retained.now[f"orders/{second['order']}"] == b""
    assert world.json("current")["order"] == first["order"]
    await world.sleep(10)
    assert world.retained.now[f"orders/{first['order']}"] == b""
    assert world.json("current") == {"state": "none"}


def lists(world: World) -> int:
    """How often `orders` was put."""
    return [topic for topic, _ in world.retained.ever].count("orders")


async def test_orders_is_put_where_an_open_order_changed_alone(opened: Opening) -> None:
    """With hundreds of open orders it is the longest of all that is published."""
    world = await opened(orders={"keep_closed": 60})
    order, other = await world.buy(), await world.buy(application="2")
    record = world.bridge.orders.ledger.get(order["order"])
    assert record is not None
    put = lists(world)
    await world.bridge.orders.ledger.note(record, shows_all=True)
    assert lists(world) == put, "nothing that is shown"
    await world.data("cancel", {"order": order["order"]})
    assert lists(world) == put + 1
    assert [o["order"] for o in world.json("orders")] == [other["order"]]
    world.provider.script("check", reading(PurchaseState.CANCELLED, sms()))
    checked = await world.data("query/check", {"order": order["order"]})
    assert world.order(order["order"])["sms_count"] == len(checked["sms"]) == 1
    await world.sleep(100)
    assert world.retained.now[f"orders/{order['order']}"] == b""
    assert lists(world) == put + 1, "of closed orders it says nothing"
    world.provider.script("check", reading(PurchaseState.WAITING, sms()))
    await world.data("query/check", {"order": other["order"]})
    assert lists(world) == put + 2
    assert world.json("orders") == [world.order(other["order"])] == [world.json("current")]


async def test_closed_orders_leave_at_once_where_the_owner_wants_it(opened: Opening) -> None:
    world = await opened(orders={"keep_closed": 0})
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    await world.settle()
    assert world.retained.now[f"orders/{order['order']}"] == b""
    assert (await world.full(order["order"]))["state"] == "cancelled"


async def test_an_sms_found_long_after_the_end(opened: Opening) -> None:
    """The order that left its topic is not put there again, not even for a moment; plugins hear of the SMS alone."""
    world = await opened(orders={"keep_closed": 60})
    order = await world.buy()
    await world.data("cancel", {"order": order["order"]})
    await world.sleep(100)
    put, changes = len(world.retained.ever), len(world.extensions.orders)
    world.provider.script("check", reading(PurchaseState.CANCELLED, sms()))
    checked = await world.data("query/check", {"order": order["order"]})
    assert (checked["state"], checked["sms"][0]["code"]) == ("cancelled", "48213")
    await world.settle()
    assert [e["order"] for e in world.events("sms")] == [order["order"]]
    assert world.codes() == [], "no topic holds the order"
    assert not [topic for topic, payload in world.retained.ever[put:] if order["order"].encode() in payload]
    assert world.json("current") == {"state": "none"}
    assert [(o.order, s.code) for o, s in world.extensions.sms] == [(order["order"], "48213")]
    assert len(world.extensions.orders) == changes


# --- queries --------------------------------------------------------------------------------------------------------


async def test_query_profile(world: World) -> None:
    world.provider.script("profile", Profile(Decimal("12345.67"), "IRR", {"name": "me", "token": f"x{TOKEN}x"}))
    found = await world.data("query/profile")
    assert (found["balance"], found["currency"], found["name"]) == (12345.67, "IRR", "me")
    assert TOKEN not in str(found)
    assert world.json("profile") == {k: found[k] for k in ("balance", "currency", "updated_at")}
    assert world.text("profile/balance") == "12345.67"
    assert [p.balance for p in world.extensions.profiles][-1] == Decimal("12345.67")
    world.provider.script("profile", Profile(None))
    assert (await world.data("query/profile"))["currency"] == "IRT"
    assert world.text("profile/balance") == "12345.67", "not known is not none"


async def test_query_price_and_prices(world: World) -> None:
    price = await world.data("query/price", {**PRODUCT, "country": "Russia"})
    assert price == {**PRODUCT, "price": 2200, "count": 5, "updated_at": "2026-03-01T12:00:00.000Z"}
    assert await world.data("query/price/2/1/1") == price
    assert (await world.data("query/prices/2/1"))["prices"][0]["application_name"] == "Telegram"
    assert await world.error("query/prices", {"country": "2"}) == "invalid_command"
    await world.data("defaults/operator/set", "1")
    assert (await world.data("query/prices", {"country": "2"}))["operator"] == "1"


@pytest.mark.parametrize("form", ["order", "purchase", "topic", "topic purchase", "current"])
async def test_query_check(world: World, form: str) -> None:
    order = await world.buy()
    world.provider.gets("p1", sms())
    if form.startswith("topic"):
        checked = await world.data(f"query/check/{order['order'] if form == 'topic' else 'p1'}")
    else:
        checked = await world.data("query/check", {"order": "current"} if form == "current" else {form: order[form]})
    assert (checked["state"], checked["sms"][0]["text"]) == ("received", "Your code is 48213")
    assert world.provider.times("check") == pytest.approx([0]), "outside the watch's own rhythm"


async def test_query_check_of_what_is_not_ours(world: World) -> None:
    world.provider.numbers["x"] = Number("x", Decimal(5), sms=[sms(), sms(None, "777"), sms(None)])
    found = await world.data("query/check", {"purchase": "x"})
    assert (found["purchase"], found["state"]) == ("x", "waiting")
    assert [s["code"] for s in found["sms"]] == ["48213", "777", None]
    world.provider.script("check", reading(None))
    assert (await world.data("query/check", {"purchase": "x"}))["state"] is None
    assert await world.error("query/check", {"order": "x"}) == "order_not_found"
    assert await world.error("query/check", {"purchase": "y"}) == "not_found"


async def test_query_check_of_what_was_not_bought(world: World) -> None:
    world.provider.script("buy", LOST)
    order = (await world.ask("buy", PRODUCT))["data"]
    assert (await world.data("query/check", {"order": order["order"]}))["state"] == "unknown"
    assert world.provider.count("check") == 0


async def test_query_orders(world: World) -> None:
    orders = [await world.buy() for _ in range(3)]
    await world.data("cancel", {"order": orders[1]["order"]})
    ids = [o["order"] for o in orders]

    async def found(**query: Any) -> list[str]:
        return [o["order"] for o in await world.data("query/orders", query)]

    assert await found() == [ids[2], ids[0]]
    assert await found(state="closed") == [ids[1]]
    assert await found(state="all", limit=2) == [ids[2], ids[1]]


# --- how the provider stands ----------------------------------------------------------------------------------------


async def test_the_first_answer_of_a_run_that_works_is_no_news(world: World) -> None:
    await world.sleep(1)
    assert world.bridge.market.provider_state.state == "online"
    assert world.bridge.market.provider_state.was_asked
    assert world.json("provider/state") == {
        "state": "online",
        "since": "2026-03-01T12:00:00.000Z",
        "error": None,
        "fields": [],
    }
    assert world.bridge_events("provider_state") == []


async def test_before_the_first_call(opened: Opening) -> None:
    world = await opened(started=False)
    for call in ("profile", *(kind.value for kind in CatalogKind)):
        world.provider.always[call] = Late(None)
    await world.start()
    assert world.bridge.market.provider_state.state == "unreachable"
    assert not world.bridge.market.provider_state.was_asked


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (UNREACHABLE, "unreachable"),
        (TIMEOUT, "unreachable"),
        (INVALID_TOKEN, "unauthorized"),
        (ProviderRefusedError(ErrorCode.MISSING_TOKEN, "no token", Upstream(403, 403)), "unauthorized"),
        (ProviderRefusedError(ErrorCode.ACCOUNT_BLOCKED, "blocked", Upstream(401, -1)), "blocked"),
        (FAILED, "online"),
        (MALFORMED, "online"),
    ],
    ids=str,
)
async def test_what_failures_make_of_it(world: World, error: Exception, state: str) -> None:
    await world.sleep(1)
    world.provider.script("profile", error)
    await world.ask("query/profile")
    shown = world.json("provider/state")
    assert (shown["state"], shown["error"]["code"]) == (state, getattr(error, "code", None))
    await world.settle()
    assert [e["state"] for e in world.bridge_events("provider_state")] == ([] if state == "online" else [state])
    await world.data("query/profile")
    assert world.json("provider/state")["state"] == "online"
    assert world.json("provider/state")["error"] is None


async def test_a_refused_token_stops_polling_until_a_call_works(world: World) -> None:
    await world.buy()
    await world.sleep(6)
    world.provider.always["check"] = world.provider.always["profile"] = INVALID_TOKEN
    await world.sleep(10)
    asked = world.provider.count("check")
    await world.sleep(400)
    assert world.provider.count("check") == asked
    del world.provider.always["check"], world.provider.always["profile"]
    await world.data("query/profile")
    await world.sleep(6)
    assert world.provider.count("check") > asked


async def test_nothing_else_is_polled_with_a_refused_token(opened: Opening) -> None:
    world = await opened(started=False, defaults=PRODUCT, prices=[{"country": "1", "operator": "1"}])
    world.provider.always["profile"] = INVALID_TOKEN
    for kind in CatalogKind:
        world.provider.always[kind.value] = Late(1.0, UNREACHABLE)
    await world.start()
    await world.sleep(4000)
    assert (world.provider.count("price"), world.provider.count("prices")) == (0, 0)
    assert world.provider.count("countries") <= 2
    assert world.provider.count("profile") < 20, "the profile alone, to find out whether a call works"


async def test_nothing_usable_was_read(opened: Opening) -> None:
    world = await opened(started=False)
    for call in ("profile", *(kind.value for kind in CatalogKind)):
        world.provider.always[call] = MALFORMED
    await world.start()
    await world.sleep(1)
    state = world.json("provider/state")
    assert (state["state"], state["fields"]) == (
        "misunderstood",
        [f"{e}: not understood" for e in ("allapplications", "allcountries", "alloperators", "profile")],
    )


NOWHERE = ProviderRefusedError(ErrorCode.UNKNOWN_ENDPOINT, "no such address", Upstream(404))
CALLS = ("profile", *(kind.value for kind in CatalogKind))


def states_ever(world: World) -> list[str]:
    return [json.loads(payload)["state"] for topic, payload in world.retained.ever if topic == "provider/state"]


async def test_an_address_at_which_nothing_is_found(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    """Every call a 404 without JSON: never called online, and what is probably wrong is said everywhere."""
    world = await opened(started=False, provider={"base_url": "https://me:pass@shop.example/?key=12345678"})
    for call in CALLS:
        world.provider.always[call] = NOWHERE
    await world.start()
    await world.sleep(1)
    said = (
        "https://***@shop.example/ answers, and knows none of the provider's addresses (HTTP 404 each time): "
        "provider.base_url probably lacks /api at its end"
    )
    state = world.json("provider/state")
    assert (state["state"], state["error"]["code"]) == ("misunderstood", "unknown_endpoint")
    assert state["error"]["message"] == f"no such address. {said}."
    [event] = world.bridge_events("provider_state")
    assert (event["state"], event["message"]) == (
        "misunderstood",
        f"the provider's answers cannot be understood: {said}",
    )
    assert caplog.text.count(f"{said}\n") == caplog.text.count(said) == 1
    assert "online" not in states_ever(world)
    assert world.bridge.market.provider_state.trouble == event["message"]


async def test_an_address_that_holds_the_token(opened: Opening) -> None:
    """Some have it in a path: no topic is to show it, and nothing that is said of the address."""
    world = await opened(started=False, provider={"base_url": f"https://shop.example/{TOKEN}/v1"})
    for call in CALLS:
        world.provider.always[call] = NOWHERE
    await world.start()
    await world.sleep(1)
    assert "https://shop.example/***/v1 answers" in world.json("provider/state")["error"]["message"]
    told = [payload for _, payload in world.retained.ever]
    assert not [each for each in told if TOKEN.encode() in each]
    assert TOKEN not in json.dumps(world.bridge_events("provider_state"))
    assert TOKEN not in (world.bridge.market.provider_state.trouble or "")


async def test_who_wants_to_know_of_one_profile_alone(world: World) -> None:
    """It hides none from the others."""
    account, told = world.bridge.market.account, []

    def once() -> None:
        account.listeners.remove(once)
        told.append("once")

    account.listeners += [once, lambda: told.append("each")]
    await world.data("query/profile", {})
    await world.data("query/profile", {})
    assert told == ["once", "each", "each"]


async def test_such_an_address_where_the_lists_are_known(opened: Opening) -> None:
    """Only the profile is asked for then."""
    world = await opened(provider={"base_url": "https://shop.example/api"})
    await world.sleep(1)
    for call in CALLS:
        world.provider.always[call] = NOWHERE
    world.retained.ever.clear()
    await world.restart()
    await world.sleep(30)
    assert world.json("provider/state")["state"] == "misunderstood"
    assert world.json("provider/state")["error"]["message"].endswith("(HTTP 404 each time): check provider.base_url.")
    assert "online" not in states_ever(world)


@pytest.mark.parametrize("missing", CALLS[1:])
async def test_one_address_that_is_not_found_is_not_all_of_them(opened: Opening, missing: str) -> None:
    world = await opened(started=False)
    world.provider.always[missing] = NOWHERE
    await world.start()
    await world.sleep(100)
    assert world.json("provider/state")["state"] == "online"
    assert "misunderstood" not in states_ever(world)
    assert world.bridge_events("provider_state") == []


async def test_a_profile_that_is_not_found_says_nothing_of_the_address(opened: Opening) -> None:
    """Every provider has one, so that nothing is well; but other addresses are there."""
    world = await opened(started=False)
    world.provider.always["profile"] = NOWHERE
    await world.start()
    await world.sleep(100)
    assert world.json("provider/state")["state"] == "misunderstood"
    assert world.json("provider/state")["error"]["message"] == "no such address"


@pytest.mark.parametrize(
    ("http", "base_url", "said"),
    [
        (200, "https://shop.example", "answers with something else than the provider's data (HTTP 200): provider.bas"),
        (301, "https://shop.example/api", "leads elsewhere (HTTP 301): set provider.base_url to the address that it"),
        (200, "https://shop.example/api", None),
        (200, "https://shop.example/api/", None),
        (403, "https://shop.example", None),
    ],
)
async def test_pages_and_redirects(opened: Opening, http: int, base_url: str, said: str | None) -> None:
    world = await opened(started=False, provider={"base_url": base_url})
    for call in CALLS:
        world.provider.always[call] = ProviderFailedError(ErrorCode.MALFORMED_ANSWER, "a page", Upstream(http))
    await world.start()
    await world.sleep(1)
    assert world.json("provider/state")["state"] == "misunderstood"
    message = world.json("provider/state")["error"]["message"]
    assert message.startswith(f"a page. {base_url} {said}") if said else message == "a page"


async def test_a_page_of_a_filters_says_nothing_of_the_address(opened: Opening) -> None:
    world = await opened(started=False, provider={"base_url": "https://shop.example"})
    for call in CALLS:
        world.provider.always[call] = ProviderPageError(ErrorCode.MALFORMED_ANSWER, "a page", Upstream(200))
    await world.start()
    await world.sleep(1)
    assert world.json("provider/state")["error"]["message"] == "a page"


def test_one_that_says_no_in_its_own_words_is_there() -> None:
    """An address that it does not have leaves nothing open then."""
    readability = Readability()
    readability.unreadable(Endpoint.COUNTRIES, NOWHERE)
    assert readability.is_open
    readability.refused()
    readability.unreadable(Endpoint.COUNTRIES, NOWHERE)
    assert not readability.is_open


async def test_single_fields_that_were_not_understood(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.sleep(1)
    for _ in range(2):
        world.provider.script("profile", Profile(Decimal(1), unread=("currency",)))
        await world.data("query/profile")
    assert world.json("provider/state")["fields"] == ["profile: currency"]
    assert caplog.text.count("profile: currency") == 1


async def test_fields_that_were_guessed_are_told_with_their_places(world: World) -> None:
    await world.sleep(1)
    doubtful = ("balance: data.credit or data.wallet", f"currency: data.{TOKEN}")
    world.provider.script("profile", Profile(Decimal(1), unread=("phone",), doubtful=doubtful))
    await world.data("query/profile")
    assert world.json("provider/state")["state"] == "online"
    assert world.json("provider/state")["fields"] == [
        "profile: balance is doubtful: data.credit or data.wallet",
        "profile: currency is doubtful: data.***",
        "profile: phone",
    ]


async def test_the_providers_words_are_masked(world: World) -> None:
    bad = ProviderRefusedError(ErrorCode.INVALID_TOKEN, f"token {TOKEN} is wrong", Upstream(401, f"no {TOKEN}"))
    world.provider.script("profile", bad)
    answer = await world.ask("query/profile")
    assert answer["error"]["message"] == "token *** is wrong"
    assert answer["error"]["upstream"] == {"http": 401, "code": "no ***"}
    world.provider.script("buy", bad)
    assert TOKEN not in str(await world.ask("buy", PRODUCT))
    assert TOKEN not in str(world.retained.ever) + str(world.broker.rows)


async def test_a_later_question_that_was_answered_earlier_counts(world: World) -> None:
    await world.sleep(1)
    world.provider.script("profile", Late(5.0, Profile(Decimal(1))))
    slow = world.spawn(read_fresh(world), "slow")
    await world.sleep(1)
    world.provider.script("profile", Profile(Decimal(2)))
    await read_fresh(world)
    await slow
    assert world.text("profile/balance") == "2"


async def read_fresh(world: World) -> None:
    await world.bridge.market.account.read_fresh(Priority.MONEY)


async def test_the_profile_is_renewed(opened: Opening) -> None:
    world = await opened(refresh={"profile": 100})
    await world.sleep(350)
    assert world.provider.times("profile") == pytest.approx([0, 100, 200, 300])
    world.provider.always["profile"] = UNREACHABLE
    await world.sleep(300)
    assert world.provider.times("profile")[4:] == pytest.approx([400, 405, 415, 435, 475, 555])


# --- health ---------------------------------------------------------------------------------------------------------


async def test_health(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await world.buy()
    await world.error("query/weather")
    world.provider.gets("p1", sms())
    await world.sleep(125)
    health = world.json("bridge/health")
    assert health == {
        **health,
        "uptime": 120,
        "commands": 2,
        "answers": 2,
        "sms": 1,
        "open_orders": 1,
        "outbox": 0,
        "buying_paused": False,
        "buying_paused_reason": None,
        "counted": {"spent_today": 0, "bought_last_hour": 1, "open_orders": 1, "unused_today": 0},
        "updated_at": "2026-03-01T12:02:00.000Z",
    }
    assert health["api_calls"] == sum(health["api_calls_by_endpoint"].values()) > 20
    assert health["memory"] > 1_000_000
    assert (health["errors"], health["errors_by_code"]) == (0, {})
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "nonsense")
    assert (await world.bridge.health())["memory"] is None
    assert os.sysconf("SC_PAGE_SIZE") > 0


async def test_health_says_what_the_limits_count(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 9000})
    await world.buy()
    await world.sleep(1300)
    await world.buy(application="3")
    counted = {"spent_today": 2200, "bought_last_hour": 2, "open_orders": 1, "unused_today": 1}
    assert (await world.bridge.health())["counted"] == counted, "the first one's money came back"


async def test_failures_are_counted_by_code(world: World) -> None:
    world.provider.script("profile", FAILED, TIMEOUT)
    await world.ask("query/profile")
    await world.ask("query/profile")
    health = await world.bridge.health()
    assert health["errors_by_code"] == {"provider_error": 1, "provider_timeout": 1}


async def test_a_journal_that_fails_under_a_call_is_no_failure_of_the_provider(world: World) -> None:
    world.provider.script("profile", JournalError("the disk is full"))
    world.send("query/profile")
    with pytest.raises(JournalError):
        await world.sleep(1)
    world.faults.clear()
    assert world.provider.count("profile") == 2
    assert world.json("provider/state")["state"] == "online"


async def test_many_looks_at_the_same_profile_are_one_message_a_second(world: World) -> None:
    """What it says is news at once; that it still says so, and since when, within a second."""
    await world.sleep(RENEWED_EVERY)
    before = len(shown_profiles(world))
    for _ in range(10):
        newest = await world.data("query/profile")
        await world.sleep(RENEWED_EVERY / 20)
    assert len(shown_profiles(world)) == before + 1
    await world.sleep(RENEWED_EVERY)
    assert world.json("profile") == {k: newest[k] for k in ("balance", "currency", "updated_at")}, "the newest look"
    assert len(shown_profiles(world)) == before + 2
    await world.sleep(10 * RENEWED_EVERY)
    assert len(shown_profiles(world)) == before + 2, "nobody looked"
    for balance in (1, 2, 3):
        world.provider.script("profile", Profile(Decimal(balance)))
        await world.data("query/profile")
        assert (world.json("profile")["balance"], world.text("profile/balance")) == (balance, str(balance))


def shown_profiles(world: World) -> list[bytes]:
    return [payload for topic, payload in world.retained.ever if topic == "profile"]
