"""What is asked for at the same moment is asked once, and what hangs holds up no other (contract, Commands)."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.waiting import JOINABLE, Shared
from shomare_mqtt.errors import ErrorCode, ProviderRefusedError, Upstream
from shomare_mqtt.model import Catalog, CatalogKind, Price, PriceList, Priority, Product, Profile
from shomare_mqtt.provider.limiter import Limiter
from tests.core.provider import FAILED, UNREACHABLE, Late, entries
from tests.core.virtual import FakeClock
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.core.conftest import Opening
    from tests.core.world import World


class Calls:
    """Calls that are made, and what came of each: its number, after so many seconds, or an error."""

    def __init__(self, *ends: tuple[float, BaseException | None]) -> None:
        self._ends = ends
        self.began: list[float] = []
        self.given_up: list[int] = []

    async def __call__(self) -> int:
        number = len(self.began)
        self.began.append(now())
        seconds, error = self._ends[number]
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.given_up.append(number)
            raise
        if error is not None:
            raise error
        return number


def now() -> float:
    return asyncio.get_running_loop().time()


async def asked_at(moment: float, shared: Shared, calls: Callable[[], Awaitable[int]]) -> tuple[Any, float]:
    """What somebody gets who asks at a moment, and when."""
    await asyncio.sleep(moment)
    try:
        return await shared.get("key", calls), now()
    except ValueError as error:
        return error, now()


ASIDE = pytest.mark.parametrize("aside", [True, False], ids=["aside", "in the first one's task"])


async def all_asked(
    calls: Calls, *moments: float, seconds: float | None = JOINABLE, anew: bool = True, aside: bool = True
) -> list[tuple[Any, float]]:
    """What each gets who asks at one of these moments, and when; nothing is left behind."""
    shared = Shared(FakeClock(), seconds, anew=anew, aside=aside)
    got = await asyncio.gather(*(asked_at(moment, shared, calls) for moment in moments))
    await asyncio.sleep(0)
    assert not shared._running
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return got


@ASIDE
async def test_who_joined_stays_with_what_is_asked_once(aside: bool) -> None:
    """Lists and prices: they may take long, and what is asked for at the same moment is fetched once."""
    calls = Calls((2.0, None), (0.1, None))
    assert await all_asked(calls, 0.0, 0.1, 0.6, anew=False, aside=aside) == [(0, 2.0), (0, 2.0), (1, 0.7)]


async def test_asked_once_at_the_same_moment() -> None:
    calls = Calls((0.3, None))
    assert await all_asked(calls, 0.0, 0.0, 0.2) == [(0, 0.3)] * 3
    assert calls.began == [0.0]


async def test_alone_nobody_asks_anew() -> None:
    calls = Calls((5.0, None))
    assert await all_asked(calls, 0.0) == [(0, 5.0)]
    assert calls.began == [0.0]


async def test_nobody_joins_a_call_that_has_been_out_for_so_long() -> None:
    calls = Calls((5.0, None), (0.1, None))
    assert await all_asked(calls, 0.0, JOINABLE) == [(0, 5.0), (1, JOINABLE + 0.1)]
    assert calls.given_up == []


async def test_who_joined_before_is_not_held_up_either() -> None:
    """One more call for all of them; it serves the one who asked first, too, and the one that hangs is given up."""
    calls = Calls((5.0, None), (0.1, None))
    assert await all_asked(calls, 0.0, 0.1, 0.4) == [(1, JOINABLE + 0.1)] * 3
    assert calls.began == [0.0, JOINABLE]
    assert calls.given_up == [0]


async def test_the_first_call_may_still_come_first() -> None:
    calls = Calls((0.7, None), (5.0, None))
    assert await all_asked(calls, 0.0, 0.1) == [(0, 0.7)] * 2
    assert calls.given_up == [1]


async def test_asked_anew_once_only() -> None:
    """A provider that hangs altogether is not asked ever more often by the same few."""
    calls = Calls((9.0, None), (20.0, None))
    assert await all_asked(calls, 0.0, 0.1, 0.2) == [(0, 9.0)] * 3
    assert calls.began == [0.0, JOINABLE]


async def test_what_is_asked_anew_is_joined_by_others() -> None:
    calls = Calls((5.0, None), (0.3, None))
    assert await all_asked(calls, 0.0, 0.1, JOINABLE + 0.1) == [(1, JOINABLE + 0.3)] * 3
    assert calls.began == [0.0, JOINABLE]


async def test_what_others_asked_for_meanwhile_is_joined_instead() -> None:
    """By the time that a call is asked anew, somebody may have done so: here its first asker's patience ended."""
    shared, calls = Shared(FakeClock(), anew=True), Calls((5.0, None), (0.2, None))
    first = asyncio.ensure_future(shared.get("key", calls))
    await asyncio.sleep(0)
    joined = asyncio.ensure_future(asked_at(0.1, shared, calls))
    await asyncio.sleep(JOINABLE)  # at the very moment at which it is asked anew
    late = await asked_at(0.0, shared, calls)
    assert (await first, await joined, late) == (1, (1, JOINABLE + 0.2), (1, JOINABLE + 0.2))
    assert len(calls.began) == 2


