"""A number that the provider says is over: given back once all the same, and not for a `done` (contract, State)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import Cancellation, PurchaseState
from tests.core.provider import FAILED, NOT_FOUND, TIMEOUT, UNREACHABLE, Late, reading, sms

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

OVER = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "this number's time is over", Upstream(400, 400))


@pytest.mark.parametrize("said", [PurchaseState.EXPIRED, PurchaseState.FINISHED])
@pytest.mark.parametrize(
    ("outcome", "refunded"),
    [(None, True), (Cancellation(None), None), (OVER, False), (NOT_FOUND, None), (FAILED, None)],
    ids=["taken", "unsaid", "refused", "not found", "no answer of the provider's"],
)
async def test_it_is_cancelled_once(world: World, said: PurchaseState, outcome: Any, refunded: bool | None) -> None:
    order = await world.buy()
    world.provider.script("check", reading(said))
    world.provider.always["cancel"] = outcome
    ended = await world.state(order["order"], "expired", 20)
    assert ended["refunded"] is refunded
    assert (ended["error"] is None) == (said is PurchaseState.EXPIRED), "there was nothing left to cancel"
    await world.sleep(2000)
    asked = world.provider.count("cancel")
    assert asked == (4 if outcome is FAILED else 1), "what is lost is asked for again"
    assert world.provider.count("check") == 1
    assert world.moves(order["order"]) == ["buying", "waiting", "expired"]


async def test_it_is_not_where_the_owner_wants_none(opened: Opening) -> None:
    world = await opened(orders={"cancel_on_expiry": False})
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    ended = await world.state(order["order"], "expired", 10)
    assert (ended["refunded"], world.provider.count("cancel")) == (None, 0)


async def test_it_is_found_by_a_query(world: World) -> None:
    """The watch does it, at once and not at its next turn."""
    order = await world.buy()
    await world.sleep(1)
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    await world.data("query/check", {"order": order["order"]})
    await world.sleep(1)
    assert world.order(order["order"])["state"] == "expired"
    assert world.provider.times("cancel") == pytest.approx([1])


async def test_it_is_found_when_the_daemon_comes_back(world: World) -> None:
    order = await world.buy()
    await world.restart(crash=True, down=600)
    world.provider.always["check"] = reading(PurchaseState.EXPIRED)
    ended = await world.state(order["order"], "expired", 1)
    assert (ended["refunded"], world.provider.count("cancel")) == (True, 1)


async def test_it_is_found_at_the_last_check(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.always |= {"check": reading(PurchaseState.EXPIRED), "cancel": OVER}
    ended = await world.state(order["order"], "expired", 5)
    assert (ended["refunded"], world.provider.count("cancel")) == (False, 1)


async def test_the_provider_goes_away_before_the_cancel(world: World) -> None:
    """Nobody answered: it is asked again until somebody does."""
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    world.provider.always["cancel"] = UNREACHABLE
    await world.sleep(900)
    assert world.order(order["order"])["state"] == "waiting"
    del world.provider.always["cancel"]
    assert (await world.state(order["order"], "expired", 70))["refunded"] is True


async def test_an_sms_comes_after_it_was_found_over(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.EXPIRED), reading(PurchaseState.RECEIVED, sms()))
    world.provider.script("cancel", Late(5.0, UNREACHABLE))
    await world.sleep(7)
    await world.data("query/check", {"order": order["order"]})
    await world.sleep(60)
    assert world.order(order["order"])["state"] == "received"
    await world.state(order["order"], "finished")


async def test_it_lives_longer_after_all(world: World) -> None:
    order = await world.buy()
    await world.sleep(1197)
    world.provider.script("check", reading(PurchaseState.EXPIRED, lifetime=600.0))
    assert (await world.state(order["order"], "expired", 5))["refunded"] is True


# --- done beside an SMS ---------------------------------------------------------------------------------------------


async def test_done_beside_an_sms_ends_nothing(world: World) -> None:
    order = await world.buy()
    world.provider.always["check"] = reading(PurchaseState.FINISHED, sms("Your code is 11111"))
    await world.state(order["order"], "received", 10)
    await world.sleep(300)
    asked = world.provider.count("check")
    assert 8 < asked < 14, "it is asked after more seldom"
    world.provider.always["check"] = reading(PurchaseState.FINISHED, sms("Your code is 11111"), sms("Code: 22222"))
    await world.until(lambda: world.codes() == ["11111", "22222"], 40)
    ended = await world.state(order["order"], "finished")
    assert (ended["closed_at"], ended["error"]) == (ended["expires_at"], None)
    assert world.provider.count("cancel") == 0


async def test_done_with_the_sms_no_more_in_the_answer_ends_nothing(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.RECEIVED, sms()))
    world.provider.always["check"] = reading(PurchaseState.FINISHED)
    await world.sleep(100)
    assert world.order(order["order"])["state"] == "received"


async def test_done_beside_an_sms_may_name_the_time_that_is_left(world: World) -> None:
    order = await world.buy()
    world.provider.always["check"] = lambda _: reading(
        PurchaseState.FINISHED, sms(), lifetime=600.0 - world.provider.times("check")[-1]
    )
    await world.sleep(10)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:10:00.000Z"


async def test_done_with_no_time_left_is_an_end(world: World) -> None:
    """The life of a number that the operator settled, say, is not known: the provider's own word ends it."""
    order = await world.buy()
    world.provider.always["check"] = reading(PurchaseState.FINISHED, sms(), lifetime=0.0)
    await world.state(order["order"], "finished", 10)


