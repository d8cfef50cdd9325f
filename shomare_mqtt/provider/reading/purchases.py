"""Reading the answer to `buy`: a purchase, a refusal to the contract's letter, or an unknown outcome."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Found, Purchase, Sureness
from shomare_mqtt.provider.reading.decode import decode
from shomare_mqtt.provider.reading.doubts import doubt, place_of
from shomare_mqtt.provider.reading.found import guessed_at, missing, read_at
from shomare_mqtt.provider.reading.names import Field, alias, is_nameless, words, wordset
from shomare_mqtt.provider.reading.phones import (
    PHONE,
    country_code,
    digits_of_phone,
    is_international,
    phone_of,
)
from shomare_mqtt.provider.reading.purchase_ids import (
    NOT_OURS,
    PURCHASE,
    WEAK,
    candidates_in,
    may_be_id,
    phone_name,
    standing,
    surroundings,
    with_candidates,
)
from shomare_mqtt.provider.reading.shapes import Leaf, leaves, with_pairs
from shomare_mqtt.provider.reading.times import LONGEST, left_by_hand, lifetime, moment, names_a_life
from shomare_mqtt.provider.reading.units import UNIT, named_unit, unit_in_name
from shomare_mqtt.provider.reading.values import identifier, is_scalar, money
from shomare_mqtt.provider.reading.verdict import NO_PURCHASE, judged_buy, marks_of, outcome_unknown, unwrapped

if TYPE_CHECKING:
    from decimal import Decimal

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer
    from shomare_mqtt.provider.reading.purchase_ids import Surroundings
    from shomare_mqtt.provider.reading.times import Life

_COST = Field(
    alias(
        w100="price cost activationcost finalprice orderprice charged amountcharged chargedamount paid قیمت",
        w75="amount sum fee total totalamount amounttotal totalprice debit mablagh value toman irt",
    ),
    parts=alias(w70="price cost"),
    spoilers=wordset("old base retail cents id balance before after discount usd currency unit max min limit"),
)
_OTHER_MONEY = wordset(
    "balance credit charge deposit discount tax vat commission refund cashback bonus gift points spent profit "
    "max min limit old موجودی اعتبار تخفیف مالیات"
)
"""Words of an object whose amount is no price: `{"balance": {"amount": 47800}}`."""
_IN_ONE_TEXT = re.compile(r"[A-Z_]+:(?P<purchase>[\w-]+):(?P<phone>\+?\d{7,15})")


def read_buy(answer: RawAnswer, context: Context) -> Purchase:
    """The number that was bought.

    Raises ProviderRefusedError where the provider says in its own words that nothing was bought (contract, end of
    section Answers), and OutcomeUnknownError for every other answer that names no purchase.
    """
    decoded = decode(answer)
    marks = marks_of(decoded.value)
    found = list(own_leaves(with_pairs(_spelt_out(unwrapped(decoded.value)))))
    hand = _ByHand(decoded.value, found, context)
    phone = hand.phone() if hand.sets("phone") else phone_in(found, context.known)
    by_hand = hand.sets("purchase")
    near = surroundings(found, phone)
    ids = [] if by_hand else candidates_in(decoded.value, found, phone, near, context)
    bought = hand.purchase() if by_hand else next((each.value for each in ids), None)
    named, numbered = bought is not None, bought is not None and phone is not None
    lacks = hand.no_purchase
    problem = judged_buy(answer, named=named, numbered=numbered, decoded=decoded, marks=marks, lacks=lacks)
    if problem is not None:
        raise problem
    if bought is None:
        raise outcome_unknown(answer, marks, lacks)
    purchase = _purchase(bought, phone, near, decoded.value, hand, context)
    if by_hand:
        return replace(purchase, found=(hand.found_at("purchase", bought), *purchase.found))
    return with_candidates(purchase, ids)


def _purchase(
    bought: str, phone: str | None, near: Surroundings, answer: Any, hand: _ByHand, context: Context
) -> Purchase:
    """The purchase of an id, with its number and what else the answer says of it; `found` and doubts but the id's."""
    found = hand.own
    cost, costing = _cost(found, near, context.known, context.unit)
    price = hand.price() if hand.sets("price") else cost
    guessed = [] if phone is not None or hand.sets("phone") else nameless_phones(found, context.known)
    if len(guessed) == 1:
        phone = phone_of([("phone", guessed[0].value, 0)], [], context.known)
    life = lifetime(fields_of(found), context, fresh=True)
    left = hand.left() if hand.sets("expires") else life.left
    ends = [] if left is not None or hand.sets("expires") else nameless_ends(found, context)
    places = (
        hand.found("phone", phone) or _of_phone(answer, found, phone, near, guessed),
        hand.found("price", price) or _of_price(answer, costing),
        hand.found("expires", left) or _of_life(answer, found, life),
    )
    doubtful = (*doubt("phone", map(place_of, guessed)), *doubt("lifetime", map(place_of, ends)))
    unread = _unread(hand, phone, price, left, is_life_unread=life.is_unread)
    return Purchase(bought, phone, price, left, unread, places, doubtful)


