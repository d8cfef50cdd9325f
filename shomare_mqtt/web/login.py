"""The page on which one signs in: whole without a script, in English and Persian."""

from __future__ import annotations

import re
from html import escape
from typing import Literal, NamedTuple

Language = Literal["en", "fa"]
_WISH = re.compile(r"\s*([a-zA-Z-]+|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*")
_PERSIAN_DIGITS = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")


class _Words(NamedTuple):
    title: str
    password: str
    sign_in: str
    wrong: str
    wait: str
    other: str


_WORDS: dict[Language, _Words] = {
    "en": _Words(
        "Shomare",
        "Password",
        "Sign in",
        "This password is wrong. Nothing was changed.",
        "Five wrong passwords came from here within a minute. Try again in {seconds} seconds; whoever is signed in can "
        "go on.",
        "فارسی",
    ),
    "fa": _Words(
        "شماره",
        "گذرواژه",
        "ورود",
        "این گذرواژه درست نیست. چیزی تغییر نکرد.",
        "در یک دقیقه پنج بار گذرواژهٔ نادرست از این‌جا فرستاده شد. {seconds} ثانیهٔ دیگر دوباره امتحان کنید؛ "
        "هر کس وارد شده است می‌تواند ادامه دهد.",
        "English",
    ),
}
_PAGE = """<!doctype html>
<html lang="{language}" dir="{direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>{title} – {sign_in}</title>
<link rel="icon" href="icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="login.css">
</head>
<body>
<main>
<h1>{title}</h1>
<form method="post" action="login{query}">
<label for="password">{password}</label>
<input id="password" name="password" type="password" autocomplete="current-password" dir="auto"
 required autofocus{described}>
{told}<button type="submit">{sign_in}</button>
</form>
<p><a href="login?language={other_language}" lang="{other_language}" dir="{other_direction}">{other}</a></p>
</main>
</body>
</html>
"""


def login_page(language: Language, *, is_wrong: bool = False, wait: int = 0, chosen: bool = False) -> str:
    """The page. `wait`: seconds until one may try again; `chosen`: whether the language was chosen on the page."""
    words = _WORDS[language]
    told = words.wait.format(seconds=_number(wait, language)) if wait else words.wrong if is_wrong else ""
    other: Language = "en" if language == "fa" else "fa"
    return _PAGE.format(
        language=language,
        direction=_direction(language),
        query=f"?language={language}" if chosen else "",
        title=escape(words.title),
        sign_in=escape(words.sign_in),
        password=escape(words.password),
        described=' aria-describedby="told" aria-invalid="true"' if told else "",
        told=f'<p id="told" role="alert">{escape(told)}</p>\n' if told else "",
        other_language=other,
        other_direction=_direction(other),
        other=escape(words.other),
    )


def language_of(setting: Literal["auto", "en", "fa"], chosen: str, accepted: str) -> Language:
    """The one chosen on the page, else that of the settings, else what a browser's Accept-Language likes best."""
    given = chosen if chosen in ("en", "fa") else setting
    if given in ("en", "fa"):
        return "fa" if given == "fa" else "en"
    wishes = [found for part in accepted.split(",") if (found := _WISH.fullmatch(part))]
    wishes.sort(key=lambda found: -float(found[2] or 1))
    liked = (found[1].lower().partition("-")[0] for found in wishes)
    return next(("fa" if each == "fa" else "en" for each in liked if each in ("en", "fa")), "en")


def _direction(language: Language) -> str:
    return "rtl" if language == "fa" else "ltr"


def _number(number: int, language: Language) -> str:
    return str(number).translate(_PERSIAN_DIGITS) if language == "fa" else str(number)
