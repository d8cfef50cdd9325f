"""Reading the answer to `check`: SMS, state, what is left of the number's life."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import CheckReading, Endpoint, PurchaseState, SmsReading
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider.reading.check_places import ToldBy, places_of_check
from shomare_mqtt.provider.reading.checks_by_hand import CheckByHand
from shomare_mqtt.provider.reading.doubts import doubt, place_of
from shomare_mqtt.provider.reading.inbox import holds_codes, inboxes_in, opened
from shomare_mqtt.provider.reading.messages import (
    BOX,
    CODE,
    TEXT,
    code_and_text,
    code_of,
    in_order,
    is_code_alone,
    message_of,
    messages_in,
    says_a_code,
    squeezed,
)
from shomare_mqtt.provider.reading.names import CONTENTS, glued, is_nameless, words, wordset
from shomare_mqtt.provider.reading.purchase_ids import purchase_in
from shomare_mqtt.provider.reading.purchases import (
    fields_of,
    nameless_ends,
    nameless_phones,
    own_leaves,
    phone_in,
)
from shomare_mqtt.provider.reading.shapes import Leaf, focused, leaves, with_pairs
from shomare_mqtt.provider.reading.states import (
    ENDED,
    FLAGS,
    STATE,
    Truth,
    denies,
    is_mark,
    state_of_number,
    state_of_words,
    truth,
)
from shomare_mqtt.provider.reading.times import lifetime
from shomare_mqtt.provider.reading.values import identifier, integer, is_none_yet, is_scalar
from shomare_mqtt.provider.reading.verdict import (
    MESSAGE_NAMES,
    accepted,
    failure,
    malformed,
    of_another,
    refusal,
    unwrapped,
)
from shomare_mqtt.provider.reading.whose import is_anothers, is_own_id

if TYPE_CHECKING:
    from shomare_mqtt.provider.reading.by_hand import ByHand
    from shomare_mqtt.provider.reading.decode import Context, RawAnswer
    from shomare_mqtt.provider.reading.verdict import Marks

_LABELS = (("name",), ("text",), ("title",), ("label",), ("slug",), ("value",), ("key",))
_ACCEPTED = 202
"""An answer's HTTP status that says "not yet" (provider page, "failures told apart from waiting")."""
_MARKED_CODES = ("code", "statuscode", "errorcode")
_STATE_NAME, _WEAK_NAME, _BOX_NAME, _SURE_TEXT = 80, 60, 100, 100
_LONGEST_STATUS = 3
"""A `result` of this many digits or less is a state or a status, and no code."""
_CODE_WORDS = wordset("otp sms code verification pin")
_LONGEST_CODE = 8
"""Digits of a code; what has more is a phone number, a time or an id."""
_SURE_STATE = 100
"""The weight of a name that is the state's and nothing else's."""
_SENTENCE = 5
"""More words than this are a sentence, which ends no order by itself."""
_EXPLANATION, _STATES_OWN = 10, 2
"""Words that explain a state at most; the first so many are its own."""


