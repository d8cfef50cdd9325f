"""`demo`: a whole system on loopback, in a temporary folder, gone with the process. No money is spent."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from shomare_mqtt import logs
from shomare_mqtt.cli.demo_broker import Kind, Served, broker, free_port
from shomare_mqtt.cli.showing import console
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.story import Story
from shomare_mqtt.config import GivenSettings, Log, Mqtt, Orders, Provider, State, Web
from shomare_mqtt.daemon.serving import serve
from shomare_mqtt.simulator import Simulator, SimulatorOptions

if TYPE_CHECKING:
    from collections.abc import Coroutine

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TOKEN = "demo-token"  # noqa: S105 - the simulated provider's
PAGE = 8099
"""The port of the page, where it is free."""
SMS_DELAY = 4.0
"""Seconds that the simulated SMS takes: long enough to read what stands on the screen."""


@dataclass(frozen=True)
class Wishes:
    """What a user may choose. `kind` and `port` None: what is best on this machine. `sms_delay` is in seconds.

    `quiet`: without an introduction.
    """

    once: bool = False
    kind: Kind | None = None
    port: int | None = None
    sms_delay: float = SMS_DELAY
    quiet: bool = False


async def demo(wishes: Wishes) -> None:
    """Runs until the code arrived (`once`) or until Ctrl-C. Raises CommandFailedError where no code came."""
    # Where the environment names a proxy, it is not for what happens on this machine.
    os.environ["no_proxy"] = "127.0.0.1"
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    async with AsyncExitStack() as stack:
        for number in _ENDING:
            loop.add_signal_handler(number, stop.set)
            stack.callback(loop.remove_signal_handler, number)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shomare-demo-")))
        served = await stack.enter_async_context(broker(folder, wishes.kind, wishes.port))
        simulator = Simulator(SimulatorOptions(token=_TOKEN, sms_delay=wishes.sms_delay))
        provider = await stack.enter_async_context(simulator)
        # Who chooses the broker's port may have several demos, of which two would find the usual one free at once.
        page = await free_port(PAGE if wishes.port is None else 0)
        settings = _settings(served.port, provider.base_url, folder, page)
        logs.set_up(settings.log, settings.secrets())
        story = Story(settings, console(), served, once=wishes.once)
        await _run(serve(settings, stop), story.tell(quiet=wishes.quiet), served, stop)


def _settings(port: int, address: str, folder: Path, page: int) -> GivenSettings:
    return GivenSettings(
        mqtt=Mqtt.model_validate({"port": port}),
        provider=Provider.model_validate({"base_url": address, "token": _TOKEN, "requests_per_minute": 0}),
        state=State(directory=folder / "state"),
        orders=Orders(poll_interval=1),
        web=Web.model_validate({"enabled": True, "port": page}),
        log=Log(level="error"),
    )


async def _run(
    serving: Coroutine[None, None, None], telling: Coroutine[None, None, None], served: Served, stop: asyncio.Event
) -> None:
    """Serves until the story is told, the broker is gone or a signal comes."""
    told = asyncio.create_task(telling)
    watched = [told] if served.ended is None else [told, served.ended]
    for each in watched:
        each.add_done_callback(lambda _: stop.set())
    try:
        await serving
        if served.ended is not None and served.ended.done():
            raise CommandFailedError(f"the demo's broker ended: {served.ended.result()}")
        if told.done():
            await told
    finally:
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
