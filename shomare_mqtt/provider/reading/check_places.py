"""Where in the answer to a `check` its state and its SMS were read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.provider.reading.found import BY_NAME, MOST_OTHERS, guessed_at, missing, place_of_leaf, read_at
from shomare_mqtt.provider.reading.messages import BOX, CODE, ID, SENDER, TEXT, WHEN, code_of, entries_in
from shomare_mqtt.provider.reading.places import notation
from shomare_mqtt.provider.reading.shapes import Leaf
from shomare_mqtt.provider.reading.values import identifier, is_none_yet, is_scalar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.model import SmsReading

_BOX_NAME = 90
"""From this weight on a name is that of a list of SMS."""
_FIELDS = {"id": ID, "code": CODE, "text": TEXT, "sender": SENDER, "time": WHEN}


class ToldBy(NamedTuple):
    """The field that told the state, None where none did: by a word that is set by hand, a bare number, or a word."""

    leaf: Leaf | None
    is_set: bool = False
    is_number: bool = False


def places_of_check(
    answer: Any, state: ToldBy, leaves: tuple[list[Leaf], ...], sms: tuple[SmsReading, ...], *, sure: bool
) -> Iterator[Found]:
    """Where the state stands, where the SMS lie, and in one of them its fields.

    `leaves`: those that hold SMS, all of the answer's, and the purchase's own.
    """
    boxes, everything, own = leaves
    yield _of_state(answer, state, sure=sure)
    if not sms:
        empty = next(
            (leaf for leaf in everything if BOX.weight(leaf.name) >= _BOX_NAME and is_none_yet(leaf.value)), None
        )
        yield missing("check.sms", "no SMS yet") if empty is None else read_at("check.sms", answer, empty)
        return
    box = next((box for box in boxes if entries_in(box.value)), None)
    entry = None if box is None else entries_in(box.value)[-1][1]
    if box is None or entry is None:
        yield missing("check.sms", "no list")
        yield from _of_fields(answer, [leaf for leaf in own if is_scalar(leaf.value)], sms)
        return
    yield read_at("check.sms", answer, box, boxes)
    if isinstance(entry, dict):
        yield from _of_fields(entry, [Leaf(name, value, ()) for name, value in entry.items() if is_scalar(value)], sms)
    else:
        yield Found("check.sms.text" if sms[-1].text else "check.sms.code", notation(()), Sureness.SURE, why="itself")


def _of_state(answer: Any, told: ToldBy, *, sure: bool) -> Found:
    if told.leaf is None:
        return missing("check.state", "no field tells it")
    if told.is_set:
        return read_at("check.state", answer, told.leaf, why="its word is set by hand")
    if told.is_number:
        return guessed_at("check.state", answer, told.leaf, why="a number that may mean something else")
    say = read_at if sure else guessed_at
    return say("check.state", answer, told.leaf, why=BY_NAME)


def _of_fields(inside: Any, beside: list[Leaf], sms: tuple[SmsReading, ...]) -> Iterator[Found]:
    """Where the fields of an SMS stand that lies among these values."""
    for what, names in _FIELDS.items():
        told = [(weight, -i, leaf) for i, leaf in enumerate(beside) if (weight := names.weight(leaf.name))]
        fitting = [vote for vote in told if _fits(what, vote[2].value, sms)]
        if fitting:
            best = max(fitting, key=lambda vote: vote[:2])[2]
            others = [leaf for _, _, leaf in sorted(told, key=lambda vote: vote[:2], reverse=True) if leaf is not best]
            yield Found(
                f"check.sms.{what}",
                place_of_leaf(inside, best),
                Sureness.SURE,
                tuple(p for leaf in others[:MOST_OTHERS] if (p := place_of_leaf(inside, leaf)) is not None),
                "its name",
            )
        else:
            yield missing(f"check.sms.{what}")


def _fits(what: str, value: Any, sms: tuple[SmsReading, ...]) -> bool:
    """Whether a value is what one of the SMS has in this field."""
    if what == "code":
        code = code_of(value)
        return code is not None and any(one.code == code for one in sms)
    if what == "text":
        return isinstance(value, str) and any(one.text == value.strip() for one in sms)
    if what == "time":
        return not is_none_yet(value) and any(one.received_at is not None for one in sms)
    own = identifier(value)
    return own is not None and any(own == (one.sender if what == "sender" else one.provider_id) for one in sms)
