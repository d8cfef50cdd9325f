"""The simulated provider over real HTTP: the documented failures, every dialect, every fault, and the ledger."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from shomare_mqtt.model import Endpoint
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.simulator import DIALECTS, FaultKind, Simulator, SimulatorOptions
from shomare_mqtt.simulator.dialects import Carrier
from shomare_mqtt.simulator.ledger import State
from tests.mosquitto import free_port
from tests.patience import PATIENCE, let_pass

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from shomare_mqtt.simulator import Dialect

TELEGRAM = {"country": "7", "operator": "1", "application": "3"}
NO_STOCK = TELEGRAM | {"application": "9"}
HEADERS = {"token": "demo-token"}
PATH_ORDER = ("country", "operator", "application", "purchase")
ALL_DIALECTS = pytest.mark.parametrize("name", list(DIALECTS))


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Caller:
    """Speaks a dialect's way of carrying parameters; `raw` sends as it is told."""

    def __init__(self, sim: Simulator, session: aiohttp.ClientSession, time: Time) -> None:
        self.sim, self.session, self.time = sim, session, time

    async def raw(self, method: str, path: str, **args: Any) -> tuple[int, Any]:
        args.setdefault("headers", HEADERS)
        args["timeout"] = aiohttp.ClientTimeout(total=PATIENCE)
        async with self.session.request(method, f"{self.sim.base_url}/{path}", **args) as answer:
            text = (await answer.read()).decode("utf-8-sig")
            return answer.status, json.loads(text) if text.startswith("{") else text

    async def call(self, endpoint: str, sent: Mapping[str, str] | None = None) -> tuple[int, Any]:
        dialect, sent = DIALECTS[self.sim.options.dialect], sent or {}
        carrier = dialect.buy if endpoint == "buy" else dialect.parameters
        method = "POST" if endpoint == "buy" else "GET"
        return await self.raw(method, *self._target(endpoint, carrier, sent), **self._body(dialect, carrier, sent))

    async def buy(self, product: Mapping[str, str] = TELEGRAM) -> str:
        status, _ = await self.call("buy", product)
        assert status == 200
        return list(self.sim.purchases)[-1]

    async def control(self, action: str, **args: Any) -> Any:
        async with self.session.post(f"{self.sim.root_url}/_sim/{action}", json=args) as answer:
            return await answer.json()

    async def state(self) -> Any:
        async with self.session.get(f"{self.sim.root_url}/_sim/state") as answer:
            assert answer.status == 200
            return await answer.json()

    def _target(self, endpoint: str, carrier: Carrier, sent: Mapping[str, str]) -> tuple[str]:
        if carrier is Carrier.PATH:
            return ("/".join([endpoint, *(sent[name] for name in PATH_ORDER if name in sent)]),)
        return (endpoint,)

    def _body(self, dialect: Dialect, carrier: Carrier, sent: Mapping[str, str]) -> dict[str, Any]:
        named = {getattr(dialect.names, name): value for name, value in sent.items()}
        return {Carrier.PATH: {}, Carrier.QUERY: {"params": named}, Carrier.FORM: {"data": named}}.get(
            carrier, {"json": named}
        )


@asynccontextmanager
async def running(**options: Any) -> AsyncIterator[Caller]:
    time = Time()
    sim = Simulator(SimulatorOptions(**options), monotonic=time)
    async with sim, aiohttp.ClientSession() as session:
        session._retry_connection = False  # else aiohttp asks a GET again by itself when the connection is reset
        yield Caller(sim, session, time)


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    async with running() as one:
        yield one


def refusal(answer: tuple[int, Any]) -> tuple[int, Any, Any]:
    return answer[0], answer[1]["status"], answer[1]["code"]


# --- the documented table --------------------------------------------------------------------------------------------


async def test_no_token_is_403(caller: Caller) -> None:
    assert refusal(await caller.raw("GET", "profile", headers={})) == (403, False, 403)


async def test_a_wrong_token_is_401(caller: Caller) -> None:
    assert refusal(await caller.raw("GET", "profile", headers={"token": "other"})) == (401, False, 401)


