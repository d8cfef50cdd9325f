"""The page's files: those that are there when the daemon starts, under no other name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shomare_mqtt.web.files import INDEX, read

if TYPE_CHECKING:
    from pathlib import Path


def test_the_packages_own() -> None:
    files = read()
    assert INDEX in files
    assert files["app.js"].content_type == "text/javascript; charset=utf-8"


def test_what_is_no_file_of_a_page_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    for name in ("index.html", "views/a.js", "views/__init__.py", ".hidden", "a.pyc"):
        (tmp_path / name).write_text(name)
    assert sorted(read(tmp_path)) == ["index.html", "views/a.js"]
    etags = {file.etag for file in read(tmp_path).values()}
    (tmp_path / "views" / "a.js").write_text("other")
    assert len(etags | {file.etag for file in read(tmp_path).values()}) == 3
