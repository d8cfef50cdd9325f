"""What is set by hand of the answer to a `check`: the state, where the SMS lie, and each SMS's own fields.

An SMS's field is read within each entry of its list. Where no list is set or found, or none of its entries has any such
field, it is read in the whole answer, whose one SMS it is.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import starmap
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import PurchaseState, SmsReading
from shomare_mqtt.provider.reading.inbox import holds_codes, opened
from shomare_mqtt.provider.reading.messages import code_of, entries_in, is_id_as_key, messages_in, only_waits
from shomare_mqtt.provider.reading.names import glued
from shomare_mqtt.provider.reading.states import FLAGS, state_of_number, state_of_words
from shomare_mqtt.provider.reading.times import moment
from shomare_mqtt.provider.reading.values import identifier, is_none_yet, is_scalar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shomare_mqtt.model import Found
    from shomare_mqtt.provider.reading.decode import Context
    from shomare_mqtt.provider.reading.shapes import Leaf

STATE, BOX = "check.state", "check.sms"
_PARTS = {
    "check.sms.id": "provider_id",
    "check.sms.code": "code",
    "check.sms.text": "text",
    "check.sms.sender": "sender",
    "check.sms.time": "received_at",
}
"""Fields of an SMS as they are set, and as they are called here."""
_EMPTY = SmsReading(None, None)


class CheckByHand:
    """What the settings say of a `check`, in one answer as it came."""

    def __init__(self, answer: Any, context: Context) -> None:
        self._answer, self._context = answer, context
        self._hand = context.by_hand
        self._parts = {field: name for field, name in _PARTS.items() if self._hand.sets(field)}
        self.sets_state, self.sets_box = self._hand.sets(STATE), self._hand.sets(BOX)
        self.sets_sms = self.sets_box or bool(self._parts)
        self._box = self._found_box() if self.sets_box else None
        self._read: set[str] = set()

    def _found_box(self) -> Any:
        """What stands where the SMS are; a list that is kept as JSON in a text, as that list."""
        return opened({"sms": self._hand.find(BOX, self._answer)})["sms"]

    def state(self) -> tuple[PurchaseState | None, PurchaseState | None]:
        """The state in words, and by a bare number, at the place that is set."""
        leaf = self._hand.leaf(STATE, self._answer)
        if isinstance(leaf.value, bool):
            return (FLAGS.get(glued(leaf.name).removeprefix("is")) if leaf.value else None), None
        spoken = state_of_words(leaf.value) if isinstance(leaf.value, str) else None
        return spoken, state_of_number(leaf.value)

    def told(self) -> PurchaseState | None:
        """The state at the place that is set, by the table of words that are set."""
        return self._hand.state(self._hand.find(STATE, self._answer))

    def messages(self, boxes: list[Leaf], loose: Callable[[], list[SmsReading]]) -> list[SmsReading]:
        """The SMS. `boxes`: where SMS were found to lie, `loose`: reads all SMS as if nothing were set."""
        if self.sets_box:
            as_code = holds_codes(self._hand.leaf(BOX, self._answer).name)
            entries = entries_in(self._box)
            if not self._parts:
                return messages_in(self._box, self._context, as_code=as_code)
            return self._of_entries(entries, as_code=as_code)
        held = [(entries_in(box.value), holds_codes(box.name)) for box in boxes]
        several = [entry for entries, _ in held for _, entry in entries]
        if any(self._hand.find(field, entry) is not None for entry in several for field in self._parts):
            return [sms for entries, as_code in held for sms in self._of_entries(entries, as_code=as_code)]
        return self._of_whole(loose())

    def _of_entries(self, entries: list[tuple[str, Any]], *, as_code: bool) -> list[SmsReading]:
        found = (self._of_entry(key, entry, as_code=as_code) for key, entry in entries)
        return [sms for sms in found if sms is not None]

    def _of_entry(self, key: str, entry: Any, *, as_code: bool) -> SmsReading | None:
        read = messages_in(entry, self._context, as_code=as_code)
        base = read[0] if len(read) == 1 else _EMPTY
        if base.provider_id is None and is_id_as_key(key):
            base = replace(base, provider_id=key)
        return self._over(base, entry)

    def _of_whole(self, read: list[SmsReading]) -> list[SmsReading]:
        """The one SMS that an answer's own fields make up; none where what is set of its code and text is not there."""
        if not {"code", "text"}.isdisjoint(self._parts.values()):
            base = read[0] if len(read) == 1 else _EMPTY
            said = self._over(_EMPTY, self._answer)
            return [] if said is None else [one for one in [self._over(base, self._answer)] if one is not None]
        return [self._over(read[0], self._answer) or read[0]] if len(read) == 1 else read

    def _over(self, base: SmsReading, entry: Any) -> SmsReading | None:
        """An SMS with what is set of it instead of what was read; None where it has neither code nor text."""
        values = {name: self._value(field, entry) for field, name in self._parts.items()}
        self._read.update(field for field, name in self._parts.items() if values[name] is not None)
        sms = replace(base, **values)
        return None if sms.code is None and sms.text is None else sms

    def _value(self, field: str, entry: Any) -> Any:
        value = self._hand.find(field, entry)
        if not is_scalar(value) or is_none_yet(value):
            return None
        if field == "check.sms.code":
            return code_of(value)
        if field == "check.sms.time":
            return moment(value, self._context.timezone)
        if field == "check.sms.text" and isinstance(value, str):
            text = value.strip()
            return None if only_waits(text) else text
        return identifier(value)

    def may_be_completed(self, sms: tuple[SmsReading, ...]) -> bool:
        """Whether what an SMS lacks may be looked for beside it: nothing that is set."""
        lacking = {name for one in sms for name in ("code", "text") if getattr(one, name) is None}
        return not self.sets_box and lacking.isdisjoint(self._parts.values())

    def is_empty(self, sms: tuple[SmsReading, ...]) -> bool:
        """Whether a place for SMS, a code or a text that is set is there, and says "none yet"."""
        if sms or not self.sets_sms:
            return False
        fields = [BOX] if self.sets_box else [f for f in ("check.sms.code", "check.sms.text") if f in self._parts]
        return any(self._is_none_yet(field) for field in fields)

    def _is_none_yet(self, field: str) -> bool:
        value = self._box if field == BOX else self._hand.find(field, self._answer)
        return is_none_yet(value) and not self._hand.lacks(field, self._answer)

    def unread(self, state: PurchaseState | None, sms: tuple[SmsReading, ...]) -> Iterator[str]:
        """What is set, and the answer lacks."""
        if self.sets_state and self.told() is None and self.state() == (None, None):
            yield self._hand.lacking(STATE)
        if sms:
            yield from (self._hand.lacking(field) for field in self._parts if field not in self._read)
        elif self.sets_sms and (state is PurchaseState.RECEIVED or (self.sets_box and not is_none_yet(self._box))):
            yield from (self._hand.lacking(f) for f in ([BOX] if self.sets_box else self._parts))

    def found(self, sms: tuple[SmsReading, ...]) -> Iterator[Found]:
        """What is said of what is set; of the fields in a list's entries once there is one."""
        if self.sets_state:
            yield self._hand.found(STATE, is_there=self._hand.find(STATE, self._answer) is not None)
        if self.sets_box:
            yield self._hand.found(BOX, is_there=bool(sms) or not self._hand.lacks(BOX, self._answer))
        if sms:
            yield from (self._hand.found(field, is_there=field in self._read) for field in self._parts)
        elif not self.sets_box:
            answer = self._answer
            yield from (self._hand.found(field, is_there=not self._hand.lacks(field, answer)) for field in self._parts)

    def not_the_purchases(self, own: list[Leaf]) -> list[Leaf]:
        """The values of a purchase without those that are an SMS's by what is set: no id and no number of its own."""
        if not self.sets_sms:
            return own
        taken = set(_inside(self._box))
        for field in (BOX, *self._parts):
            if self._hand.sets(field):
                leaf = self._hand.leaf(field, self._answer)
                taken.add((leaf.name, id(leaf.value)))
        return [leaf for leaf in own if (leaf.name, id(leaf.value)) not in taken]


def _inside(box: Any) -> Iterator[tuple[str, int]]:
    """Every value of a box, by its name and identity."""
    if isinstance(box, list):
        for item in box:
            yield from _inside(item)
    elif isinstance(box, dict):
        yield from starmap(lambda name, value: (name, id(value)), box.items())
        for value in box.values():
            yield from _inside(value)
