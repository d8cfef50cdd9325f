"""What in an answer to `buy` may be the purchase's id, and why: the best first (contract, section Answers)."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import Candidate, Found, Purchase, Sureness
from shomare_mqtt.provider.reading.doubts import doubt, place_of
from shomare_mqtt.provider.reading.found import place_of_leaf
from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, is_nameless, words, wordset
from shomare_mqtt.provider.reading.phones import PHONE, SHORTEST, digits_of_phone
from shomare_mqtt.provider.reading.places import shown, value_at
from shomare_mqtt.provider.reading.times import moment
from shomare_mqtt.provider.reading.values import identifier, is_none_yet, is_scalar, money

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context
    from shomare_mqtt.provider.reading.places import Place
    from shomare_mqtt.provider.reading.shapes import Leaf

PURCHASE = Field(
    alias(
        w100="purchaseid orderid activationid buyid purchase idorder tzid reserveid",
        w90="id order activation rentid rentalid simid شناسه",
        w88="کدسفارش شمارهسفارش شناسهسفارش ordercode purchasecode purchasenumber orderno ordernumber orderuuid buycode",
        w85="numberid idnum idnumber",
        w82="transactionid ticketid sessionid",
        w75="trackingcode trackcode tracking requestid tracknumber uuid reference ref refid transaction "
        "request token key کدپیگیری شمارهپیگیری",
    ),
    parts=alias(w75="شناسه", w70="purchase order activation kharid خرید", w60="tzid tracking rent reserve session"),
    spoilers=wordset(
        "country operator service application app product user account server provider site client "
        "status state count price cost "
        "time date at expire expires message name type in balance number phone parent"
    ),
)
NOT_OURS = wordset(
    "user account profile client owner country operator service application app product site server "
    "provider sms messages wallet meta support contact debug log"
)
_ODD_ID = wordset("pid rid oid tid sid aid nid bid hash guid contract operation deal invoice")
"""Short names that are nothing but an id; whose, nobody says."""
_FOREIGN_ID = wordset(
    "country operator service application app product user account server provider site client message "
    "pool panel region range agent parent hosting currency category plan tariff package price profile owner "
    "customer member telegram chat device bank card trace correlation log branch slot gateway external"
)
"""Words before `id` that say whose else the id is: `user_id`."""
_KEY = re.compile(r"\d{3,20}")
"""A name of an object that is an id, and no running number."""
_OF_ENTITY = re.compile(r"\('?([^'(),=]{1,80})'?\)$")
_ITS_KEY = 95
"""What the key of the object's own address speaks with."""
_NO_ID = re.compile(r"-\d+|0+")
_LONGEST_ID, _SHORTEST_ID = 80, 4
_REQUESTS_OWN = 81
"""An id under a name of no more weight (`reference`, `token`) may be the request's."""
WEAK = 80
"""An id under a weaker name than this may be the request's own: it needs a phone number beside it."""
_AT_HOME, _ELSEWHERE = 6, -20
"""What an id gains in the phone number's own object, and loses in one beside it: a payment has an id, too."""
_UNKNOWN_NAME = 10
"""What an id under a name that nobody foresaw speaks with, less than any other."""
_RELATED = wordset("included include related relationships relations links references embedded associations")
_MOST_CANDIDATES, _MOST_RELATED = 6, 2000
_FIELD = "buy.purchase"


class PurchaseId(NamedTuple):
    """What may be the purchase's id; `weight`: how strongly its name speaks for it, `strength`: its place as well.

    `leaf` is None where it stands under no name: a name that is the id. `place`: where that is known already.
    `is_guess`: it may be the id as likely as the one that is taken.
    """

    value: str
    weight: int
    strength: int
    leaf: Leaf | None = None
    place: str | None = None
    is_chosen: bool = False
    is_guess: bool = False


def purchase_in(found: list[Leaf], phone: str | None, known: Known) -> str | None:
    """The purchase's id."""
    return next((each.value for each in ids_in(found, phone, surroundings(found, phone), known)), None)


