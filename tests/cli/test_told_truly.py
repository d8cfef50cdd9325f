"""What is said when something comes between: another's answer, a broker that goes or hides, a strange screen."""

from __future__ import annotations

import json
import sys
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from shomare_mqtt import config
from shomare_mqtt.__main__ import main
from shomare_mqtt.cli.tables import Cell, Line
from tests.cli.process import finish, run, running
from tests.cli.standin import ORDER, stand_in, stand_in_on
from tests.denying import Denying
from tests.mosquitto import Mosquitto, plugin

if TYPE_CHECKING:
    from pathlib import Path

ID = str(ORDER["order"])
IN_DOUBT = ORDER | {"state": "unknown", "purchase": None, "phone": None}


def ok(data: Any) -> dict[str, Any]:
    return {"status": "ok", "data": data}


async def test_what_buying_shows_names_the_settings_file_that_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "an odd name.toml"
    file.write_text("")
    async with stand_in(lambda *_: ok([IN_DOUBT])) as daemon:
        await daemon.say("buying", "off", retain=True)
        done = await run("buying", "--config", str(file), SHOMARE_MQTT__PORT=str(daemon.port))
    assert f"`shomare-mqtt buying on --config '{file}'`" in done.out
    assert f"`shomare-mqtt resolve {ID} --not-bought --config '{file}'`" in done.out


