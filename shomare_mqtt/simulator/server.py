"""The simulator's HTTP server."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self

from aiohttp import web

from shomare_mqtt.simulator import control, statefile
from shomare_mqtt.simulator.handles import Handles

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from shomare_mqtt.simulator.options import SimulatorOptions

_GRACE = 1.0  # seconds that answers being written get when the server stops


class Simulator(Handles):
    """A provider on loopback. `async with Simulator(options) as sim:` starts and stops it.

    It may be stopped and started again, also on the same port: the ledger stays. Raises what Handles raises.
    """

    def __init__(
        self, options: SimulatorOptions | None = None, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(options, monotonic=monotonic)
        self._runner: web.AppRunner | None = None
        self.host, self.port = "127.0.0.1", 0

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> None:
        """Listen; port 0 takes a free one. Raises OSError where the port is taken."""
        self._front.stopping.clear()
        path = self.options.state_file
        self._front.file = statefile.StateFile(path) if path is not None else None
        app = web.Application()
        control.add_routes(app, self)
        app.router.add_route("*", "/{tail:.*}", self._front.handle)
        # Without handler_cancellation a handler that hangs would outlive its client.
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=_GRACE)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner, self.host, self.port = runner, host, runner.addresses[0][1]
        await self.save()

    async def stop(self) -> None:
        """Let go of hanging calls, finish what is being carried out, and close. Safe to call twice."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        self._front.stop()
        await runner.cleanup()
        await self._front.finish()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def root_url(self) -> str:
        """`http://127.0.0.1:PORT`, under which `/_sim/…` stands."""
        return f"http://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def base_url(self) -> str:
        """What goes into `provider.base_url`: `http://127.0.0.1:PORT/api`."""
        return f"{self.root_url}/api"
