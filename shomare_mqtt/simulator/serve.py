"""The simulator as a program of its own."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from shomare_mqtt.simulator.server import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable

    from shomare_mqtt.simulator.options import SimulatorOptions

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


async def serve(
    options: SimulatorOptions,
    host: str = "127.0.0.1",
    port: int = 0,
    announce: Callable[[Simulator], None] | None = None,
) -> None:
    """Run until SIGINT or SIGTERM; `announce` is called once requests are taken.

    Raises OSError where the port is taken, ValueError for a wrong dialect or state file.
    """
    sim = Simulator(options)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    for number in _SIGNALS:
        loop.add_signal_handler(number, ended.set)
    try:
        await sim.start(host, port)
        if announce is not None:
            announce(sim)
        await ended.wait()
    finally:
        await sim.stop()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