BROKEN, WRONG, ENDED = ValueError("broken"), ValueError("wrong"), asyncio.CancelledError()


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        pytest.param([(0.3, BROKEN)], (BROKEN, 0.3), id="before anything is asked anew"),
        pytest.param([(0.7, BROKEN), (0.4, None)], (1, 0.9), id="while what is asked anew is out"),
        pytest.param([(0.9, BROKEN), (0.2, WRONG)], (BROKEN, 0.9), id="after what was asked anew failed"),
        pytest.param([(0.9, None), (0.2, WRONG)], (0, 0.9), id="only what was asked anew fails"),
        pytest.param([(0.6, BROKEN), (0.4, WRONG)], (BROKEN, 0.9), id="before what was asked anew failed"),
        pytest.param([(0.9, BROKEN), (0.2, ENDED)], (BROKEN, 0.9), id="after what was asked anew ended itself"),
        pytest.param([(0.6, BROKEN), (0.4, ENDED)], (BROKEN, 0.9), id="before what was asked anew ended itself"),
    ],
)
async def test_failures(ends: list[tuple[float, BaseException | None]], expected: tuple[Any, float]) -> None:
    for outcome, moment in await all_asked(Calls(*ends), 0.0, 0.1):
        assert (outcome, round(moment, 6)) == expected


async def test_what_may_always_be_joined() -> None:
    calls = Calls((9.0, None))
    assert await all_asked(calls, 0.0, 0.1, 8.0, seconds=None) == [(0, 9.0)] * 3


@pytest.mark.parametrize("moment", [0.2, JOINABLE + 0.2], ids=["once", "anew"])
async def test_given_up_when_nobody_waits_any_more(moment: float) -> None:
    shared, calls = Shared(FakeClock(), anew=True), Calls((5.0, None), (5.0, None), (0.0, None))
    waiting = [asyncio.ensure_future(shared.get("key", calls)) for _ in range(3)]
    await asyncio.sleep(moment)
    waiting[0].cancel()
    await asyncio.sleep(0.1)
    assert not calls.given_up, "others wait"
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert calls.given_up == list(range(len(calls.began)))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await shared.get("key", calls)


async def test_what_the_first_one_gives_up_is_asked_once_more_for_the_others() -> None:
    """Nobody who waits is cut off with the one in whose task it was asked."""
    shared, calls = Shared(FakeClock(), aside=False), Calls((5.0, None), (0.2, None))
    first, *others = (asyncio.ensure_future(shared.get("key", calls)) for _ in range(3))
    await asyncio.sleep(0.1)
    first.cancel()
    assert await asyncio.gather(*others) == [1, 1]
    assert (first.cancelled(), calls.began, calls.given_up) == (True, [0.0, 0.1], [0])
    assert not shared._running


@ASIDE
@pytest.mark.parametrize("leave", [[0], [0, 1, 2], [2, 1, 0]], ids=["alone", "in order", "backwards"])
async def test_given_up_when_all_leave_one_after_the_other(leave: list[int], aside: bool) -> None:
    shared, calls = Shared(FakeClock(), aside=aside), Calls((5.0, None), (5.0, None), (0.0, None))
    waiting = [asyncio.ensure_future(shared.get("key", calls)) for _ in leave]
    await asyncio.sleep(0.1)
    for each in leave:
        waiting[each].cancel()
        await asyncio.sleep(0.1)
    assert all(each.cancelled() for each in waiting)
    assert calls.given_up == list(range(len(calls.began)))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await shared.get("key", calls)


