"""`{name|filter|filter:argument}` in the texts of an answer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.simulator.written.attributes import LISTS, OF_A_PURCHASES_ID, OF_AN_ENTRY
from shomare_mqtt.simulator.written.filters import Kind, filtered, shown
from shomare_mqtt.simulator.written.mistakes import WrongFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shomare_mqtt.simulator.catalog import Entry
    from shomare_mqtt.simulator.dialects.shape import PurchaseView, SmsView
    from shomare_mqtt.simulator.ledger import State
    from shomare_mqtt.simulator.written.scene import Scene

    Value = Callable[[Scene], Any]

_TOKEN = re.compile(r"\{\{|\{([^{}]*)\}|\{")
_OFFER = frozenset(LISTS)


@dataclass(frozen=True, slots=True)
class Words:
    """What a file adds to what can be said: more attributes of entries (by list, own id, name), words for states."""

    attributes: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    states: Mapping[State, Any] = field(default_factory=dict)

    def knows(self, kind: str, attribute: str) -> bool:
        """Whether an entry of the kind can have such an attribute."""
        return attribute in OF_AN_ENTRY or any(attribute in a for a in self.attributes.get(LISTS[kind], {}).values())

    def of_entry(self, scene: Scene, kind: str, entry: Entry, attribute: str) -> Any:
        """An attribute of an entry; the file's own outranks the simulator's, None where it has none."""
        added = self.attributes.get(LISTS[kind], {}).get(entry.id, {})
        if attribute in added:
            return added[attribute]
        made = OF_AN_ENTRY.get(attribute)
        return made(scene.catalog, kind, entry) if made else None


@dataclass(frozen=True, slots=True)
class Scope:
    """What can be said at a place of a file. `known`: fields of Scene that have a value there."""

    words: Words
    known: frozenset[str]

    def needs(self, name: str, *fields: str) -> None:
        """Raises ValueError where one of the fields has no value here."""
        if missing := set(fields) - self.known:
            raise ValueError(f"{name} says nothing here, where no {' or '.join(sorted(missing))} is spoken of")


def text(written: str, place: str, scope: Scope) -> Value:
    """A text with its placeholders: the value itself where it is one alone. Raises WrongFileError."""
    try:
        parts = _parts(written, scope)
    except ValueError as error:
        raise WrongFileError(place, str(error)) from None
    if len(parts) == 1 and not isinstance(parts[0], str):
        return parts[0]
    return lambda scene: "".join(part if isinstance(part, str) else shown(part(scene)) for part in parts)


def _parts(written: str, scope: Scope) -> list[str | Value]:
    parts: list[str | Value] = []
    end = 0
    for token in _TOKEN.finditer(written):
        parts.append(written[end : token.start()])
        parts.append("{" if token[0] == "{{" else _placeholder(token[1], scope))
        end = token.end()
    parts.append(written[end:])
    return [part for part in parts if part != ""]


def _placeholder(inner: str | None, scope: Scope) -> Value:
    if inner is None:
        raise ValueError("a placeholder is not closed (a brace itself is written {{)")
    name, *filters = (part.strip() for part in inner.split("|"))
    value, kind = _named(name, scope)
    change = filtered(filters, kind)
    return lambda scene: change(value(scene))


def _named(name: str, scope: Scope) -> tuple[Value, Kind]:
    noun, _, attribute = name.partition(".")
    if noun in LISTS and attribute:
        return _of_entry(noun, attribute, scope), Kind.PLAIN
    table, needed = _TABLES.get(noun if attribute else name, ({}, ()))
    found = table.get(attribute)
    if found is None:
        raise ValueError(f"there is no {{{name}}}")
    scope.needs(f"{{{name}}}", *needed)
    value, kind = found
    if name == "state":
        return lambda scene: scope.words.states[value(scene)], kind
    return value, kind


def _of_entry(kind: str, attribute: str, scope: Scope) -> Value:
    name = f"{{{kind}.{attribute}}}"
    if not scope.words.knows(kind, attribute):
        raise ValueError(f"there is no {name}")
    scope.needs(name, kind)
    return lambda scene: scope.words.of_entry(scene, kind, getattr(scene, kind), attribute)


def _bought(read: Callable[[PurchaseView], Any], kind: Kind = Kind.PLAIN) -> tuple[Value, Kind]:
    return lambda scene: None if scene.purchase is None else read(scene.purchase), kind


def _sms(read: Callable[[SmsView], Any], kind: Kind = Kind.PLAIN) -> tuple[Value, Kind]:
    return lambda scene: None if scene.newest is None else read(scene.newest), kind


def _position(scene: Scene) -> int | None:
    """Which SMS of the purchase it is, counted from 1."""
    if scene.purchase is None or scene.newest is None:
        return None
    return scene.purchase.sms.index(scene.newest) + 1


def _sms_number(scene: Scene) -> int | None:
    """A number that no other SMS has."""
    position = _position(scene)
    return None if position is None or scene.purchase is None else int(scene.purchase.purchase) * 100 + position


def _offered(attribute: str) -> tuple[Value, Kind]:
    return lambda scene: getattr(scene.offer, attribute, None), Kind.PLAIN


def _of_purchases_id(make: Callable[[str], Any]) -> tuple[Value, Kind]:
    return _bought(lambda view: make(view.purchase))


_PURCHASE: Mapping[str, tuple[Value, Kind]] = {
    **{name: _of_purchases_id(make) for name, make in OF_A_PURCHASES_ID.items()},
    "phone": _bought(lambda view: view.phone),
    "dialling": _bought(lambda view: view.dialling),
    "local": _bought(lambda view: view.local),
    "price": _bought(lambda view: view.price),
    "created": _bought(lambda view: view.created_at, Kind.MOMENT),
    "expires": _bought(lambda view: view.expires_at, Kind.MOMENT),
    "left": _bought(lambda view: view.left, Kind.SECONDS),
    "age": _bought(lambda view: view.age, Kind.SECONDS),
    "balance": _bought(lambda view: view.balance),
}
_SMS: Mapping[str, tuple[Value, Kind]] = {
    "id": _sms(lambda sms: sms.id),
    "number": (_sms_number, Kind.PLAIN),
    "code": _sms(lambda sms: sms.code),
    "text": _sms(lambda sms: sms.text),
    "sender": _sms(lambda sms: sms.sender),
    "at": _sms(lambda sms: sms.at, Kind.MOMENT),
    "position": (_position, Kind.PLAIN),
}
_TABLES: Mapping[str, tuple[Mapping[str, tuple[Value, Kind]], tuple[str, ...]]] = {
    "purchase": (_PURCHASE, ("purchase",)),
    "sms": (_SMS, ("purchase",)),
    "state": ({"": _bought(lambda view: view.state)}, ("purchase",)),
    "balance": ({"": (lambda scene: scene.balance, Kind.PLAIN)}, ("balance",)),
    "price": ({"": _offered("price")}, tuple(_OFFER)),
    "count": ({"": _offered("count")}, tuple(_OFFER)),
    "code": ({"": (lambda scene: getattr(scene.refusal, "code", None), Kind.PLAIN)}, ("refusal",)),
    "message": ({"": (lambda scene: getattr(scene.refusal, "message", None), Kind.PLAIN)}, ("refusal",)),
}
"""What each name before the dot has behind it ("" for nothing), and which fields of Scene it needs."""
