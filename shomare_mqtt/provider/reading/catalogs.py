"""Reading the three lists: which collection of an answer it is, and each entry's id, names and all else."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import Catalog, CatalogEntry, CatalogKind, Endpoint, Found, Sureness
from shomare_mqtt.normalization import fold
from shomare_mqtt.provider.reading.doubts import doubt, place
from shomare_mqtt.provider.reading.found import MOST_OTHERS, guessed_at, missing, place_of_pattern, read_at
from shomare_mqtt.provider.reading.id_columns import (
    ITSELF,
    KEY,
    Column,
    Looking,
    clashing,
    columns,
    id_in_key,
    ranked,
)
from shomare_mqtt.provider.reading.id_found import RawEntries, described
from shomare_mqtt.provider.reading.lists_by_hand import ListByHand
from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, is_nameless, words, wordset
from shomare_mqtt.provider.reading.places import value_at
from shomare_mqtt.provider.reading.shapes import (
    NEXT_PAGES,
    NUMBERED,
    ROLE_WORDS,
    Entry,
    Origins,
    Pattern,
    as_records,
    collections,
    has_next_page,
    leaves,
    role_of,
    unwrapped_value,
)
from shomare_mqtt.provider.reading.states import Truth
from shomare_mqtt.provider.reading.values import identifier, is_scalar
from shomare_mqtt.provider.reading.verdict import Marks, accepted, malformed, unwrapped

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer
    from shomare_mqtt.provider.reading.places import Place

ENDPOINTS = {
    CatalogKind.COUNTRIES: Endpoint.COUNTRIES,
    CatalogKind.OPERATORS: Endpoint.OPERATORS,
    CatalogKind.APPLICATIONS: Endpoint.APPLICATIONS,
}
_ANY_ID = alias(
    w100="id شناسه shenase",
    w90="uid pk identifier",
    w70="uuid guid",
    w60="کد code slug key value alias symbol short shortname iso iso2 abbr shortcode",
)
_NOT_ITS_ID = wordset("image icon flag file parent category group user sort type language currency")


def _ids(kind: CatalogKind, **exact: str) -> Field:
    """The names of a list's ids: what ends in `id` is one too, unless it says whose else's (`country_id`)."""
    foreign = [own for other, own in ROLE_WORDS.items() if other != kind.value]
    return Field(alias(**exact) | _ANY_ID, parts=alias(w45="id"), spoilers=_NOT_ITS_ID.union(*foreign))


IDS = {
    CatalogKind.COUNTRIES: _ids(
        CatalogKind.COUNTRIES,
        w110="countryid idcountry",
        w85="countrycode ccode countryslug regioncode",
        w58="cid",
        w55="country",
    ),
    CatalogKind.OPERATORS: _ids(
        CatalogKind.OPERATORS,
        w110="operatorid idoperator serverid providerid",
        w85="operatorcode servercode",
        w58="oid sid",
        w55="operator server range provider pool",
    ),
    CatalogKind.APPLICATIONS: _ids(
        CatalogKind.APPLICATIONS,
        w110="applicationid appid serviceid productid idservice",
        w85="appcode servicecode productcode",
        w58="aid pid sid",
        w55="application app service product site",
    ),
}
NAME = Field(
    alias(
        w100="name",
        w95="nameen enname englishname nameenglish texten titleen entitle eng en english",
        w90="title label text displayname fullname caption نام عنوان nam esm onvan",
        w85="fa namefa faname namfa persianname namefarsi farsi persian titlefa fatitle namepersian pname",
        w80="countryname operatorname applicationname appname servicename productname servername",
        w70="ru rus nameru textru rutitle ar namear zh chn cn es",
        w50="country operator application app service product server provider site",
        w45="servicedescription applicationdescription appdescription productdescription operatordescription",
        w40="slug shortname iso iso2 iso3 code short alias symbol abbr key",
    ),
    parts=alias(w75="name title nam", w60="text label"),
    spoilers=wordset("id file image icon logo url count sort user prefix"),
)
_MOST_ENTRIES = 10_000
"""More than any list has; each is searched, shown and kept."""
_SPOKEN = 50
"""From this weight on a name is one, and no code or slug."""
_DESCRIBED = 45
_OF_RESOURCE = re.compile(r"[a-z][a-zA-Z]*/[\w.~-]+(?:/[\w.~-]+)*")
"""A resource's own name, which people do not read: `services/tg` (google.aip.dev/122)."""
_NEARLY = 2
"""Two lists whose votes differ by no more than this are as likely."""
_FEW = 3
"""So many entries at least show that a column tells them apart."""
_SHOWN = 3
"""So many entries show where the names of all of them are."""
_AN_ID, _WEAK_ID = 90, 55
"""From these weights on a name is an id's, and nothing else; and an id's, where no better one is there."""
_NAME_PARENTS = wordset("name names title titles translations translation label text i18n locale locales")
_ATTRIBUTES = wordset("fields properties info _source")
_HOLDING = wordset("data items list rows records results children entries")
"""Names of lists in which a group holds its entries, and under which an answer keeps what was asked for."""
_SIDE_ISSUES = wordset(
    "links link meta errors error page paging pageinfo paginator pagination messages prices statuses images"
)