@ASIDE
async def test_given_up_when_all_leave_together(aside: bool) -> None:
    shared, calls = Shared(FakeClock(), aside=aside), Calls((5.0, None), (5.0, None))
    waiting = [asyncio.ensure_future(shared.get("key", calls)) for _ in range(3)]
    await asyncio.sleep(0.1)
    for each in waiting:
        each.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert calls.given_up == list(range(len(calls.began)))
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert not shared._running


@ASIDE
async def test_what_fails_fails_for_all_who_joined(aside: bool) -> None:
    for outcome, moment in await all_asked(Calls((0.3, BROKEN)), 0.0, 0.1, anew=False, aside=aside):
        assert (outcome, round(moment, 6)) == (BROKEN, 0.3)


@ASIDE
async def test_one_who_leaves_as_the_answer_comes(aside: bool) -> None:
    async def ask() -> int:
        waiting[0].cancel()
        return 1

    shared = Shared(FakeClock(), aside=aside)
    waiting = [asyncio.ensure_future(shared.get("key", ask)) for _ in range(2)]
    await asyncio.wait(waiting)
    assert (waiting[0].cancelled(), waiting[1].result()) == (True, 1)


@ASIDE
async def test_a_call_that_ends_itself(aside: bool) -> None:
    """It is cancelled from within, as by a timeout of its own: so are those who wait."""

    async def ends() -> int:
        raise asyncio.CancelledError

    shared = Shared(FakeClock(), aside=aside)
    waiting = [asyncio.ensure_future(shared.get("key", ends)) for _ in range(2)]
    await asyncio.wait(waiting)
    assert [each.cancelled() for each in waiting] == [True, True]


# --- what waits for its turn ------------------------------------------------------------------------------------------


class Limited:
    """Calls that each wait for their turn first, where so many a minute are let through, and then take their time."""

    def __init__(self, per_minute: float, *seconds: float, aside: bool = True) -> None:
        self.clock = FakeClock()
        self.limiter = Limiter(per_minute, self.clock)
        self.shared = Shared(self.clock, anew=aside, aside=aside)
        self.went: list[tuple[float, Priority]] = []
        self._seconds = seconds

    async def _call(self, priority: Priority, turns: int) -> int:
        for _ in range(turns):
            await self.limiter.slot(priority)
        number = len(self.went)
        self.went.append((now(), priority))
        await asyncio.sleep(self._seconds[number] if number < len(self._seconds) else 0.1)
        return number

    async def use_up(self) -> None:
        """All that may go at once is gone: the next ones wait."""
        for _ in range(self.limiter.burst):
            await self.limiter.slot(Priority.MONEY)

    async def ask(self, moment: float = 0.0, priority: Priority = Priority.QUERY, turns: int = 1) -> tuple[int, float]:
        """What somebody gets who asks so much later, and when."""
        await asyncio.sleep(moment)
        return await self.shared.get("key", partial(self._call, priority, turns), priority), now()


async def test_who_waits_for_a_turn_waits_with_all_others() -> None:
    """Four ask in a second, and less than one a second is let through: nobody waits longer for all that."""
    limited = Limited(60)
    moments = [n / 4 for n in range(480)]
    got = await asyncio.gather(*map(limited.ask, moments))
    waits = [at - moment for moment, (_, at) in zip(moments, got, strict=True)]
    assert max(waits) < 2.0
    assert now() - moments[-1] < 2.0


async def test_half_a_second_begins_as_a_call_has_its_turn() -> None:
    limited = Limited(2, 5.0)
    await limited.use_up()
    got = await asyncio.gather(*map(limited.ask, (0.0, 20.0, 30.3, 30.6)))
    (went, _), (anew, _) = limited.went
    assert (went, anew) == (30.0, 60.0), "the call that others asked anew waits for its turn, too"
    assert got[:3] == [(0, 35.0)] * 3
    assert got[3] == (1, 60.1)


async def test_asked_anew_half_a_second_after_the_turn() -> None:
    limited = Limited(2, 100.0)
    await limited.use_up()
    assert await asyncio.gather(*map(limited.ask, (0.0, 20.0))) == [(1, 60.1)] * 2


async def test_who_is_in_a_hurry_does_not_wait_with_who_is_not() -> None:
    """A poll waits for its turn behind all else."""
    limited = Limited(2)
    await limited.use_up()
    poll, query, other = await asyncio.gather(
        limited.ask(0.0, Priority.POLL), limited.ask(1.0), limited.ask(2.0, Priority.POLL)
    )
    assert limited.went == [(30.0, Priority.QUERY), (60.0, Priority.POLL)]
    assert (query, other, poll) == ((0, 30.1), (0, 30.1), (1, 60.1))