def read_check(answer: RawAnswer, context: Context) -> CheckReading:
    """How a purchase stands. `state` is None where it was not understood.

    Raises ProviderRefusedError, ProviderFailedError (`malformed_answer` where nothing of a purchase is in it).
    """
    value, marks = accepted(answer, Endpoint.CHECK, lenient=True)
    top = with_pairs(opened(unwrapped(focused(unwrapped(value), context.known.purchase))))
    everything, all_own = list(leaves(top)), own_leaves(top)
    hand = CheckByHand(value, context)
    own = hand.not_the_purchases(all_own)
    if is_anothers(own, context.known):
        raise of_another(answer, Endpoint.CHECK)
    boxes = [box for box in inboxes_in(everything) if not _is_marked_box(box, all_own, answer)]
    told = [leaf for leaf in all_own if not _is_cause(leaf, everything, all_own, marks, context.by_hand)]
    by_reading = partial(_sms, everything, boxes, told, answer, context)
    sms = in_order(hand.messages(boxes, by_reading) if hand.sets_sms else by_reading(), context.known)
    sms = _completed(sms, own) if hand.may_be_completed(sms) else sms
    left, life_unread, _ = lifetime(fields_of(own), context, fresh=False)
    phone = phone_in(own, context.known)
    empty = hand.is_empty(sms) if hand.sets_sms else _has_empty_place(everything)
    state, sure, by = _state(own, left, hand, context, has_sms=bool(sms), empty=empty)
    if state is None and not (sms or hand.sets_state):
        waits = answer.http == _ACCEPTED or hand.is_empty(sms)
        state = PurchaseState.WAITING if waits else _unsaid(everything, own, marks, context)
        sure = state is not None and not _says_an_unknown_word(own)
    if marks.failed and state is None and not sms:
        raise _refused(answer, marks)
    if state is None and not sms and left is None and phone is None and not marks.succeeded:
        raise malformed(answer, marks, Endpoint.CHECK, "state and SMS of a purchase")
    sms_missing = not hand.sets_sms and _sms_missing(state, everything, sms)
    faults = (("state", not (sure or hand.sets_state)), ("lifetime", life_unread), ("sms", sms_missing))
    unread = [name for name, bad in faults if bad]
    unread += [name for name in hand.unread(state, sms) if name not in unread]
    where = (*places_of_check(value, by, (boxes, everything, told), sms, sure=sure), *hand.found(sms))
    found = {one.field: one for one in where}
    doubtful = (
        *(() if hand.sets_state or _says(own, context.by_hand) else doubt("state", _other_states(own, state))),
        *(() if sms or hand.sets_sms else doubt("sms", _may_be_sms(own, context))),
        *(() if phone else doubt("phone", map(place_of, nameless_phones(own, context.known)))),
        *(() if left is not None else doubt("lifetime", map(place_of, nameless_ends(own, context)))),
    )
    return CheckReading(state, sms, phone, left, tuple(unread), tuple(found.values()), doubtful)


def _completed(sms: tuple[SmsReading, ...], own: list[Leaf]) -> tuple[SmsReading, ...]:
    """The only SMS, with its text or code from under a name that says nothing, where the text holds the code."""
    if len(sms) != 1:
        return sms
    (one,) = sms
    beside = ((leaf.name, leaf.value) for leaf in own if isinstance(leaf.value, str))
    code, text = code_and_text(one.code, one.text, beside)
    return sms if (code, text) == (one.code, one.text) else (replace(one, code=code, text=text),)


def _other_states(own: list[Leaf], state: PurchaseState | None) -> list[str]:
    """Where another state than the one that was read is named, under names that say nothing: they end no order."""
    return [
        place_of(leaf)
        for leaf in own
        if isinstance(leaf.value, str) and _may_name_a_state(leaf) and len(words(leaf.value)) <= _SENTENCE
        if state_of_words(leaf.value) not in (None, state)
    ]


def _may_name_a_state(leaf: Leaf) -> bool:
    """Whether a field's name says nothing, or is that of a name or text in an object whose name says nothing."""
    if is_nameless(leaf.name):
        return True
    return bool(leaf.parents) and is_nameless(leaf.parents[-1]) and words(leaf.name)[-1:] in _LABELS


def _may_be_sms(own: list[Leaf], context: Context) -> list[str]:
    """Where a code or a text with one stands under a name that says nothing."""
    return [
        place_of(leaf)
        for leaf in own
        if is_nameless(leaf.name) and is_scalar(leaf.value) and identifier(leaf.value) != context.known.purchase
        if _is_like_a_code(leaf.value) or (isinstance(leaf.value, str) and _says_a_code(leaf.value))
    ]


def _is_like_a_code(value: Any) -> bool:
    text = identifier(value) or ""
    return is_code_alone(text) and _LONGEST_STATUS < len(text) <= _LONGEST_CODE


