"""In which unit an amount is: by its field's name, or by what stands beside it and around it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import Field, alias, glued, kept_by_name, words, wordset
from shomare_mqtt.provider.reading.values import currency, unit

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT = Field(
    alias(w100="currency unit currencycode balanceunit balancecurrency currencyunit vahed moneyunit arz واحد ارز"),
    parts=alias(w80="currency unit"),
)
_UNITS_OF_ANYTHING = wordset("unit vahed واحد")
_MOST_FIELDS = 40
"""No record has more fields that matter; an object with more is a collection, or hostile."""


@kept_by_name
def unit_in_name(name: str) -> str | None:
    """The unit that a field's name says: `price_toman`, `balanceRial`."""
    said = unit(" ".join(words(name)))
    return said or next((code for code, word in (("IRT", "toman"), ("IRR", "rial")) if word in glued(name)), None)


def named_unit(name: str, value: Any) -> str | None:
    """The unit of money that a field names; `unit` may count pieces, where its word is none of money."""
    if not UNIT.weight(name):
        return None
    return unit(value) if glued(name) in _UNITS_OF_ANYTHING and isinstance(value, str) else currency(value)


def unit_beside(fields: Mapping[str, Any]) -> str | None:
    """The unit that one of the fields beside an amount names, as a code or in the provider's own word."""
    for name, value in islice(fields.items(), _MOST_FIELDS):
        inside = unit_beside(value) if glued(name) == "meta" and isinstance(value, dict) else None
        said = inside or named_unit(name, value)
        if said is not None:
            return said
    return None
