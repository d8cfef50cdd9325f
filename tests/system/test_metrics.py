"""The figures for Prometheus and `/healthz` of a running daemon (contract, section Metrics), over real HTTP."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from shomare_mqtt import __version__
from shomare_mqtt.core.clock import SystemClock
from shomare_mqtt.daemon import serving as serving_module
from shomare_mqtt.daemon.health import AWAY
from tests.mosquitto import Mosquitto, free_port
from tests.patience import PATIENCE
from tests.system.house import PRICE, PRODUCT, TOKEN, House
from tests.system.serving import serving

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.system.house import Daemon

pytestmark = pytest.mark.mosquitto

DOCS = Path(__file__).parents[2] / "docs"
OF_THE_CONTRACT = re.findall(r"`(shomare_\w+)", (DOCS / "contract.md").read_text().split("\n## Metrics")[1])
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum"), "counter": ("_total",)}


class Scraping:
    """Fetches from a daemon's port."""

    def __init__(self, house: House) -> None:
        self.house, self.port = house, free_port()
        self.settings: dict[str, Any] = {"metrics": {"enabled": True, "port": self.port}}

    async def get(self, path: str, method: str = "GET", **more: Any) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, f"http://127.0.0.1:{self.port}/{path}", **more) as response,
        ):
            return response.status, await response.text()

    async def listens(self) -> None:
        """Returns once somebody does at the port."""
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(aiohttp.ClientConnectionError):
                    await self.get("healthz")
                    return
                await asyncio.sleep(0.05)

    async def text(self) -> str:
        status, text = await self.get("metrics")
        assert status == 200, text
        return text

    async def figures(self) -> dict[str, float]:
        """By their names and, in braces, the values of their labels."""
        found = {}
        for family in text_string_to_metric_families(await self.text()):
            for sample in family.samples:
                labels = ",".join(sample.labels.values())
                found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
        return found

    async def until(self, name: str, value: float) -> dict[str, float]:
        """All figures, once one of them is as wanted."""
        async with asyncio.timeout(PATIENCE):
            while (found := await self.figures()).get(name) != value:  # noqa: ASYNC110
                await asyncio.sleep(0.05)  # whoever is asked over HTTP tells of no change by itself
        return found


async def opened(open_house: Callable[..., Awaitable[House]], **more: Any) -> tuple[Scraping, Daemon]:
    scraping = Scraping(await open_house())
    return scraping, await scraping.house.start({**scraping.settings, **more})


@pytest.fixture
async def used(open_house: Callable[..., Awaitable[House]]) -> Scraping:
    """A daemon that bought, got an SMS, was refused something, and was asked."""
    scraping, _ = await opened(open_house)
    house = scraping.house
    order = await house.buy()
    house.sim.deliver_sms(order["purchase"], code="417832")
    await house.order(order["order"], "received")
    cancelled = await house.buy(application=1)
    await house.probe.ok("cancel", {"order": cancelled["order"]})
    await house.probe.refused("buy", {**PRODUCT, "country": "Atlantis"})
    await house.probe.ok("query/prices/7/1", {})
    await house.probe.refused("query/check/79990001122", {})
    return scraping


async def test_what_a_daemon_that_was_used_shows(used: Scraping) -> None:
    house = used.house
    await house.probe.holds("profile", lambda p: p["balance"] == house.sim.balance)
    figures = await used.until("shomare_balance", float(house.sim.balance))
    wanted = {
        f"shomare_build_info{{{__version__}}}": 1,
        "shomare_commands_total{buy,ok}": 2,
        "shomare_commands_total{buy,error}": 1,
        "shomare_commands_total{cancel,ok}": 1,
        "shomare_commands_total{query/prices,ok}": 1,
        "shomare_commands_total{query/check,error}": 1,
        "shomare_commands_total{other,error}": 0,
        "shomare_orders_total{cancelled}": 1,
        "shomare_orders_total{finished}": 0,
        "shomare_open_orders": 1,
        "shomare_unknown_orders": 0,
        "shomare_sms_total": 1,
        "shomare_seconds_to_sms_count": 1,
        "shomare_buying_paused": 0,
        "shomare_provider_up": 1,
        "shomare_broker_connected": 1,
        "shomare_broker_connects_total": 1,
        "shomare_outbox_messages": 0,
        "shomare_spent_today": PRICE,
        "shomare_provider_requests_total{buy,ok}": 2,
        "shomare_provider_requests_total{cancel,ok}": 1,
        "shomare_provider_request_seconds_count{cancel}": 1,
    }
    assert {name: figures.get(name) for name in wanted} == wanted
    assert figures["shomare_provider_requests_total{check,ok}"] >= 1
    assert set(OF_THE_CONTRACT) <= {name.partition("{")[0].removesuffix("_count") for name in figures}


