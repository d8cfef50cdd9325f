"""The page's addresses (contract, Web page): what is shown there, and commands that come by it."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.cutting import Cutting
from tests.mosquitto import free_port
from tests.patience import PATIENCE
from tests.system.house import PRODUCT, House
from tests.system.page import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.mosquitto import Mosquitto

pytestmark = pytest.mark.mosquitto

KEYED = {**PRODUCT, "transaction": "t-1"}


def with_page(port: int, **more: Any) -> dict[str, Any]:
    return {"web": {"enabled": True, "port": port}, "limits": {"double_press": 0}, **more}


@pytest.fixture
async def page(house: House) -> AsyncIterator[Page]:
    async with Page(house.settings["web"]["port"]) as page:
        yield await page.up()


@pytest.fixture
async def house(open_house: Callable[..., Awaitable[House]]) -> House:
    house = await open_house()
    await house.start(with_page(free_port()))
    return house


def spoken(house: House) -> list[str]:
    """Topics of answers that everybody heard."""
    return [seen.topic for seen in house.probe.seen if seen.topic.startswith("response/")]


def as_text_or_json(payload: bytes) -> Any:
    return json.loads(payload) if payload[:1] in b"{[" else payload.decode()


# --- what is shown ---------------------------------------------------------------------------------------------------


async def test_the_state_is_what_the_broker_holds(house: House, page: Page) -> None:
    order = await house.buy()
    await house.probe.ok("defaults/country/set", "7")
    await page.listen()
    await page.hears(lambda told: told["topic"] == "defaults/country/name")
    topics = {"bridge/state", "orders", "current", f"orders/{order['order']}", "profile/balance", "countries", "buying"}
    for topic in topics | {"defaults/country", "defaults/country/name", "bridge/info"}:
        await house.probe.until(lambda t=topic: t in house.probe.retained(), what=topic)  # type: ignore[misc]

    def retained() -> dict[str, Any]:
        held = house.probe.retained().items()
        same = {topic: as_text_or_json(payload) for topic, payload in held if not topic.startswith("/")}
        del same["bridge/health"], same["bridge/journal"]  # these change with time alone
        return same

    async with asyncio.timeout(PATIENCE):  # what changed last reaches one a moment before the other
        while True:
            state, same = await page.state(), retained()
            shown = {topic: page.held().get(topic) for topic in topics}
            if {t: p for t, p in state.items() if t in same} == same and shown == {t: state.get(t) for t in topics}:
                break
            await asyncio.sleep(0.05)
    assert topics <= state.keys()
    assert state["defaults/country"] == "7", "a text, though it is a number"


async def test_all_state_first_then_what_changes_and_what_happens_as_the_broker_has_it(
    house: House, page: Page
) -> None:
    await page.listen()
    await page.hears(lambda told: told["topic"] == "applications")
    before = len(house.probe.seen)
    assert all(each["retained"] for each in page.heard)
    order = (await page.command("buy", KEYED))["data"]
    house.sim.deliver_sms(order["purchase"], code="445566")
    await house.probe.message("code")
    await page.hears(lambda told: told["topic"] == "code")
    await house.probe.refused("cancel", {"order": "nothing"})
    await page.command("cancel", {"order": "nothing either"})
    await page.command("buying/set", b"off")
    await page.hears(lambda told: told == {"topic": "buying", "payload": "off", "retained": True})

    def heard() -> list[tuple[str, Any]]:
        seen = house.probe.seen[before:]
        events = [s for s in seen if s.topic.startswith("event/") or s.topic == "code"]
        return [(s.topic, as_text_or_json(s.payload)) for s in events]

    await house.probe.until(lambda: len(heard()) == len(page.events()))
    assert heard() == page.events()
    kinds = [payload["event_type"] for topic, payload in heard() if topic != "code"]
    assert sorted(kinds) == sorted(
        ["buying", "waiting", "received", "sms_received", "command_refused", "command_refused"]
    )


async def test_a_topic_that_is_emptied_is_told_as_null(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.start(with_page(port := free_port(), orders={"keep_closed": 0, "poll_interval": 0.2}))
    async with Page(port) as page:
        await (await page.up()).listen()
        order = (await page.command("buy", KEYED))["data"]["order"]
        assert (await page.command("cancel", {"order": order}))["status"] == "ok"
        await page.hears(lambda told: told["topic"] == f"orders/{order}" and told["payload"] is None)
        assert f"orders/{order}" not in await page.state()


async def test_what_happened_lately(house: House, page: Page) -> None:
    assert await page.ask("api/lately") == (200, "[]")
    await page.command("cancel", {"order": "x", "transaction": "one"})
    await house.probe.refused("cancel", {"order": "x", "transaction": "two"})
    status, text = await page.ask("api/lately")
    lately = json.loads(text)
    assert (status, [e["transaction"] for e in lately]) == (200, ["two", "one"])
    assert all(e["event_type"] == "command_refused" and e["at"].endswith("Z") for e in lately)


async def test_the_page_itself(page: Page) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(page.url("")) as got:
            assert (got.status, got.content_type, got.headers["Cache-Control"]) == (200, "text/html", "no-cache")
            etag = got.headers["ETag"]
        async with session.get(page.url(""), headers={"If-None-Match": etag}) as got:
            assert (got.status, await got.read()) == (304, b"")
    for path in ("nothing", "page/index.html", "../files.py", "%2e%2e/files.py", "vendor/", "vendor/../../files.py"):
        assert (await page.ask(path))[0] == 404, path
    assert (await page.ask("healthz")) == (200, '{"status": "ok"}')


# --- commands --------------------------------------------------------------------------------------------------------


async def test_a_command_is_answered_there_and_nowhere_else(house: House, page: Page) -> None:
    answer = await page.command("buy", KEYED)
    assert (answer["status"], answer["transaction"], answer["data"]["state"]) == ("ok", "t-1", "waiting")
    order = answer["data"]["order"]
    assert (await page.command("query/orders"))["data"][0]["order"] == order
    assert (await page.command("defaults/country/set", b"7"))["data"] == {"country": "7"}
    again = await house.probe.ask("buy", KEYED)
    assert (again["data"]["order"], again["replayed"]) == (order, True)
    assert len(house.bought()) == 1
    assert set(spoken(house)) == {"response/buy"}, "the probe's own"


@pytest.mark.parametrize(
    ("path", "answers"),
    [
        ("query/nothing", "unknown_command"),
        ("query", "unknown_command"),
        ("defaults/nothing/set", "invalid_command"),
        ("query/price/7%252F/1/3", "'7/'"),
        ("query/price/7%2F1/3", "there is no such"),
        ("%71uery/orders", "ok"),
        ("query/price/%2537/1/3", "ok"),
        ("query/price/%25FF/1/3", "UTF-8"),
    ],
)
async def test_the_path_is_decoded_once_and_then_read_as_a_topic(page: Page, path: str, answers: str) -> None:
    """So `%252F` is the `%2F` of a topic, which is a slash within an id."""
    status, text = await page.ask(f"api/command/{path}", "POST")
    assert status == 200
    if answers == "there is no such":  # two levels for one: a price takes three
        assert json.loads(text)["status"] == "ok"
    else:
        assert answers in text


@pytest.mark.parametrize(
    "path",
    [
        "nothing",
        "",
        "buy/",
        "/buy",
        "response/buy",
        "defaults/country",
        "event/sms",
        "bridge/state",
        "query/+",
        "query/%23",
        "buy%00",
        "buying",
        "query/%FF",
        "BUY",
    ],
)
async def test_what_is_no_commands_topic(house: House, page: Page, path: str) -> None:
    assert (await page.ask(f"api/command/{path}", "POST", json.dumps(PRODUCT).encode()))[0] == 404
    assert house.bought() == []


async def test_a_large_one(page: Page) -> None:
    assert (await page.command("buy", b" " * 65536))["error"]["code"] == "invalid_command"
    assert (await page.ask("api/command/buy", "POST", b" " * 65537))[0] == 413

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b" " * 10_000

    async with aiohttp.ClientSession() as session, session.post(page.url("api/command/buy"), data=chunks()) as got:
        assert got.status == 413


async def test_whoever_hangs_up_changes_nothing(house: House, page: Page) -> None:
    await page.listen()
    house.sim.fault("buy", "hold")
    _, writer = await asyncio.open_connection("127.0.0.1", page.port)
    body = json.dumps(KEYED).encode()
    head = f"POST /api/command/buy HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    writer.write(head + body)
    await page.hears(lambda told: told["topic"] == "event/order")
    writer.transport.abort()
    house.sim.clear_faults()
    again = await page.command("buy", KEYED)
    assert (again["status"], again["replayed"], len(house.bought())) == ("ok", True, 1)


async def test_half_a_command_is_none(house: House, page: Page) -> None:
    """And no fault of the daemon's."""
    for sent in (b"", json.dumps(PRODUCT).encode()):
        _, writer = await asyncio.open_connection("127.0.0.1", page.port)
        head = f"POST /api/command/buy HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(sent) + 5}\r\n\r\n"
        writer.write(head.encode() + sent)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    await page.state()
    assert house.bought() == []
    assert "ERROR" not in house.daemons[0].log


