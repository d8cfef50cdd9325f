from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.crash.matrix import Zygotes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def zygotes() -> AsyncIterator[Zygotes]:
    async with Zygotes() as started:
        yield started
