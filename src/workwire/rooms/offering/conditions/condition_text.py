"""The text form of conditions, both ways: ``[customerName] = "Acme" and [amount] >= 100``.

*not* binds closer than *and*, *and* closer than *or*. What is rendered is parsed to the same tree again. Operators may also be
written as in the documented expressions: ``==``, ``!=``, ``&&``, ``||``, ``!``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from workwire.kernel.errors import Invalid
from workwire.rooms.offering.conditions import trees
from workwire.rooms.offering.conditions.trees import (
    AllOf,
    AnyOf,
    Call,
    Comparison,
    Condition,
    Field,
    Literal,
    Node,
    Not,
    Value,
)
from workwire.rooms.offering.conditions.value_types import FUNCTIONS, Operator

LONGEST = 256 * 1024  # characters of a text; more than any tree is rendered to
SYMBOLS: Mapping[Operator, str] = {
    Operator.EQUALS: "=",
    Operator.DIFFERS: "!=",
    Operator.GREATER: ">",
    Operator.LESS: "<",
    Operator.AT_LEAST: ">=",
    Operator.AT_MOST: "<=",
    Operator.BETWEEN: "between",
    Operator.IS_EMPTY: "is empty",
    Operator.CONTAINS: "contains",
}
_SPELLED = {"==": "=", "<>": "!=", "≠": "!=", "≥": ">=", "≤": "<=", "&&": "and", "||": "or", "!": "not"}
_OF_SYMBOL = {symbol: operator for operator, symbol in SYMBOLS.items() if operator.values == 1}
_CALLED = {signature.written.lower(): function for function, signature in FUNCTIONS.items()}
_WORDS = frozenset({"and", "or", "not", "between", "is", "empty", "contains", "true", "false"})
_TOKEN = re.compile(
    r"""(?P<blank>\s+)
    |(?P<field>\[[^\[\]]*\])
    |(?P<text>"(?:[^"\\]|\\.)*")
    |(?P<moment>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:?[0-9]{2})?)
    |(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})
    |(?P<number>-?[0-9]+(?:\.[0-9]+)?)
    |(?P<word>[A-Za-z]+)
    |(?P<sign><>|[=!<>]=|&&|\|\||[=<>!≠≥≤(),])""",
    re.VERBOSE | re.DOTALL,
)


class _Token(NamedTuple):
    kind: str
    written: str
    at: int


def parse(written: str) -> Condition:
    """The condition a text says; raises Invalid with the `position` (a character, from 1) where it cannot be read."""
    if len(written) > LONGEST:
        raise Invalid("condition_too_large", most=trees.MOST_PARTS)
    reader = _Reader(_tokens(written))
    found = reader.condition()
    reader.end()
    return trees.require_bounded(found)


def render(node: Node) -> str:
    """The text of a condition or of a value."""
    if isinstance(node, (AllOf, AnyOf)):
        word = " and " if isinstance(node, AllOf) else " or "
        return word.join(_grouped(part, within=node) for part in node.parts)
    if isinstance(node, Not):
        if isinstance(node.part, Comparison) and node.part.operator == Operator.IS_EMPTY:
            return f"{render(node.part.left)} is not empty"
        return f"not {_grouped(node.part, within=node)}"
    if isinstance(node, Comparison):
        return _compared(node)
    if isinstance(node, Field):
        return f"[{node.name}]"
    if isinstance(node, Call):
        return f"{FUNCTIONS[node.function].written}({', '.join(map(render, node.arguments))})"
    return _literal(node)


def _compared(node: Comparison) -> str:
    left, symbol = render(node.left), SYMBOLS[node.operator]
    if node.operator == Operator.EQUALS and isinstance(node.right[0], Literal) and node.right[0].value is True:
        return left
    return f"{left} {symbol} {' and '.join(map(render, node.right))}".rstrip()


def _grouped(part: Condition, *, within: Condition) -> str:
    """A part in brackets where it would be read as another tree without."""
    closer = isinstance(part, (Comparison, Not)) or (isinstance(within, AnyOf) and isinstance(part, AllOf))
    return render(part) if closer else f"({render(part)})"


def _literal(node: Literal) -> str:
    value = trees.plain(node.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return format(node.value, "f")
    if isinstance(node.value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return value


def _tokens(written: str) -> list[_Token]:
    found, at = [], 0
    while at < len(written):
        token = _TOKEN.match(written, at)
        if token is None:
            raise _unreadable(written, at)
        if token.lastgroup != "blank":
            found.append(_Token(token.lastgroup or "", token.group(), at))
        at = token.end()
    return [*found, _Token("end", "", len(written))]


def _unreadable(written: str, at: int) -> Invalid:
    if written[at] == '"':
        return Invalid("condition_unreadable.text_open", position=at + 1)
    if written[at] == "[":
        return Invalid("condition_unreadable.field_open", position=at + 1)
    return Invalid("condition_unreadable.character", position=at + 1, found=written[at])


class _Reader:
    """Reads tokens from left to right, one function for each rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._next, self._level = tokens, 0, 0

    def condition(self) -> Condition:
        """One or more parts joined by *or*."""
        parts = [self._all()]
        while self._took("or"):
            parts.append(self._all())
        return AnyOf(tuple(parts)) if len(parts) > 1 else parts[0]

    def end(self) -> None:
        """Raise Invalid where something is left."""
        if self._token.kind != "end":
            raise Invalid("condition_unreadable.end", position=self._token.at + 1, found=self._token.written)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._took("and"):
            parts.append(self._one())
        return AllOf(tuple(parts)) if len(parts) > 1 else parts[0]

    def _one(self) -> Condition:
        self._deeper()
        try:
            if self._took("not"):
                return Not(self._one())
            if not self._took("("):
                return self._comparison()
            inner = self.condition()
            self._require(")")
            return inner
        finally:
            self._level -= 1

    def _comparison(self) -> Condition:
        begin = self._token
        left = self._value()
        if isinstance(left, Literal):
            raise Invalid("condition_unreadable.literal_first", position=begin.at + 1)
        if self._took("is"):
            negated = self._took("not")
            self._require("empty")
            empty = Comparison(left, Operator.IS_EMPTY)
            return Not(empty) if negated else empty
        if self._took("between"):
            least = self._value()
            self._require("and")
            return Comparison(left, Operator.BETWEEN, (least, self._value()))
        operator = _OF_SYMBOL.get(self._symbol)
        if operator is not None:
            self._next += 1
            return Comparison(left, operator, (self._value(),))
        if self._token.kind == "end" or self._symbol in ("and", "or", ")"):
            return Comparison(left, Operator.EQUALS, (Literal(True),))
        raise Invalid("condition_unreadable.operator", position=self._token.at + 1, found=self._token.written)

    def _value(self) -> Value:
        token = self._token
        if token.kind == "word" and token.written.lower() in _CALLED:
            return self._call()
        if token.kind == "word" and token.written.lower() not in _WORDS:
            raise Invalid("condition_unreadable.name", position=token.at + 1, found=token.written)
        self._next += 1
        try:
            if token.kind == "field":
                return trees.field_named(token.written[1:-1].strip())
            if token.kind == "text":
                return trees.text_literal(re.sub(r"\\(.)", r"\1", token.written[1:-1], flags=re.DOTALL))
            if token.kind == "number":
                return trees.number_literal(token.written)
            if token.kind == "date":
                return trees.date_literal(token.written)
            if token.kind == "moment":
                return trees.moment_literal(token.written)
        except Invalid as error:
            raise Invalid("condition_unreadable.value", position=token.at + 1, found=token.written) from error
        if token.written.lower() in ("true", "false"):
            return Literal(token.written.lower() == "true")
        self._next -= 1
        raise Invalid("condition_unreadable.value_expected", position=self._token.at + 1, found=self._token.written)

    def _call(self) -> Value:
        token = self._token
        function = _CALLED[token.written.lower()]
        self._deeper()
        self._next += 1
        self._require("(")
        arguments = [self._value()]
        while self._took(","):
            arguments.append(self._value())
        self._require(")")
        self._level -= 1
        try:
            return trees.call(function, tuple(arguments))
        except Invalid as error:
            raise Invalid(
                "condition_unreadable.arguments",
                position=token.at + 1,
                function=FUNCTIONS[function].written,
                takes=len(FUNCTIONS[function].takes),
            ) from error

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    @property
    def _symbol(self) -> str:
        """The present token if it is a word or a sign, in its one spelling."""
        if self._token.kind not in ("word", "sign"):
            return ""
        written = self._token.written.lower()
        return _SPELLED.get(written, written)

    def _took(self, symbol: str) -> bool:
        if self._symbol != symbol:
            return False
        self._next += 1
        return True

    def _require(self, symbol: str) -> None:
        if not self._took(symbol):
            raise Invalid(
                "condition_unreadable.expected",
                position=self._token.at + 1,
                expected=symbol,
                found=self._token.written,
            )

    def _deeper(self) -> None:
        self._level += 1
        if self._level > trees.DEEPEST * 2:  # brackets need none of the tree's depth
            raise Invalid("condition_too_deep", most=trees.DEEPEST)
