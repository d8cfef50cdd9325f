"""`demo`: a whole system in one process and one event loop, on loopback, in a temporary folder. No money is spent."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from shomare_mqtt import logs
from shomare_mqtt.cli.showing import console
from shomare_mqtt.cli.status import CommandFailedError
from shomare_mqtt.cli.story import Story
from shomare_mqtt.config import GivenSettings, Log, Mqtt, Orders, Provider, State
from shomare_mqtt.daemon.serving import serve
from shomare_mqtt.simulator import Simulator, SimulatorOptions

_ENDING = (signal.SIGINT, signal.SIGTERM)
_TOKEN = "demo-token"  # noqa: S105 - the simulated provider's
_SMS_DELAY = 4.0
"""Seconds that the simulated SMS takes: long enough to read what stands on the screen."""


async def demo(*, once: bool) -> None:
    """Runs until the code arrived (`once`) or until Ctrl-C. Raises CommandFailedError where no code came."""
    if importlib.util.find_spec("amqtt") is None:
        raise CommandFailedError("the demo's broker is missing; install it with: pip install 'shomare-mqtt[demo]'")
    from shomare_mqtt.cli.demo_broker import broker  # noqa: PLC0415 - needs amqtt, an extra

    # Where the environment names a proxy, it is not for what happens on this machine.
    os.environ["no_proxy"] = "127.0.0.1"
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shomare-demo-")))
        port = await stack.enter_async_context(broker())
        simulator = Simulator(SimulatorOptions(token=_TOKEN, sms_delay=_SMS_DELAY))
        provider = await stack.enter_async_context(simulator)
        settings = _settings(port, provider.base_url, folder)
        logs.set_up(settings.log, settings.secrets())
        await _run(settings, Story(settings.mqtt, console(), once=once), provider.base_url)


def _settings(port: int, address: str, folder: Path) -> GivenSettings:
    return GivenSettings(
        # The broker of the demo speaks 3.1.1 alone.
        mqtt=Mqtt.model_validate({"port": port, "protocol": "3.1.1"}),
        provider=Provider.model_validate({"base_url": address, "token": _TOKEN}),
        state=State(directory=folder / "state"),
        orders=Orders(poll_interval=1),
        log=Log(level="error"),
    )


async def _run(settings: GivenSettings, story: Story, address: str) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, stop.set)
    told = asyncio.create_task(story.tell(address))
    told.add_done_callback(lambda _: stop.set())
    try:
        await serve(settings, stop)
        if told.done():
            await told
    finally:
        told.cancel()
        await asyncio.gather(told, return_exceptions=True)
        for number in _ENDING:
            loop.remove_signal_handler(number)
