"""Reading the answer to `buy`: a purchase, a refusal to the contract's letter, or an unknown outcome."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from shomare_mqtt.model import Found, Purchase, Sureness
from shomare_mqtt.provider.reading.decode import decode
from shomare_mqtt.provider.reading.doubts import doubt, place_of
from shomare_mqtt.provider.reading.found import guessed_at, missing, read_at
from shomare_mqtt.provider.reading.names import Field, alias, glued, is_envelope, is_nameless, words, wordset
from shomare_mqtt.provider.reading.phones import (
    PHONE,
    SHORTEST,
    country_code,
    digits_of_phone,
    is_international,
    phone_of,
)
from shomare_mqtt.provider.reading.shapes import Leaf, leaves
from shomare_mqtt.provider.reading.times import LONGEST, left_by_hand, lifetime, moment, names_a_life
from shomare_mqtt.provider.reading.units import UNIT, named_unit, unit_in_name
from shomare_mqtt.provider.reading.values import identifier, is_none_yet, is_scalar, money
from shomare_mqtt.provider.reading.verdict import NO_PURCHASE, judged_buy, marks_of, outcome_unknown, unwrapped

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer
    from shomare_mqtt.provider.reading.times import Life

PURCHASE = Field(
    alias(
        w100="purchaseid orderid activationid buyid purchase idorder tzid reserveid",
        w90="id order activation rentid rentalid simid شناسه",
        w88="ordercode purchasecode purchasenumber orderno ordernumber orderuuid buycode",
        w85="numberid idnum idnumber",
        w82="transactionid ticketid sessionid",
        w75="trackingcode trackcode tracking requestid tracknumber uuid reference ref refid transaction "
        "request token key",
    ),
    parts=alias(w75="شناسه", w70="purchase order activation kharid خرید", w60="tzid tracking rent reserve session"),
    spoilers=wordset(
        "country operator service application app product user account server provider site client "
        "status state count price cost "
        "time date at expire expires message name type in balance number phone"
    ),
)
_NOT_OURS = wordset(
    "user account profile client owner country operator service application app product site server "
    "provider sms messages wallet meta support contact debug log"
)
_COST = Field(
    alias(
        w100="price cost activationcost finalprice orderprice charged amountcharged chargedamount paid قیمت",
        w75="amount sum fee total debit mablagh value toman irt",
    ),
    parts=alias(w70="price cost"),
    spoilers=wordset("old base retail cents id balance before after discount usd currency unit max min limit"),
)
_OTHER_MONEY = wordset(
    "balance credit charge deposit discount tax vat commission refund cashback bonus gift points spent profit "
    "max min limit old موجودی اعتبار تخفیف مالیات"
)
"""Words of an object whose amount is no price: `{"balance": {"amount": 47800}}`."""
_ODD_ID = wordset("pid rid oid tid sid aid nid bid hash guid contract operation deal invoice")
"""Short names that are nothing but an id; whose, nobody says."""
_FOREIGN_ID = wordset(
    "country operator service application app product user account server provider site client message "
    "pool panel region range agent parent hosting currency category plan tariff package price profile owner "
    "customer member telegram chat device bank card trace correlation log branch slot gateway external"
)
"""Words before `id` that say whose else the id is: `user_id`."""
_IN_ONE_TEXT = re.compile(r"[A-Z_]+:(?P<purchase>[\w-]+):(?P<phone>\+?\d{7,15})")
_KEY = re.compile(r"\d{3,20}")
"""A name of an object that is an id, and no running number."""
_NO_ID = re.compile(r"-\d+|0+")
_LONGEST_ID, _SHORTEST_ID = 80, 4
_REQUESTS_OWN = 81
"""An id under a name of no more weight (`reference`, `token`) may be the request's."""
WEAK = 80
"""An id under a weaker name than this may be the request's own: it needs a phone number beside it."""
_AT_HOME, _ELSEWHERE = 6, -20
"""What an id gains in the phone number's own object, and loses in one beside it: a payment has an id, too."""