def _refused(answer: RawAnswer, marks: Marks) -> Exception:
    if marks.status is Truth.NO:
        return refusal(answer, marks, Endpoint.CHECK)
    return failure(answer, marks, Endpoint.CHECK)


def _sms(
    everything: list[Leaf], boxes: list[Leaf], own: list[Leaf], answer: RawAnswer, context: Context
) -> list[SmsReading]:
    """All SMS: those in boxes, else the one that the purchase's own fields make up."""
    found = [sms for box in boxes for sms in _in_box(box, everything, context)]
    by_depth: dict[tuple[str, ...], dict[str, Any]] = {}
    for parents, beside in _by_object(own).items():
        names = {glued(leaf.name) for leaf in beside}
        for leaf in beside:
            if is_scalar(leaf.value) and not (_is_mark(leaf, beside, names, answer) or is_own_id(leaf, context.known)):
                by_depth.setdefault(parents, {})[leaf.name] = leaf.value
    weak = not found and (not _has_empty_place(everything) or _says(own, context.by_hand) is PurchaseState.RECEIVED)
    loose = [one for fields in by_depth.values() if (one := message_of(fields, context, inside=False, weak=weak))]
    loose += _announced(own, loose, found) or _alone(own, context, numbers=weak)
    if _has_empty_place(everything):
        loose = [sms for sms in loose if sms.code is not None or any(map(str.isdigit, sms.text or ""))]
    found, loose = _joined(found, loose)
    spoken, loose = _joined([s for s in loose if s.text is not None], [s for s in loose if s.text is None])
    loose += spoken
    # A field that repeats the newest code of the list is no SMS of its own.
    known = {s.code for s in found if s.code is not None}
    fresh = [s for s in loose if s.code not in known]
    return [s for s in fresh if not found or s.code is not None] + found


def _in_box(box: Leaf, everything: list[Leaf], context: Context) -> list[SmsReading]:
    """The SMS of a box; a list of codes goes with a list of texts beside it that is as long."""
    as_code = holds_codes(box.name)
    texts: list[str] = next((leaf.value for leaf in everything if leaf.parents == box.parents and _are_texts(leaf)), [])
    codes = [code_of(value) for value in box.value] if isinstance(box.value, list) and as_code else []
    if texts and len(texts) == len(codes) and None not in codes:
        return [SmsReading(ascii_digits(code or ""), text) for code, text in zip(codes, texts, strict=True)]
    return messages_in(box.value, context, as_code=as_code)


def _are_texts(leaf: Leaf) -> bool:
    named = TEXT.weight(leaf.name) == _SURE_TEXT and isinstance(leaf.value, list)
    return named and all(isinstance(value, str) for value in leaf.value)


def _joined(found: list[SmsReading], loose: list[SmsReading]) -> tuple[list[SmsReading], list[SmsReading]]:
    """A code that stands apart from the texts is the code of the last of them that holds it."""
    joined, rest = list(found), []
    apart = any(one.text is None and one.code is not None for one in loose)
    texts = [squeezed(sms.text or "") if apart and sms.code is None else None for sms in found]
    for one in loose:
        code = squeezed(one.code) if one.text is None and one.code is not None else None
        holders = [i for i, text in enumerate(texts) if text is not None and code in text] if code is not None else []
        if holders:
            joined[holders[-1]] = replace(joined[holders[-1]], code=one.code)
            texts[holders[-1]] = None
        else:
            rest.append(one)
    return joined, rest


def _by_object(own: list[Leaf]) -> dict[tuple[str, ...], list[Leaf]]:
    """The values that lie beside each other."""
    objects: dict[tuple[str, ...], list[Leaf]] = {}
    for leaf in own:
        objects.setdefault(leaf.parents, []).append(leaf)
    return objects


