"""The documents say what the code does: the contract's tables against the code, the README against both."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shomare_mqtt import config
from shomare_mqtt.config.tables import Table
from shomare_mqtt.errors import RETRYABLE, ErrorCode
from shomare_mqtt.model import LEGAL_MOVES, OPEN_STATES, OrderState
from shomare_mqtt.topics import SUBSCRIPTIONS, matches

TOP = Path(__file__).parent.parent
CONTRACT = (TOP / "docs" / "contract.md").read_text(encoding="utf-8")
README = (TOP / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return re.split(r"^## ", CONTRACT.split(f"\n## {title}", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, headings and rules left out."""
    lines = [line.strip().strip("|") for line in text.splitlines()]
    table = [line for line, below in pairwise([*lines, ""]) if " | " in line and not below.startswith(" ---")]
    return [[cell.strip() for cell in line.split(" | ")] for line in table if not line.startswith(" ---")]


def quoted(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def documented_keys() -> dict[str, str]:
    """`table.key` to the text in brackets that follows it."""
    found = {}
    for table, keys in rows(section("Settings")):
        name = quoted(table)[0].strip("[]")
        for key, _, default in re.findall(r"`(\w+)`( \(((?:[^()]|\([^()]*\))*)\))?", keys):
            found[f"{name}.{key}"] = default
    return found


def model_keys(model: Any = config.Settings, path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Table | config.Plugins):
            found |= model_keys(type(default), f"{path}{name}.")
        else:
            found[f"{path}{name}"] = default
    return found


def test_every_setting_is_documented() -> None:
    wanted = {key for key in model_keys() if key != "prices"}
    wanted |= {f"prices.{key}" for key in config.WatchedPrice.model_fields}
    documented = {key for key in documented_keys() if not key.endswith((".http", ".https"))}
    assert wanted <= documented


@pytest.mark.parametrize(("key", "default"), sorted(model_keys().items()))
def test_documented_defaults_are_the_codes(key: str, default: object) -> None:
    said = re.split("[;,]", documented_keys().get(key, ""))[0].strip()
    if re.fullmatch(r'"[^"]*"|[\d.]+|true|false', said):
        expected = json.loads(said)
        assert default == expected or (key == "mqtt.port" and expected == config.Mqtt().effective_port)
    else:
        assert default in (None, ()) or key in ("provider.base_url", "state.directory"), f"{key}: {said!r}, {default!r}"


def test_every_error_code_is_documented() -> None:
    codes = {code for row in rows(section("Answers")) for code in quoted(row[0])}
    assert codes == set(ErrorCode)


def test_the_retryable_codes_are_the_documented_ones() -> None:
    sentence = re.search(r"`retryable` says .*?: true for (.*?), else false", section("Commands"), re.DOTALL)
    assert sentence is not None
    assert set(quoted(sentence[1])) == RETRYABLE


def test_the_states_and_their_moves_are_the_documented_ones() -> None:
    documented = {row[0].strip("`"): set(quoted(row[2])) for row in rows(section("State")) if len(row) == 3}
    assert documented == {state.value: {move.value for move in moves} for state, moves in LEGAL_MOVES.items()}
    sentence = re.search(r"Open is (.*?)\.", section("Commands"))
    assert sentence is not None
    assert {OrderState(name) for name in quoted(sentence[1])} == OPEN_STATES


def test_every_command_of_the_contract_is_subscribed_to() -> None:
    for topics in [quoted(row[0]) for row in rows(section("Commands"))]:
        for topic in topics:
            assert any(matches(each, topic.replace("<field>", "country")) for each in SUBSCRIPTIONS), topic


def test_the_client_commands_have_the_documented_options() -> None:
    import typer  # noqa: PLC0415 - only this test needs it

    from shomare_mqtt.cli.app import app  # noqa: PLC0415

    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    for row in rows(section("Command line")):
        name, *_ = (words := quoted(row[0])[0].split())[1:]
        if name in ("doctor", "simulate"):
            continue
        options = {option for parameter in commands[name].params for option in parameter.opts}
        wanted = {word.strip("[]") for word in words if word.strip("[]").startswith("--")}
        assert wanted | ({"--config"} if name != "demo" else set()) <= options, name


# --- the README ---


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_readmes_settings_can_be_read() -> None:
    settings = [block for block in blocks("toml") if "[" in block]
    assert settings
    for block in settings:
        tables = tomllib.loads(block)
        tables.get("provider", {}).pop("token_file", None)
        config.GivenSettings.model_validate(tables)


def test_the_readmes_messages_are_commands() -> None:
    published = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("mosquitto_pub")]
    assert len(published) >= 3
    for line in published:
        words = shlex.split(line, comments=True)
        topic = words[words.index("-t") + 1].removeprefix("shomare/")
        assert any(matches(each, topic) for each in SUBSCRIPTIONS), line
        if "-m" in words and (payload := words[words.index("-m") + 1]).startswith("{"):
            assert isinstance(json.loads(payload), dict)


def test_the_readmes_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", README):
        if "://" not in target:
            assert (TOP / target).exists(), target


def test_the_readmes_topics_stand_in_the_contract() -> None:
    for row in rows(README):
        for topic in quoted(row[0]):
            assert f"`{topic.removeprefix('shomare/')}`" in CONTRACT, topic
