"""Known answers as they would come if the provider had built them otherwise, and whether what is read still holds.

    python -m tests.reading.mutations [--seed N] [--each N] [--show K]

The answers of `answers/shops` and `answers/sellers` that read to a success are changed in one way at a time: a field
gets a name of no language, a value moves one level in or out, a list becomes an object. Each is read with what was
known for the answer that it was made of, and compared field by field with that one's reading:

- `right`: the same was read;
- `said`: it was not, and the reading says so, in `unread`, in `doubtful` or by an error;
- `missing`: there was something to read, nothing was read, and nothing is said;
- `wrong`: something else was read, and nothing is said. Also where a `buy` is refused that bought a number.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cache
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading import RawAnswer
from shomare_mqtt.provider.reading.names import telling
from tests.reading.contexts import LISTS
from tests.reading.readings import ERRORS, answer, seen
from tests.reading.table import Call, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Site = tuple[str, ...]
"""Where something lies: names of fields, and `*` for each entry of a list or of an object keyed by ids."""
EACH = "*"
OUTCOMES = ("right", "said", "missing", "wrong")
_UNTIL_AN_SMS = (None, "waiting", "received")
"""States that differ by an SMS alone: where one is missing by the reading's own word, so is the state."""
_SOUNDS = ("bcdfgklmnprstvz", "aeiou")


class Mutation(NamedTuple):
    """One change of an answer: its name, where, and the answer after it."""

    name: str
    site: Site
    value: Any


@dataclass(frozen=True)
class Known:
    """A known answer: the call it is of, its kind and what is read of it."""

    where: str
    kind: str
    call: Call
    value: Any
    truth: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What became of one field of one mutated answer."""

    known: Known
    mutation: Mutation
    field: str
    verdict: str
    truth: Any
    read: Any
    doubted: bool = False


# --- what there is to mutate ----------------------------------------------------------------------------------------


@cache
def known_answers() -> tuple[Known, ...]:
    """The answers of whole shops and of sellers that read to a success, and are read the same when written anew."""
    return tuple(known for known in _candidates() if _read(known, known.value) == known.truth)


def _candidates() -> Iterator[Known]:
    for case in tables():
        if not case.file.startswith(("shops/", "sellers/")):
            continue
        for kind, wanted in case.wanted.items():
            for call in case.calls if not ERRORS.keys() & wanted.keys() else ():
                try:
                    value = json.loads(call.raw.body)
                except ValueError:
                    continue
                yield Known(f"{case.id} {call.label}", kind, call, value, _read_of(kind, call, call.raw))


def _read_of(kind: str, call: Call, raw: RawAnswer) -> dict[str, Any]:
    return seen(kind, raw, call.context(kind), {})


def _read(known: Known, value: Any) -> dict[str, Any]:
    raw = known.call.raw
    body = answer(value).body
    return _read_of(known.kind, known.call, RawAnswer(http=raw.http, body=body, retry_after=raw.retry_after))


# --- mutations ------------------------------------------------------------------------------------------------------


def mutations(known: Known, chance: Random) -> Iterator[Mutation]:
    """Every single change of an answer; `chance` draws its nonsense."""
    ids = _ids_of(known)
    for site, values in _sites(known.value, ids).items():
        for kind, change in _changes(site, values, chance):
            yield Mutation(kind, site, _changed(known.value, site, ids, change))


def _changes(site: Site, values: list[Any], chance: Random) -> Iterator[tuple[str, Callable[..., None]]]:
    """Ways to change what lies at a site, each as what is done to the object that holds it."""
    outer, name = (EACH, *site)[-2:]
    new, other = nonsense(name, chance), nonsense(name, chance)
    if name != EACH:
        yield "renamed", lambda holder, _: _replace(holder, name, {new: holder[name]})
        yield "value one level in", lambda holder, _: _replace(holder, name, {name: {new: holder[name]}})
        yield "field one level in", lambda holder, _: _replace(holder, name, {new: {name: holder[name]}})
        if outer != EACH:  # of many rows one alone would lose it
            yield "one level out", lambda holder, above: _move_out(holder, above, name)
    if all(isinstance(v, bool | int | float | str) for v in values):
        yield "list of one", lambda holder, _: holder.update({name: [holder[name]]})
        if all(isinstance(v, int | float) and not isinstance(v, bool) for v in values):
            yield "number as text", lambda holder, _: holder.update({name: str(holder[name])})
    if all(isinstance(v, list) and v and all(isinstance(e, dict) for e in v) for v in values):
        start = chance.choice((0, 1))
        yield "keyed by numbers", lambda holder, _: _key(holder, name, lambda i, _: str(i + start))
        yield "keyed by nonsense", lambda holder, _: _key(holder, name, lambda i, _: nonsense(f"{other}{i}", chance))
        own = _own_ids(values)
        if own is not None:
            yield "keyed by ids", lambda holder, _: _key(holder, name, lambda _, e: str(e[own]))
            yield "keyed by ids alone", lambda holder, _: _key(holder, name, lambda _, e: str(e.pop(own)))


def _replace(holder: dict[str, Any], name: str, by: dict[str, Any]) -> None:
    """Put other fields where one was, at the same place."""
    fields = [pair for n, v in holder.items() for pair in (by.items() if n == name else [(n, v)])]
    holder.clear()
    holder.update(fields)


def _move_out(holder: dict[str, Any], above: dict[str, Any] | None, name: str) -> None:
    """Nothing where the object around has such a name, or none lies around."""
    if above is not None and name not in above:
        above[name] = holder.pop(name)


def _key(holder: dict[str, Any], name: str, key: Callable[[int, dict[str, Any]], str]) -> None:
    entries = holder[name]
    holder[name] = {key(i, entry): entry for i, entry in enumerate(entries)}


def _own_ids(lists: list[list[dict[str, Any]]]) -> str | None:
    """The field that is an id of a list's entries: the first whose values are plain and tell all apart."""
    first = lists[0]
    for name in first[0]:
        plain = all(isinstance(e.get(name), int | str) and e.get(name) != "" for entries in lists for e in entries)
        if plain and len(first) > 1 and len({str(e[name]) for e in first}) == len(first):
            return name
    return None