async def test_a_call_that_waits_for_a_second_turn_is_out_all_the_same() -> None:
    limited = Limited(2)
    await limited.use_up()
    twice, once = await asyncio.gather(limited.ask(turns=2), limited.ask(40.0))
    assert (twice, once) == ((0, 60.1), (1, 90.1))


async def test_what_is_asked_once_more_waits_for_its_turn_like_any_other() -> None:
    """Whoever asks meanwhile waits with it: it is not out yet, though the one that was given up was."""
    limited = Limited(2, 5.0, aside=False)
    await limited.use_up()
    first, *others = (asyncio.ensure_future(limited.ask(moment)) for moment in (0.0, 30.1, 32.0, 60.3, 60.6))
    await asyncio.sleep(31.0)
    first.cancel()
    assert await asyncio.gather(*others) == [(1, 60.1), (1, 60.1), (2, 90.1), (2, 90.1)]


async def test_half_a_second_begins_anew_with_what_is_asked_once_more() -> None:
    shared, calls = Shared(FakeClock(), aside=False), Calls((5.0, None), (1.0, None), (1.0, None))
    first, *others = (asyncio.ensure_future(asked_at(moment, shared, calls)) for moment in (0.0, 0.1, 1.2, 1.6))
    await asyncio.sleep(1.0)
    first.cancel()
    assert await asyncio.gather(*others) == [(1, 2.0), (1, 2.0), (2, 2.6)]


# --- in the core ----------------------------------------------------------------------------------------------------


async def test_one_profile_call_that_hangs(world: World) -> None:
    await world.settle()
    world.provider.script("profile", Late(5.0))
    began = now()
    await asyncio.gather(*(asked_later(world, "query/profile", {}, 0.1 * n) for n in range(21)))
    assert now() - began <= 2.0 + 0.1, "the last one was asked after 2 s: nobody waited for the one that hangs"


async def asked_later(world: World, topic: str, payload: Any, seconds: float) -> Any:
    await asyncio.sleep(seconds)
    return await world.data(topic, payload)


async def late_and_soon(world: World, topic: str, payload: Any) -> list[Any]:
    """The answers to a query whose call takes five seconds, and to another one that is asked for meanwhile."""
    return list(await asyncio.gather(*(asked_later(world, topic, payload, moment) for moment in (0.0, 1.0))))


