"""SMS in the answer to a `check`: in a list, an object, a text, under running numbers, or as fields of the purchase."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

from shomare_mqtt.model import SmsReading
from shomare_mqtt.normalization import ascii_digits
from shomare_mqtt.provider.reading.names import Field, alias, glued, is_nameless, words, wordset
from shomare_mqtt.provider.reading.shapes import NUMBERED, unwrapped_value
from shomare_mqtt.provider.reading.states import state_of_words
from shomare_mqtt.provider.reading.times import moment
from shomare_mqtt.provider.reading.values import identifier, is_none_yet, is_scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from shomare_mqtt.model import Known
    from shomare_mqtt.provider.reading.decode import Context

BOX = Field(
    alias(
        w100="sms smses smslist messages smsmessages othersms inbox receivedsms smsdata receivedmessages smsinfo",
        w90="smscode smscodes msgs codes otps verificationcodes activationcodes messagelist msglist پیامک پیامکها",
        w60="message msg text otp code lastsms list",
    ),
    parts=alias(w60="sms otp codes messages"),
    spoilers=wordset("count status state id has can status error"),
)
"""Names of what may hold SMS."""

CODE = Field(
    alias(
        w100="smscode activationcode verificationcode otp otpcode confirmationcode verifycode pincode "
        "codesms receivedcode yzm کد",
        w80="code pin passcode vcode",
        w60="sms",
        w50="password pass",
    ),
    parts=alias(w70="otp", w50="code"),
    spoilers=wordset(
        "status error country area dial order tracking purchase http result response operator service "
        "app type prefix phone currency iso postal zip promo discount coupon voucher gift product referral ref invite "
        "national customer user member tax bar qr state lang expire expires expiry expiration length len count max min "
        "limit price cost pool range image request server reserve reservation buy provider panel trace hash"
    ),
)
TEXT = Field(
    alias(
        w100="text fullsms smstext smscontent fulltext smsbody messagetext smsmessage fullmessage fullcode "
        "textsms content reply matn payam payamak متن پیامک متنپیامک",
        w80="body msg message raw",
        w60="sms smscode description",
    ),
    parts=alias(w70="text content", w60="full body"),
    spoilers=wordset("type status id time date lang error"),
)
SENDER = Field(
    alias(
        w100="sender from senderid sendername fromnumber source originator addr address smsfrom fromaddress فرستنده",
        w50="service",
    )
)
WHEN = Field(
    alias(
        w100="receivedat date createdat datetime time received timestamp created receiveddate smsdate at "
        "senttime sentat deliveredat "
        "receivetime receivedtime createtime smstime arrivedat receiveddatetime datesent تاریخ زماندریافت تاریخدریافت",
        w50="updatedat",
    )
)
_ANY = object()
"""Stands for whatever a field of an SMS holds."""
_WEAK_CODE = 60
"""The weight of `sms`, which may be a code; below it a name only has the word "code" in it."""
_HOLDING = wordset("data items list rows records results edges nodes node")
"""Names of what lies between a box and its SMS: a page, a connection of GraphQL."""
ID = Field(
    alias(w100="id smsid messageid msgid uid uuid", w90="pk sid guid rowid seq sequence smsno messageno"),
    parts=alias(w70="id"),
    spoilers=wordset(
        "order purchase activation request user account sender country operator service application app product site "
        "server provider phone number client parent chat device template reply status state type session trace "
        "correlation query response log gateway line modem port time seconds ttl read category group project rent "
        "rental reserve reservation transaction tracking ticket"
    ),
)
_OWN_ID = wordset("smsid messageid msgid smsuuid textid payamid payamakid lastsmsid smssid messagesid codeid otpid")
"""Names of an SMS's id among the fields of a purchase."""
_ID_AS_KEY = re.compile(r"\d{3,20}|(?=.*\d)[0-9A-Fa-f-]{5,80}")
"""A name in an object of SMS that is an id; shorter ones may be running numbers, which the next SMS shifts."""
_NO_TEXT = wordset("error errors reason note hint help url link status state country operator application tarikh to")
_SENTENCE = re.compile(r"[^\W\d_]{2}.*\s")
_BEGINNING = 1000
"""Characters of a text in which a sentence shows: to look for its blank in one without any takes ever longer."""
_LOOKED_AT = 10_000
"""Characters of a text that a code may stand in."""
_LONGEST_ALONE = 200
_SOME_DIGITS = re.compile(r"(?<!\d)\d(?:[ -]?\d){2,7}(?!\d)")
_CODE_ALONE = re.compile(r"(?:[A-Za-z]{1,3}-)?[0-9](?:[ -]?[0-9]){2,9}")
_CODE_LIKE = re.compile(r"(?=.*[0-9])[A-Za-z0-9](?:[A-Za-z0-9 -]{1,14})[A-Za-z0-9]")