def read_buy(answer: RawAnswer, context: Context) -> Purchase:
    """The number that was bought.

    Raises ProviderRefusedError where the provider says in its own words that nothing was bought (contract, end of
    section Answers), and OutcomeUnknownError for every other answer that names no purchase.
    """
    decoded = decode(answer)
    marks = marks_of(decoded.value)
    found = list(own_leaves(_spelt_out(unwrapped(decoded.value))))
    hand = _ByHand(decoded.value, found, context)
    phone = hand.phone() if hand.sets("phone") else phone_in(found, context.known)
    candidates = _Candidates(hand.purchase()) if hand.sets("purchase") else _candidates(found, phone, context)
    bought = candidates.purchase
    named, numbered = bought is not None, bought is not None and phone is not None
    lacks = hand.no_purchase
    problem = judged_buy(answer, named=named, numbered=numbered, decoded=decoded, marks=marks, lacks=lacks)
    if problem is not None:
        raise problem
    if bought is None:
        raise outcome_unknown(answer, marks, lacks)
    cost, costing = _cost(found, phone, context.known, context.unit)
    price = hand.price() if hand.sets("price") else cost
    guessed = [] if phone is not None or hand.sets("phone") else nameless_phones(found, context.known)
    if len(guessed) == 1:
        phone = phone_of([("phone", guessed[0].value, 0)], [], context.known)
    life = lifetime(fields_of(found), context, fresh=True)
    left = hand.left() if hand.sets("expires") else life.left
    unread = tuple(
        hand.lacking(field) if hand.sets(field) else name
        for field, name, bad in (
            ("phone", "phone", phone is None),
            ("price", "price", price is None and hand.sets("price")),
            ("expires", "lifetime", left is None if hand.sets("expires") else life.is_unread),
        )
        if bad
    )
    places = (
        hand.found("phone", phone) or _of_phone(decoded.value, found, phone, guessed),
        hand.found("price", price) or _of_price(decoded.value, costing),
        hand.found("expires", left) or _of_life(decoded.value, found, life),
    )
    ends = [] if left is not None or hand.sets("expires") else nameless_ends(found, context)
    doubtful = (
        *doubt("purchase", candidates.places),
        *doubt("phone", map(place_of, guessed)),
        *doubt("lifetime", map(place_of, ends)),
    )
    return Purchase(bought, phone, price, left, unread, places, doubtful)


class _ByHand:
    """What is set by hand of a purchase, read in one answer; `found`: the values that are the purchase's own."""

    def __init__(self, answer: Any, found: list[Leaf], context: Context) -> None:
        self._answer, self._all, self._context = answer, found, context
        self._hand = context.by_hand

    def sets(self, field: str) -> bool:
        return self._hand.sets(f"buy.{field}")

    def lacking(self, field: str) -> str:
        return self._hand.lacking(f"buy.{field}")

    def found(self, field: str, value: Any) -> Found | None:
        """What is said of a field that is set; None of others."""
        return self._hand.found(f"buy.{field}", is_there=value is not None) if self.sets(field) else None

    @property
    def no_purchase(self) -> str:
        """What is said of an answer that names no purchase."""
        return f"its answer lacks the {self.lacking('purchase')}" if self.sets("purchase") else NO_PURCHASE

    def purchase(self) -> str | None:
        own = identifier(self._hand.find("buy.purchase", self._answer))
        return own if own is not None and may_be_id(own) else None

    def phone(self) -> str | None:
        """The number, with the dialling code that stands beside it or in the country's entry."""
        value = self._hand.find("buy.phone", self._answer)
        codes = [(leaf.name, leaf.value) for leaf in self._all]
        return phone_of([("phone", value, 0)], codes, self._context.known) if is_scalar(value) else None

    def price(self) -> Decimal | None:
        leaf = self._hand.leaf("buy.price", self._answer)
        beside = unit_in_name(leaf.name) or _unit_of(leaf, self._all) or self._context.unit
        amount = money(leaf.value, beside)
        return amount if amount is not None and amount >= 0 else None

    def left(self) -> float | None:
        """Seconds that the number lives from now."""
        leaf = self._hand.leaf("buy.expires", self._answer)
        return left_by_hand(leaf.name, leaf.value, fields_of(self._all), self._context, fresh=True)


def _of_phone(answer: Any, found: list[Leaf], phone: str | None, guessed: list[Leaf]) -> Found:
    """Where the phone number was read, and which other values may be one."""
    if guessed:
        return guessed_at("buy.phone", answer, guessed[0], guessed[1:], why="it is written as one")
    near = _surroundings(found, phone).homes
    named = [leaf for leaf in found if PHONE.weight(phone_name(leaf)) and digits_of_phone(leaf.value) is not None]
    named.sort(key=lambda leaf: (leaf.parents not in near, -PHONE.weight(phone_name(leaf))))
    own = [leaf for leaf in named if phone and phone.endswith((digits_of_phone(leaf.value) or "").lstrip("+0"))]
    if not own:
        return missing("buy.phone")
    return read_at("buy.phone", answer, own[0], [leaf for leaf in named if leaf not in own])


def _of_price(answer: Any, costing: list[Leaf]) -> Found:
    """Where the price was read; `costing`: what may be one, best first."""
    return read_at("buy.price", answer, costing[0], costing[1:]) if costing else missing("buy.price")


