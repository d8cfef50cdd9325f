"""Many SMS at once, and large ones (contract, Events)."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core import render
from shomare_mqtt.core.fitting import fitted
from shomare_mqtt.core.orders import sameness
from shomare_mqtt.model import LONGEST_TEXT
from tests.core.provider import sms

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

MANY = 600


@pytest.mark.parametrize("ids", [True, False])
async def test_of_many_in_one_answer_none_is_dropped(world: World, ids: bool) -> None:
    order = await world.buy()
    texts = [f"Your code is {100_000 + n}" for n in range(MANY)]
    world.provider.gets("p1", *(sms(text, provider_id=str(n) if ids else None) for n, text in enumerate(texts)))
    await world.state(order["order"], "received")
    await world.until(lambda: len(world.events("sms")) == MANY)
    await world.sleep(20)
    events = world.events("sms")
    assert [e["text"] for e in events] == texts
    assert len({e["sms"] for e in events}) == MANY
    assert world.order(order["order"])["sms_count"] == MANY
    assert world.codes()[-1] == str(100_000 + MANY - 1)


@pytest.mark.parametrize("text", ["the same", None])
async def test_a_check_compares_each_with_few(world: World, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    """It is made every few seconds, and holds up all else meanwhile."""
    looks = 0
    is_like = sameness.Shown.is_like

    def counted(self: sameness.Shown, other: Any) -> bool:
        nonlocal looks
        looks += 1
        return is_like(self, other)

    monkeypatch.setattr(sameness.Shown, "is_like", counted)
    order = await world.buy()
    world.provider.gets("p1", *(sms(text or f"text {n}", provider_id=str(n)) for n in range(MANY)))
    await world.until(lambda: len(world.events("sms")) == MANY)
    looks = 0
    await world.data("query/check", {"order": order["order"]})
    assert looks < 10 * MANY


async def test_a_text_that_no_sms_can_hold_is_cut_everywhere(opened: Opening) -> None:
    world = await opened(privacy={"retain_codes": True})
    order = await world.buy()
    world.provider.gets("p1", sms("Your code is 48213. " + "x" * 3_000_000), sms("y" * (LONGEST_TEXT - 1)))
    await world.until(lambda: len(world.events("sms")) == 2)
    await world.sleep(20)
    large, whole = world.events("sms")
    assert (len(large["text"]), large["text"][-1], large["truncated"]) == (LONGEST_TEXT, "…", True)
    assert (large["code"], whole["text"]) == ("48213", "y" * (LONGEST_TEXT - 1))
    assert "truncated" not in whole
    for shown in (world.order(order["order"]), (await world.full(order["order"]))):
        assert [s.get("truncated") for s in shown["sms"]] == [True, None]
    assert len(world.retained.now["current"]) < 3 * LONGEST_TEXT


def shown(text: str, **more: Any) -> dict[str, Any]:
    return {"sms": "o-1", "code": "48213", "text": text, "sender": None, **more}


def test_what_is_cut_so_that_a_message_fits() -> None:
    order = {"order": "o", "price": Decimal("0.10"), "sms": [shown("x" * 30_000), shown("short")]}
    cut = json.loads(fitted(render.dumps(order), 20_000) or b"", parse_float=str)
    assert cut["price"] == "0.10"
    assert cut["sms"] == [shown("x" * 16_384, truncated=True), shown("short")]
    none = json.loads(fitted(render.dumps(order), 80) or b"")
    assert (none["sms"], none["truncated"]) == ([], True)


@pytest.mark.parametrize(
    ("payload", "size"),
    [
        (b"48213 is no JSON", 5),
        (b'"text": 48213 is no JSON', 5),
        (render.dumps([{"order": str(n), "sms_count": 0, "sms": []} for n in range(100)]), 50),
        (render.dumps([{"id": str(n), "text": "of a list"} for n in range(100)]), 50),
        (render.dumps({"data": [{"order": "o", "sms": [shown("x" * 100)] * 100}]}), 5000),
    ],
)
def test_where_cutting_is_of_no_use(payload: bytes, size: int) -> None:
    """A list of orders may be asked for by the half."""
    assert fitted(payload, size) is None


@pytest.mark.parametrize("room", [10, 1_000_000])
def test_a_list_without_sms_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    """That of ten thousand open orders is megabytes."""
    monkeypatch.setattr(json, "loads", lambda *_, **__: pytest.fail("it is taken apart"))
    assert fitted(render.dumps([{"order": "o", "sms_count": 0, "sms": []}] * 3), room) is None


def test_one_order_of_a_list_with_an_sms_is_cut_among_others_without() -> None:
    orders = [{"order": "o", "sms": []}, {"order": "p", "sms": [shown("x" * 30_000)]}, {"order": "q", "sms": []}]
    cut = json.loads(fitted(render.dumps(orders), 20_000) or b"")
    assert cut == [orders[0], {"order": "p", "sms": [shown("x" * 16_384, truncated=True)]}, orders[2]]
