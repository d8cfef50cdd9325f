"""What a daemon has in memory once it has done its usual work: each library there is paid for all the years it runs."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cli.process import environment
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

FOR_OTHERS = {
    "a terminal": ("typer", "click", "rich", "pygments", "shellingham", "argparse"),
    "a misspelt name": ("difflib", "shomare_mqtt.config.mistakes", "shomare_mqtt.config.suggestions"),
    "plugins": ("shomare_mqtt.plugin.loading", "shomare_mqtt.plugin.finding"),
    "places by hand": ("jmespath",),
    "other commands": ("shomare_mqtt.simulator", "shomare_mqtt.doctor", "shomare_mqtt.cli.app", "amqtt", "apprise"),
    "servers": ("aiohttp.web", "aiohttp.test_utils", "multiprocessing", "concurrent.futures.process", "unittest"),
    "reading settings": (
        "pydantic",
        "pydantic_core",
        "tomllib",
        "shomare_mqtt.config.tables",
        "shomare_mqtt.config.reading",
    ),
    "variables of the environment": ("pydantic_settings", "dotenv"),
}
"""What a module is needed for, by whom else than a daemon without mistakes, plugins and places by hand."""


async def test_a_daemon_that_has_answered_holds_nothing_that_only_others_need(
    open_house: Callable[..., Awaitable[House]], tmp_path: Path
) -> None:
    house, loaded = await open_house(), tmp_path / "modules"
    arguments = ("-m", "tests.loaded", str(loaded), "run", "--config", str(house.file({})))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment())
    async with asyncio.timeout(PATIENCE):
        await house.until_up()
        await house.probe.ok("query/profile")
        process.terminate()
        assert await process.wait() == 0
    held = set(loaded.read_text().split())
    assert {"shomare_mqtt.provider.reading.profiles", "shomare_mqtt.config.held", "aiohttp"} <= held
    assert not held & {name for names in FOR_OTHERS.values() for name in names}
