"""`[provider.fields]` and `[provider.states]`: what the owner says of the answers outranks all reading (contract)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.values import identifier

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jmespath.parser import ParsedResult

    from shomare_mqtt.model import PurchaseState


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

    def sets(self, field_: str) -> bool:
        """Whether a field's place is set."""
        return field_ in self.fields

    def find(self, field_: str, answer: Any) -> Any:
        """What stands at a field's place in an answer (of a list's field: in an entry); None where nothing does."""
        from jmespath.exceptions import JMESPathError  # noqa: PLC0415 - imported only where a place is set by hand

        try:
            return self.fields[field_].search(answer)
        except (JMESPathError, ArithmeticError, TypeError, ValueError):
            return None  # a function that does not take what this answer holds

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