# --- ends and beginnings ---------------------------------------------------------------------------------------------


async def test_a_crash_in_the_middle_of_a_purchase(house: House, page: Page) -> None:
    """Nobody knows whether it was bought; whoever asks again is told so, and nothing of it is said aloud."""
    house.sim.fault("buy", "hang_after")
    asking = asyncio.create_task(page.command("buy", KEYED))
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    await house.daemons[0].stop(signal.SIGKILL)
    with pytest.raises(aiohttp.ClientError):
        await asking
    await house.again()
    async with Page(page.port) as new:
        again = await (await new.up()).command("buy", KEYED)
    assert (again["transaction"], again["replayed"]) == ("t-1", True)
    assert again["data"]["state"] == "unknown"
    assert len(house.bought()) == 1
    assert spoken(house) == []


async def test_an_end_waits_for_a_purchase_and_tells_its_sender(house: House, page: Page) -> None:
    await page.listen()
    house.sim.fault("buy", "hold")
    asking = asyncio.create_task(page.command("buy", KEYED))
    await house.sim.wait_until(lambda: house.sim.hanging == 1)
    house.daemons[0].process.send_signal(signal.SIGTERM)
    await house.daemons[0].said("stopping")
    late = await page.command("buy", {**PRODUCT, "transaction": "late"})
    assert late["error"]["code"] == "busy"
    house.sim.clear_faults()
    assert (await asking)["data"]["state"] == "waiting"
    assert await house.daemons[0].ended() == 0
    await page.until(lambda: page.ended)
    assert "ERROR" not in house.daemons[0].log


