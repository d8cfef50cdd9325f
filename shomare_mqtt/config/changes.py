"""What changed between two readings of the settings, in words, and no secret in any of them."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.config.effect import effect_of
from shomare_mqtt.config.held import MASK, Held

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.config.held import Settings, WatchedPrice


class Change(NamedTuple):
    """One. `key`: the path of what changed; `text`: a line about it."""

    key: str
    text: str

    @property
    def connects_anew(self) -> bool:
        """Whether it needs a new connection to the broker."""
        return effect_of(self.key).connects_anew

    @property
    def line(self) -> str:
        """The text, and what it takes."""
        return f"{self.text}; the daemon connects anew" if self.connects_anew else self.text


def changes(before: Settings, after: Settings) -> tuple[Change, ...]:
    """What is not the same, in the order of the settings; values as `Settings.masked` shows them."""
    return (*_of_keys(before, after), *_of_prices(before, after), *_of_plugins(before, after))


def _of_keys(before: Settings, after: Settings) -> Iterator[Change]:
    values, shown = [_values(each) for each in (before, after)], [_shown(each) for each in (before, after)]
    for key in {**values[0], **values[1]}:
        old, new = (each.get(key) for each in values)
        if old != new:
            yield Change(key, _said(key, *(_Value(v.get(key), s.get(key)) for v, s in zip(values, shown, strict=True))))


class _Value(NamedTuple):
    """A value as it is, and as it may be shown."""

    held: Any
    shown: Any

    def __str__(self) -> str:
        return f"{self.held:f}" if isinstance(self.held, Decimal) else json.dumps(self.shown, ensure_ascii=False)


def _said(key: str, old: _Value, new: _Value) -> str:
    if MASK in (old.shown, new.shown) or old.shown == new.shown:
        what = "set now" if old.held is None else "not set any more" if new.held is None else "another now"
        return f"{key} is {what}"
    if new.held is None:
        return f"{key} is not set any more (it was {old})"
    return f"{key} = {new} (it was {'not set' if old.held is None else old})"


def _values(settings: Settings) -> dict[str, Any]:
    """Each value that is compared by itself, by its path."""
    tables = {name: table for name, table in vars(settings).items() if isinstance(table, Held)}
    found = dict(_leaves(tables, ""))
    # As `masked` has them: what follows from others, and what is there by default, is no change where it is written.
    return found | {"mqtt.port": settings.mqtt.effective_port, "mqtt.client_id": settings.mqtt.effective_client_id}


def _shown(settings: Settings) -> dict[str, Any]:
    return dict(_leaves(settings.masked(), ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """The values of tables within tables; the text of a secret."""
    if isinstance(value, Held):
        value = {name: each for name, each in vars(value).items() if not name.startswith("_")}
    if isinstance(value, dict):
        for name, each in value.items():
            yield from _leaves(each, f"{path}.{name}" if path else str(name))
    elif hasattr(value, "get_secret_value"):
        yield path, value.get_secret_value()
    else:
        yield path, value


def _of_prices(before: Settings, after: Settings) -> Iterator[Change]:
    """`[[prices]]` have no names: those that are there now, and those that are not any more."""
    old, new = Counter(map(_product, before.prices)), Counter(map(_product, after.prices))
    for each in (new - old).elements():
        yield Change("prices", f"prices: {each} is watched now")
    for each in (old - new).elements():
        yield Change("prices", f"prices: {each} is not watched any more")


def _product(watched: WatchedPrice) -> str:
    fields = (("country", watched.country), ("operator", watched.operator), ("application", watched.application))
    return ", ".join(f"{name} {json.dumps(text, ensure_ascii=False)}" for name, text in fields if text is not None)


def _of_plugins(before: Settings, after: Settings) -> Iterator[Change]:
    """Plugins' own tables: which of their keys, and no value, since only the plugin knows which are secrets."""
    old, new = before.plugins.tables, after.plugins.tables
    for name in {**old, **new}:
        key = f"plugins.{name}"
        if name not in old or name not in new:
            yield Change(key, f"[{key}] is {'there now' if name in new else 'not there any more'}")
        elif old[name] != new[name]:
            yield Change(key, f"[{key}]: other values of {_differing(old[name], new[name])}")


def _differing(old: Any, new: Any) -> str:
    before, after = dict(_leaves(old, "")), dict(_leaves(new, ""))
    absent = object()
    differing = [path for path in {**before, **after} if before.get(path, absent) != after.get(path, absent)]
    return ", ".join(differing) or "its tables"
