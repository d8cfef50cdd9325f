"""Writes every document that is made from the code: `make docs`."""

from __future__ import annotations

from tests.docs.pages import PAGES, TOP

if __name__ == "__main__":
    for name, page in PAGES.items():
        before = (TOP / name).read_text(encoding="utf-8") if (TOP / name).exists() else None
        text = page(before or "")
        (TOP / name).write_text(text, encoding="utf-8")
        print(f"{name}: {'as it was' if text == before else 'written'}")