async def test_no_secret_and_no_id_stands_in_them(used: Scraping) -> None:
    text = await used.text()
    for purchase in used.house.sim.purchases.values():
        assert purchase.purchase not in text
        assert purchase.phone.lstrip("+") not in text
    for topic in [name for name in used.house.probe.retained() if name.startswith("orders/")]:
        assert topic.removeprefix("orders/") not in text
    for secret in ("417832", TOKEN, "79990001122", "Atlantis"):
        assert secret not in text


async def test_a_form_that_nobody_has_is_answered_in_the_usual_one(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    scraping, _ = await opened(open_house)
    for accept in ("text/plain; version=x", "application/openmetrics-text; version=..", ";;,=q"):
        status, text = await scraping.get("metrics", headers={"Accept": accept})
        assert (status, "shomare_open_orders 0.0" in text) == (200, True), accept


async def test_labels_that_a_stranger_makes_up(open_house: Callable[..., Awaitable[House]]) -> None:
    scraping, _ = await opened(open_house)
    probe = scraping.house.probe
    before = set(await scraping.figures())
    for number in range(40):
        await probe.refused(f"defaults/made-up-{number}/set", "x")
        await probe.refused(f"query/made-up-{number}/a/b", {})
    await probe.refused('query/quo"te\\', {})
    figures = await scraping.figures()
    assert figures["shomare_commands_total{other,error}"] == 81
    grown = {name for name in set(figures) - before if "requests" not in name}
    assert not {name for name in grown if "request_seconds" not in name}


async def test_an_order_in_doubt_and_a_provider_that_is_away(open_house: Callable[..., Awaitable[House]]) -> None:
    scraping, _ = await opened(open_house)
    house = scraping.house
    house.sim.fault("buy", "reset_after")
    assert (await house.probe.ask("buy", PRODUCT))["status"] == "unknown"
    figures = await scraping.figures()
    assert (figures["shomare_unknown_orders"], figures["shomare_commands_total{buy,unknown}"]) == (1, 1)
    assert figures["shomare_provider_requests_total{buy,outcome_unknown}"] == 1
    await house.probe.ok("buying/set", "off")
    assert (await scraping.figures())["shomare_buying_paused"] == 1
    await house.sim.stop()
    await house.probe.refused("query/profile", {})
    assert (await scraping.figures())["shomare_provider_up"] == 0
    assert await scraping.get("healthz") == (200, '{"status": "ok"}')


async def test_the_broker_goes_and_comes(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, House(tmp_path, broker.port, "measured", {}) as house:
        scraping = Scraping(house)
        await house.start(scraping.settings)
        await broker.kill()
        await scraping.until("shomare_broker_connected", 0)
        await broker.start()
        figures = await scraping.until("shomare_broker_connected", 1)
        assert figures["shomare_broker_connects_total"] == 2


class Ahead(SystemClock):
    """A clock that can be put forward."""

    by = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + Ahead.by


async def test_healthz_says_that_the_broker_is_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving_module, "SystemClock", Ahead)
    monkeypatch.setattr(Ahead, "by", 0.0)
    scraping = Scraping(House(tmp_path, free_port(), "away", {}))
    provider = {"provider": {"base_url": f"http://127.0.0.1:{free_port()}/api"}}
    async with serving(scraping.house, {**scraping.settings, **provider}):
        await scraping.listens()
        assert await scraping.get("healthz") == (200, '{"status": "ok"}')
        Ahead.by = AWAY + 1
        status, text = await scraping.get("healthz")
        assert (status, json.loads(text)["status"]) == (503, "fault")
        assert "the broker has been away for" in text
        assert await scraping.get("livez") == (200, '{"status": "ok"}'), "no restart brings a broker"
        assert (await scraping.figures())["shomare_broker_connected"] == 0


async def test_counting_begins_anew_with_a_reload_and_the_port_is_there_again(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    scraping, daemon = await opened(open_house)
    house = scraping.house
    order = await house.buy()
    since = len(house.probe.seen)
    house.file({**scraping.settings, "mqtt": {"keepalive": 31}})
    daemon.process.send_signal(signal.SIGHUP)
    await house.probe.message(
        "bridge/info", since, lambda s: bool(s.payload) and s.json["settings"]["mqtt"]["keepalive"] == 31
    )
    figures = await scraping.figures()
    assert (figures["shomare_open_orders"], figures["shomare_commands_total{buy,ok}"]) == (1, 0)
    assert figures["shomare_spent_today"] == PRICE
    assert "cannot be listened on" not in daemon.log
    await house.probe.ok("cancel", {"order": order["order"]})


async def test_a_port_that_another_program_has(open_house: Callable[..., Awaitable[House]]) -> None:
    scraping = Scraping(await open_house())
    taken = await asyncio.start_server(lambda *_: None, "127.0.0.1", scraping.port)
    daemon = await scraping.house.start(scraping.settings)
    await daemon.said("cannot be listened on")
    await scraping.house.buy()
    taken.close()
    await taken.wait_closed()
    await daemon.said("metrics: listening on 127.0.0.1")
    assert (await scraping.figures())["shomare_open_orders"] == 1
    assert daemon.log.count("cannot be listened on") == 1


async def test_who_may_reach_it_is_said(open_house: Callable[..., Awaitable[House]]) -> None:
    scraping = Scraping(await open_house())
    scraping.settings["metrics"]["host"] = "0.0.0.0"
    daemon = await scraping.house.start(scraping.settings)
    await daemon.said("metrics: listening on")
    assert "there is no password" in daemon.log
    assert (await scraping.figures())["shomare_open_orders"] == 0


async def test_bridge_info_shows_the_settings(open_house: Callable[..., Awaitable[House]]) -> None:
    scraping, _ = await opened(open_house)
    info = await scraping.house.probe.holds("bridge/info", lambda i: "settings" in i)
    assert info["settings"]["metrics"] == {"enabled": True, "host": "127.0.0.1", "port": scraping.port}


# --- the documents ---


async def test_every_figure_is_documented_and_every_documented_one_is_there(used: Scraping) -> None:
    shown = {
        (name, family.type)
        for family in text_string_to_metric_families(await used.text())
        for name in [f"{family.name}_total" if family.type == "counter" else family.name]
    }
    rows = re.findall(
        r"^\| `(\w+)` \| (\w+)", (DOCS / "metrics.md").read_text().split("## The figures")[1], re.MULTILINE
    )
    documented = {(name, kind) for name, kind in rows if kind in ("gauge", "counter", "histogram")}
    assert documented == shown


async def test_what_dashboard_and_alerts_ask_for_is_there(used: Scraping) -> None:
    lines = (await used.text()).splitlines()
    there = {re.split(r"[ {]", line)[0] for line in lines if not line.startswith("#")} | {"up"}
    dashboard = json.loads((DOCS / "grafana" / "shomare-mqtt.json").read_text())
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    asked += [each["definition"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    asked += re.findall(r"expr: ((?:>\n(?: {10}.*\n)+)|.*)", (DOCS / "prometheus" / "alerts.yml").read_text())
    assert len(asked) > 25
    for expression in asked:
        names = re.findall(r"\b(?:shomare|process)_\w+|\bup\b", expression)
        assert names, expression
        assert set(names) <= there, expression
        for label, value in re.findall(r'(\w+)="(\w+)"', expression):
            assert label == "job" or any(f'{label}="{value}"' in line for line in lines), expression


def test_the_dashboards_panels_lie_beside_each_other() -> None:
    panels = json.loads((DOCS / "grafana" / "shomare-mqtt.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in [panel["gridPos"] for panel in panels]:
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken
        assert max(x for x, _ in cells) < 24
        taken |= cells
