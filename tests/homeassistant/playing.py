"""Plays scripts and automations of `docs/homeassistant` as Home Assistant does, as far as they use it.

Each template's text becomes a value again where it looks like one (a number for `+7…`!), so here too.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jinja2 import Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "docs" / "homeassistant"
_NUMERIC = re.compile(r"^[+-]?(?!0\d)\d*(?:\.\d*)?$")


def recipe(name: str) -> Any:
    """What a file of `docs/homeassistant` holds."""
    return yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))


def native(text: str) -> Any:
    """What Home Assistant makes of a template's text."""
    try:
        value = ast.literal_eval(text)
    except (ValueError, TypeError, SyntaxError, MemoryError):
        return text
    is_figure = isinstance(value, int | float) and not isinstance(value, bool)
    return text if isinstance(value, str) or (is_figure and not _NUMERIC.match(text)) else value


@dataclass
class Entity:
    """An entity's state. `at`: when it last changed."""

    state: str = "unknown"
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass
class World:
    """What Home Assistant knows, and what was done in it. `elapse` is called where something is waited for in vain."""

    entities: dict[str, Entity] = field(default_factory=dict)
    now: datetime = datetime(2026, 12, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    called: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    elapse: Callable[[World], None] = lambda _: None
    respond: Callable[[str, dict[str, Any]], Any] = lambda action, data: None

    def put(self, entity: str, state: str, **attributes: Any) -> None:
        """Another state."""
        self.entities[entity] = Entity(state, attributes)

    def state(self, entity: str) -> str:
        return self.entities[entity].state if entity in self.entities else "unknown"

    def attribute(self, entity: str, name: str) -> Any:
        return self.entities[entity].attributes.get(name) if entity in self.entities else None

    def render(self, template: str, variables: dict[str, Any]) -> Any:
        """One template's value."""
        return native(self.text(template, variables))

    def text(self, template: str, variables: dict[str, Any]) -> str:
        """One template's text, which an action that takes text gets."""
        return self._environment().from_string(template).render(variables).strip()

    def _environment(self) -> ImmutableSandboxedEnvironment:
        made = ImmutableSandboxedEnvironment()

        def has(entity: str, name: str, value: Any) -> bool:
            return bool(self.attribute(entity, name) == value)

        made.globals |= {
            "now": lambda: self.now,
            "states": self.state,
            "state_attr": self.attribute,
            "is_state": lambda entity, state: self.state(entity) == state,
            "is_state_attr": has,
        }
        made.tests |= {"is_state_attr": has, "match": lambda text, pattern: bool(re.match(pattern, text))}
        made.filters |= {
            "int": whole,
            "float": number,
            "tojson": lambda value: json.dumps(value, ensure_ascii=False),
            "timestamp_custom": lambda value, form, local: datetime.fromtimestamp(value, UTC).strftime(form),
            "regex_replace": lambda text, find, replace: re.sub(find, replace, text),
        }
        return made


def whole(value: Any, default: Any = 0, base: int = 10) -> Any:
    """Home Assistant's `int`."""
    try:
        return int(value, base) if isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        return default


def number(value: Any, default: Any = 0.0) -> Any:
    """Home Assistant's `float`."""
    try:
        return default if isinstance(value, Undefined) else float(value)
    except (TypeError, ValueError):
        return default


class StopError(Exception):
    """`stop`, with the name of its response, or a condition that does not hold."""


class Play:
    """One run of a script or an automation, with its variables."""

    def __init__(self, world: World, recipe: dict[str, Any], variables: dict[str, Any]) -> None:
        self.world = world
        self.variables = dict(variables)
        self._set(recipe.get("variables", {}))
        self.steps = recipe["sequence"] if "sequence" in recipe else recipe["actions"]

    def run(self) -> Any:
        """Its response; None without one."""
        try:
            self._sequence(self.steps)
        except StopError as stopped:
            return self.variables.get(stopped.args[0])
        return None

    def _value(self, given: Any) -> Any:
        if isinstance(given, dict):
            return {key: self._value(value) for key, value in given.items()}
        if isinstance(given, list):
            return [self._value(value) for value in given]
        is_template = isinstance(given, str) and ("{{" in given or "{%" in given)
        return self.world.render(given, self.variables) if is_template else given

    def _set(self, variables: dict[str, Any]) -> None:
        for name, value in variables.items():
            self.variables[name] = self._value(value)

    def _sequence(self, steps: list[dict[str, Any]]) -> None:
        for step in steps:
            self._step(step)

    def _step(self, step: dict[str, Any]) -> None:
        steps = {"variables": self._variables, "if": self._if, "repeat": self._repeat, "wait_template": self._wait}
        steps |= {
            "condition": self._condition,
            "action": self._call,
            "set_conversation_response": self._say,
            "stop": self._stop,
        }
        [kind] = steps.keys() & step.keys()
        steps[kind](step)

    def _variables(self, step: dict[str, Any]) -> None:
        self._set(step["variables"])

    def _if(self, step: dict[str, Any]) -> None:
        if self._value(step["if"]) is True:
            self._sequence(step["then"])

    def _condition(self, step: dict[str, Any]) -> None:
        if self._value(step["value_template"]) is not True:
            raise StopError(None)

    def _repeat(self, step: dict[str, Any]) -> None:
        for item in self._value(step["repeat"]["for_each"]):
            self.variables["repeat"] = {"item": item}
            self._sequence(step["repeat"]["sequence"])

    def _wait(self, step: dict[str, Any]) -> None:
        if self._value(step["wait_template"]) is not True:
            self.world.elapse(self.world)
        self.variables["wait"] = {"completed": self._value(step["wait_template"]) is True}

    def _say(self, step: dict[str, Any]) -> None:
        self.variables["said"] = self._value(step["set_conversation_response"])

    def _stop(self, step: dict[str, Any]) -> None:
        raise StopError(step["response_variable"])

    def _call(self, step: dict[str, Any]) -> None:
        data = self._value(step.get("data", {}))
        if step["action"] == "mqtt.publish":
            data["payload"] = self.world.text(step["data"]["payload"], self.variables)
        self.world.called.append((step["action"], data))
        answer = self.world.respond(step["action"], data)
        if "response_variable" in step:
            self.variables[step["response_variable"]] = answer