def read_catalog(kind: CatalogKind, answer: RawAnswer, context: Context) -> Catalog:
    """One of the lists, in the provider's order, each id once.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where no list is in it).
    """
    endpoint = ENDPOINTS[kind]
    came, marks = accepted(answer, endpoint)
    origins = Origins()
    hand = ListByHand(kind, context.by_hand, origins)
    chosen = None if hand.sets_id else context.chosen.get(f"{kind.value}.id")
    inner = unwrapped(came)
    goes_on = has_next_page(inner)
    if hand.sets_list:
        return _with_more(_set_list(hand, answer, came, marks, chosen), goes_on=goes_on)
    inner = as_records(inner, bare_rows=True, origins=origins)
    value = as_records(came, bare_rows=True, origins=origins)
    only_wraps = isinstance(inner, dict) and not _own_id(kind, inner)[1]
    if marks.status is not Truth.ABSENT or (
        only_wraps and (any(isinstance(v, dict | list) for v in inner.values()) or not _names(inner))
    ):
        value = inner
    is_wrapped = value is inner and isinstance(came, list) and not isinstance(inner, list)
    found = collections(value) if isinstance(value, dict | list) else {}
    votes = {pattern: _vote(kind, pattern, entries) + hand.vote(entries) for pattern, entries in found.items()}
    votes |= _by_content(found, votes)
    best = max(votes, key=lambda pattern: votes[pattern], default=None)
    if best is None or votes[best] <= 0:
        single = None if hand.sets_entries else _single(kind, value)
        if single is None:
            raise malformed(answer, marks, endpoint, f"list of {kind.value}")
        return Catalog(kind, (single,))
    read = _catalog(found[best], answer, hand, chosen)
    return _with_more(
        replace(read, found=(_of_list(kind, came, votes, is_wrapped=is_wrapped), *read.found)), goes_on=goes_on
    )


def _with_more(read: Catalog, *, goes_on: bool) -> Catalog:
    return replace(read, unread=(*read.unread, NEXT_PAGES)) if goes_on else read


def _set_list(hand: ListByHand, answer: RawAnswer, came: Any, marks: Marks, chosen: Place | None) -> Catalog:
    """The list whose place was set by hand."""
    kind = hand.kind
    entries = hand.entries(came)
    if entries is None:
        raise malformed(answer, marks, ENDPOINTS[kind], f"list of {hand.name_of('list')}")
    read = _catalog(entries, answer, hand, chosen)
    return replace(read, found=(*filter(None, [hand.found("list", is_there=True)]), *read.found))


def _of_list(kind: CatalogKind, came: Any, votes: dict[Pattern, float], *, is_wrapped: bool) -> Found:
    """Where the list was found, and which others it might have been."""
    best, *others = sorted((pattern for pattern in votes if votes[pattern] > 0), key=lambda p: -votes[p])
    place, *rest = (place_of_pattern(came, p, is_wrapped=is_wrapped) for p in (best, *others[:MOST_OTHERS]))
    equal = bool(others) and votes[others[0]] >= votes[best] - _NEARLY
    why = "of several alike" if equal else "its name and what its entries hold"
    sureness = Sureness.DOUBTFUL if equal else Sureness.SURE
    return Found(kind.value, place, sureness, tuple(filter(None, rest)), why)


