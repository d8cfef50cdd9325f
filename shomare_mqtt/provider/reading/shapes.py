"""The shapes that answers come in: envelopes, lists, objects keyed by ids, pages, groups.

Nothing here knows what a field means; it only says where objects, entries and plain values lie.
"""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import islice
from math import inf
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.provider.reading.finglish import in_english
from shomare_mqtt.provider.reading.names import glued, is_envelope, is_nameless, kept_by_name, telling, words, wordset
from shomare_mqtt.provider.reading.values import CONTAINERS, identifier, integer, is_scalar, unit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROLE_WORDS = {
    "countries": wordset("country countries land nations keshvar keshvarha کشور کشورها"),
    "operators": wordset(
        "operator operators operatorha server servers provider providers pool pools range ranges اپراتور اپراتورها"
    ),
    "applications": wordset(
        "application applications app apps service services product products site sites barname barnameha servis "
        "برنامه سرویس برنامهها سرویسها"
    ),
}
"""Words that say of a collection, or of a field, which of the three lists it belongs to."""

_COLLECTING = wordset("list array map data items collection")
MARKS = wordset(
    "status code message msg ok success error errors total count page perpage currentpage lastpage from "
    "to path statuscode timestamp time version currency unit"
)
"""Names beside entries that are none themselves: marks of success, and a paginator's figures."""

_CONTAINERS = frozenset(CONTAINERS)
_LAST_PAGE = ("lastpage", "totalpages", "totalpage", "pagecount", "pages", "pagescount", "numpages")
_THIS_PAGE = ("currentpage", "page", "pagenumber", "currentpagenumber")
_NEXT_PAGE = ("nextpageurl", "nextpage", "next", "nexturl")
_PAGER_PLACES = wordset("meta links pagination paginator paging pager page pageinfo")
_PAGER_DEPTH = 4
NEXT_PAGES = "next pages"
"""What is said not to be read of a list that comes in pages."""

AMOUNT = re.compile(r"\d+(?:[.,]\d+)?")
NUMBERED = re.compile(r"_?\d+")
_NODES = 200_000
_FIELDS = 40
"""No bare row has more cells."""
PAIR_NAMES = ("key", "name", "field", "k", "code", "title", "label", "property", "n", "عنوان", "نام", "کلید")
PAIR_VALUES = ("value", "val", "v", "amount", "content", "مقدار")
_ELEMENT_TEXTS = ("#text", "$t", "_text")
"""An XML element's own text: xmltodict and Json.NET, GData, xml-js."""
_BESIDE_OTHERS = frozenset((*_ELEMENT_TEXTS, "units", "nanos"))
"""Names of a value that does not lie alone: an element's text, and the parts of a `Money`."""
_PAIRED = wordset("meta metadata attributes options properties params parameters customfields fields extra")
"""Names of what a framework keeps as pairs: WooCommerce's `meta_data`, a shop's `attributes`."""
_MOST_OF_A_PAIR = 4
"""More fields than a name, a value, a label and a unit are a record's."""
_MOST_OF_MONEY, _NANOS = 3, 10**9
MOST_FIELDS = 400
"""No record has more fields."""
_MOST_LEAVES = 2000
"""Nor so many in all: some readers hold each of them against each other."""


@kept_by_name
def role_of(name: str) -> str | None:
    """The list (`countries`, ...) that a name speaks of: the word alone, or a plural; `WhatsApp` speaks of none."""
    said = words(name)
    if said[1:] and said[-1] in _COLLECTING:
        said = said[:-1]  # an `operatorList` holds operators
    spoken = in_english(said)
    plain, meant = "".join(said), "".join(spoken)
    for kind, own in ROLE_WORDS.items():
        if plain in own or meant in own or any(w in own and w.endswith("s") for w in said + spoken):
            return kind
    return None


class Leaf(NamedTuple):
    """A named value somewhere in an answer: plain, or a container that a reader may look into."""

    name: str
    value: Any
    parents: tuple[str, ...]

    @property
    def depth(self) -> int:
        """How many named objects lie around it."""
        return len(self.parents)


