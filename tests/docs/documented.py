"""Holds messages against `docs/asyncapi.yaml`, as whoever reads it would."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import yaml
from jsonschema import Draft7Validator
from jsonschema.exceptions import best_match

from shomare_mqtt.topics import SUBSCRIPTIONS, matches
from tests.docs.shapes import closed

if TYPE_CHECKING:
    from collections.abc import Iterable

FILE = Path(__file__).parents[2] / "docs" / "asyncapi.yaml"
ANSWERS = "response/"


class Message(Protocol):
    """What was heard."""

    @property
    def topic(self) -> str: ...
    @property
    def payload(self) -> bytes: ...


class Place(NamedTuple):
    """A channel of the document: the topics that it stands for, under the base topic, and what checks its messages."""

    topic: str
    pattern: re.Pattern[str]
    readers: tuple[tuple[str, Any], ...]
    is_sent: bool
    is_emptied: bool
    is_retained: bool

    def problem(self, payload: bytes) -> str | None:
        """What of a message the document does not say; None where it says all of it."""
        if not payload:
            return None if self.is_emptied else "empty"
        problems = [_problem(content, validator, payload) for content, validator in self.readers]
        return None if None in problems else "; ".join(filter(None, problems))


def _problem(content: str, validator: Any, payload: bytes) -> str | None:
    try:
        value = payload.decode() if content == "text/plain" else json.loads(payload)
    except ValueError as error:
        return f"{content}: {error}"
    if (wrong := best_match(validator.iter_errors(value))) is None:
        return None
    return f"{'/'.join(map(str, wrong.absolute_path)) or 'the message'}: {wrong.message[:300]}"


@cache
def document() -> Any:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def _levels(topic: str) -> str:
    """A pattern for a topic. What a plugin or a stranger thought of may have several levels, or none."""
    levels = re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(topic))
    return levels.replace("(?P<topic>[^/]+)", ".+").replace("/(?P<query>[^/]+)", "(?:/.*)?")


@cache
def places() -> tuple[Place, ...]:
    """Every channel, those first that stand for the fewest topics."""
    whole = document()
    operations = {each["channel"]["$ref"].rsplit("/", 1)[1]: each for each in whole["operations"].values()}
    found = []
    components = closed(whole["components"])
    for key, channel in whole["channels"].items():
        topic = channel["address"].partition("/")[2]
        readers = tuple(
            (
                each["contentType"],
                Draft7Validator({"allOf": [closed(each["payload"])], "components": components}),
            )
            for each in channel["messages"].values()
        )
        found.append(
            Place(
                topic,
                re.compile(_levels(topic)),
                readers,
                operations[key]["action"] == "send",
                "description" in channel,
                operations[key]["bindings"]["mqtt"]["retain"],
            )
        )
    return tuple(sorted(found, key=lambda place: ("{query}" in place.topic, place.topic.count("{"))))


def place_of(topic: str, *, sent: bool = True) -> Place | None:
    """The channel that a topic (under the base topic) belongs to."""
    return next((place for place in places() if place.is_sent == sent and place.pattern.fullmatch(topic)), None)


def undocumented(messages: Iterable[Message]) -> list[str]:
    """What is wrong, by the document, with what a daemon sent (topics under the base topic; others begin with `/`)."""
    said = {(each.topic, each.payload) for each in messages if not each.topic.startswith("/")}
    return [f"{topic}: {why}: {payload[:300]!r}" for topic, payload in sorted(said) if (why := _why(topic, payload))]


def _why(topic: str, payload: bytes) -> str | None:
    if any(matches(each, topic) for each in SUBSCRIPTIONS):
        return None  # a command, or meant as one: senders may send what they like
    if re.fullmatch(r"(.+/)?doctor/[0-9a-f]{12}", topic) and payload in {b"", b"{}"}:
        return None  # doctor's own, to see what may be published: no daemon sends it, and nobody listens
    place = place_of(topic)
    return "no such topic" if place is None else place.problem(payload)
