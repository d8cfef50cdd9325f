"""The form to sign in: in the language that is wished for, whole without a script."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import pytest

import shomare_mqtt.web
from shomare_mqtt.web.login import Language, language_of, login_page
from tests.web.house import OWNER, PASSWORDS, house

ARABIC = re.compile(r"[\u0600-\u06ff]")
STYLE = Path(shomare_mqtt.web.__file__).parent / "page" / "login.css"


class Tags(HTMLParser):
    """All tags with their attributes, and that each that opens is closed."""

    EMPTY = frozenset({"meta", "link", "input", "img"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.EMPTY:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.mark.parametrize("language", ["en", "fa"])
@pytest.mark.parametrize(("wrong", "wait"), [(False, 0), (True, 0), (False, 42)])
def test_a_form_that_needs_nothing_else(language: Language, wrong: bool, wait: int) -> None:
    text = login_page(language, is_wrong=wrong, wait=wait)
    tags = Tags(text)
    (page,), (form,), (field,) = tags.all("html"), tags.all("form"), tags.all("input")
    assert (page["lang"], page["dir"]) == (language, "rtl" if language == "fa" else "ltr")
    assert (form["method"], form["action"]) == ("post", "login")
    assert (field["name"], field["type"], field["autocomplete"]) == ("password", "password", "current-password")
    assert tags.all("label") == [{"for": field["id"]}]
    assert not tags.all("script") + tags.all("style")
    assert not [name for _, attributes in tags.found for name in attributes if name == "style" or name.startswith("on")]
    alerts = [attributes["id"] for _, attributes in tags.found if attributes.get("role") == "alert"]
    assert alerts == (["told"] if wrong or wait else [])
    assert field.get("aria-describedby") == (alerts[0] if alerts else None)
    if wait:
        assert ("۴۲" if language == "fa" else "42") in text
    assert bool(ARABIC.search(text.partition("<form")[2].partition("</form>")[0])) is (language == "fa")


@pytest.mark.parametrize(
    ("setting", "chosen", "accepted", "language"),
    [
        ("auto", "", "", "en"),
        ("auto", "", "fa-IR,fa;q=0.9,en;q=0.8", "fa"),
        ("auto", "", "de,en;q=0.5,fa;q=0.7", "fa"),
        ("auto", "", "en-US,en;q=0.9,fa;q=0.8", "en"),
        ("auto", "", "de, *", "en"),
        ("auto", "", ";;;q=,,fa;q=9", "en"),
        ("fa", "", "en", "fa"),
        ("en", "", "fa", "en"),
        ("fa", "en", "fa", "en"),
        ("auto", "fa", "en", "fa"),
        ("auto", "<script>", "en", "en"),
    ],
)
def test_the_language(setting: Literal["auto", "en", "fa"], chosen: str, accepted: str, language: str) -> None:
    assert language_of(setting, chosen, accepted) == language


async def test_a_language_that_was_chosen_stays_until_one_is_inside(tmp_path: Path) -> None:
    async with house(tmp_path, **PASSWORDS) as page:
        (link,) = [each["href"] for each in Tags((await page.ask("/login")).text).all("a")]
        assert link == "login?language=fa"
        chosen = await page.ask(f"/{link}")
        (form,) = Tags(chosen.text).all("form")
        assert form["action"] == "login?language=fa"
        wrong = await page.post(f"/{form['action']}", data={"password": "no"})
        assert (wrong.status, "این گذرواژه درست نیست" in wrong.text) == (401, True)
        right = await page.post(f"/{form['action']}", data={"password": OWNER})
        assert right.headers["Location"] == "./"
        strange = await page.ask("/login?language=%22%3E%3Cscript%3E")
        assert "script" not in strange.text


def test_the_style_asks_nobody_else() -> None:
    text = STYLE.read_text(encoding="utf-8")
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {'"icon.svg"'}
    assert not re.search(r"@import|https?:|//", text)
