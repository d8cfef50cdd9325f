"""The client against real HTTP servers: what it learns, what it repeats, and above all what it does not."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.readability import is_unreadable
from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderError, ProviderRefusedError
from shomare_mqtt.model import CatalogKind, Known, Priority, Product, PurchaseState
from shomare_mqtt.provider.client import Client
from shomare_mqtt.provider.limiter import Limiter
from tests.mosquitto import free_port

from .fakes import QuickClock, allowed
from .servers import Answer, Asked, Server, http, outlast, raw, reset, says, serving, settings

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable

PRODUCT = Product("7", "1", "3")
KNOWN = Known(country="7", operator="1", application="3")
QUERY, POLL, MONEY = Priority.QUERY, Priority.POLL, Priority.MONEY
HTML_404 = http(404, b"<html>Not Found</html>", content_type="text/html")
STYLES = ["path", "query", "form", "json"]
PARAMETERS = {
    "pricebycountry": ["country_id", "OperatorID"],
    "pricebyproduct": ["country_id", "OperatorID", "service"],
    "buy": ["country_id", "OperatorID", "service"],
    "check": ["order_id"],
    "cancel": ["order_id"],
}
SUCCESS: dict[str, Any] = {
    "profile": {"status": True, "data": {"balance": 1000}},
    "allcountries": {"status": True, "data": [{"id": 7, "name": "Russia"}]},
    "pricebycountry": {"status": True, "data": [{"application": 3, "price": 2200, "count": 5}]},
    "pricebyproduct": {"status": True, "data": {"price": 2200, "count": 5}},
    "buy": {"status": True, "data": {"id": 74001, "number": "+79313226657", "price": 2200}},
    "check": {"status": True, "data": {"id": 74001, "number": "+79313226657", "sms": None, "state": "waiting"}},
    "cancel": {"status": True, "code": 200},
}


@dataclass
class Memory:
    learnt: dict[str, str] = field(default_factory=dict)
    seen: dict[str, str] = field(default_factory=dict)
    saved: int = 0

    def load(self) -> dict[str, str]:
        return self.learnt | self.seen

    async def save(self, learnt: dict[str, str]) -> None:
        self.seen = {name: text for name, text in learnt.items() if name.startswith("seen ")}
        self.learnt = {name: text for name, text in learnt.items() if name not in self.seen}
        self.saved += 1


@dataclass
class Api:
    """The documented API in given styles; `override` answers instead where it returns something."""

    style: str
    buy: str
    styles: dict[str, str] = field(default_factory=dict)
    override: Callable[[Asked], Answer | None] = lambda asked: None
    bought: list[dict[str, str]] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)

    async def __call__(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        answer = self.override(asked) or self._answer(asked)
        await answer(asked, writer)

    def _answer(self, asked: Asked) -> Answer:
        endpoint, rest = asked.path[1], asked.path[2:]
        names = PARAMETERS.get(endpoint, [])
        style = self.buy if endpoint == "buy" else self.styles.get(endpoint, self.style)
        if (style == "path" and len(rest) != len(names)) or (style != "path" and rest):
            return raw(HTML_404)
        given = {
            "path": dict(zip(names, rest, strict=False)),
            "query": asked.query,
            "form": asked.form,
            "json": asked.json,
        }
        parameters = {name: given[style][name] for name in names if name in given[style]}
        if len(parameters) != len(names) or parameters.get("country_id", "7") != "7":
            return says(404, {"status": False, "code": 404, "message": "parameter missing"})
        if endpoint == "buy":
            self.bought.append(parameters)
        if endpoint == "cancel":
            self.cancelled.append(parameters["order_id"])
        return says(200, SUCCESS[endpoint])


@dataclass
class Bench:
    client: Client
    memory: Memory
    clock: QuickClock


@asynccontextmanager
async def connected(
    url: str, memory: Memory | None = None, token: str = "s3cret-token", **options: Any
) -> AsyncIterator[Bench]:
    clock, memory = QuickClock(), memory or Memory()
    client = Client(
        settings(url, **options),
        token,
        clock=clock,
        limiter=Limiter(0, clock),
        memory=memory,
        logger=logging.getLogger("test.provider"),
    )
    async with client:
        yield Bench(client, memory, clock)


@asynccontextmanager
async def api(
    style: str = "path", buy: str = "form", memory: Memory | None = None, **options: Any
) -> AsyncIterator[tuple[Bench, Server, Api]]:
    if "buy_" in options:
        options["buy"] = options.pop("buy_")
    provider = Api(style, buy, override=options.pop("override", lambda asked: None), styles=options.pop("styles", {}))
    async with serving(provider) as server, connected(server.url, memory, **options) as bench:
        yield bench, server, provider


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


# --- learning --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("buy", STYLES)
async def test_every_style_is_learnt_and_one_number_bought(style: str, buy: str) -> None:
    async with api(style, buy) as (bench, server, provider):
        client = bench.client
        bought = await client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert bought.purchase == "74001"
        assert provider.bought == [{"country_id": "7", "OperatorID": "1", "service": "3"}]
        assert (await client.price(PRODUCT, known=KNOWN, priority=QUERY)).price == Decimal(2200)
        check = await client.check("74001", known=KNOWN, priority=POLL)
        assert check.state is PurchaseState.WAITING
        await client.cancel("74001", known=KNOWN)
        assert provider.cancelled == ["74001"]
        learnt = {"pricebycountry": style, "pricebyproduct": style, "check": style, "cancel": style, "buy": buy}
        assert bench.memory.learnt == learnt
        before = len(server.asked)
        await client.prices("7", "1", known=KNOWN, priority=QUERY)
        await client.buy(PRODUCT, known=KNOWN, permit=allowed)
        await client.check("74001", known=KNOWN, priority=POLL)
        await client.cancel("74001", known=KNOWN)
        assert server.endpoints()[before:] == ["pricebycountry", "buy", "check", "cancel"]


async def test_what_was_learnt_is_used_from_the_start() -> None:
    memory = Memory({"pricebycountry": "query", "buy": "json", "check": "query"})
    async with api("query", "json", memory) as (bench, server, provider):
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        await bench.client.cancel("74001", known=KNOWN)
        assert server.endpoints() == ["buy", "check", "cancel"]
        assert len(provider.bought) == 1


async def test_what_is_set_by_hand_is_not_learnt() -> None:
    names: dict[str, Any] = {
        "country": "country_id",
        "operator": "OperatorID",
        "application": "service",
        "purchase": "order_id",
    }
    async with api("query", "json", parameters="query", buy_="json", **names) as (bench, server, _):
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        assert server.endpoints() == ["buy", "check"]
        assert server.asked[0].json == {"country_id": "7", "OperatorID": "1", "service": "3"}
        assert server.asked[1].query == {"order_id": "74001"}


async def test_a_style_set_wrongly_buys_nothing_and_says_so() -> None:
    async with api("path", "form", parameters="path", buy_="json") as (bench, server, provider):
        with pytest.raises(ProviderRefusedError) as caught:
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert caught.value.code is ErrorCode.NOT_FOUND
        assert server.endpoints() == ["buy"]
        assert provider.bought == []


async def test_a_check_of_another_style_than_prices_is_learnt_apart() -> None:
    async with api("path", "form", styles={"check": "query", "cancel": "query"}) as (bench, server, provider):
        await bench.client.prices("7", "1", known=KNOWN, priority=QUERY)
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        await bench.client.cancel("74001", known=KNOWN)
        assert server.endpoints() == ["pricebycountry", "check", "check", "cancel"]
        assert provider.cancelled == ["74001"]


async def test_a_cancel_of_another_style_is_found_where_nothing_was_cancelled_before() -> None:
    async with api("path", "form", styles={"cancel": "query"}) as (bench, server, provider):
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        await bench.client.cancel("74001", known=KNOWN)
        assert server.endpoints() == ["pricebycountry", "check", "cancel", "cancel"]
        assert provider.cancelled == ["74001"]


async def test_an_empty_list_teaches_nothing_but_is_the_answer() -> None:
    def empty(asked: Asked) -> Answer | None:
        return says(200, {"status": True, "data": []}) if asked.path[1:] == ["pricebycountry", "7", "1"] else None

    async with api("path", override=empty) as (bench, server, _):
        prices = await bench.client.prices("7", "1", known=KNOWN, priority=QUERY)
        assert prices.prices == ()
        assert bench.memory.learnt == {}
        assert len(server.asked) == 4


async def test_a_token_that_is_refused_ends_the_learning() -> None:
    async with serving(says(401, {"status": False, "code": 401})) as server, connected(server.url) as bench:
        with pytest.raises(ProviderRefusedError) as caught:
            await bench.client.prices("7", "1", known=KNOWN, priority=QUERY)
        assert caught.value.code is ErrorCode.INVALID_TOKEN
        assert len(server.asked) == 1


async def test_ids_that_do_not_exist_are_not_found_in_any_style() -> None:
    async with api("query", "form") as (bench, _server, provider):
        with pytest.raises(ProviderRefusedError) as caught:
            await bench.client.prices("99", "1", known=Known(), priority=QUERY)
        assert caught.value.code is ErrorCode.NOT_FOUND
        with pytest.raises(ProviderRefusedError) as caught:
            await bench.client.buy(Product("99", "1", "3"), known=Known(), permit=allowed)
        assert caught.value.code is ErrorCode.NOT_FOUND
        assert provider.bought == []


async def test_learning_that_fails_is_not_tried_before_each_call() -> None:
    def broken(asked: Asked) -> Answer | None:
        if asked.path[1] == "pricebycountry":
            return says(500, {"message": "Server Error"})
        return says(402, {"status": False, "code": 402}) if asked.path[1] == "buy" else None

    async with api("path", "form", override=broken) as (bench, server, _):
        for _ in range(3):
            with pytest.raises(ProviderRefusedError):
                await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert server.endpoints() == ["pricebycountry"] * 4 + ["buy"] * 3
        bench.clock.seconds += 61
        with pytest.raises(ProviderRefusedError):
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert Counter(server.endpoints())["pricebycountry"] == 8


# --- forgetting ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["query", "form", "json"])
async def test_a_404_without_json_forgets_and_learns_anew_in_the_same_call(wrong: str) -> None:
    def gone(asked: Asked) -> Answer | None:
        return raw(HTML_404) if len(asked.path) == 2 else None

    memory = Memory({"pricebycountry": wrong, "check": wrong, "buy": wrong})
    async with api("path", "path", memory, override=gone) as (bench, _, provider):
        await bench.client.prices("7", "1", known=KNOWN, priority=QUERY)
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert len(provider.bought) == 1
    assert memory.learnt == {"pricebycountry": "path", "check": "path", "buy": "path"}


async def test_what_no_style_reaches_is_forgotten() -> None:
    memory = Memory({"pricebycountry": "path", "buy": "form"})
    async with serving(raw(HTML_404)) as server, connected(server.url, memory) as bench:
        for call in (
            bench.client.prices("7", "1", known=KNOWN, priority=QUERY),
            bench.client.buy(PRODUCT, known=KNOWN, permit=allowed),
        ):
            with pytest.raises(ProviderRefusedError) as caught:
                await call
            assert caught.value.code is ErrorCode.UNKNOWN_ENDPOINT
    assert memory.learnt == {}


async def test_a_404_in_the_providers_own_words_is_no_reason_to_forget() -> None:
    memory = Memory({"pricebycountry": "path", "check": "path", "buy": "form"})
    async with api("query", "json", memory, override=lambda _: says(404, {"status": False, "code": 404})) as (
        bench,
        server,
        _,
    ):
        for call in (
            bench.client.check("1", known=KNOWN, priority=POLL),
            bench.client.buy(PRODUCT, known=KNOWN, permit=allowed),
            bench.client.cancel("1", known=KNOWN),
        ):
            with pytest.raises(ProviderRefusedError) as caught:
                await call
            assert caught.value.code is ErrorCode.NOT_FOUND
        assert server.endpoints() == ["check", "buy", "cancel"]
        assert memory.saved == 0


# --- buying and cancelling are never repeated ------------------------------------------------------------------------

UNDECIDED: dict[str, Answer] = {
    "hang": outlast,
    "reset": reset,
    "html": raw(http(200, b"<html></html>", content_type="text/html")),
    "html 403": raw(http(403, b"<html></html>", content_type="text/html")),
    "framework's 500": says(500, {"message": "Server Error"}),
    "gateway": raw(http(502, b"bad gateway", content_type="text/plain")),
    "busy": raw(http(503, b"", "Retry-After: 1\r\n")),
    "too many": says(429, {"message": "Too Many Attempts."}),
    "redirect": says(302, {}, "Location: /login\r\n"),
    "names no number": says(200, {"status": True}),
    "empty": raw(http(200, b"")),
    "cut": raw(http(200, b'{"status": true, "data": {"id": 74')),
}


@pytest.mark.parametrize("memory", [{}, {"pricebycountry": "path"}, {"buy": "form"}], ids=str)
@pytest.mark.parametrize("answer", UNDECIDED)
async def test_a_buy_of_unknown_outcome_is_sent_once(answer: str, memory: dict[str, str]) -> None:
    def only_buy(asked: Asked) -> Answer | None:
        return UNDECIDED[answer] if asked.path[1] == "buy" else None

    async with api("query", "form", Memory(memory), override=only_buy) as (bench, server, _):
        with pytest.raises(OutcomeUnknownError) as caught:
            await bench.client.buy(PRODUCT, known=Known(), permit=allowed)
        assert caught.value.code is ErrorCode.OUTCOME_UNKNOWN
        assert Counter(server.endpoints())["buy"] == 1
        assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "said", "code"),
    [
        (401, {"status": False, "code": 401}, ErrorCode.INVALID_TOKEN),
        (401, {"status": False, "code": -1}, ErrorCode.ACCOUNT_BLOCKED),
        (402, {"status": False, "code": 402}, ErrorCode.INSUFFICIENT_BALANCE),
        (403, {"status": False, "code": 403}, ErrorCode.MISSING_TOKEN),
        (500, {"status": False, "code": 500}, ErrorCode.NO_NUMBERS),
        (400, {"status": False, "code": 400}, ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_a_refused_buy_ends_and_teaches_nothing(status: int, said: dict[str, Any], code: ErrorCode) -> None:
    async with api(override=lambda asked: says(status, said) if asked.path[1] == "buy" else None) as (bench, server, _):
        with pytest.raises(ProviderRefusedError) as caught:
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert caught.value.code is code
        assert Counter(server.endpoints())["buy"] == 1
        assert "buy" not in bench.memory.learnt


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize("body", [b"", b"<html></html>", b'{"message": "Not Found"}'])
async def test_what_documents_that_nothing_was_bought_goes_on(status: int, body: bytes) -> None:
    def form_alone_is_no_address(asked: Asked) -> Answer | None:
        return raw(http(status, body)) if asked.form else None

    async with api("query", "json", override=form_alone_is_no_address) as (bench, _, provider):
        await bench.client.buy(PRODUCT, known=Known(), permit=allowed)
        assert len(provider.bought) == 1


async def test_a_buy_that_breaks_in_the_second_style_is_unknown_and_ends() -> None:
    def second(asked: Asked) -> Answer | None:
        return reset if asked.path[1] == "buy" and asked.json else None

    memory = Memory({"pricebycountry": "form"})
    async with api("form", "query", memory, override=second) as (bench, server, provider):
        with pytest.raises(OutcomeUnknownError):
            await bench.client.buy(PRODUCT, known=Known(), permit=allowed)
        assert server.endpoints() == ["buy", "buy"]
        assert provider.bought == []


@pytest.mark.parametrize("answer", ["hang", "reset", "gateway", "busy", "too many", "framework's 500", "html"])
async def test_a_cancel_is_sent_once(answer: str) -> None:
    memory = Memory({"pricebycountry": "path"})
    async with serving(UNDECIDED[answer]) as server, connected(server.url, memory) as bench:
        with pytest.raises(ProviderError) as caught:
            await bench.client.cancel("74001", known=KNOWN)
        assert server.endpoints() == ["cancel"]
        if answer in ("hang", "reset"):
            assert caught.value.code is ErrorCode.PROVIDER_TIMEOUT


async def test_a_cancel_that_was_answered_otherwise_than_with_404_or_405_ends_before_the_next_style() -> None:
    async with api(override=lambda _: says(422, {"message": "no"})) as (bench, server, _):
        with pytest.raises(ProviderError):
            await bench.client.cancel("74001", known=Known())
        assert server.endpoints() == ["cancel"]


# --- what only reads is repeated -------------------------------------------------------------------------------------


def times(count: int, answer: Answer) -> Callable[[Asked], Answer | None]:
    left = [count]

    def override(asked: Asked) -> Answer | None:
        left[0] -= 1
        return answer if left[0] >= 0 else None

    return override


@pytest.mark.parametrize("answer", ["reset", "gateway"])
async def test_passing_failures_are_asked_again_with_jitter(answer: str) -> None:
    # aiohttp itself asks once more where a connection breaks.
    count = 4 if answer == "reset" else 2
    async with api(override=times(count, UNDECIDED[answer])) as (bench, _, _provider):
        profile = await bench.client.profile(priority=QUERY)
        assert profile.balance == Decimal(1000)
        assert [0.25 <= bench.clock.slept[0] <= 0.75, 0.5 <= bench.clock.slept[1] <= 1.5] == [True, True]


async def test_a_provider_that_cannot_be_reached_is_asked_three_times() -> None:
    async with connected(f"http://127.0.0.1:{free_port()}/api") as bench:
        with pytest.raises(ProviderError) as caught:
            await bench.client.profile(priority=QUERY)
        assert caught.value.code is ErrorCode.PROVIDER_UNREACHABLE
        assert bench.client.counters == {"profile": 3, "profile.errors": 3}


@pytest.mark.parametrize("answer", ["busy", "too many", "framework's 500", "html"])
async def test_what_does_not_pass_is_not_asked_again(answer: str) -> None:
    async with api(override=times(1, UNDECIDED[answer])) as (bench, server, _):
        with pytest.raises(ProviderError):
            await bench.client.catalog(CatalogKind.COUNTRIES, priority=QUERY)
        assert len(server.asked) == 1


async def test_polls_are_not_repeated() -> None:
    async with api(memory=Memory({"check": "path"}), override=times(1, UNDECIDED["gateway"])) as (bench, server, _):
        with pytest.raises(ProviderError):
            await bench.client.check("74001", known=KNOWN, priority=POLL)
        assert len(server.asked) == 1


async def test_retry_after_reaches_the_caller() -> None:
    async with serving(says(429, {}, "Retry-After: 17\r\n")) as server, connected(server.url) as bench:
        with pytest.raises(ProviderError) as caught:
            await bench.client.profile(priority=QUERY)
        assert caught.value.retry_after == 17


@pytest.mark.parametrize("seconds", ["86400", "999999999999", "Sun, 01 Jan 2090 00:00:00 GMT"])
async def test_nobody_is_believed_who_says_to_wait_a_day(seconds: str) -> None:
    async with serving(says(429, {}, f"Retry-After: {seconds}\r\n")) as server, connected(server.url) as bench:
        with pytest.raises(ProviderError) as caught:
            await bench.client.profile(priority=QUERY)
        assert caught.value.retry_after == 300


@pytest.mark.parametrize("endpoint", ["profile", "check"])
@pytest.mark.parametrize(
    ("status", "body", "is_page"),
    [
        (200, b"<html>M5-6</html>", True),
        (403, b"<html>M5-6</html>", True),
        (502, b"<html>Bad Gateway</html>", True),
        (500, b"", True),
        (404, b"<html>M5-6</html>", True),
        (200, b"{}", True),
        (429, b"Too Many Requests", False),
        (502, b'{"message": "Bad Gateway"}', False),
        (500, b'{"status": false, "code": 500}', False),
    ],
)
async def test_what_nobody_can_read(status: int, body: bytes, is_page: bool, endpoint: str) -> None:
    async with serving(raw(http(status, body))) as server, connected(server.url) as bench:
        client = bench.client
        call = (
            client.check("74001", known=KNOWN, priority=POLL) if endpoint == "check" else client.profile(priority=POLL)
        )
        with pytest.raises(ProviderError) as caught:
            await call
    assert is_unreadable(caught.value) is is_page


# --- the rest --------------------------------------------------------------------------------------------------------


async def test_every_request_takes_a_slot_of_its_priority() -> None:
    class Slots(Limiter):
        taken: list[Priority]

        async def slot(self, priority: Priority) -> None:
            self.taken.append(priority)

    async with api("query", "json") as (bench, server, _):
        slots = Slots(0, bench.clock)
        slots.taken = []
        bench.client._caller._limiter = slots
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert slots.taken == [MONEY] * len(server.asked)
        await bench.client.check("74001", known=KNOWN, priority=POLL)
        assert slots.taken[-1] is POLL


async def test_the_log_names_neither_token_nor_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with api() as (bench, _, _provider):
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
            await bench.client.check("74001", known=KNOWN, priority=POLL)
    text = caplog.text
    assert " buy: HTTP 200 in" in text
    assert not any(secret in text for secret in ("s3cret", "79313226657", "74001"))


async def test_what_a_buy_taught_is_saved_by_the_next_call_or_at_the_end() -> None:
    memory = Memory({"pricebycountry": "path"})
    async with api("path", "form", memory) as (bench, _, _provider):
        await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
        assert "buy" not in memory.learnt
    assert memory.learnt["buy"] == "form"


async def test_odd_ids_arrive_as_they_are() -> None:
    seen: list[list[str]] = []

    def note(asked: Asked) -> Answer | None:
        seen.append(asked.path)
        return says(404, {"status": False, "code": 404})

    async with api(override=note, parameters="path") as (bench, _, _provider):
        with pytest.raises(ProviderRefusedError):
            await bench.client.cancel("a/../b?c#d%2F+é", known=Known())
    assert seen == [["api", "cancel", "a/../b?c#d%2F+é"]]


@pytest.mark.parametrize("part", [slice(None), slice(0, 14)], ids=["whole", "a part of it"])
async def test_our_own_token_is_no_purchase(part: slice) -> None:
    """It would stand in retained topics."""

    def echo(asked: Asked) -> Answer | None:
        answer = {"status": True, "data": {"token": asked.headers["token"][part], "number": "+79313226657"}}
        return says(200, answer) if asked.path[1] == "buy" else None

    async with api(override=echo, token="s3cret-token-of-ours") as (bench, _, _provider):
        with pytest.raises(OutcomeUnknownError) as caught:
            await bench.client.buy(PRODUCT, known=KNOWN, permit=allowed)
    assert "s3cret" not in caught.value.message


@pytest.mark.parametrize("call", ["check", "cancel"])
async def test_an_answer_about_another_purchase_is_none(call: str) -> None:
    def other(asked: Asked) -> Answer | None:
        is_it = asked.path[1] == call
        return says(200, {"status": True, "data": {"id": 99999, "state": "CANCELED"}}) if is_it else None

    async with api(override=other) as (bench, _, _provider):
        client = bench.client
        asked = client.cancel("74001", known=KNOWN) if call == "cancel" else None
        with pytest.raises(ProviderError) as caught:
            await (asked or client.check("74001", known=KNOWN, priority=QUERY))
    assert caught.value.code is ErrorCode.MALFORMED_ANSWER
    assert "is about another purchase or number" in caught.value.message
    assert is_unreadable(caught.value)