def nonsense(name: str, chance: Random) -> str:
    """As many words of no language as a name has, in the same style of capitals and hyphens."""
    parts = name.replace("-", "_").split("_") if name.isascii() else [name]
    joiner = "-" if "-" in name else "_"
    while True:
        made = joiner.join(_word(part, chance) for part in parts if part or len(parts) == 1)
        if not telling(made) and fold(made) != fold(name):
            return made


def _word(like: str, chance: Random) -> str:
    """Some syllables with a closing letter, as many times as there are words in it, each with its capital."""
    inside = sum(a.islower() and b.isupper() for a, b in pairwise(like))
    made = [_syllables(chance) for _ in range(1 + min(inside, 2))]
    if like.isupper():
        return "".join(made).upper()
    first = made[0].capitalize() if like[:1].isupper() else made[0]
    return first + "".join(part.capitalize() for part in made[1:])


def _syllables(chance: Random) -> str:
    consonants, vowels = _SOUNDS
    pairs = (chance.choice(consonants) + chance.choice(vowels) for _ in range(chance.choice((2, 3))))
    return "".join(pairs) + chance.choice(consonants)


def _ids_of(known: Known) -> frozenset[str]:
    """Names that are no fields' but ids and names of entries: what they are called is what there is to read."""
    context = known.call.context(known.kind).known
    entries = [e for kind in LISTS for e in getattr(context, kind)]
    told = {text for e in entries for text in (e.id, e.name, *e.names)}
    told |= {*known.truth.get("entries", {}), *known.truth.get("prices", {})}
    told |= {text for names in known.truth.get("entries", {}).values() for text in (names or [])}
    asked = {context.country, context.operator, context.application, context.purchase, known.truth.get("purchase")}
    return frozenset(fold(text) for text in told | {"any", *filter(None, asked)})


def _is_id(name: str, ids: frozenset[str]) -> bool:
    return not any(map(str.isalpha, name)) or fold(name) in ids


