"""An answer as a file has it: JSON with placeholders and structures, made into a function of a scene."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.ledger import State
from shomare_mqtt.simulator.written.attributes import LISTS, entries
from shomare_mqtt.simulator.written.filters import shown
from shomare_mqtt.simulator.written.mistakes import WrongFileError
from shomare_mqtt.simulator.written.placeholders import Scope, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shomare_mqtt.simulator.written.scene import Scene

    Render = Callable[[Scene], Any]
    Loop = Callable[[Scene], Iterator[Scene]]

_KIND_OF = {plural: kind for kind, plural in LISTS.items()}
_LOOPS = (*_KIND_OF, "offers", "sms")
_CONDITIONS: Mapping[str, Callable[[Scene], bool]] = {
    "sms": lambda scene: scene.newest is not None,
    "code": lambda scene: scene.newest is not None and bool(scene.newest.code),
}


def rendering(content: Any, place: str, scope: Scope) -> Render:
    """What makes the answer from a scene. Raises WrongFileError with the place in the file."""
    if isinstance(content, str):
        return text(content, place, scope)
    if isinstance(content, list):
        items = [rendering(item, f"{place}[{index}]", scope) for index, item in enumerate(content)]
        return lambda scene: [item(scene) for item in items]
    if isinstance(content, dict):
        return _of_object(content, place, scope)
    return lambda _: content


def loops_over_sms(content: Any) -> bool:
    """Whether an answer shows more than the newest SMS."""
    if isinstance(content, list):
        return any(map(loops_over_sms, content))
    if isinstance(content, dict):
        return content.get("$each") == "sms" or any(map(loops_over_sms, content.values()))
    return False


def _of_object(content: dict[str, Any], place: str, scope: Scope) -> Render:
    found = [make for key, make in _STRUCTURES.items() if key in content]
    if len(found) == 1:
        return found[0](content, place, scope)
    if found or any(key.startswith("$") for key in content):
        raise WrongFileError(place, f"keys with $ belong to one of {', '.join(_STRUCTURES)}")
    pairs = [(text(key, place, scope), rendering(each, f"{place}.{key}", scope)) for key, each in content.items()]
    return lambda scene: {shown(key(scene)): value(scene) for key, value in pairs}


# --- loops ----------------------------------------------------------------------------------------------------------


def _each(content: dict[str, Any], place: str, scope: Scope) -> Render:
    _only(content, place, "$each", "$key", "$as")
    loop, inside = _loop(content["$each"], place, scope)
    item = rendering(_required(content, "$as", place), f"{place}.$as", inside)
    if "$key" not in content:
        return lambda scene: [item(turn) for turn in loop(scene)]
    if not isinstance(content["$key"], str):
        raise WrongFileError(place, "$key must be a text")
    key = text(content["$key"], f"{place}.$key", inside)
    return lambda scene: {shown(key(turn)): item(turn) for turn in loop(scene)}


def _loop(over: Any, place: str, scope: Scope) -> tuple[Loop, Scope]:
    """The loop, and what can be said inside."""
    if over not in _LOOPS:
        raise WrongFileError(place, f"$each must be one of {', '.join(_LOOPS)}")
    needed = {"offers": ("country", "operator"), "sms": ("purchase",)}.get(over, ())
    try:
        scope.needs(f"a loop over {over}", *needed)
    except ValueError as error:
        raise WrongFileError(place, str(error)) from None
    if over == "sms":
        return _over_sms, scope
    kind = "application" if over == "offers" else _KIND_OF[over]
    inside = Scope(scope.words, scope.known | {kind})
    return lambda scene: _over_entries(scene, kind), inside


def _over_sms(scene: Scene) -> Iterator[Scene]:
    return (replace(scene, sms=sms) for sms in (scene.purchase.sms if scene.purchase else ()))


def _over_entries(scene: Scene, kind: str) -> Iterator[Scene]:
    changes: Iterator[dict[str, Any]] = ({kind: entry} for entry in entries(scene.catalog, kind).values())
    return (replace(scene, **change) for change in changes)


# --- conditions -----------------------------------------------------------------------------------------------------


def _if(content: dict[str, Any], place: str, scope: Scope) -> Render:
    _only(content, place, "$if", "$then", "$else")
    _of_a_purchase("$if", place, scope)
    if content["$if"] not in _CONDITIONS:
        raise WrongFileError(place, f"$if must be one of {', '.join(_CONDITIONS)}")
    condition = _CONDITIONS[content["$if"]]
    then = rendering(_required(content, "$then", place), f"{place}.$then", scope)
    otherwise = rendering(content.get("$else"), f"{place}.$else", scope)
    return lambda scene: then(scene) if condition(scene) else otherwise(scene)


def _by(content: dict[str, Any], place: str, scope: Scope) -> Render:
    _only(content, place, "$by", "$else", *State)
    _of_a_purchase("$by", place, scope)
    if content["$by"] != "state":
        raise WrongFileError(place, "$by must be state")
    if "$else" not in content and (missing := [state.value for state in State if state not in content]):
        raise WrongFileError(place, f"$by says nothing of {', '.join(missing)}, and has no $else")
    cases = {s: rendering(content[s], f"{place}.{s}", scope) for s in State if s in content}
    otherwise = rendering(content.get("$else"), f"{place}.$else", scope)
    return lambda scene: cases.get(scene.purchase.state, otherwise)(scene) if scene.purchase else None


def _of_a_purchase(key: str, place: str, scope: Scope) -> None:
    if "purchase" not in scope.known:
        raise WrongFileError(place, f"{key} says nothing here, where no purchase is spoken of")


def _only(content: dict[str, Any], place: str, *allowed: str) -> None:
    if unknown := sorted(content.keys() - set(allowed)):
        raise WrongFileError(place, f"unknown key {unknown[0]} beside {allowed[0]}")


def _required(content: dict[str, Any], key: str, place: str) -> Any:
    if key not in content:
        raise WrongFileError(place, f"{key} is missing")
    return content[key]


_STRUCTURES: Mapping[str, Callable[[dict[str, Any], str, Scope], Render]] = {"$each": _each, "$if": _if, "$by": _by}
