"""Tables and lines that fit the terminal: which columns stand, where lines fold, how Persian words keep their place.

Widths are cells of a terminal: East Asian wide characters and emoji have two, marks that combine with a letter none.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Self

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import ConsoleOptions

_UNBOUNDED = 10_000
"""Columns where no terminal sets a bound."""
_DIGITS = 4
"""Of COLUMNS; what has more is no terminal."""
_USUAL = 80
_GAP = 2
_NAME = 10
"""Cells that a column of names keeps: a name is folded rather than left out."""
_TITLE = 12
"""Cells up to which a word of a title is not folded either."""
_HALF = 2
_LEFT_TO_RIGHT = "\u200e"
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_DISPUTED = dict.fromkeys((0x200D, *range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400)))
"""Joiners, variation selectors and skin tones of emoji: no two terminals agree on how wide what they make is."""


class _Screen(Console):
    """Leaves it to the command what it means that nobody reads any more; rich would end the process at once."""

    def on_broken_pipe(self) -> None:
        """Raises BrokenPipeError, always."""
        raise BrokenPipeError


def console() -> Console:
    """Standard output, without rich's guesses at what a text means; a program that reads it gets whole lines."""
    return _Screen(width=_columns(), highlight=False, markup=False, emoji=False, soft_wrap=True)


def _columns() -> int | None:
    """How wide the output is; None is for rich to find out. COLUMNS says it, unless it makes no sense: 0, say."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and len(told) <= _DIGITS and int(told):
        return int(told)
    if not sys.stdout.isatty():
        return _UNBOUNDED
    return (os.get_terminal_size(sys.stdout.fileno()).columns or _USUAL) if told else None


@dataclass(frozen=True, slots=True)
class Cell:
    """Words without control characters, and how many cells must stand on one line: None is all of them.

    An id, a number or a code that were folded could not be copied.
    """

    text: str
    style: str = ""
    least: int | None = None

    @classmethod
    def folding(cls, text: str, style: str = "", whole: Sequence[str] = ()) -> Self:
        """May be folded, but neither in a word with digits in it nor in one of `whole`."""
        words = [cell_len(w) if any(map(str.isdigit, w)) else min(_NAME, cell_len(w)) for w in text.split()]
        return cls(text, style, max(words + [cell_len(each) for each in whole], default=0))


@dataclass(frozen=True, slots=True)
class Column:
    """A column of as many cells as the others. `rank`: the higher, the sooner it is left out; 0 stays, 1 nearly so."""

    title: str
    cells: Sequence[Cell]
    rank: int = 0
    right: bool = False


class _Layout:
    """What the screen asks of texts: how wide, and whether a terminal may turn round what is written from the right."""

    def __init__(self, screen: Console) -> None:
        self.width = screen.width
        self.is_bounded = screen.width < _UNBOUNDED
        self._is_terminal = screen.is_terminal

    def text(self, words: str) -> str:
        """As it is printed: in a pipe to the letter."""
        return words.translate(_DISPUTED) if self.is_bounded else words

    def anchored(self, text: Text) -> Text:
        """Keeps right-to-left words from changing places with their neighbours.

        Terminals that turn them round do so line by line, over cells and the spaces between, unless a character that
        is written from the left stands between. The mark is such a one; unlike isolates, words cannot end it.
        """
        if self._is_terminal and any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text.plain):
            return Text.assemble(_LEFT_TO_RIGHT, text, _LEFT_TO_RIGHT)
        return text

    def least(self, cell: Cell) -> int:
        """Cells that it needs in a table."""
        whole = cell_len(self.text(cell.text))
        return whole if cell.least is None else min(whole, cell.least)

    def folded(self, cell: Cell, width: int) -> list[Text]:
        """Lines no wider than `width`; one empty line where there is nothing."""
        text = Text(self.text(cell.text), cell.style)
        if text.cell_len <= width:
            return [self.anchored(text)]
        return [self.anchored(Text(line, cell.style)) for line in _lines(text.plain, max(2, width))]


def _lines(words: str, width: int) -> Iterator[str]:
    """Folds at spaces, and a word that is too wide where it must be."""
    line = ""
    for word in words.split(" "):
        if line and cell_len(line) + 1 + cell_len(word) > width:
            yield line
            line = ""
        *full, last = chop_cells(f"{line} {word}" if line else word, width) or [""]
        yield from full
        line = last
    yield line


def show_table(screen: Console, columns: Sequence[Column], hint: str, otherwise: Callable[[], None]) -> None:
    """Prints a table with as many of the columns as fit; `otherwise` is called where those that must stay do not.

    `hint` is said after the names of those that were left out; empty, they are not named.
    """
    layout = _Layout(screen)
    chosen, gap = _fitting(layout, columns)
    if not chosen:
        otherwise()
        return
    widths = _widths(layout, chosen, gap)
    with screen:  # which writes what is printed within at once
        _print_row(screen, layout, [Cell(column.title, "dim", 0) for column in chosen], chosen, widths, gap)
        for row in zip(*(column.cells for column in chosen), strict=True):
            _print_row(screen, layout, row, chosen, widths, gap)
    missing = [
        column.title.partition(" (")[0]
        for column in columns
        if column not in chosen and any(_says(c) for c in column.cells)
    ]
    if missing and hint:
        screen.print(Line([Cell.folding(f"Not shown here: {', '.join(missing)}; {hint}", "dim")]))


def _says(cell: Cell) -> bool:
    return cell.text not in ("", "–")


def _fitting(layout: _Layout, columns: Sequence[Column]) -> tuple[list[Column], int]:
    """The columns that fit and the space between them; none where those of rank 0 do not."""
    for rank, gap in ((1, _GAP), (1, 1), (0, 1)):
        chosen = [column for column in columns if column.rank <= rank]
        if _needed(layout, chosen, gap) > layout.width:
            continue
        return _with_more(layout, columns, chosen, gap), gap
    return [], _GAP


def _with_more(layout: _Layout, columns: Sequence[Column], chosen: list[Column], gap: int) -> list[Column]:
    """By rank what fits beside them; once one did not, a later one that would be folded only takes their room."""
    missed = False
    for more in sorted((c for c in columns if c not in chosen), key=lambda c: c.rank):
        wider = [column for column in columns if column in chosen or column is more]
        fits = _needed(layout, wider, gap) <= layout.width
        if fits and not (missed and _least(layout, more) < _wanted(layout, more)):
            chosen = wider
        missed |= not fits
    return chosen


def _needed(layout: _Layout, columns: Sequence[Column], gap: int) -> int:
    return sum(_least(layout, column) for column in columns) + gap * max(0, len(columns) - 1)


def _least(layout: _Layout, column: Column) -> int:
    longest_word = max(map(cell_len, column.title.split()), default=0)
    return max([min(_TITLE, longest_word), *(layout.least(cell) for cell in column.cells)])


def _wanted(layout: _Layout, column: Column) -> int:
    return max([cell_len(column.title), *(cell_len(layout.text(cell.text)) for cell in column.cells)])


def _widths(layout: _Layout, columns: Sequence[Column], gap: int) -> list[int]:
    """Each column's cells: what it needs, and of the rest what its texts can use, dealt out one by one."""
    widths = [_least(layout, column) for column in columns]
    wanted = [_wanted(layout, column) for column in columns]
    if not layout.is_bounded:
        return wanted
    rest = layout.width - sum(widths) - gap * (len(columns) - 1)
    while rest > 0 and widths != wanted:
        for number, width in enumerate(widths):
            if width < wanted[number] and rest > 0:
                widths[number] += 1
                rest -= 1
    return widths


