"""Reading the answer to `cancel`: carried out, refused, or not understood. Nothing is guessed in favour of success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import Cancellation, Endpoint, PurchaseState
from shomare_mqtt.provider.reading.found import missing, read_at
from shomare_mqtt.provider.reading.names import Field, alias, glued, words
from shomare_mqtt.provider.reading.purchases import own_leaves
from shomare_mqtt.provider.reading.shapes import focused
from shomare_mqtt.provider.reading.states import STATE, Truth, denies, is_mark, state_of_words, truth
from shomare_mqtt.provider.reading.values import figure
from shomare_mqtt.provider.reading.verdict import MESSAGE_NAMES, accepted, malformed, of_another, unwrapped
from shomare_mqtt.provider.reading.whose import is_anothers

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.by_hand import ByHand
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer
    from shomare_mqtt.provider.reading.shapes import Leaf

_REFUND = Field(alias(w100="refunded refund isrefunded refundamount refundedamount returned moneyback refundstatus"))
_FIELD = "cancel.refunded"
_TOLD = 60
_BRIEF = 3
"""A message of so few words is how the purchase stands ("wait code"), and no sentence."""


def read_cancel(answer: RawAnswer, context: Context) -> Cancellation:
    """A cancel that was carried out; the money goes back with it (provider page, "Documented").

    Raises ProviderRefusedError where the provider refuses, ProviderFailedError for what is neither.
    """
    value, marks = accepted(answer, Endpoint.CANCEL)
    found = own_leaves(unwrapped(focused(unwrapped(value), context.known.purchase)))
    if is_anothers(found, context.known):
        raise of_another(answer, Endpoint.CANCEL)
    hand = context.by_hand
    states = {state for leaf in found if (state := _set_state(leaf, hand) or _state(leaf)) is not None}
    cancelled = PurchaseState.CANCELLED in states or value is True
    well = marks.own_code in (0, answer.http) and truth(marks.message) is Truth.YES and not marks.failed
    if not cancelled and (not (marks.succeeded or well) or states or any(_denies(leaf) for leaf in found)):
        raise malformed(answer, marks, Endpoint.CANCEL, "word that it was cancelled")
    if not hand.sets(_FIELD):
        refunded, leaf = _refunded(found)
        where = missing(_FIELD, "the money goes back with a cancel") if leaf is None else read_at(_FIELD, value, leaf)
        return Cancellation(refunded, found=(where,))
    said = _says_refunded(hand.find(_FIELD, value))
    unread = () if said is not None else (hand.lacking(_FIELD),)
    return Cancellation(said, unread, (hand.found(_FIELD, is_there=said is not None),))


def _set_state(leaf: Leaf, hand: ByHand) -> PurchaseState | None:
    """The state that a field names by the words that are set by hand; the answer's own mark of success names none."""
    if STATE.weight(leaf.name) < _TOLD or (not leaf.parents and is_mark(leaf.name, leaf.value)):
        return None
    return hand.state(leaf.value)


def _says_refunded(value: Any) -> bool | None:
    """What a field says of the money: yes or no, in a word, or an amount; None where it says neither."""
    if isinstance(value, bool):
        return value
    amount = figure(value)
    if amount is not None:
        return amount > 0
    if not isinstance(value, str):
        return None
    if state_of_words(value) is PurchaseState.CANCELLED and not denies(value):
        return True
    said = truth(value) if value.strip() else Truth.OTHER
    return said is Truth.YES if said in (Truth.YES, Truth.NO) else None


def _state(leaf: Leaf) -> PurchaseState | None:
    """The state that a field names; a message's only where nothing else could."""
    if isinstance(leaf.value, bool):
        flag = glued(leaf.name).removeprefix("is") in ("canceled", "cancelled") and leaf.value
        return PurchaseState.CANCELLED if flag else None
    if not STATE.weight(leaf.name) or not isinstance(leaf.value, str):
        return None
    said = state_of_words(leaf.value)
    if STATE.weight(leaf.name) >= _TOLD:
        return said
    waits = said is PurchaseState.WAITING and len(words(leaf.value)) <= _BRIEF
    return said if waits or (said is PurchaseState.CANCELLED and not denies(leaf.value)) else None


def _denies(leaf: Leaf) -> bool:
    """Whether a field says that nothing was cancelled, whatever the mark of success says of the request."""
    name = glued(leaf.name)
    if name in ("error", "errors") and isinstance(leaf.value, dict | list):
        return bool(leaf.value)
    if name.removeprefix("is") in ("canceled", "cancelled"):
        return truth(leaf.value) is Truth.NO
    if isinstance(leaf.value, str):
        telling = name in (*MESSAGE_NAMES, "data", "result", "response")
        return telling and (denies(leaf.value) or state_of_words(leaf.value) is PurchaseState.RECEIVED)
    return name.removeprefix("is") in ("success", "ok", "result", "status") and leaf.value is False


def _refunded(found: list[Leaf]) -> tuple[bool, Leaf | None]:
    """True unless the answer says otherwise: the documented cancel gives the money back. And the field that told."""
    for leaf in found:
        if _REFUND.weight(leaf.name):
            if isinstance(leaf.value, bool):
                return leaf.value, leaf
            amount = figure(leaf.value)
            if amount is not None:
                return amount > 0, leaf
    return True, None
