"""What a daemon has in memory once it has done its usual work: each library there is paid for all the years it runs."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.process import environment
from tests.mosquitto import free_port
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
    "the page": ("shomare_mqtt.daemon.paging", "shomare_mqtt.web.stream", "shomare_mqtt.web.doors"),
    "figures": ("prometheus_client", "shomare_mqtt.web", "shomare_mqtt.daemon.measuring", "http.server"),
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


async def held_by(house: House, settings: dict[str, Any], **variables: str) -> set[str]:
    """What a daemon has loaded that answered a query and ended."""
    loaded = house.folder / "modules"
    arguments = ("-m", "tests.loaded", str(loaded), "run", "--config", str(house.file(settings)))
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=environment(**variables))
    async with asyncio.timeout(PATIENCE):
        await house.until_up()
        await house.probe.ok("query/profile")
        process.terminate()
        assert await process.wait() == 0
    return set(loaded.read_text().split())


async def test_a_daemon_that_has_answered_holds_nothing_that_only_others_need(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    held = await held_by(await open_house(), {})
    assert {"shomare_mqtt.provider.reading.profiles", "shomare_mqtt.config.held", "aiohttp"} <= held
    assert not held & {name for names in FOR_OTHERS.values() for name in names}


async def test_figures_need_what_they_need_and_nothing_of_the_rest(
    open_house: Callable[..., Awaitable[House]], tmp_path: Path
) -> None:
    """No files either, in which prometheus-client counts for several processes where a variable says so."""
    folder = tmp_path / "several"
    folder.mkdir()
    settings = {"metrics": {"enabled": True, "port": free_port()}}
    held = await held_by(await open_house(), settings, PROMETHEUS_MULTIPROC_DIR=str(folder))
    used = {*FOR_OTHERS["figures"], "aiohttp.web"}
    assert used <= held
    others = {name for whom, names in FOR_OTHERS.items() if whom not in ("figures", "servers") for name in names}
    assert not held & (others - {"argparse"}), "aiohttp.web alone has a command line"
    assert not list(folder.iterdir())


async def test_the_page_needs_a_server_and_nothing_of_the_rest(open_house: Callable[..., Awaitable[House]]) -> None:
    held = await held_by(await open_house(), {"web": {"enabled": True, "port": free_port()}})
    assert {"aiohttp.web", "shomare_mqtt.daemon.paging", "shomare_mqtt.web.stream"} <= held
    not_its_own = (names for whom, names in FOR_OTHERS.items() if whom not in ("the page", "figures", "servers"))
    others = {name for names in not_its_own for name in names}
    assert not held & ((others | {"prometheus_client", "shomare_mqtt.daemon.measuring"}) - {"argparse"})
