"""What the words of an SMS say about the numbers beside them, by the table of languages in ``code_words.toml``.

Text and table are folded alike: small letters without accents, ASCII digits, plain marks. A word that is in the
tables of several languages is read as in the one of which most words are in the text.
"""

import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

_TABLE: Final = Path(__file__).with_name("code_words.toml")
_LONGEST: Final = 30  # letters of a word that are looked at
PHRASE: Final = 3  # words of the longest phrase in the table
_EXPANDED: Final = 8  # characters into which one may be taken apart: there are ligatures of whole sentences
_TELLING: Final = 4  # letters from which on a word says in full which language it is of
_FOREIGN: Final = 3  # how many times as much of a text is in its language, where a word of another is taken for none
_EVERYWHERE: Final = "everywhere"
_PREFIXES: Final = "prefixes"
_AT_HOME: Final = frozenset({_EVERYWHERE, "english"})  # whose words are in texts of all languages
_SMALL: Final = frozenset({"is", "at", "of", "your"})  # rows of words that mean something else in other languages

# What folding leaves as it is. A full stop or comma of a script without spaces ends what stands before it.
_MARKS: Final = {
    **dict(zip("يىېۍێكةەہھڵۆڕ", "یییییکههههلور", strict=True)),
    **dict(zip("ıłəøđðħŧ’‘`·٪٬٫−\r\t", "ileoddht'''•%,.-\n ", strict=True)),
    **{char: f"{mark} " for char, mark in zip("،؛؟。।，、！？；։።။។՝", ",;?..,,!?;....,", strict=True)},
    "ـ": "",
}
_KINDS: Final = {"Sc": "$", "Pd": "-", "Zl": "\n", "Zp": "\n", "Zs": " ", "Cf": "", "Mn": "", "Mc": "", "Me": ""}

# Scripts whose words follow one another without spaces, and Korean, whose words have many endings.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff"
_WORD: Final = re.compile(rf"(?:(?=[{_UNSPACED}])[^\W\d_])+|(?:(?![{_UNSPACED}])[^\W\d_])+")
_UNSPACED_WORD: Final = re.compile(rf"[{_UNSPACED}]+")
_JOINTS: Final = frozenset(" -'\"")  # what may stand between the words of a phrase


class Word(NamedTuple):
    """A word of a text, or a phrase, and the rows of the table in which it stands; no rows for most words."""

    start: int
    end: int
    rows: frozenset[str]


class _Meaning(NamedTuple):
    row: str
    language: str


_Meanings = frozenset[_Meaning]
_NOTHING: Final[_Meanings] = frozenset()


class _Shelf:
    """Words that are compared in the same way: as a whole, by their beginning, by their end."""

    def __init__(self) -> None:
        self.words: dict[str, _Meanings] = {}
        self._lengths: set[int] = set()

    def add(self, word: str, meanings: _Meanings) -> None:
        self.words[word] = self.words[word] | meanings if word in self.words else meanings
        self._lengths.add(len(word))

    def get(self, word: str) -> _Meanings:
        return self.words.get(word, _NOTHING)

    def starting(self, text: str, *, beyond: int = 0) -> _Meanings:
        """Give the meanings of words longer than ``beyond`` with which the text begins."""
        return _NOTHING.union(*(self.get(text[:n]) for n in self._lengths if beyond < n <= len(text)))

    def ending(self, text: str) -> _Meanings:
        return _NOTHING.union(*(self.get(text[-n:]) for n in self._lengths if n <= len(text)))


def fold(text: str) -> str:
    """Give the text with small letters, no accents, ASCII digits, and one mark for all of a kind."""
    # Character by character: normalising whole text re-orders accents, in quadratic time on hostile ones.
    return text.translate({ord(char): _fold_char(char) for char in set(text)})


@lru_cache(4096)
def _fold_char(char: str) -> str:
    if char in _MARKS:
        return _MARKS[char]
    parts = unicodedata.normalize("NFKD", char).casefold()
    return "".join(map(_fold_part, parts)) if len(parts) <= _EXPANDED else " "


def _fold_part(char: str) -> str:
    kind = unicodedata.category(char)
    return str(unicodedata.decimal(char)) if kind == "Nd" else _KINDS.get(kind, _MARKS.get(char, char))


@cache
def vocabulary() -> "Vocabulary":
    """Give the vocabulary of all languages; its table is read at the first SMS whose code has to be looked for."""
    return Vocabulary(tomllib.loads(_TABLE.read_text(encoding="utf-8")))


