"""Cutting a text into words, for the index and for what is asked alike, so that both always fit.

A word is a run of letters and digits, folded as names are (`kernel.folding`); all else splits words. Where people write no
blanks between words (Chinese, Japanese), each character is a word, and a run of them is found as a phrase.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from workwire.kernel import folding

LONGEST_WORD = 60  # characters; of a longer one the beginning counts
MOST_WORDS = 4000  # of one part of a document
_UNSPACED = "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_UNSPACED}]|[^\\W_{_UNSPACED}]+")
_PLAIN = re.compile(r"[a-z0-9]+")
_MOST_READ = 400_000  # characters of a text, far more than `MOST_WORDS` take


@dataclass(frozen=True, slots=True)
class Run:
    """Where a text has something that is a word, or several once it is folded."""

    words: tuple[str, ...]
    begin: int
    end: int


def words_of(text: str) -> list[str]:
    """The words of a text in their order, at most `MOST_WORDS`."""
    if text.isascii():
        found = _PLAIN.findall(text[:_MOST_READ].lower())[:MOST_WORDS]
        return [word[:LONGEST_WORD] for word in found]
    words = [word for run in runs_of(folding.shown(text[:_MOST_READ])) for word in run.words]
    return words[:MOST_WORDS]


def runs_of(text: str) -> Iterator[Run]:
    """The words of a text with their places in it."""
    for found in _RUN.finditer(text):
        if words := _folded(found[0]):
            yield Run(words, found.start(), found.end())


def is_unspaced(word: str) -> bool:
    """Whether a word is a character of a script that has no blanks between words."""
    return re.fullmatch(f"[{_UNSPACED}]", word) is not None


@lru_cache(maxsize=20_000)
def _folded(written: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST_WORD] for word in _RUN.findall(folding.folded(written)) if word.isalnum())