def ids_in(found: list[Leaf], phone: str | None, near: Surroundings, known: Known) -> list[PurchaseId]:
    """What may be the purchase's id, the best first; none where nothing says that a number was bought.

    Ids of what was asked for (the country, the application) are out, but under a name that says that they are the
    purchase's, and where there is no other.
    """
    named = sorted(_named_ids(found, near), key=lambda each: -each.strength)
    if phone is None:
        named = [each for each in named if not _is_asked_for(each, known)]
        sure = [each for each in named if _speaks_for_itself(each, near)]
        return [*sure, *(each for each in named if each not in sure)] if sure else []
    others = [each for each in named if not (each.value in _asked(known) and _may_be_the_products(each))]
    return [*(others or named), *_unforeseen(found, near, known)]


def _named_ids(found: list[Leaf], near: Surroundings) -> Iterator[PurchaseId]:
    """The ids under names of a purchase's id."""
    keys = _keys_of_entities(found)
    for leaf in found:
        weight = _ITS_KEY if identifier(leaf.value) in keys.get(leaf.parents, ()) else _purchase_weight(leaf)
        own = identifier(leaf.value) if weight and is_scalar(leaf.value) else None
        if own is not None and may_be_id(own):
            yield PurchaseId(own, weight, weight + standing(leaf, near) - leaf.depth, leaf)