async def test_a_blocked_account_is_401_with_minus_one(caller: Caller) -> None:
    caller.sim.block()
    assert refusal(await caller.call("profile")) == (401, False, -1)
    caller.sim.block(blocked=False)
    assert (await caller.call("profile"))[0] == 200


async def test_too_little_money_is_402_and_buys_nothing(caller: Caller) -> None:
    caller.sim.set_balance(2199)
    assert refusal(await caller.call("buy", TELEGRAM)) == (402, False, 402)
    assert caller.sim.purchases == {}
    caller.sim.set_balance(2200)
    await caller.buy()
    assert caller.sim.balance == 0


@pytest.mark.parametrize(
    ("endpoint", "sent"),
    [
        ("pricebycountry", {"country": "999", "operator": "1"}),
        ("pricebycountry", {"country": "7", "operator": "999"}),
        ("pricebyproduct", TELEGRAM | {"application": "999"}),
        ("buy", TELEGRAM | {"application": "999"}),
        ("buy", {"country": "7", "operator": "1"}),
        ("buy", TELEGRAM | {"country": ""}),
        ("check", {"purchase": "1"}),
        ("cancel", {"purchase": "1"}),
    ],
)
async def test_missing_and_unknown_parameters_are_404_with_json(
    caller: Caller, endpoint: str, sent: dict[str, str]
) -> None:
    assert refusal(await caller.call(endpoint, sent)) == (404, False, 404)
    assert caller.sim.purchases == {}


@pytest.mark.parametrize("path", ["nothing", "profile/1", "pricebycountry", "pricebycountry/7", "buy/7/1/3", "../x"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_unknown_address_is_404_without_json(caller: Caller, path: str, method: str) -> None:
    status, body = await caller.raw(method, path, headers={})
    assert status == 404
    assert body.startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "buy"), ("PUT", "buy"), ("POST", "profile"), ("POST", "check/1"), ("DELETE", "profile")],
)
async def test_the_wrong_method_is_405(caller: Caller, method: str, path: str) -> None:
    assert refusal(await caller.raw(method, path)) == (405, False, 405)


async def test_head_is_405(caller: Caller) -> None:
    assert (await caller.raw("HEAD", "profile"))[0] == 405


async def test_no_free_number_is_500(caller: Caller) -> None:
    assert refusal(await caller.call("buy", NO_STOCK)) == (500, False, 500)
    caller.sim.set_stock("7", "1", "9", 1)
    await caller.buy(NO_STOCK)
    assert refusal(await caller.call("buy", NO_STOCK)) == (500, False, 500)
    assert len(caller.sim.purchases) == 1


async def test_a_whole_place_can_be_sold_out(caller: Caller) -> None:
    await caller.control("stock", country="7", operator="1")
    assert refusal(await caller.call("buy", TELEGRAM)) == (500, False, 500)
    await caller.buy(TELEGRAM | {"operator": "2"})
    await caller.control("stock", country="7", operator="1", count=1)
    await caller.buy(TELEGRAM)
    assert refusal(await caller.call("buy", TELEGRAM)) == (500, False, 500)


async def test_so_many_places_are_sold_out_from_the_start() -> None:
    async with running(countries=40, operators=7, sold_out=25) as caller:
        places = [
            (country, operator)
            for country in await ids(caller, "countries")
            for operator in await ids(caller, "operators")
        ]
        left = [await stock_of(caller, *place) for place in places]
        assert (len(places), sum(not each for each in left)) == (280, 70)
        await caller.control("reset")
        assert [await stock_of(caller, *place) for place in places] == left, "the same ones for the same seed"


async def ids(caller: Caller, what: str) -> list[str]:
    return [str(each["id"]) for each in (await caller.call(f"all{what}"))[1]["data"]]


async def stock_of(caller: Caller, country: str, operator: str) -> int:
    answer = await caller.call("pricebycountry", {"country": country, "operator": operator})
    return sum(each["count"] for each in answer[1]["data"])


# --- the dialects ----------------------------------------------------------------------------------------------------


