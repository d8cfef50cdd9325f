"""What the owner allows: every key of `[limits]`, the switch, vetoes (contract, section Settings)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import CommandRefusedError, ErrorCode
from shomare_mqtt.model import Profile
from tests.core.provider import FAILED, LOST, NO_NUMBERS, PRICE, UNREACHABLE, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World


async def refused(world: World, **more: Any) -> str:
    """What refuses a `buy` before anything was asked of the provider to buy."""
    asked, before = world.provider.count("buy"), len(world.events("order"))
    answer = await world.ask("buy", {**PRODUCT, **more})
    assert answer["status"] == "error", answer
    assert (world.provider.count("buy"), len(world.events("order"))) == (asked, before)
    assert answer["error"]["message"] in world.bridge_events("command_refused")[-1]["message"]
    return f"{answer['error']['code']}: {answer['error']['message']}"


# --- max_price ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["limits", "defaults", "command", "default over mqtt"])
@pytest.mark.parametrize("limit", [2199, 2200])
async def test_the_lowest_max_price_counts(opened: Opening, where: str, limit: int) -> None:
    given: dict[str, Any] = {"limits": {"max_price": 9000}, "defaults": {"max_price": 8000}}
    if where in given:
        given[where] = {"max_price": limit}
    world = await opened(**given)
    if where == "default over mqtt":
        await world.data("defaults/max_price/set", str(limit))
    more = {"max_price": limit} if where == "command" else {"max_price": 7000}
    if limit == 2200:
        assert (await world.buy(**more))["price"] == 2200
    else:
        assert (await refused(world, **more)).startswith(
            "price_too_high: the price is 2,200 IRT, max_price allows 2,199 IRT"
        )


async def test_the_price_is_asked_for_only_where_a_limit_needs_it(world: World) -> None:
    await world.buy()
    assert world.provider.count("price") == 0
    await world.buy(max_price=5000)
    assert world.provider.count("price") == 1
    assert (await world.buy())["price"] == 2200, "as it is known"


@pytest.mark.parametrize("key", ["max_price", "max_spend_per_day", "min_balance"])
async def test_a_price_that_cannot_be_read(opened: Opening, key: str) -> None:
    world = await opened(limits={key: 5000})
    for unread in (None, Decimal(0), Decimal(-5)):
        world.provider.price_of = unread
        assert (await refused(world)).startswith("malformed_answer")
    world.provider.always["price"] = UNREACHABLE
    assert (await refused(world)).startswith("provider_unreachable")


async def test_dearer_than_the_limit_allowed_is_kept_and_said(opened: Opening) -> None:
    world = await opened(limits={"max_price": 2500, "max_spend_per_day": 5000})
    world.provider.purchase_price = Decimal(4000)
    order = await world.buy()
    assert (order["state"], order["price"]) == ("waiting", 4000)
    event = world.bridge_events("price_above_limit")[0]
    assert (event["order"], event["price"]) == (order["order"], 4000)
    assert (await refused(world)).startswith("limit_reached: max_spend_per_day"), "it counts at its real price"


@pytest.mark.parametrize("said", [1, Decimal("0.01"), 220, 1980])
async def test_no_answer_makes_a_limit_void(opened: Opening, said: Any) -> None:
    """The quote counts where the answer says less; one that says the same in another unit is said, too."""
    world = await opened(limits={"max_spend_per_day": 4400, "min_balance": 1000})
    world.provider.purchase_price = Decimal(said)
    orders = [await world.buy(), await world.buy()]
    assert [order["price"] for order in orders] == [2200, 2200]
    spent = "max_spend_per_day: 4,400 IRT of 4,400 IRT is spent, and this costs 2,200 IRT"
    assert await refused(world) == f"limit_reached: {spent}; nothing was bought"
    await world.restart(crash=True)
    assert (await refused(world)).startswith("limit_reached"), "it holds over a restart"
    events = world.bridge_events("price_differs")
    assert [(e["order"], e["price"], e["quoted"], e["said"]) for e in events] == [
        (order["order"], 2200, 2200, float(said)) for order in orders if said != 1980
    ]


async def test_nor_does_one_while_the_balance_is_old(opened: Opening) -> None:
    """Two at once: what the first takes counts at the quote for the second."""
    world = await opened(limits={"min_balance": 96_000})
    world.provider.purchase_price = Decimal(1)
    world.provider.script("price", None, Late(4.0))
    commands = [world.send("buy", {**PRODUCT, "application": str(n)}) for n in (1, 2)]
    answers = [await world.answer(c) for c in commands]
    assert sorted(a["status"] for a in answers) == ["error", "ok"]


async def test_an_answer_that_says_more_counts_at_that(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 30_000})
    world.provider.purchase_price = Decimal(22_000)
    order = await world.buy()
    assert order["price"] == 22_000
    (event,) = world.bridge_events("price_differs")
    assert "the price was 2,200 IRT before the purchase, and the provider's answer says 22,000 IRT" in event["message"]
    await world.data("cancel", {"order": order["order"]})
    world.provider.purchase_price = None
    assert (await world.buy())["price"] == 2200, "what was refunded counts no more"
    assert len(world.bridge_events("price_differs")) == 1


async def test_money_has_the_unit_that_the_provider_names(opened: Opening, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    world = await opened(limits={"max_price": 2199}, provider={"currency": "IRT"})
    world.provider.always["profile"] = Profile(Decimal(100_000), "IRR")
    await world.data("query/profile", {})
    assert (await refused(world)).startswith("price_too_high: the price is 2,200 IRR, max_price allows 2,199 IRR")
    world.provider.price_of = Decimal(1500)
    await world.buy()
    assert "for 1,500 IRR" in caplog.text
    assert "price 1,500 IRR" in caplog.text


async def test_a_price_that_nobody_quoted_is_the_answers(world: World) -> None:
    world.provider.purchase_price = Decimal(3)
    assert (await world.buy())["price"] == 3
    assert world.bridge_events("price_differs") == []


async def test_a_price_list_tells_a_price_too(world: World) -> None:
    await world.data("query/prices", {"country": "2", "operator": "1"})
    assert (await world.buy())["price"] == 2200
    assert (await world.buy(country="1"))["price"] is None


# --- max_spend_per_day ----------------------------------------------------------------------------------------------


async def test_max_spend_per_day(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 5000})
    orders = [await world.buy(), await world.buy()]
    spent = "max_spend_per_day: 4,400 IRT of 5,000 IRT is spent, and this costs 2,200 IRT"
    assert await refused(world) == f"limit_reached: {spent}; nothing was bought"
    await world.data("cancel", {"order": orders[0]["order"]})
    assert (await world.buy())["state"] == "waiting", "what was refunded counts no more"
    await world.restart()
    assert (await refused(world)).startswith("limit_reached"), "it holds over a restart"


async def test_what_was_not_refunded_counts_on(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 3000}, orders={"cancel_on_expiry": False})
    order = await world.buy()
    await world.state(order["order"], "expired", 1300)
    assert (await refused(world)).startswith("limit_reached")


async def test_what_failed_does_not_count_and_what_is_unknown_does(opened: Opening) -> None:
    world = await opened(limits={"max_spend_per_day": 3000})
    world.provider.script("buy", NO_NUMBERS, LOST)
    assert await world.error("buy", PRODUCT) == "no_numbers"
    assert (await world.ask("buy", PRODUCT))["status"] == "unknown"
    world.provider.balance = Decimal(90_000)
    await world.sleep(70)
    assert (await refused(world)).startswith("limit_reached")


async def test_days_begin_at_midnight_in_the_providers_zone(opened: Opening) -> None:
    """12:00 UTC is 15:30 in Tehran: its midnight comes after eight hours and a half."""
    world = await opened(limits={"max_spend_per_day": 3000}, orders={"cancel_on_expiry": False})
    await world.buy()
    await world.sleep(8.5 * 3600 - 10)
    assert (await refused(world)).startswith("limit_reached")
    await world.sleep(20)
    assert (await world.buy())["state"] == "waiting"


# --- counts ---------------------------------------------------------------------------------------------------------


async def test_max_buys_per_hour(opened: Opening) -> None:
    world = await opened(limits={"max_buys_per_hour": 2})
    world.provider.script("buy", NO_NUMBERS)
    assert await world.error("buy", PRODUCT) == "no_numbers"
    first = await world.buy()
    await world.data("cancel", {"order": first["order"]})
    await world.sleep(1800)
    await world.buy()
    assert (await refused(world)).startswith("limit_reached: max_buys_per_hour: 2 bought within the last hour")
    await world.sleep(1795)
    assert (await refused(world)).startswith("limit_reached")
    await world.sleep(10)
    assert (await world.buy())["state"] == "waiting"


async def test_max_open_orders(opened: Opening) -> None:
    world = await opened(limits={"max_open_orders": 2})
    first = await world.buy()
    await world.buy()
    assert (await refused(world)).startswith("limit_reached: max_open_orders: 2 orders open, 2 are allowed")
    await world.data("cancel", {"order": first["order"]})
    await world.buy()


async def test_max_unused_per_day(opened: Opening) -> None:
    """It brakes before the provider blocks an account whose numbers get no SMS."""
    world = await opened(limits={"max_unused_per_day": 2})
    for purchase in ("p1", "p2", "p3"):
        order = await world.buy()
        if purchase == "p1":
            world.provider.gets(purchase, sms())
            await world.state(order["order"], "finished")
        else:
            await world.data("cancel", {"order": order["order"]})
    assert (await refused(world)).startswith("limit_reached: max_unused_per_day: 2 numbers of today got no SMS")
    await world.sleep(8.5 * 3600)
    await world.buy()


async def test_a_limit_of_zero_allows_nothing(opened: Opening) -> None:
    world = await opened(limits={"max_open_orders": 0})
    assert (await refused(world)).startswith("limit_reached")


async def test_no_limits(opened: Opening) -> None:
    world = await opened(limits={"max_open_orders": None, "max_unused_per_day": None})
    for _ in range(25):
        await world.buy()
    assert world.provider.count("price") == 0


# --- min_balance ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("balance", "allowed"), [(7200, True), (7199, False)])
async def test_min_balance_is_what_must_be_left(opened: Opening, balance: int, allowed: bool) -> None:
    world = await opened(limits={"min_balance": 5000})
    await world.sleep(10)
    world.provider.balance = Decimal(balance)
    if allowed:
        assert (await world.buy())["state"] == "waiting"
        assert (await refused(world)).startswith("limit_reached: min_balance: 2,800 IRT would be left")
    else:
        assert (await refused(world)).startswith("limit_reached: min_balance: 4,999 IRT would be left")


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        (UNREACHABLE, "provider_unreachable"),
        (FAILED, "provider_error"),
        (Late(None), "provider_timeout"),
        (Profile(None), "malformed_answer"),
    ],
    ids=["unreachable", "failed", "hangs", "no balance"],
)
async def test_min_balance_and_a_balance_that_cannot_be_read(opened: Opening, profile: Any, code: str) -> None:
    world = await opened(limits={"min_balance": 5000})
    await world.sleep(10)
    world.provider.always["profile"] = profile
    assert (await refused(world)).startswith(code)


# --- two at once ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "limits",
    [{"max_open_orders": 1}, {"max_spend_per_day": 3000}, {"max_buys_per_hour": 1}, {"min_balance": 96_000}],
    ids=lambda limits: next(iter(limits)),
)
async def test_two_race_for_the_last_slot(opened: Opening, limits: dict[str, Any]) -> None:
    world = await opened(limits=limits)
    await world.sleep(10)
    world.provider.always["buy"] = Late(3.0)
    world.provider.always["price"] = lambda product: Late(1.0 if product.application == "1" else 2.0)
    commands = [world.send("buy", {**PRODUCT, "application": str(n)}) for n in (1, 2, 3, 1, 2)]
    answers = [await world.answer(c) for c in commands]
    assert [a["status"] for a in answers].count("ok") == 1
    assert {a["error"]["code"] for a in answers if a["status"] != "ok"} == {"limit_reached"}
    assert world.provider.count("buy") == 1
    assert PRICE == 2200


# --- the switch, and plugins ----------------------------------------------------------------------------------------


async def test_the_switch(world: World) -> None:
    assert world.text("buying") == "on"
    assert await world.data("buying/set", "off") == {"buying": "off"}
    assert await refused(world) == "buying_paused: the switch buying is off; nothing was bought"
    assert world.text("buying") == "off"
    await world.restart()
    assert world.text("buying") == "off"
    assert (await refused(world)).startswith("buying_paused")
    assert (await world.bridge.health())["buying_paused_reason"] == "the switch buying is off"
    assert await world.data("buying/set", "on") == {"buying": "on"}
    assert (await world.buy())["state"] == "waiting"


async def test_the_switch_refuses_what_was_not_yet_sent(world: World) -> None:
    """It is turned while a buy waits for its turn at the provider's."""
    real = world.provider.buy

    async def buy(product: Any, *, known: Any, permit: Any) -> Any:
        await world.clock.sleep(5.0)
        return await real(product, known=known, permit=permit)

    world.provider.buy = buy  # type: ignore[method-assign]
    command = world.send("buy", {**PRODUCT, "transaction": "t"})
    await world.sleep(1)
    await world.data("buying/set", "off")
    answer = await world.answer(command)
    assert (answer["status"], answer["error"]["code"]) == ("error", "buying_paused")
    assert world.provider.count("buy") == 0
    assert world.json("current")["state"] == "failed"


async def test_set_and_buy_right_after_each_other(world: World) -> None:
    world.send("buying/set", "off")
    off = world.send("buy", PRODUCT)
    world.send("buying/set", "on")
    on = world.send("buy", PRODUCT)
    assert (await world.answer(off))["error"]["code"] == "buying_paused"
    assert (await world.answer(on))["status"] == "ok"


async def test_a_plugin_says_no(opened: Opening) -> None:
    world = await opened(limits={"max_price": 5000})
    await world.buy()
    world.extensions.veto = CommandRefusedError(ErrorCode.VETOED, "budget: no more today")
    assert await refused(world) == "vetoed: budget: no more today"
    product, price, spend = world.extensions.authorized[-1]
    assert product.application_name == "Telegram"
    assert price == spend == 2200
