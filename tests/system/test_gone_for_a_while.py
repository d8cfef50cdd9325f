"""A gateway that answers in the provider's place for a while: 404 with a page of its own, as one without a backend."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import pytest

from tests.passing import Passing
from tests.provider.servers import http
from tests.system.house import PRODUCT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

PAGE = http(404, b"default backend - 404", "Connection: close\r\n", content_type="text/plain")


class Gateway(Passing):
    """A way to the provider; while `is_shut` it answers by itself."""

    is_shut = False
    answered = 0

    async def shut(self) -> None:
        self.is_shut = True
        await self._end_all()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_shut:
            return await super()._serve(reader, writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            self.answered += 1
            writer.write(PAGE)
            await writer.drain()
        writer.close()
        return None


async def test_pages_of_404_for_a_while(open_house: Callable[..., Awaitable[House]]) -> None:
    """Open orders are still asked about, and all is well with the first answer after that."""
    house = await open_house()
    async with Gateway(int(house.sim.base_url.split(":")[2].split("/")[0])) as gateway:
        base = f"http://127.0.0.1:{gateway.port}/api"
        daemon = await house.start({"provider": {"base_url": base}})
        order = await house.buy()
        await gateway.shut()
        state = await house.probe.holds("provider/state", lambda s: s["state"] == "misunderstood")
        assert "provider.base_url probably" not in state["error"]["message"]
        assert (await house.probe.refused("buy", PRODUCT))["code"] == "unknown_endpoint"
        house.sim.deliver_sms(order["purchase"], code="778899")
        gateway.is_shut = False
        assert (await house.probe.message("code")).text == "778899"
        await house.probe.holds("provider/state", lambda s: s["state"] == "online")
        await house.buy()
        assert await daemon.stop() == 0
    assert len(house.sim.purchases) == 2
