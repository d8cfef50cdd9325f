"""What an ordinary owner with an ordinary provider must not lose by what is tried and confirmed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.model import CatalogEntry, CatalogKind, IdDoubt, PurchaseState
from tests.core.provider import FAILED, INVALID_TOKEN, LOST, NOT_FOUND, TIMEOUT, Late, reading, sms
from tests.core.world import PRODUCT

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

DELAY = 30.0
CREDIT = "data.credit"
SHIFTED = (CatalogEntry("2", "Iran"), CatalogEntry("3", "Russia"), CatalogEntry("1", "Georgia"))


async def with_places(opened: Opening) -> World:
    world = await opened(started=False, refresh={"profile": 20})
    world.provider.figures = {CREDIT: Decimal(50_000)}
    world.provider.takes = {CREDIT: Decimal(1)}
    await world.start()
    await world.sleep(1)
    return world


async def test_money_that_was_paid_in_says_nothing_against_the_balance(opened: Opening) -> None:
    world = await with_places(opened)
    await world.buy(max_price=3000)
    world.provider.figures[CREDIT] += 90_000
    await world.sleep(DELAY + 2)
    world.provider.script("buy", LOST)
    command = await world.ask("buy", {**PRODUCT, "application": "2"})
    await world.sleep(3 * DELAY)
    assert world.order(command["data"]["order"])["state"] == "failed"


async def test_a_balance_of_which_an_older_version_kept_no_place_is_evidence(opened: Opening) -> None:
    world = await with_places(opened)
    world.provider.script("buy", LOST)
    command = await world.ask("buy", PRODUCT)
    order = command["data"]["order"]
    record = world.bridge.orders.ledger.get(order)
    assert record is not None
    await world.bridge.orders.ledger.note(record, evidence=record.evidence._replace(place=None))
    await world.restart(crash=True)
    await world.sleep(3 * DELAY)
    assert world.order(order)["state"] == "failed"


@pytest.mark.parametrize(("no", "within"), [(INVALID_TOKEN, 2), (TIMEOUT, 40)], ids=["a refused token", "no answer"])
async def test_an_sms_is_published_whatever_is_said_of_the_other_ids(world: World, no: Any, within: float) -> None:
    """The provider is done with the number at its first SMS, which is there at the first check."""
    world.provider.ids = lambda own: {"data.id": own, "data.user": "77"}
    done = reading(PurchaseState.FINISHED, sms())
    world.provider.always["check"] = lambda purchase: done if purchase == "p1" else no
    await world.buy()
    await world.sleep(within)
    assert world.codes() == ["48213"]


async def test_an_end_is_believed_where_another_id_is_refused_for_the_tokens_sake(world: World) -> None:
    world.provider.ids = lambda own: {"data.id": own, "data.user": "77"}
    ended = reading(PurchaseState.CANCELLED)
    world.provider.always["check"] = lambda purchase: ended if purchase == "p1" else INVALID_TOKEN
    order = await world.buy()
    await world.sleep(40)
    assert world.order(order["order"])["state"] != "waiting"


async def test_a_number_whose_sms_came_is_not_said_to_be_unknown_once_it_is_forgotten(world: World) -> None:
    """Nothing but the SMS tells there that the number is ours: its state says that it ended."""
    world.provider.ids = lambda own: {"data.id": own, "data.user": "77"}
    done: Any = reading(PurchaseState.FINISHED, sms())
    world.provider.always["check"] = lambda purchase: done if purchase == "p1" else NOT_FOUND
    await world.buy()
    await world.sleep(40)
    asked = [what for name, _, what in world.provider.calls if name == "check"].count("77")
    done = NOT_FOUND
    await world.sleep(120)
    assert [e["message"] for e in world.bridge_events("order_problem")] == []
    assert asked <= 3


async def test_a_default_of_the_file_is_there_while_the_lists_ids_change(opened: Opening) -> None:
    """The button's `buy` names nothing: it must not come to nothing in the moment before the names are found again."""
    world = await opened(defaults={"country": "Russia", "operator": "MCI", "application": "Telegram"})
    await world.settle()
    world.provider.catalogs[CatalogKind.COUNTRIES] = SHIFTED
    await world.bridge.market.catalogs.read(CatalogKind.COUNTRIES)
    assert world.bridge.market.defaults.get("country") == "3"
    order = await world.data("buy", {})
    assert (order["country"], order["country_name"]) == ("3", "Russia")


@pytest.mark.parametrize("text", ["2", "nobody's"])
async def test_one_whose_entry_is_gone_with_its_id_is_found_again_or_not_at_all(opened: Opening, text: str) -> None:
    world = await opened(defaults={"country": text})
    await world.settle()
    world.provider.catalogs[CatalogKind.COUNTRIES] = (SHIFTED[0], SHIFTED[2])
    await world.bridge.market.catalogs.read(CatalogKind.COUNTRIES)
    assert world.bridge.market.defaults.get("country") is None


async def test_the_first_purchase_after_an_upgrade_does_not_wait_for_lists(opened: Opening) -> None:
    """An earlier version kept the lists and nothing of their ids; they are not due for a day."""
    world = await opened()
    await world.settle()
    await world.stop()
    world.provider.doubts = dict.fromkeys(CatalogKind, IdDoubt.UNREAD)

    def read(kind: CatalogKind) -> Any:
        return lambda _: world.provider.doubts.__setitem__(kind, IdDoubt.OPEN)

    for kind in CatalogKind:
        world.provider.always[kind.value] = read(kind)

    def tried(_: object) -> frozenset[CatalogKind]:
        world.provider.doubts = {}
        return frozenset()

    world.provider.script("try_ids", tried)
    world.provider.calls.clear()
    await world.restart()
    await world.sleep(2)
    assert {kind.value for kind in CatalogKind} | {"try_ids"} <= {name for name, _, _ in world.provider.calls}
    world.provider.calls.clear()
    await world.buy()
    assert {name for name, _, _ in world.provider.calls} <= {"profile", "buy", "check"}


async def test_an_end_waits_for_the_other_ids_answer_where_nobody_answers(world: World) -> None:
    """The purchase may live under that one."""
    world.provider.ids = lambda own: {"data.user": "77", "data.id": own}
    ended = reading(PurchaseState.FINISHED)
    world.provider.always["check"] = lambda purchase: ended if purchase == "77" else TIMEOUT
    order = await world.buy()
    await world.sleep(40)
    assert world.order(order["order"])["state"] == "waiting"
    world.provider.always["check"] = lambda purchase: ended if purchase == "77" else None
    await world.sleep(60)
    assert world.order(order["order"])["purchase"] == "p1"


async def test_a_list_that_the_provider_does_not_have_is_asked_for_once_a_purchase(opened: Opening) -> None:
    world = await opened(started=False)
    world.provider.always["operators"] = FAILED
    world.provider.doubts = {CatalogKind.OPERATORS: IdDoubt.UNREAD}
    await world.start()
    await world.sleep(400)
    before = world.provider.count("operators")
    world.provider.script("operators", Late(8.0, FAILED), Late(8.0, FAILED))
    began = world.clock.monotonic()
    await world.buy(operator="any")
    assert world.provider.count("operators") - before == 1
    assert world.clock.monotonic() - began < 10
