"""Tests of the core run on virtual time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.core.virtual import VirtualLoop
from tests.core.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    Opening = Callable[..., Awaitable[World]]
    """What the fixture `opened` gives."""


def pytest_asyncio_loop_factories() -> dict[str, Any]:
    return {"virtual": VirtualLoop}


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Callable[..., Awaitable[World]]]:
    """A function that starts a world with some settings; it is ended, and faults of its tasks shown, afterwards."""
    worlds: list[World] = []

    async def opening(*, started: bool = True, **settings: Any) -> World:
        world = World(tmp_path / "state", **settings)
        if started:
            await world.start()
        worlds.append(world)
        return world

    yield opening
    for world in worlds:
        await world.crash()
        world.check()


@pytest.fixture
async def world(opened: Callable[..., Awaitable[World]]) -> World:
    """A world with the settings' defaults."""
    return await opened()
