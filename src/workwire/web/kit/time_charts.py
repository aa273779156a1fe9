"""Charts over time, drawn by the server as SVG: columns for how much, lines for how long, and a spark in a row of a list.

Columns and lines have the table of their figures behind them; each title names its period.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from workwire.web.kit.charts import Series
from workwire.web.kit.parts import Words

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 480, 128, 44, 18, 8  # units of the drawing
SPARK_WIDTH, SPARK_HEIGHT = 96, 16
MARKS = 4  # words below the slots


@dataclass(frozen=True, slots=True)
class Piece:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    tone: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Words at a place of the drawing."""

    x: float
    words: Words


@dataclass(frozen=True, slots=True)
class Line:
    """A line through the slots that have a value, broken where one has none; `dots` are values between two that have none."""

    paths: tuple[str, ...]
    dots: tuple[tuple[float, float], ...]
    tone: str


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the table behind a chart."""

    words: Words
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Columns or lines over slots of time; `most` is what the upper rule stands for."""

    title: Words
    series: tuple[Series, ...]
    pieces: tuple[Piece, ...]
    lines: tuple[Line, ...]
    marks: tuple[Mark, ...]
    most: str
    rows: tuple[Told, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    ground: int = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Spark:
    """Small columns, one for each slot, and what they say in words."""

    words: Words
    paths: tuple[tuple[str, str], ...]  # of each tone, all of its columns as one path
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


def columns(title: Words, series: Sequence[Series], rows: Sequence[tuple[Words, Sequence[int]]]) -> TimeChart:
    """Draw a column of stacked pieces for each slot, to the scale of the highest."""
    most = max((sum(values) for _, values in rows), default=0)
    step, scale = _step(rows), (HEIGHT - BOTTOM - TOP) / (most or 1)
    pieces: list[Piece] = []
    for number, (_, values) in enumerate(rows):
        y = float(HEIGHT - BOTTOM)
        for value, one in zip(values, series, strict=True):
            height = max(1.0, value * scale) if value else 0.0
            y -= height
            if value:
                left, width = round(LEFT + number * step + 1, 1), round(max(1.0, step - 2), 1)
                pieces.append(Piece(left, round(y, 1), width, round(height, 1), one.tone))
    told = tuple(Told(words, tuple(str(value) for value in values)) for words, values in rows)
    return TimeChart(title, tuple(series), tuple(pieces), (), _marks(rows), str(most), told)


def lines(
    title: Words, series: Sequence[Series], rows: Sequence[tuple[Words, Sequence[tuple[float, str] | None]]]
) -> TimeChart:
    """Draw a line for each series through its values, each given with the words that say it; None where there is none."""
    known = [value for _, values in rows for value in values if value is not None]
    top = max(known, default=(1.0, "0"))
    step, scale = _step(rows), (HEIGHT - BOTTOM - TOP) / (top[0] or 1)
    drawn = tuple(
        _line([_place(number, values[at], step, scale) for number, (_, values) in enumerate(rows)], one.tone)
        for at, one in enumerate(series)
    )
    told = tuple(Told(words, tuple(value[1] if value else "–" for value in values)) for words, values in rows)
    return TimeChart(title, tuple(series), (), drawn, _marks(rows), top[1], told)


def spark(words: Words, shares: Sequence[float | None]) -> Spark:
    """Draw the share of each slot that went well: full height where all did, the part that failed in another colour above it,
    a stub where nothing was."""
    step = SPARK_WIDTH / max(1, len(shares))
    width = round(max(1.0, step - 1), 1)
    paths: dict[str, str] = {}
    for number, share in enumerate(shares):
        parts: tuple[tuple[str, float, float], ...] = (("none", SPARK_HEIGHT - 2.0, 2.0),)
        if share is not None:
            well = round(share * SPARK_HEIGHT, 1)
            parts = (("bad", 0.0, SPARK_HEIGHT - well), ("ok", SPARK_HEIGHT - well, well))
        for tone, y, height in parts:
            if height:
                paths[tone] = f"{paths.get(tone, '')}M{number * step:g} {y:g}h{width:g}v{height:g}h-{width:g}z"
    return Spark(words, tuple(paths.items()))


def _step(rows: Sequence[object]) -> float:
    return (WIDTH - LEFT) / max(1, len(rows))


def _marks(rows: Sequence[tuple[Words, object]]) -> tuple[Mark, ...]:
    step, every = _step(rows), max(1, len(rows) // MARKS)
    return tuple(Mark(round(LEFT + number * step, 1), rows[number][0]) for number in range(0, len(rows), every))


def _place(number: int, value: tuple[float, str] | None, step: float, scale: float) -> tuple[float, float] | None:
    if value is None:
        return None
    return round(LEFT + (number + 0.5) * step, 1), round(HEIGHT - BOTTOM - value[0] * scale, 1)


def _line(places: Sequence[tuple[float, float] | None], tone: str) -> Line:
    runs: list[list[tuple[float, float]]] = [[]]
    for place in places:
        if place is None:
            runs.append([])
        else:
            runs[-1].append(place)
    paths = tuple(" ".join(f"{x},{y}" for x, y in run) for run in runs if len(run) > 1)
    return Line(paths, tuple(run[0] for run in runs if len(run) == 1), tone)
