"""How a receiver checks that a message is ours, in six languages: the files of `snippets`, which tests run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.utils.translation import gettext_lazy

from workwire.web.kit.parts import Words

FOLDER = Path(__file__).parent / "snippets"
LANGUAGES = (
    (gettext_lazy("Python"), "verify.py.txt"),
    (gettext_lazy("Node"), "verify.mjs"),
    (gettext_lazy("Go"), "verify.go"),
    (gettext_lazy("C#"), "verify.cs"),
    (gettext_lazy("Java"), "verify.java"),
    (gettext_lazy("PHP"), "verify.php"),
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of code that verifies messages."""

    language: Words
    text: str


@cache
def snippets() -> tuple[Snippet, ...]:
    """One for each language."""
    return tuple(Snippet(language, (FOLDER / file).read_text().strip()) for language, file in LANGUAGES)
