"""Words for how a purchase stands, and for success and failure, in the languages that sisters answer in."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

from shomare_mqtt.model import PurchaseState
from shomare_mqtt.normalization import ascii_digits, fold
from shomare_mqtt.provider.reading.names import Field, alias, glued, words, wordset

STATE = Field(
    alias(
        w100="status state orderstatus activationstatus numberstatus smsstatus purchasestatus statustext "
        "orderstate statusname "
        "statuslabel currentstatus stage وضعیت",
        w80="result response condition phase statuscode statusid",
        w60="code errorcode error",
        w40="message msg description detail reason title sms smscode otp text data",
    ),
    parts=alias(w70="status state"),
    spoilers=wordset("payment user account forward http delivery date at time id"),
)
"""Names of how a purchase stands."""

_WAITING = wordset(
    "wait waiting waits awaiting pending prepare preparation preparing processing process progress queued "
    "queue inpool inprogress retry resend incoming notyet yet unreceived noyet notreceived ready created "
    "reserved active"
)
_RECEIVED = wordset("received receive delivered arrived answer answered got gotten codereceived smsreceived")
_FINISHED = wordset("finished finish completed complete closed done used confirmed over ended concluded")
_CANCELLED = wordset("canceled cancelled cancel cancels canceld canceling cancelling refunded refund returned")
_BANNED = wordset("banned ban badnumber numberbad rejected aborted revoked withdrawn blacklisted blocklisted")
"""What ends a number as a cancel does, but may be said of an account or a request as well."""
_REQUESTS = wordset(
    "key apikey token request requests session user account login auth authorization api ip action method parameter "
    "service server gateway connection query operation"
)
"""Who is banned, expired or completed beside one of these is no number: "TOKEN_EXPIRED", "Request completed"."""
_NUMBERS = wordset("number phone sim order activation purchase sms rent verification")
_REQUEST_STEMS = ("عملیات", "توکن", "حساب", "نشست", "کاربر", "операц", "токен", "аккаунт", "操作", "令牌")
_EXPIRED = wordset("expired expire timeout timedout outdated lapsed timeover timeup")
_NOT = wordset("no not yet none empty without isnt hasnt havent never unable failed cannot cant early deny denied")
_DENIED = wordset(
    "not cannot cant denied deny unable failed early never impossible isnt wasnt unavailable disabled blocked wait "
    "later limit rejected refused forbidden صبر نیست نیستید نشد نشده ندارد نمی نمیشود نمیتوان نمیتوانید ناموفق عدم "
    "غیرممکن امکانپذیرنیست خطا دیگر не нельзя ne nelzya через ошибка فشل تعذر لا غیر"
)
"""Words that turn an end into none: "cannot cancel yet"."""
_DENIED_STEMS = ("невозможн", "nevozmozh", "不", "无法", "失败", "edileme", "olamaz")
_BEGINNING = 1000
"""Characters of a text that may say how something stands."""
_SHORT_NOT = re.compile(r"n['’]t\b", re.IGNORECASE)
_SUBJECTS = wordset("sms code codes message messages otp answer msg text")
_STEMS = (
    (
        PurchaseState.WAITING,
        ("انتظار", "منتظر", "هنوز", "نشده", "نیامده", "ожида", "еще не", "ещё не", "等待", "未收到", "bekle", "ozhida"),
    ),
    (
        PurchaseState.EXPIRED,
        ("منقضی", "اتمام زمان", "پایان زمان", "истек", "истёк", "просроч", "过期", "超时", "doldu", "istekl"),
    ),
    (
        PurchaseState.CANCELLED,
        (
            "لغو",
            "کنسل",
            "مسدود",
            "برگشت",
            "الغاء",
            "отмен",
            "заблок",
            "возврат",
            "取消",
            "释放",
            "拉黑",
            "iptal",
            "engellendi",
            "otmen",
            "zablokirov",
        ),
    ),
    (PurchaseState.FINISHED, ("تکمیل", "پایان یافت", "заверш", "完成", "tamamlandi", "zaversh")),
    (PurchaseState.RECEIVED, ("دریافت شد", "دریافت گردید", "получен", "已收到", "geldi", "poluchen")),
)
_BARE = {
    0: PurchaseState.WAITING,
    1: PurchaseState.WAITING,
    2: PurchaseState.RECEIVED,
    3: PurchaseState.CANCELLED,
    4: PurchaseState.CANCELLED,
    6: PurchaseState.FINISHED,
    102: PurchaseState.WAITING,
    202: PurchaseState.WAITING,
}
"""Bare numbers as the provider page gives them. They clash between sisters: words, an SMS and time left outweigh."""

FLAGS = {
    "canceled": PurchaseState.CANCELLED,
    "cancelled": PurchaseState.CANCELLED,
    "banned": PurchaseState.CANCELLED,
    "refunded": PurchaseState.CANCELLED,
    "expired": PurchaseState.EXPIRED,
    "timeout": PurchaseState.EXPIRED,
    "finished": PurchaseState.FINISHED,
    "completed": PurchaseState.FINISHED,
    "waiting": PurchaseState.WAITING,
    "pending": PurchaseState.WAITING,
}
"""Names of switches for how a purchase stands."""

_MARKS = ("status", "success", "ok", "result", "response")
_PLAIN_TRUTHS = ("0", "1", "200", "true", "false")
ENDED = frozenset({PurchaseState.FINISHED, PurchaseState.CANCELLED, PurchaseState.EXPIRED})


class Truth(Enum):
    """What a mark of success says; `OTHER` is a word that says neither (a purchase's state, say)."""

    ABSENT = "absent"
    YES = "yes"
    NO = "no"
    OTHER = "other"


_YES = wordset("true success successful successfully succeeded succeed ok okay yes موفق موفقیت")
_NO = wordset(
    "false error err errors fail failed failure unsuccessful no nok none bad invalid denied deny wrong "
    "forbidden unauthorized rejected insufficient ناموفق خطا"
)


def is_mark(name: str, value: Any) -> bool:
    """Whether a field beside everything else may say how the request went, by a plain yes or no, and not its words."""
    return glued(name) in _MARKS and (isinstance(value, bool) or str(value).strip().casefold() in _PLAIN_TRUTHS)


def truth(value: Any) -> Truth:
    """A `status`, `ok` or `success`: true, 1, 200, "success" are yes; false, 0, negatives, 300 and up are no."""
    if isinstance(value, bool):
        return Truth.YES if value else Truth.NO
    if isinstance(value, int | Decimal):
        return _truth_of_number(int(value)) if -100000 < value < 100000 else Truth.OTHER  # noqa: PLR2004
    if not isinstance(value, str):
        return Truth.OTHER
    text = ascii_digits(value[:_BEGINNING]).strip()
    if re.fullmatch(r"[-+]?\d{1,4}", text):
        return _truth_of_number(int(text))
    return _truth_of_words(text)


def _truth_of_number(number: int) -> Truth:
    if number <= 0 or number >= 300:  # noqa: PLR2004 - HTTP statuses that are no success
        return Truth.NO
    return Truth.YES if number == 1 or number in (200, 201) else Truth.OTHER


def _truth_of_words(text: str) -> Truth:
    said = words(text)
    if not said:
        return Truth.NO if not text else Truth.OTHER
    if said[0] == "status" and len(said) > 1:
        return Truth.OTHER
    if _NO.intersection(said):
        return Truth.NO
    return Truth.YES if _YES.intersection(said) else Truth.OTHER


def state_of_words(text: str) -> PurchaseState | None:
    """The state that a word or a short sentence names; None where it names none, or several."""
    return _state_of_words(text) if len(text) <= 200 else None  # noqa: PLR2004 - an SMS's text, not a state's


@lru_cache(maxsize=1024)
def _state_of_words(text: str) -> PurchaseState | None:
    said = set(words(text))
    pairs = {"".join(p) for p in zip(words(text), words(text)[1:], strict=False)}
    said |= pairs
    return _of_parts(said) or _of_stems(text)


def _of_parts(said: set[str]) -> PurchaseState | None:
    negated = bool(said & _NOT)
    of_number = not said & _REQUESTS or bool(said & _NUMBERS)
    ended = _end_in(said, of_number=of_number)
    if ended is not None and not negated:
        return ended
    if {"over", "empty"} <= said:
        return PurchaseState.EXPIRED
    if said & _WAITING or (negated and said & (_RECEIVED | _SUBJECTS) and not said & (_CANCELLED | _EXPIRED)):
        return PurchaseState.WAITING
    if said & _RECEIVED or said in ({"status", "ok", "statusok"}, {"ok", "code"}):
        return None if negated else PurchaseState.RECEIVED
    return PurchaseState.FINISHED if said & _FINISHED and not negated and of_number else None


def _end_in(said: set[str], *, of_number: bool) -> PurchaseState | None:
    """The end that words name, unless they name that of a token, an account or the request."""
    if said & _CANCELLED or (of_number and said & _BANNED):
        return PurchaseState.CANCELLED
    return PurchaseState.EXPIRED if of_number and said & _EXPIRED else None


def _of_stems(text: str) -> PurchaseState | None:
    plain = fold(text)
    found = next((state for state, stems in _STEMS if any(fold(s) in plain for s in stems)), None)
    if found in (PurchaseState.EXPIRED, PurchaseState.FINISHED) and any(fold(s) in plain for s in _REQUEST_STEMS):
        return None
    if found is None or found is PurchaseState.WAITING or not denies(text):
        return found
    return PurchaseState.WAITING if found is PurchaseState.RECEIVED else None


def denies(text: str) -> bool:
    """Whether a text says of what it speaks of that it is not so, or cannot be: "cannot cancel yet"."""
    text = text[:_BEGINNING]
    plain = fold(text)
    said = words(_SHORT_NOT.sub(" not", text))
    return bool(_DENIED.intersection(said)) or any(fold(stem) in plain for stem in _DENIED_STEMS)


def state_of_number(value: Any) -> PurchaseState | None:
    """The state that a bare number names (provider page, rows "waiting / received" and "ended")."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    text = ascii_digits(str(value)).strip()
    return _BARE.get(int(text)) if re.fullmatch(r"\d{1,3}", text) else None