def _sites(value: Any, ids: frozenset[str]) -> dict[Site, list[Any]]:
    """All places of an answer, with the values that lie there."""
    found: dict[Site, list[Any]] = {}
    for _, site, name in _holders(value, ids):
        found.setdefault(site, []).append(name)
    return found


def _holders(value: Any, ids: frozenset[str], site: Site = ()) -> Iterator[tuple[Any, Site, Any]]:
    """Every value below, with what holds it and its site."""
    pairs: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        pairs = [(EACH if _is_id(name, ids) else name, inner) for name, inner in value.items()]
    elif isinstance(value, list):
        pairs = [(EACH, inner) for inner in value]
    for name, inner in pairs:
        if name != EACH:
            yield value, (*site, name), inner
        yield from _holders(inner, ids, (*site, name))


def _changed(value: Any, site: Site, ids: frozenset[str], change: Callable[..., None]) -> Any:
    """A copy of an answer, changed at every place that a site names."""
    copy = json.loads(json.dumps(value))
    for holder, above in list(_places(copy, site[:-1], ids, None)):
        if isinstance(holder, dict) and site[-1] in holder:
            change(holder, above)
    return copy


def _places(
    node: Any, site: Site, ids: frozenset[str], above: dict[str, Any] | None
) -> Iterator[tuple[Any, dict[str, Any] | None]]:
    """The objects at a site, each with the object around it."""
    if not site:
        yield node, above
    elif isinstance(node, list):
        for inner in node if site[0] == EACH else ():
            yield from _places(inner, site[1:], ids, above)
    elif isinstance(node, dict):
        for name, inner in node.items():
            if site[0] == (EACH if _is_id(name, ids) else name):
                yield from _places(inner, site[1:], ids, node)


# --- what became of it ----------------------------------------------------------------------------------------------


def outcomes(seed: int, each: int, *, kinds: frozenset[str] = frozenset()) -> Iterator[Outcome]:
    """What became of each field, of up to so many mutations of every known answer."""
    for known in known_answers():
        if kinds and known.kind not in kinds:
            continue
        chance = Random(f"{seed} {known.where} {known.kind}")
        changed = [m for m in mutations(known, chance) if m.value != known.value]
        for mutation in chance.sample(changed, min(each, len(changed))):
            yield from judged(known, mutation)


def judged(known: Known, mutation: Mutation) -> Iterator[Outcome]:
    """What became of each field of a mutated answer."""
    found = _read(known, mutation.value)
    truth, read = _fields(known.kind, known.truth), _fields(known.kind, found)
    failed = next((name for name in ERRORS if name in found), None)
    for field in truth | read:
        was, now = truth.get(field), read.get(field)
        if failed:
            # A purchase that is said to be refused is bought again.
            verdict = "wrong" if known.kind == "buy" and failed == "refused" else "said"
            yield Outcome(known, mutation, field, verdict, was, found)
            continue
        verdict = _compared(field, was, now)
        said = _says(field, found) or (field == "state" and now in _UNTIL_AN_SMS and _says("sms", found))
        yield Outcome(known, mutation, field, "said" if said and verdict != "right" else verdict, was, now, said)


def _says(field: str, found: Mapping[str, Any]) -> bool:
    told = [*found.get("unread", ()), *found.get("doubtful", ())]
    told += [text for row in found.get("prices", {}).values() for text in row.get("doubtful", ())]
    return any(text == field or text.startswith(f"{field}:") for text in told)


