"""Finding the one-time code in the text of an SMS, for messages whose provider names none.

The text is folded to small letters and ASCII digits; addresses, phone numbers, amounts, dates are blanked. Each number
of 4 to 8 digits that is left is weighed by its form and by the words about it, near ones for more than far ones (the
table of languages says which words speak for a code and which for something else). The best number is the code if
enough speaks for it; little is needed for a lone number that nothing speaks against. In doubt there is no code.
Each step is one pass with bounded look-around: time stays linear.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice, pairwise
from operator import attrgetter
from typing import Final, NamedTuple

from shomare_mqtt.core.code_words import Word, fold, vocabulary

_LONGEST: Final = 8  # digits of a code
_END: Final = 8_192  # characters at each end of a text that are looked at: no SMS has so many
_MOST: Final = 60  # how many numbers are weighed: no SMS holds so many
_ENOUGH: Final = 5.0  # the score above which a number is believed to be a code
_AHEAD: Final = 0.5  # by how much a code has to outdo every other number
_NEVER: Final = 99.0  # a penalty that no word makes good
_REACH: Final = 170  # how far from a number, in characters, a word for it is heard
_HEARD: Final = 6  # how many telling words on each side of a number are weighed
_FADE: Final = 0.055  # what one character of distance takes from a word
_NEARBY: Final = 28  # how far before its number, in characters, a word against it can stand

# What a word votes for a number beside it, by its row in the table; the rows that speak against one.
_STRENGTH: Final = {"secret": 11.0, "code": 10.0, "verify": 4.0, "enter": 3.0}
_SURE: Final = frozenset({"secret", "code"})
_AGAINST: Final = frozenset({"other", "other_code", "number", "deed", "call"})
_OTHER_SORTS: Final = frozenset({"other_code", "promo"})
_JOINING: Final = frozenset({"is", "your"})
_MEASURES: Final = frozenset({"money", "time", "unit"})
# A word that stands in several rows counts for the first of these.
_ORDER: Final = ("other_code", "secret", "code", "call", "other", "deed", "promo", "verify", "number", "enter", "at")

_LETTER: Final = r"[^\W\d_]"
# What may follow a word for a code and take it back: "code: A4F2Q9".
_LETTERED: Final = re.compile(r"(?: ?(?::|=|is)\W{1,3}| (?![a-z0-9+/]{11}(?!\S)))(?:[a-z]{1,10}\d|\d{1,8}[a-z]{1,3}\d)")
_PERCENT: Final = re.compile(r"\d%|\d %(?!\w)|%\d|\d off")
# Addresses; each can begin only where the run of its letters does, which keeps the search linear.
_ADDRESS: Final = re.compile(
    r"(?:https?://|www\.)[!-~]+|(?<![a-z0-9._%+-])[a-z0-9._%+-]+@[a-z0-9.-]+"
    r"|(?<![a-z0-9.-])(?!\d{4,8}\.)(?=[a-z0-9-]+\.)[a-z0-9.-]*[a-z](?::\d+)?[/?][!-~]*"
)
_FIGURE: Final = re.compile(r"[\d~]")
# Around "order", what shows that it is the order whose number is given: "order 4821", "4821 numbered order".
_NUMBERED_AFTER: Final = re.compile(r" [\d~]")
_NUMBERED_BEFORE: Final = re.compile(rf"[\d~][ -](?:{_LETTER}{{1,12}} )?\Z")
_GAP_IN_NAME: Final = re.compile(r"[^:.,;\n()\[\]]{0,4}")  # what may stand inside the name of another sort of code
_END_OR_DECIMAL: Final = re.compile(rf"(?<=\d{{3}})[,.](?=\d{{1,2}} ?({_LETTER}{{1,12}}))")
_RUN: Final = re.compile(r"\+?\d+(?:[-.,:/' ]\d+)*")
# "482913", "123-456", "1234 5678", "12 34 56", "4 8 2 9 1 3", "12-345"; none a part of something longer.
_NUMBER: Final = re.compile(
    r"(?<![\d~])(?<![\d~]-)(?:(?<!\d )(?:\d{3}[ -]\d{3}(?![ -]?\d{3})|\d{4}[ -]\d{4}|\d\d(?:[ -]\d\d){1,3}(?![ -]\d\d)"
    r"|\d(?:[ -]\d){3,7}(?![ -]\d)|(?:\d\d[ -]\d{3}|\d{3}[ -]\d\d|\d{3}[ -]\d{4}|\d{4}[ -]\d{3})(?! \d))|\d{4,8})"
    r"(?![\d~])(?!-[\d~])"
)
# "20240512", "12052024", "12-05-24", "05-2024", "2024", and the years of the Persian calendar.
_DATE: Final = re.compile(
    r"(?:19|20|13|14)\d\d(?:0[1-9]|1[0-2])[0-3]\d|[0-3]\d(?:0[1-9]|1[0-2])20[0-3]\d"
    r"|[0-3]?\d-[01]?\d-\d\d|[01]?\d-(?:20|14)\d\d|(?:19|20)\d\d|1[34]\d\d"
)
_HOURS: Final = re.compile(r"\d\d[ -]\d\d")  # "10-18", "12 30"
_STOP: Final = re.compile(r"[.!?](?=\s)")
_POINTED: Final = re.compile(r"(?:[:=>]| -)[^\w~]{0,6}\Z")  # what points at the number that follows
_LABEL: Final = re.compile(r"(?::| -) ?\d{3}[ -]?\d")  # what makes a number the name of another: "for 31312: 4821"
_NAMED: Final = re.compile(r"\n[^\d~\n]{1,40}[]:]\W{0,3}\d[\d -]{3,9}[.\n]")  # "Snapp: 12345."
_CLAIMED: Final = re.compile(r"(?: [^\W\d]{1,16})?\W{1,3}\d{3}[ -]?\d")
_TOUCHING: Final = re.compile(r" ?(?:[.:#] ?#?\n?)?")
_PAIR: Final = re.compile(r"[\d~]+ ?(/|[^\W\d_]{1,6}) ?\Z")
_ENDING: Final = re.compile(r"(?:'[^\W\d_]{1,4}|-)? ?")
_OWN_LINE: Final = (re.compile(r"\n[^\w\n]*\Z"), re.compile(r"[^\w\n]*\n"))
_WORD_BEFORE: Final = re.compile(r"[a-z\u0370-\u058f\u10a0-\u10ff]+([-/]?)\Z")
_WEB_OTP: Final = re.compile(r"@[a-z0-9.-]{3,60} #\Z")
_REJECT_BEFORE: Final = re.compile(r"(?:[+@_%\\•]|\$ ?|\d\) ?|[*•]{2} ?|\*)\Z")
_REJECT_AFTER: Final = re.compile(r"[_@+\\*%a-z\u0400-\u058f]| %(?![a-z])| ?\$|/[a-z]")
_BOLD_AFTER: Final = re.compile(r"\*{1,2}(?![\d*])")


class _Cue(NamedTuple):
    """A word that says something of the numbers beside it."""

    row: str
    start: int
    end: int


class _Sms(NamedTuple):
    text: str
    words: list[Word]
    cues: list[_Cue]
    voices: list[_Cue]  # those of the cues that speak for a number
    has_figures: bool  # whether dates, times, amounts or phone numbers are in it


class _Weighed(NamedTuple):
    """A number with what speaks for it; ``doubt`` is what speaks against it, 0 where nothing does."""

    digits: str
    favour: float
    doubt: float

    @property
    def score(self) -> float:
        return self.favour - self.doubt


def extract_code(text: str) -> str | None:
    """Find the one-time code in the text of an SMS.

    ``text`` is any text, in any script. The answer is 4 to 8 ASCII digits, the dashes and spaces inside the code
    left out, or None where the text seems to hold no code. Codes with letters in them are not looked for.
    """
    folded = fold(text if len(text) <= 2 * _END else f"{text[:_END]}\n{text[-_END:]}")
    shortened = _ADDRESS.sub(lambda found: "~" * len(found[0]), _END_OR_DECIMAL.sub(_end_or_decimal, folded))
    blanked = f"\n{_RUN.sub(_blank_run, shortened)}\n"
    has_figures = blanked.count("~") > shortened.count("~")
    numbers = list(islice(_NUMBER.finditer(blanked), _MOST))
    if not numbers:
        return None
    words = vocabulary().read(blanked)
    cues = _cues(blanked, words)
    sms = _Sms(blanked, words, cues, [cue for cue in cues if cue.row in _STRENGTH], has_figures)
    return _decide(sms, [_weigh(sms, number) for number in numbers])


def _end_or_decimal(mark: re.Match[str]) -> str:
    """Tell "482913,5分钟" from "1250,50 USD": what is followed by a time ends a sentence."""
    following = vocabulary().read(mark[1])
    return ", " if following and "time" in following[0].rows else mark[0]


def _blank_run(run: re.Match[str]) -> str:
    """Put ``~`` in place of numbers no code looks like: phone and card numbers, dates, times, amounts."""
    groups = run[0].replace("-", " ").split(" ")
    short = all(len(group) <= _LONGEST // 2 and group.isdigit() for group in groups)
    dialled = run[0][0] == "0" and len(groups[0]) <= _LONGEST // 2 and len(groups) > 1 and groups[1].isdigit()
    if run[0][0] == "+" or ((short or dialled) and sum(map(len, groups)) > _LONGEST):
        return "~" * len(run[0])
    return " ".join(part if part.replace("-", "").isdigit() else "~" * len(part) for part in run[0].split(" "))


def _cues(text: str, words: Sequence[Word]) -> list[_Cue]:
    cues: list[_Cue] = []
    for place, word in enumerate(words):
        row = next((row for row in _ORDER if row in word.rows), None)
        if row is None or (row == "at" and place and "is" in words[place - 1].rows):  # "est le 4821"
            continue
        if row in _SURE and _is_taken_back(text, words, place, row):
            row = "other"
        if row == "number" and cues and cues[-1].row in _SURE and word.start <= cues[-1].end + 2:
            cues[-1] = cues[-1]._replace(end=word.end)  # "code number"
        else:
            cues.append(_Cue(row, word.start, word.end))
    return cues


def _is_taken_back(text: str, words: Sequence[Word], place: int, row: str) -> bool:
    """Whether the words about a word for a code say that it is no one-time code, or no longer one."""
    if row == "code" and (_is_of_another_sort(text, words, place, -1) or _is_of_another_sort(text, words, place, 1)):
        return True
    following = words[place + 1 : place + 6]
    end = next((word.end for word in following if "changed" in word.rows), None)
    changed = end is not None and not _FIGURE.search(text, words[place].end, end)
    return changed or _LETTERED.match(text, words[place].end) is not None


def _is_of_another_sort(text: str, words: Sequence[Word], place: int, step: int) -> bool:
    """Whether the word before (-1) or behind (1) is of what has codes of its own: "promo code", "code de suivi"."""
    other = place + step
    if step > 0 and other < len(words) and "of" in words[other].rows:
        other += step
    if not 0 <= other < len(words) or not words[other].rows & _OTHER_SORTS:
        return False
    first, last = words[min(place, other)], words[max(place, other)]
    if not _GAP_IN_NAME.fullmatch(text, first.end, last.start):
        return False
    # "code of order 4821": the order's number is given, so that the code is another.
    if step > 0:
        return not _NUMBERED_AFTER.match(text, last.end)
    return not _NUMBERED_BEFORE.search(text, max(0, first.start - 20), first.start)


def _decide(sms: _Sms, weighed: Sequence[_Weighed]) -> str | None:
    best: dict[str, _Weighed] = {}
    for one in sorted(weighed, key=attrgetter("score")):
        best[one.digits] = one
    first, *others = sorted(best.values(), key=attrgetter("score"), reverse=True)
    if others and first.score - others[0].score < _AHEAD:
        return None
    doubtless = [one for one in best.values() if not one.doubt]
    alone = doubtless == [first]
    common = _common(sms, lone=not others, alone=alone)
    return first.digits if first.score + common > _ENOUGH else None


def _common(sms: _Sms, *, lone: bool, alone: bool) -> float:
    """Weigh what the text as a whole says for or against its best number."""
    rows = {cue.row for cue in sms.cues}
    if not sms.words:
        return 2 * _ENOUGH  # a text which is just digits is a code
    said = frozenset[str]().union(*(word.rows for word in sms.words))
    if _is_advert(sms, said):
        return -11.0
    if rows & _STRENGTH.keys():
        return 4.0 * alone + bool(lone and rows & _SURE)
    against = sms.has_figures or rows & {*_AGAINST, "promo"} or "money" in said
    is_meant = "keep" in said or _NAMED.match(sms.text)
    return 2 * _ENOUGH if alone and ((lone and not against) or is_meant) else 0.0


def _is_advert(sms: _Sms, rows: frozenset[str]) -> bool:
    """Whether the code is one of a sale: "code 5050 for 20% off"; a password or a login code is not."""
    if "secret" in rows or not ("promo" in rows or _PERCENT.search(sms.text)):
        return False
    return not any(
        {first.row, second.row} == {"verify", "code"} and second.start <= first.end + 2
        for first, second in pairwise(sms.cues)
    )


def _weigh(sms: _Sms, number: re.Match[str]) -> _Weighed:
    split = bisect_left(sms.voices, number.start(), key=attrgetter("start"))
    left = max((_vote(sms, cue, number) for cue in sms.voices[max(0, split - _HEARD) : split]), default=0.0)
    right = max((_vote(sms, cue, number) for cue in sms.voices[split : split + _HEARD]), default=0.0)
    votes = max(left, right, 0.0) + max(min(left, right), 0.0) / 2
    digits = number[0].replace("-", "").replace(" ", "")
    split = bisect_left(sms.cues, number.start(), key=attrgetter("start"))
    before = sms.cues[max(0, split - 2 * _HEARD) : split]
    marks = _marks(sms, before, number)
    favour = votes + _favour_of_form(sms.text, number, digits) + max(marks, 0.0)
    doubt = _against(sms, before, number) + _doubt_of_form(number) + _beside(sms, number) - min(marks, 0.0)
    return _Weighed(digits, favour, doubt)


def _vote(sms: _Sms, cue: _Cue, number: re.Match[str]) -> float:
    """Weigh how strongly a word speaks for a number before or behind it."""
    is_before = cue.start < number.start()
    start, end = (cue.end, number.start()) if is_before else (number.end(), cue.start)
    if end - start > _REACH:
        return 0.0
    gap = sms.text[start:end]
    lost = _FADE * len(gap) + 7 * len(_STOP.findall(gap)) + len(_RUN.findall(gap))
    joined = _is_joined(sms, start, end)
    if is_before:
        linked = 3.0 if joined else 2.0 if _is_pointed_at(sms, number) else 0.0
    else:
        linked = (1.0 if joined else -1.0) - 5 * bool(_CLAIMED.match(sms.text, cue.end))
    return _STRENGTH[cue.row] + linked - lost


def _is_joined(sms: _Sms, start: int, end: int) -> bool:
    """Whether nothing but marks and words like "is" and "your" stand between two places."""
    if end - start > _NEARBY or _FIGURE.search(sms.text, start, end):
        return False
    first = bisect_left(sms.words, start, key=attrgetter("start"))
    last = bisect_left(sms.words, end, key=attrgetter("start"))
    return all(word.rows & _JOINING for word in sms.words[first:last])


def _is_pointed_at(sms: _Sms, number: re.Match[str]) -> bool:
    """Whether a colon or a word like "is" stands right before a number."""
    place = number.start()
    word = _word_before(sms, place)
    is_said = word is not None and "is" in word.rows and not _FIGURE.search(sms.text, word.end, place)
    return is_said or _POINTED.search(sms.text, max(0, place - 8), place) is not None


def _word_before(sms: _Sms, place: int) -> Word | None:
    found = bisect_left(sms.words, place, key=attrgetter("start"))
    return sms.words[found - 1] if found else None


def _word_after(sms: _Sms, place: int) -> Word | None:
    """Give the word that follows at once, an ending set off by an apostrophe passed over: "4607'ye gonderin"."""
    ending = _ENDING.match(sms.text, place)
    place = ending.end() if ending else place
    found = bisect_left(sms.words, place, key=attrgetter("start"))
    return sms.words[found] if found < len(sms.words) and sms.words[found].start == place else None


def _against(sms: _Sms, cues: Sequence[_Cue], number: re.Match[str]) -> float:
    """Weigh how strongly the words before the number say that it is something else."""
    place = _first_of_two(sms, number.start())
    last = max((cue.end for cue in cues if cue.row in {*_SURE, "enter"}), default=0)
    warnings = [cue for cue in cues if cue.row in {*_AGAINST, "at"} and last <= cue.start and cue.end <= place]
    pointed = _is_pointed_at(sms, number)
    weight = max((_weight_against(sms, cue, place, cues, pointed=pointed) for cue in warnings), default=0.0)
    following = _word_after(sms, number.end())
    is_named = following and "is" in following.rows and not _CLAIMED.match(sms.text, following.end)
    return weight / 3 if is_named else weight


def _first_of_two(sms: _Sms, place: int) -> int:
    """Give the place of the first of two numbers: "call 1515 or 8800" is said of both."""
    other = _PAIR.search(sms.text, max(0, place - 20), place)
    word = _word_before(sms, place)
    return other.start() if other and (other[1] == "/" or (word and "or" in word.rows)) else place


def _weight_against(sms: _Sms, cue: _Cue, place: int, cues: Sequence[_Cue], *, pointed: bool) -> float:
    gap = sms.text[cue.end : place]
    if cue.row == "at":
        return 8.0 if _TOUCHING.fullmatch(gap) else 0.0
    if cue.row == "number" and not _is_joined(sms, cue.end, place):
        return 0.0
    said = _TOUCHING.match(gap)
    rest = gap[said.end() :] if said else gap
    if len(gap) > _NEARBY or {"\n", ","} & set(rest) or _STOP.search(rest) or _RUN.search(gap):
        return 0.0
    if cue.row == "call":
        return 9.0
    if any(other.row in _SURE and not _STOP.search(sms.text, other.end, cue.start) for other in cues):
        # "code for order 4821" names the order, "code for the order: 4821" the code.
        return 2.0 if cue.row == "deed" else 4.0 if pointed else 8.0
    return 2.0 if any(other.row == "verify" and other.start >= cue.end for other in cues) else 8.0


def _beside(sms: _Sms, number: re.Match[str]) -> float:
    """Weigh the words that touch the number: currencies, measures, "number" behind it."""
    before, after = _word_before(sms, number.start()), _word_after(sms, number.end())
    measured = after is not None and after.rows & {*_MEASURES, "number"}
    paid = before is not None and "money" in before.rows and _is_price(sms.text, before, number)
    return 10.0 if measured or paid else 0.0


def _is_price(text: str, money: Word, number: re.Match[str]) -> bool:
    """Whether a currency before a number is the number's, "Rs. 1250", and not of an amount before: "1250 kr: 4821"."""
    gap = text[money.end : number.start()]
    return gap in {"", " ", ".", ". ", ":", ": "} and not _FIGURE.search(text, max(0, money.start - 2), money.start)