def _of_life(answer: Any, found: list[Leaf], life: Life) -> Found:
    """Where the end of the number's life was read."""
    if life.left is None:
        return missing("buy.expires", "the settings' lifetime")
    told = sorted((leaf for leaf in found if names_a_life(leaf.name)), key=lambda leaf: -names_a_life(leaf.name))
    own = next((leaf for leaf in reversed(found) if leaf.name == life.told_by), None)
    if own is None:
        return Found("buy.expires", None, Sureness.DOUBTFUL, why="a day and a time that stand apart")
    return read_at("buy.expires", answer, own, [leaf for leaf in told if leaf.name != own.name])


def _spelt_out(value: Any) -> Any:
    """The answer with a purchase that is one text ("ACCESS_NUMBER:635468024:79584123456") as an object."""
    if isinstance(value, dict):
        return {name: _spelt_out(inner) for name, inner in value.items()}
    one = _IN_ONE_TEXT.fullmatch(value) if isinstance(value, str) else None
    return value if one is None else {"purchase_id": one["purchase"], "phone": one["phone"]}


def own_leaves(value: Any) -> list[Leaf]:
    """The values that are a purchase's own: none of its user's, its country's or its SMS's."""
    return [leaf for leaf in leaves(value) if not any(_NOT_OURS.intersection(words(p)) for p in leaf.parents)]


def fields_of(found: list[Leaf]) -> dict[str, Any]:
    """The leaves by name; of equal names the innermost, since an envelope's `time` is not the purchase's."""
    return {leaf.name: leaf.value for leaf in sorted(found, key=lambda leaf: leaf.depth)}


class _Candidates(NamedTuple):
    """The purchase's id, and the places that may be it where more than one may."""

    purchase: str | None
    places: tuple[str, ...] = ()


def _candidates(found: list[Leaf], phone: str | None, context: Context) -> _Candidates:
    """The purchase's id: under its name; or a number that lies alone beside the phone under a name that says nothing.

    Such a number is said where the name that was taken is a weak one, or lies elsewhere.
    """
    near = _surroundings(found, phone)
    votes = _votes(found, phone, context.known, near)
    strange = [leaf for leaf in found if leaf.parents in near.homes and _is_strange_id(leaf, phone, context)]
    if not votes:
        own = purchase_in(found, phone, context.known)
        if own is not None or len(strange) != 1:
            return _Candidates(own, tuple(map(place_of, strange)) if own is not None else ())
        return _Candidates(identifier(strange[0].value), (place_of(strange[0]),))
    _, _, own, best = max(votes, key=lambda vote: vote[:2])
    named = place_of(best)
    if not strange or (_purchase_weight(best) > _REQUESTS_OWN and _place(best, near) > _ELSEWHERE):
        return _Candidates(own)
    if _place(best, near) > _ELSEWHERE or len(strange) > 1:
        return _Candidates(own, (named, *map(place_of, strange)))
    return _Candidates(identifier(strange[0].value), (place_of(strange[0]), named))


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


def purchase_in(found: list[Leaf], phone: str | None, known: Known) -> str | None:
    """The purchase's id."""
    near = _surroundings(found, phone)
    votes = _votes(found, phone, known, near)
    if votes:
        return max(votes, key=lambda vote: vote[:2])[2]
    return (_only_odd_id(found, known) or _key_of(near)) if phone is not None else None


def _votes(found: list[Leaf], phone: str | None, known: Known, near: _Surroundings) -> list[tuple[int, int, str, Leaf]]:
    """The ids under names that speak of one: how strongly, which came first, and where it is."""
    votes: list[tuple[int, int, str, Leaf]] = []
    for leaf in found:
        weight = _purchase_weight(leaf)
        own = identifier(leaf.value) if weight and is_scalar(leaf.value) else None
        if own is None or not may_be_id(own):
            continue
        strength = weight + _place(leaf, near)
        if phone is not None or (strength >= WEAK and not _is_asked_for(leaf, own, known)):
            votes.append((strength - leaf.depth, -len(votes), own, leaf))
    return votes


def _key_of(near: _Surroundings) -> str | None:
    """The id that the phone number's object is kept under: `{"74001": {"number": "7931..."}}`."""
    keys = {home[-1] for home in near.homes if home and _KEY.fullmatch(home[-1])}
    return keys.pop() if len(keys) == 1 else None


def may_be_id(own: str) -> bool:
    """Whether a value may be an id: no sentence, and no 0, -1 or "null", which say that there is none."""
    return len(own) <= _LONGEST_ID and " " not in own and not (_NO_ID.fullmatch(own) or is_none_yet(own))


def _is_asked_for(leaf: Leaf, own: str, known: Known) -> bool:
    """Whether a bare `id` is that of the product: the answer shows what was asked for, and no number."""
    return glued(leaf.name) == "id" and own in (known.country, known.operator, known.application)


class _Surroundings(NamedTuple):
    """The objects that the phone number lies in: its own and what is a wrapper of it, and those around these."""

    homes: set[tuple[str, ...]]
    around: set[tuple[str, ...]]