@ALL_DIALECTS
async def test_a_number_is_bought_checked_and_cancelled(name: str) -> None:
    async with running(dialect=name, code="84215") as caller:
        status, body = await caller.call("buy", TELEGRAM)
        (bought,) = caller.sim.purchases.values()
        told = ascii_digits(json.dumps(body, ensure_ascii=False)).replace(",", "")
        assert status == 200
        assert bought.purchase in told
        assert bought.phone[1:] in told  # without its dialling code, which may stand apart
        waiting = await caller.call("check", {"purchase": bought.purchase})
        assert waiting[0] == DIALECTS[name].status(Endpoint.CHECK, State.WAITING)
        assert "84215" not in json.dumps(waiting[1])
        assert caller.sim.balance == Decimal(997_800)
        assert (await caller.call("cancel", {"purchase": bought.purchase}))[0] == 200
        assert caller.sim.balance == Decimal(1_000_000)
        again = await caller.call("cancel", {"purchase": bought.purchase})
        assert again[0] == 404
        assert again[1]["status"] in (False, 0, "error")


@ALL_DIALECTS
async def test_the_code_arrives_and_is_shown(name: str) -> None:
    async with running(dialect=name, sms_delay=2, code="84215") as caller:
        purchase = await caller.buy()
        caller.time.now += 2
        status, body = await caller.call("check", {"purchase": purchase})
        assert status == 200
        assert "84215" in json.dumps(body)
        (sms,) = caller.sim.purchases[purchase].sms
        assert sms.shown
        refused, _ = await caller.call("cancel", {"purchase": purchase})
        assert refused == 400
        assert caller.sim.balance == Decimal(997_800)


@ALL_DIALECTS
async def test_lists_prices_and_balance_are_there(name: str) -> None:
    async with running(dialect=name, balance="987654.5") as caller:
        for endpoint in ("profile", "allcountries", "alloperators", "allapplications"):
            status, body = await caller.call(endpoint)
            assert status == 200
            assert body["status"] in (True, 1, "success"), endpoint
        told = ascii_digits(json.dumps((await caller.call("profile"))[1], ensure_ascii=False))
        assert "987654.5" in told.replace(",", "")
        for sent in ({"country": "7", "operator": "any"}, {"country": "2", "operator": "1"}):
            assert (await caller.call("pricebycountry", sent))[0] == 200
        price = ascii_digits(json.dumps((await caller.call("pricebyproduct", TELEGRAM))[1], ensure_ascii=False))
        assert "2200" in price.replace(",", "")


@ALL_DIALECTS
async def test_other_carriers_buy_nothing(name: str) -> None:
    """A client may find out how parameters travel without risk."""
    async with running(dialect=name) as caller:
        dialect = DIALECTS[name]
        for carrier in set(Carrier) - {dialect.buy}:
            target, body = caller._target("buy", carrier, TELEGRAM), caller._body(dialect, carrier, TELEGRAM)
            assert (await caller.raw("POST", *target, **body))[0] == 404
        assert caller.sim.purchases == {}


@pytest.mark.parametrize(
    ("body", "label"),
    [
        ("{", "application/json"),
        ("[" * 100_000, "application/json"),
        ("[1]", "application/json"),
        ("{}", "text/plain"),
        ("country=%ff&operator", "application/x-www-form-urlencoded"),
        ("x", "multipart/form-data"),
        ("x", "application/x-www-form-urlencoded; charset=klingon"),
    ],
)
@pytest.mark.parametrize("name", ["path", "body-form", "body-json"])
async def test_an_unreadable_body_holds_no_parameters(name: str, body: str, label: str) -> None:
    async with running(dialect=name) as caller:
        answer = await caller.raw("POST", "buy", data=body, headers=HEADERS | {"Content-Type": label})
        assert answer[0] == 404
        assert answer[1]["code"] == 404


async def test_money_keeps_its_digits() -> None:
    async with (
        running(balance="12345678901234567.89") as caller,
        caller.session.get(f"{caller.sim.base_url}/profile", headers=HEADERS) as answer,
    ):
        assert '"balance": 12345678901234567.89' in await answer.text()


async def test_a_large_catalogue() -> None:
    async with running(countries=250, applications=2000) as caller:
        assert len((await caller.call("allcountries"))[1]["data"]) == 250
        rows = (await caller.call("pricebycountry", {"country": "7", "operator": "1"}))[1]["data"]
        assert len({row["application"] for row in rows}) == 2000


