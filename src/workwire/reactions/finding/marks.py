"""Where a text has what was looked for: marked, and as a snippet of a long one. Texts stay as they were written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from workwire.kernel import folding
from workwire.reactions.finding.asked import Term
from workwire.reactions.finding.text_words import Run, runs_of

BEFORE, AROUND = 60, 200  # characters of a snippet: before the first match, in all
_MOST_READ = 200_000


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a text, and whether it is what was looked for."""

    text: str
    is_match: bool = False


Marked = tuple[Part, ...]


def marked(text: str, terms: Sequence[Term]) -> Marked:
    """A text with its matches marked."""
    text = folding.shown(text)
    return _parts(text, list(_matches(text, terms)), 0, len(text))


def snippet(text: str, terms: Sequence[Term]) -> Marked:
    """The piece of a text around its first match, on one line; nothing for a text without any."""
    text = " ".join(folding.shown(text[:_MOST_READ]).split())
    places = list(_matches(text, terms))
    if not places:
        return ()
    begin = _blank_behind(text, max(0, places[0][0] - BEFORE)) if places[0][0] > BEFORE else 0
    begin = min(begin, places[0][0])
    end = min(len(text), max(begin + AROUND, places[0][1]))
    parts = _parts(text, [one for one in places if one[1] <= end], begin, end)
    before = (Part("… "),) if begin else ()
    return (*before, *parts, *((Part(" …"),) if end < len(text) else ()))


def is_in(text: str, terms: Sequence[Term]) -> bool:
    """Whether a text has one of the terms."""
    return next(_matches(folding.shown(text), terms), None) is not None


def _blank_behind(text: str, place: int) -> int:
    found = text.find(" ", place)
    return found + 1 if found >= 0 else place


def _parts(text: str, places: Sequence[tuple[int, int]], begin: int, end: int) -> Marked:
    parts = []
    for first, last in places:
        if first > begin:
            parts.append(Part(text[begin:first]))
        parts.append(Part(text[first:last], is_match=True))
        begin = last
    if begin < end:
        parts.append(Part(text[begin:end]))
    return tuple(parts)


def _matches(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where a text has one of the terms, in order and not one in another."""
    runs = list(runs_of(text))
    place = 0
    while place < len(runs):
        lengths = [length for term in terms if (length := _length(runs, place, term))]
        if lengths:
            last = place + max(lengths)
            yield runs[place].begin, runs[last - 1].end
            place = last
        else:
            place += 1


def _length(runs: Sequence[Run], place: int, term: Term) -> int:
    """How many runs from a place on are a term; 0 for none."""
    left = list(term.words)
    for number, run in enumerate(runs[place:], 1):
        for word in run.words:
            is_last = len(left) == 1
            if word != left[0] and not (is_last and term.begins and word.startswith(left[0])):
                return 0
            left.pop(0)
            if not left:
                return number
    return 0