def _is_cause(leaf: Leaf, everything: list[Leaf], own: list[Leaf], marks: Marks, hand: ByHand) -> bool:
    """Whether a `code` or text says how the request went, and is no SMS's: a failure's cause, or a provider's "fine".

    The provider documents `code` for failures; with a success it may be the SMS's.
    """
    name = glued(leaf.name)
    if leaf.parents:
        return name == "code" and bool({"error", "errors"} & set(map(glued, leaf.parents)))
    if marks.failed or name != "code":
        return marks.failed and name in ("code", "text", "content")
    inner = [other for other in own if other.parents]
    none_yet = _has_empty_place([other for other in everything if other.parents])
    return none_yet or _says(inner, hand) is PurchaseState.WAITING or _explained(leaf, own, marks)


def _explained(code: Leaf, own: list[Leaf], marks: Marks) -> bool:
    """Whether a message says what a code means, and no mark beside it that all is well."""
    beside = {glued(leaf.name) for leaf in own if not leaf.parents}
    if beside & {"status", "success", "ok", "result", "issuccess"} or not beside & set(MESSAGE_NAMES):
        return False
    return not _announces(marks.message or "", code)


def _announces(message: str, code: Leaf) -> bool:
    """Whether a message says that all is well, that the code came, or the code itself."""
    well = truth(message) is Truth.YES or state_of_words(message) is PurchaseState.RECEIVED
    return well or str(code.value) in message


def _is_mark(leaf: Leaf, beside: list[Leaf], names: set[str], answer: RawAnswer) -> bool:
    """Whether a value is the answer's own mark: its `code` beside `status`, its `message`."""
    name = glued(leaf.name)
    if name in _MARKED_CODES:
        return _is_marked_code(leaf, names, answer)
    if name in ("status", "ok", "success", "result", "response", "state"):
        return True
    marked = name in MESSAGE_NAMES and bool(names & {"status", "success", "ok", "result"})
    return marked and not is_code_alone(str(leaf.value)) and not _quotes_a_code(leaf, beside, names, answer)


def _is_marked_code(leaf: Leaf, names: set[str], answer: RawAnswer) -> bool:
    number = identifier(leaf.value) or ""
    like_http = len(number) == 3 and "100" <= number < "600"  # noqa: PLR2004 - HTTP's statuses
    return number == str(answer.http) or number.startswith("-") or (like_http and bool(names & {"status", "data"}))


def _is_marked_box(box: Leaf, own: list[Leaf], answer: RawAnswer) -> bool:
    """Whether a list holds nothing but the answer's own `code`: `{"status": true, "code": [200]}`."""
    if glued(box.name) not in _MARKED_CODES or not isinstance(box.value, list) or len(box.value) != 1:
        return False
    names = {glued(leaf.name) for leaf in own if leaf.parents == box.parents}
    return is_scalar(box.value[0]) and _is_marked_code(Leaf(box.name, box.value[0], box.parents), names, answer)


def _quotes_a_code(leaf: Leaf, beside: list[Leaf], names: set[str], answer: RawAnswer) -> bool:
    """Whether a message repeats the code that stands beside it: then it is the SMS's text."""
    codes = (
        code_of(other.value)
        for other in beside
        if other is not leaf and CODE.weight(other.name) >= _STATE_NAME
        if glued(other.name) not in _MARKED_CODES or not _is_marked_code(other, names, answer)
    )
    return any(code is not None and code in str(leaf.value) for code in codes)


def _alone(own: list[Leaf], context: Context, *, numbers: bool) -> list[SmsReading]:
    """A code that is all that the answer holds: `{"data": "12345"}`, `{"status": "STATUS_OK:12345"}`.

    `numbers`: as a bare number too, which beside an empty place for the SMS is a time or an amount.
    """
    plain = [leaf.value for leaf in own if glued(leaf.name) in CONTENTS and is_scalar(leaf.value)]
    told = [identifier(value) for value in plain if numbers or isinstance(value, str)]
    codes = [_after_state(t) or t for t in told if t is not None and t != context.known.purchase]
    states = [leaf.value for leaf in own if STATE.weight(leaf.name) >= _STATE_NAME and isinstance(leaf.value, str)]
    codes += [code for state in states if (code := _after_state(state)) is not None]
    return [SmsReading(ascii_digits(t.strip()), None) for t in codes if is_code_alone(t) and len(t) > _LONGEST_STATUS]