def _print_row(
    screen: Console, layout: _Layout, row: Sequence[Cell], columns: Sequence[Column], widths: Sequence[int], gap: int
) -> None:
    folded = [layout.folded(cell, width) for cell, width in zip(row, widths, strict=True)]
    for parts in zip_longest(*folded, fillvalue=Text()):
        line, wide, end = Text(), 0, 0
        for part, column, width in zip(parts, columns, widths, strict=True):
            end += width
            before = end - width - wide + (width - part.cell_len if column.right else 0)
            if part:
                line.append(" " * before).append(part)
                wide += before + part.cell_len
            end += gap
        screen.print(line)


def show_pairs(screen: Console, pairs: Sequence[tuple[str, Cell]]) -> None:
    """Prints a line for each pair of a name and a value; what does not fit beside its name stands below it."""
    layout = _Layout(screen)
    beside = max((w for label, _ in pairs if (w := cell_len(layout.text(label))) <= layout.width // _HALF), default=0)
    for label, value in pairs:
        name = Cell(label, "dim", 0)
        wide, rest = cell_len(layout.text(label)), layout.width - beside - _GAP
        if wide <= beside and layout.least(value) <= rest:
            first, *more = layout.folded(value, rest)
            screen.print(Text.assemble(layout.folded(name, beside)[0], " " * (beside + _GAP - wide), first))
            indent = beside + _GAP
        else:
            for line in layout.folded(name, layout.width):
                screen.print(line)
            indent = _GAP if layout.least(value) <= layout.width - _GAP else 0
            more = layout.folded(value, layout.width - indent)
        for line in more:
            screen.print(Text.assemble(" " * indent, line))


@dataclass(frozen=True, slots=True)
class Line:
    """Cells one after the other, two spaces apart; where they take more lines than one, the others are indented."""

    cells: Sequence[Cell]
    indent: int = _GAP

    def __rich_console__(self, screen: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Each line; rich asks for them."""
        layout = _Layout(screen)
        line = Text()
        for number, cell in enumerate(self.cells):
            words = layout.text(cell.text)
            piece = Text()
            for position, word in enumerate([words] if cell.least is None else words.split(" ")):
                gap = " " * (0 if not line and not piece else 1 if position else _space_after(self.cells[number - 1]))
                if line.cell_len + piece.cell_len + len(gap) + cell_len(word) <= layout.width:
                    piece.append(gap).append(word, cell.style)
                    continue
                if line or piece:
                    yield line.append(layout.anchored(piece))
                line, piece = Text(), Text()
                *full, last = _fresh(word, layout.width, self.indent)
                yield from (Text(each, cell.style) for each in full)
                piece.append(last, cell.style)
            line.append(layout.anchored(piece))
        yield line


def _space_after(cell: Cell) -> int:
    return 1 if cell.text.endswith(":") else _GAP


def _fresh(word: str, width: int, indent: int) -> list[str]:
    """A word at the beginning of a further line: indented, or at the edge where it is too wide for that."""
    if indent + cell_len(word) <= width:
        return [" " * indent + word]
    return chop_cells(word, max(2, width)) or [""]