def _of_name(
    kind: CatalogKind, hand: ListByHand, entries: list[Entry], found: list[Entry], read: dict[str, CatalogEntry]
) -> Found:
    """Where the names were read, as the first entries show; `found`: the same entries as they were found."""
    field = f"{kind.value}.name"
    for entry, one in zip(entries[:_SHOWN], read.values(), strict=False):
        came = hand.came(entry)
        if is_scalar(came) and one.names:
            # `{"Russia": "7"}` was turned round: what is the name here is a key there.
            itself = one.name == identifier(came) and entry in found
            return Found(field, "@" if itself else None, Sureness.SURE, why="the entry itself" if itself else "its key")
        told = sorted(
            (leaf for leaf in leaves(came) if isinstance(leaf.value, str) and leaf.value.strip() in one.names),
            key=lambda leaf: (leaf.value.strip() != one.name, -NAME.weight(leaf.name)),
        )
        if told and told[0].value.strip() == one.name:
            spoken = NAME.weight(told[0].name) >= _SPOKEN or bool(told[0].parents)
            say = read_at if spoken else partial(guessed_at, why="a code, for want of a name")
            return say(field, came, told[0], told[1:])
    return missing(field)


class _Rule(NamedTuple):
    """What holds for all entries of a list: which column is the id, where that was tried; else, which field is none."""

    chosen: Column | None = None
    no_ids: frozenset[str] = frozenset()
    running: bool = False


_NO_RULE = _Rule()


def _catalog(entries: list[Entry], answer: RawAnswer, hand: ListByHand, tried: Place | None) -> Catalog:
    """The list of these entries. `tried`: where in them the id is, as trying told."""
    kind, goes_on, found = hand.kind, len(entries) > _MOST_ENTRIES, entries[:_MOST_ENTRIES]
    plain = found if hand.sets_entries else _ids_first(found)
    entries, doubtful = _by_evidence(kind, _lifted(kind, plain))
    hand.were(entries, plain)
    looking = Looking(IDS[kind].weight, _is_spoken, _texts, partial(_scope, kind))
    all_columns = [] if hand.sets_id else columns(entries, looking)
    raw = RawEntries(entries, hand.came, swapped=plain is not found)
    chosen = next((c for c in all_columns if tried is not None and c.fits and raw.place_of(c) == tried), None)
    rule = _Rule(chosen, clashing(entries, all_columns, looking), _running(entries))
    read: dict[str, CatalogEntry] = {}
    rows: list[int] = []
    used: list[str | None] = []
    skipped = nameless = False
    for row, entry in enumerate(entries):
        one = _entry(kind, entry, rule)
        if hand.sets_entries:
            one = hand.over(entry, one)
        used.append(None if one is None else one.id)
        if one is None:
            skipped = True
        else:
            nameless = nameless or ((isinstance(entry.value, dict) or hand.sets_name) and not one.names)
            if one.id not in read:
                read[one.id] = one
                rows.append(row)
    if entries and not read:
        raise malformed(answer, Marks(), ENDPOINTS[kind], f"{hand.name_of('id')} of any entry")
    faults = (
        (hand.name_of("id"), skipped),
        (hand.name_of("name"), nameless),
        (f"what follows {_MOST_ENTRIES} entries", goes_on),
    )
    unread = tuple(name for name, is_so in faults if is_so)
    named = hand.found("name", is_there=any(one.names for one in read.values()))
    where = (hand.found("id", is_there=bool(read)), named or _of_name(kind, hand, entries, found[:_SHOWN], read))
    catalog = Catalog(kind, tuple(read.values()), unread, tuple(filter(None, where)), hand.not_set(doubtful))
    return described(catalog, ranked(all_columns, used, chosen), rows, raw, tried=chosen is not None)


def _is_spoken(name: str) -> bool:
    return NAME.weight(name) >= _SPOKEN


def _texts(value: Any) -> list[str]:
    """An entry's names, to tell it from others."""
    return [text for _, text in _names(value)] if isinstance(value, dict) else [str(value)]


def _scope(kind: CatalogKind, entry: Entry) -> object:
    """Within what an entry's id is its own: operators are often counted anew for each country."""
    if kind is not CatalogKind.OPERATORS or not isinstance(entry.value, dict):
        return entry.groups
    around = [v for k, v in entry.value.items() if "country" in words(k) or role_of(k) == CatalogKind.COUNTRIES.value]
    return entry.groups, str(around)