def _fields(kind: str, reading: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a reading that are judged, each with what is compared."""
    if kind in LISTS:
        entries = reading.get("entries", {})
        return {"id": list(entries), "name": entries} if entries else {}
    if kind == "prices":
        rows = reading.get("prices", {})
        columns = {c: {own: row[c] for own, row in rows.items() if c in row} for c in ("price", "count")}
        return {"application": list(rows), **columns} if rows else {}
    if kind == "check" and "sms" in reading:
        sms = [text for one in reading["sms"] for text in (one.get("code"), one.get("text")) if text is not None]
        return {**_plain(reading), "sms": sms}
    return _plain(reading)


def _plain(reading: Mapping[str, Any]) -> dict[str, Any]:
    leave = {"unread", "doubtful", "extra", "application_name", "sms", "upstream", *ERRORS}
    return {field: value for field, value in reading.items() if field not in leave}


def _compared(field: str, was: Any, now: Any) -> str:
    """`right`, `missing` or `wrong`."""
    if field == "name" and was and now:
        return _compared_names(was, now)
    if isinstance(was, dict) or isinstance(now, dict):
        return _compared_rows(was or {}, now or {})
    if isinstance(was, list) or isinstance(now, list):
        was, now = was or [], now or []
        return "right" if was == now else "missing" if set(now) < set(was) else "wrong"
    if _same(was, now):
        return "right"
    return "missing" if now is None else "wrong"


def _compared_rows(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """By row; a row that is not there at all is the id's fault."""
    found = {_compared("", was.get(own), now.get(own)) for own in was.keys() | now.keys() if own in was}
    return max(found, key=OUTCOMES.index, default="right")


def _compared_names(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Whether each entry is shown by one of its names; under its id alone it has none."""
    found = {"right"}
    for own in was.keys() & now.keys():
        before, after = ([names] if isinstance(names, str) else names for names in (was[own], now[own]))
        if before and not after:
            found.add("missing")
        elif before and after[0] not in before:
            found.add("wrong")
    return max(found, key=OUTCOMES.index)


def _same(was: Any, now: Any) -> bool:
    if was == now:
        return True
    if isinstance(was, str) and isinstance(now, str):
        try:
            return Decimal(was) == Decimal(now)
        except InvalidOperation:
            return False
    return False


# --- the command ----------------------------------------------------------------------------------------------------


def _print(found: list[Outcome]) -> None:
    mutated = len({(id(o.known), id(o.mutation)) for o in found})
    print(f"{mutated} mutated answers, {len(found)} fields")
    groups: tuple[tuple[str, Callable[[Outcome], str]], ...] = (
        ("all", lambda _: "all"),
        ("endpoint", lambda o: o.known.kind),
        ("mutation", lambda o: o.mutation.name),
        ("field", lambda o: f"{o.known.kind}.{o.field}"),
    )
    for title, key in groups:
        head = "".join(f"{name:>9}" for name in (*OUTCOMES, "doubted"))
        print(f"\n{title:24}{head}")
        for name in dict.fromkeys(map(key, found)):
            counts = Counter(o.verdict for o in found if key(o) == name)
            doubted = sum(o.doubted and o.verdict == "right" for o in found if key(o) == name)
            print(f"{name:24}" + "".join(f"{counts[v]:9}" for v in OUTCOMES) + f"{doubted:9}")


def _show(found: list[Outcome], most: int, verdict: str) -> None:
    for one in [o for o in found if o.verdict == verdict][:most]:
        print(
            f"\n{one.known.kind}.{one.field}: {one.truth!r} was read as {one.read!r}\n  {one.mutation.name} at "
            f"{'.'.join(one.mutation.site)}, {one.known.where[:90]}\n  "
            f"{json.dumps(one.mutation.value, ensure_ascii=False)[:700]}"
        )


def main() -> None:
    """Print what became of it by endpoint, mutation and field."""
    parser = argparse.ArgumentParser(prog="python -m tests.reading.mutations")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--each", type=int, default=10, help="mutations of each known answer, at most")
    parser.add_argument("--show", type=int, default=0, help="so many examples of what is wrong and not said")
    parser.add_argument("--verdict", choices=OUTCOMES, default="wrong", help="what --show shows")
    parser.add_argument("--only", default="", help="one field, `buy.purchase`, or one endpoint, `buy`")
    given = parser.parse_args()
    found = list(outcomes(given.seed, given.each, kinds=frozenset(filter(None, [given.only.partition(".")[0]]))))
    found = [o for o in found if given.only in ("", o.known.kind, f"{o.known.kind}.{o.field}")]
    _print(found)
    _show(found, given.show, given.verdict)


if __name__ == "__main__":
    main()