def _after_state(text: str) -> str | None:
    """The code behind a state's word: "STATUS_OK:12345"."""
    state, colon, rest = text.partition(":")
    known = state_of_words(state) in (PurchaseState.RECEIVED, PurchaseState.WAITING)
    return rest.strip(" '\"") if colon and known else None


def _announced(own: list[Leaf], loose: list[SmsReading], found: list[SmsReading]) -> list[SmsReading]:
    """An SMS under a weak name (`msg`, `message`): the state beside it announces it, or it lies within, with a code."""
    if loose or found:
        return []
    announced = any(
        STATE.weight(leaf.name) >= _STATE_NAME
        and isinstance(leaf.value, str)
        and state_of_words(leaf.value) is PurchaseState.RECEIVED
        for leaf in own
    )
    texts = [_after_state(leaf.value) or leaf.value for leaf in own if _may_tell(leaf, announced=announced)]
    return [sms for text in texts for sms in messages_in(text, _NO_CONTEXT, as_code=False)]


def _may_tell(leaf: Leaf, *, announced: bool) -> bool:
    """Whether a text that is not the answer's own may be an SMS, by the state beside it or by the code in it."""
    if not isinstance(leaf.value, str):
        return False
    if announced and TEXT.weight(leaf.name) == _STATE_NAME:
        return any(map(str.isdigit, leaf.value))
    weight = TEXT.weight(leaf.name)
    weak = bool(leaf.parents) and weight == _STATE_NAME
    # A name with a word for a text in it, and one for a code: `otp_body`.
    content = glued(leaf.name) in CONTENTS or CODE.weight(leaf.name) >= _STATE_NAME or _is_text_of_code(leaf, weight)
    return (weak or content) and _says_a_code(_after_state(leaf.value) or leaf.value)


def _is_text_of_code(leaf: Leaf, weight: int) -> bool:
    return weight >= _WEAK_NAME and not _CODE_WORDS.isdisjoint(words(leaf.name))


def _says_a_code(text: str) -> bool:
    return not is_code_alone(text) and state_of_words(text) is None and says_a_code(text)


_NO_CONTEXT: Any = None
"""A plain text needs neither a clock nor a zone to be read."""


def _state(
    own: list[Leaf], left: float | None, hand: CheckByHand, context: Context, *, has_sms: bool, empty: bool
) -> tuple[PurchaseState | None, bool, ToldBy]:
    """The state that the purchase's fields vote for, whether it is sure, and by which field."""
    if hand.sets_state:
        told, (spoken, bare), leaf = hand.told(), hand.state(), None
    else:
        own_word = _told(own, context.by_hand)
        spoken_by = _spoken(own, has_sms=has_sms)
        bare_by = _bare(own) if spoken_by is None else None
        told, spoken, bare = (each and each[0] for each in (own_word, spoken_by, bare_by))
        leaf = next((each[1] for each in (own_word, spoken_by, bare_by) if each is not None), None)
    if told is not None:
        # The owner's own word for it: neither a time nor what it would mean elsewhere counts, an SMS alone does.
        state = PurchaseState.RECEIVED if has_sms and told is PurchaseState.WAITING else told
        return state, True, ToldBy(leaf, is_set=True)
    if bare in ENDED and _is_said_at_length(own, bare):
        spoken = bare
    return *_weighed(spoken, bare, left, has_sms=has_sms, empty=empty), ToldBy(leaf, is_number=spoken is None)


def _is_said_at_length(own: list[Leaf], state: PurchaseState) -> bool:
    """Whether a sentence says the same of the purchase as a number: each alone may mean something else, not both."""
    told = [leaf.value for leaf in own if _weight(leaf) and isinstance(leaf.value, str)]
    return state in (state_of_words(text) for text in told if len(words(text)) > _SENTENCE)