def leaves(value: Any) -> Iterator[Leaf]:
    """The named values of one record, the outermost first; lists are followed only where they hold one object.

    Of more than any record has those that nobody knows by name are passed over.
    """
    return islice(_leaves(value, ()), _MOST_LEAVES)


def _leaves(value: Any, parents: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, list):
        if len(value) == 1 and isinstance(value[0], dict):
            yield from _leaves(value[0], parents)
        return
    if not isinstance(value, dict):
        return
    inside: list[tuple[str, Any]] = []
    for name, inner in _of_interest(value).items():
        if isinstance(inner, CONTAINERS):
            inside.append((name, inner))
            yield Leaf(name, inner, parents)
            if (bare := bare_value(inner)) is not None:
                yield Leaf(name, bare, parents)
        elif not (parents and is_text_of_element(name)):
            yield Leaf(name, inner, parents)
    if len(parents) < 8:  # noqa: PLR2004 - no envelope is deeper
        for name, inner in inside:
            yield from _leaves(inner, (*parents, name))


def is_flat(record: Mapping[str, Any]) -> bool:
    """Whether an object holds plain values alone; JSON's own types, which nobody derives from."""
    return _CONTAINERS.isdisjoint(map(type, record.values()))


def bare_value(value: Any) -> Any:
    """The plain value that something holds: alone, or as an XML element's text beside its attributes."""
    if is_scalar(value) or (len(value) != 1 and (isinstance(value, list) or _BESIDE_OTHERS.isdisjoint(value))):
        return None
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    text = text_of_element(only) if isinstance(only, dict) else None
    return unwrapped_value(value) if text is None else text


def is_text_of_element(name: str) -> bool:
    """Whether a name is that of an XML element's text, in one of the ways of writing XML as JSON."""
    return name in _ELEMENT_TEXTS


def text_of_element(value: dict[str, Any]) -> Any:
    """The text of an XML element that has attributes, too: `{"@currency": "IRR", "#text": "41800"}`."""
    inner = next((value[name] for name in _ELEMENT_TEXTS if name in value), None)
    return inner if is_scalar(inner) else None


def unwrapped_value(value: Any, *, sentences: bool = False) -> Any:
    """The plain value that a list holds alone, or an object under a name that says nothing: `{"id": {"zorvex": 7}}`.

    `sentences`: where a text of several words is looked for, and no id or figure.
    """
    if is_scalar(value):
        return None
    if (amount := of_money(value)) is not None:
        return amount
    inner = None
    if isinstance(value, list) and len(value) == 1:
        inner = value[0]
    elif isinstance(value, dict) and len(value) == 1:
        ((name, only),) = value.items()
        sentence = not sentences and isinstance(only, str) and " " in only.strip()
        inner = None if sentence or not is_nameless(name) or unit(name) is not None else only
    return inner if is_scalar(inner) and not (isinstance(inner, str) and "://" in inner) else None


def of_money(value: Any) -> Decimal | int | None:
    """The amount of a `Money` as protocol buffers write it in JSON; None for anything else.

    `{"currencyCode": "USD", "units": "3", "nanos": 750000000}` is 3.75 (google.type.Money); what is 0 may be left out.
    """
    if not isinstance(value, dict) or len(value) > _MOST_OF_MONEY or not ("units" in value or "nanos" in value):
        return None
    if not ("currencyCode" in value or "currency_code" in value):
        return None
    units, nanos = (integer(value.get(name, 0)) for name in ("units", "nanos"))
    if units is None or nanos is None or abs(nanos) >= _NANOS:
        return None
    return units + Decimal(nanos) / _NANOS if nanos else units