# --- purchases live and die ------------------------------------------------------------------------------------------


async def test_time_runs_out_without_an_sms(caller: Caller) -> None:
    caller.sim.option(sms_count=0, lifetime=60)
    purchase = await caller.buy()
    caller.time.now += 60
    assert (await caller.call("check", {"purchase": purchase}))[1]["data"]["status"] == "timeout"
    assert (await caller.call("cancel", {"purchase": purchase}))[0] == 400
    assert caller.sim.balance == Decimal(997_800)


async def test_a_timed_out_number_may_be_paid_back() -> None:
    async with running(sms_count=0, lifetime=60, refund_on_timeout=True) as caller:
        purchase = await caller.buy()
        caller.time.now += 61
        assert caller.sim.purchases[purchase].refunded
        assert caller.sim.balance == Decimal(1_000_000)


async def test_the_providers_clock_may_be_another(caller: Caller) -> None:
    plain = (await caller.call("buy", TELEGRAM))[1]["data"]
    caller.sim.option(clock_offset=3600)
    async with caller.session.get(f"{caller.sim.base_url}/check/{plain['id']}", headers=HEADERS) as answer:
        shown, date = (await answer.json())["data"], parsedate_to_datetime(answer.headers["Date"])
    moved = datetime.fromisoformat(shown["expires_at"]) - datetime.fromisoformat(plain["expires_at"])
    assert moved == timedelta(hours=1)
    assert datetime.fromisoformat(shown["expires_at"]) - date == timedelta(seconds=1200)


@pytest.mark.parametrize("status", [404, 400])
async def test_what_is_cancelled_twice(caller: Caller, status: int) -> None:
    caller.sim.option(gone_status=status)
    sent = {"purchase": await caller.buy()}
    assert (await caller.call("cancel", sent))[0] == 200
    assert (await caller.call("cancel", sent))[0] == status


async def test_several_sms_then_finished() -> None:
    async with running(sms_count=3, sms_delay=1, sms_interval=10, lifetime=15) as caller:
        purchase = await caller.buy()
        caller.time.now += 11
        body = (await caller.call("check", {"purchase": purchase}))[1]["data"]
        assert (body["status"], len(body["sms"])) == ("received", 2)
        caller.time.now += 10  # the third would have come after the number's end
        body = (await caller.call("check", {"purchase": purchase}))[1]["data"]
        assert (body["status"], len(body["sms"])) == ("finished", 2)


async def test_too_early_to_cancel(caller: Caller) -> None:
    caller.sim.option(cancel_min_age=120, sms_count=0)
    purchase = await caller.buy()
    assert refusal(await caller.call("cancel", {"purchase": purchase})) == (400, False, 400)
    caller.time.now += 120
    assert (await caller.call("cancel", {"purchase": purchase}))[0] == 200


async def test_money_is_booked_later() -> None:
    async with running(book_delay=5, sms_count=0) as caller:
        purchase = await caller.buy()
        assert (await caller.call("profile"))[1]["data"]["balance"] == 1_000_000
        assert caller.sim.balance == Decimal(997_800)
        caller.time.now += 5
        assert (await caller.call("profile"))[1]["data"]["balance"] == 997_800
        await caller.call("cancel", {"purchase": purchase})
        assert (await caller.call("profile"))[1]["data"]["balance"] == 997_800
        assert (await caller.state())["shown_balance"] == 997_800
        assert (await caller.state())["balance"] == 1_000_000


async def test_refunds_are_booked_later_than_purchases() -> None:
    async with running(book_delay=2, refund_delay=5, sms_count=0) as caller:
        purchase = await caller.buy()
        caller.time.now += 2
        assert (await caller.state())["shown_balance"] == 997_800
        await caller.call("cancel", {"purchase": purchase})
        caller.time.now += 4
        assert (await caller.state())["shown_balance"] == 997_800
        caller.time.now += 1
        assert (await caller.state())["shown_balance"] == 1_000_000


async def test_the_same_seed_gives_the_same_codes() -> None:
    codes = []
    for seed in (1, 1, 2):
        async with running(seed=seed) as caller:
            purchase = await caller.buy()
            codes.append(caller.sim.purchases[purchase].planned[0].code)
    assert codes[0] == codes[1] != codes[2]