# --- without a broker ------------------------------------------------------------------------------------------------


async def test_all_of_it_while_the_broker_is_away(
    open_house: Callable[..., Awaitable[House]], mosquitto: Mosquitto
) -> None:
    house = await open_house()
    async with Cutting(mosquitto.port) as way, Page(port := free_port()) as page:
        await house.start(with_page(port, mqtt={"port": way.port}))
        await (await page.up()).listen()
        await way.cut()
        await house.daemons[0].said("ended:")
        order = (await page.command("buy", KEYED))["data"]
        assert order["state"] == "waiting"
        assert (await page.command("query/profile"))["status"] == "ok"
        house.sim.deliver_sms(order["purchase"], code="778899")
        await page.hears(lambda told: told["topic"] == "code" and told["payload"] == "778899")
        state = await page.state()
        assert state["current"]["order"] == order["order"]
        assert (await page.ask("healthz"))[0] == 200, "not for a minute yet"
        before = len(house.probe.seen)
        way.mend()
        assert (await house.probe.message("code", before)).text == "778899"
        sms = [payload for topic, payload in page.events() if topic == "event/sms"]
        assert [s.json for s in house.probe.all("event/sms")] == sms
        assert spoken(house) == []


async def test_a_broker_that_was_never_there(open_house: Callable[..., Awaitable[House]]) -> None:
    house = await open_house()
    await house.launch(with_page(port := free_port(), mqtt={"port": free_port()}))
    async with Page(port) as page:
        await (await page.up()).listen()
        order = (await page.command("buy", KEYED))["data"]
        house.sim.deliver_sms(order["purchase"], code="112233")
        await page.hears(lambda told: told["topic"] == "code" and told["payload"] == "112233")
        assert (await page.state())["bridge/state"] == "online"
    assert await house.daemons[0].stop() == 0


# --- who is slow -----------------------------------------------------------------------------------------------------


async def test_one_that_reads_nothing_is_cut_off_and_holds_up_nobody(house: House, page: Page) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", page.port)
    writer.write(b"GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await writer.drain()
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    await page.listen()
    async with asyncio.timeout(PATIENCE):
        await page.command("cancel", {"order": "x"})
    await page.hears(lambda told: told["topic"] == "event/bridge")
    writer.transport.abort()