def _favour_of_form(text: str, number: re.Match[str], digits: str) -> float:
    """Weigh what a number's form says for it: six digits, a line of its own."""
    before, after = text[max(0, number.start() - 9) : number.start()], text[number.end() : number.end() + 9]
    own_line = _OWN_LINE[0].search(before) and _OWN_LINE[1].match(after)
    return {4: 0.5, 5: 0.5, 6: 1.0}.get(len(digits), 0.0) + 3 * bool(own_line)


def _doubt_of_form(number: re.Match[str]) -> float:
    is_label = _LABEL.match(number.string, number.end())
    return 3.5 * bool(_DATE.fullmatch(number[0])) + 3.0 * bool(_HOURS.fullmatch(number[0])) + 3.0 * bool(is_label)


def _marks(sms: _Sms, cues: Sequence[_Cue], number: re.Match[str]) -> float:
    """Weigh the characters that touch the number: letters, currency signs, masks."""
    text, end, before = sms.text, number.end(), sms.text[max(0, number.start() - 80) : number.start()]
    bold = before.endswith("*") and _BOLD_AFTER.match(text, end)
    if not bold and (_REJECT_BEFORE.search(before[-3:]) or _REJECT_AFTER.match(text, end)):
        return -_NEVER
    if _WEB_OTP.search(before):
        return 12.0
    if before.endswith(("#", "..")):
        return -3.0
    word = _WORD_BEFORE.search(before[-24:])  # "G-123456", "code1234", "AB-1234", "ECMC1234"
    if not word or (cues and cues[-1].end == number.start() - len(word[1])):
        return 0.0
    return 6.0 if word[0] == "g-" else -3.0 if word[1] == "-" else -_NEVER
