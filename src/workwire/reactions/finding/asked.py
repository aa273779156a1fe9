"""What somebody asks for, read from what was typed. Any text is fine: what is no word is left out.

All words have to be there; words in quotes as a phrase; the last word may be the beginning of one, unless it is in quotes or
something stands behind it. Stop words and words of one or two characters are left out, unless they are in quotes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from workwire.kernel import folding
from workwire.reactions.finding.stop_words import stop_words
from workwire.reactions.finding.text_words import is_unspaced, words_of

LONGEST = 500  # characters that are read
MOST_TERMS = 12
SHORTEST = 3  # characters of a word
_QUOTED = re.compile(r'"([^"]*)"')
_QUOTES = str.maketrans(dict.fromkeys("„“”‟«»″＂", '"'))


@dataclass(frozen=True, slots=True)
class Term:
    """One word, or several that follow each other; of one that `begins`, the last word may go on."""

    words: tuple[str, ...]
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What all has to be in a document. Without a term there is nothing to look for."""

    terms: tuple[Term, ...]


def asked(text: str, language: str) -> Asked:
    """Read what was typed, with the stop words of a language."""
    text = folding.shown(text[:LONGEST].encode(errors="ignore").decode()).translate(_QUOTES)
    if text.count('"') % 2:  # the closing one was not typed yet
        text += '"'
    pieces = _QUOTED.split(text)  # what stands in quotes is every second one
    goes_on = bool(pieces[-1]) and pieces[-1][-1].isalnum()
    terms: list[Term] = []
    for number, piece in enumerate(pieces):
        if number % 2:
            terms += [Term(tuple(words))] if (words := words_of(piece)) else []
        else:
            is_last = number == len(pieces) - 1
            terms += _plain_terms(piece, language, last_goes_on=is_last and goes_on)
    return Asked(tuple(dict.fromkeys(terms))[:MOST_TERMS])


def _plain_terms(piece: str, language: str, *, last_goes_on: bool) -> list[Term]:
    """The terms of what stands in no quotes: what has no blank in it is one word, or a phrase of what it is made of."""
    left_out = stop_words(language)
    parts = piece.split()
    terms = []
    for number, part in enumerate(parts):
        words = tuple(words_of(part))
        goes_on = last_goes_on and number == len(parts) - 1 and not is_unspaced(part[-1])
        if words and not _says_nothing(words, left_out):
            terms.append(Term(words, begins=goes_on))
    return terms


def _says_nothing(words: tuple[str, ...], left_out: frozenset[str]) -> bool:
    if len(words) > 1:
        return False
    return words[0] in left_out or (len(words[0]) < SHORTEST and not is_unspaced(words[0]))