def _of_interest(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields of an object, of very many the first ones and those whose names tell something."""
    if len(fields) <= MOST_FIELDS:
        return fields
    rest = sorted(filter(telling, islice(fields, MOST_FIELDS, None)), key=telling, reverse=True)
    return {name: fields[name] for name in (*islice(fields, MOST_FIELDS), *rest[:MOST_FIELDS])}


def as_fields(value: Any) -> Any:
    """The answer with each list of named values as the object that it stands for.

    `[{"key": "balance", "value": 5}, {"key": "unit", "value": "IRT"}]` becomes `{"balance": 5, "unit": "IRT"}`.
    """
    if isinstance(value, dict):
        return {name: as_fields(inner) if isinstance(inner, CONTAINERS) else inner for name, inner in value.items()}
    if not isinstance(value, list):
        return value
    pairs = [_pair(entry) for entry in value[:_FIELDS]]
    told = [pair for pair in pairs if pair is not None]
    named = dict(told)
    if len(told) > 1 and len(named) == len(value):
        return named
    return [as_fields(entry) for entry in value]


def with_pairs(value: Any) -> Any:
    """The answer with the pairs of each `meta_data` or `attributes` as fields of what they are kept with.

    `{"id": 5, "meta_data": [{"id": 7, "key": "_phone", "value": "+79…"}]}` becomes `{"id": 5, "_phone": "+79…"}`; what
    has such a field itself keeps it.
    """
    if isinstance(value, list):
        inner = [with_pairs(entry) for entry in value]
        return value if all(map(is_, inner, value)) else inner
    if not isinstance(value, dict):
        return value
    made = {k: _paired(k, v) for k, v in value.items() if isinstance(v, CONTAINERS)}
    if all(v is value[k] for k, v in made.items()):
        return value
    spread = {k: v for k, v in made.items() if isinstance(v, dict) and isinstance(value[k], list)}
    rest = {k: made.get(k, v) for k, v in value.items() if k not in spread}
    return {name: inner for pairs in (*spread.values(), rest) for name, inner in pairs.items()}


def _paired(name: str, value: Any) -> Any:
    """What stands under a name, as an object where it is nothing but pairs under a name of those."""
    if not isinstance(value, list) or not value or len(value) > _FIELDS or glued(name) not in _PAIRED:
        return with_pairs(value)
    pairs = [_strict_pair(entry) for entry in value]
    told = dict(pair for pair in pairs if pair is not None)
    return told if len(told) == len(value) else with_pairs(value)


def _strict_pair(entry: Any) -> tuple[str, Any] | None:
    """The name and the value of what has nothing besides but an id."""
    if not isinstance(entry, dict) or not entry.keys() <= {"id", "key", "name", "value", "option"}:
        return None
    name = next((entry[own] for own in ("key", "name") if isinstance(entry.get(own), str)), None)
    value = next((entry[own] for own in ("value", "option") if own in entry and is_scalar(entry[own])), None)
    return None if name is None or value is None else (name, value)


def _pair(entry: Any) -> tuple[str, Any] | None:
    """The name and the value that an entry holds, and hardly anything besides."""
    if not isinstance(entry, dict) or not 1 < len(entry) <= _MOST_OF_A_PAIR:
        return None
    by_name = {glued(name): inner for name, inner in entry.items()}
    name = next((inner for own in PAIR_NAMES if isinstance(inner := by_name.get(own), str)), None)
    value = next((by_name[own] for own in PAIR_VALUES if own in by_name and is_scalar(by_name[own])), None)
    return None if name is None or value is None else (name, value)


def related(value: Any) -> Any:
    """A document of JSON:API with each object of `included` in the place where it is only named (jsonapi.org, 1.1).

    `{"type": "messages", "id": "5"}` under `relationships` becomes that object, and `included` is gone: what nothing
    relates to the record is not the record's.
    """
    included = value.get("included") if isinstance(value, dict) else None
    if not isinstance(included, list) or not isinstance(value.get("data"), dict | list):
        return value
    objects = {key: entry for entry in included if (key := _reference(entry)) is not None}
    return {name: _related(inner, objects) for name, inner in value.items() if name != "included"}


def _reference(value: Any) -> tuple[str, str] | None:
    """The type and id that name an object of JSON:API."""
    if not isinstance(value, dict):
        return None
    kind, own = value.get("type"), identifier(value.get("id"))
    return (kind, own) if isinstance(kind, str) and own is not None else None


def _related(value: Any, objects: dict[tuple[str, str], dict[str, Any]]) -> Any:
    if isinstance(value, list):
        return [_related(entry, objects) for entry in value]
    if not isinstance(value, dict):
        return value
    links = value.get("relationships")
    if not isinstance(links, dict):
        return value
    return {**value, "relationships": {name: _linked(link, objects) for name, link in links.items()}}


def _linked(link: Any, objects: dict[tuple[str, str], dict[str, Any]]) -> Any:
    """What a relationship names: one object, or a list of some."""
    named = link.get("data") if isinstance(link, dict) else None
    if isinstance(named, list):
        return {**link, "data": [objects.get(_reference(each) or ("", ""), each) for each in named]}
    found = objects.get(_reference(named) or ("", ""))
    return link if found is None else {**link, "data": found}


def focused(value: Any, purchase: str | None) -> Any:
    """The answer with each list of several objects reduced to the one of the purchase asked for, where one is."""
    if isinstance(value, dict):
        if purchase is not None and isinstance(value.get(purchase), dict):
            return {**{k: v for k, v in value.items() if is_scalar(v)}, "data": focused(value[purchase], purchase)}
        inner = {k: focused(v, purchase) for k, v in value.items() if not is_scalar(v)}
        return value if all(v is value[k] for k, v in inner.items()) else {**value, **inner}
    if isinstance(value, list) and len(value) > 1 and purchase is not None:
        ours = [v for v in value if isinstance(v, dict) and purchase in map(identifier, v.values())]
        # Where all of them name it they are not orders but what belongs to it, its SMS.
        return value if len(ours) in (0, len(value)) else ours[:1]
    return value


def keyed(value: dict[str, Any]) -> bool:
    """Whether an object is a collection whose names are ids or running numbers, and no record."""
    inner = _inner(value)
    if not inner:
        return False
    if all(NUMBERED.fullmatch(k) for k in inner):
        return True
    if any(is_envelope(k) or role_of(k) or glued(k) in ("links", "meta") for k in inner):
        return False
    strange = [k for k in value if k not in inner and glued(k) not in MARKS]
    if not all(map(is_nameless, strange)) or (strange and len(inner) == 1):
        return False
    return len(inner) == 1 or _alike(list(inner.values())[:3])


def _inner(value: dict[str, Any]) -> dict[str, Any]:
    """The objects and lists in an object, less a mark that is wrapped: `{"code": [200]}`."""
    return {
        k: v
        for k, v in value.items()
        if isinstance(v, CONTAINERS) and (glued(k) not in MARKS or unwrapped_value(v) is None)
    }


def _alike(values: list[Any]) -> bool:
    """Whether the objects have mostly the same names, or are all lists, or all collections themselves."""
    if all(isinstance(v, list) for v in values):
        return True
    if not all(isinstance(v, dict) for v in values):
        return False
    if all(all(isinstance(x, dict | list) for x in v.values()) for v in values):
        return True
    if all(AMOUNT.fullmatch(k) for v in values for k in v):
        return True
    first, second = set(values[0]), set(values[1])
    return 2 * len(first & second) >= min(len(first), len(second))


class Origins(dict[int, Any]):
    """What records looked like as they came, by the identity of what was made of them.

    That is kept as well: of what is gone another object may have the identity. `most`: so many are taken up, where that
    is enough; of thousands it would take a megabyte.
    """

    def __init__(self, most: float = inf) -> None:
        super().__init__()
        self.most = most
        self._made: list[Any] = []

    def made(self, record: Any, came: Any) -> None:
        """Take up what a record was made of."""
        self[id(record)] = came
        self._made.append(record)


def as_records(value: Any, *, bare_rows: bool = False, origins: Origins | None = None) -> Any:
    """The answer with its records as plain objects, whatever a framework wraps them in.

    GraphQL's `node`, and the `attributes` and `relationships` of JSON:API, become the record itself; a table of rows
    becomes records with the names that its header gives. `bare_rows`: a list without a header (`[["7", "Russia"]]`)
    becomes one of objects with an id and names. `origins` takes up what each record was.
    """
    if isinstance(value, dict):
        return _made_of(value, _as_record(value, bare_rows=bare_rows, origins=origins), origins)
    if not isinstance(value, list):
        return value
    if _has_header(value):
        return [_made_of(row, dict(zip(value[0], row, strict=True)), origins) for row in value[1:]]
    at = _id_column(value) if bare_rows else None
    if at is None:
        return [as_records(v, bare_rows=bare_rows, origins=origins) for v in value]
    return [_made_of(row, _record(row, at), origins) for row in value]


def _made_of(came: Any, record: Any, origins: Origins | None) -> Any:
    if origins is not None and record is not came and isinstance(record, dict) and len(origins) < origins.most:
        origins.made(record, came)
    return record


def _as_record(record: dict[str, Any], *, bare_rows: bool, origins: Origins | None) -> Any:
    if is_flat(record):
        return record["$oid"] if record.keys() == {"$oid"} else record
    plain = _opened(record)
    if any(isinstance(v, list) for v in plain.values()):
        plain = _with_references(_with_header(plain))
    return {
        k: as_records(v, bare_rows=bare_rows, origins=origins) if isinstance(v, CONTAINERS) else v
        for k, v in plain.items()
    }


def _with_references(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the id and the name of what it refers to apart: Odoo's `"country_id": [7, "Russia"]`."""
    named = {
        name: (value[1], f"{name.removesuffix('_id')}_name")
        for name, value in record.items()
        if isinstance(value, list) and name.endswith("_id") and _refers(value) and role_of(name.removesuffix("_id"))
    }
    if not named:
        return record
    apart = {name: value[0] if name in named else value for name, value in record.items()}
    return {**{called: text for text, called in named.values()}, **apart}


def _refers(value: list[Any]) -> bool:
    own, called = value if len(value) == 2 else (None, None)  # noqa: PLR2004 - a pair
    return isinstance(own, int) and not isinstance(own, bool) and isinstance(called, str)


def _opened(record: dict[str, Any]) -> dict[str, Any]:
    """A record without the wrapping that holds its fields."""
    node = record.get("node")
    if isinstance(node, dict) and not any(map(_holds_more, (v for k, v in record.items() if k != "node"))):
        return node
    if any(glued(name) == "attributes" or name == "_source" for name, v in record.items() if isinstance(v, CONTAINERS)):
        record = _with_attributes(record)
    related = record.get("relationships")
    if isinstance(related, dict):
        rest = {k: v for k, v in record.items() if k != "relationships"}
        return {**{k: v.get("data", v) if isinstance(v, dict) else v for k, v in related.items()}, **rest}
    return record


def _with_attributes(record: dict[str, Any]) -> dict[str, Any]:
    """A record with the fields that are kept in an object of it, or as pairs."""
    for name in [n for n in record if glued(n) == "attributes" or n == "_source"]:
        inner = _paired(name, record[name])
        if isinstance(inner, dict):
            record = {**{k: v for k, v in record.items() if k != name}, **inner}
    return record


def _holds_more(value: Any) -> bool:
    return isinstance(value, dict | list) and unwrapped_value(value) is None


def _with_header(record: dict[str, Any]) -> dict[str, Any]:
    """A table's rows as records, where a list beside them names the columns: `{"columns": [...], "rows": [[...]]}`."""
    lists = {k: v for k, v in record.items() if isinstance(v, list) and v}
    for name, rows in lists.items() if len(lists) > 1 else ():
        header = next((h for h in lists.values() if isinstance(rows[0], list) and _has_header([h, *rows])), None)
        if header is not None:
            return {**{k: v for k, v in record.items() if v is not header}, name: [header, *rows]}
    return record


def _has_header(rows: list[Any]) -> bool:
    """Whether the first of several bare rows names the columns: texts alone, where the others hold numbers too."""
    if len(rows) < 2 or not all(isinstance(r, list) and 2 <= len(r) <= _FIELDS for r in rows):  # noqa: PLR2004 - two columns
        return False
    header = rows[0]
    if not all(isinstance(n, str) and n[:1].isalpha() for n in header) or len(set(header)) != len(header):
        return False
    if any(len(r) != len(header) or not all(map(is_scalar, r)) for r in rows):
        return False
    return any(all(NUMBERED.fullmatch(identifier(v) or "") for v in column) for column in zip(*rows[1:], strict=True))


def _id_column(rows: list[Any]) -> int | None:
    """Which column of a list of bare rows is the id; None where it is no such list."""
    if not rows or not all(isinstance(r, list) and 2 <= len(r) <= 6 for r in rows):  # noqa: PLR2004 - an id, some names
        return None
    wide = len(rows[0])
    if any(len(r) != wide or not all(is_scalar(v) for v in r) for r in rows):
        return None
    numbers = (i for i in range(wide) if all(NUMBERED.fullmatch(identifier(r[i]) or "") for r in rows))
    return next(numbers, None)


def _record(row: list[Any], at: int) -> dict[str, Any]:
    names = [v for i, v in enumerate(row) if i != at and isinstance(v, str)]
    return {"id": row[at], **dict(zip(("name", "title", "label", "text", "caption"), names, strict=False))}


class Entry(NamedTuple):
    """One entry of a collection: its key where it was keyed, its value, and the keys and names of the groups above."""

    key: str | None
    value: Any
    groups: tuple[str, ...] = ()


Pattern = tuple[str, ...]


def collections(value: Any) -> dict[Pattern, list[Entry]]:
    """All collections of an answer by where they lie; `*` stands for an entry, so that groups come together."""
    found: dict[Pattern, list[Entry]] = {}
    stack: list[tuple[Any, Pattern, tuple[str, ...]]] = [(value, (), ())]
    visited = 0
    while stack and visited < _NODES:
        node, pattern, groups = stack.pop()
        visited += 1
        entries = entries_of(node, pattern)
        if entries is None:
            stack += [(v, (*pattern, k), groups) for k, v in reversed(node.items()) if isinstance(v, dict | list)]
            continue
        found.setdefault(pattern, []).extend(Entry(k, v, groups) for k, v in entries)
        stack += [
            (v, (*pattern, "*"), (*groups, _label(k, v))) for k, v in reversed(entries) if isinstance(v, dict | list)
        ]
    return found


def entries_of(node: Any, pattern: Pattern) -> list[tuple[str | None, Any]] | None:
    """The entries of a collection with their keys; None where the node is a record."""
    if isinstance(node, list):
        return [(None, v) for v in node]
    if not isinstance(node, dict):
        return []
    if keyed(node):
        return list(_inner(node).items())
    if node and all(is_scalar(v) for v in node.values()):
        plain = [(k, v) for k, v in node.items() if glued(k) not in MARKS and glued(k) not in ("data", "payload")]
        if plain and ("*" not in pattern or all(NUMBERED.fullmatch(k) for k in node)):
            return plain
    return None


def _label(key: str | None, value: Any) -> str:
    if key is not None or not isinstance(value, dict):
        return key or ""
    named = {glued(k): v for k, v in value.items()}
    return identifier(named.get("id", named.get("code", named.get("name")))) or ""


def has_next_page(value: Any, depth: int = 0) -> bool:
    """Whether an answer says of itself that it is one page, and that others follow."""
    if not isinstance(value, dict) or depth > _PAGER_DEPTH:
        return False
    named = {glued(name): inner for name, inner in islice(value.items(), _FIELDS)}
    last = next((number for n in _LAST_PAGE if (number := integer(named.get(n))) is not None), 0)
    this = next((number for n in _THIS_PAGE if (number := integer(named.get(n))) is not None), 1)
    follows = any(isinstance(named.get(n), str) and "/" in named[n] for n in _NEXT_PAGE)
    places = [inner for name, inner in named.items() if is_envelope(name) or name in _PAGER_PLACES]
    return last > this or follows or any(has_next_page(inner, depth + 1) for inner in places)