def code_of(value: Any) -> str | None:
    """A code as the provider gives it; None where its value says that there is none yet, or is none."""
    if isinstance(value, bool) or is_none_yet(value) or not is_scalar(value):
        return None
    text = identifier(value)
    if text is None or not _CODE_LIKE.fullmatch(text) or (text.isalpha() or len(text.split()) > 2):  # noqa: PLR2004
        return None
    return text


def is_code_alone(text: str) -> bool:
    """Whether a text holds nothing but a code: "12345", "123-456", "G-123456"."""
    return len(text) <= _LONGEST_ALONE and bool(_CODE_ALONE.fullmatch(ascii_digits(text.strip())))


def messages_in(box: Any, context: Context, *, as_code: bool) -> list[SmsReading]:
    """The SMS of a box, whatever shape it has. `as_code`: the box's name says that it holds codes."""
    if box is None or isinstance(box, bool):
        return []
    if is_scalar(box):
        one = _from_plain(box, as_code=as_code)
        return [] if one is None else [one]
    if isinstance(box, list):
        return [sms for item in box for sms in messages_in(item, context, as_code=as_code)]
    if _is_numbered(box):
        return [sms for k in sorted(box, key=_number) for sms in _under(k, box[k], context, as_code=as_code)]
    if isinstance(box.get("attributes"), dict):
        box = {**box, **box["attributes"]}  # JSON:API
    keyed = bool(box) and all(isinstance(v, dict) for v in box.values())
    nested = [
        (k, v)
        for k, v in box.items()
        if isinstance(v, dict | list) and (keyed or BOX.weight(k) or glued(k) in _HOLDING)
    ]
    one = message_of(box, context, inside=True)
    found = [one] if one else [sms for k, v in nested for sms in _under(k, v, context, as_code=as_code)]
    return found or _only_text(box)


def entries_in(box: Any) -> list[tuple[str, Any]]:
    """What a box holds one by one, each with its name there; a box that is none of several is one itself."""
    if is_none_yet(box):
        return []
    if isinstance(box, list):
        return [pair for item in box for pair in entries_in(item)]
    if is_scalar(box) or not box:
        return [("", box)]
    if _is_numbered(box):
        return [(k, box[k]) for k in sorted(box, key=_number) if not is_none_yet(box[k])]
    if all(isinstance(v, dict) for v in box.values()):
        return list(box.items())
    pages = [v for k, v in box.items() if isinstance(v, list) and glued(k) in _HOLDING]
    return [pair for page in pages for pair in entries_in(page)] if pages else [("", box)]


def _under(key: str, value: Any, context: Context, *, as_code: bool) -> list[SmsReading]:
    """The SMS under a name of a box; a lone one without an id has the name's, where that is one."""
    found = messages_in(value, context, as_code=as_code)
    if len(found) == 1 and found[0].provider_id is None and is_id_as_key(key):
        return [replace(found[0], provider_id=key)]
    return found


def is_id_as_key(key: str) -> bool:
    """Whether a name in an object of SMS is the id of the one that it holds."""
    return bool(_ID_AS_KEY.fullmatch(key))


def _only_text(box: Mapping[str, Any]) -> list[SmsReading]:
    """The one sentence with a number in it, under a name that nobody foresaw: `{"m": "Your code is 12345"}`."""
    foreseen = (SENDER, WHEN, ID)
    texts = [
        value.strip()
        for name, value in box.items()
        if isinstance(value, str) and _SENTENCE.search(value[:_BEGINNING]) and state_of_words(value) is None
        if not any(field.weight(name) for field in foreseen) and not _NO_TEXT.intersection(words(name))
    ]
    return (
        [SmsReading(None, texts[0])]
        if len(texts) == 1 and _SOME_DIGITS.search(ascii_digits(texts[0][:_LOOKED_AT]))
        else []
    )


def _is_numbered(box: Mapping[str, Any]) -> bool:
    return bool(box) and all(NUMBERED.fullmatch(k) for k in box)


def _number(key: str) -> int:
    return int(key.removeprefix("_")[:15])


def _from_plain(value: Any, *, as_code: bool) -> SmsReading | None:
    if is_none_yet(value):
        return None
    if not isinstance(value, str):
        code = code_of(value)
        return SmsReading(code, None) if code else None
    text = value.strip()
    if is_code_alone(text) or (as_code and code_of(text)):
        return SmsReading(ascii_digits(text), None if as_code else text)
    # A state's word where the SMS should be ("STATUS_WAIT_CODE") is no SMS.
    if only_waits(text):
        return None
    return SmsReading(None, text) if text else None


