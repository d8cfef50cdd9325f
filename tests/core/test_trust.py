"""What one call gets is believed of that call (contract, Answers): a 401, a page, a `Retry-After` of a day."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import (
    ErrorCode,
    ProviderFailedError,
    ProviderPageError,
    ProviderRefusedError,
    Upstream,
)
from shomare_mqtt.model import CatalogKind
from tests.core.provider import FAILED, INVALID_TOKEN, LOST, MALFORMED, NOT_FOUND, UNREACHABLE, Late, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

DAY = 86400.0
BLOCKED = ProviderRefusedError(ErrorCode.ACCOUNT_BLOCKED, "blocked", Upstream(401, -1))
NO_TOKEN = ProviderRefusedError(ErrorCode.MISSING_TOKEN, "no token", Upstream(403, 403))
BROKE = ProviderRefusedError(ErrorCode.INSUFFICIENT_BALANCE, "the wallet is empty", Upstream(402, 402))
NO_ADDRESS = ProviderRefusedError(ErrorCode.UNKNOWN_ENDPOINT, "no such address", Upstream(404))
PAGE = ProviderPageError(ErrorCode.PROVIDER_ERROR, "a page of HTML", Upstream(502))
OF_THE_TOKEN = pytest.mark.parametrize("error", [INVALID_TOKEN, NO_TOKEN, BLOCKED], ids=str)
READ = ("profile", *(kind.value for kind in CatalogKind))


def busy(seconds: float) -> ProviderFailedError:
    return ProviderFailedError(ErrorCode.PROVIDER_ERROR, "too many requests", Upstream(429), retry_after=seconds)


def of_purchase(purchase: str, error: Exception) -> Any:
    """What a call comes to that is refused for one purchase alone."""
    return lambda asked: error if asked == purchase else None


def gaps(times: list[float]) -> list[float]:
    return [b - a for a, b in itertools.pairwise(times)]


def state(world: World) -> str:
    return str(world.json("provider/state")["state"])


# --- a refused token ------------------------------------------------------------------------------------------------


@OF_THE_TOKEN
async def test_one_refused_check_holds_up_nothing(world: World, error: Exception) -> None:
    first = await world.buy()
    second = await world.buy(application="2")
    await world.sleep(20)
    world.provider.script("check", error)
    looks = world.provider.count("profile")
    await world.sleep(5)
    assert world.provider.count("profile") == looks + 1, "the profile was looked at, at once"
    assert state(world) == "online"
    world.provider.gets("p1", sms())
    world.provider.gets("p2", sms())
    await world.sleep(11)
    assert [world.order(o["order"])["state"] for o in (first, second)] == ["received", "received"]
    assert world.bridge_events("provider_state") == []


@OF_THE_TOKEN
async def test_a_passing_refusal_of_everything_is_over_in_seconds(world: World, error: Exception) -> None:
    order = await world.buy()
    await world.sleep(20)
    world.provider.always |= {"check": error, "profile": error}
    await world.until(lambda: state(world) in ("unauthorized", "blocked"), 6)
    world.provider.always.clear()
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 6)
    assert state(world) == "online"


async def test_a_passing_refusal_of_the_profile_alone_is_over_in_seconds(world: World) -> None:
    order = await world.buy()
    await world.sleep(20)
    world.provider.script("profile", INVALID_TOKEN)
    assert await world.error("query/profile") == "invalid_token"
    assert state(world) == "unauthorized"
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 6)


@OF_THE_TOKEN
async def test_one_order_that_is_always_refused_blinds_no_other(world: World, error: Exception) -> None:
    await world.buy()
    other = await world.buy(application="2")
    world.provider.always["check"] = of_purchase("p1", error)
    await world.sleep(900)
    asked = [(at, purchase) for call, at, purchase in world.provider.calls if call == "check"]
    assert gaps([at for at, purchase in asked if purchase == "p1"]) == pytest.approx([10, 20, 40, 80, 160, 300])
    assert len([at for at, purchase in asked if purchase == "p2"]) > 150
    assert world.provider.count("profile") < 14, "the profile is looked at ever more seldom"
    assert world.bridge_events("provider_state") == []
    world.provider.gets("p2", sms())
    await world.state(other["order"], "received", 6)


@OF_THE_TOKEN
@pytest.mark.parametrize(
    ("call", "topic", "payload"),
    [
        ("check", "query/check", {"purchase": "of somebody else"}),
        ("cancel", "cancel", {"purchase": "of somebody else"}),
        ("countries", "query/countries", {}),
        ("prices", "query/prices", {"country": "1", "operator": "1"}),
        ("price", "query/price", PRODUCT),
        ("buy", "buy", PRODUCT),
    ],
)
async def test_another_call_that_is_refused_is_its_own_matter(
    world: World, error: ProviderRefusedError, call: str, topic: str, payload: Any
) -> None:
    order = await world.buy()
    await world.sleep(22)
    looks = world.provider.count("profile")
    world.provider.script(call, error)
    assert await world.error(topic, payload) == error.code
    await world.settle()
    evidence = call == "buy"  # the balance from before it
    assert (state(world), world.provider.count("profile")) == ("online", looks + 1 + evidence)
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 6)


async def test_what_is_refused_again_and_again_is_looked_into_ever_more_seldom(world: World) -> None:
    await world.sleep(20)
    world.provider.always["check"] = INVALID_TOKEN
    looks = world.provider.count("profile")
    for _ in range(200):
        assert await world.error("query/check", {"purchase": "of somebody else"}) == "invalid_token"
        await world.sleep(1)
    assert gaps(world.provider.times("profile")[looks:]) == pytest.approx([5, 10, 20, 40, 80], abs=1)


async def test_the_refused_token_is_looked_at_ever_more_seldom(opened: Opening) -> None:
    world = await opened(refresh={"profile": 300})
    await world.sleep(20)
    world.provider.always["profile"] = INVALID_TOKEN
    looks = world.provider.count("profile")
    await world.error("query/profile")
    await world.sleep(1000)
    assert gaps(world.provider.times("profile")[looks:]) == pytest.approx([5, 10, 20, 40, 80, 160, 300, 300])
    assert len(world.bridge_events("provider_state")) == 1


@pytest.mark.parametrize("answer", [FAILED, MALFORMED, busy(1.0), PAGE], ids=str)
async def test_what_tells_nothing_of_the_token_does_not_make_it_right(world: World, answer: Exception) -> None:
    await world.buy()
    await world.sleep(20)
    world.provider.always |= {"check": INVALID_TOKEN, "profile": INVALID_TOKEN}
    await world.error("query/profile")
    world.provider.script("countries", answer)
    await world.ask("query/countries")
    asked = world.provider.count("check")
    await world.sleep(60)
    assert (state(world), world.provider.count("check")) == ("unauthorized", asked)


async def test_a_no_that_only_an_owner_gets_shows_that_the_token_is_taken(world: World) -> None:
    await world.sleep(20)
    world.provider.script("profile", INVALID_TOKEN)
    await world.error("query/profile")
    world.provider.script("buy", BROKE)
    assert await world.error("buy", PRODUCT) == "insufficient_balance"
    await world.settle()
    assert state(world) == "online"


async def test_a_look_does_not_wait_behind_one_that_is_out(world: World) -> None:
    """The provider is away while the look is on its way: it is the look that tells, and no second one is begun."""
    await world.sleep(20)
    world.provider.script("profile", Late(10.0, UNREACHABLE))
    world.provider.script("countries", INVALID_TOKEN, UNREACHABLE)
    looks = world.provider.count("profile")
    await world.error("query/countries")
    await world.sleep(2)
    await world.error("query/countries")
    await world.sleep(7)
    assert world.provider.count("profile") == looks + 1
    await world.sleep(7)
    assert (world.provider.count("profile"), state(world)) == (looks + 2, "online")


# --- at the end of an order -----------------------------------------------------------------------------------------


@OF_THE_TOKEN
async def test_a_last_check_that_alone_is_refused_does_not_stop_the_cancel(world: World, error: Exception) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always["check"] = error
    ended = await world.state(order["order"], "expired", 10)
    assert ended["refunded"] is True
    assert world.provider.balance == 100_000


@OF_THE_TOKEN
async def test_a_token_that_is_refused_everywhere_at_the_end(world: World, error: ProviderRefusedError) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always |= {"check": error, "cancel": error, "profile": error}
    await world.sleep(3400)
    assert world.order(order["order"])["state"] == "waiting"
    ended = await world.state(order["order"], "expired", 400)
    assert (ended["refunded"], ended["error"]["code"]) == (None, error.code)


async def test_a_token_that_is_right_again_within_the_hour(world: World) -> None:
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always |= {"check": INVALID_TOKEN, "cancel": INVALID_TOKEN, "profile": INVALID_TOKEN}
    await world.sleep(1800)
    world.provider.always.clear()
    ended = await world.state(order["order"], "expired", 310)
    assert (ended["refunded"], ended["error"]) == (True, None)


async def test_a_last_check_without_hurry_is_made_once_more(world: World) -> None:
    """For two seconds everything is refused, just when the second SMS is there."""
    order = await world.buy()
    world.provider.gets("p1", sms())
    await world.sleep(1196)
    world.provider.always |= {"check": INVALID_TOKEN, "profile": INVALID_TOKEN}
    await world.sleep(3)
    world.provider.always.clear()
    world.provider.gets("p1", sms("The second code is 55555"))
    await world.state(order["order"], "finished", 20)
    assert world.codes() == ["48213", "55555"]


async def test_a_last_check_that_stays_refused_is_not_made_for_ever(opened: Opening) -> None:
    world = await opened(orders={"cancel_on_expiry": False})
    order = await world.buy()
    await world.sleep(1196)
    world.provider.always["check"] = INVALID_TOKEN
    ended = await world.state(order["order"], "expired", 20)
    assert (ended["refunded"], ended["error"]) == (None, None)


# --- how long to wait -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [busy(DAY), busy(1e18), busy(float("inf"))], ids=["day", "ages", "for ever"])
async def test_a_day_is_believed_for_five_minutes(world: World, error: Exception) -> None:
    order = await world.buy()
    world.provider.script("check", error)
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 306)
    assert world.provider.times("check")[:2] == pytest.approx([5, 305])


async def test_no_order_is_asked_later_than_its_last_check(world: World) -> None:
    world.provider.lifetime = 200.0
    order = await world.buy()
    world.provider.always["check"] = busy(DAY)
    ended = await world.state(order["order"], "expired", 201)
    assert world.provider.times("check") == pytest.approx([5, 198])
    assert ended["refunded"] is True


async def test_a_time_below_zero_is_none(world: World) -> None:
    await world.buy()
    world.provider.script("check", busy(-5.0))
    await world.sleep(16)
    assert world.provider.times("check") == pytest.approx([5, 15])


@pytest.mark.parametrize("error", [BROKE, NO_TOKEN, NOT_FOUND, busy(60.0)], ids=str)
async def test_no_refusal_stops_the_watch_for_good(world: World, error: Exception) -> None:
    order = await world.buy()
    world.provider.script("check", *[error] * 4)
    await world.sleep(160)
    world.provider.gets("p1", sms())
    await world.state(order["order"], "received", 200)


async def test_too_many_requests_for_the_profile(opened: Opening) -> None:
    world = await opened(refresh={"profile": 100})
    await world.sleep(50)
    world.provider.always["profile"] = busy(DAY)
    await world.sleep(1000)
    assert world.provider.times("profile") == pytest.approx([0, 100, 400, 700, 1000])
    assert state(world) == "online"


# --- answers that nobody can read -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [MALFORMED, PAGE, NO_ADDRESS], ids=str)
async def test_a_filter_that_comes_in_between(world: World, page: Exception) -> None:
    order = await world.buy()
    await world.sleep(20)
    for call in (*READ, "check", "cancel", "prices", "price"):
        world.provider.always[call] = page
    await world.until(lambda: state(world) == "misunderstood", 20)
    assert len(world.bridge_events("provider_state")) == 1
    await world.sleep(400)
    assert (state(world), len(world.bridge_events("provider_state"))) == ("misunderstood", 1)
    world.provider.always.clear()
    world.provider.gets("p1", sms())
    await world.data("query/countries")
    assert state(world) == "online"
    await world.state(order["order"], "received", 6)


@pytest.mark.parametrize("page", [MALFORMED, PAGE, NO_ADDRESS], ids=str)
async def test_without_an_order_a_look_at_the_profile_tells(world: World, page: Exception) -> None:
    await world.sleep(20)
    for call in READ:
        world.provider.always[call] = page
    await world.ask("query/countries")
    await world.settle()
    assert state(world) == "online", "two are not three"
    await world.ask("query/countries")
    assert state(world) == "misunderstood"


async def test_one_list_that_is_never_read_is_its_own_matter(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["operators"] = Late(1.0, MALFORMED)
    await world.start()
    await world.sleep(5000)
    assert world.provider.count("operators") > 15
    assert (state(world), world.bridge_events("provider_state")) == ("online", [])
    assert world.json("provider/state")["fields"] == ["alloperators: not understood"]


async def test_one_purchase_that_is_never_read_is_its_own_matter(world: World) -> None:
    """Also while the profile was looked at so often that it has its rest."""
    await world.sleep(20)
    world.provider.always["check"] = MALFORMED
    for _ in range(200):
        assert await world.error("query/check", {"purchase": "of somebody else"}) == "malformed_answer"
        await world.sleep(1)
    assert (state(world), world.bridge_events("provider_state")) == ("online", [])


async def test_two_pages_and_a_no_are_no_filter(world: World) -> None:
    await world.sleep(20)
    for answer in (MALFORMED, MALFORMED, NOT_FOUND, MALFORMED, MALFORMED, FAILED):
        world.provider.script("prices", answer)
        world.provider.script("profile", MALFORMED)
        await world.ask("query/prices", {"country": "1", "operator": "1"})
    assert state(world) == "online"


async def test_a_failure_in_words_is_no_page(opened: Opening) -> None:
    """Nothing usable was read yet, but what comes is the provider's: it has a problem, not we."""
    world = await opened(started=False)
    for call in READ:
        world.provider.always[call] = FAILED
    await world.start()
    await world.sleep(100)
    assert state(world) == "online"
    for call in READ:
        world.provider.always[call] = MALFORMED
    await world.sleep(100)
    assert state(world) == "misunderstood"
    for call in READ:
        world.provider.always[call] = NOT_FOUND
    await world.ask("query/countries")
    assert state(world) == "misunderstood", "still nothing of use was read"


async def test_a_purchase_of_unknown_outcome_tells_nothing(world: World) -> None:
    await world.sleep(20)
    world.provider.script("buy", LOST)
    assert (await world.ask("buy", PRODUCT))["status"] == "unknown"
    await world.settle()
    assert state(world) == "online"
