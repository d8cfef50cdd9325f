"""A provider or a broker that does not do as it should, while orders live."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.mosquitto import Mosquitto
from tests.system.house import PRICE, PRODUCT, TOKEN, House
from tests.system.shapes import check_order

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

pytestmark = pytest.mark.mosquitto


async def test_the_cancel_at_the_end_is_tried_again(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=8)
    await house.start()
    house.clock.stop()
    house.sim.fault("cancel", "framework_500", times=2)
    order = await house.buy()
    expired = await house.order(order["order"], "expired")
    assert expired["refunded"] is True
    assert house.sim.balance == 1_000_000


async def test_a_broker_that_refuses_what_operators_are_told(tmp_path: Path) -> None:
    """Telling of it there would be refused too, and so on for ever."""
    acl = ["topic readwrite #", "topic deny quiet/event/bridge"]
    async with Mosquitto(tmp_path, acl=acl) as broker, House(tmp_path, broker.port, "quiet", {}) as house:
        daemon = await house.start()
        await house.probe.refused("buy", {"country": "nowhere"})
        await daemon.said("event/bridge was set aside")
        await house.buy()
        assert await daemon.stop() == 0
        assert daemon.log.count("event/bridge was set aside") == 1
        assert "did not take all messages" not in daemon.log


async def test_a_broker_that_hangs_up_on_what_is_large(tmp_path: Path) -> None:
    """Over MQTT 3.1.1 no broker says how much it takes; the discovery message alone is larger than this one does."""
    lines = ["max_packet_size 2500"]
    async with Mosquitto(tmp_path, lines=lines) as broker, House(tmp_path, broker.port, "narrow", {}) as house:
        daemon = await house.start({"mqtt": {"protocol": "3.1.1"}})
        await daemon.said("narrow-ha/device/")
        await house.buy()
        assert "set aside" not in daemon.log
        assert daemon.log.count("cannot be published") == 1


async def test_an_sms_at_the_last_moment_outweighs_the_end(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(lifetime=8)
    await house.start({"orders": {"poll_interval": 60}})
    house.sim.fault("cancel", "hold")
    order = await house.buy()
    await house.sim.wait_until(lambda: house.sim.hanging == 1)  # the last check is over; the SMS comes right after it
    house.sim.deliver_sms(order["purchase"], code="778899")
    house.sim.clear_faults()
    assert (await house.probe.message("code")).text == "778899"
    finished = await house.order(order["order"], "finished")
    assert finished["sms_count"] == 1
    assert house.sim.balance == 1_000_000 - PRICE


async def test_an_order_that_the_provider_ended_while_nobody_watched(house: House) -> None:
    order, other = await house.buy(), await house.buy(application=1)
    house.sim.deliver_sms(other["purchase"], code="121212")
    await house.daemons[0].stop()
    house.sim.end(order["purchase"], "expired")
    house.sim.end(other["purchase"], "banned")
    await house.again()
    expired = check_order(await house.order(order["order"], "expired"))
    assert expired["refunded"] in (False, None)
    await house.order(other["order"], "finished")
    assert (await house.probe.message("event/sms")).json["code"] == "121212"


async def test_a_refused_token_stops_polling(house: House) -> None:
    order = await house.buy()
    house.sim.option(token="another")
    await house.probe.holds("provider/state", lambda s: s["state"] == "unauthorized")
    house.sim.option(latency=0.3)
    checks = house.sim.calls["check"]
    for _ in range(3):
        assert (await house.probe.refused("query/profile", {}))["code"] == "invalid_token"
    assert house.sim.calls["check"] <= checks + 1
    house.sim.option(token=TOKEN, latency=0)
    house.sim.deliver_sms(order["purchase"], code="343434")
    await house.probe.ok("query/profile", {})
    assert (await house.probe.message("code")).text == "343434"


async def test_a_check_that_keeps_failing_is_asked_more_seldom(house: House) -> None:
    await house.buy()
    house.sim.fault("check", "429", times=None, retry_after=600)
    await house.called("check")
    house.sim.option(latency=0.3)
    checks = house.sim.calls["check"]
    for _ in range(4):
        await house.probe.ok("query/profile", {})
    assert house.sim.calls["check"] <= checks + 1


async def test_what_the_journal_holds_is_there_without_the_provider(house: House) -> None:
    await house.probe.ok("defaults/country/set", "Iran")
    await house.daemons[0].stop()
    await house.sim.stop()
    since = len(house.probe.seen)
    await house.again()
    for topic, count in (("countries", 8), ("operators", 5), ("applications", 10)):
        assert len((await house.probe.message(topic, since)).json) == count
    await house.probe.text("defaults/country/name", "Iran")
    assert (await house.probe.message("defaults/country", since)).text == "57"
    await house.probe.holds("provider/state", lambda s: s["state"] == "unreachable")
    assert (await house.probe.refused("buy", {**PRODUCT, "country": "Atlantis"}))["code"] == "unknown_name"
    error = await house.probe.refused("buy", {**PRODUCT, "country": "iran"})
    assert (error["code"], error["retryable"]) == ("provider_unreachable", True)


async def test_the_answer_of_a_purchase_during_which_the_broker_died(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path) as broker, House(tmp_path, broker.port, "torn", {}) as house:
        daemon = await house.start()
        house.sim.fault("buy", "hold")
        await house.probe.publish("buy", {**PRODUCT, "transaction": "torn"})
        await house.sim.wait_until(lambda: house.sim.hanging == 1)
        await broker.kill()
        house.sim.clear_faults()
        await house.called("check")
        daemon.process.send_signal(signal.SIGSTOP)  # until the probe listens again: else it misses events
        await broker.start()
        await house.probe.until(lambda: house.probe.subscribed == 2)
        daemon.process.send_signal(signal.SIGCONT)
        answer = (await house.probe.message("response/buy")).json
        assert (answer["status"], answer["data"]["state"], answer["transaction"]) == ("ok", "waiting", "torn")
        assert len(house.bought()) == 1


async def test_a_wrong_password_is_said_once(tmp_path: Path) -> None:
    async with Mosquitto(tmp_path, users={"someone": "right"}) as broker:
        house = House(tmp_path, broker.port, "refused", {})
        settings = {
            "mqtt": {"username": "someone", "password": "wrong"},
            "provider": {"base_url": "http://127.0.0.1:9/"},
        }
        daemon = await house.launch(settings)
        refused = "refuses the user name, the password"
        await daemon.said(refused)
        assert daemon.log.count(refused) == 1
        assert daemon.process.returncode is None
        assert await daemon.stop() == 0


async def test_a_provider_of_which_nothing_is_understood(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    house.sim.fault("*", "html", times=None)
    since = len(house.probe.seen)
    await house.launch()
    await house.probe.message("bridge/state", since, lambda s: s.text == "online")
    state = await house.probe.holds("provider/state", lambda s: s["state"] == "misunderstood")
    assert state["fields"]
    assert state["error"]["code"] == "malformed_answer"
    house.sim.clear_faults()
    await house.probe.ok("query/profile", {})
    assert (await house.probe.holds("provider/state", lambda s: s["state"] == "online"))["error"] is None


async def test_what_the_broker_lets_nobody_publish(tmp_path: Path) -> None:
    """An event that may not be published is set aside, without an event for that, which may not either."""
    rules = ["topic readwrite #", "topic deny denied/event/bridge"]
    async with Mosquitto(tmp_path, acl=rules) as broker, House(tmp_path, broker.port, "denied", {}) as house:
        daemon = await house.start()
        await house.probe.refused("buy", {"country": 7.5})
        for _ in range(5):
            await house.probe.ok("query/profile")
        assert daemon.log.count("event/bridge was set aside") == 1


async def test_no_discovery_where_it_is_not_wanted(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start({"homeassistant": {"enabled": False}})
    await house.buy()
    assert not [s for s in house.probe.seen if s.topic.startswith(f"/{house.base}-ha")]


async def test_the_profile_says_all_that_the_provider_said(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house(dialect="query")
    await house.start()
    data = await house.probe.ok("query/profile", {})
    assert (data["username"], data["balance"], data["currency"]) == ("demo", 1_000_000, "IRT")


async def test_a_call_that_hangs_holds_up_nobody_else(house: House) -> None:
    order = await house.buy()
    house.sim.fault("profile", "hold", times=None)
    house.sim.fault("buy", "hold")
    since = await house.probe.publish("query/profile")
    await house.probe.publish("buy", {**PRODUCT, "transaction": "hangs"})
    await house.sim.wait_until(lambda: house.sim.hanging >= 1)
    assert (await house.probe.ok("query/price/7/1/3", {}))["price"] == PRICE
    house.sim.deliver_sms(order["purchase"], code="565656")
    assert (await house.probe.message("code")).text == "565656"
    assert not house.probe.all("response/query/profile")
    house.sim.clear_faults()
    assert (await house.probe.message("response/query/profile")).json["status"] == "ok"
    assert (await house.probe.message("response/buy", since)).json["status"] == "ok"


async def test_counters(house: House) -> None:
    health = (await house.probe.message("bridge/health")).json
    for name in ("uptime", "commands", "answers", "sms", "open_orders", "outbox", "memory"):
        assert isinstance(health[name], int), name
    assert health["buying_paused"] is False
