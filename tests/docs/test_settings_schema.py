"""`docs/settings.schema.json`, which editors complete and check settings files by, beside what reads the files."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

import pytest
from jsonschema import Draft7Validator

from shomare_mqtt import config
from shomare_mqtt.model import FIELDS_BY_HAND
from tests.docs import settings
from tests.docs.example import FILE
from tests.docs.pages import TOP
from tests.readme import blocks
from tests.test_mistakes import ANSWER, TABLE

SCHEMA = json.loads((TOP / "docs" / "settings.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft7Validator(SCHEMA)
PAGES = [TOP / "README.md", *sorted((TOP / "docs").rglob("*.md"))]


def problems(text: str) -> list[str]:
    """What an editor marks in a file."""
    return [error.message for error in VALIDATOR.iter_errors(tomllib.loads(text))]


def test_it_is_a_schema_that_every_editor_reads() -> None:
    Draft7Validator.check_schema(SCHEMA)
    assert "$ref" not in json.dumps(SCHEMA)


def test_the_example_names_it_where_it_lies() -> None:
    first = FILE.read_text(encoding="utf-8").splitlines()[0]
    assert (FILE.parent / first.removeprefix("#:schema ")).resolve() == TOP / "docs" / "settings.schema.json"


def test_the_example_is_right_with_every_line_that_it_offers() -> None:
    text = FILE.read_text(encoding="utf-8")
    assert problems(text) == []
    assert problems(re.sub(r'^#((?:"?[\w.]+"? = )|\[\[)', r"\1", text, flags=re.MULTILINE)) == []


@pytest.mark.parametrize(
    "text", [block.text for page in PAGES for block in blocks(page) if block.kind == "toml" and "[" in block.text]
)
def test_the_settings_of_the_documents_are_right(text: str) -> None:
    assert problems(text) == []


def test_each_key_has_its_words_default_and_bounds() -> None:
    for table, keys in settings.tables():
        for key in keys:
            place = SCHEMA
            for name in key.path.split("."):
                place = place.get("items", place)["properties"][name]
            if table != "prices":
                assert place["description"] == key.meaning
            assert f"`{json.dumps(place.get('default'))}`" in (key.default, "`null`")
    assert set(SCHEMA["properties"]["provider"]["properties"]["fields"]["properties"]) == set(FIELDS_BY_HAND)
    assert SCHEMA["properties"]["orders"]["properties"]["poll_interval"]["exclusiveMinimum"] == 0
    assert SCHEMA["properties"]["mqtt"]["properties"]["port"]["maximum"] == 65535


def mistakes() -> list[str]:
    """Settings files with a mistake that their shape shows: an unknown key, a wrong type, a value out of bounds."""
    shape = re.compile(r"unknown (key|table)|must not be in quotes|must be (true or false|a number$|text)|greater|less")
    cases = [case.split(ANSWER) for case in TABLE if not case.startswith("###")]
    found = [text for text, *lines in cases if lines and all(shape.search(line) for line in lines)]
    return [text for text in found if _is_toml(text)]


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def test_mistakes_are_marked() -> None:
    found = mistakes()
    assert len(found) > 20
    assert [text for text in found if not problems(text)] == []


@pytest.mark.parametrize(
    "tables",
    [
        {"mqtt": {"port": 1}, "limits": {"max_price": 10.5}},
        {"defaults": {"country": 7, "operator": "1", "max_price": 0}},
        {"prices": [{"country": 7, "operator": "Any"}]},
        {"provider": {"fields": {"profile.balance": "a.b"}, "states": {"SOLD": "waiting"}, "token": "x"}},
        {"plugins": {"enabled": ["a"], "a": {"whatever": [1, {"deep": True}]}}},
        {"homeassistant": {"countries": [7, "Russia"]}, "log": {"level": "debug"}},
    ],
)
def test_what_is_read_is_not_marked(tables: dict[str, Any]) -> None:
    config.GivenSettings.model_validate(tables)
    assert list(VALIDATOR.iter_errors(tables)) == []


@pytest.mark.parametrize(
    "tables",
    [
        {"mqtt": {"port": 0}},
        {"mqtt": {"port": "1883"}},
        {"mqtt": {"transport": "pigeon"}},
        {"limits": {"max_price": -1}},
        {"limits": {"max_price": "5"}},
        {"orders": {"poll_interval": 0}},
        {"privacy": {"retain_codes": 1}},
        {"prices": [{"country": 7}]},
        {"provider": {"fields": {"balance": "a.b"}}},
        {"provider": {"states": {"SOLD": "gone"}}},
        {"nothing": {}},
    ],
)
def test_what_is_refused_is_marked(tables: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\d+ validation error"):
        config.GivenSettings.model_validate(tables)
    assert list(VALIDATOR.iter_errors(tables)) != []