def _weighed(
    spoken: PurchaseState | None, bare: PurchaseState | None, left: float | None, *, has_sms: bool, empty: bool
) -> tuple[PurchaseState | None, bool]:
    """The state by a word or a bare number, beside what else is known; and whether it is sure."""
    if has_sms and spoken in (None, PurchaseState.WAITING):
        return PurchaseState.RECEIVED, True
    if PurchaseState.RECEIVED in (spoken, bare) and empty:
        return (PurchaseState.RECEIVED if has_sms else PurchaseState.WAITING), True
    if spoken is PurchaseState.FINISHED and left:
        # What has time left is not done, whatever "done" or "completed" means to this provider: its SMS may have come.
        return (PurchaseState.RECEIVED if has_sms else PurchaseState.WAITING), has_sms
    if spoken is not None:
        return spoken, True
    if bare in ENDED and left:
        # A number that has time left has not ended, whatever 3 or 6 means to this provider.
        return PurchaseState.WAITING, False
    return bare, True


def _told(own: list[Leaf], hand: ByHand) -> tuple[PurchaseState, Leaf] | None:
    """The state by the words that are set by hand, and the field that holds one: the innermost of the best names.

    A mark of success beside everything is none, whatever its 1 or `true` means in a state's field.
    """
    if not hand.states:
        return None
    votes = [
        (weight // 20, leaf.depth, -i, state, leaf)
        for i, leaf in enumerate(own)
        if (weight := _weight(leaf)) and (leaf.parents or not is_mark(leaf.name, leaf.value))
        if (state := hand.state(leaf.value)) is not None
        if weight >= _WEAK_NAME or (isinstance(leaf.value, str) and not leaf.value.strip().isdigit())
    ]
    return max(votes, key=lambda vote: vote[:3])[3:] if votes else None


def _says(own: list[Leaf], hand: ByHand) -> PurchaseState | None:
    """The state in words, set by hand or known."""
    found = _told(own, hand) or _spoken(own)
    return None if found is None else found[0]


def _spoken(own: list[Leaf], *, has_sms: bool = False) -> tuple[PurchaseState, Leaf] | None:
    votes: list[tuple[int, int, PurchaseState, Leaf]] = []
    for leaf in own:
        flag = FLAGS.get(glued(leaf.name).removeprefix("is"))
        if flag is not None and leaf.value is True:
            votes.append((95, leaf.depth, flag, leaf))
        weight = _weight(leaf)
        if not weight or not isinstance(leaf.value, str):
            continue
        state = state_of_words(leaf.value)
        sentence = len(words(leaf.value)) > _SENTENCE
        if (
            state is None
            or (sentence and state is not PurchaseState.WAITING and not _leads(leaf, state))
            or (weight < _WEAK_NAME and _is_failure(own, state))
        ):
            continue
        votes.append((weight, leaf.depth, state, leaf))
    best = max(votes, key=lambda v: (v[0] // 20, v[1]), default=None)
    if best is None or (best[2] is PurchaseState.FINISHED and best[0] < _WEAK_NAME and not has_sms):
        return None  # "done" alone speaks of the request: what has no SMS yet is finished by its state only
    return best[2:]


def _leads(leaf: Leaf, state: PurchaseState) -> bool:
    """Whether a sentence that explains the state by its field's name begins with it: "cancelled and paid back"."""
    said = words(leaf.value)
    explains = STATE.weight(leaf.name) == _SURE_TEXT and glued(leaf.name) not in ("status", "state")
    return explains and len(said) <= _EXPLANATION and state_of_words(" ".join(said[:_STATES_OWN])) is state


def _weight(leaf: Leaf) -> int:
    """How strongly a field is the state's: by its name, or as the name inside an object `status`."""
    home = next((parent for parent in reversed(leaf.parents) if not is_nameless(parent)), "")
    if STATE.weight(home) >= _STATE_NAME and words(leaf.name)[-1:] in _LABELS:
        return _STATE_NAME
    return STATE.weight(leaf.name)


def _is_failure(own: list[Leaf], state: PurchaseState) -> bool:
    """Whether a message speaks of an end while the answer says no: then it may speak of the request."""
    marks = [truth(leaf.value) for leaf in own if glued(leaf.name) in ("status", "ok", "success") and not leaf.parents]
    return state in ENDED and Truth.NO in marks


def _bare(own: list[Leaf]) -> tuple[PurchaseState, Leaf] | None:
    """The state by a bare number, the innermost field's: never by a mark of success, nor beside a negative number."""
    if any(STATE.weight(leaf.name) >= _STATE_NAME and (integer(leaf.value) or 0) < 0 for leaf in own):
        return None
    votes = [
        (leaf.depth, STATE.weight(leaf.name), state, leaf)
        for leaf in own
        if (STATE.weight(leaf.name) >= _STATE_NAME or glued(leaf.name) == "code")
        and (state := state_of_number(leaf.value)) is not None
        and not (glued(leaf.name) == "code" and state is not PurchaseState.WAITING)
        and not (state in ENDED and any(map(_may_hold_open_ones, leaf.parents)))
        and not (
            identifier(leaf.value) in ("0", "1") and not leaf.parents and glued(leaf.name) in ("status", "success")
        )
    ]
    return max(votes, key=lambda v: v[:2])[2:] if votes else None


def _may_hold_open_ones(parent: str) -> bool:
    """Whether an object's name says that its purchases are open ones, or nothing: a bare number in it ends none."""
    return "active" in words(parent) or is_nameless(parent)


def _unsaid(everything: list[Leaf], own: list[Leaf], marks: Marks, context: Context) -> PurchaseState | None:
    """Waiting, where a place for an SMS is there and empty, or the purchase is there and nothing says more."""
    if _has_empty_place(everything) and (not marks.failed or marks.message is None):
        return PurchaseState.WAITING
    if marks.failed:
        return None
    hollow = any(glued(leaf.name) == "data" and is_none_yet(leaf.value) for leaf in everything)
    named = purchase_in(own, None, context.known)
    ours = named is not None and (context.known.purchase in (None, named) or named in context.known.also_ours)
    return PurchaseState.WAITING if hollow or ours else None


def _says_an_unknown_word(own: list[Leaf]) -> bool:
    """Whether a field that is the state's says something that nobody understands: it may be an end."""
    said = (leaf.value for leaf in own if leaf.parents and STATE.weight(leaf.name) == _SURE_STATE)
    return any(isinstance(word, str) and _is_strange(word) for word in said)


def _is_strange(word: str) -> bool:
    """Whether a state's word is none that is known, no plain yes or no, and no denial of an end."""
    few = 0 < len(words(word)) <= _SENTENCE and any(map(str.isalpha, word))
    return few and truth(word) is Truth.OTHER and not (is_none_yet(word) or denies(word))


def _has_empty_place(everything: list[Leaf]) -> bool:
    """Whether a place for an SMS or its code is there and says "none yet"."""
    return any(
        is_none_yet(leaf.value) or (isinstance(leaf.value, list) and all(map(is_none_yet, leaf.value)))
        for leaf in everything
        if BOX.weight(leaf.name) >= 90 or CODE.weight(leaf.name) >= 80 or TEXT.weight(leaf.name) == 100  # noqa: PLR2004
    )


def _sms_missing(state: PurchaseState | None, everything: list[Leaf], sms: tuple[SmsReading, ...]) -> bool:
    """Whether there should be an SMS and none was understood."""
    if sms:
        return False
    if state is PurchaseState.RECEIVED:
        return True
    return any(
        BOX.weight(leaf.name) == _BOX_NAME and isinstance(leaf.value, dict | list) and _filled(leaf.value)
        for leaf in everything
    )


def _filled(box: Any) -> bool:
    """Whether a box holds anything but "none yet"."""
    if is_scalar(box):
        return not is_none_yet(box) and (code_of(box) is not None or len(ascii_digits(str(box))) > 20)  # noqa: PLR2004
    inner = box.values() if isinstance(box, dict) else box
    return any(_filled(v) for v in inner)
