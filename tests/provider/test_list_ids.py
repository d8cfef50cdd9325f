"""Which columns of the lists a provider takes as ids: found out by price calls alone, few of them, and kept."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from shomare_mqtt.errors import ErrorCode, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, IdDoubt, Known, Priority, Product
from shomare_mqtt.provider.id_trial import MOST_REQUESTS
from shomare_mqtt.provider.list_ids import AFTER_FAILURE, NEXT_GO
from tests.provider.fakes import allowed, settle

from .selling import APPLICATIONS, COUNTRIES, Shop, house, listed, said
from .servers import hang, http
from .test_client import Memory

COS, OPS, APPS = CatalogKind
SETTLED, OPEN, UNTOLD, UNREAD = IdDoubt.SETTLED, IdDoubt.OPEN, IdDoubt.UNTOLD, IdDoubt.UNREAD
TELEGRAM = Product("7", "any", "3")
PRICE_CALLS = ("pricebycountry", "pricebyproduct")


def price_calls(shop: Shop) -> int:
    return sum(shop.counted()[call] for call in PRICE_CALLS)


def learnt() -> Memory:
    return Memory(dict.fromkeys(PRICE_CALLS, "path"))


async def test_the_ids_in_use_are_confirmed_with_few_calls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with house(Shop(), learnt()) as it:
        await it.read()
        assert it.doubts() == {"countries": OPEN, "operators": SETTLED, "applications": OPEN}
        assert [column.place for column in it.lists[COS].ids if column.likely] == ["id", "iso", "api_name"]
        assert await it.settle(TELEGRAM) == frozenset()
        assert it.shop.calls == [
            ("pricebyproduct", "7", "any", "3"),
            ("pricebyproduct", "987654321", "any", "3"),
            ("pricebyproduct", "7", "any", "987654321"),
        ]
        assert set(it.doubts().values()) == {SETTLED}
        assert "allcountries: the provider takes id as the id" in caplog.messages
        await it.read()
        assert [found.sureness.value for found in it.lists[COS].found if found.field == "countries.id"] == ["tried"]
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(it.shop) == 3
    async with house(it.shop, it.memory) as again:
        assert set(again.doubts().values()) == {SETTLED}


@pytest.mark.parametrize("style", ["path", "query", "form", "json"])
@pytest.mark.parametrize("product", [None, TELEGRAM], ids=["nobody asks", "asked for"])
@pytest.mark.parametrize(
    "wants",
    [{"countries": "api_name"}, {"applications": "code"}, {"countries": "iso", "applications": "code"}],
    ids=str,
)
async def test_the_ids_that_are_wanted_are_found(wants: dict[str, str], product: Product | None, style: str) -> None:
    async with house(Shop(wants=wants, style=style)) as it:
        await it.read()
        changed = await it.settle(product)
        assert changed == {CatalogKind(kind) for kind in wants}
        assert price_calls(it.shop) <= MOST_REQUESTS
        await it.read(*changed)
        for kind, name in wants.items():
            assert it.ids(CatalogKind(kind)) == [entry[name] for entry in getattr(it.shop, kind)]
            assert it.memory.learnt[f"{kind}.id"] == name
        assert set(it.doubts().values()) == {SETTLED}
        assert await it.settle(product) == frozenset()


async def test_nested_ids_and_names_of_operators_are_found() -> None:
    shop = Shop(
        countries=[{"code": {"value": row[2], "number": row[0]}, "name": row[3]} for row in COUNTRIES],
        operators=[{"id": 1, "name": "virtual4"}, {"id": 2, "name": "beeline"}],
        applications=[{"id": row[0], "attributes": {"slug": row[1], "title": row[2]}} for row in APPLICATIONS],
        wants={"operators": "name"},
    )
    shop._id = lambda kind, entry: {  # type: ignore[method-assign]
        "countries": lambda: entry["code"]["number"],
        "operators": lambda: entry["name"],
        "applications": lambda: entry["attributes"]["slug"],
    }[kind]()
    async with house(shop) as it:
        await it.read()
        for goes in range(3):
            await it.read(*await it.settle(None))
            assert price_calls(shop) <= (goes + 1) * MOST_REQUESTS
            it.clock.seconds += NEXT_GO
        assert (it.ids(COS), it.ids(OPS), it.ids(APPS)) == (
            ["7", "98", "44"],
            ["virtual4", "beeline"],
            ["tg", "wa", "ig"],
        )
        assert it.memory.learnt["countries.id"] == "code.number"
        assert it.memory.learnt["applications.id"] == "attributes.slug"


async def test_a_shop_that_takes_any_id_tells_nothing_and_is_not_asked_again() -> None:
    async with house(Shop(ignores=frozenset({"countries", "applications"})), learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == frozenset()
        assert it.doubts() == {"countries": UNTOLD, "operators": SETTLED, "applications": UNTOLD}
        assert price_calls(it.shop) == 3
        it.clock.seconds += 1e6
        await it.read()
        assert await it.settle(TELEGRAM, Priority.MONEY) == frozenset()
        assert price_calls(it.shop) == 3
    async with house(it.shop, it.memory) as again:
        assert again.doubts()["countries"] is SETTLED
        await again.read()
        assert again.doubts()["countries"] is UNTOLD


async def test_a_shop_that_answers_everything_with_all_it_has_tells_nothing() -> None:
    async with house(Shop()) as it:
        it.shop._sell = lambda *_: said([{"application": 3, "price": 2200, "count": 5}])  # type: ignore[method-assign]
        await it.read()
        assert await it.settle(TELEGRAM) == frozenset()
        assert it.doubts()["applications"] is UNTOLD


async def test_what_is_sold_nowhere_decides_nothing() -> None:
    async with house(Shop(sold=lambda *_: False, wants={"countries": "iso"}), learnt()) as it:
        await it.read()
        for _ in range(4):
            sent = price_calls(it.shop)
            assert await it.settle(None) == frozenset()
            assert price_calls(it.shop) - sent <= MOST_REQUESTS
            it.clock.seconds += NEXT_GO
        assert it.doubts()["countries"] is OPEN
        assert price_calls(it.shop) == sent  # all was asked, and a day has not gone by
        it.shop.sold = lambda *_: True
        assert await it.settle(TELEGRAM, Priority.MONEY) == {COS}
        assert await it.settle(TELEGRAM, Priority.MONEY) == {COS}


async def test_what_is_not_sold_of_the_first_entry_may_be_of_the_third() -> None:
    async with house(Shop(sold=lambda country, *_: country == "England", wants={"countries": "iso"})) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == {COS}
        assert price_calls(it.shop) <= MOST_REQUESTS


@pytest.mark.parametrize(
    "answer",
    [
        http(429, b'{"status": false, "code": 429}'),
        http(401, b'{"status": false, "code": 401}'),
        http(503, b"<html>busy</html>"),
    ],
    ids=["429", "401", "503"],
)
async def test_a_failure_of_the_provider_ends_the_go_until_later(answer: bytes) -> None:
    async with house(Shop(instead={1: answer}, wants={"countries": "api_name"})) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(it.shop) == 1
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(it.shop) == 1
        it.clock.seconds += AFTER_FAILURE
        assert await it.settle(TELEGRAM) == {COS}


async def test_ids_are_found_at_a_shop_that_breaks_over_one_that_it_does_not_know() -> None:
    broken = http(500, b'{"message": "Server Error"}')
    async with house(Shop(wants={"countries": "iso", "applications": "code"}, unknown=broken), learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == {COS, APPS}
        assert price_calls(it.shop) <= MOST_REQUESTS


async def test_a_shop_that_only_breaks_is_left_alone_until_later() -> None:
    broken = http(500, b'{"message": "Server Error"}')
    shop = Shop(wants={"countries": "iso"}, instead=dict.fromkeys(range(1, 4), broken))
    async with house(shop, learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(shop) == 3
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(shop) == 3
        it.clock.seconds += AFTER_FAILURE
        assert await it.settle(TELEGRAM) == {COS}


async def test_ids_that_work_are_believed_where_the_made_up_one_gets_a_failure() -> None:
    async with house(Shop(instead={2: http(503, b"")})) as it:
        await it.read()
        await it.settle(TELEGRAM)
        assert it.memory.learnt["countries.id"] == "id"
        assert it.doubts()["applications"] is OPEN


async def test_other_ids_are_not_believed_where_the_made_up_one_gets_a_failure() -> None:
    async with house(Shop(wants={"countries": "iso"}), learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == {COS}
        made_up = next(at for at, call in enumerate(it.shop.calls, 1) if "no-such-entry" in call)
    async with house(Shop(wants={"countries": "iso"}, instead={made_up: http(503, b"")}), learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == frozenset()
        assert "countries.id" not in it.memory.learnt


async def test_ids_of_which_each_is_another_entrys_too_tell_nothing_and_cost_nothing() -> None:
    rows = (("1", "2", "Russia"), ("2", "3", "Iran"), ("3", "1", "England"))
    async with house(Shop(countries=listed(("id", "code", "name"), rows), wants={"countries": "code"})) as it:
        await it.read(COS)
        it.lists[OPS] = it.lists[APPS] = it.lists[COS]
        assert await it.settle(Product("1", "1", "1")) == frozenset()
        assert it.doubts()["countries"] is UNTOLD
        assert price_calls(it.shop) == 0


async def test_an_entry_whose_id_is_another_ones_code_is_not_tried() -> None:
    rows = (("7", "98", "Russia"), ("98", "364", "Iran"), ("44", "826", "England"))
    async with house(Shop(countries=listed(("id", "code", "name"), rows), wants={"countries": "code"})) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == {COS}
        assert all("98" not in call for call in it.shop.calls)


async def test_price_calls_that_are_made_anyway_settle_what_they_use() -> None:
    async with house(Shop()) as it:
        await it.read()
        await it.client.prices("7", "any", known=it.known, priority=Priority.POLL)
        assert it.doubts() == {"countries": SETTLED, "operators": SETTLED, "applications": OPEN}
        await it.client.price(TELEGRAM, known=it.known, priority=Priority.POLL)
        assert set(it.doubts().values()) == {SETTLED}
        sent = price_calls(it.shop)
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(it.shop) == sent


async def test_what_prices_call_the_applications_is_tried_first() -> None:
    shop = Shop(
        applications=[{"id": r[0], "code": f"x{r[0]}", "key": f"k{r[0]}", "slug": r[1]} for r in APPLICATIONS],
        wants={"applications": "slug"},
    )
    async with house(shop) as it:
        await it.read()
        await it.client.prices("7", "any", known=it.known, priority=Priority.POLL)
        shop.calls.clear()
        assert await it.settle(None) == {APPS}
        tried = [call[3] for call in shop.calls if call[0] == "pricebyproduct"]
        assert tried[:2] == ["3", "tg"]


async def test_a_list_with_one_candidate_costs_nothing() -> None:
    shop = Shop(
        countries=listed(("id", "name"), (("7", "Russia"), ("98", "Iran"))),
        applications=listed(("id", "title"), (("3", "Telegram"), ("5", "WhatsApp"))),
    )
    async with house(shop) as it:
        assert set(it.doubts().values()) == {UNREAD}
        await it.read()
        assert set(it.doubts().values()) == {SETTLED}
        assert await it.settle(TELEGRAM, Priority.MONEY) == frozenset()
        assert price_calls(shop) == 0
    async with house(shop, it.memory) as again:
        assert set(again.doubts().values()) == {SETTLED}


def by_hand(provider: Any) -> Any:
    return provider.model_copy(update={"fields": {"countries.id": "iso", "applications.id": "code"}})


async def test_a_list_of_an_earlier_process_is_read_where_its_ids_may_be_others_by_now() -> None:
    memory = Memory({**learnt().learnt, "countries.id": "iso", "of operators.id": "id"})
    async with house(Shop(), memory) as it:
        assert it.doubts() == {"countries": SETTLED, "operators": SETTLED, "applications": UNREAD}
        it.client.kept(COS, "iso")
        it.client.kept(OPS, "id")
        assert it.doubts() == {"countries": SETTLED, "operators": SETTLED, "applications": UNREAD}
        it.client.kept(COS, "id")
        assert it.doubts()["countries"] is UNREAD, "the process ended before it read the list again"
        await it.read()
        assert it.doubts()["countries"] is SETTLED
    async with house(Shop(), memory, by_hand) as it:
        it.client.kept(COS, "id")
        assert it.doubts()["countries"] is UNREAD, "it was set later"
        await it.read()
        assert (it.doubts()["countries"], it.lists[COS].ids) == (SETTLED, ())


async def test_ids_of_a_list_that_was_not_read_again_are_wrong() -> None:
    async with house(Shop(wants={"countries": "iso"}), learnt()) as it:
        await it.read()
        assert await it.settle(TELEGRAM) == {COS}
        assert it.doubts()["countries"] is IdDoubt.WRONG
        assert await it.settle(TELEGRAM) == {COS}
        await it.read(COS)
        assert it.doubts()["countries"] is SETTLED


async def test_an_id_that_is_set_by_hand_is_never_tried() -> None:
    async with house(Shop(), given=by_hand) as it:
        assert it.doubts()["countries"] is SETTLED
        await it.read()
        assert it.doubts() == {"countries": SETTLED, "operators": SETTLED, "applications": SETTLED}
        assert it.ids(COS) == ["RU", "IR", "GB"]
        assert await it.settle(TELEGRAM) == frozenset()
        assert price_calls(it.shop) == 0


async def test_empty_lists_cost_nothing() -> None:
    async with house(Shop(operators=[])) as it:
        await it.read()
        assert await it.settle(None) == frozenset()
        assert price_calls(it.shop) == 0


async def test_a_choice_is_dropped_where_the_list_lacks_the_column() -> None:
    memory = Memory({"countries.id": "api_name"})
    async with house(Shop(), memory) as it:
        await it.read()
        assert it.ids(COS)[0] == "russia-slug"
        for entry in it.shop.countries:
            del entry["api_name"]
        await it.read(COS)
        assert it.ids(COS)[0] == "7"
        assert "countries.id" not in memory.learnt
        assert it.doubts()["countries"] is OPEN


async def test_a_choice_that_the_provider_knows_no_more_is_in_doubt_again() -> None:
    async with house(Shop()) as it:
        await it.read()
        await it.settle(TELEGRAM)
        it.shop.wants = {"countries": "iso"}
        for _ in range(3):
            assert it.doubts()["countries"] is SETTLED
            with pytest.raises(ProviderError):
                await it.client.price(TELEGRAM, known=it.known, priority=Priority.QUERY)
        assert it.doubts()["countries"] is OPEN
        assert "countries.id" not in it.memory.learnt
        assert await it.settle(TELEGRAM) == {COS}
        await it.read()
        assert it.ids(COS) == ["RU", "IR", "GB"]
        assert set(it.doubts().values()) == {SETTLED}


async def test_a_purchase_joins_a_go_that_is_under_way_and_hurries_it() -> None:
    async with house(Shop(wants={"countries": "iso"}), learnt()) as it:
        await it.read()
        turns: list[Priority] = []
        both = asyncio.Event()
        slot = it.client._caller._limiter.slot

        async def watched(priority: Priority) -> None:
            turns.append(priority)
            await both.wait()
            await slot(priority)

        it.client._caller._limiter.slot = watched  # type: ignore[method-assign]
        background = asyncio.create_task(it.settle(None))
        await settle()
        purchase = asyncio.create_task(it.settle(TELEGRAM, Priority.MONEY))
        await settle()
        both.set()
        assert await background == await purchase == {COS}
        assert turns[0] is Priority.POLL
        assert set(turns[1:]) == {Priority.MONEY}
        assert price_calls(it.shop) == len(turns) <= MOST_REQUESTS


async def test_a_purchase_that_is_given_up_takes_its_go_with_it() -> None:
    async with house(Shop()) as it:
        await it.read()
        it.server.answer = hang
        purchase = asyncio.create_task(it.settle(TELEGRAM, Priority.MONEY))
        await settle()
        purchase.cancel()
        await asyncio.gather(purchase, return_exceptions=True)
        assert purchase.cancelled()
        assert "countries.id" not in it.memory.learnt
        assert it.doubts()["countries"] is OPEN


async def test_purchases_that_are_not_found_make_doubt_and_an_unlisted_id_does_not() -> None:
    names = listed(("id", "name"), (("7", "Russia"), ("98", "Iran")))
    async with house(Shop(countries=names, wants={"countries": "name"})) as it:
        await it.read()
        for product in [Product("77", "any", "3")] * 3 + [TELEGRAM] * 3:
            assert it.doubts()["countries"] is SETTLED
            with pytest.raises(ProviderRefusedError) as refused:
                await it.client.buy(product, known=Known(), permit=allowed)
            assert refused.value.code is ErrorCode.NOT_FOUND
        assert it.doubts()["countries"] is OPEN
        assert await it.settle(TELEGRAM, Priority.MONEY) == {COS}
        await it.read(COS)
        assert it.ids(COS) == ["Russia", "Iran"]


async def test_lists_that_are_made_alike_are_tried_alike_first() -> None:
    names = ("id", "code", "slug", "iso", "key", "uuid")
    rows = [{name: f"{name}{n}" for name in names} | {"name": f"Name {n}"} for n in range(50)]
    shop = Shop(
        countries=[dict(row) for row in rows],
        operators=[dict(row) for row in rows],
        applications=[dict(row) for row in rows],
        wants=dict.fromkeys(("countries", "operators", "applications"), "uuid"),
        style="json",
    )
    async with house(shop) as it:
        await it.read()
        await it.settle(None)
        assert shop.asked.count("pricebycountry") < MOST_REQUESTS
        assert it.client.learnt.get("countries.id") == it.client.learnt.get("operators.id") == "uuid"


async def test_no_go_sends_more_than_it_may() -> None:
    names = ("id", "code", "slug", "iso", "key", "uuid")
    rows = [{name: f"{name}{n}" for name in names} | {"name": f"Name {n}"} for n in range(50)]
    shop = Shop(
        countries=[dict(row) for row in rows],
        operators=[dict(row) for row in rows],
        applications=[dict(row) for row in rows],
        wants={"countries": "uuid", "operators": "iso", "applications": "key"},
        style="json",
    )
    async with house(shop) as it:
        await it.read()
        for product in (None, Product("id1", "id1", "id1")):
            sent = price_calls(shop)
            await it.settle(product)
            assert 0 < price_calls(shop) - sent <= MOST_REQUESTS
        assert set(shop.asked) <= {"allcountries", "alloperators", "allapplications", *PRICE_CALLS}
