"""Persian in Latin letters, which everybody spells in a way of their own: `baghimande`, `baqi_mandeh`, `baqimandeh`.

A word is brought to one spelling, and that is looked up; so the table needs each word once. What it means here is the
English word that the readers' fields know, whatever its meaning elsewhere.
"""

from __future__ import annotations

import re
from functools import lru_cache

from shomare_mqtt.provider.reading import tongues

_MEANINGS = {
    "time": "zaman vaght",
    "remaining": "baghimande baghi mande",
    "duration": "modat",
    "deadline": "mohlat sarresid",
    "expiry": "enghza enghezaa engheza monghazi enqza",
    "end": "payan peyan etmam",
    "start": "shoru shorou aghaz",
    "date": "tarikh rooz ruz",
    "created": "ijad sakht",
    "seconds": "saniye sanie",
    "minutes": "daghighe daghayegh",
    "hour": "saat",
    "balance": "mojodi mojoodi mojoudi mandehesab",
    "credit": "etebar eatebar",
    "wallet": "kif kifpul kifepul",
    "charge": "sharj sharzh",
    "price": "gheymat gheimat ghaymat geymat nerkh",
    "cost": "hazine hazineh",
    "amount": "mablagh meghdar",
    "discount": "takhfif",
    "currency": "arz",
    "unit": "vahed",
    "count": "tedad teedad",
    "number": "shomare shomareh",
    "mobile": "mobayl hamrah",
    "prefix": "pishshomare",
    "id": "shenase",
    "code": "kod kode kodd",
    "tracking": "rahgiri peygiri",
    "order": "sefaresh safaresh",
    "purchase": "kharid",
    "transaction": "tarakonesh",
    "status": "vaziat vazeiat vaziyyat vazeeyat",
    "result": "natije",
    "response": "pasokh javab",
    "data": "dade etelaat ettelaat",
    "message": "peygham paygham",
    "text": "matn payam peyam payamak",
    "error": "khata",
    "sender": "ferestande",
    "received": "daryaft daryafti",
    "country": "keshvar",
    "operator": "aperator",
    "application": "barname narmafzar",
    "service": "servis khadamat sarvis",
    "name": "nam esm onvan",
    "user": "karbar",
    "account": "hesab",
}
_SHORTEST, _LONGEST = 3, 30
_LEAST_PART = 4
"""Shorter words are not looked for inside one that is written together."""
_JOINED = re.compile(r"(?<=e)ie$|e$")
_SOUNDS = (
    (re.compile(r"gh|q"), "q"),
    (re.compile(r"kh|x"), "x"),
    (re.compile(r"zh"), "j"),
    (re.compile(r"w"), "v"),
    (re.compile(r"oo|ou|u"), "o"),
    (re.compile(r"ee"), "i"),
    (re.compile(r"y"), "i"),
    (re.compile(r"(.)\1+"), r"\1"),
    (re.compile(r"(?<=[ea])h$"), ""),
)


def _spelt(word: str) -> str:
    """The one spelling of a word: `mojoodi`, `mojudi` and `moujodi` are all `mojodi`."""
    for sound, letter in _SOUNDS:
        word = sound.sub(letter, word)
    return word


_WORDS = {_spelt(word): meaning for meaning, spellings in _MEANINGS.items() for word in spellings.split()}


def in_english(words: tuple[str, ...]) -> tuple[str, ...]:
    """A name's words in English and in English order, the noun last; empty where none of them is Persian."""
    said = [_meanings(word) for word in words]
    if not any(said):
        return ()
    each = zip(reversed(words), reversed(said), strict=True)
    return tuple(meaning for word, found in each for meaning in found or (word,))


@lru_cache(maxsize=4096)
def _meanings(word: str) -> tuple[str, ...]:
    """What a word means, the last part first where several are written together."""
    if not (_SHORTEST <= len(word) <= _LONGEST and word.isascii() and word.isalpha()):
        return ()
    if (foreign := tongues.meaning(word)) is not None:
        return (foreign,)
    spelt = _spelt(word)
    if (one := _meaning(spelt)) is not None:
        return (one,)
    for end in range(_LEAST_PART, len(spelt) - _LEAST_PART + 1):
        first, last = _meaning(spelt[:end]), _meaning(spelt[end:])
        if first is not None and last is not None:
            return last, first
    return ()


def _meaning(spelt: str) -> str | None:
    """A word's meaning, also in the plural (`keshvarha`) and with what joins it to the next (`zamane baghimande`)."""
    found = _WORDS.get(spelt) or (_WORDS.get(_JOINED.sub("", spelt)) if len(spelt) > _LEAST_PART else None)
    if found is None and spelt.endswith("ha") and (one := _WORDS.get(spelt[:-2])) is not None:
        return f"{one[:-1]}ies" if one.endswith("y") else f"{one}s"
    return found