# --- faults ----------------------------------------------------------------------------------------------------------

ACTING = [kind for kind in FaultKind if kind.acts]


HANGING = (FaultKind.HANG_BEFORE, FaultKind.HANG_AFTER, FaultKind.HOLD)


async def fails(caller: Caller, endpoint: str, kind: FaultKind, sent: Mapping[str, str]) -> Any:
    """What a client sees of a call with a fault: a status and a body, or the error's class.

    Where no answer comes, it leaves once the fault is at work.
    """
    sim = caller.sim
    sim.fault(endpoint, kind, delay=2 * PATIENCE)
    calling = asyncio.create_task(caller.call(endpoint, sent))
    try:
        if kind in HANGING or kind is FaultKind.SLOW:
            await sim.wait_until(lambda: bool(sim.hanging if kind in HANGING else sim.purchases))
            return await asyncio.wait_for(calling, 0.05)
        return await calling
    except (aiohttp.ClientError, TimeoutError) as error:
        return type(error)
    except ValueError:
        return ValueError


@pytest.mark.parametrize("kind", list(FaultKind))
async def test_the_ledger_knows_whether_a_failed_buy_was_carried_out(caller: Caller, kind: FaultKind) -> None:
    await fails(caller, "buy", kind, TELEGRAM)
    bought = 1 if kind in ACTING else 0
    state = await caller.state()
    assert len(state["purchases"]) == bought
    assert state["balance"] == 1_000_000 - 2200 * bought
    assert state["faults_done"] == {f"buy:{kind}": 1}
    await caller.buy()  # the next one is as ever
    assert len(caller.sim.purchases) == bought + 1


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        (FaultKind.HANG_BEFORE, aiohttp.ServerTimeoutError),
        (FaultKind.HANG_AFTER, aiohttp.ServerTimeoutError),
        (FaultKind.SLOW, aiohttp.ServerTimeoutError),
        (FaultKind.RESET_BEFORE, (ConnectionResetError, aiohttp.ClientConnectionError)),
        (FaultKind.RESET_AFTER, (ConnectionResetError, aiohttp.ClientConnectionError)),
        (FaultKind.CUT, aiohttp.ClientPayloadError),
        (FaultKind.TRUNCATED, ValueError),
    ],
)
async def test_faults_without_an_answer(caller: Caller, kind: FaultKind, seen: Any) -> None:
    error = await fails(caller, "buy", kind, TELEGRAM)
    assert issubclass(error, TimeoutError if seen is aiohttp.ServerTimeoutError else seen)


@pytest.mark.parametrize(
    ("kind", "args", "status", "body"),
    [
        ("html", {"status": 403}, 403, "<html>"),
        ("html_after", {}, 200, "<html>"),
        ("framework_500", {}, 500, {"message": "Server Error"}),
        ("framework_500_after", {}, 500, {"message": "Server Error"}),
        ("empty", {}, 200, ""),
        ("429", {"retry_after": 7}, 429, {"message": "Too Many Attempts."}),
        ("redirect", {"location": "/elsewhere"}, 302, ""),
    ],
)
async def test_faults_with_an_answer(caller: Caller, kind: str, args: dict[str, Any], status: int, body: Any) -> None:
    caller.sim.fault("profile", kind, **args)
    seen, said = await caller.raw("GET", "profile", allow_redirects=False)
    assert seen == status
    assert said == body or (isinstance(body, str) and body and said.startswith(body))


async def test_retry_after_and_location(caller: Caller) -> None:
    caller.sim.fault("profile", "429", retry_after=7)
    caller.sim.fault("profile", "redirect", location="/elsewhere")
    for name, value in (("Retry-After", "7"), ("Location", "/elsewhere")):
        async with caller.session.get(
            f"{caller.sim.base_url}/profile", headers=HEADERS, allow_redirects=False
        ) as answer:
            assert answer.headers[name] == value


