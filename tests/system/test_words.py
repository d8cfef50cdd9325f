"""The provider's own words: those about a number go to whoever asked and nowhere else, whatever they quote.

A token that they repeat, all of it or twelve characters, in whatever form, goes nowhere (contract, Events).
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.system.house import PRODUCT, TOKEN
from tests.system.parrot import Parrot

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.system.house import House

pytestmark = pytest.mark.mosquitto

FORMS = [
    "48213", "482-133", "482 133", "KXQP-ZW", "ABQZ", "G-613", "48/21/3", "482*13", "④⑧②①③", "٤٨٢١٣", "4.8.2.1.3",
    "zebra giraffe", "four-eight-two", "Ⅳ⑧", "482\u200b133", "\uff14\uff18\uff12", "48&#50;13", "%34%38%32", "４８２",
    "۴۸/۲۱", "𝟒𝟖𝟐𝟏", "4\n8\n2",
]  # fmt: skip


def shapes(word: str) -> Iterator[tuple[Any, int, dict[str, str]]]:
    """Answers to a check or a cancel that fail in some way, and repeat a word."""
    plain = quote(word)
    no = {"status": False, "code": 400}
    yield {**no, "message": f"too late, it got {word}"}, 400, {}
    yield {**no, "error": {"message": word, word: word}}, 400, {}
    yield {**no, "errors": [word, {"detail": word}]}, 422, {}
    yield {"status": False, "code": word}, 400, {}
    yield {"status": word, "code": 404, "msg": word}, 404, {}
    yield {"status": False, "code": 401, "message": word}, 401, {}
    yield {"status": False, "code": -1, "description": word}, 401, {}
    yield {word: word}, 200, {}
    yield {"status": word, "data": {word: {word: [word]}}}, 200, {}
    yield {"status": True, "data": {"state": word, "lifetime": word, "expires": word}}, 200, {}
    yield {"status": False, "error_code": word, "reason": word}, 202, {}
    yield {"message": word}, 500, {}
    yield [word, word], 200, {}
    yield f"<html><title>{word}</title><body>{word}</body></html>", 200, {}
    yield f"<b>{word}</b>", 502, {}
    yield f'Warning: {word}<br>{{"status": false, "code": 400, "message": "{plain}"}}', 400, {}
    yield word, 200, {}
    yield {**no, "message": word}, 429, {"Retry-After": plain, "Date": plain, "Location": plain, "X-Code": plain}
    yield {**no, "message": word}, 302, {"Location": f"/{plain}"}


async def said(house: House, topics: Callable[[str], bool]) -> str:
    """All that left the daemon by now, less the topics that are left out."""
    await house.all_taken()
    heard = [f"{seen.topic} {seen.payload.decode(errors='replace')}" for seen in house.probe.seen if topics(seen.topic)]
    return "\n".join([*heard, *(daemon.log for daemon in house.daemons)])


async def parroted(open_house: Callable[..., Awaitable[House]], parrot: Parrot, **more: Any) -> House:
    house = await open_house()
    log = {"level": "debug", **more.pop("log", {})}
    orders = {"poll_interval": 3600, "lifetime": 3600}
    await house.start({"provider": {"base_url": parrot.base_url}, "log": log, "orders": orders, **more})
    return house


async def test_words_about_a_number_go_to_whoever_asked(open_house: Callable[..., Awaitable[House]]) -> None:
    async with Parrot() as parrot:
        house = await parroted(open_house, parrot)
        order = (await house.buy())["order"]
        usual = [next(shapes(word)) for word in FORMS]
        for number, (body, status, headers) in enumerate([*usual, *shapes("KXQP-ZW")]):
            for endpoint in ("check", "cancel"):
                parrot.say(endpoint, body, status, **headers)
            asked = {"order": order} if number % 2 else {"purchase": "999"}
            await house.probe.ask("query/check", asked)
            await house.probe.ask("cancel", asked)
        asked_for = [seen for seen in house.probe.seen if seen.topic in ("response/cancel", "response/query/check")]
        answers = [seen.json["error"]["message"] for seen in asked_for if "error" in seen.json]
        for word in FORMS:
            assert any(word in answer for answer in answers), word
        log = await said(house, lambda topic: not topic.startswith("response/"))
        assert [word for word in FORMS if word in log or json.dumps(word)[1:-1] in log or quote(word) in log] == []
        assert "command_refused" in log


async def test_an_order_that_ends_keeps_no_words(open_house: Callable[..., Awaitable[House]]) -> None:
    async with Parrot() as parrot:
        house = await open_house()
        settings = {"provider": {"base_url": parrot.base_url}, "log": {"level": "debug", "format": "json"}}
        await house.start(settings)
        order = (await house.buy())["order"]
        parrot.say("check", {"status": False, "code": 404, "message": "it got KXQP-ZW"}, 404)
        parrot.say("cancel", {"status": False, "code": "KXQP-ZW", "message": "it got KXQP-ZW"}, 400)
        assert (await house.probe.refused("cancel", {"order": order}))["upstream"]["code"] == "KXQP-ZW"
        await house.again()
        assert "KXQP-ZW" in (await house.probe.refused("query/check", {"order": order}))["message"]
        assert (await house.probe.refused("cancel", {"order": order}))["code"] == "provider_error"
        (known,) = await house.probe.ok("query/orders", {})
        assert known["order"] == order
        await house.again({**settings, "orders": {"poll_interval": 0.2, "lifetime": 1, "cancel_on_expiry": False}})
        parrot.say("check", {"status": True, "data": {"status": "waiting", "sms": None}})
        over = (await house.buy())["order"]
        parrot.say("check", {"status": False, "code": 404, "message": "it got KXQP-ZW"}, 404)
        assert (await house.order(over, "expired"))["state"] == "expired"
        everything = await said(house, lambda topic: topic not in ("response/cancel", "response/query/check"))
        assert "KXQP-ZW" not in everything


async def test_an_answer_to_buy_that_names_a_number_is_not_repeated(
    open_house: Callable[..., Awaitable[House]],
) -> None:
    async with Parrot() as parrot:
        house = await parroted(open_house, parrot)
        number = {"id": 74001, "phone": "+79313220001"}
        parrot.say("buy", {"status": False, "message": "it got KXQP-ZW", "data": number})
        answer = await house.probe.ask("buy", PRODUCT)
        assert answer["status"] == "unknown"
        assert "KXQP-ZW" in answer["error"]["message"]
        assert "KXQP-ZW" not in await said(house, lambda topic: topic != "response/buy")


async def test_why_a_purchase_was_refused_is_said(open_house: Callable[..., Awaitable[House]]) -> None:
    async with Parrot() as parrot:
        house = await parroted(open_house, parrot)
        parrot.say("buy", {"status": False, "code": 402, "message": "top up at our office"}, 402)
        await house.probe.refused("buy", PRODUCT)
        assert "top up at our office" in house.daemons[0].log


# --- the token ------------------------------------------------------------------------------------------------------


def disguised(secret: str) -> list[str]:
    """A secret as others may write it; none of these is masked by looking for the secret itself."""
    data, part = secret.encode(), secret[:12]
    in_base64 = [base64.b64encode(b"x" * before + data).decode() for before in range(3)]
    return [
        secret, part, secret[-12:], secret[1:13], secret.upper(), secret.swapcase(), secret[::-1], secret[::-1][:12],
        *in_base64, *(text.rstrip("=") for text in in_base64), base64.urlsafe_b64encode(data).decode(),
        base64.b64encode(part.encode()).decode(), data.hex(), data.hex().upper(), data.hex(" "), part.encode().hex(":"),
        "".join(f"%{byte:02X}" for byte in data), "".join(f"%{byte:02x}" for byte in part.encode()),
        "".join(f"%25{byte:02X}" for byte in data), "".join(f"&#{byte};" for byte in data), " ".join(secret),
        "\n".join(secret), "\u200b".join(secret), "-".join(secret), f"{secret[:9]}\r\n {secret[9:]}",
    ]  # fmt: skip


async def test_the_token_is_nowhere(open_house: Callable[..., Awaitable[House]]) -> None:
    forms = disguised(TOKEN)
    async with Parrot() as parrot:
        house = await parroted(open_house, parrot)
        for form in forms:
            no = {"status": False, "code": form, "message": f"the token {form} is wrong"}
            parrot.say("profile", {"status": True, "data": {"balance": 5, "key": form, form: [form], "currency": form}})
            parrot.say("allcountries", {"status": True, "data": [{"id": "7", "name": f"Russia {form}", "note": form}]})
            for endpoint in ("pricebycountry", "buy", "check", "cancel", "alloperators"):
                parrot.say(endpoint, no, 400)
            for query in ("profile", "countries", "operators"):
                await house.probe.ask(f"query/{query}")
            await house.probe.ask("query/prices", {"country": "7", "operator": "1"})
            await house.probe.ask("query/check", {"purchase": "999"})
            await house.probe.ask("cancel", {"purchase": "999"})
            await house.probe.ask("buy", PRODUCT)
        everything = await said(house, lambda _: True)
        for form in forms:
            assert form not in everything, form
            assert repr(form)[1:-1] not in everything, form


async def test_an_address_is_shown_without_what_is_secret_in_it(open_house: Callable[..., Awaitable[House]]) -> None:
    async with Parrot() as parrot:
        address = parrot.base_url.replace("//", "//anna:pa55word-9@")
        house = await open_house()
        await house.start({"provider": {"base_url": f"{address}?api_key=q9x8w7v6u5"}, "log": {"level": "debug"}})
        info = (await house.probe.message("bridge/info")).json
        assert info["settings"]["provider"]["base_url"] == parrot.base_url.replace("//", "//***@")
        everything = await said(house, lambda _: True)
        assert "q9x8w7v6u5" not in everything
        assert "pa55word-9" not in everything
