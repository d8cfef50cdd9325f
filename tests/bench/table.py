"""Figures, and the table that they stand in: ratios first, since they hold on other machines too."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HEAD = ("what", "÷ script", "÷ limit", "target", "", "ours", "script", "limit", "spread", "unit")


@dataclass(frozen=True)
class Figure:
    """The same thing measured several times."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.values)

    @property
    def spread(self) -> float:
        """How far the values lie apart, as a share of their median."""
        return (max(self.values) - min(self.values)) / self.median if self.median else 0.0


def figure(values: Iterable[float]) -> Figure | None:
    """None where nothing was measured."""
    measured = tuple(values)
    return Figure(measured) if measured else None


@dataclass(frozen=True)
class Row:
    """One line. `met`: None where there is no target, or nothing to compare with. `note` says what to know about it."""

    name: str
    unit: str
    ours: Figure | None
    reference: Figure | None = None
    limit: Figure | None = None
    target: str = ""
    met: bool | None = None
    note: str = ""


@dataclass(frozen=True)
class Effort:
    """How much is measured: a minute of everything, or ten."""

    quick: bool = False

    @property
    def rounds(self) -> int:
        return 1 if self.quick else 3

    @property
    def seconds(self) -> float:
        """Of one measurement."""
        return 0.4 if self.quick else 2.0


def ratio(ours: Figure | None, other: Figure | None) -> float | None:
    """Ours divided by the other; None where one of them is missing, or nothing.

    The median over the rounds, each with what was measured right after it: a machine that grows busier slows both.
    """
    if ours is None or other is None or not all(other.values):
        return None
    if len(ours.values) != len(other.values):
        return ours.median / other.median
    return median(mine / its for mine, its in zip(ours.values, other.values, strict=True))


def within(ours: Figure | None, factor: float, other: Figure | None) -> bool | None:
    """Whether ours is at most so many times the other; None where that cannot be told."""
    found = ratio(ours, other)
    return None if found is None else found <= factor


def reaches(ours: Figure | None, factor: float, other: Figure | None) -> bool | None:
    """Whether ours is at least so many times the other; None where that cannot be told."""
    found = ratio(ours, other)
    return None if found is None else found >= factor


def at_most(ours: Figure | None, bound: float) -> bool | None:
    """Whether ours is no more than that; None where it was not measured."""
    return None if ours is None else ours.median <= bound


def at_least(ours: Figure | None, bound: float) -> bool | None:
    """Whether ours is no less than that; None where it was not measured."""
    return None if ours is None else ours.median >= bound


def rendered(rows: Sequence[Row]) -> list[str]:
    """Lines of a Markdown table that can be read as it stands, and the notes below it."""
    cells = [HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEAD))]
    lines = [_line(f"{cell:{width}}" for cell, width in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, _line("-" * width for width in widths))
    notes = [f"- {row.name}: {row.note}" for row in rows if row.note]
    return [*lines, *([""] if notes else []), *notes]


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    met = {True: "met", False: "**not met**", None: ""}[row.met]
    spread = " / ".join(_spread(each) for each in (row.ours, row.reference, row.limit) if each)
    return (
        row.name, _ratio(row.ours, row.reference), _ratio(row.ours, row.limit), row.target, met,
        _value(row.ours), _value(row.reference), _value(row.limit), spread, row.unit,
    )  # fmt: skip


def _ratio(ours: Figure | None, other: Figure | None) -> str:
    found = ratio(ours, other)
    return "" if found is None else f"{found:.2f}"


def _spread(found: Figure) -> str:
    return f"{found.spread:.0%}" if len(found.values) > 1 else "-"


def _value(found: Figure | None) -> str:
    """Three figures, as many as can be trusted."""
    if found is None:
        return ""
    value = found.median
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
