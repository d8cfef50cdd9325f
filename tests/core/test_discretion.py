"""Who is told what of the provider's words: the core alone, whatever the provider's room makes of an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from shomare_mqtt.core.market.discretion import masked
from shomare_mqtt.core.masking import Mask
from shomare_mqtt.errors import ErrorCode, OutcomeUnknownError, ProviderFailedError, ProviderRefusedError, Upstream
from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Price, PriceList, Profile, Purchase
from tests.core.world import PRODUCT, TOKEN

if TYPE_CHECKING:
    from tests.core.conftest import Opening
    from tests.core.world import World

WORDS = "it got KXQP-ZW"
REFUSED = ProviderRefusedError(ErrorCode.PROVIDER_ERROR, WORDS, Upstream(400, "KXQP-ZW"))
FAILED = ProviderFailedError(ErrorCode.PROVIDER_ERROR, WORDS, Upstream(500, "KXQP-ZW"))
UNREAD = ProviderFailedError(ErrorCode.MALFORMED_ANSWER, WORDS, Upstream(200, "KXQP-ZW"))
BLOCKED = ProviderRefusedError(ErrorCode.ACCOUNT_BLOCKED, WORDS, Upstream(401, -1))
ELSEWHERE = "what it says itself may quote an SMS and stands only in answers to `cancel` and `query/check`"


def leaks(world: World, caplog: pytest.LogCaptureFixture, *, but: str) -> list[Any]:
    """All in which the words stand, but for the answers to a command."""
    messages = world.broker.sent()
    others = [(m.topic, m.payload) for m in messages if m.topic != f"response/{but}" and not m.absolute]
    said = [*others, *world.retained.ever, *world.extensions.orders, *caplog.messages]
    return [each for each in said if "KXQP-ZW" in str(each)]


@pytest.mark.parametrize("error", [REFUSED, FAILED, UNREAD, BLOCKED], ids=["refused", "failed", "unread", "blocked"])
@pytest.mark.parametrize("command", ["cancel", "query/check"])
@pytest.mark.parametrize("ours", [True, False], ids=["ours", "another's"])
async def test_words_about_a_number(
    world: World, caplog: pytest.LogCaptureFixture, error: Any, command: str, ours: bool
) -> None:
    caplog.set_level("DEBUG")
    order = await world.buy()
    world.provider.always |= {"check": error, "cancel": error}
    answer = await world.ask(command, {"order": order["order"]} if ours else {"purchase": "999"})
    assert answer["error"]["message"] == WORDS
    assert answer["error"]["upstream"] == {"http": error.upstream.http, "code": error.upstream.code}
    await world.sleep(4000)
    assert not leaks(world, caplog, but=command)


async def test_the_words_are_the_answers_own_after_a_restart(world: World, caplog: pytest.LogCaptureFixture) -> None:
    order = await world.buy()
    world.provider.script("cancel", REFUSED)
    asked = {"order": order["order"], "transaction": "t"}
    first = await world.ask("cancel", asked)
    await world.restart(crash=True)
    assert await world.ask("cancel", asked) == {**first, "replayed": True}
    await world.sleep(3000)
    assert not leaks(world, caplog, but="cancel")


async def test_what_is_said_instead(world: World) -> None:
    world.provider.always["check"] = REFUSED
    await world.ask("query/check", {"purchase": "999"})
    error = world.json("provider/state")["error"]
    assert error["message"] == f"the provider refused the check (provider_error, HTTP 400); {ELSEWHERE}."
    assert error["upstream"] == {"http": 400, "code": None}
    world.provider.always["check"] = FAILED
    await world.ask("query/check", {"purchase": "999"})
    said = "the provider did not properly answer the check (provider_error, HTTP 500)"
    assert world.json("provider/state")["error"]["message"] == f"{said}; {ELSEWHERE}."


async def test_a_sentence_of_ours_is_said_as_it_is(world: World) -> None:
    error = ProviderFailedError(ErrorCode.PROVIDER_ERROR, "It failed.", Upstream(500, 500), plain="It failed.")
    world.provider.script("check", error)
    answer = await world.ask("query/check", {"purchase": "999"})
    assert answer["error"]["message"] == world.json("provider/state")["error"]["message"] == "It failed."


async def test_a_purchase_in_doubt_whose_answer_names_a_number(world: World, caplog: pytest.LogCaptureFixture) -> None:
    error = OutcomeUnknownError(ErrorCode.OUTCOME_UNKNOWN, WORDS, Upstream(200, "KXQP-ZW"), plain="in doubt.")
    world.provider.script("buy", error)
    answer = await world.ask("buy", PRODUCT)
    assert answer["error"]["message"].startswith(f"{WORDS}. Nobody knows")
    assert answer["error"]["upstream"] == {"http": 200, "code": "KXQP-ZW"}
    assert answer["data"]["error"]["message"].startswith("in doubt. Nobody knows")
    await world.sleep(100)
    assert not leaks(world, caplog, but="buy")


# --- the token in what is read --------------------------------------------------------------------------------------


def test_what_holds_no_words_stays_as_it_is() -> None:
    bought = Purchase("74001", "+79313226657")
    assert masked(bought, Mask((TOKEN,))) is bought


async def test_no_list_and_no_profile_repeats_the_token(opened: Opening) -> None:
    world = await opened()
    named = CatalogEntry("1", f"Iran {TOKEN}", (f"Iran {TOKEN}", TOKEN), {"note": TOKEN, TOKEN: [TOKEN]})
    world.provider.always["countries"] = Catalog(CatalogKind.COUNTRIES, (named, CatalogEntry("2", "Russia")))
    world.provider.always["profile"] = Profile(Decimal(5), TOKEN, {"key": TOKEN, "many": (1, {"token": TOKEN})})
    world.provider.always["prices"] = PriceList("2", "1", (Price("1", Decimal(5), 1, f"Telegram {TOKEN}"),))
    world.provider.always["price"] = Price("1", Decimal(5), 1, TOKEN)
    asked = [("query/countries", ""), ("query/profile", ""), ("query/price", PRODUCT)]
    asked.append(("query/prices", {"country": "2", "operator": "1"}))
    answers = [await world.data(topic, payload) for topic, payload in asked]
    assert answers[0][0] == {"id": "1", "name": "Iran ***", "note": "***", "***": ["***"]}
    assert answers[1]["many"] == [1, {"token": "***"}]
    assert TOKEN not in f"{answers} {world.retained.ever} {world.extensions.profiles} {world.extensions.prices}"