async def test_what_is_held_is_carried_out_once_the_faults_are_cleared(caller: Caller) -> None:
    caller.sim.fault("buy", "hold", times=None)
    held = asyncio.create_task(caller.buy())
    await caller.sim.wait_until(lambda: caller.sim.hanging == 1)
    assert caller.sim.purchases == {}
    caller.sim.clear_faults()
    bought = await held
    assert list(caller.sim.purchases) == [bought]
    caller.sim.fault("buy", "hold")
    cut_off = asyncio.create_task(caller.raw("POST", "buy", data=TELEGRAM))
    await caller.sim.wait_until(lambda: caller.sim.hanging == 1)
    await caller.sim.stop()
    with pytest.raises(aiohttp.ClientError):
        await cut_off
    assert len(caller.sim.purchases) == 1


async def test_slow_is_proper_in_the_end(caller: Caller) -> None:
    caller.sim.fault("buy", "slow", delay=0.05)
    assert [await caller.buy()] == list(caller.sim.purchases)
    assert caller.sim.faults.done == {"buy:slow": 1}


async def test_a_hang_ends_with_its_client(caller: Caller) -> None:
    caller.sim.fault("*", "hang_after", times=None)
    hanging = asyncio.create_task(caller.raw("POST", "buy", data=TELEGRAM))
    await caller.sim.wait_until(lambda: caller.sim.hanging == 1)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)
    await caller.sim.wait_until(lambda: caller.sim.hanging == 0)
    assert len(caller.sim.purchases) == 1
    caller.sim.clear_faults()
    assert (await caller.call("profile"))[0] == 200


async def test_stopping_lets_go_of_what_hangs_and_starting_goes_on(caller: Caller) -> None:
    await caller.sim.stop()
    await caller.sim.start(port=free_port())  # which nobody else gets while nothing listens there
    caller.sim.fault("buy", "hang_after")
    hanging = asyncio.create_task(caller.raw("POST", "buy", data=TELEGRAM))
    await caller.sim.wait_until(lambda: len(caller.sim.purchases) == 1)
    async with asyncio.timeout(PATIENCE):
        await caller.sim.stop()
        with pytest.raises(aiohttp.ClientError):
            await hanging
    with pytest.raises(aiohttp.ClientConnectorError):
        await caller.call("profile")
    await caller.sim.start(port=caller.sim.port)
    assert (await caller.call("profile"))[1]["data"]["balance"] == 997_800


async def test_a_call_is_carried_out_though_its_client_left(caller: Caller) -> None:
    caller.sim.option(latency=PATIENCE)
    leaving = asyncio.create_task(caller.raw("POST", "buy", data=TELEGRAM))
    async with asyncio.timeout(PATIENCE):
        while not caller.sim._front._under_way:  # noqa: ASYNC110 - nothing tells that a call is being carried out
            await asyncio.sleep(0.001)
    leaving.cancel()
    await asyncio.wait((leaving,))
    assert caller.sim.purchases == {}
    let_pass(PATIENCE)
    await caller.sim.wait_until(lambda: len(caller.sim.purchases) == 1)


async def test_an_sms_is_not_shown_to_a_client_that_left(caller: Caller) -> None:
    purchase = await caller.buy()
    caller.time.now += 2
    caller.sim.fault("check", "slow", delay=2 * PATIENCE)
    leaving = asyncio.create_task(caller.call("check", {"purchase": purchase}))
    await caller.sim.wait_until(lambda: caller.sim.requests[-1].get("fault") == "slow")
    leaving.cancel()
    await asyncio.wait((leaving,))
    await caller.sim.stop()
    assert [sms.shown for sms in caller.sim.purchases[purchase].sms] == [False]


async def test_a_queued_fault_waits_for_a_complete_call(caller: Caller) -> None:
    caller.sim.fault("buy", "html", times=2)
    assert refusal(await caller.call("buy", {"country": "7"}))[0] == 404
    assert "<html>" in (await caller.call("buy", TELEGRAM))[1]
    assert "<html>" in (await caller.call("buy", TELEGRAM))[1]
    await caller.buy()


async def test_random_faults_repeat_with_their_seed(caller: Caller) -> None:
    rounds = []
    for _ in range(2):
        caller.sim.fault_mix(0.5, ["html", "empty"], ["profile"], seed=3)
        rounds.append([isinstance((await caller.call("profile"))[1], str) for _ in range(20)])
    assert rounds[0] == rounds[1]
    assert set(rounds[0]) == {True, False}
    assert (await caller.call("allcountries"))[0] == 200
    caller.sim.fault_mix(0)
    assert all([(await caller.call("profile"))[1]["status"] for _ in range(10)])