def _lifted(kind: CatalogKind, entries: list[Entry]) -> list[Entry]:
    """Entries with the fields of what only wraps: lists of one, and objects under names that say nothing."""
    rows = [entry.value for entry in entries if isinstance(entry.value, dict)]
    if not any(isinstance(value, dict | list) for row in rows for value in row.values()):
        return entries
    wraps = {name for name in rows[0] if len(rows) > 1 and _wraps([row.get(name) for row in rows])}
    return [
        entry._replace(value=_unwrapped(kind, entry.value, wraps)) if isinstance(entry.value, dict) else entry
        for entry in entries
    ]


def _wraps(values: list[Any]) -> bool:
    """Whether the same name stands in each of these objects: of flags (`{"iso": {"af": 1}}`) each has its own."""
    return (
        len({tuple(value) if isinstance(value, dict) and len(value) == 1 else None for value in values} - {None}) == 1
    )


def _unwrapped(kind: CatalogKind, row: dict[str, Any], wraps: set[str]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    is_record = any(map(is_scalar, row.values()))
    for name, value in row.items():
        if (
            is_record
            and isinstance(value, dict)
            and is_nameless(name)
            and value
            and all(map(is_scalar, value.values()))
        ):
            fields.update({n: v for n, v in value.items() if n not in row and n not in fields})
        sure = name in wraps or IDS[kind].weight(name) >= _AN_ID or _flat(value) is None
        bare = unwrapped_value(value) if sure and (IDS[kind].weight(name) or NAME.weight(name)) else None
        fields[name] = value if bare is None else bare
    return fields


def _by_evidence(kind: CatalogKind, entries: list[Entry]) -> tuple[list[Entry], tuple[str, ...]]:
    """The entries with ids and names from fields whose names say nothing, and what is doubtful about them."""
    rows = [entry.value for entry in entries if isinstance(entry.value, dict)]
    if not rows or len(rows) != len(entries):
        return entries, ()
    named = [used for row in rows if (used := _own_id(kind, row)[1]) is not None]
    if entries[0].key is not None:
        return entries, (*_doubt_of_keys(kind, entries, named), *_doubt_of_names(entries))
    weights = [IDS[kind].weight(used) for used in named]
    weak, unsure = (len(named) < len(rows) or min(weights) < least for least in (_AN_ID, _WEAK_ID))
    numbers = _telling_apart(entries, digits=True) if weak else []
    ids = numbers or (_telling_apart(entries, digits=False) if unsure else [])
    said = [*named[:1], *(name for name in rows[0] if NAME.weight(name) >= _DESCRIBED)][:1]
    doubtful = doubt("id", (*ids, *said)) if ids and (numbers or said) else ()
    if len(numbers) == 1 and not named:
        entries = [e._replace(value=_renamed(e.value, numbers[0], "id")) for e in entries]
    texts = _telling_apart(entries, digits=False)
    if texts and not any(map(_names, rows)):
        entries = [e._replace(value=_renamed(e.value, texts[0], "name")) for e in entries]
        return entries, (*doubtful, *doubt("name", texts))
    return entries, (*doubtful, *_doubt_of_names(entries))


def _doubt_of_names(entries: list[Entry]) -> tuple[str, ...]:
    """The doubt of names that are only codes, beside a text that tells entries apart."""
    if any(weight >= _DESCRIBED for entry in entries for weight, _ in _names(entry.value)):
        return ()
    texts = _telling_apart(entries, digits=False)
    return doubt("name", (*(name for name in entries[0].value if NAME.weight(name)), *texts)) if texts else ()


def _doubt_of_keys(kind: CatalogKind, entries: list[Entry], named: list[str]) -> tuple[str, ...]:
    """The doubt whether the names that objects stand under are their ids, where they hold something like one, too."""
    used = set(named)
    if len(used) != 1 or len(named) != len(entries):
        return ()
    (own,) = used
    inside = {identifier(entry.value[own]) for entry in entries}
    keys = {entry.key.removeprefix("_") for entry in entries if entry.key is not None}
    weak = _WEAK_ID <= IDS[kind].weight(own) < _AN_ID
    if not weak or len(inside) != len(entries) or inside == keys:
        return ()
    if all(key.isdigit() for key in keys) and not _running(entries):
        return ()  # numbers that do not count are ids
    return doubt("id", ("*", place(("*",), own)))


def _telling_apart(entries: list[Entry], *, digits: bool) -> list[str]:
    """The fields under names that say nothing which every entry has, and of which no two of a group are the same."""
    names = [name for name in entries[0].value if is_nameless(name)]
    return [name for name in names if _tells_apart(entries, name, digits=digits)]


def _tells_apart(entries: list[Entry], name: str, *, digits: bool) -> bool:
    values = [(entry.groups, identifier(entry.value.get(name))) for entry in entries]
    told = [(group, value) for group, value in values if value is not None and value.isdigit() == digits]
    return len(told) == len(values) == len(set(told))


def _renamed(row: dict[str, Any], name: str, to: str) -> dict[str, Any]:
    return {(to if n == name else n): value for n, value in row.items()}


def _vote(kind: CatalogKind, pattern: Pattern, entries: list[Entry]) -> float:
    """How likely this collection is the list: its place's name, its entries' fields, its size."""
    named = [p for p in pattern if p != "*"]
    last = set(words(named[-1])) if named else set()
    role = _role_of(named)
    vote = 30.0 if pattern[-1:] != ("*",) else 10.0
    if role is not None:
        vote += 80 if role == kind.value else -60
    elif named and glued(named[-1]) in _HOLDING:
        vote += 15
    if last & _SIDE_ISSUES:
        vote -= 300
    if _are_fields(entries):
        vote -= 150
    if not entries:
        return vote - (5 if not any(role_of(p) == kind.value for p in named) else 0) - 4 * len(pattern)
    return vote + _vote_of_entries(kind, entries[:20]) + min(len(entries), 20) / 2 - 8 * len(pattern)


def _by_content(found: dict[Pattern, list[Entry]], votes: dict[Pattern, float]) -> dict[Pattern, float]:
    """A vote for the only list whose entries have a number and a text of their own each, where no name says anything.

    `{"liebiao": [{"xmid": 3, "xmming": "Telegram"}, …]}` is one, whatever the words are.
    """
    if any(vote > 0 for vote in votes.values()):
        return {}
    told = [pattern for pattern, entries in found.items() if _tell_themselves(pattern, entries)]
    return {told[0]: 1.0} if len(told) == 1 else {}


def _tell_themselves(pattern: Pattern, entries: list[Entry]) -> bool:
    if len(entries) < _FEW or _SIDE_ISSUES.intersection(word for name in pattern for word in words(name)):
        return False
    if any(entry.key is not None or not isinstance(entry.value, dict) for entry in entries):
        return False
    return all(len(_telling_apart(entries, digits=digits)) == 1 for digits in (True, False))


def _are_fields(entries: list[Entry]) -> bool:
    """Whether plain values lie each in a list of its own, as the fields of other entries: `[{"app": ["telegram"]}]`."""
    alone = len(entries) > 1 and len({entry.groups for entry in entries}) == len(entries)
    return alone and all(entry.key is None and is_scalar(entry.value) for entry in entries)


def _role_of(named: list[str]) -> str | None:
    """The list that a place speaks of; what only wraps speaks as what lies around it: `applications`, `*`, `items`."""
    telling = (p for p in reversed(named) if role_of(p) or not is_envelope(p))
    return role_of(next(telling, ""))


def _vote_of_entries(kind: CatalogKind, sample: list[Entry]) -> float:
    votes = 0.0
    for entry in _lifted(kind, sample):
        if isinstance(entry.value, dict):
            votes += _vote_of_object(kind, entry, alone=len(sample) == 1)
        else:
            votes += _vote_of_plain(kind, entry)
    return votes / len(sample)


def _vote_of_object(kind: CatalogKind, entry: Entry, *, alone: bool) -> float:
    value = _itself(kind, entry.value)
    has_id = entry.key is not None or any(IDS[kind].weight(k) for k in value)
    has_name = bool(_names(value))
    vote = 20.0 * has_id + 20 * has_name
    if not (has_id or has_name) or _is_group(kind, value) or (not has_name and _only_wraps(value, alone=alone)):
        vote -= 60
    if alone and entry.key is not None and not has_name and _only_wraps(value, alone=True):
        vote -= 80
    if {glued(k) for k in value} >= {"url", "active"}:
        vote -= 200  # a paginator's link
    return vote - (60 if value and all(NUMBERED.fullmatch(k) for k in value) else 0)


def _is_group(kind: CatalogKind, value: dict[str, Any]) -> bool:
    """Whether an object holds entries of its own kind: a category, a continent, a page."""
    return any(
        isinstance(v, list)
        and (role_of(k) == kind.value or glued(k) in _HOLDING)
        and any(isinstance(e, dict) and _own_id(kind, e)[0] is not None and _names(e) for e in v[:3])
        for k, v in value.items()
    )


def _only_wraps(value: dict[str, Any], *, alone: bool) -> bool:
    """Whether a nameless object is no entry and only holds some: a list of objects, or, alone, nothing but objects."""
    if any(isinstance(v, list) and v and isinstance(v[0], dict) for v in value.values()):
        return True
    return alone and bool(value) and all(isinstance(v, dict) for v in value.values())


def _vote_of_plain(kind: CatalogKind, entry: Entry) -> float:
    """A text in a list or under a number is likely an entry; one under a field's name is a record's field."""
    if entry.key is None:
        if isinstance(entry.value, int) and not isinstance(entry.value, bool):
            return 10
        return 25 if isinstance(entry.value, str) else -40
    if IDS[kind].weight(entry.key) or NAME.weight(entry.key) or role_of(entry.key):
        return -60
    if not isinstance(entry.value, str):
        return -5 if is_scalar(entry.value) else -40
    return 25 if NUMBERED.fullmatch(entry.key) else 8


def _ids_first(entries: list[Entry]) -> list[Entry]:
    """Plain entries by id, also where they come by name: `{"Russia": "7", "Iran": "98"}`."""
    ids = [identifier(e.value) for e in entries]
    by_name = all(
        e.key is not None and not NUMBERED.fullmatch(e.key) and own is not None and own.isdigit()
        for e, own in zip(entries, ids, strict=True)
    )
    return [Entry(i, e.key, e.groups) for e, i in zip(entries, ids, strict=True)] if by_name else entries


def _running(entries: list[Entry]) -> bool:
    """Whether the keys only count: 0, 1, 2 ... or 1, 2, 3 ... and more than chance would have it."""
    keys = [e.key for e in entries]
    start = 0 if keys[:1] == ["0"] else 1
    return bool(keys) and keys == [str(i) for i in range(start, start + len(keys))]


def _entry(kind: CatalogKind, entry: Entry, rule: _Rule) -> CatalogEntry | None:
    value = entry.value
    if isinstance(value, dict):
        return _from_object(kind, entry, rule)
    if isinstance(value, list):
        return None
    return _from_plain(entry, rule)


def _itself(kind: CatalogKind, value: dict[str, Any]) -> dict[str, Any]:
    """The entry that an object holds under its own kind: `{"country": {"id": 7}, "flag": "ru"}`."""
    inner = {k: v for k, v in value.items() if isinstance(v, dict) and role_of(k) == kind.value}
    if len(inner) != 1 or _own_id(kind, value)[0] is not None:
        return value
    ((name, own),) = inner.items()
    return {**{k: v for k, v in value.items() if k != name}, **own}


def _from_plain(entry: Entry, rule: _Rule) -> CatalogEntry | None:
    """A plain text is its own id; in an object of texts the key is the id, and a number under a name is one."""
    text, key = identifier(entry.value), identifier(entry.key)
    if rule.chosen is not None and entry.key is not None:
        own = text if rule.chosen.place == ITSELF else key
        told = (text,) if text is not None else ()
        return None if own is None else CatalogEntry(own, text or own, told or (own,), _group(entry.groups))
    if entry.key is None or (rule.running and isinstance(entry.value, str) and entry.key == "0"):
        return None if text is None else CatalogEntry(text, text, (text,), _group(entry.groups))
    if key is None:
        return None
    name = text or key
    return CatalogEntry(key, name, (name,), _group(entry.groups))


def _group(groups: tuple[str, ...]) -> dict[str, Any]:
    return {"group": groups[-1]} if groups and groups[-1] else {}


def _from_object(kind: CatalogKind, entry: Entry, rule: _Rule) -> CatalogEntry | None:
    value = _itself(kind, entry.value)
    for name in _ATTRIBUTES.intersection(value):
        if isinstance(value[name], dict):
            value = {**value, **value[name]}
    names = _names(value)
    own, used = _own_id(kind, value, rule.no_ids) if rule.chosen is None else _chosen_id(rule.chosen, entry)
    key = entry.key
    if key is not None and rule.chosen is None and not _outranks_key(kind, own, used, rule):
        own, used = id_in_key(key), None
    elif key is not None and used is not None and not NUMBERED.fullmatch(key):
        names = names if any(w >= _SPOKEN for w, _ in names) else [(_SPOKEN, key), *names]
    if rule.chosen is None:
        own = identifier(own or (names[0][1] if names else None))
    if own is None:
        return None
    texts = _unique([text for _, text in _own_last(names, own, used)])
    if len(texts) > 1 and own.isdigit():
        texts = [text for text in texts if text != own]
    extra = {k: _flat(v) for k, v in value.items() if k != used and (is_scalar(v) or _flat(v) is not None)}
    return CatalogEntry(own, texts[0] if texts else own, tuple(texts), extra | _group(entry.groups))


def _outranks_key(kind: CatalogKind, own: str | None, used: str | None, rule: _Rule) -> bool:
    """Whether a field is the id though the entry stands under a key."""
    return (used is not None and IDS[kind].weight(used) >= _AN_ID) or (rule.running and own is not None)


def _chosen_id(chosen: Column, entry: Entry) -> tuple[str | None, str | None]:
    """The id of an entry where trying told its column, and the field's name, where it is one of the entry's own."""
    if chosen.place == KEY:
        return id_in_key(entry.key), None
    return identifier(value_at(entry.value, chosen.place)), str(chosen.place[-1])


def _own_last(names: list[tuple[int, str]], own: str, used: str | None) -> list[tuple[int, str]]:
    """The names, the field that is the id behind what describes it: `{"service": "opt29", …}`."""
    if used is None or NAME.weight(used) != _SPOKEN:
        return names
    told = [(weight, text) for weight, text in names if weight >= _DESCRIBED and text != own]
    return told + [pair for pair in names if pair not in told]


def _own_id(
    kind: CatalogKind, value: dict[str, Any], no_ids: frozenset[str] = frozenset()
) -> tuple[str | None, str | None]:
    """The id, and the name of its field: `id` before a code or slug, a number before a text of equal weight.

    `no_ids`: fields that are none in this list.
    """
    votes = [
        (IDS[kind].weight(k) + (3 if isinstance(v, int) else 0), -i, k, own)
        for i, (k, v) in enumerate(value.items())
        if IDS[kind].weight(k) and k not in no_ids and (own := identifier(v)) is not None
    ]
    if not votes:
        return None, None
    _, _, used, own = max(votes)
    return own, used


def _names(value: dict[str, Any]) -> list[tuple[int, str]]:
    """Every name, the one to show first."""
    found: list[tuple[int, str]] = []
    for k, v in value.items():
        if isinstance(v, dict | list):
            found += _nested_names(k, v)
        elif isinstance(v, str) and fold(v).strip("\0") and (weight := NAME.weight(k)):
            found.append((min(weight, _DESCRIBED) if _OF_RESOURCE.fullmatch(v.strip()) else weight, v.strip()))
    return sorted(found, key=lambda f: -f[0])


def _nested_names(name: str, value: Any) -> list[tuple[int, str]]:
    if set(words(name)) & _NAME_PARENTS:
        items = value if isinstance(value, list) else [value]
        found = [pair for item in items if isinstance(item, dict) for pair in _names(item)]
        loose = [
            (60, v.strip())
            for i in items
            if isinstance(i, dict)
            for v in i.values()
            if isinstance(v, str) and v.strip()
        ]
        return found + [pair for pair in loose if pair[1] not in {t for _, t in found}]
    only = _flat(value)
    return [(NAME.weight(name), only)] if isinstance(only, str) and NAME.weight(name) else []


def _flat(value: Any) -> Any:
    """A plain value; of an object with one flag (`{"+93": 1}`) its name; None for every other container."""
    if is_scalar(value):
        return value
    if isinstance(value, dict) and len(value) == 1 and next(iter(value.values())) in (1, True):
        return next(iter(value))
    return None


def _unique(texts: list[str]) -> list[str]:
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(fold(text), text)
    return list(found.values())


def _single(kind: CatalogKind, value: Any) -> CatalogEntry | None:
    """A list that holds one entry, given as that entry itself."""
    inner = unwrapped(value)
    for _ in range(4):
        if not isinstance(inner, dict):
            return None
        own, _used = _own_id(kind, inner)
        if own is not None and _names(inner):
            return _from_object(kind, Entry(None, inner), _NO_RULE)
        inner = next((v for v in inner.values() if isinstance(v, dict)), None)
    return None
