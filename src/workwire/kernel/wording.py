"""Statements: codes with parameters, from which a sentence is made in the reader's language, by whoever shows it.

Every room says in its `sentences` module what its codes say, in English and with named places such as ``{most}``; the
catalogues of `workwire/locale` hold the other languages. To make a sentence never raises, whatever the parameters hold.

A place may say how its value is shown: ``{most:,}`` groups the digits of a number, ``{seconds:length_of_time}`` says seconds
in the largest unit that fits, and ``{status:item_status}`` stands for the words that the code ``item_status.<value>`` has. A
place with a dot, ``{due_days.idle}``, stands for the words of that code. A list is shown with commas, sentences in a list with
blanks.

English is made without Django, for processes that do not load it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils import formats, translation

Value = str | int | float | bool | None | Sequence[str]
ENGLISH = "en"
LONGEST_VALUE = 300  # characters of one value
LENGTH = "length_of_time"  # how seconds are shown
PLACE = re.compile(r"\{(\w+(?:\.\w+)?)(?::(\w+|,))?\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a code says: one sentence, or one for one and one for `many` of the parameter `counted`. `kind` is `refusal`,
    `explanation` or `words`, and `room` the one that registered it."""

    english: str
    many: str = ""
    counted: str = ""
    kind: str = ""
    room: str = ""

    @property
    def parameters(self) -> frozenset[str]:
        """The names of the values that the sentence takes, those of the words in it among them."""
        names = {self.counted} - {""}
        for name, manner in PLACE.findall(self.english + self.many):
            names |= _known[name].parameters if "." in name else {name}
            if manner not in ("", LENGTH):
                names.update(*(word.parameters for code, word in _known.items() if code.startswith(f"{manner}.")))
        return frozenset(names)

    def text(self, parameters: Mapping[str, Any], context: str, language: str) -> str:
        """The sentence in a language, with places; words have their kind as context."""
        number = parameters.get(self.counted)
        many = bool(self.many) and not (isinstance(number, int) and number == 1)
        if language == ENGLISH or not self.english:
            return self.many if many else self.english
        count = number if isinstance(number, int) else 2
        if context:
            return _words(context, self.english, self.many, count)
        return translation.ngettext(self.english, self.many, count) if self.many else translation.gettext(self.english)


def counted(by: str, one: str, many: str) -> Wording:
    """A sentence about a number, with another form for one."""
    return Wording(one, many, by)


Wordings = Mapping[str, str | Wording]
_known: dict[str, Wording] = {}
_UNITS = (("days", 48 * 3600, 24 * 3600), ("hours", 2 * 3600, 3600), ("minutes", 120, 60), ("seconds", 0, 1))


def register(
    room: str,
    *,
    refusals: Wordings | None = None,
    explanations: Wordings | None = None,
    words: Mapping[str, Wordings] | None = None,
) -> None:
    """Let the codes of a room be known; raises ValueError for one that is known already. `words` are what the values of
    parameters are called, by the name a place uses for them."""
    _add(room, "refusal", refusals or {})
    _add(room, "explanation", explanations or {})
    for name, by_value in (words or {}).items():
        _add(room, "words", {f"{name}.{value}": said for value, said in by_value.items()})


def wordings() -> Mapping[str, Wording]:
    """What every known code says."""
    return _known


@dataclass(frozen=True, slots=True)
class Statement:
    """A code with its parameters, which are plain values of JSON. `code` may end in a variant, as `parent_invalid.itself`
    does, where one code has several sentences."""

    code: str
    parameters: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.sentence(ENGLISH)

    def sentence(self, language: str | None = None) -> str:
        """The sentence in a language, or in that of the present reader."""
        return say(self.code, self.parameters, language)

    def as_json(self) -> dict[str, Any]:
        """The statement as it is kept and shown."""
        return {"code": self.code, "parameters": dict(self.parameters)}


def statement(code: str, /, **parameters: Value) -> Statement:
    """A statement, its values bounded and such as every database and every reader can take."""
    return Statement(code, {name: _plain(value) for name, value in parameters.items()})


def say(code: str, parameters: Mapping[str, Any], language: str | None = None) -> str:
    """The sentence of a code, in a language or in that of the present reader; the code itself where it is not known."""
    if language == ENGLISH:
        return _said(code, parameters, ENGLISH)
    if language is None:
        return _said(code, parameters, translation.get_language() or ENGLISH)
    with translation.override(language):
        return _said(code, parameters, language)


def say_plainly(code: str) -> str:
    """The sentence of a code with its places, in the language of the present reader; the form for many where there is one."""
    found = _known[code]
    text = found.text(
        {}, code.partition(".")[0] if found.kind == "words" else "", translation.get_language() or ENGLISH
    )
    return PLACE.sub(lambda place: say_plainly(place[1]) if "." in place[1] else f"{{{place[1]}}}", text)


def _add(room: str, kind: str, wordings: Wordings) -> None:
    for code, said in wordings.items():
        if code in _known:
            raise ValueError(f"what {code} says is registered twice")
        one = said if isinstance(said, Wording) else Wording(said)
        _known[code] = Wording(one.english, one.many, one.counted, kind, room)


def _said(code: str, parameters: Mapping[str, Any], language: str) -> str:
    found = _known.get(code)
    if found is None:
        return code
    text = found.text(parameters, code.partition(".")[0] if found.kind == "words" else "", language)
    return PLACE.sub(lambda place: _placed(place[1], place[2] or "", parameters, language), text)


def _placed(name: str, manner: str, parameters: Mapping[str, Any], language: str) -> str:
    if "." in name:
        return _said(name, parameters, language)
    return _shown(parameters.get(name), manner, parameters, language)


def _shown(value: Any, manner: str, parameters: Mapping[str, Any], language: str) -> str:
    if isinstance(value, (list, tuple)):
        parts = [_shown(part, manner, parameters, language) for part in value]
        return (" " if parts and all(part.endswith(".") for part in parts) else ", ").join(parts)
    if manner == "," and isinstance(value, int):
        return f"{value:,}" if language == ENGLISH else formats.number_format(value, use_l10n=True, force_grouping=True)
    if manner == LENGTH and isinstance(value, (int, float)):
        unit, _, size = next(one for one in _UNITS if value >= one[1] or one[2] == 1)
        return _said(f"{LENGTH}.{unit}", {"count": int(value // size)}, language)
    if manner and (code := f"{manner}.{value}") in _known:
        return _said(code, parameters, language)
    if value is None or isinstance(value, bool):
        return {None: "", True: "true", False: "false"}[value]
    return _CONTROL.sub(lambda found: repr(found[0])[1:-1], str(value))


def _words(context: str, one: str, many: str, count: int) -> str:
    return translation.npgettext(context, one, many, count) if many else translation.pgettext(context, one)


def _plain(value: Value) -> Value:
    if isinstance(value, str):
        whole = value.encode(errors="backslashreplace").decode().replace("\x00", "\\x00")
        return whole if len(whole) <= LONGEST_VALUE else f"{whole[: LONGEST_VALUE - 1]}…"
    if isinstance(value, (list, tuple)):
        return [str(_plain(str(part))) for part in value]
    return value