@pytest.mark.parametrize("kind", [k for k in ACTING if k is not FaultKind.SLOW])
async def test_an_sms_that_was_not_handed_out_is_not_shown(caller: Caller, kind: FaultKind) -> None:
    purchase = await caller.buy()
    caller.time.now += 2
    seen = await fails(caller, "check", kind, {"purchase": purchase})
    assert isinstance(seen, type) or not isinstance(seen[1], dict) or "data" not in seen[1]
    (sms,) = caller.sim.purchases[purchase].sms
    assert not sms.shown
    await caller.call("check", {"purchase": purchase})
    assert sms.shown


# --- control over HTTP -----------------------------------------------------------------------------------------------


async def test_the_state_over_http(caller: Caller) -> None:
    purchase = await caller.buy()
    await caller.control("sms", purchase=purchase, text="Your code 123-456", code="123456")
    before = await caller.state()
    assert [s["shown"] for s in before["purchases"][0]["sms"]] == [False]
    await caller.call("check", {"purchase": purchase})
    (bought,) = (await caller.state())["purchases"]
    assert bought["purchase"] == purchase == "74001"
    assert {k: bought[k] for k in TELEGRAM} == TELEGRAM
    assert (bought["price"], bought["state"], bought["refunded"]) == (2200, "received", False)
    assert bought["phone"].startswith("+79")
    (sms,) = bought["sms"]
    assert (sms["code"], sms["text"], sms["shown"]) == ("123456", "Your code 123-456", True)
    assert before["calls"] == {"buy": 1}
    assert before["requests"][0] | {"at": ""} == {
        "at": "",
        "method": "POST",
        "path": "/api/buy",
        "endpoint": "buy",
        "status": 200,
        "parameters": TELEGRAM,
        "fault": None,
        "purchase": purchase,
    }


@pytest.mark.parametrize(
    ("state", "after", "balance"),
    [
        ("cancelled", "cancelled", 1_000_000),
        ("banned", "banned", 1_000_000),
        ("expired", "timeout", 997_800),
    ],
)
async def test_the_provider_ends_a_purchase(caller: Caller, state: str, after: str, balance: int) -> None:
    purchase = await caller.buy()
    assert (await caller.control("end", purchase=purchase, state=state))["result"]["state"] == after
    caller.time.now += 10  # the SMS that was planned does not come any more
    assert (await caller.call("check", {"purchase": purchase}))[1]["data"]["sms"] == []
    assert (await caller.state())["balance"] == balance


async def test_the_other_controls(caller: Caller) -> None:
    await caller.control("balance", balance=5000)
    await caller.control("balance", add=-300)
    await caller.control("stock", country="7", operator="1", application="9", count=3)
    await caller.control("option", dialect="query", token="other")
    await caller.control("fault", endpoint="profile", kind="empty")
    await caller.control("faults", probability=1, kinds=["html"], endpoints=["check"], seed=1)
    await caller.control("clear")
    state = await caller.state()
    assert (state["balance"], state["dialect"]) == (4700, "query")
    assert (await caller.call("profile"))[0] == 401
    await caller.control("block")
    assert (await caller.raw("GET", "profile", headers={"token": "other"}))[1]["code"] == -1
    await caller.control("reset")
    assert await caller.state() == state | {
        "balance": 1_000_000,
        "shown_balance": 1_000_000,
        "dialect": "path",
        "calls": {},
        "requests": [],
    }


@pytest.mark.parametrize(
    ("action", "args"),
    [
        ("fault", {"endpoint": "buy", "kind": "nothing"}),
        ("fault", {"endpoint": "nothing", "kind": "empty"}),
        ("fault", {"endpoint": "buy", "kind": "empty", "times": 0}),
        ("fault", {"endpoint": "buy", "kind": "empty", "wrong": 1}),
        ("faults", {"probability": 2, "kinds": ["html"]}),
        ("sms", {"purchase": "1"}),
        ("end", {"purchase": "1", "state": "cancelled"}),
        ("option", {"dialect": "nothing"}),
        ("option", {"sms_delay": -1}),
        ("option", {"state_file": "/etc/passwd"}),
        ("balance", {"balance": "much"}),
        ("balance", {"balance": "NaN"}),
        ("fault", {"endpoint": "buy", "kind": "slow", "delay": "long"}),
        ("fault", {"endpoint": "buy", "kind": "html", "status": 99}),
        ("nothing", {}),
    ],
)
async def test_wrong_controls_are_refused(caller: Caller, action: str, args: dict[str, Any]) -> None:
    answer = await caller.control(action, **args)
    assert not answer["ok"]
    assert answer["error"]