@pytest.mark.parametrize("method", ["profile", "catalog", "prices", "price"])
async def test_who_is_in_a_hurry_asks_anew(world: World, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A purchase waits for its turn with no query, whatever it asks for."""
    await world.settle()
    market, ask, went = world.bridge.market, getattr(world.provider, method), list[Priority]()
    limiter = Limiter(2, FakeClock())
    await limiter.slot(Priority.MONEY)

    async def limited(*args: Any, priority: Priority, **more: Any) -> Any:
        await limiter.slot(priority)
        went.append(priority)
        return await ask(*args, priority=priority, **more)

    def read(priority: Priority) -> Awaitable[object]:
        match method:
            case "profile":
                return market.account.read(priority)
            case "catalog":
                return market.catalogs.read(CatalogKind.COUNTRIES, priority)
            case "prices":
                return market.prices.read_list("2", "1", priority)
        return market.prices.read_price(Product("2", "1", "1"), priority)

    monkeypatch.setattr(world.provider, method, limited)
    query = asyncio.ensure_future(read(Priority.QUERY))
    await world.sleep(1.0)
    await asyncio.gather(read(Priority.MONEY), query)
    assert went == [Priority.MONEY, Priority.QUERY]


async def test_an_older_profile_is_not_shown_over_a_newer_one(world: World) -> None:
    await world.settle()
    world.provider.script("profile", Late(5.0, Profile(Decimal(1))), Profile(Decimal(2)))
    await late_and_soon(world, "query/profile", {})
    assert world.text("profile/balance") == "2"


async def test_an_older_profile_is_not_told_either(world: World) -> None:
    """Under a newer time it would contradict what the topic holds."""
    await world.settle()
    world.provider.script("profile", Late(5.0, Profile(Decimal(1))), Profile(Decimal(2)))
    answers = await late_and_soon(world, "query/profile", {})
    assert [answer["balance"] for answer in answers] == [2, 2]


async def test_an_older_list_is_not_taken_over_a_newer_one(world: World) -> None:
    old, new = (Catalog(CatalogKind.COUNTRIES, entries(name)) for name in ("Old", "New"))
    await world.settle()
    world.provider.script("countries", Late(5.0, old), new)
    answers = await late_and_soon(world, "query/countries", {})
    assert [[entry["name"] for entry in answer] for answer in answers] == [["New"], ["New"]]
    assert [entry["name"] for entry in world.json("countries")] == ["New"]


def priced(*prices: int) -> list[PriceList]:
    return [PriceList("2", "1", (Price("1", Decimal(price), 5),)) for price in prices]


async def test_an_older_price_list_is_not_taken_over_a_newer_one(opened: Opening) -> None:
    world = await opened(prices=[{"country": "2", "operator": "1"}])
    await world.sleep(1.0)
    old, new = priced(1, 2)
    world.provider.script("prices", Late(5.0, old), new)
    answers = await late_and_soon(world, "query/prices", {"country": "2", "operator": "1"})
    assert [answer["prices"][0]["price"] for answer in answers] == [2, 2]
    assert world.json("prices/2/1")["prices"][0]["price"] == 2
    assert [found.prices[0].price for found, _ in world.extensions.prices][-1] == 2


async def test_an_older_price_is_not_taken_over_a_newer_one(opened: Opening) -> None:
    world = await opened(defaults=PRODUCT)
    await world.sleep(1.0)
    world.provider.script("price", Late(5.0, Price("1", Decimal(1), 5)), Price("1", Decimal(2), 5))
    answers = await late_and_soon(world, "query/price", PRODUCT)
    assert [answer["price"] for answer in answers] == [2, 2]
    assert world.json("quote")["price"] == 2


async def test_an_older_price_list_is_not_taken_over_a_newer_price(world: World) -> None:
    await world.settle()
    world.provider.script("prices", Late(5.0, priced(1)[0]))
    world.provider.script("price", Price("1", Decimal(2), 5))
    await asyncio.gather(
        asked_later(world, "query/prices", {"country": "2", "operator": "1"}, 0.0),
        asked_later(world, "query/price", PRODUCT, 1.0),
    )
    known = world.bridge.market.prices.last(Product("2", "1", "1"))
    assert known is not None
    assert known.price == 2


async def test_nor_an_older_price_over_a_newer_price_list(world: World) -> None:
    await world.settle()
    world.provider.script("price", Late(5.0, Price("1", Decimal(2), 5)))
    world.provider.script("prices", priced(1)[0])
    await asyncio.gather(
        asked_later(world, "query/price", PRODUCT, 0.0),
        asked_later(world, "query/prices", {"country": "2", "operator": "1"}, 1.0),
    )
    known = world.bridge.market.prices.last(Product("2", "1", "1"))
    assert known is not None
    assert known.price == 1


async def test_an_older_price_that_no_newer_price_list_holds_stays(world: World) -> None:
    await world.settle()
    world.provider.script("price", Late(5.0, Price("2", Decimal(2), 5)))
    world.provider.script("prices", priced(1)[0])
    await asyncio.gather(
        asked_later(world, "query/price", {**PRODUCT, "application": "2"}, 0.0),
        asked_later(world, "query/prices", {"country": "2", "operator": "1"}, 1.0),
    )
    known = world.bridge.market.prices.last(Product("2", "1", "2"))
    assert known is not None
    assert known.price == 2


async def test_a_failure_that_comes_late_shortens_no_retry_after(world: World) -> None:
    """What was asked later was told to come again in a minute."""
    too_many = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, "too many requests", Upstream(429))
    too_many.retry_after = 60.0
    await world.settle()
    world.provider.script("profile", Late(5.0, FAILED), too_many)
    late, soon = world.ask("query/profile"), asked_later(world, "query/profile", {}, 1.0)
    await asyncio.gather(late, soon, return_exceptions=True)
    told = world.provider.times("profile")[-1]
    await world.sleep(120.0)
    assert world.provider.times("profile")[-1] == told + 60.0


async def test_a_failure_that_comes_late_leaves_the_newer_list(world: World) -> None:
    await world.settle()
    world.provider.script("countries", Late(5.0, UNREACHABLE), Catalog(CatalogKind.COUNTRIES, entries("New")))
    late, soon = await asyncio.gather(world.ask("query/countries"), asked_later(world, "query/countries", {}, 1.0))
    assert (late["status"], [entry["name"] for entry in soon]) == ("error", ["New"])
    assert [entry["name"] for entry in world.json("countries")] == ["New"]
