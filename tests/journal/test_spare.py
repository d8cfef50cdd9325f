"""What is large and could be written another time leaves alone what was kept for an order's end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.core.records import Arrival, ArrivalKind, Batch, Record
from shomare_mqtt.errors import JournalFullError
from shomare_mqtt.journal.store import Journal
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Incoming, Order, OrderState, Product
from tests.patience import PATIENCE
from tests.small_disk import SmallDisk, small_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

NOW = datetime.now(UTC)
ORDER = Order("01KJMMA2G0HGFZPET2PGJ03D0T", OrderState.BUYING, Product("1", "1", "1"), NOW, NOW)
BOUGHT = replace(ORDER, state=OrderState.WAITING, purchase="p1", phone="+79313226657")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk") as made:
        yield made


@pytest.fixture
async def journal(disk: SmallDisk) -> AsyncIterator[Journal]:
    """A journal with an order that is being bought, on a disk that is full by now."""
    made = Journal(disk.path / "state", SystemClock())
    await made.open()
    await made.commit(Batch(records=[Record(ORDER, made=0.0)]))
    disk.fill()
    yield made
    disk.make_room()
    await made.close()


async def bought(journal: Journal) -> None:
    """The order's end and its SMS, which find the room that was kept."""
    async with asyncio.timeout(PATIENCE):
        await journal.commit(Batch(records=[Record(BOUGHT, made=0.0)]))
        await journal.put_meta({"the rest of it": "x" * 100_000})


def catalog(kind: CatalogKind, entries: int, name: str) -> Catalog:
    return Catalog(kind, tuple(CatalogEntry(str(i), name * 1000) for i in range(entries)))


@pytest.mark.parametrize("entries", [20, 60, 100, 200, 300])
async def test_lists(journal: Journal, entries: int) -> None:
    for number in range(9):
        for kind in CatalogKind:
            with suppress(JournalFullError):
                async with asyncio.timeout(PATIENCE):
                    await journal.put_catalog(catalog(kind, entries, str(number)), NOW)
    await bought(journal)


@pytest.mark.parametrize(("together", "size"), [(1, 60_000), (4, 60_000), (7, 50_000), (100, 60_000), (100, 3000)])
async def test_commands(journal: Journal, together: int, size: int) -> None:
    kinds = set[ArrivalKind]()
    for number in range(50):
        some = [arrival(number * together + n, size) for n in range(together)]
        kinds |= {r.kind for r in await journal.arrive(some, 60.0)}
    assert ArrivalKind.NO_ROOM in kinds
    await bought(journal)


def arrival(number: int, size: int) -> Arrival:
    return Arrival(Incoming("shomare/cancel", b"x" * size, packet_id=number), "cancel", str(number), "s", NOW, 0.0)