def _keys_of_entities(found: list[Leaf]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """The key that an object's own address in OData 2 holds: `{"__metadata": {"uri": ".../A_Order('74001')"}}`."""
    addresses = (leaf for leaf in found if leaf.parents[-1:] == ("__metadata",) and leaf.name in ("id", "uri"))
    told = ((leaf.parents[:-1], _OF_ENTITY.search(str(leaf.value))) for leaf in addresses)
    return {parents: (key[1],) for parents, key in told if key is not None}


def _speaks_for_itself(each: PurchaseId, near: Surroundings) -> bool:
    """Whether an id needs no phone number beside it: one under a weak name may be the request's own."""
    return each.leaf is not None and each.weight + standing(each.leaf, near) >= WEAK


def _is_strange_id(leaf: Leaf, phone: str | None, context: Context) -> bool:
    """Whether a value under a name that says nothing may be an id: no time, phone or price, nothing asked for."""
    known = context.known
    own = identifier(leaf.value) if is_scalar(leaf.value) and is_nameless(leaf.name) else None
    if own is None or not may_be_id(own) or len(own) < _SHORTEST_ID or not any(map(str.isdigit, own)):
        return False
    if own in (known.country, known.operator, known.application) or (phone or "").endswith(own[-SHORTEST:]):
        return False
    if own.startswith("+") or moment(leaf.value, context.timezone) is not None:
        return False
    return known.price is None or money(leaf.value) != known.price


def _asked(known: Known) -> frozenset[str]:
    return frozenset(own for own in (known.country, known.operator, known.application) if own is not None)


def _may_be_the_products(each: PurchaseId) -> bool:
    return each.weight < WEAK or (each.leaf is not None and glued(each.leaf.name) == "id")


def _is_asked_for(each: PurchaseId, known: Known) -> bool:
    """Whether a bare `id` is that of the product: the answer shows what was asked for, and no number."""
    return each.leaf is not None and glued(each.leaf.name) == "id" and each.value in _asked(known)


def _unforeseen(found: list[Leaf], near: Surroundings, known: Known) -> list[PurchaseId]:
    """Ids that stand beside a number under names that nobody foresaw (`contract_id`), or are themselves the name.

    The only one under a name is likelier than the name itself; of several each is a guess, that a check confirms.
    """
    asked = _asked(known)
    odd = [
        PurchaseId(own, _UNKNOWN_NAME, _UNKNOWN_NAME + standing(leaf, near) - leaf.depth, leaf)
        for leaf in found
        if _is_odd_id(leaf) and (own := identifier(leaf.value)) is not None and own not in asked
    ]
    odd.sort(key=lambda each: -each.strength)
    key = _key_of(near)
    keys = [] if key is None else [PurchaseId(key, _UNKNOWN_NAME, _UNKNOWN_NAME)]
    return odd + keys if len({each.value for each in odd}) == 1 else keys + odd


def candidates_in(
    answer: Any, found: list[Leaf], phone: str | None, near: Surroundings, context: Context
) -> list[PurchaseId]:
    """What may be the purchase's id in an answer, each once: first the one whose place trying told, where it is there.

    Ids of what is related to the purchase, or included, come last, and only beside others.
    """
    ids = _with_strange(ids_in(found, phone, near, context.known), found, phone, near, context)
    chosen = _chosen(answer, context)
    if not ids and chosen is None:
        return []
    asked = _asked(context.known)
    related = (each for each in _related_ids(answer) if each.value not in asked)
    each_once: dict[str, PurchaseId] = {}
    for each in (*([chosen] if chosen else []), *ids, *related):
        each_once.setdefault(each.value, each)
    first = list(each_once.values())[:_MOST_CANDIDATES]
    return [
        each._replace(place=each.place or (place_of_leaf(answer, each.leaf) if each.leaf else None)) for each in first
    ]


def _with_strange(
    ids: list[PurchaseId], found: list[Leaf], phone: str | None, near: Surroundings, context: Context
) -> list[PurchaseId]:
    """The ids, and the values beside the phone number that may be one under names that say nothing.

    Where the best is under a weak name, or lies elsewhere, they are as likely; where it lies elsewhere and one alone
    is beside the phone number, that one is likelier.
    """
    beside = [leaf for leaf in found if leaf.parents in near.homes and _is_strange_id(leaf, phone, context)]
    best = next(iter(ids), None)
    elsewhere = best is not None and best.leaf is not None and standing(best.leaf, near) <= _ELSEWHERE
    is_sure = best is not None and best.weight > _REQUESTS_OWN and not elsewhere
    strange = [PurchaseId(identifier(leaf.value) or "", 0, _ELSEWHERE, leaf, is_guess=not is_sure) for leaf in beside]
    if best is not None and elsewhere and len(strange) == 1:
        return [*strange, best._replace(is_guess=True), *ids[1:]]
    return [*ids, *strange]


def _chosen(answer: Any, context: Context) -> PurchaseId | None:
    place = context.chosen.get(_FIELD)
    value = None if place is None else value_at(answer, place)
    own = identifier(value) if is_scalar(value) else None
    if place is None or own is None or not may_be_id(own):
        return None
    return PurchaseId(own, 100, 100, place=shown(place), is_chosen=True)


def _related_ids(answer: Any) -> Iterator[PurchaseId]:
    """Ids of what an answer includes, or relates to, other than what is not the purchase's (a country, a user)."""
    queue: deque[tuple[Any, Place, bool]] = deque([(answer, (), False)])
    seen = 0
    while queue and seen < _MOST_RELATED:
        node, place, inside = queue.popleft()
        if isinstance(node, dict) and inside:
            yield from _own_ids(node, place)
        for step, inner in node.items() if isinstance(node, dict) else enumerate(node):
            seen += 1
            foreign = isinstance(step, str) and _is_anothers(step)
            within = inside or (isinstance(step, str) and glued(step) in _RELATED)
            if isinstance(inner, dict) or (isinstance(inner, list) and within):
                queue += [] if foreign else [(inner, (*place, step), within)]


def _is_anothers(name: str) -> bool:
    """Whether a name says that an object is not the purchase's: a user, countries."""
    return any({word, word.removesuffix("s"), f"{word.removesuffix('ies')}y"} & NOT_OURS for word in words(name))


def _own_ids(related: dict[str, Any], place: Place) -> Iterator[PurchaseId]:
    """The ids of one object, unless its `type` says that it is a country or a user."""
    if _is_anothers(str(related.get("type") or "")):
        return
    for name, value in related.items():
        own = identifier(value) if glued(name) in ("id", "uuid") and is_scalar(value) else None
        if own is not None and may_be_id(own):
            yield PurchaseId(own, 0, _ELSEWHERE, place=shown((*place, name)))


def with_candidates(purchase: Purchase, ids: list[PurchaseId]) -> Purchase:
    """The purchase with what was found out of its id, and what is to be; what speaks as loudly makes it doubtful."""
    first, others = ids[0], ids[1:]
    alike = [each for each in others if each.is_guess or each.strength == first.strength]
    is_doubtful = not first.is_chosen and (first.is_guess or bool(alike))
    doubtful = doubt("purchase", map(_told, (first, *alike))) if is_doubtful else ()
    sureness = Sureness.TRIED if first.is_chosen else Sureness.DOUBTFUL if doubtful else Sureness.SURE
    places = tuple(each.place for each in others if each.place is not None)
    why = "a check of an earlier purchase" if first.is_chosen else "its name, and what stands beside it"
    return replace(
        purchase,
        found=(Found(_FIELD, first.place, sureness, places, why), *purchase.found),
        candidates=tuple(Candidate(each.place, each.value) for each in ids),
        is_tried=first.is_chosen,
        doubtful=(*doubtful, *purchase.doubtful),
    )


def _told(each: PurchaseId) -> str:
    """Where it stands, for a person."""
    return each.place or (place_of(each.leaf) if each.leaf is not None else "*")


def _key_of(near: Surroundings) -> str | None:
    """The id that the phone number's object is kept under: `{"74001": {"number": "7931..."}}`."""
    keys = {home[-1] for home in near.homes if home and _KEY.fullmatch(home[-1])}
    return keys.pop() if len(keys) == 1 else None


def may_be_id(own: str) -> bool:
    """Whether a value may be an id: no sentence, and no 0, -1 or "null", which say that there is none."""
    return len(own) <= _LONGEST_ID and " " not in own and not (_NO_ID.fullmatch(own) or is_none_yet(own))


class Surroundings(NamedTuple):
    """The objects that the phone number lies in: its own and what is a wrapper of it, and those around these."""

    homes: set[tuple[str, ...]]
    around: set[tuple[str, ...]]


def surroundings(found: list[Leaf], phone: str | None) -> Surroundings:
    """Where in a purchase its phone number lies."""
    homes, around = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for leaf in found if phone else ():
        digits = digits_of_phone(leaf.value) if PHONE.weight(phone_name(leaf)) else None
        if digits is None or not (phone or "").endswith(digits[-SHORTEST:]):
            continue
        parents = leaf.parents
        homes.add(parents)
        while parents and PHONE.weight(parents[-1]):  # `{"number": {"full": "7931..."}}`
            parents = parents[:-1]
            homes.add(parents)
        around.update(parents[:depth] for depth in range(len(parents)))
    return Surroundings(homes, around)


def standing(leaf: Leaf, near: Surroundings) -> int:
    """What the object that an id lies in says for it: an order's, the phone number's, one around that, or another."""
    inside = 8 if leaf.parents and PURCHASE.weight(leaf.parents[-1]) >= WEAK else 0
    if leaf.parents in near.homes:
        return inside + _AT_HOME
    around = leaf.parents in near.around if near.homes else all(is_envelope(parent) for parent in leaf.parents)
    return inside if inside or around else _ELSEWHERE


def _purchase_weight(leaf: Leaf) -> int:
    """How strongly a field is the purchase's id; `code` is one inside an object that is the order."""
    if glued(leaf.name) == "code" and leaf.parents and PURCHASE.weight(leaf.parents[-1]) >= WEAK:
        return WEAK - 5
    return PURCHASE.weight(leaf.name)


def _is_odd_id(leaf: Leaf) -> bool:
    said = words(leaf.name)
    own = identifier(leaf.value) if is_scalar(leaf.value) else None
    if not said or own is None or not may_be_id(own):
        return False
    if len(said) == 1:
        return said[0] in _ODD_ID
    return said[-1] in ("id", "uuid") and not _FOREIGN_ID.intersection(said[:-1])


def phone_name(leaf: Leaf) -> str:
    """A field's name, or that of the phone it is wrapped in: `{"phone": {"value": "7931..."}}`."""
    wrapped = glued(leaf.name) in ("value", "full", "international", "national", "formatted", "text", "raw")
    return leaf.parents[-1] if wrapped and leaf.parents else leaf.name