def _surroundings(found: list[Leaf], phone: str | None) -> _Surroundings:
    homes, around = set[tuple[str, ...]](), set[tuple[str, ...]]()
    for leaf in found:
        digits = digits_of_phone(leaf.value) if phone and PHONE.weight(phone_name(leaf)) else None
        if digits is None or not (phone or "").endswith(digits[-SHORTEST:]):
            continue
        parents = leaf.parents
        homes.add(parents)
        while parents and PHONE.weight(parents[-1]):  # `{"number": {"full": "7931..."}}`
            parents = parents[:-1]
            homes.add(parents)
        around.update(parents[:depth] for depth in range(len(parents)))
    return _Surroundings(homes, around)


def _place(leaf: Leaf, near: _Surroundings) -> int:
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


def _only_odd_id(found: list[Leaf], known: Known) -> str | None:
    """The id under a name that nobody foresaw (`contract_id`), where a number lies beside it and it is the only one.

    Of two such ids one would be a guess, and a guess costs the number that was paid for.
    """
    odd = [leaf for leaf in found if _is_odd_id(leaf)]
    asked = (None, known.country, known.operator, known.application)
    ids = {own for leaf in odd if (own := identifier(leaf.value)) not in asked}
    return ids.pop() if len(ids) == 1 else None


def _is_odd_id(leaf: Leaf) -> bool:
    said = words(leaf.name)
    own = identifier(leaf.value) if is_scalar(leaf.value) else None
    if not said or own is None or not may_be_id(own):
        return False
    if len(said) == 1:
        return said[0] in _ODD_ID
    return said[-1] in ("id", "uuid") and not _FOREIGN_ID.intersection(said[:-1])


def phone_in(found: list[Leaf], known: Known) -> str | None:
    """The phone number, with the dialling code that stands beside it or in the country's entry."""
    plain = [leaf for leaf in found if is_scalar(leaf.value)]
    ids = {
        identifier(leaf.value) for leaf in plain if PURCHASE.weight(leaf.name) >= WEAK and not PHONE.weight(leaf.name)
    }
    candidates = [
        (phone_name(leaf), leaf.value, -30 if identifier(leaf.value) in ids and digits_of_phone(leaf.value) else 0)
        for leaf in plain
    ]
    return phone_of(candidates, [(leaf.name, leaf.value) for leaf in found], known)


def nameless_phones(found: list[Leaf], known: Known) -> list[Leaf]:
    """Values that are written as a phone number with its dialling code, under names that say nothing."""
    code = country_code(known)
    return [
        leaf
        for leaf in found
        if is_scalar(leaf.value) and is_nameless(leaf.name) and is_international(leaf.value, code)
    ]


def nameless_ends(found: list[Leaf], context: Context) -> list[Leaf]:
    """Moments that may be a number's end, under names that say nothing."""
    now = context.date or context.now
    ends = [
        (leaf, moment(leaf.value, context.timezone))
        for leaf in found
        if is_scalar(leaf.value) and is_nameless(leaf.name)
    ]
    return [leaf for leaf, at in ends if at is not None and 0 < (at - now).total_seconds() <= LONGEST]


def phone_name(leaf: Leaf) -> str:
    """A field's name, or that of the phone it is wrapped in: `{"phone": {"value": "7931..."}}`."""
    wrapped = glued(leaf.name) in ("value", "full", "international", "national", "formatted", "text", "raw")
    return leaf.parents[-1] if wrapped and leaf.parents else leaf.name


def _unit_of(amount: Leaf, found: list[Leaf]) -> str | None:
    """The unit named beside an amount, else anywhere in the purchase."""
    named = [leaf for leaf in found if UNIT.weight(leaf.name)]
    named.sort(key=lambda leaf: leaf.parents != amount.parents)
    return next((said for leaf in named if (said := named_unit(leaf.name, leaf.value))), None)


def _cost(found: list[Leaf], phone: str | None, known: Known, unit: str | None) -> tuple[Decimal | None, list[Leaf]]:
    """What was charged, and where it may stand, best first; `unit`: that of money where the answer names none."""
    votes: list[tuple[int, int, Decimal, Leaf]] = []
    near = _surroundings(found, phone)
    for leaf in found:
        other = any(_OTHER_MONEY.intersection(words(parent)) for parent in leaf.parents)
        weight = 0 if other else _COST.weight(leaf.name) or (1 if is_nameless(leaf.name) else 0)
        amount = money(leaf.value, unit_in_name(leaf.name) or _unit_of(leaf, found) or unit) if weight else None
        if amount is not None and amount > 0 and (weight > 1 or amount == known.price):
            vote = weight + _place(leaf, near) + (30 if amount == known.price else 0)
            votes.append((vote, -len(votes), amount, leaf))
    votes.sort(key=lambda vote: vote[:2], reverse=True)
    return (votes[0][2] if votes else None), [leaf for *_, leaf in votes]
