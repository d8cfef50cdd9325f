"""Every block of code in every document is right: read as what it says it is, and its commands as what they are.

Whole pages are run elsewhere: the README's five examples (tests/cli/test_examples.py), the way to a Raspberry Pi
(tests/pi), the walk through `doctor` (tests/doctor), the plugins (tests/plugin). Those of docs/commands.md are run by
test_typed.py beside this. Here each one is looked at, whoever wrote it.
"""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
import tomllib
from itertools import pairwise
from typing import Any

import pytest
import typer
import yaml

from shomare_mqtt.topics import SUBSCRIPTIONS, matches
from tests.docs.commands import PROGRAM, group
from tests.docs.documented import place_of
from tests.docs.pages import TOP
from tests.docs.test_links import documents
from tests.readme import Block, blocks

SHELL = ("sh", "bash", "console")
LOOKED_AT = (*SHELL, "toml", "json", "yaml", "python", "mermaid")
FOR_THE_EYE = ("", "text", "ini", "diff", "apparmor", "conf", "nginx", "caddyfile", "dockerfile", "jinja", "svg")
"""Kinds that no parser here reads: drawings, what a program prints, other programs' settings."""
FROM_PEOPLE = re.compile(r"ORDER|PURCHASE|PHONE|COUNTRY|COMMAND|ADDRESS")
"""Words in the place of what a person knows."""
SOME = [(name, block) for name in documents() for block in blocks(TOP / name)]
BASES = re.compile(r"^(shomare(-second|/second)?)/")


def of(*kinds: str) -> list[Any]:
    found = [(n, b) for n, b in SOME if b.kind in kinds]
    return [pytest.param(b, id=f"{n}-{number}") for number, (n, b) in enumerate(found)]


@pytest.mark.parametrize(("name", "block"), SOME, ids=lambda each: each if isinstance(each, str) else each.kind)
def test_somebody_knows_its_kind(name: str, block: Block) -> None:
    assert block.kind in (*LOOKED_AT, *FOR_THE_EYE), name


@pytest.mark.parametrize("block", of("toml"))
def test_toml_can_be_read(block: Block) -> None:
    tomllib.loads(block.text)  # that these are settings is looked at in test_settings_schema.py


@pytest.mark.parametrize("block", of("json"))
def test_json_can_be_read(block: Block) -> None:
    try:
        json.loads(block.text)
    except json.JSONDecodeError:  # messages below one another
        for line in re.split(r"\n(?=[{\[])", block.text.strip()):
            json.loads(line)


@pytest.mark.parametrize("block", of("yaml"))
def test_yaml_can_be_read(block: Block) -> None:
    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        """Home Assistant's own marks stand for values."""

    Loader.add_multi_constructor("!", lambda *_: None)
    assert yaml.load(block.text, Loader) is not None


@pytest.mark.parametrize("block", of("python"))
def test_python_can_be_compiled(block: Block) -> None:
    ast.parse(block.text)


# --- shells ---


def typed(block: Block) -> str:
    """What is typed, of a block that shows the answers as well."""
    if block.kind != "console":
        return block.text
    return "".join(line[2:] + "\n" for line in block.text.splitlines() if line.startswith(("$ ", "# ")))


def calls(text: str, program: str) -> list[list[str]]:
    """The words behind each call of a program, as far as they can be read without running anything."""
    joined = re.sub(r"\\\n", " ", text)
    bare = re.sub(r"\$\((?:[^()]|\([^()]*\))*\)", "now", joined)
    pattern = rf"(?:^|[\s|;&(/]){re.escape(program)}(?=\s)((?:'[^']*'|\"[^\"]*\"|[^|;&>#'\"\n)])*)"
    return [shlex.split(arguments) for arguments in re.findall(pattern, bare, re.MULTILINE)]


@pytest.mark.parametrize("block", of(*SHELL))
def test_a_shell_understands_it(block: Block) -> None:
    shell = shutil.which("bash" if block.kind == "bash" else "sh")
    assert shell is not None
    done = subprocess.run([shell, "-n"], input=typed(block), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", of(*SHELL))
def test_our_commands_are_commands(block: Block) -> None:
    whole = group()
    for name in re.findall(rf"^(?:sudo )?{PROGRAM} +([^\s#-]\S*)", typed(block), re.MULTILINE):
        assert name in whole.commands or FROM_PEOPLE.fullmatch(name)
    for words in calls(typed(block), PROGRAM):
        if not words or words[0] not in whole.commands:
            continue  # an option, or the name of a package, a service, a container, a folder
        command = whole.commands[words[0]]
        context = typer.Context(command, info_name=words[0], parent=typer.Context(whole), resilient_parsing=True)
        parser = command.make_parser(context)
        parser.ignore_unknown_options = False
        parser.parse_args(args=words[1:])


@pytest.mark.parametrize("block", of(*SHELL))
def test_topics_that_are_typed_are_topics(block: Block) -> None:
    for program in ("mosquitto_pub", "mosquitto_sub", "mosquitto_rr"):
        for words in calls(typed(block), program):
            options = dict(pairwise(words))
            topic = options.get("-t", "")
            if not BASES.match(topic) or "…" in topic or FROM_PEOPLE.search(topic):
                continue
            relative = BASES.sub("", topic)
            if program == "mosquitto_sub":
                assert relative == "#" or place_of(relative.removesuffix("/#")) or "+" in relative, topic
                continue
            assert any(matches(each, relative) for each in SUBSCRIPTIONS), topic
            if "-e" in options:
                assert options["-e"] == topic.replace(relative, f"response/{relative}")
            message = options.get("-m", "")
            if message.startswith("{") and "…" not in message:
                place = place_of(relative, sent=False)
                assert place is not None
                assert place.problem(message.encode()) is None, message


def test_calls_are_found() -> None:
    text = (
        "sudo /opt/x/bin/shomare-mqtt check && shomare-mqtt buy --wait | tail; shomare-mqtt cancel \\\n current # see"
    )
    assert calls(text, PROGRAM) == [["check"], ["buy", "--wait"], ["cancel", "current"]]
    assert calls("mosquitto_pub -t a -m '{\"b\": \"'$(date +%s)'\"}'", "mosquitto_pub") == [
        ["-t", "a", "-m", '{"b": "now"}']
    ]


def test_the_readers_of_blocks_leave_none_out() -> None:
    fences = sum(
        len(re.findall(r"^```", (TOP / name).read_text(encoding="utf-8"), re.MULTILINE)) for name in documents()
    )
    assert fences == 2 * len(SOME), "a block that is indented, or not closed"
