"""Makes the README's picture: `python -m tests.picture` runs the demo in a terminal and draws what it says there."""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "demo.svg"
COLUMNS, HEAD, TAIL = 100, 9, 27
"""How wide the terminal is; how many of the first lines are shown, and how many of the last where nothing is bought."""
BOUGHT = re.compile(r"shomare/buy(\s|$)")
"""The topic of the line that the picture goes on with, and a heading above it."""
_FONTS = re.compile(r"@font-face \{.*?\n    \}\n", re.DOTALL)
"""Letters from elsewhere, which no page that shows a picture loads; each machine has some of one width."""


def said() -> str:
    """What the demo writes to a terminal until its code has come, colours and all. Raises CalledProcessError."""
    ours, its = pty.openpty()
    variables = os.environ | {"COLUMNS": str(COLUMNS), "LINES": "50", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "shomare_mqtt", "demo", "--once"]
    with os.fdopen(ours, "rb", buffering=0) as terminal, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=variables
    ) as demo:  # fmt: skip
        os.close(its)
        pieces = list[bytes]()
        try:
            while piece := terminal.read(65536):
                pieces.append(piece)
        except OSError:  # how Linux says that nobody holds the other end any more
            pass
    if demo.returncode:
        raise subprocess.CalledProcessError(demo.returncode, command, b"".join(pieces))
    return b"".join(pieces).decode().replace("\r\n", "\n")


def drawn(text: str) -> str:
    """An SVG of a terminal with a text in it; of a long one its beginning and its end."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    lines = Text.from_ansi(text.strip("\n")).split("\n")
    bought = next((number - 2 for number, line in enumerate(lines) if BOUGHT.search(line.plain)), len(lines) - TAIL)
    shown = [*lines[:HEAD], Text("  ⋮", "dim"), *lines[bought:]] if bought > HEAD else lines
    for line in [Text("$ make demo", "bold"), Text(), *shown]:
        console.print(line, no_wrap=True, overflow="ellipsis")
    return _FONTS.sub("", console.export_svg(title="shomare-mqtt", unique_id="demo"))


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(said()) + "\n", encoding="utf-8")
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")