def message_of(fields: Mapping[str, Any], context: Context, *, inside: bool, weak: bool = True) -> SmsReading | None:
    """The SMS that an object is, or that a purchase's own fields make up; None where they hold none.

    `inside`: the object lies where SMS lie, so that any name counts. `weak`: outside, too, the word "code" in a name
    that nobody foresaw makes a code.
    """
    named = {k: v for k, v in fields.items() if is_scalar(v)} if not inside else _opened(fields)
    code = _best_code(named, inside=inside, weak=weak)
    text = _best_text(named, code, inside=inside)
    if code is None and text is not None and is_code_alone(text):
        code = ascii_digits(text.strip())
    if inside and (code is None) != (text is None):
        code, text = code_and_text(code, text, ((n, v) for n, v in named.items() if isinstance(v, str)))
    if code is None and text is None:
        return None
    return SmsReading(
        code,
        text,
        _first_text(named, SENDER)
        if inside
        else _first_text({k: v for k, v in named.items() if glued(k) != "service"}, SENDER),
        _moment(named, context, inside=inside),
        _first_text(named if inside else {k: v for k, v in named.items() if glued(k) in _OWN_ID}, ID),
    )


def _opened(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The plain fields of an SMS, out of lists of one and of objects under names that say nothing."""
    named = {name: value for name, value in fields.items() if is_scalar(value)}
    if not named:
        return named  # nothing but objects are SMS by their ids
    for name, value in fields.items():
        if is_scalar(value):
            continue
        if (bare := unwrapped_value(value, sentences=True)) is not None and (CODE.weight(name) or TEXT.weight(name)):
            named[name] = bare
        elif is_nameless(name) and isinstance(value, dict):
            named.update({n: v for n, v in value.items() if is_scalar(v) and n not in fields})
    return named


def code_and_text(
    code: str | None, text: str | None, beside: Iterable[tuple[str, str]]
) -> tuple[str | None, str | None]:
    """Both, where one of them is there and the other stands beside it under a name that says nothing.

    That the text holds the code tells it; of several nobody can tell.
    """
    nameless = [value.strip() for name, value in beside if is_nameless(name)]
    if code is not None and text is None:
        found = [value for value in nameless if " " in value and squeezed(code) in squeezed(value)]
        return code, found[0] if len(found) == 1 else None
    if text is not None and code is None:
        found = [value for value in nameless if is_code_alone(value) and squeezed(value) in squeezed(text)]
        return ascii_digits(found[0]) if len(found) == 1 else None, text
    return code, text


def _best_code(named: Mapping[str, Any], *, inside: bool, weak: bool) -> str | None:
    votes = [
        (weight, -i, code)
        for i, (name, value) in enumerate(named.items())
        if (weight := CODE.weight(name)) and (code := code_of(value))
        if inside or weight > _WEAK_CODE or (is_code_alone(code) and (weak or weight == _WEAK_CODE))
    ]
    return max(votes)[2] if votes else None


def _best_text(named: Mapping[str, Any], code: str | None, *, inside: bool) -> str | None:
    """The SMS's text: under a text's name, or under a weak one (`message`) where it holds the code."""
    votes: list[tuple[int, int, str]] = []
    for name, value in named.items():
        weight = TEXT.weight(name)
        if not weight or not isinstance(value, str) or is_none_yet(value):
            continue
        text = value.strip()
        holds = code is not None and squeezed(code) in squeezed(text)
        alone = code is not None and squeezed(code) == squeezed(text)
        own_place = inside or BOX.weight(name) >= 90  # noqa: PLR2004 - a name of SMS
        if (alone and "code" in glued(name)) or not (holds or _speaks(text, weight, inside=own_place)):
            continue
        votes.append((weight + 20 * holds - 60 * alone, -len(votes), text))
    best = max(votes, default=None)
    return best[2] if best is not None else None


def _speaks(text: str, weight: int, *, inside: bool) -> bool:
    """Whether a text may be an SMS's without holding a code that is known."""
    if is_code_alone(text):
        return inside or weight > 60  # noqa: PLR2004 - a weak name
    return not only_waits(text) and (inside or weight == 100)  # noqa: PLR2004 - a name that no mark has


def only_waits(text: str) -> bool:
    """Whether a text says how the number stands ("Please wait 60 seconds"), and holds no code."""
    return state_of_words(text) is not None and not (any(c.isdigit() for c in text) and says_a_code(text))


def says_a_code(text: str) -> bool:
    """Whether a text has a code in it, as the core finds one in an SMS."""
    # Its table of languages takes time and memory, and most providers make it unneeded.
    from shomare_mqtt.core.codes import extract_code  # noqa: PLC0415

    return extract_code(text) is not None


def squeezed(text: str) -> str:
    """A text as codes are looked for in it."""
    return re.sub(r"[\s-]", "", ascii_digits(text[:_LOOKED_AT])).casefold()


def _first_text(named: Mapping[str, Any], field: Field) -> str | None:
    votes = [(w, -i, t) for i, (n, v) in enumerate(named.items()) if (w := field.weight(n)) and (t := identifier(v))]
    return max(votes)[2] if votes else None


def _moment(named: Mapping[str, Any], context: Context, *, inside: bool) -> datetime | None:
    whole = " ".join(str(named[n]) for n in ("date", "time") if isinstance(named.get(n), str))
    joined = moment(whole, context.timezone) if inside and "date" in named and "time" in named else None
    if joined is not None:
        return joined
    fields = {n: v for n, v in named.items() if inside or {"sms", "received", "receive"} & set(words(n))}
    found = sorted(((WHEN.weight(n), n, v) for n, v in fields.items() if WHEN.weight(n)), key=lambda f: -f[0])
    return next((m for _, _, v in found if (m := moment(v, context.timezone))), None)


def in_order(found: list[SmsReading], known: Known) -> tuple[SmsReading, ...]:
    """The SMS without repeats, oldest first where times or running ids tell."""
    unique = _with_own_ids(list(_distinct(_without_echoes(found))), known)
    if all(s.received_at is not None for s in unique):
        unique.sort(key=lambda s: s.received_at.timestamp() if s.received_at else 0.0)
    elif all(s.provider_id is not None and s.provider_id.isdigit() for s in unique):
        unique.sort(key=lambda s: int(s.provider_id or 0))
    return tuple(unique)


def _without_echoes(found: list[SmsReading]) -> list[SmsReading]:
    """The SMS, a code that stands apart with the text that holds it, and less what is one of the others again."""
    if not any(map(_is_half, found)) and not any(map(_is_bare, found)):
        return found
    bare = {sms.code for sms in found if _is_bare(sms)}
    joined = [_with_code(sms, bare) for sms in found]
    whole = [sms for sms in joined if sms.code is not None and sms.text not in (None, sms.code)]
    codes, texts = {sms.code for sms in whole}, {sms.text for sms in whole}
    return [
        sms for sms in joined if not (_is_bare(sms) and sms.code in codes) and not (_is_half(sms) and sms.text in texts)
    ]


def _with_code(sms: SmsReading, bare: set[str | None]) -> SmsReading:
    if sms.code is not None or sms.text is None:
        return sms
    held = [code for code in bare if code is not None and squeezed(code) in squeezed(sms.text)]
    return replace(sms, code=held[0]) if len(held) == 1 else sms


def _is_bare(sms: SmsReading) -> bool:
    """Whether there is a code alone."""
    return sms.code is not None and sms.text in (None, sms.code) and sms.received_at is None and sms.provider_id is None


def _is_half(sms: SmsReading) -> bool:
    """Whether there is a code alone or a text alone, and nothing that tells it from another."""
    return None in (sms.code, sms.text) and sms.received_at is None and sms.provider_id is None


def _with_own_ids(found: list[SmsReading], known: Known) -> list[SmsReading]:
    """The SMS, less an id that is the purchase's or stands at several: it tells none apart, and would hide the next."""
    times = Counter(sms.provider_id for sms in found)
    shared = {own for own, count in times.items() if count > 1} | {known.purchase}
    return [replace(sms, provider_id=None) if sms.provider_id in shared else sms for sms in found]


def _distinct(found: list[SmsReading]) -> Iterator[SmsReading]:
    """The same code and text twice is one SMS, unless ids or times tell them apart. What is not there tells nothing.

    Each is looked up instead of being compared with every other: there may be hundreds.
    """
    seen: set[tuple[Any, ...]] = set()
    for sms in found:
        tells = sms.provider_id or None, sms.received_at, sms.text
        says_no_more = sms.code and sms.text in (None, sms.code)
        same = [(_ANY,) if value is None else (value, None) for value in tells[:2]]
        text = (_ANY,) if says_no_more else (sms.text, None) if sms.code else (sms.text,)
        if seen.isdisjoint(product((sms.code,), *same, text)):
            seen.update(product((sms.code,), *((value, _ANY) for value in tells)))
            yield sms
