"""Whose answer it is: one to `check` or `cancel` that names another purchase or number is none (contract, Answers)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.provider.reading.messages import CODE, TEXT
from shomare_mqtt.provider.reading.names import glued, words, wordset
from shomare_mqtt.provider.reading.phones import PHONE, digits_of_phone
from shomare_mqtt.provider.reading.purchase_ids import PURCHASE, may_be_id, phone_name
from shomare_mqtt.provider.reading.states import STATE, state_of_words
from shomare_mqtt.provider.reading.values import identifier, is_scalar

if TYPE_CHECKING:
    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.shapes import Leaf

_SURE = 85
"""An id under a weaker name than this (`uuid`, `reference`, `ticket_id`) may be that of the request."""
_NAMED = 80
_STATE = 100
_MONEY = wordset("invoice transaction payment refund receipt bill")
"""Words of an object that has an id of its own beside a purchase's."""
_DISTINCT = 9
"""Last digits that make a number: before them stand dialling code, area and what is dialled before those."""


def is_anothers(own: list[Leaf], known: Known) -> bool:
    """Whether the values that are a purchase's own are those of another than was asked for.

    What names nothing may be ours; so may one with an id of its own, where it names ours too.
    """
    phones = [digits for leaf in own if (digits := _phone_of(leaf)) is not None]
    ours = digits_of_phone(known.phone)
    same_phone = ours is not None and any(_is_same_number(ours, other) for other in phones)
    if ours is not None and phones and not same_phone:
        return True
    if known.purchase is None or any(_is_same_id(leaf, known.purchase) for leaf in own):
        return False
    return any(_names_a_purchase(leaf, own, sure=same_phone) for leaf in own if not _is_also_ours(leaf, known))


def _phone_of(leaf: Leaf) -> str | None:
    name = phone_name(leaf)
    sure = PHONE.weight(name) >= _SURE and not PURCHASE.weight(name)
    return digits_of_phone(leaf.value) if sure and is_scalar(leaf.value) else None


def _is_same_number(one: str, other: str) -> bool:
    """Whether two are one number, in whatever form: with its dialling code, without, with a 0 or an 8 before it."""
    short, long = sorted((digits.lstrip("+0") for digits in (one, other)), key=len)
    if long[-_DISTINCT:].endswith(short[-_DISTINCT:]):
        return True
    # The 8 before a number of eight digits, as in Lithuania.
    return len(short) == _DISTINCT and short[0] == "8" and len(long) > _DISTINCT + 1 and long.endswith(short[1:])


def _is_same_id(leaf: Leaf, purchase: str) -> bool:
    if purchase in leaf.parents:
        return True
    own = identifier(leaf.value) if is_scalar(leaf.value) else None
    return own is not None and _plain(own) == _plain(purchase)


def is_own_id(leaf: Leaf, known: Known) -> bool:
    """Whether a value is an id of the purchase that was asked about, whatever its name: an `activationCode`, say."""
    own = identifier(leaf.value) if known.purchase is not None and is_scalar(leaf.value) else None
    return own is not None and (_plain(own) == _plain(known.purchase or "") or _is_also_ours(leaf, known))


def _is_also_ours(leaf: Leaf, known: Known) -> bool:
    """Whether a field holds another of the ids that the answer to the purchase's `buy` held."""
    own = identifier(leaf.value) if known.also_ours and is_scalar(leaf.value) else None
    return own is not None and _plain(own) in map(_plain, known.also_ours)


def _plain(own: str) -> str:
    """An id without what differs between two ways to write it: 007 and 7, #74001, capitals."""
    bare = own.strip("# ").casefold()
    return bare.lstrip("0") or bare if bare.isdecimal() else bare


def _names_a_purchase(leaf: Leaf, own: list[Leaf], *, sure: bool) -> bool:
    """Whether a field is a purchase's id, and no other's; `sure`: only where its name can mean nothing else.

    A bare `id` is a record's own: that of the SMS, where it lies beside its text or code, and no state and no number.
    """
    named = identifier(leaf.value) if PURCHASE.weight(leaf.name) >= _SURE and is_scalar(leaf.value) else None
    if named is None or not may_be_id(named):
        return False
    if glued(leaf.name) != "id":
        return True
    beside = [other for other in own if other.parents == leaf.parents]
    if _is_in_anothers_place(leaf) and not any(map(_is_of_a_purchase, beside)):
        return False
    of_an_sms = any(max(CODE.weight(o.name), TEXT.weight(o.name)) >= _NAMED for o in beside)
    return not sure and (not of_an_sms or any(map(_is_of_a_purchase, beside)))


def _is_in_anothers_place(leaf: Leaf) -> bool:
    """Whether a field lies in an object for a state or a payment: `{"status": {"id": 2, "name": "received"}}`."""
    home = leaf.parents[-1] if leaf.parents else ""
    return STATE.weight(home) == _STATE or not _MONEY.isdisjoint(words(home))


def _is_of_a_purchase(leaf: Leaf) -> bool:
    """Whether a field is a number, or a state that has a word."""
    said = isinstance(leaf.value, str) and STATE.weight(leaf.name) >= _NAMED and state_of_words(leaf.value) is not None
    return said or PHONE.weight(leaf.name) >= _NAMED
