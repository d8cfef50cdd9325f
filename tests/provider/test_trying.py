"""What trying told of a purchase and the account, over real HTTP: kept beside the dialect, and read by from then on."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.errors import OutcomeUnknownError
from shomare_mqtt.model import Known, Priority

from .fakes import allowed
from .servers import Answer, Asked, says, serving
from .test_client import KNOWN, PRODUCT, Memory, api, connected

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from shomare_mqtt.provider.client import Client

TOKEN = "s3cret-token-of-ours"
PHONE = "+79313226657"


def buys(**data: Any) -> Callable[[Asked], Answer | None]:
    body = {"status": True, "data": {"number": PHONE, **data}}
    return lambda asked: says(200, body) if asked.path[1] == "buy" else None


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


async def test_what_is_chosen_is_read_by_and_kept() -> None:
    memory = Memory()
    async with api(memory=memory, override=buys(id=5, order_id=6)) as (bench, _server, _api):
        first = await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert (first.purchase, first.is_tried) == ("6", False)
        assert await bench.client.choose("buy.purchase", "data.id") is True
        assert memory.learnt["buy.purchase"] == "data.id"
        assert await bench.client.choose("buy.purchase", "data.id") is False
        second = await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert (second.purchase, second.is_tried, [c.value for c in second.candidates]) == ("5", True, ["5", "6"])
    async with api(memory=memory, override=buys(id=7, order_id=8)) as (bench, _server, _api):
        assert (await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)).purchase == "7"
        assert await bench.client.choose("buy.purchase", None) is True
        assert "buy.purchase" not in memory.learnt
        assert (await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)).purchase == "8"


@pytest.mark.parametrize("place", ["data[*].id", "length(data)"])
async def test_what_is_no_plain_place_is_not_chosen(place: str) -> None:
    memory = Memory()
    async with api(memory=memory) as (bench, _server, _api):
        assert await bench.client.choose("buy.purchase", place) is False


async def test_the_balance_is_read_where_a_purchase_took_from() -> None:
    account = {"status": True, "data": {"balance": 5, "credit": 1000}}

    def answered(asked: Asked) -> Answer | None:
        return says(200, account) if asked.path[1] == "profile" else None

    async with api(override=answered) as (bench, _server, _api):
        before = await bench.client.profile(priority=Priority.QUERY)
        assert [each.place for each in before.candidates] == ["data.balance", "data.credit"]
        await bench.client.choose("profile.balance", "data.credit")
        after = await bench.client.profile(priority=Priority.QUERY)
        assert (str(before.balance), str(after.balance), after.place) == ("5", "1000", "data.credit")


@asynccontextmanager
async def answering(data: dict[str, Any]) -> AsyncIterator[Client]:
    """A client with a token of ours, of a provider that answers everything so."""
    answer = says(200, {"status": True, "data": {"number": PHONE, **data}})
    async with serving(answer) as server, connected(server.url, token=TOKEN, parameters="path", buy="form") as bench:
        yield bench.client


@pytest.mark.parametrize("token_first", [True, False])
async def test_our_own_token_is_no_candidate(token_first: bool) -> None:
    data = {"id": TOKEN, "contract_id": 6} if token_first else {"id": 6, "token": TOKEN}
    async with answering(data) as client:
        bought = await client.buy(PRODUCT, known=KNOWN, permit=allowed)
    assert (bought.purchase, [each.value for each in bought.candidates]) == ("6", ["6"])
    assert TOKEN not in repr(bought)


async def test_where_it_is_the_only_one_nobody_knows_what_was_bought() -> None:
    async with answering({"id": TOKEN}) as client:
        with pytest.raises(OutcomeUnknownError, match="our own token"):
            await client.buy(PRODUCT, known=KNOWN, permit=allowed)


async def test_another_id_is_asked_for_with_all_that_is_ours() -> None:
    """A check under the order's code shows the record under its row's id: that is no other purchase."""

    def answered(asked: Asked) -> Answer | None:
        if asked.path[1] != "check":
            return None
        if asked.path[2:] != ["A-7"]:
            return says(404, {"status": False, "code": 404})
        return says(200, {"status": True, "data": {"id": 5, "state": "waiting"}})

    async with api(override=answered) as (bench, _server, _api):
        known = Known(country="7", operator="1", application="3", also_ours=frozenset({"5"}))
        check = await bench.client.check("A-7", known=known, priority=Priority.QUERY)
    assert check.state == "waiting"
