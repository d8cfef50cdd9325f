"""Makes the README's recording: `python -m tests.picture` runs the demo in a terminal and draws it, as it goes on.

What comes in one burst is spread over a moment, so that it can be read; all else keeps the time that it took.
"""

from __future__ import annotations

import io
import os
import pty
import re
import subprocess
import sys
import time
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parent.parent / "docs" / "images" / "demo.svg"
COLUMNS, ROWS = 100, 32
"""How large the terminal is; it scrolls."""
SPREAD = 0.15
"""Seconds between two lines at least."""
TYPED, HOLD = 1.5, 7.0
"""Seconds that the command stands there alone, and that the last line stays before all begins anew."""
_FONTS = re.compile(r"@font-face \{.*?\n    \}\n", re.DOTALL)
"""Letters from elsewhere, which no page that shows a picture loads; each machine has some of one width."""
_LINE = 24.4
"""How high Rich draws a line."""


class Said(NamedTuple):
    """A line with its colours, and when it came: seconds since the first one."""

    at: float
    text: str


def said() -> list[Said]:
    """What the demo writes to a terminal until its code has come. Raises CalledProcessError."""
    ours, its = pty.openpty()
    variables = os.environ | {"COLUMNS": str(COLUMNS), "LINES": "50", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "shomare_mqtt", "demo", "--once"]
    lines = list[Said]()
    with os.fdopen(ours, "rb", buffering=0) as terminal, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=its, stderr=its, env=variables
    ) as demo:  # fmt: skip
        os.close(its)
        began, rest = None, b""
        try:
            while piece := terminal.read(65536):
                began = began or time.monotonic()
                *whole, rest = (rest + piece).split(b"\r\n")
                lines += [Said(time.monotonic() - began, line.decode()) for line in whole]
        except OSError:  # how Linux says that nobody holds the other end any more
            pass
    if demo.returncode:
        raise subprocess.CalledProcessError(demo.returncode, command, "\n".join(line.text for line in lines))
    return lines


def spread(lines: list[Said]) -> list[Said]:
    """The command, then the lines as they came, none sooner than can be read."""
    shown = [Said(0, "\033[1m$ make demo\033[0m"), Said(TYPED, "")]
    for line in lines:
        shown.append(Said(max(TYPED + line.at, shown[-1].at + (SPREAD if line.text else 0)), line.text))
    return shown


def drawn(lines: list[Said]) -> str:
    """An SVG of a terminal in which the lines appear, again and again; where nothing may move, as it is at the end."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for line in lines:
        console.print(Text.from_ansi(line.text), no_wrap=True, overflow="ellipsis")
    whole = _FONTS.sub("", console.export_svg(title="shomare-mqtt", unique_id="demo"))
    beyond = max(0, len(lines) - ROWS)
    cut = re.sub(r"(?<=viewBox=\"0 0 1238 )[\d.]+", lambda m: f"{float(m[0]) - beyond * _LINE:g}", whole)
    for width in ("1219.0", "1236"):  # what the text is cut to, and the frame
        cut = re.sub(rf'(?<=width="{width}" height=")[\d.]+', lambda m: f"{float(m[0]) - beyond * _LINE:g}", cut)
    classed = re.sub(r'class="(demo-r\d+)"(?=[^>]*clip-path="url\(#demo-line-(\d+)\)")', r'class="\1 l\2"', cut)
    return classed.replace("</style>", f"{_moving(lines, beyond)}\n    </style>", 1)


def _moving(lines: list[Said], beyond: int) -> str:
    """What appears when, and how far it is scrolled by then, as CSS."""
    end = lines[-1].at + HOLD
    numbered = list(enumerate(lines))
    rules, scrolled = list[str](), dict[str, int]()
    for at, group in groupby(numbered, lambda each: each[1].at):
        those = [number for number, _ in group]
        percent = f"{100 * at / end:.2f}%"
        scrolled[percent] = max(0, those[-1] + 1 - ROWS)
        names = ", ".join(f".l{number}" for number in those)
        rules.append(f"{names} {{ animation: s{those[0]} {end:.1f}s step-end infinite }}")
        rules.append(f"@keyframes s{those[0]} {{ 0% {{ opacity: 0 }} {percent}, 100% {{ opacity: 1 }} }}")
    steps = " ".join(f"{percent} {{ transform: translateY({-by * _LINE:g}px) }}" for percent, by in scrolled.items())
    rules.append(f".demo-matrix {{ animation: scroll {end:.1f}s step-end infinite }}")
    rules.append(f"@keyframes scroll {{ {steps} }}")
    still = f"    .demo-matrix {{ transform: translateY({-beyond * _LINE:g}px) }}"
    return f"{still}\n    @media (prefers-reduced-motion: no-preference) {{\n" + "\n".join(rules) + "\n    }"


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(drawn(spread(said())) + "\n", encoding="utf-8")
    print(f"{PICTURE}: {PICTURE.stat().st_size:,} bytes")
