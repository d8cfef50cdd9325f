"""One Chromium for all tests of a worker; a house with a page for each test, and persons who open it.

All run on one event loop, since a browser lives on the one that it was started on.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from playwright.async_api import async_playwright, expect

from tests.browser.furnishing import furnish
from tests.browser.home import Home
from tests.browser.person import Person
from tests.browser.wire import Wire
from tests.mosquitto import Mosquitto
from tests.patience import PATIENCE
from tests.programs import program

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser

Came = Callable[..., Awaitable[Person]]
Opened = Callable[..., Awaitable[Home]]
_HERE = Path(__file__).parent
_OUTCOME = pytest.StashKey[bool]()

expect.set_options(timeout=PATIENCE * 1000)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _HERE in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.mosquitto)
            if isinstance(item, pytest.Function) and item.get_closest_marker("asyncio"):
                item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    if report.when == "call":
        item.stash[_OUTCOME] = report.failed
    return report


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    # Every name but loopback's own leads nowhere: a page that asks another host is found out, and asks nobody.
    arguments = ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    async with async_playwright() as playwright:
        chromium = playwright.chromium
        async with await chromium.launch(executable_path=program("chromium"), args=arguments) as launched:
            yield launched


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mosquitto]:
    async with Mosquitto(tmp_path_factory.mktemp("mosquitto"), lines=["max_queued_messages 10000"]) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def open_home(broker: Mosquitto, tmp_path: Path) -> AsyncIterator[Opened]:
    """Opens a house whose daemon has a page; `its_own` broker is one that a test may kill.

    Other keywords are options of the simulated provider.
    """
    async with AsyncExitStack() as stack:

        async def opened(
            settings: dict[str, Any] | None = None,
            *,
            its_own: Mosquitto | None = None,
            knows_nothing: bool = False,
            **simulator: Any,
        ) -> Home:
            home = await stack.enter_async_context(Home(tmp_path, (its_own or broker).port, simulator))
            await home.begin(settings, knows_nothing=knows_nothing)
            return home

        yield opened


@pytest_asyncio.fixture(loop_scope="session")
async def own_broker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mosquitto]:
    """One for a single test."""
    async with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as started:
        yield started


@pytest_asyncio.fixture(loop_scope="session")
async def home(open_home: Opened) -> Home:
    return await open_home()


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def furnished(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Home]:
    """A house that was lived in, for tests that only look."""
    async with Home(tmp_path_factory.mktemp("furnished"), broker.port, {}) as home:
        await home.begin({"limits": {"max_spend_per_day": 60_000}})
        await furnish(home)
        yield home


@pytest_asyncio.fixture(loop_scope="session")
async def person_at(browser: Browser, request: pytest.FixtureRequest) -> AsyncIterator[Came]:
    """Somebody with a browser of their own; a keyword is an option of playwright's `new_context`."""
    persons = list[Person]()

    async def came(url: str, **options: Any) -> Person:
        context = await browser.new_context(**{"locale": "en-GB", "color_scheme": "light", **options})
        context.set_default_timeout(PATIENCE * 1000)
        persons.append(Person(context, url))
        return persons[-1]

    yield came
    if request.node.stash.get(_OUTCOME, True):
        for person in persons:
            await _show(person)
    for person in persons:
        await person.context.close()
    assert [fault for person in persons for fault in person.faults] == []


async def _show(person: Person) -> None:
    """What a person sees whose test failed, for who cannot look."""
    for page in person.context.pages:
        print(page.url, await page.locator("body").aria_snapshot(timeout=5000), *person.faults, sep="\n")


@pytest_asyncio.fixture(loop_scope="session")
async def wire(home: Home) -> AsyncIterator[Wire]:
    """Between a browser and the daemon's page, under a prefix."""
    async with Wire(home.web_port, "/some/where") as opened:
        yield opened