async def test_after_an_sms_a_ban_or_a_time_out_is_an_end(world: World) -> None:
    for state in (PurchaseState.CANCELLED, PurchaseState.EXPIRED):
        order = await world.buy()
        world.provider.script("check", reading(PurchaseState.FINISHED, sms()))
        await world.state(order["order"], "received", 10)
        world.provider.script("check", reading(state, sms()))
        await world.state(order["order"], "finished", 40)


# --- when the last check is due -------------------------------------------------------------------------------------


async def test_a_life_that_nobody_names_begins_when_the_number_was_asked_for(world: World) -> None:
    """Its answer took long: the provider's clock may have begun before it came."""
    world.provider.script("buy", Late(15.0))
    order = await world.buy()
    assert order["expires_at"] == "2026-03-01T12:20:00.000Z"


async def test_a_sooner_end_counts_at_once(world: World) -> None:
    """Else the last check would come when the number is over, and the money be gone."""
    order = await world.buy()
    world.provider.always["check"] = lambda _: reading(
        PurchaseState.WAITING, lifetime=1193.0 - world.provider.times("check")[-1]
    )
    ended = await world.state(order["order"], "expired")
    assert world.provider.times("cancel") == pytest.approx([1191])
    assert ended["expires_at"] == "2026-03-01T12:19:53.000Z"


async def test_a_figure_that_stands_still_puts_no_end_off(world: World) -> None:
    """A whole life under a name that promises what is left of it: else the number would never be given back."""
    order = await world.buy()
    world.provider.always["check"] = reading(PurchaseState.WAITING, lifetime=1200.0)
    await world.state(order["order"], "expired", 1300)
    assert world.provider.times("cancel") == pytest.approx([1198])


@pytest.mark.parametrize("whole", [60.0, 10.0, 1.0])
async def test_an_end_in_whole_minutes_is_not_written_at_each_check(world: World, whole: float) -> None:
    """An SD card wears out; what the last minute comes to counts all the same."""
    order = await world.buy()
    world.provider.always["check"] = lambda _: reading(
        PurchaseState.WAITING, lifetime=(1200.0 - world.provider.times("check")[-1]) // whole * whole
    )
    await world.sleep(100)
    await world.journal.put_meta({"seen": "yes"})  # what was sent until now is written with it
    changes = await world.journal._database.run(lambda c: c.total_changes)
    await world.sleep(900)
    assert await world.journal._database.run(lambda c: c.total_changes) == changes
    await world.state(order["order"], "expired", 200)
    [asked] = world.provider.times("cancel")
    assert 1180 < asked <= 1198


async def test_a_slow_answer_counts_from_when_it_came(world: World) -> None:
    """What a plugin takes to read its text is no time that the number gains."""
    order = await world.buy()
    real = world.extensions.extract_code

    async def slow(text: str) -> str | None:
        await world.clock.sleep(20.0)
        return await real(text)

    world.extensions.extract_code = slow  # type: ignore[method-assign]
    world.provider.script("check", reading(PurchaseState.RECEIVED, sms(), lifetime=600.0))
    await world.sleep(30)
    assert world.order(order["order"])["expires_at"] == "2026-03-01T12:10:05.000Z"


async def test_the_age_of_a_number_is_known_to_who_reads(world: World) -> None:
    ages: list[float | None] = []
    real = world.provider.check

    async def check(purchase: str, **more: Any) -> Any:
        ages.append(more["known"].age)
        return await real(purchase, **more)

    world.provider.check = check  # type: ignore[method-assign]
    await world.buy()
    world.clock.jump(hours=-1)
    await world.sleep(11)
    await world.restart(crash=True, down=100)
    await world.sleep(1)
    assert ages == pytest.approx([5, 10, 111])


@pytest.mark.parametrize("jump", [-3600.0, -5.0, 5.0, 3600.0])
async def test_our_own_clock_moves_no_end(world: World, jump: float) -> None:
    order = await world.buy()
    await world.sleep(100)
    world.clock.jump(seconds=jump)
    ended = await world.state(order["order"], "expired", 1110)
    assert world.provider.times("cancel") == pytest.approx([1198])
    assert ended["refunded"] is True


async def test_a_cancel_that_is_lost_when_it_was_found_over(world: World) -> None:
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    world.provider.script("cancel", TIMEOUT)
    assert (await world.state(order["order"], "expired", 20))["refunded"] is True


async def test_a_number_that_got_its_sms_after_all_is_watched_on(world: World) -> None:
    """A second one may come, and nobody looks for it but the watch."""
    order = await world.buy()
    world.provider.script("check", reading(PurchaseState.EXPIRED))
    world.provider.script("cancel", Late(1.0, UNREACHABLE))
    await world.sleep(5.5)
    world.provider.gets("p1", sms("Code 11111"))
    await world.data("query/check", {"order": order["order"]})
    await world.sleep(30)
    assert world.order(order["order"])["state"] == "received"
    world.provider.gets("p1", sms("Code 22222"))
    await world.sleep(30)
    assert world.codes() == ["11111", "22222"]
