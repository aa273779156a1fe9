"""Charts drawn by the server as SVG, each with the table of its figures behind it; no style and no script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workwire.web.kit.parts import Words

WIDTH, BAR, GAP, LABEL, FIGURE = 480, 12, 10, 160, 40  # units of the drawing


@dataclass(frozen=True, slots=True)
class Series:
    """What one colour of a chart stands for (tones as those of states)."""

    words: Words
    tone: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A piece of a row: where it begins, how long it is, in units of the drawing."""

    x: float
    width: float
    tone: str


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a chart with its place in the drawing."""

    words: Words
    values: tuple[float, ...]
    total: float
    y: int
    text_y: int
    bars: tuple[Bar, ...]
    figure_x: float


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows of stacked bars."""

    title: Words
    series: tuple[Series, ...]
    rows: tuple[Row, ...]
    height: int
    width: int = WIDTH


def bars(title: Words, series: Sequence[Series], rows: Sequence[tuple[Words, Sequence[int]]]) -> Bars:
    """Draw a row of bars for each label, to the scale of the longest."""
    most = max((sum(values) for _, values in rows), default=0) or 1
    scale = (WIDTH - LABEL - FIGURE) / most
    drawn = tuple(_row(words, values, series, index * (BAR + GAP), scale) for index, (words, values) in enumerate(rows))
    return Bars(title, tuple(series), drawn, max(1, len(rows)) * (BAR + GAP))


def steps(title: Words, series: Series, rows: Sequence[tuple[Words, float]]) -> Bars:
    """Draw steps that follow each other in time: each begins where the one before it ended."""
    scale = (WIDTH - LABEL - FIGURE) / (sum(value for _, value in rows) or 1)
    x = float(LABEL)
    drawn: list[Row] = []
    for index, (words, value) in enumerate(rows):
        y, width = index * (BAR + GAP), max(2.0, value * scale)
        piece = Bar(round(x, 1), round(width, 1), series.tone)
        drawn.append(Row(words, (value,), value, y, y + BAR - 2, (piece,), round(x + width + 6, 1)))
        x += value * scale
    return Bars(title, (series,), tuple(drawn), max(1, len(rows)) * (BAR + GAP))


def _row(words: Words, values: Sequence[int], series: Sequence[Series], y: int, scale: float) -> Row:
    x, pieces = float(LABEL), []
    for value, one in zip(values, series, strict=True):
        if value:
            pieces.append(Bar(round(x, 1), round(max(2.0, value * scale - 1), 1), one.tone))
            x += value * scale
    return Row(words, tuple(values), sum(values), y, y + BAR - 2, tuple(pieces), round(x + 6, 1))
