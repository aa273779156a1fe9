"""What measurements give and get: figures with names, a size and a database; and the table they end up in."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


class Failed(Exception):
    """A measurement did not do what it measured: something was lost, late or refused."""


@dataclass(frozen=True, slots=True)
class Given:
    """What to measure on: a database (empty where none is involved), in full or in small sizes."""

    database: str
    quick: bool

    def size(self, full: int, quick: int) -> int:
        """One of two sizes."""
        return quick if self.quick else full

    @property
    def runs(self) -> int:
        """How many runs a median is taken of."""
        return self.size(3, 1)


@dataclass(frozen=True, slots=True)
class Figure:
    """A result; others refer to it by its name. `at` is the size it was measured at, where its row's label tells one."""

    name: str
    value: float
    unit: str
    at: int | None = None

    def __str__(self) -> str:
        return f"{_short(self.value)} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: a figure, or its ratio to another one of the same run, and what it should at least or at most
    be. `{at}` in its label stands for the size measured. Its target belongs to full sizes, unless it is the same `at_any`."""

    what: str
    figure: str
    against: str = ""
    least: float | None = None
    most: float | None = None
    at_any: bool = False

    def line(self, figures: Mapping[str, Figure], *, in_full: bool = True) -> str | None:
        """The line in Markdown; None when its figures were not measured."""
        figure, baseline = figures.get(self.figure), figures.get(self.against)
        if figure is None or (self.against and baseline is None):
            return None
        value, ratio = figure.value, "–"
        if baseline is not None:
            value = figure.value / baseline.value
            ratio = f"{_short(value)} × {self.against}"
        what = self.what.replace("{at}", f"{figure.at:,}") if figure.at is not None else self.what
        reached = self._reached(value) if in_full or self.at_any else "–"
        return f"| {what} | {figure} | {ratio} | {self._target()} | {reached} |"

    def _target(self) -> str:
        sign, bound = ("≥", self.least) if self.least is not None else ("≤", self.most)
        return "–" if bound is None else f"{sign} {_short(bound)}{' ×' if self.against else ''}"

    def _reached(self, value: float) -> str:
        if self.least is None and self.most is None:
            return "–"
        fits = (self.least is None or value >= self.least) and (self.most is None or value <= self.most)
        return "yes" if fits else "**no**"


def table(rows: Sequence[Row], figures: Mapping[str, Figure], *, in_full: bool = True) -> str:
    """The rows whose figures were measured, as a Markdown table; small sizes are judged only by what holds at any."""
    lines = [line for row in rows if (line := row.line(figures, in_full=in_full)) is not None]
    head = ["| measurement | figure | ratio | target | reached |", "| --- | --- | --- | --- | --- |"]
    return "\n".join([*head, *lines])


def median(name: str, values: Sequence[float], unit: str) -> Figure:
    """The middle one of several runs."""
    return Figure(name, statistics.median(values), unit)


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, min(len(ordered) - 1, round(len(ordered) * share) - 1))]


def check(holds: bool, sentence: str) -> None:
    """Raise Failed with a sentence unless something holds."""
    if not holds:
        raise Failed(sentence)


def say(text: str) -> None:
    """Tell who watches how far it got."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
