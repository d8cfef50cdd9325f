"""`[provider.fields]` and `[provider.states]`: what the owner says of the answers outranks all reading (contract)."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Found, Sureness
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.places import MISSING, place_of, value_at
from shomare_mqtt.provider.reading.shapes import Leaf
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jmespath.parser import ParsedResult
    from jmespath.visitor import Options

    from shomare_mqtt.model import PurchaseState
    from shomare_mqtt.provider.reading.places import Place

_CALCULATING = ("(", "`")
"""What stands in an expression that may make numbers of its own."""


@dataclass(frozen=True)
class ByHand:
    """Places set by hand, by field (`"profile.balance"`), and the provider's words for how a purchase stands.

    A field that is set is read at its place alone: where an answer lacks it, it is lacking.
    """

    fields: Mapping[str, ParsedResult] = field(default_factory=dict)
    states: Mapping[str, PurchaseState] = field(default_factory=dict)

    @classmethod
    def of(cls, fields: Mapping[str, str], states: Mapping[str, PurchaseState]) -> ByHand:
        """What the settings say. They were checked when they were read."""
        return cls(_compiled(fields), {_plain(word): state for word, state in states.items()})

    def sets(self, *fields: str) -> bool:
        """Whether the place of any of these fields is set."""
        return bool(self.fields) and any(each in self.fields for each in fields)

    def expression(self, field_: str) -> str:
        """A field's place, as it was set."""
        expression: str = self.fields[field_].expression
        return expression

    def find(self, field_: str, answer: Any) -> Any:
        """What stands at a field's place in an answer (of a list's field: in an entry); None where nothing does."""
        place = self._places[field_]
        if place is not None:  # the library gives the same, and takes ten times as long
            value = value_at(answer, place)
            return None if value is MISSING else value
        from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - imported only where a place is set by hand

        try:
            value = self.fields[field_].search(answer, _options())
        except (JMESPathError, ArithmeticError, AttributeError, TypeError, ValueError, RecursionError):
            return None  # a function that does not take what this answer holds
        return _exact(value) if any(sign in self.expression(field_) for sign in _CALCULATING) else value

    @cached_property
    def _places(self) -> dict[str, Place | None]:
        """The places that are plain ones."""
        return {name: place_of(self.expression(name)) for name in self.fields}

    def leaf(self, field_: str, answer: Any) -> Leaf:
        """The same with its field's name and those of the objects around it; no name where the place is no plain one.

        A name may say more than the value: `balance_rial`, `minutes_left`.
        """
        names = [step for step in self._places[field_] or () if isinstance(step, str)]
        return Leaf(names[-1] if names else "", self.find(field_, answer), tuple(names[:-1]))

    def around(self, field_: str, answer: Any) -> list[dict[str, Any]]:
        """The objects that a field lies in, the nearest first; none where its place is no plain one."""
        place = self._places[field_] or ()
        inside = (value_at(answer, place[:depth]) for depth in reversed(range(len(place))))
        return [value for value in inside if isinstance(value, dict)]

    def lacks(self, field_: str, answer: Any) -> bool:
        """Whether nothing stands at a field's place, not even a null, as far as its notation tells."""
        if self.find(field_, answer) is not None:
            return False
        place = self._places[field_]
        return place is None or value_at(answer, place) is MISSING

    def lacking(self, field_: str) -> str:
        """How `unread` names a field that an answer lacks: `balance (set by hand: data.x)`."""
        own = field_.removeprefix("check.") if field_.startswith("check.sms") else field_.rpartition(".")[2]
        return f"{own} (set by hand: {self.expression(field_)})"

    def found(self, field_: str, *, is_there: bool) -> Found:
        """What is said of a field that was read, or is lacking, at its place."""
        if is_there:
            return Found(field_, self.expression(field_), Sureness.BY_HAND, why="set by hand")
        return Found(field_, None, Sureness.MISSING, why=f"set by hand: {self.expression(field_)}")

    def state(self, value: Any) -> PurchaseState | None:
        """How a purchase stands by the provider's word or number, where that is set by hand."""
        if not self.states:
            return None
        word = ("true" if value else "false") if isinstance(value, bool) else identifier(value)
        return None if word is None else self.states.get(_plain(word))


def _compiled(fields: Mapping[str, str]) -> dict[str, ParsedResult]:
    if not fields:
        return {}
    import jmespath  # noqa: PLC0415 - most providers need none of it

    return {name: jmespath.compile(expression) for name, expression in fields.items()}


def _plain(word: str) -> str:
    return fold(word)


@cache
def _options() -> Options:
    """The library's functions, which know no Decimal, with numbers that they know."""
    from jmespath.functions import Functions  # noqa: PLC0415 - as above
    from jmespath.visitor import Options  # noqa: PLC0415 - as above

    class Numbers(Functions):
        def call_function(self, function_name: str, resolved_args: Any) -> Any:
            return super().call_function(function_name, [_inexact(value) for value in resolved_args])

    return Options(custom_functions=Numbers())


def _inexact(value: Any) -> Any:
    """A value with floats for Decimals."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _inexact(inner) for name, inner in value.items()}
    return [_inexact(inner) for inner in value] if isinstance(value, list) else value


def _exact(value: Any) -> Any:
    """A value with Decimals for floats, as JSON is read here; None for what no JSON has: infinite, or no number."""
    if isinstance(value, float):
        return Decimal(str(value)) if isfinite(value) else None
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    return [_exact(inner) for inner in value] if isinstance(value, list) else value