class Vocabulary:
    """The table of languages, made ready for looking words up in it."""

    def __init__(self, table: Mapping[str, Mapping[str, str]]) -> None:
        self._whole = _Shelf()
        self._beginnings = _Shelf()
        self._endings = _Shelf()
        self._within = _Shelf()
        self._anywhere = _Shelf()
        self._prefixes: dict[str, set[str]] = defaultdict(set)
        for language, rows in table.items():
            for prefix in rows.get(_PREFIXES, "").split():
                self._prefixes[fold(prefix)].add(language)
            for row in rows.keys() - {_PREFIXES}:
                self._add(rows[row].split(), frozenset({_Meaning(row, language)}))
        phrases = (key for shelf in (self._whole, self._beginnings) for key in shelf.words if " " in key)
        self._first_of_phrases = {phrase.split(" ")[0] for phrase in phrases}
        self._any_within = re.compile("|".join(map(re.escape, self._within.words)) or r"(?!)")
        self._by_first = _by_first_letter(self._anywhere.words)

    def _add(self, words: Iterable[str], meanings: _Meanings) -> None:
        for word in words:
            key = fold(word.strip("*").replace("_", " "))
            shelf = self._shelf(word, key)
            shelf.add(key, meanings)
            if " " in key:
                shelf.add(key.replace(" ", ""), meanings)

    def _shelf(self, word: str, key: str) -> _Shelf:
        if _UNSPACED_WORD.fullmatch(key):
            return self._anywhere
        if word[0] == "*":
            return self._within if word[-1] == "*" else self._endings
        return self._beginnings if word[-1] == "*" else self._whole

    def read(self, text: str) -> list[Word]:
        """Give each word of a folded text, in order, with the rows it stands in for the language of the text."""
        looked_up: dict[str, _Meanings] = {}
        found = list(self._words(text, looked_up))
        weights = _languages({text[start:end]: meanings for start, end, meanings in found})
        rows = {meanings: _rows(meanings, weights) for _, _, meanings in found}
        return [Word(start, end, rows[meanings]) for start, end, meanings in found]

    def _words(self, text: str, looked_up: dict[str, _Meanings]) -> Iterator[tuple[int, int, _Meanings]]:
        tokens = list(_WORD.finditer(text))
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if _UNSPACED_WORD.match(token[0]):
                yield from self._scan(token)
            elif token[0] in self._first_of_phrases and (phrase := self._phrase(text, tokens[place : place + PHRASE])):
                size, meanings = phrase
                yield token.start(), tokens[place + size - 1].end(), meanings
                place += size - 1
            else:
                word = token[0][:_LONGEST]
                if word not in looked_up:
                    looked_up[word] = self._meanings(word)
                yield token.start(), token.end(), looked_up[word]
            place += 1

    def _scan(self, token: re.Match[str]) -> Iterator[tuple[int, int, _Meanings]]:
        """Find words in letters that are not parted by spaces: from left to right, the longest first."""
        place = unknown = token.start()
        while place < token.end():
            here = self._by_first.get(token.string[place], ())
            word = next((w for w in here if token.string.startswith(w, place)), None)
            if word is None:
                place += 1
                continue
            if unknown < place:
                yield unknown, place, _NOTHING
            yield place, place + len(word), self._anywhere.words[word]
            place = unknown = place + len(word)
        if unknown < place:
            yield unknown, place, _NOTHING

    def _phrase(self, text: str, tokens: list[re.Match[str]]) -> tuple[int, _Meanings] | None:
        for size in range(len(tokens), 1, -1):
            part = tokens[:size]
            if all(text[one.end() : other.start()] in _JOINTS for one, other in pairwise(part)):
                phrase = " ".join(token[0] for token in part)
                last = len(phrase) - len(part[-1][0])
                if meanings := self._whole.get(phrase) | self._beginnings.starting(phrase, beyond=last):
                    return size, meanings
        return None

    def _meanings(self, word: str) -> _Meanings:
        found = self._whole.get(word) | self._beginnings.starting(word) | self._endings.ending(word)
        for within in self._any_within.finditer(word):
            found |= self._within.get(within[0])
        return found or self._behind_prefix(word)

    def _behind_prefix(self, word: str) -> _Meanings:
        found = _NOTHING
        for prefix, languages in self._prefixes.items():
            rest = word.removeprefix(prefix)
            if rest != word and len(rest) > 1:
                meant = self._whole.get(rest) | self._beginnings.starting(rest)
                found |= {meaning for meaning in meant if meaning.language in languages}
        return found


def _by_first_letter(words: Iterable[str]) -> dict[str, list[str]]:
    """Give the words by their first letter, longer ones first."""
    grouped: dict[str, list[str]] = defaultdict(list)
    for word in sorted(words, key=len, reverse=True):
        grouped[word[0]].append(word)
    return grouped


def _languages(words: Mapping[str, _Meanings]) -> Counter[str]:
    """Weigh how much of a text is in each language: by its different words, short ones for less."""
    weights: Counter[str] = Counter()
    for word, meanings in words.items():
        for language in {meaning.language for meaning in meanings} - {_EVERYWHERE}:
            weights[language] += min(len(word), _TELLING)
    return weights


def _rows(meanings: _Meanings, weights: Counter[str]) -> frozenset[str]:
    """Choose what a word means: as in the language, among those that have it, of which most is in the text."""
    top = max(weights.values(), default=0)
    best = max((weights[meaning.language] for meaning in meanings), default=0)
    if best * _FOREIGN < top and all(meaning.language not in _AT_HOME for meaning in meanings):
        return frozenset()
    meant = {meaning for meaning in meanings if meaning.language == _EVERYWHERE or weights[meaning.language] == best}
    rows = frozenset(meaning.row for meaning in meant)
    if rows & _SMALL and best < top:
        rows -= _SMALL
    if rows >= {"is", "at"}:
        return rows - {"is", "at"}
    return rows - {"time"} if rows >= {"is", "time"} else rows  # "är" and "år" are folded alike