def _unread(
    hand: _ByHand, phone: str | None, price: Decimal | None, left: float | None, *, is_life_unread: bool
) -> tuple[str, ...]:
    """What the answer lacks, or holds and nobody understands."""
    lacks = (
        ("phone", "phone", phone is None),
        ("price", "price", price is None and hand.sets("price")),
        ("expires", "lifetime", left is None if hand.sets("expires") else is_life_unread),
    )
    return tuple(hand.lacking(field) if hand.sets(field) else name for field, name, bad in lacks if bad)


class _ByHand:
    """What is set by hand of a purchase, read in one answer; `own`: the values that are the purchase's own."""

    def __init__(self, answer: Any, own: list[Leaf], context: Context) -> None:
        self._answer, self.own, self._context = answer, own, context
        self._hand = context.by_hand

    def sets(self, field: str) -> bool:
        """Whether a field is set by hand, and so never guessed."""
        return self._hand.sets(f"buy.{field}")

    def lacking(self, field: str) -> str:
        """What is said of an answer that has nothing at the place set."""
        return self._hand.lacking(f"buy.{field}")

    def found(self, field: str, value: Any) -> Found | None:
        """What is said of a field that is set; None of others."""
        return self.found_at(field, value) if self.sets(field) else None

    def found_at(self, field: str, value: Any) -> Found:
        """What is said of a field that is set; a value of None was not there."""
        return self._hand.found(f"buy.{field}", is_there=value is not None)

    @property
    def no_purchase(self) -> str:
        """What is said of an answer that names no purchase."""
        return f"its answer lacks the {self.lacking('purchase')}" if self.sets("purchase") else NO_PURCHASE

    def purchase(self) -> str | None:
        """The purchase's id, where what stands there can be one."""
        own = identifier(self._hand.find("buy.purchase", self._answer))
        return own if own is not None and may_be_id(own) else None

    def phone(self) -> str | None:
        """The number, with the dialling code that stands beside it or in the country's entry."""
        value = self._hand.find("buy.phone", self._answer)
        codes = [(leaf.name, leaf.value) for leaf in self.own]
        return phone_of([("phone", value, 0)], codes, self._context.known) if is_scalar(value) else None

    def price(self) -> Decimal | None:
        """What was paid; none where it is no amount or a negative one."""
        leaf = self._hand.leaf("buy.price", self._answer)
        beside = unit_in_name(leaf.name) or _unit_of(leaf, self.own) or self._context.unit
        amount = money(leaf.value, beside)
        return amount if amount is not None and amount >= 0 else None

    def left(self) -> float | None:
        """Seconds that the number lives from now."""
        leaf = self._hand.leaf("buy.expires", self._answer)
        return left_by_hand(leaf.name, leaf.value, fields_of(self.own), self._context, fresh=True)


def _of_phone(answer: Any, found: list[Leaf], phone: str | None, near: Surroundings, guessed: list[Leaf]) -> Found:
    """Where the phone number was read, and which other values may be one."""
    if guessed:
        return guessed_at("buy.phone", answer, guessed[0], guessed[1:], why="it is written as one")
    named = [leaf for leaf in found if PHONE.weight(phone_name(leaf)) and digits_of_phone(leaf.value) is not None]
    named.sort(key=lambda leaf: (leaf.parents not in near.homes, -PHONE.weight(phone_name(leaf))))
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
    return [leaf for leaf in leaves(value) if not any(NOT_OURS.intersection(words(p)) for p in leaf.parents)]


def fields_of(found: list[Leaf]) -> dict[str, Any]:
    """The leaves by name; of equal names the innermost, since an envelope's `time` is not the purchase's."""
    return {leaf.name: leaf.value for leaf in sorted(found, key=lambda leaf: leaf.depth)}


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


def _unit_of(amount: Leaf, found: list[Leaf]) -> str | None:
    """The unit named beside an amount, else anywhere in the purchase."""
    named = [leaf for leaf in found if UNIT.weight(leaf.name)]
    named.sort(key=lambda leaf: leaf.parents != amount.parents)
    return next((said for leaf in named if (said := named_unit(leaf.name, leaf.value))), None)


def _cost(found: list[Leaf], near: Surroundings, known: Known, unit: str | None) -> tuple[Decimal | None, list[Leaf]]:
    """What was charged, and where it may stand, best first; `unit`: that of money where the answer names none."""
    votes: list[tuple[int, int, Decimal, Leaf]] = []
    for leaf in found:
        other = any(_OTHER_MONEY.intersection(words(parent)) for parent in leaf.parents)
        weight = 0 if other else _COST.weight(leaf.name) or (1 if is_nameless(leaf.name) else 0)
        amount = money(leaf.value, unit_in_name(leaf.name) or _unit_of(leaf, found) or unit) if weight else None
        if amount is not None and amount > 0 and (weight > 1 or amount == known.price):
            vote = weight + standing(leaf, near) + (30 if amount == known.price else 0)
            votes.append((vote, -len(votes), amount, leaf))
    votes.sort(key=lambda vote: vote[:2], reverse=True)
    return (votes[0][2] if votes else None), [leaf for *_, leaf in votes]
