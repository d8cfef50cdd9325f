"""The documents say what the code does: the contract's tables against the code, the README against both."""

from __future__ import annotations

import ast
import importlib
import inspect
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
from shomare_mqtt.model import FIELDS_BY_HAND, LEGAL_MOVES, OPEN_STATES, OrderState, PurchaseState
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


FREE = ("provider.fields", "provider.states")


def documented_keys() -> dict[str, str]:
    """`table.key` to the text in brackets that follows it."""
    found: dict[str, str] = {}
    for table, keys in rows(section("Settings")):
        name = quoted(table)[0].strip("[]")
        if name == FREE[0]:  # of these two tables the owner's own words are the keys
            found |= dict.fromkeys((free for free in FREE if f"`[{free}]`" in f"{table}{keys}"), "")
            continue
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
        assert default in (None, (), {}) or key in ("provider.base_url", "state.directory"), (
            f"{key}: {said!r}, {default!r}"
        )


def test_the_fields_and_states_that_may_be_set_by_hand_are_the_documented_ones() -> None:
    (said,) = [keys for table, keys in rows(section("Settings")) if quoted(table) == ["[provider.fields]"]]
    places, states = said.split("; `[provider.states]`")
    fields = re.findall(r'`"([a-z.]+)"`', places)
    others = re.search(r"\(and so for `(\w+)`, `(\w+)`\)", places)
    assert others is not None
    fields += [field.replace("countries", each) for each in others.groups() for field in fields if "countries" in field]
    assert sorted(fields) == sorted(FIELDS_BY_HAND)
    assert quoted(states.split(" = ")[1].split(".")[0]) == [state.value for state in PurchaseState]


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
        if name == "simulate":
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
    commands = re.findall(
        r"mosquitto_(?:pub|rr) (?:'[^']*'|[^'|&\n])*", re.sub(r"\$\(.*?\)", "now", "".join(blocks("sh")))
    )
    assert len(commands) >= 4
    for command in commands:
        words = shlex.split(command, comments=True)
        topic = words[words.index("-t") + 1].removeprefix("shomare/")
        assert any(matches(each, topic) for each in SUBSCRIPTIONS), command
        if "-e" in words:
            assert words[words.index("-e") + 1] == f"shomare/response/{topic}"
        if "-m" in words and (payload := words[words.index("-m") + 1]).startswith("{"):
            assert isinstance(json.loads(payload), dict)


@pytest.mark.parametrize("document", ["README.md", "docs/amqtt.md", "docs/metrics.md", "docs/provider.md"])
def test_the_documents_links_lead_somewhere(document: str) -> None:
    path = TOP / document
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_the_readmes_topics_stand_in_the_contract() -> None:
    for row in rows(README):
        for topic in quoted(row[0]):
            assert f"`{topic.removeprefix('shomare/')}`" in CONTRACT, topic


# --- how it is built ---

ARCHITECTURE = (TOP / "docs" / "architecture.md").read_text(encoding="utf-8")
PACKAGE = TOP / "shomare_mqtt"
ARROWS = re.findall(r"^ +([a-z_.]+)(-?->>)([a-z_.]+): (\S+)$", ARCHITECTURE, re.MULTILINE)


def thing(path: str) -> Any:
    """A module below the package, or what stands in one."""
    module, *names = re.split(r"\.(?=_*[A-Z])", path, maxsplit=1)
    found: Any = importlib.import_module(f"shomare_mqtt.{module}")
    for name in ".".join(names).split(".") if names else []:
        found = getattr(found, name)
    return found


def test_the_drawing_is_read_whole() -> None:
    drawing = ARCHITECTURE.split("```mermaid\nsequenceDiagram\n")[1].split("```")[0].splitlines()
    others = ("autonumber", "Note over ")
    assert len(ARROWS) == sum(bool(line.strip()) and not line.strip().startswith(others) for line in drawing) > 30
    for module in re.findall(r"Note over (\S+):", ARCHITECTURE):
        thing(module)


@pytest.mark.parametrize(("caller", "arrow", "module", "function"), ARROWS)
def test_each_arrow_of_the_drawing_is_a_call_in_the_code(caller: str, arrow: str, module: str, function: str) -> None:
    assert callable(thing(f"{module}.{function}"))
    source = inspect.getsource(thing(caller))
    if arrow == "->>":
        assert f".{function.rpartition('.')[2]}(" in source


def test_each_function_that_the_architecture_names_is_there() -> None:
    texts = re.sub(r"```.*?```", "", ARCHITECTURE, flags=re.DOTALL)
    named = [name for name in quoted(texts) if re.fullmatch(r"[a-z_]+\.[a-z_]+(\.\w+)*", name)]
    notes = re.findall(r"Note over (\S+): .*\((\S+)\)", ARCHITECTURE)
    assert len(named) + len(notes) >= 5
    for path in (*named, *(".".join(note) for note in notes)):
        thing(path)


def constructors(file: Path) -> list[tuple[int, str]]:
    """How many parts each class of a file is made from."""
    classes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]
    made = [
        (c.name, f.args) for c in classes for f in c.body if isinstance(f, ast.FunctionDef) and f.name == "__init__"
    ]
    return [(len([*args.posonlyargs, *args.args[1:], *args.kwonlyargs]), name) for name, args in made]


@pytest.mark.parametrize("row", rows(ARCHITECTURE), ids=lambda row: quoted(row[0])[0])
def test_the_table_of_rooms_is_the_codes(row: list[str]) -> None:
    room, _, lines, _, now = row
    folder = PACKAGE / quoted(room)[0]
    files = list(folder.glob("*.py") if "its own files" in room else folder.rglob("*.py"))
    count = sum(len(file.read_text().splitlines()) for file in files)
    assert abs(count - int(lines)) <= count / 4, f"{count} lines by now"
    most = max(n for n, _ in found) if (found := [c for file in files for c in constructors(file)]) else 0
    assert now.split()[0] == str(most)
    assert {(most, name) for name in quoted(now)} <= set(found)


def test_every_room_stands_in_the_table() -> None:
    folders = {str(file.parent.relative_to(PACKAGE)) for file in PACKAGE.rglob("__init__.py")}
    rooms = {quoted(row[0])[0] for row in rows(ARCHITECTURE)}
    assert {f for f in folders if f != "." and ("/" not in f or f.startswith("core/"))} == rooms


def test_what_the_core_is_plugged_into_is_taken_by_those_alone_who_put_rooms_together() -> None:
    takers = set()
    for file in PACKAGE.rglob("*.py"):
        classes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ClassDef)]
        takers |= {c.name for c in classes for a in ast.walk(c) if isinstance(a, ast.arg) and annotates(a, "Ports")}
    sentence = re.search(r"those alone take who put rooms together: (.*?)\.", ARCHITECTURE, re.DOTALL)
    assert sentence is not None
    assert takers == set(quoted(sentence[1]))


def annotates(argument: ast.arg, name: str) -> bool:
    return argument.annotation is not None and ast.unparse(argument.annotation) == name
