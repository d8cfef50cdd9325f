"""`offers`: what is asked, what is shown while the daemon reads, and what of it in the end."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from shomare_mqtt.cli import offering
from shomare_mqtt.cli.commands import Manner
from shomare_mqtt.cli.showing import Known, show
from shomare_mqtt.config import Mqtt
from tests.cli.dialogue import CTRL_C, Dialogue
from tests.cli.process import Finished, finish, run, running
from tests.cli.standin import StandIn, stand_in

if TYPE_CHECKING:
    from pathlib import Path


def offer(price: float, **more: Any) -> dict[str, Any]:
    return {
        "country": "7", "country_name": "Russia", "operator": "any", "operator_name": "Any operator", "price": price,
        "count": 1586, "updated_at": "2025-11-24T03:00:00Z", "orders": 0, "success": None,
    } | more  # fmt: skip


FOUND = {
    "application": "3", "application_name": "Telegram", "places": 200, "read": 198, "unread": 2,
    "offers": [
        offer(2220),
        offer(2400.5, operator="1", operator_name="بی\u200cلاین", count=None, orders=12, success=0.9166),
        offer(3100, country="98", country_name="ایران", orders=3, success=1),
    ],
}  # fmt: skip
OK = {"status": "ok", "data": FOUND}


def progress(read: int, event_type: str = "progress") -> tuple[str, Any]:
    return "event/offers", {"event_type": event_type, "read": read, "unread": 0, "places": 200}


async def shomare(daemon: StandIn, *arguments: str, **variables: str) -> Finished:
    return await run(*arguments, SHOMARE_MQTT__PORT=str(daemon.port), **variables)


async def test_it_sends_what_was_given() -> None:
    async with stand_in(lambda *_: OK) as daemon:
        await shomare(daemon, "offers")
        await shomare(
            daemon, "offers", "Telegram", "--country", "7", "--country", "ایران", "--operator", "any", "--limit", "5",
            "--max-price", "2500.5", "--min-price", "100",
        )  # fmt: skip
    asked = [
        {k: v for k, v in fields.items() if k not in ("transaction", "expires_at")} for _, fields, _ in daemon.heard
    ]
    assert [command for command, _, _ in daemon.heard] == ["query/offers"] * 2
    assert asked == [
        {},
        {
            "application": "Telegram", "country": ["7", "ایران"], "operator": ["any"], "limit": 5, "max_price": 2500.5,
            "min_price": 100,
        },
    ]  # fmt: skip


async def test_people_get_a_table_and_what_it_lacks() -> None:
    async with stand_in(lambda *_: OK) as daemon:
        done = await shomare(daemon, "offers", "Telegram", TZ="UTC")
    assert (done.status, done.err) == (0, "")
    assert done.out == (
        "Telegram (3), cheapest first:\n"
        "  Price  Country     Operator            In stock  Bought  With SMS  Updated (UTC)\n"
        "  2,220  Russia (7)  Any operator (any)     1,586       0         –  2025-11-24 03:00:00\n"
        "2,400.5  Russia (7)  بی\u200cلاین (1)                 –      12       92%  2025-11-24 03:00:00\n"
        "  3,100  ایران (98)  Any operator (any)     1,586       3      100%  2025-11-24 03:00:00\n"
        "2 of 200 places could not be read; asked again, they are tried again.\n"
    )


async def test_programs_get_the_answer_as_it_came_or_the_bare_rows() -> None:
    async with stand_in(lambda *_: OK) as daemon:
        as_json = await shomare(daemon, "offers", "--json")
        bare = await shomare(daemon, "offers", "-q")
    assert [line["data"] for line in as_json.lines()] == [FOUND]
    assert bare.out == "7\tany\t2220\t1586\n7\t1\t2400.5\t\n98\tany\t3100\t1586\n"


async def test_where_there_is_none() -> None:
    async with stand_in(lambda *_: {"status": "ok", "data": FOUND | {"offers": [], "unread": 0}}) as daemon:
        done = await shomare(daemon, "offers", "Telegram")
    assert done.out == "Telegram (3), cheapest first:\nNothing there.\n"


async def test_a_refusal_is_told() -> None:
    message = "700 price lists would have to be read, and offers.max_requests allows 600"
    refused = {"status": "error", "error": {"code": "invalid_command", "message": message, "retryable": False}}
    async with stand_in(lambda *_: refused) as daemon:
        done = await shomare(daemon, "offers", "Telegram")
    assert done == Finished(1, "", f"shomare-mqtt: {message} (invalid_command)\n")


async def test_on_a_terminal_a_bar_shows_how_far_it_is_and_is_gone_in_the_end(tmp_path: Path) -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        Dialogue("offers", "3", cwd=tmp_path, SHOMARE_MQTT__PORT=str(daemon.port), TERM="xterm") as screen,
    ):
        await daemon.asked.wait()
        await daemon.say(*progress(50))
        await screen.sees(r"Reading price lists .* 50/200")
        await daemon.say(*progress(150))
        await screen.sees(r"150/200")
        await daemon.say(*progress(200, "done"))
        await daemon.say("response/query/offers", OK | {"transaction": daemon.heard[0][1]["transaction"]})
        assert await screen.ends() == 0
    assert "2,220" in screen.shown
    assert "\x1b[2K" in screen.shown.partition("150/200")[2], "the bar is wiped out"


async def test_in_a_pipe_nothing_but_the_answer_is_shown() -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        running("offers", "3", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        await daemon.say(*progress(50))
        await daemon.say("event/offers", "no JSON")
        await daemon.say("response/query/offers", OK | {"transaction": "another's"})
        await daemon.say("response/query/offers", OK | {"transaction": daemon.heard[0][1]["transaction"]})
        done = await finish(process)
    assert done.status == 0
    assert done.out.startswith("Telegram (3), cheapest first:\n")


async def test_it_waits_for_hours_and_tells_the_daemon_so() -> None:
    async with stand_in(lambda *_: OK) as daemon:
        await shomare(daemon, "offers", "--timeout", "2", SHOMARE_MQTT__PROTOCOL="5")
    _, fields, _ = daemon.heard[0]
    assert fields["expires_at"] > "2026"


async def test_interrupted_it_says_what_goes_on(tmp_path: Path) -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        Dialogue("offers", cwd=tmp_path, SHOMARE_MQTT__PORT=str(daemon.port)) as screen,
    ):
        await daemon.asked.wait()
        screen.types(CTRL_C)
        assert await screen.ends() == 1
    assert "nothing was bought. The daemon reads on" in screen.shown


async def test_a_daemon_that_goes_is_said() -> None:
    async with (
        stand_in(lambda *_: None) as daemon,
        running("offers", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        await daemon.say("bridge/state", "offline", retain=True)
        done = await finish(process)
    assert (done.status, done.out) == (1, "")
    assert "the daemon went offline before it had read all" in done.err


async def test_a_daemon_that_is_mute_is_asked_whether_it_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(offering, "_SILENCE", 0.01)
    transactions: list[str] = []
    asked = asyncio.Event()

    def answer(command: str, fields: dict[str, Any]) -> dict[str, Any] | None:
        if command == "query/offers":
            transactions.append(fields["transaction"])
            return None
        assert command == "query/orders"
        asked.set()
        return {"status": "ok", "data": []}

    async with stand_in(answer) as daemon:
        settings = Mqtt.model_validate({"port": daemon.port})
        waiting = asyncio.create_task(offering.offers(settings, {}, Manner(60.0, json=True)))
        await asked.wait()
        await daemon.say("response/query/offers", OK | {"transaction": transactions[0]})
        await waiting
    assert '"places": 200' in capsys.readouterr().out


@pytest.mark.parametrize("width", [*range(12, 121), 10_000])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    screen = Console(file=io.StringIO(), width=width, highlight=False, markup=False, emoji=False, soft_wrap=True)
    show(screen, "offers", FOUND, Known("IRT"))
    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert max(cell_len(line) for line in text.splitlines()) <= max(width, 14)
    for price in ("2,220 IRT", "2,400.5 IRT", "3,100 IRT"):
        assert price in text or width < len(price) + 2