async def test_the_log_of_requests_is_bounded(caller: Caller) -> None:
    for _ in range(3):
        await caller.call("profile")
    assert caller.sim.requests.maxlen == 1000


async def test_a_purchase_is_not_ended_into_life(caller: Caller) -> None:
    purchase = await caller.buy()
    assert not (await caller.control("end", purchase=purchase, state="waiting"))["ok"]


async def test_people_buy_and_cancel_on_the_site(caller: Caller) -> None:
    caller.sim.option(sms_count=0)
    bought = (await caller.control("buy", **TELEGRAM))["result"]
    assert (bought["state"], bought["by_hand"]) == ("waiting", True)
    assert (await caller.call("check", {"purchase": bought["purchase"]}))[0] == 200
    ours = await caller.buy()
    for purchase in (ours, bought["purchase"]):
        cancelled = (await caller.control("cancel", purchase=purchase))["result"]
        assert (cancelled["state"], cancelled["refunded"], cancelled["ended_by_hand"]) == ("cancelled", True, True)
        assert cancelled["ended_at"]
    assert (await caller.state())["balance"] == 1_000_000
    assert not (await caller.control("cancel", purchase=ours))["ok"]
    assert not (await caller.control("cancel", purchase="1"))["ok"]
    assert not (await caller.control("buy", country="7", operator="1", application="9"))["ok"]
    assert not (await caller.control("buy", country="none", operator="1", application="9"))["ok"]


# --- processes and files ---------------------------------------------------------------------------------------------


async def test_the_ledger_outlives_the_simulator(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    async with running(state_file=path, book_delay=60) as caller:
        first, second = await caller.buy(), await caller.buy()
        await caller.call("cancel", {"purchase": first})
        caller.time.now += 2
        await caller.call("check", {"purchase": second})
        before = await caller.state()
    async with running(state_file=path) as caller:
        after = await caller.state()
        assert after["purchases"][1]["sms"][0]["shown"]
        for name in ("balance", "shown_balance"):
            assert after[name] == before[name]
        assert [p["state"] for p in after["purchases"]] == ["cancelled", "received"]
        assert after["purchases"][0]["ended_at"]
        assert await caller.buy() == str(int(second) + 1)


def test_a_broken_state_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "provider.json"
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no state"):
        Simulator(SimulatorOptions(state_file=path))


def test_an_unknown_dialect_is_said() -> None:
    with pytest.raises(ValueError, match="there are path"):
        Simulator(SimulatorOptions(dialect="klingon"))


@asynccontextmanager
async def process(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    started = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shomare_mqtt", "simulate", *arguments, stdout=asyncio.subprocess.PIPE
    )
    assert started.stdout is not None
    try:
        line = (await asyncio.wait_for(started.stdout.readline(), PATIENCE)).decode()
        assert line.startswith("listening on http://127.0.0.1:")
        yield started, line.split()[-1]
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


async def test_a_killed_process_comes_back_with_its_ledger(tmp_path: Path) -> None:
    path = str(tmp_path / "provider.json")
    async with aiohttp.ClientSession(headers=HEADERS) as session:
        async with process("--state", path) as (one, url):
            async with session.post(f"{url}/buy", data=TELEGRAM) as answer:
                assert answer.status == 200
            one.send_signal(signal.SIGKILL)
            await one.wait()
        async with process("--state", path, "--sms-delay", "0") as (two, url):
            async with session.get(f"{url.removesuffix('/api')}/_sim/state") as answer:
                assert len((await answer.json())["purchases"]) == 1
            two.send_signal(signal.SIGTERM)
            assert await two.wait() == 0
