"""What only wraps a field of a price list: a list of one, an object under a name that says nothing."""

from __future__ import annotations

from operator import is_
from typing import TYPE_CHECKING, Any

from shomare_mqtt.provider.reading.names import glued, is_nameless
from shomare_mqtt.provider.reading.rows import PRICE, STOCK, telling
from shomare_mqtt.provider.reading.shapes import bare_value, is_flat, of_money, role_of
from shomare_mqtt.provider.reading.values import CONTAINERS, is_scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shomare_mqtt.provider.reading.shapes import Origins

_CURRENCY = "@currency"
"""An attribute of an XML element that is a price."""


def tidied(value: Any, origins: Origins, *, priced: bool = False) -> Any:
    """The answer with each price, stock and name that lies alone in a list or under a name that says nothing.

    `priced`: a price stands around it, so that a list of prices says what others cost. `origins` takes up what each
    object was.
    """
    if isinstance(value, list):
        for at, inner in enumerate(value):
            if isinstance(inner, CONTAINERS) and (tidy := tidied(inner, origins, priced=priced)) is not inner:
                return [*value[:at], tidy, *(tidied(v, origins, priced=priced) for v in value[at + 1 :])]
        return value
    if not isinstance(value, dict) or is_flat(value):
        return value
    fields = _tidied_fields(value, origins, priced=priced)
    if fields.keys() == value.keys() and all(map(is_, fields.values(), value.values())):
        return value
    origins.made(fields, origins.get(id(value), value))
    return fields


def _tidied_fields(value: dict[str, Any], origins: Origins, *, priced: bool) -> dict[str, Any]:
    told = telling(value)
    inside = priced or (bool(told.price) and any(is_scalar(value[name]) for name, _ in told.price))
    fields = value
    lone = any(isinstance(inner, dict) and len(inner) == 1 for inner in value.values())
    if lone and (inside or any(is_scalar(value[name]) for name, _ in told.stock)):
        fields = dict(_lifted(name, inner, value) for name, inner in value.items())
    tidy: dict[str, Any] = {}
    for name, inner in fields.items():
        if not isinstance(inner, CONTAINERS):
            tidy[name] = inner
            continue
        # Names are weighed last: what is known of each is kept.
        bare = None if priced else bare_value(inner)
        spoken = bare is not None and of_money(inner) is None and _speaks(name, inner)
        if spoken and isinstance(inner, dict) and isinstance(inner.get(_CURRENCY), str):
            tidy.setdefault(f"{name}_currency", inner[_CURRENCY])
        tidy[name] = bare if spoken else tidied(inner, origins, priced=inside)
    return tidy


def _lifted(name: str, value: Any, row: Mapping[str, Any]) -> tuple[str, Any]:
    """A row's field out of an object that holds it alone, under a name that says nothing or in one that says whose."""
    if not isinstance(value, dict) or len(value) != 1:
        return name, value
    ((inner, only),) = value.items()
    if is_nameless(name) and inner not in row and (role_of(inner) or PRICE.weight(inner) or STOCK.weight(inner)):
        return inner, only
    return name, only if role_of(name) and is_nameless(inner) and isinstance(only, dict) else value


def _speaks(name: str, value: Any) -> bool:
    """Whether a field holds one thing by its name; `prices` and `services` hold several."""
    if glued(name) == "prices" or role_of(name) == name:
        return False
    return isinstance(value, list) or bool(PRICE.weight(name) or STOCK.weight(name) or role_of(name))
