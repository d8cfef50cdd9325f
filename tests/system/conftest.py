"""One mosquitto for all tests; a base topic, a provider and a state directory for each."""

from __future__ import annotations

import asyncio
import itertools
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from tests.mosquitto import Mosquitto
from tests.programs import program
from tests.system.house import House

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
    from pathlib import Path

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    program("mosquitto")
    # The probe hears all that passes: at the usual 1,000, a busy machine would have the broker drop some of it.
    broker = Mosquitto(tmp_path_factory.mktemp("mosquitto"), lines=["max_queued_messages 10000"])
    asyncio.run(broker.start())
    yield broker
    asyncio.run(broker.stop())


@pytest.fixture
async def open_house(mosquitto: Mosquitto, tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[House]]]:
    """Opens a house; a keyword is an option of the simulated provider. No daemon runs yet."""
    async with AsyncExitStack() as stack:

        async def opened(**simulator: Any) -> House:
            base = f"test/{next(_NUMBERS)}"
            return await stack.enter_async_context(House(tmp_path, mosquitto.port, base, simulator))

        yield opened


@pytest.fixture
async def house(open_house: Callable[..., Awaitable[House]]) -> House:
    """A house with a running daemon."""
    opened = await open_house()
    await opened.start()
    return opened
