"""The page's own files, as the package brings them: read once; a browser asks each time whether they changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

from aiohttp import web

FOLDER = Path(__file__).parent / "page"
INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}
"""What a file is, by its name's end; others are not given out."""


class File(NamedTuple):
    """One file. `etag` changes with its content."""

    body: bytes
    content_type: str
    etag: str


def read(folder: Path = FOLDER) -> dict[str, File]:
    """All files below a folder by their paths in it, with slashes; blocks. A path that is not in it names no file."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix in _TYPES)
    return {path.relative_to(folder).as_posix(): _file(path) for path in found}


def _file(path: Path) -> File:
    body = path.read_bytes()
    return File(body, _TYPES[path.suffix], hashlib.sha256(body).hexdigest()[:32])


class Files:
    """Answers with them."""

    def __init__(self, files: dict[str, File]) -> None:
        self._files = files

    async def index(self, request: web.Request) -> web.StreamResponse:
        """The page."""
        return self._answer(request, INDEX)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One of its files; 404 where there is none of that name."""
        return self._answer(request, request.match_info["file"])

    def _answer(self, request: web.Request, name: str) -> web.StreamResponse:
        file = self._files.get(name)
        if file is None:
            return web.Response(status=404, text="there is no such page\n")
        response = web.Response()
        response.headers["Cache-Control"] = "no-cache"
        response.etag = file.etag
        if request.if_none_match is not None and any(each.value in (file.etag, "*") for each in request.if_none_match):
            response.set_status(304)
            return response
        response.headers["Content-Type"] = file.content_type
        response.body = file.body
        return response
