"""The client against every dialect of the simulator, with everything left to learn."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, Known, Priority, Product, PurchaseState
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from shomare_mqtt.simulator import DIALECTS, Simulator, SimulatorOptions
from tests.patience import PATIENCE

from .fakes import QuickClock, allowed
from .servers import settings
from .test_client import Memory

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

EVERY = pytest.mark.parametrize("dialect", DIALECTS)
QUERY, POLL = Priority.QUERY, Priority.POLL


@asynccontextmanager
async def connected(sim: Simulator, memory: Memory, limit: float = PATIENCE) -> AsyncIterator[Client]:
    clock = QuickClock()
    client = Client(
        settings(sim.base_url, timeout=limit),
        sim.options.token,
        clock=clock,
        limiter=Limiter(0, clock),
        memory=memory,
        logger=logging.getLogger("test.provider"),
    )
    async with client:
        yield client


async def product(client: Client) -> tuple[Product, Known]:
    lists = {kind: (await client.catalog(kind, priority=QUERY)).entries for kind in CatalogKind}
    countries, operators, applications = (lists[kind] for kind in CatalogKind)
    known = Known(countries=countries, operators=operators, applications=applications)
    for operator in operators:
        prices = await client.prices(countries[0].id, operator.id, known=known, priority=QUERY)
        row = next((p for p in prices.prices if p.count != 0), None)
        if row:
            return Product(countries[0].id, operator.id, row.application), known
    raise AssertionError("the simulator sells nothing")


@EVERY
async def test_everything_is_learnt_and_the_ledger_shows_what_was_asked_for(dialect: str) -> None:
    memory = Memory()
    async with Simulator(SimulatorOptions(dialect=dialect, sms_delay=3600)) as sim, connected(sim, memory) as client:
        chosen, known = await product(client)
        balance = (await client.profile(priority=QUERY)).balance
        assert balance is not None
        price = (await client.price(chosen, known=known, priority=QUERY)).price
        bought = await client.buy(chosen, known=known, permit=allowed)
        assert [bought.purchase] == list(sim.purchases)
        assert balance - sim.balance > 0
        assert price is not None
        waiting = await client.check(bought.purchase, known=known, priority=POLL)
        assert waiting.state in (PurchaseState.WAITING, None)
        sim.deliver_sms(bought.purchase, code="123456")
        read = await client.check(bought.purchase, known=known, priority=POLL)
        assert any("123456" in f"{sms.code} {sms.text}" for sms in read.sms)
        again = await client.buy(chosen, known=known, permit=allowed)
        assert list(sim.purchases) == [bought.purchase, again.purchase]
        await client.cancel(again.purchase, known=known)
        assert sim.purchases[again.purchase].state.value.startswith("cancel")
    calls = sim.calls.copy()
    async with sim, connected(sim, memory) as client:
        await client.buy(chosen, known=known, permit=allowed)
        assert sim.calls["buy"] == calls["buy"] + 1
        assert sim.calls["pricebycountry"] == calls["pricebycountry"]
    assert len(sim.purchases) == 3


@EVERY
async def test_a_buy_with_nothing_learnt_buys_once(dialect: str) -> None:
    async with Simulator(SimulatorOptions(dialect=dialect)) as sim:
        async with connected(sim, Memory()) as client:
            chosen, _ = await product(client)
        async with connected(sim, Memory()) as client:
            await client.buy(chosen, known=Known(), permit=allowed)
        assert len(sim.purchases) == 1


@EVERY
@pytest.mark.parametrize(
    ("kind", "bought"),
    [("reset_before", 0), ("reset_after", 1), ("html", 0), ("html_after", 1), ("framework_500", 0)],
)
async def test_an_unknown_outcome_is_never_followed_by_another_request(dialect: str, kind: str, bought: int) -> None:
    async with Simulator(SimulatorOptions(dialect=dialect)) as sim, connected(sim, Memory()) as client:
        chosen, known = await product(client)
        sim.fault("buy", kind, times=None)
        with pytest.raises(OutcomeUnknownError):
            await client.buy(chosen, known=known, permit=allowed)
        assert len(sim.purchases) == bought
        assert sum(n for fault, n in sim.faults.done.items() if fault.startswith("buy")) == 1


@EVERY
async def test_refusals_in_every_dialect(dialect: str) -> None:
    async with Simulator(SimulatorOptions(dialect=dialect)) as sim, connected(sim, Memory()) as client:
        chosen, known = await product(client)
        sim.set_stock(chosen.country, chosen.operator, chosen.application, 0)
        assert await _refused(client, chosen, known) is ErrorCode.NO_NUMBERS
        sim.set_stock(chosen.country, chosen.operator, chosen.application, 5)
        sim.set_balance(0)
        assert await _refused(client, chosen, known) is ErrorCode.INSUFFICIENT_BALANCE
        sim.block()
        assert await _refused(client, chosen, known) is ErrorCode.ACCOUNT_BLOCKED
        assert sim.purchases == {}


@EVERY
async def test_a_purchase_that_does_not_exist_is_not_found(dialect: str) -> None:
    async with Simulator(SimulatorOptions(dialect=dialect)) as sim, connected(sim, Memory()) as client:
        _, known = await product(client)
        for call in (client.check("999999999", known=known, priority=QUERY), client.cancel("999999999", known=known)):
            with pytest.raises(ProviderError) as caught:
                await call
            assert caught.value.code is ErrorCode.NOT_FOUND


async def _refused(client: Client, chosen: Product, known: Known) -> ErrorCode:
    with pytest.raises(ProviderRefusedError) as caught:
        await client.buy(chosen, known=known, permit=allowed)
    return caught.value.code