async def test_an_answer_to_who_turned_the_switch_the_other_way_is_not_taken() -> None:
    """The last word counts: what is shown is what the switch then is."""
    async with (
        stand_in(lambda command, _: None if command == "buying/set" else ok([])) as daemon,
        running("buying", "on", "--json", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        for to in ("off", "on"):
            await daemon.say("response/buying/set", ok({"buying": to}) | {"transaction": None})
        done = await finish(process)
    assert [line["data"] for line in done.lines()] == [{"buying": "on"}]


async def test_the_switch_is_shown_as_it_is_after_it_was_turned() -> None:
    async with stand_in(lambda command, _: ok({"buying": "on"} if command == "buying/set" else [IN_DOUBT])) as daemon:
        await daemon.say("bridge/health", {"buying_paused": True, "buying_paused_reason": "a reason"}, retain=True)
        await daemon.say("buying", "on", retain=True)
        pauses = await run("buying", "on", SHOMARE_MQTT__PORT=str(daemon.port))
        await daemon.say("buying", "off", retain=True)
        turned_back = await run("buying", "on", SHOMARE_MQTT__PORT=str(daemon.port))
    assert pauses.out.startswith("Buying is on, but pauses, and goes on by itself once that is over: a reason.")
    assert f"resolve {ID} --not-bought" in pauses.out
    assert turned_back.out.startswith("Buying is off: ")


async def test_a_default_that_the_broker_hides_is_shown_as_it_was_set() -> None:
    async with stand_in(lambda command, _: ok({"country": "7"} if command.endswith("/set") else [])) as daemon:
        done = await run("defaults", "country", "Russia", SHOMARE_MQTT__PORT=str(daemon.port))
    assert done.out.split() == ["Country", "7"]


async def test_an_answer_of_before_is_no_second_purchase() -> None:
    async with stand_in(lambda _, fields: ok(ORDER) | {"replayed": fields["transaction"] == "again"}) as daemon:
        again, first = [
            await run("buy", "--transaction", each, SHOMARE_MQTT__PORT=str(daemon.port)) for each in ("again", "first")
        ]
        quiet = await run("buy", "--transaction", "again", "-q", SHOMARE_MQTT__PORT=str(daemon.port))
    assert again.out.removeprefix(first.out).startswith("This transaction was used before: nothing was done again")
    assert quiet.out == f"{ORDER['phone']}\n"


def hiding(folder: Path, *topics: str) -> list[str]:
    """Lines for a broker that refuses everybody's subscription to these topics."""
    acls = [{"acltype": "subscribeLiteral", "topic": f"shomare/{each}", "allow": False} for each in topics]
    allowed = dict.fromkeys(("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe"), True)
    roles = {
        "defaultACLAccess": allowed,
        "anonymousGroup": "all",
        "groups": [{"groupname": "all", "roles": [{"rolename": "all"}]}],
        "roles": [{"rolename": "all", "acls": acls}],
    }
    (folder / "roles.json").write_text(json.dumps(roles))
    return [f"plugin {plugin('dynamic_security')}", f"plugin_opt_config_file {folder / 'roles.json'}"]


@pytest.mark.mosquitto
async def test_what_the_broker_refuses_beside_is_done_without(tmp_path: Path) -> None:
    def answer(command: str, _: dict[str, Any]) -> dict[str, Any]:
        return ok({"country": "7"} if command.endswith("/set") else [ORDER] if command == "query/orders" else ORDER)

    lines = hiding(tmp_path, "profile", "countries", "operators", "applications", "bridge/health")
    async with Mosquitto(tmp_path, lines=lines) as broker, stand_in_on(broker.port, answer) as daemon:
        await daemon.say("buying", "on", retain=True)
        for command in ("buy", "cancel current", "query orders", "defaults country 7", "defaults", "buying"):
            done = await run(*command.split(), SHOMARE_MQTT__PORT=str(broker.port))
            assert (done.status, done.err) == (0, "")
            assert done.out


@pytest.mark.mosquitto
@pytest.mark.parametrize(("command", "filters"), [("cancel current", ["profile"]), ("buying", ["bridge/health"])])
async def test_what_the_broker_hangs_up_for_is_done_without(command: str, filters: list[str]) -> None:
    denied = tuple(f"shomare/{each}" for each in filters)
    async with (
        stand_in(lambda name, _: ok([] if name == "query/orders" else ORDER)) as daemon,
        Denying(daemon.port, lambda _: False, subscriptions=denied) as broker,
    ):
        await daemon.say("buying", "on", retain=True)
        done = await run(*command.split(), SHOMARE_MQTT__PORT=str(broker.port))
    assert (done.status, done.err) == (0, "")
    assert done.out
    assert broker.hung_up == list(denied)


async def test_a_broker_that_goes_may_come_back_with_the_purchase(tmp_path: Path) -> None:
    async with (
        Mosquitto(tmp_path) as broker,
        stand_in_on(broker.port, lambda *_: None) as daemon,
        running("buy", SHOMARE_MQTT__PORT=str(daemon.port)) as process,
    ):
        await daemon.asked.wait()
        await broker.kill()
        done = await finish(process)
    assert done.status == 1
    assert "may be carried out all the same, but not later than 30 seconds after it was sent" in done.err
    assert "`shomare-mqtt query orders` tells whether a number was bought" in done.err
    assert "has expired" not in done.err


@pytest.mark.parametrize("columns", ["0", "-1", "nonsense", "9" * 5000, "1", "2"])
async def test_columns_of_no_sense_hide_nothing(columns: str) -> None:
    async with stand_in(lambda *_: ok([ORDER])) as daemon:
        done = await run("query", "orders", SHOMARE_MQTT__PORT=str(daemon.port), COLUMNS=columns)
    assert (done.status, done.err) == (0, "")
    assert ID in "".join(done.out.split())


def test_ctrl_c_before_a_command_listens_to_it_is_no_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(config, "find_file", interrupted)
    monkeypatch.setattr(sys, "argv", ["shomare-mqtt", "check"])
    assert main() == 1


@pytest.mark.parametrize("width", [1, 2, 3])
def test_two_spaces_in_a_text_fit_the_narrowest_terminal(width: int) -> None:
    screen = Console(file=StringIO(), width=width, soft_wrap=True)
    screen.print(Line([Cell.folding("a  b")]))
    assert isinstance(screen.file, StringIO)
    assert "".join(screen.file.getvalue().split()) == "ab"
